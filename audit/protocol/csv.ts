// The protocol report as one table of long form: section, subject, measure, value. Amounts exact.
import { toCsv } from "../csv.ts";
import { exact, utc } from "../text.ts";
import type { Concentration } from "./concentration.ts";
import type { ProtocolReport } from "./protocol.ts";

const optional = (value: bigint | undefined, decimals: number): string =>
  value === undefined ? "" : exact(value, decimals);

const spread = (name: string, { count, largest, top10, hhi }: Concentration): [string, string][] => [
  [`${name} count`, String(count)],
  [`${name} largest share`, largest.toFixed(6)],
  [`${name} top 10 share`, top10.toFixed(6)],
  [`${name} HHI`, hhi.toFixed(1)],
];

export const protocolCsv = (report: ProtocolReport): string => {
  const rows: string[][] = [];
  const add = (section: string, subject: string, measures: readonly [string, string][]): void => {
    for (const [measure, value] of measures) rows.push([section, subject, measure, value]);
  };
  add("protocol", report.network, [
    ["chain", String(report.chainId)],
    ["block", String(report.block.number)],
    ["time", utc(report.block.timestamp)],
    ["accounts", String(report.accounts)],
    ["accounts that owe", String(report.owing)],
    ["below maintenance", String(report.belowMaintenance)],
    ["in auction", String(report.inAuction)],
    ["without a usable price", String(report.unpriced)],
    ["uncovered", exact(report.uncovered, 18)],
    ["insurance fund", exact(report.insurance, report.settlementDecimals)],
    ...spread("exposure", report.concentration),
  ]);
  for (const pool of report.pools) {
    const amount = (value: bigint) => exact(value, pool.decimals);
    add("pool", pool.symbol, [
      ["price", optional(pool.price, 18)],
      ["of lenders", amount(pool.ofLenders)],
      ["of accounts", amount(pool.ofAccounts)],
      ["debts", amount(pool.debts)],
      ["custody", amount(pool.custody)],
      ["utilisation", pool.utilisation.toFixed(6)],
      ...spread("lenders", pool.lenders),
      ...spread("borrowers", pool.borrowers),
    ]);
    pool.lenders.top.forEach(({ holder, amount: held }, i) =>
      add("lender", pool.symbol, [[`${i + 1}. ${holder}`, amount(held)]]),
    );
    pool.borrowers.top.forEach(({ holder, amount: owed }, i) =>
      add("borrower", pool.symbol, [[`${i + 1}. ${holder}`, amount(owed)]]),
    );
  }
  for (const market of report.markets) {
    add("market", market.name, [
      ["state", market.state],
      ["open interest", exact(market.openInterest, 18)],
      ["notional", optional(market.notional, 18)],
      ...spread("longs", market.longs),
      ...spread("shorts", market.shorts),
    ]);
  }
  for (const each of report.collateral) {
    add("collateral", each.symbol, [
      ["amount", exact(each.amount, each.decimals)],
      ["securing debts or positions", exact(each.securing, each.decimals)],
      ["value", optional(each.value, 18)],
      ["securing value", optional(each.securingValue, 18)],
      ["maintenance haircut", optional(each.haircut, 18)],
      ["value after haircut", optional(each.quality, 18)],
      ...spread("holders", each.holders),
    ]);
  }
  for (const each of report.exposures) {
    add("exposure", each.account, [
      ["gross", exact(each.gross, 18)],
      ["debts", exact(each.debts, 18)],
      ["perps", exact(each.perps, 18)],
      ["options", exact(each.options, 18)],
      ["maintenance", each.priced ? exact(each.maintenance, 18) : ""],
      ["equity", each.priced ? exact(each.mtm, 18) : ""],
    ]);
  }
  return toCsv(["section", "subject", "measure", "value"], rows);
};
