// The whole protocol from its events alone. A pure function of a sequence of events: no chain, no clock, so tests can feed it
// histories that no chain has. Memory grows with what there is (accounts, positions, holders), not with what happened.
import { instrumentName, type Symbols } from "../sdk/instruments.ts";
import { LedgerBook } from "./books/ledger.ts";
import { EMPTY_WORDS, SafeBook } from "./books/safe.ts";
import { TokenBook } from "./books/tokens.ts";
import type { At, AuditEvent } from "./events.ts";
import { type FindingId, Findings } from "./findings.ts";
import { assetKind, assetNumber, claimsOf, debtsOf, decodeAccount, ownerOf, vaultShareOf } from "./words.ts";

export interface FoldSetting {
  /** Addresses in lower case. */
  readonly safe: string;
  readonly ledger: string;
  /** Names of underlyings, for findings. */
  readonly symbols?: Symbols;
  /** What the safe's address held of a token before the first event. */
  readonly opening?: ReadonlyMap<string, bigint>;
}

export class Fold {
  readonly findings = new Findings();
  readonly safe: SafeBook;
  readonly ledger: LedgerBook;
  readonly tokens: TokenBook;
  events = 0;
  transactions = 0;
  private at: At | undefined;

  constructor(readonly setting: FoldSetting) {
    const report = (id: FindingId, subject: string, message: string) => this.report(id, subject, message);
    this.safe = new SafeBook(report);
    this.ledger = new LedgerBook(setting.ledger, report);
    this.tokens = new TokenBook(report, setting.opening);
  }

  private report(id: FindingId, subject: string, message: string): void {
    const { at } = this;
    this.findings.add({
      id,
      subject,
      message,
      ...(at !== undefined && { block: at.block, transaction: at.transaction }),
    });
  }

  /** The next event of the history. One of an earlier place is a finding, for what it would undo. */
  apply(event: AuditEvent, at: At): void {
    const last = this.at;
    if (last !== undefined && last.transaction !== at.transaction) this.endTransaction();
    this.at = at;
    if (last !== undefined && (at.block < last.block || (at.block === last.block && at.logIndex <= last.logIndex))) {
      this.report("events", "history", `event ${at.logIndex} follows event ${last.logIndex} of block ${last.block}`);
    }
    this.events += 1;
    switch (event.kind) {
      case "VaultTransfer":
      case "TokenMoved":
        return this.tokens.apply(event);
      case "LedgerChanged":
      case "UnsettledPaid":
      case "FundingPoked":
      case "ExpirySettled":
      case "OpenInterestCheckpointed":
      case "LowerOpenInterestSeen":
      case "PerpListed":
      case "PerpConfigured":
      case "PerpFrozen":
      case "PerpClosed":
      case "ExpiryListed":
      case "ExpiryConfigured":
      case "OptionListed":
      case "LedgerPointerSet":
      case "FeeReceiverSet":
      case "FeesSwept":
      case "PaidFromFees":
      case "PremiumPosted":
        return this.ledger.apply(event, at);
      case "AccountChanged":
      case "PoolChanged":
      case "DebtWrittenOff":
      case "BidTaken":
      case "OperatorSet":
      case "NonceUsed":
      case "AssetListed":
      case "VaultSet":
      case "PoolConfigured":
      case "RateModelSet":
      case "CollateralCapSet":
      case "OutflowLimitSet":
      case "SafePointerSet":
      case "Paused":
      case "ReservesCollected":
        return this.safe.apply(event, at);
    }
  }

  /** Ends the last transaction. Call it once, when there are no more events. */
  finish(): void {
    if (this.at !== undefined) this.endTransaction();
    this.at = undefined;
  }

  // ---------------------------------------------------------------- what a transaction must leave behind

  private endTransaction(): void {
    this.transactions += 1;
    const { safe, ledger, tokens } = this;
    for (const asset of this.movedAssets()) safe.touchedAssets.add(asset);
    for (const asset of safe.touchedAssets) this.judgeCustody(asset);
    for (const account of new Set([...safe.touched, ...ledger.touched])) this.judgeFlags(account);
    safe.endTransaction((pool) => tokens.supplyOf(safe.vaults.get(pool)));
    ledger.endTransaction((instrument) => this.instrumentName(instrument));
    tokens.touched.clear();
  }

  instrumentName(instrument: bigint): string {
    return instrumentName(instrument, this.setting.symbols ?? {});
  }

  /** Pools and idle assets whose tokens moved, pools whose vault shares did, and those shares. */
  private *movedAssets(): Generator<number> {
    const { listings, vaults } = this.safe;
    if (this.tokens.touched.size === 0) return;
    for (const [asset, { token }] of listings) if (this.tokens.touched.has(token)) yield asset;
    for (const [pool, vault] of vaults) if (this.tokens.touched.has(vault)) yield pool;
  }

  /** What the safe holds of an asset: tokens, or its own shares of a vault. */
  custodyOf(asset: number): bigint {
    const listing = this.safe.listings.get(asset);
    if (listing === undefined) return 0n;
    return assetKind(asset) === "vault share"
      ? this.tokens.sharesOf(listing.token, this.setting.safe)
      : (this.tokens.custody.get(listing.token) ?? 0n);
  }

  /** V1: what the safe holds and is owed covers what it owes. */
  private judgeCustody(asset: number): void {
    if (!this.safe.listings.has(asset)) return;
    const held = this.custodyOf(asset);
    const pool = this.safe.pool(asset);
    const owed = pool === undefined ? (this.safe.totals.get(asset)?.owned ?? 0n) : claimsOf(pool);
    const due = pool === undefined ? 0n : debtsOf(pool);
    if (held + due >= owed) return;
    this.report(
      "V1",
      `${assetKind(asset)} ${assetNumber(asset)}`,
      `holds ${held} and is owed ${due}, but owes ${owed}`,
    );
  }

  /** The safe must know of whom the ledger has to be asked, or a debt there would go unseen (A3 the other way round). */
  private judgeFlags(account: string): void {
    if (ownerOf(account) === this.setting.ledger) return;
    const { hasPositions, hasQuote } = decodeAccount(this.safe.accounts.get(account) ?? EMPTY_WORDS);
    const held = this.ledger.accounts.get(account);
    const quote = held?.quote ?? 0n;
    const owing = (held?.positions.size ?? 0) > 0 || quote < 0n;
    if (owing === hasPositions && (quote !== 0n) === hasQuote) return;
    const said = `says positions ${String(hasPositions)}, quote ${String(hasQuote)}`;
    this.report(
      "A3",
      `account ${account}`,
      `the safe ${said}; in the ledger it has ${held?.positions.size ?? 0} and ${quote}`,
    );
  }
}

/** The vault share of each pool that has a vault, as an asset. */
export const vaultShares = ({ safe }: Fold): number[] => [...safe.vaults.keys()].map(vaultShareOf);
