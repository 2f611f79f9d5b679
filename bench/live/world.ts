// A deployed market with many leveraged accounts on a chain of its own process, which can be put back to its start.
import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  HDNodeWallet,
  JsonRpcProvider,
  Network,
  NonceManager,
  parseEther,
  parseUnits,
  toBeHex,
  ZeroAddress,
} from "ethers";
import hre from "hardhat";

import { deployLocal } from "../../deploy/lib/deploy.ts";
import { LOCAL_POOL_FEE, toAnswer } from "../../deploy/lib/localNetwork.ts";
import { startAnvil } from "../../replay/anvil.ts";
import { addLiquidity, attachUniswap, marketOf, swapToPrice } from "../../scripts/lib/uniswap.ts";
import { accountId } from "../../sdk/ids.ts";
import {
  IMarginAccounts__factory,
  LocalToken__factory,
  MarginLens__factory,
  MockV3Aggregator__factory,
  SizeCheckpoints__factory,
  Vault__factory,
  WETH__factory,
} from "../../types/ethers-contracts/index.js";

const MNEMONIC = "test test test test test test test test test test test junk";
const MAX = (1n << 256n) - 1n;
const CHAIN_ID = 31_337n;
/** Accounts opened by one transaction: as many as a session may touch, less a few. */
const BATCH = 40;
const FULL_PRICE = 3_000;
const SETTLEMENT = 1;
/** WETH of an account. */
const SIZE = 5;
/** Debt for each WETH: below maintenance under debt ÷ 0.9; insolvent under debt. */
const LEAST_DEBT = 800;
const BATCH_GAS = 15_000_000n;

export const keyOf = (index: number): HDNodeWallet =>
  HDNodeWallet.fromPhrase(MNEMONIC, undefined, `m/44'/60'/0'/0/${index}`);

export interface LiveOptions {
  readonly accounts: number;
  /** Most debt for each WETH, USDC. */
  readonly mostDebt: number;
  readonly blockGas: number;
}

export type LiveWorld = Awaited<ReturnType<typeof createLiveWorld>>;

export const createLiveWorld = async ({ accounts: count, mostDebt, blockGas }: LiveOptions) => {
  const stop = new AbortController();
  const node = await startAnvil(Math.floor(Date.now() / 1_000), stop.signal);
  const directory = mkdtempSync(join(tmpdir(), "plimsoll-live-"));
  const journal = `keeper-live-${process.pid}`;
  const cleanUp = async () => {
    rmSync(join(hre.config.paths.ignition, "deployments", journal), { recursive: true, force: true });
    rmSync(directory, { recursive: true, force: true });
    await node.stop();
  };
  try {
    const connection = await hre.network.create({ network: "localhost", override: { url: node.url } });
    const network = Network.from(CHAIN_ID);
    const provider = new JsonRpcProvider(node.url, network, {
      staticNetwork: network,
      cacheTimeout: -1,
      polling: true,
      pollingInterval: 50,
    });
    const send = (method: string, ...args: unknown[]) => provider.send(method, args);
    await send("anvil_setNextBlockBaseFeePerGas", "0x0"); // full blocks would make gas dearer with every block
    const deployment = await deployLocal(connection, { handover: false, deploymentId: journal });
    await connection.close();
    const file = join(directory, "deployment.json");
    writeFileSync(file, JSON.stringify(deployment));

    const signer = (index: number) => new NonceManager(keyOf(index).connect(provider));
    const [deployer, crowd] = [signer(0), signer(5)];
    const owner = keyOf(5).address;
    const { contracts, assets, uniswap: uni } = deployment;
    const [usdcAt, wethAt] = [assets["USDC"], assets["WETH"]];
    if (usdcAt === undefined || wethAt === undefined || uni.router === undefined || uni.positions === undefined) {
      throw new Error("the local network lacks USDC, WETH or Uniswap");
    }
    for (const index of [0, 5]) await send("anvil_setBalance", keyOf(index).address, toBeHex(parseEther("10000000")));
    const usdc = LocalToken__factory.connect(usdcAt.token, deployer);
    const weth = (who: NonceManager) => WETH__factory.connect(wethAt.token, who);
    const done = async (sent: Promise<{ wait(): Promise<unknown> }>) => (await sent).wait();

    const uniswap = attachUniswap({ factory: uni.factory, router: uni.router, positions: uni.positions }, deployer);
    const market = await marketOf(uniswap, wethAt.token, usdcAt.token, LOCAL_POOL_FEE);
    const deep = { base: parseEther("1000000"), quote: parseUnits("3000000000", 6) };
    await done(usdc.mint(keyOf(0).address, 2n * deep.quote));
    await done(weth(deployer).deposit({ value: 2n * deep.base }));
    await addLiquidity(uniswap, market, deployer, deep, 4);
    const vault = Vault__factory.connect(usdcAt.vault ?? ZeroAddress, deployer);
    await done(usdc.approve(vault, MAX));
    await done(vault.deposit(parseUnits("500000000", 6), keyOf(0).address));

    const safe = IMarginAccounts__factory.connect(contracts.safe, crowd);
    await done(weth(crowd).deposit({ value: parseEther(String(2 * SIZE * count)) }));
    await done(weth(crowd).approve(contracts.safe, MAX));
    const feeds = ["USDC", "WETH", "WBTC", "stETH"].map((symbol) =>
      MockV3Aggregator__factory.connect(assets[symbol]?.feed ?? ZeroAddress, deployer),
    );
    const wethFeed = MockV3Aggregator__factory.connect(wethAt.feed, deployer);
    await done(wethFeed.updateAnswer(toAnswer(FULL_PRICE)));
    const ids = Array.from({ length: count }, (_, i) => accountId(owner, BigInt(i)));
    // The same every time: no two runs differ but by what happens in them.
    const debtOf = (i: number) => LEAST_DEBT + (((i * 7_919) % 10_007) / 10_007) * (mostDebt - LEAST_DEBT);
    for (let at = 0; at < count; at += BATCH) {
      const calls = ids.slice(at, at + BATCH).flatMap((id, k) => [
        {
          target: ZeroAddress,
          data: safe.interface.encodeFunctionData("deposit", [id, wethAt.id, parseEther(String(SIZE))]),
        },
        {
          target: ZeroAddress,
          data: safe.interface.encodeFunctionData("borrow", [
            id,
            SETTLEMENT,
            parseUnits((SIZE * debtOf(at + k)).toFixed(2), 6),
            owner,
          ]),
        },
      ]);
      await done(safe.batch(calls, { gasLimit: BATCH_GAS }));
    }
    for (const feed of feeds) await done(feed.updateAnswer(await feed.latestAnswer()));
    const checkpoints = SizeCheckpoints__factory.connect(contracts.sizeCheckpoints, deployer);
    await done(checkpoints.update(wethAt.id));
    await send("evm_setBlockGasLimit", toBeHex(blockGas));
    await send("anvil_setNextBlockBaseFeePerGas", "0x0");
    await send("evm_mine");
    let snapshot = (await send("evm_snapshot")) as string;
    const lens = MarginLens__factory.connect(contracts.lens, provider);

    return {
      node,
      provider,
      deployment,
      directory,
      file,
      accounts: ids,
      safe,
      auction: contracts.auction,
      send,
      /** One block with the new price on the feed and in the pool; its number. */
      gap: async (part: number): Promise<number> => {
        const price = FULL_PRICE * (1 - part);
        deployer.reset();
        // The pool moves first: arbitrage is faster than feeds.
        await swapToPrice(uniswap, market, deployer, parseUnits(price.toString(), 18));
        await send("evm_setAutomine", false);
        const update = await wethFeed.updateAnswer(toAnswer(price), { gasLimit: 500_000n });
        await send("evm_mine");
        return (await update.wait())?.blockNumber ?? 0;
      },
      /** Accounts below maintenance, by the chain itself, at a block or now. */
      below: async (blockTag: number | "latest" = "latest"): Promise<string[]> => {
        const found: string[] = [];
        for (let at = 0; at < ids.length; at += BATCH * 4) {
          const slices = [0, 1, 2, 3].map((i) => ids.slice(at + i * BATCH, at + (i + 1) * BATCH));
          const healths = await Promise.all(slices.map((slice) => lens.healthOf(slice, { blockTag })));
          for (const { account, maintenance } of healths.flat()) if (maintenance < 0n) found.push(account);
        }
        return found;
      },
      reset: async () => {
        await send("evm_setIntervalMining", 0);
        await send("evm_setAutomine", true);
        await send("evm_revert", snapshot);
        snapshot = (await send("evm_snapshot")) as string;
        deployer.reset();
        crowd.reset();
      },
      close: async () => {
        stop.abort();
        provider.destroy();
        await cleanUp();
      },
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
};
