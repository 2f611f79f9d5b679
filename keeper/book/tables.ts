// The market as the weigher reads it: floats in shared columns, one stride per asset, underlying, expiry and instrument. Settlement units per
// whole token throughout. `Terms` fills them; nothing here knows where the numbers come from.
import { shareFloat64, shareInt32 } from "./columns.ts";

export const ASSETS = 4_096;
/** Fields of an asset. */
export const A = {
  LISTED: 0,
  /** Price per token unit, NaN when it cannot be used. */
  LOW: 1,
  HIGH: 2,
  /** Token units per positive share and per negative one. */
  DOWN: 3,
  UP: 4,
  /** hMM in force. */
  HAIRCUT: 5,
  /** Weight of the new brackets beside the old ones. */
  RAMP: 6,
  /** Brackets: size, add-on, size, add-on, κ·total (token units); then the old ones. */
  NEW: 7,
  OLD: 12,
  GROUP: 17,
  GROUP_HAIRCUT: 18,
  /** Place of the price among the factors that guards are kept by. */
  FACTOR: 19,
  /** Pool number of the price: where spot meets positions; 0: none. */
  UNDERLYING: 20,
  STRIDE: 24,
} as const;

export const UNDERLYINGS = 256;
/** Fields of an underlying; prices of the low side, then of the high side. */
export const U = {
  IN_TABLE: 0,
  LOW: 1,
  HIGH: 2,
  MARK_LOW: 3,
  MARK_HIGH: 4,
  /** Of a frozen market: then `MARK_*` are it, and the market asks for nothing. */
  FROZEN: 5,
  CLOSED: 6,
  FUNDING: 7,
  PERP_RATIO: 8,
  SIZE1: 9,
  ADD1: 10,
  SIZE2: 11,
  ADD2: 12,
  /** κ · slow open interest, whole underlyings. */
  KAPPA_OI: 13,
  C: 14,
  D: 15,
  UNPAIRED: 16,
  GROUP: 17,
  PHI: 18,
  MM: 19,
  PERP_PART: 20,
  OPTION_PART: 21,
  CELLS: 22,
  /** Cells before it are of the rules up, none, down; from it on of the skews. */
  STRAIGHT: 23,
  BASE: 24,
  BASIS_UP: 25,
  BASIS_DOWN: 26,
  SCENARIOS: 27,
  /** Most of what a gross unit of derivatives loses per unit of drift; see docs/keeper-radius.md. */
  DRIFT: 28,
  SPREAD: 29,
  STRIDE: 32,
} as const;

export const MAX_CELLS = 64;
/** Fields of a cell. */
export const C = { FACTOR: 0, WEIGHT: 1, PLACE: 2, STRIDE: 3 } as const;

/** Fields of an expiry. */
export const E = {
  /** False: nothing attested of it. */
  USABLE: 0,
  FORWARD_LOW: 1,
  FORWARD_HIGH: 2,
  FIXED: 3,
  DISCOUNT: 4,
  GAIN: 5,
  LOSS: 6,
  BASIS: 7,
  STRIDE: 8,
} as const;

/** Fields of an instrument. */
export const I = {
  KIND: 0,
  UNDERLYING: 1,
  EXPIRY: 2,
  STRIKE: 3,
  CALL: 4,
  SETTLED: 5,
  PAIR: 6,
  SKEW: 7,
  MARK_LOW: 8,
  MARK_HIGH: 9,
  STRIDE: 12,
} as const;
export const PERP = 1;
export const OPTION = 2;
/** An option of a settled expiry: worth `SETTLED` a piece. */
export const SETTLED = 3;
/** A perp of a market that the ledger does not know, or an option of an unknown expiry. */
export const UNKNOWN = 0;

/** Everything, by reference: what a worker is handed. */
export interface Tables {
  assets: Float64Array;
  underlyings: Float64Array;
  /** MAX_CELLS per underlying. */
  cells: Float64Array;
  expiries: Float64Array;
  instruments: Float64Array;
  /** Discounted value of one option in every cell, at the low side; at the high side. */
  low: Float64Array;
  high: Float64Array;
  /**
   * At the low side, per unit of relative move of the price: what a long or short option is bound to lose on a fall (`longDown`, `shortDown`) and
   * to gain on a rise (`longUp`, `shortUp`) within the window.
   */
  longDown: Float64Array;
  longUp: Float64Array;
  shortDown: Float64Array;
  shortUp: Float64Array;
  /** Counts of expiries and instruments, and the number of the market. */
  counts: Int32Array;
}

export const COUNT = { EXPIRIES: 0, INSTRUMENTS: 1, MARKET: 2 } as const;

export const emptyTables = (instruments: number, expiries: number): Tables => ({
  assets: shareFloat64(ASSETS * A.STRIDE),
  underlyings: shareFloat64(UNDERLYINGS * U.STRIDE),
  cells: shareFloat64(UNDERLYINGS * MAX_CELLS * C.STRIDE),
  expiries: shareFloat64(expiries * E.STRIDE),
  instruments: shareFloat64(instruments * I.STRIDE),
  low: shareFloat64(instruments * MAX_CELLS),
  high: shareFloat64(instruments * MAX_CELLS),
  longDown: shareFloat64(instruments * MAX_CELLS),
  longUp: shareFloat64(instruments * MAX_CELLS),
  shortDown: shareFloat64(instruments * MAX_CELLS),
  shortUp: shareFloat64(instruments * MAX_CELLS),
  counts: shareInt32(8),
});

/** Chords reach so far from the price that they were taken at, either way: guards that use them end there. */
export const WINDOW = 0.2;
