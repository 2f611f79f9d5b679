// A perp by a signed order: limit, or whatever the book gives right now.
import { type ReactNode, useEffect, useState } from "react";

import { perpWord, WAD } from "../../../../sdk/instruments.ts";
import { useBook, useSite, useTx } from "../../data/hooks.ts";
import { place } from "../../data/orders.ts";
import { largest, marginsOf, wadOf, withFill } from "../../data/preview.ts";
import { decimal, money, price as priceText } from "../../lib/format.ts";
import { problemOf } from "../../lib/problems.ts";
import { settings } from "../../lib/settings.ts";
import { useStore } from "../../lib/store.ts";
import { AmountField, Card, Notice, Row, Segments } from "../../ui/parts.tsx";
import { Preview, previewOf } from "../../ui/Preview.tsx";
import type { MarketChoice } from "./markets.ts";
import type { Desk } from "./standing.ts";

const MOST_FEE = 0.002;
const LIFE_S = 7 * 86_400;
const NOW_S = 120;
const MOST_LEVERAGE = 10;

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
  const [kind, setKind] = useState<"market" | "limit">("market");
  const [size, setSize] = useState("");
  const [limit, setLimit] = useState("");
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
  const best = side === "buy" ? book.asks[0]?.price : book.bids[0]?.price;
  const at = kind === "limit" ? Number(limit) : (best ?? mark);
  const amount = Number(size === "" ? "0" : size);
  const instrument = { kind: "perp" as const, underlying: choice.underlying };
  const fill = (quantity: number) =>
    withFill(market, standing, [{ instrument, size: wadOf(side === "buy" ? quantity : -quantity), price: wadOf(at) }]);
  const fits = (quantity: number): boolean => {
    try {
      return marginsOf(market, fill(quantity).standing).initial >= 0;
    } catch {
      return false;
    }
  };
  const outcome = amount > 0 && at > 0 ? previewOf(market, standing, () => fill(amount).standing) : undefined;
  const fee = outcome?.preview === undefined ? 0 : fill(amount).fee;
  const short = outcome?.preview !== undefined && outcome.preview.after.initial < 0 && !reduceOnly;
  const advice = (): string => {
    const lacking = money(Math.ceil(-(outcome?.preview?.after.initial ?? 0)));
    const most = largest(amount, fits);
    return most > 0.001
      ? `Deposit ${lacking} USDC more, or reduce to ${decimal(Math.floor(most * 1e3) / 1e3, 3)} ${choice.name}.`
      : `Deposit ${lacking} USDC more.`;
  };
  const funding = market.ledger?.perps.get(choice.underlying)?.funding.rate ?? 0n;
  const perDay = (Number(funding) / 1e18) * 3 * amount * (side === "buy" ? 1 : -1);

  const send = async (): Promise<void> => {
    setBusy(true);
    setSaid(undefined);
    try {
      const bound = kind === "limit" ? at : at * (side === "buy" ? 1 + slippage : 1 - slippage);
      const order = await place(site, {
        account: id ?? "",
        market: `${choice.name}-PERP`,
        title: `${side === "buy" ? "Buy" : "Sell"} ${size} ${choice.name}-PERP`,
        legs: [{ instrument: perpWord(choice.underlying), ratio: side === "buy" ? WAD : -WAD, price: wadOf(bound) }],
        size: wadOf(amount),
        maxFee: wadOf(at * MOST_FEE),
        reduceOnly,
        postOnly: kind === "limit" && postOnly,
        immediate: kind === "market",
        lifetimeSeconds: kind === "market" ? NOW_S : LIFE_S,
      });
      const filled = order.pending + order.filled;
      setSaid(
        filled > 0
          ? { tone: "good", text: `Matched ${decimal(filled, 3)} ${choice.name}. It is yours with the next block.` }
          : order.state === "done"
            ? { tone: "warn", text: "Nothing in the book matched. Use a limit, or allow more slippage." }
            : { tone: "good", text: "Your order rests in the book." },
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
      <Segments
        label="Side"
        tone
        value={side}
        onChange={setSide}
        options={[
          { value: "buy", label: "Buy / Long", tone: "good" },
          { value: "sell", label: "Sell / Short", tone: "bad" },
        ]}
      />
      <Segments
        label="Order type"
        value={kind}
        onChange={setKind}
        options={[
          { value: "market", label: "Market" },
          { value: "limit", label: "Limit" },
        ]}
      />
      {kind === "limit" && <AmountField label="Limit price" unit="USDC" value={limit} onChange={setLimit} />}
      <AmountField
        label="Size"
        unit={choice.name}
        value={size}
        onChange={setSize}
        hint={`≈ ${money(amount * at)} USDC`}
      />
      <div className="field">
        <div className="field-label">
          <label htmlFor="perp-leverage">Size by leverage</label>
          <span>{equity > 0 ? `${decimal((amount * at) / equity, 2)}×` : "–"}</span>
        </div>
        <input
          id="perp-leverage"
          type="range"
          min={0}
          max={MOST_LEVERAGE}
          step={0.1}
          disabled={equity <= 0 || at <= 0}
          value={equity > 0 ? Math.min(MOST_LEVERAGE, (amount * at) / equity) : 0}
          aria-valuetext={equity > 0 ? `${decimal((amount * at) / equity, 1)} times` : "no equity"}
          onChange={(event) => setSize(((Number(event.target.value) * equity) / at).toFixed(4))}
        />
      </div>
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
      <Preview outcome={outcome}>
        <Row label="Price, about">{priceText(at)}</Row>
        <Row label="Fee">{money(fee)} USDC</Row>
        <Row label="Funding a day">{perDay >= 0 ? `pays ${money(perDay)}` : `earns ${money(-perDay)}`}</Row>
      </Preview>
      {short && <Notice tone="warn">{advice()}</Notice>}
      {said !== undefined && <Notice tone={said.tone}>{said.text}</Notice>}
      {equity <= 0 ? (
        <button type="button" className="primary" onClick={onDeposit}>
          {id === undefined ? "Connect a wallet to trade" : "Deposit to begin"}
        </button>
      ) : (
        <button
          type="button"
          className="primary"
          disabled={isBusy || amount <= 0 || at <= 0 || outcome?.preview === undefined || short}
          onClick={() => void send()}
        >
          {isBusy ? "Waiting for your wallet …" : `Sign ${side === "buy" ? "buy" : "sell"} order`}
        </button>
      )}
    </Card>
  );
};
