// report.html: one file, everything inlined, so that it opens without a network.
import { escapeHtml, fillTemplate, scripts, short, style, tile } from "../replay/html.ts";
import { dollars, percent } from "../replay/numbers.ts";
import type { RunRecord, Sample } from "./record.ts";
import { secondsOf, type StressResult } from "./result.ts";
import { sum } from "./statistics.ts";
import { reasonsOf, rows, timeText } from "./table.ts";

/** More than a screen has columns would only make the file large. */
const MOST_SAMPLES = 1_500;

/** Every so many, the first and the last always, and those between which something happened. */
export function thinned(samples: readonly Sample[], most = MOST_SAMPLES): Sample[] {
  const every = Math.max(1, Math.ceil(samples.length / most));
  return samples.filter((_, i) => i % every === 0 || i === samples.length - 1);
}

function reportData(result: StressResult, record: RunRecord, nameOf: (account: string) => string) {
  const samples = thinned(record.samples);
  const column = (of: (sample: Sample) => number): number[] => samples.map((sample) => short(of(sample)));
  return {
    time: samples.map(({ time }) => time),
    eth: column(({ eth }) => eth),
    // Before the first round it has said nothing.
    feedEth: samples.map(({ feedEth }) => (feedEth === 0 ? null : short(feedEth))),
    btc: column(({ btc }) => btc),
    unhealthy: column(({ unhealthy }) => unhealthy),
    keepers: column(({ keepers }) => keepers),
    hole: column(({ hole }) => hole),
    insurancePaid: column(({ insurancePaid }) => insurancePaid),
    writtenOff: column(({ writtenOff }) => writtenOff),
    equity: column(({ equity }) => equity),
    debt: column(({ debt }) => debt),
    hours: result.liquidations.byHour,
    spells: result.timeToHealthy.blocks,
    faults: result.faults.map(({ from, to }) => ({ from, to })),
    bids: record.bids.map((bid) => ({
      ...{ time: bid.time, name: nameOf(bid.account), insolvent: bid.price <= 0 },
      ...{ discount: short(bid.discount), fraction: short(bid.fraction), price: short(bid.price) },
      debt: short(bid.debtRepaid),
    })),
  };
}

const inBlocks = (blocks: number): string => `${blocks} blocks`;

function tiles(r: StressResult): string {
  const net = sum(r.keepers.map(({ profit, gas }) => profit - gas));
  const left = r.unliquidated.length;
  return [
    tile(
      "bad debt",
      dollars(r.badDebt.total),
      `${percent(r.badDebt.total / Math.max(1, r.mostDebt), 2)} of what was owed`,
    ),
    tile("insurance used", dollars(r.insurance.used), `of ${dollars(r.insurance.before)}`),
    tile("lenders' loss", dollars(r.lenders.loss), `worst haircut ${percent(r.lenders.worstHaircut, 2)}`),
    tile("liquidated", `${r.liquidations.accounts} of ${r.accounts.opened}`, `in ${r.liquidations.bids} bids`),
    tile("to healthy, p50", inBlocks(r.timeToHealthy.p50), timeText(secondsOf(r.timeToHealthy.p50))),
    tile("to healthy, p99", inBlocks(r.timeToHealthy.p99), timeText(secondsOf(r.timeToHealthy.p99))),
    tile("keepers' profit", dollars(net), "after gas"),
    tile("left below", String(left), left === 0 ? "nobody" : dollars(sum(r.unliquidated.map(({ equity }) => equity)))),
    tile(
      "invariants",
      r.violations.length === 0 ? "all held" : `${r.violations.length} broken`,
      `${Object.keys(r.invariants).length} checks at every look`,
    ),
  ].join("\n");
}

const row = (cells: readonly string[], numbers: readonly number[]): string =>
  `<tr>${cells.map((cell, i) => `<td${numbers.includes(i) ? ' class="number"' : ""}>${escapeHtml(cell)}</td>`).join("")}</tr>`;

export function reportHtml(result: StressResult, record: RunRecord, nameOf: (account: string) => string): string {
  const [from, to] = [result.from, result.to].map((each) => each.slice(0, 16).replace("T", " "));
  const reasons = reasonsOf(result).map(([why, count]) => `${count} × ${why}`);
  return fillTemplate(new URL("report.template.html", import.meta.url).href, {
    STYLE: style(),
    SOURCE: escapeHtml(result.source),
    PERIOD: `${from} to ${to} UTC`,
    SEED: String(result.seed),
    FAULTS: escapeHtml(result.faults.length === 0 ? "no faults" : result.faults.map(({ what }) => what).join(", ")),
    TILES: tiles(result),
    ROWS: rows(result)
      .map(([name, text]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(text)}</td></tr>`)
      .join("\n"),
    KEEPERS: result.keepers
      .map(({ name, bids, transactions, profit, gas }) =>
        row(
          [name, String(bids), String(transactions), dollars(profit), dollars(gas), dollars(profit - gas)],
          [1, 2, 3, 4, 5],
        ),
      )
      .join("\n"),
    LEFT: escapeHtml(reasons.length === 0 ? "nobody" : reasons.join(" · ")),
    UNLIQUIDATED: result.unliquidated
      .map(({ name, equity, maintenance, why }) => row([name, dollars(equity), dollars(maintenance), why], [1, 2]))
      .join("\n"),
    SCRIPTS: scripts(reportData(result, record, nameOf), [
      new URL("../replay/charts.client.js", import.meta.url).href,
      new URL("report.client.js", import.meta.url).href,
    ]),
  });
}
