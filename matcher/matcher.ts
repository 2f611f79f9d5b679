// The matcher: takes orders in, matches them, has them settled, and keeps up with what the chain says.
import type { Logger } from "pino";

import {
  domainSeparator,
  type ExchangeDomain,
  hashOrder,
  isReduceOnly,
  type Order,
  orderFromJson,
  OrderFormatError,
  orderToJson,
  ownerOfAccount,
  signatureFromJson,
} from "../sdk/orders.ts";
import { checkOrder, DEFAULT_RULES, MAX_LEGS, type OrderRules } from "./check.ts";
import type { Command, Fill, Happening, SignedOrder } from "./commands.ts";
import type { DurableEngine } from "./durable.ts";
import type { Entry } from "./entry.ts";
import { Refusal } from "./errors.ts";
import type { Gateway, Standing } from "./gateway.ts";
import { Gate, hashRequest, isKeySignature, type Request, requestFromJson } from "./requests.ts";

export interface MatcherOptions {
  readonly rules: OrderRules;
  /** Orders whose checks on chain are under way at once. */
  readonly maxChecks: number;
  /** Trades remembered per market, for those who ask. */
  readonly tradesKept: number;
}

export const DEFAULT_MATCHER_OPTIONS: MatcherOptions = { rules: DEFAULT_RULES, maxChecks: 256, tradesKept: 200 };

/** An order as its owner is told of it. */
export interface OrderView {
  readonly hash: string;
  readonly state: "resting" | "held" | "private" | "done" | "settling";
  readonly open: string;
  readonly pending: string;
  readonly filled: string;
}

export const viewOf = ({ hash, state, open, pending, filled }: Entry): OrderView => ({
  hash,
  state: state === "done" && pending > 0n ? "settling" : state,
  open: open.toString(),
  pending: pending.toString(),
  filled: filled.toString(),
});

export type Listener = (happening: Happening, entry: Entry | undefined) => void;

const isWholeFormatError = (error: unknown): error is OrderFormatError => error instanceof OrderFormatError;

/** Turns what the readers of JSON complain about into a refusal. */
export const readInput = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (isWholeFormatError(error)) throw new Refusal("InvalidFormat", error.message, { field: error.field }, 400);
    throw error;
  }
};

export class Matcher {
  readonly trades = new Map<string, Fill[]>();
  readonly domain: ExchangeDomain;
  private readonly separator: string;
  private readonly gate = new Gate();
  private readonly listeners = new Set<Listener>();
  private readonly told: { happening: Happening; entry: Entry | undefined }[] = [];
  private flushing: Promise<void> | undefined;
  private nextFlush: Promise<void> | undefined;
  private checks = 0;
  private failure: Error | undefined;

  constructor(
    readonly durable: DurableEngine,
    readonly gateway: Gateway,
    readonly log: Logger,
    readonly options: MatcherOptions = DEFAULT_MATCHER_OPTIONS,
    readonly clock: () => number = Date.now,
    /** Told when the journal cannot be written: nothing may be acknowledged any more. */
    private readonly onFailure: (error: Error) => void = () => undefined,
  ) {
    this.domain = { chainId: gateway.chainId, exchange: gateway.exchange };
    this.separator = domainSeparator(this.domain);
  }

  get engine() {
    return this.durable.engine;
  }

  get hasFailed(): boolean {
    return this.failure !== undefined;
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  // ------------------------------------------------------------------ state changes

  /** Applies all or up to the first that is refused; resolves when the journal has it. Whoever listens is told then, in order. */
  commit(...commands: Command[]): Promise<Happening[]> {
    return this.enact(commands, (refusal) => {
      throw refusal;
    });
  }

  /** What the chain says cannot be refused: what applies to nothing any more is passed over. */
  accept(...commands: Command[]): Promise<Happening[]> {
    return this.enact(commands, () => undefined);
  }

  private async enact(commands: readonly Command[], refused: (refusal: Refusal) => void): Promise<Happening[]> {
    if (this.failure !== undefined) throw new Refusal("JournalFailed", "the matcher cannot write its journal", {}, 503);
    // An order that is cancelled is forgotten at once.
    const before = new Map(
      commands.flatMap((command) => {
        const entry = command.kind === "cancel" ? this.engine.orders.get(command.hash) : undefined;
        return entry === undefined ? [] : [[entry.hash, entry] as const];
      }),
    );
    const happenings = this.durable.applyAll(commands, refused);
    for (const happening of happenings) {
      const entry =
        "hash" in happening ? (this.engine.orders.get(happening.hash) ?? before.get(happening.hash)) : undefined;
      this.told.push({ happening, entry });
    }
    await this.flush();
    return happenings;
  }

  /** One write for all that came while the one before was under way. */
  private flush(): Promise<void> {
    if (this.flushing === undefined) {
      this.flushing = this.write().finally(() => (this.flushing = undefined));
      return this.flushing;
    }
    this.nextFlush ??= this.flushing.then(() => {
      this.nextFlush = undefined;
      return this.flush();
    });
    return this.nextFlush;
  }

  private async write(): Promise<void> {
    // What else comes in this turn of the loop goes with it.
    await new Promise((resolve) => setImmediate(resolve));
    const ready = this.told.splice(0);
    try {
      await this.durable.flush();
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error));
      this.log.fatal({ event: "journal-failed", reason: this.failure.message }, "cannot write the journal: stopping");
      this.onFailure(this.failure);
      throw this.failure;
    }
    for (const { happening, entry } of ready) this.tell(happening, entry);
  }

  private tell(happening: Happening, entry: Entry | undefined): void {
    if (happening.kind === "traded") this.remember(happening.fill);
    this.log.debug({ event: happening.kind, ...("hash" in happening && { order: happening.hash }) }, happening.kind);
    for (const listener of this.listeners) listener(happening, entry);
  }

  private remember(fill: Fill): void {
    const trades = this.trades.get(fill.key) ?? [];
    trades.push(fill);
    if (trades.length > this.options.tradesKept) trades.shift();
    this.trades.set(fill.key, trades);
  }

  // ------------------------------------------------------------------ orders

  /** Takes `{ order, signer?, signature }`; throws {@link Refusal}. */
  async submit(body: unknown): Promise<OrderView> {
    const signed = this.read(body);
    const { order, hash } = signed;
    checkOrder(order, this.options.rules, this.clock());
    if (this.engine.orders.has(hash))
      throw new Refusal("DuplicateOrder", "this order was sent before", { order: hash }, 409);
    if (this.checks >= this.options.maxChecks) throw new Refusal("Busy", "too many orders are being checked", {}, 503);
    this.checks += 1;
    const commands: Command[] = [];
    try {
      commands.push(...(await this.check(signed)));
    } finally {
      this.checks -= 1;
    }
    const at = this.clock();
    const happenings = await this.commit(...commands, { kind: "place", at, ...signed });
    const entry = this.engine.orders.get(hash);
    if (entry !== undefined) return viewOf(entry);
    // Forgotten already: an immediate order without a counterpart.
    const open = happenings.reduce(
      (sum, each) => sum + (each.kind === "cancelled" && each.hash === hash ? each.open : 0n),
      0n,
    );
    return { hash, state: "done", open: "0", pending: "0", filled: (order.size - open).toString() };
  }

  private read(body: unknown): SignedOrder {
    return readInput(() => {
      if (typeof body !== "object" || body === null)
        throw new OrderFormatError("body", "an object with order and signature");
      const { order: json, signer: said, signature: text } = body as Readonly<Record<string, unknown>>;
      const order = orderFromJson(json, MAX_LEGS);
      const signature = signatureFromJson(text);
      const signer = said === undefined ? ownerOfAccount(order.account) : addressFromJson(said);
      return { hash: hashOrder(order, this.separator), order, signer, signature };
    });
  }

  /** Signature, authority, and what the chain knows. What has to be known before the order can go in comes back. */
  private async check(signed: SignedOrder): Promise<Command[]> {
    const { order, signer, hash } = signed;
    await this.requireSigned(signer, hash, signed.signature);
    const standing = await this.gateway.standing(signed);
    this.requireStanding(signed, standing);
    const probe = isReduceOnly(order) ? undefined : await this.gateway.probe(signed, standing.remaining);
    if (probe !== undefined) throw new Refusal(probe.reason, "the account could not honour the order", { order: hash });

    const at = this.clock();
    const commands: Command[] = [];
    if ((this.engine.deadlines.chain.get(order.account) ?? 0) !== standing.validUntil) {
      commands.push({ kind: "deadline", at, scope: "chain", account: order.account, until: standing.validUntil });
    }
    if (isReduceOnly(order)) {
      for (const { instrument } of order.legs) {
        const size = await this.gateway.position(order.account, instrument);
        commands.push({ kind: "position", at, account: order.account, instrument, size });
      }
    }
    const { underlying } = order.trigger;
    if (underlying !== 0) {
      const price = await this.gateway.index(underlying);
      if (price !== undefined) commands.push({ kind: "index", at, underlying, price });
    }
    return commands;
  }

  private requireStanding({ order, signer, hash }: SignedOrder, { authorized, remaining }: Standing): void {
    if (!authorized)
      throw new Refusal(
        "NotAuthorized",
        "the signer may not trade for the account",
        { signer, account: order.account },
        403,
      );
    if (remaining === 0n) {
      throw new Refusal("OrderNotFillable", "the exchange has this order filled, cancelled, expired or void", {
        order: hash,
      });
    }
    // Only whole orders come in: the engine would match what others have filled.
    if (remaining !== order.size) {
      throw new Refusal("PartlyFilled", "part of this order was filled elsewhere: sign one for the rest", {
        order: hash,
        remaining: remaining.toString(),
      });
    }
  }

  private async requireSigned(signer: string, digest: string, signature: string): Promise<void> {
    if (isKeySignature(signer, digest, signature)) return;
    if (await this.gateway.isContractSignature(signer, digest, signature)) return;
    throw new Refusal(
      "InvalidSignature",
      "the signature is not the signer's for this order, chain and exchange",
      { signer },
      401,
    );
  }

  // ------------------------------------------------------------------ requests

  /** Takes `{ request, signer, signature }`; throws {@link Refusal}. */
  async request(body: unknown): Promise<object> {
    const { request, signer, signature } = readInput(() => requestFromJson(body));
    const digest = hashRequest(request, this.domain);
    this.gate.check(digest, request.time, this.clock());
    await this.requireSigned(signer, digest, signature);
    if (request.action !== "pinned" && !(await this.mayTrade(request.account, signer))) {
      throw new Refusal(
        "NotAuthorized",
        "the signer may not trade for the account",
        { signer, account: request.account },
        403,
      );
    }
    this.gate.check(digest, request.time, this.clock()); // again: its twin may have come while the chain was asked
    this.gate.use(digest, this.clock());
    return this.perform(request, signer);
  }

  private async mayTrade(account: string, signer: string): Promise<boolean> {
    return ownerOfAccount(account) === signer || (await this.gateway.isAuthorized(account, signer));
  }

  private async perform({ action, account, orders, value }: Request, signer: string): Promise<object> {
    const at = this.clock();
    const cancelled = (happenings: readonly Happening[]) => ({
      cancelled: happenings.flatMap((each) => (each.kind === "cancelled" ? [each.hash] : [])),
    });
    switch (action) {
      case "cancel": {
        const own = orders.filter((hash) => {
          const entry = this.engine.orders.get(hash);
          return entry?.isLive === true && entry.order.account === account;
        });
        const commands = [...new Set(own)].map((hash) => ({ kind: "cancel" as const, at, hash, reason: "Asked" }));
        return cancelled(await this.commit(...commands));
      }
      case "cancelAll": {
        const below = value === 0n ? undefined : value;
        return cancelled(await this.commit({ kind: "cancelAll", at, account, below, reason: "Asked" }));
      }
      case "keepAlive": {
        const command: Command = { kind: "deadline", at, scope: "matcher", account, until: Number(value) };
        return { validUntil: Number(value), ...cancelled(await this.commit(command)) };
      }
      case "list":
        return {
          orders: this.engine.ordersOf(account).map((entry) => ({ ...viewOf(entry), ...termsOf(entry.order) })),
        };
      case "pinned":
        return { orders: this.pinnedTo(signer) };
    }
  }

  /** What an executor needs to fill orders that were pinned to it. */
  private pinnedTo(executor: string): object[] {
    return [...this.engine.orders.values()]
      .filter(({ state, order }) => state === "private" && order.executor === executor)
      .map((entry) => ({
        ...viewOf(entry),
        ...termsOf(entry.order),
        signer: entry.signer,
        signature: entry.signature,
      }));
  }
}

const termsOf = (order: Order) => ({ order: orderToJson(order) });

const addressFromJson = (value: unknown): string => {
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(value))
    throw new OrderFormatError("signer", "an address");
  return value.toLowerCase();
};
