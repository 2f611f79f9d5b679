// The insurance fund: what it has, what of it bears losses first, and one's own stake in it.
import { useQuery } from "@tanstack/react-query";
import { formatUnits } from "ethers";
import { type ReactNode, useState } from "react";

import { allowanceOf, approval, requestExit, vaultDeposit, vaultRedeem } from "../../data/actions.ts";
import { useHead, useSite, useTx, useWallet, useWalletBalances } from "../../data/hooks.ts";
import { age, amount, money, parseAmount, toNumber } from "../../lib/format.ts";
import { submit } from "../../tx/transactions.ts";
import { AmountField, Card, Notice, Row } from "../../ui/parts.tsx";

const useFund = () => {
  const { key, venue } = useSite();
  const { address } = useWallet();
  return useQuery({
    queryKey: [key, "insurance", address],
    queryFn: async () => {
      const fund = venue.contracts.insuranceFund;
      const [balance, own, loss, stakes, coolDown, window] = await Promise.all([
        fund.balance(),
        fund.ownPart(),
        fund.knownLoss(),
        fund.totalAssets(),
        fund.COOL_DOWN(),
        fund.WINDOW(),
      ]);
      const shares = address === undefined ? 0n : await fund.balanceOf(address);
      const asked = address === undefined ? undefined : await fund.exitOf(address);
      const worth = shares === 0n ? 0n : await fund.convertToAssets(shares);
      const exit = asked && { shares: asked.shares, from: Number(asked.from), until: Number(asked.until) };
      return { balance, own, loss, stakes, shares, worth, exit, coolDown: Number(coolDown), window: Number(window) };
    },
    refetchInterval: 4_000,
    structuralSharing: false,
  });
};

export const Insurance = (): ReactNode => {
  const site = useSite();
  const tx = useTx();
  const { address } = useWallet();
  const { data: held } = useWalletBalances();
  const { data: head } = useHead();
  const { data: fund } = useFund();
  const [text, setText] = useState("");
  const [isBusy, setBusy] = useState(false);
  const cash = site.venue.assets.get(1);
  const at = site.venue.deployment.contracts.insuranceFund;
  const shown = (units: bigint | undefined): string =>
    units === undefined ? "–" : `${money(toNumber(units, cash.decimals))} ${cash.symbol}`;
  const inWallet = held?.tokens.get(cash.symbol) ?? 0n;
  const units = parseAmount(text, cash.decimals) ?? 0n;
  const now = head?.time ?? 0;
  const exit = fund?.exit !== undefined && fund.exit.shares > 0n && fund.exit.until >= now ? fund.exit : undefined;
  const send = async (title: string, make: Parameters<typeof submit>[2]): Promise<boolean> => {
    setBusy(true);
    const done = await submit(tx, title, make);
    setBusy(false);
    return done.state === "confirmed";
  };
  const stake = async (): Promise<void> => {
    const what = `${text} ${cash.symbol}`;
    const isCovered =
      (await allowanceOf(site, cash.token, at)) >= units ||
      (await send(`Approve exactly ${what}`, () => Promise.resolve(approval(site, cash.token, at, units))));
    if (isCovered && (await send(`Stake ${what}`, () => Promise.resolve(vaultDeposit(site, at, units))))) setText("");
  };
  return (
    <Card title="Insurance fund">
      <p>
        <span className="big-number">{shown(fund?.balance)}</span>
      </p>
      <p className="muted">
        Pays when an account is worth less than nothing. It grows by a part of all interest and fees; only what it
        cannot pay reaches lenders.
      </p>
      <dl>
        <Row label="Its own part, lost first">{shown(fund?.own)}</Row>
        <Row label="Staked by people, lost after it">{shown(fund?.stakes)}</Row>
        {fund !== undefined && fund.loss > 0n && (
          <Row label="Running auctions may cost">
            <span className="bad">{shown(fund.loss)}</span>
          </Row>
        )}
        <Row label="Your stake" strong>
          <span data-testid="stake">{shown(fund?.worth)}</span>
        </Row>
      </dl>
      <AmountField
        label="Stake"
        unit={cash.symbol}
        value={text}
        onChange={setText}
        most={formatUnits(inWallet, cash.decimals).replace(/\.0$/, "")}
        {...(units > inWallet && { error: `The wallet has ${amount(inWallet, cash.decimals)} ${cash.symbol}.` })}
        {...(fund !== undefined && {
          hint: `A stake leaves ${age(fund.coolDown)} after you ask, within ${age(fund.window)}, and bears losses until then.`,
        })}
      />
      <div className="toolbar">
        <button
          type="button"
          disabled={address === undefined || isBusy || units === 0n || units > inWallet}
          onClick={() => void stake()}
        >
          {address === undefined ? "Connect a wallet to stake" : "Stake in the fund"}
        </button>
        {fund !== undefined && fund.shares > 0n && exit === undefined && (
          <button
            type="button"
            disabled={isBusy}
            onClick={() =>
              void send("Ask to take the stake out", () => Promise.resolve(requestExit(site, fund.shares)))
            }
          >
            Ask to take it out
          </button>
        )}
        {exit !== undefined && (
          <>
            <button
              type="button"
              disabled={isBusy || now < exit.from}
              onClick={() => void send("Take the stake out", () => Promise.resolve(vaultRedeem(site, at, exit.shares)))}
            >
              Take it out
            </button>
            <button
              type="button"
              disabled={isBusy}
              onClick={() => void send("Keep the stake in", () => Promise.resolve(requestExit(site, 0n)))}
            >
              Keep it in
            </button>
          </>
        )}
      </div>
      {exit !== undefined && (
        <Notice>
          {now < exit.from
            ? `Your stake may leave in ${age(exit.from - now)}, for ${age(exit.until - exit.from)}.`
            : `Your stake may leave for another ${age(exit.until - now)}.`}
        </Notice>
      )}
    </Card>
  );
};
