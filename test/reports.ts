import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { parseUnits } from "ethers";
import fc from "fast-check";

import { pinBlock, readBlock, toTag, UsageError } from "../audit/chain.ts";
import { toCsv } from "../audit/csv.ts";
import { cutHtml, escapeHtml } from "../audit/html.ts";
import { parseAccount } from "../audit/options.ts";
import { concentrationOf } from "../audit/protocol/concentration.ts";
import { parseWhen, type ReportOptions, writeReport } from "../audit/report.ts";
import { connectRpc, EndpointError, type Rpc } from "../audit/rpc.ts";
import { type Cost, trade } from "../audit/statement/cost.ts";
import { STATEMENT_HEAD } from "../audit/statement/csv.ts";
import { blockAt } from "../audit/statement/read.ts";
import { readStatement, type Statement } from "../audit/statement/statement.ts";
import { near } from "./helpers/floats.ts";
import type { Protocol } from "./helpers/protocol.ts";
import { richChain, type Told } from "./helpers/rich-history.ts";
import { type Bridge, bridgeTo } from "./helpers/rpc-bridge.ts";

const PARTS = ["amount", "interest", "writeOff", "funding", "fee"] as const;

/** A table without quoted cells, by column. */
const rowsOf = (csv: string): Record<string, string | undefined>[] => {
  const [head = "", ...lines] = csv.trimEnd().split("\r\n");
  const names = head.split(",");
  return lines.map((line) =>
    Object.fromEntries(line.split(",").map((cell, i): [string, string] => [names[i] ?? "", cell])),
  );
};

describe("Reports", function () {
  this.timeout(240_000);
  let p: Protocol;
  let told: Told;
  let bridge: Bridge;
  let rpc: Rpc;
  let directory: string;
  let base: { rpc: string; deployment: string };

  before("a chain on which everything has happened", async () => {
    ({ p, told } = await richChain());
    bridge = await bridgeTo(p.connection.provider);
    rpc = connectRpc(bridge.url, { retries: 0 });
    directory = mkdtempSync(join(tmpdir(), "plimsoll-reports-"));
    const deployment = join(directory, "deployment.json");
    writeFileSync(deployment, JSON.stringify(p.deployment));
    base = { rpc: bridge.url, deployment };
  });
  after(async () => {
    await bridge.close();
    rmSync(directory, { recursive: true });
  });
  afterEach(() => {
    bridge.meddle(undefined);
    bridge.dieAfter(Number.POSITIVE_INFINITY);
  });

  const statement = async (account: string, from: number, to: number, samples = 1): Promise<Statement> => {
    const [first, last] = await Promise.all([readBlock(rpc, toTag(from)), readBlock(rpc, toTag(to))]);
    if (first === undefined || last === undefined) throw new Error("no such block");
    return readStatement(rpc, p.deployment, { account, from: first, to: last, samples });
  };
  const end = () => told.milestones["end"] ?? 0;
  const mark = (name: string) => told.milestones[name] ?? 0;

  // ---------------------------------------------------------------- statements

  it("adds up to the wei, line by line, from what the chain says at the opening to what it says at the end", async () => {
    const { positions } = p.derivatives();
    const spans: [number, number][] = [
      [0, end()],
      [mark("spot") + 1, mark("settled")],
      [mark("bid"), mark("ruin")],
    ];
    for (const account of Object.values(told.accounts)) {
      for (const [from, to] of spans) {
        const { books, lines } = await statement(account, from, to).catch((error: unknown) => {
          if (error instanceof UsageError) return { books: [], lines: [] };
          throw error;
        });
        for (const { book, key, name, opening, closing, ...sums } of books) {
          const where = `${name} of ${account} in ${from} to ${to}`;
          let balance = opening;
          for (const line of lines.filter((each) => JSON.stringify(each.name) === JSON.stringify(name))) {
            for (const part of PARTS) balance += line[part];
            expect(line.balance, `${where}, block ${line.at.block}`).to.equal(balance);
          }
          expect(balance, where).to.equal(closing);
          expect(
            PARTS.reduce((sum, part) => sum + sums[part], opening),
            where,
          ).to.equal(closing);
          const stored = async (blockTag: number): Promise<bigint> => {
            if (blockTag < mark("spot")) return 0n;
            if (book.kind === "asset") return p.safe.balanceOf(account, book.asset, { blockTag });
            if (book.kind === "quote") return positions.quoteOf(account, { blockTag });
            return positions.sizeOf(account, book.instrument, { blockTag });
          };
          expect(closing, `${where}: closing ${key}`).to.equal(await stored(to));
          if (from > 0) expect(opening, `${where}: opening ${key}`).to.equal(await stored(from - 1));
        }
      }
    }
  });

  it("begins where the one before has ended, and two halves make the whole", async () => {
    const account = told.accounts.bob;
    const [middle, last] = [mark("traded"), end()];
    const [whole, first, second] = await Promise.all([
      statement(account, 0, last),
      statement(account, 0, middle),
      statement(account, middle + 1, last),
    ]);
    for (const book of whole.books) {
      const [a, b] = [first, second].map(({ books }) => books.find(({ key }) => key === book.key));
      if (a !== undefined && b !== undefined) expect(b.opening, book.name).to.equal(a.closing);
      for (const part of [...PARTS, "realised"] as const) {
        // interest of the span in which the first ends is cut in two and rounded twice, but told by the same balances
        if (part === "amount" || part === "interest") continue;
        expect((a?.[part] ?? 0n) + (b?.[part] ?? 0n), `${book.name}: ${part}`).to.equal(book[part]);
      }
      expect((a?.amount ?? 0n) + (b?.amount ?? 0n)).to.equal(book.amount);
      expect((a?.interest ?? 0n) + (b?.interest ?? 0n)).to.equal(book.interest);
    }
  });

  it("explains every wei of the quote: trades, fees, funding, payoffs, settlements", async () => {
    const { exchange } = p.derivatives();
    const fills = await exchange.queryFilter(exchange.filters.OrdersFilled());
    for (const account of [told.accounts.alice, told.accounts.bob, told.accounts.carol]) {
      const { lines, books } = await statement(account, 0, end());
      expect(lines.map(({ what }) => what)).to.not.include("Other");
      const mine = fills.flatMap(({ args }) => {
        if (args.maker === account) return [-args.makerFee];
        return args.taker === account ? [-args.takerFee] : [];
      });
      const quote = books.find(({ name }) => name === "quote");
      expect(quote?.fee, "fees").to.equal(mine.reduce((sum, fee) => sum + fee, 0n));
      expect(quote?.funding, "funding").to.not.equal(0n);
      // of a perp that was opened and closed all that was ever booked at its prices is profit or loss
      const bitcoin = books.find(({ name }) => name === "BTC-PERP");
      if (bitcoin?.closing !== 0n) continue;
      const booked = lines.filter(
        ({ name, what }) => name === "quote" && / BTC-PERP$/.test(what) && !what.startsWith("Funding"),
      );
      expect(bitcoin.realised).to.equal(booked.reduce((sum, { amount }) => sum + amount, 0n));
      expect(bitcoin.realised).to.not.equal(0n);
    }
  });

  it("tells settled cash, premiums, payoffs and the lender's part of a loss by name", async () => {
    const { lines } = await statement(told.accounts.alice, 0, end());
    const words = new Set(lines.map(({ what }) => what));
    expect([...words]).to.include.members([
      ...["Deposit", "Transfer out", "Option premium", "Expiry", "Market closed", "Loss borne as a lender"],
      ...["Trading fee", "Funding ETH-PERP", "Loss settled", "Loss settled in cash", "Bought ETH-PERP"],
    ]);
    const borne = lines.find(({ what }) => what === "Loss borne as a lender");
    expect(borne?.at.block).to.equal(mark("ruin"));
    expect(borne?.writeOff).to.be.lessThan(0n);
  });

  it("tells when an account was below maintenance, and its auctions", async () => {
    const { calls, closing } = await statement(told.accounts.ruined, mark("traded"), end(), 400);
    const [spell] = calls.spells;
    expect(calls.spells).to.have.length(1);
    expect(spell?.from.number).to.be.within(mark("traded"), mark("bid"));
    expect(spell?.to.number).to.equal(mark("ruin") - 1);
    expect(spell?.least).to.be.lessThan(0n);
    expect(calls.auctions.map(({ what }) => what)).to.include.members(["Auction started", "Bid"]);
    expect(calls.auctions.filter(({ what }) => what === "Bid").map(({ block }) => block)).to.deep.equal([
      mark("bid"),
      mark("ruin"),
    ]);
    expect(closing?.mtm).to.equal(0n);
    expect((await statement(told.accounts.dave, mark("closed"), end(), 20)).calls.spells).to.have.length(0);
  });

  it("realises by average cost exactly what was paid, whatever the trades", () => {
    const size = fc.bigInt({ min: -(10n ** 21n), max: 10n ** 21n }).filter((x) => x !== 0n);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(size, fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n })), { minLength: 1, maxLength: 12 }),
        (trades) => {
          const cost: Cost = { size: 0n, paid: 0n };
          let [realised, paid] = [0n, 0n];
          for (const [amount, price] of trades) {
            const value = (amount * (price < 0n ? -price : price)) / 10n ** 18n;
            realised += trade(cost, amount, value);
            paid += value;
            expect(realised + paid).to.equal(cost.paid);
          }
          realised += trade(cost, -cost.size, 0n);
          expect(cost).to.deep.equal({ size: 0n, paid: 0n });
          expect(realised).to.equal(-paid);
        },
      ),
    );
    const cost: Cost = { size: 0n, paid: 0n };
    const results = [
      [10n, 1_000n],
      [10n, 1_200n],
      [-5n, -600n],
      [-20n, -2_600n],
      [5n, 500n],
    ].map(([amount = 0n, paid = 0n]) => trade(cost, amount, paid));
    // 20 at 110; five sold at 120; the other fifteen at 130, five more short at 130, bought back at 100
    expect(results).to.deep.equal([0n, 0n, 50n, 300n, 150n]);
  });

  // ---------------------------------------------------------------- files

  it("writes a CSV whose columns add up, and a page that needs no network", async () => {
    const out = join(directory, "alice");
    await writeReport({ ...base, account: p.alice.address, out, samples: "20" });
    const rows = rowsOf(readFileSync(`${out}.csv`, "utf8"));
    expect(Object.keys(rows[0] ?? {})).to.deep.equal([...STATEMENT_HEAD]);
    const balances = new Map<string, bigint>();
    const wei = (text: string | undefined) => parseUnits(text ?? "", 18);
    for (const row of rows) {
      const book = row["book"] ?? "";
      const before = balances.get(book);
      if (row["what"] === "Opening balance") balances.set(book, wei(row["balance"]));
      else if (row["what"] === "Closing balance") expect(before, book).to.equal(wei(row["balance"]));
      else {
        const change = ["amount", "interest", "write_off", "funding", "fee"].reduce(
          (sum, part) => sum + wei(row[part]),
          0n,
        );
        balances.set(book, (before ?? 0n) + change);
        expect(balances.get(book), JSON.stringify(row)).to.equal(wei(row["balance"]));
      }
    }
    expect(balances.size).to.be.greaterThan(5);
    const page = readFileSync(`${out}.html`, "utf8");
    expect(page).to.not.match(/(src|href|url)\s*[=(]|<script|@import/i);
    expect(page).to.include("default-src 'none'").and.include("Option premium");
  });

  it("escapes what others have named, in pages and for spreadsheets", async () => {
    const network = `<img src=x onerror="alert('1')">&`;
    const hostile = join(directory, "hostile.json");
    const { USDC, ...rest } = p.deployment.assets;
    const assets = { "=HYPERLINK(1)</td><script>x": USDC, ...rest };
    writeFileSync(hostile, JSON.stringify({ ...p.deployment, network, assets }));
    const out = join(directory, "hostile");
    await writeReport({ ...base, deployment: hostile, account: told.accounts.dave, out, samples: "1" });
    await writeReport({ ...base, deployment: hostile, protocol: true, out: `${out}-protocol` });
    for (const name of ["hostile", "hostile-protocol"]) {
      const page = readFileSync(join(directory, `${name}.html`), "utf8");
      expect(page).to.not.match(/<img|<script/);
      expect(page).to.include("&lt;script&gt;");
      const csv = readFileSync(join(directory, `${name}.csv`), "utf8");
      expect(csv).to.not.match(/(^|,)"?=/m);
      expect(csv).to.include("'=HYPERLINK(1)");
    }
    expect(toCsv(["a"], [["-1.5"], ["-1+1"], ['say "x", y'], ["@sum"]])).to.equal(
      `a\r\n-1.5\r\n'-1+1\r\n"say ""x"", y"\r\n'@sum\r\n`,
    );
    expect(escapeHtml(`<a b="c">'&`)).to.equal("&lt;a b=&quot;c&quot;&gt;&#39;&amp;");
    expect(cutHtml("1.0", "1.0")).to.equal("1.0");
  });

  // ---------------------------------------------------------------- the protocol

  it("reports lenders, borrowers, open interest, collateral and exposures as the chain has them", async () => {
    const out = join(directory, "protocol");
    await writeReport({ ...base, protocol: true, out });
    const report = JSON.parse(readFileSync(`${out}.json`, "utf8")) as {
      pools: {
        symbol: string;
        ofLenders: string;
        ofAccounts: string;
        debts: string;
        custody: string;
        lenders: { count: number; total: string };
        borrowers: { total: string };
      }[];
      markets: { name: string; openInterest: string; longs: { total: string }; shorts: { total: string } }[];
      collateral: { symbol: string; amount: string; securingValue: string; quality: string; haircut: string }[];
      exposures: {
        account: string;
        gross: string;
        debts: string;
        perps: string;
        options: string;
        maintenance: string;
        mtm: string;
      }[];
    };
    for (const symbol of ["USDC", "WETH", "WBTC"] as const) {
      const pool = report.pools.find((each) => each.symbol === symbol);
      const state = await p.safe.poolState(p.ids[symbol]);
      expect(BigInt(pool?.ofLenders ?? 0) + BigInt(pool?.ofAccounts ?? 0), symbol).to.equal(state.claims);
      expect(pool?.debts, symbol).to.equal(String(state.debts));
      expect(pool?.custody, symbol).to.equal(String(await p.tokens[symbol].balanceOf(p.safe)));
      // each rounded by itself
      const off = BigInt(pool?.ofLenders ?? 0) - BigInt(pool?.lenders.total ?? 0);
      expect(off >= 0n && off <= BigInt(pool?.lenders.count ?? 0), `${symbol}: ${off}`).to.equal(true);
    }
    const perp = report.markets.find(({ name }) => name === "ETH-PERP");
    const { openInterest } = await p.derivatives().positions.perpMarket(2);
    expect(perp?.openInterest).to.equal(String(openInterest));
    expect(perp?.longs.total).to.equal(perp?.openInterest);
    expect(perp?.shorts.total).to.equal(perp?.openInterest);
    const ether = report.collateral.find(({ symbol }) => symbol === "WETH");
    expect(ether?.amount).to.equal(String(await p.safe.totalCollateral(p.ids.WETH)));
    expect(BigInt(ether?.quality ?? 0)).to.equal(
      (BigInt(ether?.securingValue ?? 0) * (10n ** 18n - BigInt(ether?.haircut ?? 0))) / 10n ** 18n,
    );
    const healths = await p.lens.healthOf(report.exposures.map(({ account }) => account));
    report.exposures.forEach((each, i) => {
      expect([each.mtm, each.maintenance]).to.deep.equal([String(healths[i]?.mtm), String(healths[i]?.maintenance)]);
      expect(BigInt(each.debts) + BigInt(each.perps) + BigInt(each.options)).to.equal(BigInt(each.gross));
      if (i > 0) expect(BigInt(report.exposures[i - 1]?.gross ?? 0) >= BigInt(each.gross)).to.equal(true);
    });
    expect(report.exposures.length).to.be.within(3, 10);
    expect(rowsOf(readFileSync(`${out}.csv`, "utf8")).length).to.be.greaterThan(100);
  });

  it("measures concentration: one holder 10,000, n alike 10,000 ÷ n, an owner's accounts as one", () => {
    const of = (...amounts: bigint[]) => concentrationOf(amounts.map((amount, i) => ({ holder: `${i}`, amount })));
    expect(of(5n)).to.include({ count: 1, largest: 1, top10: 1, hhi: 10_000 });
    const alike = of(...Array.from({ length: 20 }, () => 7n));
    near(alike.hhi, 500, 1e-6);
    near(alike.top10, 0.5, 1e-9);
    near(of(60n, 30n, 10n).hhi, 3_600 + 900 + 100, 1e-6);
    expect(of(0n, -3n)).to.include({ count: 0, largest: 0, hhi: 0 });
    const same = concentrationOf([1n, 2n].map((amount) => ({ holder: "x", amount })));
    expect(same).to.include({ count: 1, total: 3n });
  });

  // ---------------------------------------------------------------- bad input

  it("finds the block of a time: the first at or after it, the last at or before it", async () => {
    const head = await pinBlock(rpc, undefined);
    const number = mark("traded");
    const block = await readBlock(rpc, toTag(number));
    const time = block?.timestamp ?? 0;
    expect((await blockAt(rpc, time, "first", 0, head))?.number).to.equal(number);
    expect((await blockAt(rpc, time, "last", 0, head))?.number).to.equal(number);
    expect((await blockAt(rpc, time + 1, "first", 0, head))?.number).to.equal(number + 1);
    expect((await blockAt(rpc, time - 1, "last", 0, head))?.number).to.equal(number - 1);
    expect(await blockAt(rpc, head.timestamp + 1, "first", 0, head)).to.equal(undefined);
    expect((await blockAt(rpc, head.timestamp + 1, "last", 0, head))?.number).to.equal(head.number);
    expect(await blockAt(rpc, 1, "last", 0, head)).to.equal(undefined);
    expect(parseWhen("2024-02-29", "from")).to.deep.equal({ time: 1_709_164_800 });
    expect(parseWhen("2024-02-29", "to")).to.deep.equal({ time: 1_709_251_199 });
    expect(parseWhen("2024-02-29T06:07Z", "to")).to.deep.equal({ time: 1_709_186_820 });
    expect(parseWhen("1234", "to")).to.deep.equal({ block: 1_234 });
    expect(parseAccount(`${p.alice.address}/7`)).to.equal(`${p.alice.address.toLowerCase()}${"7".padStart(24, "0")}`);
  });

  it("refuses in a line what cannot be, and writes nothing", async () => {
    const place = join(directory, "refused");
    mkdirSync(place);
    const account = p.alice.address;
    const whole: Partial<ReportOptions> = { account, from: "0" };
    const cases: [Partial<ReportOptions>, RegExp][] = [
      [{}, /^--account: say whose statement, or --protocol$/],
      [{ account: "0x12" }, /^--account: "0x12" is neither an account id/],
      [{ account: `${account}/-1` }, /^--account: .* is neither/],
      [{ account: `0x${"ab".repeat(32)}` }, /^--account: 0x(ab){32} has done nothing on chain 31337 up to block \d+$/],
      [{ account, from: "2026-02-30" }, /^--from: there is no 2026-02-30$/],
      [{ account, from: "2026-01-01T25:00:00Z" }, /^--from: there is no 2026-01-01T25:00:00Z$/],
      [{ account, to: "yesterday" }, /^--to: "yesterday" is neither a block, a day/],
      [{ account, to: "01/02/2026" }, /^--to: "01\/02\/2026" is neither/],
      [{ account, from: "2999-01-01" }, /^--from: 2999-01-01 is in the future$/],
      [{ account, to: "2999-01-01" }, /^--to: 2999-01-01 is in the future, the head is of /],
      [{ account, to: "999999999" }, /^--to: block 999999999 is in the future, the head is \d+$/],
      [{ account, to: "2001-01-01" }, /^--to: 2001-01-01 is before the deployment$/],
      [{ account, from: "20", to: "10" }, /^--from: block 20 is after --to, block 10$/],
      [{ account, samples: "0" }, /^--samples: "0" is not a number of blocks/],
      [{ account, block: "5" }, /^--block: is for --protocol/],
      [{ protocol: true, account }, /^--account: is for a statement/],
      [{ protocol: true, block: "99999999" }, /^--block: 99999999 is in the future/],
      [{ ...whole, rpc: "ftp://x" }, /^--rpc: "ftp:\/\/x" is no http/],
      [{ ...whole, out: join(directory, "deployment.json", "x") }, /^--out: cannot write: /],
    ];
    for (const [options, message] of cases) {
      const error = await writeReport({ ...base, out: join(place, "x"), ...options }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error, String(message)).to.be.instanceOf(UsageError).with.property("message").that.matches(message);
    }
    expect(readdirSync(place)).to.deep.equal([]);
  });

  it("leaves no half-written report when the endpoint dies, wherever that is", async () => {
    const place = join(directory, "died");
    mkdirSync(place);
    const options = { ...base, account: told.accounts.carol, out: join(place, "x"), samples: "10" };
    const before = bridge.requests();
    await writeReport({ ...options, out: join(directory, "lived") });
    const needed = bridge.requests() - before;
    const failure = async () =>
      writeReport(options).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    // retries would only wait longer
    for (const after of [Math.floor(needed / 2), needed - 1]) {
      bridge.dieAfter(after);
      expect(await failure(), `after ${after} of ${needed}`).to.be.instanceOf(EndpointError);
      bridge.dieAfter(Number.POSITIVE_INFINITY);
    }
    bridge.meddle((method) => (method === "eth_getTransactionReceipt" ? null : undefined));
    expect(await failure())
      .to.be.instanceOf(EndpointError)
      .with.property("message")
      .that.matches(/no receipt of 0x/);
    expect(readdirSync(place)).to.deep.equal([]);
  });
});
