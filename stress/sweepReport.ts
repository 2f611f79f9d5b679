// A sweep as a table and as a page with its frontier.
import { escapeHtml, fillTemplate, scripts, short, style } from "../replay/html.ts";
import { dollars, percent } from "../replay/numbers.ts";
import type { SweepPoint, SweepResult } from "./sweep.ts";

/** What both tables say of a point, after its parameters. */
export const cellsOf = (point: SweepPoint): string[] => [
  `${point.maxLeverage.toFixed(2)}x`,
  dollars(point.badDebt),
  percent(point.badDebtPart, 3),
  dollars(point.insuranceUsed),
  dollars(point.lendersLoss),
  String(point.bids),
  `${point.p50} / ${point.p99}`,
  dollars(point.keepersProfit),
  String(point.left),
];

const HEADINGS = ["", "leverage", "bad debt", "part", "insurance", "lenders", "bids", "p50 / p99", "keepers", "left"];

export function sweepTable({ points }: SweepResult): string {
  const lines = [
    HEADINGS,
    ...points.map((point) => [point.parameters, ...cellsOf(point), point.onFrontier ? "*" : ""]),
  ];
  const width = (i: number): number => Math.max(...lines.map((line) => (line[i] ?? "").length));
  const text = lines.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(width(i)) : cell.padStart(width(i)))).join("  "),
  );
  return [...text, "", "*: on the frontier; blocks of 12 s"].join("\n");
}

const row = (point: SweepPoint): string => {
  const cells = cellsOf(point).map((cell) => `<td class="number">${escapeHtml(cell)}</td>`);
  const name = escapeHtml(point.parameters);
  return `<tr><td>${point.onFrontier ? `<b>${name}</b>` : name}</td>${cells.join("")}</tr>`;
};

export const sweepHtml = (result: SweepResult): string =>
  fillTemplate(new URL("sweep.template.html", import.meta.url).href, {
    STYLE: style(),
    SOURCE: escapeHtml(result.source),
    RUNS: String(result.points.length),
    ACCOUNTS: String(result.accounts),
    SEED: String(result.seed),
    ROWS: result.points.map(row).join("\n"),
    SCRIPTS: scripts(
      {
        points: result.points.map(({ parameters, maxLeverage, badDebtPart, onFrontier }) => ({
          ...{ name: parameters, leverage: short(maxLeverage), part: short(badDebtPart), best: onFrontier },
        })),
      },
      [new URL("../replay/charts.client.js", import.meta.url).href, new URL("sweep.client.js", import.meta.url).href],
    ),
  });
