import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import {
  builtInPath,
  CandleError,
  loadPath,
  parseCandles,
  type PricePath,
  type PricePoint,
  rounds,
} from "../replay/candles.ts";
import { castRoles } from "../scripts/demo/cast.ts";
import { BOOKS } from "../replay/derivatives/books.ts";
import { calendarOf } from "../replay/derivatives/calendar.ts";
import { parseHints } from "../replay/derivatives/hints.ts";
import { marketOf } from "../replay/derivatives/market.ts";
import { pairsOf } from "../replay/derivatives/settler.ts";
import type { Audited } from "../scripts/demo/summary.ts";
import type { DerivativesSummary } from "../scripts/demo/derivatives/summary.ts";
import { fromWad, Surface } from "../replay/derivatives/surface.ts";
import { grid, surfaceViolations, YEAR_SECONDS } from "../sdk/svi.ts";
import {
  type BidFacts,
  INVARIANT_IDS,
  type InvariantId,
  type PoolFacts,
  type Snapshot,
  violations,
} from "../replay/invariants.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WAD = 10n ** 18n;

describe("Demo: candles", () => {
  const HEADER = "ts,eth_open,eth_high,eth_low,eth_close,btc_open,btc_high,btc_low,btc_close";
  const csv = (...rows: string[]) => [HEADER, ...rows].join("\n");
  const RISING = "1000,100,110,90,105,1000,1100,900,1050";
  const FALLING = "4600,100,110,90,95,1000,1100,900,950";

  it("replays open, the extremes in the adverse order, close", () => {
    const points = parseCandles(csv(RISING, FALLING), "x.csv");
    expect(points.map(({ eth }) => eth)).to.deep.equal([100, 90, 110, 105, 100, 110, 90, 95]);
    expect(points.map(({ time }) => time)).to.deep.equal([1000, 1900, 2800, 3700, 4600, 5500, 6400, 7300]);
    expect(points.map(({ kind }) => kind).slice(0, 4)).to.deep.equal(["open", "extreme", "extreme", "close"]);
  });

  it("speaks like a Chainlink feed: when a price has moved half a percent, or after an hour", () => {
    const point = (time: number, eth: number, btc = 1000): PricePoint => ({ time, eth, btc, kind: "extreme" });
    const spoken = rounds([
      point(0, 100),
      point(900, 100.4),
      point(1800, 100.4, 1006),
      point(2700, 100.7, 1006),
      point(5400, 100.4, 1006),
      point(6300, 99.8, 1006),
      point(7200, 99.9, 1006),
    ]);
    expect(spoken.map(({ time }) => time)).to.deep.equal([0, 1800, 5400, 6300, 7200]);
  });

  it("takes any two assets, and short names of columns", () => {
    const header = "ts,sol_o,sol_h,sol_l,sol_c,bnb_o,bnb_h,bnb_l,bnb_c";
    const [first] = parseCandles([header, RISING, FALLING].join("\r\n"), "x.csv");
    expect(first).to.include({ eth: 100, btc: 1000 });
  });

  const refusals: [string, string, RegExp][] = [
    ["an empty file", "", /x\.csv: is empty/],
    ["no time", csv(RISING, FALLING).replace("ts", "date"), /no column ts/],
    ["one asset only", "ts,eth_open,eth_high,eth_low,eth_close\n1,1,1,1,1\n2,1,1,1,1", /two assets/],
    ["a missing column", csv(RISING, FALLING).replace("btc_low", "btc_bottom"), /no column btc_l or btc_low/],
    ["a price that is none", csv(RISING.replace("110", "many"), FALLING), /row 2, column eth_high: "many" is no price/],
    ["an empty cell", csv(RISING, FALLING.replace("1100", "")), /row 3, column btc_high: "" is no price/],
    ["a negative price", csv(RISING, FALLING.replace("950", "-950")), /row 3, column btc_close: "-950" is no price/],
    ["a row that ends early", csv(RISING, "4600,100,110"), /row 3, column eth_low: "" is no price/],
    ["a high below the close", csv(RISING.replace("110", "101"), FALLING), /row 2: low and high do not enclose/],
    ["time that stands still", csv(RISING, FALLING.replace("4600", "1000")), /row 3: ts does not rise/],
    ["a single candle", csv(RISING), /at least two candles/],
  ];
  for (const [what, text, message] of refusals) {
    it(`refuses ${what} by name`, () => {
      expect(() => parseCandles(text, "x.csv")).to.throw(CandleError, message);
    });
  }

  it("says which path it took: the file, the recorded crash, or the built-in one", () => {
    expect(() => loadPath("nowhere.csv", "also/nowhere.csv", tmpdir())).to.throw(
      CandleError,
      /nowhere\.csv: no such file/,
    );
    const path = loadPath(undefined, join(tmpdir(), "plimsoll", "nowhere.csv"), tmpdir());
    expect(path.source).to.match(/built-in/);
    expect(path).to.deep.equal(builtInPath());
    expect(path.points.every(({ time }, i) => i === 0 || time > (path.points[i - 1]?.time ?? 0))).to.equal(true);
  });
});

describe("Demo: volatility and funding", () => {
  const HEADER = "ts,btc_o,btc_h,btc_l,btc_c,eth_o,eth_h,eth_l,eth_c,btc_dvol,btc_funding8h,eth_funding8h";
  const ROWS = [
    "3600,1000,1100,900,1050,100,110,90,105,0.8,0.0002,",
    "7200,1050,1100,900,950,105,110,90,95,,,-0.003",
    "10800,950,1100,900,950,95,110,90,95,1.5,,",
  ];
  const pathOf = (...rows: string[]): PricePath => {
    const text = [HEADER, ...rows].join("\n");
    return { source: "x.csv", points: parseCandles(text, "x.csv"), hints: parseHints(text, "x.csv", ["eth", "btc"]) };
  };

  it("takes them from the file from the moment on at which they are known", () => {
    const market = marketOf(pathOf(...ROWS));
    const at = (time: number) => market.find((each) => each.time === time)?.coins;
    expect(at(3600)).to.deep.equal({
      WETH: { volatility: 0.8 * 1.2, premium: 0.0001 },
      WBTC: { volatility: 0.8, premium: 0.0002 },
    });
    expect(at(7200)?.WETH.premium).to.equal(-0.003);
    expect(at(10_799 + 1)?.WBTC).to.deep.equal({ volatility: 1.5, premium: 0.0002 });
  });

  it("goes by what prices did where the file is silent, without looking ahead", () => {
    const silent = ROWS.map((row) => row.replace("0.8", "").replace("1.5", ""));
    const market = marketOf(pathOf(...silent));
    const calm = marketOf(pathOf(...silent.slice(0, 2)));
    expect(market[0]?.coins.WETH.volatility).to.be.greaterThan(0.4);
    expect(market.slice(0, 4)).to.deep.equal(calm.slice(0, 4));
    expect(market.at(-1)?.coins.WETH.volatility).to.be.greaterThan(market[0]?.coins.WETH.volatility ?? 0);
  });

  it("refuses a volatility that cannot be, by name", () => {
    expect(() => pathOf(...ROWS.map((row) => row.replace("0.8", "-0.8")))).to.throw(
      CandleError,
      /row 2, column btc_dvol: "-0.8" cannot be/,
    );
  });

  it("draws smiles without arbitrage at any volatility, also seconds before an expiry", () => {
    const now = 1_583_971_200;
    for (const volatility of [0.3, 0.8, 2.2]) {
      for (const left of [5, 900, 86_400, 20 * 86_400]) {
        const expiries = [now + left, now + left + 14 * 86_400];
        const surface = new Surface(2, now, 200, { volatility, premium: -0.003 }, expiries);
        const smiles = surface.attestations().flatMap((each) => (each.kind === "surface" ? each.value.slices : []));
        const slices = smiles.map((slice) => ({
          expiry: slice.expiry,
          time: (slice.expiry - now) / YEAR_SECONDS,
          forward: fromWad(slice.forwardReference),
          svi: {
            a: fromWad(slice.a),
            b: fromWad(slice.b),
            rho: fromWad(slice.rho),
            m: fromWad(slice.m),
            sigma: fromWad(slice.sigma),
          },
        }));
        expect(slices).to.have.length(2);
        expect(surfaceViolations(slices, grid(-1, 1, 41))).to.deep.equal([]);
      }
    }
  });
});

describe("Demo: books", () => {
  const { points } = builtInPath();
  const calendar = calendarOf(points);

  it("has every kind of book: covered, short, calendar, hedged and naked, in both coins", () => {
    const legs = BOOKS.flatMap((book) => book.legs.map((leg) => ({ ...leg, book })));
    expect(new Set(BOOKS.map(({ coin }) => coin))).to.deep.equal(new Set(["WETH", "WBTC"]));
    expect(BOOKS.some(({ hedged }) => hedged)).to.equal(true);
    expect(BOOKS.some(({ stopAt }) => stopAt !== undefined)).to.equal(true);
    expect(BOOKS.some(({ legs: own }) => own.length > 2)).to.equal(true);
    expect(legs.some(({ what, ratio, book }) => what === "call" && ratio < 0 && book.collateral === "coin")).to.equal(
      true,
    );
    expect(legs.some(({ what }) => what === "perp")).to.equal(true);
    expect(new Set(legs.flatMap((leg) => (leg.what === "perp" ? [] : [leg.expiry])))).to.deep.equal(
      new Set(["near", "far"]),
    );
  });

  it("lists an expiry that settles inside the replay, with its window, and one that does not", () => {
    const [first, last] = [points[0]?.time ?? 0, points.at(-1)?.time ?? 0];
    expect(calendar.near - 1800).to.be.greaterThan(first);
    expect(calendar.near).to.be.lessThan(last);
    expect(calendar.far).to.be.greaterThan(last);
    expect(calendar.near % 86_400).to.equal(8 * 3600);
    for (const coin of ["WETH", "WBTC"] as const) {
      const strikes = calendar.strikes[coin];
      expect([...strikes].sort((a, b) => a - b)).to.deep.equal(strikes);
      expect(new Set(strikes).size).to.equal(strikes.length);
    }
  });

  it("pairs losers with winners, the largest first, and takes no more than either has", () => {
    const unit = 10n ** 12n;
    const pairs = pairsOf([
      { account: "a", amount: 1_000n * WAD },
      { account: "b", amount: 500n * WAD },
      { account: "c", amount: -1_200n * WAD },
      { account: "d", amount: -50n * WAD },
    ]);
    expect(pairs.map(({ winner, loser }) => winner + loser)).to.deep.equal(["ac", "bc"]);
    expect((pairs[0]?.amount ?? 0n) * unit < 1_000n * WAD).to.equal(true);
    expect((pairs[1]?.amount ?? 0n) * unit < 200n * WAD).to.equal(true);
    expect((pairs[1]?.amount ?? 0n) * unit > 199n * WAD).to.equal(true);
  });
});

describe("Demo: cast", () => {
  const roles = castRoles();

  it("has at least 40 accounts at the start, long and short, from 1.5 to 5 times, some of them isolated", () => {
    expect(roles.filter(({ opensAt }) => opensAt === 0)).to.have.length.of.at.least(40);
    expect(Math.min(...roles.map(({ leverage }) => leverage))).to.equal(1.5);
    expect(Math.max(...roles.map(({ leverage }) => leverage))).to.equal(5);
    expect(roles.filter(({ index }) => index === 1)).to.have.length.of.at.least(5);
    for (const { person, index } of roles) {
      if (index === 1) expect(roles.some((each) => each.person === person && each.index === 0)).to.equal(true);
    }
  });

  it("is the same every time", () => {
    expect(castRoles()).to.deep.equal(roles);
  });
});

describe("Demo: invariants", () => {
  const pool: PoolFacts = {
    symbol: "USDC",
    asset: 1,
    shareAsset: 0x801,
    held: 600n,
    claims: 1_000n,
    debts: 400n,
    lenderShares: 700n,
    accountShares: 300n,
    debtShares: 400n,
    supplyIndex: 10n ** 15n,
    debtIndex: 10n ** 15n,
    vaultHoldings: 700n,
    vaultCollateral: 50n,
  };
  const bid: BidFacts = {
    account: "0xa",
    block: 7,
    fraction: WAD / 2n,
    maxFraction: WAD / 2n,
    discountFactor: (WAD * 9n) / 10n,
    reserved: 450_000_000n,
    price: 450_000_000n,
    fromInsurance: 0n,
    writtenOff: 0n,
    before: { maintenance: -100n * WAD, mtm: 1_000n * WAD },
    after: { maintenance: 20n * WAD },
    fundAfter: 5n,
    hasLedger: false,
  };
  const insolvent: BidFacts = {
    ...bid,
    fraction: WAD,
    maxFraction: WAD,
    discountFactor: 0n,
    reserved: 0n,
    price: -120_000_000n,
    fromInsurance: 120_000_000n,
    before: { maintenance: -300n * WAD, mtm: -100n * WAD },
    after: { maintenance: 0n },
  };
  const sound: Snapshot = {
    block: 9,
    pools: [pool],
    accounts: [
      {
        account: "0xa",
        pending: false,
        entries: [
          { asset: 1, shares: 300n },
          { asset: 0x801, shares: 50n },
        ],
      },
      { account: "0xb", pending: false, entries: [{ asset: 1, shares: -400n }] },
    ],
    tokens: [{ symbol: "USDC", supply: 900n, held: 900n, least: 0n }],
    leftovers: [{ holder: "router", symbol: "USDC", amount: 0n }],
    bids: [bid, insolvent],
    writeOffs: [],
    openings: [{ name: "long", initial: 0n }],
    insuranceShare: WAD / 10n,
    ledger: {
      quote: 0n,
      sizes: [{ instrument: 1n, sum: 0n }],
    },
  };
  const writeOff = { asset: 1, account: "0xa", assets: 10n, block: 7 };
  const withPool = (changes: Partial<PoolFacts>): Snapshot => ({ ...sound, pools: [{ ...pool, ...changes }] });
  const withBid = (changes: Partial<BidFacts>): Snapshot => ({ ...sound, bids: [{ ...bid, ...changes }] });
  const withInsolvent = (changes: Partial<BidFacts>): Snapshot => ({ ...sound, bids: [{ ...insolvent, ...changes }] });

  it("finds nothing wrong with a sound state", () => {
    expect(violations(sound, sound)).to.deep.equal([]);
    const cut = withInsolvent({
      price: -130_000_000n,
      fromInsurance: 20_000_000n,
      writtenOff: 100_000_000n,
      fundAfter: 0n,
    });
    const after = { ...cut, writeOffs: [writeOff], pools: [{ ...pool, supplyIndex: pool.supplyIndex - 1n }] };
    expect(violations(after, sound)).to.deep.equal([]);
  });

  it("lets the value of options move in the seconds before a bid, and no further", () => {
    const moved = (by: bigint) =>
      violations(
        withBid({
          hasLedger: true,
          before: { maintenance: -100n * WAD, mtm: 1_000n * WAD },
          after: { maintenance: -100n * WAD - by },
        }),
        sound,
      );
    expect(moved(WAD)).to.deep.equal([]);
    expect(moved(4n * WAD)).to.have.length(1);
  });

  const doctored: Record<InvariantId, [string, Snapshot][]> = {
    V1: [["a token is missing", withPool({ held: 599n })]],
    V2: [
      ["supply shares do not add up", withPool({ accountShares: 301n })],
      ["debt shares do not add up", withPool({ debtShares: 399n })],
      ["vault shares do not add up", withPool({ vaultHoldings: 701n })],
      ["vault shares as collateral do not add up", withPool({ vaultCollateral: 49n })],
    ],
    V3: [
      ["the supply index falls without a write-off", withPool({ supplyIndex: 10n ** 15n - 1n })],
      ["the debt index falls", withPool({ debtIndex: 10n ** 15n - 1n })],
    ],
    A2: [["an account opens below its initial margin", { ...sound, openings: [{ name: "long", initial: -1n }] }]],
    A4: [
      [
        "a check is pending between transactions",
        { ...sound, accounts: sound.accounts.map((account, i) => ({ ...account, pending: i === 0 })) },
      ],
    ],
    L1: [
      ["a healthy account is bid on", withBid({ before: { maintenance: 0n, mtm: 1_000n * WAD } })],
      ["more than f_max is taken", withBid({ fraction: bid.maxFraction + 1n })],
      ["a bid lowers maintenance", withBid({ after: { maintenance: -101n * WAD } })],
    ],
    L2: [
      ["a bidder pays less than the discount allows", withBid({ price: 200_000_000n, reserved: 200_000_000n })],
      ["the fund pays for a solvent account", withBid({ fromInsurance: 1n })],
      ["a bidder is paid more than is due", withInsolvent({ fromInsurance: 121_000_000n })],
      ["debt is written off while the fund has money", { ...withInsolvent({ writtenOff: 1n }), writeOffs: [writeOff] }],
      ["a write-off cuts no debt", withInsolvent({ writtenOff: 1n, fundAfter: 0n })],
      ["debt is cut without a bid", { ...sound, writeOffs: [{ ...writeOff, block: 8 }] }],
    ],
    D1: [
      ["quotes do not add up to nothing", { ...sound, ledger: { ...sound.ledger, quote: 1n } }],
      ["positions do not add up", { ...sound, ledger: { quote: 0n, sizes: [{ instrument: 1n, sum: -1n }] } }],
    ],
    tokens: [
      ["tokens appear", { ...sound, tokens: [{ symbol: "USDC", supply: 900n, held: 901n, least: 0n }] }],
      [
        "somebody has less than nothing",
        { ...sound, tokens: [{ symbol: "USDC", supply: 900n, held: 900n, least: -1n }] },
      ],
      ["a router keeps something", { ...sound, leftovers: [{ holder: "router", symbol: "USDC", amount: 1n }] }],
    ],
  };
  for (const id of INVARIANT_IDS) {
    for (const [what, snapshot] of doctored[id]) {
      it(`${id}: is broken when ${what}`, () => {
        expect(violations(snapshot, sound).map((each) => each.id)).to.include(id);
      });
    }
  }
});

describe("Demo: npm start", function () {
  this.timeout(240_000);
  let directory: string;
  const started = new Set<ChildProcess>();

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "plimsoll-demo-test-"));
  });
  after(() => {
    for (const child of started) child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });

  /** As `npm start` does, but where the test can send it signals. */
  const start = (...options: string[]) => {
    const tsx = import.meta.resolve("tsx");
    const child = spawn(process.execPath, ["--import", tsx, join(ROOT, "scripts", "demo.ts"), ...options], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, INIT_CWD: directory },
    });
    started.add(child);
    let [out, err] = ["", ""];
    child.stdout.on("data", (data: Buffer) => (out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    const ended = new Promise<number | null>((resolve) => {
      child.once("close", (code) => {
        started.delete(child);
        resolve(code);
      });
    });
    return { child, ended, out: () => out, err: () => err };
  };

  /** Of its process tree, by parent. */
  const childrenOf = (pid: number): number[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(/\s+/).filter(Boolean).map(Number);
  const isAlive = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };

  const crash = () => {
    const file = join(directory, "crash.csv");
    writeFileSync(
      file,
      [
        "ts,eth_o,eth_h,eth_l,eth_c,btc_o,btc_h,btc_l,btc_c",
        "1583971200,200,202,172,175,8000,8050,7000,7100",
        "1583974800,175,176,150,165,7100,7150,6300,6700",
      ].join("\n"),
    );
    return file;
  };

  it("replays a crash through chain, keeper and pools; the JSON is all it prints", async () => {
    const run = start("--json", "--candles", crash());
    expect(await run.ended, run.err()).to.equal(0);
    const summary = JSON.parse(run.out()) as Record<string, unknown>;
    expect(summary["accounts"]).to.be.at.least(40);
    expect(summary["liquidated"]).to.be.at.least(1);
    expect(summary["violations"]).to.deep.equal([]);
    expect(summary["keeperLate"]).to.equal(0);
    const audit = summary["audit"] as Audited;
    expect(audit.findings).to.deep.equal([]);
    expect(audit.differences).to.equal(0);
    expect(audit.events).to.be.greaterThan(1_000);
    const derivatives = summary["derivatives"] as DerivativesSummary;
    const models = derivatives.books.map(({ model }) => model);
    expect(models.filter((model) => model === "portfolio")).to.have.length(BOOKS.length);
    expect(models.filter((model) => model === "standard")).to.have.length(BOOKS.length);
    // Each book opened, and two of them sold what they had at their stops.
    expect(derivatives.fills).to.be.at.least(2 * BOOKS.length + 2);
    expect(derivatives.liquidated).to.be.at.least(1);
    expect(derivatives.settlements).to.be.at.least(1);
    expect(derivatives.funding).to.be.greaterThan(0);
    // The average of the last half hour before one o'clock: prices between 172 and 176.
    const [ether] = derivatives.expiries;
    expect(ether?.at).to.equal("2020-03-12T01:00:00Z");
    expect(ether?.settlementPrice).to.be.within(172, 176);
    const report = readFileSync(join(ROOT, "out", "report.html"), "utf8");
    expect(report).to.not.match(/(src|href)=["']?https?:/);
    expect(report).to.not.match(/\{\{[A-Z]+\}\}/);
  });

  it("leaves no process behind when stopped in the middle", async function () {
    if (process.platform !== "linux") this.skip(); // looks into /proc
    const run = start("--candles", crash());
    const { pid } = run.child;
    if (pid === undefined) throw new Error("no process");
    const isReplaying = () => run.out().includes("Replaying");
    while (!isReplaying() && run.child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 50));
    const children = childrenOf(pid);
    const grandchildren = children.flatMap(childrenOf);
    expect(children, run.err()).to.have.length.of.at.least(2);
    run.child.kill("SIGINT");
    expect(await run.ended).to.equal(130);
    expect([...children, ...grandchildren].filter(isAlive)).to.deep.equal([]);
  });

  const mistakes: [string, string[], RegExp][] = [
    ["a missing file", ["--candles", "nowhere.csv"], /^demo: nowhere\.csv: no such file$/m],
    ["an unknown option", ["--candle", "x"], /Unknown option '--candle'[\s\S]*Usage: npm start/],
  ];
  for (const [what, options, message] of mistakes) {
    it(`says in a message what is wrong with ${what}`, async () => {
      const run = start(...options);
      expect(await run.ended).to.equal(2);
      expect(run.err()).to.match(message);
      expect(run.err()).to.not.match(/^\s+at /m);
    });
  }
});
