// From a configuration's derivatives to what the contracts take.
import { parseUnits } from "ethers";

import { accountId } from "../../scripts/lib/ids.ts";
import { optionWord } from "../../sdk/instruments.ts";
import type {
  AttestationConfig,
  DerivativesConfig,
  ExpiryConfig,
  FeesConfig,
  PerpConfig,
  VolatilityConfig,
} from "../config/derivatives.ts";
import type { LiquidityPoolConfig, PoolMarketConfig } from "../config/liquidityPool.ts";
import type { BasisPoints, NetworkConfig } from "../config/types.ts";
import { packLedgerParameters } from "../../sdk/tables/ledgerTable.ts";
import { packRuleParameters } from "../../sdk/tables/ruleTable.ts";
import { packScenarioParameters } from "../../sdk/tables/scenarioTable.ts";
import { assetIds } from "./assetIds.ts";
import { wad } from "./units.ts";

const MILLIONTHS_PER_BASIS_POINT = 100;
const WHOLE_DECIMALS = 18;
const STRIKE_DECIMALS = 8;
/** λ is kept to a millionth, so that every machine finds the same. */
const DECAY_UNIT = 1e6;

export const wholeUnits = (amount: string): bigint => parseUnits(amount, WHOLE_DECIMALS);

/** Underlyings carry the number of the pool whose asset is their index. */
export const underlyingNumber = ({ assets }: NetworkConfig, asset: string): number => {
  const numbered = assetIds(assets).get(asset);
  if (numbered === undefined || numbered.config.kind !== "pool") throw new Error(`no pool is called ${asset}`);
  return numbered.id;
};

/** `PerpConfig` of the ledger. */
export const perpParameters = (perp: PerpConfig) => ({
  clamp: wad(perp.clamp),
  maxPremiumAge: perp.maxPremiumAge,
  openInterestCap: wholeUnits(perp.openInterestCap),
  risePerHour: perp.risePerHour,
});

/** The words of an expiry's options: each strike as call and as put. */
export const optionWords = (underlying: number, { at, strikes }: ExpiryConfig): bigint[] =>
  strikes.flatMap((strike) =>
    [true, false].map((isCall) =>
      optionWord({ underlying, expiry: at, strike: parseUnits(strike, STRIKE_DECIMALS), isCall }),
    ),
  );

const millionths = (share: BasisPoints) => share * MILLIONTHS_PER_BASIS_POINT;

/** `FeedLimits` of the attested feed. */
export const feedLimits = ({ jumpPerMinute, ...limits }: AttestationConfig) => ({
  ...limits,
  premiumJump: millionths(jumpPerMinute.premium),
  forwardJump: millionths(jumpPerMinute.forward),
  volJump: millionths(jumpPerMinute.volatility),
});

/** What the constructor of `RealizedVolatility` takes behind the safe. */
export const volatilityParameters = ({ interval, halfLife, initial, risePerHour }: VolatilityConfig) => {
  const decay = Math.round(0.5 ** (interval / halfLife) * DECAY_UNIT);
  return [interval, (BigInt(decay) * 10n ** 18n) / BigInt(DECAY_UNIT), wad(initial), risePerHour] as const;
};

/** The arguments of `Exchange.setFees`. */
export const feeTable = ({ tiers, optionCap }: FeesConfig) => [tiers.map((tier) => ({ ...tier })), optionCap];

/** The arguments of `Positions.setFeeReceiver`. */
export const feeReceiver = ({ treasury, insurancePart }: FeesConfig) => [accountId(treasury), insurancePart] as const;

/** The bytes that the ledger table's factory takes. */
/** The pool of the chain's own coin, wrapped: its price turns gas into settlement units. */
export const nativeAsset = ({ assets, wrappedNative }: NetworkConfig): number => {
  for (const { id, config } of assetIds(assets).values()) {
    if (config.kind === "pool" && BigInt(config.token) === BigInt(wrappedNative)) return id;
  }
  throw new Error("no pool of the wrapped coin: what a chore's gas is worth cannot be said");
};

export const ledgerParameters = (config: NetworkConfig, { profitWeight, underlyings }: DerivativesConfig): string =>
  packLedgerParameters({
    profitWeightBps: profitWeight,
    underlyings: underlyings.map(({ asset, group, volatilityScale, rules, scenarios }) => ({
      number: underlyingNumber(config, asset),
      ...(group && { group: { id: group.number, phiBps: group.phi } }),
      ...(volatilityScale && {
        scale: { referenceVolatilityBps: volatilityScale.reference, maxBps: volatilityScale.max },
      }),
      rules: packRuleParameters(rules),
      scenarios: packScenarioParameters(scenarios),
    })),
  });

/** Whole settlement tokens in the token's units. */
export const seedAmount = ({ assets: [settlement] }: NetworkConfig, amount: string): bigint => {
  if (settlement === undefined) throw new Error("the configuration has no settlement asset");
  return parseUnits(amount, settlement.decimals);
};

/** `PoolTerms` of the liquidity pool. */
export const poolTerms = (config: NetworkConfig, pool: LiquidityPoolConfig) => ({
  depositCap: seedAmount(config, pool.depositCap),
  exitDelay: pool.exitDelay,
  reserve: pool.reserve,
  maxOptions: pool.maxOptions,
  totalDelta: pool.totalDelta,
  totalVega: pool.totalVega,
});

/** `MarketTerms` of the liquidity pool. */
export const poolMarketTerms = ({ underlying: _, ...terms }: PoolMarketConfig) => ({
  ...terms,
  deltaLimit: wholeUnits(terms.deltaLimit),
  vegaLimit: wholeUnits(terms.vegaLimit),
  optionLimit: wholeUnits(terms.optionLimit),
});
