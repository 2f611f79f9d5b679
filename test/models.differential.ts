// Both margin models as the engine calls them, against the exact models over random portfolios: smiles, forwards and fixings of
// the feeds, marks, low and high prices, product groups, scaled shocks, unsettled profit.
import { expect } from "chai";
import { network } from "hardhat";

import { packLedgerParameters } from "../sdk/tables/ledgerTable.ts";
import { packRuleParameters, REFERENCE_RULES, type RuleParameters } from "../sdk/tables/ruleTable.ts";
import { packScenarioParameters, type ScenarioParameters } from "../sdk/tables/scenarioTable.ts";
import {
  LedgerTableFactory__factory,
  ModelProbe__factory,
  NormalTable__factory,
  PortfolioModel__factory,
  ScriptedFeeds__factory,
  StandardModel__factory,
  type ModelProbe,
} from "../types/ethers-contracts/index.js";
import { value, volatility } from "./helpers/exact/black76.ts";
import * as Portfolio from "./helpers/exact/portfolio.ts";
import * as R from "./helpers/exact/real.ts";
import type { Real } from "./helpers/exact/real.ts";
import * as Standard from "./helpers/exact/standard.ts";
import {
  exactRules,
  exactScenarios,
  Random,
  randomPortfolio,
  randomScenarios,
  type RandomExpiry,
  type RandomUnderlying,
} from "./helpers/portfolios.ts";

const TABLES = 20;
const PORTFOLIOS = 50; // of each table
const TOGETHER = 10; // calls in flight
/** A minute on an idle machine. */
const PATIENCE = 900_000;
const WAD = 10n ** 18n;
const BPS = 10_000n;
const STRIKE_UNIT = 10n ** 10n;
const YEAR = 365n * 86_400n;
const AVERAGING = 1_800n;
/** Pools of the underlyings. */
const NUMBERS = [2, 3, 7] as const;
/** Small enough that random perps reach both. */
const BRACKETS = [
  { size: 20_000n, addOnBps: 150 },
  { size: 500_000n, addOnBps: 400 },
];
const GROUP = { id: 5, members: [2, 7] } as const;
/** Error over the gross notional. */
const RELATIVE = 10n ** 11n;
const UNITS = 1n << 16n;

const down = (a: bigint, b: bigint): bigint => a / b - (a % b < 0n ? 1n : 0n);
const wadMul = (a: bigint, b: bigint): bigint => down(a * b, WAD);

interface Table {
  readonly profitWeightBps: number;
  readonly phiBps: number;
  readonly referenceBps: number;
  readonly maxBps: number;
  readonly rules: readonly RuleParameters[];
  readonly scenarios: readonly ScenarioParameters[];
}

function tableOf(random: Random): Table {
  return {
    profitWeightBps: random.pick([0, 0, 10_000, random.int(10_001)]),
    phiBps: random.pick([0, random.int(10_001)]),
    referenceBps: random.pick([0, 3_000 + random.int(6_000)]),
    maxBps: 10_000 + random.int(20_000),
    rules: NUMBERS.map((_, i) => ({
      ...REFERENCE_RULES,
      kappaBps: 500 * i,
      perpMaintenanceBps: 300 + 100 * i,
      brackets: random.pick([[], BRACKETS]),
    })),
    scenarios: randomScenarios(random, NUMBERS.length),
  };
}

const pack = (t: Table): string =>
  packLedgerParameters({
    profitWeightBps: t.profitWeightBps,
    underlyings: NUMBERS.map((number, i) => ({
      number,
      ...(GROUP.members.some((m) => m === number) && { group: { id: GROUP.id, phiBps: t.phiBps } }),
      ...(t.referenceBps > 0 && { scale: { referenceVolatilityBps: t.referenceBps, maxBps: t.maxBps } }),
      rules: packRuleParameters(t.rules[i] as RuleParameters),
      scenarios: packScenarioParameters(t.scenarios[i] as ScenarioParameters),
    })),
  });

/** What the feeds say of an expiry. */
interface Feed {
  readonly seconds: bigint;
  readonly ratio: bigint;
  readonly rate: bigint;
  readonly a: bigint;
  readonly b: bigint;
  readonly rho: bigint;
  readonly m: bigint;
  readonly sigma: bigint;
  readonly reference: bigint;
  readonly tau: bigint;
  readonly factor: bigint;
  readonly confidence: bigint;
  readonly volConfidence: bigint;
  readonly fixedPart: bigint;
  readonly fixedPrice: bigint;
  readonly options: RandomExpiry["options"];
}

interface Held {
  readonly number: number;
  readonly low: bigint;
  readonly high: bigint;
  readonly amount: bigint;
  readonly perp: RandomUnderlying["perp"] & { readonly ratio: bigint };
  readonly feeds: readonly Feed[];
  readonly volatility: { readonly sigma: bigint; readonly slow: bigint };
  readonly charges: { readonly initial: bigint; readonly maintenance: bigint };
}

interface Case {
  readonly held: readonly Held[];
  readonly quote: bigint;
  readonly cash: bigint;
  readonly settlementPrice: bigint;
}

function feedOf(random: Random, e: RandomExpiry, spot: bigint): Feed {
  const sigma = e.options[0]?.vol ?? WAD;
  const tau = ((e.seconds < 60n ? 60n : e.seconds) * WAD) / YEAR;
  const variance = wadMul(wadMul(sigma, sigma), tau);
  const ratio = random.between((95n * WAD) / 100n, (115n * WAD) / 100n);
  const inside = e.seconds < AVERAGING;
  return {
    seconds: e.seconds,
    ratio,
    rate: e.rate,
    a: (variance * 8n) / 10n,
    b: wadMul(variance, random.between(WAD / 100n, WAD)),
    rho: random.between(-WAD, WAD),
    m: random.between(-WAD / 5n, WAD / 5n),
    sigma: random.between(WAD / 20n, WAD / 2n),
    reference: wadMul(spot, ratio) + 1n,
    tau,
    factor: random.oneIn(4) ? (3n * WAD) / 2n : WAD,
    confidence: e.confidence,
    volConfidence: random.oneIn(5) ? random.big(WAD) : WAD,
    fixedPart: inside ? ((AVERAGING - e.seconds) * WAD) / AVERAGING : 0n,
    fixedPrice: inside ? wadMul(spot, random.between((9n * WAD) / 10n, (11n * WAD) / 10n)) : 0n,
    options: e.options,
  };
}

function caseOf(seed: number, t: Table): Case {
  const random = new Random(seed + 77_000_000);
  const p = randomPortfolio(seed, 500);
  const held = p.underlyings.map((u, i): Held => {
    const low = u.spot;
    const reference = (BigInt(t.referenceBps) * WAD) / BPS;
    // One feed per expiry: where two fall on one second, the first counts for all.
    const feeds = new Map<bigint, Feed>();
    for (const e of u.expiries) {
      if (!feeds.has(e.seconds)) feeds.set(e.seconds, feedOf(random, e, low));
    }
    return {
      number: NUMBERS[i] as number,
      low,
      high: random.oneIn(2) ? low : low + random.big(low / 20n + 2n),
      amount: u.spot === 0n ? 0n : (u.moving * WAD) / u.spot,
      perp: { ...u.perp, ratio: random.between((98n * WAD) / 100n, (102n * WAD) / 100n) },
      feeds: [...feeds.values()],
      volatility: {
        sigma: wadMul(reference, random.between(WAD / 2n, 3n * WAD)),
        slow: wadMul(reference, random.between(WAD / 2n, 3n * WAD)),
      },
      charges: { initial: random.spread(WAD, WAD * 10_000n), maintenance: random.spread(1n, WAD) },
    };
  });
  return { held, quote: p.unsettled, cash: p.cash, settlementPrice: p.settlementPrice };
}

// ---------------------------------------------------------------- on chain
type Arguments = Parameters<ModelProbe["evaluate"]["staticCall"]>;

function inputOf(c: Case, table: string, models: readonly string[]): Arguments {
  const perps = c.held.filter((h) => h.perp.size !== 0n);
  const side = (
    h: Held,
    price: bigint,
  ): { value: bigint; chargeInitial: bigint; chargeMaintenance: bigint; debts: bigint } => ({
    value: wadMul(h.amount, price),
    chargeInitial: h.charges.initial,
    chargeMaintenance: h.charges.maintenance,
    debts: 0n,
  });
  const cash = { value: c.cash, chargeInitial: 0n, chargeMaintenance: 0n, debts: c.cash < 0n ? -c.cash : 0n };
  return [
    [...models],
    {
      purpose: 0n,
      parameters: table,
      settlementPrice: c.settlementPrice,
      clusters: [
        { underlying: 0n, low: cash, high: cash },
        ...c.held.map((h) => ({ underlying: h.number, low: side(h, h.low), high: side(h, h.high) })),
      ],
      underlyings: c.held.map(({ number, low, high, amount }) => ({ number, low, high, amount })),
      quote: c.quote,
      positions: [],
      perps: perps.map(({ perp }) => ({
        markRatio: perp.ratio,
        frozenMark: 0n,
        openInterest: perp.openInterest,
        slowOpenInterest: perp.slowOpenInterest,
        confidence: perp.confidence,
        stale: false,
      })),
    },
    perps.map((h) => ({ underlying: h.number, size: h.perp.size })),
    c.held.flatMap((h) =>
      h.feeds.flatMap((f) =>
        f.options.map((o) => ({
          underlying: h.number,
          secondsLeft: f.seconds,
          strike: o.strike / STRIKE_UNIT,
          call: o.call,
          size: o.size,
        })),
      ),
    ),
    c.held.flatMap((h) =>
      h.feeds.map((f) => ({
        underlying: h.number,
        secondsLeft: f.seconds,
        feed: {
          forwardRatio: f.ratio,
          rate: f.rate,
          a: f.a,
          b: f.b,
          rho: f.rho,
          m: f.m,
          sigma: f.sigma,
          forwardReference: f.reference,
          tau: f.tau,
          volFactor: f.factor,
          forwardConfidence: f.confidence,
          volConfidence: f.volConfidence,
          stale: false,
        },
        fixedPart: f.fixedPart,
        fixedPrice: f.fixedPrice,
      })),
    ),
    c.held.map((h) => ({ underlying: h.number, ...h.volatility })),
  ];
}

// ---------------------------------------------------------------- exact
/** Everything of one underlying at one price, as both exact models take it. Prices are the contract's: rounded down to units. */
interface Priced {
  readonly scenarios: Portfolio.Underlying;
  readonly rules: Standard.Underlying;
  readonly spot: Real;
  readonly unsettled: Real;
  readonly options: Real;
  readonly gross: Real;
}

function priced(h: Held, price: bigint, t: Table): Priced {
  const spot = R.fromWad(price);
  const mark = R.fromWad(wadMul(price, h.perp.ratio));
  const size = R.fromWad(h.perp.size);
  const moving = R.fromWad(wadMul(h.amount, price));
  const g = (sigma: bigint): bigint => {
    if (t.referenceBps === 0) return WAD;
    const most = (BigInt(t.maxBps) * WAD) / BPS;
    const ratio = (sigma * BPS) / BigInt(t.referenceBps);
    return ratio < WAD ? WAD : ratio > most ? most : ratio;
  };
  const [now, slow] = [g(h.volatility.sigma), g(h.volatility.slow)];
  const expiries = h.feeds.map((f): Portfolio.Expiry => {
    const svi = {
      a: R.fromWad(f.a),
      b: R.fromWad(f.b),
      rho: R.fromWad(f.rho),
      m: R.fromWad(f.m),
      sigma: R.fromWad(f.sigma),
      reference: R.fromWad(f.reference),
      tau: R.fromWad(f.tau),
    };
    const forward = wadMul(price, f.ratio);
    return {
      seconds: f.seconds,
      variable: R.fromWad(wadMul(forward, WAD - f.fixedPart)),
      fixed: R.fromWad(wadMul(f.fixedPrice, f.fixedPart)),
      rate: R.fromWad(f.rate),
      confidence: R.fromWad(f.confidence < f.volConfidence ? f.confidence : f.volConfidence),
      options: f.options.map((o) => {
        const strike = R.fromWad(o.strike);
        const vol = R.mul(volatility(svi, strike), R.fromWad(f.factor));
        return { strike, call: o.call, size: R.fromWad(o.size), vol };
      }),
    };
  });
  const perp = { size, mark, confidence: R.fromWad(h.perp.confidence) };
  const worth = (e: Portfolio.Expiry, o: Portfolio.Holding): Real => {
    const years = R.fromFraction(e.seconds, YEAR);
    const discount = R.exp(-R.mul(R.max(e.rate, R.ZERO), years));
    return R.mul(o.size, value(o, e.variable + e.fixed, R.mul(o.vol, R.sqrt(years)), discount));
  };
  const legs = expiries.map((e) => e.options.map((o) => ({ ...o, value: worth(e, o) })));
  return {
    spot: moving,
    unsettled: R.mul(size, mark),
    options: R.sum(legs.flat().map((l) => l.value)),
    gross:
      R.mul(R.abs(size), mark) +
      R.abs(moving) +
      R.sum(
        expiries.flatMap((e) =>
          e.options.map((o) => R.mul(R.abs(o.size), R.max(4n * (e.variable + e.fixed), o.strike))),
        ),
      ),
    scenarios: {
      spot,
      spotConfidence: R.ONE,
      perp,
      expiries,
      balances: [{ value: moving, moves: true, maintenance: R.ZERO, initialExtra: R.ZERO, confidence: R.ONE }],
      scale: { initial: R.fromWad(now > slow ? now : slow), maintenance: R.fromWad(slow) },
    },
    rules: {
      spot,
      spotConfidence: R.ONE,
      perp: {
        ...perp,
        openInterest: R.fromWad(h.perp.openInterest),
        slowOpenInterest: R.fromWad(h.perp.slowOpenInterest),
      },
      expiries: expiries.map((e, i) => ({
        forward: e.variable + e.fixed,
        confidence: e.confidence,
        legs: legs[i] as Standard.Leg[],
      })),
    },
  };
}

interface Side {
  readonly initial: Real;
  readonly maintenance: Real;
  readonly mtm: Real;
  readonly unsettled: Real;
}

/** A block (a product group, or an underlying alone) at one side of its prices. */
function sideOf(members: readonly Held[], high: boolean, t: Table, c: Case, standard: boolean): Side {
  const all = members.map((h) => priced(h, high ? h.high : h.low, t));
  const place = (h: Held): number => NUMBERS.findIndex((n) => n === h.number);
  const charges = (of: "initial" | "maintenance"): Real => R.sum(members.map((h) => R.fromWad(h.charges[of])));
  const unsettled = R.sum(all.map((x) => x.unsettled));
  const mtm = R.sum(all.map((x) => x.spot + x.options)) + unsettled;
  const settlementPrice = R.fromWad(c.settlementPrice);
  if (standard) {
    const ruled = members.map((h, i) =>
      Standard.margin(exactRules(t.rules[place(h)] as RuleParameters), (all[i] as Priced).rules, settlementPrice),
    );
    const beside = R.sum(all.map((x) => x.spot)) + unsettled;
    return {
      initial: beside - charges("initial") + R.sum(ruled.map((m) => m.initial)),
      maintenance: beside - charges("maintenance") + R.sum(ruled.map((m) => m.maintenance)),
      mtm,
      unsettled,
    };
  }
  const grouped = members.length > 1 || GROUP.members.some((m) => m === members[0]?.number);
  const margin = Portfolio.margin({
    groups: [
      {
        phi: grouped ? R.fromFraction(BigInt(t.phiBps), BPS) : R.ZERO,
        members: members.map((h, i) => ({
          underlying: (all[i] as Priced).scenarios,
          parameters: exactScenarios(t.scenarios[place(h)] as ScenarioParameters),
        })),
      },
    ],
    cash: R.ZERO,
    unsettled,
    profitWeight: R.ONE,
    settlementPrice,
  });
  return {
    initial: margin.initial - charges("initial"),
    maintenance: margin.maintenance - charges("maintenance"),
    mtm,
    unsettled,
  };
}

interface Expected {
  readonly initial: Real;
  readonly maintenance: Real;
  readonly mtm: Real;
  /** Both sides of a block are so near that rounding chooses: only the margin itself can be compared. */
  readonly ambiguous: boolean;
}

/** Every block at its low and at its high prices; the same twice where they do not differ. */
function sidesOf(c: Case, t: Table, standard: boolean): readonly (readonly [low: Side, high: Side])[] {
  const inGroup = (h: Held): boolean => GROUP.members.some((m) => m === h.number);
  const group = c.held.filter(inGroup);
  const blocks = [...(group.length > 0 ? [group] : []), ...c.held.filter((h) => !inGroup(h)).map((h) => [h])];
  return blocks.map((members) => {
    const low = sideOf(members, false, t, c, standard);
    return [low, members.every((h) => h.low === h.high) ? low : sideOf(members, true, t, c, standard)];
  });
}

function expectedOf(
  c: Case,
  t: Table,
  blocks: ReturnType<typeof sidesOf>,
  purpose: "initial" | "maintenance",
  tolerance: Real,
): Expected {
  let ambiguous = false;
  const chosen = blocks.map(([low, high]) => {
    if (low !== high && R.abs(low[purpose] - high[purpose]) <= tolerance) ambiguous = true;
    if (purpose === "initial") return high.initial < low.initial ? high : low;
    return high.maintenance > low.maintenance ? high : low;
  });
  const total = (of: keyof Side): Real => R.sum(chosen.map((s) => s[of]));
  const rest = R.fromWad(c.quote + c.cash);
  const unsettled = R.fromWad(c.quote) + total("unsettled");
  const kept = R.ONE - R.fromFraction(BigInt(t.profitWeightBps), BPS);
  return {
    initial: total("initial") + rest - R.mul(kept, R.max(unsettled, R.ZERO)),
    maintenance: total("maintenance") + rest,
    mtm: total("mtm") + rest,
    ambiguous,
  };
}

describe("both margin models against the exact models", () => {
  let probe: ModelProbe;
  let models: readonly [standard: string, portfolio: string];
  let create: (parameters: string) => Promise<string>;

  before(async () => {
    const { ethers } = await network.create();
    const [deployer] = await ethers.getSigners();
    const normal = await new NormalTable__factory(deployer).deploy();
    const feeds = await new ScriptedFeeds__factory(deployer).deploy();
    const standard = await new StandardModel__factory(deployer).deploy(feeds, feeds, normal);
    const portfolio = await new PortfolioModel__factory(deployer).deploy(feeds, feeds, feeds, normal);
    probe = await new ModelProbe__factory(deployer).deploy(feeds);
    models = [await standard.getAddress(), await portfolio.getAddress()];
    const factory = await new LedgerTableFactory__factory(deployer).deploy();
    create = async (parameters) => {
      const table = await factory.create.staticCall(feeds, ...models, parameters);
      await (await factory.create(feeds, ...models, parameters)).wait();
      return table;
    };
  });

  it(`agree on ${TABLES * PORTFOLIOS} random portfolios under ${TABLES} tables`, async function () {
    this.timeout(PATIENCE);
    let [options, spread, skipped] = [0, 0, 0];
    for (let at = 0; at < TABLES; at++) {
      const t = tableOf(new Random(at));
      const table = await create(pack(t));
      for (let from = 0; from < PORTFOLIOS; from += TOGETHER) {
        const seeds = Array.from({ length: TOGETHER }, (_, i) => at * PORTFOLIOS + from + i);
        const cases = seeds.map((seed) => caseOf(seed, t));
        const results = await Promise.all(cases.map((c) => probe.evaluate.staticCall(...inputOf(c, table, models))));
        cases.forEach((c, i) => {
          const gross = R.sum(c.held.map((h) => priced(h, h.high, t).gross));
          const allowed = R.toWad(gross) / RELATIVE + UNITS;
          const near = (actual: bigint | undefined, wanted: Real, what: string): void => {
            const off = (actual ?? 0n) - R.toWad(wanted);
            const message = `${what}, portfolio ${String(seeds[i])}: ${String(actual)} instead of ${R.toWad(wanted)}`;
            expect((off < 0n ? -off : off) <= allowed, message).to.equal(true);
          };
          ["standard", "portfolio"].forEach((model, k) => {
            const blocks = sidesOf(c, t, k === 0);
            const initial = expectedOf(c, t, blocks, "initial", R.fromWad(allowed));
            if (!initial.ambiguous || t.profitWeightBps === 10_000) {
              near(results[i]?.[k]?.initial, initial.initial, `${model} IM`);
            }
            const maintenance = expectedOf(c, t, blocks, "maintenance", R.fromWad(allowed));
            near(results[i]?.[models.length + k]?.maintenance, maintenance.maintenance, `${model} MM`);
            if (!maintenance.ambiguous) near(results[i]?.[models.length + k]?.mtm, maintenance.mtm, `${model} mtm`);
            if (initial.ambiguous || maintenance.ambiguous) skipped++;
          });
          options += c.held.reduce((n, h) => h.feeds.reduce((m, f) => m + f.options.length, n), 0);
          if (c.held.some((h) => h.low !== h.high)) spread++;
        });
      }
    }
    console.log(`      ${options} options; ${spread} portfolios at two prices; ${skipped} times either side would do`);
  });
});
