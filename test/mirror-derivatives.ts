// The mirror of perps and options against the contracts' own code, to the wei.
import { expect } from "chai";
import { network } from "hardhat";

import { weighPortfolio } from "../sdk/mirror/derivatives/portfolio.ts";
import { weighStandard } from "../sdk/mirror/derivatives/standard.ts";
import { decodeLedgerTable } from "../sdk/mirror/derivatives/words.ts";
import { normalWords } from "../sdk/mirror/derivatives/normal.ts";
import {
  LedgerTableFactory__factory,
  ModelProbe__factory,
  NormalTable__factory,
  PortfolioModel__factory,
  ScriptedFeeds__factory,
  StandardModel__factory,
  type ModelProbe,
} from "../types/ethers-contracts/index.js";
import { mirrorCase } from "./helpers/mirror-models.ts";
import { modelCase, modelTable, packModelTable, probeInput } from "./helpers/model-cases.ts";
import { Random } from "./helpers/portfolios.ts";

const TABLES = 4;
const PORTFOLIOS = 50;

describe("the mirror of both margin models", () => {
  let probe: ModelProbe;
  let models: readonly [string, string];
  let create: (parameters: string) => Promise<string>;
  let codeOf: (address: string) => Promise<string>;

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
    codeOf = (address) => ethers.provider.getCode(address);
    const code = await codeOf(await normal.getAddress());
    expect(
      `0x${normalWords()
        .map((w) => w.toString(16).padStart(64, "0"))
        .join("")}`,
    ).to.equal(code);
  });

  it("agrees", async function () {
    this.timeout(600_000);
    let [chain, mirror] = [0, 0];
    for (let at = 0; at < TABLES; at++) {
      const t = modelTable(new Random(at));
      const table = await create(packModelTable(t));
      const decoded = decodeLedgerTable(await codeOf(table));
      for (let i = 0; i < PORTFOLIOS; i++) {
        const input = probeInput(modelCase(at * PORTFOLIOS + i, t), table, models);
        let start = performance.now();
        const result = await probe.evaluate.staticCall(...input);
        chain += performance.now() - start;
        start = performance.now();
        const c = mirrorCase(decoded, input);
        for (const purpose of [0, 1] as const) {
          for (const [k, weigh] of [weighStandard, weighPortfolio].entries()) {
            const { margins } = weigh(c.input(purpose), c.readings);
            const actual = result[2 * purpose + k];
            expect(margins.initial, `IM ${i} ${purpose} ${k}`).to.equal(actual?.initial);
            expect(margins.maintenance).to.equal(actual?.maintenance);
            expect(margins.mtm).to.equal(actual?.mtm);
            expect(margins.liabilities).to.equal(actual?.liabilities);
            expect(margins.unsettledLoss).to.equal(actual?.unsettledLoss);
          }
        }
        mirror += performance.now() - start;
      }
    }
    console.log({ chain, mirror });
  });
});
