// The mirror of both margin models and of their lenses against the contracts' own code, to the wei: random accounts in random worlds of
// feeds, everything refused included.
import { expect } from "chai";
import { network } from "hardhat";

import { encodePosition } from "../sdk/instruments.ts";
import { explainReadings } from "../sdk/mirror/derivatives/lens.ts";
import { weighPortfolio } from "../sdk/mirror/derivatives/portfolio.ts";
import { weighStandard } from "../sdk/mirror/derivatives/standard.ts";
import { decodeLedgerTable } from "../sdk/mirror/derivatives/words.ts";
import { INITIAL, LIQUIDATION, MID, type ModelInput, type Purpose } from "../sdk/mirror/model.ts";
import {
  LedgerLens__factory,
  LedgerTableFactory__factory,
  NormalTable__factory,
  PortfolioModel__factory,
  ScenarioLens__factory,
  ScriptedFeeds__factory,
  StandardModel__factory,
  type ScriptedFeeds,
} from "../types/ethers-contracts/index.js";
import { chainAnswer, mirrorAnswer, type Answer } from "./helpers/answers.ts";
import { accountIn, worldOf, type World } from "./helpers/ledger-worlds.ts";
import { modelTable, packModelTable } from "./helpers/model-cases.ts";
import { Random } from "./helpers/portfolios.ts";

const WORLDS = 16;
const ACCOUNTS = 630; // in each
/** Lenses are asked about one account in so many. */
const LENS_EVERY = 30;
const TOGETHER = 15; // calls in flight
/** A minute and a half on an idle machine. */
const PATIENCE = 900_000;
const LARGEST = 900;
const ZERO_ADDRESS = `0x${"0".repeat(40)}`;

describe("the mirror of both margin models", () => {
  let ask: (
    world: ChainWorld,
    what: "standard" | "portfolio" | "scenarios" | "explain",
    input: ModelInput,
  ) => Promise<Answer>;
  let build: (seed: number) => Promise<ChainWorld>;

  interface ChainWorld extends World {
    readonly table: string;
  }

  before(async () => {
    const { ethers, provider, networkHelpers } = await network.create();
    const [deployer] = await ethers.getSigners();
    const normal = await new NormalTable__factory(deployer).deploy();
    const feeds = await new ScriptedFeeds__factory(deployer).deploy();
    const standard = await new StandardModel__factory(deployer).deploy(feeds, feeds, normal);
    const portfolio = await new PortfolioModel__factory(deployer).deploy(feeds, feeds, feeds, normal);
    const scenarios = await new ScenarioLens__factory(deployer).deploy(feeds, feeds, normal);
    const explain = await new LedgerLens__factory(deployer).deploy(ZERO_ADDRESS, feeds, feeds, normal, scenarios);
    const factory = await new LedgerTableFactory__factory(deployer).deploy();

    const script = async (world: World, f: ScriptedFeeds): Promise<void> => {
      for (const u of world.underlyings) {
        await f.setVolatility(u.number, u.volatility.sigma, u.volatility.slow);
        for (const { expiry, feed, fixing } of u.expiries) {
          const { smile, ...rest } = feed;
          await f.setExpiry(u.number, expiry, { ...smile, ...rest });
          await f.setFixing(u.number, expiry, fixing.part, fixing.price);
        }
      }
    };
    build = async (seed) => {
      const random = new Random(seed);
      const parameters = packModelTable(modelTable(random));
      const table = await factory.create.staticCall(feeds, standard, portfolio, parameters);
      await factory.create(feeds, standard, portfolio, parameters);
      // scripting takes blocks: the moment to ask at lies behind all of them
      const now = (await networkHelpers.time.latest()) + 3_600;
      const world = worldOf(random, decodeLedgerTable(await ethers.provider.getCode(table)), now);
      await script(world, feeds);
      await networkHelpers.time.increaseTo(now);
      return { ...world, table };
    };
    const contracts = { standard, portfolio, scenarios, explain };
    const names = { standard: "evaluate", portfolio: "evaluate", scenarios: "scenarios", explain: "explain" };
    ask = (world, what, input) =>
      chainAnswer(provider, contracts[what], names[what], [
        { ...input, parameters: world.table, positions: input.positions.map(encodePosition) },
      ]);
  });

  const margins = (input: ModelInput, world: World, model: "standard" | "portfolio"): unknown => {
    const { margins: m } = (model === "standard" ? weighStandard : weighPortfolio)(input, world.readings);
    return [[m.initial, m.maintenance, m.mtm, m.liabilities, m.unsettledLoss]];
  };

  it(`agrees on ${WORLDS * ACCOUNTS} accounts, to the wei and to the error`, async function () {
    this.timeout(PATIENCE);
    const seen = { positions: 0, full: 0, refused: new Map<string, number>(), lenses: 0 };
    for (let seed = 0; seed < WORLDS; seed++) {
      const world = await build(seed);
      for (let from = 0; from < ACCOUNTS; from += TOGETHER) {
        const cases = Array.from({ length: TOGETHER }, (_, i) => {
          const random = new Random(seed * ACCOUNTS + from + i + 5_000_000);
          const purpose = random.pick<Purpose>([INITIAL, LIQUIDATION, MID]);
          const model = random.pick(["standard", "portfolio"] as const);
          return {
            model,
            name: `${model} ${from + i} of world ${seed}`,
            input: accountIn(random, world, purpose, LARGEST),
          };
        });
        const answers = await Promise.all(cases.map((c) => ask(world, c.model, c.input)));
        for (const [i, { model, name, input }] of cases.entries()) {
          const mirror = mirrorAnswer(() => margins(input, world, model));
          expect(mirror, `${name}, purpose ${input.purpose}`).to.deep.equal(answers[i]);
          seen.positions += input.positions.length;
          if (input.positions.length === 128) seen.full++;
          const error = mirror.error?.replace(/\(.*/, "");
          if (error !== undefined) seen.refused.set(error, (seen.refused.get(error) ?? 0) + 1);
          if ((from + i) % LENS_EVERY !== 0 || error !== undefined) continue;
          await compareLenses(world, { ...input, purpose: MID }, name);
          seen.lenses++;
        }
      }
    }
    const refused = [...seen.refused].map(([error, n]) => `${error} ${n}`).join(", ");
    console.log(
      `      ${seen.positions} positions, ${seen.full} full accounts, ${seen.lenses} taken apart; refused: ${refused}`,
    );
    expect(seen.full).to.be.greaterThan(0);
    for (const error of ["FeedStale", "UnderlyingNotInTable", "SmileOutOfRange"]) {
      expect(seen.refused.get(error), error).to.be.greaterThan(0);
    }
  });

  const compareLenses = async (world: ChainWorld, input: ModelInput, name: string): Promise<void> => {
    // a lens is given the ledger table's underlyings alone
    const known = { ...input, underlyings: input.underlyings.filter((u) => u.number !== 9) };
    const mirror = mirrorAnswer(() => explainReadings(known, world.readings));
    const risks = await ask(world, "scenarios", known);
    const explained = await ask(world, "explain", known);
    if (mirror.error !== undefined) {
      expect([risks.error, explained.error], name).to.deep.equal([mirror.error, mirror.error]);
      return;
    }
    const view = mirror.value as ReturnType<typeof explainReadings>;
    expect(
      view.underlyings.map((u) => [u.pnl, u.basis, u.worst, u.optionValue, u.chargeMaintenance, u.chargeInitial]),
      `${name}, scenarios`,
    ).to.deep.equal((risks.value as unknown[][])[0]);
    const [positions, underlyings, unsettled] = explained.value as [unknown[][], bigint[][], bigint];
    expect(
      view.positions.map((p) => [p.word, p.size, p.mark, p.volatility, p.value]),
      `${name}, positions`,
    ).to.deep.equal(positions);
    expect(
      view.underlyings.map((u) => [BigInt(u.number), u.index, u.spotAmount, u.delta, u.gamma, u.vega, u.theta, u.rho]),
      `${name}, greeks`,
    ).to.deep.equal(underlyings.map((u) => u.slice(0, 8)));
    expect(view.unsettled, `${name}, U`).to.equal(unsettled);
  };
});
