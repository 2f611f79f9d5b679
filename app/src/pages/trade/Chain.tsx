// The chain of an expiry: bids to sell at and asks to buy at, with volatility and delta of the model.
import type { ReactNode } from "react";

import type { Option } from "../../../../sdk/instruments.ts";
import { instrumentName } from "../../../../sdk/instruments.ts";
import type { Market } from "../../../../sdk/mirror/market.ts";
import { useSite } from "../../data/hooks.ts";
import type { ListedOption } from "../../data/market.ts";
import { decimal, percent, price } from "../../lib/format.ts";
import type { Leg, Quotes } from "./legs.ts";
import { modelOf, type OptionModel } from "./surface.ts";

export const GREEKS = ["delta", "gamma", "vega", "theta"] as const;
export type Greek = (typeof GREEKS)[number];

const POINTS = 100;
const DAYS = 365;

/** As traders quote them: vega of one volatility point, theta of a day. */
export const greekOf = (model: OptionModel, greek: Greek): number =>
  model[greek] / (greek === "vega" ? POINTS : greek === "theta" ? DAYS : 1);
export const greekText = (value: number, greek: Greek): string => decimal(value, greek === "gamma" ? 5 : 2);
export const GREEK_NAMES: Readonly<Record<Greek, string>> = {
  delta: "Delta",
  gamma: "Gamma",
  vega: "Vega",
  theta: "Theta",
};

export const Chain = ({
  listed,
  market,
  underlying,
  expiry,
  index,
  greek,
  legs,
  quotes,
  onToggle,
}: {
  listed: readonly ListedOption[];
  market: Market;
  underlying: number;
  expiry: number;
  index: number;
  greek: Greek;
  legs: readonly Leg[];
  quotes: Quotes;
  onToggle: (leg: Leg) => void;
}): ReactNode => {
  const site = useSite();
  const columns = [GREEK_NAMES[greek], "IV", "Bid", "Ask"];
  const strikes = [...new Set(listed.map(({ strike }) => strike))].sort((a, b) => (a < b ? -1 : 1));
  const away = (strike: bigint): number => Math.abs(Number(strike) / 1e8 - index);
  const nearest = strikes.reduce<bigint | undefined>(
    (best, strike) => (best === undefined || away(strike) < away(best) ? strike : best),
    undefined,
  );
  const cells = (strike: bigint, isCall: boolean): ReactNode[] => {
    const option: Option = { kind: "option", underlying, expiry, strike, isCall };
    const word = listed.find((each) => each.strike === strike && each.isCall === isCall)?.word;
    if (word === undefined) return [<td key="none" colSpan={columns.length} />];
    const quote = quotes.get(word.toString(16));
    const model = modelOf(market, underlying, expiry, option);
    const name = instrumentName(word, site.venue.underlyings);
    const picked = legs.find((leg) => leg.word === word)?.side;
    const button = (side: "buy" | "sell", at: number | undefined): ReactNode => {
      const text = at === undefined ? "–" : decimal(at, at >= 100 ? 1 : 2);
      return (
        <button
          type="button"
          className={side === "buy" ? "sell" : "buy"}
          aria-pressed={picked === side}
          aria-label={`${side === "buy" ? "Buy" : "Sell"} ${name} at ${text}`}
          onClick={() => onToggle({ option, word, side })}
        >
          {text}
        </button>
      );
    };
    const made = [
      <td key="greek">{model === undefined ? "–" : greekText(greekOf(model, greek), greek)}</td>,
      <td key="iv">{model === undefined ? "–" : percent(model.volatility, 1)}</td>,
      <td key="bid">{button("sell", quote?.bid)}</td>,
      <td key="ask">{button("buy", quote?.ask)}</td>,
    ];
    return isCall ? made : made.reverse();
  };
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Option chain">
      <table className="chain">
        <thead>
          <tr>
            <th colSpan={columns.length} scope="colgroup">
              Calls
            </th>
            <th className="strike" scope="col">
              {price(index)}
            </th>
            <th colSpan={columns.length} scope="colgroup">
              Puts
            </th>
          </tr>
          <tr>
            {columns.map((each) => (
              <th key={each} scope="col">
                {each}
              </th>
            ))}
            <th className="strike" scope="col">
              Strike
            </th>
            {[...columns].reverse().map((each) => (
              <th key={`p${each}`} scope="col">
                {each}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {strikes.map((strike) => (
            <tr key={String(strike)} className={strike === nearest ? "near" : ""}>
              {cells(strike, true)}
              <td className="strike">{decimal(Number(strike) / 1e8, 0)}</td>
              {cells(strike, false)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
};
