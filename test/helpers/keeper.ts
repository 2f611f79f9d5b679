// A deployed market on a chain of its own process, and keepers that work on it over JSON-RPC.
import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect as connectTo, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { HDNodeWallet, parseUnits, type Signer } from "ethers";
import hre from "hardhat";

import { deployLocal } from "../../deploy/lib/deploy.ts";
import { LOCAL_DECIMALS, LOCAL_POOL_FEE, type LocalSymbol, toAnswer } from "../../deploy/lib/localNetwork.ts";
import { type KeeperOptions, parseOptions } from "../../keeper/config.ts";
import { runKeeper } from "../../keeper/keeper.ts";
import type { Totals } from "../../keeper/tally.ts";
import { createLogger } from "../../keeper/logger.ts";
import { freePort, type LocalChain, startChain } from "../../replay/chain.ts";
import { accountId } from "../../scripts/lib/ids.ts";
import { addLiquidity, attachUniswap, marketOf, swapToPrice } from "../../scripts/lib/uniswap.ts";
import {
  IMarginAccounts__factory,
  InsuranceFund__factory,
  LiquidationAuction__factory,
  LiquidationUnwinder__factory,
  LocalToken__factory,
  MarginLens__factory,
  MockV3Aggregator__factory,
  SizeCheckpoints__factory,
  Vault__factory,
  WETH__factory,
} from "../../types/ethers-contracts/index.js";

export const WAD = 10n ** 18n;
const MAX = (1n << 256n) - 1n;
const MNEMONIC = "test test test test test test test test test test test junk";
const KEEPER_INDEX = 9;
const WAIT_MS = 30_000;

/** The development mnemonic's tenth account. */
export const KEEPER = HDNodeWallet.fromPhrase(MNEMONIC, undefined, `m/44'/60'/0'/0/${KEEPER_INDEX}`);

export const units = (symbol: LocalSymbol, amount: number): bigint =>
  parseUnits(amount.toString(), LOCAL_DECIMALS[symbol]);

export type World = Awaited<ReturnType<typeof createWorld>>;

/** Starts a chain, deploys a local network with deep Uniswap markets and lenders, and remembers that state. */
export const createWorld = async () => {
  const node = await startChain(Math.floor(Date.now() / 1_000), new AbortController().signal);
  const directory = mkdtempSync(join(tmpdir(), "plimsoll-keeper-"));
  const journal = `keeper-test-${process.pid}`;
  const dropJournal = () =>
    rmSync(join(hre.config.paths.ignition, "deployments", journal), { recursive: true, force: true });
  try {
    return await furnish(node, directory, journal, dropJournal);
  } catch (error) {
    dropJournal();
    rmSync(directory, { recursive: true });
    await node.stop();
    throw error;
  }
};

const furnish = async (node: LocalChain, directory: string, journal: string, dropJournal: () => void) => {
  const connection = await hre.network.create({ network: "localhost", override: { url: node.url } });
  const { provider } = connection.ethers;
  const deployment = await deployLocal(connection, { handover: false, deploymentId: journal });
  const file = join(directory, "deployment.json");
  writeFileSync(file, JSON.stringify(deployment));

  const signers = await connection.ethers.getSigners();
  const [deployer, , , , , trader, second, lender, rival] = signers as unknown as [
    Signer,
    Signer,
    Signer,
    Signer,
    Signer,
    Signer,
    Signer,
    Signer,
    Signer,
  ];
  const { contracts, assets } = deployment;
  const listed = (symbol: LocalSymbol) => {
    const asset = assets[symbol];
    if (asset === undefined) throw new Error(`${symbol} is not deployed`);
    return asset;
  };
  const ids = { USDC: listed("USDC").id, WETH: listed("WETH").id, WBTC: listed("WBTC").id };
  const safe = IMarginAccounts__factory.connect(contracts.safe, deployer);
  const usdc = LocalToken__factory.connect(listed("USDC").token, deployer);
  const weth = WETH__factory.connect(listed("WETH").token, deployer);
  const feeds = (["USDC", "WETH", "WBTC", "stETH"] as const).map((symbol) =>
    MockV3Aggregator__factory.connect(listed(symbol).feed, deployer),
  );
  const wethFeed = MockV3Aggregator__factory.connect(listed("WETH").feed, deployer);

  const { factory, router, positions } = deployment.uniswap;
  if (router === undefined || positions === undefined) throw new Error("a local network has all of Uniswap");
  const uniswap = attachUniswap({ factory, router, positions }, deployer);
  const market = await marketOf(uniswap, listed("WETH").token, listed("USDC").token, LOCAL_POOL_FEE);

  const mint = async (symbol: "USDC" | "WETH", to: Signer, amount: bigint) => {
    if (symbol === "USDC") await (await usdc.mint(await to.getAddress(), amount)).wait();
    else await (await weth.connect(to).deposit({ value: amount })).wait();
    const token = LocalToken__factory.connect(listed(symbol).token, to);
    await (await token.approve(contracts.safe, MAX)).wait();
  };

  await mint("USDC", deployer, units("USDC", 100_000_000));
  await mint("WETH", deployer, units("WETH", 4_000));
  await addLiquidity(uniswap, market, deployer, { base: units("WETH", 2_000), quote: units("USDC", 5_000_000) }, 4);
  await mint("USDC", lender, units("USDC", 10_000_000));
  const vault = Vault__factory.connect(listed("USDC").vault ?? "", lender);
  await (await usdc.connect(lender).approve(vault, MAX)).wait();
  await (await vault.deposit(units("USDC", 9_000_000), lender)).wait();

  const fund = InsuranceFund__factory.connect(contracts.insuranceFund, lender);
  await (await usdc.connect(lender).approve(fund, MAX)).wait();

  // Looked at just now, so that no chore is due for an hour and the tests' transactions are the keeper's only ones.
  const checkpoints = SizeCheckpoints__factory.connect(contracts.sizeCheckpoints, deployer);
  await (await checkpoints.update(ids.WETH)).wait();

  let snapshot = (await provider.send("evm_snapshot", [])) as string;

  /** A new round on the WETH feed, and arbitrage of the pool to `poolPrice`. */
  const setPrice = async (price: number, poolPrice = price) => {
    await (await wethFeed.updateAnswer(toAnswer(price))).wait();
    await swapToPrice(uniswap, market, deployer, parseUnits(poolPrice.toString(), 18));
  };

  /** Deposits WETH and borrows USDC: 10 WETH against 20,000 USDC are below maintenance under 2,223. */
  const openLong = async (owner: Signer = trader, { weth: amount = 10, debt = 20_000, index = 0n } = {}) => {
    const address = await owner.getAddress();
    const account = accountId(address, index);
    await mint("WETH", owner, units("WETH", amount));
    await (await safe.connect(owner).deposit(account, ids.WETH, units("WETH", amount))).wait();
    await (await safe.connect(owner).borrow(account, ids.USDC, units("USDC", debt), address)).wait();
    return account;
  };

  /** Deposits lent USDC (vault shares) and borrows WETH: 30,000 against 8 WETH are below maintenance over 3,375. */
  const openShort = async (owner: Signer = trader, { usdc: amount = 30_000, debt = 8 } = {}) => {
    const address = await owner.getAddress();
    const account = accountId(address);
    const { vault: shares = "", vaultShareId = 0 } = listed("USDC");
    await mint("WETH", lender, units("WETH", 100));
    await (
      await safe.connect(lender).deposit(accountId(await lender.getAddress()), ids.WETH, units("WETH", 100))
    ).wait();
    await mint("USDC", owner, units("USDC", amount));
    await (await usdc.connect(owner).approve(shares, MAX)).wait();
    const ownVault = Vault__factory.connect(shares, owner);
    await (await ownVault.deposit(units("USDC", amount), owner)).wait();
    await (await ownVault.approve(contracts.safe, MAX)).wait();
    await (await safe.connect(owner).deposit(account, vaultShareId, await ownVault.balanceOf(owner))).wait();
    await (await safe.connect(owner).borrow(account, ids.WETH, units("WETH", debt), address)).wait();
    return account;
  };

  /** Lets time pass with feeds that report every five minutes. */
  const pass = async (seconds: number) => {
    for (let left = seconds; left > 0; left -= 300) {
      await provider.send("evm_increaseTime", [Math.min(left, 300)]);
      for (const feed of feeds) await (await feed.updateAnswer(await feed.latestAnswer())).wait();
    }
  };

  return {
    node,
    connection,
    provider,
    deployment,
    file,
    directory,
    trader,
    second,
    lender,
    rival,
    deployer,
    safe,
    usdc,
    market,
    uniswap,
    wethFeed,
    fund,
    ids,
    auction: LiquidationAuction__factory.connect(contracts.auction, deployer),
    lens: MarginLens__factory.connect(contracts.lens, deployer),
    unwinder: LiquidationUnwinder__factory.connect(contracts.liquidationUnwinder, deployer),
    mint,
    setPrice,
    openLong,
    openShort,
    pass,
    mine: () => provider.send("evm_mine", []),
    /** Transactions stay in the pool until `mine`. */
    holdBlocks: () => provider.send("evm_setAutomine", [false]),
    reset: async () => {
      await provider.send("evm_setAutomine", [true]);
      await provider.send("evm_revert", [snapshot]);
      snapshot = (await provider.send("evm_snapshot", [])) as string;
    },
    close: async () => {
      await connection.close();
      dropJournal();
      rmSync(directory, { recursive: true });
      await node.stop();
    },
  };
};

export type LogRecord = Record<string, unknown> & { event?: string };

/** Lines of a keeper's log as they come. */
export class Records {
  readonly all: LogRecord[] = [];
  private wake: () => void = () => undefined;
  private rest = "";

  readonly write = (text: string): void => {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") this.all.push(JSON.parse(line) as LogRecord);
    this.wake();
  };

  of(event: string): LogRecord[] {
    return this.all.filter((record) => record.event === event);
  }

  /** The first record of that event, now or later. */
  async until(event: string, matches: (record: LogRecord) => boolean = () => true): Promise<LogRecord> {
    for (const end = Date.now() + WAIT_MS; Date.now() < end;) {
      const found = this.of(event).find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const last = this.all.slice(-8).map((record) => JSON.stringify(record));
    throw new Error(`the keeper said no "${event}"; its last words:\n${last.join("\n")}`);
  }
}

export interface RunningKeeper {
  readonly records: Records;
  /** Resolves when the keeper has ended by itself. */
  readonly done: Promise<Totals>;
  stop(): Promise<Totals>;
}

const defaults = (rpc: string): KeeperOptions => {
  const options = parseOptions(["--rpc", rpc]);
  if (options === undefined) throw new Error("no options");
  return options;
};

export const keeperOptions = (world: World, changes: Partial<KeeperOptions> = {}): KeeperOptions => ({
  ...defaults(world.node.url),
  deployment: world.file,
  state: ":memory:",
  intervalMs: 50,
  // What is to be seen is what it does; that it may wait has tests of its own.
  patience: 0,
  // Those of the ledger are due at once on a chain that starts with it.
  chores: new Set(["deviation", "checkpoint"]),
  logLevel: "debug",
  ...changes,
});

/** A keeper in this process; what it does still goes over JSON-RPC. */
export const startKeeper = (
  world: World,
  changes: Partial<KeeperOptions> = {},
  key: string | undefined = KEEPER.privateKey,
): RunningKeeper => {
  const records = new Records();
  const stop = new AbortController();
  const done = runKeeper(keeperOptions(world, changes), key, createLogger("debug", records), stop.signal);
  done.catch(() => undefined); // whoever awaits it hears of it
  return {
    records,
    done,
    stop: () => {
      stop.abort();
      return done;
    },
  };
};

export interface Proxy {
  readonly url: string;
  /** Drops every connection and refuses new ones. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** A wire to the chain that can be cut. */
export const startProxy = async (target: number): Promise<Proxy> => {
  const port = await freePort();
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  };
  const restore = async () => {
    server = createServer((inner) => {
      const outer = connectTo(target, "127.0.0.1");
      keep(inner);
      keep(outer);
      inner.pipe(outer).pipe(inner);
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  const cut = async () => {
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
    server = undefined;
  };
  await restore();
  return { url: `http://127.0.0.1:${port}`, cut, restore, close: cut };
};
