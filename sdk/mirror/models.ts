// The margin models of perps and options, by the signatures that weigh.ts calls them with.
import type { Account } from "./account.ts";
import type { LedgerMarket } from "./derivatives/market.ts";
import type { LedgerAccount } from "./input.ts";
import type { Margins, ModelInput } from "./model.ts";

const pending = (what: string): never => {
  throw new Error(`${what} is not mirrored yet`);
};

export const ledgerOf = (_ledger: LedgerMarket, _account: Account, _time: bigint): LedgerAccount => pending("ledgerOf");
export const evaluateStandard = (_input: ModelInput, _ledger: LedgerMarket, _time: bigint): Margins =>
  pending("the standard model of derivatives");
export const evaluatePortfolio = (_input: ModelInput, _ledger: LedgerMarket, _time: bigint): Margins =>
  pending("the portfolio model");
