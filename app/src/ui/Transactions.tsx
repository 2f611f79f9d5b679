// What has been sent, in a corner that does not cover anything that matters.
import { type ReactNode, useState } from "react";

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
const SHOWN_MS = 60_000;
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

export const TransactionList = (): ReactNode => {
  const all = useStore(transactions);
  const [opened] = useState(() => Date.now());
  const shown = all.filter((tx) => !isOver(tx) || tx.at > Math.max(opened - SHOWN_MS, 0)).slice(0, SHOWN);
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
