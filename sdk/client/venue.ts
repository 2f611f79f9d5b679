/** One deployment as the client's parts use it: names of assets, addresses, contracts. */
import type { ContractRunner, Provider } from "ethers";

import { type Address, type Deployment, derivativeContracts } from "../addresses.ts";
import {
  type IAttestations,
  IAttestations__factory,
  type IDeviationRecord,
  IDeviationRecord__factory,
  type IExchange,
  IExchange__factory,
  type IInsuranceFund,
  IInsuranceFund__factory,
  type ILedgerLens,
  ILedgerLens__factory,
  type ILeverageRouter,
  ILeverageRouter__factory,
  type ILiquidationAuction,
  ILiquidationAuction__factory,
  type ILiquidationUnwinder,
  ILiquidationUnwinder__factory,
  type IMarginAccounts,
  IMarginAccounts__factory,
  type IMarginLens,
  IMarginLens__factory,
  type IPositionsLedger,
  IPositionsLedger__factory,
  type ISettlementRounds,
  ISettlementRounds__factory,
  type ISizeCheckpoints,
  ISizeCheckpoints__factory,
  type IVolatilityObserver,
  IVolatilityObserver__factory,
} from "../contracts.ts";
import type { AssetName, ErrorContext } from "../errors/format.ts";
import { decodeAsset, IdError } from "../ids.ts";
import type { Symbols } from "../instruments.ts";
import { UnknownNameError } from "./errors.ts";

/** An asset as the client knows it. */
export interface Asset extends AssetName {
  /** AssetId. */
  readonly id: number;
  readonly token: Address;
  /** Its pool's vault, if it is a pool with one. */
  readonly vault?: Address;
}

/** A symbol of the deployment ("WETH", or "WETH share" for its vault's share) or an AssetId. */
export type AssetRef = string | number;

/** Every asset that can be in an account. */
export class Assets {
  readonly #byId = new Map<number, Asset>();
  readonly #bySymbol = new Map<string, Asset>();

  constructor(deployment: Deployment) {
    for (const [symbol, { id, token, decimals, vault, vaultShareId }] of Object.entries(deployment.assets)) {
      this.#add({ id, symbol, token, decimals, ...(vault !== undefined && { vault }) });
      if (vault !== undefined && vaultShareId !== undefined) {
        this.#add({ id: vaultShareId, symbol: `${symbol} share`, token: vault, decimals });
      }
    }
  }

  #add(asset: Asset): void {
    this.#byId.set(asset.id, asset);
    this.#bySymbol.set(asset.symbol, asset);
  }

  /** By AssetId; for messages. */
  get names(): ReadonlyMap<number, AssetName> {
    return this.#byId;
  }

  /** All of them, in the deployment's order. */
  list(): Asset[] {
    return [...this.#byId.values()];
  }

  /** Throws {@link UnknownNameError} that names those that there are. */
  get(ref: AssetRef): Asset {
    const found = typeof ref === "number" ? this.#byId.get(ref) : this.#bySymbol.get(ref);
    if (found !== undefined) return found;
    throw new UnknownNameError(`the deployment has no asset "${ref}": it has ${[...this.#bySymbol.keys()].join(", ")}`);
  }

  /** Like {@link get}, but an id that was listed after the deployment comes back by its number. */
  name(id: number): string {
    const found = this.#byId.get(id);
    if (found !== undefined) return found.symbol;
    try {
      const { kind, number } = decodeAsset(id);
      return `${kind} ${number}`;
    } catch (error) {
      if (error instanceof IdError) return `asset ${id}`;
      throw error;
    }
  }
}

/** Typed contracts of a deployment over one runner. */
export interface Contracts {
  readonly safe: IMarginAccounts;
  readonly lens: IMarginLens;
  readonly auction: ILiquidationAuction;
  readonly insuranceFund: IInsuranceFund;
  readonly leverageRouter: ILeverageRouter;
  readonly liquidationUnwinder: ILiquidationUnwinder;
  readonly sizeCheckpoints: ISizeCheckpoints;
  readonly deviationRecord: IDeviationRecord;
  /** Perps and options; undefined in a deployment of spot alone. */
  readonly derivatives?: DerivativeDoors;
}

/** What a deployment with perps and options has on top. */
export interface DerivativeDoors {
  readonly positions: IPositionsLedger;
  readonly exchange: IExchange;
  readonly ledgerLens: ILedgerLens;
  readonly attestedFeed: IAttestations;
  readonly realizedVolatility: IVolatilityObserver;
  readonly settlementPrices: ISettlementRounds;
}

const derivativesOf = (deployment: Deployment, runner: ContractRunner): DerivativeDoors | undefined => {
  if (deployment.contracts.positions === undefined) return undefined;
  const at = derivativeContracts(deployment);
  return {
    positions: IPositionsLedger__factory.connect(at.positions, runner),
    exchange: IExchange__factory.connect(at.exchange, runner),
    ledgerLens: ILedgerLens__factory.connect(at.ledgerLens, runner),
    attestedFeed: IAttestations__factory.connect(at.attestedFeed, runner),
    realizedVolatility: IVolatilityObserver__factory.connect(at.realizedVolatility, runner),
    settlementPrices: ISettlementRounds__factory.connect(at.settlementPrices, runner),
  };
};

/** Attaches the contracts of a deployment to a provider or signer. */
export const attachContracts = (deployment: Deployment, runner: ContractRunner): Contracts => {
  const { contracts: at } = deployment;
  const derivatives = derivativesOf(deployment, runner);
  return {
    safe: IMarginAccounts__factory.connect(at.safe, runner),
    lens: IMarginLens__factory.connect(at.lens, runner),
    auction: ILiquidationAuction__factory.connect(at.auction, runner),
    insuranceFund: IInsuranceFund__factory.connect(at.insuranceFund, runner),
    leverageRouter: ILeverageRouter__factory.connect(at.leverageRouter, runner),
    liquidationUnwinder: ILiquidationUnwinder__factory.connect(at.liquidationUnwinder, runner),
    sizeCheckpoints: ISizeCheckpoints__factory.connect(at.sizeCheckpoints, runner),
    deviationRecord: IDeviationRecord__factory.connect(at.deviationRecord, runner),
    ...(derivatives !== undefined && { derivatives }),
  };
};

/** A deployment over a connection. */
export interface Venue {
  readonly deployment: Deployment;
  readonly assets: Assets;
  /** Names of underlyings by number, for instruments. */
  readonly underlyings: Symbols;
  readonly contracts: Contracts;
}

/** Puts a deployment together with a connection. */
export const venueOf = (deployment: Deployment, provider: Provider): Venue => ({
  deployment,
  assets: new Assets(deployment),
  underlyings: Object.fromEntries(Object.entries(deployment.underlyings).map(([name, { number }]) => [number, name])),
  contracts: attachContracts(deployment, provider),
});

/** What makes messages about this deployment readable. */
export const errorContext = ({ assets, underlyings }: Venue): ErrorContext => ({ assets: assets.names, underlyings });

/** Perps and options of a venue; throws {@link UnknownNameError} where there are none. */
export const derivativesAt = ({ contracts, deployment }: Venue): DerivativeDoors => {
  if (contracts.derivatives !== undefined) return contracts.derivatives;
  throw new UnknownNameError(`the deployment "${deployment.network}" has no perps and options`);
};
