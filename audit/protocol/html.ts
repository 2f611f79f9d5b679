// The protocol report for a person.
import {
  accountHtml,
  barHtml,
  type Cell,
  type Html,
  html,
  pageHtml,
  sectionHtml,
  shortHex,
  tableHtml,
  tileHtml,
} from "../html.ts";
import { percentOf, shown, utc } from "../text.ts";
import type { Concentration } from "./concentration.ts";
import type { ProtocolReport } from "./protocol.ts";

const number = (name: string) => ({ name, isNumber: true });
const part = (value: number): string => `${(value * 100).toFixed(1)} %`;
const money = (value: bigint | undefined): string => (value === undefined ? "no price" : shown(value, 18, 0));
const tokens = (value: bigint, decimals: number): string => shown(value, decimals, 2);

const poolTable = ({ pools }: ProtocolReport): Html =>
  tableHtml(
    [{ name: "pool" }, ...["price", "lenders'", "accounts'", "lent out", "utilisation", "in the safe"].map(number)],
    pools.map((pool) => [
      pool.symbol,
      pool.price === undefined ? "no price" : shown(pool.price, 18),
      ...[pool.ofLenders, pool.ofAccounts, pool.debts].map((value) => tokens(value, pool.decimals)),
      part(pool.utilisation),
      tokens(pool.custody, pool.decimals),
    ]),
    "No pool is listed.",
  );

const spreadColumns = [
  number("number"),
  number("largest"),
  number("ten largest"),
  number("HHI"),
  { name: "largest holders" },
];

const spreadCells = ({ count, largest, top10, hhi, top }: Concentration): Cell[] => [
  String(count),
  count === 0 ? "–" : part(largest),
  count === 0 ? "–" : part(top10),
  count === 0 ? "–" : hhi.toFixed(0),
  html`${top.slice(0, 3).map(({ holder, part: share }) => html`${shortHex(holder)} ${part(share)} &nbsp; `)}`,
];

const concentrationTable = ({ pools, markets, concentration }: ProtocolReport): Html => {
  const rows: [string, Concentration][] = [
    ["exposure of all owners", concentration],
    ...pools.flatMap(({ symbol, lenders, borrowers }): [string, Concentration][] => [
      [`${symbol} lenders`, lenders],
      [`${symbol} borrowers`, borrowers],
    ]),
    ...markets.flatMap(({ name, longs, shorts }): [string, Concentration][] => [
      [`${name} longs`, longs],
      [`${name} shorts`, shorts],
    ]),
  ];
  return tableHtml(
    [{ name: "of" }, ...spreadColumns],
    rows.filter(([, { count }]) => count > 0).map(([name, each]) => [name, ...spreadCells(each)]),
    "Nobody holds anything.",
  );
};

const marketTable = ({ markets }: ProtocolReport): Html =>
  tableHtml(
    [
      { name: "market" },
      { name: "state" },
      ...["open interest", "notional", "longs", "shorts", "largest long", "largest short"].map(number),
    ],
    markets.map(({ name, state, openInterest, notional, longs, shorts }) => [
      name,
      state,
      shown(openInterest, 18, 4),
      money(notional),
      String(longs.count),
      String(shorts.count),
      longs.count === 0 ? "–" : part(longs.largest),
      shorts.count === 0 ? "–" : part(shorts.largest),
    ]),
    "No perps or options are listed.",
  );

const collateralTable = ({ collateral }: ProtocolReport): Html => {
  const total = collateral.reduce((sum, { securingValue }) => sum + (securingValue ?? 0n), 0n);
  const after = collateral.reduce((sum, { quality }) => sum + (quality ?? 0n), 0n);
  const rows = collateral.map((each): Cell[] => {
    const share =
      total === 0n || each.securingValue === undefined ? 0 : Number((each.securingValue * 10_000n) / total) / 10_000;
    return [
      each.symbol,
      tokens(each.amount, each.decimals),
      tokens(each.securing, each.decimals),
      money(each.securingValue),
      each.haircut === undefined ? "–" : `${shown(each.haircut, 16, 1)} %`,
      money(each.quality),
      each.holders.count === 0 ? "–" : part(each.holders.largest),
      html`${barHtml(share)} ${part(share)}`,
    ];
  });
  rows.push([
    "all",
    "",
    "",
    money(total),
    "",
    money(after),
    "",
    total === 0n ? "" : `${percentOf(after, total, 1)} after haircuts`,
  ]);
  return tableHtml(
    [
      { name: "asset" },
      ...["held by accounts", "of it securing", "value", "haircut", "after haircut", "largest owner"].map(number),
      { name: "share" },
    ],
    rows,
    "No collateral.",
  );
};

const exposureTable = ({ exposures }: ProtocolReport): Html => {
  const largest = exposures[0]?.gross ?? 0n;
  return tableHtml(
    [{ name: "account" }, ...["gross", "debts", "perps", "options", "equity", "maintenance"].map(number), { name: "" }],
    exposures.map((each): Cell[] => [
      each.inAuction ? html`${accountHtml(each.account)} in auction` : accountHtml(each.account),
      ...[each.gross, each.debts, each.perps, each.options].map(money),
      ...[each.mtm, each.maintenance].map((value) => (each.priced ? shown(value, 18, 0) : "no price")),
      barHtml(largest === 0n ? 0 : Number((each.gross * 1_000n) / largest) / 1_000),
    ]),
    "Nobody owes anything.",
  );
};

/** One self-contained page. */
export const protocolHtml = (report: ProtocolReport): string => {
  const { block, settlement, settlementDecimals, collateral } = report;
  const securing = collateral.reduce((sum, { securingValue }) => sum + (securingValue ?? 0n), 0n);
  const after = collateral.reduce((sum, { quality }) => sum + (quality ?? 0n), 0n);
  const tiles = [
    tileHtml("Accounts", String(report.accounts), `${report.owing} of them owe something`),
    tileHtml(
      "Below maintenance",
      String(report.belowMaintenance),
      `${report.inAuction} in auction, ${report.unpriced} without a price`,
    ),
    tileHtml("Worth below zero", shown(report.uncovered, 18, 0), `${settlement}, over all accounts`),
    tileHtml("Insurance fund", shown(report.insurance, settlementDecimals, 0), settlement),
    tileHtml(
      "Collateral that secures",
      shown(securing, 18, 0),
      `${settlement}; ${percentOf(after, securing, 1)} of it after haircuts`,
    ),
    tileHtml(
      "Exposure, ten largest owners",
      part(report.concentration.top10),
      `HHI ${report.concentration.hhi.toFixed(0)}`,
    ),
  ];
  const subtitle = html`${report.network}, chain ${report.chainId}, block ${block.number}
    (${utc(block.timestamp).slice(0, 16).replace("T", " ")} UTC, <code>${block.hash}</code>)`;
  return pageHtml("Protocol report", subtitle, tiles, [
    sectionHtml("Pools", poolTable(report), `Token amounts, interest accrued to the block; prices in ${settlement}.`),
    sectionHtml(
      "Open interest",
      marketTable(report),
      `Longs, in whole underlyings; notional at the index in ${settlement}.`,
    ),
    sectionHtml(
      "Collateral",
      collateralTable(report),
      `Values in ${settlement} at mid. "Securing" is what accounts hold that owe something. Haircuts are those of maintenance for a small holding.`,
    ),
    sectionHtml(
      "Ten largest exposures",
      exposureTable(report),
      `Debts and notionals in ${settlement}; options at the index.`,
    ),
    sectionHtml(
      "Concentration",
      concentrationTable(report),
      "By owner, all his accounts together. HHI: the sum of the squares of all shares in percent; 10,000 is one holder, above 2,500 is high.",
    ),
  ]);
};
