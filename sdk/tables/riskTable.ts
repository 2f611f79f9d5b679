// The risk parameter table of an engine (contracts/risk/RiskTable.sol): typed configuration to bytes and back. Pure.

/** The part of an asset's size above `size` token units is charged `addOnBps` more. */
export interface Bracket {
  readonly size: bigint;
  readonly addOnBps: number;
}

/** Assets that are margined against each other at lower haircuts. */
export interface Group {
  /** 1..255 */
  readonly id: number;
  readonly maintenanceBps: number;
  readonly initialExtraBps: number;
}

/** Haircuts in basis points: maintenance, and what `initial` adds to it. */
export interface Haircut {
  readonly maintenanceBps: number;
  readonly initialExtraBps: number;
  /** At most two, by rising size. */
  readonly brackets?: readonly Bracket[];
  /** The brackets' input is at least this part of the asset's total collateral. */
  readonly kappaBps?: number;
  readonly group?: Group;
}

/** A Uniswap v3 pool as second source. */
export interface Twap {
  readonly pool: string;
  readonly window: number;
  /** Asset id of the pool's other token; its own primary price turns the average into USD. */
  readonly quote: number;
  readonly quoteDecimals: number;
  readonly baseIsToken0: boolean;
  /** Sources further apart deviate. */
  readonly deviationBps: number;
  /** Least harmonic mean liquidity over the window. */
  readonly minLiquidity?: bigint;
}

/** A pool or an idle asset: its price source, its bounds, its haircuts. */
export interface Asset {
  readonly feed: string;
  readonly heartbeat: number;
  readonly feedDecimals: number;
  readonly tokenDecimals: number;
  /** Answers must be above `minAnswer` and below `maxAnswer` (feed units). */
  readonly minAnswer: bigint;
  readonly maxAnswer: bigint;
  readonly haircut: Haircut;
  /** What a ramp starts from; default: `haircut`. */
  readonly previous?: Haircut;
  readonly twap?: Twap;
}

/** A vault share: haircuts of its own, the rest is its pool's. */
export interface VaultShare {
  readonly haircut: Haircut;
  readonly previous?: Haircut;
}

/** Everything in an engine's table. */
export interface RiskTable {
  readonly settlementDecimals: number;
  /** T_dev in seconds, 1..300. */
  readonly deviationDelay: number;
  readonly sequencer?: { readonly feed: string; readonly grace: number };
  readonly ramp?: { readonly start: number; readonly end: number };
  /** Where the parameters of perps and options are; without it accounts have spot alone. */
  readonly ledgerTable?: string;
  /** Pools 1.. in order; null = in the safe, but not listed. */
  readonly pools: readonly (Asset | null)[];
  readonly idles: readonly (Asset | null)[];
  /** Vault shares of pools 1.., one entry per pool. */
  readonly vaultShares: readonly (VaultShare | null)[];
}

const VERSION = 1n;
const MANTISSA_BITS = 16;

/** Writes fields from the top of a 256-bit word downwards. */
class WordWriter {
  private word = 0n;
  private free = 256;

  put(value: bigint | number, bits: number, name: string): this {
    const v = BigInt(value);
    if (v < 0n || v >> BigInt(bits) !== 0n) throw new RangeError(`${name} = ${v} does not fit ${bits} bits`);
    this.free -= bits;
    if (this.free < 0) throw new RangeError(`${name} does not fit its word`);
    this.word |= v << BigInt(this.free);
    return this;
  }

  hex(): string {
    return this.word.toString(16).padStart(64, "0");
  }
}

/** Reads fields from the top of a 256-bit word downwards. */
class WordReader {
  private left = 256;
  constructor(private readonly word: bigint) {}

  take(bits: number): bigint {
    this.left -= bits;
    return (this.word >> BigInt(this.left)) & ((1n << BigInt(bits)) - 1n);
  }

  number(bits: number): number {
    return Number(this.take(bits));
  }

  address(): string {
    return `0x${this.take(160).toString(16).padStart(40, "0")}`;
  }
}

/** 24-bit float: mantissa 16, binary exponent 8; rounded up or down when the value needs more digits. */
export function packFloat(value: bigint, round: "up" | "down"): bigint {
  if (value < 0n) throw new RangeError(`a size or bound cannot be negative: ${value}`);
  let exponent = Math.max(0, (value === 0n ? 0 : value.toString(2).length) - MANTISSA_BITS);
  let mantissa = value >> BigInt(exponent);
  if (round === "up" && mantissa << BigInt(exponent) !== value) mantissa += 1n;
  if (mantissa >> BigInt(MANTISSA_BITS) !== 0n) {
    mantissa >>= 1n;
    exponent += 1;
  }
  if (exponent > 192) throw new RangeError(`too large for the table: ${value}`);
  return (mantissa << 8n) | BigInt(exponent);
}

/** What a 24-bit float says. */
export function unpackFloat(packed: bigint): bigint {
  return (packed >> 8n) << (packed & 0xffn);
}

// Rounding is towards caution: a tighter range of answers, smaller brackets, more liquidity asked for.
function packFeed(asset: Asset): string {
  return new WordWriter()
    .put(BigInt(asset.feed), 160, "feed")
    .put(asset.heartbeat, 24, "heartbeat")
    .put(asset.feedDecimals, 8, "feedDecimals")
    .put(asset.tokenDecimals, 8, "tokenDecimals")
    .put(packFloat(asset.minAnswer, "up"), 24, "minAnswer")
    .put(packFloat(asset.maxAnswer, "down"), 24, "maxAnswer")
    .put(1, 8, "flags")
    .hex();
}

function packHaircut(haircut: Haircut, source: number): string {
  const brackets = haircut.brackets ?? [];
  if (brackets.length > 2) throw new RangeError("a haircut has at most two brackets");
  const word = new WordWriter()
    .put(haircut.maintenanceBps, 16, "maintenanceBps")
    .put(haircut.initialExtraBps, 16, "initialExtraBps");
  for (const place of [0, 1]) {
    const bracket = brackets[place];
    word.put(packFloat(bracket?.size ?? 0n, "down"), 24, "bracket size").put(bracket?.addOnBps ?? 0, 16, "addOnBps");
  }
  return word
    .put(haircut.kappaBps ?? 0, 16, "kappaBps")
    .put(haircut.group?.id ?? 0, 8, "group id")
    .put(haircut.group?.maintenanceBps ?? 0, 16, "group maintenanceBps")
    .put(haircut.group?.initialExtraBps ?? 0, 16, "group initialExtraBps")
    .put(source, 8, "second source")
    .hex();
}

function packTwap(twap: Twap): string {
  return new WordWriter()
    .put(BigInt(twap.pool), 160, "twap pool")
    .put(twap.window, 24, "window")
    .put(twap.quote, 16, "quote")
    .put(twap.deviationBps, 16, "deviationBps")
    .put(twap.baseIsToken0 ? 1 : 0, 8, "baseIsToken0")
    .put(packFloat(twap.minLiquidity ?? 0n, "up"), 24, "minLiquidity")
    .put(twap.quoteDecimals, 8, "quoteDecimals")
    .hex();
}

const UNLISTED = "0".repeat(128);

/** The bytes that `EngineFactory.create` takes. Checks only what the format cannot hold; the factory checks the rest. */
export function packRiskTable(table: RiskTable): string {
  if (table.vaultShares.length !== table.pools.length) throw new RangeError("one vault share entry per pool");
  const twaps: string[] = [];
  const before: string[] = [];
  const assets: string[] = [];
  for (const asset of [...table.pools, ...table.idles]) {
    if (asset?.twap) twaps.push(packTwap(asset.twap));
    assets.push(asset ? packFeed(asset) + packHaircut(asset.haircut, asset.twap ? twaps.length : 0) : UNLISTED);
    before.push(asset ? packHaircut(asset.previous ?? asset.haircut, 0) : UNLISTED.slice(64));
  }
  for (const share of table.vaultShares) {
    assets.push(
      share ? new WordWriter().put(0, 248, "rest").put(1, 8, "flags").hex() + packHaircut(share.haircut, 0) : UNLISTED,
    );
    before.push(share ? packHaircut(share.previous ?? share.haircut, 0) : UNLISTED.slice(64));
  }
  const head = new WordWriter()
    .put(VERSION, 8, "version")
    .put(table.pools.length, 16, "pools")
    .put(table.idles.length, 16, "idles")
    .put(twaps.length, 8, "second sources")
    .put(table.settlementDecimals, 8, "settlementDecimals")
    .put(table.deviationDelay, 16, "deviationDelay")
    .put(table.sequencer?.grace ?? 0, 24, "grace")
    .put(BigInt(table.sequencer?.feed ?? 0), 160, "sequencer feed");
  const ramp = new WordWriter()
    .put(table.ramp?.start ?? 0, 40, "ramp start")
    .put(table.ramp?.end ?? 0, 40, "ramp end")
    .put(0, 16, "rest")
    .put(BigInt(table.ledgerTable ?? 0), 160, "ledger table");
  return `0x${[...(table.ramp ? before : []), ...assets, ...twaps, head.hex(), ramp.hex()].join("")}`;
}

function unpackHaircut(word: bigint): { haircut: Haircut; source: number } {
  const r = new WordReader(word);
  const maintenanceBps = r.number(16);
  const initialExtraBps = r.number(16);
  const brackets = [0, 1]
    .map(() => ({ size: unpackFloat(r.take(24)), addOnBps: r.number(16) }))
    .filter((b) => b.size > 0n);
  const kappaBps = r.number(16);
  const group = { id: r.number(8), maintenanceBps: r.number(16), initialExtraBps: r.number(16) };
  const haircut: Haircut = {
    maintenanceBps,
    initialExtraBps,
    ...(brackets.length > 0 ? { brackets } : {}),
    ...(kappaBps > 0 ? { kappaBps } : {}),
    ...(group.id > 0 ? { group } : {}),
  };
  return { haircut, source: r.number(8) };
}

function unpackTwap(word: bigint): Twap {
  const r = new WordReader(word);
  const [pool, window, quote, deviationBps] = [r.address(), r.number(24), r.number(16), r.number(16)];
  const baseIsToken0 = r.number(8) !== 0;
  const minLiquidity = unpackFloat(r.take(24));
  const quoteDecimals = r.number(8);
  return {
    pool,
    window,
    quote,
    quoteDecimals,
    baseIsToken0,
    deviationBps,
    ...(minLiquidity > 0n ? { minLiquidity } : {}),
  };
}

/** What a table says: floats as rounded, addresses in lower case. */
export function unpackRiskTable(hex: string): RiskTable {
  const digits = hex.replace(/^0x/, "");
  const words = Array.from({ length: digits.length / 64 }, (_, i) => BigInt(`0x${digits.slice(64 * i, 64 * (i + 1))}`));
  const word = (i: number): bigint => {
    const w = words.at(i);
    if (w === undefined) throw new RangeError("the table is too short");
    return w;
  };
  const h = new WordReader(word(-2));
  const version = h.take(8);
  if (version !== VERSION) throw new RangeError(`table version ${version}, expected ${VERSION}`);
  const [pools, idles, twaps] = [h.number(16), h.number(16), h.number(8)];
  const [settlementDecimals, deviationDelay, grace, sequencer] = [h.number(8), h.number(16), h.number(24), h.address()];
  const count = 2 * pools + idles;
  const hasRamp = word(-1) >> 176n !== 0n;
  const first = hasRamp ? count : 0;
  if (words.length !== first + 2 * count + twaps + 2)
    throw new RangeError("the table's length does not fit its counts");

  const haircuts = (i: number): { haircut: Haircut; previous?: Haircut; source: number } => ({
    ...unpackHaircut(word(first + 2 * i + 1)),
    ...(hasRamp ? { previous: unpackHaircut(word(i)).haircut } : {}),
  });
  const asset = (i: number): Asset | null => {
    const feedWord = word(first + 2 * i);
    if ((feedWord & 1n) === 0n) return null;
    const r = new WordReader(feedWord);
    const [feed, heartbeat, feedDecimals, tokenDecimals] = [r.address(), r.number(24), r.number(8), r.number(8)];
    const [minAnswer, maxAnswer] = [unpackFloat(r.take(24)), unpackFloat(r.take(24))];
    const { source, ...rest } = haircuts(i);
    const twap = source > 0 ? { twap: unpackTwap(word(first + 2 * count + source - 1)) } : {};
    return { feed, heartbeat, feedDecimals, tokenDecimals, minAnswer, maxAnswer, ...rest, ...twap };
  };
  const share = (i: number): VaultShare | null => {
    if ((word(first + 2 * i) & 1n) === 0n) return null;
    const { haircut, previous } = haircuts(i);
    return { haircut, ...(previous ? { previous } : {}) };
  };
  const r = new WordReader(word(-1));
  const ramp = { start: r.number(40), end: r.number(40) };
  r.take(16);
  const ledgerTable = r.address();
  return {
    settlementDecimals,
    deviationDelay,
    ...(BigInt(sequencer) !== 0n ? { sequencer: { feed: sequencer, grace } } : {}),
    ...(hasRamp ? { ramp } : {}),
    ...(BigInt(ledgerTable) !== 0n ? { ledgerTable } : {}),
    pools: Array.from({ length: pools }, (_, i) => asset(i)),
    idles: Array.from({ length: idles }, (_, i) => asset(pools + i)),
    vaultShares: Array.from({ length: pools }, (_, i) => share(pools + idles + i)),
  };
}
