// What a maker bot would quote: model prices, leaned against its inventory. Pure.
import { black76Greeks } from "../sdk/black76.ts";
import { feedVariance, type Svi } from "../sdk/svi.ts";
import type { Side } from "../sdk/orders.ts";

export interface QuoteSettings {
  /** Half of bid to ask, part of the price of a perp. */
  readonly perpHalfSpread: number;
  /** Of an option: in vol, times its vega. */
  readonly optionHalfSpread: number;
  /** Least half spread of an option, part of the forward. */
  readonly optionLeast: number;
  /** Whole underlyings on each side. */
  readonly perpSize: number;
  readonly optionSize: number;
  /** Delta (of an underlying) at which quotes lean by a whole half spread, and at which one side stops. */
  readonly deltaLimit: number;
  /** Contracts of one option at which its quotes lean by a whole half spread, and at which one side stops. */
  readonly optionLimit: number;
  /** Quotes move only when the price has moved by this part of the half spread. */
  readonly tolerance: number;
}

export const USUAL_QUOTES: QuoteSettings = {
  perpHalfSpread: 0.0005,
  optionHalfSpread: 0.01,
  optionLeast: 0.0002,
  perpSize: 1,
  optionSize: 2,
  deltaLimit: 20,
  optionLimit: 20,
  tolerance: 0.25,
};

export interface PerpMarket {
  readonly instrument: bigint;
  readonly mark: number;
  /** Whole underlyings held. */
  readonly position: number;
}

export interface OptionMarket {
  readonly instrument: bigint;
  readonly strike: number;
  readonly isCall: boolean;
  /** Years. */
  readonly time: number;
  readonly forward: number;
  /** Forward to which the smile's k refers. */
  readonly forwardReference: number;
  readonly rate: number;
  readonly svi: Svi;
  /** Years from the attestation to the expiry: what the smile's variance is of. */
  readonly smileTime: number;
  readonly volFactor: number;
  readonly position: number;
}

export interface Underlying {
  readonly perp: PerpMarket | undefined;
  readonly options: readonly OptionMarket[];
}

export interface Quote {
  readonly instrument: bigint;
  readonly side: Side;
  readonly price: number;
  readonly size: number;
  /** What fees are reckoned from: the underlying's price. */
  readonly notional: number;
  /** How far the price may be off before the quote is replaced. */
  readonly tolerance: number;
}

const bounded = (value: number): number => Math.max(-1, Math.min(1, value));

export const volatilityOf = ({ svi, strike, forwardReference, smileTime, volFactor }: OptionMarket): number =>
  Math.sqrt(Math.max(0, feedVariance(svi, Math.log(strike / forwardReference))) / smileTime) * volFactor;

const greeksOf = (market: OptionMarket) => {
  const { forward, strike, time, isCall, rate } = market;
  const discount = Math.exp(-Math.max(rate, 0) * time);
  return black76Greeks({ forward, strike, time, isCall, discount, volatility: volatilityOf(market) });
};

/** In whole underlyings, perp included. */
export const deltaOf = ({ perp, options }: Underlying): number =>
  options.reduce((sum, option) => sum + option.position * greeksOf(option).delta, perp?.position ?? 0);

interface Fair {
  readonly instrument: bigint;
  readonly notional: number;
  readonly price: number;
  readonly half: number;
  readonly size: number;
  /** −1 to 1: how much of a half spread the quotes lean down. At the ends the side that adds stops. */
  readonly lean: number;
}

const bothSides = ({ instrument, notional, price, half, size, lean }: Fair, tolerance: number): Quote[] => {
  const centre = price - lean * half;
  const quotes: Quote[] = [];
  const shared = { instrument, size, notional, tolerance: tolerance * half };
  const bid = centre - half;
  if (lean < 1 && bid > 0) quotes.push({ ...shared, side: "buy", price: bid });
  if (lean > -1) quotes.push({ ...shared, side: "sell", price: centre + half });
  return quotes;
};

/** Quotes of one underlying. Its delta leans perps and, by each option's delta, options; an option leans by its own position too. */
export const quotesFor = (underlying: Underlying, settings: QuoteSettings): Quote[] => {
  const { perp, options } = underlying;
  const pressure = deltaOf(underlying) / settings.deltaLimit;
  const list: Quote[] = [];
  if (perp !== undefined && perp.mark > 0) {
    const half = perp.mark * settings.perpHalfSpread;
    const fair = {
      instrument: perp.instrument,
      notional: perp.mark,
      price: perp.mark,
      half,
      size: settings.perpSize,
      lean: bounded(pressure),
    };
    list.push(...bothSides(fair, settings.tolerance));
  }
  for (const option of options) {
    const { price, delta, vega } = greeksOf(option);
    if (!(option.time > 0) || !Number.isFinite(price)) continue;
    const half = Math.max(vega * settings.optionHalfSpread, option.forward * settings.optionLeast);
    const lean = bounded(option.position / settings.optionLimit + pressure * delta);
    list.push(
      ...bothSides(
        { instrument: option.instrument, notional: option.forward, price, half, size: settings.optionSize, lean },
        settings.tolerance,
      ),
    );
  }
  return list;
};

export interface Resting {
  readonly hash: string;
  readonly instrument: bigint;
  readonly side: Side;
  readonly price: number;
  /** Of what was put there, what is left. */
  readonly size: number;
  /** Unix seconds. */
  readonly expiry: number;
}

export interface Changes {
  readonly cancel: readonly string[];
  readonly place: readonly Quote[];
}

/** The least that has to be done so that what rests is what is wanted. What is about to expire is replaced. */
export const changesFor = (wanted: readonly Quote[], resting: readonly Resting[], expiringBefore: number): Changes => {
  const key = ({ instrument, side }: { instrument: bigint; side: Side }): string => `${instrument}:${side}`;
  const kept = new Map<string, Resting>();
  const cancel: string[] = [];
  const byKey = new Map(wanted.map((quote) => [key(quote), quote]));
  for (const each of resting) {
    const quote = byKey.get(key(each));
    const isGood =
      quote !== undefined &&
      !kept.has(key(each)) &&
      Math.abs(each.price - quote.price) <= quote.tolerance &&
      each.size >= quote.size / 2 &&
      each.expiry >= expiringBefore;
    if (isGood) kept.set(key(each), each);
    else cancel.push(each.hash);
  }
  return { cancel, place: wanted.filter((quote) => !kept.has(key(quote))) };
};
