// The chain of an expiry: bids to sell at and asks to buy at, with volatility and delta of the model.
import type { ReactNode } from "react";

import type { Option } from "../../../../sdk/instruments.ts";
import { instrumentName } from "../../../../sdk/instruments.ts";
import type { Market } from "../../../../sdk/mirror/market.ts";
import { useSite } from "../../data/hooks.ts";
import type { ListedOption } from "../../data/market.ts";
import { decimal, percent, price } from "../../lib/format.ts";
import type { Leg, Quotes } from "./legs.ts";
import { modelOf } from "./surface.ts";

const CALLS = ["Delta", "IV", "Bid", "Ask"];

export const Chain = ({
  listed,
  market,
  underlying,
  expiry,
  index,
  legs,
  quotes,
  onToggle,
}: {
  listed: readonly ListedOption[];
  market: Market;
  underlying: number;
  expiry: number;
  index: number;
  legs: readonly Leg[];
  quotes: Quotes;
  onToggle: (leg: Leg) => void;
}): ReactNode => {
  const site = useSite();
  const strikes = [...new Set(listed.map(({ strike }) => strike))].sort((a, b) => (a < b ? -1 : 1));
  const away = (strike: bigint): number => Math.abs(Number(strike) / 1e8 - index);
  const nearest = strikes.reduce<bigint | undefined>(
    (best, strike) => (best === undefined || away(strike) < away(best) ? strike : best),
    undefined,
  );
  const cells = (strike: bigint, isCall: boolean): ReactNode[] => {
    const option: Option = { kind: "option", underlying, expiry, strike, isCall };
    const word = listed.find((each) => each.strike === strike && each.isCall === isCall)?.word;
    if (word === undefined) return [<td key="none" colSpan={CALLS.length} />];
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
      <td key="delta">{model === undefined ? "–" : decimal(model.delta, 2)}</td>,
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
            <th colSpan={CALLS.length} scope="colgroup">
              Calls
            </th>
            <th className="strike" scope="col">
              {price(index)}
            </th>
            <th colSpan={CALLS.length} scope="colgroup">
              Puts
            </th>
          </tr>
          <tr>
            {CALLS.map((each) => (
              <th key={each} scope="col">
                {each}
              </th>
            ))}
            <th className="strike" scope="col">
              Strike
            </th>
            {[...CALLS].reverse().map((each) => (
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
