// What goes wrong in a run, and when: everything from the worst moment on, each for its own time.
import type { FaultOptions } from "./options.ts";

export type FaultName = "gas price" | "oracle" | "pools" | "keepers" | "rpc";

export interface Fault {
  readonly name: FaultName;
  readonly what: string;
  /** Unix seconds. */
  readonly from: number;
  readonly to: number;
}

const SPIKE_S = 2 * 3_600;
const SHALLOW_S = 6 * 3_600;

const minutes = (seconds: number): string => (seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`);

/** `worst`: the time at which the largest move begins. */
export function faultsOf(options: FaultOptions, worst: number): Fault[] {
  const { gasPriceSpike, oracleDelay, keeperOutage, rpcOutage, poolDepth } = options;
  const fault = (name: FaultName, what: string, seconds: number): Fault[] =>
    seconds > 0 ? [{ name, what, from: worst, to: worst + seconds }] : [];
  return [
    ...fault("gas price", `base fee × ${gasPriceSpike}`, gasPriceSpike > 1 ? SPIKE_S : 0),
    ...fault("oracle", `feeds silent for ${minutes(oracleDelay)}`, oracleDelay),
    ...fault("pools", `${Math.round(poolDepth * 100)} % of the pools' depth`, poolDepth < 1 ? SHALLOW_S : 0),
    ...fault("keepers", `keepers killed for ${minutes(keeperOutage)}`, keeperOutage),
    ...fault("rpc", `keepers cut off for ${minutes(rpcOutage)}`, rpcOutage),
  ];
}

/** All times at which something begins or ends. */
export const edgesOf = (faults: readonly Fault[]): number[] => faults.flatMap(({ from, to }) => [from, to]);

export const isOn = (faults: readonly Fault[], name: FaultName, time: number): boolean =>
  faults.some((fault) => fault.name === name && time >= fault.from && time < fault.to);

/** Faults that begin, and such that end, between two moments; the later one included. */
export function changesBetween(
  faults: readonly Fault[],
  after: number,
  until: number,
): { readonly begun: readonly Fault[]; readonly ended: readonly Fault[] } {
  const isWithin = (time: number): boolean => time > after && time <= until;
  return { begun: faults.filter(({ from }) => isWithin(from)), ended: faults.filter(({ to }) => isWithin(to)) };
}
