// Quotes around the model's price for whoever asks, and holds what it is left with.
import { decodeInstrument, type Option } from "../../sdk/instruments.ts";
import { type Leg, type Order, spread } from "../../sdk/orders.ts";
import type { Attestor } from "./attestor.ts";
import type { DerivativesStage } from "./stage.ts";
import { fromWad, toWad } from "./surface.ts";

/** Half the distance between bid and ask, as parts of the index and of an option's value. */
const HALF_SPREAD = { perp: 0.0003, option: 0.0004, ofValue: 0.015 } as const;
const STRIKE_ONE = 1e8;
/** A quote is good for so long. */
const LIFETIME_S = 60;
/** Fees are a few hundredths of a percent of the notional. */
const MOST_FEE = 0.002;
/** What a taker accepts beyond the quote, as a part of the index. */
const SLIPPAGE = 0.002;

/** Value of one unit of the underlying's instrument, and its delta. */
export interface Mark {
  readonly value: number;
  readonly delta: number;
  readonly halfSpread: number;
}

/** What trades as one: instruments, with positive ratios bought by the taker. WAD. */
export interface Basket {
  readonly legs: readonly { readonly instrument: bigint; readonly ratio: bigint }[];
  readonly size: bigint;
}

const payoffOf = ({ strike, isCall }: Option, price: number): number =>
  Math.max(0, (price - Number(strike) / STRIKE_ONE) * (isCall ? 1 : -1));

export class Pricer {
  constructor(
    private readonly stage: DerivativesStage,
    private readonly attestor: Attestor,
  ) {}

  /** As the contracts mark it, at the index `indexOf` gives for the underlying. */
  mark(word: bigint, indexOf: (underlying: number) => number, now: number): Mark {
    const instrument = decodeInstrument(word);
    const coin = this.stage.coinOf(instrument.underlying);
    const index = indexOf(instrument.underlying);
    if (instrument.kind === "perp") {
      const ratio = 1 + this.attestor.premiumOf(coin);
      return { value: index * ratio, delta: ratio, halfSpread: index * HALF_SPREAD.perp };
    }
    if (instrument.expiry <= now) return { value: payoffOf(instrument, index), delta: 0, halfSpread: 0 };
    const { price, delta } = this.attestor.surfaceOf(coin).greeks(instrument, index, now);
    return { value: price, delta, halfSpread: index * HALF_SPREAD.option + price * HALF_SPREAD.ofValue };
  }
}

export interface Terms {
  readonly account: string;
  readonly nonce: bigint;
  readonly now: number;
  readonly expiry?: number;
}

/** The orders of both sides of a trade: the maker's quote, and what the taker signs to hit it. */
export function quoteFor(
  { legs, size }: Basket,
  markOf: (instrument: bigint) => Mark,
  indexOf: (instrument: bigint) => number,
  { maker, taker, executor }: { maker: Terms; taker: Terms & { reduceOnly?: boolean }; executor: string },
): { quote: Order; order: Order } {
  const feeBound = toWad(
    legs.reduce((sum, { instrument, ratio }) => sum + Math.abs(fromWad(ratio)) * indexOf(instrument) * MOST_FEE, 0),
  );
  const priced = (beyond: number): Leg[] =>
    legs.map(({ instrument, ratio }) => {
      const { value, halfSpread } = markOf(instrument);
      const away = halfSpread + beyond * indexOf(instrument);
      return { instrument, ratio, price: toWad(Math.max(0, ratio > 0n ? value + away : value - away)) };
    });
  const common = { size, maxFee: feeBound, executor };
  const opposite = (legsOf: Leg[]): Leg[] => legsOf.map((leg) => ({ ...leg, ratio: -leg.ratio }));
  return {
    quote: spread(
      { ...common, ...maker, now: maker.now * 1000, expiry: maker.expiry ?? maker.now + LIFETIME_S, postOnly: true },
      opposite(priced(0)),
    ),
    order: spread(
      {
        ...common,
        ...taker,
        now: taker.now * 1000,
        expiry: taker.expiry ?? taker.now + LIFETIME_S,
        immediateOrCancel: true,
      },
      priced(SLIPPAGE),
    ),
  };
}

/** What closing all of it costs at the maker's quotes, beyond its value. */
export const closingCost = (sizes: ReadonlyMap<bigint, bigint>, markOf: (instrument: bigint) => Mark): number =>
  [...sizes].reduce((sum, [instrument, size]) => sum + Math.abs(fromWad(size)) * markOf(instrument).halfSpread, 0);
