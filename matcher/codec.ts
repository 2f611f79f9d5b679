// Commands and states as text. Orders, which are nearly all of a journal, are flat arrays; the rest is JSON with bigints as "123n".
import type { Order } from "../sdk/orders.ts";
import type { Command } from "./commands.ts";
import type { EngineState } from "./engine.ts";

type Flat = readonly (string | number)[];

const flatten = ({ account, legs, size, maxFee, expiry, nonce, salt, executor, flags, trigger }: Order): Flat => {
  const flat: (string | number)[] = [
    account,
    size.toString(),
    maxFee.toString(),
    expiry,
    nonce.toString(),
    salt.toString(),
    executor,
    flags,
    trigger.underlying,
    trigger.above ? 1 : 0,
    trigger.price.toString(),
    trigger.keeperFee.toString(),
  ];
  for (const { instrument, ratio, price } of legs) flat.push(instrument.toString(), ratio.toString(), price.toString());
  return flat;
};

const HEAD = 12;

const unflatten = (flat: Flat): Order => {
  const text = (i: number): string => String(flat[i]);
  const legs = [];
  for (let i = HEAD; i < flat.length; i += 3) {
    legs.push({ instrument: BigInt(text(i)), ratio: BigInt(text(i + 1)), price: BigInt(text(i + 2)) });
  }
  return {
    account: text(0),
    legs,
    size: BigInt(text(1)),
    maxFee: BigInt(text(2)),
    expiry: Number(flat[3]),
    nonce: BigInt(text(4)),
    salt: BigInt(text(5)),
    executor: text(6),
    flags: Number(flat[7]),
    trigger: {
      underlying: Number(flat[8]),
      above: flat[9] === 1,
      price: BigInt(text(10)),
      keeperFee: BigInt(text(11)),
    },
  };
};

// JSON knows no bigint: they are written as "123n".
const writeBigints = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);
const reviveBigints = (_key: string, value: unknown): unknown =>
  typeof value === "string" && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value;

/** Asking a function for every field costs more than the rest; most commands have no bigint. */
const WITH_BIGINTS: ReadonlySet<Command["kind"]> = new Set(["cancelAll", "index", "position", "external"]);

export const encodeCommand = (command: Command): string =>
  command.kind === "place"
    ? JSON.stringify(["place", command.at, command.hash, command.signer, command.signature, flatten(command.order)])
    : JSON.stringify(command, WITH_BIGINTS.has(command.kind) ? writeBigints : undefined);

export const decodeCommand = (text: string): Command => {
  const value = JSON.parse(text, text.startsWith("[") ? undefined : reviveBigints) as Command | readonly unknown[];
  if (!Array.isArray(value)) return { below: undefined, ...(value as Command) } as Command;
  const [, at, hash, signer, signature, flat] = value as ["place", number, string, string, string, Flat];
  return { kind: "place", at, hash, signer, signature, order: unflatten(flat) };
};

export const encodeState = (state: EngineState): string =>
  JSON.stringify(
    { ...state, orders: state.orders.map(({ order, ...rest }) => ({ ...rest, order: flatten(order) })) },
    writeBigints,
  );

export const decodeState = (text: string): EngineState => {
  const state = JSON.parse(text, reviveBigints) as Omit<EngineState, "orders"> & {
    orders: (Omit<EngineState["orders"][number], "order"> & { order: Flat })[];
  };
  return { ...state, orders: state.orders.map(({ order, ...rest }) => ({ ...rest, order: unflatten(order) })) };
};
