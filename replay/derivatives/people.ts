// The people of the derivatives' books: wallets, money, accounts.
import { type ContractTransaction, MaxUint256 } from "ethers";

import { accountId } from "../../scripts/lib/ids.ts";
import type { Actor, Intent, Ledger } from "../sender.ts";
import { mint, type Prices, type Symbol, unitsOf } from "../stage.ts";
import { type BookPlan, type Model, MODELS } from "./books.ts";
import type { DerivativesStage } from "./stage.ts";
import type { Party } from "./trading.ts";

/** A book with its wallet and account; the two of a plan share a wallet. */
export interface Book extends Party {
  readonly plan: BookPlan;
  readonly model: Model;
}

/** What the maker and the desk bring, dollars. */
export const CAPITAL = { maker: 1_500_000, desk: 600_000 } as const;
/** Option premiums and settlements are paid in cash: who brings coins brings a little of it too. */
const PETTY_CASH_PART = 0.1;

export async function hire(plans: readonly BookPlan[], ledger: Ledger): Promise<Book[]> {
  const books = await Promise.all(
    plans.map(async (plan) => {
      const actor = await ledger.actor(plan.name);
      return MODELS.map((model, i) => ({ plan, model, actor, account: accountId(actor.address, BigInt(i)) }));
    }),
  );
  return books.flat();
}

const modelNumber = (model: Model): number => MODELS.indexOf(model);

async function deposit(
  stage: DerivativesStage,
  by: Actor,
  account: string,
  symbol: Symbol,
  units: bigint,
): Promise<Intent[]> {
  const { safe, tokens, listed } = stage;
  const approval: ContractTransaction = await tokens[symbol].approve.populateTransaction(safe, MaxUint256);
  return [
    { by, what: `mint ${symbol}`, tx: await mint(stage, symbol, by.address, units) },
    { by, what: `approve ${symbol}`, tx: approval },
    { by, what: `deposit ${symbol}`, tx: await safe.deposit.populateTransaction(account, listed[symbol].asset, units) },
  ];
}

async function chooseModel(stage: DerivativesStage, { actor, account }: Party, model: Model): Promise<Intent> {
  const tx = await stage.safe.setModel.populateTransaction(account, modelNumber(model));
  return { by: actor, what: `choose the ${model} model`, tx };
}

/** Money in, model chosen. */
export async function fund(stage: DerivativesStage, book: Book, prices: Prices): Promise<Intent[]> {
  const { plan, actor, account, model } = book;
  const { coin, collateral, equity } = plan;
  const cash = collateral === "USDC" ? equity : equity * PETTY_CASH_PART;
  const coins = equity - cash;
  return [
    ...(await deposit(stage, actor, account, "USDC", unitsOf("USDC", cash))),
    ...(coins > 0 ? await deposit(stage, actor, account, coin, unitsOf(coin, coins, prices[coin])) : []),
    ...(model === "standard" ? [] : [await chooseModel(stage, book, model)]),
  ];
}

/** The maker and the desk: cash, under the model that an account has from the start. */
export const capitalise = (stage: DerivativesStage, party: Party, dollars: number): Promise<Intent[]> =>
  deposit(stage, party.actor, party.account, "USDC", unitsOf("USDC", dollars));
