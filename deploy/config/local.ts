// The market of a local network: `npm start`, `npm run deploy:local` and the tests. Haircuts let an account open at up to
// five times its equity, long or short: 5·h(WETH) + 4·h(USDC) = 5 · 16 % + 0 < 1, and 5·16 % + 6·0 < 1.
import {
  FEED_DECIMALS,
  LOCAL_CHAIN_ID,
  LOCAL_DECIMALS,
  type LocalAddresses,
  type LocalSymbol,
} from "../lib/localNetwork.ts";
import { localDerivatives, type LocalDerivativesOptions } from "./localDerivatives.ts";
import {
  type Address,
  type AssetConfig,
  hours,
  minutes,
  type NetworkConfig,
  percent,
  type PoolSettings,
  type RiskConfig,
} from "./types.ts";

export interface LocalOptions extends LocalDerivativesOptions {
  /** Gives WETH the Uniswap pool as second source. Off by default: then whoever moves a price must also move the pool. */
  twap?: boolean;
  /** Replaces or adds to what stands below. */
  adjust?: (config: NetworkConfig) => NetworkConfig;
}

/** Accounts 1–4 of the development mnemonic that every local node starts with; 0 deploys and keeps nothing. */
export const LOCAL_GOVERNANCE = {
  governor: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
  guardian: "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
  riskSteward: "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
  feeCollector: "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
} as const;

export const LOCAL_TWAP_WINDOW = minutes(10);

/** ETH and what is staked of it. */
const ETHER_GROUP = 1;

const volatile: RiskConfig["haircut"] = { maintenance: percent(10), initialExtra: percent(6) };
const withinEther: RiskConfig["haircut"] = { maintenance: percent(3), initialExtra: percent(2) };

const pool = (
  symbol: LocalSymbol,
  { supplyCap, borrowCap, shareRisk }: { supplyCap: string; borrowCap: string; shareRisk: RiskConfig },
): PoolSettings => ({
  supplyCap,
  borrowCap,
  maxUtilisation: percent(95),
  reservedPart: percent(10),
  settlementPart: percent(20),
  reserveFactor: percent(10),
  rateModel: { kind: "adaptive" },
  vault: {
    name: `Plimsoll ${symbol}`,
    symbol: `p${symbol}`,
    collateral: { risk: shareRisk, cap: "none", maxPart: percent(50) },
  },
});

export const localConfig = (local: LocalAddresses, wethPool: Address, options: LocalOptions = {}): NetworkConfig => {
  const feed = (symbol: LocalSymbol, heartbeat: number, min: string, max: string) => ({
    address: local.tokens[symbol].feed,
    decimals: FEED_DECIMALS,
    heartbeat,
    min,
    max,
  });
  const token = (symbol: LocalSymbol, probe: string) => ({
    symbol,
    token: local.tokens[symbol].token,
    decimals: LOCAL_DECIMALS[symbol],
    probe,
  });

  const assets: AssetConfig[] = [
    {
      ...token("USDC", "0.01"),
      kind: "pool",
      feed: feed("USDC", hours(24) + minutes(5), "0.01", "100"),
      // The unit that margins are counted in needs no haircut against itself.
      risk: { haircut: { maintenance: 0, initialExtra: 0 } },
      pool: pool("USDC", {
        supplyCap: "1000000000",
        borrowCap: "900000000",
        shareRisk: { haircut: { maintenance: percent(1), initialExtra: percent(1) } },
      }),
    },
    {
      ...token("WETH", "0.0001"),
      kind: "pool",
      feed: feed("WETH", hours(1) + minutes(5), "1", "1000000"),
      ...(options.twap === true && {
        twap: { pool: wethPool, quote: "USDC", window: LOCAL_TWAP_WINDOW, deviation: percent(5), minLiquidity: 0n },
      }),
      risk: {
        haircut: volatile,
        brackets: [
          { above: "20000", addOn: percent(5) },
          { above: "100000", addOn: percent(15) },
        ],
        kappa: percent(5),
        group: { number: ETHER_GROUP, haircut: withinEther },
      },
      pool: pool("WETH", {
        supplyCap: "1000000",
        borrowCap: "500000",
        shareRisk: {
          haircut: { maintenance: percent(11), initialExtra: percent(6) },
          group: { number: ETHER_GROUP, haircut: withinEther },
        },
      }),
    },
    {
      ...token("WBTC", "0.00001"),
      kind: "pool",
      feed: feed("WBTC", hours(1) + minutes(5), "10", "10000000"),
      risk: {
        haircut: volatile,
        brackets: [
          { above: "1000", addOn: percent(5) },
          { above: "5000", addOn: percent(15) },
        ],
        kappa: percent(5),
      },
      pool: {
        ...pool("WBTC", {
          supplyCap: "50000",
          borrowCap: "25000",
          shareRisk: { haircut: { maintenance: percent(11), initialExtra: percent(6) } },
        }),
        // The other kind of rate model, so that both run.
        rateModel: { kind: "kinked", base: percent(0), slope1: percent(4), slope2: percent(60), kink: percent(85) },
      },
    },
    {
      ...token("stETH", "0.0001"),
      kind: "idle",
      cap: "100000",
      feed: feed("stETH", hours(1) + minutes(5), "1", "1000000"),
      risk: {
        haircut: { maintenance: percent(12), initialExtra: percent(6) },
        brackets: [{ above: "10000", addOn: percent(10) }],
        kappa: percent(10),
        group: { number: ETHER_GROUP, haircut: withinEther },
      },
    },
  ];

  const config: NetworkConfig = {
    name: "local",
    chainId: LOCAL_CHAIN_ID,
    wrappedNative: local.tokens.WETH.token,
    uniswapFactory: local.uniswap.factory,
    governance: { timelockDelay: minutes(10), ...LOCAL_GOVERNANCE },
    oracles: { deviationDelay: minutes(5) },
    sizeRisePerHour: percent(10),
    assets,
    auction: {
      start: percent(98),
      cut: percent(80),
      fast: minutes(15),
      slow: hours(4),
      buffer: percent(20),
      dustThreshold: "100",
      insuranceTime: minutes(30),
      insuranceShare: percent(10),
      starterFee: percent(1),
    },
    derivatives: localDerivatives(LOCAL_GOVERNANCE.feeCollector, options),
  };
  return options.adjust?.(config) ?? config;
};
