// Auctions of unhealthy accounts (contracts/liquidation/AuctionMath.sol, LiquidationAuction.sol, DESIGN 8.1-8.3).
// Margins and prices are settlement units (WAD), clocks are seconds. Prices round up and payments down, both against the bidder.
import { type Account, hasLedger } from "./account.ts";
import { Refused } from "./errors.ts";
import { BPS, divUp, max, MAX_UINT256, min, mulDivCeil, mulDivDown, mulDivFloor, mulDivUp, WAD } from "./fixed.ts";
import type { AuctionParameters, Market } from "./market.ts";
import { LIQUIDATION, type Margins } from "./model.ts";
import { weigh } from "./weigh.ts";

// ---------------------------------------------------------------- formulas

/** BM = MM + buffer·(MM − mtm): what a largest bid brings to zero. */
export const bufferMarginDown = (maintenance: bigint, mtm: bigint, buffer: bigint): bigint =>
  maintenance + mulDivFloor(maintenance - mtm, buffer, WAD);

/** d: from `start` to `cut` over `fast` seconds, then to exactly zero over `slow` seconds. */
export const discountFactorUp = (
  clock: bigint,
  { start, cut, fast, slow }: Pick<AuctionParameters, "start" | "cut" | "fast" | "slow">,
): bigint => {
  if (clock < fast) return start - ((start - cut) * clock) / fast;
  const late = clock - fast;
  return late < slow ? mulDivUp(cut, slow - late, slow) : 0n;
};

/** f_max = BM / (BM − mtm·d − R·(1 − d)), of everything but R; `d` is what the account receives of the worth. */
export const maxFractionUp = (bufferMargin: bigint, mtm: bigint, reserved: bigint, d: bigint): bigint => {
  if (bufferMargin >= 0n) return 0n;
  const shrink = mulDivFloor(mtm - reserved, d, WAD) + reserved;
  const denominator = bufferMargin - shrink;
  if (denominator >= bufferMargin) return WAD;
  return mulDivUp(-bufferMargin, WAD, -denominator);
};

/** f·(mtm − R)·d, what the bidder pays for the fraction. */
export const priceUp = (fraction: bigint, worth: bigint, d: bigint): bigint => mulDivUp(worth, fraction * d, WAD * WAD);

/** f·(−min(mtm, 0) + q·(min(mtm, 0) − MM)·min(t, T)/T), what the bidder is paid for the fraction. */
export const insolventPaymentDown = (
  fraction: bigint,
  maintenance: bigint,
  mtm: bigint,
  clock: bigint,
  { q, insuranceTime }: Pick<AuctionParameters, "q" | "insuranceTime">,
): bigint => {
  const loss = min(mtm, 0n);
  const reward =
    maintenance >= loss ? 0n : mulDivDown(loss - maintenance, q * min(clock, insuranceTime), WAD * insuranceTime);
  return mulDivDown(-loss + reward, fraction, WAD);
};

/** (1 − f)·(MM − R) + R + paid: a lower bound of the maintenance that a bid leaves. */
export const maintenanceAfterDown = (maintenance: bigint, reserved: bigint, fraction: bigint, paid: bigint): bigint =>
  mulDivFloor(maintenance - reserved, WAD - fraction, WAD) + reserved + paid;

/** Whether equity covers `buffer` of the requirement and is above zero. */
export const isRecovered = (maintenance: bigint, mtm: bigint, buffer: bigint): boolean =>
  mtm > 0n && mtm >= mulDivCeil(mtm - maintenance, buffer, WAD);

/** What the account receives of each unit of worth when `feePart` (basis points) of the price is a fee. */
export const netOfFeeDown = (d: bigint, feePart: bigint): bigint => (d * (BPS - feePart)) / BPS;

// ---------------------------------------------------------------- an auction's life

/** `ILiquidationAuction.Phase`. */
export const AuctionPhase = { None: 0, Solvent: 1, Insolvent: 2 } as const;
/** One of {@link AuctionPhase}. */
export type AuctionPhase = (typeof AuctionPhase)[keyof typeof AuctionPhase];

/** One auction as it is stored. Void while the account's auction flag is down, but for `lastFee`. */
export interface Auction {
  readonly phase: AuctionPhase;
  readonly clock: bigint;
  readonly lastTick: bigint;
  /** R: cash of earlier bids, token units. */
  readonly reserved: bigint;
  /** When a starter's fee was last paid for the account. */
  readonly lastFee: bigint;
  /** The first price pays a fee to `feeTo`. */
  readonly feeDue: boolean;
  /** Insolvent because nobody bid until d was 0. */
  readonly exhausted: boolean;
  /** Account id; only with `feeDue`. */
  readonly feeTo?: string;
}

/** Nothing stored of an account. */
export const NO_AUCTION: Auction = {
  phase: AuctionPhase.None,
  clock: 0n,
  lastTick: 0n,
  reserved: 0n,
  lastFee: 0n,
  feeDue: false,
  exhausted: false,
};

/** What an auction needs of an account: margins, and settlement units of one token unit. */
export interface AuctionTerms extends Pick<Margins, "maintenance" | "mtm" | "liabilities" | "unsettledLoss"> {
  readonly unit: bigint;
}

/** What a bid would be now. Margins WAD in settlement units, cash in settlement token units. */
export interface AuctionStatus {
  readonly phase: AuctionPhase;
  readonly clock: bigint;
  readonly lastTick: bigint;
  readonly reserved: bigint;
  readonly maintenance: bigint;
  readonly mtm: bigint;
  readonly bufferMargin: bigint;
  readonly discountFactor: bigint;
  readonly maxFraction: bigint;
  /** Token units for the largest fraction; negative: paid to the bidder. */
  readonly priceOfMax: bigint;
  readonly liquidatable: boolean;
}

/** What a tick counts at most unless prices were continuous, seconds. */
export const MAX_UNPROVEN_TICK = 60n;
/** What any tick counts at most, seconds. */
export const MAX_TICK = 900n;
/** At most one starter's fee per account in this time; seconds. */
export const FEE_PERIOD = 3_600n;
const MAX_CLOCK = (1n << 32n) - 1n;

/** Refused by the engine's errors. */
export const auctionTerms = (market: Market, account: Account): AuctionTerms => ({
  ...weigh(market, account, LIQUIDATION),
  unit: 10n ** BigInt(18 - market.table.settlementDecimals),
});

/** An auction that begins at the market's time. */
export const freshAuction = (mtm: bigint, time: bigint, lastFee: bigint): Auction => ({
  ...NO_AUCTION,
  phase: mtm > 0n ? AuctionPhase.Solvent : AuctionPhase.Insolvent,
  lastTick: time,
  lastFee,
});

/**
 * The auction's clock and phase at the market's time. `continuous`: what `pricesContinuousSince(lastTick)` answers; it is asked only
 * when more than a minute has gone, and decides whether more than a minute counts.
 */
export const advanced = (market: Market, auction: Auction, terms: AuctionTerms, continuous: boolean): Auction => {
  const { fast, slow, buffer } = market.auction;
  const gone = market.time - auction.lastTick;
  const elapsed = gone <= MAX_UNPROVEN_TICK ? gone : continuous ? min(gone, MAX_TICK) : MAX_UNPROVEN_TICK;
  const clock = min(auction.clock + elapsed, MAX_CLOCK);
  const ticked: Auction = { ...auction, lastTick: market.time, clock };
  const restarted = { ...ticked, clock: 0n, reserved: 0n };
  if (auction.phase === AuctionPhase.Solvent) {
    const exhausted = clock >= fast + slow;
    if (terms.mtm <= 0n || exhausted) {
      return { ...restarted, phase: AuctionPhase.Insolvent, exhausted: exhausted && terms.mtm > 0n };
    }
    return terms.mtm <= auction.reserved * terms.unit ? restarted : ticked;
  }
  const recovered = !auction.exhausted && isRecovered(terms.maintenance, terms.mtm, buffer);
  return recovered ? { ...restarted, phase: AuctionPhase.Solvent } : ticked;
};

/** The discount factor now and the largest fraction. Only for `maintenance` < 0. */
export const bidTerms = (
  { auction: p }: Market,
  auction: Auction,
  terms: AuctionTerms,
): { readonly discountFactor: bigint; readonly maxFraction: bigint } => {
  if (auction.phase !== AuctionPhase.Solvent) return { discountFactor: 0n, maxFraction: WAD };
  const d = discountFactorUp(auction.clock, p);
  const reserved = auction.reserved * terms.unit;
  const bufferMargin = bufferMarginDown(terms.maintenance, terms.mtm, p.buffer);
  // Dust by what the bidder would pay for, so that the owner never loses more than the discount on dust by it.
  const maxFraction =
    terms.mtm - reserved <= p.dustThreshold
      ? WAD
      : maxFractionUp(bufferMargin, terms.mtm, reserved, auction.feeDue ? netOfFeeDown(d, p.feePart) : d);
  return { discountFactor: d, maxFraction };
};

/** Price of a fraction, token units; negative: the bidder is paid. */
export const priceOfFraction = (market: Market, fraction: bigint, auction: Auction, terms: AuctionTerms): bigint => {
  if (auction.phase === AuctionPhase.Solvent) {
    const d = discountFactorUp(auction.clock, market.auction);
    return divUp(priceUp(fraction, terms.mtm - auction.reserved * terms.unit, d), terms.unit);
  }
  const { maintenance, mtm, unit } = terms;
  return -(insolventPaymentDown(fraction, maintenance, mtm, auction.clock, market.auction) / unit);
};

/** Whether the auction contract knows the account's auction. */
export const isKnown = ({ flags }: Pick<Account, "flags">, auction: Auction): boolean =>
  flags.inAuction && auction.phase !== AuctionPhase.None;

/**
 * `LiquidationAuction.status`: without an auction, as one that starts now; a healthy account in an auction that nobody has ended has
 * its phase and no price. `auction` is what is stored of the account. Refused by the engine's errors.
 */
export const auctionStatus = (
  market: Market,
  account: Account,
  auction: Auction = NO_AUCTION,
  continuous = true,
): AuctionStatus => {
  const terms = auctionTerms(market, account);
  const { maintenance, mtm } = terms;
  const unhealthy = maintenance < 0n;
  let now = NO_AUCTION;
  let lastTick = 0n;
  if (isKnown(account, auction)) {
    lastTick = auction.lastTick;
    now = unhealthy ? advanced(market, auction, terms, continuous) : auction;
  } else if (unhealthy) {
    now = freshAuction(mtm, market.time, 0n);
  }
  const bid = unhealthy ? bidTerms(market, now, terms) : { discountFactor: 0n, maxFraction: 0n };
  return {
    phase: now.phase,
    clock: now.clock,
    lastTick,
    reserved: now.reserved,
    maintenance,
    mtm,
    bufferMargin: bufferMarginDown(maintenance, mtm, market.auction.buffer),
    ...bid,
    priceOfMax: unhealthy ? priceOfFraction(market, bid.maxFraction, now, terms) : 0n,
    liquidatable: unhealthy,
  };
};

/** What the safe does for a bid: `ILiquidationAuction.Quote`. Cash in settlement token units. */
export interface BidQuote {
  /** WAD, of everything but `reserved`. */
  readonly fraction: bigint;
  /** > 0: the bidder pays it to the account; < 0: he is paid that much, from insurance first. */
  readonly price: bigint;
  readonly fee: bigint;
  readonly feeTo: string | undefined;
  readonly reserved: bigint;
  readonly liabilities: bigint;
  readonly unsettledLoss: bigint;
  /** Whether the auction goes on after this bid. */
  readonly running: boolean;
  /** The auction as it is stored then. */
  readonly auction: Auction;
}

const MAX_RESERVED = (1n << 96n) - 1n;

/**
 * What a bid for `fraction` (all bits set: the largest) would take and cost. Refused as `ZeroFraction`, `AccountHealthy`,
 * `StartedInThisTransaction` (an insolvent account that is not in a known auction yet), `FractionOverMax`.
 */
export const quoteBid = (
  market: Market,
  account: Account,
  fraction: bigint,
  stored: Auction = NO_AUCTION,
  continuous = true,
): BidQuote => {
  if (fraction === 0n) throw new Refused("ZeroFraction");
  const terms = auctionTerms(market, account);
  if (terms.maintenance >= 0n) throw new Refused("AccountHealthy", account.id, terms.maintenance);
  const known = isKnown(account, stored);
  const auction = known
    ? advanced(market, stored, terms, continuous)
    : freshAuction(terms.mtm, market.time, account.flags.inAuction ? stored.lastFee : 0n);
  if (auction.phase !== AuctionPhase.Solvent && !known) throw new Refused("StartedInThisTransaction", account.id);
  const { maxFraction } = bidTerms(market, auction, terms);
  const taken = fraction === MAX_UINT256 ? maxFraction : fraction;
  if (taken > maxFraction) throw new Refused("FractionOverMax", taken, maxFraction);

  const price = priceOfFraction(market, taken, auction, terms);
  const feePaid = price > 0n && auction.feeDue;
  const fee = feePaid ? (price * market.auction.feePart) / BPS : 0n;
  const paid = max(price, 0n) - fee;
  const left = maintenanceAfterDown(terms.maintenance, auction.reserved * terms.unit, taken, paid * terms.unit);
  const running = taken !== WAD && left < 0n;
  const { feeTo, ...rest } = auction;
  const lastFee = feePaid ? market.time : known ? auction.lastFee : stored.lastFee;
  const after: Auction = running
    ? {
        ...rest,
        ...(feeTo !== undefined && !feePaid && { feeTo }),
        lastFee,
        feeDue: auction.feeDue && !feePaid,
        reserved: min(auction.reserved + paid, MAX_RESERVED),
      }
    : { ...NO_AUCTION, lastFee };
  return {
    fraction: taken,
    price,
    fee,
    feeTo: feePaid ? feeTo : undefined,
    reserved: auction.reserved,
    liabilities: divUp(terms.liabilities, terms.unit),
    unsettledLoss: divUp(terms.unsettledLoss, terms.unit),
    running,
    auction: after,
  };
};

/** What `start` does: the auction, and whether its starter is owed a fee. Refused as `AccountHealthy`, `AuctionRunning`. */
export const startAuction = (
  market: Market,
  account: Account,
  feeTo: string | undefined,
  stored: Auction = NO_AUCTION,
): { readonly account: Account; readonly auction: Auction } => {
  const { maintenance, mtm } = auctionTerms(market, account);
  if (maintenance >= 0n) throw new Refused("AccountHealthy", account.id, maintenance);
  if (isKnown(account, stored)) throw new Refused("AuctionRunning", account.id);
  const feeDue = market.auction.feePart !== 0n && feeTo !== undefined && market.time >= stored.lastFee + FEE_PERIOD;
  return {
    account: { ...account, flags: { ...account.flags, inAuction: true } },
    auction: { ...freshAuction(mtm, market.time, stored.lastFee), ...(feeDue && { feeDue, feeTo }) },
  };
};

/** What `poke` does: the auction with its clock at the market's time. Refused as `NoAuction`, `AccountHealthy`. */
export const pokeAuction = (market: Market, account: Account, stored: Auction, continuous = true): Auction => {
  if (!account.flags.inAuction) throw new Refused("NoAuction", account.id);
  const terms = auctionTerms(market, account);
  if (terms.maintenance >= 0n) throw new Refused("AccountHealthy", account.id, terms.maintenance);
  // One that began under another contract begins anew.
  if (stored.phase === AuctionPhase.None) return freshAuction(terms.mtm, market.time, stored.lastFee);
  return advanced(market, stored, terms, continuous);
};

/** What `end` does. Refused as `NoAuction`, `AuctionRunning`. */
export const endAuction = (
  market: Market,
  account: Account,
  stored: Auction = NO_AUCTION,
): { readonly account: Account; readonly auction: Auction } => {
  if (!account.flags.inAuction) throw new Refused("NoAuction", account.id);
  const owes = hasLedger(account) || account.entries.some(({ shares }) => shares < 0n);
  if (owes && auctionTerms(market, account).maintenance < 0n) throw new Refused("AuctionRunning", account.id);
  return {
    account: { ...account, flags: { ...account.flags, inAuction: false } },
    auction: { ...NO_AUCTION, lastFee: stored.lastFee },
  };
};
