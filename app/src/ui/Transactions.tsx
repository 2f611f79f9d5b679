// What has been sent, in a corner that does not cover anything that matters.
import { type ReactNode, useEffect, useState } from "react";

import { useStore } from "../lib/store.ts";
import { dismiss, isOver, transactions, type Tx } from "../tx/transactions.ts";

const WORDS: Readonly<Record<Tx["state"], string>> = {
  simulating: "Trying it on the chain",
  wallet: "Waiting for your wallet",
  pending: "Pending",
  replaced: "Replaced",
  confirmed: "Confirmed",
  failed: "Not done",
};
const SHOWN_MS = 10_000;
const TICK_MS = 2_000;
const SHOWN = 3;

const One = ({ tx }: { tx: Tx }): ReactNode => (
  <li className={`tx ${tx.state}`}>
    <div className="tx-head">
      <strong>{tx.title}</strong>
      {isOver(tx) && (
        <button type="button" className="icon" aria-label={`Dismiss ${tx.title}`} onClick={() => dismiss(tx.id)}>
          ✕
        </button>
      )}
    </div>
    <span className="tx-state">
      <i aria-hidden="true" />
      {WORDS[tx.state]}
      {tx.block !== undefined && ` in block ${tx.block}`}
    </span>
    {tx.message !== undefined && <span className="tx-message">{tx.message}</span>}
    {tx.hash !== undefined && (
      <button
        type="button"
        className="link mono"
        title={`Copy the hash ${tx.hash}`}
        onClick={() => void navigator.clipboard.writeText(tx.hash ?? "").catch(() => undefined)}
      >
        {tx.hash.slice(0, 10)}…{tx.hash.slice(-6)}
      </button>
    )}
  </li>
);

/** What went well leaves by itself; what did not stays until it is dismissed. */
const isShown = (tx: Tx, opened: number, now: number): boolean => {
  if (!isOver(tx)) return true;
  return tx.state === "confirmed" ? now - tx.at < SHOWN_MS : tx.at > opened;
};

export const TransactionList = (): ReactNode => {
  const all = useStore(transactions);
  const [opened] = useState(() => Date.now());
  const [now, setNow] = useState(opened);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const shown = all.filter((tx) => isShown(tx, opened, now)).slice(0, SHOWN);
  return (
    <section className="txs" aria-label="Transactions" aria-live="polite">
      <ul>
        {shown.map((tx) => (
          <One key={tx.id} tx={tx} />
        ))}
      </ul>
    </section>
  );
};
