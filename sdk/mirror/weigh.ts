// The scale (contracts/risk/MarginEngine.sol): what an account is worth, and whether it may pass.
import { type Account, CREDIT_BIT, hasLedger, PORTFOLIO_MODEL, STANDARD_MODEL } from "./account.ts";
import { isPool, KIND_IDLE, kindOf, numberOf } from "./assets.ts";
import { evaluatePortfolio, evaluateStandard, ledgerOf } from "./models.ts";
import { Refused } from "./errors.ts";
import { BPS, min, mulDivDown } from "./fixed.ts";
import { modelInput } from "./input.ts";
import type { Market, Pool } from "./market.ts";
import { INITIAL, LIQUIDATION, type Margins, type Purpose } from "./model.ts";
import { worthOf } from "./pools.ts";
import { prepare, type Prepared } from "./prepared.ts";
import { evaluateSpot, type Holding, liabilitiesOf, totalOf } from "./spot.ts";

/** The pool of an asset, interest accrued. Refused as `AssetNotListed`. */
export const poolOf = ({ pool }: Prepared, asset: number): Pool => {
  const found = pool(numberOf(asset));
  if (found === undefined) throw new Refused("AssetNotListed", BigInt(asset));
  return found;
};

/** What the engine is told of an account: `MarginAccounts.portfolio`. Claims down, debts up, interest accrued. */
export const holdingsOf = (market: Market, account: Pick<Account, "entries">): Holding[] => {
  const prepared = prepare(market);
  return account.entries.map(({ asset, shares }) => ({
    asset,
    amount: kindOf(asset) === KIND_IDLE ? shares : worthOf(poolOf(prepared, asset), shares),
  }));
};

/** Signed balance of an asset: token units, of a vault share in shares; 0 when the account has none. */
export const balanceOf = (market: Market, account: Pick<Account, "entries">, asset: number): bigint => {
  const shares = account.entries.find((entry) => entry.asset === asset)?.shares ?? 0n;
  return shares === 0n || !isPool(asset) ? shares : worthOf(poolOf(prepare(market), asset), shares);
};

const spotMargins = (prepared: Prepared, holdings: readonly Holding[], purpose: Purpose): Margins => {
  const e = evaluateSpot(prepared, holdings, purpose);
  const initial = purpose === LIQUIDATION ? 0n : totalOf(e, "initial");
  if (purpose === INITIAL) return { initial, maintenance: 0n, mtm: 0n, liabilities: 0n, unsettledLoss: 0n };
  return {
    initial,
    maintenance: totalOf(e, "maintenance"),
    mtm: totalOf(e, "mtm"),
    liabilities: liabilitiesOf(e),
    unsettledLoss: 0n,
  };
};

/** The engine bounds what any tier may give. */
const MAX_CREDIT_BPS = 5_000n;

/** part · (MM − IM), rounded down: what attested credit spares of the initial margin. */
const creditOf = ({ time, ledger }: Market, { credit }: Account, { initial, maintenance }: Margins): bigint => {
  if (maintenance <= initial || ledger?.table.creditTiers === undefined) return 0n;
  if (credit === undefined || time > credit.expiry) return 0n;
  return mulDivDown(maintenance - initial, min(credit.partBps, MAX_CREDIT_BPS), BPS);
};

/** {@link weigh} for holdings that are already known. */
export const weighHoldings = (
  market: Market,
  account: Account,
  holdings: readonly Holding[],
  purpose: Purpose,
): Margins => {
  const prepared = prepare(market);
  const ledgerAsked = hasLedger(account);
  if (!ledgerAsked && account.flags.model === STANDARD_MODEL) return spotMargins(prepared, holdings, purpose);
  const { ledger, time } = market;
  if (ledger === undefined) {
    throw ledgerAsked ? new Refused("LedgerUnsupported") : new Refused("ModelUnsupported", BigInt(account.flags.model));
  }
  const input = modelInput(prepared, holdings, purpose, ledgerAsked ? ledgerOf(ledger, account, time) : undefined);
  const { model } = account.flags;
  const evaluate = (model & PORTFOLIO_MODEL) === 0 ? evaluateStandard : evaluatePortfolio;
  const margins = evaluate(input, ledger, time);
  if (purpose !== INITIAL || (model & CREDIT_BIT) === 0) return margins;
  return { ...margins, initial: margins.initial + creditOf(market, account, margins) };
};

/**
 * The margins of an account, to the wei what the engine says of it in this market. `initialMargin` is purpose 0 (only `initial`),
 * `liquidationMargin` purpose 1 (no `initial`), `midMargin` purpose 2. Refused by the errors that the engine reverts with:
 * `PriceUnusable`, `NewRiskBlocked`, `AssetNotInTable`, `LedgerUnsupported`, `ModelUnsupported` and those of the models.
 */
export const weigh = (market: Market, account: Account, purpose: Purpose): Margins =>
  weighHoldings(market, account, holdingsOf(market, account), purpose);
