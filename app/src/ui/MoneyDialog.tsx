// Deposit, withdraw, borrow, repay and transfer: one dialog, each with its preview before the wallet opens.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { formatUnits } from "ethers";

import { accountId, indexOf, ownerOf } from "../../../sdk/ids.ts";
import { emptyAccount } from "../../../sdk/mirror/account.ts";
import { approval, borrow, deposit, depositEther, needsApproval, repay, transfer, withdraw } from "../data/actions.ts";
import { useAccount, useAccounts, useMarket, useSite, useTx, useWalletBalances } from "../data/hooks.ts";
import { previewActions } from "../data/preview.ts";
import { amount as amountText, money, parseAmount } from "../lib/format.ts";
import { settings } from "../lib/settings.ts";
import { useStore } from "../lib/store.ts";
import { type Call, submit } from "../tx/transactions.ts";
import { nameOf } from "./names.ts";
import { AmountField, Dialog, Notice, Select } from "./parts.tsx";
import { Preview } from "./Preview.tsx";

export type Verb = "deposit" | "withdraw" | "borrow" | "repay" | "transfer";

const TITLES: Readonly<Record<Verb, string>> = {
  deposit: "Deposit",
  withdraw: "Withdraw",
  borrow: "Borrow",
  repay: "Repay",
  transfer: "Transfer",
};
const ETHER = "ETH (native)";
const GAS_KEPT = 5n * 10n ** 16n;

export const MoneyDialog = ({
  verb,
  account,
  asset: begun,
  onClose,
}: {
  verb: Verb;
  account: string;
  asset?: number;
  onClose: () => void;
}): ReactNode => {
  const site = useSite();
  const tx = useTx();
  const { data } = useAccount(account);
  const { data: snapshot } = useMarket();
  const [chosen, setTarget] = useState<string>();
  const { data: held } = useWalletBalances();
  const { names } = useStore(settings);
  const accounts = useAccounts();
  const others = accounts.filter((each) => each !== account);
  const free = useMemo(() => {
    const used = new Set(accounts.map((each) => indexOf(each)));
    let index = 1n;
    while (used.has(index)) index += 1n;
    return accountId(ownerOf(account), index);
  }, [accounts, account]);
  const target = chosen ?? others[0] ?? free;
  const { data: receiver } = useAccount(verb === "transfer" ? target : undefined);
  const [symbol, setSymbol] = useState(site.venue.assets.name(begun ?? 1));
  const [text, setText] = useState("");
  const [isBusy, setBusy] = useState(false);

  const isEther = symbol === ETHER;
  const asset = site.venue.assets.get(isEther ? "WETH" : symbol);
  const safe = site.venue.deployment.contracts.safe;
  const balance = data?.view.balances.find((each) => Number(each.asset) === asset.id)?.amount ?? 0n;
  const inWallet = (isEther ? held?.ether : held?.tokens.get(asset.symbol)) ?? 0n;
  const units = parseAmount(text, asset.decimals) ?? 0n;
  const { data: limit } = useQuery({
    queryKey: [site.key, "limit", verb, account, asset.id],
    queryFn: () =>
      verb === "borrow"
        ? site.venue.contracts.lens.maxBorrow(account, asset.id)
        : site.venue.contracts.lens.maxWithdraw(account, asset.id),
    enabled: verb === "borrow" || verb === "withdraw",
  });
  const { data: approve } = useQuery({
    queryKey: [site.key, "approve", asset.token, units.toString()],
    queryFn: () => needsApproval(site, asset, safe, units),
    enabled: (verb === "deposit" || verb === "repay") && units > 0n && !isEther,
  });

  const debt = balance < 0n ? -balance : 0n;
  const most = ((): bigint => {
    if (verb === "deposit") return isEther ? (inWallet > GAS_KEPT ? inWallet - GAS_KEPT : 0n) : inWallet;
    if (verb === "repay") return debt < inWallet ? debt : inWallet;
    if (verb === "transfer") return balance > 0n ? balance : 0n;
    return limit ?? 0n;
  })();
  const outcome = useMemo(() => {
    if (snapshot === undefined || units === 0n) return undefined;
    const from = { market: snapshot.market, account: data?.account ?? emptyAccount(account) };
    const { id } = from.account;
    const common = { asset: asset.id, amount: units };
    // Of the receiver only what he consents to counts: he is the same owner.
    return verb === "transfer"
      ? previewActions(from, [{ kind: verb, from: id, to: target, ...common }], tx.errors, [
          receiver?.account ?? emptyAccount(target),
        ])
      : previewActions(from, [{ kind: verb, account: id, ...common }], tx.errors);
  }, [snapshot, data, units, verb, target, receiver, asset.id, account, tx]);
  const isRefused = outcome !== undefined && (outcome.short > 0 || outcome.refused !== undefined);
  const problem =
    units === 0n
      ? undefined
      : units > most && !(verb === "borrow" || verb === "withdraw")
        ? verb === "transfer"
          ? `The account has ${amountText(most, asset.decimals)} ${asset.symbol}.`
          : verb === "repay" && debt < inWallet
            ? `You owe ${amountText(debt, asset.decimals)} ${asset.symbol}; that is all there is to repay.`
            : `The wallet has ${amountText(inWallet, asset.decimals)} ${isEther ? "ETH" : asset.symbol}.`
        : limit !== undefined && units > limit
          ? `Up to ${amountText(limit, asset.decimals)} ${asset.symbol} can leave now. Repay, reduce or deposit for more.`
          : undefined;

  const make = async (step: (title: string) => void): Promise<Call> => {
    switch (verb) {
      case "deposit":
        return isEther ? depositEther(site, account, units) : deposit(site, account, asset, units, step);
      case "repay":
        return repay(site, account, asset, units, units === debt, step);
      case "withdraw":
        return withdraw(site, account, asset, units);
      case "borrow":
        return borrow(site, account, asset, units);
      case "transfer":
        return transfer(site, account, target, asset, units);
    }
  };
  const send = async (): Promise<void> => {
    setBusy(true);
    const what = `${text} ${isEther ? "ETH" : asset.symbol}`;
    if (approve === true) {
      const first = await submit(tx, `Approve exactly ${what}`, () =>
        Promise.resolve(approval(site, asset.token, safe, units)),
      );
      if (first.state !== "confirmed") {
        setBusy(false);
        return;
      }
    }
    const done = await submit(tx, `${TITLES[verb]} ${what}`, make);
    setBusy(false);
    if (done.state === "confirmed") onClose();
  };

  const choices = site.venue.assets.list().filter(({ id }) => {
    if (verb === "borrow") return id >> 10 === 0;
    if (verb === "deposit") return true;
    const amount = data?.view.balances.find((each) => Number(each.asset) === id)?.amount ?? 0n;
    return id === asset.id || (verb === "repay" ? amount < 0n : amount > 0n);
  });
  const options = choices.map(({ symbol: each }) => ({ value: each, label: each }));
  return (
    <Dialog title={`${TITLES[verb]} · ${nameOf(account, names)}`} onClose={onClose}>
      <Select
        label="Asset"
        value={symbol}
        onChange={(next) => {
          setSymbol(next);
          setText("");
        }}
        options={verb === "deposit" ? [...options, { value: ETHER, label: ETHER }] : options}
      />
      {verb === "transfer" && (
        <Select
          label="To"
          value={target}
          onChange={setTarget}
          options={[
            ...others.map((each) => ({ value: each, label: nameOf(each, names) })),
            ...(others.includes(free)
              ? []
              : [{ value: free, label: `A new isolated account (${nameOf(free, names)})` }]),
          ]}
        />
      )}
      <AmountField
        label="Amount"
        unit={isEther ? "ETH" : asset.symbol}
        value={text}
        onChange={setText}
        most={formatUnits(most, asset.decimals).replace(/\.0$/, "")}
        {...(problem !== undefined && { error: problem })}
      />
      <Preview outcome={outcome} />
      {outcome !== undefined && outcome.short > 0 && (
        <Notice tone="warn">
          {TITLES[verb]} less: this would leave {money(-outcome.short)} USDC of free margin.
        </Notice>
      )}
      {approve === true && (
        <Notice>
          {asset.symbol} has no permit: the wallet asks twice, first for an approval of exactly this amount.
        </Notice>
      )}
      <button
        type="button"
        className="primary"
        disabled={isBusy || units === 0n || problem !== undefined || isRefused}
        onClick={() => void send()}
      >
        {isBusy ? "Working …" : TITLES[verb]}
      </button>
    </Dialog>
  );
};
