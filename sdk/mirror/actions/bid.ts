// A bid (contracts/accounts/Bids.sol, DESIGN 8): the auction says fraction and price, the safe moves everything itself. Balances move as
// shares, so what one side loses the other gains and no pool total changes unless a balance crosses zero.
import { type Account, hasLedger, ownerOf } from "../account.ts";
import { numberOf, poolAsset, SETTLEMENT } from "../assets.ts";
import { type Auction, type BidQuote, quoteBid } from "../auction.ts";
import { Refused } from "../errors.ts";
import { max, min, mulDivDown, mulDivFloor, WAD } from "../fixed.ts";
import type { Pool } from "../market.ts";
import {
  change,
  claimsOf,
  credit,
  debit,
  INDEX_ONE,
  shift,
  supplyShares,
  toAssetsDown,
  toSharesDown,
  worthOf,
} from "../pools.ts";
import { type Session, sharesOf, withoutAuction, withShares } from "./session.ts";
import { takeFraction } from "./takeFraction.ts";
import { takeBelowZero } from "./verbs.ts";

/** What a bid asks for. */
export interface BidRequest {
  readonly account: string;
  readonly bidder: string;
  /** WAD; all bits set: the largest. */
  readonly fraction: bigint;
  /** The most that the bidder pays; negative: the least that he is paid. Settlement token units. */
  readonly limit: bigint;
  /** What the auction contract stores of the account; left out: nothing. */
  readonly auction?: Auction;
  /** Whether prices were continuous since its last tick; asked only beyond a minute. */
  readonly continuous?: boolean;
}

/** What a bid did. */
export interface BidResult {
  /** WAD. */
  readonly fraction: bigint;
  /** Settlement token units; negative: the bidder was paid. */
  readonly price: bigint;
  readonly fee: bigint;
  readonly fromInsurance: bigint;
  /** Value of the debts written off, settlement token units. */
  readonly writtenOff: bigint;
  /** Part of the unsettled loss that winners (and the ledger's own accounts, which are not followed here) will bear, settlement token units. */
  readonly relief: bigint;
  readonly running: boolean;
  /** As the auction contract stores it afterwards. */
  readonly auction: Auction;
}

interface Bid {
  account: Account;
  bidder: Account;
  /** Part of each debt taken that is written off, WAD. */
  cut: bigint;
  fromInsurance: bigint;
  writtenOff: bigint;
  relief: bigint;
  /** The settlement pool, written once at the end. */
  pool: Pool;
  readonly quote: BidQuote;
}

/** Waterfall (L2): the fund pays what it has; what it lacks is cut from the liabilities that the bidder takes over. */
const payFromInsurance = (s: Session, b: Bid): void => {
  const { quote } = b;
  if (quote.price >= 0n) return;
  const needed = -quote.price;
  const fundId = s.market.safe.insurance?.id;
  const fund = fundId === undefined ? undefined : s.load(fundId);
  const shares = fund === undefined ? 0n : sharesOf(fund, SETTLEMENT);
  const paid = shares > 0n ? min(needed, worthOf(b.pool, shares)) : 0n;
  if (fund !== undefined && paid !== 0n) {
    const changed = debit(b.pool, shares, paid);
    b.pool = changed.pool;
    s.store(withShares(fund, SETTLEMENT, changed.shares));
    b.fromInsurance = paid;
  }
  const short = needed - paid;
  if (short === 0n) return;
  // Each kind bears its part, so lenders do not pay for winners nor winners for lenders.
  const { unsettledLoss } = quote;
  if (unsettledLoss !== 0n) {
    const part = mulDivDown(short, unsettledLoss, quote.liabilities + unsettledLoss);
    b.relief = min(part, mulDivDown(unsettledLoss, quote.fraction, WAD));
  }
  const taken = mulDivDown(quote.liabilities, quote.fraction, WAD);
  if (taken === 0n) return;
  const part = mulDivDown(short, WAD, taken);
  b.cut = min(mulDivDown(part, quote.liabilities, quote.liabilities + unsettledLoss), WAD);
  b.writtenOff = mulDivDown(taken, b.cut, WAD);
};

/** Cancels debt without payment: the pool's reserves bear it first, then its index. */
const writeOff = (pool: Pool, shares: bigint): Pool => {
  const left = { ...pool, debtShares: pool.debtShares - shares };
  const backing = left.tokens + toAssetsDown(left.debtShares, left.debtIndex);
  if (claimsOf(left) <= backing) return left;
  return { ...left, supplyIndex: max((backing * INDEX_ONE) / supplyShares(left), 1n) };
};

/** Writes part of a debt off before the bidder gets the rest. Returns the rest. */
const cutDebt = (s: Session, b: Bid, asset: number, part: bigint): bigint => {
  const shares = mulDivDown(-part, b.cut, WAD);
  if (shares === 0n) return part;
  s.storePool(writeOff(s.open(asset), shares));
  return part + shares;
};

const give = (s: Session, b: Bid, asset: number, part: bigint): void => {
  if (part === 0n) return;
  const held = sharesOf(b.bidder, asset);
  if (held === 0n || part > 0n === held > 0n) {
    b.bidder = withShares(b.bidder, asset, held + part);
    return;
  }
  // A balance meets a debt: the pool's totals change.
  const { pool, shares } = shift(s.open(asset), held, part);
  b.bidder = withShares(b.bidder, asset, shares);
  s.storePool(pool);
};

/** Everything but the settlement asset, backwards. Claims taken round down, debts taken round up (L1). */
const moveBalances = (s: Session, b: Bid): void => {
  for (const { asset, shares } of [...b.account.entries].reverse()) {
    if (asset === SETTLEMENT) continue;
    const part = b.quote.fraction === WAD ? shares : mulDivFloor(shares, b.quote.fraction, WAD);
    if (part === 0n) continue;
    b.account = withShares(b.account, asset, shares - part);
    give(s, b, asset, part < 0n && b.cut !== 0n ? cutDebt(s, b, poolAsset(numberOf(asset)), part) : part);
  }
};

const changeBidder = (s: Session, b: Bid, delta: bigint): void => {
  if (delta < 0n) {
    const taken = takeBelowZero(s, b.bidder, b.pool, -delta);
    b.bidder = taken.account;
    b.pool = taken.pool;
    return;
  }
  const { pool, shares } = credit(b.pool, sharesOf(b.bidder, SETTLEMENT), delta);
  b.bidder = withShares(b.bidder, SETTLEMENT, shares);
  b.pool = pool;
};

/** The starter's fee, part of the price; its receiver may be a party to the bid. */
const payFee = (s: Session, b: Bid): void => {
  const { fee, feeTo } = b.quote;
  if (fee === 0n || feeTo === undefined) return;
  if (feeTo === b.bidder.id) {
    changeBidder(s, b, fee);
    return;
  }
  const own = feeTo === b.account.id;
  const receiver = own ? b.account : s.load(feeTo);
  const { pool, shares } = credit(b.pool, sharesOf(receiver, SETTLEMENT), fee);
  b.pool = pool;
  const paid = withShares(receiver, SETTLEMENT, shares);
  if (own) b.account = paid;
  else s.store(paid);
};

/** The settlement asset, in assets because cash of earlier bids stays: the fraction is taken of the rest. */
const moveCash = (s: Session, b: Bid): void => {
  const { quote } = b;
  const held = sharesOf(b.account, SETTLEMENT);
  let part = mulDivFloor(worthOf(b.pool, held) - quote.reserved, quote.fraction, WAD);
  const paid = max(quote.price, 0n);
  const changed = change(b.pool, held, paid - quote.fee - part);
  b.account = withShares(b.account, SETTLEMENT, changed.shares);
  b.pool = changed.pool;
  let cutShares = 0n;
  if (part < 0n && b.cut !== 0n) {
    cutShares = toSharesDown(mulDivDown(-part, b.cut, WAD), b.pool.debtIndex);
    part += toAssetsDown(cutShares, b.pool.debtIndex);
  }
  changeBidder(s, b, part - paid + b.fromInsurance);
  payFee(s, b);
  if (cutShares === 0n) return;
  // Last, when every other change is in: the debt that the account lost and the bidder did not get is cancelled here, once.
  b.pool = writeOff({ ...b.pool, debtShares: b.pool.debtShares + cutShares }, cutShares);
};

/** Refused by the auction's and the engine's errors, `OwnAccount`, `CheckPending`, `PriceOverLimit`, `AccountInAuction` (the bidder). */
export const bid = (s: Session, request: BidRequest): BidResult => {
  const { account: id, bidder: bidderId } = request;
  if (ownerOf(id) === ownerOf(bidderId)) throw new Refused("OwnAccount", id);
  if (s.isPending(id)) throw new Refused("CheckPending", id);
  const account = s.load(id);
  const { market } = s;
  const quote = quoteBid(market, account, request.fraction, request.auction, request.continuous);
  if (quote.fraction === 0n || quote.fraction > WAD) throw new Refused("FractionTooLarge", quote.fraction, WAD);
  const b: Bid = {
    account,
    bidder: account,
    cut: 0n,
    fromInsurance: 0n,
    writtenOff: 0n,
    relief: 0n,
    pool: s.open(SETTLEMENT),
    quote,
  };
  payFromInsurance(s, b);
  b.bidder = withoutAuction(s.load(bidderId));
  const price = quote.price > 0n ? quote.price : -(b.fromInsurance + b.writtenOff + b.relief);
  if (price > request.limit) throw new Refused("PriceOverLimit", price, request.limit);

  moveBalances(s, b);
  moveCash(s, b);
  if (hasLedger(account) && market.ledger !== undefined) {
    b.bidder = { ...b.bidder, quote: b.bidder.quote + b.relief * 10n ** BigInt(18 - market.table.settlementDecimals) };
    const taken = takeFraction(market.ledger, market.time, b, quote.fraction);
    b.account = taken.account;
    b.bidder = taken.bidder;
    s.storeLedger(taken.ledger);
  }
  s.store({ ...b.account, flags: { ...b.account.flags, inAuction: quote.running } });
  s.store(b.bidder);
  s.storePool(b.pool);
  s.note(bidderId, 0);
  const { fraction, fee, running, auction } = quote;
  const { fromInsurance, writtenOff, relief } = b;
  return { fraction, price, fee, fromInsurance, writtenOff, relief, running, auction };
};
