// How far a risk steward may move the parameters of a configuration, and how fast: the bounds that a deployment starts with.
// The governor may set others. Tightening is faster than loosening; what is not named here the steward may not move.
import { parseUnits } from "ethers";

import type { AssetConfig, Cap, HaircutConfig, NetworkConfig, RiskConfig } from "../config/types.ts";
import { days, minutes, percent } from "../config/types.ts";
import { STEWARD_PARAMETERS, type StewardParameter } from "../../sdk/governance.ts";
import { assetIds } from "./assetIds.ts";
import { underlyingNumber, wholeUnits } from "./derivativeUnits.ts";
import { wad } from "./units.ts";

/** Every subject that has no bound of its own. */
export const ANY = (1n << 256n) - 1n;

// A type, not an interface: Ignition takes arguments of known fields only.
export type BoundEntry = {
  parameter: number;
  subject: bigint;
  bound: { min: bigint; max: bigint; up: bigint; down: bigint; coolDown: number };
};

interface Range {
  min: bigint | number;
  max: bigint | number;
  up: bigint | number;
  down: bigint | number;
  coolDown: number;
}

const entry = (
  name: StewardParameter,
  subject: bigint | number,
  { min, max, up, down, coolDown }: Range,
): BoundEntry => ({
  parameter: STEWARD_PARAMETERS.indexOf(name),
  subject: BigInt(subject),
  bound: { min: BigInt(min), max: BigInt(max), up: BigInt(up), down: BigInt(down), coolDown },
});

const DAY = days(1);
const WEEK = days(7);
const HAIRCUT_REST = days(3);

/** Whatever the asset or market. Basis points, seconds, millionths for fee rates. */
const COMMON: readonly BoundEntry[] = [
  entry("MaxUtilisation", ANY, { min: percent(50), max: percent(98), up: percent(1), down: percent(5), coolDown: DAY }),
  entry("ReservedPart", ANY, { min: 0, max: percent(50), up: percent(5), down: percent(1), coolDown: DAY }),
  entry("SettlementPart", ANY, { min: 0, max: percent(50), up: percent(5), down: percent(5), coolDown: DAY }),
  entry("ReserveFactor", ANY, { min: 0, max: percent(30), up: percent(2.5), down: percent(2.5), coolDown: WEEK }),
  entry("DepositsClosed", ANY, { min: 0, max: 1, up: 1, down: 1, coolDown: DAY }),
  entry("BorrowsClosed", ANY, { min: 0, max: 1, up: 1, down: 1, coolDown: DAY }),
  entry("CollateralPart", ANY, { min: 0, max: percent(60), up: percent(5), down: percent(10), coolDown: DAY }),
  entry("OpenInterestRise", ANY, {
    min: percent(1),
    max: percent(10),
    up: percent(1),
    down: percent(1),
    coolDown: DAY,
  }),
  entry("PremiumAge", ANY, { min: minutes(5), max: minutes(360), up: minutes(15), down: minutes(30), coolDown: DAY }),
  entry("ExpiryReduceOnly", ANY, { min: 0, max: 1, up: 1, down: 1, coolDown: DAY }),
  entry("FeeVolume", ANY, { min: 0, max: 1_000_000_000, up: 1_000_000, down: 1_000_000, coolDown: WEEK }),
  entry("FeeRate", ANY, { min: 0, max: 2_000, up: 100, down: 100, coolDown: WEEK }),
  entry("OptionFeeCap", ANY, { min: 0, max: percent(20), up: percent(2.5), down: percent(2.5), coolDown: WEEK }),
  entry("AddOn", ANY, { min: 0, max: percent(50), up: percent(2.5), down: percent(1), coolDown: HAIRCUT_REST }),
  entry("Kappa", ANY, { min: 0, max: percent(30), up: percent(2.5), down: percent(1), coolDown: HAIRCUT_REST }),
  entry("GroupMaintenance", ANY, {
    min: percent(1),
    max: percent(30),
    up: percent(1),
    down: percent(0.5),
    coolDown: HAIRCUT_REST,
  }),
  entry("GroupInitialExtra", ANY, {
    min: percent(1),
    max: percent(30),
    up: percent(1),
    down: percent(0.5),
    coolDown: HAIRCUT_REST,
  }),
];

/** A cap may grow to three times what the configuration says, a tenth of that at a time, and halve in a day. */
const cap = (name: StewardParameter, subject: number, amount: bigint): BoundEntry =>
  entry(name, subject, { min: 0, max: 3n * amount, up: amount / 10n, down: amount / 2n, coolDown: DAY });

const caps = (name: StewardParameter, subject: number, value: Cap, decimals: number): BoundEntry[] =>
  value === "none" || value === "0" ? [] : [cap(name, subject, parseUnits(value, decimals))];

/** Half of it to 15 % more. */
const haircut = (name: StewardParameter, subject: number, value: number): BoundEntry =>
  entry(name, subject, {
    min: Math.floor(value / 2),
    max: Math.min(percent(100), value + percent(15)),
    up: percent(2.5),
    down: percent(1),
    coolDown: HAIRCUT_REST,
  });

const haircuts = (subject: number, { maintenance, initialExtra }: HaircutConfig): BoundEntry[] => [
  haircut("Maintenance", subject, maintenance),
  haircut("InitialExtra", subject, initialExtra),
];

const brackets = (subject: number, risk: RiskConfig, decimals: number): BoundEntry[] => {
  const sizes = (risk.brackets ?? []).map(({ above }) => parseUnits(above, decimals));
  const [first] = sizes;
  const last = sizes.at(-1);
  if (first === undefined || last === undefined) return [];
  return [
    entry("BracketSize", subject, {
      min: first / 4n,
      max: 3n * last,
      up: first / 10n,
      down: first / 4n,
      coolDown: HAIRCUT_REST,
    }),
  ];
};

const assetBounds = (id: number, shareId: number, asset: AssetConfig): BoundEntry[] => {
  const { decimals, risk, outflow } = asset;
  const own = [...haircuts(id, risk.haircut), ...brackets(id, risk, decimals)];
  if (outflow !== undefined) {
    const capacity = parseUnits(outflow.capacity, decimals);
    own.push(
      entry("OutflowCapacity", id, {
        min: capacity / 4n,
        max: 3n * capacity,
        up: capacity / 5n,
        down: capacity / 4n,
        coolDown: DAY,
      }),
      entry("OutflowWindow", id, {
        min: Math.floor(outflow.window / 2),
        max: 2 * outflow.window,
        up: Math.floor(outflow.window / 4),
        down: Math.floor(outflow.window / 5),
        coolDown: DAY,
      }),
    );
  }
  if (asset.kind === "idle") return [...own, ...caps("CollateralCap", id, asset.cap, decimals)];
  const { supplyCap, borrowCap, vault } = asset.pool;
  return [
    ...own,
    ...caps("SupplyCap", id, supplyCap, decimals),
    ...caps("BorrowCap", id, borrowCap, decimals),
    ...haircuts(shareId, vault.collateral.risk.haircut),
    ...brackets(shareId, vault.collateral.risk, decimals),
    ...caps("CollateralCap", shareId, vault.collateral.cap, decimals),
  ];
};

const marketBounds = (config: NetworkConfig): BoundEntry[] =>
  (config.derivatives?.underlyings ?? []).flatMap(({ asset, perp, options }) => {
    const number = underlyingNumber(config, asset);
    const bounds: BoundEntry[] = [];
    if (perp !== undefined) {
      const clamp = wad(perp.clamp);
      const unit = 10n ** 6n;
      const step = (clamp / 10n / unit) * unit;
      bounds.push(
        cap("PerpOpenInterest", number, wholeUnits(perp.openInterestCap)),
        // never wider than the configuration's: it has to stay under half of the maintenance ratio
        entry("PerpClamp", number, { min: clamp / 2n, max: clamp, up: step, down: step, coolDown: DAY }),
      );
    }
    if (options !== undefined) bounds.push(cap("ExpiryOpenInterest", number, wholeUnits(options.openInterestCap)));
    return bounds;
  });

/** The argument of `RiskSteward.setBounds`. */
export const stewardBounds = (config: NetworkConfig): BoundEntry[] => [
  ...COMMON,
  ...[...assetIds(config.assets).values()].flatMap(({ id, vaultShareId, config: asset }) =>
    assetBounds(id, vaultShareId, asset),
  ),
  ...marketBounds(config),
];
