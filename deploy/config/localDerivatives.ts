// Perps and options of the local network: numbers to try things out with, like those of local.ts.
import { DEFAULT_LOCAL_PRICES, type LocalPrices } from "../lib/localNetwork.ts";
import {
  type AttestationConfig,
  type DerivativesConfig,
  feePercent,
  type FeeTierConfig,
  type UnderlyingConfig,
} from "./derivatives.ts";
import { expiryGrid, strikesAround } from "./grids.ts";
import type { LiquidityPoolConfig, PoolMarketConfig } from "./liquidityPool.ts";
import { marginModels } from "./models.ts";
import { type Address, days, hours, minutes, percent } from "./types.ts";

/** Accounts 17–19 of the development mnemonic: any two of them attest. */
export const LOCAL_ATTESTERS: readonly Address[] = [
  "0xbDA5747bFD65F08deb54cb465eB87D40e51B197E",
  "0xdD2FD4581271e230360230F9337D5c0430Bf44C0",
  "0x8626f6940E2eb28930eFb4CeF49B2d1F2C9C1199",
];

export interface LocalDerivativesOptions {
  /** USD prices to start with. */
  prices?: Partial<LocalPrices>;
  /** Unix time that expiries are counted from; a deployment counts from its first block. */
  startedAt?: number;
  /** Whole USDC that the liquidity pool begins with; the treasury gets the shares. */
  poolSeed?: string;
}

/** Whole USDC that a local network of its own process begins its liquidity pool with. */
export const LOCAL_POOL_SEED = "250000";

/** Whatever gives no starting time only looks at the configuration. */
const SOME_TIME = Date.UTC(2026, 0, 1) / 1_000;

const EXPIRY_DAYS = [1, 2, 7, 14, 30];
const MONEYNESS = [0.6, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.3, 1.5];

const CRYPTO_GROUP = { number: 1, phi: percent(30) };

const attestations: AttestationConfig = {
  postAge: minutes(2),
  maxAge: minutes(15),
  deadAge: hours(2),
  decay: hours(1),
  stress: percent(150),
  jumpPerMinute: { premium: percent(1), forward: percent(2), volatility: percent(25) },
};

const tier = (
  minVolume: number,
  perpMaker: number,
  perpTaker: number,
  maker: number,
  taker: number,
): FeeTierConfig => ({
  minVolume,
  perpMaker: feePercent(perpMaker),
  perpTaker: feePercent(perpTaker),
  optionMaker: feePercent(maker),
  optionTaker: feePercent(taker),
});

const ether = marginModels({
  perp: { maintenance: percent(5), initialExtra: percent(2.5) },
  brackets: [
    { size: 10_000_000n, addOnBps: percent(2) },
    { size: 50_000_000n, addOnBps: percent(8) },
  ],
  kappa: percent(5),
  option: { atTheMoney: percent(15), least: percent(10), maintenance: percent(7.5) },
  step: 0.05,
  tails: [
    { spot: 0.35, weight: 0.08 },
    { spot: 0.65, weight: 0.15 },
    { spot: 1.5, weight: 0.08 },
    { spot: 2.2, weight: 0.04 },
    { spot: 3.5, weight: 0.015 },
  ],
  leastVolatility: 0.5,
});

const bitcoin = marginModels({
  perp: { maintenance: percent(4), initialExtra: percent(2) },
  brackets: [
    { size: 20_000_000n, addOnBps: percent(2) },
    { size: 100_000_000n, addOnBps: percent(8) },
  ],
  kappa: percent(5),
  option: { atTheMoney: percent(12.5), least: percent(8), maintenance: percent(6) },
  step: 0.04,
  tails: [
    { spot: 0.4, weight: 0.07 },
    { spot: 0.7, weight: 0.14 },
    { spot: 1.4, weight: 0.08 },
    { spot: 2, weight: 0.04 },
    { spot: 3, weight: 0.015 },
  ],
  leastVolatility: 0.4,
});

/** Ten basis points, half a percent at the limit; one vol point, three at the limit. */
const quoted = (underlying: string, deltaLimit: string): PoolMarketConfig => ({
  underlying,
  base: feePercent(0.1),
  skew: feePercent(0.5),
  volSpread: feePercent(1),
  volSkew: feePercent(3),
  optionMin: feePercent(0.01),
  ageWeight: 25,
  deviationWeight: 100,
  maxAge: minutes(65),
  minTime: hours(6),
  deltaLimit,
  vegaLimit: "20000",
  optionLimit: "400",
});

const passiveMaker = (treasury: Address, seed?: string): LiquidityPoolConfig => ({
  name: "Plimsoll Liquidity",
  symbol: "pLIQ",
  depositCap: "10000000",
  exitDelay: hours(8),
  reserve: percent(20),
  maxOptions: 32,
  totalDelta: 500_000,
  totalVega: 40_000,
  markets: [quoted("ETH", "200"), quoted("BTC", "8")],
  ...(seed !== undefined && { seed: { amount: seed, owner: treasury } }),
});

export const localDerivatives = (
  treasury: Address,
  { prices, startedAt = SOME_TIME, poolSeed }: LocalDerivativesOptions,
): DerivativesConfig => {
  const spot = { ...DEFAULT_LOCAL_PRICES, ...prices };
  const options = (price: number, tick: number, openInterestCap: string): UnderlyingConfig["options"] & object => ({
    openInterestCap,
    expiries: expiryGrid(startedAt, EXPIRY_DAYS, strikesAround(price, tick, MONEYNESS)),
  });
  return {
    attesters: { signers: LOCAL_ATTESTERS, threshold: 2 },
    volatility: { interval: hours(1), halfLife: days(3), initial: percent(60), risePerHour: percent(10) },
    profitWeight: 0,
    fees: {
      tiers: [
        tier(0, 0.01, 0.04, 0.02, 0.03),
        tier(1_000_000, 0.005, 0.035, 0.015, 0.03),
        tier(10_000_000, 0, 0.025, 0.01, 0.025),
      ],
      optionCap: percent(12.5),
      treasury,
      insurancePart: percent(50),
    },
    underlyings: [
      {
        name: "ETH",
        asset: "WETH",
        attestations,
        perp: {
          clamp: percent(1),
          maxPremiumAge: hours(1),
          openInterestCap: "50000",
          risePerHour: percent(10),
        },
        options: options(spot.WETH, 50, "25000"),
        ...ether,
        group: CRYPTO_GROUP,
        volatilityScale: { reference: percent(70), max: percent(200) },
      },
      {
        name: "BTC",
        asset: "WBTC",
        attestations,
        perp: {
          clamp: percent(1),
          maxPremiumAge: hours(1),
          openInterestCap: "2500",
          risePerHour: percent(10),
        },
        options: options(spot.WBTC, 1_000, "1250"),
        ...bitcoin,
        group: CRYPTO_GROUP,
        volatilityScale: { reference: percent(60), max: percent(200) },
      },
    ],
    liquidityPool: passiveMaker(treasury, poolSeed),
  };
};
