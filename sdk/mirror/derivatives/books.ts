// What an account holds of an underlying as the scenarios take it: contracts/risk/ScenarioBooks.sol and OptionLegs.sol.
import { abs, min, mulDivFloor, WAD } from "../fixed.ts";
import { forwardOf, markOf, priceOf, type LiveExpiry, type LiveUnderlying } from "./reader.ts";

/** The calls and puts of one expiry and strike. */
export interface OptionLeg {
  /** Settlement units WAD. */
  readonly strike: bigint;
  /** Net, whole underlyings WAD. */
  calls: bigint;
  puts: bigint;
  /** Σ|size|. */
  gross: bigint;
  /** Per √year, WAD. */
  readonly volatility: bigint;
}

/** The account's options of one expiry. */
export interface OptionExpiry {
  /** 0: expired and not settled, options are worth their payoff. */
  readonly secondsLeft: bigint;
  /** Settlement units WAD: the part of the forward that moves with the spot. */
  readonly forwardVar: bigint;
  /** And the part of the settlement average that is fixed already. */
  readonly forwardFix: bigint;
  /** Continuous, per year, WAD. */
  readonly rate: bigint;
  /** WAD; the least of all that its options are valued with. */
  readonly confidence: bigint;
  readonly legs: readonly OptionLeg[];
}

/** What the account holds of one underlying, at one index price. */
export interface UnderlyingBook {
  /** Index, settlement units WAD. */
  readonly spot: bigint;
  readonly perpSize: bigint;
  readonly perpMark: bigint;
  readonly perpConfidence: bigint;
  /** Σ signed balances that move with the spot, settlement units WAD. */
  readonly spotValue: bigint;
  readonly expiries: readonly OptionExpiry[];
}

/** Options of one expiry gathered by strike; the last volatility given for a strike would be the same. */
export const legsOf = (
  options: readonly { readonly strike: bigint; readonly size: bigint; readonly isCall: boolean }[],
  volatility: (strike: bigint) => bigint,
): OptionLeg[] => {
  const legs = new Map<bigint, OptionLeg>();
  for (const { strike, size, isCall } of options) {
    let leg = legs.get(strike);
    if (leg === undefined) {
      leg = { strike, calls: 0n, puts: 0n, gross: 0n, volatility: volatility(strike) };
      legs.set(strike, leg);
    }
    if (isCall) leg.calls += size;
    else leg.puts += size;
    leg.gross += abs(size);
  }
  return [...legs.values()];
};

const expiryOf = (u: LiveUnderlying, e: LiveExpiry, high: boolean): OptionExpiry => {
  const { moving, fixed } = forwardOf(u, e, high);
  const confidence = min(e.feed.forwardConfidence, e.feed.volConfidence);
  return {
    secondsLeft: e.time,
    forwardVar: moving,
    forwardFix: fixed,
    rate: e.feed.rate,
    confidence: u.perpSize !== 0n && u.perp !== undefined ? min(confidence, u.perp.confidence) : confidence,
    legs: legsOf(e.options, e.volatility),
  };
};

/** What one underlying's models are evaluated on. */
export const bookOf = (u: LiveUnderlying, high: boolean): UnderlyingBook => {
  const spot = priceOf(u, high);
  // a frozen market's mark moves no more
  const traded = u.perp !== undefined && u.perpSize !== 0n && u.perp.frozenMark === 0n;
  return {
    spot,
    spotValue: mulDivFloor(u.amount, spot, WAD),
    perpSize: traded ? u.perpSize : 0n,
    perpMark: traded ? markOf(u, high) : 0n,
    perpConfidence: traded ? u.perp.confidence : 0n,
    expiries: u.expiries.map((e) => expiryOf(u, e, high)),
  };
};
