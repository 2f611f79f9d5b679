// Both margin models as the engine calls them, against the exact models over random portfolios: smiles, forwards and fixings of
// the feeds, marks, low and high prices, product groups, scaled shocks, unsettled profit.
import { expect } from "chai";
import { network } from "hardhat";

import type { RuleParameters } from "../sdk/tables/ruleTable.ts";
import type { ScenarioParameters } from "../sdk/tables/scenarioTable.ts";
import {
  LedgerTableFactory__factory,
  ModelProbe__factory,
  NormalTable__factory,
  PortfolioModel__factory,
  ScriptedFeeds__factory,
  StandardModel__factory,
  type ModelProbe,
} from "../types/ethers-contracts/index.js";
import { value, volatility } from "./helpers/exact/black76.ts";
import * as Portfolio from "./helpers/exact/portfolio.ts";
import * as R from "./helpers/exact/real.ts";
import type { Real } from "./helpers/exact/real.ts";
import * as Standard from "./helpers/exact/standard.ts";
import {
  GROUP,
  modelCase,
  modelTable,
  NUMBERS,
  packModelTable,
  probeInput,
  wadMul,
  type HeldUnderlying,
  type ModelCase,
  type ModelTable,
} from "./helpers/model-cases.ts";
import { exactRules, exactScenarios, Random } from "./helpers/portfolios.ts";

const TABLES = 20;
const PORTFOLIOS = 50; // of each table
const TOGETHER = 10; // calls in flight
/** A minute on an idle machine. */
const PATIENCE = 900_000;
const WAD = 10n ** 18n;
const BPS = 10_000n;
const YEAR = 365n * 86_400n;
/** Error over the gross notional. */
const RELATIVE = 10n ** 11n;
const UNITS = 1n << 16n;

// ---------------------------------------------------------------- exact
/** Everything of one underlying at one price, as both exact models take it. Prices are the contract's: rounded down to units. */
interface Priced {
  readonly scenarios: Portfolio.Underlying;
  readonly rules: Standard.Underlying;
  readonly spot: Real;
  readonly unsettled: Real;
  readonly options: Real;
  readonly gross: Real;
}

function priced(h: HeldUnderlying, price: bigint, t: ModelTable): Priced {
  const spot = R.fromWad(price);
  const mark = R.fromWad(wadMul(price, h.perp.ratio));
  const size = R.fromWad(h.perp.size);
  const moving = R.fromWad(wadMul(h.amount, price));
  const g = (sigma: bigint): bigint => {
    if (t.referenceBps === 0) return WAD;
    const most = (BigInt(t.maxBps) * WAD) / BPS;
    const ratio = (sigma * BPS) / BigInt(t.referenceBps);
    return ratio < WAD ? WAD : ratio > most ? most : ratio;
  };
  const [now, slow] = [g(h.volatility.sigma), g(h.volatility.slow)];
  const expiries = h.feeds.map((f): Portfolio.Expiry => {
    const svi = {
      a: R.fromWad(f.a),
      b: R.fromWad(f.b),
      rho: R.fromWad(f.rho),
      m: R.fromWad(f.m),
      sigma: R.fromWad(f.sigma),
      reference: R.fromWad(f.reference),
      tau: R.fromWad(f.tau),
    };
    const forward = wadMul(price, f.ratio);
    return {
      seconds: f.seconds,
      variable: R.fromWad(wadMul(forward, WAD - f.fixedPart)),
      fixed: R.fromWad(wadMul(f.fixedPrice, f.fixedPart)),
      rate: R.fromWad(f.rate),
      confidence: R.fromWad(f.confidence < f.volConfidence ? f.confidence : f.volConfidence),
      options: f.options.map((o) => {
        const strike = R.fromWad(o.strike);
        const vol = R.mul(volatility(svi, strike), R.fromWad(f.factor));
        return { strike, call: o.call, size: R.fromWad(o.size), vol };
      }),
    };
  });
  const perp = { size, mark, confidence: R.fromWad(h.perp.confidence) };
  const worth = (e: Portfolio.Expiry, o: Portfolio.Holding): Real => {
    const years = R.fromFraction(e.seconds, YEAR);
    const discount = R.exp(-R.mul(R.max(e.rate, R.ZERO), years));
    return R.mul(o.size, value(o, e.variable + e.fixed, R.mul(o.vol, R.sqrt(years)), discount));
  };
  const legs = expiries.map((e) => e.options.map((o) => ({ ...o, value: worth(e, o) })));
  return {
    spot: moving,
    unsettled: R.mul(size, mark),
    options: R.sum(legs.flat().map((l) => l.value)),
    gross:
      R.mul(R.abs(size), mark) +
      R.abs(moving) +
      R.sum(
        expiries.flatMap((e) =>
          e.options.map((o) => R.mul(R.abs(o.size), R.max(4n * (e.variable + e.fixed), o.strike))),
        ),
      ),
    scenarios: {
      spot,
      spotConfidence: R.ONE,
      perp,
      expiries,
      balances: [{ value: moving, moves: true, maintenance: R.ZERO, initialExtra: R.ZERO, confidence: R.ONE }],
      scale: { initial: R.fromWad(now > slow ? now : slow), maintenance: R.fromWad(slow) },
    },
    rules: {
      spot,
      spotConfidence: R.ONE,
      perp: {
        ...perp,
        openInterest: R.fromWad(h.perp.openInterest),
        slowOpenInterest: R.fromWad(h.perp.slowOpenInterest),
      },
      expiries: expiries.map((e, i) => ({
        forward: e.variable + e.fixed,
        confidence: e.confidence,
        legs: legs[i] as Standard.Leg[],
      })),
    },
  };
}

interface Side {
  readonly initial: Real;
  readonly maintenance: Real;
  readonly mtm: Real;
  readonly unsettled: Real;
}

/** A block (a product group, or an underlying alone) at one side of its prices. */
function sideOf(
  members: readonly HeldUnderlying[],
  high: boolean,
  t: ModelTable,
  c: ModelCase,
  standard: boolean,
): Side {
  const all = members.map((h) => priced(h, high ? h.high : h.low, t));
  const place = (h: HeldUnderlying): number => NUMBERS.findIndex((n) => n === h.number);
  const charges = (of: "initial" | "maintenance"): Real => R.sum(members.map((h) => R.fromWad(h.charges[of])));
  const unsettled = R.sum(all.map((x) => x.unsettled));
  const mtm = R.sum(all.map((x) => x.spot + x.options)) + unsettled;
  const settlementPrice = R.fromWad(c.settlementPrice);
  if (standard) {
    const ruled = members.map((h, i) =>
      Standard.margin(exactRules(t.rules[place(h)] as RuleParameters), (all[i] as Priced).rules, settlementPrice),
    );
    const beside = R.sum(all.map((x) => x.spot)) + unsettled;
    return {
      initial: beside - charges("initial") + R.sum(ruled.map((m) => m.initial)),
      maintenance: beside - charges("maintenance") + R.sum(ruled.map((m) => m.maintenance)),
      mtm,
      unsettled,
    };
  }
  const grouped = members.length > 1 || GROUP.members.some((m) => m === members[0]?.number);
  const margin = Portfolio.margin({
    groups: [
      {
        phi: grouped ? R.fromFraction(BigInt(t.phiBps), BPS) : R.ZERO,
        members: members.map((h, i) => ({
          underlying: (all[i] as Priced).scenarios,
          parameters: exactScenarios(t.scenarios[place(h)] as ScenarioParameters),
        })),
      },
    ],
    cash: R.ZERO,
    unsettled,
    profitWeight: R.ONE,
    settlementPrice,
  });
  return {
    initial: margin.initial - charges("initial"),
    maintenance: margin.maintenance - charges("maintenance"),
    mtm,
    unsettled,
  };
}

interface Expected {
  readonly initial: Real;
  readonly maintenance: Real;
  readonly mtm: Real;
  /** Both sides of a block are so near that rounding chooses: only the margin itself can be compared. */
  readonly ambiguous: boolean;
}

/** Every block at its low and at its high prices; the same twice where they do not differ. */
function sidesOf(c: ModelCase, t: ModelTable, standard: boolean): readonly (readonly [low: Side, high: Side])[] {
  const inGroup = (h: HeldUnderlying): boolean => GROUP.members.some((m) => m === h.number);
  const group = c.held.filter(inGroup);
  const blocks = [...(group.length > 0 ? [group] : []), ...c.held.filter((h) => !inGroup(h)).map((h) => [h])];
  return blocks.map((members) => {
    const low = sideOf(members, false, t, c, standard);
    return [low, members.every((h) => h.low === h.high) ? low : sideOf(members, true, t, c, standard)];
  });
}

function expectedOf(
  c: ModelCase,
  t: ModelTable,
  blocks: ReturnType<typeof sidesOf>,
  purpose: "initial" | "maintenance",
  tolerance: Real,
): Expected {
  let ambiguous = false;
  const chosen = blocks.map(([low, high]) => {
    if (low !== high && R.abs(low[purpose] - high[purpose]) <= tolerance) ambiguous = true;
    if (purpose === "initial") return high.initial < low.initial ? high : low;
    return high.maintenance > low.maintenance ? high : low;
  });
  const total = (of: keyof Side): Real => R.sum(chosen.map((s) => s[of]));
  const rest = R.fromWad(c.quote + c.cash);
  const unsettled = R.fromWad(c.quote) + total("unsettled");
  const kept = R.ONE - R.fromFraction(BigInt(t.profitWeightBps), BPS);
  return {
    initial: total("initial") + rest - R.mul(kept, R.max(unsettled, R.ZERO)),
    maintenance: total("maintenance") + rest,
    mtm: total("mtm") + rest,
    ambiguous,
  };
}

describe("both margin models against the exact models", () => {
  let probe: ModelProbe;
  let models: readonly [standard: string, portfolio: string];
  let create: (parameters: string) => Promise<string>;

  before(async () => {
    const { ethers } = await network.create();
    const [deployer] = await ethers.getSigners();
    const normal = await new NormalTable__factory(deployer).deploy();
    const feeds = await new ScriptedFeeds__factory(deployer).deploy();
    const standard = await new StandardModel__factory(deployer).deploy(feeds, feeds, normal);
    const portfolio = await new PortfolioModel__factory(deployer).deploy(feeds, feeds, feeds, normal);
    probe = await new ModelProbe__factory(deployer).deploy(feeds);
    models = [await standard.getAddress(), await portfolio.getAddress()];
    const factory = await new LedgerTableFactory__factory(deployer).deploy();
    create = async (parameters) => {
      const table = await factory.create.staticCall(feeds, ...models, parameters);
      await (await factory.create(feeds, ...models, parameters)).wait();
      return table;
    };
  });

  it(`agree on ${TABLES * PORTFOLIOS} random portfolios under ${TABLES} tables`, async function () {
    this.timeout(PATIENCE);
    let [options, spread, skipped] = [0, 0, 0];
    for (let at = 0; at < TABLES; at++) {
      const t = modelTable(new Random(at));
      const table = await create(packModelTable(t));
      for (let from = 0; from < PORTFOLIOS; from += TOGETHER) {
        const seeds = Array.from({ length: TOGETHER }, (_, i) => at * PORTFOLIOS + from + i);
        const cases = seeds.map((seed) => modelCase(seed, t));
        const results = await Promise.all(cases.map((c) => probe.evaluate.staticCall(...probeInput(c, table, models))));
        cases.forEach((c, i) => {
          const gross = R.sum(c.held.map((h) => priced(h, h.high, t).gross));
          const allowed = R.toWad(gross) / RELATIVE + UNITS;
          const near = (actual: bigint | undefined, wanted: Real, what: string): void => {
            const off = (actual ?? 0n) - R.toWad(wanted);
            const message = `${what}, portfolio ${String(seeds[i])}: ${String(actual)} instead of ${R.toWad(wanted)}`;
            expect((off < 0n ? -off : off) <= allowed, message).to.equal(true);
          };
          ["standard", "portfolio"].forEach((model, k) => {
            const blocks = sidesOf(c, t, k === 0);
            const initial = expectedOf(c, t, blocks, "initial", R.fromWad(allowed));
            if (!initial.ambiguous || t.profitWeightBps === 10_000) {
              near(results[i]?.[k]?.initial, initial.initial, `${model} IM`);
            }
            const maintenance = expectedOf(c, t, blocks, "maintenance", R.fromWad(allowed));
            near(results[i]?.[models.length + k]?.maintenance, maintenance.maintenance, `${model} MM`);
            if (!maintenance.ambiguous) near(results[i]?.[models.length + k]?.mtm, maintenance.mtm, `${model} mtm`);
            if (initial.ambiguous || maintenance.ambiguous) skipped++;
          });
          options += c.held.reduce((n, h) => h.feeds.reduce((m, f) => m + f.options.length, n), 0);
          if (c.held.some((h) => h.low !== h.high)) spread++;
        });
      }
    }
    console.log(`      ${options} options; ${spread} portfolios at two prices; ${skipped} times either side would do`);
  });
});
