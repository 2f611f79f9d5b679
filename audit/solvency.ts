// Proof of solvency: what there is against what is owed, by asset and by market, interest accrued to the block.
import { type PerpBook } from "./books/ledger.ts";
import { type Block, inBatches, stateError, toTag } from "./chain.ts";
import { SAFE } from "./decode.ts";
import type { Finding } from "./findings.ts";
import type { Fold } from "./fold.ts";
import { type Rpc, RpcError } from "./rpc.ts";
import { expiryClearingUnsettled, perpClearingUnsettled } from "./sums.ts";
import { type AssetKind, assetKind, assetNumber, decodeAccount, ownerOf, SETTLEMENT, worthOf } from "./words.ts";

export interface AssetRow {
  readonly asset: number;
  readonly symbol: string;
  readonly kind: AssetKind;
  readonly decimals: number;
  /** Tokens in the safe (vault shares: the safe's own), token units. */
  readonly held: bigint;
  /** Owed by borrowers, rounded up. */
  readonly debts: bigint;
  /** Owed to lenders and accounts, rounded down. */
  readonly claims: bigint;
  readonly ofLenders: bigint;
  readonly ofAccounts: bigint;
  /** held + debts − claims: reserves, donations and rounding. */
  readonly surplus: bigint;
  /** Written off against lenders so far. */
  readonly writtenOff: bigint;
  readonly holders: number;
  readonly borrowers: number;
}

export interface MarketRow {
  readonly name: string;
  readonly kind: "perp" | "options";
  readonly underlying: number;
  readonly expiry?: number;
  readonly state: string;
  readonly accounts: number;
  /** Σ longs and Σ shorts of all accounts, what clearing has taken over included; whole underlyings WAD. */
  readonly long: bigint;
  readonly short: bigint;
  readonly openInterest: bigint;
  /** Settlement units WAD. */
  readonly clearingQuote: bigint;
  readonly clearingUnsettled: bigint;
}

export interface Indices {
  readonly supply: bigint;
  readonly debt: bigint;
}

/** Interest accrued to the block, by pool. */
export const readIndices = async (rpc: Rpc, fold: Fold, block: Block): Promise<Map<number, Indices>> => {
  const pools = [...fold.safe.pools.keys()];
  const answers = await inBatches(
    rpc,
    pools.map((pool) => ({
      method: "eth_call",
      params: [{ to: fold.setting.safe, data: SAFE.encodeFunctionData("poolIndices", [pool]) }, toTag(block.number)],
    })),
  );
  return new Map(
    pools.map((pool, i) => {
      const answer = answers[i];
      if (answer instanceof RpcError) throw stateError(answer, block);
      const [supply, debt] = SAFE.decodeFunctionResult("poolIndices", String(answer)) as unknown as [bigint, bigint];
      return [pool, { supply, debt }];
    }),
  );
};

/** Names: of the deployment's file where it has them; a vault's share is its pool's name with a p before it. */
export const assetNames = (
  assets: Readonly<Record<string, { readonly id: number; readonly vaultShareId?: number }>>,
): ((asset: number) => string) => {
  const names = new Map<number, string>();
  for (const [symbol, { id, vaultShareId }] of Object.entries(assets)) {
    names.set(id, symbol);
    if (vaultShareId !== undefined) names.set(vaultShareId, `p${symbol}`);
  }
  return (asset) => names.get(asset) ?? `${assetKind(asset)} ${assetNumber(asset)}`;
};

export const assetRows = (
  fold: Fold,
  indices: ReadonlyMap<number, Indices>,
  name: (asset: number) => string,
): { rows: AssetRow[]; findings: Finding[] } => {
  const counts = new Map<number, { holders: number; borrowers: number }>();
  for (const words of fold.safe.accounts.values()) {
    for (const { asset, shares } of decodeAccount(words).entries) {
      const count = counts.get(asset) ?? { holders: 0, borrowers: 0 };
      count[shares > 0n ? "holders" : "borrowers"] += 1;
      counts.set(asset, count);
    }
  }
  const findings: Finding[] = [];
  const rows = [...fold.safe.listings].map(([asset, { decimals }]): AssetRow => {
    const pool = fold.safe.pool(asset);
    const at = indices.get(asset);
    const held = fold.custodyOf(asset);
    const owned = fold.safe.totals.get(asset)?.owned ?? 0n;
    const base = { asset, symbol: name(asset), kind: assetKind(asset), decimals, held };
    const count = counts.get(asset) ?? { holders: 0, borrowers: 0 };
    if (pool === undefined || at === undefined) {
      const sums = {
        debts: 0n,
        claims: owned,
        ofLenders: 0n,
        ofAccounts: owned,
        surplus: held - owned,
        writtenOff: 0n,
      };
      return { ...base, ...sums, ...count };
    }
    const claims = worthOf(pool.lenderShares + pool.accountShares, at.supply, at.debt);
    const ofLenders = worthOf(pool.lenderShares, at.supply, at.debt);
    const debts = -worthOf(-pool.debtShares, at.supply, at.debt);
    const surplus = held + debts - claims;
    if (surplus < 0n) {
      const message = `with interest up to the block it holds ${held} and is owed ${debts}, but owes ${claims}`;
      findings.push({ id: "V1", subject: name(asset), message });
    }
    if (at.supply < pool.supplyIndex || at.debt < pool.debtIndex) {
      findings.push({ id: "V3", subject: name(asset), message: "interest up to the block lowers an index" });
    }
    const lost = fold.safe.writtenOff.get(asset);
    const writtenOff = (lost?.assets ?? 0n) - (lost?.fromReserves ?? 0n);
    const vault = fold.safe.vaults.get(asset);
    const lenders = vault === undefined ? 0 : (fold.tokens.vaults.get(vault)?.size ?? 0);
    const people = { holders: count.holders + lenders, borrowers: count.borrowers };
    return { ...base, debts, claims, ofLenders, ofAccounts: claims - ofLenders, surplus, writtenOff, ...people };
  });
  return { rows, findings };
};

const perpState = ({ closed, frozen }: PerpBook): string => {
  if (closed) return "closed";
  return frozen ? "frozen" : "live";
};

export const marketRows = (fold: Fold): MarketRow[] => {
  const { ledger, setting } = fold;
  const sums = new Map<string, { long: bigint; short: bigint; accounts: number }>();
  for (const [account, { positions }] of ledger.accounts) {
    const seen = new Set<string>();
    for (const [instrument, { size }] of positions) {
      const underlying = (instrument >> 118n) & 0xffn;
      const key =
        instrument >> 126n === 1n ? `${underlying}` : `${underlying}:${(instrument >> 78n) & ((1n << 40n) - 1n)}`;
      const sum = sums.get(key) ?? { long: 0n, short: 0n, accounts: 0 };
      sums.set(key, sum);
      if (size > 0n) sum.long += size;
      else sum.short -= size;
      if (!seen.has(key) && ownerOf(account) !== setting.ledger) sum.accounts += 1;
      seen.add(key);
    }
  }
  const none = { long: 0n, short: 0n, accounts: 0 };
  const quoteOf = (index: bigint): bigint =>
    ledger.accounts.get(setting.ledger + index.toString(16).padStart(24, "0"))?.quote ?? 0n;
  const perps = [...ledger.perps].map(([underlying, perp]): MarketRow => ({
    name: fold.instrumentName((1n << 126n) | (BigInt(underlying) << 118n)),
    kind: "perp",
    underlying,
    state: perpState(perp),
    ...(sums.get(`${underlying}`) ?? none),
    openInterest: perp.openInterest,
    clearingQuote: quoteOf(BigInt(underlying)),
    clearingUnsettled: perpClearingUnsettled(fold, underlying),
  }));
  const expiries = [...ledger.expiries].map(([key, book]): MarketRow => {
    const { underlying, expiry, price, openInterest } = book;
    const symbol = setting.symbols?.[underlying] ?? `U${underlying}`;
    const due = new Date(expiry * 1_000).toISOString().slice(0, 16).replace("T", " ");
    return {
      name: `${symbol} ${due}`,
      kind: "options",
      underlying,
      expiry,
      state: price === undefined ? "live" : "settled",
      ...(sums.get(key) ?? none),
      openInterest: price === undefined ? openInterest : 0n,
      clearingQuote: quoteOf((BigInt(underlying) << 40n) | BigInt(expiry)),
      clearingUnsettled: expiryClearingUnsettled(fold, underlying, expiry),
    };
  });
  return [...perps, ...expiries];
};

/** What the insurance fund has in the settlement asset, token units. */
export const insuranceBalance = ({ safe }: Fold, indices: ReadonlyMap<number, Indices>): bigint => {
  const fund = safe.insurance;
  const words = fund === undefined ? undefined : safe.accounts.get(fund);
  if (words === undefined) return 0n;
  const shares = decodeAccount(words).entries.find(({ asset }) => asset === SETTLEMENT)?.shares ?? 0n;
  const at = indices.get(SETTLEMENT);
  return at === undefined ? 0n : worthOf(shares, at.supply, at.debt);
};
