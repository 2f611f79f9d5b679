// Connect, change the account, disconnect.
import { type ReactNode, useState } from "react";

import { useSite, useWallet } from "../data/hooks.ts";
import { problemOf } from "../lib/problems.ts";
import { shortAddress } from "../lib/format.ts";
import { type Announced, connect, disconnect, switchChain } from "../wallet/wallet.ts";
import { Address, Dialog, Notice } from "./parts.tsx";

export const WalletButton = (): ReactNode => {
  const site = useSite();
  const { address, found, chosen, chainId } = useWallet();
  const [isOpen, setOpen] = useState(false);
  const [problem, setProblem] = useState<string>();
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    setProblem(undefined);
    try {
      await work();
      setOpen(false);
    } catch (error) {
      setProblem(problemOf(error).message);
    }
  };
  const isWrong = address !== undefined && chainId !== site.chainId;
  return (
    <>
      <button type="button" className={isWrong ? "wallet warn" : "wallet"} onClick={() => setOpen(true)}>
        {address === undefined ? "Connect wallet" : isWrong ? "Wrong network" : shortAddress(address)}
      </button>
      {isOpen && (
        <Dialog title={address === undefined ? "Connect a wallet" : "Wallet"} onClose={() => setOpen(false)}>
          {problem !== undefined && <Notice tone="warn">{problem}</Notice>}
          {address === undefined ? (
            <>
              {found.length === 0 && (
                <Notice>
                  No wallet was found in this browser. Install one (any that announces itself by EIP-6963), then reload
                  the page.
                </Notice>
              )}
              <ul className="choices">
                {found.map((each: Announced) => (
                  <li key={each.info.uuid}>
                    <button type="button" onClick={() => void attempt(() => connect(each))}>
                      {each.info.icon.startsWith("data:image/") && (
                        <img src={each.info.icon} alt="" width={24} height={24} />
                      )}
                      {each.info.name}
                    </button>
                  </li>
                ))}
              </ul>
            </>
          ) : (
            <>
              <p className="muted">
                {chosen?.info.name} · <Address value={address} />
              </p>
              {isWrong && (
                <>
                  <Notice tone="warn">
                    The wallet is on network {chainId}. This page trades on network {site.chainId}.
                  </Notice>
                  <button
                    type="button"
                    className="primary"
                    onClick={() =>
                      void attempt(() =>
                        switchChain(site.chainId, `Plimsoll ${site.venue.deployment.network}`, site.rpc),
                      )
                    }
                  >
                    Switch network
                  </button>
                </>
              )}
              <button
                type="button"
                onClick={() => {
                  disconnect();
                  setOpen(false);
                }}
              >
                Disconnect
              </button>
            </>
          )}
        </Dialog>
      )}
    </>
  );
};
