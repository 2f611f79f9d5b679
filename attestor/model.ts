// A surface of few parameters that cannot have arbitrage, for local networks and replays: SSVI with the power law of J. Gatheral
// and A. Jacquier (2014, section 4), and a variance that goes from its level now to its long-run level.
import type { Svi } from "../sdk/svi.ts";

export interface VolModel {
  /** Per √year. */
  readonly now: number;
  readonly longRun: number;
  /** Per year: how fast the one becomes the other. */
  readonly reversion: number;
  readonly rho: number;
  /** Steepness; η·(1 + |ρ|) ≤ 2 keeps butterflies out, a variance that only grows keeps calendars out. */
  readonly eta: number;
}

export const USUAL_MODEL: VolModel = { now: 0.6, longRun: 0.6, reversion: 3, rho: -0.15, eta: 1 };

/** Total variance at the money. */
export const atTheMoney = ({ now, longRun, reversion }: VolModel, time: number): number => {
  const decay = reversion * time;
  const weight = decay < 1e-9 ? 1 : -Math.expm1(-decay) / decay;
  return (longRun * longRun + (now * now - longRun * longRun) * weight) * time;
};

export const modelSlice = (model: VolModel, time: number): Svi => {
  const { rho, eta } = model;
  if (!(eta > 0) || eta * (1 + Math.abs(rho)) > 2)
    throw new RangeError("eta is too steep: the surface would have butterflies");
  const theta = atTheMoney(model, time);
  const phi = eta / Math.sqrt(theta * (1 + theta));
  const root = Math.sqrt(1 - rho * rho);
  return { a: (theta / 2) * (1 - rho * rho), b: (theta * phi) / 2, rho, m: -rho / phi, sigma: root / phi };
};
