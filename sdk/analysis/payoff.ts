// What an account's holdings of one underlying come to at a price: perps and spot at that price, options at expiry.
import { encodeInstrument } from "../instruments.ts";
import type { Account } from "../mirror/account.ts";
import { isPool, numberOf, poolAsset, SETTLEMENT, underlyingAsset } from "../mirror/assets.ts";
import { explain } from "../mirror/derivatives/lens.ts";
import { ledgerOf, markAt, payoffOfOne, pendingOf } from "../mirror/derivatives/ledger.ts";
import { mulDivFloor, WAD } from "../mirror/fixed.ts";
import { modelInput } from "../mirror/input.ts";
import type { Market } from "../mirror/market.ts";
import { MID } from "../mirror/model.ts";
import { prepare } from "../mirror/prepared.ts";
import { midPrice } from "../mirror/prices.ts";
import { holdingsOf } from "../mirror/weigh.ts";

/** Profit and loss against now, settlement units WAD; every part rounded down. */
export interface PayoffPoint {
  /** Settlement units WAD per whole underlying. */
  readonly price: bigint;
  readonly spot: bigint;
  readonly perps: bigint;
  /** Payoffs at expiry less what the options are worth now. */
  readonly options: bigint;
  readonly total: bigint;
}

/** Which underlying, and at which prices. */
export interface PayoffRequest {
  /** Pool number of the underlying. */
  readonly underlying: number;
  /** Settlement units WAD per whole underlying. */
  readonly prices: readonly bigint[];
  /** Only options of this expiry pay; the others are left out. Left out: all expiries, as if all ended at the price. */
  readonly expiry?: number;
}

/** a·b / 10^18 towards minus infinity, both signed. */
const product = (a: bigint, b: bigint): bigint => mulDivFloor(a * b, 1n, WAD);

/** Own spot and vault shares of an underlying, whole tokens WAD, rounded down. */
const spotOf = (market: Market, account: Account, underlying: number): bigint => {
  const asset = poolAsset(underlying);
  const { terms } = prepare(market);
  let amount = 0n;
  for (const holding of holdingsOf(market, account)) {
    if (underlyingAsset(holding.asset) === asset && terms.has(holding.asset)) amount += holding.amount;
  }
  return mulDivFloor(amount, WAD, terms.get(asset)?.unit ?? WAD);
};

/** The payoff diagram of what an account holds of one underlying. Refused as margins at mid are. */
export const payoffCurve = (market: Market, account: Account, request: PayoffRequest): PayoffPoint[] => {
  const { underlying, prices, expiry } = request;
  const asset = poolAsset(underlying);
  if (asset === SETTLEMENT || !isPool(asset)) throw new RangeError(`pool ${underlying} is no underlying`);
  const { ledger, time } = market;
  const index = midPrice(market, asset);
  const spot = spotOf(market, account, numberOf(asset));
  const live = ledger === undefined ? [] : account.positions.filter((each) => !pendingOf(ledger, each, time).gone);
  const mine = live.filter(({ instrument }) => instrument.underlying === underlying);
  const options = mine.flatMap(({ instrument, size }) =>
    instrument.kind === "option" && (expiry === undefined || instrument.expiry === expiry)
      ? [{ instrument, size }]
      : [],
  );
  const perpSize = mine.find(({ instrument }) => instrument.kind === "perp")?.size ?? 0n;

  const words = new Set(options.map(({ instrument }) => encodeInstrument(instrument)));
  let optionsNow = 0n;
  if (ledger !== undefined && options.length !== 0) {
    const input = modelInput(prepare(market), holdingsOf(market, account), MID, ledgerOf(ledger, account, time));
    for (const { instrument, value } of explain(input, ledger, time).positions) {
      if (words.has(encodeInstrument(instrument))) optionsNow += value;
    }
  }
  return prices.map((price): PayoffPoint => {
    const perps =
      ledger === undefined || perpSize === 0n
        ? 0n
        : product(perpSize, markAt(ledger, underlying, price, time) - markAt(ledger, underlying, index, time));
    const paid = options.reduce(
      (sum, each) => sum + mulDivFloor(each.size, payoffOfOne(each.instrument, price), WAD),
      0n,
    );
    const moved = product(spot, price - index);
    const gained = paid - optionsNow;
    return { price, spot: moved, perps, options: gained, total: moved + perps + gained };
  });
};
