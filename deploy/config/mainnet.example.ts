// An example for Ethereum's mainnet: real tokens, feeds and pools, cautious numbers. Copy it, decide every number yourself,
// check every address against its publisher, then `npm run deploy -- --config FILE --rpc URL --governor 0x… --guardian 0x…`.
// Perps and options come with their attesters: `--attester 0x… --attester 0x… --attester 0x… --threshold 2`.
import { type AttestationConfig, type AttestersConfig, type DerivativesConfig, feePercent } from "./derivatives.ts";
import { marginModels } from "./models.ts";
import {
  type Address,
  type AssetConfig,
  days,
  type GovernanceConfig,
  hours,
  minutes,
  type NetworkConfig,
  percent,
  type PoolSettings,
  type RiskConfig,
} from "./types.ts";

const USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2";
const WBTC = "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599";

// Chainlink's USD feeds, eight decimals.
const USDC_USD = "0x8fFfFfd4AfB6115b954Bd326cbe7B4BA576818f6"; // heartbeat 24 h
const ETH_USD = "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419"; // heartbeat 1 h
const BTC_USD = "0xF4030086522a5bEEa4988F8cA5B36dbC97BeE88c"; // heartbeat 1 h

const UNISWAP_V3_FACTORY = "0x1F98431c8aD98523631AE4a59f267346ea31F984";
const USDC_WETH_POOL = "0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640"; // fee 0.05 %

const volatile: RiskConfig["haircut"] = { maintenance: percent(12), initialExtra: percent(6) };

const pool = (symbol: string, supplyCap: string, borrowCap: string, shareRisk: RiskConfig): PoolSettings => ({
  supplyCap,
  borrowCap,
  maxUtilisation: percent(95),
  reservedPart: percent(10),
  settlementPart: percent(20),
  reserveFactor: percent(15),
  rateModel: { kind: "adaptive" },
  vault: {
    name: `Plimsoll ${symbol}`,
    symbol: `p${symbol}`,
    collateral: { risk: shareRisk, cap: supplyCap, maxPart: percent(30) },
  },
});

const assets: readonly AssetConfig[] = [
  {
    kind: "pool",
    symbol: "USDC",
    token: USDC,
    decimals: 6,
    probe: "0.01",
    feed: { address: USDC_USD, decimals: 8, heartbeat: hours(24) + minutes(30), min: "0.1", max: "10" },
    risk: { haircut: { maintenance: 0, initialExtra: 0 } },
    pool: pool("USDC", "20000000", "18000000", { haircut: { maintenance: percent(1), initialExtra: percent(1) } }),
    outflow: { capacity: "5000000", window: days(1) },
  },
  {
    kind: "pool",
    symbol: "WETH",
    token: WETH,
    decimals: 18,
    probe: "0.00001",
    feed: { address: ETH_USD, decimals: 8, heartbeat: hours(1) + minutes(10), min: "10", max: "1000000" },
    twap: {
      pool: USDC_WETH_POOL,
      quote: "USDC",
      window: minutes(30),
      deviation: percent(5),
      minLiquidity: 0n,
    },
    risk: {
      haircut: volatile,
      brackets: [
        { above: "1000", addOn: percent(5) },
        { above: "5000", addOn: percent(20) },
      ],
      kappa: percent(10),
    },
    pool: pool("WETH", "8000", "4000", { haircut: { maintenance: percent(13), initialExtra: percent(6) } }),
    outflow: { capacity: "2000", window: days(1) },
  },
  {
    kind: "pool",
    symbol: "WBTC",
    token: WBTC,
    decimals: 8,
    probe: "0.0001",
    feed: { address: BTC_USD, decimals: 8, heartbeat: hours(1) + minutes(10), min: "100", max: "10000000" },
    risk: {
      haircut: volatile,
      brackets: [
        { above: "50", addOn: percent(5) },
        { above: "250", addOn: percent(20) },
      ],
      kappa: percent(10),
    },
    pool: pool("WBTC", "300", "150", { haircut: { maintenance: percent(13), initialExtra: percent(6) } }),
    outflow: { capacity: "80", window: days(1) },
  },
];

const attestations: AttestationConfig = {
  postAge: minutes(1),
  maxAge: minutes(5),
  deadAge: minutes(30),
  decay: hours(2),
  stress: percent(150),
  jumpPerMinute: { premium: percent(0.25), forward: percent(0.5), volatility: percent(10) },
};

const ether = marginModels({
  perp: { maintenance: percent(6), initialExtra: percent(4) },
  brackets: [
    { size: 1_000_000n, addOnBps: percent(3) },
    { size: 5_000_000n, addOnBps: percent(12) },
  ],
  kappa: percent(10),
  option: { atTheMoney: percent(20), least: percent(12), maintenance: percent(9) },
  step: 0.06,
  tails: [
    { spot: 0.3, weight: 0.12 },
    { spot: 0.6, weight: 0.2 },
    { spot: 1.6, weight: 0.1 },
    { spot: 2.5, weight: 0.05 },
    { spot: 4, weight: 0.02 },
  ],
  leastVolatility: 0.6,
});

const bitcoin = marginModels({
  perp: { maintenance: percent(5), initialExtra: percent(3) },
  brackets: [
    { size: 2_000_000n, addOnBps: percent(3) },
    { size: 10_000_000n, addOnBps: percent(12) },
  ],
  kappa: percent(10),
  option: { atTheMoney: percent(16), least: percent(10), maintenance: percent(7.5) },
  step: 0.05,
  tails: [
    { spot: 0.35, weight: 0.1 },
    { spot: 0.65, weight: 0.18 },
    { spot: 1.5, weight: 0.1 },
    { spot: 2.2, weight: 0.05 },
    { spot: 3.5, weight: 0.02 },
  ],
  leastVolatility: 0.5,
});

const perp = (openInterestCap: string) => ({
  clamp: percent(0.5),
  maxPremiumAge: minutes(30),
  openInterestCap,
  risePerHour: percent(5),
});

/** No expiries: which ones trade is for the governor to say when they come near. */
const derivatives = (attesters: AttestersConfig, treasury: Address): DerivativesConfig => ({
  attesters,
  volatility: { interval: hours(1), halfLife: days(5), initial: percent(80), risePerHour: percent(5) },
  profitWeight: 0,
  fees: {
    tiers: [
      {
        minVolume: 0,
        perpMaker: feePercent(0.02),
        perpTaker: feePercent(0.05),
        optionMaker: feePercent(0.03),
        optionTaker: feePercent(0.04),
      },
      {
        minVolume: 5_000_000,
        perpMaker: feePercent(0.01),
        perpTaker: feePercent(0.04),
        optionMaker: feePercent(0.02),
        optionTaker: feePercent(0.03),
      },
    ],
    optionCap: percent(12.5),
    treasury,
    insurancePart: percent(70),
  },
  underlyings: [
    {
      name: "ETH",
      asset: "WETH",
      attestations,
      perp: perp("2000"),
      options: { openInterestCap: "1000", expiries: [] },
      ...ether,
      volatilityScale: { reference: percent(70), max: percent(250) },
    },
    {
      name: "BTC",
      asset: "WBTC",
      attestations,
      perp: perp("80"),
      options: { openInterestCap: "40", expiries: [] },
      ...bitcoin,
      volatilityScale: { reference: percent(55), max: percent(250) },
    },
  ],
});

/** The people are given on the command line, never in a file that is copied around. Without attesters: spot alone. */
export default (governance: Omit<GovernanceConfig, "timelockDelay">, attesters?: AttestersConfig): NetworkConfig => ({
  name: "mainnet",
  chainId: 1,
  wrappedNative: WETH,
  uniswapFactory: UNISWAP_V3_FACTORY,
  governance: { timelockDelay: days(7), ...governance },
  oracles: { deviationDelay: minutes(5) },
  sizeRisePerHour: percent(5),
  assets,
  auction: {
    start: percent(98),
    cut: percent(80),
    fast: minutes(15),
    slow: hours(4),
    buffer: percent(20),
    dustThreshold: "250",
    insuranceTime: minutes(30),
    insuranceShare: percent(10),
    starterFee: percent(1),
  },
  ...(attesters && { derivatives: derivatives(attesters, governance.feeCollector) }),
});
