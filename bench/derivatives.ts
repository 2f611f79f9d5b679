// The market that the gas of perps and options is measured on: everything real of the production build but price feeds and tokens, one
// attester, orders signed by keys. Two underlyings, the scenario list of 23.
import { network } from "hardhat";
import type { ContractTransactionResponse, HDNodeWallet, Signer } from "ethers";
import { Wallet } from "ethers";

import { packLedgerParameters } from "../sdk/tables/ledgerTable.ts";
import { packRiskTable, type Asset } from "../sdk/tables/riskTable.ts";
import { packRuleParameters } from "../sdk/tables/ruleTable.ts";
import { packScenarioParameters, type Scenario } from "../sdk/tables/scenarioTable.ts";
import { accountId, poolAsset } from "../scripts/lib/ids.ts";
import { attestationDomain, attestationTypedData, encodePost, type Attestation } from "../sdk/attestations.ts";
import { optionWord, perpWord } from "../sdk/instruments.ts";
import { signOrder, spread, type Leg, type Order } from "../sdk/orders.ts";
import {
  AttestedFeed__factory,
  EngineFactory__factory,
  IExchange__factory,
  IMarginAccounts__factory,
  IMarginEngine__factory,
  IPositionsLedger__factory,
  LedgerTableFactory__factory,
  MockFeed__factory,
  SettlementPrices__factory,
  TestToken__factory,
  type AttestedFeed,
  type IExchange,
  type IMarginAccounts,
  type IPositionsLedger,
  type MockFeed,
  type SettlementPrices,
} from "../types/ethers-contracts/index.js";

const WAD = 10n ** 18n;
const USD = 10n ** 6n;
const USDC = poolAsset(1);
const ETH = 2;
const ETH_PRICE = 2_000n;
const UNCAPPED = (1n << 96n) - 1n;
const MAX = (1n << 256n) - 1n;
const DAY = 86_400;
const EXPIRY_DAYS = 21;
const HUGE = 10n ** 24n;
const MAX_LEGS = 16;
const STRIKES = 128;
/** Without it a view in a transaction would be charged for being one. */
const INTRINSIC = 21_000;

/** 23 scenarios: up ±18 %, none and down ±13.5 %, in steps of 4.5 %. */
const scenarios = (): Scenario[] => {
  const list: Scenario[] = [];
  for (let i = 8; i >= 0; i--) {
    const spot = (820 + 45 * i) / 1000;
    list.push({ spot, volatility: "up", weight: 1 });
    if (i === 0 || i === 8) continue;
    list.push({ spot, volatility: "none", weight: 1 }, { spot, volatility: "down", weight: 1 });
  }
  return list;
};

const SCENARIO_PARAMETERS = packScenarioParameters({
  scenarios: scenarios(),
  volatility: { rangeUp: 0.5, least: 0.45, rangeDown: 0.275, daysFloor: 1, shortPower: 0.3, longPower: 0.13 },
  discount: { gain: { base: 0.95, mult: 1, add: 0.08 }, loss: { base: 1.04, mult: 0.5, add: 0.08 } },
  skew: {
    linear: { base: -0.05, scale: 0.15 },
    abs: { base: -0.05, scale: 0.15 },
    minKStar: 0.01,
    minWidthScale: 4,
    volStatic: 0.6,
    volScale: -0.1,
  },
  basis: { up: 1.045, down: 0.955, add: 0.5, mult: 2 },
  confidence: { threshold: 0.55, margin: 1 },
  perp: { maintenance: 0.015, initialExtra: 0.005 },
  option: { maintenance: 0.003, initialExtra: 0.002 },
  lossFactor: { maintenance: 0.8, initial: 1 },
  peg: { threshold: 0.98, factor: 2 },
});

const RULE_PARAMETERS = packRuleParameters({
  perpMaintenanceBps: 500,
  perpInitialExtraBps: 150,
  aBps: 1500,
  bBps: 1000,
  cBps: 750,
  dBps: 750,
  eBps: 10_500,
  unpairedInitialBps: 12_000,
  unpairedMaintenanceBps: 11_000,
  confidenceThresholdBps: 5_500,
  confidenceFactorBps: 10_000,
  pegThresholdBps: 9_800,
  pegFactorBps: 20_000,
});

interface Trader {
  readonly wallet: HDNodeWallet;
  readonly account: string;
}

interface Setup {
  readonly safe: IMarginAccounts;
  readonly ledger: IPositionsLedger;
  readonly exchange: IExchange;
  readonly feed: AttestedFeed;
  readonly prices: SettlementPrices;
  readonly feeds: readonly MockFeed[];
  readonly relay: Signer;
  readonly attest: () => Promise<void>;
  readonly pass: (seconds: number) => Promise<void>;
  readonly now: () => Promise<number>;
  readonly trader: (cash: bigint, model: number) => Promise<Trader>;
  readonly expiry: number;
  readonly strikes: readonly bigint[];
  readonly sizes: Record<string, number>;
  readonly chainId: number;
  readonly viewGas: (to: string, data: string) => Promise<number>;
  readonly close: () => Promise<void>;
}

const gasOf = async (sent: Promise<ContractTransactionResponse>): Promise<number> => {
  const receipt = await (await sent).wait();
  if (receipt === null) throw new Error("the transaction was not mined");
  return Number(receipt.gasUsed);
};

const calldataGas = (data: string): number =>
  (data.slice(2).match(/../g) ?? []).reduce((sum, byte) => sum + (byte === "00" ? 4 : 16), 0);

async function setUp(): Promise<Setup> {
  const connection = await network.create();
  const { ethers } = connection;
  const [governor, relay] = await ethers.getSigners();
  if (governor === undefined || relay === undefined) throw new Error("too few signers");
  const sizes: Record<string, number> = {};
  const deploy = async (name: string, ...args: unknown[]): Promise<string> => {
    const contract = await ethers.deployContract(name, args);
    await contract.waitForDeployment();
    const address = await contract.getAddress();
    sizes[name] = (await ethers.provider.getCode(address)).length / 2 - 1;
    return address;
  };
  const manager = await deploy("AccessManager", governor.address);
  const weth = await deploy("WETH");
  const admin = await deploy("MarginAccountsAdmin", manager, weth);
  const extension = await deploy("MarginAccountsExtension", manager, weth, admin);
  const safeAddress = await deploy("MarginAccounts", manager, extension, weth);
  const safe = IMarginAccounts__factory.connect(safeAddress, governor);
  const tokens = [];
  for (const [i, { symbol, decimals }] of [
    { symbol: "USDC", decimals: 6 },
    { symbol: "ETHX", decimals: 18 },
  ].entries()) {
    const token = TestToken__factory.connect(await deploy("TestToken", symbol, symbol, decimals), governor);
    tokens.push(token);
    await token.mint(governor.address, 1_000n);
    await token.approve(safeAddress, 1_000n);
    await safe.listAsset(token, true, 1_000n);
    await safe.configurePool(poolAsset(i + 1), {
      supplyCap: UNCAPPED,
      borrowCap: UNCAPPED,
      maxUtilisation: 9_500,
      reservedPart: 0,
      settlementPart: 0,
      reserveFactor: 1_000,
      depositsClosed: false,
      borrowsClosed: false,
    });
  }
  const [usdc] = tokens;
  if (usdc === undefined) throw new Error("no settlement token");

  const mockFeed = async (answer: bigint): Promise<MockFeed> =>
    MockFeed__factory.connect(await deploy("MockFeed", 8, answer), governor);
  const feeds = [await mockFeed(10n ** 8n), await mockFeed(ETH_PRICE * 10n ** 8n)];
  const asset = async (i: number, decimals: number, maintenanceBps: number): Promise<Asset> => ({
    feed: (await feeds[i]?.getAddress()) ?? "",
    heartbeat: DAY,
    feedDecimals: 8,
    tokenDecimals: decimals,
    minAnswer: 1_000_000n,
    maxAnswer: 10n ** 14n,
    haircut: { maintenanceBps, initialExtraBps: maintenanceBps },
  });
  const checkpoints = await deploy("SizeCheckpoints", safeAddress, 1_000);
  const deviations = await deploy("DeviationRecord", safeAddress);
  const tables = LedgerTableFactory__factory.connect(await deploy("LedgerTableFactory"), governor);
  const factory = EngineFactory__factory.connect(
    await deploy("EngineFactory", safeAddress, deviations, checkpoints, await tables.getAddress()),
    governor,
  );

  const attester = Wallet.createRandom();
  const feedAddress = await deploy("AttestedFeed", safeAddress, manager, [attester.address], 1);
  const feed = AttestedFeed__factory.connect(feedAddress, governor);
  await feed.setLimits(ETH, {
    postAge: 300,
    maxAge: 3_600,
    deadAge: 21_600,
    decay: DAY,
    stress: 15_000,
    premiumJump: 100_000,
    forwardJump: 100_000,
    volJump: 1_000_000,
  });
  const prices = SettlementPrices__factory.connect(await deploy("SettlementPrices", safeAddress), governor);
  const volatility = await deploy("RealizedVolatility", safeAddress, 3_600, (97n * WAD) / 100n, (8n * WAD) / 10n, 500);
  const normal = await deploy("NormalTable");
  const standard = await deploy("StandardModel", feedAddress, await prices.getAddress(), normal);
  const portfolio = await deploy("PortfolioModel", feedAddress, await prices.getAddress(), volatility, normal);

  const ledgerExtension = await deploy("PositionsExtension", safeAddress, manager);
  const ledgerCode = await deploy("Positions", safeAddress, manager, ledgerExtension);
  const views = IPositionsLedger__factory.createInterface();
  const ledgerAddress = await deploy("ERC1967Proxy", ledgerCode, views.encodeFunctionData("safe"));
  const ledger = IPositionsLedger__factory.connect(ledgerAddress, governor);
  const exchangeCode = await deploy("Exchange", safeAddress, ledgerAddress, manager);
  const doors = IExchange__factory.createInterface();
  const exchangeAddress = await deploy("ERC1967Proxy", exchangeCode, doors.encodeFunctionData("safe"));
  const exchange = IExchange__factory.connect(exchangeAddress, relay);
  await safe.setPositions(ledgerAddress);
  await ledger.setExchange(exchangeAddress);
  await ledger.setFeed(feedAddress);
  await ledger.setSettlementPrices(prices);
  await exchange
    .connect(governor)
    .setFees([{ minVolume: 0n, perpMaker: 200, perpTaker: 500, optionMaker: 300, optionTaker: 300 }], 1_250);

  const parameters = packLedgerParameters({
    underlyings: [
      {
        number: ETH,
        scale: { referenceVolatilityBps: 8_000, maxBps: 20_000 },
        rules: RULE_PARAMETERS,
        scenarios: SCENARIO_PARAMETERS,
      },
    ],
  });
  const ledgerTable = await tables.create.staticCall(ledgerAddress, standard, portfolio, parameters);
  await tables.create(ledgerAddress, standard, portfolio, parameters);
  const table = packRiskTable({
    settlementDecimals: 6,
    deviationDelay: 300,
    ledgerTable,
    pools: [await asset(0, 6, 0), await asset(1, 18, 750)],
    idles: [],
    vaultShares: [null, null],
  });
  const engine = await factory.create.staticCall(table);
  await factory.create(table);
  sizes["MarginEngine with a ledger table"] = (await ethers.provider.getCode(engine)).length / 2 - 1;
  await safe.setEngine(engine);
  const auction = await deploy("LiquidationAuction", safeAddress, {
    start: (98n * WAD) / 100n,
    cut: (80n * WAD) / 100n,
    fast: 900n,
    slow: 14_400n,
    buffer: (20n * WAD) / 100n,
    dustThreshold: 10n * WAD,
    insuranceTime: 1_800n,
    q: (10n * WAD) / 100n,
    feePart: 100n,
  });
  await safe.setAuction(auction);
  const fund = await deploy("InsuranceFund", safeAddress, manager);
  await safe.setInsurance(ethers.zeroPadBytes(fund, 32));

  const now = async (): Promise<number> => (await ethers.provider.getBlock("latest"))?.timestamp ?? 0;
  const expiry = Math.ceil((await now()) / DAY + EXPIRY_DAYS) * DAY;
  const strikes = Array.from({ length: STRIKES }, (_, i) => 1_000n + 15n * BigInt(i));
  await ledger.listPerp(ETH, {
    clamp: (2n * WAD) / 100n,
    maxPremiumAge: 3_600,
    openInterestCap: HUGE,
    risePerHour: 500,
  });
  await ledger.listExpiry(ETH, expiry, HUGE);
  for (const isCall of [true, false])
    await ledger.listOptions(
      strikes.map((strike) => optionWord({ underlying: ETH, expiry, strike: strike * 10n ** 8n, isCall })),
    );

  const chainId = Number((await ethers.provider.getNetwork()).chainId);
  const domain = attestationDomain(chainId, feedAddress);
  const post = async (attestation: Attestation): Promise<void> => {
    const { types, value } = attestationTypedData(attestation);
    const signatures = [await attester.signTypedData(domain, types, value)];
    await (await governor.sendTransaction({ to: feedAddress, data: encodePost(attestation, signatures) })).wait();
  };
  const attest = async (): Promise<void> => {
    const timestamp = await now();
    await post({
      kind: "premium",
      value: { underlying: ETH, premium: WAD / 1_000n, confidence: WAD, timestamp },
    });
    if (timestamp >= expiry) return;
    const forward = { expiry, ratio: WAD + WAD / 500n, rate: WAD / 25n, forwardConfidence: WAD, rateConfidence: WAD };
    await post({ kind: "forwards", value: { underlying: ETH, timestamp, forwards: [forward] } });
    const years = (BigInt(expiry - timestamp) * WAD) / BigInt(365 * DAY);
    const slice = {
      expiry,
      a: (years * 35n) / 100n,
      b: years / 2n,
      rho: -WAD / 10n,
      m: 0n,
      sigma: WAD / 5n,
      forwardReference: ETH_PRICE * WAD,
      confidence: WAD,
    };
    await post({ kind: "surface", value: { underlying: ETH, timestamp, slices: [slice] } });
  };
  const pass = async (seconds: number): Promise<void> => {
    await connection.networkHelpers.time.increase(seconds);
    for (const f of feeds) {
      const [, answer] = await f.latestRoundData();
      await (await f.setAnswer(answer)).wait();
    }
    await attest();
  };
  const trader = async (cash: bigint, model: number): Promise<Trader> => {
    const wallet = Wallet.createRandom().connect(ethers.provider);
    await connection.networkHelpers.setBalance(wallet.address, 10n ** 20n);
    const account = accountId(wallet.address);
    await usdc.mint(wallet.address, cash);
    await usdc.connect(wallet).approve(safeAddress, MAX);
    await safe.connect(wallet).deposit(account, USDC, cash);
    if (model !== 0) await safe.connect(wallet).setModel(account, model);
    return { wallet, account };
  };
  const viewGas = async (to: string, data: string): Promise<number> => {
    const receipt = await (await relay.sendTransaction({ to, data })).wait();
    return Number(receipt?.gasUsed ?? 0n) - INTRINSIC - calldataGas(data);
  };
  await attest();
  return {
    safe,
    ledger,
    exchange,
    feed,
    prices,
    feeds,
    relay,
    attest,
    pass,
    now,
    trader,
    expiry,
    strikes,
    sizes,
    chainId,
    viewGas,
    close: () => connection.close(),
  };
}

const negated = (legs: readonly Leg[]): Leg[] => legs.map((leg) => ({ ...leg, ratio: -leg.ratio }));

/** Every figure of perps and options; each operation is its own transaction. */
export async function derivativeOperations(): Promise<{
  ops: Record<string, number>;
  sizes: Record<string, number>;
}> {
  const s = await setUp();
  const ops: Record<string, number> = {};
  const exchangeAddress = await s.exchange.getAddress();
  let nonce = 0n;
  const signed = async (who: Trader, order: Order) => ({
    order: { ...order, legs: [...order.legs] },
    signer: who.wallet.address,
    signature: await signOrder(who.wallet, order, { chainId: s.chainId, exchange: exchangeAddress }),
  });
  /** `maker` gets `legs`, `taker` the opposite. */
  const match = async (maker: Trader, taker: Trader, legs: readonly Leg[]) => {
    const now = (await s.now()) * 1_000;
    const terms = { size: WAD, maxFee: 10n ** 6n * WAD };
    const first = spread({ ...terms, account: maker.account, nonce: ++nonce, now, postOnly: true }, legs);
    const second = spread({ ...terms, account: taker.account, nonce: ++nonce, now: now + 1 }, negated(legs));
    return { maker: await signed(maker, first), taker: await signed(taker, second), size: WAD };
  };
  const fill = async (maker: Trader, taker: Trader, legs: readonly Leg[]): Promise<number> =>
    gasOf(
      s.exchange.fillOrder(await match(maker, taker, legs), accountId("0x0000000000000000000000000000000000000000")),
    );
  const perp = (size: bigint, price = ETH_PRICE): Leg => ({
    instrument: perpWord(ETH),
    ratio: size * WAD,
    price: price * WAD,
  });
  const option = (i: number, isCall: boolean, size: bigint, price: bigint): Leg => ({
    instrument: optionWord({ underlying: ETH, expiry: s.expiry, strike: (s.strikes[i] ?? 0n) * 10n ** 8n, isCall }),
    ratio: size * WAD,
    price: price * WAD,
  });
  const engine = await s.safe.engine();
  const CASH = 1_000_000n * USD;

  try {
    // Fills. Markets are in use: others hold positions, nonces' words are new.
    const [house, dealer] = [await s.trader(100n * CASH, 0), await s.trader(100n * CASH, 0)];
    await fill(house, dealer, [perp(10n)]);
    await fill(house, dealer, [option(66, true, 10n, 100n)]);
    await s.pass(600);
    const [a, b] = [await s.trader(CASH, 0), await s.trader(CASH, 0)];
    ops["perp.fill"] = await fill(a, b, [perp(1n)]);
    await s.pass(600);
    ops["perp.fill.again"] = await fill(a, b, [perp(1n)]);
    const [c, d] = [await s.trader(CASH, 0), await s.trader(CASH, 0)];
    await s.pass(600);
    ops["option.fill"] = await fill(c, d, [option(68, true, 1n, 90n)]);
    await s.pass(600);
    const batch = [];
    for (let i = 0; i < 10; i++) {
      const [x, y] = [await s.trader(CASH, 0), await s.trader(CASH, 0)];
      batch.push(await match(x, y, [perp(1n)]));
    }
    const nobody = accountId("0x0000000000000000000000000000000000000000");
    ops["fill.batch10"] = Math.round((await gasOf(s.exchange.fillOrders(batch, nobody))) / 10);

    // Scenario margins in a full check of new risk. N options of one expiry: a chain with call and put at every strike, and
    // for comparison all strikes different, the dearest case.
    const chain = (n: number) => (i: number) =>
      option(Math.floor(((i >> 1) * STRIKES * 2) / n) % STRIKES, i % 2 === 0, i % 3 === 0 ? 1n : -1n, 100n);
    const apart = (n: number) => (i: number) =>
      option(Math.floor((i * STRIKES) / n), i % 2 === 0, i % 3 === 0 ? 1n : -1n, 100n);
    for (const [name, shape] of [
      ["", chain],
      [".apart", apart],
    ] as const) {
      for (const n of [1, 8, 16, 32, 64, 128]) {
        if (n === 1 && name !== "") continue;
        const [holder, other] = [await s.trader(10n * CASH, 1), await s.trader(100n * CASH, 0)];
        const legs = Array.from({ length: n }, (_, i) => shape(n)(i));
        for (let i = 0; i < n; i += MAX_LEGS) await fill(holder, other, legs.slice(i, i + MAX_LEGS));
        await s.pass(600);
        const [flags, holdings] = await s.safe.portfolio(holder.account);
        const data = IMarginEngine__factory.createInterface().encodeFunctionData("initialMargin", [
          holder.account,
          flags,
          [...holdings],
        ]);
        ops[`margin.portfolio.${n}${name}`] = await s.viewGas(engine, data);
      }
    }

    // Settlement in cash of what the index made.
    await s.feeds[1]?.setAnswer(2_100n * 10n ** 8n);
    ops["settle"] = await gasOf(s.ledger.connect(s.relay).settle(a.account, b.account, 50n * USD));

    // Liquidations: start and bid in one transaction, into a fresh account of the keeper.
    const weak = await s.trader(7_000n * USD, 0);
    const straddler = await s.trader(20_000n * USD, 1);
    await s.feeds[1]?.setAnswer(ETH_PRICE * 10n ** 8n);
    await fill(weak, house, [perp(50n)]);
    const wings = Array.from({ length: 16 }, (_, i) => option(52 + 2 * i, i % 2 === 0, -3n, 100n));
    await fill(straddler, house, wings);
    await s.pass(600);
    await s.feeds[1]?.setAnswer(1_930n * 10n ** 8n);
    const keepers = [await s.trader(5n * CASH, 0), await s.trader(5n * CASH, 1)];
    const bid = (who: Trader, target: Trader): Promise<number> =>
      gasOf(s.safe.connect(who.wallet).bid(target.account, who.account, MAX, MAX >> 1n));
    const [first, second] = keepers;
    if (first === undefined || second === undefined) throw new Error("no keepers");
    ops["liquidate.perp"] = await bid(first, weak);
    await s.feeds[1]?.setAnswer(2_800n * 10n ** 8n);
    ops["liquidate.options16"] = await bid(second, straddler);

    // An expiry: rounds, price, then positions are taken over.
    await s.feeds[1]?.setAnswer(ETH_PRICE * 10n ** 8n);
    await s.pass(s.expiry - (await s.now()) - 7_200);
    const rounds = await Promise.all(s.feeds.map((f) => f.latestRound()));
    await s.pass(s.expiry - (await s.now()) + 60);
    for (const [i, round] of rounds.entries()) await s.prices.submit(i + 1, s.expiry, [round, round + 1n]);
    await s.ledger.settleExpiry(ETH, s.expiry);
    const positions = await s.ledger.positionsOf(second.account);
    ops["expiry"] = Math.round((await gasOf(s.ledger.connect(s.relay).touch(second.account))) / positions.length);
    return { ops, sizes: s.sizes };
  } finally {
    await s.close();
  }
}
