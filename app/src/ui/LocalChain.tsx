// Only where the server is a local network: a faucet, and a lever on prices.
import { type ReactNode, useState } from "react";

import { useRefresh, useSite, useWallet } from "../data/hooks.ts";
import { Dialog, Notice } from "./parts.tsx";

const post = async (url: string, body: object): Promise<void> => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error("The local network does not answer.");
};

const MOVES = [
  { label: "−20 %", factor: 0.8 },
  { label: "−5 %", factor: 0.95 },
  { label: "+5 %", factor: 1.05 },
  { label: "+20 %", factor: 1.25 },
];

export const LocalChain = (): ReactNode => {
  const { local } = useSite();
  const { address } = useWallet();
  const refresh = useRefresh();
  const [isOpen, setOpen] = useState(false);
  const [said, setSaid] = useState<string>();
  if (local === undefined) return null;
  const attempt = async (work: () => Promise<void>, done: string): Promise<void> => {
    try {
      await work();
      setSaid(done);
      setTimeout(refresh, 2_500);
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <button type="button" className="subtle" onClick={() => setOpen(true)}>
        Local chain
      </button>
      {isOpen && (
        <Dialog title="Local chain" onClose={() => setOpen(false)}>
          {said !== undefined && <Notice>{said}</Notice>}
          <p className="muted">
            Nothing here is worth anything. The faucet gives ether for gas, 100,000 USDC, WETH and WBTC.
          </p>
          <button
            type="button"
            className="primary"
            disabled={address === undefined}
            onClick={() =>
              void attempt(() => post(local.faucet, { address }), "On its way: it arrives with the next block.")
            }
          >
            {address === undefined ? "Connect a wallet to be funded" : "Fund my wallet"}
          </button>
          {(["WETH", "WBTC"] as const).map((coin) => (
            <div key={coin} className="levers" role="group" aria-label={`Move the price of ${coin}`}>
              <span>{coin}</span>
              {MOVES.map(({ label, factor }) => (
                <button
                  key={label}
                  type="button"
                  onClick={() =>
                    void attempt(() => post(local.price, { coin, factor }), `${coin} ${label} with the next block.`)
                  }
                >
                  {label}
                </button>
              ))}
            </div>
          ))}
        </Dialog>
      )}
    </>
  );
};
