// Words of storage as the parts of a LedgerMarket: `Positions` (types/LedgerWords.sol) and `AttestedFeed` (types/FeedWords.sol), and the ledger
// table's code (risk/LedgerTable.sol, RuleWords.sol, ScenarioTable.sol). Pure.
import type {
  AttestedExpiry,
  AttestedPremium,
  DecayLimits,
  ExpiryMarket,
  FundingState,
  LedgerTable,
  LedgerUnderlying,
  ObservedVolatility,
  PerpMarket,
  SettlementTrack,
} from "./market.ts";
import type { RuleTerms, ScenarioCell, ScenarioTerms } from "./terms.ts";

const unsigned = (word: bigint, shift: number, bits: number): bigint => BigInt.asUintN(bits, word >> BigInt(shift));
const signed = (word: bigint, shift: number, bits: number): bigint => BigInt.asIntN(bits, word >> BigInt(shift));
const flag = (word: bigint, bit: number): boolean => unsigned(word, bit, 1) === 1n;

const CLAMP_UNIT = 1_000_000n;
const LISTED = 248;
const SECOND_FLAG = 249;
const THIRD_FLAG = 250;

/** `FundingWord` of a perp's second slot. */
export const decodeFunding = (word: bigint): FundingState => ({
  index: signed(word, 0, 118),
  rate: signed(word, 118, 84),
  time: unsigned(word, 202, 32),
  span: unsigned(word, 234, 22),
});

/** The words `market`, `funding`, `slow` and `terms` of a perp's slots (0, 1, 3 and 4). */
export const decodePerpMarket = (words: {
  readonly market: bigint;
  readonly funding: bigint;
  readonly slow: bigint;
  readonly terms: bigint;
}): PerpMarket => ({
  listed: flag(words.market, LISTED),
  frozen: flag(words.market, SECOND_FLAG),
  closed: flag(words.market, THIRD_FLAG),
  frozenMark: unsigned(words.terms, 0, 128),
  openInterest: unsigned(words.market, 0, 104),
  openInterestCap: unsigned(words.market, 104, 104),
  clamp: unsigned(words.market, 208, 40) * CLAMP_UNIT,
  slowOpenInterest: unsigned(words.slow, 0, 104),
  funding: decodeFunding(words.funding),
});

/** `ExpiryWord` of an expiry's slot. */
export const decodeExpiryMarket = (word: bigint): ExpiryMarket => {
  const market = { listed: flag(word, LISTED), reduceOnly: flag(word, SECOND_FLAG) };
  if (flag(word, THIRD_FLAG)) {
    return { ...market, settledAt: unsigned(word, 0, 208), openInterest: 0n, openInterestCap: 0n };
  }
  return { ...market, openInterest: unsigned(word, 0, 104), openInterestCap: unsigned(word, 104, 104) };
};

/** Undefined for a word that was never written. */
export const decodePremium = (word: bigint): AttestedPremium | undefined =>
  unsigned(word, 128, 40) === 0n
    ? undefined
    : {
        value: signed(word, 0, 64),
        confidence: unsigned(word, 64, 64),
        time: unsigned(word, 128, 40),
        maxAge: unsigned(word, 168, 24),
        deadAge: unsigned(word, 192, 64),
      };

/** The three slots of an expiry; undefined unless forward and smile were both attested. */
export const decodeAttestedExpiry = (forward: bigint, smile: bigint, wing: bigint): AttestedExpiry | undefined => {
  const times = [unsigned(forward, 184, 36), unsigned(wing, 216, 40)] as const;
  if (times[0] === 0n || times[1] === 0n) return undefined;
  return {
    forward: {
      ratio: unsigned(forward, 0, 62),
      rate: signed(forward, 62, 62),
      confidence: unsigned(forward, 124, 60),
      time: times[0],
      maxAge: unsigned(forward, 220, 16),
      deadAge: unsigned(forward, 236, 20),
    },
    smile: {
      a: signed(smile, 128, 68),
      b: unsigned(wing, 0, 64),
      rho: signed(smile, 64, 64),
      m: signed(smile, 0, 64),
      sigma: unsigned(wing, 64, 64),
      forwardReference: unsigned(wing, 128, 88),
      confidence: unsigned(smile, 196, 60),
      time: times[1],
    },
  };
};

/** What `LimitsWord` says about dead attestations. */
export const decodeDecayLimits = (word: bigint): DecayLimits => ({
  decay: unsigned(word, 72, 24),
  stress: unsigned(word, 96, 32),
});

/** `Sigma` of RealizedVolatility: one slot. Undefined when never observed. */
export const decodeObservedVolatility = (word: bigint): ObservedVolatility | undefined =>
  word === 0n
    ? undefined
    : { sigma: unsigned(word, 0, 96), slow: unsigned(word, 96, 96), time: unsigned(word, 192, 40) };

/** What `SettlementPrices.trackOf` answers; undefined while nothing was submitted. `latestRound`: see {@link SettlementTrack}. */
export const settlementTrack = (
  track: {
    readonly feed: string;
    readonly heartbeat: bigint;
    readonly feedDecimals: bigint;
    readonly round: bigint;
    readonly time: bigint;
    readonly price: bigint;
    readonly weight: bigint;
    readonly complete: boolean;
    readonly sum: bigint;
  },
  latestRound: bigint,
): SettlementTrack | undefined =>
  BigInt(track.feed) === 0n
    ? undefined
    : {
        heartbeat: track.heartbeat,
        feedDecimals: Number(track.feedDecimals),
        round: track.round,
        time: track.time,
        price: track.price,
        weight: track.weight,
        complete: track.complete,
        sum: track.sum,
        latestRound,
      };

// ---------------------------------------------------------------- the ledger table

/** Code that is no ledger table. */
export class LedgerTableError extends Error {
  override readonly name = "LedgerTableError";
}

const WORD_DIGITS = 64;
const HEADER_WORDS = 4;
const SCENARIO_HEADER_WORDS = 9;
const FIELD_UNIT = 1_000n;
const VERSION = 1n;

/** Two words of rules. */
export const decodeRuleTerms = (first: bigint, second: bigint): RuleTerms => ({
  perpMaintenance: unsigned(first, 240, 16),
  perpInitialExtra: unsigned(first, 224, 16),
  size1: unsigned(first, 160, 64),
  addOn1: unsigned(first, 144, 16),
  size2: unsigned(first, 80, 64),
  addOn2: unsigned(first, 64, 16),
  kappa: unsigned(first, 48, 16),
  a: unsigned(second, 240, 16),
  b: unsigned(second, 224, 16),
  c: unsigned(second, 208, 16),
  d: unsigned(second, 192, 16),
  e: unsigned(second, 176, 16),
  unpairedInitial: unsigned(second, 160, 16),
  unpairedMaintenance: unsigned(second, 144, 16),
  confidenceThreshold: unsigned(second, 128, 16),
  confidenceFactor: unsigned(second, 112, 16),
  pegThreshold: unsigned(second, 96, 16),
  pegFactor: unsigned(second, 80, 16),
});

const cellOf = (word: bigint): ScenarioCell => ({
  weight: unsigned(word, 192, 64),
  factor: unsigned(word, 128, 64),
  place: Number(unsigned(word, 120, 8)),
  log: unsigned(word, 0, 32),
});

/** The words of a scenario table; `word(i)` is its i-th. */
export const decodeScenarioTerms = (word: (i: number) => bigint): ScenarioTerms => {
  const byte = (i: number): number => Number(unsigned(word(0), 248 - 8 * i, 8));
  const number = (at: number, field: number): bigint => signed(word(at), 192 - 64 * field, 64) * FIELD_UNIT;
  const counts = [1, 2, 3, 4, 5].map(byte);
  const total = counts.reduce((sum, n) => sum + n, 0);
  return {
    scenarios: byte(0),
    counts,
    cells: Array.from({ length: total }, (_, i) => cellOf(word(SCENARIO_HEADER_WORDS + i))),
    baseCell: byte(6),
    basisUpCell: byte(7),
    basisDownCell: byte(8),
    rangeUp: number(1, 0),
    leastVolatility: number(1, 1),
    rangeDown: number(1, 2),
    daysFloor: number(1, 3),
    shortPower: number(2, 0),
    longPower: number(2, 1),
    gain: { base: number(2, 2), mult: number(3, 0), add: number(3, 1) },
    loss: { base: number(2, 3), mult: number(3, 2), add: number(3, 3) },
    skews: [
      { base: number(4, 0), scale: number(4, 1) },
      { base: number(4, 2), scale: number(4, 3) },
    ],
    minKStar: number(5, 0),
    minWidthScale: number(5, 1),
    volStatic: number(5, 2),
    volScale: number(5, 3),
    basisAdd: number(6, 0),
    basisMult: number(6, 1),
    confidenceThreshold: number(6, 2),
    confidenceMargin: number(6, 3),
    perpMaintenance: number(7, 0),
    perpInitialExtra: number(7, 1),
    optionMaintenance: number(7, 2),
    optionInitialExtra: number(7, 3),
    lossMaintenance: number(8, 0),
    lossInitial: number(8, 1),
    pegThreshold: number(8, 2),
    pegFactor: number(8, 3),
  };
};

const underlyingOf = (entry: bigint, at: (offset: number) => bigint): LedgerUnderlying => {
  const rules = Number(unsigned(entry, 208, 16));
  const scenarios = Number(unsigned(entry, 192, 16));
  return {
    number: Number(unsigned(entry, 248, 8)),
    group: Number(unsigned(entry, 240, 8)),
    phiBps: unsigned(entry, 224, 16),
    referenceVolatilityBps: unsigned(entry, 176, 16),
    maxScaleBps: unsigned(entry, 160, 16),
    rules: decodeRuleTerms(at(rules), at(rules + 32)),
    scenarios: decodeScenarioTerms((i) => at(scenarios + 32 * i)),
  };
};

/**
 * The ledger table from the code of its contract (`eth_getCode`: one zero byte, then words). Throws {@link LedgerTableError} for
 * anything else.
 */
export const decodeLedgerTable = (code: string): LedgerTable => {
  const match = /^0x00((?:[0-9a-f]{64}){5,})$/i.exec(code);
  const digits = match?.[1];
  if (digits === undefined) throw new LedgerTableError("a ledger table's code is a zero byte and at least five words");
  const at = (offset: number): bigint => {
    const text = digits.slice(2 * offset, 2 * offset + WORD_DIGITS);
    if (text.length !== WORD_DIGITS) throw new LedgerTableError(`the table ends before byte ${offset + 32}`);
    return BigInt(`0x${text}`);
  };
  const head = at(0);
  const version = unsigned(head, 248, 8);
  if (version !== VERSION) throw new LedgerTableError(`ledger table version ${version}, expected ${VERSION}`);
  const count = Number(unsigned(head, 240, 8));
  const creditTiers = BigInt.asUintN(160, head);
  return {
    profitWeightBps: unsigned(head, 224, 16),
    ...(creditTiers !== 0n && { creditTiers: `0x${creditTiers.toString(16).padStart(40, "0")}` }),
    underlyings: Array.from({ length: count }, (_, i) => underlyingOf(at(32 * (HEADER_WORDS + i)), at)),
  };
};
