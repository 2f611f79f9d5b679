// out/report.html: one file, everything inlined, so that it opens without a network.
import type { DerivativesRecord } from "../../replay/derivatives/record.ts";
import { bookRows, type DerivativesData, derivativesData, expiryText } from "./derivatives/report.ts";
import type { BidRecord, Recorder } from "./recorder.ts";
import { escapeHtml, fillTemplate, scripts, short, style, tile } from "../../replay/html.ts";
import { dollars, percent } from "../../replay/numbers.ts";
import { rows, type Summary } from "./summary.ts";

/** What `report.client.js` draws; times are unix seconds. */
interface ReportData {
  readonly time: readonly number[];
  readonly eth: readonly number[];
  readonly btc: readonly number[];
  readonly equity: readonly number[];
  readonly debt: readonly number[];
  readonly insurance: readonly number[];
  readonly accounts: readonly {
    readonly name: string;
    readonly kind: string;
    readonly margin: readonly (number | null)[];
  }[];
  readonly bids: readonly {
    readonly time: number;
    readonly name: string;
    readonly discountFactor: number;
    readonly fraction: number;
    readonly maxFraction: number;
    readonly price: number;
    readonly debtRepaid: number;
    readonly insolvent: boolean;
  }[];
  readonly derivatives: DerivativesData;
}

/** Margins below this are drawn there: what is far under water says nothing more. */
const LEAST_MARGIN = -1;

function reportData({ samples, traders, bids }: Recorder, derivatives: DerivativesRecord): ReportData {
  const names = new Map([
    ...traders.map(({ account, role }): [string, string] => [account, role.name]),
    ...derivatives.books.map(({ account, name, model }): [string, string] => [account, `${name}, ${model}`]),
  ]);
  const named = (account: string): string => names.get(account) ?? account;
  return {
    time: samples.map(({ time }) => time),
    eth: samples.map(({ prices }) => short(prices.WETH)),
    btc: samples.map(({ prices }) => short(prices.WBTC)),
    equity: samples.map(({ equity }) => short(equity)),
    debt: samples.map(({ debt }) => short(debt)),
    insurance: samples.map(({ insurance }) => short(insurance)),
    accounts: traders.map(({ role }, i) => ({
      name: role.name,
      kind: role.strategy.includes("short") ? "short" : "long",
      margin: samples.map(({ margins }) => {
        const margin = margins[i] ?? null;
        return margin === null ? null : short(Math.max(LEAST_MARGIN, margin));
      }),
    })),
    bids: bids.map(({ account, ...bid }) => ({
      name: named(account),
      time: bid.time,
      discountFactor: short(bid.discountFactor),
      fraction: short(bid.fraction),
      maxFraction: short(bid.maxFraction),
      price: short(bid.price),
      debtRepaid: short(bid.debtRepaid),
      insolvent: bid.insolvent,
    })),
    derivatives: derivativesData(derivatives),
  };
}

const tiles = (s: Summary): string =>
  [
    tile("accounts liquidated", `${s.liquidated} of ${s.accounts}`, `${s.liquidatedInWhole} of them whole`),
    tile("debt repaid", dollars(s.debtRepaid), `in ${s.bids} bids`),
    tile("taken of f_max", `${percent(s.fractionTaken, 0)} / ${percent(s.fractionAllowed, 0)}`, "mean over bids"),
    tile("bad debt", dollars(s.badDebt), "written off against lenders"),
    tile("insurance fund", dollars(s.insuranceAfter), `${dollars(s.insuranceBefore)} before`),
    tile("lender APY, USDC", percent(s.lenderApy["USDC"] ?? 0), "over these days"),
    tile("keeper profit", dollars(s.keeperProfit - s.keeperGas.dollars), "after gas"),
    tile(
      "books liquidated",
      `${s.derivatives.liquidated} of ${s.derivatives.books.length}`,
      `perps, options; ${s.derivatives.fills} fills`,
    ),
    tile(
      "invariants",
      s.violations.length === 0 ? "all held" : `${s.violations.length} broken`,
      `${Object.keys(s.invariants).length} checks at every look`,
    ),
  ].join("\n");

const bidRow = (bid: BidRecord, name: string): string =>
  `<tr><td>${new Date(bid.time * 1000).toISOString().slice(5, 16).replace("T", " ")}</td><td>${escapeHtml(name)}</td>` +
  [
    bid.insolvent ? "insolvent" : percent(1 - bid.discountFactor),
    `${percent(bid.fraction)} / ${percent(bid.maxFraction)}`,
    dollars(bid.price),
    dollars(bid.debtRepaid),
    dollars(bid.profit),
    dollars(bid.fromInsurance),
  ]
    .map((cell) => `<td class="number">${cell}</td>`)
    .join("") +
  "</tr>";

export function reportHtml(summary: Summary, recorder: Recorder, derivatives: DerivativesRecord): string {
  const names = new Map([
    ...recorder.traders.map(({ account, role }): [string, string] => [account, role.name]),
    ...derivatives.books.map(({ account, name, model }): [string, string] => [account, `${name}, ${model}`]),
  ]);
  return fillTemplate(new URL("report.template.html", import.meta.url).href, {
    STYLE: style(),
    SOURCE: escapeHtml(summary.source),
    PERIOD: `${summary.from.slice(0, 16).replace("T", " ")} to ${summary.to.slice(0, 16).replace("T", " ")} UTC`,
    ROUNDS: String(summary.rounds),
    TILES: tiles(summary),
    ROWS: rows(summary)
      .map(([name, text]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(text)}</td></tr>`)
      .join("\n"),
    BOOKS: bookRows(derivatives),
    EXPIRY: expiryText(derivatives),
    BIDS: recorder.bids.map((bid) => bidRow(bid, names.get(bid.account) ?? bid.account)).join("\n"),
    SCRIPTS: scripts(reportData(recorder, derivatives), [
      new URL("../../replay/charts.client.js", import.meta.url).href,
      new URL("report.client.js", import.meta.url).href,
      new URL("derivatives/report.client.js", import.meta.url).href,
    ]),
  });
}
