// The numbers in docs/ are what the contracts say: tables under `<!-- checked: name -->` are read from the pages and compared.
// And what docs/ point to is there: files, functions, tests, headings.
import { existsSync, readdirSync, readFileSync } from "node:fs";

import { expect } from "chai";

import { toAnswer } from "../deploy/lib/localNetwork.ts";
import { type Haircut, unpackRiskTable } from "../sdk/tables/riskTable.ts";
import { AuctionMathHarness__factory } from "../types/ethers-contracts/index.js";
import { accountId, deployProtocol, MAX, type Protocol, WAD } from "./helpers/protocol.ts";

type Row = readonly string[];

const page = (name: string) => readFileSync(new URL(`../docs/${name}`, import.meta.url), "utf8");

/** The rows of the table under `<!-- checked: name -->`, without its head. */
const rowsOf = (text: string, name: string): Row[] => {
  const after = text.split(`<!-- checked: ${name} -->`)[1];
  if (after === undefined) throw new Error(`no table is marked "checked: ${name}"`);
  const lines = after.trimStart().split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  const cells = (line: string) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  return lines.slice(2, end).map(cells);
};

/** "−1,333.35", "42.35 %" or "450 s" as a number. */
const number = (cell: string | undefined): number => {
  const value = Number((cell ?? "").replaceAll(",", "").replace("−", "-").replace(/[%s]$/, ""));
  if (cell === undefined || cell === "" || Number.isNaN(value)) throw new Error(`"${cell}" is no number`);
  return value;
};

const fromWad = (value: bigint) => Number(value) / 1e18;
const percentOf = (value: bigint) => fromWad(value) * 100;
const dollars = (units: bigint) => Number(units) / 1e6;

/** Two decimals are printed. */
const HALF_A_CENT = 0.005_001;
/** What interest may add while an example's clock runs. */
const FIVE_CENTS = 0.05;

const same = (row: Row, from: number, actual: readonly number[], tolerance = HALF_A_CENT) => {
  actual.forEach((value, i) => {
    const printed = number(row[from + i]);
    expect(Math.abs(printed - value), `${row.join(" | ")}: ${printed}, is ${value}`).to.be.at.most(tolerance);
  });
};

describe("docs/margin.md", () => {
  const text = page("margin.md");
  let p: Protocol;

  beforeEach(async () => {
    p = await deployProtocol();
  });

  const holding = (asset: number, amount: bigint) => (BigInt(asset) << 240n) | BigInt.asUintN(128, amount);

  /** mtm, initial and maintenance of balances that no account needs to hold. */
  const marginsOf = async (...holdings: bigint[]) => {
    const account = accountId(p.alice.address);
    const [initial, maintenance, mtm] = await p.engine.midMargin(account, 0, holdings);
    expect(await p.engine.initialMargin(account, 0, holdings)).to.equal(initial); // one source: one price
    return [mtm, initial, maintenance].map(fromWad);
  };
  const long = () => [holding(p.ids.WETH, p.units("WETH", 10)), holding(p.ids.USDC, -p.units("USDC", 20_000))];

  it("a long account", async () => {
    for (const row of rowsOf(text, "long")) {
      await p.setPrice("WETH", number(row[0]));
      same(row, 1, await marginsOf(...long()));
    }
  });

  it("a short account", async () => {
    for (const row of rowsOf(text, "short")) {
      await p.setPrice("WETH", number(row[0]));
      const short = [holding(p.ids.USDC, p.units("USDC", 30_000)), holding(p.ids.WETH, -p.units("WETH", 8))];
      same(row, 1, await marginsOf(...short));
    }
  });

  it("a depeg of the settlement asset", async () => {
    for (const row of rowsOf(text, "depeg")) {
      await p.setPrice("USDC", number(row[0]));
      same(row, 1, await marginsOf(...long()));
    }
  });

  it("brackets", async () => {
    const [base] = await p.engine.haircuts(p.ids.WETH, 1n);
    for (const row of rowsOf(text, "brackets")) {
      const [initial, maintenance] = await p.engine.haircuts(p.ids.WETH, p.units("WETH", number(row[0])));
      same(row, 1, [initial - base, initial, maintenance].map(percentOf));
    }
  });

  it("κ: the live total counts in the initial haircut only", async () => {
    const [row] = rowsOf(text, "kappa") as [Row];
    await p.deposit(p.bob, "WETH", p.units("WETH", number(row[1])));
    const haircuts = await p.engine.haircuts(p.ids.WETH, p.units("WETH", number(row[0])));
    same(row, 2, haircuts.map(percentOf));
  });

  it("a group", async () => {
    const [inside, outside] = rowsOf(text, "group") as [Row, Row];
    const [collateral, debt] = [p.units("stETH", 10), p.units("WETH", 8)];
    same(inside, 1, await marginsOf(holding(p.ids.stETH, collateral), holding(p.ids.WETH, -debt)));
    const alone = await Promise.all([
      marginsOf(holding(p.ids.stETH, collateral)),
      marginsOf(holding(p.ids.WETH, -debt)),
    ]);
    same(
      outside,
      1,
      [0, 1, 2].map((i) => alone.reduce((sum, margins) => sum + (margins[i] ?? NaN), 0)),
    );
  });

  it("a vault share beside a debt of its pool", async () => {
    const [row] = rowsOf(text, "vault share") as [Row];
    const shares = holding(p.ids.pUSDC, p.units("USDC", 10_000));
    same(row, 0, await marginsOf(shares, holding(p.ids.USDC, -p.units("USDC", 6_000))));
  });

  it("the reduce-only rule", async () => {
    const { safe, alice, ids, units, networkHelpers } = p;
    const [before, ...tries] = rowsOf(text, "reduce-only") as [Row, ...Row[]];
    await p.lend(p.bob, "USDC", units("USDC", 1_000_000));
    await p.setPrice("WETH", 2_700);
    const account = await p.deposit(alice, "WETH", units("WETH", 10));
    await p.borrow(alice, "USDC", units("USDC", 21_500));
    await p.tokens.USDC.connect(alice).approve(safe, MAX);
    await p.setPrice("WETH", 2_500);

    const margins = async () => {
      const { mtm, initial, maintenance } = await p.lens.accountView(account);
      return [mtm, initial, maintenance, mtm - initial].map(fromWad);
    };
    same(before, 1, await margins());
    for (const row of tries) {
      const snapshot = await networkHelpers.takeSnapshot();
      const repaid = units("USDC", number(row[0]));
      const calls = [
        safe.interface.encodeFunctionData("reduceOnly", [account]),
        safe.interface.encodeFunctionData("withdraw", [account, ids.WETH, units("WETH", 1), alice.address]),
        safe.interface.encodeFunctionData("repay", [account, ids.USDC, repaid]),
      ].map((data) => ({ target: safe, data }));
      const session = safe.connect(alice).batch(calls);
      if (row[5] === "yes") {
        await session;
        same(row, 1, await margins());
      } else {
        await expect(session)
          .to.be.revertedWithCustomError(safe, "NotReduceOnly")
          .withArgs(account, p.ethers.encodeBytes32String("too much value lost"));
        const lost = number(before[1]) - number(row[1]);
        expect(lost).to.be.greaterThan(0.2 * (number(before[4]) - number(row[4])));
      }
      await snapshot.restore();
    }
  });
});

describe("docs/liquidation.md", () => {
  const text = page("liquidation.md");
  const ACCOUNT_WETH = 10;
  let p: Protocol;
  let account: string;
  let bidder: string;

  /** 10 WETH, 20,000 USDC owed; a bidder with margin of his own; then the price falls. */
  const fallTo = async (price: number) => {
    p = await deployProtocol();
    const { units } = p;
    await p.lend(p.bob, "USDC", units("USDC", 1_000_000));
    account = await p.deposit(p.alice, "WETH", units("WETH", ACCOUNT_WETH));
    // No claim in the pool that a write-off would cut.
    bidder = await p.deposit(p.dave, "WBTC", units("WBTC", 1));
    await p.borrow(p.alice, "USDC", units("USDC", 20_000));
    await p.feeds.WETH.updateAnswer(toAnswer(price));
  };

  /** Bids and says what the auction's event and the safe's result were. */
  const bid = async (fraction: bigint) => {
    const receipt = await (await p.safe.connect(p.dave).bid(account, bidder, fraction, MAX >> 1n)).wait();
    const [event] = await p.auction.queryFilter(p.auction.filters.AuctionBid(account), receipt?.blockNumber);
    if (event === undefined) throw new Error("no bid");
    const { fraction: taken, price, reserved } = event.args;
    return { fraction: taken, price, reserved, time: (await event.getBlock()).timestamp };
  };
  const at = async (time: number) => p.networkHelpers.time.setNextBlockTimestamp(time);
  const balance = async (who: string, asset: number) => p.safe.balanceOf(who, asset);

  it("the discount factor", async () => {
    await fallTo(2_150);
    const { start, cut, fast, slow } = await p.auction.parameters();
    const harness = await new AuctionMathHarness__factory(p.deployer).deploy();
    for (const row of rowsOf(text, "discount")) {
      const d = await harness.discountFactorUp(BigInt(number(row[0])), start, cut, fast, slow);
      same(row, 1, [percentOf(d)]);
    }
  });

  it("the worked auction", async () => {
    await fallTo(2_150);
    const [start] = rowsOf(text, "start") as [Row];
    const s = await p.auction.status(account);
    same(start, 0, [s.mtm, s.maintenance, s.bufferMargin].map(fromWad));
    same(start, 3, [s.discountFactor, s.maxFraction].map(percentOf));

    const [partial] = rowsOf(text, "partial") as [Row];
    const first = await bid(WAD / 5n);
    const afterFirst = await p.auction.status(account);
    same(partial, 0, [first.price, first.reserved].map(dollars));
    same(partial, 2, [afterFirst.mtm, afterFirst.maintenance].map(fromWad));

    const [largest] = rowsOf(text, "largest") as [Row];
    await at(first.time + 450);
    const before = await balance(account, p.ids.WETH);
    const second = await bid(MAX);
    const taken = before - (await balance(account, p.ids.WETH));
    const afterSecond = await p.auction.status(account);
    same(largest, 0, [percentOf(second.fraction)]);
    same(largest, 1, [dollars(second.price)]);
    same(largest, 2, [fromWad(taken)], 0.0001);
    const left = [afterSecond.mtm, afterSecond.maintenance, afterSecond.bufferMargin].map(fromWad);
    same(largest, 3, left, FIVE_CENTS);
    const [debt] = /owes ([\d,.]+) USDC\. The auction is over/.exec(text)?.slice(1) ?? [];
    same([debt ?? ""], 0, [dollars(-(await balance(account, p.ids.USDC)))], FIVE_CENTS);
    expect(await p.safe.portfolio(account).then(({ flags }) => flags & (1n << 9n))).to.equal(0n);
  });

  it("the insolvent phase", async () => {
    await fallTo(1_900);
    await p.auction.connect(p.keeper).start(account, `0x${"00".repeat(32)}`);
    const started = await p.networkHelpers.time.latest();
    let now = 0;
    for (const row of rowsOf(text, "insolvent")) {
      // One tick counts 15 minutes at most.
      for (; now < number(row[0]); now += 900) {
        await at(started + now + 900);
        await p.auction.poke(account);
      }
      const { clock, priceOfMax } = await p.auction.status(account);
      expect(Number(clock)).to.equal(number(row[0]));
      same(row, 1, [dollars(-priceOfMax)], FIVE_CENTS);
    }
  });

  it("insurance and write-off", async () => {
    await fallTo(1_900);
    const { units, ids } = p;
    const [row] = rowsOf(text, "write-off") as [Row];
    await p.mint("USDC", p.carol, units("USDC", 300));
    await p.tokens.USDC.connect(p.carol).approve(p.insuranceFund, MAX);
    await p.insuranceFund.connect(p.carol).donate(units("USDC", 300));
    await p.auction.connect(p.keeper).start(account, `0x${"00".repeat(32)}`);
    const owed = -(await balance(account, ids.USDC));
    await at((await p.networkHelpers.time.latest()) + 900);
    const { price } = await bid(MAX);
    const [taken] = await p.safe.queryFilter(p.safe.filters.BidTaken(account));
    if (taken === undefined) throw new Error("no bid");
    const { fromInsurance, writtenOff } = taken.args;
    same(
      row,
      0,
      [dollars(-price), dollars(fromInsurance), dollars(writtenOff), dollars(owed - writtenOff)],
      FIVE_CENTS,
    );
    same(row, 4, [dollars(await balance(bidder, ids.USDC)) + ACCOUNT_WETH * 1_900], FIVE_CENTS);
    expect(await balance(account, ids.WETH)).to.equal(0n);
    expect(await balance(account, ids.USDC)).to.equal(0n);
  });

  it("a stake before, during and after a loss (L2)", async () => {
    await fallTo(1_900);
    const { units, insuranceFund: fund, carol, dave } = p;
    const [before, during, afterwards] = rowsOf(text, "stakes") as [Row, Row, Row];
    for (const [who, amount] of [
      [carol, 300],
      [dave, 1_000],
    ] as const) {
      await p.mint("USDC", who, units("USDC", amount));
      await p.tokens.USDC.connect(who).approve(fund, MAX);
    }
    await fund.connect(carol).donate(units("USDC", 300));
    await fund.connect(dave).deposit(units("USDC", 1_000), dave);
    const stake = await fund.balanceOf(dave);
    const state = async () => [dollars(await fund.ownPart()), dollars(await fund.convertToAssets(stake))];
    same(before, 1, await state(), FIVE_CENTS);
    await p.auction.connect(p.keeper).start(account, `0x${"00".repeat(32)}`);
    same(during, 1, await state(), FIVE_CENTS);
    await at((await p.networkHelpers.time.latest()) + 900);
    await bid(MAX);
    same(afterwards, 1, await state(), FIVE_CENTS);
  });
});

describe("docs/risk-parameters.md", () => {
  const text = page("risk-parameters.md");
  let p: Protocol;

  before(async () => {
    p = await deployProtocol();
  });

  const bps = (value: number | undefined) => (value ?? 0) / 100;

  it("the table of the local network", async () => {
    const table = unpackRiskTable(await p.engine.table());
    const haircuts: Record<string, Haircut | undefined> = {
      USDC: table.pools[0]?.haircut,
      WETH: table.pools[1]?.haircut,
      WBTC: table.pools[2]?.haircut,
      stETH: table.idles[0]?.haircut,
      pUSDC: table.vaultShares[0]?.haircut,
      pWETH: table.vaultShares[1]?.haircut,
      pWBTC: table.vaultShares[2]?.haircut,
    };
    const rows = rowsOf(text, "local haircuts");
    expect(rows.map(([name]) => name)).to.deep.equal(Object.keys(haircuts));
    for (const row of rows) {
      const h = haircuts[row[0] ?? ""];
      const group = h?.group;
      same(row, 1, [bps(h?.maintenanceBps), bps(h?.initialExtraBps), bps(h?.kappaBps)]);
      expect(row[4]).to.equal(
        group ? `${group.id}: ${bps(group.maintenanceBps)} % / ${bps(group.initialExtraBps)} %` : "–",
      );
    }
  });

  it("the auction of the local network", async () => {
    const q = await p.auction.parameters();
    const actual: Record<string, number> = {
      start: percentOf(q.start),
      cut: percentOf(q.cut),
      fast: Number(q.fast),
      slow: Number(q.slow),
      buffer: percentOf(q.buffer),
      dustThreshold: fromWad(q.dustThreshold),
      insuranceTime: Number(q.insuranceTime),
      q: percentOf(q.q),
      feePart: Number(q.feePart) / 100,
    };
    const rows = rowsOf(text, "local auction");
    expect(rows.map(([name]) => name?.replaceAll("`", ""))).to.deep.equal(Object.keys(actual));
    for (const row of rows) same(row, 3, [actual[row[0]?.replaceAll("`", "") ?? ""] ?? NaN]);
  });

  it("the perps of the local network", async () => {
    const { positions } = p.derivatives();
    const numbersOf = async (underlying: number): Promise<Record<string, number>> => {
      const { config } = await positions.perpMarket(underlying);
      return {
        clamp: percentOf(config.clamp),
        maxPremiumAge: Number(config.maxPremiumAge),
        openInterestCap: fromWad(config.openInterestCap),
        risePerHour: Number(config.risePerHour) / 100,
      };
    };
    const [ether, bitcoin] = [await numbersOf(p.ids.WETH), await numbersOf(p.ids.WBTC)];
    const rows = rowsOf(text, "local perps");
    expect(rows.map(([name]) => name?.replaceAll("`", ""))).to.deep.equal(Object.keys(ether));
    for (const row of rows) {
      const name = row[0]?.replaceAll("`", "") ?? "";
      same(row, 3, [ether[name] ?? NaN, bitcoin[name] ?? NaN]);
    }
  });

  it("the attestations' limits of the local network", async () => {
    const millionths = (value: bigint) => Number(value) / 10_000;
    for (const underlying of [p.ids.WETH, p.ids.WBTC]) {
      const limits = await p.derivatives().attestedFeed.limitsOf(underlying);
      const actual: Record<string, number> = {
        postAge: Number(limits.postAge),
        maxAge: Number(limits.maxAge),
        deadAge: Number(limits.deadAge),
        decay: Number(limits.decay),
        stress: Number(limits.stress) / 100,
        premiumJump: millionths(limits.premiumJump),
        forwardJump: millionths(limits.forwardJump),
        volJump: millionths(limits.volJump),
      };
      const rows = rowsOf(text, "local attestations");
      expect(rows.map(([name]) => name?.replaceAll("`", ""))).to.deep.equal(Object.keys(actual));
      for (const row of rows) same(row, 3, [actual[row[0]?.replaceAll("`", "") ?? ""] ?? NaN]);
    }
  });
});

describe("what docs/ point to", () => {
  const root = new URL("../", import.meta.url);

  /** Code spans and quoted test names, in their order on the page. */
  const references = (text: string) =>
    [...text.matchAll(/"([^"\n]+)"|`([^`\n]+)`/g)].map(([, quoted, code]) => ({ quoted, code }));

  const isFile = (code: string) => /^(contracts|test|deploy|scripts|keeper)\/[\w./-]+\.(sol|ts|mjs)$/.test(code);
  const isFunction = (code: string) => /^(_?\w+\(\)|(test|testFuzz|invariant)_\w+)$/.test(code);

  for (const name of ["threat-model.md", "invariants.md"]) {
    it(`${name}: every file, function and test is there`, () => {
      const missing: string[] = [];
      let file = "";
      let source = "";
      for (const { quoted, code } of references(page(name))) {
        if (code !== undefined && isFile(code)) {
          file = code;
          source = existsSync(new URL(file, root)) ? readFileSync(new URL(file, root), "utf8") : "";
          if (source === "") missing.push(file);
        } else if (code !== undefined && isFunction(code) && file.endsWith(".sol")) {
          if (!source.includes(`function ${code.replace("()", "")}(`)) missing.push(`${file}: ${code}`);
        } else if (quoted !== undefined && file.startsWith("test/")) {
          if (!source.includes(`it("${quoted}"`)) missing.push(`${file}: "${quoted}"`);
        }
      }
      expect(missing).to.deep.equal([]);
    });
  }

  it("the gas table of the README is bench/gas.json (`npx tsx bench/table.ts` writes it)", () => {
    const { ops } = JSON.parse(readFileSync(new URL("bench/gas.json", root), "utf8")) as {
      ops: Record<string, number>;
    };
    const [, table] = readFileSync(new URL("README.md", root), "utf8").split("<!-- gas: written by bench/table.ts -->");
    const ours = (table ?? "").split("\n").flatMap((line) => line.split("|")[2]?.trim() ?? []);
    expect(ours).to.include.members(Object.values(ops).map((gas) => gas.toLocaleString("en-US")));
  });

  it("every link leads to a page, and to a heading on it", () => {
    const read = (file: string) => readFileSync(new URL(file, root), "utf8");
    const pages = ["README.md", ...readdirSync(new URL("docs", root)).map((file) => `docs/${file}`)];
    const anchors = (file: string) =>
      [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
        (heading ?? "")
          .toLowerCase()
          .replace(/[^\p{L}\p{N} _-]/gu, "")
          .replaceAll(" ", "-"),
      );
    const broken: string[] = [];
    for (const from of pages.filter((file) => file.endsWith(".md"))) {
      for (const [, target] of read(from).matchAll(/\]\(([^)\s]+)\)/g)) {
        // Pictures come from a run of the demo.
        if (target === undefined || /^https?:|\.png$/.test(target)) continue;
        const [path, anchor] = target.split("#");
        const to = path ? new URL(path, new URL(from, root)) : new URL(from, root);
        const isThere =
          existsSync(to) && (anchor === undefined || anchors(to.pathname.slice(root.pathname.length)).includes(anchor));
        if (!isThere) broken.push(`${from}: ${target}`);
      }
    }
    expect(broken).to.deep.equal([]);
  });
});
