// "What will my margin be?" by the mirror: an account before and after what somebody is about to do. Pure.
import type { Account } from "../../../sdk/mirror/account.ts";
import { hasLedger } from "../../../sdk/mirror/account.ts";
import type { FillLeg } from "../../../sdk/mirror/derivatives/fees.ts";
import { feeOf } from "../../../sdk/mirror/derivatives/fees.ts";
import { filledOneSide } from "../../../sdk/mirror/derivatives/fills.ts";
import type { Market } from "../../../sdk/mirror/market.ts";
import { INITIAL, LIQUIDATION, type Purpose } from "../../../sdk/mirror/model.ts";
import { midPrice, withPrice, sourceOf } from "../../../sdk/mirror/prices.ts";
import type { Holding } from "../../../sdk/mirror/spot.ts";
import { holdingsOf, weighHoldings } from "../../../sdk/mirror/weigh.ts";
import { toNumber } from "../lib/format.ts";

const SETTLEMENT = 1;
const WAD = 10n ** 18n;

/** An account in some market, with what it holds in token units. */
export interface Standing {
  readonly account: Account;
  readonly holdings: readonly Holding[];
}

/** Settlement units. */
export interface MarginView {
  readonly initial: number;
  readonly maintenance: number;
  readonly equity: number;
  readonly liabilities: number;
}

export interface Liquidation {
  readonly underlying: number;
  /** Falling to it, and rising to it; undefined: never. */
  readonly below?: number;
  readonly above?: number;
}

export const standingOf = (market: Market, account: Account): Standing => ({
  account,
  holdings: holdingsOf(market, account),
});

/** With so many token units more (or less, below zero: a debt) of an asset. */
export const withChange = ({ account, holdings }: Standing, asset: number, change: bigint): Standing => {
  const held = holdings.find((holding) => holding.asset === asset);
  const amount = (held?.amount ?? 0n) + change;
  const rest = holdings.filter((holding) => holding.asset !== asset);
  return { account, holdings: amount === 0n ? rest : [...rest, { asset, amount }] };
};

const indicesOf =
  (market: Market) =>
  (underlying: number): bigint =>
    midPrice(market, underlying);

export interface FilledPreview {
  readonly standing: Standing;
  /** Settlement units. */
  readonly fee: number;
  /** Paid for options in settlement units; negative: received. */
  readonly premium: number;
}

/** After a fill of legs (positive: bought) as taker, at the legs' prices. Throws what the ledger would revert with. */
export const withFill = (market: Market, standing: Standing, legs: readonly FillLeg[]): FilledPreview => {
  const { ledger } = market;
  if (ledger === undefined) throw new Error("There are no perps and options here.");
  const { account } = standing;
  // Fees are asked for the maker's legs, which are the opposite: sizes count without their sign.
  const fee = feeOf(ledger.fees, legs, indicesOf(market), 0n, false);
  const unit = 10n ** BigInt(18 - (market.pools.get(SETTLEMENT)?.decimals ?? 6));
  const side = { account: { quote: account.quote, positions: account.positions }, id: account.id, fee };
  const { account: after, cash } = filledOneSide(ledger, legs, side, false, unit, market.time);
  const flags = {
    ...account.flags,
    hasPositions: after.positions.length > 0 || after.quote < 0n,
    hasQuote: after.quote !== 0n,
  };
  const filled: Standing = {
    account: { ...account, flags, quote: after.quote, positions: after.positions },
    holdings: standing.holdings,
  };
  return {
    standing: cash === 0n ? filled : withChange(filled, SETTLEMENT, -cash),
    fee: toNumber(fee),
    premium: toNumber(cash * unit),
  };
};

const weighed = (market: Market, { account, holdings }: Standing, purpose: Purpose) =>
  weighHoldings(market, account, holdings, purpose);

/** Throws what the engine would revert with: a price that cannot be used, sources that disagree. */
export const marginsOf = (market: Market, standing: Standing): MarginView => {
  const { initial } = weighed(market, standing, INITIAL);
  const { maintenance, mtm, liabilities } = weighed(market, standing, LIQUIDATION);
  return {
    initial: toNumber(initial),
    maintenance: toNumber(maintenance),
    equity: toNumber(mtm),
    liabilities: toNumber(liabilities),
  };
};

const HIGHEST = 8;
const LOWEST = 0.02;
const COARSE = 12;
const FINE = 16;
const SCALE = 1e12;

const scaled = (price: bigint, factor: number): bigint => (price * BigInt(Math.round(factor * SCALE))) / BigInt(SCALE);

/** Nearest factor, going from 1 towards `end`, at which maintenance is not above zero any more. */
const crossing = (isSafe: (factor: number) => boolean, end: number): number | undefined => {
  let safe = 1;
  let lost: number | undefined;
  for (let i = 1; i <= COARSE; i += 1) {
    const factor = end ** (i / COARSE);
    if (!isSafe(factor)) {
      lost = factor;
      break;
    }
    safe = factor;
  }
  if (lost === undefined) return undefined;
  for (let i = 0; i < FINE; i += 1) {
    const middle = Math.sqrt(safe * lost);
    if (isSafe(middle)) safe = middle;
    else lost = middle;
  }
  return lost;
};

const underlyingsOf = ({ account, holdings }: Standing): number[] => {
  const found = new Set<number>();
  for (const { asset, amount } of holdings) {
    const number = asset & 0x3ff;
    if (amount !== 0n && asset >> 10 !== 1 && number !== SETTLEMENT) found.add(number);
  }
  for (const { instrument } of account.positions) found.add(instrument.underlying);
  return [...found].sort((a, b) => a - b);
};

/** At which price of each underlying, all others unmoved, the account could be liquidated. */
export const liquidationsOf = (market: Market, standing: Standing): Liquidation[] =>
  underlyingsOf(standing).flatMap((underlying): Liquidation[] => {
    const { primary } = sourceOf(market, underlying);
    if (primary === 0n) return [];
    const index = toNumber(midPrice(market, underlying));
    const isSafe = (factor: number): boolean => {
      try {
        const moved = withPrice(market, underlying, scaled(primary, factor));
        return weighed(moved, standing, LIQUIDATION).maintenance >= 0n;
      } catch {
        return true;
      }
    };
    if (!isSafe(1)) return [];
    const down = crossing(isSafe, LOWEST);
    const up = crossing(isSafe, HIGHEST);
    return [
      {
        underlying,
        ...(down !== undefined && { below: down * index }),
        ...(up !== undefined && { above: up * index }),
      },
    ];
  });

/** Equity and maintenance over a grid of price and volatility moves of one underlying. */
export interface StressCell {
  readonly spot: number;
  readonly vol: number;
  readonly equity: number;
  readonly maintenance: number;
}

const withVolatility = (market: Market, factor: number): Market => {
  const { ledger } = market;
  if (ledger === undefined || factor === 1) return market;
  const times = (value: bigint): bigint => scaled(value, factor * factor);
  const attested = new Map(
    [...ledger.attested].map(([key, each]) => {
      const { smile } = each;
      return [key, { ...each, smile: { ...smile, a: times(smile.a), b: times(smile.b) } }] as const;
    }),
  );
  return { ...market, ledger: { ...ledger, attested } };
};

export const stressOf = (
  market: Market,
  standing: Standing,
  underlying: number | "all",
  spots: readonly number[],
  vols: readonly number[],
): StressCell[] => {
  const moved = underlying === "all" ? underlyingsOf(standing) : [underlying];
  return vols.flatMap((vol) => {
    const bent = hasLedger(standing.account) ? withVolatility(market, vol) : market;
    return spots.map((spot): StressCell => {
      let at = bent;
      for (const each of moved) {
        const { primary } = sourceOf(market, each);
        if (primary > 0n) at = withPrice(at, each, scaled(primary, spot));
      }
      const { mtm, maintenance } = weighed(at, standing, LIQUIDATION);
      return { spot, vol, equity: toNumber(mtm), maintenance: toNumber(maintenance) };
    });
  });
};

/** What deposit of the settlement asset would bring `initial` to zero, token units rounded up; 0 when nothing is missing. */
export const missing = ({ initial }: MarginView): number => Math.max(0, -initial);

/** The largest size in (0, most] for which `fits`, to one part in a thousand. */
export const largest = (most: number, fits: (size: number) => boolean): number => {
  if (most <= 0) return 0;
  if (fits(most)) return most;
  let [low, high] = [0, most];
  for (let i = 0; i < 14; i += 1) {
    const middle = (low + high) / 2;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
};

export const wadOf = (value: number): bigint => (BigInt(Math.round(value * 1e9)) * WAD) / 10n ** 9n;
