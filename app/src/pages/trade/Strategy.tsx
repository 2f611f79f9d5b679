// A strategy of some legs: what it pays at expiry and is worth today, its margin, and its orders: leg by leg, or all as one.
import { type ReactNode, useMemo, useState } from "react";

import { instrumentName, WAD } from "../../../../sdk/instruments.ts";
import { payoffOfOne } from "../../../../sdk/mirror/derivatives/ledger.ts";
import { useSite, useTx } from "../../data/hooks.ts";
import { place } from "../../data/orders.ts";
import { largest, previewLegs, wadOf } from "../../data/preview.ts";
import { decimal, money, price, toNumber } from "../../lib/format.ts";
import { problemOf } from "../../lib/problems.ts";
import { settings } from "../../lib/settings.ts";
import { useStore } from "../../lib/store.ts";
import { Curve } from "../../ui/Curve.tsx";
import { AmountField, Card, Empty, Notice, Row, Segments } from "../../ui/parts.tsx";
import { Preview } from "../../ui/Preview.tsx";
import { type Greek, GREEKS, greekOf, greekText } from "./Chain.tsx";
import { type Leg, orderLegs, priceOf, type Quotes, signOf, wholePrice } from "./legs.ts";
import type { MarketChoice } from "./markets.ts";
import type { Desk } from "./standing.ts";
import { modelOf } from "./surface.ts";
import { Advice, TicketButton, wouldPass } from "./ticketParts.tsx";

const MOST_FEE = 0.002;
const NOW_S = 120;
const LIFE_S = 7 * 86_400;
const POINTS = 81;
const REACH = 0.35;

const GREEK_ROWS: Readonly<Record<Greek, string>> = {
  delta: "Delta",
  gamma: "Gamma",
  vega: "Vega, per vol point",
  theta: "Theta, per day",
};

type Way = "legs" | "whole";
interface Said {
  readonly tone: "warn" | "good";
  readonly text: string;
}

export const Strategy = ({
  choice,
  desk,
  index,
  legs,
  quotes,
  onLegs,
  onDeposit,
}: {
  choice: MarketChoice;
  desk: Desk;
  index: number;
  legs: readonly Leg[];
  quotes: Quotes;
  onLegs: (legs: readonly Leg[]) => void;
  onDeposit: () => void;
}): ReactNode => {
  const site = useSite();
  const tx = useTx();
  const { market, standing, id } = desk;
  const { slippage } = useStore(settings);
  const [size, setSize] = useState("1");
  const [wanted, setWay] = useState<Way>("legs");
  const [net, setNet] = useState("");
  const [said, setSaid] = useState<Said>();
  const [isBusy, setBusy] = useState(false);
  const way = legs.length > 1 ? wanted : "legs";
  const quantity = Number(size === "" ? "0" : size);
  const prices = legs.map((leg) => priceOf(market, quotes, leg));
  const shown = legs.reduce((sum, leg, i) => sum + signOf(leg) * (prices[i] ?? 0), 0);
  const whole = wholePrice(quotes, legs);
  const isCredit = shown < 0;
  // Typed without a sign: what is paid at most, or received at least.
  const limit = way === "whole" && net !== "" ? Number(net) * (isCredit ? -1 : 1) : shown;
  const name = (leg: Leg): string => instrumentName(leg.word, site.venue.underlyings);

  const priced = prices.join();
  const tried = (contracts: number) =>
    previewLegs(
      standing,
      legs.map((leg, i) => ({
        instrument: leg.option,
        size: wadOf(signOf(leg) * contracts),
        price: wadOf(prices[i] ?? 0),
      })),
      false,
      tx.errors,
    );
  const outcome = useMemo(
    () => (legs.length > 0 && quantity > 0 ? tried(quantity) : undefined),
    // The rest follows from these.
    [standing, legs, quantity, priced],
  );
  const cost = quantity * shown;
  const greeks = useMemo(() => {
    const total: Record<Greek, number> = { delta: 0, gamma: 0, vega: 0, theta: 0 };
    for (const leg of legs) {
      const model = modelOf(market, choice.underlying, leg.option.expiry, leg.option);
      if (model === undefined) continue;
      for (const greek of GREEKS) total[greek] += signOf(leg) * quantity * greekOf(model, greek);
    }
    return total;
  }, [market, legs, quantity, choice]);
  const curve = useMemo(() => {
    if (legs.length === 0 || index === 0) return [];
    const sum = (value: (leg: Leg) => number): number =>
      legs.reduce((all, leg) => all + signOf(leg) * quantity * value(leg), -cost);
    return Array.from({ length: POINTS }, (_, i) => {
      const spot = 1 - REACH + (2 * REACH * i) / (POINTS - 1);
      return {
        x: index * spot,
        a: sum(({ option }) => toNumber(payoffOfOne(option, wadOf(index * spot)))),
        b: sum(({ option }) => modelOf(market, choice.underlying, option.expiry, option, { spot })?.price ?? 0),
      };
    });
  }, [market, legs, quantity, cost, index, choice]);

  const common = { account: id ?? "", size: wadOf(quantity), reduceOnly: false, postOnly: false };
  /** Against the books of the legs, what is bought first: each step leaves less risk open than the other way round. */
  const sendLegs = async (): Promise<Said> => {
    const ordered = [...legs].sort((a, b) => signOf(b) - signOf(a));
    for (const [done, leg] of ordered.entries()) {
      const before = done === 0 ? "" : ` ${done} of ${ordered.length} legs were traded before.`;
      try {
        const at = priceOf(market, quotes, leg);
        const order = await place(site, {
          ...common,
          legs: [
            {
              instrument: leg.word,
              ratio: BigInt(signOf(leg)) * WAD,
              price: wadOf(at * (1 + signOf(leg) * 4 * slippage)),
            },
          ],
          maxFee: wadOf(index * MOST_FEE),
          ...{ immediate: true, lifetimeSeconds: NOW_S },
        });
        if (order.filled + order.pending > 0) continue;
        return { tone: "warn", text: `The book had no match for ${name(leg)}.${before || " Nothing was traded."}` };
      } catch (error) {
        return { tone: "warn", text: problemOf(error, tx.errors).message + before };
      }
    }
    onLegs([]);
    return { tone: "good", text: `All ${ordered.length} legs matched. They are yours with the next blocks.` };
  };
  /** All or nothing of every unit, at one net price: against whoever signed the exact opposite, now or later. */
  const sendWhole = async (): Promise<Said> => {
    const made = orderLegs(legs, prices, limit);
    if (made === undefined) return { tone: "warn", text: "No prices of the legs make up this net price." };
    try {
      const order = await place(site, {
        ...common,
        legs: made,
        maxFee: wadOf(index * MOST_FEE * legs.length),
        ...{ immediate: false, lifetimeSeconds: LIFE_S },
      });
      onLegs([]);
      setNet("");
      const filled = order.filled + order.pending;
      return filled > 0
        ? { tone: "good", text: `Matched ${decimal(filled, 3)} as one. It is yours with the next block.` }
        : { tone: "good", text: "Your order rests as one, until somebody signs its opposite." };
    } catch (error) {
      return { tone: "warn", text: problemOf(error, tx.errors).message };
    }
  };
  const send = async (): Promise<void> => {
    setBusy(true);
    setSaid(undefined);
    setSaid(await (way === "whole" ? sendWhole() : sendLegs()));
    setBusy(false);
    setTimeout(tx.onMined, 2_500);
  };

  return (
    <Card title="Strategy" className="a-ticket">
      {legs.length === 0 && <Empty>Choose bids to sell and asks to buy in the chain: each becomes a leg.</Empty>}
      <dl>
        {legs.map((leg, i) => (
          <Row
            key={String(leg.word)}
            label={
              <>
                <span className={leg.side}>{leg.side === "buy" ? "Buy" : "Sell"}</span> {name(leg)}
              </>
            }
          >
            {price(prices[i] ?? 0)}{" "}
            <button
              type="button"
              className="icon"
              aria-label={`Remove ${name(leg)}`}
              onClick={() => onLegs(legs.filter((each) => each !== leg))}
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
      {legs.length > 1 && (
        <Segments
          label="How it is traded"
          value={way}
          onChange={setWay}
          options={[
            { value: "legs", label: "Leg by leg" },
            { value: "whole", label: "As one order" },
          ]}
        />
      )}
      {way === "whole" && (
        <AmountField
          label={isCredit ? "Receive at least, per unit" : "Pay at most, per unit"}
          unit="USDC"
          value={net === "" ? Math.abs(shown).toFixed(2) : net}
          onChange={setNet}
          hint={
            whole === undefined
              ? "Nobody offers this strategy as one now: the order rests until somebody signs its exact opposite. Market makers quote single legs."
              : `Somebody offers it as one: you ${whole < 0 ? "receive" : "pay"} ${price(Math.abs(whole))} a unit.`
          }
        />
      )}
      <Preview outcome={outcome}>
        <Row label={cost >= 0 ? "You pay" : "You receive"}>{money(Math.abs(cost))} USDC</Row>
        <Row label="Fee">{money(outcome?.fee ?? 0)} USDC</Row>
        {GREEKS.map((greek) => (
          <Row key={greek} label={GREEK_ROWS[greek]}>
            {greekText(greeks[greek], greek)}
          </Row>
        ))}
      </Preview>
      <Advice
        outcome={outcome}
        reduced={() => {
          const most = largest(quantity, (contracts) => tried(contracts).short === 0);
          return most > 0.01 ? `${decimal(Math.floor(most * 1e2) / 1e2, 2)} contracts` : undefined;
        }}
      />
      {said !== undefined && <Notice tone={said.tone}>{said.text}</Notice>}
      <TicketButton desk={desk} onDeposit={onDeposit} onSend={send} isReady={!isBusy && wouldPass(outcome)}>
        {isBusy
          ? "Waiting for your wallet …"
          : way === "whole"
            ? "Sign one order"
            : legs.length > 1
              ? `Sign ${legs.length} orders`
              : "Sign order"}
      </TicketButton>
    </Card>
  );
};
