// Smiles and forwards of one coin at one moment: what attesters post, and what the maker reckons with.
import { attestationsOf } from "../../attestor/attestations.ts";
import { modelSlice, type VolModel } from "../../attestor/model.ts";
import type { View } from "../../attestor/sources.ts";
import type { Attestation } from "../../sdk/attestations.ts";
import { black76Greeks, type Greeks } from "../../sdk/black76.ts";
import type { Option } from "../../sdk/instruments.ts";
import { sviVolatility, YEAR_SECONDS } from "../../sdk/svi.ts";
import type { CoinMarket } from "./market.ts";

const STRIKE_ONE = 1e8;
/** To which volatility returns (per √year), per year how fast, and the smile's tilt and steepness. */
const TERM = { longRun: 0.75, reversion: 12 } as const;
const SMILE = { rho: -0.25, eta: 0.9 } as const;
const LEAST_VOLATILITY = 0.2;
const MONTH = 30 / 365;
const FUNDINGS_A_YEAR = 3 * 365;
/** Forwards carry what perps charge, within reason. */
const MOST_CARRY = 0.3;

/** From a double, exact to nine decimals. */
export const toWad = (value: number): bigint => BigInt(Math.round(value * 1e9)) * 10n ** 9n;
export const fromWad = (value: bigint): number => Number(value) / 1e18;

/** The volatility now that makes a month's what the market says. */
function modelOf(monthly: number): VolModel {
  const { longRun, reversion } = TERM;
  const weight = (1 - Math.exp(-reversion * MONTH)) / (reversion * MONTH);
  const variance = longRun ** 2 + (monthly ** 2 - longRun ** 2) / weight;
  return { ...TERM, ...SMILE, now: Math.sqrt(Math.max(LEAST_VOLATILITY ** 2, variance)) };
}

/** All expiries of one coin as they are attested at `time`. */
export class Surface {
  private readonly view: View;

  constructor(
    readonly underlying: number,
    readonly time: number,
    private readonly index: number,
    market: CoinMarket,
    expiries: readonly number[],
  ) {
    const carry = Math.max(-MOST_CARRY, Math.min(MOST_CARRY, market.premium * FUNDINGS_A_YEAR));
    const model = modelOf(market.volatility);
    this.view = {
      premium: market.premium,
      confidence: 1,
      expiries: expiries
        .filter((expiry) => expiry > time)
        .map((expiry) => {
          const years = (expiry - time) / YEAR_SECONDS;
          return { expiry, ratio: Math.exp(carry * years), rate: 0, svi: modelSlice(model, years) };
        }),
    };
  }

  /** Premium, forwards and smiles. */
  attestations(): Attestation[] {
    const { underlying, time, index, view } = this;
    return attestationsOf({ underlying, timestamp: time, index: toWad(index), view });
  }

  /** Value and greeks of an option now, as the contracts will mark it; delta is per unit of the index. */
  greeks({ expiry, strike, isCall }: Option, index: number, now: number): Greeks {
    const slice = this.view.expiries.find((each) => each.expiry === expiry);
    if (slice === undefined) throw new RangeError(`no smile of ${expiry}`);
    const at = Number(strike) / STRIKE_ONE;
    const k = Math.log(at / (this.index * slice.ratio));
    const volatility = sviVolatility(slice.svi, k, (expiry - this.time) / YEAR_SECONDS);
    const time = Math.max(0, expiry - now) / YEAR_SECONDS;
    const greeks = black76Greeks({ forward: index * slice.ratio, strike: at, time, volatility, isCall });
    return { ...greeks, delta: greeks.delta * slice.ratio };
  }
}
