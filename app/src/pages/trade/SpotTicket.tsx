// Spot with leverage: what is bought is collateral, what is sold is owed. One transaction, one preview.
import { type ReactNode, useState } from "react";

import { midPrice } from "../../../../sdk/mirror/prices.ts";
import { closeLeverage, openLeverage } from "../../data/actions.ts";
import { useSite, useTx } from "../../data/hooks.ts";
import { largest, marginsOf, withChange } from "../../data/preview.ts";
import { decimal, money, percent, price as priceText, toNumber } from "../../lib/format.ts";
import { settings } from "../../lib/settings.ts";
import { useStore } from "../../lib/store.ts";
import { submit } from "../../tx/transactions.ts";
import { AmountField, Card, Notice, Row, Segments } from "../../ui/parts.tsx";
import { Preview, previewOf } from "../../ui/Preview.tsx";
import type { MarketChoice } from "./markets.ts";
import type { Desk } from "./standing.ts";

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
  const [side, setSide] = useState<"long" | "short">("long");
  const [size, setSize] = useState("");
  const [isBusy, setBusy] = useState(false);
  const { market, standing, margins, id } = desk;
  const [cash, coin] = [site.venue.assets.get(1), site.venue.assets.get(choice.underlying)];
  const equity = margins?.equity ?? 0;
  const index = (() => {
    try {
      return toNumber(midPrice(market, choice.underlying));
    } catch {
      return 0;
    }
  })();
  const notional = Number(size === "" ? "0" : size);

  const after = (dollars: number) => {
    const got = dollars * (1 - POOL_FEE);
    return side === "long"
      ? withChange(
          withChange(standing, cash.id, -units(dollars, cash.decimals)),
          coin.id,
          units(got / index, coin.decimals),
        )
      : withChange(
          withChange(standing, coin.id, -units(dollars / index, coin.decimals)),
          cash.id,
          units(got, cash.decimals),
        );
  };
  const fits = (dollars: number): boolean => {
    try {
      return marginsOf(market, after(dollars)).initial >= 0;
    } catch {
      return false;
    }
  };
  const outcome = notional > 0 && index > 0 ? previewOf(market, standing, () => after(notional)) : undefined;
  const short = outcome?.preview !== undefined && outcome.preview.after.initial < 0;
  const advice = (): string => {
    const most = largest(notional, fits);
    const lacking = Math.ceil(-(outcome?.preview?.after.initial ?? 0));
    return most > 1
      ? `Deposit ${money(lacking)} USDC more, or reduce to ${money(Math.floor(most))} USDC.`
      : `Deposit ${money(lacking)} USDC more.`;
  };

  const held = standing.holdings.find(({ asset }) => asset === coin.id)?.amount ?? 0n;
  const owedCash = standing.holdings.find(({ asset }) => asset === cash.id)?.amount ?? 0n;
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
      const [debt, bought] = side === "long" ? [cash, coin] : [coin, cash];
      const sold = side === "long" ? units(notional, cash.decimals) : units(notional / index, coin.decimals);
      const least = (side === "long" ? notional / index : notional) * (1 - POOL_FEE - slippage);
      return openLeverage(
        site,
        { account: id ?? "", debt, bought, sold, minBought: units(least, bought.decimals) },
        step,
      );
    });
  const close = (): Promise<void> =>
    send(`Close ${choice.name} ${isLong ? "long" : "short"}`, (step) => {
      const [debt, collateral] = isLong ? [cash, coin] : [coin, cash];
      const owed = isLong ? toNumber(-owedCash, cash.decimals) / index : toNumber(-held, coin.decimals) * index;
      const has = isLong ? held : owedCash;
      const most = units(owed * (1 + POOL_FEE + slippage) + 1e-6, collateral.decimals);
      return closeLeverage(site, { account: id ?? "", debt, collateral, maxSold: most < has ? most : has }, step);
    });

  return (
    <Card title={`${choice.name} spot`} className="a-ticket">
      <Segments
        label="Side"
        tone
        value={side}
        onChange={setSide}
        options={[
          { value: "long", label: "Long", tone: "good" },
          { value: "short", label: "Short", tone: "bad" },
        ]}
      />
      <AmountField
        label="Size"
        unit="USDC"
        value={size}
        onChange={setSize}
        hint={index > 0 ? `≈ ${decimal(notional / index, 5)} ${choice.name}` : ""}
      />
      <div className="field">
        <div className="field-label">
          <label htmlFor="leverage">Size by leverage</label>
          <span>{equity > 0 ? `${decimal(notional / equity, 2)}×` : "–"}</span>
        </div>
        <input
          id="leverage"
          type="range"
          min={0}
          max={MOST_LEVERAGE}
          step={0.1}
          disabled={equity <= 0}
          value={equity > 0 ? Math.min(MOST_LEVERAGE, notional / equity) : 0}
          aria-valuetext={equity > 0 ? `${decimal(notional / equity, 1)} times` : "no equity"}
          onChange={(event) => setSize((Number(event.target.value) * equity).toFixed(2))}
        />
      </div>
      <Preview outcome={outcome}>
        <Row label="Price, about">{priceText(index)}</Row>
        <Row label="Swap fee and most slippage">
          {money(notional * POOL_FEE)} + {percent(slippage, 1)}
        </Row>
      </Preview>
      {short && <Notice tone="warn">{advice()}</Notice>}
      {equity <= 0 ? (
        <button type="button" className="primary" onClick={onDeposit}>
          {id === undefined ? "Connect a wallet to trade" : "Deposit to begin"}
        </button>
      ) : (
        <button
          type="button"
          className="primary"
          disabled={isBusy || notional <= 0 || outcome?.preview === undefined || short}
          onClick={() => void open()}
        >
          {side === "long" ? `Buy ${choice.name}` : `Sell ${choice.name}`} with leverage
        </button>
      )}
      {(isLong || isShort) && (
        <p>
          <button type="button" disabled={isBusy} onClick={() => void close()}>
            Close the {isLong ? "long" : "short"}
          </button>
        </p>
      )}
    </Card>
  );
};
