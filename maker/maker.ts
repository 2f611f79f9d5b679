// A maker bot for local networks: quotes both sides of every market around the model, and lets everything lapse when it stops.
import { randomBytes, Wallet } from "ethers";
import type { Logger } from "pino";

import { connect, sleep } from "../keeper/rpc.ts";
import { reachChain } from "../matcher/connection.ts";
import { addressIn, firstBlockIn, readDeploymentFile } from "../matcher/config.ts";
import { accountId } from "../scripts/lib/ids.ts";
import { type ExchangeDomain, limitOrder, type Order } from "../sdk/orders.ts";
import { MatcherClient, MatcherRefusal } from "./client.ts";
import type { MakerConfig } from "./config.ts";
import { Markets } from "./markets.ts";
import { changesFor, type Quote, quotesFor, type Resting } from "./quoter.ts";

const WAD_NUMBER = 1e18;
const SIGNIFICANT = 1e8; // of prices: doubles carry no more that means anything
/** Orders outlive this many rounds, so that a bot that dies is forgotten soon even without the switch. */
const ROUNDS_OF_LIFE = 20;
const LEAST_LIFE_SECONDS = 60;
const SWITCH_ROUNDS = 5;
const SWITCH_SECONDS = 15;

const wad = (value: number): bigint =>
  (BigInt(Math.round(value * SIGNIFICANT)) * BigInt(WAD_NUMBER)) / BigInt(SIGNIFICANT);

/** What rests of an order, kept until the matcher no longer lists it. */
interface Placed extends Resting {
  readonly order: Order;
}

export class Maker {
  private placed = new Map<string, Placed>();

  constructor(
    private readonly client: MatcherClient,
    private readonly account: string,
    private readonly config: Pick<MakerConfig, "intervalMs" | "quotes" | "maxFeeRate">,
    private readonly log: Logger,
    private readonly clock: () => number = Date.now,
  ) {}

  /** One round: what is wanted now replaces what no longer fits. */
  async quote(wanted: readonly Quote[], chainTime = 0): Promise<{ placed: number; cancelled: number }> {
    const now = Math.floor(this.clock() / 1_000);
    // Expiries are the exchange's business, and a local chain's clock may be ahead.
    const chainNow = Math.max(now, chainTime);
    const interval = this.config.intervalMs / 1_000;
    await this.client.keepAlive(now + Math.ceil(SWITCH_ROUNDS * interval) + SWITCH_SECONDS);
    await this.refresh();
    const { cancel, place } = changesFor(wanted, [...this.placed.values()], chainNow + Math.ceil(2 * interval) + 5);
    // Old ones out first: a new bid may stand where an old ask is still resting.
    if (cancel.length > 0) await this.client.cancel(cancel);
    for (const hash of cancel) this.placed.delete(hash);
    let count = 0;
    for (const quote of place) if (await this.place(quote, chainNow)) count += 1;
    return { placed: count, cancelled: cancel.length };
  }

  async withdraw(): Promise<void> {
    await this.client.cancelAll();
    this.placed.clear();
  }

  private async refresh(): Promise<void> {
    const open = new Map((await this.client.list()).map((order) => [order.hash, order.open]));
    this.placed = new Map(
      [...this.placed].flatMap(([hash, each]) => {
        const left = open.get(hash);
        return left === undefined || left === 0n ? [] : [[hash, { ...each, size: Number(left) / WAD_NUMBER }]];
      }),
    );
    // Of a run before this one.
    const unknown = [...open].filter(([hash, left]) => left > 0n && !this.placed.has(hash)).map(([hash]) => hash);
    if (unknown.length > 0) await this.client.cancel(unknown);
  }

  private async place(quote: Quote, now: number): Promise<boolean> {
    const life = Math.max(LEAST_LIFE_SECONDS, Math.ceil((ROUNDS_OF_LIFE * this.config.intervalMs) / 1_000));
    const order = limitOrder({
      account: this.account,
      instrument: quote.instrument,
      side: quote.side,
      price: wad(quote.price),
      size: wad(quote.size),
      maxFee: wad(quote.notional * this.config.maxFeeRate),
      nonce: BigInt(`0x${Buffer.from(randomBytes(16)).toString("hex")}`),
      now: this.clock(),
      expiry: now + life,
      postOnly: true,
    });
    try {
      const { hash } = await this.client.place(order);
      this.placed.set(hash, { ...quote, hash, expiry: order.expiry, order });
      return true;
    } catch (error) {
      if (!(error instanceof MatcherRefusal)) throw error;
      this.log.debug(
        { event: "refused", reason: error.code, side: quote.side, price: quote.price },
        "a quote was refused",
      );
      return false;
    }
  }
}

export const runMaker = async (config: MakerConfig, key: string, log: Logger, signal: AbortSignal): Promise<void> => {
  const chainId = await reachChain(config.rpc);
  const { file, value } = readDeploymentFile(config.deployment, chainId);
  const provider = connect(config.rpc, chainId);
  const domain: ExchangeDomain = { chainId, exchange: addressIn(value, "exchange", file) };
  const addresses = { safe: addressIn(value, "safe", file), positions: addressIn(value, "positions", file) };
  const wallet = new Wallet(key);
  const account = accountId(wallet.address, config.account).toLowerCase();
  const maker = new Maker(new MatcherClient(config.matcher, wallet, account, domain), account, config, log);
  const markets = new Markets(provider, addresses, account, firstBlockIn(value));

  const round = async (): Promise<void> => {
    const now = (await provider.getBlock("latest"))?.timestamp ?? 0;
    const seen = await Promise.all(config.underlyings.map((underlying) => markets.read(underlying, now)));
    const wanted = seen.flatMap((underlying) => (underlying === undefined ? [] : quotesFor(underlying, config.quotes)));
    log.info({ event: "quoted", wanted: wanted.length, ...(await maker.quote(wanted, now)) }, "quoted");
  };

  log.info({ event: "started", account }, "quoting");
  while (!signal.aborted) {
    try {
      await round();
    } catch (error) {
      // Whatever rests falls by the switch if this goes on.
      log.warn({ event: "round-failed", reason: String(error) }, "cannot quote now");
    }
    await sleep(config.intervalMs, signal);
  }
  await maker.withdraw().catch((error: unknown) => {
    log.warn({ event: "withdraw-failed", reason: String(error) }, "could not cancel: the switch will");
  });
  provider.destroy();
  log.info({ event: "stopped" }, "stopped");
};
