// A session of the safe (contracts/accounts/Sessions.sol, Books.sol): accounts and pools being changed, what was touched, and the checks
// at its end. Mutable, and never seen outside of act.ts: what goes in and out are values.
import { type Account, type Entry, MAX_ASSETS, needsCheck } from "../account.ts";
import { isPool, numberOf, SETTLEMENT } from "../assets.ts";
import { Refused } from "../errors.ts";
import { BPS, max, min } from "../fixed.ts";
import type { Idle, Market, Pool } from "../market.ts";
import { INITIAL, type Margins, MID } from "../model.ts";
import { accrued, claimsOf, debtsOf, supplyShares, toAssetsUp } from "../pools.ts";
import { weigh } from "../weigh.ts";

/** A guardian's bit: stops borrows. */
export const PAUSE_BORROW = 1;
/** Stops withdrawals. */
export const PAUSE_WITHDRAW = 2;
/** Stops transfers. */
export const PAUSE_TRANSFER = 4;
/** Stops fills. */
export const PAUSE_TRADE = 8;

/** β: the part of the requirement's fall that may be lost in closing, basis points. */
const SLIPPAGE_BPS = 2_000n;

/** The note of an account: the pause bits of what was done, and its start if it declared reduce-only. */
interface Note {
  actions: number;
  snapshot: Margins | undefined;
  debtGrew: boolean;
}

interface AssetNote {
  /** The pool at its first touch; undefined: an idle asset. */
  readonly before: Pool | undefined;
  outflow: bigint;
}

/** Accounts and pools on their way through actions. */
export class Session {
  private readonly accounts = new Map<string, Account>();
  private readonly pools: Map<number, Pool>;
  private readonly idles: Map<number, Idle>;
  private readonly notes = new Map<string, Note>();
  private readonly assetNotes = new Map<number, AssetNote>();
  private readonly start: Market;
  private ledger: Market["ledger"];
  private current: Market | undefined;

  constructor(market: Market, accounts: Iterable<Account>) {
    this.start = market;
    this.pools = new Map(market.pools);
    this.idles = new Map(market.idles);
    this.ledger = market.ledger;
    const { insurance } = market.safe;
    if (insurance !== undefined) this.accounts.set(insurance.id, insurance);
    for (const account of accounts) this.accounts.set(account.id, account);
  }

  /** The market as it stands now. */
  get market(): Market {
    if (this.current === undefined) {
      const insurance = this.start.safe.insurance && this.accounts.get(this.start.safe.insurance.id);
      const safe = { ...this.start.safe, ...(insurance && { insurance }) };
      const ledger = this.ledger && { ledger: this.ledger };
      this.current = { ...this.start, pools: new Map(this.pools), idles: new Map(this.idles), safe, ...ledger };
    }
    return this.current;
  }

  get all(): ReadonlyMap<string, Account> {
    return this.accounts;
  }

  // ---------------------------------------------------------------- accounts

  load(id: string): Account {
    const account = this.accounts.get(id);
    if (account === undefined) throw new RangeError(`account ${id} was not given`);
    return account;
  }

  store(account: Account): void {
    this.accounts.set(account.id, account);
    if (account.id === this.start.safe.insurance?.id) this.current = undefined;
  }

  /** The account was acted on in a way that can raise its risk: it must pass at the end. */
  note(id: string, actions: number): void {
    const note = this.notes.get(id);
    if (note === undefined) this.notes.set(id, { actions, snapshot: undefined, debtGrew: false });
    else note.actions |= actions;
  }

  /** Perps or options were traded for it. */
  noteTrade(id: string): void {
    this.note(id, PAUSE_TRADE);
  }

  isPending(id: string): boolean {
    return this.notes.has(id);
  }

  isReduceOnly(id: string): boolean {
    return this.notes.get(id)?.snapshot !== undefined;
  }

  /** An account whose debt grew does not pass by the reduce-only rule. */
  noteDebt(id: string): void {
    const note = this.notes.get(id);
    if (note?.snapshot !== undefined) note.debtGrew = true;
  }

  /** Must come before the account's first change: it is the start that the end is compared with. */
  declareReduceOnly(id: string): void {
    if (this.isPending(id)) throw new Refused("ReduceOnlyTooLate", id);
    const account = withoutAuction(this.load(id));
    this.notes.set(id, { actions: 0, snapshot: weigh(this.market, account, MID), debtGrew: false });
  }

  // ---------------------------------------------------------------- assets

  /** Positions met outside of a fill. */
  storeLedger(ledger: Market["ledger"]): void {
    this.ledger = ledger;
    this.current = undefined;
  }

  /** A pool with interest up to now, to be changed. Refused as `AssetNotListed`. */
  open(asset: number): Pool {
    const pool = this.pools.get(numberOf(asset));
    if (pool === undefined || !isPool(asset)) throw new Refused("AssetNotListed", BigInt(asset));
    return accrued(pool, this.start.time);
  }

  storePool(pool: Pool): void {
    this.pools.set(pool.number, pool);
    this.current = undefined;
  }

  /** Writes a changed pool; `outflow` tokens left (negative: came in). */
  afterPool(before: Pool, pool: Pool, outflow: bigint): void {
    this.storePool({ ...pool, tokens: pool.tokens - outflow });
    const note = this.assetNotes.get(pool.number);
    if (note === undefined) this.assetNotes.set(pool.number, { before, outflow });
    else note.outflow += outflow;
  }

  idle(asset: number): Idle {
    const idle = this.idles.get(asset);
    if (idle === undefined) throw new Refused("AssetNotListed", BigInt(asset));
    return idle;
  }

  isListed(asset: number): boolean {
    return isPool(asset) ? this.pools.has(numberOf(asset)) : this.idles.has(asset);
  }

  /** What accounts hold of an idle asset or vault share changes. */
  holdMore(idle: Idle, amount: bigint): void {
    this.idles.set(idle.asset, { ...idle, held: idle.held + amount, room: idle.room - amount });
    this.current = undefined;
  }

  afterIdle(asset: number, outflow: bigint): void {
    const note = this.assetNotes.get(asset);
    if (note === undefined) this.assetNotes.set(asset, { before: undefined, outflow });
    else note.outflow += outflow;
  }

  // ---------------------------------------------------------------- the end

  /** Every touched asset by its net change, then every touched account by its result. */
  close(): void {
    for (const [asset, { before, outflow }] of this.assetNotes) {
      if (before !== undefined) checkPool(before, this.open(asset), outflow);
      if (outflow > 0n) this.consume(asset, outflow);
    }
    for (const [id, note] of this.notes) this.requireHealthy(this.load(id), note);
  }

  private consume(asset: number, outflow: bigint): void {
    const limited = isPool(asset) ? this.open(asset) : this.idle(asset);
    if (limited.outflowLeft === undefined) return;
    if (outflow > limited.outflowLeft) throw new Refused("RateLimitExceeded");
    const outflowLeft = limited.outflowLeft - outflow;
    if ("number" in limited) this.storePool({ ...limited, outflowLeft });
    else this.idles.set(asset, { ...limited, outflowLeft });
    this.current = undefined;
  }

  /** A2: passes by `initial` ≥ 0, or by the reduce-only rule when it was declared. The guardian's stops bind who ends with debt. */
  private requireHealthy(account: Account, { actions, snapshot, debtGrew }: Note): void {
    if (!needsCheck(account)) return;
    let broken: string | undefined;
    if (snapshot !== undefined) {
      broken = debtGrew ? "debt grew" : brokenRule(snapshot, weigh(this.market, account, MID));
      if (broken === undefined) return;
    }
    const { pausedActions, pausedUntil } = this.start.safe;
    const stopped = actions & pausedActions;
    if (stopped !== 0 && pausedUntil >= this.start.time) throw new Refused("ActionPaused", BigInt(stopped));
    const { initial } = weigh(this.market, account, INITIAL);
    if (initial >= 0n) return;
    if (broken !== undefined) throw new Refused("NotReduceOnly", account.id, broken);
    throw new Refused("InsufficientMargin", account.id, initial);
  }
}

/** The first rule of reduce-only that the change from `start` to `end` breaks (DESIGN 3). */
const brokenRule = (start: Margins, end: Margins): string | undefined => {
  if (end.initial < start.initial) return "initial fell";
  if (end.maintenance < start.maintenance) return "maintenance fell";
  const relief = start.mtm - start.initial - (end.mtm - end.initial);
  if (relief < 0n) return "requirement rose";
  if (end.mtm < start.mtm - (relief * SLIPPAGE_BPS) / BPS) return "too much value lost";
  if (end.mtm < min(0n, start.mtm)) return "equity below zero";
  return undefined;
};

/** What the caps of DESIGN 4 say to a change of a pool with `outflow` tokens leaving, net. */
const checkPool = (before: Pool, pool: Pool, outflow: bigint): void => {
  const asset = BigInt(pool.number);
  const claims = claimsOf(pool);
  if (supplyShares(pool) > supplyShares(before) && pool.supplyCap !== undefined && claims > pool.supplyCap) {
    throw new Refused("SupplyCapExceeded", asset, pool.supplyCap, claims);
  }
  const more = pool.debtShares > before.debtShares;
  if (!more && outflow <= 0n) return;
  const debts = debtsOf(pool);
  if (more) checkDebts(pool, claims, debts);
  const lendersLeave = pool.lenderShares < before.lenderShares;
  const needed = debts + (more || lendersLeave ? reservedOf(pool) : 0n);
  // What there was to take before `outflow` of it was taken.
  if (needed > claims) throw new Refused("InsufficientLiquidity", asset, max(claims + outflow - needed, 0n));
};

const checkDebts = (pool: Pool, claims: bigint, debts: bigint): void => {
  const asset = BigInt(pool.number);
  const part = BPS - pool.settlementPartBps;
  if (pool.borrowCap !== undefined) {
    const cap = (pool.borrowCap * part) / BPS;
    if (debts > cap) throw new Refused("BorrowCapExceeded", asset, cap, debts);
  }
  const most = (claims * pool.maxUtilisationBps * part) / (BPS * BPS);
  if (debts > most) throw new Refused("UtilisationCapExceeded", asset, most, debts);
};

/** What lenders and borrowers must leave in cash, so that seized collateral can leave. */
export const reservedOf = (pool: Pool): bigint =>
  (toAssetsUp(pool.accountShares, pool.supplyIndex) * pool.reservedPartBps) / BPS;

/** In an auction only deposits, repaying and bids; who owes nothing any more gets out of it by what he does next (A3). */
export const withoutAuction = (account: Account): Account => {
  if (!account.flags.inAuction) return account;
  if (needsCheck(account)) throw new Refused("AccountInAuction", account.id);
  return { ...account, flags: { ...account.flags, inAuction: false } };
};

// ---------------------------------------------------------------- balances

/** Shares of an asset, 0 when the account has none. */
export const sharesOf = ({ entries }: Account, asset: number): bigint =>
  entries.find((entry) => entry.asset === asset)?.shares ?? 0n;

/** Whether the account has a balance of the asset. */
export const holds = ({ entries }: Account, asset: number): boolean => entries.some((entry) => entry.asset === asset);

/** Sets the shares of an asset. Zero removes it, and the last entry moves into the hole. Refused as `TooManyAssets`. */
export const withShares = (account: Account, asset: number, shares: bigint): Account => {
  const entries: Entry[] = [...account.entries];
  const place = entries.findIndex((entry) => entry.asset === asset);
  if (place === -1) {
    if (shares === 0n) return account;
    const full = entries.length + 1 >= MAX_ASSETS && asset !== SETTLEMENT;
    if (full && (entries.length >= MAX_ASSETS || !holds(account, SETTLEMENT))) {
      throw new Refused("TooManyAssets", account.id);
    }
    entries.push({ asset, shares });
  } else if (shares === 0n) {
    const last = entries.pop();
    if (last !== undefined && place < entries.length) entries[place] = last;
  } else {
    entries[place] = { asset, shares };
  }
  return { ...account, entries };
};
