// Everything that margins depend on besides the account, at one block. Plain data; nothing here asks a chain.
import type { RiskTable } from "../tables/riskTable.ts";
import type { Account } from "./account.ts";
import type { LedgerMarket } from "./derivatives/market.ts";

/** Why a price cannot be used (contracts/interfaces/IMarginEngine.sol). */
export const PriceFault = {
  None: 0,
  Stale: 1,
  NotPositive: 2,
  Clamped: 3,
  RoundIncomplete: 4,
  SequencerDown: 5,
  SequencerGrace: 6,
  SourceReverted: 7,
  Deviating: 8,
} as const;
/** One of {@link PriceFault}. */
export type PriceFault = (typeof PriceFault)[keyof typeof PriceFault];

/** What the sources of one asset say. Prices: USD per whole token, WAD. */
export interface SourcePrice {
  /** 0 with a fault. */
  readonly primary: bigint;
  /** Of the primary's round; 0: unreadable. */
  readonly updatedAt: bigint;
  /** Of the primary alone: never one of the sequencer, never `Deviating`. */
  readonly fault: PriceFault;
  /** Only of assets with a second source in the table. */
  readonly second?: {
    /** 0: it cannot be used. */
    readonly price: bigint;
    /** The disagreement has been on record for T_dev: liquidation uses the primary alone. Counts only while they deviate. */
    readonly primaryOnly: boolean;
  };
}

/** All prices; see prices.ts for how they come from readings of the sources or from `priceState`. */
export interface PriceBook {
  /** `None`, `SequencerDown` or `SequencerGrace`. */
  readonly sequencer: PriceFault;
  /** By asset id: pools and idle assets. Vault shares have their pool's price. */
  readonly assets: ReadonlyMap<number, SourcePrice>;
}

/** How a pool's rate comes about when it is not the built-in adaptive curve. Per second, WAD. */
export type RateModel =
  | {
      readonly kind: "kinked";
      readonly base: bigint;
      readonly slope1: bigint;
      readonly slope2: bigint;
      /** Utilisation, WAD. */
      readonly kink: bigint;
    }
  /** A model whose formula is not known here, as it answered at the market's block: exact at that block alone. */
  | { readonly kind: "reading"; readonly rate: bigint; readonly rateAtTarget: bigint };

/** The two words that a pool changes by, as stored: no interest since `lastAccrual` in them. */
export interface PoolWords {
  readonly lenderShares: bigint;
  readonly accountShares: bigint;
  /** Assets per supply share; 1e15 is one. */
  readonly supplyIndex: bigint;
  readonly debtShares: bigint;
  /** Assets per debt share; 1e15 is one. */
  readonly debtIndex: bigint;
  readonly lastAccrual: bigint;
  /** Per second, WAD; 0: never set. */
  readonly rateAtTarget: bigint;
  readonly reserveFactorBps: bigint;
  /** Token units; undefined: none. */
  readonly supplyCap: bigint | undefined;
  readonly depositsClosed: boolean;
  readonly externalModel: boolean;
}

/** A pool: words, limits, rate model, and the tokens behind it. */
export interface Pool extends PoolWords {
  readonly number: number;
  readonly token: string;
  readonly decimals: number;
  /** Token units; undefined: none. */
  readonly borrowCap: bigint | undefined;
  readonly maxUtilisationBps: bigint;
  readonly reservedPartBps: bigint;
  readonly settlementPartBps: bigint;
  readonly borrowsClosed: boolean;
  /** Only with `externalModel`; left out, such a pool charges nothing, as one whose model always reverts. */
  readonly rateModel?: RateModel;
  /** The safe's balance of the token. Only write-offs ask for it. */
  readonly tokens: bigint;
  /** What may still leave, net, in the limit's window; undefined: no limit. */
  readonly outflowLeft: bigint | undefined;
}

/** An idle asset, or a pool's vault share as collateral. */
export interface Idle {
  readonly asset: number;
  readonly token: string;
  readonly decimals: number;
  /** What accounts hold of it: token units, shares of a vault. */
  readonly held: bigint;
  /** Until its cap. */
  readonly room: bigint;
  /** Of a vault share: most of the pool's supply shares that accounts may hold, basis points. */
  readonly maxPartBps: bigint;
  readonly outflowLeft: bigint | undefined;
}

/** What the safe itself says: its guardian's stops, and who pays for insolvent accounts. */
export interface SafeState {
  /** Bits: 1 borrow, 2 withdraw, 4 transfer, 8 trade. */
  readonly pausedActions: number;
  /** Last second of the stops. */
  readonly pausedUntil: bigint;
  /** The insurance fund's account; undefined: there is none. */
  readonly insurance?: Account;
}

/** `LiquidationAuction.Parameters`. Shares are WAD, times seconds. */
export interface AuctionParameters {
  readonly start: bigint;
  readonly cut: bigint;
  readonly fast: bigint;
  readonly slow: bigint;
  readonly buffer: bigint;
  /** Settlement units, WAD. */
  readonly dustThreshold: bigint;
  readonly insuranceTime: bigint;
  readonly q: bigint;
  /** Basis points. */
  readonly feePart: bigint;
}

/** Everything that margins depend on besides the account, at one block. */
export interface Market {
  /** The block's time, to which interest, ramps and ages are reckoned. */
  readonly time: bigint;
  /** The table of the engine in force. */
  readonly table: RiskTable;
  readonly prices: PriceBook;
  /** By asset: the slow totals that maintenance haircuts reckon with (`checkpointOf`). Assets left out have 0. */
  readonly checkpoints: ReadonlyMap<number, bigint>;
  /** By pool number. */
  readonly pools: ReadonlyMap<number, Pool>;
  /** By asset id: idle assets and vault shares. */
  readonly idles: ReadonlyMap<number, Idle>;
  readonly safe: SafeState;
  readonly auction: AuctionParameters;
  /** Perps, options and the models' parameters; left out: the table names no ledger table. */
  readonly ledger?: LedgerMarket;
}
