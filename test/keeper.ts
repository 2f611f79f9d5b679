import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { State } from "../keeper/state.ts";
import { swapPath } from "../scripts/lib/uniswap.ts";
import {
  createWorld,
  KEEPER,
  Records,
  type RunningKeeper,
  startKeeper,
  startProxy,
  units,
  type World,
} from "./helpers/keeper.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const GWEI = 10n ** 9n;
const ANY_PRICE = (1n << 255n) - 1n;
const MOST = (1n << 256n) - 1n;

describe("Keeper, over JSON-RPC", function () {
  let world: World;
  let running: RunningKeeper[] = [];

  before("a chain of its own process, deployed", async function () {
    this.timeout(180_000);
    world = await createWorld();
  });

  after(async () => {
    await world.close();
  });

  beforeEach(async () => {
    await world.reset();
  });

  afterEach("keepers stop when told", async () => {
    const ours = running;
    running = [];
    await world.provider.send("evm_setAutomine", [true]);
    await world.mine();
    for (const keeper of ours) await keeper.stop();
  });

  const start = (...args: Parameters<typeof startKeeper> extends [World, ...infer Rest] ? Rest : never) => {
    const keeper = startKeeper(world, ...args);
    running.push(keeper);
    return keeper;
  };

  const healthOf = async (account: string) => {
    const [health] = await world.lens.healthOf([account]);
    if (health === undefined) throw new Error("no health");
    return health;
  };
  const nonceOf = (address: string) => world.provider.getTransactionCount(address);

  /** The rival's own bid through the same unwinder, paying miners more. */
  const rivalBid = async (account: string) =>
    world.unwinder.connect(world.rival).liquidate(
      {
        account,
        fraction: MOST,
        limit: ANY_PRICE,
        minProfit: 0n,
        routes: [swapPath(world.market.base, [world.market.fee, world.market.quote])],
        recipient: await world.rival.getAddress(),
        deadline: MOST,
      },
      { maxPriorityFeePerGas: 50n * GWEI, maxFeePerGas: 100n * GWEI, gasLimit: 3_000_000n },
    );

  /** Time goes by until the auction is deep enough for what the condition asks. */
  const passUntil = async (isDone: () => Promise<boolean> | boolean) => {
    for (let i = 0; i < 12 && !(await isDone()); i += 1) {
      await world.pass(300);
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
  };

  // ------------------------------------------------------------------ as a process

  const spawnKeeper = (args: readonly string[], key: string | undefined) => {
    const environment = { ...process.env };
    delete environment["PLIMSOLL_KEEPER_KEY"];
    const child = spawn(process.execPath, ["--import", "tsx", join(ROOT, "scripts", "keeper.ts"), ...args], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...environment, ...(key !== undefined && { PLIMSOLL_KEEPER_KEY: key }) },
    });
    const records = new Records();
    child.stdout.setEncoding("utf8").on("data", records.write);
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    return { child, records, errors: () => errors };
  };
  const ended = async (child: ChildProcess): Promise<number | null> => {
    if (child.exitCode === null) await once(child, "exit");
    return child.exitCode;
  };

  it("as a process: liquidates an unhealthy account with profit, then stops cleanly on SIGINT", async () => {
    const account = await world.openLong();
    await world.setPrice(2_200);
    const { child, records, errors } = spawnKeeper(
      [
        "--rpc",
        world.node.url,
        "--deployment",
        world.file,
        "--state",
        join(world.directory, "process.sqlite"),
        "--interval",
        "100",
        "--patience",
        "0",
      ],
      KEEPER.privateKey,
    );
    try {
      const bid = await records.until("bid");
      expect(bid["account"]).to.equal(account);
      expect(Number(bid["fraction"])).to.be.within(0.01, Number(bid["maxFraction"]) + 1e-6);
      expect(Number(bid["price"])).to.be.greaterThan(0);
      expect(Number(bid["profit"])).to.be.greaterThan(1);
      expect(bid["gas"]).to.be.within(100_000, 3_000_000);
      expect((await healthOf(account)).maintenance).to.be.greaterThan(0n);
      const wallet = await world.usdc.balanceOf(KEEPER.address);
      expect(wallet).to.equal(BigInt(Math.round(Number(bid["profit"]) * 1e6)));

      child.kill("SIGINT");
      expect(await ended(child), errors()).to.equal(0);
      const last = records.all.at(-1);
      expect(last).to.include({ event: "stopped", bids: 1, level: "info" });
      for (const record of records.all) expect(JSON.stringify(record)).not.to.contain(KEEPER.privateKey.slice(2));
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("as a process: without a key says what is missing", async () => {
    const { child, errors } = spawnKeeper(["--rpc", world.node.url], undefined);
    expect(await ended(child)).to.equal(1);
    expect(errors()).to.contain("no key: set PLIMSOLL_KEEPER_KEY");
  });

  // ------------------------------------------------------------------ auctions

  it("starts an auction that does not pay yet, keeps its clock and bids when the discount is deep enough", async () => {
    const account = await world.openLong();
    await world.setPrice(2_200, 2_165); // the market pays less than the feed says
    const { records } = start();
    await records.until("start");
    const waiting = await records.until("waiting");
    expect(waiting["reason"]).to.match(/^ProfitTooSmall|does not cover/);
    expect(records.of("bid")).to.deep.equal([]);
    await passUntil(() => records.of("bid").length > 0);
    const bid = await records.until("bid");
    expect(Number(bid["discountFactor"])).to.be.within(0.5, 0.96);
    expect(Number(bid["profit"])).to.be.greaterThan(1);
    expect((await healthOf(account)).inAuction).to.equal(false);
  });

  it("pokes an auction whose time no price rounds prove", async () => {
    await world.openLong();
    await world.setPrice(2_200, 2_100);
    const { records } = start();
    await records.until("start");
    const stale = 3_800; // the WETH feed's heartbeat and more between two rounds
    await world.provider.send("evm_increaseTime", [stale]);
    await world.setPrice(2_200, 2_100);
    await records.until("poke");
  });

  it("ends the auction of an account that is healthy again", async () => {
    const account = await world.openLong();
    await world.setPrice(2_200, 2_100);
    const { records } = start();
    await records.until("start");
    await world.setPrice(2_500);
    await records.until("end");
    await records.until("recovered");
    const { inAuction, maintenance } = await healthOf(account);
    expect(inAuction).to.equal(false);
    expect(maintenance).to.be.greaterThan(0n);
  });

  it("L2: starts the auction of an insolvent account, and is paid from insurance by a later bid", async () => {
    await (await world.fund.donate(500_000_000n)).wait();
    const account = await world.openLong();
    await world.setPrice(1_980);
    const { records } = start();
    await records.until("start");
    const owes = () => world.safe.balanceOf(account, world.ids.USDC);
    await passUntil(async () => (await owes()) === 0n);
    const bid = await records.until("bid");
    expect(bid["phase"]).to.equal("insolvent");
    expect(Number(bid["price"])).to.be.lessThan(0);
    expect(await owes()).to.equal(0n);
  });

  it("liquidates a short whose collateral are vault shares", async () => {
    const account = await world.openShort();
    await world.setPrice(3_420);
    const { records } = start();
    const before = await world.safe.balanceOf(account, world.ids.WETH);
    const bid = await records.until("bid");
    expect(Number(bid["profit"])).to.be.greaterThan(1);
    expect(await world.safe.balanceOf(account, world.ids.WETH)).to.be.greaterThan(before); // owes less
    expect((await healthOf(account)).maintenance).to.be.greaterThan(0n);
  });

  it("leaves alone what is too small to be worth its gas", async () => {
    await world.openLong(world.trader, { weth: 0.001, debt: 2 });
    await world.setPrice(2_200);
    const { records } = start();
    const waiting = await records.until("waiting");
    expect(waiting["reason"]).to.match(/^too small/);
    expect(await nonceOf(KEEPER.address)).to.equal(0);
  });

  // ------------------------------------------------------------------ races

  it("goes on when a competing bidder wins the race", async () => {
    const account = await world.openLong();
    const other = await world.openLong(world.second);
    await world.setPrice(2_400);
    const { records } = start();
    await records.until("block");
    await world.holdBlocks();
    await world.wethFeed.updateAnswer(2_200n * 10n ** 8n);
    await world.mine();
    const sent = await records.until("sent", (record) => record["kind"] === "bid");
    const target = String(sent["account"]);
    await rivalBid(target);
    await records.until("sent", (record) => record["account"] !== target);
    await world.mine();
    const lost = await records.until("bid-lost");
    expect(lost).to.include({ account: target, status: "reverted", reason: "AccountHealthy" });
    const bid = await records.until("bid");
    expect(bid["account"]).to.equal(target === account ? other : account);
    expect(records.of("bid").length).to.equal(1);
  });

  it("goes on when the price recovers before its bid is mined", async () => {
    const account = await world.openLong();
    await world.setPrice(2_200);
    await world.holdBlocks();
    const { records } = start();
    await records.until("sent", (record) => record["kind"] === "bid");
    await world.wethFeed.updateAnswer(2_500n * 10n ** 8n, {
      maxPriorityFeePerGas: 50n * GWEI,
      maxFeePerGas: 100n * GWEI,
    });
    await world.mine();
    const lost = await records.until("bid-lost");
    expect(lost).to.include({ account, status: "reverted", reason: "AccountHealthy" });
    await records.until("recovered");
    await world.provider.send("evm_setAutomine", [true]);
    await world.setPrice(2_200);
    await records.until("bid");
  });

  it("raises the fee of a transaction that is not mined in time, and bids once", async () => {
    await world.openLong();
    await world.setPrice(2_200);
    await world.holdBlocks();
    const { records } = start({ txTimeoutMs: 300 });
    const sent = await records.until("sent");
    const replaced = await records.until("replaced");
    expect(BigInt(String(replaced["maxFee"]))).to.be.greaterThan((BigInt(String(sent["maxFee"])) * 11n) / 10n);
    expect(replaced["nonce"]).to.equal(sent["nonce"]);
    await world.mine();
    await records.until("bid");
    expect(records.of("bid").length).to.equal(1);
  });

  it("cancels a bid that is not wanted any more, so that its nonce blocks nothing", async () => {
    await world.openLong();
    await world.setPrice(2_200);
    await world.holdBlocks();
    // A base fee that nothing sent before can pay keeps the bid out of blocks.
    const { records } = start({ txTimeoutMs: 1_500 });
    await records.until("sent");
    await world.provider.send("hardhat_setNextBlockBaseFeePerGas", [`0x${(500n * GWEI).toString(16)}`]);
    await world.wethFeed.updateAnswer(2_500n * 10n ** 8n, { maxFeePerGas: 2_000n * GWEI, maxPriorityFeePerGas: GWEI });
    await world.mine();
    await records.until("cancelling");
    await world.mine();
    const lost = await records.until("bid-lost");
    expect(lost["status"]).to.equal("cancelled");
    expect(await nonceOf(KEEPER.address)).to.equal(1);
  });

  // ------------------------------------------------------------------ connection, restart, stop

  it("survives a dropped connection and bids when it is back", async () => {
    const proxy = await startProxy(Number(new URL(world.node.url).port));
    try {
      const account = await world.openLong();
      const { records } = start({ rpc: [proxy.url] });
      await records.until("block");
      await proxy.cut();
      await records.until("rpc-error");
      await world.setPrice(2_200);
      expect((await healthOf(account)).maintenance).to.be.lessThan(0n);
      await proxy.restore();
      await records.until("rpc-restored");
      expect((await records.until("bid"))["account"]).to.equal(account);
    } finally {
      for (const keeper of running) await keeper.stop();
      await proxy.close();
    }
  });

  it("starts while the chain cannot be reached, and waits for it", async () => {
    const proxy = await startProxy(Number(new URL(world.node.url).port));
    try {
      await proxy.cut();
      const { records } = start({ rpc: [proxy.url] });
      await records.until("rpc-error");
      await proxy.restore();
      await records.until("started");
    } finally {
      for (const keeper of running) await keeper.stop();
      await proxy.close();
    }
  });

  it("resumes from its checkpoint after a restart, with the accounts that it knew", async () => {
    const state = join(world.directory, "resume.sqlite");
    const account = await world.openLong();
    await start({ state, once: true }).done;
    const head = await world.provider.getBlockNumber();
    await world.setPrice(2_200);
    const { records } = start({ state });
    const started = await records.until("started");
    expect(started).to.include({ checkpoint: head, watched: 1 });
    expect((await records.until("reading"))["from"]).to.equal(head + 1);
    expect((await records.until("bid"))["account"]).to.equal(account);
  });

  it("refuses a checkpoint of another deployment by naming the field", async () => {
    const state = join(world.directory, "foreign.sqlite");
    State.open(state, { chainId: 1, safe: world.deployment.contracts.safe }).close();
    const failure = await start({ state }).done.then(
      () => "",
      (error: unknown) => String(error),
    );
    running = [];
    expect(failure).to.match(/--state: .* is of another deployment/);
  });

  it("stops with a transaction on its way, names it, and takes it up again", async () => {
    const state = join(world.directory, "flight.sqlite");
    await world.openLong();
    await world.setPrice(2_200);
    await world.holdBlocks();
    const first = start({ state });
    const { hash } = await first.records.until("sent");
    await first.stop();
    expect((await first.records.until("left-in-flight"))["hash"]).to.equal(hash);

    const second = start({ state });
    expect((await second.records.until("resumed-transaction"))["hash"]).to.equal(hash);
    await second.records.until("unhealthy");
    expect(second.records.of("sent"), "no second bid beside the first").to.deep.equal([]);
    await world.mine();
    expect(await second.records.until("bid")).to.include({ hash });
    expect(await nonceOf(KEEPER.address)).to.equal(1);
    expect(await world.usdc.balanceOf(KEEPER.address)).to.be.greaterThan(0n);
  });

  it("in a dry run says what it would do and sends nothing, without a key", async () => {
    const account = await world.openLong();
    await world.setPrice(2_200);
    const block = await world.provider.getBlockNumber();
    const { records, done } = start({ dryRun: true, once: true }, undefined);
    const would = await records.until("would-bid");
    expect(would).to.include({ account });
    expect(Number(would["expectedProfit"])).to.be.greaterThan(1);
    await done;
    expect(await world.provider.getBlockNumber()).to.equal(block);
    expect((await healthOf(account)).maintenance).to.be.lessThan(0n);
  });

  it("keeps the slow totals of crowded collateral up to date", async () => {
    await world.openLong();
    await world.pass(3_700);
    const { records } = start();
    await records.until("chore", (record) => record["account"] === `checkpoint:${world.ids.WETH}`);
  });

  it("undoes what a reorganisation undid", async () => {
    const kept = await world.openLong(world.second);
    const { records } = start();
    await records.until("block", (record) => record["watched"] === 1 || Number(record["number"]) > 0);
    const fork = await world.provider.getBlockNumber();
    const snapshot = (await world.provider.send("evm_snapshot", [])) as string;
    const undone = await world.openLong(world.trader);
    await world.mint("USDC", world.second, units("USDC", 25_000));
    await (await world.safe.connect(world.second).repay(kept, world.ids.USDC, MOST)).wait();
    const head = await world.provider.getBlockNumber();
    await records.until("block", (record) => record["number"] === head);

    await world.provider.send("evm_revert", [snapshot]);
    await world.pass(300);
    expect(await records.until("reorg")).to.include({ from: head, fork });
    await world.setPrice(2_200);
    // The debt that was paid is owed again, and the account that was opened is not there.
    expect((await records.until("bid"))["account"]).to.equal(kept);
    expect(records.all.filter((record) => record["account"] === undone)).to.deep.equal([]);
  });
});
