import type { RuleParameters } from "../../deploy/ruleTable.ts";
import * as R from "./exact/real.ts";
import type { Real } from "./exact/real.ts";
import type * as Standard from "./exact/standard.ts";

const bps = (n: number | undefined): Real => R.fromFraction(BigInt(n ?? 0), 10_000n);

/** The packed rules as the exact model takes them. */
export function exactRules(p: RuleParameters): Standard.Rules {
  return {
    perpMaintenance: bps(p.perpMaintenanceBps),
    perpInitialExtra: bps(p.perpInitialExtraBps),
    brackets: (p.brackets ?? []).map((b) => ({ size: R.fromInt(b.size), addOn: bps(b.addOnBps) })),
    kappa: bps(p.kappaBps),
    a: bps(p.aBps),
    b: bps(p.bBps),
    c: bps(p.cBps),
    d: bps(p.dBps),
    e: bps(p.eBps),
    unpairedInitial: bps(p.unpairedInitialBps),
    unpairedMaintenance: bps(p.unpairedMaintenanceBps),
    confidence: { threshold: bps(p.confidenceThresholdBps), factor: bps(p.confidenceFactorBps) },
    peg: { threshold: bps(p.pegThresholdBps), factor: bps(p.pegFactorBps) },
  };
}
