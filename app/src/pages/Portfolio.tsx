// Accounts, what is in them, and everything that can be done with them.
import { type ReactNode, useEffect, useMemo, useState } from "react";

import { accountId, indexOf, ownerOf } from "../../../sdk/ids.ts";
import { encodeInstrument } from "../../../sdk/instruments.ts";
import { CREDIT_BIT, type ModelNumber, PORTFOLIO_MODEL } from "../../../sdk/mirror/account.ts";
import { fundingIndexAt } from "../../../sdk/mirror/derivatives/ledger.ts";
import type { AccountData } from "../data/account.ts";
import { setModel } from "../data/actions.ts";
import { chooseAccount, useAccounts, useEntries, useMarket, useSite, useTx, useWallet } from "../data/hooks.ts";
import { previewActions } from "../data/preview.ts";
import { apy, decimal, money, percent, price, toNumber } from "../lib/format.ts";
import { useRoute } from "../lib/router.ts";
import { change, settings } from "../lib/settings.ts";
import { useStore } from "../lib/store.ts";
import { submit } from "../tx/transactions.ts";
import { Gauge } from "../ui/Gauge.tsx";
import { MoneyDialog, type Verb } from "../ui/MoneyDialog.tsx";
import { nameOf } from "../ui/names.ts";
import { Address, Badge, Card, Dialog, Empty, Loading, Notice, Row, Table } from "../ui/parts.tsx";
import { Greeks } from "./portfolio/Greeks.tsx";
import { History } from "./portfolio/History.tsx";
import { Operators } from "./portfolio/Operators.tsx";
import { Stress } from "./portfolio/Stress.tsx";
import { Gain, OrdersTable } from "./trade/Under.tsx";
import { useDesk } from "./trade/standing.ts";

type Act = { readonly verb: Verb; readonly asset?: number };

const VERBS: readonly { readonly verb: Verb; readonly label: string }[] = [
  { verb: "deposit", label: "Deposit" },
  { verb: "withdraw", label: "Withdraw" },
  { verb: "borrow", label: "Borrow" },
  { verb: "repay", label: "Repay" },
  { verb: "transfer", label: "Transfer" },
];

const Balances = ({ data, onAct }: { data: AccountData; onAct: (act: Act) => void }): ReactNode => {
  const { venue } = useSite();
  const rows = data.view.balances.filter(({ shares }) => shares !== 0n);
  const owned = rows.filter(({ amount }) => amount >= 0n);
  const owed = rows.filter(({ amount }) => amount < 0n);
  const table = (label: string, list: typeof rows, rateName: string, verb: Verb): ReactNode => (
    <Table label={label} head={["Asset", "Amount", "Price", "Value", rateName, ""]}>
      {list.map(({ asset, amount, decimals, midPrice, value, rate }) => (
        <tr key={String(asset)}>
          <td>{venue.assets.name(Number(asset))}</td>
          <td>{decimal(toNumber(amount, Number(decimals)), 4)}</td>
          <td>{price(toNumber(midPrice))}</td>
          <td>{money(toNumber(value))}</td>
          <td>{percent(apy(rate))}</td>
          <td>
            <button
              type="button"
              className="small"
              aria-label={`${verb} ${venue.assets.name(Number(asset))}`}
              onClick={() => onAct({ verb, asset: Number(asset) })}
            >
              {verb === "repay" ? "Repay" : "Withdraw"}
            </button>
          </td>
        </tr>
      ))}
    </Table>
  );
  return (
    <>
      <Card title="Collateral">
        {owned.length === 0 ? (
          <Empty>Nothing yet. Deposit USDC, WETH or WBTC to begin.</Empty>
        ) : (
          table("Collateral", owned, "Earns", "withdraw")
        )}
      </Card>
      {owed.length > 0 && <Card title="Debts">{table("Debts", owed, "Costs", "repay")}</Card>}
    </>
  );
};

const Positions = ({ data }: { data: AccountData }): ReactNode => {
  const { data: snapshot } = useMarket();
  const entries = useEntries(data.id);
  const ledger = snapshot?.market.ledger;
  const positions = data.ledger?.positions ?? [];
  return (
    <Card
      title="Perps and options"
      aside={data.ledger && <span className="muted">Unsettled {money(toNumber(data.ledger.unsettled))} USDC</span>}
    >
      {positions.length === 0 ? (
        <Empty>No positions.</Empty>
      ) : (
        <Table
          label="Perps and options"
          head={["Position", "Size", "Entry", "Mark", "IV", "Value", "PnL", "Funding so far", "Funding / day"]}
        >
          {positions.map(({ word, name, what, size, mark, volatility, value }) => {
            const perp = what.kind === "perp" ? ledger?.perps.get(what.underlying) : undefined;
            const perDay = perp === undefined ? undefined : -toNumber(perp.funding.rate) * 3 * toNumber(size);
            const entry = entries?.positions.get(word);
            const at = entry?.price;
            // Booked since it was opened, and what has run up since it was last touched.
            const stored = data.account.positions.find(({ instrument }) => encodeInstrument(instrument) === word);
            const index = perp && snapshot && fundingIndexAt(perp.funding, snapshot.market.time);
            const funding =
              index === undefined || stored === undefined || entry === undefined
                ? undefined
                : toNumber(entry.funding) - toNumber(stored.size) * toNumber(index - stored.fundingIndex);
            return (
              <tr key={String(word)}>
                <td>
                  {name} <Badge tone={size > 0n ? "good" : "bad"}>{size > 0n ? "long" : "short"}</Badge>
                </td>
                <td>{decimal(toNumber(size), 4)}</td>
                <td>{at === undefined ? "–" : price(toNumber(at))}</td>
                <td>{price(toNumber(mark))}</td>
                <td>{what.kind === "option" ? percent(toNumber(volatility), 1) : "–"}</td>
                <td>{money(toNumber(value))}</td>
                <td>
                  <Gain value={at === undefined ? undefined : toNumber(mark - at) * toNumber(size)} />
                </td>
                <td>
                  <Gain value={funding} />
                </td>
                <td>{perDay === undefined ? "–" : money(perDay)}</td>
              </tr>
            );
          })}
        </Table>
      )}
    </Card>
  );
};

const MODELS = ["Standard: fixed rules", "Portfolio: stress scenarios"] as const;

/** What the other model would say, before anything is sent. */
const Model = ({ data }: { data: AccountData }): ReactNode => {
  const site = useSite();
  const tx = useTx();
  const { data: snapshot } = useMarket();
  const current = Number(data.view.model);
  const now = (current & PORTFOLIO_MODEL) === 0 ? 0 : 1;
  const other = now === 1 ? 0 : 1;
  // who lets attested credit count goes on doing so
  const next = (current ^ PORTFOLIO_MODEL) as ModelNumber;
  const outcome = useMemo(() => {
    if (snapshot === undefined) return undefined;
    const { account } = data;
    const { market } = snapshot;
    return previewActions({ market, account }, [{ kind: "setModel", account: account.id, model: next }], tx.errors);
  }, [snapshot, data, next, tx]);
  const { before, after } = outcome ?? {};
  const fits = after !== undefined && outcome?.short === 0 && outcome.refused === undefined;
  return (
    <Card title="Margin model">
      <p>
        {MODELS[now]}
        {(current & CREDIT_BIT) !== 0 && ", with attested credit"}
      </p>
      <h3>With “{MODELS[other]}”</h3>
      {before !== undefined && after !== undefined && (
        <dl>
          <Row label="Free margin">
            {money(before.initial)} → {money(after.initial)}
          </Row>
          <Row label="To liquidation">
            {money(before.maintenance)} → {money(after.maintenance)}
          </Row>
        </dl>
      )}
      <button
        type="button"
        disabled={!fits}
        onClick={() =>
          void submit(tx, `Switch to the ${other === 1 ? "portfolio" : "standard"} model`, () =>
            Promise.resolve(setModel(site, data.id, next)),
          )
        }
      >
        Switch to {other === 1 ? "portfolio" : "standard"}
      </button>
      {outcome !== undefined && !fits && (
        <p className="hint">{outcome.refused ?? "The account would not pass: deposit or reduce first."}</p>
      )}
    </Card>
  );
};

const Alerts = (): ReactNode => {
  const { callAt, notify } = useStore(settings);
  const isPossible = typeof Notification !== "undefined";
  return (
    <Card title="Margin calls">
      <div className="field">
        <div className="field-label">
          <label htmlFor="call-at">Warn me when maintenance falls below this part of equity</label>
          <span>{percent(callAt, 0)}</span>
        </div>
        <input
          id="call-at"
          type="range"
          min={0.05}
          max={0.8}
          step={0.05}
          value={callAt}
          onChange={(event) => change({ callAt: Number(event.target.value) })}
        />
      </div>
      <label className="check">
        <input
          type="checkbox"
          checked={notify}
          disabled={!isPossible}
          onChange={(event) => {
            const { checked } = event.target;
            if (!checked) change({ notify: false });
            else void Notification.requestPermission().then((said) => change({ notify: said === "granted" }));
          }}
        />
        A notification of the browser as well
      </label>
    </Card>
  );
};

const Rename = ({ id, onClose }: { id: string; onClose: () => void }): ReactNode => {
  const { names } = useStore(settings);
  const [text, setText] = useState(names[id] ?? "");
  return (
    <Dialog title="Name of the account" onClose={onClose}>
      <div className="field">
        <label className="field-label" htmlFor="account-name">
          Only this browser knows it
        </label>
        <input
          id="account-name"
          className="plain"
          value={text}
          maxLength={32}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      <button
        type="button"
        className="primary"
        onClick={() => {
          change({ names: { ...names, [id]: text.trim() } });
          onClose();
        }}
      >
        Keep
      </button>
    </Dialog>
  );
};

const Portfolio = (): ReactNode => {
  const { address } = useWallet();
  const { rest } = useRoute();
  const accounts = useAccounts();
  const { names } = useStore(settings);
  const desk = useDesk();
  const [act, setAct] = useState<Act>();
  const [isNaming, setNaming] = useState(false);
  useEffect(() => {
    if (accounts.includes(rest)) chooseAccount(rest);
  }, [rest, accounts]);
  if (address === undefined)
    return <Notice>Connect a wallet to see your accounts. Everything else can be looked at without one.</Notice>;
  if (desk?.id === undefined || desk.data === undefined) return <Loading what="your accounts" />;
  const { id, data, margins } = desk;
  const openAnother = (): void => {
    let index = 1n;
    const used = new Set(accounts.map((each) => indexOf(each)));
    while (used.has(index)) index += 1n;
    const made = accountId(ownerOf(id), index);
    change({ names: { ...names, [made]: names[made] ?? "" } });
    chooseAccount(made);
  };
  return (
    <div className="stack">
      <Card>
        <div className="accounts" role="group" aria-label="Accounts">
          {accounts.map((each) => (
            <button key={each} type="button" aria-pressed={each === id} onClick={() => chooseAccount(each)}>
              {nameOf(each, names)} <Badge>{indexOf(each) === 0n ? "cross" : "isolated"}</Badge>
            </button>
          ))}
          <button type="button" onClick={openAnother}>
            + Isolated account
          </button>
          <button type="button" className="subtle" onClick={() => setNaming(true)}>
            Rename
          </button>
          <span className="muted">
            Owner <Address value={address} label="owner" />
          </span>
        </div>
      </Card>
      <div className="grid side">
        <div className="stack">
          <Card title={nameOf(id, names)} aside={data.view.inAuction && <Badge tone="bad">in auction</Badge>}>
            {margins === undefined ? (
              <Notice tone="warn">
                Margins cannot be reckoned while a price is unusable. Deposits and repayments go through.
              </Notice>
            ) : (
              <Gauge margins={margins} />
            )}
            <div className="toolbar">
              {VERBS.map(({ verb, label }) => (
                <button key={verb} type="button" onClick={() => setAct({ verb })}>
                  {label}
                </button>
              ))}
            </div>
          </Card>
          <Balances data={data} onAct={setAct} />
          <Positions data={data} />
          <Card title="Orders">
            <OrdersTable account={id} />
          </Card>
          <Stress desk={desk} />
          <History account={id} />
        </div>
        <div className="stack">
          <Greeks data={data} />
          <Model data={data} />
          <Alerts />
          <Operators account={id} />
        </div>
      </div>
      {act !== undefined && <MoneyDialog {...act} account={id} onClose={() => setAct(undefined)} />}
      {isNaming && <Rename id={id} onClose={() => setNaming(false)} />}
    </div>
  );
};
export default Portfolio;
