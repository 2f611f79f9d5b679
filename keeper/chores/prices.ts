// Upkeep that anybody may do and that liquidation relies on: the record of disagreeing sources, and the slow totals.
import { type RiskTable, unpackRiskTable } from "../../sdk/tables/riskTable.ts";
import type { IDeviationRecord, ISizeCheckpoints, ITableEngine } from "../../types/ethers-contracts/index.js";
import type { ChoreName } from "../config.ts";
import { attempt, type Chore } from "./chore.ts";

const IDLE_KIND = 0x400;
const VAULT_SHARE_KIND = 0x800;
const DEVIATING = 8n; // PriceFault
const NO_FAULT = 0n;
const CHECKPOINT_INTERVAL = 3_600;
// Interest alone moves totals all the time; a percent moves no haircut worth the gas.
const TOLERANCE_PERCENT = 1n;

/** What of a table needs somebody to come by. */
export interface Upkeep {
  /** Assets with a second source. */
  readonly twoSources: readonly number[];
  /** Assets whose haircut depends on how much of them everybody holds. */
  readonly sized: readonly number[];
  readonly deviationDelay: number;
  /** Primary price feeds by asset. */
  readonly feeds: ReadonlyMap<number, string>;
}

export const upkeepOf = (table: RiskTable): Upkeep => {
  const assets = [
    ...table.pools.map((asset, i) => ({ id: i + 1, asset })),
    ...table.idles.map((asset, i) => ({ id: IDLE_KIND | (i + 1), asset })),
  ];
  const shares = table.vaultShares.map((asset, i) => ({ id: VAULT_SHARE_KIND | (i + 1), asset }));
  return {
    twoSources: assets.filter(({ asset }) => asset?.twap !== undefined).map(({ id }) => id),
    sized: [...assets, ...shares].filter(({ asset }) => (asset?.haircut.kappaBps ?? 0) > 0).map(({ id }) => id),
    deviationDelay: table.deviationDelay,
    feeds: new Map(assets.flatMap(({ id, asset }) => (asset == null ? [] : [[id, asset.feed] as const]))),
  };
};

export const readUpkeep = async (engine: ITableEngine): Promise<Upkeep> =>
  upkeepOf(unpackRiskTable(await engine.table()));

/** A run of disagreement must be seen again within T_dev, and its end be noted. */
export const isDeviationDue = (
  fault: bigint,
  run: { since: bigint; lastSeen: bigint },
  now: number,
  deviationDelay: number,
): boolean => {
  if (fault === NO_FAULT) return run.since !== 0n;
  return fault === DEVIATING && (run.since === 0n || BigInt(now) - run.lastSeen >= BigInt(deviationDelay) / 2n);
};

export const isCheckpointDue = (total: bigint, checkpoint: bigint, updatedAt: bigint, now: number): boolean => {
  const apart = total > checkpoint ? total - checkpoint : checkpoint - total;
  return apart * 100n > total * TOLERANCE_PERCENT && BigInt(now) >= updatedAt + BigInt(CHECKPOINT_INTERVAL);
};

export interface ChoreContracts {
  readonly engine: ITableEngine;
  readonly deviationRecord: IDeviationRecord;
  readonly sizeCheckpoints: ISizeCheckpoints;
}

/** What is due at `now`. An asset that cannot be read is left for the next time. */
export const dueChores = async (
  contracts: ChoreContracts,
  upkeep: Upkeep,
  names: ReadonlySet<ChoreName>,
  now: number,
): Promise<Chore[]> => {
  const { engine, deviationRecord, sizeCheckpoints } = contracts;
  const deviations = (names.has("deviation") ? upkeep.twoSources : []).map((asset) =>
    attempt(async (): Promise<Chore | undefined> => {
      const [{ fault }, run] = await Promise.all([engine.priceState(asset), deviationRecord.disagreement(asset)]);
      if (!isDeviationDue(fault, run, now, upkeep.deviationDelay)) return undefined;
      const { to, data } = await deviationRecord.poke.populateTransaction(asset);
      return { name: "deviation", subject: String(asset), to, data };
    }),
  );
  const checkpoints = (names.has("checkpoint") ? upkeep.sized : []).map((asset) =>
    attempt(async (): Promise<Chore | undefined> => {
      const [{ total, checkpoint }, { updatedAt }] = await Promise.all([
        sizeCheckpoints.sizesOf(asset),
        sizeCheckpoints.stateOf(asset),
      ]);
      if (!isCheckpointDue(total, checkpoint, updatedAt, now)) return undefined;
      const { to, data } = await sizeCheckpoints.update.populateTransaction(asset);
      return { name: "checkpoint", subject: String(asset), to, data };
    }),
  );
  return (await Promise.all([...deviations, ...checkpoints])).filter((chore) => chore !== undefined);
};
