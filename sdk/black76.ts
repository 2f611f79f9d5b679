// Black-76 in floating point, for quotes and calibration. Margins use the contracts' own arithmetic, never this.

const SQRT_2PI = Math.sqrt(2 * Math.PI);
/** Beyond it exp(-x²/2) is 0 in a double. */
const FAR = 37;
/** From here on a continued fraction is more precise than the rational approximation. */
const TAIL = 7.07106781186547;

/** Density of the standard normal distribution. */
export const normalDensity = (x: number): number => Math.exp((-x * x) / 2) / SQRT_2PI;

/** N(x) to about 1e-15: rational approximation of J. F. Hart (Computer Approximations, 1968, no. 5666) and a tail fraction. */
export const normalCdf = (x: number): number => {
  const z = Math.abs(x);
  if (z > FAR) return x > 0 ? 1 : 0;
  const e = Math.exp((-z * z) / 2);
  let tail: number;
  if (z < TAIL) {
    let p = 3.52624965998911e-2 * z + 0.700383064443688;
    p = p * z + 6.37396220353165;
    p = p * z + 33.912866078383;
    p = p * z + 112.079291497871;
    p = p * z + 221.213596169931;
    p = p * z + 220.206867912376;
    let q = 8.83883476483184e-2 * z + 1.75566716318264;
    q = q * z + 16.064177579207;
    q = q * z + 86.7807322029461;
    q = q * z + 296.564248779674;
    q = q * z + 637.333633378831;
    q = q * z + 793.826512519948;
    q = q * z + 440.413735824752;
    tail = (e * p) / q;
  } else {
    let f = z + 0.65;
    for (const step of [4, 3, 2, 1]) f = z + step / f;
    tail = e / (f * SQRT_2PI);
  }
  return x > 0 ? 1 - tail : tail;
};

/** What an option's price depends on, in doubles. */
export interface Black76Input {
  /** Forward of the expiry. */
  readonly forward: number;
  readonly strike: number;
  /** Years. */
  readonly time: number;
  /** Per √year. */
  readonly volatility: number;
  readonly isCall: boolean;
  /** exp(−r·T); default 1. */
  readonly discount?: number;
}

/** Discounted value. At σ√T = 0 the discounted intrinsic value. */
export const black76Price = (input: Black76Input): number => {
  const { forward, strike, time, volatility, isCall, discount = 1 } = input;
  const v = volatility * Math.sqrt(Math.max(time, 0));
  if (!(v > 0) || strike <= 0 || forward <= 0) {
    return discount * Math.max(isCall ? forward - strike : strike - forward, 0);
  }
  const d1 = Math.log(forward / strike) / v + v / 2;
  const d2 = d1 - v;
  return isCall
    ? discount * (forward * normalCdf(d1) - strike * normalCdf(d2))
    : discount * (strike * normalCdf(-d2) - forward * normalCdf(-d1));
};

/** Sensitivities of one option, in doubles. */
export interface Greeks {
  readonly price: number;
  /** Per unit of the forward. */
  readonly delta: number;
  readonly gamma: number;
  /** Per 1.00 of volatility (100 vol points). */
  readonly vega: number;
  /** Per year of passing time, forward and volatility unchanged. */
  readonly theta: number;
  /** Per 1.00 of rate, forward unchanged: −T·price. */
  readonly rho: number;
}

/** Greeks of {@link black76Price}. */
export const black76Greeks = (input: Black76Input): Greeks => {
  const { forward, strike, time, volatility, isCall, discount = 1 } = input;
  const price = black76Price(input);
  const t = Math.max(time, 0);
  const root = Math.sqrt(t);
  const v = volatility * root;
  if (!(v > 0) || strike <= 0 || forward <= 0) {
    const inMoney = isCall ? forward > strike : forward < strike;
    return {
      price,
      delta: inMoney ? (isCall ? discount : -discount) : 0,
      gamma: 0,
      vega: 0,
      theta: 0,
      rho: -t * price,
    };
  }
  const d1 = Math.log(forward / strike) / v + v / 2;
  const density = normalDensity(d1);
  const rate = -Math.log(discount) / t;
  return {
    price,
    delta: discount * (isCall ? normalCdf(d1) : normalCdf(d1) - 1),
    gamma: (discount * density) / (forward * v),
    vega: discount * forward * density * root,
    theta: rate * price - (discount * forward * density * volatility) / (2 * root),
    rho: -t * price,
  };
};

const MAX_STEPS = 100;
const TOLERANCE = 1e-13;

/**
 * The volatility at which the option is worth `price`; undefined outside the no-arbitrage bounds. Newton from the inflection
 * point, where it cannot overshoot, with bisection behind it.
 */
export const impliedVolatility = (price: number, input: Omit<Black76Input, "volatility">): number | undefined => {
  const { forward, strike, time, isCall, discount = 1 } = input;
  if (!(time > 0) || forward <= 0 || strike <= 0) return undefined;
  // The out-of-the-money side carries the information: what is in the money is mostly intrinsic value.
  const intrinsic = Math.max(isCall ? forward - strike : strike - forward, 0);
  const target = price / discount - intrinsic;
  const outIsCall = strike >= forward;
  const most = outIsCall ? forward : strike;
  if (!(target > 0) || target >= most) return undefined;
  const out = { forward, strike, time, isCall: outIsCall };

  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  let sigma =
    Math.sqrt((2 * Math.abs(Math.log(forward / strike))) / time) ||
    Math.sqrt((2 * Math.PI) / time) * (target / forward);
  for (let i = 0; i < MAX_STEPS; i += 1) {
    const { price: value, vega } = black76Greeks({ ...out, volatility: sigma });
    const error = value - target;
    if (Math.abs(error) <= TOLERANCE * target) return sigma;
    if (error > 0) high = sigma;
    else low = sigma;
    const newton = sigma - error / vega;
    const isInside = Number.isFinite(newton) && newton > low && newton < high;
    const next = isInside ? newton : Number.isFinite(high) ? (low + high) / 2 : sigma * 2;
    if (Math.abs(next - sigma) <= TOLERANCE * sigma) return next;
    sigma = next;
  }
  return sigma;
};
