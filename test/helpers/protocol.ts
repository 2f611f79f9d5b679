// The whole protocol on the in-process chain, deployed by the same Ignition modules as anywhere, for tests to use:
//
//   const { safe, alice, usdc, weth, ... } = await deployProtocol();         // shared chain, fresh state each time
//   const p = await deployProtocol({ handover: true, twap: true });          // other shapes are kept apart
import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { parseUnits, type Signer, ZeroHash } from "ethers";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import { LOCAL_ATTESTERS } from "../../deploy/config/localDerivatives.ts";
import { type Deployment, derivativeContracts } from "../../deploy/lib/addresses.ts";
import { deployLocal, type LocalDeployOptions } from "../../deploy/lib/deploy.ts";
import { LOCAL_DECIMALS, type LocalSymbol, toAnswer } from "../../deploy/lib/localNetwork.ts";
import { accountId } from "../../scripts/lib/ids.ts";
import {
  type Attestation,
  attestationDomain,
  attestationTypedData,
  encodePost,
  orderSignatures,
} from "../../sdk/attestations.ts";
import {
  AttestedFeed__factory,
  CircuitBreaker__factory,
  DeviationRecord__factory,
  EngineFactory__factory,
  Exchange__factory,
  GovernorTimelock__factory,
  IAccessManaged__factory,
  IMarginAccounts__factory,
  IPositionsLedger__factory,
  ITableEngine__factory,
  InsuranceFund__factory,
  LedgerLens__factory,
  LedgerTableFactory__factory,
  LeverageRouter__factory,
  LiquidationAuction__factory,
  LiquidationUnwinder__factory,
  LocalToken__factory,
  MarginLens__factory,
  MockV3Aggregator__factory,
  PlimsollManager__factory,
  Positions__factory,
  RealizedVolatility__factory,
  RiskSteward__factory,
  SettlementPrices__factory,
  SizeCheckpoints__factory,
  SwapAdapter__factory,
  Vault__factory,
  WETH__factory,
} from "../../types/ethers-contracts/index.js";

export type ProtocolOptions = Pick<LocalDeployOptions, "prices" | "twap" | "adjust" | "handover">;

/** No limit: all of a balance, all of a debt, the largest fraction. */
export const MAX = (1n << 256n) - 1n;

export const WAD = 10n ** 18n;

export { accountId };

const attach = async (connection: NetworkConnection, deployment: Deployment) => {
  const { ethers, networkHelpers } = connection;
  const signers = await ethers.getSigners();
  const [deployer, governor, guardian, riskSteward, feeCollector, alice, bob, carol, dave, keeper, ...others] =
    signers as [
      HardhatEthersSigner, // as many as a Hardhat chain has
      HardhatEthersSigner,
      HardhatEthersSigner,
      HardhatEthersSigner,
      HardhatEthersSigner,
      HardhatEthersSigner,
      HardhatEthersSigner,
      HardhatEthersSigner,
      HardhatEthersSigner,
      HardhatEthersSigner,
      ...HardhatEthersSigner[],
    ];
  const { contracts, assets } = deployment;
  const listed = (symbol: LocalSymbol) => {
    const asset = assets[symbol];
    if (asset === undefined) throw new Error(`${symbol} is not deployed`);
    return asset;
  };
  const token = (symbol: LocalSymbol) => LocalToken__factory.connect(listed(symbol).token, deployer);
  const vault = (symbol: "USDC" | "WETH" | "WBTC") => Vault__factory.connect(listed(symbol).vault ?? "", deployer);
  const feed = (symbol: LocalSymbol) => MockV3Aggregator__factory.connect(listed(symbol).feed, deployer);

  const safe = IMarginAccounts__factory.connect(contracts.safe, deployer);
  const feeds = { USDC: feed("USDC"), WETH: feed("WETH"), WBTC: feed("WBTC"), stETH: feed("stETH") };
  const tokens = { USDC: token("USDC"), WETH: token("WETH"), WBTC: token("WBTC"), stETH: token("stETH") };
  const ids = {
    USDC: listed("USDC").id,
    WETH: listed("WETH").id,
    WBTC: listed("WBTC").id,
    stETH: listed("stETH").id,
    pUSDC: listed("USDC").vaultShareId ?? 0,
    pWETH: listed("WETH").vaultShareId ?? 0,
    pWBTC: listed("WBTC").vaultShareId ?? 0,
  };
  const symbols = Object.keys(feeds) as LocalSymbol[];

  const units = (symbol: LocalSymbol, amount: number | string) => parseUnits(String(amount), LOCAL_DECIMALS[symbol]);

  /** Puts a price on the feed, as a new round now. */
  const setPrice = async (symbol: LocalSymbol, dollars: number) => {
    await feeds[symbol].updateAnswer(toAnswer(dollars));
  };

  /** A new round with the same answer on every feed. */
  const refreshFeeds = async () => {
    await Promise.all(symbols.map(async (symbol) => feeds[symbol].updateAnswer(await feeds[symbol].latestAnswer())));
  };

  /** Lets time pass with feeds that go on reporting every hour, so that no price is stale and no round is missing. */
  const advance = async (seconds: number, step = 3_600) => {
    for (let left = seconds; left > 0; left -= step) {
      await networkHelpers.time.increase(Math.min(left, step));
      await refreshFeeds();
    }
  };

  /** Gives tokens to an address from nowhere. */
  const mint = async (symbol: LocalSymbol, to: Signer | string, amount: bigint) => {
    const receiver = typeof to === "string" ? to : await to.getAddress();
    if (symbol !== "WETH") {
      await tokens[symbol].mint(receiver, amount);
      return;
    }
    const weth = WETH__factory.connect(listed("WETH").token, deployer);
    await networkHelpers.setBalance(deployer.address, amount + (await ethers.provider.getBalance(deployer)) + WAD);
    await weth.deposit({ value: amount });
    await weth.transfer(receiver, amount);
  };

  /** Mints and approves for the safe. */
  const fund = async (symbol: LocalSymbol, owner: Signer, amount: bigint) => {
    await mint(symbol, owner, amount);
    await tokens[symbol].connect(owner).approve(safe, MAX);
  };

  /** Mints, approves and deposits into an account of the owner. */
  const deposit = async (owner: Signer, symbol: LocalSymbol, amount: bigint, index = 0n) => {
    await fund(symbol, owner, amount);
    const account = accountId(await owner.getAddress(), index);
    await safe.connect(owner).deposit(account, ids[symbol], amount);
    return account;
  };

  /** Borrows into the owner's own wallet. */
  const borrow = async (owner: Signer, symbol: LocalSymbol, amount: bigint, index = 0n) => {
    const address = await owner.getAddress();
    await safe.connect(owner).borrow(accountId(address, index), ids[symbol], amount, address);
  };

  /** Mints and lends through the vault, so that there is something to borrow. */
  const lend = async (owner: Signer, symbol: "USDC" | "WETH" | "WBTC", amount: bigint) => {
    await mint(symbol, owner, amount);
    await tokens[symbol].connect(owner).approve(vault(symbol), amount);
    await vault(symbol)
      .connect(owner)
      .deposit(amount, await owner.getAddress());
  };

  /** Has the timelock do it: proposed by the governor, executed when due. For deployments that were handed over. */
  const govern = async (target: string, data: string) => {
    const timelock = GovernorTimelock__factory.connect(contracts.timelock, governor);
    const delay = await timelock.getMinDelay();
    const salt = ethers.hexlify(ethers.randomBytes(32));
    await timelock.schedule(target, 0n, data, ZeroHash, salt, delay);
    await networkHelpers.time.increase(delay);
    await timelock.execute(target, 0n, data, ZeroHash, salt);
  };

  /** Has the local attesters sign, as many as it takes, and posts it. */
  const attest = async (...attestations: Attestation[]) => {
    const { attestedFeed } = derivativeContracts(deployment);
    const domain = attestationDomain(deployment.chainId, attestedFeed);
    const feed = AttestedFeed__factory.connect(attestedFeed, ethers.provider);
    const threshold = Number(await feed.threshold());
    const attesters = signers.filter(({ address }) => LOCAL_ATTESTERS.some((each) => each === address));
    for (const attestation of attestations) {
      const { types, value } = attestationTypedData(attestation);
      const signatures = await Promise.all(attesters.map((signer) => signer.signTypedData(domain, types, value)));
      const data = encodePost(attestation, orderSignatures(domain, attestation, signatures, { threshold }));
      await deployer.sendTransaction({ to: attestedFeed, data });
    }
  };

  /** Perps, options and what prices them; throws for a deployment of spot alone. */
  const derivatives = () => {
    const addresses = derivativeContracts(deployment);
    return {
      positions: IPositionsLedger__factory.connect(addresses.positions, deployer),
      /** The same address, as what can be upgraded. */
      positionsProxy: Positions__factory.connect(addresses.positions, deployer),
      exchange: Exchange__factory.connect(addresses.exchange, deployer),
      attestedFeed: AttestedFeed__factory.connect(addresses.attestedFeed, deployer),
      realizedVolatility: RealizedVolatility__factory.connect(addresses.realizedVolatility, deployer),
      settlementPrices: SettlementPrices__factory.connect(addresses.settlementPrices, deployer),
      ledgerTableFactory: LedgerTableFactory__factory.connect(addresses.ledgerTableFactory, deployer),
      ledgerLens: LedgerLens__factory.connect(addresses.ledgerLens, deployer),
    };
  };

  return {
    connection,
    ethers,
    networkHelpers,
    deployment,
    deployer,
    governor,
    guardian,
    riskSteward,
    feeCollector,
    alice,
    bob,
    carol,
    dave,
    keeper,
    others,
    manager: PlimsollManager__factory.connect(contracts.manager, deployer),
    /** Whatever the AccessManager guards, as a source of its errors. */
    authorityErrors: IAccessManaged__factory.connect(contracts.safe, deployer),
    timelock: GovernorTimelock__factory.connect(contracts.timelock, governor),
    circuitBreaker: CircuitBreaker__factory.connect(contracts.circuitBreaker, guardian),
    steward: RiskSteward__factory.connect(contracts.riskSteward, riskSteward),
    safe,
    engine: ITableEngine__factory.connect(contracts.engine, deployer),
    engineFactory: EngineFactory__factory.connect(contracts.engineFactory, deployer),
    sizeCheckpoints: SizeCheckpoints__factory.connect(contracts.sizeCheckpoints, deployer),
    deviationRecord: DeviationRecord__factory.connect(contracts.deviationRecord, deployer),
    auction: LiquidationAuction__factory.connect(contracts.auction, deployer),
    insuranceFund: InsuranceFund__factory.connect(contracts.insuranceFund, deployer),
    lens: MarginLens__factory.connect(contracts.lens, deployer),
    swapAdapter: SwapAdapter__factory.connect(contracts.swapAdapter, deployer),
    leverageRouter: LeverageRouter__factory.connect(contracts.leverageRouter, deployer),
    liquidationUnwinder: LiquidationUnwinder__factory.connect(contracts.liquidationUnwinder, deployer),
    tokens,
    feeds,
    vaults: { USDC: vault("USDC"), WETH: vault("WETH"), WBTC: vault("WBTC") },
    ids,
    units,
    setPrice,
    refreshFeeds,
    advance,
    mint,
    fund,
    deposit,
    borrow,
    lend,
    govern,
    attest,
    derivatives,
  };
};

export type Protocol = Awaited<ReturnType<typeof attach>>;

interface Prepared {
  protocol: Protocol;
  reset: () => Promise<void>;
}

const prepared = new Map<string, Promise<Prepared>>();

const prepare = async (options: ProtocolOptions): Promise<Prepared> => {
  const connection = await hre.network.create();
  const deployment = await deployLocal(connection, options);
  const protocol = await attach(connection, deployment);
  let snapshot = await connection.networkHelpers.takeSnapshot();
  const reset = async () => {
    await snapshot.restore();
    snapshot = await connection.networkHelpers.takeSnapshot();
  };
  return { protocol, reset };
};

/**
 * The protocol as freshly deployed, the deployer still in charge (`handover: true` for the real end state). Deployed once
 * per process and set of options; each call takes the chain back to that point. Options with `adjust` get a chain of their own.
 */
export const deployProtocol = async (options: ProtocolOptions = {}): Promise<Protocol> => {
  const wanted = { handover: false, ...options };
  if (options.adjust !== undefined) return (await prepare(wanted)).protocol;
  const key = JSON.stringify(wanted);
  const existing = prepared.get(key);
  const ready = existing ?? prepare(wanted);
  prepared.set(key, ready);
  const { protocol, reset } = await ready;
  if (existing !== undefined) await reset();
  return protocol;
};
