// What happened to an account, from the safe's and the ledger's events; as a table and as CSV.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { decodePosition, instrumentName } from "../../../../sdk/instruments.ts";
import { decodeWords } from "../../../../sdk/mirror/account.ts";
import { useSite } from "../../data/hooks.ts";
import { decimal, toNumber } from "../../lib/format.ts";
import type { Site } from "../../data/site.ts";
import { Card, Empty, Table } from "../../ui/parts.tsx";

export interface HistoryRow {
  readonly block: number;
  readonly index: number;
  readonly time: number;
  readonly hash: string;
  readonly what: string;
  readonly detail: string;
}

const SHOWN = 12;

const readHistory = async (site: Site, account: string): Promise<HistoryRow[]> => {
  const { safe, derivatives } = site.venue.contracts;
  const from = site.venue.deployment.fromBlock;
  const changes = await safe.queryFilter(safe.filters.AccountChanged(account), from);
  const ledger =
    derivatives === undefined
      ? []
      : await derivatives.positions.queryFilter(derivatives.positions.filters.LedgerChanged(account), from);
  const fills =
    derivatives === undefined
      ? []
      : await derivatives.exchange.queryFilter(derivatives.exchange.filters.OrdersFilled(), from);
  const filledHere = new Set(fills.map(({ transactionHash }) => transactionHash));
  const blocks = new Map<number, number>();
  const numbers = [...new Set([...changes, ...ledger].map(({ blockNumber }) => blockNumber))];
  await Promise.all(
    numbers.map(async (number) => blocks.set(number, (await site.provider.getBlock(number))?.timestamp ?? 0)),
  );
  let before = new Map<number, bigint>();
  const rows: HistoryRow[] = changes.map((log) => {
    const { entries } = decodeWords([...log.args.words]);
    const after = new Map(entries.map(({ asset, shares }) => [asset, shares]));
    const moved = [...new Set([...before.keys(), ...after.keys()])].flatMap((asset) => {
      const difference = (after.get(asset) ?? 0n) - (before.get(asset) ?? 0n);
      if (difference === 0n) return [];
      const known = site.venue.assets.list().find(({ id }) => id === asset);
      // Shares are worth a little more than a unit as interest comes in: what moved is said to four digits.
      const amount = toNumber(difference, known?.decimals ?? 18);
      return [`${difference > 0n ? "+" : ""}${decimal(amount, 4)} ${site.venue.assets.name(asset)}`];
    });
    before = after;
    return {
      ...{
        block: log.blockNumber,
        index: log.index,
        time: blocks.get(log.blockNumber) ?? 0,
        hash: log.transactionHash,
      },
      what: filledHere.has(log.transactionHash) ? "Trade" : "Balances",
      detail: moved.join(", ") || "no balance moved",
    };
  });
  for (const log of ledger) {
    rows.push({
      ...{
        block: log.blockNumber,
        index: log.index,
        time: blocks.get(log.blockNumber) ?? 0,
        hash: log.transactionHash,
      },
      what: filledHere.has(log.transactionHash) ? "Fill" : "Positions",
      detail: [
        `ledger ${decimal(toNumber(log.args.quote), 2)} USDC`,
        ...log.args.changed.map((word) => {
          const { instrument, size } = decodePosition(word);
          return `${instrumentName(instrument, site.venue.underlyings)} ${decimal(toNumber(size), 4)}`;
        }),
      ].join(", "),
    });
  }
  return rows.sort((a, b) => b.block - a.block || b.index - a.index);
};

const csvOf = (rows: readonly HistoryRow[]): string =>
  [
    "time,block,transaction,what,detail",
    ...rows.map(({ time, block, hash, what, detail }) =>
      [new Date(time * 1_000).toISOString(), block, hash, what, `"${detail.replaceAll('"', '""')}"`].join(","),
    ),
  ].join("\n");

const save = (text: string, name: string): void => {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
};

export const History = ({ account }: { account: string }): ReactNode => {
  const site = useSite();
  const { data, isError } = useQuery({
    queryKey: [site.key, "history", account],
    queryFn: () => readHistory(site, account),
    refetchInterval: 15_000,
    structuralSharing: false,
  });
  return (
    <Card
      title="History"
      aside={
        <button
          type="button"
          className="small"
          disabled={!data?.length}
          onClick={() => save(csvOf(data ?? []), `plimsoll-${account.slice(0, 10)}.csv`)}
        >
          Save as CSV
        </button>
      }
    >
      {isError && <Empty>The node could not say. It is asked again in a moment.</Empty>}
      {data?.length === 0 && <Empty>Nothing has happened yet.</Empty>}
      {data !== undefined && data.length > 0 && (
        <Table words label="History" head={["When", "What", "Details", "Block"]}>
          {data.slice(0, SHOWN).map((row) => (
            <tr key={`${row.block}:${row.index}`}>
              <td>{new Date(row.time * 1_000).toLocaleString("en-GB")}</td>
              <td>{row.what}</td>
              <td>{row.detail}</td>
              <td>{row.block}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
};
