// What is wrong right now, each with its own calm line: node away, chain anew, wrong network, unusable prices, no gas.
import { type ReactNode, useEffect, useRef } from "react";
import { useQueryClient } from "@tanstack/react-query";

import { useHead, useMarket, useSite, useWallet, useWalletBalances } from "../data/hooks.ts";
import { Notice } from "./parts.tsx";

const QUIET_S = 90;

export const Conditions = (): ReactNode => {
  const site = useSite();
  const client = useQueryClient();
  const head = useHead();
  const market = useMarket();
  const { address, chainId } = useWallet();
  const balances = useWalletBalances();
  const highest = useRef(0);
  const number = head.data?.number ?? 0;
  useEffect(() => {
    // A chain that is shorter than it was began anew: nothing that was read of it holds.
    if (number > 0 && number + 5 < highest.current) void client.resetQueries();
    highest.current = number;
  }, [number, client]);

  const stale = [...(market.data?.market.prices.assets ?? [])].filter(([, { fault }]) => fault !== 0);
  const silent = head.data !== undefined && head.data.seenAt / 1_000 - head.data.time > QUIET_S;
  return (
    <div className="conditions" aria-live="polite">
      {head.isError && (
        <Notice tone="warn">
          The node does not answer. Nothing of yours is lost: positions and orders stay as they are, and the page goes
          on as soon as it is back.
        </Notice>
      )}
      {!head.isError && silent && (
        <Notice tone="warn">The chain has made no block for a while. Prices shown may be old.</Notice>
      )}
      {address !== undefined && chainId !== site.chainId && (
        <Notice tone="warn">
          The wallet is on another network. You can look around; to trade, switch it to network {site.chainId} in the
          wallet menu.
        </Notice>
      )}
      {stale.length > 0 && (
        <Notice tone="warn">
          Prices of {stale.map(([asset]) => site.venue.assets.name(asset)).join(", ")} cannot be used right now. You can
          deposit, repay and cancel; new risk has to wait for the next price.
        </Notice>
      )}
      {balances.data !== undefined && balances.data.ether === 0n && (
        <Notice>
          This wallet has no ether to pay for gas.{" "}
          {site.local === undefined
            ? "Send some to it first."
            : "Open “Local chain” above and take some from the faucet."}
        </Notice>
      )}
    </div>
  );
};
