// Says what is wrong with the liquidity pool of a configuration: the bounds of PoolSettings.sol.
import type { Checker } from "./checker.ts";
import type { LiquidityPoolConfig, PoolMarketConfig } from "./liquidityPool.ts";
import { days, hours, minutes, percent } from "./types.ts";

const WHOLE_DECIMALS = 18;
const MAX_WHOLE = 2 ** 48 - 1;

const checkMarket = (check: Checker, field: string, market: PoolMarketConfig) => {
  check.wholeNumber(`${field}.base`, market.base, 10, 50_000);
  check.wholeNumber(`${field}.skew`, market.skew, 0, 100_000);
  check.wholeNumber(`${field}.volSpread`, market.volSpread, 0, 200_000);
  check.wholeNumber(`${field}.volSkew`, market.volSkew, 0, 300_000);
  check.wholeNumber(`${field}.optionMin`, market.optionMin, 10, 10_000);
  check.wholeNumber(`${field}.ageWeight`, market.ageWeight, 0, 300);
  check.wholeNumber(`${field}.deviationWeight`, market.deviationWeight, 0, 500);
  check.seconds(`${field}.maxAge`, market.maxAge, minutes(1), days(1));
  check.seconds(`${field}.minTime`, market.minTime, hours(1), days(30));
  for (const limit of ["deltaLimit", "vegaLimit", "optionLimit"] as const) {
    check.amount(`${field}.${limit}`, market[limit], WHOLE_DECIMALS);
  }
};

export const checkLiquidityPool = (
  check: Checker,
  pool: LiquidityPoolConfig,
  underlyings: readonly string[],
  settlementDecimals: number,
): void => {
  const field = "derivatives.liquidityPool";
  check.that(pool.name !== "" && pool.symbol !== "", field, "needs a name and a symbol");
  check.amount(`${field}.depositCap`, pool.depositCap, settlementDecimals);
  check.seconds(`${field}.exitDelay`, pool.exitDelay, hours(1), days(14));
  check.share(`${field}.reserve`, pool.reserve, 0, percent(500));
  check.wholeNumber(`${field}.maxOptions`, pool.maxOptions, 0, 64);
  check.wholeNumber(`${field}.totalDelta`, pool.totalDelta, 0, MAX_WHOLE);
  check.wholeNumber(`${field}.totalVega`, pool.totalVega, 0, MAX_WHOLE);
  pool.markets.forEach((market, index) => {
    const at = `${field}.markets[${index}]`;
    check.that(
      underlyings.includes(market.underlying),
      `${at}.underlying`,
      `no underlying is called ${market.underlying}`,
    );
    const again = pool.markets.slice(0, index).some(({ underlying }) => underlying === market.underlying);
    check.that(!again, `${at}.underlying`, "is there twice");
    checkMarket(check, at, market);
  });
  if (pool.seed === undefined) return;
  check.amount(`${field}.seed.amount`, pool.seed.amount, settlementDecimals);
  check.address(`${field}.seed.owner`, pool.seed.owner);
};
