// What is checked of an order before anybody is asked: shape, time, and what the exchange would refuse in any case.
import { decodeInstrument, type Instrument, InstrumentError } from "../sdk/instruments.ts";
import { FLAG, isPostOnly, isImmediateOrCancel, type Order } from "../sdk/orders.ts";
import { Refusal } from "./errors.ts";

export const MAX_LEGS = 16;
const MAX_RATIO = 10n ** 24n;
const ALL_FLAGS = FLAG.reduceOnly | FLAG.postOnly | FLAG.immediateOrCancel;
const WAD = 10n ** 18n;

export interface OrderRules {
  /** How far a salt may be from the matcher's clock: it decides who makes the price. */
  readonly saltWindowMs: number;
  /** A fill takes a while to be mined: orders about to expire are refused. */
  readonly leastLifetimeSeconds: number;
  /** Smallest size, WAD. */
  readonly minSize: bigint;
}

export const DEFAULT_RULES: OrderRules = { saltWindowMs: 15_000, leastLifetimeSeconds: 5, minSize: 10n ** 12n };

const invalid = (code: string, message: string, facts: Record<string, string | number> = {}): never => {
  throw new Refusal(code, message, facts);
};

const instrumentOf = (word: bigint, leg: number): Instrument => {
  try {
    return decodeInstrument(word);
  } catch (error) {
    if (!(error instanceof InstrumentError)) throw error;
    return invalid("InvalidLegs", `leg ${leg}: ${error.message}`, { leg });
  }
};

const checkLegs = ({ legs, size }: Order, now: number): void => {
  let last = -1n;
  for (const [i, { instrument, ratio }] of legs.entries()) {
    if (instrument <= last)
      invalid("InvalidLegs", "legs must be in ascending order of their instruments, each once", { leg: i });
    last = instrument;
    if (ratio === 0n || ratio > MAX_RATIO || ratio < -MAX_RATIO)
      invalid("InvalidLegs", "a ratio is 0 or too large", { leg: i });
    if ((size * ratio) / WAD === 0n) invalid("FillTooSmall", "a leg would be filled with nothing", { leg: i });
    const what = instrumentOf(instrument, i);
    if (what.kind === "option" && what.expiry <= now) {
      invalid("InstrumentExpired", "an option of the order has expired", { leg: i, expiry: what.expiry });
    }
  }
};

/** Throws {@link Refusal}. */
export const checkOrder = (order: Order, rules: OrderRules, nowMs: number): void => {
  const now = Math.floor(nowMs / 1_000);
  if (order.legs.length === 0 || order.legs.length > MAX_LEGS)
    invalid("InvalidLegs", `an order has 1 to ${MAX_LEGS} legs`);
  if (order.size < rules.minSize)
    invalid("SizeTooSmall", "the size is below the matcher's smallest", { least: rules.minSize.toString() });
  checkLegs(order, now);
  if ((order.flags & ~ALL_FLAGS) !== 0 || (isPostOnly(order) && isImmediateOrCancel(order))) {
    invalid("InvalidFlags", "unknown flags, or post-only together with immediate-or-cancel", { flags: order.flags });
  }
  if (isPostOnly(order) && order.trigger.underlying !== 0) {
    invalid("InvalidFlags", "an order with a trigger takes: it cannot be post-only", { flags: order.flags });
  }
  if (order.expiry < now + rules.leastLifetimeSeconds) {
    invalid("OrderExpired", "the order has expired or is about to", { expiry: order.expiry, now });
  }
  const away = Number(order.salt - BigInt(nowMs));
  if (Math.abs(away) > rules.saltWindowMs) {
    invalid(
      "SaltOutOfRange",
      "the salt must be the time of signing in milliseconds, by a clock that agrees with the matcher's",
      {
        salt: order.salt.toString(),
        now: nowMs,
      },
    );
  }
};
