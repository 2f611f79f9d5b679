// Keepers as processes on a live chain (anvil): killed, cut off, reorganised under, rivalled, lied to and badly configured.
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { KeeperProcess } from "../bench/live/process.ts";
import { argumentsOf, prepareState, runOnce } from "../bench/live/run.ts";
import { startWire, type Wire } from "../bench/live/wire.ts";
import { createLiveWorld, keyOf, type LiveWorld } from "../bench/live/world.ts";
import type { OptimisticReport } from "../keeper/optimistic.ts";
import { startPostgres } from "./helpers/postgres.ts";

const ACCOUNTS = 120;
const GAP = 0.3;
const KEY = keyOf(9).privateKey;

describe("Keeper, live", function () {
  this.timeout(180_000);
  let world: LiveWorld;
  let template: string;
  let running: KeeperProcess[] = [];
  let wires: Wire[] = [];
  let count = 0;

  before("a market with leveraged accounts", async function () {
    this.timeout(300_000);
    world = await createLiveWorld({ accounts: ACCOUNTS, mostDebt: 2_030, blockGas: 30_000_000 });
    template = await prepareState(world);
  });

  after(async () => {
    await world.close();
  });

  afterEach("nothing is left behind", async () => {
    for (const each of running) await each.kill();
    for (const each of wires) await each.close();
    [running, wires] = [[], []];
  });

  const fresh = () => {
    const state = join(world.directory, `live-${(count += 1)}.sqlite`);
    for (const end of ["", ".book"]) copyFileSync(template + end, state + end);
    return state;
  };
  const start = (
    rpc: string,
    state: string,
    more: readonly string[] = [],
    key = KEY,
    env: Record<string, string> = {},
  ) => {
    const keeper = KeeperProcess.start(argumentsOf(world, rpc, state, more), key, env);
    running.push(keeper);
    return keeper;
  };
  const wire = async () => {
    const opened = await startWire(world.node.url);
    wires.push(opened);
    return opened;
  };
  const refused = async (keeper: KeeperProcess, message: RegExp) => {
    expect(await keeper.ended()).to.equal(1);
    expect(keeper.errors).to.match(message);
  };

  it("loses no bid and makes none twice, killed, cut off and reorganised, beside a rival", async () => {
    const faults = { rival: true, killAt: 3, outageAt: 9, outageFor: 2, reorgAt: 13, reorgDepth: 6 };
    const result = await runOnce(world, template, { gap: GAP, blockSeconds: 1, faults, timeout: 120 });
    expect(result.below).to.be.greaterThan(5);
    expect(result).to.include({ left: 0, doubles: 0, open: 0 });
    expect(result.bids + result.rivalBids).to.equal(result.below);
  });

  it("liquidates everybody on a copy, with prices moved, and leaves the chain as it was", async () => {
    await world.reset();
    const before = await world.provider.getBlockNumber();
    const report = join(world.directory, "report.json");
    const keeper = start(world.node.url, ":memory:", ["--optimistic", "--shock", "WETH=-28%", "--report", report]);
    expect(await keeper.ended()).to.be.oneOf([0, 1]);
    expect(keeper.errors).to.equal("");
    const { liquidated, failed, accounts, shock } = JSON.parse(readFileSync(report, "utf8")) as OptimisticReport;
    expect(shock).to.deep.equal({ WETH: -0.28 });
    expect(liquidated + failed)
      .to.equal(accounts.length)
      .and.to.be.greaterThan(3);
    for (const { result, reason } of accounts)
      if (result === "failed") expect(reason).to.be.a("string").and.not.equal("");
    expect(await world.provider.getBlockNumber()).to.equal(before);
    expect(await world.below()).to.deep.equal([]);
  });

  it("divides work with a replica, and takes over when it is killed", async function () {
    const database = await startPostgres();
    if (database === undefined) return this.skip();
    try {
      await world.reset();
      const replicas = ["--database", database.url, "--lease-ms", "2000"];
      const first = start(world.node.url, fresh(), replicas);
      const second = start(world.node.url, fresh(), replicas, keyOf(8).privateKey);
      await second.until("leases", ({ shares }) => shares === 32);
      await world.gap(GAP);
      await world.send("evm_setIntervalMining", 1);
      await Promise.race([first.until("bid"), second.until("bid")]);
      await first.kill();
      await second.until("leases", ({ shares }) => shares === 64, 10_000);
      for (let tries = 0; tries < 60 && (await world.below()).length > 0; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
      expect(await world.below()).to.deep.equal([]);
      const bids = await world.safe.queryFilter(world.safe.filters.BidTaken());
      expect(new Set(bids.map(({ args }) => args.account)).size, "nobody was bid on twice").to.equal(bids.length);

      // The same database, gone in mid-run.
      await database.kill();
      await refused(second, /keeper: --database: no answer for longer than the lease of 2000 ms/);
      return;
    } finally {
      await database.close();
    }
  });

  describe("refuses, with a message and a code that is not zero:", () => {
    beforeEach(() => world.reset());

    it("a head that no block stands behind", async () => {
      const liar = await wire();
      liar.lie(({ method, params }, answer) => {
        if (method !== "eth_getBlockByNumber" || params?.[0] !== "latest") return answer;
        return { ...answer, result: { ...(answer.result as object), number: "0xffffff" } };
      });
      await refused(
        start(liar.url, fresh(), ["--head-grace", "1"]),
        /keeper: the endpoint reports head 16777215 .* but knows that hash as block/,
      );
    });

    it("two endpoints that tell different stories", async () => {
      const liar = await wire();
      const lie = `0x${"ab".repeat(32)}`;
      liar.lie(({ method }, answer) =>
        method === "eth_getBlockByNumber" && answer.result != null
          ? { ...answer, result: { ...answer.result, hash: lie } }
          : answer,
      );
      await refused(
        start(`${world.node.url},${liar.url}`, fresh(), ["--head-grace", "1"]),
        /no endpoint's head can be believed .*disagree about block/,
      );
    });

    it("a chain that the deployment is not of", async () => {
      const other = await wire();
      other.lie(({ method }, answer) => (method === "eth_chainId" ? { ...answer, result: "0x1" } : answer));
      await refused(start(other.url, fresh()), /--deployment: .* is for chain 31337, --rpc is chain 1/);
    });

    it("an address without code", async () => {
      const file = join(world.directory, "codeless.json");
      const deployment = JSON.parse(readFileSync(world.file, "utf8")) as { contracts: Record<string, string> };
      deployment.contracts["lens"] = `0x${"12".repeat(20)}`;
      writeFileSync(file, JSON.stringify(deployment));
      await refused(
        start(world.node.url, fresh(), ["--deployment", file]),
        /--deployment: there is no contract at 0x1212.* \(lens\)/,
      );
    });

    it("a key without money, and one that is none", async () => {
      await refused(
        start(world.node.url, fresh(), [], `0x${"77".repeat(32)}`),
        /the keeper's address 0x\w+ holds no native token for gas: fund it/,
      );
      await refused(
        start(world.node.url, fresh(), [], `0x${"ff".repeat(32)}`),
        /PLIMSOLL_KEEPER_KEY is not a private key/,
      );
    });

    it("a checkpoint that is broken", async () => {
      const [sent, book] = [fresh(), fresh()];
      writeFileSync(sent, "nonsense".repeat(200));
      await refused(start(world.node.url, sent), /--state: .*cannot be used .*move it away/);
      writeFileSync(`${book}.book`, "nonsense".repeat(200));
      await refused(start(world.node.url, book), /--state: .*\.book: /);
    });

    it("to go on when its file is taken away", async () => {
      const state = fresh();
      const keeper = start(world.node.url, state);
      await keeper.until("started");
      rmSync(state);
      await refused(keeper, /keeper: --state: .* is gone/);
    });
  });
});
