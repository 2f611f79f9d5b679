// Random accounts as both margin models get them, on markets whose feeds are scripted: for comparing models with whatever else claims to
// know their margins.
import type { Typed } from "ethers";

import { packLedgerParameters } from "../../sdk/tables/ledgerTable.ts";
import { packRuleParameters, REFERENCE_RULES, type RuleParameters } from "../../sdk/tables/ruleTable.ts";
import { packScenarioParameters, type ScenarioParameters } from "../../sdk/tables/scenarioTable.ts";
import type { ModelProbe } from "../../types/ethers-contracts/index.js";
import { Random, randomPortfolio, randomScenarios, type RandomExpiry, type RandomUnderlying } from "./portfolios.ts";

const WAD = 10n ** 18n;
const BPS = 10_000n;
const STRIKE_UNIT = 10n ** 10n;
const YEAR = 365n * 86_400n;
const AVERAGING = 1_800n;
/** Pools of the underlyings. */
export const NUMBERS = [2, 3, 7] as const;
/** Small enough that random perps reach both. */
const BRACKETS = [
  { size: 20_000n, addOnBps: 150 },
  { size: 500_000n, addOnBps: 400 },
];
export const GROUP = { id: 5, members: [2, 7] } as const;
const down = (a: bigint, b: bigint): bigint => a / b - (a % b < 0n ? 1n : 0n);
export const wadMul = (a: bigint, b: bigint): bigint => down(a * b, WAD);

export interface ModelTable {
  readonly profitWeightBps: number;
  readonly phiBps: number;
  readonly referenceBps: number;
  readonly maxBps: number;
  readonly rules: readonly RuleParameters[];
  readonly scenarios: readonly ScenarioParameters[];
}

export function modelTable(random: Random): ModelTable {
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

export const packModelTable = (t: ModelTable): string =>
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
export interface ScriptedFeed {
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

export interface HeldUnderlying {
  readonly number: number;
  readonly low: bigint;
  readonly high: bigint;
  readonly amount: bigint;
  readonly perp: RandomUnderlying["perp"] & { readonly ratio: bigint };
  readonly feeds: readonly ScriptedFeed[];
  readonly volatility: { readonly sigma: bigint; readonly slow: bigint };
  readonly charges: { readonly initial: bigint; readonly maintenance: bigint };
}

export interface ModelCase {
  readonly held: readonly HeldUnderlying[];
  readonly quote: bigint;
  readonly cash: bigint;
  readonly settlementPrice: bigint;
}

function feedOf(random: Random, e: RandomExpiry, spot: bigint): ScriptedFeed {
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

export function modelCase(seed: number, t: ModelTable): ModelCase {
  const random = new Random(seed + 77_000_000);
  const p = randomPortfolio(seed, 500);
  const held = p.underlyings.map((u, i): HeldUnderlying => {
    const low = u.spot;
    const reference = (BigInt(t.referenceBps) * WAD) / BPS;
    // One feed per expiry: where two fall on one second, the first counts for all.
    const feeds = new Map<bigint, ScriptedFeed>();
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
type Plain<T extends readonly unknown[]> = { [K in keyof T]: Exclude<T[K], Typed> };
/** What `ModelProbe.evaluate` takes. */
export type ProbeInput = Plain<Parameters<ModelProbe["evaluate"]["staticCall"]>>;

export function probeInput(c: ModelCase, table: string, models: readonly string[]): ProbeInput {
  const perps = c.held.filter((h) => h.perp.size !== 0n);
  const side = (
    h: HeldUnderlying,
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
