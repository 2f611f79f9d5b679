// The protocol as it stands at a block: who lends, who owes, on what, and how much of it stands with how few.
import type { Deployment } from "../../deploy/lib/addresses.ts";
import { IMarginLens__factory, ITableEngine__factory } from "../../types/ethers-contracts/index.js";
import { rebuild } from "../audit.ts";
import { type Block, inBatches, requireSame, toTag } from "../chain.ts";
import type { Fold } from "../fold.ts";
import { type Rpc, RpcError } from "../rpc.ts";
import { assetNames, insuranceBalance, type Indices, readIndices } from "../solvency.ts";
import { assetKind, assetNumber, decodeAccount, ownerOf, SETTLEMENT, vaultShareOf, WAD, worthOf } from "../words.ts";
import { type Concentration, concentrationOf, type Holder } from "./concentration.ts";

export interface PoolReport {
  readonly symbol: string;
  readonly decimals: number;
  /** Settlement units WAD per whole token; undefined when no price is usable. */
  readonly price: bigint | undefined;
  /** Token units. */
  readonly ofLenders: bigint;
  readonly ofAccounts: bigint;
  readonly debts: bigint;
  readonly custody: bigint;
  /** debts ÷ claims, 0 to 1. */
  readonly utilisation: number;
  /** By holder of the vault's shares, whether in a wallet or as collateral. */
  readonly lenders: Concentration;
  /** By owner. */
  readonly borrowers: Concentration;
}

export interface MarketReport {
  readonly name: string;
  readonly state: string;
  /** Whole underlyings WAD. */
  readonly openInterest: bigint;
  /** At the index, settlement units WAD. */
  readonly notional: bigint | undefined;
  /** By owner. */
  readonly longs: Concentration;
  readonly shorts: Concentration;
}

export interface CollateralReport {
  readonly symbol: string;
  readonly kind: string;
  readonly decimals: number;
  /** What accounts own of it, token units; vault shares in their pool's token. */
  readonly amount: bigint;
  /** Of that, with accounts that owe something. */
  readonly securing: bigint;
  /** Settlement units WAD, of all that accounts own. */
  readonly value: bigint | undefined;
  readonly securingValue: bigint | undefined;
  /** Of maintenance, WAD, of a small holding: brackets for large ones come on top. */
  readonly haircut: bigint | undefined;
  /** securingValue · (1 − haircut). */
  readonly quality: bigint | undefined;
  readonly holders: Concentration;
}

/** Settlement units WAD. */
export interface Exposure {
  readonly account: string;
  readonly debts: bigint;
  readonly perps: bigint;
  /** |size| · index. */
  readonly options: bigint;
  readonly gross: bigint;
  readonly priced: boolean;
  readonly maintenance: bigint;
  readonly mtm: bigint;
  readonly inAuction: boolean;
}

export interface ProtocolReport {
  readonly network: string;
  readonly chainId: number;
  readonly block: Block;
  readonly settlement: string;
  readonly settlementDecimals: number;
  readonly accounts: number;
  /** Accounts that owe: debts, positions or a negative quote. */
  readonly owing: number;
  readonly belowMaintenance: number;
  readonly inAuction: number;
  readonly unpriced: number;
  /** Σ of what accounts are worth below zero, settlement units WAD. */
  readonly uncovered: bigint;
  /** Settlement token units. */
  readonly insurance: bigint;
  readonly pools: readonly PoolReport[];
  readonly markets: readonly MarketReport[];
  readonly collateral: readonly CollateralReport[];
  readonly exposures: readonly Exposure[];
  /** Of gross exposure, by owner. */
  readonly concentration: Concentration;
}

const ENGINE = ITableEngine__factory.createInterface();
const LENS = IMarginLens__factory.createInterface();
const TOP = 10;

const abs = (x: bigint): bigint => (x < 0n ? -x : x);
const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);

interface Ask {
  readonly to: string;
  readonly data: string;
}

const ask = async (rpc: Rpc, block: Block, asks: readonly Ask[]): Promise<readonly unknown[]> =>
  inBatches(
    rpc,
    asks.map((each) => ({ method: "eth_call", params: [each, toTag(block.number)] })),
  );

interface Pricing {
  readonly price: ReadonlyMap<number, bigint>;
  readonly haircut: ReadonlyMap<number, bigint>;
}

/** Mid prices and maintenance haircuts of what is listed; what has no usable price, or is not in the engine's table, is left out. */
const readPricing = async (rpc: Rpc, fold: Fold, block: Block, engine: string): Promise<Pricing> => {
  const assets = [...fold.safe.listings.keys()];
  // a vault share is worth its pool's token times its index
  const priced = assets.filter((asset) => assetKind(asset) !== "vault share");
  const answers = await ask(rpc, block, [
    ...priced.map((asset) => ({ to: engine, data: ENGINE.encodeFunctionData("midPrice", [asset]) })),
    ...assets.map((asset) => ({ to: engine, data: ENGINE.encodeFunctionData("haircuts", [asset, 1n]) })),
  ]);
  const [price, haircut] = [new Map<number, bigint>(), new Map<number, bigint>()];
  priced.forEach((asset, i) => {
    const answer = answers[i];
    if (answer instanceof RpcError || answer === "0x") return;
    price.set(asset, ENGINE.decodeFunctionResult("midPrice", String(answer))[0] as bigint);
  });
  assets.forEach((asset, i) => {
    const answer = answers[priced.length + i];
    if (answer instanceof RpcError || answer === "0x") return;
    haircut.set(asset, ENGINE.decodeFunctionResult("haircuts", String(answer))[1] as bigint);
  });
  for (const asset of assets) {
    const own = assetKind(asset) === "vault share" ? price.get(assetNumber(asset)) : undefined;
    if (own !== undefined) price.set(asset, own);
  }
  return { price, haircut };
};

interface Health {
  readonly priced: boolean;
  readonly inAuction: boolean;
  readonly maintenance: bigint;
  readonly mtm: bigint;
}

const HEALTH_BATCH = 20;

const readHealths = async (
  rpc: Rpc,
  lens: string,
  block: Block,
  accounts: readonly string[],
): Promise<Map<string, Health>> => {
  const groups = Array.from({ length: Math.ceil(accounts.length / HEALTH_BATCH) }, (_, i) =>
    accounts.slice(i * HEALTH_BATCH, (i + 1) * HEALTH_BATCH),
  );
  const answers = await ask(
    rpc,
    block,
    groups.map((group) => ({ to: lens, data: LENS.encodeFunctionData("healthOf", [group]) })),
  );
  const healths = new Map<string, Health>();
  groups.forEach((group, i) => {
    const answer = answers[i];
    if (answer instanceof RpcError) throw answer;
    const [list] = LENS.decodeFunctionResult("healthOf", String(answer)) as unknown as [readonly Health[]];
    group.forEach((account, j) => {
      const health = list[j];
      if (health === undefined) return;
      const { priced, inAuction, maintenance, mtm } = health;
      healths.set(account, { priced, inAuction, maintenance, mtm });
    });
  });
  return healths;
};

/** What an account owns and owes of an asset, token units; vault shares in their pool's token. */
const amountOf = (asset: number, shares: bigint, indices: ReadonlyMap<number, Indices>): bigint => {
  const at = indices.get(assetKind(asset) === "vault share" ? assetNumber(asset) : asset);
  return at === undefined ? shares : worthOf(shares, at.supply, at.debt);
};

interface AccountSum {
  readonly account: string;
  readonly owes: boolean;
  readonly balances: readonly { readonly asset: number; readonly amount: bigint }[];
}

const accountSums = (fold: Fold, indices: ReadonlyMap<number, Indices>): AccountSum[] =>
  [...fold.safe.accounts].map(([account, words]) => {
    const { entries, hasPositions } = decodeAccount(words);
    const balances = entries.map(({ asset, shares }) => ({ asset, amount: amountOf(asset, shares, indices) }));
    return { account, balances, owes: hasPositions || entries.some(({ shares }) => shares < 0n) };
  });

const poolReports = (
  fold: Fold,
  sums: readonly AccountSum[],
  indices: ReadonlyMap<number, Indices>,
  { price }: Pricing,
  name: (asset: number) => string,
): PoolReport[] =>
  [...indices].map(([asset, at]): PoolReport => {
    const pool = fold.safe.pool(asset);
    const [lent, owned, owed] = [pool?.lenderShares ?? 0n, pool?.accountShares ?? 0n, pool?.debtShares ?? 0n];
    const claims = worthOf(lent + owned, at.supply, at.debt);
    const debts = -worthOf(-owed, at.supply, at.debt);
    const ofLenders = worthOf(lent, at.supply, at.debt);
    const vault = fold.safe.vaults.get(asset);
    const inWallets = [...(vault === undefined ? [] : (fold.tokens.vaults.get(vault) ?? []))]
      .filter(([holder]) => holder !== fold.setting.safe)
      .map(([holder, shares]): Holder => ({ holder, amount: worthOf(shares, at.supply, at.debt) }));
    const asCollateral = holdersOf(sums, vaultShareOf(asset), 1n);
    return {
      symbol: name(asset),
      decimals: fold.safe.listings.get(asset)?.decimals ?? 18,
      price: price.get(asset),
      ofLenders,
      ofAccounts: claims - ofLenders,
      debts,
      custody: fold.custodyOf(asset),
      utilisation: claims === 0n ? 0 : Number((debts * WAD) / claims) / 1e18,
      lenders: concentrationOf([...inWallets, ...asCollateral]),
      borrowers: concentrationOf(holdersOf(sums, asset, -1n)),
    };
  });

/** By owner: who owns an asset (1), or owes it (−1). */
const holdersOf = (sums: readonly AccountSum[], asset: number, side: 1n | -1n): Holder[] =>
  sums.flatMap(({ account, balances }) =>
    balances
      .filter((each) => each.asset === asset && each.amount * side > 0n)
      .map(({ amount }): Holder => ({ holder: ownerOf(account), amount: amount * side })),
  );

const collateralReports = (
  fold: Fold,
  sums: readonly AccountSum[],
  { price, haircut }: Pricing,
  name: (asset: number) => string,
): CollateralReport[] =>
  [...fold.safe.listings].map(([asset, { decimals }]): CollateralReport => {
    const holders = holdersOf(sums, asset, 1n);
    const securing = holdersOf(
      sums.filter(({ owes }) => owes),
      asset,
      1n,
    ).reduce((sum, { amount }) => sum + amount, 0n);
    const concentration = concentrationOf(holders);
    const [at, h] = [price.get(asset), haircut.get(asset)];
    const value = (amount: bigint) => (at === undefined ? undefined : (amount * at) / 10n ** BigInt(decimals));
    const securingValue = value(securing);
    return {
      symbol: name(asset),
      kind: assetKind(asset),
      decimals,
      amount: concentration.total,
      securing,
      value: value(concentration.total),
      securingValue,
      haircut: h,
      quality:
        securingValue === undefined || h === undefined ? undefined : (securingValue * (WAD - lesser(h, WAD))) / WAD,
      holders: concentration,
    };
  });

const keyOfMarket = (instrument: bigint): string => {
  const underlying = (instrument >> 118n) & 0xffn;
  return instrument >> 126n === 1n ? `${underlying}` : `${underlying}:${(instrument >> 78n) & ((1n << 40n) - 1n)}`;
};

const marketReports = (fold: Fold, { price }: Pricing): MarketReport[] => {
  const { ledger, setting } = fold;
  const sides = new Map<string, { longs: Holder[]; shorts: Holder[] }>();
  for (const [account, { positions }] of ledger.accounts) {
    if (ownerOf(account) === setting.ledger) continue;
    for (const [instrument, { size }] of positions) {
      const key = keyOfMarket(instrument);
      const both = sides.get(key) ?? { longs: [], shorts: [] };
      sides.set(key, both);
      both[size > 0n ? "longs" : "shorts"].push({ holder: ownerOf(account), amount: abs(size) });
    }
  }
  const report = (key: string, name: string, state: string, underlying: number, openInterest: bigint): MarketReport => {
    const { longs, shorts } = sides.get(key) ?? { longs: [], shorts: [] };
    const index = price.get(underlying);
    const notional = index === undefined ? undefined : (openInterest * index) / WAD;
    return { name, state, openInterest, notional, longs: concentrationOf(longs), shorts: concentrationOf(shorts) };
  };
  const symbol = (underlying: number) => setting.symbols?.[underlying] ?? `U${underlying}`;
  const perps = [...ledger.perps].map(([underlying, { closed, frozen, openInterest }]) => {
    const state = closed ? "closed" : frozen ? "frozen" : "live";
    return report(`${underlying}`, `${symbol(underlying)}-PERP`, state, underlying, openInterest);
  });
  const expiries = [...ledger.expiries].map(([key, { underlying, expiry, price: settled, openInterest }]) => {
    const due = new Date(expiry * 1_000).toISOString().slice(0, 10);
    return report(
      key,
      `${symbol(underlying)} options ${due}`,
      settled === undefined ? "live" : "settled",
      underlying,
      openInterest,
    );
  });
  return [...perps, ...expiries];
};

const exposureOf = (
  fold: Fold,
  { account, balances }: AccountSum,
  { price }: Pricing,
  health: Health | undefined,
): Exposure => {
  let [debts, perps, options] = [0n, 0n, 0n];
  for (const { asset, amount } of balances) {
    if (amount >= 0n) continue;
    debts += (-amount * (price.get(asset) ?? 0n)) / 10n ** BigInt(fold.safe.listings.get(asset)?.decimals ?? 18);
  }
  for (const [instrument, { size }] of fold.ledger.accounts.get(account)?.positions ?? []) {
    const notional = (abs(size) * (price.get(Number((instrument >> 118n) & 0xffn)) ?? 0n)) / WAD;
    if (instrument >> 126n === 1n) perps += notional;
    else options += notional;
  }
  const { priced, maintenance, mtm, inAuction } = health ?? {
    priced: false,
    maintenance: 0n,
    mtm: 0n,
    inAuction: false,
  };
  return { account, debts, perps, options, gross: debts + perps + options, priced, maintenance, mtm, inAuction };
};

/** @throws as {@link rebuild} does. */
export const readProtocol = async (
  rpc: Rpc,
  deployment: Deployment,
  block: number | undefined,
): Promise<ProtocolReport> => {
  const { fold, block: pinned } = await rebuild(rpc, deployment, block === undefined ? {} : { block });
  const name = assetNames(deployment.assets);
  const engine = fold.safe.pointers.get("engine") ?? deployment.contracts.engine;
  const indices = await readIndices(rpc, fold, pinned);
  const pricing = await readPricing(rpc, fold, pinned, engine);
  const sums = accountSums(fold, indices);
  const owing = sums.filter(({ owes }) => owes);
  const healths = await readHealths(
    rpc,
    deployment.contracts.lens,
    pinned,
    owing.map(({ account }) => account),
  );
  const exposures = owing.map((each) => exposureOf(fold, each, pricing, healths.get(each.account)));
  const priced = exposures.filter((each) => each.priced);
  await requireSame(rpc, pinned);
  return {
    network: deployment.network,
    chainId: deployment.chainId,
    block: pinned,
    settlement: name(SETTLEMENT),
    settlementDecimals: fold.safe.listings.get(SETTLEMENT)?.decimals ?? 18,
    accounts: sums.length,
    owing: owing.length,
    belowMaintenance: priced.filter(({ maintenance }) => maintenance < 0n).length,
    inAuction: exposures.filter(({ inAuction }) => inAuction).length,
    unpriced: exposures.length - priced.length,
    uncovered: priced.reduce((sum, { mtm }) => sum + (mtm < 0n ? -mtm : 0n), 0n),
    insurance: insuranceBalance(fold, indices),
    pools: poolReports(fold, sums, indices, pricing, name),
    markets: marketReports(fold, pricing),
    collateral: collateralReports(fold, sums, pricing, name),
    exposures: [...exposures]
      .sort((a, b) => (a.gross === b.gross ? (a.account < b.account ? -1 : 1) : a.gross > b.gross ? -1 : 1))
      .slice(0, TOP),
    concentration: concentrationOf(
      exposures.map(({ account, gross }) => ({ holder: ownerOf(account), amount: gross })),
    ),
  };
};
