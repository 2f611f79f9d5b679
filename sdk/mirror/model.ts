// What a margin model is handed and what it returns (contracts/interfaces/IMarginModel.sol), as plain data.
import type { Position } from "../instruments.ts";

/** 0: new risk, at both sides of the prices; 1: liquidation; 2: at mid prices, for the reduce-only rule. */
export type Purpose = 0 | 1 | 2;
/** New risk: the smaller result of both sides of the prices. */
export const INITIAL = 0;
/** Liquidation: the larger one. */
export const LIQUIDATION = 1;
/** At mid prices. */
export const MID = 2;

/** Holdings valued together, settlement units WAD, at one side of the prices. Rounded against the account. */
export interface SpotSide {
  /** Collateral less debts. */
  readonly value: bigint;
  readonly chargeInitial: bigint;
  readonly chargeMaintenance: bigint;
  readonly debts: bigint;
}

/** A haircut group, or a pool and its vault share. */
export interface SpotCluster {
  /** A member's pool number, one with positions if there is any; 0: no pool in it. */
  readonly underlying: number;
  readonly low: SpotSide;
  readonly high: SpotSide;
}

/** An underlying that the account has spot or positions of. */
export interface UnderlyingPrice {
  /** Of its pool. */
  readonly number: number;
  /** Settlement units WAD per whole token. */
  readonly low: bigint;
  readonly high: bigint;
  /** Own signed spot, vault shares included: whole tokens WAD. */
  readonly amount: bigint;
}

/** A perp's market as `IPositions.ledgerOf` tells it. */
export interface PerpState {
  /** Of the index, WAD: 1 + the clamped premium. */
  readonly markRatio: bigint;
  /** Settlement units WAD; 0: the market is not frozen. */
  readonly frozenMark: bigint;
  /** WAD of whole underlyings. */
  readonly openInterest: bigint;
  /** What maintenance reckons with. */
  readonly slowOpenInterest: bigint;
  /** Of the premium, WAD. */
  readonly confidence: bigint;
  /** The premium is too old for new risk. */
  readonly stale: boolean;
}

/** Everything that an account is, priced. */
export interface ModelInput {
  readonly purpose: Purpose;
  /** USD WAD per settlement token. */
  readonly settlementPrice: bigint;
  readonly clusters: readonly SpotCluster[];
  readonly underlyings: readonly UnderlyingPrice[];
  /** Settlement units WAD; pending funding and settled payoffs included. */
  readonly quote: bigint;
  readonly positions: readonly Position[];
  /** One for each perp among the positions, in their order. */
  readonly perps: readonly PerpState[];
}

/** Settlement units WAD, signed and net, rounded against the account. */
export interface Margins {
  /** Only for purposes 0 and 2. */
  readonly initial: bigint;
  /** Only for purposes 1 and 2. */
  readonly maintenance: bigint;
  readonly mtm: bigint;
  /** Sum of the values of debts. */
  readonly liabilities: bigint;
  /** The unsettled loss, where there is one. */
  readonly unsettledLoss: bigint;
}
