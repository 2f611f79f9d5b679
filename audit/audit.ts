// The audit from the first request to the verdict.
import type { Deployment } from "../deploy/lib/addresses.ts";
import { type Block, pinBlock, requireSame, verifyDeployment } from "./chain.ts";
import { feeAccountOf } from "./books/ledger.ts";
import type { Finding } from "./findings.ts";
import { Fold } from "./fold.ts";
import { findSources, openingCustody, readHistory } from "./history.ts";
import type { Rpc } from "./rpc.ts";
import {
  assetNames,
  type AssetRow,
  assetRows,
  insuranceBalance,
  marketRows,
  type MarketRow,
  readIndices,
} from "./solvency.ts";
import { compareStorage } from "./storage/compare.ts";
import { judgeSums } from "./sums.ts";

export interface AuditResult {
  readonly network: string;
  readonly chainId: number;
  readonly fromBlock: number;
  readonly block: Block;
  readonly events: number;
  readonly transactions: number;
  readonly accounts: number;
  readonly ledgerAccounts: number;
  /** Views that storage was asked. */
  readonly compared: number;
  readonly assets: readonly AssetRow[];
  readonly markets: readonly MarketRow[];
  /** Of the settlement asset, token units. */
  readonly insurance: bigint;
  /** Of the fee account, settlement units WAD. */
  readonly fees: bigint;
  readonly quotes: bigint;
  /** The first thousand. */
  readonly findings: readonly Finding[];
  readonly differences: number;
}

export interface AuditOptions {
  readonly block?: number;
  /** Called after each range of blocks. */
  readonly onProgress?: (to: number, events: number) => void;
}

/** Symbols by underlying, as the deployment's file names them. */
export const symbolsOf = ({ underlyings }: Deployment): Record<number, string> =>
  Object.fromEntries(Object.entries(underlyings).map(([name, { number }]) => [number, name]));

export interface Rebuilt {
  readonly fold: Fold;
  readonly block: Block;
}

/** The fold of all events up to the block (the head, without one). */
export const rebuild = async (rpc: Rpc, deployment: Deployment, options: AuditOptions = {}): Promise<Rebuilt> => {
  const block = await pinBlock(rpc, options.block);
  await verifyDeployment(rpc, deployment, block);
  const sources = await findSources(rpc, deployment, block);
  const opening = await openingCustody(rpc, sources, deployment.fromBlock);
  const { safe, ledger } = sources;
  const fold = new Fold({ safe, ledger, symbols: symbolsOf(deployment), opening });
  for await (const { to, events } of readHistory(rpc, deployment, sources, block)) {
    for (const { event, at } of events) fold.apply(event, at);
    options.onProgress?.(to, fold.events);
  }
  fold.finish();
  return { fold, block };
};

/**
 * Rebuilds everything from events, compares it with storage and adds it up.
 * @throws UsageError, ChainError, EndpointError, RpcError, UnreadableLog: then there is no verdict.
 */
export const runAudit = async (rpc: Rpc, deployment: Deployment, options: AuditOptions = {}): Promise<AuditResult> => {
  const { fold, block } = await rebuild(rpc, deployment, options);
  const result = await judge(rpc, deployment, fold, block);
  await requireSame(rpc, block);
  return result;
};

/** The verdict on a history that was read already. */
export const judge = async (rpc: Rpc, deployment: Deployment, fold: Fold, block: Block): Promise<AuditResult> => {
  const { findings, safe, ledger } = fold;
  const name = assetNames(deployment.assets);
  const indices = await readIndices(rpc, fold, block);
  const assets = assetRows(fold, indices, name);
  for (const finding of [...assets.findings, ...judgeSums(fold)]) findings.add(finding);
  const compared = await compareStorage(rpc, fold, name, block, (finding) => findings.add(finding));
  return {
    network: deployment.network,
    chainId: deployment.chainId,
    fromBlock: deployment.fromBlock,
    block,
    events: fold.events,
    transactions: fold.transactions,
    accounts: new Set([...safe.accounts.keys(), ...ledger.accounts.keys()]).size,
    ledgerAccounts: ledger.accounts.size,
    compared,
    assets: assets.rows,
    markets: marketRows(fold),
    insurance: insuranceBalance(fold, indices),
    fees: ledger.accounts.get(feeAccountOf(fold.setting.ledger))?.quote ?? 0n,
    quotes: ledger.quotes,
    findings: findings.kept,
    differences: findings.count,
  };
};
