// A run in numbers: what result.json says, and what table and report are made of. Dollars, parts of one, unix seconds.
import type { Violation } from "../replay/invariants.ts";
import { INVARIANT_IDS } from "../replay/invariants.ts";
import { SYMBOLS } from "../replay/assets.ts";
import type { Fault } from "./faults.ts";
import type { Efficiency } from "./parameters.ts";
import { type RunRecord, usd } from "./record.ts";
import { BLOCK_S, blocksOf } from "./spells.ts";
import { byHour, mean, percentile, sum, worstFall } from "./statistics.ts";

export interface KeeperResult {
  readonly name: string;
  readonly bids: number;
  /** What it was left with beyond its gas money, before gas. */
  readonly profit: number;
  readonly gas: number;
  readonly transactions: number;
}

export interface LeftOver {
  readonly account: string;
  readonly name: string;
  readonly equity: number;
  readonly maintenance: number;
  readonly why: string;
}

export interface StressResult {
  readonly source: string;
  readonly from: string;
  readonly to: string;
  readonly seed: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly blocks: number;
  readonly accounts: {
    readonly asked: number;
    readonly opened: number;
    readonly refused: number;
    readonly withPositions: number;
    readonly toppedUp: number;
  };
  readonly faults: readonly { readonly what: string; readonly from: number; readonly to: number }[];
  readonly parameters: string;
  readonly efficiency: Efficiency;
  /** Largest fall of each coin from a high, over the run. */
  readonly falls: { readonly eth: number; readonly btc: number };
  readonly lent: number;
  readonly mostDebt: number;
  readonly liquidations: {
    readonly everUnhealthy: number;
    readonly accounts: number;
    readonly bids: number;
    readonly debtRepaid: number;
    /** Mean over bids on solvent accounts. */
    readonly discount: number;
    readonly byHour: readonly number[];
  };
  readonly timeToHealthy: {
    readonly spells: number;
    readonly p50: number;
    readonly p99: number;
    readonly longest: number;
    /** All of them, in blocks. */
    readonly blocks: readonly number[];
  };
  readonly badDebt: {
    /** Equity below zero that bidders took over, and that nobody has yet. */
    readonly total: number;
    readonly taken: number;
    readonly open: number;
  };
  readonly insurance: { readonly before: number; readonly after: number; readonly used: number };
  readonly lenders: { readonly loss: number; readonly worstHaircut: number; readonly worstPool: string };
  readonly keepers: readonly KeeperResult[];
  /** Of those who bid on perps and options. */
  readonly deskProfit: number;
  readonly keepersLate: number;
  readonly unliquidated: readonly LeftOver[];
  readonly invariants: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
}

export interface ResultInput {
  readonly source: string;
  readonly seed: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly blocks: number;
  readonly accounts: StressResult["accounts"];
  readonly faults: readonly Fault[];
  readonly parameters: string;
  readonly efficiency: Efficiency;
  readonly lent: number;
  readonly keepers: readonly KeeperResult[];
  readonly deskProfit: number;
  readonly keepersLate: number;
  readonly record: RunRecord;
  readonly nameOf: (account: string) => string;
  readonly reasonFor: (account: string) => string;
  readonly violations: readonly Violation[];
}

const iso = (time: number): string => new Date(time * 1000).toISOString().replace(".000Z", "Z");
/** Nothing that rounding could have made. */
const LEAST_DEFICIT = 0.01;

export function resultOf(input: ResultInput): StressResult {
  const { record, violations } = input;
  const { bids, samples } = record;
  const spells = record.spells.all().map(({ from, to }) => blocksOf({ from, to: to ?? record.lastTime }));
  const haircuts = SYMBOLS.map((symbol) => ({ symbol, worst: worstFall(record.supplyIndices[symbol]) }));
  const worst = haircuts.reduce((a, b) => (b.worst > a.worst ? b : a));
  const taken = sum(bids.map(({ deficit }) => deficit));
  const open = record.hole() < LEAST_DEFICIT ? 0 : record.hole();
  return {
    ...{ source: input.source, from: iso(record.firstTime), to: iso(record.lastTime), seed: input.seed },
    ...{ seconds: input.seconds, rounds: input.rounds, blocks: input.blocks, accounts: input.accounts },
    faults: input.faults.map(({ what, from, to }) => ({ what, from, to })),
    ...{ parameters: input.parameters, efficiency: input.efficiency, lent: input.lent, mostDebt: record.mostDebt },
    falls: { eth: worstFall(samples.map(({ eth }) => eth)), btc: worstFall(samples.map(({ btc }) => btc)) },
    liquidations: {
      everUnhealthy: record.everUnhealthy.size,
      accounts: new Set(bids.map(({ account }) => account)).size,
      bids: bids.length,
      debtRepaid: sum(bids.map(({ debtRepaid }) => debtRepaid)),
      discount: mean(bids.filter(({ price }) => price > 0).map(({ discount }) => discount)),
      byHour: byHour(bids, record.firstTime, () => 1),
    },
    timeToHealthy: {
      spells: spells.length,
      p50: percentile(spells, 0.5),
      p99: percentile(spells, 0.99),
      longest: Math.max(0, ...spells),
      blocks: spells,
    },
    badDebt: { total: taken + open, taken, open },
    insurance: {
      before: record.insuranceBefore ?? 0,
      after: record.insuranceAfter,
      used: sum(bids.map(({ fromInsurance }) => fromInsurance)),
    },
    lenders: {
      loss: sum(record.writeOffs.map(({ dollars }) => dollars)),
      worstHaircut: worst.worst,
      worstPool: worst.worst > 0 ? worst.symbol : "",
    },
    keepers: input.keepers,
    deskProfit: input.deskProfit,
    keepersLate: input.keepersLate,
    unliquidated: record.lastHealths
      .filter(({ priced, maintenance }) => priced && maintenance < 0n)
      .map(({ account, mtm, maintenance }) => ({
        ...{ account, name: input.nameOf(account), equity: usd(mtm), maintenance: usd(maintenance) },
        why: input.reasonFor(account),
      })),
    invariants: Object.fromEntries(INVARIANT_IDS.map((id) => [id, violations.filter((each) => each.id === id).length])),
    violations,
  };
}

/** Seconds of a real chain that so many blocks take. */
export const secondsOf = (blocks: number): number => blocks * BLOCK_S;
