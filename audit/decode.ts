// Raw logs to events. Which contract spoke decides how its words are read.
import { AbiCoder, decodeBytes32String, id, Interface, type LogDescription } from "ethers";

import {
  IAttestations__factory,
  IMarginAccounts__factory,
  IPositionsLedger__factory,
} from "../types/ethers-contracts/index.js";
import { type AuditEvent, type Cause, CAUSES, LEDGER_CAUSES, type LedgerCause, type PerpTerms } from "./events.ts";

/** As `eth_getLogs` answers. */
export interface RawLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly transactionHash: string;
  readonly logIndex: string;
  readonly removed?: boolean;
  /** Some nodes say it. */
  readonly blockTimestamp?: string;
}

/** Who may speak. Addresses in lower case. */
export interface Sources {
  readonly safe: string;
  readonly ledger: string;
  readonly feeds: ReadonlySet<string>;
  readonly vaults: ReadonlySet<string>;
  readonly tokens: ReadonlySet<string>;
}

export const SAFE = IMarginAccounts__factory.createInterface();
export const LEDGER = IPositionsLedger__factory.createInterface();
const FEED = IAttestations__factory.createInterface();
const TOKEN = new Interface(["event Transfer(address indexed from, address indexed to, uint256 value)"]);

export const TRANSFER = TOKEN.getEvent("Transfer")?.topicHash ?? "";
/** A wrapped native token of the old kind mints and burns without a transfer. */
export const WRAPPED = id("Deposit(address,uint256)");
export const UNWRAPPED = id("Withdrawal(address,uint256)");
export const PREMIUM_POSTED = FEED.getEvent("PremiumPosted").topicHash;

const lower = (value: unknown): string => String(value).toLowerCase();
const big = (value: unknown): bigint => value as bigint;
const num = (value: unknown): number => Number(value);
const bytesName = (value: unknown): string => decodeBytes32String(value as string);

const causeOf = (value: unknown): Cause => {
  const cause = CAUSES[num(value)];
  if (cause === undefined) throw new RangeError(`unknown cause ${String(value)}`);
  return cause;
};

const ledgerCauseOf = (value: unknown): LedgerCause => {
  const cause = LEDGER_CAUSES[num(value)];
  if (cause === undefined) throw new RangeError(`unknown ledger cause ${String(value)}`);
  return cause;
};

type Args = readonly unknown[];

const termsOf = (value: unknown): PerpTerms => {
  const [clamp, maxPremiumAge, openInterestCap, risePerHour] = value as Args;
  return {
    clamp: big(clamp),
    maxPremiumAge: num(maxPremiumAge),
    openInterestCap: big(openInterestCap),
    risePerHour: num(risePerHour),
  };
};

const safeEvent = ({ name, args }: LogDescription): AuditEvent | undefined => {
  const [a, b, c, d, e, f, g] = args as unknown as Args;
  switch (name) {
    case "AccountChanged":
      return { kind: name, account: lower(a), cause: causeOf(b), words: [...(c as Iterable<bigint>)] };
    case "PoolChanged":
      return { kind: name, asset: num(a), supply: big(b), debt: big(c) };
    case "DebtWrittenOff":
      return {
        kind: name,
        asset: num(a),
        account: lower(b),
        assets: big(c),
        fromReserves: big(d),
        supplyIndex: big(e),
      };
    case "BidTaken": {
      const rest = { fraction: big(c), price: big(d), fee: big(e), fromInsurance: big(f), writtenOff: big(g) };
      return { kind: name, account: lower(a), bidder: lower(b), ...rest };
    }
    case "OperatorSet": {
      const receivers = [...(f as Iterable<unknown>)].map(lower);
      const grant = { rights: num(c), expiry: num(d), receiversOnly: Boolean(e), receivers };
      return { kind: name, account: lower(a), operator: lower(b), ...grant };
    }
    case "NonceUsed":
      return { kind: name, owner: lower(a), nonce: big(b) };
    case "AssetListed":
      return { kind: name, asset: num(a), token: lower(b), decimals: num(c) };
    case "VaultSet":
      return { kind: name, asset: num(a), vault: lower(b) };
    case "PoolConfigured": {
      const [supplyCap, borrowCap, maxUtilisation, reservedPart, settlementPart, reserveFactor, closed, noBorrows] =
        b as Args;
      const config = {
        supplyCap: big(supplyCap),
        borrowCap: big(borrowCap),
        maxUtilisation: num(maxUtilisation),
        reservedPart: num(reservedPart),
        settlementPart: num(settlementPart),
        reserveFactor: num(reserveFactor),
        depositsClosed: Boolean(closed),
        borrowsClosed: Boolean(noBorrows),
      };
      return { kind: name, asset: num(a), config };
    }
    case "RateModelSet":
      return { kind: name, asset: num(a), model: lower(b) };
    case "CollateralCapSet":
      return { kind: name, asset: num(a), cap: big(b), maxPart: num(c) };
    case "OutflowLimitSet":
      return { kind: name, asset: num(a), capacity: big(b), window: num(c) };
    case "PointerSet":
      return { kind: "SafePointerSet", what: bytesName(a), target: lower(b) };
    case "Paused":
      return { kind: name, actions: num(a), until: num(b) };
    case "ReservesCollected":
      return { kind: name, asset: num(a), assets: big(b) };
    default:
      return undefined;
  }
};

const ledgerEvent = ({ name, args }: LogDescription): AuditEvent | undefined => {
  const [a, b, c, d, e] = args as unknown as Args;
  switch (name) {
    case "LedgerChanged": {
      const changed = [...(d as Iterable<bigint>)];
      return { kind: name, account: lower(a), cause: ledgerCauseOf(b), quote: big(c), changed };
    }
    case "UnsettledPaid":
      return { kind: name, winner: lower(a), loser: lower(b), amount: big(c) };
    case "FundingPoked": {
      const rest = { premium: big(b), index: big(c), fundingRate: big(d), fundingIndex: big(e) };
      return { kind: name, underlying: num(a), ...rest };
    }
    case "ExpirySettled":
      return { kind: name, underlying: num(a), expiry: num(b), price: big(c) };
    case "OpenInterestCheckpointed":
      return { kind: name, underlying: num(a), checkpoint: big(b), openInterest: big(c) };
    case "LowerOpenInterestSeen":
      return { kind: name, underlying: num(a), openInterest: big(b) };
    case "PerpListed":
    case "PerpConfigured":
      return { kind: name, underlying: num(a), terms: termsOf(b) };
    case "PerpFrozen":
      return { kind: name, underlying: num(a), mark: big(b), fundingIndex: big(c) };
    case "PerpClosed":
      return { kind: name, underlying: num(a) };
    case "ExpiryListed":
      return { kind: name, underlying: num(a), expiry: num(b) };
    case "ExpiryConfigured":
      return { kind: name, underlying: num(a), expiry: num(b), openInterestCap: big(c), reduceOnly: Boolean(d) };
    case "OptionListed":
      return { kind: name, instrument: big(a) };
    case "PointerSet":
      return { kind: "LedgerPointerSet", what: bytesName(a), target: lower(b) };
    case "FeeReceiverSet":
      return { kind: name, treasury: lower(a), insurancePart: num(b) };
    case "FeesSwept":
      return { kind: name, toInsurance: big(a), toTreasury: big(b) };
    case "PaidFromFees":
      return { kind: name, to: lower(a), amount: big(b) };
    default:
      return undefined;
  }
};

const ACCOUNT_CHANGED = SAFE.getEvent("AccountChanged").topicHash;
const POOL_CHANGED = SAFE.getEvent("PoolChanged").topicHash;
const LEDGER_CHANGED = LEDGER.getEvent("LedgerChanged").topicHash;

const WORD_DIGITS = 64;

/** A log's data in words of 32 bytes. */
const dataWords = (data: string): bigint[] => {
  const count = (data.length - 2) / WORD_DIGITS;
  return Array.from({ length: Math.floor(count) }, (_, i) =>
    BigInt(`0x${data.slice(2 + i * WORD_DIGITS, 2 + (i + 1) * WORD_DIGITS)}`),
  );
};

/**
 * The three events that make up nearly all of a history, read without the ABI, which takes twenty times as long. Undefined for data that is
 * not exactly as these have it: the ABI then says what is wrong.
 */
const hotEvent = ({ address, topics, data }: RawLog, { safe, ledger }: Sources): AuditEvent | undefined => {
  const [topic, first = "", second = "0x0"] = topics;
  if (address === safe && topic === ACCOUNT_CHANGED) {
    const [offset, length, ...words] = dataWords(data);
    if (offset !== 0x20n || length !== BigInt(words.length)) return undefined;
    return { kind: "AccountChanged", account: first.toLowerCase(), cause: causeOf(BigInt(second)), words };
  }
  if (address === safe && topic === POOL_CHANGED) {
    const [supply, debt, ...rest] = dataWords(data);
    if (supply === undefined || debt === undefined || rest.length !== 0) return undefined;
    return { kind: "PoolChanged", asset: Number(first), supply, debt };
  }
  if (address === ledger && topic === LEDGER_CHANGED) {
    const [quote, offset, length, ...changed] = dataWords(data);
    if (quote === undefined || offset !== 0x40n || length !== BigInt(changed.length)) return undefined;
    const cause = ledgerCauseOf(BigInt(second));
    return { kind: "LedgerChanged", account: first.toLowerCase(), cause, quote: BigInt.asIntN(256, quote), changed };
  }
  return undefined;
};

const addressOf = (topic: string | undefined): string => `0x${(topic ?? "").slice(26)}`;

/** What a token's log moved into the safe, or out of it. */
const tokenEvent = (log: RawLog, safe: string): AuditEvent | undefined => {
  const [topic, from, to] = log.topics;
  const value = BigInt(log.data === "0x" ? 0 : log.data);
  const token = log.address;
  if (topic === WRAPPED && addressOf(from) === safe) return { kind: "TokenMoved", token, amount: value };
  if (topic === UNWRAPPED && addressOf(from) === safe) return { kind: "TokenMoved", token, amount: -value };
  if (topic !== TRANSFER) return undefined;
  const amount = (addressOf(to) === safe ? value : 0n) - (addressOf(from) === safe ? value : 0n);
  return amount === 0n ? undefined : { kind: "TokenMoved", token, amount };
};

/** A log of a source that its ABI cannot read. */
export class UnreadableLog extends Error {
  override readonly name = "UnreadableLog";
}

const CODER = AbiCoder.defaultAbiCoder();

/**
 * The event of a log; undefined for what changes nothing that is audited (approvals, upgrades).
 * @throws UnreadableLog when a known event carries what its ABI does not allow.
 */
export const decodeLog = (raw: RawLog, sources: Sources): AuditEvent | undefined => {
  const log = { ...raw, address: raw.address.toLowerCase() };
  try {
    const hot = hotEvent(log, sources);
    if (hot !== undefined) return hot;
    if (log.address === sources.safe) return parsed(SAFE, log, safeEvent);
    if (log.address === sources.ledger) return parsed(LEDGER, log, ledgerEvent);
    if (sources.feeds.has(log.address) && log.topics[0] === PREMIUM_POSTED) {
      const [, , timestamp] = CODER.decode(["int256", "uint256", "uint256"], log.data) as unknown as bigint[];
      const underlying = Number(BigInt(log.topics[1] ?? 0));
      return { kind: "PremiumPosted", feed: log.address, underlying, timestamp: timestamp ?? 0n };
    }
    if (sources.vaults.has(log.address) && log.topics[0] === TRANSFER && log.topics.length === 3) {
      const [, from, to] = log.topics;
      return {
        kind: "VaultTransfer",
        vault: log.address,
        from: addressOf(from),
        to: addressOf(to),
        value: BigInt(log.data),
      };
    }
    if (sources.tokens.has(log.address)) return tokenEvent(log, sources.safe);
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new UnreadableLog(
      `log ${Number(log.logIndex)} of block ${Number(log.blockNumber)} (${log.address}): ${text}`,
    );
  }
};

const parsed = (
  abi: Interface,
  log: RawLog,
  read: (description: LogDescription) => AuditEvent | undefined,
): AuditEvent | undefined => {
  const description = abi.parseLog({ topics: [...log.topics], data: log.data });
  return description === null ? undefined : read(description);
};
