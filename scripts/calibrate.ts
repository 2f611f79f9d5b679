// npm run calibrate -- FILE [--out bench/svi.json]    fits SVI to a file of quotes and reports the error of each expiry
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";

import { calibrate } from "../attestor/calibrate.ts";
import { parseSurface } from "../attestor/surfaceFile.ts";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: "string" } } });
const [file] = positionals;
if (file === undefined) {
  console.error("Usage: npm run calibrate -- FILE [--out REPORT.json]");
  process.exit(1);
}

const started = performance.now();
const snapshot = parseSurface(readFileSync(file, "utf8"));
const { slices, reports, violations } = calibrate(snapshot.expiries);
const seconds = (performance.now() - started) / 1_000;

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const precise = (value: number): number => Number(value.toPrecision(9));
const rows = reports.map((report, i) => {
  const { svi, time, forward } = slices[i] ?? { svi: undefined, time: 0, forward: 0 };
  return {
    expiry: new Date(report.expiry * 1_000).toISOString().slice(0, 16),
    days: round(time * 365, 2),
    forward: round(forward, 3),
    quotes: report.quotes,
    rmseVolPoints: round(report.rmse, 3),
    worstVolPoints: round(report.worst, 3),
    insideBidAsk: round(report.insideSpread, 3),
    halfSpreadVolPoints: round(report.halfSpread, 3),
    leastDensity: precise(report.leastDensity),
    leastCalendarGap: report.leastCalendarGap === undefined ? null : precise(report.leastCalendarGap),
    svi: svi && Object.fromEntries(Object.entries(svi).map(([name, value]) => [name, precise(Number(value))])),
  };
});
console.table(rows.map(({ svi: _svi, leastDensity: _g, leastCalendarGap: _gap, ...row }) => row));

const count = reports.reduce((sum, { quotes }) => sum + quotes, 0);
const total = {
  expiries: reports.length,
  quotes: count,
  rmseVolPoints: round(Math.sqrt(reports.reduce((sum, { rmse, quotes }) => sum + rmse * rmse * quotes, 0) / count), 3),
  insideBidAsk: round(reports.reduce((sum, { insideSpread, quotes }) => sum + insideSpread * quotes, 0) / count, 3),
  arbitrage: violations.length,
};
console.log(`${JSON.stringify(total)}, ${round(seconds, 1)} s`);
if (values.out !== undefined) {
  writeFileSync(values.out, `${JSON.stringify({ source: basename(file), total, expiries: rows }, null, 2)}\n`);
}
process.exitCode = violations.length === 0 ? 0 : 1;
