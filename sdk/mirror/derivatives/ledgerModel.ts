// What both margin models share: every block (an underlying with its spot, or a product group) whole at the low prices and whole at
// the high ones. contracts/risk/LedgerModel.sol.
import { INITIAL, type Margins, type ModelInput, type Purpose, type SpotSide } from "../model.ts";
import type { LedgerReadings } from "./feeds.ts";
import { BPS, mulDivFloor, mulDivUp, WAD } from "../fixed.ts";
import { markOf, readLedger, type LiveUnderlying } from "./reader.ts";

/** What derivatives add to a block at one side, settlement units WAD. */
export interface Derivatives {
  readonly initial: bigint;
  readonly maintenance: bigint;
  /** Of the options, at mark. */
  readonly value: bigint;
}

/** What perps and options of a block add beyond spot, U and haircuts, all at one side. */
export type BlockModel = (members: readonly LiveUnderlying[], high: boolean) => Derivatives;

/** A block at one side. */
export interface BlockSide {
  /** The underlyings in it; none: spot that belongs to no underlying. */
  readonly members: readonly LiveUnderlying[];
  readonly high: boolean;
  readonly spot: bigint;
  readonly chargeInitial: bigint;
  readonly chargeMaintenance: bigint;
  readonly debts: bigint;
  /** Σ size·mark. */
  readonly unsettled: bigint;
  readonly derivatives: Derivatives;
}

const NONE: Derivatives = { initial: 0n, maintenance: 0n, value: 0n };

export const initialOf = (s: BlockSide): bigint => s.spot - s.chargeInitial + s.unsettled + s.derivatives.initial;
export const maintenanceOf = (s: BlockSide): bigint =>
  s.spot - s.chargeMaintenance + s.unsettled + s.derivatives.maintenance;

const sum = (sides: readonly SpotSide[], of: keyof SpotSide): bigint => sides.reduce((total, s) => total + s[of], 0n);

const sideOf = (input: ModelInput, members: readonly LiveUnderlying[], high: boolean, model: BlockModel): BlockSide => {
  const numbers = members.map((u) => u.number);
  const sides = input.clusters.filter((c) => numbers.includes(c.underlying)).map((c) => (high ? c.high : c.low));
  let unsettled = 0n;
  for (const u of members) if (u.perpSize !== 0n) unsettled += mulDivFloor(u.perpSize, markOf(u, high), WAD);
  return {
    members,
    high,
    spot: sum(sides, "value"),
    chargeInitial: sum(sides, "chargeInitial"),
    chargeMaintenance: sum(sides, "chargeMaintenance"),
    debts: sum(sides, "debts"),
    unsettled,
    derivatives: model(members, high),
  };
};

const spotSide = (s: SpotSide, high: boolean): BlockSide => ({
  members: [],
  high,
  spot: s.value,
  chargeInitial: s.chargeInitial,
  chargeMaintenance: s.chargeMaintenance,
  debts: s.debts,
  unsettled: 0n,
  derivatives: NONE,
});

const chosen = (purpose: Purpose, a: BlockSide, b: BlockSide): BlockSide => {
  const other = purpose === INITIAL ? initialOf(b) < initialOf(a) : maintenanceOf(b) > maintenanceOf(a);
  return other ? b : a;
};

const isSpread = (input: ModelInput, members: readonly LiveUnderlying[]): boolean =>
  members.some(
    (u) =>
      u.low !== u.high ||
      // another member of its haircut group may have two prices
      input.clusters.some((c) => c.underlying === u.number && c.low.value !== c.high.value),
  );

/** The blocks in the order of `live`: a product group whole, where its first member stands. */
const blocksOf = (live: readonly LiveUnderlying[]): LiveUnderlying[][] => {
  const blocks: LiveUnderlying[][] = [];
  const groups = new Map<number, LiveUnderlying[]>();
  for (const u of live) {
    const group = u.terms?.group ?? 0;
    const known = group === 0 ? undefined : groups.get(group);
    if (known !== undefined) {
      known.push(u);
      continue;
    }
    const block = [u];
    blocks.push(block);
    if (group !== 0) groups.set(group, block);
  }
  return blocks;
};

/** An account weighed, with the side of every block that counts. */
export interface Weighed {
  readonly margins: Margins;
  readonly blocks: readonly BlockSide[];
  /** U, all sides as chosen. */
  readonly unsettled: bigint;
  /** (1 − w⁺)·max(U, 0), taken off `initial`. */
  readonly profitCharge: bigint;
}

/** Evaluates an account under a model. Errors as {@link readLedger} and the model have them. */
export const weighBlocks = (input: ModelInput, readings: LedgerReadings, model: BlockModel): Weighed => {
  const live = readLedger(input, readings);
  const blocks: BlockSide[] = blocksOf(live).map((members) => {
    const low = sideOf(input, members, false, model);
    return isSpread(input, members) ? chosen(input.purpose, low, sideOf(input, members, true, model)) : low;
  });
  for (const { underlying, low, high } of input.clusters) {
    if (underlying === 0) blocks.push(chosen(input.purpose, spotSide(low, false), spotSide(high, true)));
  }
  let [initial, maintenance, mtm, unsettled, liabilities] = [input.quote, input.quote, input.quote, input.quote, 0n];
  for (const block of blocks) {
    initial += initialOf(block);
    maintenance += maintenanceOf(block);
    mtm += block.spot + block.unsettled + block.derivatives.value;
    unsettled += block.unsettled;
    liabilities += block.debts;
  }
  const profitCharge = unsettled > 0n ? mulDivUp(unsettled, BPS - readings.table.profitWeightBps, BPS) : 0n;
  initial -= profitCharge;
  const unsettledLoss = unsettled < 0n ? -unsettled : 0n;
  return {
    margins: { initial, maintenance, mtm, liabilities, unsettledLoss },
    blocks,
    unsettled,
    profitCharge,
  };
};
