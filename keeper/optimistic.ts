// "What if": liquidates everybody whom the keeper would, on a copy of the chain, and says who could not be, and why.
import { writeFileSync } from "node:fs";

import { concat, parseEther, toBeHex, Wallet } from "ethers";
import type { Logger } from "pino";

import { agreedChainId, assemble, type Parts } from "./assemble.ts";
import { neighbours } from "./chain.ts";
import { ConfigError, type KeeperOptions } from "./config.ts";
import { type Fork, startFork } from "./fork.ts";
import { type Head, readHead } from "./heads.ts";
import type { Candidate } from "./liquidation/candidate.ts";
import { isRefusal } from "./liquidation/orders.ts";
import { sleep } from "./rpc.ts";

const BPS = 10_000n;
/** Time that auctions are given, and in how many steps: the longest tick that counts. */
const PATIENCE_SECONDS = 5 * 3_600;
const STEP_SECONDS = 600;
const ROUND_SELECTOR = "0xfeaf968c"; // latestRoundData()
const WAIT_MS = 50;
const MOST_WAITS = 400;

export interface Verdict {
  readonly account: string;
  readonly result: "liquidated" | "failed";
  readonly reason?: string;
}

export interface OptimisticReport {
  readonly block: number;
  /** Parts of one. */
  readonly shock: Readonly<Record<string, number>>;
  readonly liquidated: number;
  readonly failed: number;
  readonly bids: number;
  /** Settlement tokens, decimal text. */
  readonly profit: string;
  readonly accounts: readonly Verdict[];
}

/** The chain itself is only read. Throws {@link ConfigError} for what somebody has to put right. */
export const runOptimistic = async (
  options: KeeperOptions,
  log: Logger,
  signal: AbortSignal,
): Promise<OptimisticReport> => {
  const chainId = await agreedChainId(options.rpc);
  const fork = await startFork(options.rpc[0] ?? "", chainId);
  try {
    // A key of its own, rich on the copy only.
    const wallet = new Wallet(Wallet.createRandom().privateKey);
    await fork.send("anvil_setBalance", [wallet.address, toBeHex(parseEther("1000000"))]);
    const alone = { sendRpc: undefined, ws: undefined, database: undefined, state: ":memory:" };
    const copy = { ...options, ...alone, rpc: [fork.url], maxHeadAge: 0, maxHeadAhead: 0, patience: 0 };
    const parts = await assemble(copy, wallet.privateKey, log);
    try {
      const report = await new Rehearsal(parts, fork, options.shock, log, signal).run();
      if (options.report !== undefined) writeFileSync(options.report, `${JSON.stringify(report, null, 2)}\n`);
      return report;
    } finally {
      await parts.sender?.drain(0);
      await parts.scout.close();
      parts.endpoints.destroy();
      parts.state.close();
    }
  } finally {
    await fork.stop();
  }
};

class Rehearsal {
  private readonly seen = new Set<string>();

  constructor(
    private readonly parts: Parts,
    private readonly fork: Fork,
    private readonly shock: ReadonlyMap<string, number>,
    private readonly log: Logger,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<OptimisticReport> {
    const { tally, liquidator, reckoning, chain } = this.parts;
    const { number: block } = await readHead(chain.provider);
    await this.movePrices();
    let below = await this.look();
    for (let waited = 0; waited <= PATIENCE_SECONDS && below.length > 0 && !this.signal.aborted;) {
      const before = tally.totals.bids;
      await this.bid(below);
      if (tally.totals.bids === before) {
        // Nothing pays yet: the discounts need time.
        waited += STEP_SECONDS;
        await this.fork.send("evm_increaseTime", [STEP_SECONDS]);
        await this.fork.send("evm_mine");
      }
      below = await this.look();
    }
    const head = await readHead(chain.provider);
    const round = await reckoning.round(await neighbours(chain), head.timestamp);
    const reasons = new Map<string, string>();
    for (const { candidate, offer } of await liquidator.explain(round, below)) {
      reasons.set(candidate.account, isRefusal(offer) ? offer.reason : "it pays only now, after hours");
    }
    return this.report(block, new Set(below.map(({ account }) => account)), reasons);
  }

  private report(block: number, left: ReadonlySet<string>, reasons: ReadonlyMap<string, string>): OptimisticReport {
    const { bids, profit } = this.parts.tally.totals;
    const accounts = [...this.seen].map((account): Verdict =>
      left.has(account)
        ? { account, result: "failed", reason: reasons.get(account) ?? "it could not be looked at" }
        : { account, result: "liquidated" },
    );
    const failures = accounts.filter(({ result }) => result === "failed");
    for (const { account, reason } of failures) {
      this.log.warn({ event: "would-fail", account, reason }, "could not be liquidated");
    }
    const shock = Object.fromEntries([...this.shock].map(([symbol, bps]) => [symbol, bps / Number(BPS)]));
    const [failed, liquidated] = [failures.length, accounts.length - failures.length];
    this.log.info({ event: "optimistic", block, shock, liquidated, failed, bids, profit }, "tried everybody on a copy");
    return { block, shock, liquidated, failed, bids, profit, accounts };
  }

  private async look(): Promise<readonly Candidate[]> {
    const { chain, scout } = this.parts;
    const head = await readHead(chain.provider);
    await scout.sync(head, this.signal);
    const { unhealthy } = await scout.look(head);
    for (const { account } of unhealthy) this.seen.add(account);
    return unhealthy;
  }

  /** One round of bids, mined. */
  private async bid(below: readonly Candidate[]): Promise<void> {
    const { chain, reckoning, liquidator, sender, outcomes, holder } = this.parts;
    const head: Head = await readHead(chain.provider);
    await holder?.refresh();
    const round = await reckoning.round(await neighbours(chain), head.timestamp);
    await liquidator.pursue(round, below, { gasLimit: head.gasLimit }, this.signal);
    for (let waits = 0; (sender?.inFlight ?? 0) > 0 && waits < MOST_WAITS && !this.signal.aborted; waits += 1) {
      await this.fork.send("evm_mine");
      await sleep(WAIT_MS, this.signal);
    }
    await outcomes.settled();
  }

  /** Every feed answers from now on, at its price times the shock: on a copy nobody else would. */
  private async movePrices(): Promise<void> {
    const { chain, deployment, reckoning } = this.parts;
    const { assets } = deployment;
    for (const symbol of this.shock.keys()) {
      if (assets.has(symbol)) continue;
      throw new ConfigError(`--shock: there is no ${symbol}; listed are ${[...assets.keys()].join(", ")}`);
    }
    const { feeds } = await reckoning.upkeepOf(await neighbours(chain));
    for (const [symbol, { id }] of assets) {
      const feed = feeds.get(id);
      if (feed === undefined) continue;
      const data = await chain.provider.call({ to: feed, data: ROUND_SELECTOR });
      const [round, answer] = [BigInt(data.slice(0, 66)), BigInt.asIntN(256, BigInt(`0x${data.slice(66, 130)}`))];
      const moved = (answer * (BPS + BigInt(this.shock.get(symbol) ?? 0))) / BPS;
      await this.fork.send("anvil_setCode", [feed, feedCode(round + 1n, moved)]);
    }
    await this.fork.send("evm_mine");
  }
}

/** A feed whose every answer is (round, answer, now, now, round). */
const feedCode = (round: bigint, answer: bigint): string => {
  const push = (value: bigint) => concat(["0x7f", toBeHex(BigInt.asUintN(256, value), 32)]);
  const store = (offset: number) => concat(["0x60", toBeHex(offset, 1), "0x52"]);
  const now = "0x42";
  return concat([
    ...[push(round), store(0), push(answer), store(32), now, store(64), now, store(96), push(round), store(128)],
    "0x60a06000f3", // return those five words
  ]);
};
