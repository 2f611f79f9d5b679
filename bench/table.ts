// Writes bench/gas.json into the README's table, beside what peers' users pay. Runs after `npm run bench`.
import { readFileSync, writeFileSync } from "node:fs";

import { format, resolveConfig } from "prettier";

const README = new URL("../README.md", import.meta.url);
const START = "<!-- gas: written by bench/table.ts -->";
const END = "<!-- end of gas -->";

/** Operation, its key in bench/gas.json, and published or measured figures of Comet, Morpho Blue, Euler v2, Aave v3. */
const ROWS: readonly [string, string, ...(number | string | undefined)[]][] = [
  ["lender supplies, first time", "supply.first", 98_913, 103_959, 144_950, 211_860],
  ["lender supplies again", "supply.again", 81_813, 86_859, 127_850, 153_283],
  ["lender withdraws", "lend.withdraw", 77_776, 85_391, 132_562, 166_679],
  ["first collateral deposit", "collateral.first", 117_069, 70_800, 130_630, 180_538],
  ["borrow, 1 collateral", "borrow.1", 99_116, 92_663, 209_715, 236_022],
  ["borrow, 3 collaterals", "borrow.3", 124_755, undefined, 237_836, 305_006],
  ["repay part", "repay.part", 80_150, 86_810, 139_722, 169_846],
  ["withdraw collateral, debt open", "collateral.withdraw", 94_925, 90_019, 166_150, 215_949],
  ["liquidate, 1 collateral", "liquidate.1", "116,539 + 102,167", 113_254, 270_490, 321_173],
  ["liquidate, 3 collaterals", "liquidate.3", 135_942, undefined, 320_432, 379_214],
];

/** Operation, its key; for scenario margins, what Derive's computation alone costs. */
const DERIVATIVES: readonly [string, string, number?][] = [
  ["perp fill, first position of both, nobody has traded before", "perp.fill"],
  ["perp fill again", "perp.fill.again"],
  ["option fill, first position of both", "option.fill"],
  ["perp fill in a batch of ten, each", "fill.batch10"],
  ["settle unsettled PnL", "settle"],
  ["take over a settled expiry, each position", "expiry"],
  ["liquidate a perp account", "liquidate.perp"],
  ["liquidate 16 options", "liquidate.options16"],
  ["scenario margin, 1 option", "margin.portfolio.1", 405_000],
  ["scenario margin, 8 options", "margin.portfolio.8", 1_750_000],
  ["scenario margin, 16 options", "margin.portfolio.16", 3_310_000],
  ["scenario margin, 32 options", "margin.portfolio.32", 6_470_000],
  ["scenario margin, 64 options", "margin.portfolio.64", 13_000_000],
  ["scenario margin, 128 options", "margin.portfolio.128", 26_800_000],
  ["scenario margin, 8 options, all strikes different", "margin.portfolio.8.apart", 1_750_000],
  ["scenario margin, 16 options, all strikes different", "margin.portfolio.16.apart", 3_310_000],
  ["scenario margin, 32 options, all strikes different", "margin.portfolio.32.apart", 6_470_000],
  ["scenario margin, 64 options, all strikes different", "margin.portfolio.64.apart", 13_000_000],
  ["scenario margin, 128 options, all strikes different", "margin.portfolio.128.apart", 26_800_000],
];

const { ops } = JSON.parse(readFileSync(new URL("gas.json", import.meta.url), "utf8")) as {
  ops: Record<string, number>;
};

const cell = (gas: number | string | undefined): string => gas?.toLocaleString("en-US") ?? "–";

const lines = [
  "| operation | Plimsoll | Comet | Morpho Blue (isolated) | Euler v2 | Aave v3.0.2 |",
  "| --- | ---: | ---: | ---: | ---: | ---: |",
  ...ROWS.map(([name, key, ...peers]) => `| ${[name, cell(ops[key]), ...peers.map(cell)].join(" | ")} |`),
  "",
  "Perps and options. Scenario margins: a full check of new risk from cold, 23 scenarios, one expiry, reads of positions and feeds included, a",
  "call and a put at every strike; beside it what Derive's computation alone costs, without any read.",
  "",
  "| operation | Plimsoll | Derive |",
  "| --- | ---: | ---: |",
  ...DERIVATIVES.map(([name, key, peer]) => `| ${[name, cell(ops[key]), cell(peer)].join(" | ")} |`),
];

const text = readFileSync(README, "utf8");
const [before, rest] = text.split(START);
const after = rest?.split(END)[1];
if (before === undefined || after === undefined) throw new Error(`README.md: no ${START} … ${END}`);
const table = `${START}\n\n${lines.join("\n")}\n\n${END}`;
const options = await resolveConfig(README);
writeFileSync(README, await format(`${before}${table}${after}`, { ...options, parser: "markdown" }));
