// The stress tool: what it is told, who its people are, how it counts, and one small run with a shock and a killed keeper.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";
import fc from "fast-check";

import { localConfig, LOCAL_GOVERNANCE } from "../deploy/config/local.ts";
import { MODELS } from "../replay/derivatives/books.ts";
import type { PricePoint } from "../replay/candles.ts";
import { UsageError } from "../stress/errors.ts";
import { changesBetween, edgesOf, faultsOf, isOn } from "../stress/faults.ts";
import { writeAll } from "../stress/files.ts";
import { parseOptions } from "../stress/options.ts";
import { adjust, checkParameters, efficiencyOf, overridesText, parseOverrides } from "../stress/parameters.ts";
import { EQUITY, LEVERAGE, leverageAt, pareto, populationOf } from "../stress/population.ts";
import type { StressResult } from "../stress/result.ts";
import { parseShock, progressAt, shockPath } from "../stress/shock.ts";
import { BLOCK_S, blocksOf, Spells } from "../stress/spells.ts";
import { byHour, percentile, worstFall } from "../stress/statistics.ts";
import { argumentsOf, combinations, frontier } from "../stress/sweep.ts";
import { windowOf, withTimes, worstMoment } from "../stress/window.ts";
import { Wire } from "../stress/wire.ts";
import { atLeast, atMost, between, near } from "./helpers/floats.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SHOCK = ["--shock", "ETH=-40%,BTC=-30%,vol=+80%"];

describe("Stress: what it is told", () => {
  it("knows the whole command line of the issue", () => {
    const options = parseOptions([
      ...[...SHOCK, "--hours", "6", "--accounts", "2000", "--gas-price-spike", "20x", "--oracle-delay", "10m"],
      ...["--keepers", "3", "--pool-depth", "0.3", "--seed", "7", "--json", "--out", "x", "--keeper-outage", "90s"],
    ]);
    expect(options).to.deep.include({ hours: 6, accounts: 2000, keepers: 3, seed: 7, json: true, out: "x" });
    expect(options?.source).to.deep.include({ kind: "shock", shock: { eth: -0.4, btc: -0.3, vol: 0.8 } });
    expect(options?.faults).to.deep.equal({
      ...{ gasPriceSpike: 20, oracleDelay: 600, poolDepth: 0.3, keeperOutage: 90, rpcOutage: 0 },
    });
  });

  it("replays whole candle files and six hours of a shock unless told otherwise", () => {
    expect(parseOptions(["--candles", "x.csv"])?.hours).to.equal(undefined);
    expect(parseOptions(SHOCK)?.hours).to.equal(6);
    expect(parseOptions(["--help"])).to.equal(undefined);
  });

  const refusals: [string, string[], RegExp][] = [
    ["neither candles nor a shock", [], /--candles or --shock is missing/],
    ["both", ["--candles", "x", ...SHOCK], /--candles and --shock: only one/],
    ["an unknown asset", ["--shock", "DOGE=-40%"], /--shock: unknown asset "DOGE"/],
    ["a shock without a percent sign", ["--shock", "ETH=-40"], /--shock: ETH=-40 is not a percentage/],
    ["a fall by everything", ["--shock", "ETH=-100%"], /--shock: ETH=-100%: nothing falls by 100 %/],
    ["an asset twice", ["--shock", "ETH=-1%,WETH=-2%"], /--shock: WETH is named twice/],
    ["half a shock", ["--shock", "ETH=-1%,BTC"], /--shock: "BTC" is not like ETH=-40%/],
    ["negative hours", [...SHOCK, "--hours=-6"], /--hours must be a number from 0.25 to 720, not "-6"/],
    ["no accounts", [...SHOCK, "--accounts", "0"], /--accounts must be a whole number/],
    ["half a keeper", [...SHOCK, "--keepers", "1.5"], /--keepers must be a whole number/],
    ["a spike that cools", [...SHOCK, "--gas-price-spike", "0.5x"], /--gas-price-spike: "0.5x" is not a factor/],
    ["a delay without a unit", [...SHOCK, "--oracle-delay", "10"], /--oracle-delay: "10" is not a time/],
    ["a pool without depth", [...SHOCK, "--pool-depth", "0"], /--pool-depth must be a number from 0.01 to 1/],
    ["an unknown parameter", [...SHOCK, "--set", "luck=7%"], /--set: unknown parameter "luck"/],
    ["a parameter twice", [...SHOCK, "--set", "buffer=7%", "--set", "buffer=8%"], /--set: buffer is named twice/],
    ["a haircut in minutes", [...SHOCK, "--set", "haircut=7m"], /--set: haircut=7m is not a percentage/],
    ["values to vary without a sweep", [...SHOCK, "--vary", "buffer=1%/2%"], /--vary: only with --sweep/],
    ["a value twice in a sweep", [...SHOCK, "--sweep", "--vary", "buffer=1%/1%"], /--vary: buffer has a value twice/],
    ["an option that it does not know", [...SHOCK, "--speed", "9"], /--speed/],
  ];
  for (const [what, args, message] of refusals)
    it(`refuses ${what} by the field's name`, () => {
      expect(() => parseOptions(args)).to.throw(UsageError, message);
    });

  it("refuses parameters that the deployment would refuse, before anything is started", () => {
    expect(() => checkParameters("--set", parseOverrides("--set", ["start=50%", "cut=90%"]))).to.throw(
      UsageError,
      /--set: start=50%,cut=90%.*auction/s,
    );
    checkParameters("--set", parseOverrides("--set", ["haircut=14%,buffer=30%", "fast=5m"]));
  });

  it("sets what it is told to set and nothing else, and says it back as it was typed", () => {
    const at = (digit: string) => ({ token: `0x${digit.repeat(40)}` as const, feed: LOCAL_GOVERNANCE.governor });
    const somewhere = LOCAL_GOVERNANCE.governor;
    const config = localConfig(
      {
        tokens: { USDC: at("1"), WETH: at("2"), WBTC: at("3"), stETH: at("4") },
        uniswap: { factory: somewhere, router: somewhere, positions: somewhere },
      },
      somewhere,
    );
    const overrides = parseOverrides("--set", ["haircut=12.5%,fast=5m", "buffer=30%"]);
    const changed = adjust(overrides)(config);
    expect(overridesText(overrides)).to.equal("haircut=12.5%,buffer=30%,fast=5m");
    expect(changed.auction).to.deep.equal({ ...config.auction, buffer: 3_000, fast: 300 });
    const [usdc, weth] = changed.assets;
    expect(usdc).to.deep.equal(config.assets[0]);
    expect(weth?.risk.haircut).to.deep.equal({ maintenance: 1_250, initialExtra: 600 });
    // A share stays a point above its coin.
    expect(weth?.kind === "pool" && weth.pool.vault.collateral.risk.haircut.maintenance).to.equal(1_350);
    near(efficiencyOf(changed).maxLeverage, 1 / 0.185, 1e-12);
    expect(adjust({})(config)).to.deep.equal(config);
  });
});

describe("Stress: prices", () => {
  it("reaches exactly the move that was asked for, whatever the noise", () => {
    const percent = fc.integer({ min: -90, max: 300 });
    fc.assert(
      fc.property(percent, percent, fc.integer({ min: 1, max: 12 }), fc.nat(), (eth, btc, hours, seed) => {
        const { points } = shockPath({ eth: eth / 100, btc: btc / 100, vol: 0.8 }, hours, seed, "x");
        const half = points[Math.round((points.length - 1) / 2)];
        const last = points.at(-1);
        for (const point of [half, last]) {
          near((point?.eth ?? 0) / 2_500, 1 + eth / 100, 1e-9);
          near((point?.btc ?? 0) / 60_000, 1 + btc / 100, 1e-9);
        }
        expect(points.every(({ eth: e, btc: b }) => e > 0 && b > 0)).to.equal(true);
        expect(points.every(({ time }, i) => i === 0 || time > (points[i - 1]?.time ?? 0))).to.equal(true);
      }),
      { numRuns: 60 },
    );
    expect([0, 1 / 6, 1 / 3, 1 / 2, 1].map((part) => Math.round(progressAt(part) * 100))).to.deep.equal([
      ...[0, 0, 50, 100, 100],
    ]);
  });

  it("is the same for the same seed, and another for another", () => {
    const shock = parseShock("ETH=-40%,vol=+80%");
    expect(shockPath(shock, 2, 1, "x")).to.deep.equal(shockPath(shock, 2, 1, "x"));
    expect(shockPath(shock, 2, 1, "x").points).to.not.deep.equal(shockPath(shock, 2, 2, "x").points);
    near(shockPath(shock, 2, 1, "x").hints.volatility.at(-1)?.eth, 1.26, 1e-9);
  });

  const point = (time: number, price: number): PricePoint => ({ time, eth: price, btc: price, kind: "extreme" });

  it("finds where the worst begins as brute force does", () => {
    const prices = fc.array(fc.integer({ min: 50, max: 200 }), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(prices, fc.integer({ min: 1, max: 5 }), (values, reach) => {
        const points = values.map((value, i) => point(i * 600, value));
        const pairs = points.flatMap((from) =>
          points
            .filter((to) => to.time > from.time && to.time - from.time <= reach * 600)
            .map((to) => ({
              from,
              size: to.eth < from.eth ? Math.log(from.eth / to.eth) : Math.log(to.eth / from.eth) / 2,
            })),
        );
        const most = Math.max(...pairs.map(({ size }) => size));
        const found = worstMoment(points, reach * 600);
        const own = Math.max(...pairs.filter(({ from }) => from.time === found).map(({ size }) => size));
        near(own, most, 1e-12);
      }),
    );
  });

  it("cuts to the hours around the worst, and adds the moments of faults without moving a price", () => {
    const points = Array.from({ length: 101 }, (_, i) => point(i * 900, i < 80 ? 100 : 60));
    const cut = windowOf({ source: "x", points, hints: { volatility: [], funding: [] } }, 3).points;
    atMost(cut.at(-1)?.time, (cut[0]?.time ?? 0) + 3 * 3_600);
    expect(cut.some(({ eth }) => eth === 100) && cut.some(({ eth }) => eth === 60)).to.equal(true);
    const added = withTimes(points, [0, 450, 72_100, 900, 1e9]);
    expect(added.length).to.equal(points.length + 2);
    expect(added.find(({ time }) => time === 72_100)?.eth).to.equal(60);
    expect(added.filter(({ time }) => points.some((each) => each.time === time))).to.deep.equal(points);
  });

  it("plans faults from the worst moment on, each edge met once", () => {
    const faults = faultsOf(
      { gasPriceSpike: 20, oracleDelay: 600, keeperOutage: 0, rpcOutage: 60, poolDepth: 0.3 },
      10_000,
    );
    expect(faults.map(({ name }) => name)).to.deep.equal(["gas price", "oracle", "pools", "rpc"]);
    expect([9_999, 10_000, 10_599, 10_600].map((t) => isOn(faults, "oracle", t))).to.deep.equal([
      ...[false, true, true, false],
    ]);
    let [begun, ended] = [0, 0];
    const times = [0, ...edgesOf(faults), 10_300, 99_999].sort((a, b) => a - b);
    for (const [i, time] of times.slice(1).entries()) {
      const changes = changesBetween(faults, times[i] ?? 0, time);
      [begun, ended] = [begun + changes.begun.length, ended + changes.ended.length];
    }
    expect([begun, ended]).to.deep.equal([4, 4]);
  });
});

describe("Stress: people", () => {
  const settings = { accounts: 400, seed: 3, books: 0.1, maxLeverage: 6.25 };

  it("are the same for the same seed, and more of them change nobody before", () => {
    expect(populationOf(settings)).to.deep.equal(populationOf(settings));
    expect(populationOf(settings)).to.not.deep.equal(populationOf({ ...settings, seed: 4 }));
    const more = populationOf({ ...settings, accounts: 440 });
    const { roles } = populationOf(settings);
    expect(more.roles.slice(0, roles.length)).to.deep.equal(roles);
  });

  it("are as many as asked for, within the sizes and leverages that are allowed", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.nat(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, seed, books) => {
          const { roles, plans } = populationOf({ accounts: n, seed, books, maxLeverage: 6.25 });
          expect(Math.abs(roles.length + plans.length * MODELS.length - n)).to.be.at.most(1);
          for (const { equity, leverage, opensAt } of roles) {
            between(equity, EQUITY.least, EQUITY.most);
            between(leverage, LEVERAGE.least, LEVERAGE.most);
            between(opensAt, 0, 0.7);
          }
          const accounts = new Set(roles.map(({ person, index }) => `${person}:${index}`));
          expect(accounts.size).to.equal(roles.length);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("are sized by Pareto's law, cut off", () => {
    const tail = (x: number): number => (EQUITY.least / x) ** EQUITY.shape;
    const atMost = tail(EQUITY.most);
    for (const u of [0, 0.1, 0.5, 0.9, 0.999]) {
      const x = pareto(u, EQUITY);
      // P(X > x), back from x.
      near((tail(x) - atMost) / (1 - atMost), 1 - u, 1e-9);
    }
    const { roles } = populationOf({ ...settings, accounts: 4_000, books: 0 });
    const sizes = roles.map(({ equity }) => equity).sort((a, b) => b - a);
    const whole = sizes.reduce((a, b) => a + b, 0);
    const ofTheFifth = sizes.slice(0, 800).reduce((a, b) => a + b, 0) / whole;
    between(ofTheFifth, 0.5, 0.75);
  });

  it("never open above what the parameters allow", () => {
    for (const most of [2, 3, 6.25, 20]) atMost(leverageAt(1, most), Math.max(1.5, most * 0.8));
    expect(leverageAt(1, 20)).to.equal(5);
  });
});

describe("Stress: statistics", () => {
  it("takes percentiles as brute force does", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { minLength: 1 }), fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1), (values, p) => {
        const found = percentile(values, p);
        const within = (x: number): number => values.filter((value) => value <= x).length / values.length;
        expect(values).to.include(found);
        atLeast(within(found), p - 1e-12);
        // Nothing smaller would do.
        expect(values.every((value) => value >= found || within(value) < p)).to.equal(true);
      }),
    );
    expect(percentile([], 0.99)).to.equal(0);
  });

  it("finds the worst fall and the sums by hour as brute force does", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 40 }), (values) => {
        const falls = values.flatMap((from, i) => values.slice(i).map((to) => (from - to) / from));
        near(worstFall(values), Math.max(0, ...falls), 1e-12);
        const items = values.map((value, i) => ({ time: 5_000 + value * 37, value: i }));
        const hours = byHour(items, 5_000, ({ value }) => value);
        for (const [hour, total] of hours.entries()) {
          const own = items.filter(({ time }) => Math.floor((time - 5_000) / 3_600) === hour);
          expect(total).to.equal(own.reduce((sum, { value }) => sum + value, 0));
        }
      }),
    );
  });

  it("measures how long accounts stay below maintenance as brute force does", () => {
    type Look = { step: number; below: boolean[]; priced: boolean; bid: number };
    const look: fc.Arbitrary<Look> = fc.record({
      step: fc.integer({ min: 1, max: 400 }),
      below: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
      priced: fc.boolean(),
      bid: fc.integer({ min: -1, max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(look, { minLength: 1, maxLength: 30 }), (looks) => {
        const spells = new Spells();
        let time = 0;
        const told = looks.map(({ step, below, priced, bid }) => {
          time += step;
          const standings = below.map((isBelow, i) => ({
            ...{ account: String(i), priced, maintenance: isBelow ? -1n : 0n },
          }));
          spells.note(time, standings, new Set(bid < 0 ? [] : [String(bid)]));
          return { time, below, priced };
        });
        // Each account's looks with a price, cut where it is healthy.
        const expected = [0, 1, 2].flatMap((i) => {
          const found: { from: number; to: number | undefined }[] = [];
          let from: number | undefined;
          for (const each of told.filter(({ priced }) => priced)) {
            if (each.below[i] === true) from ??= each.time;
            else if (from !== undefined) {
              found.push({ from, to: each.time });
              from = undefined;
            }
          }
          return from === undefined ? found : [...found, { from, to: undefined }];
        });
        const key = ({ from, to }: { from: number; to: number | undefined }): string => `${from}-${to ?? "open"}`;
        expect(spells.all().map(key).sort()).to.deep.equal(expected.map(key).sort());
      }),
    );
    expect([0, 1, BLOCK_S, BLOCK_S + 1].map((to) => blocksOf({ from: 0, to }))).to.deep.equal([0, 1, 1, 2]);
  });
});

describe("Stress: sweeps", () => {
  it("goes through every combination once", () => {
    const all = combinations([
      { name: "haircut", values: [600, 1_000] },
      { name: "buffer", values: [1_000, 2_000, 3_000] },
    ]);
    expect(all.length).to.equal(6);
    expect(new Set(all.map(overridesText)).size).to.equal(6);
    expect(overridesText(all[1] ?? {})).to.equal("haircut=6%,buffer=20%");
  });

  it("hands every option on to the runs, which read them as they were meant", () => {
    const args = ["--candles", "a.csv", "--sweep", "--oracle-delay", "10m", "--pool-depth", "0.5", "--set", "slow=2h"];
    const options = parseOptions(args);
    if (options === undefined) throw new Error("no options");
    const again = parseOptions(argumentsOf(options, { haircut: 600 }, "there"));
    expect(again).to.deep.equal({
      ...options,
      ...{ sweep: undefined, json: true, out: "there", overrides: { ...options.overrides, haircut: 600 } },
    });
  });

  it("draws the frontier as brute force does", () => {
    const one = fc.record({ maxLeverage: fc.integer({ min: 1, max: 6 }), badDebtPart: fc.integer({ min: 0, max: 5 }) });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 25 }), (points) => {
        const isOn = frontier(points);
        for (const [i, point] of points.entries()) {
          const isBeaten = points.some(
            (other) =>
              (other.maxLeverage > point.maxLeverage && other.badDebtPart <= point.badDebtPart) ||
              (other.maxLeverage >= point.maxLeverage && other.badDebtPart < point.badDebtPart),
          );
          expect(isOn[i]).to.equal(!isBeaten);
        }
        expect(isOn).to.include(true);
      }),
    );
  });
});

describe("Stress: files and wires", () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "plimsoll-stress-test-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  it("writes all files or none", () => {
    const out = join(directory, "out");
    writeAll(out, { "a.txt": "1", "b.txt": "2" });
    expect(readdirSync(out).sort()).to.deep.equal(["a.txt", "b.txt"]);
    // The second name cannot be written: the first stays what it was.
    expect(() => writeAll(out, { "a.txt": "3", "nowhere/b.txt": "4" })).to.throw();
    expect(readFileSync(join(out, "a.txt"), "utf8")).to.equal("1");
    expect(readdirSync(directory)).to.deep.equal(["out"]);
  });

  it("cuts a wire in the middle of an answer, and mends it", async () => {
    const { createServer } = await import("node:http");
    let answer: (() => void) | undefined;
    const server = createServer((request, response) => {
      if (request.url === "/slow") answer = () => response.end("late");
      else response.end("here");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const wire = await Wire.open(`http://127.0.0.1:${port}`);
    const ask = async (path: string): Promise<string> => {
      try {
        return await (await fetch(wire.url + path, { headers: { connection: "close" } })).text();
      } catch {
        return "lost";
      }
    };
    try {
      expect(await ask("/")).to.equal("here");
      const slow = ask("/slow");
      while (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
      wire.cut();
      expect(await slow).to.equal("lost");
      expect(await ask("/")).to.equal("lost");
      wire.mend();
      expect(await ask("/")).to.equal("here");
    } finally {
      await wire.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe("Stress: the program", () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "plimsoll-stress-test-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  interface Ended {
    readonly code: number | null;
    readonly out: string;
    readonly err: string;
  }
  const start = (args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } => {
    const program = ["--import", "tsx", "--disable-warning=ExperimentalWarning", join("scripts", "stress.ts")];
    const child = spawn(process.execPath, [...program, ...args], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, INIT_CWD: directory },
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (data: Buffer) => (out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, out, err })));
    return { child, ended };
  };

  it("ends with 2 and names file, line and column of what is wrong with candles", async () => {
    const header = "ts,eth_open,eth_high,eth_low,eth_close,btc_open,btc_high,btc_low,btc_close";
    // The empty line counts: an editor counts it too.
    writeFileSync(
      join(directory, "bad.csv"),
      [header, "1000,100,110,90,105,1000,1100,900,1050", "", "4600,100,110,ninety,95,1000,1100,900,950"].join("\n"),
    );
    const { code, out, err } = await start(["--candles", "bad.csv"]).ended;
    expect(err).to.match(/^stress: bad\.csv: row 4, column eth_low: "ninety" is no price\n$/);
    expect([code, out]).to.deep.equal([2, ""]);
    expect(readdirSync(directory)).to.deep.equal(["bad.csv"]);
  });

  it("ends with 2 and names the field of what is wrong with arguments", async () => {
    const { code, out, err } = await start(["--shock", "ETH=-40%", "--hours=-1"]).ended;
    expect(err).to.match(/^stress: --hours must be a number/);
    expect([code, out]).to.deep.equal([2, ""]);
  });

  const processesOf = (pid: number): number[] => {
    const of = (parent: number): number[] => {
      try {
        const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(/\s+/);
        return children.filter((each) => each !== "").flatMap((each) => [Number(each), ...of(Number(each))]);
      } catch {
        return [];
      }
    };
    return of(pid);
  };
  const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

  it("stops all its processes when told to and leaves no report, not even half of one", async function () {
    this.timeout(240_000);
    const { child, ended } = start([...SHOCK, "--hours", "1", "--accounts", "8", "--keepers", "1", "--out", "stopped"]);
    let said = "";
    child.stdout?.on("data", (data: Buffer) => (said += data.toString()));
    while (!said.includes("Replaying") && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 100));
    const children = process.platform === "linux" ? processesOf(child.pid ?? 0) : [];
    child.kill("SIGINT");
    const { code, out, err } = await ended;
    expect(code, err).to.equal(130);
    expect(out).to.match(/Stopped; keepers and chain are down, nothing was written/);
    if (process.platform === "linux") expect(children.length).to.be.at.least(2);
    expect(children.filter(isAlive)).to.deep.equal([]);
    const left = existsSync(join(directory, "stopped")) ? readdirSync(join(directory, "stopped")) : [];
    expect(left.filter((name) => name !== "logs")).to.deep.equal([]);
  });

  it("goes through a shock with its keepers killed in the middle, and says what it cost", async function () {
    this.timeout(420_000);
    const args = ["--shock", "ETH=-45%,BTC=-35%,vol=+80%", "--hours", "0.5", "--accounts", "24", "--keepers", "2"];
    const faults = ["--keeper-outage", "5m", "--gas-price-spike", "3x", "--pool-depth", "0.5", "--oracle-delay", "2m"];
    const { code, out, err } = await start([...args, ...faults, "--json", "--out", "run"]).ended;
    expect(code, err).to.equal(0);
    const result = JSON.parse(out) as StressResult;
    expect(JSON.parse(readFileSync(join(directory, "run", "result.json"), "utf8"))).to.deep.equal(result);
    expect(result.accounts.opened).to.equal(24);
    expect(result.accounts.withPositions).to.equal(2);
    expect(result.violations).to.deep.equal([]);
    expect(result.faults.map(({ what }) => what).join()).to.match(/base fee × 3.*silent.*50 %.*killed/);
    // Both fell, so somebody was liquidated, by keepers that were started a second time.
    expect(result.liquidations.bids).to.be.at.least(1);
    expect(result.liquidations.byHour.reduce((a, b) => a + b, 0)).to.equal(result.liquidations.bids);
    const log = readFileSync(join(directory, "run", "logs", "keeper-1.log"), "utf8");
    expect(log.match(/"event":"started"/g)?.length).to.equal(2);
    expect(result.keepers.length).to.equal(2);
    expect(result.keepers.some(({ gas }) => gas > 0)).to.equal(true);
    // What went below maintenance is accounted for: each spell is counted, and who is left is named with a reason.
    expect(result.timeToHealthy.blocks.length).to.equal(result.timeToHealthy.spells);
    expect(result.timeToHealthy.spells).to.be.at.least(result.liquidations.everUnhealthy);
    for (const { why } of result.unliquidated) expect(why).to.not.equal("");
    // Whatever the fund lost it paid out; whatever lenders lost stands in an index.
    const { before, after, used } = result.insurance;
    atMost(before - after, used + 1e-6);
    expect(result.lenders.loss > 0).to.equal(result.lenders.worstHaircut > 0);
    const page = readFileSync(join(directory, "run", "report.html"), "utf8");
    expect(page)
      .to.include("stress run")
      .and.to.not.match(/(?:src|href)="?https?:/);
    expect(page).to.not.match(/\{\{[A-Z]+\}\}/);
  });
});
