/** Candles that cannot be replayed; the message says which file, row and column. */
export class CandleError extends Error {}
