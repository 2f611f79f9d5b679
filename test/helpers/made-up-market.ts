// A market of spot, perps and options and random accounts in it, without a chain: what the analysis is asked about.
import { ZeroAddress } from "ethers";

import { marginModels } from "../../deploy/config/models.ts";
import type { Position } from "../../sdk/instruments.ts";
import { type Account, type Entry, NO_FLAGS } from "../../sdk/mirror/account.ts";
import { idleAsset, poolAsset, vaultShareAsset } from "../../sdk/mirror/assets.ts";
import { expiryKey, type LedgerMarket } from "../../sdk/mirror/derivatives/market.ts";
import { decodeLedgerTable } from "../../sdk/mirror/derivatives/words.ts";
import { WAD } from "../../sdk/mirror/fixed.ts";
import type { Market, Pool, SourcePrice } from "../../sdk/mirror/market.ts";
import { INDEX_ONE } from "../../sdk/mirror/pools.ts";
import { packLedgerParameters } from "../../sdk/tables/ledgerTable.ts";
import {
  type Asset,
  type Haircut,
  packRiskTable,
  type RiskTable,
  unpackRiskTable,
} from "../../sdk/tables/riskTable.ts";
import { packRuleParameters } from "../../sdk/tables/ruleTable.ts";
import { packScenarioParameters } from "../../sdk/tables/scenarioTable.ts";
import { oneOf, type Random } from "./random.ts";
import { ANY_AUCTION } from "./spot-world.ts";

export const NOW = 1_800_000_000;
const DAY = 86_400;
export const EXPIRIES = [NOW + 7 * DAY, NOW + 30 * DAY, NOW + 120 * DAY] as const;

export const USDC = poolAsset(1);
export const WETH = poolAsset(2);
export const WBTC = poolAsset(3);
export const STAKED = idleAsset(1);
export const SHARE = vaultShareAsset(2);
const DOLLARS: Readonly<Record<number, bigint>> = { [USDC]: 1n, [WETH]: 2_000n, [WBTC]: 30_000n, [STAKED]: 1_980n };
const DECIMALS: Readonly<Record<number, number>> = { [USDC]: 6, [WETH]: 18, [WBTC]: 8, [STAKED]: 18, [SHARE]: 18 };

const group = { id: 1, maintenanceBps: 300, initialExtraBps: 200 };

const asset = (tokenDecimals: number, haircut: Haircut): Asset => ({
  feed: ZeroAddress,
  heartbeat: DAY,
  feedDecimals: 8,
  tokenDecimals,
  minAnswer: 10n ** 6n,
  maxAnswer: 10n ** 14n,
  haircut,
});

const tableOf = (): RiskTable => ({
  settlementDecimals: 6,
  deviationDelay: 300,
  pools: [
    asset(6, { maintenanceBps: 0, initialExtraBps: 0 }),
    asset(18, {
      maintenanceBps: 1_000,
      initialExtraBps: 600,
      brackets: [{ size: 20_000n * WAD, addOnBps: 500 }],
      kappaBps: 500,
      group,
    }),
    asset(8, { maintenanceBps: 1_000, initialExtraBps: 600 }),
  ],
  idles: [asset(18, { maintenanceBps: 1_200, initialExtraBps: 600, group })],
  vaultShares: [null, { haircut: { maintenanceBps: 1_100, initialExtraBps: 600, group } }, null],
});

const poolOf = (number: number, decimals: number): Pool => ({
  number,
  token: ZeroAddress,
  decimals,
  lenderShares: 10n ** BigInt(decimals + 7),
  accountShares: 10n ** BigInt(decimals + 7),
  supplyIndex: INDEX_ONE + 31n * 10n ** 12n,
  debtShares: 10n ** BigInt(decimals + 7),
  debtIndex: INDEX_ONE + 47n * 10n ** 12n,
  lastAccrual: BigInt(NOW - 1_000),
  rateAtTarget: 0n,
  reserveFactorBps: 1_000n,
  supplyCap: undefined,
  borrowCap: undefined,
  depositsClosed: false,
  externalModel: false,
  maxUtilisationBps: 9_500n,
  reservedPartBps: 1_000n,
  settlementPartBps: 0n,
  borrowsClosed: false,
  tokens: 10n ** BigInt(decimals + 7),
  outflowLeft: undefined,
});

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

const ledgerTable = () => {
  const packed = packLedgerParameters({
    underlyings: [2, 3].map((number) => ({
      number,
      rules: packRuleParameters(rules),
      scenarios: packScenarioParameters(scenarios),
    })),
  }).slice(2);
  // The factory puts three addresses behind the first word.
  return decodeLedgerTable(`0x00${packed.slice(0, 64)}${"0".repeat(192)}${packed.slice(64)}`);
};

const ledger = (): LedgerMarket => {
  const ages = { time: BigInt(NOW - 30), maxAge: 900n, deadAge: 7_200n };
  const keys = [2, 3].flatMap((n) => EXPIRIES.map((expiry) => [n, expiry] as const));
  const variance = (expiry: number): bigint => (WAD * 36n * BigInt(expiry - NOW)) / (100n * 31_536_000n);
  return {
    table: ledgerTable(),
    perps: new Map(
      [2, 3].map((n) => [
        n,
        {
          listed: true,
          frozen: false,
          closed: false,
          frozenMark: 0n,
          openInterest: 1_000n * WAD,
          slowOpenInterest: 1_000n * WAD,
          openInterestCap: 10n ** 6n * WAD,
          clamp: WAD / 50n,
          funding: { index: 3n * WAD, rate: WAD / 2n, time: BigInt(NOW - 600), span: 3_600n },
        },
      ]),
    ),
    expiries: new Map(
      keys.map(([n, expiry]) => [
        expiryKey(n, expiry),
        { listed: true, reduceOnly: false, openInterest: 0n, openInterestCap: 10n ** 6n * WAD },
      ]),
    ),
    premiums: new Map([2, 3].map((n) => [n, { value: WAD / 1_000n, confidence: WAD, ...ages }])),
    attested: new Map(
      keys.map(([n, expiry]) => [
        expiryKey(n, expiry),
        {
          forward: { ratio: WAD, rate: WAD / 20n, confidence: WAD, ...ages },
          smile: {
            a: (variance(expiry) * 8n) / 10n,
            b: variance(expiry),
            rho: -WAD / 4n,
            m: 0n,
            sigma: WAD / 5n,
            forwardReference: (DOLLARS[n] ?? 1n) * WAD,
            confidence: WAD,
            time: ages.time,
          },
        },
      ]),
    ),
    limits: new Map([2, 3].map((n) => [n, { decay: 3_600n, stress: 15_000n }])),
    settlementPrices: new Map(),
    tracks: new Map(),
    volatilities: new Map([2, 3].map((n) => [n, { sigma: WAD / 2n, slow: WAD / 2n, time: BigInt(NOW - 600) }])),
    volatilityRisePerHour: 1_000n,
  };
};

export const madeUpMarket = (): Market => {
  const table = unpackRiskTable(packRiskTable(tableOf()));
  const source = (usd: bigint): SourcePrice => ({ primary: usd * WAD, updatedAt: BigInt(NOW - 60), fault: 0 });
  const assets = new Map(Object.entries(DOLLARS).map(([id, usd]) => [Number(id), source(usd)]));
  return {
    time: BigInt(NOW),
    table,
    prices: { sequencer: 0, assets },
    checkpoints: new Map([[WETH, 30_000n * WAD]]),
    pools: new Map([
      [1, poolOf(1, 6)],
      [2, poolOf(2, 18)],
      [3, poolOf(3, 8)],
    ]),
    idles: new Map(
      [STAKED, SHARE].map((id) => [
        id,
        {
          asset: id,
          token: ZeroAddress,
          decimals: 18,
          held: 10_000n * WAD,
          room: 10n ** 6n * WAD,
          maxPartBps: 10_000n,
          outflowLeft: undefined,
        },
      ]),
    ),
    safe: { pausedActions: 0, pausedUntil: 0n },
    auction: ANY_AUCTION,
    ledger: ledger(),
  };
};

/** Shares that are worth about so many dollars. */
const worth = (id: number, dollars: number): bigint =>
  (BigInt(Math.round(dollars)) * 10n ** BigInt(DECIMALS[id] ?? 18)) / (DOLLARS[id === SHARE ? WETH : id] ?? 1n);

const positionsOf = (r: Random): Position[] => {
  const size = (): bigint => (BigInt(r(2) === 0 ? -1 - r(400) : 1 + r(400)) * WAD) / 100n;
  const positions: Position[] = [];
  if (r(2) === 0) positions.push({ instrument: { kind: "perp", underlying: 2 }, size: 4n * size(), fundingIndex: WAD });
  const seen = new Set<string>();
  for (let n = r(6); n > 0; n--) {
    const [expiry, strike, isCall] = [oneOf(r, EXPIRIES), BigInt(1_200 + 100 * r(20)) * 10n ** 8n, r(2) === 0];
    if (seen.has(`${expiry} ${strike} ${isCall}`)) continue;
    seen.add(`${expiry} ${strike} ${isCall}`);
    positions.push({
      instrument: { kind: "option", underlying: 2, expiry, strike, isCall },
      size: size(),
      fundingIndex: 0n,
    });
  }
  return positions;
};

/** Collateral of about 20,000 dollars, debts of less, and now and then perps and options. */
export const randomHolder = (r: Random, derivatives: boolean): Account => {
  const collateral = oneOf(r, [WETH, WBTC, STAKED, SHARE]);
  const debt = oneOf(r, [USDC, WETH, WBTC]);
  const entries: Entry[] = [{ asset: collateral, shares: worth(collateral, 20_000) }];
  if (debt !== collateral && r(5) !== 0) entries.push({ asset: debt, shares: -worth(debt, 2_000 + r(13_000)) });
  if (r(3) === 0 && !entries.some((entry) => entry.asset === USDC)) {
    entries.push({ asset: USDC, shares: worth(USDC, r(5_000) + 1) });
  }
  const positions = derivatives ? positionsOf(r) : [];
  const quote = positions.length === 0 ? 0n : BigInt(r(4_000) - 2_000) * WAD;
  const model = derivatives && r(2) === 0 ? 1 : 0;
  return {
    id: `0x${"a1".repeat(20)}${"0".repeat(24)}`,
    flags: { ...NO_FLAGS, model, hasPositions: positions.length !== 0 || quote < 0n, hasQuote: quote !== 0n },
    entries,
    quote,
    positions,
  };
};
