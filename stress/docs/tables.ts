// Writes the tables of docs/resilience.md from the figures that were kept, between marks that name them.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { dollars, percent } from "../../replay/numbers.ts";
import { secondsOf } from "../result.ts";
import { sum } from "../statistics.ts";
import { cellsOf } from "../sweepReport.ts";
import { timeText } from "../table.ts";
import { type Kept, type KeptRun, readKept } from "./doRuns.ts";
import { type DocumentedRun, RUNS } from "./runs.ts";

const PAGE = fileURLToPath(new URL("../../docs/resilience.md", import.meta.url));

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const grid = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...body.map(line)].join("\n");

const RUN_HEADINGS = [
  ...["run", "fall ETH / BTC", "accounts", "liquidated", "bids", "bad debt", "of debt", "insurance used"],
  ...["lenders' loss (worst haircut)", "to healthy p50", "p99", "keepers after gas", "left below"],
];

const blocks = (count: number): string => `${count} (${timeText(secondsOf(count))})`;

const runCells = (title: string, r: KeptRun): string[] => [
  ...[title, `${percent(r.falls.eth, 0)} / ${percent(r.falls.btc, 0)}`, String(r.accounts.opened)],
  ...[String(r.liquidations.accounts), String(r.liquidations.bids), dollars(r.badDebt.total)],
  percent(r.badDebt.total / Math.max(1, r.mostDebt), 2),
  `${dollars(r.insurance.used)} of ${dollars(r.insurance.before)}`,
  r.lenders.loss === 0 ? "none" : `${dollars(r.lenders.loss)} (${percent(r.lenders.worstHaircut, 2)})`,
  ...[blocks(r.timeToHealthy.p50), blocks(r.timeToHealthy.p99)],
  dollars(sum(r.keepers.map(({ profit, gas }) => profit - gas))),
  String(r.unliquidated.length),
];

const SWEEP_HEADINGS = [
  ...["parameters", "most leverage", "bad debt", "of debt", "insurance", "lenders' loss", "bids"],
  ...["to healthy p50 / p99", "keepers after gas", "left", "frontier"],
];

/** The command as a person types it. */
const command = ({ args }: Kept): string =>
  `npm run stress -- ${args.map((arg) => (/[=%,]/.test(arg) && !arg.startsWith("--") ? `"${arg}"` : arg)).join(" ")}`;

function section(runs: readonly DocumentedRun[], kept: Readonly<Record<string, Kept>>): string {
  const done = runs.flatMap((run) => {
    const found = kept[run.name];
    return found === undefined ? [] : [{ run, found }];
  });
  const rows = done.flatMap(({ run, found }) => (found.run === undefined ? [] : [runCells(run.title, found.run)]));
  const sweeps = done.flatMap(({ found }) => found.sweep ?? []);
  const commands = done.map(({ found }) => command(found));
  const points = sweeps.flatMap((sweep) => sweep.points);
  return [
    ...(rows.length > 0 ? [grid(RUN_HEADINGS, rows)] : []),
    ...(points.length > 0
      ? [
          grid(
            SWEEP_HEADINGS,
            points.map((point) => [point.parameters, ...cellsOf(point), point.onFrontier ? "yes" : ""]),
          ),
        ]
      : []),
    ...(commands.length > 0 ? [`\`\`\`sh\n${commands.join("\n")}\n\`\`\``] : ["Not run yet."]),
  ].join("\n\n");
}

/** Between `<!-- NAME -->` and `<!-- /NAME -->`. */
function replaceBetween(page: string, name: string, text: string): string {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/resilience.md has no marks ${start} … ${end}`);
  return `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`;
}

export function writeTables(): void {
  const kept = readKept();
  let page = readFileSync(PAGE, "utf8");
  for (const name of new Set(RUNS.map(({ table }) => table)))
    page = replaceBetween(
      page,
      name,
      section(
        RUNS.filter(({ table }) => table === name),
        kept,
      ),
    );
  writeFileSync(`${PAGE}.new`, page);
  renameSync(`${PAGE}.new`, PAGE);
}
