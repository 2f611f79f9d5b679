// How long the mirror takes to weigh an account of 64 options (and of 128) in both models: `npm run bench:mirror`. Milliseconds, the
// median of many; every run at a new index, as when prices move, so nothing but volatilities is remembered.
import { marginModels } from "../deploy/config/models.ts";
import type { Position } from "../sdk/instruments.ts";
import {
  decodeLedgerTable,
  evaluatePortfolio,
  evaluateStandard,
  expiryKey,
  explain,
  ledgerOf,
  type AttestedExpiry,
  type LedgerMarket,
} from "../sdk/mirror/derivatives/index.ts";
import { LIQUIDATION, MID, type ModelInput, type Purpose } from "../sdk/mirror/model.ts";
import { packLedgerParameters } from "../sdk/tables/ledgerTable.ts";
import { packRuleParameters } from "../sdk/tables/ruleTable.ts";
import { packScenarioParameters } from "../sdk/tables/scenarioTable.ts";

const WAD = 10n ** 18n;
const ETH = 2;
const NOW = 1_800_000_000;
const DAY = 86_400;
const EXPIRIES = [1, 2, 7, 14, 30, 60, 90, 180].map((days) => NOW + days * DAY);
const RUNS = 200;

const { rules, scenarios } = marginModels({
  perp: { maintenance: 500, initialExtra: 150 },
  brackets: [],
  kappa: 0,
  option: { atTheMoney: 1_500, least: 1_000, maintenance: 750 },
  step: 0.045,
  tails: [
    { spot: 0.5, weight: 0.4 },
    { spot: 2, weight: 0.4 },
  ],
  leastVolatility: 0.4,
});

const tableCode = (): string => {
  const packed = packLedgerParameters({
    underlyings: [{ number: ETH, rules: packRuleParameters(rules), scenarios: packScenarioParameters(scenarios) }],
  }).slice(2);
  return `0x00${packed.slice(0, 64)}${"0".repeat(192)}${packed.slice(64)}`;
};

const attested = (expiry: number): AttestedExpiry => {
  const variance = (WAD * 36n * BigInt(expiry - NOW)) / (100n * 31_536_000n);
  const time = BigInt(NOW - 30);
  return {
    forward: { ratio: WAD, rate: WAD / 20n, confidence: WAD, time, maxAge: 900n, deadAge: 7_200n },
    smile: {
      a: (variance * 8n) / 10n,
      b: variance,
      rho: -WAD / 4n,
      m: 0n,
      sigma: WAD / 5n,
      forwardReference: 2_000n * WAD,
      confidence: WAD,
      time,
    },
  };
};

const market: LedgerMarket = {
  table: decodeLedgerTable(tableCode()),
  perps: new Map(),
  expiries: new Map(),
  premiums: new Map(),
  attested: new Map(EXPIRIES.map((expiry) => [expiryKey(ETH, expiry), attested(expiry)])),
  limits: new Map(),
  settlementPrices: new Map(),
  tracks: new Map(),
  volatilities: new Map(),
  volatilityRisePerHour: 500n,
};

const optionsOf = (count: number): Position[] =>
  Array.from({ length: count }, (_, i) => ({
    instrument: {
      kind: "option",
      underlying: ETH,
      expiry: EXPIRIES[i % EXPIRIES.length] ?? NOW,
      strike: (1_200n + 25n * BigInt(Math.floor(i / EXPIRIES.length) * 8 + (i % 5))) * 10n ** 8n,
      isCall: i % 3 !== 0,
    },
    size: BigInt(i % 2 === 0 ? 3 : -2) * WAD + BigInt(i),
    fundingIndex: 0n,
  }));

const inputOf = (positions: readonly Position[], run: number, purpose: Purpose): ModelInput => {
  const low = 2_000n * WAD + BigInt(run) * WAD;
  const cash = { value: 100_000n * WAD, chargeInitial: 0n, chargeMaintenance: 0n, debts: 0n };
  return {
    purpose,
    settlementPrice: WAD,
    clusters: [{ underlying: 0, low: cash, high: cash }],
    underlyings: [{ number: ETH, low, high: low, amount: 0n }],
    ...ledgerOf(market, { quote: 0n, positions }, BigInt(NOW)),
  };
};

const median = (run: (i: number) => void): string => {
  for (let i = 0; i < RUNS / 4; i++) run(i);
  const times = Array.from({ length: RUNS }, (_, i) => {
    const start = performance.now();
    run(i);
    return performance.now() - start;
  }).sort((a, b) => a - b);
  return `${(times[RUNS / 2] ?? 0).toFixed(2)} ms (p99 ${(times[Math.floor(RUNS * 0.99)] ?? 0).toFixed(2)})`;
};

for (const count of [64, 128]) {
  const positions = optionsOf(count);
  const time = BigInt(NOW);
  const of = (evaluate: typeof evaluateStandard, purpose: Purpose): string =>
    median((i) => evaluate(inputOf(positions, i, purpose), market, time));
  console.log(`${count} options, standard model:  ${of(evaluateStandard, LIQUIDATION)}`);
  console.log(`${count} options, portfolio model: ${of(evaluatePortfolio, LIQUIDATION)}`);
  console.log(`${count} options, taken apart:     ${median((i) => explain(inputOf(positions, i, MID), market, time))}`);
}
