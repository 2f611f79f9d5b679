// A result as a table for a terminal, and as rows for reports.
import { dollars, percent } from "../replay/numbers.ts";
import type { StressResult } from "./result.ts";
import { secondsOf } from "./result.ts";
import { sum } from "./statistics.ts";

const MOST_HOURS = 12;
const MOST_REASONS = 3;

/** Seconds as somebody would say them. */
export const timeText = (seconds: number): string =>
  seconds < 120
    ? `${Math.round(seconds)} s`
    : seconds < 7_200
      ? `${Math.round(seconds / 60)} min`
      : `${(seconds / 3_600).toFixed(1)} h`;

const blocksText = (blocks: number): string =>
  `${blocks} block${blocks === 1 ? "" : "s"} (${timeText(secondsOf(blocks))})`;

/** The busiest hours, in their order. */
function hoursText(hours: readonly number[]): string {
  const busy = hours
    .map((bids, hour) => ({ bids, hour }))
    .filter(({ bids }) => bids > 0)
    .sort((a, b) => b.bids - a.bids)
    .slice(0, MOST_HOURS)
    .sort((a, b) => a.hour - b.hour);
  return busy.length === 0 ? "none" : busy.map(({ bids, hour }) => `h${hour}: ${bids}`).join(", ");
}

/** Numbers in reasons differ from account to account. */
const kindOf = (why: string): string => why.replace(/-?\d+(\.\d+)?/g, "…");

/** Why accounts were not liquidated, the commonest first. */
export function reasonsOf({ unliquidated }: StressResult): readonly (readonly [why: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const { why } of unliquidated) counts.set(kindOf(why), (counts.get(kindOf(why)) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

function leftText(result: StressResult): string {
  const { unliquidated } = result;
  if (unliquidated.length === 0) return "nobody is below maintenance";
  const reasons = reasonsOf(result)
    .slice(0, MOST_REASONS)
    .map(([why, count]) => `${count}: ${why}`);
  return `${unliquidated.length}, equity ${dollars(sum(unliquidated.map(({ equity }) => equity)))} (${reasons.join("; ")})`;
}

const brokenText = ({ invariants }: StressResult): string => {
  const broken = Object.entries(invariants).filter(([, count]) => count > 0);
  return broken.length === 0
    ? `${Object.keys(invariants).join(", ")} held at every look`
    : broken.map(([id, count]) => `${id} BROKEN ${count}×`).join(", ");
};

/** The rows of the table, in words. */
export function rows(r: StressResult): [string, string][] {
  const { accounts, liquidations, timeToHealthy, badDebt, insurance, lenders, keepers } = r;
  const [profit, gas] = [sum(keepers.map((each) => each.profit)), sum(keepers.map((each) => each.gas))];
  const healed = timeToHealthy.spells;
  return [
    ["prices", `${r.source}; falls from a high: ETH ${percent(r.falls.eth)}, BTC ${percent(r.falls.btc)}`],
    [
      "accounts",
      `${accounts.opened} opened (${accounts.withPositions} with perps and options), ${accounts.refused} refused; ${accounts.toppedUp} added margin`,
    ],
    ["lent, borrowed", `${dollars(r.lent)} lent at the start, ${dollars(r.mostDebt)} owed at most`],
    ["faults", r.faults.length === 0 ? "none" : r.faults.map(({ what }) => what).join("; ")],
    ...(r.parameters === "" ? [] : [["parameters", r.parameters] as [string, string]]),
    [
      "bad debt",
      `${dollars(badDebt.total)}: ${dollars(badDebt.taken)} taken over by bidders, ${dollars(badDebt.open)} open at the end`,
    ],
    [
      "insurance used",
      `${dollars(insurance.used)}; the fund had ${dollars(insurance.before)} and has ${dollars(insurance.after)}`,
    ],
    [
      "lenders' loss",
      lenders.loss === 0
        ? "none"
        : `${dollars(lenders.loss)}; worst haircut ${percent(lenders.worstHaircut, 2)} (${lenders.worstPool})`,
    ],
    [
      "liquidations",
      `${liquidations.accounts} accounts in ${liquidations.bids} bids of ${liquidations.everUnhealthy} ever below maintenance; ${dollars(liquidations.debtRepaid)} of debt, discount ${percent(liquidations.discount)}`,
    ],
    ["  bids by hour", hoursText(liquidations.byHour)],
    [
      "unhealthy to healthy",
      healed === 0
        ? "nobody was ever below maintenance"
        : `p50 ${blocksText(timeToHealthy.p50)}, p99 ${blocksText(timeToHealthy.p99)}, longest ${blocksText(timeToHealthy.longest)}, ${healed} times`,
    ],
    [
      "keepers",
      `${keepers.length}: profit ${dollars(profit)} before gas, gas ${dollars(gas)} for ${sum(keepers.map((each) => each.transactions))} transactions; desk ${dollars(r.deskProfit)}`,
    ],
    ["left below maintenance", leftText(r)],
    ["invariants", brokenText(r)],
    ["run", `seed ${r.seed}, ${r.rounds} prices, ${r.blocks} blocks, ${r.seconds.toFixed(0)} s`],
  ];
}

export function table(lines: readonly (readonly [string, string])[]): string {
  const left = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `${name.padEnd(left)}  ${text}`).join("\n");
}
