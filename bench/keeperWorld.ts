// A made-up market and made-up accounts for the keeper's book: prices, volatilities and time move by random steps, accounts are borrowers, perp
// traders and option books of both models at known distances from maintenance. Everything follows from a seed.
import { type AttestedExpiry, expiryKey, type LedgerMarket } from "../sdk/mirror/derivatives/market.ts";
import { decodeLedgerTable } from "../sdk/mirror/derivatives/words.ts";
import { encodeInstrument, encodePosition, type Instrument, type Position } from "../sdk/instruments.ts";
import { encodeWords, type Entry } from "../sdk/mirror/account.ts";
import type { Market, Pool, SourcePrice } from "../sdk/mirror/market.ts";
import { packLedgerParameters } from "../sdk/tables/ledgerTable.ts";
import type { Asset, Haircut, RiskTable } from "../sdk/tables/riskTable.ts";
import { packRuleParameters } from "../sdk/tables/ruleTable.ts";
import { packScenarioParameters } from "../sdk/tables/scenarioTable.ts";
import { marginModels } from "../deploy/config/models.ts";
import { days, percent } from "../deploy/config/types.ts";

export const SAFE = `0x${"5a".repeat(20)}`;
export const POSITIONS = `0x${"b0".repeat(20)}`;
export const START = 1_767_225_600;
const WAD = 10n ** 18n;
const INDEX = 10n ** 15n;
const YEAR = 31_536_000;

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
export const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
};

export type Random = ReturnType<typeof randomOf>;

export const between = (random: Random, from: number, to: number): number => from + (to - from) * random();
export const pick = <T>(random: Random, list: readonly T[]): T => {
  const found = list[Math.floor(random() * list.length)];
  if (found === undefined) throw new RangeError("nothing to pick from");
  return found;
};

export const wad = (x: number): bigint => BigInt(Math.round(x * 1e9)) * 10n ** 9n;

// ------------------------------------------------------------------------------------------------ parameters

const NOBODY = `0x${"0".repeat(40)}`;

const asset = (tokenDecimals: number, haircut: Haircut, hasSecond = false): Asset => ({
  feed: NOBODY,
  heartbeat: 3_600,
  feedDecimals: 8,
  tokenDecimals,
  minAnswer: 1n,
  maxAnswer: 10n ** 15n,
  haircut,
  ...(hasSecond
    ? { twap: { pool: NOBODY, window: 1_800, quote: 1, quoteDecimals: 6, baseIsToken0: true, deviationBps: 300 } }
    : {}),
});

const group = { id: 1, maintenanceBps: 200, initialExtraBps: 100 };

/** Pools: dollars, ether, bitcoin, a small coin, another dollar; idle: staked ether, in a group with ether. */
const riskTable = (previousBps: number | undefined): RiskTable => {
  const bracketed: Haircut = {
    maintenanceBps: 1_000,
    initialExtraBps: 500,
    brackets: [
      { size: 10n ** 21n, addOnBps: 300 },
      { size: 10n ** 23n, addOnBps: 1_000 },
    ],
    kappaBps: 100,
  };
  const coin = asset(18, bracketed);
  return {
    settlementDecimals: 6,
    deviationDelay: 300,
    ...(previousBps === undefined ? {} : { ramp: { start: START, end: START + days(3) } }),
    pools: [
      asset(6, { maintenanceBps: 0, initialExtraBps: 0 }),
      asset(18, { maintenanceBps: 700, initialExtraBps: 300, group }),
      asset(8, { maintenanceBps: 800, initialExtraBps: 300 }, true),
      previousBps === undefined ? coin : { ...coin, previous: { ...bracketed, maintenanceBps: previousBps } },
      asset(18, { maintenanceBps: 300, initialExtraBps: 200 }),
    ],
    idles: [asset(18, { maintenanceBps: 900, initialExtraBps: 300, group })],
    vaultShares: [
      { haircut: { maintenanceBps: 100, initialExtraBps: 100 } },
      { haircut: { maintenanceBps: 900, initialExtraBps: 300, group } },
      null,
      null,
      null,
    ],
  };
};

const settings = {
  perp: { maintenance: percent(5), initialExtra: percent(2.5) },
  brackets: [
    { size: 10_000_000n, addOnBps: percent(2) },
    { size: 50_000_000n, addOnBps: percent(8) },
  ],
  kappa: percent(5),
  option: { atTheMoney: percent(15), least: percent(10), maintenance: percent(7.5) },
  step: 0.05,
  tails: [
    { spot: 0.35, weight: 0.08 },
    { spot: 0.65, weight: 0.15 },
    { spot: 1.5, weight: 0.08 },
    { spot: 2.2, weight: 0.04 },
    { spot: 3.5, weight: 0.015 },
  ],
  leastVolatility: 0.5,
} as const;

const ledgerTable = (phiBps: number) => {
  const { rules, scenarios } = marginModels(settings);
  const models = { rules: packRuleParameters(rules), scenarios: packScenarioParameters(scenarios) };
  const words = packLedgerParameters({
    underlyings: [2, 3].map((number) => ({
      number,
      ...(phiBps === 0 ? {} : { group: { id: 1, phiBps } }),
      scale: { referenceVolatilityBps: 7_000, maxBps: 20_000 },
      ...models,
    })),
  }).slice(2);
  return decodeLedgerTable(`0x00${words.slice(0, 64)}${"0".repeat(192)}${words.slice(64)}`);
};

// ------------------------------------------------------------------------------------------------ the market

export interface WorldOptions {
  readonly seed: number;
  /** Of the product group of ether and bitcoin, basis points; 0: none. */
  readonly phiBps?: number;
  /** Maintenance haircut of the small coin that a ramp starts from. */
  readonly rampFromBps?: number;
  /** Days ahead of the expiries. */
  readonly expiries?: readonly number[];
  /** Bitcoin's second source apart from the first, as a part. */
  readonly spread?: number;
}

export const UNDERLYINGS = [2, 3] as const;

/** What moves. */
export class World {
  time = START;
  readonly random: Random;
  /** USD, by asset id. */
  readonly price = new Map([
    [1, 1],
    [2, 3_000],
    [3, 90_000],
    [4, 15],
    [5, 1],
    [0x401, 3_500],
  ]);
  readonly volatility = new Map([
    [2, 0.8],
    [3, 0.6],
  ]);
  readonly premium = new Map([
    [2, 0],
    [3, 0],
  ]);
  readonly forward = new Map([
    [2, 1],
    [3, 1],
  ]);
  readonly funding = new Map([
    [2, 0],
    [3, 0],
  ]);
  slowInterest = 100_000;
  checkpoint = 10n ** 24n;
  realised = 0.6;
  spread: number;
  readonly expiries: readonly number[];
  /** Ids of assets whose price cannot be used. */
  readonly faults = new Set<number>();
  private postedAt = START;
  private attested = new Map<number, AttestedExpiry>();
  private readonly table: RiskTable;
  private readonly ledger: ReturnType<typeof ledgerTable>;
  /** Expiries with a price. */
  readonly settled = new Map<number, bigint>();

  constructor(options: WorldOptions) {
    this.random = randomOf(options.seed);
    this.table = riskTable(options.rampFromBps);
    this.ledger = ledgerTable(options.phiBps ?? 0);
    this.expiries = (options.expiries ?? [2, 7, 30, 90]).map((day) => START + days(day) + 8 * 3_600);
    this.spread = options.spread ?? 0;
    this.post();
  }

  /** Instruments to trade: perps, and options from 60 % to 150 % of the first price. */
  instruments(): Instrument[] {
    return UNDERLYINGS.flatMap((underlying) => {
      const first = underlying === 2 ? 3_000 : 90_000;
      const options = this.expiries.flatMap((expiry) =>
        [0.6, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.3, 1.5].flatMap((part) =>
          [true, false].map((isCall): Instrument => {
            const strike = BigInt(Math.round(first * part)) * 10n ** 8n;
            return { kind: "option", underlying, expiry, strike, isCall };
          }),
        ),
      );
      return [{ kind: "perp", underlying } as const, ...options];
    });
  }

  /** Attests the volatilities and forwards of now. */
  post(): void {
    this.postedAt = this.time;
    this.attested = new Map();
    for (const underlying of UNDERLYINGS) {
      for (const expiry of this.expiries) {
        if (expiry <= this.time) continue;
        const tau = (expiry - this.time) / YEAR;
        const sigma = this.volatility.get(underlying) ?? 0.8;
        const level = sigma * sigma * tau;
        const ages = { time: BigInt(this.time), maxAge: 900n, deadAge: 7_200n };
        const ratio = 1 + ((this.forward.get(underlying) ?? 1) - 1) * Math.min(1, tau * 4);
        this.attested.set(expiryKey(underlying, expiry), {
          forward: { ratio: wad(ratio), rate: wad(0.04), confidence: WAD, ...ages },
          smile: {
            a: wad(level * 0.8),
            b: wad(level * 0.9),
            rho: wad(-0.3),
            m: 0n,
            sigma: wad(0.25),
            forwardReference: wad((this.price.get(underlying) ?? 1) * ratio),
            confidence: WAD,
            time: BigInt(this.time),
          },
        });
      }
    }
  }

  market(): Market {
    const assets = new Map<number, SourcePrice>();
    for (const [id, price] of this.price) {
      const primary = wad(price);
      const isFaulty = this.faults.has(id);
      assets.set(id, {
        primary: isFaulty ? 0n : primary,
        updatedAt: BigInt(this.time),
        fault: isFaulty ? 1 : 0,
        ...(id === 3 ? { second: { price: wad(price * (1 + this.spread)), primaryOnly: false } } : {}),
      });
    }
    return {
      time: BigInt(this.time),
      table: this.table,
      prices: { sequencer: 0, assets },
      checkpoints: new Map([[4, this.checkpoint]]),
      pools: new Map(
        [1, 2, 3, 4, 5].map((number) => [number, pool(number, this.table.pools[number - 1]?.tokenDecimals ?? 18)]),
      ),
      idles: new Map(),
      safe: { pausedActions: 0, pausedUntil: 0n },
      auction: {
        start: wad(0.98),
        cut: wad(0.9),
        fast: 900n,
        slow: 3_600n,
        buffer: wad(0.15),
        dustThreshold: 10n * WAD,
        insuranceTime: 600n,
        q: wad(0.2),
        feePart: 100n,
      },
      ledger: this.ledgerMarket(),
    };
  }

  private ledgerMarket(): LedgerMarket {
    const ages = { time: BigInt(this.postedAt), maxAge: 900n, deadAge: 7_200n };
    const market = { listed: true, reduceOnly: false, openInterest: 0n, openInterestCap: WAD };
    return {
      table: this.ledger,
      perps: new Map(
        UNDERLYINGS.map((u) => [
          u,
          {
            listed: true,
            frozen: false,
            closed: false,
            frozenMark: 0n,
            openInterest: wad(this.slowInterest),
            slowOpenInterest: wad(this.slowInterest),
            openInterestCap: wad(1e6),
            clamp: wad(0.01),
            funding: {
              index: wad(this.funding.get(u) ?? 0),
              rate: wad(0.3),
              time: BigInt(this.postedAt),
              span: 3_600n,
            },
          },
        ]),
      ),
      expiries: new Map(
        UNDERLYINGS.flatMap((u) =>
          this.expiries.map((expiry) => {
            const settledAt = this.settled.get(expiryKey(u, expiry));
            return [expiryKey(u, expiry), settledAt === undefined ? market : { ...market, settledAt }] as const;
          }),
        ),
      ),
      premiums: new Map(
        UNDERLYINGS.map((u) => [u, { value: wad(this.premium.get(u) ?? 0), confidence: WAD, ...ages }]),
      ),
      attested: this.attested,
      limits: new Map(UNDERLYINGS.map((u) => [u, { decay: 3_600n, stress: 15_000n }])),
      settlementPrices: this.settled,
      tracks: new Map(),
      volatilities: new Map(
        UNDERLYINGS.map((u) => [
          u,
          { sigma: wad(this.realised), slow: wad(this.realised), time: BigInt(this.postedAt) },
        ]),
      ),
      volatilityRisePerHour: 1_000n,
    };
  }
}

const pool = (number: number, decimals: number): Pool => ({
  number,
  token: NOBODY,
  decimals,
  lenderShares: 10n ** 27n,
  accountShares: 10n ** 26n,
  supplyIndex: (INDEX * 102n) / 100n,
  debtShares: 9n * 10n ** 26n,
  debtIndex: (INDEX * 104n) / 100n,
  lastAccrual: BigInt(START),
  rateAtTarget: wad(0.06) / BigInt(YEAR),
  reserveFactorBps: 1_000n,
  supplyCap: undefined,
  depositsClosed: false,
  externalModel: false,
  borrowCap: undefined,
  maxUtilisationBps: 10_000n,
  reservedPartBps: 0n,
  settlementPartBps: 0n,
  borrowsClosed: false,
  tokens: 10n ** 27n,
  outflowLeft: undefined,
});

// ------------------------------------------------------------------------------------------------ accounts

export type Kind = "lender" | "borrower" | "perps" | "options" | "portfolio";

/** Parts of a thousand, in this order. */
export const MIX: readonly (readonly [Kind, number])[] = [
  ["lender", 200],
  ["borrower", 450],
  ["perps", 150],
  ["options", 120],
  ["portfolio", 80],
];

export const MIX_TEXT =
  "20 % lenders without debts, 45 % spot borrowers, 15 % perp traders, 12 % option books of the standard model, 8 % portfolio books " +
  "(perps, options and spot of two underlyings); M / gross uniform in 1..60 %, one in a hundred within 1 %";

/** An account before its cash is known. */
export interface Draft {
  readonly kind: Kind;
  readonly entries: Entry[];
  readonly positions: Position[];
  quote: bigint;
}

const DECIMALS = new Map([
  [1, 6],
  [2, 18],
  [3, 8],
  [4, 18],
  [5, 18],
  [0x401, 18],
  [0x801, 6],
  [0x802, 18],
]);

const units = (id: number, whole: number): bigint =>
  BigInt(Math.round(whole * 1e6)) * 10n ** BigInt((DECIMALS.get(id) ?? 18) - 6);

const kindOf = (random: Random): Kind => {
  let left = Math.floor(random() * 1_000);
  for (const [kind, part] of MIX) {
    left -= part;
    if (left < 0) return kind;
  }
  return "lender";
};

/** Balances, debts and positions of a size from a hundred to a million dollars, without cash to carry them. */
export const draftAccount = (
  world: World,
  random: Random,
  instruments: readonly Instrument[],
  kind = kindOf(random),
): Draft => {
  const dollars = 10 ** between(random, 2, 6);
  const value = (id: number): number => world.price.get((id & 0x800) !== 0 ? id - 0x800 : id) ?? 1;
  const entry = (id: number, worth: number): Entry => ({ asset: id, shares: units(id, worth / value(id)) });
  const entries: Entry[] = [];
  const positions: Position[] = [];
  const hold = (id: number, worth: number): void => {
    if (!entries.some((e) => e.asset === id)) entries.push(entry(id, worth));
  };
  if (kind === "lender") {
    for (let i = 0; i <= random() * 3; i += 1)
      hold(pick(random, [1, 2, 3, 5, 0x401, 0x801, 0x802]), dollars * random());
    return { kind, entries, positions, quote: 0n };
  }
  if (kind === "borrower") {
    for (let i = 0; i <= random() * 2.5; i += 1)
      hold(pick(random, [2, 3, 4, 0x401, 0x802]), dollars * between(random, 0.2, 1));
    for (let i = 0; i <= random() * 1.5; i += 1) hold(pick(random, [5, 2, 3, 1]), -dollars * between(random, 0.1, 0.4));
    return { kind, entries, positions, quote: 0n };
  }
  let quote = 0;
  const trade = (instrument: Instrument, size: number): void => {
    const word = encodeInstrument(instrument);
    if (positions.some((p) => encodeInstrument(p.instrument) === word) || size === 0) return;
    positions.push({ instrument, size: wad(size), fundingIndex: 0n });
    if (instrument.kind === "perp") quote -= size * value(instrument.underlying) * between(random, 0.98, 1.02);
  };
  const perps = instruments.filter((i) => i.kind === "perp");
  const options = instruments.filter((i) => i.kind === "option");
  const sizeOf = (i: Instrument): number =>
    ((random() < 0.5 ? -1 : 1) * dollars * between(random, 0.05, 1)) / value(i.underlying);
  if (kind === "perps") {
    for (const perp of perps) if (random() < 0.6) trade(perp, sizeOf(perp));
    if (positions.length === 0) for (const perp of perps.slice(0, 1)) trade(perp, sizeOf(perp));
  } else {
    const underlying = pick(random, UNDERLYINGS);
    const isBoth = random() < 0.3;
    const mine = options.filter((o) => isBoth || o.underlying === underlying);
    const count = 1 + Math.floor(random() ** 2 * 12);
    for (let i = 0; i < count; i += 1) {
      const option = pick(random, mine);
      trade(option, sizeOf(option));
    }
    if (random() < 0.5) for (const perp of perps.filter((p) => p.underlying === underlying)) trade(perp, sizeOf(perp));
  }
  if (random() < 0.3) hold(pick(random, [2, 3]), dollars * random());
  return { kind, entries, positions, quote: wad(quote) };
};

/** Flag bits, words and positions as the events say them. `cash`: dollars more. */
export const wordsOf = (draft: Draft, cash: number): bigint[] => {
  const entries = draft.entries.filter(({ asset: id }) => id !== 1);
  const own = draft.entries.find(({ asset: id }) => id === 1)?.shares ?? 0n;
  const shares = own + BigInt(Math.round(cash * 1e6));
  return encodeWords({
    flags: {
      model: draft.kind === "portfolio" ? 1 : 0,
      hasPositions: draft.positions.length > 0 || draft.quote < 0n,
      hasQuote: draft.quote !== 0n,
      inAuction: false,
    },
    entries: shares === 0n ? entries : [...entries, { asset: 1, shares }],
  });
};

/** M ÷ gross that an account is given. */
export const drawHealth = (random: Random): number =>
  random() < 0.01 ? 0.01 * random() + 1e-4 : between(random, 0.01, 0.6);

// ------------------------------------------------------------------------------------------------ logs

const hex = (value: bigint): string => BigInt.asUintN(256, value).toString(16).padStart(64, "0");

export const accountLog = (topic: string, id: string, words: readonly bigint[]) => ({
  address: SAFE,
  topics: [topic, id, `0x${hex(0n)}`],
  data: `0x${hex(32n)}${hex(BigInt(words.length))}${words.map(hex).join("")}`,
});

export const ledgerLog = (topic: string, id: string, quote: bigint, positions: readonly Position[]) => ({
  address: POSITIONS,
  topics: [topic, id, `0x${hex(0n)}`],
  data: `0x${hex(quote)}${hex(64n)}${hex(BigInt(positions.length))}${positions.map((p) => hex(encodePosition(p))).join("")}`,
});

/** An id that looks like an owner's and his account's. */
export const idOf = (random: Random): string => {
  let text = "0x";
  for (let i = 0; i < 5; i += 1)
    text += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  return (
    text +
    Math.floor(random() * 3)
      .toString(16)
      .padStart(24, "0")
  );
};

export const blockHash = (number: number, fork = 0): string => `0x${hex(BigInt(number) * 1_000_003n + BigInt(fork))}`;
