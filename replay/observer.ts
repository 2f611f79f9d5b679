// Looks at the chain between transactions: events since the last look, and the state at one block.
import { type Log, ZeroAddress } from "ethers";

import { decodeWords } from "../keeper/words.ts";
import type { IMarginLens } from "../types/ethers-contracts/index.js";
import { SETTLEMENT } from "../scripts/lib/ids.ts";
import type { LedgerBook } from "./derivatives/ledgerBook.ts";
import { type AccountFacts, type BidFacts, type PoolFacts, type Snapshot, type WriteOffFacts } from "./invariants.ts";
import { type Stage, type Symbol, SYMBOLS } from "./stage.ts";

export interface Health {
  readonly account: string;
  readonly priced: boolean;
  readonly inAuction: boolean;
  readonly pending: boolean;
  readonly maintenance: bigint;
  readonly mtm: bigint;
}

/** What the summary wants of a bid beyond what the invariants look at. */
export interface SeenBid extends BidFacts {
  readonly time: number;
  readonly hash: string;
  readonly fee: bigint;
  /** Shares of debt that the account lost, by asset. */
  readonly debtShares: ReadonlyMap<number, bigint>;
  readonly profit: bigint;
}

export interface View {
  readonly snapshot: Snapshot;
  readonly time: number;
  readonly healths: readonly Health[];
  readonly bids: readonly SeenBid[];
  readonly insurance: bigint;
  readonly auctionsStarted: number;
  readonly auctionsEnded: number;
}

/** A bid as its transaction's events tell it. */
interface BidEvents {
  readonly account: string;
  readonly block: number;
  readonly hash: string;
  readonly time: number;
  readonly debtShares: Map<number, bigint>;
  terms: { fraction: bigint; maxFraction: bigint; discountFactor: bigint; reserved: bigint };
  taken: { price: bigint; fee: bigint; fromInsurance: bigint; writtenOff: bigint };
  profit: bigint;
  /** Before the bid. */
  readonly hasLedger: boolean;
}

/** What the logs between two looks said. */
interface News {
  readonly bids: Map<string, BidEvents>;
  readonly writeOffs: WriteOffFacts[];
  readonly changed: Set<string>;
  started: number;
  ended: number;
}

const noNews = (): News => ({ bids: new Map(), writeOffs: [], changed: new Set(), started: 0, ended: 0 });

/** Accounts weighed in one call. */
const WEIGHED_AT_ONCE = 250;

const TAKEN = 7n; // Cause.AuctionTaken

export class Observer {
  private next = 0;
  private readonly words = new Map<string, bigint[]>();
  /** Token → holder → balance, from every transfer since the chain began. */
  private readonly balances = new Map<string, Map<string, bigint>>();
  private readonly watched: { symbol: string; token: string }[];
  private readonly keepers: { holder: string; address: string }[];
  /** Since the last look. */
  private news = noNews();
  /** As last seen. */
  private readonly healths = new Map<string, Health>();
  private insuranceAccount = "";
  private insuranceShare = 0n;

  private constructor(
    private readonly stage: Stage,
    /** Perps and options, fed by what is read here. */
    private readonly ledger: LedgerBook,
  ) {
    const { listed, deployment } = stage;
    this.watched = SYMBOLS.flatMap((symbol) => [
      { symbol, token: listed[symbol].token.toLowerCase() },
      { symbol: `p${symbol}`, token: listed[symbol].vault.toLowerCase() },
    ]);
    const { leverageRouter, swapAdapter, liquidationUnwinder } = deployment.contracts;
    this.keepers = Object.entries({ leverageRouter, swapAdapter, liquidationUnwinder }).map(([holder, address]) => ({
      holder,
      address: address.toLowerCase(),
    }));
    for (const { token } of this.watched) this.balances.set(token, new Map());
  }

  static async create(stage: Stage, ledger: LedgerBook): Promise<Observer> {
    const observer = new Observer(stage, ledger);
    [observer.insuranceAccount, { q: observer.insuranceShare }] = await Promise.all([
      stage.safe.insurance(),
      stage.auction.parameters(),
    ]);
    return observer;
  }

  /** Accounts that have ever changed. */
  get accounts(): string[] {
    return [...this.words.keys()];
  }

  /** How the events since the last look say that the account stands. */
  entriesOf(account: string): AccountFacts["entries"] {
    return decodeWords(this.words.get(account) ?? []).entries;
  }

  /** Reads the events up to block `number`; what they say waits for the next look. Returns the block's time. */
  async follow(number: number): Promise<number> {
    const [logs, block] = await Promise.all([this.logsTo(number), this.stage.provider.getBlock(number)]);
    const time = block?.timestamp ?? 0;
    this.read(logs, time, this.news);
    return time;
  }

  /**
   * Everything at block `number`. `openings` are checked against it. Where no price has moved, `only` says which accounts are
   * worth weighing again: the others, if they did not change, stand as they were seen last, but for a little interest.
   */
  async look(
    number: number,
    openings: readonly { name: string; account: string }[] = [],
    only?: ReadonlySet<string>,
  ): Promise<View> {
    const { stage } = this;
    const at = { blockTag: number };
    const time = await this.follow(number);
    const { news } = this;
    this.news = noNews();
    const [healths, pools, supplies, insurance, initials] = await Promise.all([
      this.healthsAt(number, only, news.changed),
      Promise.all(SYMBOLS.map((symbol) => stage.safe.poolState(stage.listed[symbol].asset, at))),
      Promise.all(SYMBOLS.flatMap((s) => [stage.tokens[s].totalSupply(at), stage.vaults[s].totalSupply(at)])),
      stage.safe.balanceOf(this.insuranceAccount, SETTLEMENT, at),
      Promise.all(openings.map(({ account }) => stage.lens.accountView(account, at))),
    ]);
    const bids = await Promise.all([...news.bids.values()].map((bid) => this.completed(bid)));
    const pending = new Map(healths.map((health) => [health.account, health.pending]));
    const snapshot: Snapshot = {
      block: number,
      pools: SYMBOLS.map((symbol, i): PoolFacts => this.poolFacts(symbol, pools[i])),
      accounts: this.accounts.map((account) => ({
        account,
        entries: this.entriesOf(account),
        pending: pending.get(account) ?? false,
      })),
      tokens: this.watched.map(({ symbol, token }, i) => {
        const held = [...(this.balances.get(token)?.values() ?? [])];
        return {
          symbol,
          supply: supplies[i] ?? 0n,
          held: held.reduce((a, b) => a + b, 0n),
          least: held.reduce((a, b) => (a < b ? a : b), 0n),
        };
      }),
      leftovers: this.keepers.flatMap(({ holder, address }) =>
        this.watched.map(({ symbol, token }) => ({ holder, symbol, amount: this.heldBy(token, address) })),
      ),
      bids,
      writeOffs: news.writeOffs,
      openings: openings.map(({ name }, i) => ({ name, initial: initials[i]?.initial ?? 0n })),
      insuranceShare: this.insuranceShare,
      ledger: this.ledger.facts(),
    };
    return { snapshot, time, healths, bids, insurance, auctionsStarted: news.started, auctionsEnded: news.ended };
  }

  async healthOf(accounts: readonly string[], number: number): Promise<Health[]> {
    const chunks: string[][] = [];
    for (let i = 0; i < accounts.length; i += WEIGHED_AT_ONCE) chunks.push(accounts.slice(i, i + WEIGHED_AT_ONCE));
    const healths: IMarginLens.HealthStructOutput[] = (
      await Promise.all(chunks.map((chunk) => this.stage.lens.healthOf(chunk, { blockTag: number })))
    ).flat();
    return healths.map(({ account, priced, inAuction, pending, maintenance, mtm }) => ({
      account,
      priced,
      inAuction,
      pending,
      maintenance,
      mtm,
    }));
  }

  private async healthsAt(
    number: number,
    only: ReadonlySet<string> | undefined,
    changed: ReadonlySet<string>,
  ): Promise<Health[]> {
    const due = this.accounts.filter(
      (account) => only === undefined || only.has(account) || changed.has(account) || !this.healths.has(account),
    );
    for (const health of await this.healthOf(due, number)) this.healths.set(health.account, health);
    return this.accounts.map((account) => this.healths.get(account)).filter((health) => health !== undefined);
  }

  /** Where the events' story and the chain's storage differ, as far as it was read. Slow: a call for every account and holder. */
  async audit(): Promise<string[]> {
    const { stage } = this;
    const number = this.next - 1;
    const at = { blockTag: number };
    const stored = await Promise.all(this.accounts.map((account) => stage.safe.words(account, at)));
    const accounts = this.accounts.filter((account, i) => String(this.words.get(account)) !== String(stored[i]));
    const holders = SYMBOLS.flatMap((symbol) =>
      [...(this.balances.get(stage.listed[symbol].token.toLowerCase()) ?? [])].map(([holder, amount]) => ({
        symbol,
        holder,
        amount,
      })),
    );
    const balances = await Promise.all(holders.map(({ symbol, holder }) => stage.tokens[symbol].balanceOf(holder, at)));
    return [
      ...accounts.map((account) => `${account}: storage differs from its last event`),
      ...holders
        .filter(({ amount }, i) => amount !== balances[i])
        .map(({ symbol, holder }) => `${holder}: ${symbol} balance differs from its transfers`),
      ...(await this.ledger.audit(number)),
    ];
  }

  // ------------------------------------------------------------------ events

  private async logsTo(number: number): Promise<Log[]> {
    const fromBlock = this.next;
    if (number < fromBlock) return [];
    this.next = number + 1;
    return this.stage.provider.getLogs({ fromBlock, toBlock: number });
  }

  private read(logs: readonly Log[], time: number, news: News): void {
    const { unwinder, deployment } = this.stage;
    const { contracts } = deployment;
    const [ledgerAddress, safeAddress, auctionAddress, unwinderAddress] = [
      this.ledger.address.toLowerCase(),
      contracts.safe.toLowerCase(),
      contracts.auction.toLowerCase(),
      contracts.liquidationUnwinder.toLowerCase(),
    ];
    for (const log of logs) {
      const address = log.address.toLowerCase();
      if (this.balances.has(address)) this.readTransfer(address, log);
      else if (address === safeAddress) this.readSafe(log, time, news);
      else if (address === ledgerAddress) this.ledger.read(log);
      else if (address === auctionAddress) this.readAuction(log, time, news);
      else if (address === unwinderAddress) {
        const event = unwinder.interface.parseLog(log);
        if (event?.name === "Unwound")
          this.bidOf(news, log, String(event.args[0]), time).profit = event.args[4] as bigint;
      }
    }
  }

  private readTransfer(token: string, log: Log): void {
    const event = this.stage.tokens.USDC.interface.parseLog(log);
    const held = this.balances.get(token);
    if (event?.name !== "Transfer" || held === undefined) return;
    const [from, to, value] = event.args as unknown as [string, string, bigint];
    const move = (who: string, change: bigint) => {
      if (who !== ZeroAddress) held.set(who.toLowerCase(), (held.get(who.toLowerCase()) ?? 0n) + change);
    };
    move(from, -value);
    move(to, value);
  }

  private readSafe(log: Log, time: number, news: News): void {
    const event = this.stage.safe.interface.parseLog(log);
    if (event?.name === "AccountChanged") {
      const [account, cause, words] = event.args as unknown as [string, bigint, readonly bigint[]];
      if (cause === TAKEN) this.noteDebts(this.bidOf(news, log, account, time), this.words.get(account) ?? [], words);
      this.words.set(account, [...words]);
      news.changed.add(account);
    } else if (event?.name === "BidTaken") {
      const [account, , , price, fee, fromInsurance, writtenOff] = event.args as unknown as [
        ...[string, string, bigint],
        ...[bigint, bigint, bigint, bigint],
      ];
      this.bidOf(news, log, account, time).taken = { price, fee, fromInsurance, writtenOff };
    } else if (event?.name === "DebtWrittenOff") {
      const [asset, account, assets] = event.args as unknown as [bigint, string, bigint];
      news.writeOffs.push({ asset: Number(asset), account, assets, block: log.blockNumber });
    }
  }

  private readAuction(log: Log, time: number, news: News): void {
    const event = this.stage.auction.interface.parseLog(log);
    if (event?.name === "AuctionStarted") news.started += 1;
    else if (event?.name === "AuctionEnded") news.ended += 1;
    else if (event?.name === "AuctionBid") {
      const [account, fraction, , discountFactor, maxFraction, reserved] = event.args as unknown as [
        string,
        ...[bigint, bigint, bigint, bigint, bigint],
      ];
      this.bidOf(news, log, account, time).terms = { fraction, maxFraction, discountFactor, reserved };
    }
  }

  /** All events of one transaction about one account are one bid. */
  private bidOf(news: News, log: Log, account: string, time: number): BidEvents {
    const key = `${log.transactionHash}:${account}`;
    const known = news.bids.get(key);
    if (known !== undefined) return known;
    const bid: BidEvents = {
      account,
      block: log.blockNumber,
      hash: log.transactionHash,
      time,
      debtShares: new Map(),
      terms: { fraction: 0n, maxFraction: 0n, discountFactor: 0n, reserved: 0n },
      taken: { price: 0n, fee: 0n, fromInsurance: 0n, writtenOff: 0n },
      profit: 0n,
      hasLedger: decodeWords(this.words.get(account) ?? []).hasLedger,
    };
    news.bids.set(key, bid);
    return bid;
  }

  private noteDebts(bid: BidEvents, before: readonly bigint[], after: readonly bigint[]): void {
    const owed = (words: readonly bigint[], asset: number): bigint => {
      const shares = decodeWords(words).entries.find((entry) => entry.asset === asset)?.shares ?? 0n;
      return shares < 0n ? -shares : 0n;
    };
    for (const { asset } of decodeWords(before).entries) {
      const less = owed(before, asset) - owed(after, asset);
      if (less > 0n) bid.debtShares.set(asset, less);
    }
  }

  /** Adds how the account stood around the bid, from the states of the chain before and after its block. */
  private async completed({ terms, taken, ...bid }: BidEvents): Promise<SeenBid> {
    const [[before], [after], fundAfter] = await Promise.all([
      this.healthOf([bid.account], bid.block - 1),
      this.healthOf([bid.account], bid.block),
      this.stage.safe.balanceOf(this.insuranceAccount, SETTLEMENT, { blockTag: bid.block }),
    ]);
    if (before === undefined || after === undefined) throw new Error(`${bid.account} cannot be read`);
    return { ...bid, ...terms, ...taken, before, after, fundAfter };
  }

  // ------------------------------------------------------------------ state

  private heldBy(token: string, holder: string): bigint {
    return this.balances.get(token)?.get(holder) ?? 0n;
  }

  private poolFacts(symbol: Symbol, state: Awaited<ReturnType<Stage["safe"]["poolState"]>> | undefined): PoolFacts {
    if (state === undefined) throw new Error(`no pool of ${symbol}`);
    const { asset, shareAsset, token, vault } = this.stage.listed[symbol];
    const safe = this.stage.deployment.contracts.safe.toLowerCase();
    const { claims, debts, lenderShares, accountShares, debtShares, supplyIndex, debtIndex } = state;
    return {
      symbol,
      asset,
      shareAsset,
      held: this.heldBy(token.toLowerCase(), safe),
      ...{ claims, debts, lenderShares, accountShares, debtShares, supplyIndex, debtIndex },
      vaultHoldings: [...(this.balances.get(vault.toLowerCase())?.values() ?? [])].reduce((a, b) => a + b, 0n),
      vaultCollateral: this.heldBy(vault.toLowerCase(), safe),
    };
  }
}
