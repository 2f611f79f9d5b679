// The chain of an expiry, and a builder of several legs with what they pay at expiry and are worth today.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";

import type { Option } from "../../../../sdk/instruments.ts";
import { instrumentName, WAD } from "../../../../sdk/instruments.ts";
import { midPrice } from "../../../../sdk/mirror/prices.ts";
import { useSite, useTx } from "../../data/hooks.ts";
import { optionsOf } from "../../data/market.ts";
import { place } from "../../data/orders.ts";
import { wadOf, withFill } from "../../data/preview.ts";
import { decimal, expiryDate, money, percent, price, toNumber } from "../../lib/format.ts";
import { problemOf } from "../../lib/problems.ts";
import { settings } from "../../lib/settings.ts";
import { useStore } from "../../lib/store.ts";
import { Curve } from "../../ui/Curve.tsx";
import { AmountField, Card, Empty, Loading, Notice, Row, Segments } from "../../ui/parts.tsx";
import { Preview, previewOf } from "../../ui/Preview.tsx";
import type { MarketChoice } from "./markets.ts";
import type { Desk } from "./standing.ts";
import { modelOf } from "./surface.ts";

interface Quote {
  readonly bid?: number;
  readonly ask?: number;
}
interface Leg {
  readonly option: Option;
  readonly word: bigint;
  readonly side: "buy" | "sell";
}

const MOST_FEE = 0.002;
const NOW_S = 120;
const POINTS = 81;
const REACH = 0.35;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
const levelPrice = (value: unknown): number | undefined =>
  Array.isArray(value) && typeof value[0] === "string" ? toNumber(BigInt(value[0])) : undefined;

/** Best prices of every book at once: a chain has more of them than anybody should subscribe to. */
const useQuotes = (): ReadonlyMap<string, Quote> => {
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

const payoff = ({ strike, isCall }: Option, at: number): number =>
  Math.max(0, (at - Number(strike) / 1e8) * (isCall ? 1 : -1));

export const Options = ({
  choice,
  desk,
  onDeposit,
}: {
  choice: MarketChoice;
  desk: Desk;
  onDeposit: () => void;
}): ReactNode => {
  const site = useSite();
  const tx = useTx();
  const { market, standing, margins, id } = desk;
  const { slippage } = useStore(settings);
  const live = choice.expiries.filter((expiry) => expiry > Number(market.time));
  const [chosen, setExpiry] = useState<string>();
  const expiry = Number(chosen ?? live[0] ?? 0);
  const [legs, setLegs] = useState<readonly Leg[]>([]);
  const [size, setSize] = useState("1");
  const [said, setSaid] = useState<{ tone: "warn" | "good"; text: string }>();
  const [isBusy, setBusy] = useState(false);
  const quotes = useQuotes();
  const { data: listed } = useQuery({
    queryKey: [site.key, "options", choice.underlying, expiry],
    queryFn: () => optionsOf(site, choice.underlying, expiry),
    enabled: expiry > 0,
    structuralSharing: false,
  });
  const index = (() => {
    try {
      return toNumber(midPrice(market, choice.underlying));
    } catch {
      return 0;
    }
  })();
  const strikes = useMemo(
    () => [...new Set((listed ?? []).map(({ strike }) => strike))].sort((a, b) => (a < b ? -1 : 1)),
    [listed],
  );
  const quantity = Number(size === "" ? "0" : size);
  const priceOf = ({ word, side, option }: Leg): number => {
    const quote = quotes.get(word.toString(16));
    const model = modelOf(market, choice.underlying, option.expiry, option)?.price ?? 0;
    return (side === "buy" ? quote?.ask : quote?.bid) ?? model;
  };
  const toggle = (option: Option, word: bigint, side: "buy" | "sell"): void => {
    setSaid(undefined);
    setLegs((now) => {
      const same = now.find((leg) => leg.word === word);
      if (same?.side === side) return now.filter((leg) => leg !== same);
      return [...now.filter((leg) => leg.word !== word), { option, word, side }];
    });
  };

  const outcome = legs.length > 0 && quantity > 0 ? previewOf(market, standing, () => fill().standing) : undefined;
  function fill() {
    return withFill(
      market,
      standing,
      legs.map((leg) => ({
        instrument: leg.option,
        size: wadOf(leg.side === "buy" ? quantity : -quantity),
        price: wadOf(priceOf(leg)),
      })),
    );
  }
  const filled = outcome?.preview === undefined ? undefined : fill();
  const short = outcome?.preview !== undefined && outcome.preview.after.initial < 0;
  const cost = legs.reduce((sum, leg) => sum + (leg.side === "buy" ? 1 : -1) * quantity * priceOf(leg), 0);
  const curve =
    legs.length === 0 || index === 0
      ? []
      : Array.from({ length: POINTS }, (_, i) => {
          const spot = 1 - REACH + (2 * REACH * i) / (POINTS - 1);
          const at = index * spot;
          const sum = (value: (leg: Leg) => number): number =>
            legs.reduce((all, leg) => all + (leg.side === "buy" ? 1 : -1) * quantity * value(leg), -cost);
          return {
            x: at,
            a: sum(({ option }) => payoff(option, at)),
            b: sum(({ option }) => modelOf(market, choice.underlying, option.expiry, option, { spot })?.price ?? 0),
          };
        });

  /** Leg by leg against the book, what is bought first: each step leaves less risk open than the other way round. */
  const send = async (): Promise<void> => {
    setBusy(true);
    setSaid(undefined);
    const ordered = [...legs].sort((a, b) => (a.side === b.side ? 0 : a.side === "buy" ? -1 : 1));
    let done = 0;
    try {
      for (const leg of ordered) {
        const at = priceOf(leg);
        const bound = leg.side === "buy" ? at * (1 + 4 * slippage) : at * (1 - 4 * slippage);
        const name = instrumentName(leg.word, site.venue.underlyings);
        const order = await place(site, {
          account: id ?? "",
          market: name,
          title: `${leg.side === "buy" ? "Buy" : "Sell"} ${size} ${name}`,
          legs: [{ instrument: leg.word, ratio: leg.side === "buy" ? WAD : -WAD, price: wadOf(bound) }],
          size: wadOf(quantity),
          maxFee: wadOf(index * MOST_FEE),
          ...{ reduceOnly: false, postOnly: false, immediate: true, lifetimeSeconds: NOW_S },
        });
        if (order.filled + order.pending === 0) {
          const rest = done === 0 ? "Nothing was traded." : `${done} of ${ordered.length} legs were traded before.`;
          setSaid({ tone: "warn", text: `The book had no match for ${name}. ${rest}` });
          return;
        }
        done += 1;
      }
      setSaid({ tone: "good", text: `All ${done} legs matched. They are yours with the next blocks.` });
      setLegs([]);
    } catch (error) {
      const rest = done === 0 ? "" : ` ${done} of ${ordered.length} legs were traded before.`;
      setSaid({ tone: "warn", text: problemOf(error, tx.errors).message + rest });
    } finally {
      setBusy(false);
      setTimeout(tx.onMined, 2_500);
    }
  };

  const cell = (strike: bigint, isCall: boolean): ReactNode[] => {
    const option: Option = { kind: "option", underlying: choice.underlying, expiry, strike, isCall };
    const word = listed?.find((each) => each.strike === strike && each.isCall === isCall)?.word;
    if (word === undefined) return [<td key="none" colSpan={4} />];
    const quote = quotes.get(word.toString(16));
    const model = modelOf(market, choice.underlying, expiry, option);
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
          onClick={() => toggle(option, word, side)}
        >
          {text}
        </button>
      );
    };
    const cells = [
      <td key="delta">{model === undefined ? "–" : decimal(model.delta, 2)}</td>,
      <td key="iv">{model === undefined ? "–" : percent(model.volatility, 1)}</td>,
      <td key="bid">{button("sell", quote?.bid)}</td>,
      <td key="ask">{button("buy", quote?.ask)}</td>,
    ];
    return isCall ? cells : [...cells].reverse();
  };
  const nearest = strikes.reduce<bigint | undefined>(
    (best, strike) =>
      best === undefined || Math.abs(Number(strike) / 1e8 - index) < Math.abs(Number(best) / 1e8 - index)
        ? strike
        : best,
    undefined,
  );

  return (
    <>
      <Card
        title={`${choice.name} options`}
        className="a-chart"
        aside={
          <Segments
            label="Expiry"
            value={String(expiry)}
            onChange={setExpiry}
            options={live.map((each) => ({ value: String(each), label: expiryDate(each) }))}
          />
        }
      >
        {listed === undefined ? (
          <Loading what="the chain" />
        ) : (
          <div className="scroll" tabIndex={0} role="region" aria-label="Option chain">
            <table className="chain">
              <thead>
                <tr>
                  <th colSpan={4} scope="colgroup">
                    Calls
                  </th>
                  <th className="strike" scope="col">
                    {price(index)}
                  </th>
                  <th colSpan={4} scope="colgroup">
                    Puts
                  </th>
                </tr>
                <tr>
                  {["Delta", "IV", "Bid", "Ask"].map((each) => (
                    <th key={each} scope="col">
                      {each}
                    </th>
                  ))}
                  <th className="strike" scope="col">
                    Strike
                  </th>
                  {["Ask", "Bid", "IV", "Delta"].map((each) => (
                    <th key={`p${each}`} scope="col">
                      {each}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {strikes.map((strike) => (
                  <tr key={String(strike)} className={strike === nearest ? "near" : ""}>
                    {cell(strike, true)}
                    <td className="strike">{decimal(Number(strike) / 1e8, 0)}</td>
                    {cell(strike, false)}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Card>
      <Card title="Strategy" className="a-ticket">
        {legs.length === 0 && <Empty>Choose bids to sell and asks to buy in the chain: each becomes a leg.</Empty>}
        <dl>
          {legs.map((leg) => (
            <Row
              key={String(leg.word)}
              label={
                <>
                  <span className={leg.side}>{leg.side === "buy" ? "Buy" : "Sell"}</span>{" "}
                  {instrumentName(leg.word, site.venue.underlyings)}
                </>
              }
            >
              {price(priceOf(leg))}{" "}
              <button
                type="button"
                className="icon"
                aria-label={`Remove ${instrumentName(leg.word, site.venue.underlyings)}`}
                onClick={() => setLegs((now) => now.filter((each) => each !== leg))}
              >
                ✕
              </button>
            </Row>
          ))}
        </dl>
        {curve.length > 0 && (
          <Curve
            points={curve}
            marker={index}
            label={`Profit and loss of the strategy: at expiry between ${money(Math.min(...curve.map(({ a }) => a)))} and ${money(Math.max(...curve.map(({ a }) => a)))} USDC over the prices shown`}
            names={["at expiry", "today"]}
          />
        )}
        <AmountField label="Contracts of each leg" unit={choice.name} value={size} onChange={setSize} />
        <Preview outcome={outcome}>
          <Row label={cost >= 0 ? "You pay" : "You receive"}>{money(Math.abs(cost))} USDC</Row>
          <Row label="Fee">{money(filled?.fee ?? 0)} USDC</Row>
        </Preview>
        {short && (
          <Notice tone="warn">
            Deposit {money(Math.ceil(-(outcome?.preview?.after.initial ?? 0)))} USDC more, or choose fewer contracts.
          </Notice>
        )}
        {said !== undefined && <Notice tone={said.tone}>{said.text}</Notice>}
        {(margins?.equity ?? 0) <= 0 ? (
          <button type="button" className="primary" onClick={onDeposit}>
            {id === undefined ? "Connect a wallet to trade" : "Deposit to begin"}
          </button>
        ) : (
          <button
            type="button"
            className="primary"
            disabled={isBusy || outcome?.preview === undefined || short}
            onClick={() => void send()}
          >
            {isBusy ? "Waiting for your wallet …" : legs.length > 1 ? `Sign ${legs.length} orders` : "Sign order"}
          </button>
        )}
      </Card>
    </>
  );
};
