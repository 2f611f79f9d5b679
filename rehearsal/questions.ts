// What an upgrade must not change, asked as views whose answers are compared byte by byte: every account's margins, balances, positions and
// auction, the nonces and volumes of orders, every market and pointer. A door that anybody may call is tried too, without being sent.
import type { Interface } from "ethers";

import type { Fold } from "../audit/fold.ts";
import {
  IExchange__factory,
  IMarginLens__factory,
  InsuranceFund__factory,
  IPositionsLedger__factory,
  LiquidationAuction__factory,
} from "../types/ethers-contracts/index.js";
import { type Deployment, derivativeContracts } from "../deploy/lib/addresses.ts";

export interface Question {
  /** Whose: an account, a market, or the contract itself. */
  readonly subject: string;
  readonly view: string;
  readonly to: string;
  readonly data: string;
}

const LEDGER = IPositionsLedger__factory.createInterface();
const EXCHANGE = IExchange__factory.createInterface();
const LENS = IMarginLens__factory.createInterface();
const AUCTION = LiquidationAuction__factory.createInterface();
const FUND = InsuranceFund__factory.createInterface();

/** Nonces of an account are asked for this many words of 256: as many as an order book of years uses. */
const NONCE_WORDS = 4n;

/** All accounts that events tell of, in order. */
export const accountsOf = ({ safe, ledger }: Fold): string[] =>
  [...new Set([...safe.accounts.keys(), ...ledger.accounts.keys()])].map((each) => each.toLowerCase()).sort();

/** Every question about a deployment with this history. */
export const questionsOf = (deployment: Deployment, fold: Fold): Question[] => {
  const { lens, auction, insuranceFund } = deployment.contracts;
  const { positions, exchange } = derivativeContracts(deployment);
  const about = (to: string, abi: Interface, subject: string, view: string, values: readonly unknown[] = []) => ({
    ...{ subject, view, to },
    data: abi.encodeFunctionData(view, values),
  });

  const ofAccount = (account: string): Question[] => {
    const ledger = (view: string) => about(positions, LEDGER, account, view, [account]);
    const nonces = Array.from({ length: Number(NONCE_WORDS) }, (_, word) =>
      about(exchange, EXCHANGE, account, "nonceWord", [account, word]),
    );
    return [
      about(lens, LENS, account, "accountView", [account]),
      about(auction, AUCTION, account, "status", [account]),
      ...["quoteOf", "positionsOf", "ledgerOf", "unsettledOf", "touch"].map(ledger),
      ...nonces,
      about(exchange, EXCHANGE, account, "controlsOf", [account]),
      about(exchange, EXCHANGE, account, "volumeOf", [`0x${account.slice(2, 42)}`]),
    ];
  };

  const perps = [...fold.ledger.perps.keys()].flatMap((underlying) =>
    ["perpMarket", "markPrice", "perpClearing"].map((view) =>
      about(positions, LEDGER, `perp ${underlying}`, view, [underlying]),
    ),
  );
  const expiries = [...fold.ledger.expiries.values()].flatMap(({ underlying, expiry }) =>
    ["expiryMarket", "optionsOf", "expiryClearing"].map((view) =>
      about(positions, LEDGER, `expiry ${expiry} of ${underlying}`, view, [underlying, expiry]),
    ),
  );
  const pointers = [
    ...["feeAccount", "feeReceiver", "safe", "exchange", "feed", "settlementPrices"].map((view) =>
      about(positions, LEDGER, "positions", view),
    ),
    ...["fees", "safe", "positions"].map((view) => about(exchange, EXCHANGE, "exchange", view)),
    about(insuranceFund, FUND, "insurance", "balance"),
  ];
  return [...pointers, ...perps, ...expiries, ...accountsOf(fold).flatMap(ofAccount)];
};
