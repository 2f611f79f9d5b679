// The contracts of perps and options with typed handles, and what the demo lists and attests on them.
import { derivativeContracts } from "../../deploy/lib/addresses.ts";
import { hours, minutes, type NetworkConfig } from "../../deploy/config/types.ts";
import { optionWord, perpWord } from "../../sdk/instruments.ts";
import type { ExchangeDomain } from "../../sdk/orders.ts";
import {
  IAttestations__factory,
  IExchange__factory,
  IPositionsLedger__factory,
  ISettlementRounds__factory,
  IVolatilityObserver__factory,
} from "../../types/ethers-contracts/index.js";
import { DemoError } from "../sender.ts";
import { type Coin, COINS, type Stage } from "../stage.ts";
import type { BookPlan, LegPlan } from "./books.ts";
import { type Calendar, strikeAt } from "./calendar.ts";

const STRIKE_ONE = 1e8;

/** Listed for the replay; attestations come with the candles, so they live for more than an hour. */
export const listing =
  ({ near, far, strikes }: Calendar) =>
  (config: NetworkConfig): NetworkConfig => {
    const { derivatives } = config;
    if (derivatives === undefined) return config;
    const underlyings = derivatives.underlyings.map((underlying) => {
      const coin = COINS.find((each) => each === underlying.asset);
      if (coin === undefined || underlying.options === undefined || underlying.perp === undefined) return underlying;
      const listed = strikes[coin].map(String);
      return {
        ...underlying,
        attestations: { ...underlying.attestations, postAge: minutes(5), maxAge: hours(2), deadAge: hours(6) },
        perp: { ...underlying.perp, maxPremiumAge: hours(2) },
        options: { ...underlying.options, expiries: [near, far].map((at) => ({ at, strikes: listed })) },
      };
    });
    return { ...config, derivatives: { ...derivatives, underlyings } };
  };

export type DerivativesStage = ReturnType<typeof attachDerivatives>;

export function attachDerivatives(stage: Stage, calendar: Calendar) {
  const { provider, deployment } = stage;
  const contracts = derivativeContracts(deployment);
  const domain: ExchangeDomain = { chainId: deployment.chainId, exchange: contracts.exchange };
  const underlyingOf = (coin: Coin): number => stage.listed[coin].asset;
  return {
    ...stage,
    calendar,
    domain,
    attestedFeed: contracts.attestedFeed,
    underlyingOf,
    coinOf: (underlying: number): Coin => {
      const coin = COINS.find((each) => underlyingOf(each) === underlying);
      if (coin === undefined) throw new DemoError(`underlying ${underlying} is none of the demo's`);
      return coin;
    },
    /** The instrument of a leg of a plan that opens at `price`. */
    instrumentOf: ({ coin }: Pick<BookPlan, "coin">, leg: LegPlan, price: number): bigint => {
      const underlying = underlyingOf(coin);
      if (leg.what === "perp") return perpWord(underlying);
      const strike = BigInt(Math.round(strikeAt(calendar, coin, price * leg.at) * STRIKE_ONE));
      return optionWord({ underlying, expiry: calendar[leg.expiry], strike, isCall: leg.what === "call" });
    },
    positions: IPositionsLedger__factory.connect(contracts.positions, provider),
    exchange: IExchange__factory.connect(contracts.exchange, provider),
    attestations: IAttestations__factory.connect(contracts.attestedFeed, provider),
    settlementPrices: ISettlementRounds__factory.connect(contracts.settlementPrices, provider),
    volatility: IVolatilityObserver__factory.connect(contracts.realizedVolatility, provider),
  };
}
