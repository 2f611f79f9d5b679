// What a margin model is handed of an account with perps or options, or on the portfolio model (contracts/risk/LedgerMargin.sol).
import type { Position } from "../instruments.ts";
import { isPool, numberOf, poolAsset, SETTLEMENT, underlyingAsset } from "./assets.ts";
import { assetNotInTable } from "./errors.ts";
import { mulDivDown, mulDivFloor, mulDivUp, WAD } from "./fixed.ts";
import type { ModelInput, PerpState, Purpose, SpotCluster, SpotSide, UnderlyingPrice } from "./model.ts";
import type { Prepared } from "./prepared.ts";
import {
  addCash,
  bookedPrice,
  type Cluster,
  type Evaluation,
  gather,
  type Holding,
  holdsShares,
  requireWorthless,
  startEvaluation,
  type Tally,
  valueAt,
} from "./spot.ts";

/** Underlyings are pools with a number of eight bits; pool 1 is the settlement asset, the unit itself. */
const MAX_UNDERLYING = 255;

/** What the ledger says of an account: `IPositions.ledgerOf`. */
export interface LedgerAccount {
  readonly quote: bigint;
  readonly positions: readonly Position[];
  /** One for each perp among the positions, in their order. */
  readonly perps: readonly PerpState[];
}

const NO_LEDGER: LedgerAccount = { quote: 0n, positions: [], perps: [] };

const isUnderlying = (asset: number): boolean =>
  isPool(asset) && asset !== SETTLEMENT && numberOf(asset) <= MAX_UNDERLYING;

/** Spot of an underlying and of its vault share, whole tokens WAD, rounded down. */
const amountOf = ({ terms }: Prepared, holdings: readonly Holding[], underlying: number): bigint => {
  let amount = 0n;
  for (const holding of holdings) {
    if (underlyingAsset(holding.asset) === underlying && terms.has(holding.asset)) amount += holding.amount;
  }
  return amount === 0n ? 0n : mulDivFloor(amount, WAD, terms.get(underlying)?.unit ?? WAD);
};

const underlyingPrices = (
  e: Evaluation,
  holdings: readonly Holding[],
  traded: ReadonlySet<number>,
): UnderlyingPrice[] => {
  const { terms } = e.prepared;
  const all = new Set(traded);
  for (const { asset } of holdings) {
    const underlying = underlyingAsset(asset);
    if (isUnderlying(underlying) && terms.has(underlying)) all.add(numberOf(underlying));
  }
  return [...all]
    .sort((a, b) => a - b)
    .map((number) => {
      const asset = poolAsset(number);
      if (!terms.has(asset)) throw assetNotInTable(asset);
      const { low, high } = bookedPrice(e, asset);
      const perUnit = (usd: bigint): bigint => mulDivDown(usd, WAD, e.unit);
      return { number, low: perUnit(low), high: perUnit(high), amount: amountOf(e.prepared, holdings, asset) };
    });
};

/** Sums in settlement units: value down, charges and debts up. */
const sideOf = (e: Evaluation, { onlyCash }: Cluster, tally: Tally): SpotSide =>
  onlyCash
    ? tally
    : {
        value: mulDivFloor(tally.value, WAD, e.unit),
        chargeInitial: mulDivUp(tally.chargeInitial, WAD, e.unit),
        chargeMaintenance: mulDivUp(tally.chargeMaintenance, WAD, e.unit),
        debts: mulDivUp(tally.debts, WAD, e.unit),
      };

/** The pool whose positions are valued with a cluster: the first that is traded, else the last held, else 0. */
const underlyingIn = ({ members }: Cluster, traded: ReadonlySet<number>): number => {
  const numbers = members
    .map(({ asset }) => underlyingAsset(asset))
    .filter(isUnderlying)
    .map(numberOf);
  return numbers.find((number) => traded.has(number)) ?? numbers.at(-1) ?? 0;
};

/** Every listed holding is in exactly one cluster; the first is cash that needs no price. */
const clustersOf = (e: Evaluation, holdings: readonly Holding[], traded: ReadonlySet<number>): SpotCluster[] => {
  const alone = !holdsShares(holdings);
  let left: Holding[] = [];
  for (const holding of holdings) {
    const terms = e.prepared.terms.get(holding.asset);
    if (terms === undefined) requireWorthless(holding);
    else if (alone && holding.asset === SETTLEMENT && terms.now.group === 0) addCash(e, terms, holding.amount);
    else left.push(holding);
  }
  const list: SpotCluster[] = [{ underlying: 0, low: { ...e.cash }, high: { ...e.cash } }];
  while (left.length !== 0) {
    const cluster = gather(e, left);
    left = left.filter((holding) => !cluster.members.includes(holding));
    const low = sideOf(e, cluster, valueAt(e, cluster, false));
    const high = cluster.spread ? sideOf(e, cluster, valueAt(e, cluster, true)) : low;
    list.push({ underlying: underlyingIn(cluster, traded), low, high });
  }
  return list;
};

/**
 * Prices every underlying once and values the spot at both sides of its prices. Refused as `AssetNotInTable`, `PriceUnusable`,
 * `NewRiskBlocked`.
 */
export const modelInput = (
  prepared: Prepared,
  holdings: readonly Holding[],
  purpose: Purpose,
  { quote, positions, perps }: LedgerAccount = NO_LEDGER,
): ModelInput => {
  const e = startEvaluation(prepared, purpose);
  const traded = new Set(positions.map(({ instrument }) => instrument.underlying));
  const underlyings = underlyingPrices(e, holdings, traded);
  const clusters = clustersOf(e, holdings, traded);
  return { purpose, settlementPrice: e.unit, clusters, underlyings, quote, positions, perps };
};
