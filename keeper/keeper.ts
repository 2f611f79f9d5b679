// The keeper: reads what changed, weighs who may be below maintenance, and has done what pays.
import type { Logger } from "pino";

import { assemble, type Parts } from "./assemble.ts";
import { neighbours } from "./chain.ts";
import type { Chore } from "./chores/chore.ts";
import { ConfigError, type KeeperOptions } from "./config.ts";
import { type Head, UntrustedHead } from "./heads.ts";
import { listen, type Listener } from "./http.ts";
import { DatabaseLost } from "./replicas.ts";
import type { Round } from "./reckoning.ts";
import { backoffMs, describeError, isConnectionError, sleep } from "./rpc.ts";
import type { Sighting } from "./scout.ts";
import { StateLost } from "./state.ts";
import type { Totals } from "./tally.ts";
import { Wake } from "./wake.ts";

export type { Totals } from "./tally.ts";

const DRAIN_MS = 5_000;
const LOOK_AGAIN_MS = 3_000;
const CHECKPOINT_MS = 60_000;
const BALANCE_MS = 30_000;
/** Without a round that worked for so long the process is better started anew. */
const DEAD_MS = 300_000;
const WEI = 1e18;

/**
 * Runs until `signal` is aborted (or one round, with `once`). Thrown is what somebody has to put right, and what makes going
 * on dangerous: a configuration that does not hold, a database that is gone, a head that nobody can believe. What else chain
 * and connection do is logged and survived.
 */
export const runKeeper = async (
  options: KeeperOptions,
  key: string | undefined,
  log: Logger,
  signal: AbortSignal,
): Promise<Totals> => {
  const parts = await persistently(() => assemble(options, key, log), log, signal);
  if (parts === undefined) return { bids: 0, lost: 0, profit: "0", gasCost: "0" };
  const keeper = new Keeper(options, parts, log, signal);
  try {
    await keeper.begin();
    await keeper.run();
  } finally {
    await keeper.close();
  }
  return parts.tally.totals;
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

const eventOf = (error: unknown): string =>
  isConnectionError(error) ? "rpc-error" : error instanceof UntrustedHead ? "head-not-believed" : "round-failed";

const logFailure = (log: Logger, error: unknown, failures: number): void => {
  const event = eventOf(error);
  log[failures === 1 ? "warn" : "debug"]({ event, failures, reason: describeError(error) }, "trying again");
};

const isFatal = (error: unknown): boolean =>
  error instanceof ConfigError || error instanceof DatabaseLost || error instanceof StateLost;

class Keeper {
  /** Last block at which everybody was looked at. */
  private weighedAt = "";
  private lookedAt = 0;
  private landedThen = 0;
  private lastGood = Date.now();
  private distrustedSince: number | undefined;
  private checkpointAt = Date.now();
  private balanceAt = 0;
  private head: Head | undefined;
  private fatal: string | undefined;
  private listener: Listener | undefined;
  private readonly wake: Wake;

  constructor(
    private readonly options: KeeperOptions,
    private readonly parts: Parts,
    private readonly log: Logger,
    private readonly signal: AbortSignal,
  ) {
    this.wake = new Wake(options.ws, log, signal);
  }

  async begin(): Promise<void> {
    const { chainId, deployment, address, scout, sender, outcomes, stateFile: state, coordinator } = this.parts;
    const { listen: at, dryRun, rpc } = this.options;
    if (at !== undefined) this.listener = await listen(at, this.status(), this.parts.metrics);
    this.log.info(
      {
        event: "started",
        chainId: Number(chainId),
        rpc: rpc.map((url) => new URL(url).host).join(","), // the rest may hold a provider's key
        safe: deployment.safe,
        keeper: address,
        dryRun,
        state,
        checkpoint: scout.head?.number ?? null,
        watched: scout.state.watched,
        leases: coordinator.shares,
        listen: this.listener?.port ?? null,
      },
      "keeper started",
    );
    outcomes.resume((await sender?.resume()) ?? []);
  }

  async run(): Promise<void> {
    const { signal } = this;
    const { metrics } = this.parts;
    let failures = 0;
    while (!signal.aborted) {
      const timed = metrics.roundSeconds.startTimer();
      try {
        await this.round();
        timed();
        metrics.rounds.inc({ result: "ok" });
        if (failures > 0) this.log.info({ event: "rpc-restored", failures }, "going on");
        failures = 0;
        this.lastGood = Date.now();
        this.distrustedSince = undefined;
        if (this.options.once) return;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        metrics.rounds.inc({ result: "failed" });
        metrics.errors.inc({ kind: eventOf(error) });
        if (isFatal(error) || this.isDistrustedTooLong(error)) {
          this.fatal = describeError(error);
          this.log.fatal({ event: "giving-up", reason: this.fatal }, "cannot go on");
          throw error;
        }
        logFailure(this.log, error, failures);
      }
      await this.wake.wait(failures === 0 ? this.options.intervalMs : backoffMs(failures));
    }
  }

  async close(): Promise<void> {
    const { sender, outcomes, scout, coordinator, endpoints, state, tally } = this.parts;
    this.wake.close();
    if (sender !== undefined && sender.inFlight > 0) {
      this.log.info({ event: "stopping", inFlight: sender.inFlight }, "waiting for what was sent");
    }
    await sender?.drain(this.options.once ? this.options.txTimeoutMs : DRAIN_MS);
    await outcomes.settled();
    if (this.fatal === undefined) scout.checkpoint();
    await this.listener?.close();
    await scout.close();
    await coordinator.close();
    endpoints.destroy();
    state.close();
    this.log.info({ event: "stopped", ...tally.totals }, "keeper stopped");
  }

  private isDistrustedTooLong(error: unknown): boolean {
    if (!(error instanceof UntrustedHead)) return false;
    this.distrustedSince ??= Date.now();
    return this.options.once || Date.now() - this.distrustedSince >= this.options.headGraceMs;
  }

  private async round(): Promise<void> {
    const { signal, parts } = this;
    const { coordinator, scout, outcomes, teller, reckoning, chain, state } = parts;
    coordinator.check();
    state.check();
    const head = await parts.guard.check();
    this.head = head;
    const isNew = head.hash !== this.weighedAt;
    const undone = await scout.sync({ number: head.number, hash: head.hash }, signal);
    if (signal.aborted) return;
    if (undone) parts.metrics.reorgs.inc();
    if (isNew || undone) await this.takeBack(head);
    await this.adopt();
    // Between blocks only auctions move, by the clock and slowly; but an account is left alone while a transaction about it
    // is on its way.
    const { landed } = outcomes;
    const isDue = landed !== this.landedThen || Date.now() - this.lookedAt >= LOOK_AGAIN_MS;
    if (!isNew && !(teller.hasUnhealthy && isDue)) return;
    const { watched } = scout.state;
    if (isNew) this.log.debug({ event: "block", number: head.number, watched }, "new block");

    const around = await neighbours(chain);
    const sighting = await scout.look(head);
    const chores =
      isNew && coordinator.leads()
        ? await parts.chores.due(around, await reckoning.upkeepOf(around), head.timestamp)
        : [];
    if (sighting.unhealthy.length + sighting.recovered.length + chores.length > 0) {
      await this.act(await reckoning.round(around, head.timestamp), sighting, chores, head);
    }
    // Only now: a round that failed is repeated.
    this.weighedAt = head.hash;
    this.lookedAt = Date.now();
    this.landedThen = landed;
    await this.measure(head, sighting);
    if (Date.now() - this.checkpointAt >= CHECKPOINT_MS) {
      scout.checkpoint();
      this.checkpointAt = Date.now();
    }
  }

  private async act(round: Round, sighting: Sighting, chores: readonly Chore[], head: Head): Promise<void> {
    const { liquidator, holder, coordinator, desk } = this.parts;
    // What is urgent first: everything else may wait for a nonce.
    await holder?.refresh();
    await liquidator.pursue(round, sighting.unhealthy, { gasLimit: head.gasLimit }, this.signal);
    for (const account of sighting.recovered) {
      if (!coordinator.owns(account)) continue;
      const { to, data } = await round.neighbours.auction.end.populateTransaction(account);
      await desk.keepUp(round, "end", account, to, data);
    }
    for (const { name, subject, to, data } of chores) {
      await desk.keepUp(round, "chore", `${name}:${subject}`, to, data);
    }
  }

  /** What a reorganisation took out of the chain is on its way again. */
  private async takeBack(head: Head): Promise<void> {
    const { sender, outcomes, tally } = this.parts;
    const back = (await sender?.recheck(head.number)) ?? [];
    for (const { hashes } of back) tally.undone(hashes);
    outcomes.resume(back);
  }

  /** Bids of replicas that died are shown to the nodes again until it is known how they ended. */
  private async adopt(): Promise<void> {
    const { coordinator, chain } = this.parts;
    for (const orphan of await coordinator.orphans()) {
      const { sender, nonce, hashes, raw, account, replica, validUntil } = orphan;
      const receipts = await Promise.all(hashes.map((hash) => chain.provider.getTransactionReceipt(hash)));
      const isMined = receipts.some((receipt) => receipt !== null);
      const isUsed = (await chain.provider.getTransactionCount(sender, "latest")) > nonce;
      const isOver = validUntil !== undefined && (this.head?.timestamp ?? 0) > validUntil;
      if (isMined || isUsed || isOver) {
        await coordinator.settleOrphan(orphan);
        const end = isMined ? "mined" : isUsed ? "replaced" : "expired";
        this.log.info({ event: "adopted", account, replica, end }, "a bid of another replica has ended");
        continue;
      }
      await chain.provider.send("eth_sendRawTransaction", [raw]).catch(() => undefined); // known already, as a rule
    }
  }

  private async measure(head: Head, { weighed }: Sighting): Promise<void> {
    const { metrics, scout, sender, holder, endpoints, coordinator, chain, address, rivals } = this.parts;
    const { accounts, watched, below, inAuction } = scout.state;
    for (const [kind, value] of Object.entries({ known: accounts, watched, below, auction: inAuction })) {
      metrics.accounts.set({ kind }, value);
    }
    metrics.evaluations.inc(weighed);
    metrics.looked.set(weighed);
    metrics.head.set(head.number);
    metrics.lag.set(Math.max(0, head.number - (scout.head?.number ?? 0)));
    metrics.headAge.set(Math.max(0, Date.now() / 1_000 - head.timestamp));
    metrics.inFlight.set(sender?.inFlight ?? 0);
    metrics.leases.set(coordinator.shares);
    const unseen = rivals.takeUncounted();
    if (unseen > 0) metrics.rivalBids.inc(unseen);
    for (const { host, failures, distrust } of endpoints.states) {
      metrics.endpointUp.set({ endpoint: host }, failures === 0 && distrust === undefined ? 1 : 0);
    }
    if (holder?.state !== undefined) {
      metrics.marginInitial.set(Number(holder.state.initial) / WEI);
      metrics.marginGross.set(holder.state.gross);
    }
    if (Date.now() - this.balanceAt >= BALANCE_MS) {
      this.balanceAt = Date.now();
      metrics.balance.set(Number(await chain.provider.getBalance(address)) / WEI);
    }
  }

  private status() {
    const { scout, tally, endpoints, sender } = this.parts;
    return {
      dead: () => {
        if (this.fatal !== undefined) return this.fatal;
        const silent = Date.now() - this.lastGood;
        return silent > DEAD_MS ? `no look at the chain has worked for ${Math.round(silent / 1_000)} s` : undefined;
      },
      notReady: () => {
        if (this.weighedAt === "") return "has not looked at every account yet";
        if (this.distrustedSince !== undefined) return "no endpoint's head can be believed";
        const silent = Date.now() - this.lastGood;
        const late = Math.max(10 * this.options.intervalMs, 30_000);
        return silent > late ? `no look at the chain has worked for ${Math.round(silent / 1_000)} s` : undefined;
      },
      facts: () => ({
        head: this.head?.number ?? null,
        followed: scout.head?.number ?? null,
        ...scout.state,
        inFlight: sender?.inFlight ?? 0,
        totals: tally.totals,
        endpoints: endpoints.states,
      }),
      account: (id: string) => scout.describe(id),
      accounts: (offset: number, limit: number) => scout.list(offset, limit),
    };
  }
}
