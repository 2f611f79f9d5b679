// Lending through the vaults: what it earns, who borrows, and the insurance fund behind it.
import { useQuery } from "@tanstack/react-query";
import { formatUnits } from "ethers";
import { type ReactNode, useState } from "react";

import { IVault__factory } from "../../../sdk/contracts.ts";
import { allowanceOf, approval, vaultDeposit, vaultRedeem, vaultWithdraw } from "../data/actions.ts";
import type { PoolView } from "../data/account.ts";
import { usePools, useSite, useTx, useWallet, useWalletBalances } from "../data/hooks.ts";
import { amount, compact, parseAmount, percent, toNumber } from "../lib/format.ts";
import { submit } from "../tx/transactions.ts";
import { Curve } from "../ui/Curve.tsx";
import { Insurance } from "./earn/Insurance.tsx";
import { AmountField, Card, Empty, Loading, Notice, Row, Segments, Table } from "../ui/parts.tsx";

type Pool = PoolView & { readonly symbol: string };

const BEST = 0.9;
const STEEPNESS = 4;
const POINTS = 61;
const YEAR_S = 365 * 86_400;

/** The adaptive curve as it stands now: rate at target times f(err). An outside model's shape is known at one point only. */
const curveOf = (pool: Pool): { x: number; a: number }[] | undefined => {
  if (BigInt(pool.rateModel) !== 0n) return undefined;
  const target = toNumber(pool.state.rateAtTarget) * YEAR_S;
  return Array.from({ length: POINTS }, (_, i) => {
    const u = i / (POINTS - 1);
    const err = u > BEST ? (u - BEST) / (1 - BEST) : (u - BEST) / BEST;
    const f = (err < 0 ? 1 - 1 / STEEPNESS : STEEPNESS - 1) * err + 1;
    return { x: u, a: Math.expm1(target * f) };
  });
};

const useShares = (vault: string) => {
  const site = useSite();
  const { address } = useWallet();
  return useQuery({
    queryKey: [site.key, "vault", vault, address],
    queryFn: async () => {
      const contract = IVault__factory.connect(vault, site.provider);
      const [shares, most] = await Promise.all([
        contract.balanceOf(address ?? ""),
        contract.maxWithdraw(address ?? ""),
      ]);
      return { shares, most, worth: await contract.convertToAssets(shares) };
    },
    enabled: address !== undefined,
    refetchInterval: 3_000,
    structuralSharing: false,
  });
};

const Lend = ({ pool }: { pool: Pool }): ReactNode => {
  const site = useSite();
  const tx = useTx();
  const { address } = useWallet();
  const { data: wallet } = useWalletBalances();
  const { data: own } = useShares(pool.vault);
  const [verb, setVerb] = useState<"deposit" | "withdraw">("deposit");
  const [text, setText] = useState("");
  const [isBusy, setBusy] = useState(false);
  const decimals = Number(pool.decimals);
  const units = parseAmount(text, decimals) ?? 0n;
  const held = wallet?.tokens.get(pool.symbol) ?? 0n;
  const most = verb === "deposit" ? held : (own?.most ?? 0n);
  const problem =
    units > most
      ? verb === "deposit"
        ? `The wallet has ${amount(held, decimals)} ${pool.symbol}.`
        : `${amount(most, decimals)} ${pool.symbol} can leave now; what is lent out comes back as borrowers repay.`
      : undefined;
  const send = async (): Promise<void> => {
    setBusy(true);
    const what = `${text} ${pool.symbol}`;
    let isReady = true;
    if (verb === "deposit" && (await allowanceOf(site, pool.token, pool.vault)) < units) {
      const first = await submit(tx, `Approve exactly ${what}`, () =>
        Promise.resolve(approval(site, pool.token, pool.vault, units)),
      );
      isReady = first.state === "confirmed";
    }
    if (isReady) {
      const isAll = verb === "withdraw" && own !== undefined && units === own.most && own.most >= own.worth - 1n;
      const done = await submit(tx, verb === "deposit" ? `Lend ${what}` : `Take back ${what}`, () =>
        Promise.resolve(
          verb === "deposit"
            ? vaultDeposit(site, pool.vault, units)
            : isAll
              ? // By shares, so that no crumb of interest stays behind.
                vaultRedeem(site, pool.vault, own.shares)
              : vaultWithdraw(site, pool.vault, units),
        ),
      );
      if (done.state === "confirmed") setText("");
    }
    setBusy(false);
  };
  const curve = curveOf(pool);
  const utilisation = toNumber(pool.utilisation);
  return (
    <Card title={`Lend ${pool.symbol}`}>
      <dl>
        <Row label="You have lent" strong>
          <span data-testid="lent">{own === undefined ? "–" : `${amount(own.worth, decimals)} ${pool.symbol}`}</span>
        </Row>
        <Row label="Earns">{percent(toNumber(pool.supplyApy))}</Row>
      </dl>
      <Segments
        label="Lend or take back"
        value={verb}
        onChange={(next) => {
          setVerb(next);
          setText("");
        }}
        options={[
          { value: "deposit", label: "Lend" },
          { value: "withdraw", label: "Take back" },
        ]}
      />
      <AmountField
        label="Amount"
        unit={pool.symbol}
        value={text}
        onChange={setText}
        most={formatUnits(most, decimals).replace(/\.0$/, "")}
        {...(problem !== undefined && { error: problem })}
      />
      <button
        type="button"
        className="primary"
        disabled={address === undefined || isBusy || units === 0n || problem !== undefined}
        onClick={() => void send()}
      >
        {address === undefined
          ? "Connect a wallet to lend"
          : isBusy
            ? "Working …"
            : verb === "deposit"
              ? "Lend"
              : "Take back"}
      </button>
      <h3>Borrow rate by utilisation</h3>
      {curve === undefined ? (
        <p className="muted">
          This pool’s rate comes from a model of its own: {percent(toNumber(pool.borrowApy))} a year at{" "}
          {percent(utilisation, 1)} utilisation.
        </p>
      ) : (
        <Curve
          points={curve.map((point) => ({ ...point, a: point.a * 100 }))}
          marker={utilisation}
          xText={(u) => percent(u, 0)}
          label={`Borrow APY over utilisation; now ${percent(toNumber(pool.borrowApy))} at ${percent(utilisation, 1)}`}
          names={["percent a year"]}
        />
      )}
    </Card>
  );
};

const Earn = (): ReactNode => {
  const { data: pools } = usePools();
  const [chosen, setChosen] = useState<string>();
  if (pools === undefined) return <Loading what="the pools" />;
  const withVault = pools.filter(({ vault }) => BigInt(vault) !== 0n);
  const pool = withVault.find(({ symbol }) => symbol === chosen) ?? withVault[0];
  return (
    <div className="grid side">
      <div className="stack">
        <Card title="Pools">
          <Table label="Pools" head={["Pool", "Supplied", "Borrowed", "Utilisation", "Supply APY", "Borrow APY", ""]}>
            {pools.map((each) => {
              const decimals = Number(each.decimals);
              return (
                <tr key={each.symbol}>
                  <td>{each.symbol}</td>
                  <td>{compact(toNumber(each.state.claims, decimals))}</td>
                  <td>{compact(toNumber(each.state.debts, decimals))}</td>
                  <td>{percent(toNumber(each.utilisation), 1)}</td>
                  <td className="good">{percent(toNumber(each.supplyApy))}</td>
                  <td>{percent(toNumber(each.borrowApy))}</td>
                  <td>
                    <button
                      type="button"
                      className="small"
                      aria-pressed={each === pool}
                      aria-label={`${each === pool ? "Chosen" : "Choose"}: ${each.symbol}`}
                      onClick={() => setChosen(each.symbol)}
                    >
                      {each === pool ? "Chosen" : "Choose"}
                    </button>
                  </td>
                </tr>
              );
            })}
          </Table>
        </Card>
        <Insurance />
        <Notice>
          Lending through a vault is not trading: what you lend is no collateral of yours until you deposit the vault’s
          shares into an account.
        </Notice>
      </div>
      {pool === undefined ? <Empty>No pool takes lenders.</Empty> : <Lend key={pool.symbol} pool={pool} />}
    </div>
  );
};
export default Earn;
