// Spot with leverage: what is bought is collateral, what is sold is owed. One transaction, one preview.
import { type ReactNode, useMemo, useState } from "react";

import { midPrice } from "../../../../sdk/mirror/prices.ts";
import { balanceOf } from "../../../../sdk/mirror/weigh.ts";
import { closeLeverage, openLeverage } from "../../data/actions.ts";
import { usePools, useSite, useTx } from "../../data/hooks.ts";
import { largest, previewActions } from "../../data/preview.ts";
import { decimal, money, percent, price as priceText, toNumber } from "../../lib/format.ts";
import { settings } from "../../lib/settings.ts";
import { useStore } from "../../lib/store.ts";
import { submit } from "../../tx/transactions.ts";
import { AmountField, Card, Row } from "../../ui/parts.tsx";
import { Preview } from "../../ui/Preview.tsx";
import type { MarketChoice } from "./markets.ts";
import type { Desk } from "./standing.ts";
import { Advice, LeverageSlider, SideChoice, TicketButton, wouldPass } from "./ticketParts.tsx";

const POOL_FEE = 0.0005;
const MOST_LEVERAGE = 5;

const units = (value: number, decimals: number): bigint =>
  BigInt(Math.max(0, Math.floor(value * 10 ** Math.min(decimals, 9)))) * 10n ** BigInt(Math.max(0, decimals - 9));

export const SpotTicket = ({
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
  const { slippage } = useStore(settings);
  const { data: pools } = usePools();
  const [side, setSide] = useState<"long" | "short">("long");
  const [size, setSize] = useState("");
  const [isBusy, setBusy] = useState(false);
  const { market, standing, margins, id } = desk;
  const [cash, coin] = [site.venue.assets.get(1), site.venue.assets.get(choice.underlying)];
  const index = (() => {
    try {
      return toNumber(midPrice(market, choice.underlying));
    } catch {
      return 0;
    }
  })();
  const notional = Number(size === "" ? "0" : size);
  const [debt, bought] = side === "long" ? [cash, coin] : [coin, cash];
  const owedTo = pools?.find(({ symbol }) => symbol === debt.symbol);
  const soldFor = (dollars: number): bigint => units(side === "long" ? dollars : dollars / index, debt.decimals);

  /** What the router does in one session: takes what is sold out of the account, and pays in what the swap gives. */
  const tried = (dollars: number) => {
    const got = (side === "long" ? dollars / index : dollars) * (1 - POOL_FEE);
    const { account } = standing;
    return previewActions(
      standing,
      [
        { kind: "borrow", account: account.id, asset: debt.id, amount: soldFor(dollars) },
        { kind: "deposit", account: account.id, asset: bought.id, amount: units(got, bought.decimals) },
      ],
      tx.errors,
    );
  };
  const outcome = useMemo(
    () => (soldFor(notional) > 0n && index > 0 ? tried(notional) : undefined),
    // The rest follows from these.
    [standing, notional, side, index, choice],
  );

  const held = balanceOf(market, standing.account, coin.id);
  const owedCash = balanceOf(market, standing.account, cash.id);
  const isLong = held > 0n && owedCash < 0n;
  const isShort = held < 0n && owedCash > 0n;

  const send = async (title: string, make: Parameters<typeof submit>[2]): Promise<void> => {
    setBusy(true);
    const done = await submit(tx, title, make);
    if (done.state === "confirmed") setSize("");
    setBusy(false);
  };
  const open = (): Promise<void> =>
    send(`${side === "long" ? "Long" : "Short"} ${choice.name} for ${money(notional)} USDC`, (step) => {
      const least = (side === "long" ? notional / index : notional) * (1 - POOL_FEE - slippage);
      return openLeverage(
        site,
        { account: id ?? "", debt, bought, sold: soldFor(notional), minBought: units(least, bought.decimals) },
        step,
      );
    });
  const close = (): Promise<void> =>
    send(`Close ${choice.name} ${isLong ? "long" : "short"}`, (step) => {
      const [owedIn, collateral] = isLong ? [cash, coin] : [coin, cash];
      const owed = isLong ? toNumber(-owedCash, cash.decimals) / index : toNumber(-held, coin.decimals) * index;
      const has = isLong ? held : owedCash;
      const most = units(owed * (1 + POOL_FEE + slippage) + 1e-6, collateral.decimals);
      const maxSold = most < has ? most : has;
      return closeLeverage(site, { account: id ?? "", debt: owedIn, collateral, maxSold }, step);
    });

  return (
    <Card title={`${choice.name} spot`} className="a-ticket">
      <SideChoice sides={["long", "short"]} labels={["Long", "Short"]} value={side} onChange={setSide} />
      <AmountField
        label="Size"
        unit="USDC"
        value={size}
        onChange={setSize}
        hint={index > 0 ? `≈ ${decimal(notional / index, 5)} ${choice.name}` : ""}
      />
      <LeverageSlider
        id="leverage"
        equity={margins?.equity ?? 0}
        notional={notional}
        most={MOST_LEVERAGE}
        onChange={(dollars) => setSize(dollars.toFixed(2))}
      />
      <Preview outcome={outcome}>
        <Row label="Price, about">{priceText(index)}</Row>
        <Row label="Swap fee and most slippage">
          {money(notional * POOL_FEE)} + {percent(slippage, 1)}
        </Row>
        {owedTo !== undefined && (
          <Row label={`Owing ${debt.symbol}, a year`}>{percent(toNumber(owedTo.borrowApy))}</Row>
        )}
      </Preview>
      <Advice
        outcome={outcome}
        reduced={() => {
          const most = largest(notional, (dollars) => tried(dollars).short === 0);
          return most > 1 ? `${money(Math.floor(most))} USDC` : undefined;
        }}
      />
      <TicketButton desk={desk} onDeposit={onDeposit} onSend={open} isReady={!isBusy && wouldPass(outcome)}>
        {side === "long" ? `Buy ${choice.name}` : `Sell ${choice.name}`} with leverage
      </TicketButton>
      {(isLong || isShort) && (
        <p className="after-button">
          <button type="button" disabled={isBusy} onClick={() => void close()}>
            Close the {isLong ? "long" : "short"}
          </button>
        </p>
      )}
    </Card>
  );
};
