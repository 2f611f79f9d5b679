import type { AddressLike, Signer } from "ethers";

import { packRiskTable } from "../../sdk/tables/riskTable.ts";
import type { RiskTable } from "../../sdk/tables/riskTable.ts";
import {
  DeviationRecord__factory,
  EngineFactory__factory,
  LedgerTableFactory__factory,
  SizeCheckpoints__factory,
} from "../../types/ethers-contracts/index.js";

const RISE_PER_HOUR_BPS = 1_000;

/** An engine with this table, from a factory of its own. */
export async function deployEngine(owner: Signer, safe: AddressLike, table: RiskTable): Promise<string> {
  const deviations = await new DeviationRecord__factory(owner).deploy(safe);
  const checkpoints = await new SizeCheckpoints__factory(owner).deploy(safe, RISE_PER_HOUR_BPS);
  const tables = await new LedgerTableFactory__factory(owner).deploy();
  const factory = await new EngineFactory__factory(owner).deploy(safe, deviations, checkpoints, tables);
  const bytes = packRiskTable(table);
  const engine = await factory.create.staticCall(bytes);
  await (await factory.create(bytes)).wait();
  return engine;
}
