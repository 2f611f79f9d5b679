// Maintenance of an account from the columns and the tables, in floats, and how fast it can fall per factor. The formulas are those of
// contracts/risk; docs/keeper-radius.md derives the slopes. One object per thread; nothing here allocates per account.
import { WORD } from "./columns.ts";
import { lowHalf } from "./hex.ts";
import { HAS_POSITIONS, HAS_QUOTE, type RowColumns } from "./rows.ts";
import { A, C, E, I, MAX_CELLS, OPTION, PERP, SETTLED, type Tables, U } from "./tables.ts";

/** What the weigher reads of the book. */
export interface WeighedColumns extends RowColumns {
  readonly words: Uint32Array;
  readonly tags: Uint16Array;
}

const TWO12 = 2 ** 12;
const TWO32 = 2 ** 32;
const WAD = 1e18;
const KIND_SHARE = 0x800;
const NUMBER = 0x3ff;
const MAX_ENTRIES = 16;
const MAX_POSITIONS = 128;
const MAX_FACTORS = 32;
/** Cells, and the basis contingency as one more. */
const PLACES = MAX_CELLS + 1;

/** Of gross value: what a slope may change by while drift stays within {@link MOST_DRIFT}. */
export const SLACK = 1 / 16;
export const MOST_DRIFT = 1 / 128;
/** Floats, the contracts' own tables and their rounding, per unit of gross value. docs/keeper-radius.md. */
export const RELATIVE_ERROR = 1e-8;
const LEAST_ERROR = 1e-9;

/** Which drift an account is exposed to. */
export const DRIFT_POOLS = 0;
export const DRIFT_PERPS = 1;
export const DRIFT_ALL = 2;

export class Weigher {
  // ---- results of the last `weigh`
  priced = false;
  maintenance = 0;
  mtm = 0;
  /** Σ |value| of everything, options by spot and strike. */
  gross = 0;
  error = 0;
  /** Maintenance with every price at its low side: what guards are kept by. */
  atLow = 0;
  driftKind = DRIFT_POOLS;

  // ---- slopes of the low side: loss per unit of relative fall and rise of each factor
  factors = 0;
  readonly factor = new Int32Array(MAX_FACTORS);
  /** What the margin gains on a rise and loses on a fall. */
  readonly linear = new Float64Array(MAX_FACTORS);
  readonly down = new Float64Array(MAX_FACTORS);
  readonly up = new Float64Array(MAX_FACTORS);
  /** The same of options under the rules: within the window, and anywhere. */
  readonly nearDown = new Float64Array(MAX_FACTORS);
  readonly nearUp = new Float64Array(MAX_FACTORS);
  readonly wideDown = new Float64Array(MAX_FACTORS);
  readonly wideUp = new Float64Array(MAX_FACTORS);
  /** Portfolio block of the factor, or -1. */
  readonly block = new Int32Array(MAX_FACTORS);
  /** By block and place: how far above the worst it is, and its own losses on a fall and a rise: within the window, and anywhere. */
  readonly excess = new Float64Array(MAX_FACTORS * PLACES);
  readonly windowDown = new Float64Array(MAX_FACTORS * PLACES);
  readonly windowUp = new Float64Array(MAX_FACTORS * PLACES);
  readonly farDown = new Float64Array(MAX_FACTORS * PLACES);
  readonly farUp = new Float64Array(MAX_FACTORS * PLACES);
  readonly places = new Int32Array(MAX_FACTORS);

  private rows: WeighedColumns;
  private t: Tables;

  // ---- the account in hand
  private entries = 0;
  private readonly asset = new Int32Array(MAX_ENTRIES);
  private readonly amount = new Float64Array(MAX_ENTRIES);
  private options = 0;
  private readonly option = new Int32Array(MAX_POSITIONS);
  private readonly size = new Float64Array(MAX_POSITIONS);
  private perps = 0;
  private readonly perp = new Int32Array(MAX_POSITIONS);
  private readonly perpSize = new Float64Array(MAX_POSITIONS);
  private traded = new Uint8Array(256);
  private quote = 0;
  private isLedger = false;
  private isPortfolio = false;

  // ---- one pass
  private isHigh = false;
  private keeps = false;
  private sides = 0;
  private readonly sideKey = new Int32Array(64);
  private readonly sideMargin = new Float64Array(64);
  private readonly sideMtm = new Float64Array(64);
  private readonly lowMargin = new Float64Array(64);
  private readonly lowMtm = new Float64Array(64);
  private readonly lowKey = new Int32Array(64);

  // ---- scenarios
  private blocks = 0;
  private readonly blockOf = new Int32Array(256);
  private readonly blockNumber = new Int32Array(MAX_FACTORS);
  private readonly exposure = new Float64Array(MAX_FACTORS);
  private readonly perpValue = new Float64Array(MAX_FACTORS);
  private readonly perpGross = new Float64Array(MAX_FACTORS);
  private readonly shorts = new Float64Array(MAX_FACTORS);
  private readonly optionValue = new Float64Array(MAX_FACTORS);
  private readonly basis = new Float64Array(MAX_FACTORS);
  private readonly worst = new Float64Array(MAX_FACTORS);
  private readonly blockGross = new Float64Array(MAX_FACTORS);
  private readonly losers = new Float64Array(MAX_FACTORS);
  private readonly winners = new Float64Array(MAX_FACTORS);
  private readonly skewLoss = new Float64Array(MAX_FACTORS);
  private readonly basisLoss = new Float64Array(MAX_FACTORS);
  private readonly baseDown = new Float64Array(MAX_FACTORS);
  private readonly baseUp = new Float64Array(MAX_FACTORS);
  private readonly mostLoss = new Float64Array(MAX_FACTORS);
  private readonly changes = new Float64Array(MAX_FACTORS * MAX_CELLS);
  private readonly falls = new Float64Array(MAX_FACTORS * MAX_CELLS);
  private readonly rises = new Float64Array(MAX_FACTORS * MAX_CELLS);
  private readonly sum = new Float64Array(MAX_CELLS);
  private readonly sumDown = new Float64Array(MAX_CELLS);
  private readonly sumUp = new Float64Array(MAX_CELLS);
  private readonly strikes = new Float64Array(MAX_POSITIONS);
  private readonly kinks = new Float64Array(MAX_POSITIONS);
  private readonly used = new Uint8Array(MAX_POSITIONS);
  private pairs = new Float64Array(1_024);

  constructor(rows: WeighedColumns, tables: Tables) {
    this.rows = rows;
    this.t = tables;
    this.blockOf.fill(-1);
  }

  /** Columns grow into new arrays: to be called before every run of accounts. */
  bind(rows: WeighedColumns, tables: Tables): void {
    this.rows = rows;
    this.t = tables;
    if (this.pairs.length < tables.instruments.length / I.STRIDE) {
      this.pairs = new Float64Array(tables.instruments.length / I.STRIDE);
    }
  }

  /** Whether anything can be lost by others: a debt, positions, a negative quote, or shocks on collateral. */
  isWatched(row: number): boolean {
    const n = this.rows.wordsCount[row] ?? 0;
    if (n === 0) return false;
    const { words } = this.rows;
    const at = WORD * (this.rows.wordsAt[row] ?? 0);
    const flags = (words[at] ?? 0) >>> 8;
    if ((flags & HAS_POSITIONS) !== 0 || ((flags >>> 5) & 3) !== 0) return true;
    const count = flags & 0x1f;
    for (let i = 0; i < count; i += 1) {
      const w = at + WORD * (i >> 1);
      // the sign bits of the two entries of a word
      if ((i & 1) === 0 ? ((words[w + 4] ?? 0) & 0x80) !== 0 : ((words[w + 1] ?? 0) & 0x08000000) !== 0) return true;
    }
    return false;
  }

  /** Weighs a row; with slopes where a guard is to be set. */
  weigh(row: number, withSlopes: boolean): void {
    this.priced = this.read(row);
    this.maintenance = this.mtm = this.gross = this.error = this.atLow = 0;
    this.factors = 0;
    if (!this.priced) return;
    const isSpread = this.isSpread();
    this.isHigh = false;
    this.keeps = withSlopes;
    this.error = LEAST_ERROR;
    this.pass(isSpread);
    if (this.maintenance !== this.maintenance || this.mtm !== this.mtm) {
      this.priced = false;
      return;
    }
    this.atLow = this.maintenance;
    this.error += RELATIVE_ERROR * this.gross;
    if (!isSpread) return;
    // Every block at the side where its maintenance is larger (DESIGN 5).
    const n = this.sides;
    for (let k = 0; k < n; k += 1) {
      this.lowKey[k] = this.sideKey[k] ?? 0;
      this.lowMargin[k] = this.sideMargin[k] ?? 0;
      this.lowMtm[k] = this.sideMtm[k] ?? 0;
    }
    const { gross, error } = this;
    this.isHigh = true;
    this.keeps = false;
    this.pass(true);
    this.gross = Math.max(gross, this.gross);
    this.error = Math.max(error, this.error);
    this.maintenance = this.mtm = this.quote;
    for (let k = 0; k < this.sides; k += 1) {
      let low = -1;
      for (let j = 0; j < n; j += 1) if (this.lowKey[j] === this.sideKey[k]) low = j;
      const a = this.lowMargin[low] ?? 0;
      const b = this.sideMargin[k] ?? 0;
      this.maintenance += b > a ? b : a;
      this.mtm += b > a ? (this.sideMtm[k] ?? 0) : (this.lowMtm[low] ?? 0);
    }
    if (this.maintenance !== this.maintenance) this.priced = false;
  }

  // ------------------------------------------------------------------------------------------------ reading

  /** The account's balances and positions. False: it holds what the tables do not know. */
  private read(row: number): boolean {
    const { words, tags } = this.rows;
    const t = this.t;
    const count = this.rows.wordsCount[row] ?? 0;
    this.entries = this.options = this.perps = 0;
    this.quote = 0;
    this.driftKind = DRIFT_POOLS;
    if (count === 0) {
      this.isLedger = this.isPortfolio = false;
      return true;
    }
    const at = WORD * (this.rows.wordsAt[row] ?? 0);
    const flags = (words[at] ?? 0) >>> 8;
    const n = flags & 0x1f;
    const model = (flags >>> 5) & 3;
    this.isPortfolio = (model & 1) === 1; // bit 1, attested credit, lowers initial margin only
    this.isLedger = model !== 0 || (flags & (HAS_POSITIONS | HAS_QUOTE)) !== 0;
    const { assets } = t;
    for (let i = 0; i < n; i += 1) {
      const w = at + WORD * (i >> 1);
      let id: number;
      let shares: number;
      if ((i & 1) === 0) {
        const top = words[w + 4] ?? 0;
        const a = words[w + 5] ?? 0;
        const b = words[w + 6] ?? 0;
        const c = words[w + 7] ?? 0;
        id = (top >>> 8) & 0xfff;
        shares =
          (top & 0x80) === 0
            ? (((top & 0xff) * TWO32 + a) * TWO32 + b) * TWO32 + c
            : -((((~top & 0xff) * TWO32 + (~a >>> 0)) * TWO32 + (~b >>> 0)) * TWO32 + (~c >>> 0) + 1);
      } else {
        const top = words[w + 1] ?? 0;
        const a = words[w + 2] ?? 0;
        const b = words[w + 3] ?? 0;
        const c = (words[w + 4] ?? 0) >>> 20;
        id = (((words[w] ?? 0) & 0xff) << 4) | (top >>> 28);
        shares =
          (top & 0x08000000) === 0
            ? (((top & 0x0fffffff) * TWO32 + a) * TWO32 + b) * TWO12 + c
            : -((((~top & 0x0fffffff) * TWO32 + (~a >>> 0)) * TWO32 + (~b >>> 0)) * TWO12 + (~c & 0xfff) + 1);
      }
      const to = id * A.STRIDE;
      if (assets[to + A.LISTED] === 0) {
        // What is not listed counts nothing; nobody can owe it.
        if (shares < 0) return false;
        continue;
      }
      const k = this.entries;
      this.asset[k] = id;
      this.amount[k] = shares < 0 ? shares * (assets[to + A.UP] ?? 0) : shares * (assets[to + A.DOWN] ?? 0);
      this.entries = k + 1;
    }
    if (!this.isLedger) return true;
    if (model > 1) return false;
    // Shocks scale with what perps drift by, whether there are any or not.
    this.driftKind = this.isPortfolio ? DRIFT_PERPS : DRIFT_POOLS;
    return (flags & (HAS_POSITIONS | HAS_QUOTE)) === 0 || this.readLedger(row, words, tags);
  }

  private readLedger(row: number, words: Uint32Array, tags: Uint16Array): boolean {
    const { instruments, underlyings } = this.t;
    const run = this.rows.ledgerAt[row] ?? 0;
    const n = this.rows.ledgerCount[row] ?? 0;
    if (run === 0) return false;
    const sign = (words[WORD * run + 4] ?? 0) >>> 31 === 0 ? 0 : 0xffffffff;
    for (let i = 0; i < 4; i += 1) if (words[WORD * run + i] !== sign) return false;
    let quote = lowHalf(words, WORD * run) / WAD;
    this.gross = 0;
    for (let k = 1; k <= n; k += 1) {
      const i = tags[run + k] ?? 0;
      const w = WORD * (run + k);
      const size = lowHalf(words, w) / WAD;
      const kind = instruments[i * I.STRIDE + I.KIND] ?? 0;
      const u = instruments[i * I.STRIDE + I.UNDERLYING] ?? 0;
      if (kind === OPTION) {
        this.option[this.options] = i;
        this.size[this.options] = size;
        this.options += 1;
        this.driftKind = DRIFT_ALL;
      } else if (kind === PERP) {
        const funding = underlyings[u * U.STRIDE + U.FUNDING] ?? 0;
        quote -= size * (funding - fundingIndex(words, w));
        if (this.driftKind === DRIFT_POOLS) this.driftKind = DRIFT_PERPS;
        if (underlyings[u * U.STRIDE + U.CLOSED] === 1) {
          quote += size * (underlyings[u * U.STRIDE + U.MARK_LOW] ?? NaN);
          continue;
        }
        this.perp[this.perps] = u;
        this.perpSize[this.perps] = size;
        this.perps += 1;
      } else if (kind === SETTLED) quote += size * (instruments[i * I.STRIDE + I.SETTLED] ?? 0);
      else return false;
    }
    this.quote = quote;
    return true;
  }

  /** Whether some price that the account depends on has two sides. */
  private isSpread(): boolean {
    const { assets, underlyings, instruments } = this.t;
    for (let i = 0; i < this.entries; i += 1) {
      const at = (this.asset[i] ?? 0) * A.STRIDE;
      if (assets[at + A.LOW] !== assets[at + A.HIGH]) return true;
    }
    for (let k = 0; k < this.perps; k += 1) {
      if (underlyings[(this.perp[k] ?? 0) * U.STRIDE + U.SPREAD] === 1) return true;
    }
    for (let k = 0; k < this.options; k += 1) {
      const u = instruments[(this.option[k] ?? 0) * I.STRIDE + I.UNDERLYING] ?? 0;
      if (underlyings[u * U.STRIDE + U.SPREAD] === 1) return true;
    }
    return false;
  }

  // ------------------------------------------------------------------------------------------------ one side

  private pass(bySide: boolean): void {
    this.maintenance = this.mtm = this.quote;
    this.gross = Math.abs(this.quote);
    this.sides = 0;
    this.blocks = 0;
    if (this.isLedger) this.openLedger();
    this.spot(bySide);
    if (!this.isLedger) return;
    this.doPerps(bySide);
    if (this.isPortfolio) this.scenarios(bySide);
    else if (this.options > 0) this.rules(bySide);
    for (let b = 0; b < this.blocks; b += 1) this.blockOf[this.blockNumber[b] ?? 0] = -1;
    for (let k = 0; k < this.perps; k += 1) this.traded[this.perp[k] ?? 0] = 0;
    const { instruments } = this.t;
    for (let k = 0; k < this.options; k += 1) {
      this.traded[instruments[(this.option[k] ?? 0) * I.STRIDE + I.UNDERLYING] ?? 0] = 0;
    }
  }

  /** Marks what is traded, and opens a block for every underlying whose scenarios count. */
  private openLedger(): void {
    const { instruments, underlyings, assets } = this.t;
    for (let k = 0; k < this.perps; k += 1) this.traded[this.perp[k] ?? 0] = 1;
    for (let k = 0; k < this.options; k += 1) {
      this.traded[instruments[(this.option[k] ?? 0) * I.STRIDE + I.UNDERLYING] ?? 0] = 1;
    }
    if (!this.isPortfolio) return;
    for (let k = 0; k < this.perps; k += 1) this.openBlock(this.perp[k] ?? 0);
    for (let k = 0; k < this.options; k += 1) {
      this.openBlock(instruments[(this.option[k] ?? 0) * I.STRIDE + I.UNDERLYING] ?? 0);
    }
    for (let i = 0; i < this.entries; i += 1) {
      const at = (this.asset[i] ?? 0) * A.STRIDE;
      const u = assets[at + A.UNDERLYING] ?? 0;
      if (u === 0 || underlyings[u * U.STRIDE + U.IN_TABLE] === 0) continue;
      const b = this.openBlock(u);
      const value = (this.amount[i] ?? 0) * (assets[at + (this.isHigh ? A.HIGH : A.LOW)] ?? NaN);
      this.exposure[b] = (this.exposure[b] ?? 0) + value;
      this.blockGross[b] = (this.blockGross[b] ?? 0) + Math.abs(value);
    }
  }

  private openBlock(u: number): number {
    const known = this.blockOf[u] ?? -1;
    if (known !== -1) return known;
    const b = this.blocks;
    this.blocks = b + 1;
    this.blockOf[u] = b;
    this.blockNumber[b] = u;
    this.exposure[b] = this.perpValue[b] = this.perpGross[b] = this.shorts[b] = 0;
    this.optionValue[b] = this.basis[b] = this.blockGross[b] = 0;
    this.losers[b] = this.winners[b] = this.skewLoss[b] = this.basisLoss[b] = 0;
    this.baseDown[b] = this.baseUp[b] = 0;
    this.mostLoss[b] = 1;
    const n = this.t.underlyings[u * U.STRIDE + U.CELLS] ?? 0;
    const at = b * MAX_CELLS;
    this.changes.fill(0, at, at + n);
    if (this.keeps) {
      this.falls.fill(0, at, at + n);
      this.rises.fill(0, at, at + n);
    }
    return b;
  }

  private add(bySide: boolean, key: number, margin: number, mtm: number): void {
    this.maintenance += margin;
    this.mtm += mtm;
    if (!bySide) return;
    for (let k = 0; k < this.sides; k += 1) {
      if (this.sideKey[k] !== key) continue;
      this.sideMargin[k] = (this.sideMargin[k] ?? 0) + margin;
      this.sideMtm[k] = (this.sideMtm[k] ?? 0) + mtm;
      return;
    }
    const k = this.sides;
    this.sideKey[k] = key;
    this.sideMargin[k] = margin;
    this.sideMtm[k] = mtm;
    this.sides = k + 1;
  }

  /** Whose side an underlying takes: its product group's, or its own. */
  private blockKey(u: number): number {
    const group = this.t.underlyings[u * U.STRIDE + U.GROUP] ?? 0;
    return group === 0 ? u : 0x10000 + group;
  }

  private factorAt(number: number): number {
    for (let k = 0; k < this.factors; k += 1) if (this.factor[k] === number) return k;
    const k = this.factors;
    if (k === MAX_FACTORS) throw new RangeError("an account depends on more prices than it can hold");
    this.factors = k + 1;
    this.factor[k] = number;
    this.linear[k] = this.down[k] = this.up[k] = 0;
    this.nearDown[k] = this.nearUp[k] = this.wideDown[k] = this.wideUp[k] = 0;
    this.block[k] = -1;
    return k;
  }

  // ------------------------------------------------------------------------------------------------ spot

  private spot(bySide: boolean): void {
    const { assets } = this.t;
    let linked = false;
    for (let i = 0; i < this.entries; i += 1) {
      const id = this.asset[i] ?? 0;
      if ((id & KIND_SHARE) !== 0 || assets[id * A.STRIDE + A.GROUP] !== 0) linked = true;
    }
    if (linked) {
      this.clusters(bySide);
      return;
    }
    const side = this.isHigh ? A.HIGH : A.LOW;
    for (let i = 0; i < this.entries; i += 1) {
      const id = this.asset[i] ?? 0;
      const at = id * A.STRIDE;
      const amount = this.amount[i] ?? 0;
      const price = assets[at + side] ?? NaN;
      const value = amount * price;
      const size = Math.abs(value);
      const margin = value - size * this.haircut(at, Math.abs(amount));
      const u = assets[at + A.UNDERLYING] ?? 0;
      // By itself every asset is a cluster of its own, with the underlying's positions where there are any.
      this.add(bySide, this.isLedger && u !== 0 ? this.blockKey(u) : 0x20000 + id, margin, value);
      this.gross += size;
      this.error += 2 * price;
      if (this.keeps && id !== 1) this.spotSlope(at, margin, size);
    }
  }

  /** A margin that is proportional to the price. */
  private spotSlope(at: number, margin: number, gross: number): void {
    const k = this.factorAt(this.t.assets[at + A.FACTOR] ?? 0);
    this.linear[k] = (this.linear[k] ?? 0) + margin;
    this.down[k] = (this.down[k] ?? 0) + SLACK * gross;
    this.up[k] = (this.up[k] ?? 0) + SLACK * gross;
  }

  private haircut(at: number, size: number): number {
    const { assets } = this.t;
    return (assets[at + A.HAIRCUT] ?? 0) + this.addOn(at, size);
  }

  private addOn(at: number, size: number): number {
    const { assets } = this.t;
    const ramp = assets[at + A.RAMP] ?? 1;
    const now = bracket(assets, at + A.NEW, size);
    return ramp === 1 ? now : ramp * now + (1 - ramp) * bracket(assets, at + A.OLD, size);
  }

  /** Groups, and pools with their vault shares: each valued as a whole (contracts/risk/StandardMargin.sol). */
  private clusters(bySide: boolean): void {
    const { assets } = this.t;
    let done = 0;
    for (let i = 0; i < this.entries; i += 1) {
      if ((done & (1 << i)) !== 0) continue;
      const key = this.clusterKey(this.asset[i] ?? 0);
      let members = 0;
      for (let j = i; j < this.entries; j += 1) if (this.clusterKey(this.asset[j] ?? 0) === key) members |= 1 << j;
      done |= members;
      this.cluster(bySide, key, members, assets[(this.asset[i] ?? 0) * A.STRIDE + A.GROUP_HAIRCUT] ?? 0);
    }
  }

  private clusterKey(id: number): number {
    const group = this.t.assets[id * A.STRIDE + A.GROUP] ?? 0;
    return group !== 0 ? 0x1000000 + group : poolOf(id);
  }

  private cluster(bySide: boolean, key: number, members: number, groupHaircut: number): void {
    const { assets } = this.t;
    const side = this.isHigh ? A.HIGH : A.LOW;
    const isGroup = key >= 0x1000000;
    let collateral = 0;
    let ownCollateral = 0;
    let owed = 0;
    let ownOwed = 0;
    let extra = 0;
    let found = 0;
    let isTraded = false;
    const gross = this.gross;
    let last = -1;
    for (let i = 0; i < this.entries; i += 1) {
      if ((members & (1 << i)) === 0) continue;
      const id = this.asset[i] ?? 0;
      const u = assets[id * A.STRIDE + A.UNDERLYING] ?? 0;
      if (u !== 0 && !isTraded) {
        found = u;
        isTraded = this.traded[u] === 1;
      }
      let amount = this.amount[i] ?? 0;
      let shares = 0;
      if ((id & KIND_SHARE) !== 0) {
        if (this.find(members, poolOf(id)) !== -1) continue;
        shares = amount;
        amount = 0;
      } else if (id < 0x400) {
        const other = this.find(members, KIND_SHARE + id);
        if (other !== -1) shares = this.amount[other] ?? 0;
      }
      const pool = poolOf(id);
      const price = assets[id * A.STRIDE + side] ?? NaN;
      const owned = amount > 0 ? amount : 0;
      const cancelled = amount < 0 ? Math.min(shares, -amount) : 0;
      const before = collateral - owed;
      if (shares > 0) {
        const at = (KIND_SHARE + (pool & NUMBER)) * A.STRIDE;
        const base = assets[at + A.HAIRCUT] ?? 0;
        const add = this.addOn(at, shares + owned);
        const value = (shares - cancelled) * price;
        extra += cancelled * price * (base + add) + value * add;
        collateral += value;
        ownCollateral += value * base;
      }
      if (amount !== 0) {
        const at = pool * A.STRIDE;
        const base = assets[at + A.HAIRCUT] ?? 0;
        const add = this.addOn(at, amount > 0 ? owned + shares : -amount);
        const value = (amount + cancelled) * price;
        if (value >= 0) {
          collateral += value;
          ownCollateral += value * base;
        } else {
          owed -= value;
          ownOwed -= value * base;
        }
        extra += Math.abs(value) * add;
      }
      this.gross += (Math.abs(amount) + Math.abs(shares)) * price;
      this.error += 4 * price;
      last = id;
      if (this.keeps && isGroup && pool !== 1) {
        const k = this.factorAt(assets[id * A.STRIDE + A.FACTOR] ?? 0);
        this.groupSlope(k, collateral - owed - before, (Math.abs(amount) + Math.abs(shares)) * price, groupHaircut);
      }
    }
    const matched = isGroup ? Math.min(collateral, owed) : 0;
    let charge = extra + 2 * matched * groupHaircut;
    if (collateral > matched) charge += (ownCollateral * (collateral - matched)) / collateral;
    if (owed > matched) charge += (ownOwed * (owed - matched)) / owed;
    const value = collateral - owed;
    const block = this.isLedger && found !== 0 ? this.blockKey(found) : 0x30000 + key;
    this.add(bySide, block, value - charge, value);
    // In a group prices move by themselves; else all of it is of one price.
    if (this.keeps && !isGroup && poolOf(last) !== 1) {
      this.spotSlope(last * A.STRIDE, value - charge, this.gross - gross);
    }
  }

  /** A member of a group by itself: its haircut reaches at most one, and may change sides with what it is matched to. */
  private groupSlope(k: number, net: number, gross: number, groupHaircut: number): void {
    // A match that costs more than half of itself makes more of either side a loss.
    const either = SLACK * gross + (gross - Math.abs(net)) + (groupHaircut > 0.5 ? 2 * Math.abs(net) : 0);
    this.down[k] = (this.down[k] ?? 0) + (net > 0 ? 2 * net : 0) + either;
    this.up[k] = (this.up[k] ?? 0) + (net < 0 ? -2 * net : 0) + either;
  }

  private find(members: number, id: number): number {
    for (let i = 0; i < this.entries; i += 1) if ((members & (1 << i)) !== 0 && this.asset[i] === id) return i;
    return -1;
  }

  // ------------------------------------------------------------------------------------------------ perps

  private doPerps(bySide: boolean): void {
    const { underlyings, assets } = this.t;
    for (let k = 0; k < this.perps; k += 1) {
      const u = this.perp[k] ?? 0;
      const at = u * U.STRIDE;
      if (underlyings[at + U.IN_TABLE] === 0) {
        this.maintenance = NaN;
        return;
      }
      const size = this.perpSize[k] ?? 0;
      const mark = underlyings[at + (this.isHigh ? U.MARK_HIGH : U.MARK_LOW)] ?? NaN;
      const spot = underlyings[at + (this.isHigh ? U.HIGH : U.LOW)] ?? NaN;
      const value = size * mark;
      const notional = Math.abs(value);
      this.gross += notional + Math.abs(size) * spot;
      const isFrozen = underlyings[at + U.FROZEN] === 1;
      if (this.isPortfolio) {
        const b = this.blockOf[u] ?? 0;
        this.add(bySide, this.blockKey(u), value, value);
        if (isFrozen) continue;
        this.exposure[b] = (this.exposure[b] ?? 0) + value;
        this.perpValue[b] = (this.perpValue[b] ?? 0) + value;
        this.perpGross[b] = (this.perpGross[b] ?? 0) + Math.abs(size) * spot;
        this.blockGross[b] = (this.blockGross[b] ?? 0) + notional;
        continue;
      }
      const ratio = underlyings[at + U.PERP_RATIO] ?? 0;
      let charge = 0;
      if (!isFrozen) {
        const x = Math.max(notional, (underlyings[at + U.KAPPA_OI] ?? 0) * mark);
        charge = notional * ratio;
        charge += slab(notional * (underlyings[at + U.ADD1] ?? 0), x, underlyings[at + U.SIZE1] ?? 0);
        charge += slab(notional * (underlyings[at + U.ADD2] ?? 0), x, underlyings[at + U.SIZE2] ?? 0);
      }
      this.add(bySide, this.blockKey(u), value - charge, value);
      if (!this.keeps || isFrozen) continue;
      const f = this.factorAt(assets[u * A.STRIDE + A.FACTOR] ?? 0);
      this.linear[f] = (this.linear[f] ?? 0) + value - ratio * notional;
      const most = ((underlyings[at + U.ADD1] ?? 0) + (underlyings[at + U.ADD2] ?? 0) + SLACK) * notional;
      this.up[f] = (this.up[f] ?? 0) + most;
      this.down[f] = (this.down[f] ?? 0) + SLACK * notional;
    }
  }

  // ------------------------------------------------------------------------------------------------ rules

  /** Options under the standard model: max(isolated, worst) per expiry (contracts/risk/StandardRules.sol). */
  private rules(bySide: boolean): void {
    const { instruments } = this.t;
    const mark = this.isHigh ? I.MARK_HIGH : I.MARK_LOW;
    this.used.fill(0, 0, this.options);
    for (let first = 0; first < this.options; first += 1) {
      if (this.used[first] === 1) continue;
      const at = (this.option[first] ?? 0) * I.STRIDE;
      const e = instruments[at + I.EXPIRY] ?? 0;
      const u = instruments[at + I.UNDERLYING] ?? 0;
      let n = 0;
      let value = 0;
      let gross = 0;
      let isShort = false;
      for (let k = first; k < this.options; k += 1) {
        const i = (this.option[k] ?? 0) * I.STRIDE;
        if (this.used[k] === 1 || instruments[i + I.EXPIRY] !== e) continue;
        this.used[k] = 1;
        const size = this.size[k] ?? 0;
        value += size * (instruments[i + mark] ?? NaN);
        gross += Math.abs(size) * (instruments[i + I.STRIKE] ?? 0);
        if (size < 0) isShort = true;
        this.kinks[n] = k;
        n += 1;
      }
      this.gross += gross;
      this.expiry(bySide, u, e, n, value, isShort);
    }
  }

  private expiry(bySide: boolean, u: number, e: number, n: number, value: number, isShort: boolean): void {
    const { instruments, underlyings, expiries, assets } = this.t;
    const at = u * U.STRIDE;
    const spot = underlyings[at + (this.isHigh ? U.HIGH : U.LOW)] ?? NaN;
    const moving = expiries[e * E.STRIDE + (this.isHigh ? E.FORWARD_HIGH : E.FORWARD_LOW)] ?? NaN;
    const discount = expiries[e * E.STRIDE + E.DISCOUNT] ?? 1;
    const c = underlyings[at + U.C] ?? 0;
    const d = underlyings[at + U.D] ?? 0;
    if (underlyings[at + U.IN_TABLE] === 0 || !(spot > 0)) {
      this.maintenance = NaN;
      return;
    }
    let margin = 0;
    let sizes = 0;
    for (let k = 0; k < n; k += 1) sizes += Math.abs(this.size[this.kinks[k] ?? 0] ?? 0);
    this.gross += sizes * spot;
    if (isShort) {
      let isolated = 0;
      let calls = 0;
      let charges = 0;
      let puts = 0;
      let flat = 0;
      let fall = 0;
      let rise = 0;
      const base = underlyings[at + U.BASE] ?? 0;
      let payoff = 0;
      let slope = 0;
      let net = 0;
      const mark = this.isHigh ? I.MARK_HIGH : I.MARK_LOW;
      for (let k = 0; k < n; k += 1) {
        const size = this.size[this.kinks[k] ?? 0] ?? 0;
        const i = (this.option[this.kinks[k] ?? 0] ?? 0) * I.STRIDE;
        const isCall = instruments[i + I.CALL] === 1;
        const strike = instruments[i + I.STRIKE] ?? 0;
        if (isCall) net += size;
        else {
          payoff += size * strike;
          slope -= size;
        }
        this.insert(k, strike, size);
        if (size >= 0) continue;
        const short = -size;
        const own = short * (instruments[i + mark] ?? NaN);
        const charge = c * spot * short;
        if (this.keeps) {
          // A put costs a part of its value more, and gains no part of it back.
          const cell = (i / I.STRIDE) * MAX_CELLS + base;
          fall -= short * (this.t.shortDown[cell] ?? 0) * (isCall ? 1 : 1 + d);
          rise += short * (this.t.shortUp[cell] ?? 0);
        }
        if (isCall) {
          isolated -= own + charge;
          calls += short;
          charges += charge;
        } else {
          isolated -= own + Math.max(charge, d * own);
          puts += short;
          flat += charge;
        }
      }
      let worst = Math.min(payoff, 0);
      let price = 0;
      for (let k = 0; k < n; k += 1) {
        const strike = this.strikes[k] ?? 0;
        payoff += slope * (strike - price);
        price = strike;
        slope += this.sorted[k] ?? 0;
        if (payoff < worst) worst = payoff;
      }
      const unpaired = net < 0 ? -net * (underlyings[at + U.UNPAIRED] ?? 0) : 0;
      worst -= unpaired * (moving + (expiries[e * E.STRIDE + E.FIXED] ?? 0));
      margin = Math.max(isolated, worst);
      if (this.keeps) {
        const f = this.factorAt(assets[u * A.STRIDE + A.FACTOR] ?? 0);
        const slack = SLACK * sizes * Math.max(spot, moving);
        this.down[f] = (this.down[f] ?? 0) + slack;
        this.up[f] = (this.up[f] ?? 0) + slack;
        if (isolated >= worst) {
          this.linear[f] = (this.linear[f] ?? 0) - charges;
          this.up[f] = (this.up[f] ?? 0) + flat;
          this.nearUp[f] = (this.nearUp[f] ?? 0) + rise;
          this.nearDown[f] = (this.nearDown[f] ?? 0) + fall;
          this.wideUp[f] = (this.wideUp[f] ?? 0) + calls * moving * discount;
          this.wideDown[f] = (this.wideDown[f] ?? 0) + puts * moving * discount * (1 + d);
        } else this.linear[f] = (this.linear[f] ?? 0) - unpaired * moving;
      }
    }
    this.add(bySide, this.blockKey(u), margin, value);
  }

  private readonly sorted = new Float64Array(MAX_POSITIONS);

  /** Into `strikes` and `sorted`, by rising strike. */
  private insert(k: number, strike: number, size: number): void {
    let at = k;
    while (at > 0 && (this.strikes[at - 1] ?? 0) > strike) {
      this.strikes[at] = this.strikes[at - 1] ?? 0;
      this.sorted[at] = this.sorted[at - 1] ?? 0;
      at -= 1;
    }
    this.strikes[at] = strike;
    this.sorted[at] = size;
  }

  // ------------------------------------------------------------------------------------------------ scenarios

  /** The portfolio model (contracts/risk/ScenarioGrid.sol): dot products of sizes with what each option is worth in every cell. */
  private scenarios(bySide: boolean): void {
    const { instruments } = this.t;
    this.used.fill(0, 0, this.options);
    for (let first = 0; first < this.options; first += 1) {
      if (this.used[first] === 1) continue;
      const at = (this.option[first] ?? 0) * I.STRIDE;
      this.gridExpiry(first, instruments[at + I.EXPIRY] ?? 0, instruments[at + I.UNDERLYING] ?? 0);
    }
    let mm = 0;
    for (let b = 0; b < this.blocks; b += 1) {
      const u = this.blockNumber[b] ?? 0;
      const at = u * U.STRIDE;
      const { underlyings } = this.t;
      const spot = underlyings[at + (this.isHigh ? U.HIGH : U.LOW)] ?? NaN;
      mm = underlyings[at + U.MM] ?? 0;
      this.finish(b, u);
      const charge =
        (this.perpGross[b] ?? 0) * (underlyings[at + U.PERP_PART] ?? 0) +
        (this.shorts[b] ?? 0) * spot * (underlyings[at + U.OPTION_PART] ?? 0);
      const value = this.optionValue[b] ?? 0;
      this.add(bySide, this.blockKey(u), value - charge + mm * (this.worst[b] ?? 0), value);
      if (this.keeps) this.gridSlopes(b, u, charge);
    }
    this.offsets(bySide, mm);
  }

  /** Product groups: a part φ of the worst is that of the members' sums. */
  private offsets(bySide: boolean, mm: number): void {
    const { underlyings, cells } = this.t;
    for (let b = 0; b < this.blocks; b += 1) {
      const at = (this.blockNumber[b] ?? 0) * U.STRIDE;
      const group = underlyings[at + U.GROUP] ?? 0;
      const phi = underlyings[at + U.PHI] ?? 0;
      if (group === 0 || phi === 0) continue;
      let isFirst = true;
      let members = 0;
      let apart = 0;
      let basis = 0;
      for (let j = 0; j < this.blocks; j += 1) {
        if (underlyings[(this.blockNumber[j] ?? 0) * U.STRIDE + U.GROUP] !== group) continue;
        if ((this.blockNumber[j] ?? 0) < (this.blockNumber[b] ?? 0)) isFirst = false;
        members += 1;
        apart += this.worst[j] ?? 0;
        basis += this.basis[j] ?? 0;
      }
      if (!isFirst || members === 1) continue;
      let together = basis;
      const n = underlyings[at + U.SCENARIOS] ?? 0;
      const { sum } = this;
      sum.fill(0, 0, n);
      for (let j = 0; j < this.blocks; j += 1) {
        const u = this.blockNumber[j] ?? 0;
        if (underlyings[u * U.STRIDE + U.GROUP] !== group) continue;
        const count = underlyings[u * U.STRIDE + U.CELLS] ?? 0;
        const exposure = this.exposure[j] ?? 0;
        for (let c = 0; c < count; c += 1) {
          const cell = (u * MAX_CELLS + c) * C.STRIDE;
          const place = cells[cell + C.PLACE] ?? -1;
          if (place < 0) continue;
          const change = exposure * ((cells[cell] ?? 0) - 1) + (this.changes[j * MAX_CELLS + c] ?? 0);
          sum[place] = (sum[place] ?? 0) + change * (cells[cell + C.WEIGHT] ?? 0);
        }
      }
      for (let place = 0; place < n; place += 1) if ((sum[place] ?? 0) < together) together = sum[place] ?? 0;
      this.add(bySide, 0x10000 + group, mm * phi * (together - apart), 0);
      // Which scenario is the worst of all is no member's own: none is above the worst for sure.
      for (let j = 0; j < this.blocks; j += 1) {
        if (underlyings[(this.blockNumber[j] ?? 0) * U.STRIDE + U.GROUP] !== group || !this.keeps) continue;
        this.excess.fill(0, j * PLACES, j * PLACES + (this.places[j] ?? 0));
      }
    }
  }

  private gridExpiry(first: number, e: number, u: number): void {
    const { instruments, underlyings, expiries, low, high } = this.t;
    const values = this.isHigh ? high : low;
    const b = this.blockOf[u] ?? 0;
    const at = u * U.STRIDE;
    if (underlyings[at + U.IN_TABLE] === 0) {
      this.maintenance = NaN;
      return;
    }
    const cells = underlyings[at + U.CELLS] ?? 0;
    const { sum, sumDown, sumUp, keeps } = this;
    sum.fill(0, 0, cells);
    if (keeps) {
      sumDown.fill(0, 0, cells);
      sumUp.fill(0, 0, cells);
    }
    const spot = underlyings[at + (this.isHigh ? U.HIGH : U.LOW)] ?? NaN;
    const moving = expiries[e * E.STRIDE + (this.isHigh ? E.FORWARD_HIGH : E.FORWARD_LOW)] ?? NaN;
    let gross = 0;
    let strikes = 0;
    let losers = 0;
    let winners = 0;
    let skew = 0;
    for (let k = first; k < this.options; k += 1) {
      const i = this.option[k] ?? 0;
      const to = i * I.STRIDE;
      if (this.used[k] === 1 || instruments[to + I.EXPIRY] !== e) continue;
      this.used[k] = 1;
      const size = this.size[k] ?? 0;
      const from = i * MAX_CELLS;
      for (let c = 0; c < cells; c += 1) sum[c] = (sum[c] ?? 0) + size * (values[from + c] ?? 0);
      const pair = instruments[to + I.PAIR] ?? 0;
      this.pairs[pair] = (this.pairs[pair] ?? 0) + size;
      const whole = Math.abs(size);
      gross += whole;
      strikes += whole * (instruments[to + I.STRIKE] ?? 0);
      if (!keeps) continue;
      const down = size > 0 ? this.t.longDown : this.t.shortDown;
      const up = size > 0 ? this.t.longUp : this.t.shortUp;
      for (let c = 0; c < cells; c += 1) {
        sumDown[c] = (sumDown[c] ?? 0) + size * (down[from + c] ?? 0);
        sumUp[c] = (sumUp[c] ?? 0) + size * (up[from + c] ?? 0);
      }
      skew += whole * (instruments[to + I.SKEW] ?? 0);
      if (size > 0 === (instruments[to + I.CALL] === 1)) losers += whole * moving;
      else winners += whole * moving;
    }
    // Calls and puts of a strike are netted before shorts are counted.
    let shorts = 0;
    for (let k = first; k < this.options; k += 1) {
      const to = (this.option[k] ?? 0) * I.STRIDE;
      if (instruments[to + I.EXPIRY] !== e) continue;
      const pair = instruments[to + I.PAIR] ?? 0;
      const net = this.pairs[pair] ?? 0;
      if (net < 0) shorts -= net;
      this.pairs[pair] = 0;
    }
    const gain = expiries[e * E.STRIDE + E.GAIN] ?? 1;
    const loss = expiries[e * E.STRIDE + E.LOSS] ?? 1;
    const basePlace = underlyings[at + U.BASE] ?? 0;
    const base = sum[basePlace] ?? 0;
    const straight = underlyings[at + U.STRAIGHT] ?? 0;
    const to = b * MAX_CELLS;
    for (let c = 0; c < cells; c += 1) {
      const x = sum[c] ?? 0;
      const change = x * (x < 0 ? loss : gain) - base;
      this.changes[to + c] = (this.changes[to + c] ?? 0) + (c < straight ? change : -Math.abs(change));
    }
    const least = Math.min(sum[underlyings[at + U.BASIS_UP] ?? 0] ?? 0, sum[underlyings[at + U.BASIS_DOWN] ?? 0] ?? 0);
    const weight = expiries[e * E.STRIDE + E.BASIS] ?? 0;
    this.basis[b] = (this.basis[b] ?? 0) + Math.min(least - base, 0) * weight;
    this.optionValue[b] = (this.optionValue[b] ?? 0) + base;
    this.shorts[b] = (this.shorts[b] ?? 0) + shorts;
    this.gross += gross * spot + strikes;
    this.blockGross[b] = (this.blockGross[b] ?? 0) + gross * Math.max(spot, moving);
    if (!keeps) return;
    for (let c = 0; c < straight; c += 1) {
      const fall = sumDown[c] ?? 0;
      const rise = sumUp[c] ?? 0;
      this.falls[to + c] = (this.falls[to + c] ?? 0) + fall * (fall > 0 ? loss : gain);
      this.rises[to + c] = (this.rises[to + c] ?? 0) + rise * (rise < 0 ? loss : gain);
    }
    this.baseDown[b] = (this.baseDown[b] ?? 0) + (sumDown[basePlace] ?? 0);
    this.baseUp[b] = (this.baseUp[b] ?? 0) + (sumUp[basePlace] ?? 0);
    this.losers[b] = (this.losers[b] ?? 0) + losers;
    this.winners[b] = (this.winners[b] ?? 0) + winners;
    this.skewLoss[b] = (this.skewLoss[b] ?? 0) + (loss + 1) * (losers + winners) + loss * skew;
    const { cells: all } = this.t;
    const reach = Math.max(
      all[(u * MAX_CELLS + (underlyings[at + U.BASIS_UP] ?? 0)) * C.STRIDE] ?? 1,
      all[(u * MAX_CELLS + (underlyings[at + U.BASIS_DOWN] ?? 0)) * C.STRIDE] ?? 1,
    );
    this.basisLoss[b] = (this.basisLoss[b] ?? 0) + weight * (1 + reach) * (losers + winners);
    this.mostLoss[b] = Math.max(this.mostLoss[b] ?? 1, loss);
  }

  /** W of a block. */
  private finish(b: number, u: number): void {
    const { underlyings, cells } = this.t;
    const n = underlyings[u * U.STRIDE + U.CELLS] ?? 0;
    const exposure = this.exposure[b] ?? 0;
    let worst = this.basis[b] ?? 0;
    for (let c = 0; c < n; c += 1) {
      const cell = (u * MAX_CELLS + c) * C.STRIDE;
      if ((cells[cell + C.PLACE] ?? -1) < 0) continue;
      const pnl =
        (exposure * ((cells[cell] ?? 0) - 1) + (this.changes[b * MAX_CELLS + c] ?? 0)) * (cells[cell + C.WEIGHT] ?? 0);
      if (pnl < worst) worst = pnl;
    }
    this.worst[b] = worst;
  }

  /** Each scenario's distance from the worst, and its own slopes. */
  private gridSlopes(b: number, u: number, charge: number): void {
    const { underlyings, cells, assets } = this.t;
    const at = u * U.STRIDE;
    const mm = underlyings[at + U.MM] ?? 0;
    const n = underlyings[at + U.CELLS] ?? 0;
    const straight = underlyings[at + U.STRAIGHT] ?? 0;
    const f = this.factorAt(assets[u * A.STRIDE + A.FACTOR] ?? 0);
    this.block[f] = b;
    this.linear[f] = (this.linear[f] ?? 0) + (this.perpValue[b] ?? 0) - charge;
    const exposure = this.exposure[b] ?? 0;
    const worst = this.worst[b] ?? 0;
    const losers = this.losers[b] ?? 0;
    const winners = this.winners[b] ?? 0;
    const baseDown = this.baseDown[b] ?? 0;
    const baseUp = this.baseUp[b] ?? 0;
    const slack = SLACK * (this.blockGross[b] ?? 0);
    const loss = this.mostLoss[b] ?? 1;
    let place = b * PLACES;
    for (let c = 0; c < n; c += 1) {
      const cell = (u * MAX_CELLS + c) * C.STRIDE;
      if ((cells[cell + C.PLACE] ?? -1) < 0) continue;
      const s = cells[cell] ?? 1;
      const w = (cells[cell + C.WEIGHT] ?? 0) * mm;
      const change = this.changes[b * MAX_CELLS + c] ?? 0;
      this.excess[place] = w * (exposure * (s - 1) + change) - mm * worst;
      const shifted = w * exposure * (s - 1);
      if (c < straight) {
        const rest = 1 - w;
        const fall = this.falls[b * MAX_CELLS + c] ?? 0;
        const rise = this.rises[b * MAX_CELLS + c] ?? 0;
        // A weight above one turns what the present value does around: then all of it counts.
        const over = rest < 0 ? -rest * (losers + winners) : 0;
        const kept = Math.max(rest, 0);
        this.windowDown[place] = shifted + w * fall + kept * baseDown + over + slack;
        this.windowUp[place] = -shifted - w * rise - kept * baseUp + over + slack;
        const far = w * Math.max(1, s) * loss + kept;
        this.farDown[place] = shifted + far * losers + over + slack;
        this.farUp[place] = -shifted + far * winners + over + slack;
      } else {
        const skew = w * (this.skewLoss[b] ?? 0);
        this.windowDown[place] = skew + baseDown + slack;
        this.windowUp[place] = skew - baseUp + slack;
        this.farDown[place] = skew + losers + slack;
        this.farUp[place] = skew + winners + slack;
      }
      place += 1;
    }
    const basis = mm * (this.basisLoss[b] ?? 0);
    this.excess[place] = mm * ((this.basis[b] ?? 0) - worst);
    this.windowDown[place] = basis + baseDown + slack;
    this.windowUp[place] = basis - baseUp + slack;
    this.farDown[place] = basis + losers + slack;
    this.farUp[place] = basis + winners + slack;
    this.places[b] = place + 1 - b * PLACES;
  }
}

export const SCENARIO_PLACES = PLACES;

/** Σ addOnᵢ·(X − sizeᵢ)⁺ / X with X = max(size, κ·total). */
const bracket = (assets: Float64Array, at: number, size: number): number => {
  const add1 = assets[at + 1] ?? 0;
  const add2 = assets[at + 3] ?? 0;
  if (add1 === 0 && add2 === 0) return 0;
  const x = Math.max(size, assets[at + 4] ?? 0);
  const size1 = assets[at] ?? 0;
  const size2 = assets[at + 2] ?? 0;
  let extra = 0;
  if (size1 !== 0 && x > size1) extra = add1 * (x - size1);
  if (size2 !== 0 && x > size2) extra += add2 * (x - size2);
  return extra === 0 ? 0 : extra / x;
};

/** A perp's bracket on its notional. */
const slab = (charged: number, x: number, size: number): number =>
  x > size && charged !== 0 ? (charged * (x - size)) / x : 0;

/** The pool behind a vault share; else the asset itself. */
const poolOf = (id: number): number => ((id & KIND_SHARE) !== 0 ? id & NUMBER : id);

/** Of a perp's word: int118 in the low bits of its high half, settlement units per whole underlying. */
const fundingIndex = (words: Uint32Array, w: number): number => {
  const top = (words[w] ?? 0) & 0x3fffff;
  const a = words[w + 1] ?? 0;
  const b = words[w + 2] ?? 0;
  const c = words[w + 3] ?? 0;
  const isNegative = (top & 0x200000) !== 0;
  if (!isNegative) return (((top * TWO32 + a) * TWO32 + b) * TWO32 + c) / WAD;
  return -((((~top & 0x3fffff) * TWO32 + (~a >>> 0)) * TWO32 + (~b >>> 0)) * TWO32 + (~c >>> 0) + 1) / WAD;
};
