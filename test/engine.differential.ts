import { expect } from "chai";
import { ZeroAddress, ZeroHash } from "ethers";
import fc from "fast-check";
import { network } from "hardhat";

import {
  packFloat,
  packRiskTable,
  unpackFloat,
  unpackRiskTable,
  type Haircut,
  type RiskTable,
} from "../sdk/tables/riskTable.ts";
import {
  DeviationRecord__factory,
  EngineFactory__factory,
  LedgerTableFactory__factory,
  MarginEngine__factory,
  MockFeed__factory,
  MockTwapPool__factory,
  OracleHarness__factory,
  SizeCheckpoints__factory,
  StubSafe__factory,
  TestToken__factory,
  type MarginEngine,
  type MockFeed,
  type MockTwapPool,
  type OracleHarness,
  type SizeCheckpoints,
  type StubSafe,
} from "../types/ethers-contracts/index.js";
import { abs } from "./helpers/exact.ts";
import {
  floor,
  fraction,
  spotMargin,
  type Balance,
  type Fraction,
  type Market,
  type Sides,
} from "./helpers/spot-margin.ts";

const WAD = 10n ** 18n;
const TABLES = 24;
const PORTFOLIOS = 50; // of each table
const DECIMALS = { pools: [6, 18, 8], idles: [18, 6] } as const;
const FEED_DECIMALS = 8;
const HEARTBEAT = 86_400;

/** Deterministic, so that a failure can be repeated from its number. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const assetId = (b: Pick<Balance, "kind" | "number">): number => (b.kind << 10) | b.number;
const pack = (b: Balance): bigint => (BigInt(assetId(b)) << 240n) | BigInt.asUintN(128, b.amount);

describe("Margin engine against exact fractions", () => {
  let safe: StubSafe;
  let checkpoints: SizeCheckpoints;
  let engine: MarginEngine;
  let template: string;
  let oracles: OracleHarness;
  let twap: MockTwapPool;
  const feeds: MockFeed[] = [];
  const tokens: string[] = [];
  let setTable: (table: RiskTable) => Promise<void>;
  let now: () => Promise<number>;
  let pass: (seconds: number) => Promise<void>;
  let create: (table: string) => Promise<string>;

  before(async () => {
    const { ethers, networkHelpers } = await network.create();
    const [owner] = await ethers.getSigners();
    safe = await new StubSafe__factory(owner).deploy();
    const deviations = await new DeviationRecord__factory(owner).deploy(safe);
    checkpoints = await new SizeCheckpoints__factory(owner).deploy(safe, 10_000);
    const tables = await new LedgerTableFactory__factory(owner).deploy();
    const factory = await new EngineFactory__factory(owner).deploy(safe, deviations, checkpoints, tables);
    oracles = await new OracleHarness__factory(owner).deploy();
    template = await ethers.provider.getCode(await factory.template());
    const place = "0x00000000000000000000000000000000000e4e4e";
    engine = MarginEngine__factory.connect(place, owner);
    const prices = [1, 2000, 30_000, 1990, 1];
    const all = [...DECIMALS.pools.map((d) => [0, d] as const), ...DECIMALS.idles.map((d) => [1, d] as const)];
    for (const [i, [kind, decimals]] of all.entries()) {
      const number = kind === 0 ? i + 1 : i - 2;
      const token = await new TestToken__factory(owner).deploy("Token", "TKN", decimals);
      tokens.push(await token.getAddress());
      await safe.list(assetId({ kind, number }), token, decimals);
      feeds.push(await new MockFeed__factory(owner).deploy(FEED_DECIMALS, BigInt(prices[i] ?? 0) * 10n ** 8n));
    }
    twap = await new MockTwapPool__factory(owner).deploy(tokens[1] ?? ZeroAddress, tokens[0] ?? ZeroAddress);
    setTable = async (table) => networkHelpers.setCode(place, template + packRiskTable(table).slice(2));
    now = async () => networkHelpers.time.latest();
    pass = async (seconds) => void (await networkHelpers.time.increase(seconds));
    create = async (table) => {
      const made = await factory.create.staticCall(table);
      await (await factory.create(table)).wait();
      return made;
    };
  });

  const haircut = (
    r: (below: number) => number,
    group: Haircut["group"] | undefined,
    brackets: boolean,
    kind: number,
  ): Haircut => {
    const maintenanceBps = (kind === 2 ? 100 : 0) + (group?.maintenanceBps ?? 0) + r(2000);
    const initialExtraBps = (group?.initialExtraBps ?? 0) + r(1500);
    const size = 10n ** BigInt(6 + r(17));
    return {
      maintenanceBps,
      initialExtraBps,
      ...(brackets
        ? {
            brackets: [
              { size, addOnBps: 1 + r(1500) },
              { size: size * BigInt(2 + r(50)), addOnBps: 1 + r(3000) },
            ].slice(0, 1 + r(2)),
            kappaBps: r(3) === 0 ? 0 : r(3000),
          }
        : {}),
      ...(group ? { group } : {}),
    };
  };

  /** A table of any shape; `ramp` in seconds from now. */
  const randomTable = async (r: (below: number) => number): Promise<RiskTable> => {
    const group = (id: number): Haircut["group"] => ({ id, maintenanceBps: r(100), initialExtraBps: r(100) });
    const [one, two, twoBefore] = [group(1), group(2), group(2)];
    const grouped = r(3) > 0;
    const ramped = r(3) === 0;
    const brackets = r(3) > 0;
    // Group 1: settlement and the stable idle asset; group 2: pool 2 (and its share) and idle 1.
    const groupOf = (kind: number, number: number): Haircut["group"] | undefined =>
      !grouped
        ? undefined
        : (kind === 1 ? number === 2 : number === 1) && r(1) === 0 && one
          ? one
          : (kind === 1 ? number === 1 : number === 2)
            ? two
            : undefined;
    const both = (kind: 0 | 1 | 2, number: number): { haircut: Haircut; previous?: Haircut } => {
      const g = groupOf(kind, number);
      const before = g === two ? twoBefore : g;
      return {
        haircut: haircut(r, g, brackets && r(2) === 0, kind),
        ...(ramped ? { previous: haircut(r, before, brackets && r(2) === 0, kind) } : {}),
      };
    };
    const asset = (kind: 0 | 1, number: number, feed: number, decimals: number): RiskTable["pools"][number] => ({
      feed: feeds[feed]?.target as string,
      heartbeat: HEARTBEAT,
      feedDecimals: FEED_DECIMALS,
      tokenDecimals: decimals,
      minAnswer: 1n,
      maxAnswer: 10n ** 16n,
      ...both(kind, number),
      ...(kind === 0 && number === 2
        ? {
            twap: {
              pool: twap.target as string,
              window: 1800,
              quote: 1,
              quoteDecimals: 6,
              baseIsToken0: true,
              deviationBps: 500,
            },
          }
        : {}),
    });
    const time = await now();
    const table: RiskTable = {
      settlementDecimals: 6,
      deviationDelay: 300,
      ...(ramped ? { ramp: { start: time - r(100_000), end: time + 1 + r(100_000) } } : {}),
      pools: DECIMALS.pools.map((d, i) => asset(0, i + 1, i, d)),
      idles: DECIMALS.idles.map((d, i) => asset(1, i + 1, i + 3, d)),
      // A share that the table does not list may be held all the same.
      vaultShares: DECIMALS.pools.map((_, i) => (r(4) === 0 ? null : both(2, i + 1))),
    };
    // Sizes as the floats hold them.
    return unpackRiskTable(packRiskTable(table));
  };

  const amount = (r: (below: number) => number, decimals: number): bigint => {
    const digits = r(decimals + 6);
    let value = 0n;
    for (let i = 0; i <= digits; i++) value = value * 10n + BigInt(r(10));
    return value;
  };

  const randomPortfolio = (r: (below: number) => number): Balance[] => {
    const balances: Balance[] = [];
    DECIMALS.pools.forEach((decimals, i) => {
      const value = amount(r, decimals);
      if (r(4) > 0) balances.push({ kind: 0, number: i + 1, amount: r(2) === 0 ? value : -value });
      if (r(3) === 0) balances.push({ kind: 2, number: i + 1, amount: amount(r, decimals) });
    });
    DECIMALS.idles.forEach((decimals, i) => {
      if (r(2) === 0) balances.push({ kind: 1, number: i + 1, amount: amount(r, decimals) });
    });
    // In any order.
    return balances
      .map((b) => [r(1_000_000), b] as const)
      .sort(([a], [b]) => a - b)
      .map(([, b]) => b);
  };

  /** The contract never says more than the exact margin, and at most its roundings less. */
  const expectBelow = (actual: bigint, exact: Fraction, gross: bigint, what: string): void => {
    const slack = 2_000n + gross / 10n ** 15n;
    const true_ = floor(exact);
    expect(actual <= true_, `${what}: ${actual} is above the exact ${true_}`).to.equal(true);
    expect(true_ - actual <= slack, `${what}: ${actual} is more than roundings below ${true_}`).to.equal(true);
  };

  for (let seed = 1; seed <= TABLES; seed++) {
    it(`values ${PORTFOLIOS} portfolios of table ${seed} like the exact model, rounded against the account`, async () => {
      const r = random(seed);
      // Any prices, the average within the bound of the primary or equal to it.
      const usd = [90 + r(20), 50_000 + r(400_000), 1_000_000 + r(6_000_000), 50_000 + r(400_000), 95 + r(10)];
      for (const [i, cents] of usd.entries())
        await (await feeds[i]?.setAnswer(BigInt(cents) * 10n ** 6n + BigInt(r(1_000_000))))?.wait();
      const quote = ((usd[1] ?? 0) / (usd[0] ?? 1)) * (0.97 + r(6000) / 100_000);
      await (await twap.setTick(Math.round(Math.log(quote / 1e12) / Math.log(1.0001)), 0)).wait();
      const table = await randomTable(r);
      await setTable(table);

      const names = ["0:1", "0:2", "0:3", "1:1", "1:2"];
      const prices = new Map<string, Sides>();
      for (const name of names) {
        const [kind, number] = name.split(":").map(Number) as [0 | 1, number];
        const state = await engine.priceState(assetId({ kind, number }));
        expect(state.fault, `fault of ${name}`).to.equal(0n);
        prices.set(name, { low: state.low, high: state.high });
      }
      const totals = new Map<string, { initial: bigint; maintenance: bigint }>();
      for (const [kind, number, decimals] of [
        [0, 2, 18],
        [0, 3, 8],
        [1, 1, 18],
        [2, 2, 18],
      ] as const) {
        const id = assetId({ kind, number });
        const [first, second] = [amount(r, decimals), amount(r, decimals)];
        await (await safe.setTotal(id, first)).wait();
        for (let i = 0; i < 2; i++) {
          await pass(3600);
          await (await checkpoints.update(id)).wait();
        }
        await (await safe.setTotal(id, second)).wait();
        const maintenance = await checkpoints.checkpointOf(id);
        totals.set(`${kind}:${number}`, { initial: second > maintenance ? second : maintenance, maintenance });
      }
      // The engine sees the time of the pending block in a call: the ramp's weight is taken at the latest one.
      const time = BigInt(await now());
      const ramp = table.ramp
        ? { start: BigInt(table.ramp.start), end: BigInt(table.ramp.end) }
        : { start: 0n, end: 1n };
      const weight =
        time >= ramp.end ? WAD : time <= ramp.start ? 0n : ((time - ramp.start) * WAD) / (ramp.end - ramp.start);
      const market: Market = { table, prices, totals, ramp: fraction(weight, WAD) };

      for (let i = 0; i < PORTFOLIOS; i++) {
        const balances = randomPortfolio(r);
        const holdings = balances.map(pack);
        const options = { blockTag: "latest" } as const;
        const [initial, [maintenance, mtm, liabilities], [midInitial, midMaintenance, midMtm]] = await Promise.all([
          engine.initialMargin(ZeroHash, 0, holdings, options),
          engine.liquidationMargin(ZeroHash, 0, holdings, options),
          engine.midMargin(ZeroHash, 0, holdings, options),
        ]);
        const exact = spotMargin(market, balances);
        const mid = spotMargin(market, balances, true);
        const gross = balances.reduce((sum, b) => {
          const decimals = b.kind === 1 ? DECIMALS.idles[b.number - 1] : DECIMALS.pools[b.number - 1];
          const price = prices.get(b.kind === 1 ? `1:${b.number}` : `0:${b.number}`)?.high ?? 0n;
          return sum + (abs(b.amount) * price * 2n) / 10n ** BigInt(decimals ?? 0);
        }, 0n);
        const name = `table ${seed}, portfolio ${i}`;
        expectBelow(initial, exact.initial, gross, `${name} initial`);
        expectBelow(maintenance, exact.maintenance, gross, `${name} maintenance`);
        expectBelow(midInitial, mid.initial, gross, `${name} mid initial`);
        expectBelow(midMaintenance, mid.maintenance, gross, `${name} mid maintenance`);
        expectBelow(midMtm, mid.mtm, gross, `${name} mid mtm`);
        if (exact.ambiguous) continue;
        expectBelow(mtm, exact.mtm, gross, `${name} mtm`);
        expectBelow(-liabilities, fraction(-exact.liabilities.n, exact.liabilities.d), gross, `${name} liabilities`);
      }
    });
  }

  it("prices ticks within the stated error of exact powers", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -200_000, max: 200_000 }),
        fc.integer({ min: 2, max: 24 }),
        fc.integer({ min: 2, max: 24 }),
        async (tick, base, quote) => {
          const [up, down] = [10_001n ** BigInt(Math.abs(tick)), 10_000n ** BigInt(Math.abs(tick))];
          const ratio = tick < 0 ? fraction(down, up) : fraction(up, down);
          const exact = floor({ n: ratio.n * 10n ** BigInt(base) * WAD, d: ratio.d * 10n ** BigInt(quote) });
          const actual = await oracles.priceAtTick(tick, base, quote);
          if (exact >= 6n * 10n ** 58n) return; // near and beyond what is a price at all
          expect(abs(actual - exact) <= 2n + (exact * 3n) / WAD, `tick ${tick}: ${actual}, exact ${exact}`).to.equal(
            true,
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it("packs tables to the bytes that the contracts read, and back", async () => {
    const feed = (i: number): string => (feeds[i]?.target as string).toLowerCase();
    const h = { maintenanceBps: 500, initialExtraBps: 300 };
    const asset = (i: number, decimals: number, haircut_: Haircut): NonNullable<RiskTable["pools"][number]> => ({
      feed: feed(i),
      heartbeat: 7200,
      feedDecimals: 8,
      tokenDecimals: decimals,
      minAnswer: 4096n,
      maxAnswer: 1n << 60n,
      haircut: haircut_,
    });
    const brackets = [
      { size: 1n << 70n, addOnBps: 100 },
      { size: 3n << 70n, addOnBps: 200 },
    ];
    const group = { id: 7, maintenanceBps: 100, initialExtraBps: 50 };
    const table: RiskTable = {
      settlementDecimals: 6,
      deviationDelay: 240,
      sequencer: { feed: feed(4), grace: 3600 },
      pools: [
        asset(0, 6, { maintenanceBps: 0, initialExtraBps: 0 }),
        {
          ...asset(1, 18, { ...h, brackets, kappaBps: 250, group }),
          twap: {
            pool: (twap.target as string).toLowerCase(),
            window: 1800,
            quote: 1,
            quoteDecimals: 6,
            baseIsToken0: true,
            deviationBps: 150,
            minLiquidity: 1n << 40n,
          },
        },
        null,
      ],
      idles: [asset(3, 18, { ...h, group }), null],
      vaultShares: [{ haircut: h }, { haircut: { ...h, group } }, null],
    };
    for (const [i, answer] of [1n, 2000n, 30_000n, 1990n].entries())
      await (await feeds[i]?.setAnswer(answer * 10n ** 8n))?.wait();
    await (await feeds[4]?.pushRound(0, BigInt(await now()) - 100_000n))?.wait();
    await (await twap.setTick(-200_311, 0)).wait();
    const bytes = packRiskTable(table);
    expect(unpackRiskTable(bytes)).to.deep.equal(table);
    // The factory reads every field of it, with code of its own, and finds it sound; the engine shows the same bytes.
    const made = engine.attach(await create(bytes)) as MarginEngine;
    expect(await made.table()).to.equal(bytes);
    expect(await made.deviationDelay()).to.equal(240n);
    expect(await made.haircuts(2, 2n << 70n)).to.deep.equal([85n * 10n ** 15n, 55n * 10n ** 15n]);

    const time = await now();
    const ramped: RiskTable = {
      ...table,
      ramp: { start: time + 1000, end: time + 200_000 },
      idles: [
        { ...asset(3, 18, { ...h, group }), previous: { maintenanceBps: 400, initialExtraBps: 300, group } },
        null,
      ],
    };
    const again = unpackRiskTable(packRiskTable(ramped));
    expect(again.ramp).to.deep.equal(ramped.ramp);
    expect(again.idles[0]?.previous).to.deep.equal(ramped.idles[0]?.previous);
    expect(again.pools[1]?.previous).to.deep.equal(table.pools[1]?.haircut);
    await create(packRiskTable(ramped));
  });

  it("packs floats with the rounding asked for, and refuses what does not fit", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 200n) - 1n }), (value) => {
        const [down, up] = [unpackFloat(packFloat(value, "down")), unpackFloat(packFloat(value, "up"))];
        expect(down <= value && value <= up).to.equal(true);
        expect(up - down <= (value >> 15n) + (value < 65_536n ? 0n : 1n)).to.equal(true);
      }),
    );
    expect(() => packFloat(-1n, "up")).to.throw(RangeError);
    expect(() => packFloat(1n << 210n, "up")).to.throw(RangeError);
    const empty: RiskTable = { settlementDecimals: 6, deviationDelay: 300, pools: [null], idles: [], vaultShares: [] };
    expect(() => packRiskTable(empty)).to.throw(/vault share/);
    expect(() => packRiskTable({ ...empty, vaultShares: [null], deviationDelay: 70_000 })).to.throw(/deviationDelay/);
    expect(() => unpackRiskTable("0x00")).to.throw(RangeError);
    const bytes = packRiskTable({ ...empty, vaultShares: [null] });
    expect(() => unpackRiskTable(`0x${bytes.slice(66)}`)).to.throw(/length/);
    expect(() => unpackRiskTable(bytes.replace(/^(0x.*)01(.{126})$/, "$102$2"))).to.throw();
  });
});
