// Measures what Black-76 and the scenario grid cost and how precise they are, on the production build. Writes bench/black76.json.
//   HARDHAT_BUILD_PROFILE=production tsx bench/black76.ts
import { writeFileSync } from "node:fs";

import { network } from "hardhat";

import { packScenarioParameters, type Scenario, type ScenarioParameters } from "../sdk/tables/scenarioTable.ts";
import { DOMAIN, exactCalls, exactDeviation } from "../test/helpers/black76-domain.ts";
import * as R from "../test/helpers/exact/real.ts";
import { ScenarioHarness__factory, type ScenarioHarness } from "../types/ethers-contracts/index.js";

const FILE = new URL("./black76.json", import.meta.url);
const WAD = 10n ** 18n;
const FORWARD = 2_000n * WAD;
const DAY = 86_400n;
const COUNTS = [1, 8, 16, 32, 64, 128] as const;
/** Strikes reach this far from the forward, in logarithms. */
const WIDTH = 0.4;

/** Spot by ±1 to ±3 steps with volatility up, unmoved and down, by ±4 with volatility up: 23 in all. */
const SCENARIOS: readonly Scenario[] = Array.from({ length: 9 }, (_, i) => i - 4).flatMap((step) =>
  (["up", "none", "down"] as const)
    .filter((rule) => Math.abs(step) < 4 || rule === "up")
    .map((volatility) => ({ spot: (1 + 0.045 * step).toFixed(3), volatility, weight: "1" })),
);

const PARAMETERS: ScenarioParameters = {
  scenarios: SCENARIOS,
  volatility: { rangeUp: 0.5, least: 0.45, rangeDown: 0.3, daysFloor: 1, shortPower: 0.3, longPower: 0.15 },
  discount: { gain: { base: 0.95, mult: 1, add: 0.1 }, loss: { base: 1.05, mult: 0.5, add: 0.1 } },
  skew: {
    linear: { base: "-0.05", scale: 0.15 },
    abs: { base: "-0.05", scale: 0.15 },
    minKStar: 0.01,
    minWidthScale: 4,
    volStatic: 0.6,
    volScale: "-0.1",
  },
  basis: { up: "1.045", down: "0.955", add: 0.5, mult: 2 },
  confidence: { threshold: 0.5, margin: 1 },
  perp: { maintenance: 0.015, initialExtra: 0.005 },
  option: { maintenance: 0.003, initialExtra: 0.002 },
  lossFactor: { maintenance: 0.8, initial: 1 },
  peg: { threshold: 0.98, factor: 2 },
};

type Book = Parameters<ScenarioHarness["evaluate"]>[0];

/** `n` options of one expiry, all strikes different, or each strike with a call and a put. */
function book(n: number, days: bigint, paired: boolean): Book {
  const strikes = paired ? Math.ceil(n / 2) : n;
  return {
    parameters: packScenarioParameters(PARAMETERS),
    g: WAD,
    spot: FORWARD,
    perpSize: 0n,
    perpMark: 0n,
    spotValue: 0n,
    secondsLeft: days * DAY,
    forwardVar: FORWARD,
    forwardFix: 0n,
    rate: WAD / 20n,
    options: Array.from({ length: n }, (_, i) => {
      const place = ((paired ? i >> 1 : i) + 0.5) / strikes;
      const strike = BigInt(Math.round(2_000 * Math.exp(WIDTH * (2 * place - 1)))) * WAD;
      return {
        strike: strike + BigInt(i),
        size: BigInt(((paired ? i >> 1 : i) % 3) * 2 - 1) * WAD,
        volatility: (WAD * 6n) / 10n,
        isCall: i % 2 === 0,
      };
    }).map((o, i, all) => (paired && i % 2 === 1 ? { ...o, strike: all[i - 1]?.strike ?? o.strike } : o)),
  };
}

async function gasOf(harness: ScenarioHarness, days: bigint, paired: boolean): Promise<Record<string, object>> {
  const rows: Record<string, object> = {};
  for (const n of COUNTS) {
    const [, gas] = await harness.evaluate(book(n, days, paired));
    const { load, collect, evaluate } = gas;
    rows[n] = { load: Number(load), collect: Number(collect), evaluate: Number(evaluate) };
  }
  return rows;
}

/** Largest error of calls over the forward, for strikes near it and for all. */
async function errors(harness: ScenarioHarness): Promise<object[]> {
  const rows: object[] = [];
  for (const { seconds, sigma } of DOMAIN.markets) {
    const v = exactDeviation(sigma, seconds);
    const strikes = DOMAIN.ratios.map((ratio) => (FORWARD * ratio) / WAD);
    const prices = await harness.prices(
      FORWARD,
      strikes,
      strikes.map(() => R.toWad(v)),
      true,
    );
    const error = exactCalls(FORWARD, strikes, v).map((exact, i) =>
      R.toNumber(R.div(R.abs(R.fromWad(prices[i] ?? 0n) - exact), R.fromWad(FORWARD))),
    );
    rows.push({ seconds: Number(seconds), sigma: Number(sigma) / 1e18, error: Math.max(...error).toExponential(1) });
  }
  return rows;
}

const { ethers } = await network.create();
const normal = await ethers.deployContract("NormalTable");
const contract = await ethers.deployContract("ScenarioHarness", [await normal.getAddress()]);
const harness = ScenarioHarness__factory.connect(await contract.getAddress(), (await ethers.getSigners())[0]);
const [price] = await harness.priceGas(FORWARD, (FORWARD * 11n) / 10n, WAD / 5n);
const report = {
  profile: process.env["HARDHAT_BUILD_PROFILE"] ?? "default",
  price: Number(price),
  scenarios: SCENARIOS.length,
  options: {
    "30 days, all strikes different": await gasOf(harness, 30n, false),
    "30 days, a call and a put at each strike": await gasOf(harness, 30n, true),
    "1 day, all strikes different": await gasOf(harness, 1n, false),
  },
  errors: await errors(harness),
};
writeFileSync(FILE, `${JSON.stringify(report, null, 2)}\n`);
console.log(`written to bench/black76.json: one price ${report.price} gas`);
