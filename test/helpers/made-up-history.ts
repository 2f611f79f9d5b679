// Histories that no chain has: a small model of the protocol that tells events and remembers what they should add up to.
import { encodePosition } from "../../sdk/instruments.ts";
import type { AuditEvent } from "../../audit/events.ts";
import { perpClearing } from "../../audit/books/ledger.ts";
import type { Placed } from "../../audit/history.ts";
import { encodeAccount, floorWad, INDEX_ONE, toAssetsDown, toAssetsUp, WAD } from "../../audit/words.ts";

export const SAFE = `0x${"5a".repeat(20)}`;
export const LEDGER = `0x${"1e".repeat(20)}`;
const FEED = `0x${"fe".repeat(20)}`;
const TOKENS = ["", `0x${"a1".repeat(20)}`, `0x${"a2".repeat(20)}`];
const VAULT = `0x${"7a".repeat(20)}`;
const NOBODY = `0x${"0".repeat(40)}`;
const PEOPLE = 5;
const PERP = 2;

/** One move: what, who, with whom, how much. */
export interface Move {
  readonly what: "deposit" | "borrow" | "lend" | "accrue" | "trade" | "poke" | "touch" | "writeOff";
  readonly who: number;
  readonly other: number;
  readonly amount: bigint;
}

const ownerAt = (i: number): string => `0x${(i + 0x10).toString(16).padStart(40, "c")}`;
export const accountAt = (i: number): string => ownerAt(i % PEOPLE) + "0".repeat(24);

interface PoolModel {
  lenders: bigint;
  owned: bigint;
  owed: bigint;
  supplyIndex: bigint;
  debtIndex: bigint;
  time: bigint;
}

interface TraderModel {
  quote: bigint;
  size: bigint;
  entry: bigint;
}

/** Tells the moves; those that would break a rule of the protocol are passed over. */
export class MadeUp {
  readonly history: Placed[] = [];
  readonly shares = new Map<string, Map<number, bigint>>();
  readonly traders = new Map<string, TraderModel>();
  readonly pools = new Map<number, PoolModel>();
  readonly lent = new Map<string, bigint>();
  readonly custody = new Map<number, bigint>();
  fundingIndex = 0n;
  fundingQuote = 0n;
  private block = 0;

  constructor(moves: readonly Move[]) {
    this.list();
    for (const move of moves) this.play(move);
  }

  private tell(...events: AuditEvent[]): void {
    this.block += 1;
    events.forEach((event, logIndex) => {
      this.history.push({
        event,
        at: { block: this.block, logIndex, transaction: `0x${this.block}`, time: 1_000 + this.block },
      });
    });
  }

  private list(): void {
    for (const asset of [1, PERP]) {
      this.tell({ kind: "AssetListed", asset, token: TOKENS[asset] ?? "", decimals: 6 });
      const time = BigInt(1_000 + this.block);
      this.pools.set(asset, { lenders: 0n, owned: 0n, owed: 0n, supplyIndex: INDEX_ONE, debtIndex: INDEX_ONE, time });
    }
    this.tell(
      { kind: "VaultSet", asset: 1, vault: VAULT },
      { kind: "AssetListed", asset: 2_049, token: VAULT, decimals: 6 },
      { kind: "LedgerPointerSet", what: "feed", target: FEED },
      { kind: "PremiumPosted", feed: FEED, underlying: PERP, timestamp: 1_000n },
      {
        kind: "PerpListed",
        underlying: PERP,
        terms: { clamp: WAD / 100n, maxPremiumAge: 3_600, openInterestCap: 10n ** 24n, risePerHour: 1_000 },
      },
    );
  }

  private pool(asset: number): PoolModel {
    const pool = this.pools.get(asset);
    if (pool === undefined) throw new Error(`no pool ${asset}`);
    return pool;
  }

  private poolChanged(asset: number): AuditEvent {
    const { lenders, owned, owed, supplyIndex, debtIndex, time } = this.pool(asset);
    const supply = lenders | (owned << 96n) | (supplyIndex << 192n);
    return { kind: "PoolChanged", asset, supply, debt: owed | (debtIndex << 96n) | (time << 160n) };
  }

  private accountChanged(account: string): AuditEvent {
    const entries = [...(this.shares.get(account) ?? [])].map(([asset, shares]) => ({ asset, shares }));
    const trader = this.traders.get(account);
    const flags = {
      hasPositions: trader !== undefined && (trader.size !== 0n || trader.quote < 0n),
      hasQuote: trader !== undefined && trader.quote !== 0n,
    };
    return { kind: "AccountChanged", account, cause: "Deposit", words: encodeAccount(entries, flags) };
  }

  private move(asset: number, amount: bigint): AuditEvent {
    this.custody.set(asset, (this.custody.get(asset) ?? 0n) + amount);
    return { kind: "TokenMoved", token: TOKENS[asset] ?? "", amount };
  }

  private cash(asset: number): bigint {
    const { lenders, owned, owed, supplyIndex, debtIndex } = this.pool(asset);
    return toAssetsDown(lenders + owned, supplyIndex) - toAssetsUp(owed, debtIndex);
  }

  private play({ what, who, other, amount }: Move): void {
    const account = accountAt(who);
    const asset = 1 + (other % 2);
    const pool = this.pool(asset);
    const balances = this.shares.get(account) ?? new Map<number, bigint>();
    const held = balances.get(asset) ?? 0n;
    switch (what) {
      case "deposit": {
        const minted = (amount * INDEX_ONE) / pool.supplyIndex;
        if (held < 0n || minted === 0n) return;
        pool.owned += minted;
        this.shares.set(account, balances.set(asset, held + minted));
        return this.tell(this.move(asset, amount), this.accountChanged(account), this.poolChanged(asset));
      }
      case "borrow": {
        const minted = (amount * INDEX_ONE + pool.debtIndex - 1n) / pool.debtIndex;
        if (held > 0n || amount === 0n || amount > this.cash(asset)) return;
        pool.owed += minted;
        this.shares.set(account, balances.set(asset, held - minted));
        return this.tell(this.move(asset, -amount), this.accountChanged(account), this.poolChanged(asset));
      }
      case "lend": {
        const vaultPool = this.pool(1);
        const minted = (amount * INDEX_ONE) / vaultPool.supplyIndex;
        vaultPool.lenders += minted;
        this.lent.set(ownerAt(who % PEOPLE), (this.lent.get(ownerAt(who % PEOPLE)) ?? 0n) + minted);
        const transfer: AuditEvent = {
          kind: "VaultTransfer",
          vault: VAULT,
          from: NOBODY,
          to: ownerAt(who % PEOPLE),
          value: minted,
        };
        return this.tell(this.move(1, amount), this.poolChanged(1), transfer);
      }
      case "accrue": {
        pool.time += 1n + (amount % 1_000n);
        const shares = pool.lenders + pool.owned;
        if (pool.owed > 0n && shares > 0n) {
          const rise = amount % (INDEX_ONE / 10n);
          pool.debtIndex += rise;
          pool.supplyIndex += (toAssetsDown(pool.owed, rise) * INDEX_ONE) / shares;
        }
        return this.tell(this.poolChanged(asset));
      }
      case "writeOff":
        return this.writeOff(account, asset, balances);
      case "poke": {
        this.fundingIndex += (amount % (10n * WAD)) - 5n * WAD;
        const [fundingRate, fundingIndex] = [amount % WAD, this.fundingIndex];
        return this.tell({
          kind: "FundingPoked",
          underlying: PERP,
          premium: 1n,
          index: WAD,
          fundingRate,
          fundingIndex,
        });
      }
      case "touch":
        return this.trade([account], 0n);
      case "trade": {
        const second = accountAt(who + 1 + (other % (PEOPLE - 1)));
        return this.trade([account, second], other % 3 === 0 ? -amount : amount);
      }
    }
  }

  private writeOff(account: string, asset: number, balances: Map<number, bigint>): void {
    const pool = this.pool(asset);
    const owed = -(balances.get(asset) ?? 0n);
    if (owed <= 0n) return;
    const lost = toAssetsDown(owed, pool.debtIndex);
    pool.owed -= owed;
    balances.delete(asset);
    const backing = (this.custody.get(asset) ?? 0n) + toAssetsDown(pool.owed, pool.debtIndex);
    const claims = toAssetsDown(pool.lenders + pool.owned, pool.supplyIndex);
    const fromLenders = claims > backing ? claims - backing : 0n;
    if (fromLenders > 0n) pool.supplyIndex = (backing * INDEX_ONE) / (pool.lenders + pool.owned) || 1n;
    const fromReserves = lost > fromLenders ? lost - fromLenders : 0n;
    this.tell(
      { kind: "DebtWrittenOff", asset, account, assets: lost, fromReserves, supplyIndex: pool.supplyIndex },
      this.poolChanged(asset),
      this.accountChanged(account),
      {
        kind: "BidTaken",
        ...{
          account,
          bidder: accountAt(1),
          fraction: WAD,
          price: 0n,
          fee: 0n,
          fromInsurance: 0n,
          writtenOff: lost || 1n,
        },
      },
    );
  }

  /** Books funding of all, then `size` from the second to the first at a price of two. */
  private trade(accounts: readonly string[], size: bigint): void {
    const events: AuditEvent[] = [];
    accounts.forEach((account, i) => {
      const trader = this.traders.get(account) ?? { quote: 0n, size: 0n, entry: this.fundingIndex };
      const booked = floorWad(-trader.size * (this.fundingIndex - trader.entry));
      trader.quote += booked;
      this.fundingQuote -= booked;
      if (accounts.length === 2) {
        trader.size += i === 0 ? size : -size;
        trader.quote += i === 0 ? -2n * size : 2n * size;
      }
      trader.entry = this.fundingIndex;
      this.traders.set(account, trader);
      const word = encodePosition({
        instrument: { kind: "perp", underlying: PERP },
        size: trader.size,
        fundingIndex: trader.entry,
      });
      const cause = accounts.length === 2 ? "Fill" : "Touch";
      events.push(
        { kind: "LedgerChanged", account, cause, quote: trader.quote, changed: [word] },
        this.accountChanged(account),
      );
    });
    const clearing = perpClearing(LEDGER, PERP);
    this.tell(...events, {
      kind: "LedgerChanged",
      account: clearing,
      cause: "Clearing",
      quote: this.fundingQuote,
      changed: [],
    });
  }
}
