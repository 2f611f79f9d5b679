// The maker bot's quotes, its life with a real matcher over loopback, and what an attestor would sign. No chain.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";
import { Wallet } from "ethers";
import fc from "fast-check";

import { attestationsOf, signAttestation, toWad } from "../attestor/attestations.ts";
import { openSource } from "../attestor/attestor.ts";
import { parseOptions as attestorOptions } from "../attestor/config.ts";
import { atTheMoney, modelSlice, USUAL_MODEL } from "../attestor/model.ts";
import { candleSource, parseCandles, surfaceSource, syntheticSource } from "../attestor/sources.ts";
import { ConfigError } from "../keeper/config.ts";
import { createLogger } from "../keeper/logger.ts";
import { MatcherClient } from "../maker/client.ts";
import { parseOptions as makerOptions } from "../maker/config.ts";
import { Maker } from "../maker/maker.ts";
import {
  changesFor,
  deltaOf,
  type OptionMarket,
  type Quote,
  quotesFor,
  type Resting,
  USUAL_QUOTES,
  volatilityOf,
} from "../maker/quoter.ts";
import { startService } from "../matcher/main.ts";
import { attestationDomain, attestationSigner } from "../sdk/attestations.ts";
import { black76Price } from "../sdk/black76.ts";
import { optionWord, perpWord, WAD } from "../sdk/instruments.ts";
import {
  butterflyViolations,
  calendarViolations,
  feedViolations,
  grid,
  sviVolatility,
  YEAR_SECONDS,
} from "../sdk/svi.ts";
import { FakeGateway } from "./helpers/fake-gateway.ts";
import { between, less, more, near } from "./helpers/floats.ts";

const NOW = 1_800_000_000;
const DAY = 86_400;
const KS = grid(-3, 3, 301);

const perp = (position = 0, mark = 3_000) => ({ instrument: perpWord(2), mark, position });

const option = (changes: Partial<OptionMarket> = {}): OptionMarket => ({
  instrument: optionWord({ underlying: 2, expiry: NOW + 30 * DAY, strike: 3_000n * 10n ** 8n, isCall: true }),
  strike: 3_000,
  isCall: true,
  time: 30 / 365,
  forward: 3_010,
  forwardReference: 3_010,
  rate: 0,
  svi: modelSlice(USUAL_MODEL, 30 / 365),
  smileTime: 30 / 365,
  volFactor: 1,
  position: 0,
  ...changes,
});

const sideOf = (quotes: readonly Quote[], side: "buy" | "sell") => quotes.find((quote) => quote.side === side);

describe("Maker's quotes", () => {
  it("stand around the model price", () => {
    const market = option();
    const { strike, forward, time } = market;
    const fair = black76Price({ forward, strike, time, isCall: true, volatility: volatilityOf(market) });
    const quotes = quotesFor({ perp: undefined, options: [market] }, USUAL_QUOTES);
    const [bid, ask] = [sideOf(quotes, "buy")?.price ?? 0, sideOf(quotes, "sell")?.price ?? 0];
    near((bid + ask) / 2, fair, 1e-9);
    more(ask - bid, 2 * USUAL_QUOTES.optionLeast * forward - 1e-9);
    const perps = quotesFor({ perp: perp(), options: [] }, USUAL_QUOTES);
    expect(perps.map(({ price }) => price)).to.deep.equal([3_000 * 0.9995, 3_000 * 1.0005]);
  });

  it("lean against the inventory, and stop adding at the limit", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 60, noNaN: true }), (position) => {
        const long = quotesFor({ perp: perp(position), options: [] }, USUAL_QUOTES);
        const short = quotesFor({ perp: perp(-position), options: [] }, USUAL_QUOTES);
        less(sideOf(long, "sell")?.price, 3_000 * 1.0005);
        more(sideOf(short, "buy")?.price, 3_000 * 0.9995);
        expect(sideOf(long, "buy") === undefined).to.equal(position >= USUAL_QUOTES.deltaLimit);
        expect(sideOf(short, "sell") === undefined).to.equal(position >= USUAL_QUOTES.deltaLimit);
      }),
    );
  });

  it("count the delta of options, and put quotes on the perp accordingly", () => {
    const market = option({ position: -10 });
    const underlying = { perp: perp(), options: [market] };
    between(deltaOf(underlying), -7, -4);
    const [bid] = quotesFor(underlying, USUAL_QUOTES);
    more(bid?.price, 3_000 * 0.9995, "it wants perps");
    const hedged = { perp: perp(-deltaOf(underlying)), options: [market] };
    near(deltaOf(hedged), 0, 1e-12);
  });

  it("never quote nothing or less, nor what has expired", () => {
    const worthless = quotesFor(
      { perp: undefined, options: [option({ strike: 30_000, time: 1 / 365 })] },
      USUAL_QUOTES,
    );
    expect(worthless.map(({ side }) => side)).to.deep.equal(["sell"]);
    expect(quotesFor({ perp: undefined, options: [option({ time: 0 })] }, USUAL_QUOTES)).to.deep.equal([]);
  });

  it("are replaced only where they no longer fit", () => {
    const wanted = quotesFor({ perp: perp(), options: [option()] }, USUAL_QUOTES);
    const resting: Resting[] = wanted.map((quote, i) => ({ ...quote, hash: `0x${i}`, expiry: NOW + 100 }));
    expect(changesFor(wanted, resting, NOW)).to.deep.equal({ cancel: [], place: [] });
    const [first] = resting;
    if (first === undefined) throw new Error("no quotes");
    const off = { ...first, price: first.price + 1.5 };
    expect(changesFor(wanted, [off, ...resting.slice(1)], NOW)).to.deep.equal({ cancel: ["0x0"], place: [wanted[0]] });
    const small = { ...first, size: first.size / 3 };
    expect(changesFor(wanted, [small, ...resting.slice(1)], NOW).cancel).to.deep.equal(["0x0"]);
    expect(changesFor(wanted, resting, NOW + 200).cancel).to.have.length(wanted.length);
    expect(changesFor(wanted, [...resting, { ...first, hash: "0xdouble" }], NOW).cancel).to.deep.equal(["0xdouble"]);
    expect(changesFor([], resting, NOW).cancel).to.have.length(resting.length);
  });

  it("live in the matcher as long as the bot does: placed, kept, replaced, dropped by the switch", async () => {
    const directory = mkdtempSync(join(tmpdir(), "plimsoll-maker-"));
    const gateway = new FakeGateway();
    const server = { host: "127.0.0.1", port: 0, symbols: {}, allowOrigin: undefined };
    const log = createLogger("silent");
    const service = await startService(gateway, { directory, fsync: "never", intervalMs: 20, batch: 10, server }, log);
    try {
      const wallet = Wallet.createRandom();
      const account = `0x${wallet.address.slice(2).toLowerCase()}${"0".repeat(24)}`;
      const url = `http://127.0.0.1:${service.port}`;
      const client = new MatcherClient(url, wallet, account, gateway);
      const config = { intervalMs: 1_000, quotes: USUAL_QUOTES, maxFeeRate: 0.002 };
      const maker = new Maker(client, account, config, log);
      const { orders } = service.matcher.engine;
      const quotes = (mark: number) => quotesFor({ perp: perp(0, mark), options: [option()] }, USUAL_QUOTES);
      expect(await maker.quote(quotes(3_000))).to.deep.equal({ placed: 4, cancelled: 0 });
      expect(await maker.quote(quotes(3_000.1))).to.deep.equal({ placed: 0, cancelled: 0 });
      expect(await maker.quote(quotes(3_100))).to.deep.equal({ placed: 2, cancelled: 2 });
      expect(orders.size).to.equal(4);
      expect([...orders.values()].every(({ order }) => order.flags === 2)).to.be.true;
      // Another run of the same bot does not know these, and clears them away.
      const successor = new Maker(client, account, config, log);
      await successor.quote([]);
      expect(orders.size).to.equal(0);
      await successor.quote(quotes(3_000));
      const until = service.matcher.engine.deadlines.matcher.get(account) ?? 0;
      between(until - Date.now() / 1_000, 10, 30);
      await service.matcher.commit({ kind: "sweep", at: 1_000 * (until + 1) });
      expect(orders.size, "nobody refreshed the switch").to.equal(0);
    } finally {
      await service.stop();
      rmSync(directory, { recursive: true });
    }
  });
});

describe("Attestor", () => {
  const expiries = [1, 3, 7, 30, 90, 365].map((days) => NOW + days * DAY);

  it("has a model without arbitrage, at the volatility that it is told", () => {
    fc.assert(
      fc.property(
        fc.record({
          now: fc.double({ min: 0.2, max: 3, noNaN: true }),
          longRun: fc.double({ min: 0.2, max: 1.5, noNaN: true }),
          reversion: fc.double({ min: 0.1, max: 20, noNaN: true }),
          rho: fc.double({ min: -0.7, max: 0.7, noNaN: true }),
          eta: fc.double({ min: 0.2, max: 1.1, noNaN: true }),
        }),
        (model) => {
          const slices = expiries.map((expiry) => modelSlice(model, (expiry - NOW) / YEAR_SECONDS));
          for (const [i, svi] of slices.entries()) {
            expect(butterflyViolations(svi, KS)).to.deep.equal([]);
            const before = slices[i - 1];
            const gaps = before === undefined ? [] : calendarViolations(before, svi, KS);
            expect(gaps.filter(({ by }) => by > 1e-12)).to.deep.equal([]);
          }
          const time = 7 / 365;
          near(sviVolatility(modelSlice(model, time), 0, time), Math.sqrt(atTheMoney(model, time) / time), 1e-9);
        },
      ),
    );
    expect(() => modelSlice({ ...USUAL_MODEL, eta: 2 }, 1)).to.throw(RangeError);
  });

  it("signs with as many keys as are asked for, in the order of their addresses", async () => {
    const view = syntheticSource().see(NOW, expiries);
    const list = attestationsOf({ underlying: 2, timestamp: NOW, index: 3_000n * WAD, view });
    expect(list.map(({ kind }) => kind)).to.deep.equal(["premium", "forwards", "surface"]);
    const wallets = [1, 2, 3].map(() => Wallet.createRandom());
    const domain = attestationDomain(31_337, `0x${"ab".repeat(20)}`);
    for (const attestation of list) {
      const signatures = await signAttestation(domain, attestation, wallets, 2);
      const signers = signatures.map((signature) => BigInt(attestationSigner(domain, attestation, signature)));
      const lowest = wallets
        .map(({ address }) => BigInt(address))
        .sort((a, b) => (a < b ? -1 : 1))
        .slice(0, 2);
      expect(signers).to.deep.equal(lowest);
    }
    const surface = list[2];
    if (surface?.kind !== "surface") throw new Error("no surface");
    const [slice] = surface.value.slices;
    expect(slice?.forwardReference).to.equal((3_000n * WAD * toWad(view.expiries[0]?.ratio ?? 0)) / WAD);
    expect([toWad(-1.5), toWad(1e-18), toWad(0.1)]).to.deep.equal([-15n * 10n ** 17n, 1n, 10n ** 17n]);
    expect(() => toWad(Number.NaN)).to.throw(RangeError);
  });

  it("replays candles: volatility and funding as recorded, else what the candles did", () => {
    const text = [
      "ts,eth_c,btc_dvol,eth_funding8h",
      `${NOW},100,,`,
      `${NOW + 3_600},110,,0.0003`,
      `${NOW + 7_200},110,0.9,`,
    ].join("\n");
    const source = candleSource(parseCandles(text, "eth"));
    const volAt = (now: number) => {
      const [first] = source.see(now, [now + DAY]).expiries;
      return first === undefined ? 0 : sviVolatility(first.svi, 0, DAY / YEAR_SECONDS);
    };
    more(volAt(NOW + 3_600), volAt(NOW) * 1.3);
    near(volAt(NOW + 9_999), 0.9, 0.01);
    expect(source.see(NOW + 7_200, []).premium).to.equal(0.0003);
    expect(source.see(NOW - 1, []).premium).to.equal(0);
    expect(() => parseCandles("ts\n1", "eth")).to.throw(RangeError);
  });

  it("replays the recorded candles of the shared folder", function () {
    const file = fileURLToPath(new URL("../../shared/data/candles/2021-05-19.csv", import.meta.url));
    if (!existsSync(file)) {
      console.log("      (skipped: ../shared/data/candles is not here)");
      this.skip();
    }
    const rows = parseCandles(readFileSync(file, "utf8"), "eth");
    const source = candleSource(rows);
    for (const { time } of rows) {
      const { expiries: seen, premium } = source.see(
        time,
        expiries.map((expiry) => expiry - NOW + time),
      );
      expect(feedViolations(seen)).to.deep.equal([]);
      less(Math.abs(premium), 0.05);
    }
  });

  it("lays a recorded surface over other expiries, free of arbitrage as time passes", () => {
    const model = { ...USUAL_MODEL, now: 0.8 };
    const quotes = [7, 60, 180].map((days) => {
      const time = days / 365;
      const svi = modelSlice(model, time);
      const list = grid(-2.5, 2.5, 15).map((unit) => {
        const k = unit * 0.8 * Math.sqrt(time);
        const vol = sviVolatility(svi, k, time);
        return { strike: 2_000 * Math.exp(k), bid: vol - 0.004, ask: vol + 0.004 };
      });
      return { expiry: days * DAY, time, forward: 2_000, quotes: list };
    });
    const source = surfaceSource({ time: 0, spot: 2_000, expiries: quotes });
    const wanted = [NOW + 20 * DAY, NOW + 120 * DAY];
    for (const passed of [0, 60, 1_800, 4_000]) {
      const { expiries: seen } = source.see(NOW + passed, wanted);
      expect(feedViolations(seen)).to.deep.equal([]);
      const [closest] = seen;
      const time = (20 * DAY - passed) / YEAR_SECONDS;
      const expected = Math.sqrt(atTheMoney(model, time) / time);
      near(closest === undefined ? 0 : sviVolatility(closest.svi, 0, time), expected, 0.03);
      expect(closest?.ratio).to.equal(1);
    }
  }).timeout(60_000);

  it("and maker say what is wrong with their arguments", () => {
    const rpc = ["--rpc", "http://127.0.0.1:8545"];
    expect(attestorOptions(rpc)?.underlyings).to.deep.equal([
      { underlying: 2, asset: "eth" },
      { underlying: 3, asset: "btc" },
    ]);
    expect(() => attestorOptions([...rpc, "--underlyings", "eth"])).to.throw(ConfigError, /number:asset/);
    expect(() => openSource("nowhere.csv", "eth")).to.throw(ConfigError, /cannot read/);
    expect(makerOptions(rpc)).to.include({ matcher: "http://127.0.0.1:8645", intervalMs: 2_000 });
    expect(() => makerOptions([...rpc, "--perp-size", "0"])).to.throw(ConfigError, /--perp-size/);
    expect(makerOptions(["--help"])).to.equal(undefined);
  });
});
