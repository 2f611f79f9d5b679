// From what a person writes in a configuration to what the contracts take.
import { parseUnits } from "ethers";

import type { AuctionConfig, BasisPoints, Cap, PoolSettings, RateModelConfig } from "../config/types.ts";

const YEAR = 365n * 86_400n;
const WAD_PER_BASIS_POINT = 10n ** 14n;
/** The largest that the safe keeps: of what a pool holds or lends, and of other collateral. */
const NO_POOL_CAP = (1n << 96n) - 1n;
const NO_COLLATERAL_CAP = (1n << 95n) - 1n;

export const wad = (share: BasisPoints): bigint => BigInt(share) * WAD_PER_BASIS_POINT;

const poolCap = (cap: Cap, decimals: number): bigint => (cap === "none" ? NO_POOL_CAP : parseUnits(cap, decimals));

export const collateralCap = (cap: Cap, decimals: number): bigint =>
  cap === "none" ? NO_COLLATERAL_CAP : parseUnits(cap, decimals);

/** A yearly rate per second, WAD. */
const perSecond = (yearly: BasisPoints): bigint => wad(yearly) / YEAR;

/** `LiquidationAuction.Parameters`. */
export const auctionParameters = (auction: AuctionConfig) => ({
  start: wad(auction.start),
  cut: wad(auction.cut),
  fast: BigInt(auction.fast),
  slow: BigInt(auction.slow),
  buffer: wad(auction.buffer),
  dustThreshold: parseUnits(auction.dustThreshold, 18),
  insuranceTime: BigInt(auction.insuranceTime),
  q: wad(auction.insuranceShare),
  feePart: BigInt(auction.starterFee),
});

/** `PoolConfig` of the safe. */
export const poolParameters = (pool: PoolSettings, decimals: number) => ({
  supplyCap: poolCap(pool.supplyCap, decimals),
  borrowCap: poolCap(pool.borrowCap, decimals),
  maxUtilisation: pool.maxUtilisation,
  reservedPart: pool.reservedPart,
  settlementPart: pool.settlementPart,
  reserveFactor: pool.reserveFactor,
  depositsClosed: false,
  borrowsClosed: false,
});

/** The constructor of `KinkedRateModel`. */
export const kinkedParameters = (model: Extract<RateModelConfig, { kind: "kinked" }>) => [
  perSecond(model.base),
  perSecond(model.slope1),
  perSecond(model.slope2),
  wad(model.kink),
];
