// Signed orders of the exchange: building, hashing, signing, checking. EIP-712, domain "Plimsoll Exchange" version "1".
import {
  AbiCoder,
  concat,
  getBytes,
  id,
  keccak256,
  recoverAddress,
  type Signer,
  type TypedDataDomain,
  type TypedDataField,
  verifyTypedData,
  ZeroAddress,
} from "ethers";

import { WAD } from "./instruments.ts";

/** One instrument of an order. */
export interface Leg {
  /** The instrument's word. */
  readonly instrument: bigint;
  /** Whole underlyings per unit of the order's size, WAD; positive buys, negative sells. */
  readonly ratio: bigint;
  /** Limit, settlement units (WAD) per whole underlying. Of several legs only the net cost Σ ratio·price binds. */
  readonly price: bigint;
}

/** A stop or take-profit. With one an order never makes the price. */
export interface Trigger {
  /** 0: none. */
  readonly underlying: number;
  /** Executable while the index is at or above `price`; else at or below. */
  readonly above: boolean;
  readonly price: bigint;
  /** Settlement units (WAD) for whoever executes it: for the whole size, paid in proportion as it fills. */
  readonly keeperFee: bigint;
}

/** A limit order as the exchange has it. */
export interface Order {
  /** AccountId, 32 bytes in hexadecimal. */
  readonly account: string;
  readonly legs: readonly Leg[];
  /** Units of the whole spread, WAD. */
  readonly size: bigint;
  /** Most fee per unit of size, settlement units WAD. */
  readonly maxFee: bigint;
  /** Last second at which it may be filled. */
  readonly expiry: number;
  readonly nonce: bigint;
  /** Milliseconds of the time of signing: decides who is maker, and what `cancelUpTo` cancels. */
  readonly salt: bigint;
  /** Only this address may execute it; zero: anybody. */
  readonly executor: string;
  readonly flags: number;
  readonly trigger: Trigger;
}

/** Bits of an order's `flags`. Post-only and immediate-or-cancel exclude each other. */
export const FLAG = { reduceOnly: 1, postOnly: 2, immediateOrCancel: 4 } as const;
/** The trigger of an order that waits for nothing. */
export const NO_TRIGGER: Trigger = { underlying: 0, above: false, price: 0n, keeperFee: 0n };

/** Whether an order may only reduce positions. */
export const isReduceOnly = ({ flags }: Pick<Order, "flags">): boolean => (flags & FLAG.reduceOnly) !== 0;
/** Whether an order only rests. */
export const isPostOnly = ({ flags }: Pick<Order, "flags">): boolean => (flags & FLAG.postOnly) !== 0;
/** Whether what is not filled at once is void. */
export const isImmediateOrCancel = ({ flags }: Pick<Order, "flags">): boolean => (flags & FLAG.immediateOrCancel) !== 0;

// ------------------------------------------------------------------ EIP-712

/** EIP-712 types of an {@link Order}. */
export const ORDER_TYPES: Record<string, TypedDataField[]> = {
  Order: [
    { name: "account", type: "bytes32" },
    { name: "legs", type: "Leg[]" },
    { name: "size", type: "uint128" },
    { name: "maxFee", type: "uint128" },
    { name: "expiry", type: "uint40" },
    { name: "nonce", type: "uint256" },
    { name: "salt", type: "uint64" },
    { name: "executor", type: "address" },
    { name: "flags", type: "uint8" },
    { name: "trigger", type: "Trigger" },
  ],
  Leg: [
    { name: "instrument", type: "uint128" },
    { name: "ratio", type: "int128" },
    { name: "price", type: "uint128" },
  ],
  Trigger: [
    { name: "underlying", type: "uint8" },
    { name: "above", type: "bool" },
    { name: "price", type: "uint128" },
    { name: "keeperFee", type: "uint128" },
  ],
};

const describe = (name: string): string =>
  `${name}(${(ORDER_TYPES[name] ?? []).map((field) => `${field.type} ${field.name}`).join(",")})`;

const LEG_TYPEHASH = id(describe("Leg"));
const TRIGGER_TYPEHASH = id(describe("Trigger"));
const ORDER_TYPEHASH = id(describe("Order") + describe("Leg") + describe("Trigger"));
const DOMAIN_TYPEHASH = id("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

/** Where an order counts: chain and exchange. */
export interface ExchangeDomain {
  readonly chainId: bigint | number;
  /** The exchange's proxy. */
  readonly exchange: string;
}

/** EIP-712 domain of the exchange. */
export const exchangeDomain = ({ chainId, exchange }: ExchangeDomain): TypedDataDomain => ({
  name: "Plimsoll Exchange",
  version: "1",
  chainId,
  verifyingContract: exchange,
});

const abi = AbiCoder.defaultAbiCoder();

const LEG_WORDS = ["bytes32", "uint128", "int128", "uint128"];
const TRIGGER_WORDS = ["bytes32", "uint8", "bool", "uint128", "uint128"];
const ORDER_WORDS = [
  "bytes32",
  "bytes32",
  "bytes32",
  "uint128",
  "uint128",
  "uint40",
  "uint256",
  "uint64",
  "address",
  "uint8",
  "bytes32",
];

/** The EIP-712 struct hash, without the domain. */
export const orderStructHash = (order: Order): string => {
  const legs = order.legs.map(({ instrument, ratio, price }) =>
    keccak256(abi.encode(LEG_WORDS, [LEG_TYPEHASH, instrument, ratio, price])),
  );
  const { underlying, above, price, keeperFee } = order.trigger;
  const trigger = keccak256(abi.encode(TRIGGER_WORDS, [TRIGGER_TYPEHASH, underlying, above, price, keeperFee]));
  return keccak256(
    abi.encode(ORDER_WORDS, [
      ORDER_TYPEHASH,
      order.account,
      keccak256(concat(legs)),
      order.size,
      order.maxFee,
      order.expiry,
      order.nonce,
      order.salt,
      order.executor,
      order.flags,
      trigger,
    ]),
  );
};

/** Hash of the exchange's domain. */
export const domainSeparator = ({ chainId, exchange }: ExchangeDomain): string =>
  keccak256(
    abi.encode(
      ["bytes32", "bytes32", "bytes32", "uint256", "address"],
      [DOMAIN_TYPEHASH, id("Plimsoll Exchange"), id("1"), chainId, exchange],
    ),
  );

/** What is signed, and how the exchange and matchers call the order. Pass a separator to hash many of one domain. */
export const hashOrder = (order: Order, domain: ExchangeDomain | string): string => {
  const separator = typeof domain === "string" ? domain : domainSeparator(domain);
  return keccak256(concat(["0x1901", separator, orderStructHash(order)]));
};

/** The typed data as wallets take it. */
export const orderTypedData = (order: Order, domain: ExchangeDomain) => ({
  domain: exchangeDomain(domain),
  types: ORDER_TYPES,
  primaryType: "Order" as const,
  message: order,
});

/** Has a wallet sign an order. */
export const signOrder = (signer: Signer, order: Order, domain: ExchangeDomain): Promise<string> =>
  signer.signTypedData(exchangeDomain(domain), ORDER_TYPES, order);

/** Who signed it with a key; contract owners (EIP-1271) are asked on chain instead. Throws for malformed signatures. */
export const recoverSigner = (order: Order, signature: string, domain: ExchangeDomain): string =>
  verifyTypedData(exchangeDomain(domain), ORDER_TYPES, order, signature);

/** The same for a hash that is known already. Throws for malformed signatures. */
export const recoverFromHash = (orderHash: string, signature: string): string => recoverAddress(orderHash, signature);

/** Address of an account's owner, in lower case. */
export const ownerOfAccount = (account: string): string => `0x${account.slice(2, 42)}`.toLowerCase();

/** Whether the account's owner signed it with a key. */
export const isSignedByOwner = (order: Order, signature: string, domain: ExchangeDomain): boolean => {
  try {
    return recoverSigner(order, signature, domain).toLowerCase() === ownerOfAccount(order.account);
  } catch {
    return false;
  }
};

// ------------------------------------------------------------------ limits

/** Net cost of one unit at these prices, times WAD: exact, so that limits compare without rounding. */
export const netCostScaled = (legs: readonly Pick<Leg, "ratio" | "price">[]): bigint =>
  legs.reduce((sum, { ratio, price }) => sum + ratio * price, 0n);

/** What both sides' fills must agree on: instruments in order, with opposite ratios. */
export const areOpposite = (a: readonly Leg[], b: readonly Leg[]): boolean =>
  a.length === b.length &&
  a.every((leg, i) => leg.instrument === b[i]?.instrument && leg.ratio === -(b[i]?.ratio ?? 0n));

// ------------------------------------------------------------------ building

const NONCE_BITS = 256;
const DEFAULT_LIFETIME_SECONDS = 3_600;

/** What every builder takes; what is left out gets a default. */
export interface OrderTerms {
  readonly account: string;
  readonly size: bigint;
  readonly maxFee: bigint;
  /** In any order: a number that the account has not used. */
  readonly nonce: bigint;
  /** Milliseconds; the builder has no clock of its own. */
  readonly now: number;
  /** Unix seconds; default: an hour from `now`. */
  readonly expiry?: number;
  readonly executor?: string;
  readonly reduceOnly?: boolean;
  readonly postOnly?: boolean;
  readonly immediateOrCancel?: boolean;
  readonly trigger?: Trigger;
}

/** An order of several legs, sorted by instrument as the exchange wants them. */
export const spread = (terms: OrderTerms, legs: readonly Leg[]): Order => ({
  account: terms.account,
  legs: [...legs].sort((a, b) => (a.instrument < b.instrument ? -1 : a.instrument > b.instrument ? 1 : 0)),
  size: terms.size,
  maxFee: terms.maxFee,
  expiry: terms.expiry ?? Math.floor(terms.now / 1_000) + DEFAULT_LIFETIME_SECONDS,
  nonce: BigInt.asUintN(NONCE_BITS, terms.nonce),
  salt: BigInt(Math.floor(terms.now)),
  executor: terms.executor ?? ZeroAddress,
  flags:
    (terms.reduceOnly === true ? FLAG.reduceOnly : 0) |
    (terms.postOnly === true ? FLAG.postOnly : 0) |
    (terms.immediateOrCancel === true ? FLAG.immediateOrCancel : 0),
  trigger: terms.trigger ?? NO_TRIGGER,
});

/** Side of a plain order. */
export type Side = "buy" | "sell";

export interface LimitTerms extends OrderTerms {
  readonly instrument: bigint;
  readonly side: Side;
  /** Settlement units (WAD) per whole underlying. */
  readonly price: bigint;
}

/** A plain order: one instrument, one side, one price. */
export const limitOrder = (terms: LimitTerms): Order =>
  spread(terms, [{ instrument: terms.instrument, ratio: terms.side === "buy" ? WAD : -WAD, price: terms.price }]);

/** A stop or take-profit. */
export interface StopTerms extends Omit<LimitTerms, "trigger"> {
  readonly underlying: number;
  /** The index that sets it off. */
  readonly triggerPrice: bigint;
  /** Set off at or above the trigger price; default: a buy above, a sell below (a stop). The other way is a take-profit. */
  readonly above?: boolean;
  readonly keeperFee: bigint;
}

/** A reduce-only order that waits for the index; `price` is the worst price once it is set off. */
export const stop = (terms: StopTerms): Order =>
  limitOrder({
    reduceOnly: true,
    ...terms,
    trigger: {
      underlying: terms.underlying,
      above: terms.above ?? terms.side === "buy",
      price: terms.triggerPrice,
      keeperFee: terms.keeperFee,
    },
  });

// ------------------------------------------------------------------ JSON

/** An order as it travels in JSON: numbers of more than 53 bits as decimal text. */
export interface OrderJson {
  readonly account: string;
  readonly legs: readonly { readonly instrument: string; readonly ratio: string; readonly price: string }[];
  readonly size: string;
  readonly maxFee: string;
  readonly expiry: number;
  readonly nonce: string;
  readonly salt: string;
  readonly executor: string;
  readonly flags: number;
  readonly trigger: {
    readonly underlying: number;
    readonly above: boolean;
    readonly price: string;
    readonly keeperFee: string;
  };
}

/** The order as it travels in JSON. */
export const orderToJson = (order: Order): OrderJson => ({
  account: order.account,
  legs: order.legs.map(({ instrument, ratio, price }) => ({
    instrument: instrument.toString(),
    ratio: ratio.toString(),
    price: price.toString(),
  })),
  size: order.size.toString(),
  maxFee: order.maxFee.toString(),
  expiry: order.expiry,
  nonce: order.nonce.toString(),
  salt: order.salt.toString(),
  executor: order.executor,
  flags: order.flags,
  trigger: {
    underlying: order.trigger.underlying,
    above: order.trigger.above,
    price: order.trigger.price.toString(),
    keeperFee: order.trigger.keeperFee.toString(),
  },
});

/** JSON that is no order; `field` says where. */
export class OrderFormatError extends Error {
  override readonly name = "OrderFormatError";
  constructor(
    readonly field: string,
    expected: string,
  ) {
    super(`${field} must be ${expected}`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown, field: string, names: readonly string[]): Fields => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new OrderFormatError(field, "an object");
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new OrderFormatError(`${field}.${unknown}`, "left out: there is no such field");
  return value as Fields;
};

const integer = (value: unknown, field: string, bits: number, signed = false): bigint => {
  const isText = typeof value === "string" && value.length <= 80 && (signed ? /^-?\d+$/ : /^\d+$/).test(value);
  if (!isText && !Number.isSafeInteger(value)) throw new OrderFormatError(field, "an integer as decimal text");
  const number = BigInt(value as string | number);
  const fits = (signed ? BigInt.asIntN(bits, number) : BigInt.asUintN(bits, number)) === number;
  if (!fits) throw new OrderFormatError(field, `within ${signed ? "int" : "uint"}${bits}`);
  return number;
};

const hex = (value: unknown, field: string, bytes: number): string => {
  if (typeof value !== "string" || !new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`).test(value)) {
    throw new OrderFormatError(field, `${bytes} bytes in hexadecimal`);
  }
  return value.toLowerCase();
};

const ORDER_FIELDS = (ORDER_TYPES["Order"] ?? []).map(({ name }) => name);
const LEG_FIELDS = (ORDER_TYPES["Leg"] ?? []).map(({ name }) => name);
const TRIGGER_FIELDS = (ORDER_TYPES["Trigger"] ?? []).map(({ name }) => name);

const legsFromJson = (value: unknown, most: number): Leg[] => {
  if (!Array.isArray(value) || value.length === 0 || value.length > most) {
    throw new OrderFormatError("order.legs", `a list of 1 to ${most} legs`);
  }
  return value.map((each: unknown, i) => {
    const at = `order.legs[${i}]`;
    const leg = fieldsOf(each, at, LEG_FIELDS);
    return {
      instrument: integer(leg["instrument"], `${at}.instrument`, 128),
      ratio: integer(leg["ratio"], `${at}.ratio`, 128, true),
      price: integer(leg["price"], `${at}.price`, 128),
    };
  });
};

const triggerFromJson = (value: unknown): Trigger => {
  if (value === undefined) return NO_TRIGGER;
  const trigger = fieldsOf(value, "order.trigger", TRIGGER_FIELDS);
  if (typeof trigger["above"] !== "boolean") throw new OrderFormatError("order.trigger.above", "true or false");
  return {
    underlying: Number(integer(trigger["underlying"], "order.trigger.underlying", 8)),
    above: trigger["above"],
    price: integer(trigger["price"], "order.trigger.price", 128),
    keeperFee: integer(trigger["keeperFee"], "order.trigger.keeperFee", 128),
  };
};

/** Reads what somebody sent; throws {@link OrderFormatError}. Hexadecimal comes out in lower case. */
export const orderFromJson = (value: unknown, mostLegs = 16): Order => {
  const order = fieldsOf(value, "order", ORDER_FIELDS);
  return {
    account: hex(order["account"], "order.account", 32),
    legs: legsFromJson(order["legs"], mostLegs),
    size: integer(order["size"], "order.size", 128),
    maxFee: integer(order["maxFee"], "order.maxFee", 128),
    expiry: Number(integer(order["expiry"], "order.expiry", 40)),
    nonce: integer(order["nonce"], "order.nonce", 256),
    salt: integer(order["salt"], "order.salt", 64),
    executor: hex(order["executor"] ?? ZeroAddress, "order.executor", 20),
    flags: Number(integer(order["flags"] ?? 0, "order.flags", 8)),
    trigger: triggerFromJson(order["trigger"]),
  };
};

/** Signatures of keys are 65 bytes; of contracts any, within reason. */
export const signatureFromJson = (value: unknown, mostBytes = 2_048): string => {
  if (typeof value !== "string" || !/^0x([0-9a-fA-F]{2})+$/.test(value) || getBytes(value).length > mostBytes) {
    throw new OrderFormatError("signature", `1 to ${mostBytes} bytes in hexadecimal`);
  }
  return value.toLowerCase();
};

// ------------------------------------------------------------------ signed controls, relayed by anyone

/** EIP-712 types of what owners sign about their orders, relayed by anyone. */
export const CONTROL_TYPES = {
  CancelWord: [
    { name: "account", type: "bytes32" },
    { name: "word", type: "uint256" },
    { name: "mask", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
  CancelUpTo: [
    { name: "account", type: "bytes32" },
    { name: "salt", type: "uint64" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
  KeepAlive: [
    { name: "account", type: "bytes32" },
    { name: "validUntil", type: "uint40" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} satisfies Record<string, TypedDataField[]>;

interface Control {
  readonly account: string;
  /** One of the account's, like an order's. */
  readonly nonce: bigint;
  /** Last second at which it may be relayed. */
  readonly deadline: bigint;
}

/** Uses up nonces 256·word + i for every bit i of `mask`. */
export const signCancelWord = (
  signer: Signer,
  message: Control & { readonly word: bigint; readonly mask: bigint },
  domain: ExchangeDomain,
): Promise<string> => signer.signTypedData(exchangeDomain(domain), { CancelWord: CONTROL_TYPES.CancelWord }, message);

/** Voids all orders with a salt below `salt`. */
export const signCancelUpTo = (
  signer: Signer,
  message: Control & { readonly salt: bigint },
  domain: ExchangeDomain,
): Promise<string> => signer.signTypedData(exchangeDomain(domain), { CancelUpTo: CONTROL_TYPES.CancelUpTo }, message);

/** Dead-man's switch on chain. */
export const signKeepAlive = (
  signer: Signer,
  message: Control & { readonly validUntil: number },
  domain: ExchangeDomain,
): Promise<string> => signer.signTypedData(exchangeDomain(domain), { KeepAlive: CONTROL_TYPES.KeepAlive }, message);
