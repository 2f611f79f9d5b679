// The rules of the standard model for one underlying's derivatives (contracts/risk/RuleWords.sol): typed configuration to bytes
// and back. Pure.

/** The part of an account's notional above `size` whole settlement units needs `addOnBps` more. */
export interface NotionalBracket {
  readonly size: bigint;
  readonly addOnBps: number;
}

/** All in basis points. */
export interface RuleParameters {
  readonly perpMaintenanceBps: number;
  readonly perpInitialExtraBps: number;
  /** At most two, by rising size. */
  readonly brackets?: readonly NotionalBracket[];
  /** The brackets' input is at least this part of the market's open interest. */
  readonly kappaBps?: number;
  /** Part of the spot that a short option at the money needs in `initial`, and the least of it far out of the money. */
  readonly aBps: number;
  readonly bBps: number;
  /** Part of the spot that a short option needs in `maintenance`; part of its value that a short put needs at least. */
  readonly cBps: number;
  readonly dBps: number;
  /** `initial` of a short put is at least this multiple of its `maintenance`. */
  readonly eBps: number;
  /** Part of the forward per net short call, beyond the worst payoff. */
  readonly unpairedInitialBps: number;
  readonly unpairedMaintenanceBps: number;
  /** Confidences below the threshold lower `initial` by factor · (1 − confidence) · size · spot. */
  readonly confidenceThresholdBps: number;
  readonly confidenceFactorBps: number;
  /** A settlement asset below the threshold (USD) lowers it by factor · (threshold − price) · size · spot. */
  readonly pegThresholdBps: number;
  readonly pegFactorBps: number;
}

/** Bytes of one underlying's rules. */
export const RULE_BYTES = 64;

function word(fields: readonly (readonly [name: string, value: bigint | number, bits: number])[]): string {
  let packed = 0n;
  let free = 256n;
  for (const [name, value, bits] of fields) {
    const v = BigInt(value);
    if (v < 0n || v >> BigInt(bits) !== 0n) throw new RangeError(`${name} = ${v} does not fit ${bits} bits`);
    free -= BigInt(bits);
    packed |= v << free;
  }
  return packed.toString(16).padStart(64, "0");
}

/** Two words as 0x-hex. Throws `RangeError` for what does not fit. */
export function packRuleParameters(p: RuleParameters): string {
  const [first, second, ...more] = p.brackets ?? [];
  if (more.length !== 0) throw new RangeError("the rules have at most two brackets");
  if (first && second && first.size > second.size) throw new RangeError("brackets must rise in size");
  return (
    "0x" +
    word([
      ["perpMaintenanceBps", p.perpMaintenanceBps, 16],
      ["perpInitialExtraBps", p.perpInitialExtraBps, 16],
      ["bracket size", first?.size ?? 0n, 64],
      ["addOnBps", first?.addOnBps ?? 0, 16],
      ["bracket size", second?.size ?? 0n, 64],
      ["addOnBps", second?.addOnBps ?? 0, 16],
      ["kappaBps", p.kappaBps ?? 0, 16],
    ]) +
    word([
      ["aBps", p.aBps, 16],
      ["bBps", p.bBps, 16],
      ["cBps", p.cBps, 16],
      ["dBps", p.dBps, 16],
      ["eBps", p.eBps, 16],
      ["unpairedInitialBps", p.unpairedInitialBps, 16],
      ["unpairedMaintenanceBps", p.unpairedMaintenanceBps, 16],
      ["confidenceThresholdBps", p.confidenceThresholdBps, 16],
      ["confidenceFactorBps", p.confidenceFactorBps, 16],
      ["pegThresholdBps", p.pegThresholdBps, 16],
      ["pegFactorBps", p.pegFactorBps, 16],
    ])
  );
}

/** The reverse of {@link packRuleParameters}; brackets that charge nothing are left out. */
export function unpackRuleParameters(data: string): RuleParameters {
  const bits = BigInt(data);
  if (!/^0x[0-9a-f]{128}$/i.test(data)) throw new RangeError(`rules are ${RULE_BYTES} bytes`);
  let left = 512n;
  const take = (n: number): bigint => {
    left -= BigInt(n);
    return (bits >> left) & ((1n << BigInt(n)) - 1n);
  };
  const bps = (): number => Number(take(16));
  const [perpMaintenanceBps, perpInitialExtraBps] = [bps(), bps()];
  const brackets = [0, 1].map(() => ({ size: take(64), addOnBps: bps() })).filter((b) => b.addOnBps !== 0);
  const kappaBps = bps();
  left = 256n;
  return {
    perpMaintenanceBps,
    perpInitialExtraBps,
    brackets,
    kappaBps,
    aBps: bps(),
    bBps: bps(),
    cBps: bps(),
    dBps: bps(),
    eBps: bps(),
    unpairedInitialBps: bps(),
    unpairedMaintenanceBps: bps(),
    confidenceThresholdBps: bps(),
    confidenceFactorBps: bps(),
    pegThresholdBps: bps(),
    pegFactorBps: bps(),
  };
}

/** DESIGN 6.2's values; perps 5 % maintenance and 6.5 % initial, thresholds of the reference cases. */
export const REFERENCE_RULES: RuleParameters = {
  perpMaintenanceBps: 500,
  perpInitialExtraBps: 150,
  aBps: 1_500,
  bBps: 1_000,
  cBps: 750,
  dBps: 750,
  eBps: 10_500,
  unpairedInitialBps: 12_000,
  unpairedMaintenanceBps: 11_000,
  confidenceThresholdBps: 4_000,
  confidenceFactorBps: 4_000,
  pegThresholdBps: 9_800,
  pegFactorBps: 12_000,
};
