// A perp by a signed order: whatever the book gives now, a limit, or a stop or take-profit that waits for the index.
import { type ReactNode, useEffect, useMemo, useState } from "react";

import { perpWord, WAD } from "../../../../sdk/instruments.ts";
import { midPrice } from "../../../../sdk/mirror/prices.ts";
import { useBook, useSite, useTx } from "../../data/hooks.ts";
import { place } from "../../data/orders.ts";
import { largest, previewLegs, wadOf } from "../../data/preview.ts";
import { decimal, money, price as priceText, toNumber } from "../../lib/format.ts";
import { problemOf } from "../../lib/problems.ts";
import { settings } from "../../lib/settings.ts";
import { useStore } from "../../lib/store.ts";
import { AmountField, Card, Notice, Row, Segments } from "../../ui/parts.tsx";
import { Preview } from "../../ui/Preview.tsx";
import type { MarketChoice } from "./markets.ts";
import type { Desk } from "./standing.ts";
import { Advice, LeverageSlider, SideChoice, TicketButton, wouldPass } from "./ticketParts.tsx";

const MOST_FEE = 0.002;
const LIFE_S = 7 * 86_400;
const NOW_S = 120;
const MOST_LEVERAGE = 10;
/** How much worse than its trigger a stop may trade: it is set off while prices run. */
const STOP_ROOM = 0.03;

type Kind = "market" | "limit" | "stop";

export const PerpTicket = ({
  choice,
  desk,
  mark,
  picked,
  onDeposit,
}: {
  choice: MarketChoice;
  desk: Desk;
  mark: number;
  picked: number | undefined;
  onDeposit: () => void;
}): ReactNode => {
  const site = useSite();
  const tx = useTx();
  const { slippage } = useStore(settings);
  const { book } = useBook(choice.book);
  const [side, setSide] = useState<"buy" | "sell">("buy");
  const [kind, setKind] = useState<Kind>("market");
  const [size, setSize] = useState("");
  const [limit, setLimit] = useState("");
  const [trigger, setTrigger] = useState("");
  const [reduceOnly, setReduceOnly] = useState(false);
  const [postOnly, setPostOnly] = useState(false);
  const [said, setSaid] = useState<{ tone: "warn" | "good"; text: string }>();
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    if (picked === undefined) return;
    setKind("limit");
    setLimit(String(picked));
  }, [picked]);

  const { market, standing, margins, id } = desk;
  const equity = margins?.equity ?? 0;
  const index = useMemo(() => {
    try {
      return toNumber(midPrice(market, choice.underlying));
    } catch {
      return 0;
    }
  }, [market, choice]);
  const best = side === "buy" ? book.asks[0]?.price : book.bids[0]?.price;
  const at = kind === "limit" ? Number(limit) : kind === "stop" ? Number(trigger) : (best ?? mark);
  const amount = Number(size === "" ? "0" : size);
  const sign = side === "buy" ? 1 : -1;
  const bound = kind === "limit" ? at : kind === "stop" ? at * (1 + sign * STOP_ROOM) : at * (1 + sign * slippage);
  const isAbove = at >= index;
  // A buy above or a sell below cuts a loss; the other way round a profit is taken.
  const stopName = (side === "buy") === isAbove ? "Stop" : "Take profit";
  const tried = (quantity: number) =>
    previewLegs(
      standing,
      [{ instrument: { kind: "perp", underlying: choice.underlying }, size: wadOf(sign * quantity), price: wadOf(at) }],
      reduceOnly,
      tx.errors,
    );
  // What waits for the index has no effect yet, and who knows what the account is by then.
  const outcome = useMemo(
    () => (kind !== "stop" && amount > 0 && at > 0 ? tried(amount) : undefined),
    // The rest follows from these.
    [standing, amount, at, kind, side, reduceOnly, choice],
  );
  const funding = market.ledger?.perps.get(choice.underlying)?.funding.rate ?? 0n;
  const perDay = (Number(funding) / 1e18) * 3 * amount * sign;

  const send = async (): Promise<void> => {
    setBusy(true);
    setSaid(undefined);
    try {
      const order = await place(site, {
        account: id ?? "",
        legs: [{ instrument: perpWord(choice.underlying), ratio: BigInt(sign) * WAD, price: wadOf(bound) }],
        size: wadOf(amount),
        maxFee: wadOf(at * MOST_FEE),
        reduceOnly,
        postOnly: kind === "limit" && postOnly,
        immediate: kind === "market",
        lifetimeSeconds: kind === "market" ? NOW_S : LIFE_S,
        // Whoever brings it together is paid by what both sides pay as fees: no fee of its own.
        ...(kind === "stop" && {
          trigger: { underlying: choice.underlying, above: isAbove, price: wadOf(at), keeperFee: 0n },
        }),
      });
      const filled = order.pending + order.filled;
      setSaid(
        filled > 0
          ? { tone: "good", text: `Matched ${decimal(filled, 3)} ${choice.name}. It is yours with the next block.` }
          : order.state === "done"
            ? { tone: "warn", text: "Nothing in the book matched. Use a limit, or allow more slippage." }
            : {
                tone: "good",
                text: order.state === "held" ? "Your order waits for the index." : "Your order rests in the book.",
              },
      );
      setSize("");
      setTimeout(tx.onMined, 2_500);
    } catch (error) {
      setSaid({ tone: "warn", text: problemOf(error, tx.errors).message });
    } finally {
      setBusy(false);
    }
  };

  return (
    <Card title={`${choice.name} perpetual`} className="a-ticket">
      <SideChoice sides={["buy", "sell"]} labels={["Buy / Long", "Sell / Short"]} value={side} onChange={setSide} />
      <Segments
        label="Order type"
        value={kind}
        onChange={(next) => {
          setKind(next);
          setReduceOnly(next === "stop");
        }}
        options={[
          { value: "market", label: "Market" },
          { value: "limit", label: "Limit" },
          { value: "stop", label: "Stop" },
        ]}
      />
      {kind === "limit" && <AmountField label="Limit price" unit="USDC" value={limit} onChange={setLimit} />}
      {kind === "stop" && (
        <AmountField
          label="Trigger price"
          unit="USDC"
          value={trigger}
          onChange={setTrigger}
          hint={
            at > 0
              ? `${stopName}: ${side === "buy" ? "buys" : "sells"} once the index is at or ${isAbove ? "above" : "below"} ${priceText(at)}. It is ${priceText(index)} now.`
              : "Below the index a sell cuts a loss, above it takes a profit; a buy the other way round."
          }
        />
      )}
      <AmountField
        label="Size"
        unit={choice.name}
        value={size}
        onChange={setSize}
        hint={`≈ ${money(amount * at)} USDC`}
      />
      {kind !== "stop" && (
        <LeverageSlider
          id="perp-leverage"
          equity={equity}
          notional={amount * at}
          most={MOST_LEVERAGE}
          isOff={at <= 0}
          onChange={(dollars) => setSize((dollars / at).toFixed(4))}
        />
      )}
      <div className="checks">
        <label className="check">
          <input type="checkbox" checked={reduceOnly} onChange={(event) => setReduceOnly(event.target.checked)} />
          Reduce only
        </label>
        {kind === "limit" && (
          <label className="check">
            <input type="checkbox" checked={postOnly} onChange={(event) => setPostOnly(event.target.checked)} />
            Post only
          </label>
        )}
      </div>
      {kind === "stop" ? (
        <dl className="preview" aria-label="Terms of the order">
          <Row label="Worst price">{at > 0 ? priceText(bound) : "–"}</Row>
          <Row label="Most fee">{money(amount * at * MOST_FEE)} USDC</Row>
          <Row label="Good for">7 days</Row>
        </dl>
      ) : (
        <Preview outcome={outcome}>
          <Row label="Price, about">{priceText(at)}</Row>
          <Row label="Fee">{money(outcome?.fee ?? 0)} USDC</Row>
          <Row label="Funding a day">{perDay >= 0 ? `pays ${money(perDay)}` : `earns ${money(-perDay)}`}</Row>
        </Preview>
      )}
      <Advice
        outcome={outcome}
        reduced={() => {
          const most = largest(amount, (quantity) => tried(quantity).short === 0);
          return most > 0.001 ? `${decimal(Math.floor(most * 1e3) / 1e3, 3)} ${choice.name}` : undefined;
        }}
      />
      {said !== undefined && <Notice tone={said.tone}>{said.text}</Notice>}
      <TicketButton
        desk={desk}
        onDeposit={onDeposit}
        onSend={send}
        isReady={!isBusy && amount > 0 && at > 0 && (kind === "stop" || wouldPass(outcome))}
      >
        {isBusy
          ? "Waiting for your wallet …"
          : kind === "stop" && at > 0
            ? `Sign ${stopName.toLowerCase()}`
            : `Sign ${side} order`}
      </TicketButton>
    </Card>
  );
};
