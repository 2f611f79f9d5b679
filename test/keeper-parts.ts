// The keeper's pure parts: arguments, words, routes, money, fees.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { decodeWords, isWatched } from "../keeper/words.ts";
import { isCheckpointDue, isDeviationDue, upkeepOf } from "../keeper/chores/prices.ts";
import { ConfigError, type Keystore, parseDeployment, parseOptions, readKey } from "../keeper/config.ts";
import {
  AS_MUCH_AS_ALLOWED,
  type AuctionStatus,
  type Economics,
  feeCeiling,
  fractionsToTry,
  gasCost,
  gasLimit,
  isPokeDue,
  isProfitable,
  leastProfit,
  mustStartFirst,
  PHASE,
  potentialGain,
  stepWithoutBid,
} from "../keeper/liquidation/planner.ts";
import { hopState, routeCost, tradedAsset } from "../keeper/routes.ts";
import { backoffMs } from "../keeper/rpc.ts";
import { bumpedFees, firstFees } from "../keeper/fees.ts";
import { State, StateLost } from "../keeper/state.ts";

const WAD = 10n ** 18n;
const GWEI = 10n ** 9n;
const RPC = ["--rpc", "http://127.0.0.1:8545"];
const KEY = "11".repeat(32);

describe("Keeper's arguments", () => {
  const refused = (args: readonly string[], message: RegExp) =>
    expect(() => parseOptions(args)).to.throw(ConfigError, message);

  it("have defaults for all but the endpoint", () => {
    expect(parseOptions(RPC)).to.deep.include({
      rpc: ["http://127.0.0.1:8545"],
      sendRpc: undefined,
      deployment: undefined,
      state: undefined,
      database: undefined,
      intervalMs: 1_000,
      minProfit: WAD,
      txTimeoutMs: 30_000,
      patience: 30,
      dryRun: false,
      optimistic: false,
      once: false,
      listen: undefined,
      logLevel: "info",
    });
    expect(parseOptions(["--help"])).to.equal(undefined);
  });

  it("are refused by the name of the field", () => {
    refused([], /^--rpc is missing/);
    refused(["--rpc", "ws://127.0.0.1"], /^--rpc must be http.*--ws/);
    refused(["--rpc", "nonsense"], /^--rpc must be http/);
    refused([...RPC, "--interval", "0"], /^--interval must be a whole number from 10 to 600000/);
    refused([...RPC, "--min-profit", "-1"], /min-profit/);
    refused([...RPC, "--min-profit", "1e3"], /^--min-profit must be an amount/);
    refused([...RPC, "--tx-timeout", "1.5"], /^--tx-timeout must be a whole number/);
    refused([...RPC, "--log-level", "loud"], /^--log-level must be one of/);
    refused([...RPC, "--surprise"], /surprise/);
    refused([...RPC, "stray"], /stray/);
  });

  it("never hold a private key, and a refusal does not repeat it", () => {
    for (const args of [["--private-key", KEY], ["--key=abc"], ["-pk", "1"], [`0x${KEY}`], ["--state", KEY]]) {
      try {
        parseOptions([...RPC, ...args]);
        expect.fail("accepted");
      } catch (error) {
        expect(error).to.be.instanceOf(ConfigError);
        expect(String(error)).to.contain("a private key does not belong into the arguments").and.not.to.contain(KEY);
      }
    }
  });

  it("leave the key to the environment first, then to the keystore", async () => {
    const empty: Keystore = () => Promise.resolve(undefined);
    const full: Keystore = () => Promise.resolve(KEY);
    expect(await readKey({ PLIMSOLL_KEEPER_KEY: ` 0x${KEY}\n` }, empty, false)).to.equal(`0x${KEY}`);
    expect(await readKey({}, full, false)).to.equal(`0x${KEY}`);
    expect(await readKey({}, full, true)).to.equal(undefined);
    for (const [environment, message] of [
      [{}, "no key: set PLIMSOLL_KEEPER_KEY"],
      [{ PLIMSOLL_KEEPER_KEY: "0x1234" }, "PLIMSOLL_KEEPER_KEY is not a private key"],
    ] as const) {
      const failure = await readKey(environment, empty, false).catch((error: unknown) => String(error));
      expect(failure).to.contain(message).and.not.to.contain("1234");
    }
  });

  it("name the field of a deployment file that does not hold", () => {
    const address = `0x${"ab".repeat(20)}`;
    const contracts = {
      safe: address,
      lens: address,
      liquidationUnwinder: address,
      sizeCheckpoints: address,
      deviationRecord: address,
    };
    const good = { chainId: 1, fromBlock: 7, contracts, uniswap: { factory: address } };
    expect(parseDeployment(good, "f")).to.include({ chainId: 1, fromBlock: 7, unwinder: address });
    expect(() => parseDeployment({ ...good, fromBlock: -1 }, "f")).to.throw(ConfigError, "fromBlock in f is not");
    expect(() => parseDeployment({ ...good, contracts: { ...contracts, lens: "0x" } }, "f")).to.throw(
      ConfigError,
      "contracts.lens in f is not an address",
    );
    expect(() => parseDeployment(null, "f")).to.throw(ConfigError, "chainId in f");
  });
});

describe("Keeper's view of an account", () => {
  const entry = (asset: bigint, shares: bigint) => (asset << 104n) | BigInt.asUintN(104, shares);
  const word = (low: bigint, high: bigint, flags: bigint) => low | (high << 116n) | (flags << 232n);

  it("reads balances of either sign, and the flags, from the words of the event", () => {
    const words = [word(entry(2n, 10n ** 19n), entry(1n, -16_500_000_000n), 3n), entry(0x801n, 5n)];
    const state = decodeWords(words);
    expect(state.entries).to.deep.equal([
      { asset: 2, shares: 10n ** 19n },
      { asset: 1, shares: -16_500_000_000n },
      { asset: 0x801, shares: 5n },
    ]);
    expect(state).to.include({ hasLedger: false, inAuction: false });
    expect(isWatched(state)).to.equal(true);
  });

  it("watches debts, positions and auctions, and nothing else", () => {
    const flagged = (flags: bigint) => isWatched(decodeWords([word(entry(2n, 1n), 0n, 1n | flags)]));
    expect(flagged(0n)).to.equal(false);
    expect(flagged(1n << 7n)).to.equal(true);
    expect(flagged(1n << 8n)).to.equal(true);
    expect(flagged(1n << 9n)).to.equal(true);
    expect(isWatched(decodeWords([0n]))).to.equal(false);
    expect(() => decodeWords([3n << 232n])).to.throw(RangeError);
  });
});

describe("Keeper's memory", () => {
  it("keeps transactions until their end is known", () => {
    const state = State.open(":memory:", { chainId: 1, safe: "0xAb" });
    const flight = {
      nonce: 7,
      kind: "bid" as const,
      account: "0x1",
      to: "0x2",
      data: "0x",
      gasLimit: 21_000n,
      feeCeiling: 3n * GWEI,
      maxFee: 2n * GWEI,
      tip: GWEI,
      hashes: ["0x3"],
    };
    state.saveFlight(flight);
    state.saveFlight({ ...flight, hashes: ["0x3", "0x4"] });
    expect(state.flights()).to.deep.equal([{ ...flight, hashes: ["0x3", "0x4"] }]);
    state.deleteFlight(7);
    expect(state.flights()).to.deep.equal([]);
    state.close();
  });

  it("says of a file that is no checkpoint, or is gone, what to do", () => {
    const directory = mkdtempSync(join(tmpdir(), "plimsoll-state-"));
    try {
      const broken = join(directory, "broken.sqlite");
      writeFileSync(broken, "not a database, but long enough to be looked at as one".repeat(20));
      expect(() => State.open(broken, { chainId: 1, safe: "0xAb" })).to.throw(
        ConfigError,
        /--state: .*broken\.sqlite cannot be used .* move it away/,
      );
      const file = join(directory, "gone.sqlite");
      const state = State.open(file, { chainId: 1, safe: "0xAb" });
      state.check();
      rmSync(file);
      expect(() => {
        state.check();
      }).to.throw(StateLost, /gone\.sqlite is gone/);
      state.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("Keeper's routes", () => {
  it("prefer the deep pool for a large trade and the cheap one for a small", () => {
    const shallow = [{ fee: 100, price: 2_000, reserveOut: 1e6 }];
    const deep = [{ fee: 3_000, price: 2_000, reserveOut: 1e9 }];
    expect(routeCost(shallow, 1e3)).to.be.lessThan(routeCost(deep, 1e3));
    expect(routeCost(shallow, 1e5)).to.be.greaterThan(routeCost(deep, 1e5));
  });

  it("count every hop, in units of the last token", () => {
    const hops = [
      { fee: 500, price: 1, reserveOut: 100 },
      { fee: 500, price: 2_000, reserveOut: 1e6 },
    ];
    const millionths = Math.round(routeCost(hops, 1_000) * 1e6);
    expect(millionths).to.equal(1_000 + 5_000 + 1_000); // fees, impact on the first hop's 200,000, on the second's 1,000,000
    expect(routeCost([{ fee: 500, price: 0, reserveOut: 0 }], 1)).to.equal(Infinity);
  });

  it("read price and depth from a pool in both directions", () => {
    const there = hopState(2n * 2n ** 96n, 10n ** 12n, true, 500);
    const back = hopState(2n * 2n ** 96n, 10n ** 12n, false, 500);
    expect(there).to.deep.equal({ fee: 500, price: 4, reserveOut: 2e12 });
    expect(back).to.deep.equal({ fee: 500, price: 0.25, reserveOut: 5e11 });
    expect(hopState(0n, 0n, true, 500).reserveOut).to.equal(0);
  });

  it("trade a vault share as its pool's token", () => {
    expect([tradedAsset(2), tradedAsset(0x401), tradedAsset(0x802)]).to.deep.equal([2, 0x401, 2]);
  });
});

describe("Keeper's money", () => {
  // One native token is worth 2,000; gas costs 5 gwei; six decimals.
  const e: Economics = {
    nativePrice: 2_000n * WAD,
    settlementDecimals: 6n,
    gasPrice: 5n * GWEI,
    minProfit: 1_000_000n,
  };
  const offer = (profit: bigint) => ({ fraction: 1n, taken: 1n, price: 1n, profit, gas: 1_000_000n });
  const status = (changes: Partial<AuctionStatus> = {}): AuctionStatus => ({
    phase: BigInt(PHASE.solvent),
    lastTick: 0n,
    reserved: 0n,
    maintenance: -100n * WAD,
    mtm: 1_000n * WAD,
    discountFactor: WAD,
    maxFraction: WAD / 2n,
    liquidatable: true,
    ...changes,
  });

  it("counts gas in settlement tokens, rounded up", () => {
    expect(gasCost(1_000_000n, 5n * GWEI, e)).to.equal(10_000_000n); // 0.005 ETH = 10
    expect(gasCost(1n, 1n, e)).to.equal(1n);
  });

  it("bids when the profit covers gas and the least profit, to the unit", () => {
    expect(isProfitable(offer(11_000_000n), e)).to.equal(true);
    expect(isProfitable(offer(10_999_999n), e)).to.equal(false);
    expect(leastProfit(offer(50_000_000n), e)).to.equal(11_000_000n);
  });

  it("never pays more for gas than the profit leaves", () => {
    const ceiling = feeCeiling(51_000_000n, 1_000_000n, e);
    expect(ceiling).to.equal(25n * GWEI);
    expect(gasCost(1_000_000n, ceiling, e)).to.equal(50_000_000n);
    expect(feeCeiling(1_000_000n, 1_000_000n, e)).to.equal(0n);
  });

  it("tries a quarter, a half and all of what is allowed", () => {
    expect(fractionsToTry(WAD)).to.deep.equal([AS_MUCH_AS_ALLOWED, WAD / 2n, WAD / 4n, WAD / 10n]);
    expect(fractionsToTry(1n)).to.deep.equal([AS_MUCH_AS_ALLOWED]);
    expect(fractionsToTry(0n)).to.deep.equal([]);
  });

  it("stays under the cap of a transaction's gas", () => {
    expect(gasLimit(1_000_000n)).to.equal(1_200_000n);
    expect(gasLimit(16_000_000n)).to.equal(16_777_216n);
  });

  it("starts, pokes, waits or ignores by what there is to gain", () => {
    const step = (changes: Partial<AuctionStatus>, isContinuous: boolean, now: number) =>
      stepWithoutBid(status(changes), isContinuous, now, WAD / 10n, 400_000n, e);
    expect(step({}, true, 1_000)).to.equal("start");
    expect(step({ lastTick: 1_000n }, false, 1_059)).to.equal("wait");
    expect(step({ lastTick: 1_000n }, false, 1_060)).to.equal("poke");
    expect(step({ lastTick: 1_000n }, true, 1_060)).to.equal("wait");
    expect(step({ lastTick: 1_000n }, true, 1_900)).to.equal("poke");
    expect(step({ mtm: 4n * WAD, maintenance: -5n * WAD }, true, 1_000)).to.equal("ignore");
    // Insolvent: what the fund adds is all there is, a tenth of the requirement.
    expect(step({ mtm: -10n * WAD, maintenance: -110n * WAD }, true, 1_000)).to.equal("start");
    expect(step({ mtm: -10n * WAD, maintenance: -30n * WAD }, true, 1_000)).to.equal("ignore");
    expect(isPokeDue(0, false, 59)).to.equal(false);
  });

  it("knows what an auction can yield at most", () => {
    expect(potentialGain(status({ reserved: 400_000_000n, maintenance: 0n }), WAD / 10n, e)).to.equal(600_000_000n);
    expect(potentialGain(status({ mtm: -50n * WAD }), WAD / 10n, e)).to.equal(5_000_000n);
  });

  it("does not bid on an insolvent account before a start", () => {
    const insolvent = { phase: BigInt(PHASE.insolvent) };
    expect(mustStartFirst(status(insolvent))).to.equal(true);
    expect(mustStartFirst(status({ ...insolvent, lastTick: 5n }))).to.equal(false);
    expect(mustStartFirst(status())).to.equal(false);
  });
});

describe("Keeper's fees", () => {
  const market = { baseFee: 10n * GWEI, tip: 1n * GWEI };

  it("cover a doubled base fee, and no more than the ceiling", () => {
    expect(firstFees(market, 100n * GWEI)).to.deep.equal({ maxFee: 21n * GWEI, tip: 1n * GWEI });
    expect(firstFees(market, 12n * GWEI)).to.deep.equal({ maxFee: 12n * GWEI, tip: 1n * GWEI });
  });

  it("rise by an eighth at least, follow the market, and stop at the ceiling", () => {
    const last = { maxFee: 16n * GWEI, tip: 8n * GWEI };
    expect(bumpedFees(last, { baseFee: GWEI, tip: GWEI }, 100n * GWEI)).to.deep.equal({
      maxFee: 18n * GWEI + 1n,
      tip: 9n * GWEI + 1n,
    });
    expect(bumpedFees(last, { baseFee: 30n * GWEI, tip: GWEI }, 100n * GWEI)?.maxFee).to.equal(61n * GWEI);
    expect(bumpedFees(last, { baseFee: 30n * GWEI, tip: GWEI }, 20n * GWEI)?.maxFee).to.equal(20n * GWEI);
    expect(bumpedFees(last, market, 18n * GWEI)).to.equal(undefined);
  });

  it("wait longer after each failure, up to half a minute", () => {
    const waits = [1, 2, 3, 20].map((failures) => backoffMs(failures, () => 1));
    expect(waits).to.deep.equal([250, 500, 1_000, 30_000]);
    expect(backoffMs(1, () => 0)).to.be.lessThan(250);
  });
});

describe("Keeper's chores", () => {
  const feed = {
    feed: `0x${"11".repeat(20)}`,
    heartbeat: 3_600,
    feedDecimals: 8,
    tokenDecimals: 18,
    minAnswer: 1n,
    maxAnswer: 10n ** 12n,
  };
  const haircut = { maintenanceBps: 1_000, initialExtraBps: 500 };
  const twap = { pool: feed.feed, window: 600, quote: 1, quoteDecimals: 6, baseIsToken0: true, deviationBps: 500 };

  it("come from the table in force", () => {
    const upkeep = upkeepOf({
      settlementDecimals: 6,
      deviationDelay: 300,
      pools: [{ ...feed, haircut }, { ...feed, haircut: { ...haircut, kappaBps: 500 }, twap }, null],
      idles: [{ ...feed, haircut: { ...haircut, kappaBps: 100 } }],
      vaultShares: [{ haircut: { ...haircut, kappaBps: 100 } }, { haircut }, null],
    });
    expect(upkeep).to.deep.include({ twoSources: [2], sized: [2, 0x401, 0x801], deviationDelay: 300 });
    expect([...upkeep.feeds.keys()]).to.deep.equal([1, 2, 0x401]);
  });

  it("O1: see a disagreement again within T_dev, and note its end", () => {
    const run = (since: bigint, lastSeen: bigint) => ({ since, lastSeen });
    expect(isDeviationDue(8n, run(0n, 0n), 1_000, 300)).to.equal(true);
    expect(isDeviationDue(8n, run(900n, 900n), 1_000, 300)).to.equal(false);
    expect(isDeviationDue(8n, run(800n, 850n), 1_000, 300)).to.equal(true);
    expect(isDeviationDue(0n, run(800n, 850n), 1_000, 300)).to.equal(true);
    expect(isDeviationDue(0n, run(0n, 0n), 1_000, 300)).to.equal(false);
    expect(isDeviationDue(1n, run(800n, 850n), 1_000, 300)).to.equal(false); // stale: says nothing
  });

  it("move a total's checkpoint once an hour, when it is off by a percent", () => {
    expect(isCheckpointDue(1_000n, 0n, 0n, 10_000)).to.equal(true);
    expect(isCheckpointDue(1_000n, 995n, 0n, 10_000)).to.equal(false);
    expect(isCheckpointDue(1_000n, 900n, 9_000n, 10_000)).to.equal(false);
    expect(isCheckpointDue(0n, 900n, 1_000n, 10_000)).to.equal(true);
    expect(isCheckpointDue(0n, 0n, 0n, 10_000)).to.equal(false);
  });
});
