// An example for Ethereum's mainnet: real tokens, feeds and pools, cautious numbers. Copy it, decide every number yourself,
// check every address against its publisher, then `npm run deploy -- --config FILE --rpc URL --governor 0x… --guardian 0x…`.
import {
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

/** The people are given on the command line, never in a file that is copied around. */
export default (governance: Omit<GovernanceConfig, "timelockDelay">): NetworkConfig => ({
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
});
