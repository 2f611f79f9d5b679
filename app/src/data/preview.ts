// "What will my margin be?" by the SDK's analysis, to the wei what the chain would say: here its answers as floats, for showing. Pure.
import {
  marginsOf as exactMargins,
  type MarginView as ExactMargins,
  preview,
  previewFill,
  stressGrid,
  withVolatility,
} from "../../../sdk/analysis/index.ts";
import { type ErrorContext, explain, type ErrorArgs, PROTOCOL_ERRORS } from "../../../sdk/errors/index.ts";
import type { Account } from "../../../sdk/mirror/account.ts";
import type { Action } from "../../../sdk/mirror/actions/act.ts";
import { KIND_IDLE, kindOf } from "../../../sdk/mirror/assets.ts";
import type { FillLeg } from "../../../sdk/mirror/derivatives/fees.ts";
import { feeOf } from "../../../sdk/mirror/derivatives/fees.ts";
import { attempt, Refused } from "../../../sdk/mirror/errors.ts";
import { midPrice } from "../../../sdk/mirror/prices.ts";
import { toNumber } from "../lib/format.ts";
import { movers, type Standing } from "./liquidations.ts";

export type { Standing } from "./liquidations.ts";

const WAD = 10n ** 18n;

/** Settlement units. */
export interface MarginView {
  readonly initial: number;
  readonly maintenance: number;
  readonly equity: number;
  readonly liabilities: number;
}

/** What a ticket shows of something that has not been done yet. */
export interface Outcome {
  readonly before?: MarginView;
  readonly after?: MarginView;
  readonly standings?: { readonly before: Standing; readonly after: Standing };
  /** Missing of initial margin afterwards, settlement units; 0: it would pass. */
  readonly short: number;
  /** What else the chain would refuse it for, as a sentence. */
  readonly refused?: string;
  /** Why margins cannot be said; the chain may let it through all the same, as it does deposits. */
  readonly unvalued?: string;
}

/** The sentence of the SDK for an error that the mirror names. */
export const refusalText = (error: unknown, context: ErrorContext = {}): string => {
  if (!(error instanceof Refused)) return error instanceof Error ? error.message : String(error);
  const signature = PROTOCOL_ERRORS.find((each) => each.startsWith(`${error.errorName}(`));
  if (signature === undefined) return error.message;
  const names = signature.slice(signature.indexOf("(") + 1, -1).split(",");
  const args = Object.fromEntries(names.map((each, i) => [each.split(" ")[1] ?? "", error.args[i]]));
  // Mirror and contracts name the same arguments in the same order.
  const text = explain(signature, args as ErrorArgs<typeof signature>, context);
  return text.endsWith(".") ? text : `${text}.`;
};

const shown = ({ initial, maintenance, mtm, liabilities }: ExactMargins): MarginView | undefined =>
  initial === undefined || maintenance === undefined || mtm === undefined || liabilities === undefined
    ? undefined
    : {
        initial: toNumber(initial),
        maintenance: toNumber(maintenance),
        equity: toNumber(mtm),
        liabilities: toNumber(liabilities),
      };

/** Undefined while a price cannot be used. */
export const marginsOf = ({ market, account }: Standing): MarginView | undefined =>
  shown(exactMargins(market, account));

interface Exact {
  readonly before: ExactMargins;
  readonly after: ExactMargins;
  readonly standing: Standing;
}

const outcomeOf = (
  from: Standing,
  exact: Exact | undefined,
  refused: Refused | undefined,
  context: ErrorContext,
): Outcome => {
  const [before, after] = [exact && shown(exact.before), exact && shown(exact.after)];
  const unvalued =
    exact?.after.refused.initial ?? exact?.after.refused.liquidation ?? exact?.before.refused.initial ?? undefined;
  // What is missing is said in the trader's own terms by the ticket.
  const isMargin = refused?.errorName === "InsufficientMargin" && after !== undefined && after.initial < 0;
  return {
    ...(before && after && exact && { before, after, standings: { before: from, after: exact.standing } }),
    short: isMargin ? -after.initial : 0,
    ...(refused !== undefined && !isMargin && { refused: refusalText(refused, context) }),
    ...(refused === undefined && unvalued !== undefined && { unvalued: refusalText(unvalued, context) }),
  };
};

/** Doors of the safe, in one session. `others`: accounts that take part beside it. */
export const previewActions = (
  from: Standing,
  actions: readonly Action[],
  context: ErrorContext = {},
  others: readonly Account[] = [],
): Outcome => {
  const { changes, refused, after } = preview(from.market, [from.account, ...others], actions);
  const change = changes.get(from.account.id);
  const exact = change &&
    after && {
      before: change.before,
      after: change.after,
      standing: { market: after.market, account: change.account },
    };
  return outcomeOf(from, exact, refused, context);
};

export interface FillOutcome extends Outcome {
  /** Settlement units. */
  readonly fee: number;
}

/** Legs (positive: bought) filled as taker at their prices. */
export const previewLegs = (
  from: Standing,
  legs: readonly FillLeg[],
  reduces = false,
  context: ErrorContext = {},
): FillOutcome => {
  const { market, account } = from;
  const { ledger } = market;
  // Sizes count without their sign. Volume of the last 30 days only lowers it.
  const fee = attempt(() =>
    ledger === undefined ? 0n : feeOf(ledger.fees, legs, (underlying) => midPrice(market, underlying), 0n, false),
  );
  if (!fee.ok) return { short: 0, fee: 0, refused: refusalText(fee.error, context) };
  const { change, refused } = previewFill(market, account, { legs, fee: fee.value, asMaker: false, reduces });
  const exact = change && { ...change, standing: { market, account: change.account } };
  return { ...outcomeOf(from, exact, refused, context), fee: toNumber(fee.value) };
};

export interface StressCell {
  readonly spot: number;
  readonly vol: number;
  readonly equity: number;
  readonly maintenance: number;
}

/** All prices and all volatilities of an account moved together; undefined while it cannot be valued. */
export const stressOf = (
  { market, account }: Standing,
  spots: readonly number[],
  vols: readonly number[],
): StressCell[] | undefined => {
  const [first, ...others] = movers(account);
  if (first === undefined) return undefined;
  const cells = vols.flatMap((vol) => {
    // The grid shakes the first one's volatility; those of the others go with it.
    const shaken = others
      .filter((asset) => kindOf(asset) !== KIND_IDLE)
      .reduce((at, asset) => withVolatility(at, asset, wadOf(vol)), market);
    const [row = []] = stressGrid(shaken, account, {
      assets: [first, ...others],
      priceFactors: spots.map(wadOf),
      volatilityFactors: [wadOf(vol)],
    });
    return row.map(({ mtm, maintenance }, i) => ({ spot: spots[i] ?? 1, vol, mtm, maintenance }));
  });
  const known = cells.flatMap(({ spot, vol, mtm, maintenance }) =>
    mtm === undefined || maintenance === undefined
      ? []
      : [{ spot, vol, equity: toNumber(mtm), maintenance: toNumber(maintenance) }],
  );
  return known.length === cells.length ? known : undefined;
};

/** The largest size in (0, most] for which `fits`, to one part in ten thousand. */
export const largest = (most: number, fits: (size: number) => boolean): number => {
  if (most <= 0) return 0;
  if (fits(most)) return most;
  let [low, high] = [0, most];
  for (let i = 0; i < 14; i += 1) {
    const middle = (low + high) / 2;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
};

export const wadOf = (value: number): bigint => (BigInt(Math.round(value * 1e9)) * WAD) / 10n ** 9n;
