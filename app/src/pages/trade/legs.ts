// Legs of a strategy, what the book asks for them one by one and as a whole, and the order that trades them as one.
import { useQuery } from "@tanstack/react-query";

import type { Option } from "../../../../sdk/instruments.ts";
import { WAD } from "../../../../sdk/instruments.ts";
import type { Market } from "../../../../sdk/mirror/market.ts";
import type { Leg as OrderLeg } from "../../../../sdk/orders.ts";
import { useSite } from "../../data/hooks.ts";
import { wadOf } from "../../data/preview.ts";
import { toNumber } from "../../lib/format.ts";
import { modelOf } from "./surface.ts";

export interface Quote {
  readonly bid?: number;
  readonly ask?: number;
}
export type Quotes = ReadonlyMap<string, Quote>;

export interface Leg {
  readonly option: Option;
  readonly word: bigint;
  readonly side: "buy" | "sell";
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
const levelPrice = (value: unknown): number | undefined =>
  Array.isArray(value) && typeof value[0] === "string" ? toNumber(BigInt(value[0])) : undefined;

/** Best prices of every book at once: a chain has more of them than anybody should subscribe to. */
export const useQuotes = (): Quotes => {
  const site = useSite();
  const { data } = useQuery({
    queryKey: [site.key, "quotes"],
    queryFn: async () => {
      const response = await fetch(`${site.matcher}/markets`, { signal: AbortSignal.timeout(8_000) });
      const json: unknown = await response.json();
      const list: unknown = isRecord(json) ? json["markets"] : undefined;
      return new Map(
        (Array.isArray(list) ? list.filter(isRecord) : []).map((each): [string, Quote] => {
          const [bid, ask] = [levelPrice(each["bid"]), levelPrice(each["ask"])];
          return [String(each["market"]), { ...(bid !== undefined && { bid }), ...(ask !== undefined && { ask }) }];
        }),
      );
    },
    refetchInterval: 2_000,
    structuralSharing: false,
  });
  return data ?? new Map();
};

export const signOf = ({ side }: Leg): 1 | -1 => (side === "buy" ? 1 : -1);

/** What the leg costs (or brings) per contract now: the other side's best price, or the model's where nobody quotes. */
export const priceOf = (market: Market, quotes: Quotes, { word, side, option }: Leg): number => {
  const quote = quotes.get(word.toString(16));
  const model = modelOf(market, option.underlying, option.expiry, option)?.price ?? 0;
  return (side === "buy" ? quote?.ask : quote?.bid) ?? model;
};

/** What the same strategy costs per unit where somebody offers its exact opposite as one order; undefined: nobody does. */
export const wholePrice = (quotes: Quotes, legs: readonly Leg[]): number | undefined => {
  const sorted = [...legs].sort((a, b) => (a.word < b.word ? -1 : 1));
  const [first] = sorted;
  if (first === undefined || legs.length < 2) return undefined;
  // A strategy's book is named as whoever is long its first leg sees it.
  const own = signOf(first);
  const key = sorted
    .map((leg) => (signOf(leg) === own ? leg.word.toString(16) : `${leg.word.toString(16)}*${-WAD}`))
    .join("+");
  const quote = quotes.get(key);
  if (own > 0) return quote?.ask;
  return quote?.bid === undefined ? undefined : -quote.bid;
};

/** Legs whose net cost per unit is `net`: the dearest leg carries what the limit differs by. Undefined where no prices make it up. */
export const orderLegs = (
  legs: readonly Leg[],
  prices: readonly number[],
  net: number,
): readonly OrderLeg[] | undefined => {
  const now = legs.reduce((sum, leg, i) => sum + signOf(leg) * (prices[i] ?? 0), 0);
  const dearest = prices.reduce((best, price, i) => (price > (prices[best] ?? 0) ? i : best), 0);
  const made = legs.map((leg, i): OrderLeg | undefined => {
    const price = (prices[i] ?? 0) + (i === dearest ? signOf(leg) * (net - now) : 0);
    return price < 0 ? undefined : { instrument: leg.word, ratio: BigInt(signOf(leg)) * WAD, price: wadOf(price) };
  });
  const whole = made.filter((leg) => leg !== undefined);
  return whole.length === made.length ? whole : undefined;
};
