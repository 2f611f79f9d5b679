// The demo in numbers.
import type { BidRecord, Recorder } from "./recorder.ts";
import type { DerivativesRecord } from "../../replay/derivatives/record.ts";
import { derivativeRows, type DerivativesSummary, summariseDerivatives } from "./derivatives/summary.ts";
import { INVARIANT_IDS, type Violation } from "../../replay/invariants.ts";
import { dollars, percent } from "../../replay/numbers.ts";
import { SYMBOLS } from "../../replay/stage.ts";

const YEAR_S = 365 * 86_400;

/** Of all transactions that the keeper sent. */
export interface Gas {
  readonly transactions: number;
  readonly ether: number;
  readonly dollars: number;
}

/** What the auditor found at the end: the protocol rebuilt from events alone, against storage. */
export interface Audited {
  readonly events: number;
  readonly compared: number;
  readonly differences: number;
  readonly findings: readonly string[];
}

export interface Summary {
  readonly source: string;
  readonly from: string;
  readonly to: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly accounts: number;
  /** Openings that the contracts refused, not counted as accounts. */
  readonly refused: number;
  readonly everBelowMaintenance: number;
  readonly liquidated: number;
  readonly liquidatedInWhole: number;
  readonly recovered: number;
  readonly toppedUp: number;
  readonly bids: number;
  readonly debtRepaid: number;
  /** Means over the bids on solvent accounts. */
  readonly fractionTaken: number;
  readonly fractionAllowed: number;
  readonly discount: number;
  /** Written off against lenders. */
  readonly badDebt: number;
  readonly paidByInsurance: number;
  readonly insuranceBefore: number;
  readonly insuranceAfter: number;
  readonly lenderApy: Readonly<Record<string, number>>;
  /** Before gas. */
  readonly keeperProfit: number;
  readonly keeperGas: Gas;
  readonly gasPerBid: number;
  readonly keeperLate: number;
  readonly stillBelowMaintenance: number;
  readonly equityAfter: number;
  readonly debtAfter: number;
  readonly derivatives: DerivativesSummary;
  readonly invariants: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  readonly audit: Audited;
}

export interface SummaryInput {
  readonly source: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly recorder: Recorder;
  readonly derivatives: DerivativesRecord;
  readonly violations: readonly Violation[];
  readonly keeperGas: Gas;
  readonly gasPerBid: number;
  readonly keeperLate: number;
  readonly audit: Audited;
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
const mean = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.length === 0 ? 0 : sum(items, of) / items.length;
const iso = (time: number): string => new Date(time * 1000).toISOString().replace(".000Z", "Z");

export function summarise(input: SummaryInput): Summary {
  const { recorder, violations } = input;
  const { traders } = recorder;
  const mine = new Set(traders.map(({ account }) => account));
  // Those with perps and options are told of apart.
  const bids = recorder.bids.filter(({ account }) => mine.has(account));
  const liquidated = new Set(bids.map(({ account }) => account));
  const below = [...recorder.everUnhealthy].filter((account) => mine.has(account));
  const solvent = bids.filter(({ insolvent }) => !insolvent);
  const last = recorder.samples.at(-1);
  return {
    source: input.source,
    from: iso(recorder.firstTime),
    to: iso(recorder.lastTime),
    rounds: input.rounds,
    seconds: input.seconds,
    accounts: traders.length - recorder.refused,
    refused: recorder.refused,
    everBelowMaintenance: below.length,
    liquidated: liquidated.size,
    liquidatedInWhole: new Set(bids.filter(({ fraction }) => fraction >= 1).map(({ account }) => account)).size,
    recovered: below.filter((account) => {
      const health = recorder.lastHealths.get(account);
      return !liquidated.has(account) && health !== undefined && health.maintenance >= 0n;
    }).length,
    toppedUp: recorder.toppedUp,
    bids: bids.length,
    debtRepaid: sum(bids, ({ debtRepaid }) => debtRepaid),
    fractionTaken: mean(solvent, ({ fraction }) => fraction),
    fractionAllowed: mean(solvent, ({ maxFraction }) => maxFraction),
    discount: 1 - mean(solvent, ({ discountFactor }: BidRecord) => discountFactor),
    badDebt: sum(recorder.writeOffs, ({ dollars }) => dollars),
    paidByInsurance: sum(recorder.bids, ({ fromInsurance }) => fromInsurance),
    insuranceBefore: recorder.insuranceBefore ?? 0,
    insuranceAfter: recorder.insuranceAfter,
    lenderApy: lenderApy(recorder),
    keeperProfit: sum(bids, ({ profit }) => profit),
    keeperGas: input.keeperGas,
    gasPerBid: input.gasPerBid,
    keeperLate: input.keeperLate,
    stillBelowMaintenance: last?.unhealthy ?? 0,
    equityAfter: last?.equity ?? 0,
    debtAfter: last?.debt ?? 0,
    derivatives: summariseDerivatives(input.derivatives),
    invariants: Object.fromEntries(INVARIANT_IDS.map((id) => [id, violations.filter((each) => each.id === id).length])),
    violations,
    audit: input.audit,
  };
}

/** What the supply index has grown by, as if for a year. */
function lenderApy({ firstPools, lastPools, firstTime, lastTime }: Recorder): Record<string, number> {
  const years = (lastTime - firstTime) / YEAR_S;
  return Object.fromEntries(
    SYMBOLS.map((symbol) => {
      const [from, to] = [firstPools?.get(symbol), lastPools.get(symbol)];
      const growth = from && to ? Number(to.supplyIndex) / Number(from.supplyIndex) : 1;
      return [symbol, years > 0 ? growth ** (1 / years) - 1 : 0];
    }),
  );
}

/** The rows of the table, in words. */
export function rows(s: Summary): [string, string][] {
  const apy = Object.entries(s.lenderApy).map(([symbol, rate]) => `${symbol} ${percent(rate)}`);
  const broken = Object.entries(s.invariants).filter(([, count]) => count > 0);
  return [
    [
      "accounts",
      `${s.accounts}, ${s.everBelowMaintenance} of them below maintenance at some time${s.refused > 0 ? `; ${s.refused} openings refused` : ""}`,
    ],
    ["liquidated", `${s.liquidated} accounts in ${s.bids} bids, ${s.liquidatedInWhole} of them whole`],
    ["recovered", `${s.recovered} without a bid; ${s.toppedUp} owners added margin in time`],
    ["debt repaid", dollars(s.debtRepaid)],
    ["fraction taken", `${percent(s.fractionTaken)} on average, allowed (f_max) ${percent(s.fractionAllowed)}`],
    ["discount", `${percent(s.discount)} of the equity sold, on average`],
    ["bad debt", s.badDebt > 0 ? `${dollars(s.badDebt)} written off` : "none written off"],
    [
      "insurance fund",
      `${dollars(s.insuranceBefore)} before, ${dollars(s.insuranceAfter)} after; paid ${dollars(s.paidByInsurance)} for insolvent accounts`,
    ],
    ["lender APY", apy.join(", ")],
    ["keeper profit", `${dollars(s.keeperProfit)} before gas, ${dollars(s.keeperProfit - s.keeperGas.dollars)} after`],
    [
      "gas",
      `${Math.round(s.gasPerBid).toLocaleString("en-US")} a bid; the keeper paid ${s.keeperGas.ether.toFixed(3)} ETH (${dollars(s.keeperGas.dollars)}) for ${s.keeperGas.transactions} transactions`,
    ],
    ...derivativeRows(s.derivatives),
    [
      "invariants",
      broken.length === 0
        ? `${INVARIANT_IDS.join(", ")} held at every look`
        : broken.map(([id, count]) => `${id} BROKEN ${count}×`).join(", "),
    ],
    [
      "audit",
      `${s.audit.events.toLocaleString("en-US")} events rebuild all of storage: ` +
        (s.audit.differences === 0
          ? `no difference in ${s.audit.compared.toLocaleString("en-US")} comparisons`
          : `${s.audit.differences} DIFFERENCES`),
    ],
  ];
}

export function table(s: Summary): string {
  const lines = rows(s);
  const left = Math.max(...lines.map(([name]) => name.length));
  const right = Math.max(...lines.map(([, text]) => text.length));
  const rule = (a: string, b: string, c: string) => `${a}${"─".repeat(left + 2)}${b}${"─".repeat(right + 2)}${c}`;
  return [
    rule("┌", "┬", "┐"),
    ...lines.map(([name, text]) => `│ ${name.padEnd(left)} │ ${text.padEnd(right)} │`),
    rule("└", "┴", "┘"),
  ].join("\n");
}
