/**
 * ABIs `as const`, for viem, wagmi, abitype or a plain `new Interface(abi)`. In the published package nothing here imports ethers.
 *
 * @module
 */
import {
  ERC1967Proxy__factory,
  GovernorTimelock__factory,
  IAccessManaged__factory,
  IAttestations__factory,
  IChoreRewards__factory,
  ICreditTiers__factory,
  ICircuitBreaker__factory,
  IDeleveraging__factory,
  IDeviationRecord__factory,
  IEngineFactory__factory,
  IERC20Metadata__factory,
  IExchange__factory,
  IInsuranceFund__factory,
  ILedgerLens__factory,
  ILedgerTableFactory__factory,
  ILeverageRouter__factory,
  ILiquidationAuction__factory,
  ILiquidationUnwinder__factory,
  IMakerRewards__factory,
  ILiquidityPool__factory,
  IMarginAccounts__factory,
  IMarginEngine__factory,
  IMarginLens__factory,
  IPoolPricer__factory,
  IPositionsLedger__factory,
  IRateModel__factory,
  IRewards__factory,
  IRiskSteward__factory,
  ISettlementRounds__factory,
  ISizeCheckpoints__factory,
  ISwapAdapter__factory,
  ITableEngine__factory,
  IUnlockCallback__factory,
  IVault__factory,
  IVolatilityObserver__factory,
  PlimsollManager__factory,
} from "./contracts.ts";

/** Who may call what: OpenZeppelin's AccessManager with roles that must be accepted. */
export const accessManagerAbi = PlimsollManager__factory.abi;
/** The guardian's stops. */
export const circuitBreakerAbi = ICircuitBreaker__factory.abi;
/** Bounded steps of parameters. */
export const riskStewardAbi = IRiskSteward__factory.abi;
/** The proxies of ledger and exchange: `Upgraded`. */
export const erc1967ProxyAbi = ERC1967Proxy__factory.abi;
/** The governor's timelock. */
export const governorTimelockAbi = GovernorTimelock__factory.abi;
/** What asks the AccessManager: `AuthorityUpdated`. */
export const accessManagedAbi = IAccessManaged__factory.abi;
/** Attested premiums, forwards and surfaces. */
export const attestationsAbi = IAttestations__factory.abi;
/** Who bears what nobody could pay, in which order. */
export const deleveragingAbi = IDeleveraging__factory.abi;
/** Since when an asset's sources have disagreed. */
export const deviationRecordAbi = IDeviationRecord__factory.abi;
/** Who turns a risk table into an engine. */
export const engineFactoryAbi = IEngineFactory__factory.abi;
/** Any listed token. */
export const erc20MetadataAbi = IERC20Metadata__factory.abi;
/** Signed orders become positions. */
export const exchangeAbi = IExchange__factory.abi;
/** The fund behind insolvent auctions. */
export const insuranceFundAbi = IInsuranceFund__factory.abi;
/** Positions, greeks and margin components of one account. */
export const ledgerLensAbi = ILedgerLens__factory.abi;
/** Who writes the parameters of perps and options. */
export const ledgerTableFactoryAbi = ILedgerTableFactory__factory.abi;
/** Open, change and close leverage in one transaction. */
export const leverageRouterAbi = ILeverageRouter__factory.abi;
/** Auctions of accounts below maintenance. */
export const liquidationAuctionAbi = ILiquidationAuction__factory.abi;
/** Liquidation without capital. */
export const liquidationUnwinderAbi = ILiquidationUnwinder__factory.abi;
/** The passive maker of perps and options, and its share. */
export const liquidityPoolAbi = ILiquidityPool__factory.abi;
/** The safe: every door, view, event and error of it. */
export const marginAccountsAbi = IMarginAccounts__factory.abi;
/** The scale. */
export const marginEngineAbi = IMarginEngine__factory.abi;
/** Reads for wallets and keepers. */
export const marginLensAbi = IMarginLens__factory.abi;
/** What the liquidity pool asks and bids. */
export const poolPricerAbi = IPoolPricer__factory.abi;
/** The ledger of perps and options. */
export const positionsLedgerAbi = IPositionsLedger__factory.abi;
/** A pool's rate model. */
export const rateModelAbi = IRateModel__factory.abi;
/** Settlement averages. */
export const settlementRoundsAbi = ISettlementRounds__factory.abi;
/** Slow totals for maintenance haircuts. */
export const sizeCheckpointsAbi = ISizeCheckpoints__factory.abi;
/** Swaps inside a batch. */
export const swapAdapterAbi = ISwapAdapter__factory.abi;
/** An engine made from a risk table. */
export const tableEngineAbi = ITableEngine__factory.abi;
/** What a contract implements to be called back in a session. */
export const unlockCallbackAbi = IUnlockCallback__factory.abi;
/** ERC-4626 share of a pool. */
export const vaultAbi = IVault__factory.abi;
/** Realised volatility. */
export const volatilityObserverAbi = IVolatilityObserver__factory.abi;
/** Streams of tokens to those who lend, borrow or stake. */
export const rewardsAbi = IRewards__factory.abi;
/** Rebates of makers' fees. */
export const makerRewardsAbi = IMakerRewards__factory.abi;
/** Chores paid by gas. */
export const choreRewardsAbi = IChoreRewards__factory.abi;
/** Attested credit. */
export const creditTiersAbi = ICreditTiers__factory.abi;
