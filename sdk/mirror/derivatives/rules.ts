// The rules of the standard model for perps and options, rounding for rounding: contracts/risk/StandardRules.sol.
import { Refused } from "../errors.ts";
import { abs, BPS, divUp, max, min, mulDivUp, WAD } from "../fixed.ts";
import type { RuleTerms } from "./terms.ts";

export interface RuleOption {
  /** Settlement units WAD. */
  readonly strike: bigint;
  /** Whole underlyings WAD. */
  readonly size: bigint;
  /** Of the whole leg at mark, rounded down. */
  readonly value: bigint;
  readonly isCall: boolean;
}

export interface RuleExpiry {
  readonly expiry: number;
  /** Settlement units WAD. */
  readonly forward: bigint;
  /** WAD; min of forward's, rate's and volatility's. */
  readonly confidence: bigint;
  readonly options: readonly RuleOption[];
}

export interface RulePerp {
  /** Whole underlyings WAD. */
  readonly size: bigint;
  /** Settlement units WAD. */
  readonly mark: bigint;
  readonly confidence: bigint;
  readonly openInterest: bigint;
  readonly slowOpenInterest: bigint;
}

/** What the account holds of one underlying, at one index price. */
export interface RulePortfolio {
  readonly spot: bigint;
  /** WAD; one by default: the engine's sources say none. */
  readonly spotConfidence?: bigint;
  /** Undefined: none, or its market is frozen. */
  readonly perp: RulePerp | undefined;
  readonly expiries: readonly RuleExpiry[];
}

/** Signed, settlement units WAD, at most 0. */
export interface RuleMargins {
  readonly initial: bigint;
  readonly maintenance: bigint;
}

/** One expiry's way to its margins: the larger of both counts, then `unsure` is taken off `initial`. */
export interface ExpiryMargins extends RuleMargins {
  readonly expiry: number;
  readonly isolated: RuleMargins;
  readonly worst: RuleMargins;
  /** What low confidence takes off `initial`. */
  readonly unsure: bigint;
  /** Σ |size| of short options. */
  readonly shorts: bigint;
}

/** An underlying's margins taken apart. */
export interface RuleBreakdown extends RuleMargins {
  readonly perp: RuleMargins;
  readonly expiries: readonly ExpiryMargins[];
  /** What a depeg of the settlement asset takes off `initial`. */
  readonly peg: bigint;
}

const MAX_PRICE = 1n << 104n;
const BPS_WAD = BPS * WAD;
const BPS_TO_WAD = 10n ** 14n;
const NOTHING: RuleMargins = { initial: 0n, maintenance: 0n };

type Spot = Required<Pick<RulePortfolio, "spot" | "spotConfidence">>;

const requirePrice = (price: bigint): void => {
  if (price >= MAX_PRICE) throw new Refused("PriceTooLarge", price);
};

/** factor·(1 − confidence)·size·S where the confidence is below the threshold, else 0. */
const unsure = (w: RuleTerms, confidence: bigint, size: bigint, spot: bigint): bigint =>
  confidence >= w.confidenceThreshold * BPS_TO_WAD
    ? 0n
    : mulDivUp((WAD - confidence) * w.confidenceFactor * size, spot, BPS_WAD * WAD);

const bracket = (charged: bigint, x: bigint, size: bigint): bigint =>
  x > size && charged !== 0n ? mulDivUp(charged, x - size, x * BPS) : 0n;

/** notional · Σ addOnᵢ · (X − sizeᵢ)⁺ / X with X = max(notional, κ · open interest · mark), rounded up. */
const brackets = (w: RuleTerms, notional: bigint, openInterest: bigint, mark: bigint): bigint => {
  const x = max(notional, mulDivUp(w.kappa * openInterest, mark, BPS_WAD));
  return bracket(notional * w.addOn1, x, w.size1 * WAD) + bracket(notional * w.addOn2, x, w.size2 * WAD);
};

const perpMargins = (p: RulePerp, { spot, spotConfidence }: Spot, w: RuleTerms): RuleMargins => {
  requirePrice(p.mark);
  const size = abs(p.size);
  const notional = divUp(size * p.mark, WAD);
  let initial = divUp(notional * (w.perpMaintenance + w.perpInitialExtra), BPS);
  let maintenance = divUp(notional * w.perpMaintenance, BPS);
  if (w.addOn1 !== 0n || w.addOn2 !== 0n) {
    const slow = brackets(w, notional, p.slowOpenInterest, p.mark);
    maintenance += slow;
    // the larger of both totals, so that `initial` never asks for less
    initial += p.openInterest > p.slowOpenInterest ? brackets(w, notional, p.openInterest, p.mark) : slow;
  }
  initial += unsure(w, min(spotConfidence, p.confidence), size, spot);
  return { initial: -initial, maintenance: -maintenance };
};

/** What one short option needs by itself, its value in it. */
const isolated = (spot: bigint, o: RuleOption, w: RuleTerms): RuleMargins => {
  const size = -o.size;
  const out = max(o.isCall ? o.strike - spot : spot - o.strike, 0n) * BPS;
  const least = w.b * spot;
  const most = w.a * spot;
  const perUnit = most > least + out ? most - out : least;
  const initial = o.value - divUp(perUnit * size, BPS_WAD);
  const charge = divUp(w.c * spot * size, BPS_WAD);
  if (o.isCall) return { initial, maintenance: o.value - charge };
  const maintenance = o.value - (o.value < 0n ? max(charge, divUp(w.d * -o.value, BPS)) : charge);
  if (maintenance >= 0n) return { initial, maintenance };
  return { initial: min(initial, -divUp(-maintenance * w.e, BPS)), maintenance };
};

/** min over prices {0, every strike} of Σ payoff, and 0, in units of 1e-36; and Σ size of the calls. */
export const worstPayoff = (options: readonly RuleOption[]): { readonly worst: bigint; readonly netCalls: bigint } => {
  let [payoff, slope, netCalls] = [0n, 0n, 0n];
  for (const { strike, size, isCall } of options) {
    requirePrice(strike);
    if (isCall) {
      netCalls += size;
    } else {
      payoff += size * strike;
      slope -= size;
    }
  }
  const kinks = [...options].sort((a, b) => (a.strike < b.strike ? -1 : a.strike > b.strike ? 1 : 0));
  let worst = min(payoff, 0n);
  let price = 0n;
  for (const { strike, size } of kinks) {
    payoff += slope * (strike - price);
    price = strike;
    slope += size;
    if (payoff < worst) worst = payoff;
  }
  return { worst, netCalls };
};

/** The worst payoff, less the charge on net short calls. */
const worstMargins = (e: RuleExpiry, w: RuleTerms): RuleMargins => {
  requirePrice(e.forward);
  const { worst, netCalls } = worstPayoff(e.options);
  const payoff = -divUp(-worst, WAD);
  if (netCalls >= 0n) return { initial: payoff, maintenance: payoff };
  const unpaired = -netCalls * e.forward;
  return {
    initial: payoff - divUp(unpaired * w.unpairedInitial, BPS_WAD),
    maintenance: payoff - divUp(unpaired * w.unpairedMaintenance, BPS_WAD),
  };
};

/** max(isolated, worst) of one expiry; `initial` less a part of Σ|short|·S where a feed is unsure. */
const expiryMargins = ({ spot, spotConfidence }: Spot, e: RuleExpiry, w: RuleTerms): ExpiryMargins => {
  let [initial, maintenance, shorts] = [0n, 0n, 0n];
  for (const o of e.options) {
    if (o.size >= 0n) continue;
    shorts -= o.size;
    const m = isolated(spot, o, w);
    initial += m.initial;
    maintenance += m.maintenance;
  }
  const { expiry } = e;
  // Without shorts isolated is 0, and worst at most 0.
  if (shorts === 0n) return { expiry, ...NOTHING, isolated: NOTHING, worst: NOTHING, unsure: 0n, shorts };
  const worst = worstMargins(e, w);
  const doubt = unsure(w, min(spotConfidence, e.confidence), shorts, spot);
  return {
    expiry,
    initial: max(initial, worst.initial) - doubt,
    maintenance: max(maintenance, worst.maintenance),
    isolated: { initial, maintenance },
    worst,
    unsure: doubt,
    shorts,
  };
};

/**
 * What everything held of one underlying adds to both margins, and how. `settlementPrice`: USD WAD. Reverts `PriceTooLarge` from 2^104 on.
 */
export const ruleMargins = (p: RulePortfolio, w: RuleTerms, settlementPrice: bigint): RuleBreakdown => {
  requirePrice(p.spot);
  const spot: Spot = { spot: p.spot, spotConfidence: p.spotConfidence ?? WAD };
  const perp = p.perp === undefined ? NOTHING : perpMargins(p.perp, spot, w);
  let { initial, maintenance } = perp;
  let exposed = p.perp === undefined ? 0n : abs(p.perp.size);
  const expiries = p.expiries.map((e) => expiryMargins(spot, e, w));
  for (const e of expiries) {
    initial += e.initial;
    maintenance += e.maintenance;
    exposed += e.shorts;
  }
  const threshold = w.pegThreshold * BPS_TO_WAD;
  const peg =
    settlementPrice < threshold
      ? mulDivUp((threshold - settlementPrice) * w.pegFactor * exposed, p.spot, BPS_WAD * WAD)
      : 0n;
  return { initial: initial - peg, maintenance, perp, expiries, peg };
};
