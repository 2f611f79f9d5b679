// What to do about one account, and what it may cost. Pure: everything it needs is handed in.

export const WAD = 10n ** 18n;
const MAX_UINT256 = (1n << 256n) - 1n;
const MAX_INT256 = (1n << 255n) - 1n;

export const PHASE = { none: 0, solvent: 1, insolvent: 2 } as const;

/** `type(uint256).max`: as much as the auction allows at the moment of the bid. */
export const AS_MUCH_AS_ALLOWED = MAX_UINT256;
/** No limit on the price: the least profit bounds what a bid can cost, whatever the price. */
export const ANY_PRICE = MAX_INT256;

// The auction counts at most this much of the time between two ticks, unless the price rounds prove no gap.
const UNPROVEN_TICK_SECONDS = 60;
// Proof looks back over a bounded number of rounds, so it cannot wait for ever either.
const LONGEST_TICK_SECONDS = 900;

// EIP-7825 caps a transaction at 2^24.
const MAX_GAS = 16_777_216n;
const GAS_MARGIN_PERCENT = 120n;

/** `ILiquidationAuction.Status`, as far as it decides. */
export interface AuctionStatus {
  readonly phase: bigint;
  readonly lastTick: bigint;
  readonly reserved: bigint;
  readonly maintenance: bigint;
  readonly mtm: bigint;
  readonly discountFactor: bigint;
  readonly maxFraction: bigint;
  readonly liquidatable: boolean;
}

/** How money is counted in this round. */
export interface Economics {
  /** Settlement units (WAD) for one whole native token. */
  readonly nativePrice: bigint;
  readonly settlementDecimals: bigint;
  /** Wei for a unit of gas that a transaction mined now would pay. */
  readonly gasPrice: bigint;
  /** Settlement token units. */
  readonly minProfit: bigint;
}

/** Settlement token units, rounded up. */
export const gasCost = (
  gas: bigint,
  gasPrice: bigint,
  e: Pick<Economics, "nativePrice" | "settlementDecimals">,
): bigint => divUp(gas * gasPrice * e.nativePrice * 10n ** e.settlementDecimals, WAD * WAD);

/** The most that may be paid for a unit of gas so that `minProfit` is left of `profit`; 0: not worth any. */
export const feeCeiling = (profit: bigint, gas: bigint, e: Economics): bigint => {
  const spare = profit - e.minProfit;
  const unit = gas * e.nativePrice * 10n ** e.settlementDecimals;
  return spare <= 0n || unit === 0n ? 0n : (spare * WAD * WAD) / unit;
};

export const gasLimit = (estimate: bigint): bigint => {
  const limit = (estimate * GAS_MARGIN_PERCENT) / 100n;
  return limit < MAX_GAS ? limit : MAX_GAS;
};

/** What to try, largest first: all of the allowed, a half, a quarter, a tenth. */
export const fractionsToTry = (maxFraction: bigint): bigint[] =>
  maxFraction === 0n
    ? []
    : [AS_MUCH_AS_ALLOWED, maxFraction / 2n, maxFraction / 4n, maxFraction / 10n].filter((each) => each > 0n);

/** A bid as the chain would execute it now. */
export interface Simulation {
  readonly fraction: bigint;
  readonly taken: bigint;
  readonly price: bigint;
  /** Before gas, settlement token units. */
  readonly profit: bigint;
}

export interface Offer extends Simulation {
  readonly gas: bigint;
}

/** The bid to send: the largest part that pays, since it leaves the least to do. */
export const isProfitable = (offer: Offer, e: Economics): boolean =>
  offer.profit - gasCost(offer.gas, e.gasPrice, e) >= e.minProfit;

/** The profit to insist on in the transaction itself: if less is left when it is mined, it reverts. */
export const leastProfit = (offer: Offer, e: Economics): bigint => gasCost(offer.gas, e.gasPrice, e) + e.minProfit;

/**
 * The most that anybody can earn on the account if he waits long enough: the discount can take all equity, then the insurance
 * fund adds `q` of the requirement. Settlement token units.
 */
export const potentialGain = (status: AuctionStatus, q: bigint, e: Pick<Economics, "settlementDecimals">): bigint => {
  const unit = 10n ** (18n - e.settlementDecimals);
  const equity = status.mtm > 0n ? status.mtm / unit - status.reserved : 0n;
  const loss = status.mtm < 0n ? status.mtm : 0n;
  const reward = loss > status.maintenance ? ((loss - status.maintenance) * q) / WAD / unit : 0n;
  return (equity > 0n ? equity : 0n) + reward;
};

export type Step = "start" | "poke" | "wait" | "ignore";

/** An insolvent account is sold only after a start in an earlier transaction. */
export const mustStartFirst = (status: AuctionStatus): boolean =>
  status.lastTick === 0n && Number(status.phase) === PHASE.insolvent;

/** What to do when no bid pays yet. `isContinuous`: the rounds prove that all time since the last tick counts. */
export const stepWithoutBid = (
  status: AuctionStatus,
  isContinuous: boolean,
  now: number,
  q: bigint,
  upkeepGas: bigint,
  e: Economics,
): Step => {
  // Nobody would get back what starting and keeping the clock costs; below the dust threshold somebody with cheaper gas may.
  if (potentialGain(status, q, e) < gasCost(upkeepGas, e.gasPrice, e) + e.minProfit) return "ignore";
  if (status.lastTick === 0n) return "start";
  return isPokeDue(Number(status.lastTick), isContinuous, now) ? "poke" : "wait";
};

/** Whether the rounds have to be asked: below a minute all time counts anyway. */
export const isProofNeeded = (lastTick: number, now: number): boolean =>
  lastTick !== 0 && now - lastTick >= UNPROVEN_TICK_SECONDS;

export const isPokeDue = (lastTick: number, isContinuous: boolean, now: number): boolean => {
  const elapsed = now - lastTick;
  return elapsed >= LONGEST_TICK_SECONDS || (elapsed >= UNPROVEN_TICK_SECONDS && !isContinuous);
};

const divUp = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;
