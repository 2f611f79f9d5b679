// What the safe's doors do once they know who acts (contracts/accounts/Verbs.sol): money in, money out, money across.
import { type Account, type ModelNumber, needsCheck } from "../account.ts";
import { isPool, KIND_VAULT_SHARE, kindOf, numberOf, poolAsset, SETTLEMENT, vaultShareAsset } from "../assets.ts";
import { Refused } from "../errors.ts";
import { MAX_UINT256, max, min } from "../fixed.ts";
import { type Pool, PriceFault } from "../market.ts";
import { credit, debit, supplyShares, toAssetsDown, toSharesUp, worthOf } from "../pools.ts";
import { priceState } from "../prices.ts";
import {
  holds,
  PAUSE_BORROW,
  PAUSE_TRADE,
  PAUSE_TRANSFER,
  PAUSE_WITHDRAW,
  type Session,
  sharesOf,
  withoutAuction,
  withShares,
} from "./session.ts";

const BPS = 10_000n;

const requireListed = (s: Session, asset: number): void => {
  if (!s.isListed(asset)) throw new Refused("AssetNotListed", BigInt(asset));
};

const requireAmount = (amount: bigint): void => {
  if (amount === 0n) throw new Refused("ZeroAmount");
};

/** An account that owes may not take in an asset that cannot be priced: it could never be liquidated. */
const requirePriced = (s: Session, account: Account, asset: number): void => {
  if (!needsCheck(account)) return;
  const { fault } = priceState(s.market, asset);
  if (fault !== PriceFault.None && fault !== PriceFault.Deviating) {
    throw new Refused("PriceUnusable", BigInt(asset), BigInt(fault));
  }
};

const requireWelcome = (s: Session, account: Account, asset: number, consent: boolean): void => {
  if (holds(account, asset)) return;
  if (!consent) throw new Refused("AssetNotHeld", account.id, BigInt(asset));
  requirePriced(s, account, asset);
};

// ---------------------------------------------------------------- in

const addCollateral = (s: Session, asset: number, amount: bigint): void => {
  const idle = s.idle(asset);
  if (amount > idle.room) throw new Refused("CollateralCapExceeded", BigInt(asset), idle.room);
  s.holdMore(idle, amount);
  if (kindOf(asset) === KIND_VAULT_SHARE) {
    const pool = s.market.pools.get(numberOf(asset));
    const most = ((pool ? supplyShares(pool) : 0n) * idle.maxPartBps) / BPS;
    if (idle.held + amount > most) {
      throw new Refused("CollateralCapExceeded", BigInt(asset), max(most - idle.held, 0n));
    }
  }
  s.afterIdle(asset, -amount);
};

/** `consent`: the owner or an operator with the right to trade pays in; a stranger may only add to what is held. */
export const deposit = (s: Session, id: string, asset: number, amount: bigint, consent: boolean): void => {
  requireAmount(amount);
  requireListed(s, asset);
  const account = s.load(id);
  requireWelcome(s, account, asset, consent);
  if (!isPool(asset)) {
    s.store(withShares(account, asset, sharesOf(account, asset) + amount));
    addCollateral(s, asset, amount);
    return;
  }
  const before = s.open(asset);
  const { pool, shares } = credit(before, sharesOf(account, asset), amount);
  if (shares > 0n && pool.depositsClosed) throw new Refused("DepositsClosed", BigInt(asset));
  s.store(withShares(account, asset, shares));
  s.afterPool(before, pool, -amount);
};

/** Pays what is owed, at most `amount`. Returns what was paid. */
export const repay = (s: Session, id: string, asset: number, amount: bigint): bigint => {
  requireListed(s, asset);
  const account = s.load(id);
  const owed = sharesOf(account, asset);
  if (owed >= 0n) throw new Refused("NothingToRepay", id, BigInt(asset));
  const before = s.open(asset);
  const assets = min(amount, -worthOf(before, owed));
  requireAmount(assets);
  const { pool, shares } = credit(before, owed, assets);
  s.store(withShares(account, asset, shares));
  s.afterPool(before, pool, -assets);
  return assets;
};

// ---------------------------------------------------------------- out

/** An account and a pool in the middle of a debit. */
interface Taken {
  readonly account: Account;
  readonly pool: Pool;
  readonly amount: bigint;
}

/** Burns as many of the account's vault shares of the pool as pay for `assets`, at most all. Shares burned round up. */
export const useVaultShares = (s: Session, account: Account, pool: Pool, assets: bigint): Taken => {
  const share = vaultShareAsset(pool.number);
  const held = sharesOf(account, share);
  if (held === 0n) return { account, pool, amount: 0n };
  const worth = toAssetsDown(held, pool.supplyIndex);
  const burned = assets < worth ? toSharesUp(assets, pool.supplyIndex) : held;
  s.holdMore(s.idle(share), -burned);
  return {
    account: withShares(account, share, held - burned),
    pool: { ...pool, lenderShares: pool.lenderShares - burned },
    amount: min(assets, worth),
  };
};

/** The debit itself. An account whose debt grew does not pass by the reduce-only rule. */
const owe = (s: Session, account: Account, before: Pool, amount: bigint): Taken => {
  const asset = poolAsset(before.number);
  const { pool, shares } = debit(before, sharesOf(account, asset), amount);
  if (pool.debtShares !== before.debtShares) s.noteDebt(account.id);
  return { account: withShares(account, asset, shares), pool, amount };
};

/** Debits what may be more than the balance: set-off for what it lacks, then debt. */
export const takeBelowZero = (s: Session, account: Account, pool: Pool, amount: bigint): Taken => {
  const worth = max(worthOf(pool, sharesOf(account, poolAsset(pool.number))), 0n);
  if (amount <= worth) return owe(s, account, pool, amount);
  const setOff = useVaultShares(s, account, pool, amount - worth);
  return { ...owe(s, setOff.account, setOff.pool, amount - setOff.amount), amount };
};

/** Debits a pool balance; all bits set: the whole positive balance. */
const take = (s: Session, account: Account, pool: Pool, asked: bigint, mayBorrow: boolean): Taken => {
  const asset = poolAsset(pool.number);
  const worth = max(worthOf(pool, sharesOf(account, asset)), 0n);
  const amount = asked === MAX_UINT256 ? worth : asked;
  requireAmount(amount);
  if (amount > worth) {
    if (!mayBorrow) throw new Refused("InsufficientBalance", account.id, BigInt(asset), worth);
    return takeBelowZero(s, account, pool, amount);
  }
  const changed = debit(pool, sharesOf(account, asset), amount);
  return { account: withShares(account, asset, changed.shares), pool: changed.pool, amount };
};

const takeIdle = (account: Account, asset: number, asked: bigint, mayBorrow: boolean): Omit<Taken, "pool"> => {
  if (mayBorrow) throw new Refused("AssetNotBorrowable", BigInt(asset));
  const held = sharesOf(account, asset);
  const amount = asked === MAX_UINT256 ? held : asked;
  requireAmount(amount);
  if (amount > held) throw new Refused("InsufficientBalance", account.id, BigInt(asset), held);
  return { account: withShares(account, asset, held - amount), amount };
};

/** Takes `amount` off the account and out of the safe. `mayBorrow`: the balance may go below zero. Returns what left. */
export const withdraw = (s: Session, id: string, asset: number, asked: bigint, mayBorrow: boolean): bigint => {
  const loaded = withoutAuction(s.load(id));
  requireListed(s, asset);
  if (!isPool(asset)) {
    const { account, amount } = takeIdle(loaded, asset, asked, mayBorrow);
    s.store(account);
    s.holdMore(s.idle(asset), -amount);
    s.afterIdle(asset, amount);
    s.note(id, PAUSE_WITHDRAW);
    return amount;
  }
  const before = s.open(asset);
  const { account, pool, amount } = take(s, loaded, before, asked, mayBorrow);
  let action = PAUSE_WITHDRAW;
  if (pool.debtShares > before.debtShares) {
    if (pool.borrowsClosed) throw new Refused("BorrowsClosed", BigInt(asset));
    action = supplyShares(pool) < supplyShares(before) ? PAUSE_BORROW | PAUSE_WITHDRAW : PAUSE_BORROW;
  }
  s.store(account);
  s.afterPool(before, pool, amount);
  s.note(id, action);
  return amount;
};

/** Lends from the pool to the account's owner. */
export const borrow = (s: Session, id: string, asset: number, amount: bigint): bigint => {
  if (!isPool(asset)) throw new Refused("AssetNotBorrowable", BigInt(asset));
  return withdraw(s, id, asset, amount, true);
};

// ---------------------------------------------------------------- across

/** Moves value between accounts; the pool's totals change only where a balance crosses zero. Returns what was moved. */
export const transfer = (
  s: Session,
  ids: { readonly from: string; readonly to: string },
  asset: number,
  asked: bigint,
  mayBorrow: boolean,
  consent: boolean,
): bigint => {
  const { from, to } = ids;
  if (from === to) throw new Refused("SameAccount", from);
  requireListed(s, asset);
  const giver = withoutAuction(s.load(from));
  const receiver = s.load(to);
  requireWelcome(s, receiver, asset, consent);
  if (!isPool(asset)) {
    const { account, amount } = takeIdle(giver, asset, asked, mayBorrow);
    s.store(account);
    s.store(withShares(receiver, asset, sharesOf(receiver, asset) + amount));
    s.note(from, PAUSE_TRANSFER);
    return amount;
  }
  const before = s.open(asset);
  const { account, pool, amount } = take(s, giver, before, asked, mayBorrow);
  if (pool.debtShares > before.debtShares && pool.borrowsClosed) throw new Refused("BorrowsClosed", BigInt(asset));
  const credited = credit(pool, sharesOf(receiver, asset), amount);
  s.store(account);
  s.store(withShares(receiver, asset, credited.shares));
  s.afterPool(before, credited.pool, 0n);
  s.note(from, PAUSE_TRANSFER);
  return amount;
};

/** Pays a debt with the account's own vault shares of the pool. Returns what was paid. */
export const setOff = (s: Session, id: string, asset: number): bigint => {
  const before = s.open(asset);
  const loaded = withoutAuction(s.load(id));
  const owed = sharesOf(loaded, asset);
  if (owed >= 0n) throw new Refused("NothingToRepay", id, BigInt(asset));
  const used = useVaultShares(s, loaded, before, -worthOf(before, owed));
  if (used.amount === 0n) throw new Refused("AssetNotHeld", id, BigInt(vaultShareAsset(numberOf(asset))));
  const { pool, shares } = credit(used.pool, owed, used.amount);
  s.store(withShares(used.account, asset, shares));
  s.afterPool(before, pool, 0n);
  return used.amount;
};

/** Chooses the margin model. */
export const setModel = (s: Session, id: string, model: ModelNumber): void => {
  // Another model's requirement is no relief.
  if (s.isReduceOnly(id)) throw new Refused("ReduceOnlyTooLate", id);
  const account = withoutAuction(s.load(id));
  s.store({ ...account, flags: { ...account.flags, model } });
  s.note(id, 0);
};

// ---------------------------------------------------------------- premiums

/** The payer's half of a fill's premium: his cash, then his vault shares, then debt. A borrowed premium is a borrow. */
export const debitCash = (s: Session, id: string, amount: bigint): void => {
  const before = s.open(SETTLEMENT);
  const { account, pool } = takeBelowZero(s, withoutAuction(s.load(id)), before, amount);
  const borrowed = pool.debtShares > before.debtShares;
  if (borrowed && pool.borrowsClosed) throw new Refused("BorrowsClosed", BigInt(SETTLEMENT));
  s.store(account);
  s.afterPool(before, pool, 0n);
  s.note(id, borrowed ? PAUSE_TRADE | PAUSE_BORROW : PAUSE_TRADE);
};

/** The receiver's half. */
export const creditCash = (s: Session, id: string, amount: bigint): void => {
  const before = s.open(SETTLEMENT);
  const account = s.load(id);
  const { pool, shares } = credit(before, sharesOf(account, SETTLEMENT), amount);
  s.store(withShares(account, SETTLEMENT, shares));
  s.afterPool(before, pool, 0n);
};
