// A run on the chain: prices as Chainlink rounds, blocks of twelve seconds while accounts are below maintenance, faults at
// their times, keepers that act on their own in between.
import type { TransactionReceipt } from "ethers";

import { indexAt, type PricePoint } from "../replay/candles.ts";
import type { Floor, Hands, Opened } from "../replay/derivatives/floor.ts";
import { type Violation, violations } from "../replay/invariants.ts";
import type { Head } from "../replay/keeper.ts";
import type { Observer, View } from "../replay/observer.ts";
import { prepareOpening, topUp, type Trader } from "../replay/opening.ts";
import { type Actor, BASE_FEE, type Intent, type Ledger } from "../replay/sender.ts";
import { arbitrage, COINS, type Prices, pricesOf, round, type Stage, SYMBOLS } from "../replay/stage.ts";
import { changesBetween, type Fault, type FaultName, isOn } from "./faults.ts";
import type { Fleet } from "./fleet.ts";
import type { ShyLiquidity } from "./money.ts";
import { RunRecord } from "./record.ts";
import { BLOCK_S } from "./spells.ts";

export interface StressTools {
  readonly stage: Stage;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly observer: Observer;
  readonly oracle: Actor;
  readonly arbitrageur: Actor;
  readonly traders: readonly Trader[];
  readonly shy: ShyLiquidity;
  readonly faults: readonly Fault[];
  /** Times the usual, while gas is dear. */
  readonly gasPriceSpike: number;
  readonly openFloor: (hands: Hands) => Promise<Floor>;
  readonly stopped: AbortSignal;
  readonly onStep: (done: number, record: RunRecord) => void;
}

const TOLERANCE = 0.0005;
/** The stablecoin's feed moves once in a while only; well within its heartbeat. */
const USDC_EVERY_S = 12 * 3_600;
/** While keepers only wait for a discount to grow, blocks are looked at less and less often, up to this. */
const LONGEST_STEP_S = 25 * BLOCK_S;
const STEP_GROWTH = 4;
/** Equity below which nobody is waited for: its auction does not pay anybody's gas. */
const DUST = 50n * 10n ** 18n;
const OPENINGS_PER_BLOCK = 12;
/** Looks between two audits of events against storage. */
const AUDIT_EVERY = 150;
/** After the last price, for what is still under way. */
const EPILOGUE_S = 1_800;
/** A vigilant owner acts when his margin is down to this part of his equity, and adds this part of what he began with. */
const NEAR_MAINTENANCE = 0.35;
const TOP_UP = 0.5;

export interface ReplayResult {
  readonly record: RunRecord;
  readonly violations: readonly Violation[];
  readonly refused: number;
  readonly toppedUp: number;
  readonly opened: ReadonlyMap<string, string>;
}

const isBelow = ({ priced, maintenance }: View["healths"][number]): boolean => priced && maintenance < 0n;

export class StressReplay {
  readonly record = new RunRecord();
  private readonly found: Violation[] = [];
  private readonly toppedUp = new Set<Trader>();
  /** Names of accounts that are open. */
  private readonly opened = new Map<string, string>();
  private refused = 0;
  private last: View | undefined;
  private floor: Floor | undefined;
  private usdcRoundAt = 0;
  private time = 0;
  private faultsAt = 0;
  private feedEth = 0;

  constructor(private readonly tools: StressTools) {}

  async run(points: readonly PricePoint[]): Promise<ReplayResult> {
    this.time = await this.chainTime();
    const floor = await this.tools.openFloor({ mine: (intents) => this.mine(intents), now: () => this.time });
    this.floor = floor;
    try {
      await this.through(points, floor);
    } finally {
      floor.close();
    }
    const { record, found, refused, toppedUp, opened } = this;
    return { record, violations: found, refused, toppedUp: toppedUp.size, opened };
  }

  private async through(points: readonly PricePoint[], floor: Floor): Promise<void> {
    const { stopped, onStep } = this.tools;
    await this.arrive(points[0]);
    for (const [i, point] of points.entries()) {
      if (stopped.aborted) return;
      await this.step(i, point, points[i + 1]?.time ?? point.time + EPILOGUE_S, floor);
      if (!this.is("oracle")) {
        await this.join(points, i);
        await this.watch(pricesOf(point));
        await this.trade(i, point, floor, i === points.length - 1);
      }
      onStep(i + 1, this.record);
    }
    await this.audit();
  }

  private async arrive(first: PricePoint | undefined): Promise<void> {
    if (first !== undefined) await this.tools.shy.enter(pricesOf(first), (intents) => this.block(intents));
  }

  private is(name: FaultName): boolean {
    return isOn(this.tools.faults, name, this.faultsAt);
  }

  /** A price, and the auctions that run until the next one. */
  private async step(i: number, point: PricePoint, next: number, floor: Floor): Promise<void> {
    const prices = pricesOf(point);
    const time = Math.max(point.time, this.time + 1);
    await this.breakAndMend(point.time, prices);
    const news = this.is("oracle")
      ? []
      : [...(await this.rounds(prices, point.time)), ...(await floor.news(i, point, time))];
    if (!this.is("oracle")) this.feedEth = prices.WETH;
    await this.block([...news, ...(await this.arbitrages(prices))], time);
    await this.pursue(await this.look(prices), prices, next, floor);
  }

  private async breakAndMend(time: number, prices: Prices): Promise<void> {
    const { faults, fleet, ledger, shy, gasPriceSpike } = this.tools;
    const { begun, ended } = changesBetween(faults, this.faultsAt, time);
    this.faultsAt = time;
    const mine = (intents: readonly Intent[]) => this.block(intents);
    for (const { name } of begun) {
      if (name === "keepers") await fleet.kill();
      if (name === "rpc") fleet.cut();
      if (name === "pools") await shy.leave(mine);
    }
    for (const { name } of ended) {
      if (name === "keepers") await fleet.revive();
      if (name === "rpc") fleet.mend();
      if (name === "pools") await shy.enter(prices, mine);
    }
    const fee = this.is("gas price") ? gasPriceSpike : 1;
    ledger.baseFee = (BASE_FEE * BigInt(Math.round(fee * 1_000))) / 1_000n;
  }

  /** Block after block while somebody is below maintenance and worth a bid; longer steps while nothing happens. */
  private async pursue(first: View, prices: Prices, next: number, floor: Floor): Promise<void> {
    const { fleet, stopped } = this.tools;
    let view = first;
    let step = BLOCK_S;
    while (!stopped.aborted && isBusy(view)) {
      await fleet.answered(headOf(view));
      // The liquidation desk is a keeper too: it is down when they are.
      const hasRelieved = fleet.working > 0 && (await floor.relieve(view, prices));
      const isStill = !hasRelieved && fleet.inFlight === 0 && view.bids.length === 0 && view.auctionsStarted === 0;
      step = isStill ? Math.min(STEP_GROWTH * step, LONGEST_STEP_S) : BLOCK_S;
      if (this.time + step + 1 >= next) return;
      await this.block(await this.arbitrages(prices), this.time + step);
      const below = new Set(view.healths.filter(isBelow).map(({ account }) => account));
      view = await this.look(prices, { only: below });
    }
  }

  /** What the traders of perps and options do after a price. */
  private async trade(i: number, point: PricePoint, floor: Floor, isLast: boolean): Promise<void> {
    const prices = pricesOf(point);
    const opened = await floor.act(i, point);
    if (isLast) await floor.finish(prices);
    if (opened.length > 0) this.nameAll(opened);
    if (opened.length > 0 || isLast) await this.look(prices, { openings: opened });
  }

  // ------------------------------------------------------------------ people

  private async join(points: readonly PricePoint[], i: number): Promise<void> {
    const point = points[i];
    if (point === undefined) return;
    const due = this.tools.traders.filter(({ role }) => indexAt(points, role.opensAt) === i);
    // A person's second account later than the first: nonces of permits are read before the block.
    for (const index of [0, 1])
      await this.open(
        due.filter(({ role }) => role.index === index),
        pricesOf(point),
      );
  }

  private async open(traders: readonly Trader[], prices: Prices): Promise<void> {
    const { stage, stopped } = this.tools;
    for (let i = 0; i < traders.length && !stopped.aborted; i += OPENINGS_PER_BLOCK) {
      const some = traders.slice(i, i + OPENINGS_PER_BLOCK);
      const plans = await Promise.all(some.map((trader) => prepareOpening(stage, trader, prices)));
      await this.block(plans.flatMap(({ preparations }) => preparations));
      const arbitrages = await this.arbitrages(prices);
      const receipts = await this.block([...arbitrages, ...plans.map(({ opening }) => opening)]);
      const opened = some.filter((_, k) => receipts[arbitrages.length + k]?.status === 1);
      this.refused += some.length - opened.length;
      const named = opened.map(({ role, account }) => ({ name: role.name, account }));
      this.nameAll(named);
      await this.look(prices, { openings: named, only: new Set() });
    }
  }

  private nameAll(opened: readonly Opened[]): void {
    for (const { name, account } of opened) this.opened.set(account, name);
  }

  /** Owners who look after their accounts. */
  private async watch(prices: Prices): Promise<void> {
    const { traders, stage } = this.tools;
    const healths = new Map(this.last?.healths.map((health) => [health.account, health]));
    const isNear = ({ role, account }: Trader): boolean => {
      const health = healths.get(account);
      if (!role.vigilant || health === undefined || health.mtm <= 0n || health.maintenance < 0n) return false;
      return Number(health.maintenance) / Number(health.mtm) < NEAR_MAINTENANCE;
    };
    const worried = traders.filter((trader) => !this.toppedUp.has(trader) && isNear(trader));
    if (worried.length === 0) return;
    for (const trader of worried) this.toppedUp.add(trader);
    const intents = await Promise.all(worried.map((trader) => topUp(stage, trader, trader.role.equity * TOP_UP)));
    await this.block(intents.flat());
    await this.look(prices, { only: new Set() });
  }

  // ------------------------------------------------------------------ blocks

  private async rounds(prices: Prices, time: number): Promise<Intent[]> {
    const { stage, oracle } = this.tools;
    const isDue = time - this.usdcRoundAt >= USDC_EVERY_S;
    if (isDue) this.usdcRoundAt = time;
    const symbols = SYMBOLS.filter((symbol) => symbol !== "USDC" || isDue);
    return Promise.all(
      symbols.map(async (symbol) => ({
        by: oracle,
        what: `publish a price of ${symbol}`,
        tx: await round(stage, symbol, prices[symbol]),
      })),
    );
  }

  private async arbitrages(prices: Prices): Promise<Intent[]> {
    const { stage, arbitrageur: by } = this.tools;
    const trades = await Promise.all(
      COINS.map(async (coin): Promise<Intent[]> => {
        const tx = await arbitrage(stage, coin, prices[coin], by.address, TOLERANCE);
        return tx === undefined ? [] : [{ by, what: `arbitrage ${coin}`, tx }];
      }),
    );
    return trades.flat();
  }

  /** At `time`, or a second after the last block. */
  private async block(intents: readonly Intent[], time = 0): Promise<TransactionReceipt[]> {
    const at = Math.max(time, this.time + 1);
    const receipts = await this.tools.ledger.block(intents, at);
    this.time = at;
    return receipts;
  }

  /** For the floor: into one block, and its events read. */
  private async mine(intents: readonly Intent[]): Promise<TransactionReceipt[]> {
    const receipts = await this.block(intents);
    const number = receipts[0]?.blockNumber;
    if (number !== undefined) await this.tools.observer.follow(number);
    return receipts;
  }

  private async chainTime(): Promise<number> {
    return (await this.tools.stage.provider.getBlock("latest"))?.timestamp ?? 0;
  }

  // ------------------------------------------------------------------ looks

  /** Everything at the head. `only`: see {@link Observer.look}. */
  private async look(
    prices: Prices,
    { openings = [], only }: { openings?: readonly Opened[]; only?: ReadonlySet<string> } = {},
  ): Promise<View> {
    const { observer, stage, fleet } = this.tools;
    const view = await observer.look(await stage.provider.getBlockNumber(), openings, only);
    this.found.push(...violations(view.snapshot, this.last?.snapshot));
    this.last = view;
    this.record.note(view, prices, { feedEth: this.feedEth, keepers: fleet.working, people: this.opened });
    this.floor?.record.note(view);
    if (this.record.looks % AUDIT_EVERY === 0) await this.audit();
    return view;
  }

  private async audit(): Promise<void> {
    const block = this.last?.snapshot.block ?? 0;
    const wrongs = await this.tools.observer.audit();
    this.found.push(...wrongs.map((message): Violation => ({ id: "tokens", block, message })));
  }
}

const headOf = ({ snapshot, healths }: View): Head => ({ number: snapshot.block, unhealthy: healths.filter(isBelow) });

const isBusy = ({ healths }: View): boolean =>
  healths.some((health) => isBelow(health) && (health.mtm > DUST || health.mtm < 0n));
