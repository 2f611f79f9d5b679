// Replays prices as Chainlink rounds, one block each, and lets keeper and traders act in between.
import type { TransactionReceipt } from "ethers";

import { indexAt, type PricePoint } from "../../replay/candles.ts";
import type { Floor, Hands, Opened } from "../../replay/derivatives/floor.ts";
import { type Violation, violations } from "../../replay/invariants.ts";
import type { Head, KeeperProcess } from "../../replay/keeper.ts";
import type { Observer, SeenBid, View } from "../../replay/observer.ts";
import { prepareOpening, topUp, type Trader } from "../../replay/opening.ts";
import type { DerivativesRecord } from "../../replay/derivatives/record.ts";
import { Recorder } from "./recorder.ts";
import type { Actor, Intent, Ledger } from "../../replay/sender.ts";
import { arbitrage, COINS, type Prices, pricesOf, round, type Stage, SYMBOLS } from "../../replay/stage.ts";

export interface Crew {
  /** Writes the oracle's rounds. */
  readonly oracle: Actor;
  readonly arbitrageur: Actor;
  readonly traders: readonly Trader[];
}

export interface ReplayTools {
  readonly stage: Stage;
  readonly ledger: Ledger;
  readonly keeper: KeeperProcess;
  readonly observer: Observer;
  readonly crew: Crew;
  readonly openFloor: (hands: Hands) => Promise<Floor>;
  readonly stopped: AbortSignal;
  readonly onStep: (done: number, recorder: Recorder) => void;
}

/** Pools nearer to the index than their own fee are left alone: nobody would earn by moving them. */
const TOLERANCE = 0.0005;
const KEEPER_TIMEOUT_MS = 30_000;
/** The stablecoin's feed moves once in a while only; well within its heartbeat. */
const USDC_EVERY_S = 12 * 3600;
/** While auctions run, the time between two rounds passes in steps of this. */
const AUCTION_STEP_S = 180;
const MOST_AUCTION_STEPS = 3;
/** Equity below which nobody is waited for: its auction does not pay anybody's gas. */
const DUST = 50n * 10n ** 18n;
const OPENINGS_PER_BLOCK = 5;
/** Rounds between two audits of events against storage. */
const AUDIT_EVERY = 60;
/** A vigilant owner acts when his margin is down to this part of his equity, and adds this part of what he began with. */
const NEAR_MAINTENANCE = 0.35;
const TOP_UP = 0.5;

export interface ReplayResult {
  readonly recorder: Recorder;
  readonly derivatives: DerivativesRecord;
  readonly violations: readonly Violation[];
  readonly bids: readonly SeenBid[];
  /** Times that the keeper was not waited for any longer. */
  readonly keeperLate: number;
}

export class Replay {
  readonly recorder: Recorder;
  private readonly found: Violation[] = [];
  private readonly bids: SeenBid[] = [];
  private readonly toppedUp = new Set<Trader>();
  private floor: Floor | undefined;
  private last: View | undefined;
  private keeperLate = 0;
  private usdcRoundAt = 0;
  private time = 0;

  constructor(private readonly tools: ReplayTools) {
    this.recorder = new Recorder(tools.crew.traders);
  }

  async run(points: readonly PricePoint[]): Promise<ReplayResult> {
    const floor = await this.tools.openFloor({ mine: (intents) => this.mine(intents), now: () => this.time });
    this.floor = floor;
    try {
      await this.through(points, floor);
    } finally {
      floor.close();
    }
    return {
      recorder: this.recorder,
      derivatives: floor.results(),
      violations: this.found,
      bids: this.bids,
      keeperLate: this.keeperLate,
    };
  }

  private async through(points: readonly PricePoint[], floor: Floor): Promise<void> {
    const { stopped, crew, onStep } = this.tools;
    for (const [i, point] of points.entries()) {
      if (stopped.aborted) return;
      await this.step(i, point, points[i + 1]?.time, floor);
      const due = crew.traders.filter(({ role }) => indexAt(points, role.opensAt) === i);
      // A person's second account later than the first: nonces of permits are read before the block.
      for (const index of [0, 1])
        await this.open(
          due.filter(({ role }) => role.index === index),
          pricesOf(point),
        );
      await this.watch(pricesOf(point));
      await this.trade(i, point, floor, i === points.length - 1);
      if (i % AUDIT_EVERY === 0 || i === points.length - 1) await this.audit();
      onStep(i + 1, this.recorder);
    }
  }

  /** What the traders of perps and options do after a price. */
  private async trade(i: number, point: PricePoint, floor: Floor, isLast: boolean): Promise<void> {
    const prices = pricesOf(point);
    const opened = await floor.act(i, point);
    if (isLast) await floor.finish(prices);
    // What they did otherwise is looked at with the next price.
    if (opened.length > 0) await this.look(await this.tools.stage.provider.getBlockNumber(), prices, opened);
    if (opened.length > 0 || isLast) await this.lookAndSettle(prices);
  }

  /** A round, and the auctions that run until the next one. */
  private async step(i: number, point: PricePoint, next: number | undefined, floor: Floor): Promise<void> {
    const prices = pricesOf(point);
    const time = Math.max(point.time, this.time + 1);
    await this.block(
      [
        ...(await this.rounds(prices, point.time)),
        ...(await floor.news(i, point, time)),
        ...(await this.arbitrages(prices)),
      ],
      time,
    );
    let view = await this.relieved(prices, floor);
    for (let k = 0; k < MOST_AUCTION_STEPS && isBusy(view); ++k) {
      if (next !== undefined && this.time + 2 * AUCTION_STEP_S > next) break;
      await this.block(await this.arbitrages(prices), this.time + AUCTION_STEP_S);
      view = await this.relieved(prices, floor);
    }
  }

  /** Lets the keeper act, then the desk that bids on accounts with perps and options. */
  private async relieved(prices: Prices, floor: Floor): Promise<View> {
    const view = await this.lookAndSettle(prices);
    return (await floor.relieve(view, prices)) ? this.lookAndSettle(prices) : view;
  }

  /** For the floor: into one block, and its events read. */
  private async mine(intents: readonly Intent[]): Promise<TransactionReceipt[]> {
    const { ledger, observer } = this.tools;
    const receipts = await ledger.block(intents);
    const number = receipts[0]?.blockNumber;
    if (number !== undefined) this.time = Math.max(this.time, await observer.follow(number));
    return receipts;
  }

  private async rounds(prices: Prices, time: number): Promise<Intent[]> {
    const { stage, crew } = this.tools;
    const isDue = time - this.usdcRoundAt >= USDC_EVERY_S;
    if (isDue) this.usdcRoundAt = time;
    const symbols = SYMBOLS.filter((symbol) => symbol !== "USDC" || isDue);
    return Promise.all(
      symbols.map(async (symbol) => ({
        by: crew.oracle,
        what: `publish a price of ${symbol}`,
        tx: await round(stage, symbol, prices[symbol]),
      })),
    );
  }

  private async arbitrages(prices: Prices): Promise<Intent[]> {
    const { stage, crew } = this.tools;
    const by = crew.arbitrageur;
    const trades = await Promise.all(
      COINS.map(async (coin): Promise<Intent[]> => {
        const tx = await arbitrage(stage, coin, prices[coin], by.address, TOLERANCE);
        return tx === undefined ? [] : [{ by, what: `arbitrage ${coin}`, tx }];
      }),
    );
    return trades.flat();
  }

  private async block(intents: readonly Intent[], time?: number): Promise<TransactionReceipt[]> {
    const earliest = time === undefined ? undefined : Math.max(time, this.time + 1);
    const receipts = await this.tools.ledger.block(intents, earliest);
    if (earliest !== undefined) this.time = earliest;
    return receipts;
  }

  /** How things stand right after the block, and once the keeper has done what it wanted. */
  private async lookAndSettle(prices: Prices): Promise<View> {
    const { keeper, ledger, observer, stage } = this.tools;
    const headNow = () => stage.provider.getBlockNumber();
    const number = await headNow();
    const viewing = this.look(number, prices);
    const look = async (): Promise<Head> => {
      const head = await headNow();
      const healths = head === number ? (await viewing).healths : await observer.healthOf(observer.accounts, head);
      return { number: head, unhealthy: healths.filter(({ priced, maintenance }) => priced && maintenance < 0n) };
    };
    const [view, settled] = await Promise.all([
      viewing,
      keeper.settled(look, () => ledger.block([]), KEEPER_TIMEOUT_MS),
    ]);
    if (!settled) this.keeperLate += 1;
    const head = await headNow();
    return head === number ? view : this.look(head, prices);
  }

  private async look(number: number, prices: Prices, openings: readonly Opened[] = []): Promise<View> {
    const view = await this.tools.observer.look(number, openings);
    this.found.push(...violations(view.snapshot, this.last?.snapshot));
    this.bids.push(...view.bids);
    this.last = view;
    this.time = Math.max(this.time, view.time);
    this.recorder.note(view, prices);
    this.floor?.record.note(view);
    return view;
  }

  private async open(traders: readonly Trader[], prices: Prices): Promise<void> {
    if (traders.length === 0) return;
    const { stage, stopped } = this.tools;
    for (let i = 0; i < traders.length && !stopped.aborted; i += OPENINGS_PER_BLOCK) {
      const some = traders.slice(i, i + OPENINGS_PER_BLOCK);
      const plans = await Promise.all(some.map((trader) => prepareOpening(stage, trader, prices)));
      await this.block(plans.flatMap(({ preparations }) => preparations));
      const arbitrages = await this.arbitrages(prices);
      const receipts = await this.block([...arbitrages, ...plans.map(({ opening }) => opening)]);
      const opened = some.filter((_, k) => receipts[arbitrages.length + k]?.status === 1);
      this.recorder.refused += some.length - opened.length;
      const named = opened.map(({ role, account }) => ({ name: role.name, account }));
      await this.look(await stage.provider.getBlockNumber(), prices, named);
    }
    this.recorder.isDrawing = true;
    await this.lookAndSettle(prices);
  }

  /** Owners who look after their accounts. */
  private async watch(prices: Prices): Promise<void> {
    const { crew, stage } = this.tools;
    const isNear = ({ role, account }: Trader): boolean => {
      const health = this.last?.healths.find((each) => each.account === account);
      if (!role.vigilant || health === undefined || health.mtm <= 0n || health.maintenance < 0n) return false;
      return Number(health.maintenance) / Number(health.mtm) < NEAR_MAINTENANCE;
    };
    const worried = crew.traders.filter((trader) => !this.toppedUp.has(trader) && isNear(trader));
    if (worried.length === 0) return;
    for (const trader of worried) this.toppedUp.add(trader);
    const intents = await Promise.all(worried.map((trader) => topUp(stage, trader, trader.role.equity * TOP_UP)));
    await this.block(intents.flat());
    await this.lookAndSettle(prices);
    this.recorder.toppedUp += worried.length;
  }

  private async audit(): Promise<void> {
    const block = this.last?.snapshot.block ?? 0;
    const wrongs = await this.tools.observer.audit();
    this.found.push(...wrongs.map((message): Violation => ({ id: "tokens", block, message })));
  }
}

const isBusy = ({ healths }: View): boolean =>
  healths.some(({ priced, maintenance, mtm }) => priced && maintenance < 0n && (mtm > DUST || mtm < 0n));
