// The keeper: reads what changed, weighs who may be below maintenance, and has done what pays.
import { Wallet } from "ethers";
import type { Logger } from "pino";

import { attach, type Chain, neighbours, verify } from "./chain.ts";
import { type Chore, dueChores } from "./chores.ts";
import { type KeeperOptions, readDeployment, stateFile } from "./config.ts";
import { byUrgency, evaluate, type Health, isRecovered, isUnhealthy } from "./evaluator.ts";
import { Follower } from "./follower.ts";
import { Liquidator, type Totals } from "./liquidator.ts";
import { Reckoning, type Round } from "./reckoning.ts";
import { backoffMs, connect, describeError, isConnectionError, readChainId, sleep } from "./rpc.ts";
import { Sender } from "./sender.ts";
import { State } from "./state.ts";
import { Teller } from "./teller.ts";

const DRAIN_MS = 5_000;
const LOOK_AGAIN_MS = 3_000;
/** Of a dry run without a key: simulations need a sender. */
const NOBODY = "0x000000000000000000000000000000000000dEaD";

/** What a round has to do. */
interface Found {
  readonly unhealthy: readonly Health[];
  readonly recovered: readonly Health[];
  readonly chores: readonly Chore[];
}

/**
 * Runs until `signal` is aborted (or one round, with `once`). Configuration errors are thrown; what chain and connection do
 * is logged and survived.
 */
export const runKeeper = async (
  options: KeeperOptions,
  key: string | undefined,
  log: Logger,
  signal: AbortSignal,
): Promise<Totals> => {
  const keeper = await persistently(() => Keeper.open(options, key, log), log, signal);
  if (keeper === undefined) return { bids: 0, lost: 0, profit: "0", gasCost: "0" };
  try {
    await keeper.run(signal);
  } finally {
    await keeper.close();
  }
  return keeper.totals;
};

/** Tries again while there is no connection; undefined when told to stop meanwhile. */
const persistently = async <T>(work: () => Promise<T>, log: Logger, signal: AbortSignal): Promise<T | undefined> => {
  for (let failures = 1; !signal.aborted; failures += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      logFailure(log, error, failures);
      await sleep(backoffMs(failures), signal);
    }
  }
  return undefined;
};

const logFailure = (log: Logger, error: unknown, failures: number): void => {
  const event = isConnectionError(error) ? "rpc-error" : "round-failed";
  log[failures === 1 ? "warn" : "debug"]({ event, failures, reason: describeError(error) }, "trying again");
};

class Keeper {
  private readonly teller: Teller;
  private readonly follower: Follower;
  private readonly liquidator: Liquidator;
  /** Last block at which everybody was looked at. */
  private weighedAt = "";
  private lookedAt = 0;
  private landedThen = 0;

  private constructor(
    private readonly options: KeeperOptions,
    private readonly chain: Chain,
    private readonly state: State,
    private readonly reckoning: Reckoning,
    fromBlock: number,
    sender: Sender | undefined,
    private readonly address: string,
    private readonly log: Logger,
  ) {
    this.teller = new Teller(log);
    this.follower = new Follower(chain.provider, chain.safe, state, fromBlock, log);
    this.liquidator = new Liquidator(chain, reckoning, sender, address, this.teller, log);
  }

  static async open(options: KeeperOptions, key: string | undefined, log: Logger): Promise<Keeper> {
    const chainId = await readChainId(options.rpc);
    const deployment = readDeployment(options, chainId);
    const chain = attach(connect(options.rpc, chainId), deployment);
    await verify(chain, deployment);
    const reckoning = await Reckoning.create(chain, options.minProfit);
    const file = stateFile(options, chainId);
    const state = State.open(file, deployment);
    try {
      const wallet = key === undefined ? undefined : new Wallet(key);
      const sender =
        wallet === undefined || options.dryRun
          ? undefined
          : new Sender(wallet, chain.provider, state, log, { chainId, timeoutMs: options.txTimeoutMs });
      const address = wallet?.address ?? NOBODY;
      const keeper = new Keeper(options, chain, state, reckoning, deployment.fromBlock, sender, address, log);
      await keeper.begin(chainId, file);
      return keeper;
    } catch (error) {
      state.close();
      throw error;
    }
  }

  get totals(): Totals {
    return this.liquidator.totals;
  }

  private async begin(chainId: bigint, file: string): Promise<void> {
    const { provider, safe } = this.chain;
    const balance = await provider.getBalance(this.address);
    this.log.info(
      {
        event: "started",
        chainId: Number(chainId),
        rpc: new URL(this.options.rpc).host, // the rest may hold a provider's key
        safe: await safe.getAddress(),
        keeper: this.address,
        dryRun: this.options.dryRun,
        state: file,
        checkpoint: this.state.checkpoint()?.number ?? null,
        watched: this.follower.watched.size,
      },
      "keeper started",
    );
    if (balance === 0n && !this.options.dryRun) {
      this.log.warn(
        { event: "no-gas-money", keeper: this.address },
        "the keeper's address holds no native token for gas",
      );
    }
    await this.liquidator.resume();
  }

  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.round(signal);
        if (failures > 0) this.log.info({ event: "rpc-restored", failures }, "going on");
        failures = 0;
        if (this.options.once) return;
      } catch (error) {
        failures += 1;
        logFailure(this.log, error, failures);
      }
      await sleep(failures === 0 ? this.options.intervalMs : backoffMs(failures), signal);
    }
  }

  async close(): Promise<void> {
    await this.liquidator.finish(this.options.once ? this.options.txTimeoutMs : DRAIN_MS);
    this.chain.provider.destroy();
    this.state.close();
    this.log.info({ event: "stopped", ...this.totals }, "keeper stopped");
  }

  private async round(signal: AbortSignal): Promise<void> {
    const { head, timestamp } = await this.follower.sync(signal);
    if (signal.aborted) return;
    const isNew = head.hash !== this.weighedAt;
    // Between blocks only auctions move, by the clock and slowly; but an account is left alone while a transaction about it
    // is on its way.
    const { landed } = this.liquidator;
    const isDue = landed !== this.landedThen || Date.now() - this.lookedAt >= LOOK_AGAIN_MS;
    if (!isNew && !(this.teller.hasUnhealthy && isDue)) return;
    const { watched } = this.follower;
    if (isNew) this.log.debug({ event: "block", number: head.number, watched: watched.size }, "new block");

    // Here only those that could have crossed since the last look need to be asked about; for now that is everyone.
    const healths = await evaluate(this.chain.lens, watched);
    this.teller.changes(healths);
    const around = await neighbours(this.chain);
    const upkeep = await this.reckoning.upkeepOf(around);
    const found: Found = {
      unhealthy: healths.filter(isUnhealthy).sort(byUrgency),
      recovered: healths.filter(isRecovered),
      chores: isNew ? await dueChores({ ...this.chain, ...around }, upkeep, timestamp) : [],
    };
    if (found.unhealthy.length + found.recovered.length + found.chores.length > 0) {
      await this.act(await this.reckoning.round(around, timestamp), found, signal);
    }
    // Only now: a round that failed is repeated.
    this.weighedAt = head.hash;
    this.lookedAt = Date.now();
    this.landedThen = landed;
  }

  private async act(round: Round, found: Found, signal: AbortSignal): Promise<void> {
    // What is urgent first: everything else may wait for a nonce.
    for (const health of found.unhealthy) {
      if (signal.aborted) return;
      await this.liquidator.consider(round, health);
    }
    for (const { account } of found.recovered) {
      const { to, data } = await round.neighbours.auction.end.populateTransaction(account);
      await this.liquidator.keepUp(round, "end", account, to, data);
    }
    for (const chore of found.chores) {
      await this.liquidator.keepUp(round, "chore", `${chore.name}:${chore.asset}`, chore.to, chore.data);
    }
  }
}
