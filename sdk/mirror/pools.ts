// Shares, indices and interest of pools (contracts/types/PoolWords.sol, contracts/accounts/Pools.sol).
import { Refused } from "./errors.ts";
import { BPS, divUp, min, WAD } from "./fixed.ts";
import { adaptiveRates, growthUp, modelRates, type Rates } from "./interest.ts";
import type { Pool, PoolWords } from "./market.ts";

/** An index of one. */
export const INDEX_ONE = 10n ** 15n;
/** Sums of shares are kept in 96 bits. */
export const MAX_SHARES = (1n << 96n) - 1n;
const MAX_INDEX = (1n << 64n) - 1n;
const MAX_AMOUNT = (1n << 128n) - 1n;
const RESERVE_UNIT = 25n;
const NO_CAP = 0xffffn;

const bits = (word: bigint, from: number, length: number): bigint => BigInt.asUintN(length, word >> BigInt(from));

/** A cap's 16 bits: nine of mantissa, seven of exponent; undefined: none. */
const decodeCap = (code: bigint): bigint | undefined => (code === NO_CAP ? undefined : (code & 0x1ffn) << (code >> 9n));

/** What a governor's cap becomes in its 16 bits: rounded down by less than 0.4 %. 2^96 − 1 and more: none. */
export const roundCap = (cap: bigint): bigint | undefined => {
  if (cap >= MAX_SHARES) return undefined;
  let exponent = 0n;
  while (cap >> exponent > 0x1ffn) exponent += 1n;
  return (cap >> exponent) << exponent;
};

/** The two words of `PoolChanged` and of `poolWords`. */
export const decodePoolWords = (supplyWord: bigint, debtWord: bigint): PoolWords => ({
  lenderShares: bits(supplyWord, 0, 96),
  accountShares: bits(supplyWord, 96, 96),
  supplyIndex: bits(supplyWord, 192, 64),
  debtShares: bits(debtWord, 0, 96),
  debtIndex: bits(debtWord, 96, 64),
  lastAccrual: bits(debtWord, 160, 32),
  rateAtTarget: bits(debtWord, 192, 36),
  reserveFactorBps: bits(debtWord, 228, 8) * RESERVE_UNIT,
  supplyCap: decodeCap(bits(debtWord, 236, 16)),
  depositsClosed: bits(debtWord, 252, 1) === 1n,
  externalModel: bits(debtWord, 253, 1) === 1n,
});

/** shares · index, rounded down: what claims are worth. */
export const toAssetsDown = (shares: bigint, index: bigint): bigint => (shares * index) / INDEX_ONE;
/** shares · index, rounded up: what debts weigh. */
export const toAssetsUp = (shares: bigint, index: bigint): bigint => divUp(shares * index, INDEX_ONE);

/** Refused as `SharesOverflow` for amounts that no pool can hold. */
export const toSharesDown = (assets: bigint, index: bigint): bigint => {
  if (assets > MAX_AMOUNT) throw new Refused("SharesOverflow", assets);
  return (assets * INDEX_ONE) / index;
};

/** Refused as `SharesOverflow` for amounts that no pool can hold. */
export const toSharesUp = (assets: bigint, index: bigint): bigint => {
  if (assets > MAX_AMOUNT) throw new Refused("SharesOverflow", assets);
  return divUp(assets * INDEX_ONE, index);
};

/** All supply shares: lenders' and accounts'. */
export const supplyShares = (pool: PoolWords): bigint => pool.lenderShares + pool.accountShares;

/** Assets owed to lenders and accounts, rounded down. */
export const claimsOf = (pool: PoolWords): bigint => toAssetsDown(supplyShares(pool), pool.supplyIndex);

/** Assets owed by all borrowers, rounded up. */
export const debtsOf = (pool: PoolWords): bigint => toAssetsUp(pool.debtShares, pool.debtIndex);

/** debts ÷ claims, WAD, at most one; 0 without claims. */
export const utilisationOf = (pool: PoolWords): bigint => {
  const claims = claimsOf(pool);
  return claims === 0n ? 0n : min((debtsOf(pool) * WAD) / claims, WAD);
};

/** The pool's mean borrow rate over the next `elapsed` seconds if nothing else happens. */
export const ratesOf = (pool: Pool, elapsed: bigint): Rates =>
  pool.externalModel
    ? modelRates(pool.rateModel, utilisationOf(pool), pool.rateAtTarget)
    : adaptiveRates(utilisationOf(pool), elapsed, pool.rateAtTarget);

/** The index after lenders and accounts got their part of the interest, rounded down. */
const supplyIndexAfter = (pool: Pool, debtIndexRise: bigint): bigint => {
  const shares = supplyShares(pool);
  if (shares === 0n) return pool.supplyIndex;
  const interest = toAssetsDown(pool.debtShares, debtIndexRise);
  const forLenders = (interest * (BPS - pool.reserveFactorBps)) / BPS;
  return min(pool.supplyIndex + (forLenders * INDEX_ONE) / shares, MAX_INDEX);
};

/** The pool with interest up to `time`, as any door of the safe would store it then. */
export const accrued = (pool: Pool, time: bigint): Pool => {
  const elapsed = time - pool.lastAccrual;
  if (elapsed === 0n) return pool;
  if (elapsed < 0n) throw new RangeError(`pool ${pool.number} has interest up to ${pool.lastAccrual}, after ${time}`);
  const { average, rateAtTarget } = ratesOf(pool, elapsed);
  const settled = { ...pool, lastAccrual: time, rateAtTarget };
  if (pool.debtShares === 0n) return settled;
  const debtIndex = min(divUp(pool.debtIndex * (WAD + growthUp(average, elapsed)), WAD), MAX_INDEX);
  return { ...settled, debtIndex, supplyIndex: supplyIndexAfter(pool, debtIndex - pool.debtIndex) };
};

/** Assets that signed shares are worth: claims down, debts up. */
export const worthOf = (pool: PoolWords, shares: bigint): bigint =>
  shares >= 0n ? toAssetsDown(shares, pool.supplyIndex) : -toAssetsUp(-shares, pool.debtIndex);

// ---------------------------------------------------------------- signed balances

/** A pool and a balance of it after a change. */
export interface Changed {
  readonly pool: Pool;
  readonly shares: bigint;
}

const withinShares = (shares: bigint): bigint => {
  if (shares > MAX_SHARES) throw new Refused("SharesOverflow", shares);
  return shares;
};

const withDebt = (pool: Pool, change: bigint): Pool => ({
  ...pool,
  debtShares: withinShares(pool.debtShares + change),
});
const withAccounts = (pool: Pool, change: bigint): Pool => ({
  ...pool,
  accountShares: withinShares(pool.accountShares + change),
});

/** Adds `assets` to a balance: debt first (burned shares rounded down unless all is paid), then claims (minted rounded down). */
export const credit = (pool: Pool, shares: bigint, assets: bigint): Changed => {
  let [p, left, balance] = [pool, assets, shares];
  if (balance < 0n) {
    const debt = toAssetsUp(-balance, p.debtIndex);
    if (left < debt) {
      const burned = toSharesDown(left, p.debtIndex);
      return { pool: withDebt(p, -burned), shares: balance + burned };
    }
    p = withDebt(p, balance);
    left -= debt;
    balance = 0n;
  }
  const minted = toSharesDown(left, p.supplyIndex);
  return { pool: withAccounts(p, minted), shares: balance + minted };
};

/** Takes `assets` from a balance: claims first (burned rounded up; all of them when worth exactly that), then debt (minted rounded up). */
export const debit = (pool: Pool, shares: bigint, assets: bigint): Changed => {
  let [p, left, balance] = [pool, assets, shares];
  if (balance > 0n) {
    const worth = toAssetsDown(balance, p.supplyIndex);
    if (left < worth) {
      const burned = toSharesUp(left, p.supplyIndex);
      return { pool: withAccounts(p, -burned), shares: balance - burned };
    }
    p = withAccounts(p, -balance);
    left -= worth;
    balance = 0n;
  }
  const minted = toSharesUp(left, p.debtIndex);
  return { pool: withDebt(p, minted), shares: balance - minted };
};

/** Adds a signed amount of assets. */
export const change = (pool: Pool, shares: bigint, assets: bigint): Changed =>
  assets >= 0n ? credit(pool, shares, assets) : debit(pool, shares, -assets);

/** Adds `delta` shares of the sign opposite to `shares`: a balance meets a debt and they cancel. */
export const shift = (pool: Pool, shares: bigint, delta: bigint): Changed =>
  delta > 0n
    ? credit(withAccounts(pool, -delta), shares, toAssetsDown(delta, pool.supplyIndex))
    : debit(withDebt(pool, delta), shares, toAssetsUp(-delta, pool.debtIndex));
