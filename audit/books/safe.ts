// The safe as its events tell it: balances, pools, authority. Pure; one transaction is judged when it ends.
import type { At, SafeEvent } from "../events.ts";
import type { FindingId } from "../findings.ts";
import {
  assetKind,
  decodeAccount,
  decodePool,
  encodeAccount,
  type Entry,
  MAX_ASSETS,
  newPool,
  type Pool,
  type PoolWords,
  SETTLEMENT,
} from "../words.ts";

/** As the governor set it; caps in token units, parts in basis points. */
export interface PoolConfig {
  readonly supplyCap: bigint;
  readonly borrowCap: bigint;
  readonly maxUtilisation: number;
  readonly reservedPart: number;
  readonly settlementPart: number;
  readonly reserveFactor: number;
  readonly depositsClosed: boolean;
  readonly borrowsClosed: boolean;
}

export interface Listing {
  readonly token: string;
  readonly decimals: number;
}

export interface Operator {
  readonly account: string;
  readonly operator: string;
  rights: number;
  expiry: number;
  receiversOnly: boolean;
  readonly receivers: Set<string>;
  /** Listed by an earlier grant and by this one not: they must be forgotten. */
  readonly former: Set<string>;
}

/** Says what is wrong; the fold adds where. */
export type Report = (id: FindingId, subject: string, message: string) => void;

export interface Totals {
  /** Σ positive shares of all accounts. */
  owned: bigint;
  /** Σ of what accounts owe, as a positive number. */
  owed: bigint;
}

/** An account without any event: no balance, standard model. */
export const EMPTY_WORDS: readonly bigint[] = encodeAccount([]);

export class SafeBook {
  readonly accounts = new Map<string, readonly bigint[]>();
  readonly pools = new Map<number, PoolWords>();
  readonly totals = new Map<number, Totals>();
  readonly listings = new Map<number, Listing>();
  readonly vaults = new Map<number, string>();
  readonly configs = new Map<number, PoolConfig>();
  readonly rateModels = new Map<number, string>();
  readonly caps = new Map<number, { cap: bigint; maxPart: number }>();
  readonly outflowLimits = new Map<number, { capacity: bigint; window: number }>();
  readonly pointers = new Map<string, string>();
  readonly operators = new Map<string, Operator>();
  readonly nonces = new Map<string, { owner: string; nonce: bigint }>();
  /** Cancelled without payment, by pool, token units. */
  readonly writtenOff = new Map<number, { assets: bigint; fromReserves: bigint }>();
  pause = { actions: 0, until: 0 };
  bids = 0;

  // of the transaction under way
  readonly touched = new Set<string>();
  readonly touchedAssets = new Set<number>();
  private readonly losses = new Map<number, bigint>();
  private cut = false;
  private bidWithLoss = false;

  constructor(private readonly report: Report) {}

  /** Account 0 of the insurance fund: the event of the pointer carries the owner alone, and the fund's account is its number 0. */
  get insurance(): string | undefined {
    const owner = this.pointers.get("insurance");
    return owner === undefined ? undefined : owner + "0".repeat(24);
  }

  pool(asset: number): Pool | undefined {
    const words = this.pools.get(asset);
    return words === undefined ? undefined : decodePool(words);
  }

  apply(event: SafeEvent, at: At): void {
    switch (event.kind) {
      case "AccountChanged":
        return this.change(event.account, event.words);
      case "PoolChanged":
        return this.changePool(event.asset, { supply: event.supply, debt: event.debt });
      case "DebtWrittenOff": {
        const sum = this.writtenOff.get(event.asset) ?? { assets: 0n, fromReserves: 0n };
        sum.assets += event.assets;
        sum.fromReserves += event.fromReserves;
        this.writtenOff.set(event.asset, sum);
        this.losses.set(event.asset, event.supplyIndex);
        this.cut = true;
        return;
      }
      case "BidTaken":
        this.bids += 1;
        if (event.writtenOff > 0n) this.judgeLoss(event.account);
        return;
      case "OperatorSet":
        return this.setOperator(event);
      case "NonceUsed":
        this.nonces.set(`${event.owner}:${event.nonce}`, { owner: event.owner, nonce: event.nonce });
        return;
      case "AssetListed":
        this.listings.set(event.asset, { token: event.token, decimals: event.decimals });
        if (assetKind(event.asset) === "pool") {
          this.pools.set(event.asset, newPool(BigInt(at.time ?? 0)));
          this.touchedAssets.add(event.asset);
        }
        return;
      case "VaultSet":
        this.vaults.set(event.asset, event.vault);
        return;
      case "PoolConfigured":
        this.configs.set(event.asset, event.config);
        return;
      case "RateModelSet":
        this.rateModels.set(event.asset, event.model);
        return;
      case "CollateralCapSet":
        this.caps.set(event.asset, { cap: event.cap, maxPart: event.maxPart });
        return;
      case "OutflowLimitSet":
        this.outflowLimits.set(event.asset, { capacity: event.capacity, window: event.window });
        return;
      case "SafePointerSet":
        this.pointers.set(event.what, event.target);
        return;
      case "Paused":
        this.pause = { actions: event.actions, until: event.until };
        return;
      case "ReservesCollected":
        return;
    }
  }

  // ---------------------------------------------------------------- accounts

  private change(account: string, words: readonly bigint[]): void {
    const before = decodeAccount(this.accounts.get(account) ?? EMPTY_WORDS);
    let after;
    try {
      after = decodeAccount(words);
    } catch (error) {
      this.report("events", `account ${account}`, error instanceof Error ? error.message : String(error));
      return;
    }
    for (const entry of before.entries) this.count(entry, -1n);
    const seen = new Set<number>();
    for (const entry of after.entries) {
      const { asset, shares } = entry;
      this.count(entry, 1n);
      if (shares === 0n) this.report("events", `account ${account}`, `holds nothing of asset ${asset} and lists it`);
      if (seen.has(asset)) this.report("events", `account ${account}`, `lists asset ${asset} twice`);
      if (!this.listings.has(asset))
        this.report("events", `account ${account}`, `has asset ${asset}, which is not listed`);
      if (shares < 0n && assetKind(asset) !== "pool") {
        this.report("events", `account ${account}`, `owes ${-shares} of asset ${asset}, which is never lent`);
      }
      seen.add(asset);
    }
    if (after.count > MAX_ASSETS) this.report("events", `account ${account}`, `has ${after.count} balances`);
    this.accounts.set(account, words);
    this.touched.add(account);
  }

  /** Takes an entry into the running sums (1) or out of them (−1). */
  private count({ asset, shares }: Entry, times: bigint): void {
    const totals = this.totals.get(asset) ?? { owned: 0n, owed: 0n };
    if (shares > 0n) totals.owned += times * shares;
    else totals.owed -= times * shares;
    this.totals.set(asset, totals);
    this.touchedAssets.add(asset);
  }

  // ---------------------------------------------------------------- pools

  /** V3, and that no more goes to lenders than borrowers are charged; judged word by word, against the words before. */
  private changePool(asset: number, words: PoolWords): void {
    const subject = `pool ${asset}`;
    const last = this.pools.get(asset);
    this.pools.set(asset, words);
    this.touchedAssets.add(asset);
    if (last === undefined) {
      this.report("events", subject, "changed before it was listed");
      return;
    }
    const [before, after] = [decodePool(last), decodePool(words)];
    const loss = this.losses.get(asset);
    this.losses.delete(asset);
    if (loss !== undefined && after.supplyIndex !== loss) {
      this.report("V3", subject, `a write-off left the supply index at ${loss}, its words say ${after.supplyIndex}`);
    }
    if (after.debtIndex < before.debtIndex) {
      this.report("V3", subject, `debt index fell from ${before.debtIndex} to ${after.debtIndex}`);
    }
    if (after.lastAccrual < before.lastAccrual) {
      this.report("V3", subject, `interest counted back from ${before.lastAccrual} to ${after.lastAccrual}`);
    }
    if (loss !== undefined) return;
    const [rise, charged] = [after.supplyIndex - before.supplyIndex, after.debtIndex - before.debtIndex];
    if (rise < 0n) {
      this.report(
        "V3",
        subject,
        `supply index fell from ${before.supplyIndex} to ${after.supplyIndex} without a write-off`,
      );
    } else if (after.lastAccrual === before.lastAccrual && (rise !== 0n || charged !== 0n)) {
      this.report("V3", subject, "an index moved while no time passed");
    } else if ((before.lenderShares + before.accountShares) * rise > before.debtShares * charged) {
      this.report("V1", subject, "lenders were credited more interest than borrowers were charged");
    }
  }

  /** L2: lenders bear a loss only after the fund has paid all that it had. */
  private judgeLoss(account: string): void {
    this.bidWithLoss = true;
    const fund = this.insurance;
    if (fund === undefined) return;
    const held = decodeAccount(this.accounts.get(fund) ?? EMPTY_WORDS).entries.find(
      ({ asset }) => asset === SETTLEMENT,
    );
    if (held === undefined || held.shares <= 0n) return;
    this.report("L2", `account ${account}`, `a loss was written off while the fund still had ${held.shares} shares`);
  }

  // ---------------------------------------------------------------- judged when a transaction ends

  /** V2 of what was touched. `lenders` says what holders of a pool's vault have together. */
  endTransaction(lenders: (pool: number) => bigint): void {
    if (this.cut && !this.bidWithLoss)
      this.report("L2", "write-off", "debt was written off without a bid that says so");
    for (const asset of this.touchedAssets) this.judgeShares(asset, lenders(asset));
    for (const [asset] of this.losses) this.report("events", `pool ${asset}`, "a write-off changed no pool");
    this.touched.clear();
    this.touchedAssets.clear();
    this.losses.clear();
    this.cut = this.bidWithLoss = false;
  }

  private judgeShares(asset: number, lent: bigint): void {
    const pool = this.pool(asset);
    if (pool === undefined) return;
    const { owned, owed } = this.totals.get(asset) ?? { owned: 0n, owed: 0n };
    const rows: [string, bigint, bigint][] = [
      ["accounts hold", owned, pool.accountShares],
      ["accounts owe", owed, pool.debtShares],
      ["vault holders have", lent, pool.lenderShares],
    ];
    for (const [what, sum, total] of rows) {
      if (sum !== total) this.report("V2", `pool ${asset}`, `${what} ${sum} shares, the pool says ${total}`);
    }
  }

  // ---------------------------------------------------------------- authority

  private setOperator(event: Extract<SafeEvent, { kind: "OperatorSet" }>): void {
    const key = `${event.account}:${event.operator}`;
    const last = this.operators.get(key);
    const receivers = new Set(event.receivers);
    const former = new Set(
      [...(last?.former ?? []), ...(last?.receivers ?? [])].filter((each) => !receivers.has(each)),
    );
    const { account, operator, rights, expiry, receiversOnly } = event;
    this.operators.set(key, { account, operator, rights, expiry, receiversOnly, receivers, former });
  }
}
