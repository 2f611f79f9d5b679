// The audit in words: tables, findings, one line of verdict.
import type { AuditResult } from "./audit.ts";
import { findingText } from "./findings.ts";
import { SETTLEMENT, WAD } from "./words.ts";
import { percentOf, shown, textTable, toJson, utc } from "./text.ts";

const DIGITS = 6;
const MOST_SHOWN = 50;

const assetTable = ({ assets }: AuditResult): string =>
  textTable(
    ["asset", "kind", "in the safe", "owed to it", "it owes", "surplus", "covered", "holders", "borrowers"],
    assets.map((row) => [
      row.symbol,
      row.kind,
      ...[row.held, row.debts, row.claims, row.surplus].map((amount) =>
        shown(amount, row.decimals, Math.min(DIGITS, row.decimals)),
      ),
      percentOf(row.held + row.debts, row.claims, 4),
      String(row.holders),
      String(row.borrowers),
    ]),
    2,
  );

const marketTable = ({ markets }: AuditResult): string =>
  textTable(
    ["market", "state", "long", "short", "sum", "open interest", "clearing quote", "clearing is worth", "accounts"],
    markets.map((row) => [
      row.name,
      row.state,
      ...[row.long, row.short, row.long - row.short, row.openInterest, row.clearingQuote].map((size) =>
        shown(size, 18, DIGITS),
      ),
      `${row.clearingUnsettled} wei`,
      String(row.accounts),
    ]),
    2,
  );

/** For a person. */
export const auditText = (result: AuditResult): string => {
  const { block, assets, markets, differences, findings } = result;
  const settlement = assets.find(({ asset }) => asset === SETTLEMENT);
  const lines = [
    `Audit of ${result.network} (chain ${result.chainId}), blocks ${result.fromBlock} to ${block.number} (${utc(block.timestamp)}, ${block.hash})`,
    `${result.events.toLocaleString("en-US")} events of ${result.transactions.toLocaleString("en-US")} transactions; ` +
      `${result.accounts.toLocaleString("en-US")} accounts, ${result.ledgerAccounts.toLocaleString("en-US")} of them in the ledger; ` +
      `${result.compared.toLocaleString("en-US")} views of storage compared`,
    "",
    assetTable(result),
    "",
  ];
  if (markets.length > 0) lines.push(marketTable(result), "");
  if (settlement !== undefined) {
    lines.push(
      `Insurance fund: ${shown(result.insurance, settlement.decimals)} ${settlement.symbol}; fees not yet swept: ${shown(result.fees, 18, DIGITS)}; ` +
        `all quotes add up to ${result.quotes / WAD === 0n ? `${result.quotes} wei` : shown(result.quotes, 18)}`,
      "",
    );
  }
  if (differences === 0) {
    lines.push("No difference: events and storage agree to the wei, and everything adds up.");
    return lines.join("\n");
  }
  lines.push(...findings.slice(0, MOST_SHOWN).map((finding) => `  ${findingText(finding)}`));
  if (differences > MOST_SHOWN)
    lines.push(`  … and ${differences - MOST_SHOWN} more (--json shows the first thousand)`);
  lines.push("", `${differences} difference${differences === 1 ? "" : "s"} found.`);
  return lines.join("\n");
};

/** For a machine: all numbers exact, as strings. */
export const auditJson = (result: AuditResult): string => toJson({ ok: result.differences === 0, ...result });
