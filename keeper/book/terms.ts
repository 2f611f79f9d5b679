// Fills the tables from a market, and says how far it has moved since the last one: prices as factors, all else as drift.
import type { LedgerMarket, LedgerUnderlying } from "../../sdk/mirror/derivatives/market.ts";
import { expiryKey } from "../../sdk/mirror/derivatives/market.ts";
import { NO_SCENARIO } from "../../sdk/mirror/derivatives/terms.ts";
import type { Market } from "../../sdk/mirror/market.ts";
import { normalCdf } from "../../sdk/black76.ts";
import { shareFloat64 } from "./columns.ts";
import { grown, roomier } from "./columns.ts";
import { type Feed, feedOf, fundingAt, markRatioOf, slowVolatility } from "./feeds.ts";
import type { Instruments } from "./instruments.ts";
import { fillAssets, WAD } from "./prices.ts";
import {
  A,
  ASSETS,
  C,
  COUNT,
  E,
  emptyTables,
  I,
  MAX_CELLS,
  OPTION,
  PERP,
  SETTLED,
  type Tables,
  U,
  UNDERLYINGS,
  UNKNOWN,
  WINDOW,
} from "./tables.ts";

const BPS = 1e4;
const YEAR = 31_536_000;
const DAY = 86_400;
/** σ√T is never less; the contracts' own bound. */
const LEAST_DEVIATION = 1e-12;
const LEAST_FACTOR = 0.01;
/** Below it chords are not used: the shape of prices changes too fast. */
const SHAPELY = 2 * DAY;
const SHAPE_COUNTED = DAY;
/** σ√T up to which a delta changes by at most 0.55 per unit of ln σ√T. */
const WIDEST = 0.75;
/** φ(0): ∂V/∂(σ√T) is at most so much of the smaller of forward and strike. */
export const DENSITY = 0.3989422804014327;
const RULES = 3;

/** What a change of the market means for guards. */
export interface Moves {
  /** Factors whose price changed: [factor, before, now]. */
  readonly prices: (readonly [number, number, number])[];
  /** Everybody must be looked at: parameters changed. */
  readonly isReset: boolean;
  /** Instruments whose holders must be looked at, by number; undefined: none. */
  readonly jumped: Uint8Array | undefined;
  /** Accounts that could not be priced may be now, or others not. */
  readonly isFaultsChanged: boolean;
}

/** What is remembered of an expiry to tell its drift. */
interface ExpiryMemory {
  moving: number;
  part: number;
  fixed: number;
  discount: number;
  gain: number;
  loss: number;
  basis: number;
  caps: readonly number[];
  kStar: number;
}

interface UnderlyingMemory {
  markRatio: number;
  funding: number;
  kappa: number;
  factors: Float64Array;
  state: number;
  mark: number;
}

export class Terms {
  readonly tables: Tables = emptyTables(256, 32);
  /** Sums of drift so far: of pools alone, with perps, with options. */
  readonly drifts = [0, 0, 0];
  market: Market | undefined;
  private readonly factors = new Map<number, number>();
  /** Last usable price of each factor. */
  private readonly lastPrice: number[] = [];
  private readonly expiryNumbers = new Map<number, number>();
  private readonly expiryMemory = new Map<number, ExpiryMemory>();
  private readonly underlyingMemory = new Map<number, UnderlyingMemory>();
  private readonly pairs = new Map<string, number>();
  /** σ√T of each instrument by straight rule, then unshocked; NaN: never known. */
  private widths = new Float64Array(0);
  private previousAssets = new Float64Array(ASSETS * A.STRIDE);
  private parameterTexts: readonly string[] = [];
  private parameterObjects: readonly unknown[] = [];
  private faults = "";

  constructor(private readonly instruments: Instruments) {}

  /** Of the market: every one has its own. */
  get number(): number {
    return this.tables.counts[COUNT.MARKET] ?? 0;
  }

  get factorCount(): number {
    return this.factors.size;
  }

  /** By factor: price now, NaN before the first. */
  priceOf(factor: number): number {
    return this.lastPrice[factor] ?? NaN;
  }

  set(market: Market): Moves {
    const isFirst = this.market === undefined;
    this.market = market;
    const { assets } = this.tables;
    this.previousAssets.set(assets);
    fillAssets(assets, market, (asset) => this.factorOf(asset));
    const isReset = this.areParametersNew(market) || isFirst;

    const poolDrift = isReset ? 0 : this.driftOfAssets();
    const jumped = this.fillLedger(market, isReset);
    for (const [kind, sum] of [poolDrift, poolDrift + this.perpDrift, poolDrift + this.drift].entries()) {
      this.drifts[kind] = (this.drifts[kind] ?? 0) + sum;
    }
    const prices = this.movePrices();
    const faults = this.faultsNow();
    const isFaultsChanged = faults !== this.faults;
    this.faults = faults;
    const { counts } = this.tables;
    counts[COUNT.MARKET] = (counts[COUNT.MARKET] ?? 0) + 1;
    return { prices, isReset, jumped, isFaultsChanged };
  }

  /** Terms of instruments that accounts came to hold since the market was set. */
  catchUp(): void {
    if (this.market === undefined || (this.tables.counts[COUNT.INSTRUMENTS] ?? 0) >= this.instruments.count) return;
    this.fillInstruments(this.market, Number(this.market.time));
  }

  /** Tables are compared as objects first: readers give the same while nothing is put in force. */
  private areParametersNew({ table, ledger }: Market): boolean {
    const objects = [table, ledger?.table];
    if (objects.every((object, i) => object === this.parameterObjects[i]) && this.parameterObjects.length > 0)
      return false;
    this.parameterObjects = objects;
    const texts = objects.map((object) =>
      JSON.stringify(object ?? null, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value)),
    );
    const isSame = texts.every((text, i) => text === this.parameterTexts[i]);
    this.parameterTexts = texts;
    return !isSame;
  }

  // ---------------------------------------------------------------- spot

  private factorOf(asset: number): number {
    const known = this.factors.get(asset);
    if (known !== undefined) return known;
    const number = this.factors.size;
    this.factors.set(asset, number);
    this.lastPrice.push(NaN);
    return number;
  }

  private movePrices(): Moves["prices"] {
    const moves: (readonly [number, number, number])[] = [];
    const { assets } = this.tables;
    for (const [asset, factor] of this.factors) {
      const price = assets[asset * A.STRIDE + A.LOW] ?? NaN;
      const before = this.lastPrice[factor] ?? NaN;
      if (!(price > 0) || price === before) continue;
      this.lastPrice[factor] = price;
      if (before > 0) moves.push([factor, before, price]);
    }
    return moves;
  }

  /** How much any holding may have lost of its value by all but its price; three times, since haircuts and add-ons reach one. */
  private driftOfAssets(): number {
    const { assets } = this.tables;
    const before = this.previousAssets;
    let most = 0;
    for (let at = 0; at < assets.length; at += A.STRIDE) {
      if (assets[at + A.LISTED] === 0) continue;
      let sum = logChange(assets, before, at + A.DOWN) + logChange(assets, before, at + A.UP);
      sum += change(assets, before, at + A.HAIRCUT) + 2 * change(assets, before, at + A.GROUP_HAIRCUT);
      for (const set of [A.NEW, A.OLD]) {
        const addOns = (assets[at + set + 1] ?? 0) + (assets[at + set + 3] ?? 0);
        sum += addOns * (change(assets, before, at + A.RAMP) + Math.min(1, logChange(assets, before, at + set + 4)));
      }
      if (sum > most) most = sum;
    }
    return 3 * most;
  }

  private faultsNow(): string {
    const { assets, expiries } = this.tables;
    let text = "";
    for (const [asset] of this.factors) text += assets[asset * A.STRIDE + A.LOW]! > 0 ? "1" : "0";
    for (let e = 0; e < this.expiryNumbers.size; e += 1) text += expiries[e * E.STRIDE + E.USABLE] === 1 ? "1" : "0";
    return `${text}:${this.tables.underlyings.filter((_, i) => i % U.STRIDE === U.IN_TABLE).join("")}`;
  }

  // ---------------------------------------------------------------- derivatives

  /** Of the market being set. */
  private drift = 0;
  private perpDrift = 0;

  private fillLedger(market: Market, isReset: boolean): Uint8Array | undefined {
    const { underlyings, assets } = this.tables;
    const { ledger } = market;
    this.drift = this.perpDrift = 0;
    underlyings.fill(0);
    if (ledger === undefined) return undefined;
    const now = Number(market.time);
    const driftOf = new Drift();
    const jumpedUnderlyings = new Set<number>();
    for (const [number, perp] of ledger.perps) {
      const at = number * U.STRIDE;
      const state = (perp.listed ? 1 : 0) + (perp.closed ? 2 : 0) + (perp.frozenMark !== 0n ? 4 : 0);
      underlyings[at + U.FROZEN] = perp.frozenMark !== 0n ? 1 : 0;
      underlyings[at + U.CLOSED] = perp.closed ? 1 : 0;
      underlyings[at + U.FUNDING] = fundingAt(perp, now);
      const memory = this.underlyingMemory.get(number);
      if (memory !== undefined && (memory.state !== state || memory.mark !== Number(perp.frozenMark))) {
        jumpedUnderlyings.add(number);
      }
    }
    for (const underlying of ledger.table.underlyings) {
      const { number } = underlying;
      this.fillUnderlying(underlying, ledger, now, driftOf);
      const [at, asset] = [number * U.STRIDE, number * A.STRIDE];
      const whole = this.wholeOf(market, number);
      underlyings[at + U.LOW] = (assets[asset + A.LOW] ?? NaN) * whole;
      underlyings[at + U.HIGH] = (assets[asset + A.HIGH] ?? NaN) * whole;
      underlyings[at + U.SPREAD] = assets[asset + A.LOW] === assets[asset + A.HIGH] ? 0 : 1;
      const perp = ledger.perps.get(number);
      const frozen = perp === undefined ? 0 : Number(perp.frozenMark) / WAD;
      const ratio = perp === undefined ? 1 : markRatioOf(ledger, number, perp.clamp, now);
      underlyings[at + U.MARK_LOW] = frozen > 0 ? frozen : (underlyings[at + U.LOW] ?? NaN) * ratio;
      underlyings[at + U.MARK_HIGH] = frozen > 0 ? frozen : (underlyings[at + U.HIGH] ?? NaN) * ratio;
    }
    const jumped = this.fillInstruments(market, now, driftOf, jumpedUnderlyings);
    if (!isReset) [this.perpDrift, this.drift] = [driftOf.most(false), driftOf.most(true)];
    return jumped;
  }

  /** Token units of a whole token. */
  private wholeOf({ table }: Market, number: number): number {
    const asset = table.pools[number - 1];
    return asset === null || asset === undefined ? NaN : 10 ** asset.tokenDecimals;
  }

  private fillUnderlying(u: LedgerUnderlying, ledger: LedgerMarket, now: number, driftOf: Drift): void {
    const { underlyings, cells } = this.tables;
    const { number, rules, scenarios } = u;
    const at = number * U.STRIDE;
    const perp = ledger.perps.get(number);
    underlyings[at + U.IN_TABLE] = 1;
    underlyings[at + U.PERP_RATIO] = Number(rules.perpMaintenance) / BPS;
    underlyings[at + U.SIZE1] = Number(rules.size1);
    underlyings[at + U.ADD1] = Number(rules.addOn1) / BPS;
    underlyings[at + U.SIZE2] = Number(rules.size2);
    underlyings[at + U.ADD2] = Number(rules.addOn2) / BPS;
    const kappa = ((Number(rules.kappa) / BPS) * Number(perp?.slowOpenInterest ?? 0n)) / WAD;
    underlyings[at + U.KAPPA_OI] = kappa;
    underlyings[at + U.C] = Number(rules.c) / BPS;
    underlyings[at + U.D] = Number(rules.d) / BPS;
    underlyings[at + U.UNPAIRED] = Number(rules.unpairedMaintenance) / BPS;
    underlyings[at + U.GROUP] = u.group;
    underlyings[at + U.PHI] = Number(u.phiBps) / BPS;
    underlyings[at + U.MM] = Number(scenarios.lossMaintenance) / WAD;
    underlyings[at + U.PERP_PART] = Number(scenarios.perpMaintenance) / WAD;
    underlyings[at + U.OPTION_PART] = Number(scenarios.optionMaintenance) / WAD;
    underlyings[at + U.CELLS] = scenarios.cells.length;
    const [up = 0, none = 0, down = 0] = scenarios.counts;
    underlyings[at + U.STRAIGHT] = up + none + down;
    underlyings[at + U.BASE] = scenarios.baseCell;
    underlyings[at + U.BASIS_UP] = scenarios.basisUpCell;
    underlyings[at + U.BASIS_DOWN] = scenarios.basisDownCell;
    underlyings[at + U.SCENARIOS] = scenarios.scenarios;

    const scale = this.scaleOf(u, ledger, now);
    const factors = new Float64Array(scenarios.cells.length);
    const mm = underlyings[at + U.MM] ?? 0;
    let [most, weight, reach] = [2.5, 0, 1];
    scenarios.cells.forEach((cell, i) => {
      const to = (number * MAX_CELLS + i) * C.STRIDE;
      const s = Number(cell.factor) / WAD;
      factors[i] = scale === 1 ? s : Math.max(LEAST_FACTOR, 1 + (s - 1) * scale);
      const w = cell.place === NO_SCENARIO ? 0 : Number(cell.weight) / WAD;
      cells[to + C.FACTOR] = factors[i] ?? 1;
      cells[to + C.WEIGHT] = w;
      cells[to + C.PLACE] = cell.place === NO_SCENARIO ? -1 : cell.place;
      reach = Math.max(reach, factors[i] ?? 1);
      weight = Math.max(weight, w * mm);
      most = Math.max(most, w * mm * (2 * Math.max(1, factors[i] ?? 1) + 1) + Math.abs(1 - w * mm));
    });
    const basis = Number(scenarios.basisAdd) / WAD + (Number(scenarios.basisMult) / WAD) * this.longest(number);
    underlyings[at + U.DRIFT] = most + 2 * mm * basis * (1 + reach);

    const memory = this.underlyingMemory.get(number);
    const markRatio = perp === undefined ? 1 : markRatioOf(ledger, number, perp.clamp, now);
    const funding = underlyings[at + U.FUNDING] ?? 0;
    const state =
      perp === undefined ? 0 : (perp.listed ? 1 : 0) + (perp.closed ? 2 : 0) + (perp.frozenMark !== 0n ? 4 : 0);
    if (memory !== undefined && memory.factors.length === factors.length) {
      let moved = 0;
      for (let i = 0; i < factors.length; i += 1)
        moved = Math.max(moved, Math.abs((factors[i] ?? 0) - (memory.factors[i] ?? 0)));
      const addOns = (underlyings[at + U.ADD1] ?? 0) + (underlyings[at + U.ADD2] ?? 0);
      // Of the price that a guard was set at, which is at least half of the last one that could be used.
      const spot = this.lastSpot(number);
      const paid = spot > 0 ? (2 * Math.abs(funding - memory.funding)) / spot : 0;
      driftOf.own[number] =
        (underlyings[at + U.DRIFT] ?? 0) * Math.abs(markRatio - memory.markRatio) +
        paid +
        (underlyings[at + U.DRIFT] ?? 0) * moved +
        2 * addOns * (kappa === memory.kappa ? 0 : Math.min(1, Math.abs(Math.log(kappa / memory.kappa))));
    }
    this.underlyingMemory.set(number, {
      markRatio,
      funding,
      kappa,
      factors,
      state,
      mark: Number(perp?.frozenMark ?? 0n),
    });
  }

  /** The last usable price of a whole underlying before this market; its guards are within twice theirs. */
  private lastSpot(underlying: number): number {
    const price = this.lastPrice[this.factorOf(underlying)] ?? NaN;
    return price * (this.market === undefined ? NaN : this.wholeOf(this.market, underlying));
  }

  /** Years to the last expiry that anybody holds options of. */
  private longest(underlying: number): number {
    const now = Number(this.market?.time ?? 0n);
    let most = 0;
    for (const instrument of this.instruments.list) {
      if (instrument?.kind === "option" && instrument.underlying === underlying)
        most = Math.max(most, instrument.expiry - now);
    }
    return most / YEAR;
  }

  /** How much the slow volatility scales spot shocks by. */
  private scaleOf(u: LedgerUnderlying, ledger: LedgerMarket, now: number): number {
    const reference = Number(u.referenceVolatilityBps) / BPS;
    if (reference === 0) return 1;
    const slow = slowVolatility(ledger.volatilities.get(u.number), ledger.volatilityRisePerHour, now);
    return Math.min(Math.max(slow / reference, 1), Number(u.maxScaleBps) / BPS);
  }

  private fillInstruments(
    market: Market,
    now: number,
    driftOf?: Drift,
    jumpedUnderlyings?: ReadonlySet<number>,
  ): Uint8Array | undefined {
    const { ledger } = market;
    const count = this.instruments.count;
    this.reserve(count);
    const { instruments, underlyings, counts } = this.tables;
    if (ledger === undefined) {
      counts[COUNT.INSTRUMENTS] = count;
      return undefined;
    }
    const terms = new Map(ledger.table.underlyings.map((u) => [u.number, u]));
    const feeds = new Map<number, Feed | undefined>();
    let jumped: Uint8Array | undefined;
    for (let i = 1; i < count; i += 1) {
      const instrument = this.instruments.list[i];
      if (instrument === undefined) continue;
      const { underlying } = instrument;
      const at = i * I.STRIDE;
      const [kindBefore, settledBefore] = [instruments[at + I.KIND] ?? UNKNOWN, instruments[at + I.SETTLED]];
      instruments[at + I.UNDERLYING] = underlying;
      const u = terms.get(underlying);
      let kind: number = u === undefined ? UNKNOWN : PERP;
      if (instrument.kind === "perp") {
        if (underlyings[underlying * U.STRIDE + U.CLOSED] === 1) kind = PERP;
      } else {
        const { expiry, strike, isCall } = instrument;
        const market_ = ledger.expiries.get(expiryKey(underlying, expiry));
        instruments[at + I.STRIKE] = Number(strike) / 1e8;
        instruments[at + I.CALL] = isCall ? 1 : 0;
        if (market_?.settledAt !== undefined && now >= expiry) {
          kind = SETTLED;
          const [price, k] = [Number(market_.settledAt) / WAD, Number(strike) / 1e8];
          instruments[at + I.SETTLED] = Math.max(0, isCall ? price - k : k - price);
        } else if (u !== undefined) {
          const key = expiryKey(underlying, expiry);
          if (!feeds.has(key)) feeds.set(key, this.fillExpiry(u, ledger, key, expiry, now, driftOf));
          const feed = feeds.get(key);
          kind = feed === undefined ? UNKNOWN : OPTION;
          instruments[at + I.EXPIRY] = this.expiryNumber(key);
          instruments[at + I.PAIR] = this.pairOf(key, strike);
          if (feed !== undefined) this.fillOption(i, u, feed, driftOf);
        }
      }
      instruments[at + I.KIND] = kind;
      const isKnown = i < (counts[COUNT.INSTRUMENTS] ?? 0);
      if (
        (isKnown && kind !== kindBefore && kindBefore !== UNKNOWN) ||
        (kind === SETTLED && settledBefore !== instruments[at + I.SETTLED]) ||
        (instrument.kind === "perp" && jumpedUnderlyings?.has(underlying) === true)
      ) {
        jumped ??= new Uint8Array(count);
        jumped[i] = 1;
      }
    }
    counts[COUNT.INSTRUMENTS] = count;
    counts[COUNT.EXPIRIES] = this.expiryNumbers.size;
    return jumped;
  }

  private expiryNumber(key: number): number {
    const known = this.expiryNumbers.get(key);
    if (known !== undefined) return known;
    const number = this.expiryNumbers.size;
    this.expiryNumbers.set(key, number);
    const { expiries } = this.tables;
    if ((number + 1) * E.STRIDE > expiries.length)
      this.tables.expiries = grown(expiries, shareFloat64, 2 * expiries.length);
    return number;
  }

  /** One number for the call and the put of a strike: shorts are netted there. */
  private pairOf(key: number, strike: bigint): number {
    const name = `${key}:${strike}`;
    const known = this.pairs.get(name);
    if (known !== undefined) return known;
    const number = this.pairs.size;
    this.pairs.set(name, number);
    return number;
  }

  private reserve(count: number): void {
    const { tables } = this;
    if (count * I.STRIDE > tables.instruments.length) {
      const n = roomier(tables.instruments.length / I.STRIDE, count);
      tables.instruments = grown(tables.instruments, shareFloat64, n * I.STRIDE);
      for (const name of ["low", "high", "longDown", "longUp", "shortDown", "shortUp"] as const) {
        tables[name] = grown(tables[name], shareFloat64, n * MAX_CELLS);
      }
    }
    if (count * (RULES + 1) > this.widths.length) {
      const n = roomier(this.widths.length, count * (RULES + 1));
      const wider = new Float64Array(n).fill(NaN);
      wider.set(this.widths);
      this.widths = wider;
    }
  }

  private fillExpiry(
    u: LedgerUnderlying,
    ledger: LedgerMarket,
    key: number,
    expiry: number,
    now: number,
    driftOf: Drift | undefined,
  ): Feed | undefined {
    const feed = feedOf(ledger, u.number, expiry, now);
    const number = this.expiryNumber(key);
    const { expiries, underlyings } = this.tables;
    const at = number * E.STRIDE;
    expiries[at + E.USABLE] = feed === undefined ? 0 : 1;
    if (feed === undefined) return undefined;
    const { scenarios } = u;
    const [time, root] = [feed.time / YEAR, Math.sqrt(feed.time / YEAR)];
    const rate = Math.max(feed.rate, 0);
    const moving = feed.ratio * (1 - feed.fixedPart);
    const fixed = feed.fixedPrice * feed.fixedPart;
    const discount = Math.exp(-rate * time);
    const term = (x: { base: bigint; mult: bigint; add: bigint }) =>
      ((rate * Number(x.mult)) / WAD + Number(x.add) / WAD) * time;
    const gain = (Number(scenarios.gain.base) / WAD) * Math.exp(-term(scenarios.gain));
    const loss = Math.min((Number(scenarios.loss.base) / WAD) * Math.exp(term(scenarios.loss)), 1 / discount);
    const basis = Number(scenarios.basisAdd) / WAD + (Number(scenarios.basisMult) / WAD) * time;
    const caps = scenarios.skews.map(({ base, scale }) => Number(scale) / WAD + (Number(base) / WAD) * root);
    const width = root * (Number(scenarios.volStatic) / WAD + (root * Number(scenarios.volScale)) / WAD);
    const kStar = Math.max(Number(scenarios.minKStar) / WAD, width * (Number(scenarios.minWidthScale) / WAD));
    expiries[at + E.FORWARD_LOW] = (underlyings[u.number * U.STRIDE + U.LOW] ?? NaN) * moving;
    expiries[at + E.FORWARD_HIGH] = (underlyings[u.number * U.STRIDE + U.HIGH] ?? NaN) * moving;
    expiries[at + E.FIXED] = fixed;
    expiries[at + E.DISCOUNT] = discount;
    expiries[at + E.GAIN] = gain;
    expiries[at + E.LOSS] = loss;
    expiries[at + E.BASIS] = basis;

    const memory = this.expiryMemory.get(key);
    if (memory !== undefined && driftOf !== undefined) {
      const spot = this.lastSpot(u.number);
      let sum = Math.abs(moving - memory.moving);
      sum += spot > 0 ? (2 * Math.abs(fixed - memory.fixed)) / spot : 0;
      sum += Math.abs(discount - memory.discount) + Math.abs(gain - memory.gain) + Math.abs(loss - memory.loss);
      sum += 2 * Math.abs(basis - memory.basis);
      const unit = (underlyings[u.number * U.STRIDE + U.DRIFT] ?? 0) * Math.max(1, feed.ratio, loss);
      driftOf.expiries[u.number] = Math.max(driftOf.expiries[u.number] ?? 0, unit * sum);
    }
    this.expiryMemory.set(key, { moving, part: feed.fixedPart, fixed, discount, gain, loss, basis, caps, kStar });
    return feed;
  }

  private fillOption(i: number, u: LedgerUnderlying, feed: Feed, driftOf: Drift | undefined): void {
    const { tables, widths } = this;
    const { instruments, expiries, underlyings, cells } = tables;
    const { scenarios, number } = u;
    const at = i * I.STRIDE;
    const strike = instruments[at + I.STRIKE] ?? 0;
    const isCall = instruments[at + I.CALL] === 1;
    const e = (instruments[at + I.EXPIRY] ?? 0) * E.STRIDE;
    const root = Math.sqrt(feed.time / YEAR);
    const plain = feed.volatilityAt(strike) * root;
    // Widths of the straight rules, then of the skews.
    const power = Number(feed.time > 30 * DAY ? scenarios.longPower : scenarios.shortPower) / WAD;
    const tau = (30 / Math.max(feed.time / DAY, Number(scenarios.daysFloor) / WAD)) ** power;
    const least = (Number(scenarios.leastVolatility) / WAD) * root;
    const up = Math.max(plain * (1 + (Number(scenarios.rangeUp) / WAD) * tau), least, LEAST_DEVIATION);
    const down = Math.max(plain * Math.max(0, 1 - (Number(scenarios.rangeDown) / WAD) * tau), LEAST_DEVIATION);
    const none = Math.max(plain, LEAST_DEVIATION);
    const memory = this.expiryMemory.get(expiryKey(number, this.expiryOf(i)));
    const caps = memory?.caps ?? [0, 0];
    const kStar = memory?.kStar ?? 1;
    const steep = Math.max(Math.abs(caps[0] ?? 0), Math.abs(caps[1] ?? 0)) / kStar;
    instruments[at + I.SKEW] = DENSITY * strike * plain * steep;
    if (driftOf !== undefined) this.driftOfWidths(i, number, [up, none, down], plain, feed, driftOf, caps);
    else for (const [k, width] of [up, none, down, plain].entries()) widths[i * (RULES + 1) + k] = width;

    const discount = expiries[e + E.DISCOUNT] ?? 1;
    const fixed = expiries[e + E.FIXED] ?? 0;
    const [forwardLow, forwardHigh] = [expiries[e + E.FORWARD_LOW] ?? NaN, expiries[e + E.FORWARD_HIGH] ?? NaN];
    const isSpread = forwardLow !== forwardHigh;
    const isShapely = feed.time > SHAPELY && up <= WIDEST;
    const [upEnd, noneEnd = 0, downEnd = 0] = cumulated(scenarios.counts);
    const straight = downEnd;
    const first = i * MAX_CELLS;
    const count = underlyings[number * U.STRIDE + U.CELLS] ?? 0;
    const ln = Math.log((forwardLow + fixed) / strike);
    const lnHigh = isSpread ? Math.log((forwardHigh + fixed) / strike) : ln;
    const linearEnd = straight + (scenarios.counts[3] ?? 0);
    for (let c = 0; c < count; c += 1) {
      const s = cells[(number * MAX_CELLS + c) * C.STRIDE + C.FACTOR] ?? 1;
      const width =
        c < (upEnd ?? 0)
          ? up
          : c < noneEnd
            ? none
            : c < straight
              ? down
              : skewed(plain, ln, c < linearEnd ? 0 : 1, caps, kStar);
      const moving = forwardLow * s;
      const value = discount * priceOf(moving + fixed, strike, width, isCall);
      tables.low[first + c] = value;
      if (isSpread) {
        const other = c < straight ? width : skewed(plain, lnHigh, c < linearEnd ? 0 : 1, caps, kStar);
        tables.high[first + c] = discount * priceOf(forwardHigh * s + fixed, strike, other, isCall);
      } else tables.high[first + c] = value;
      const most = discount * moving;
      if (isShapely && c < straight) {
        const delta = most * deltaOf(moving + fixed, strike, width, isCall);
        const below = discount * priceOf(moving * (1 - WINDOW) + fixed, strike, width, isCall);
        const above = discount * priceOf(moving * (1 + WINDOW) + fixed, strike, width, isCall);
        tables.longDown[first + c] = delta;
        tables.longUp[first + c] = delta;
        tables.shortDown[first + c] = (value - below) / WINDOW;
        tables.shortUp[first + c] = (above - value) / WINDOW;
      } else {
        tables.longDown[first + c] = isCall ? most : 0;
        tables.longUp[first + c] = isCall ? 0 : -most;
        tables.shortDown[first + c] = isCall ? 0 : -most;
        tables.shortUp[first + c] = isCall ? most : 0;
      }
    }
    const base = first + (underlyings[number * U.STRIDE + U.BASE] ?? 0);
    instruments[at + I.MARK_LOW] = tables.low[base] ?? NaN;
    instruments[at + I.MARK_HIGH] = tables.high[base] ?? NaN;
  }

  private expiryOf(i: number): number {
    const instrument = this.instruments.list[i];
    return instrument?.kind === "option" ? instrument.expiry : 0;
  }

  private driftOfWidths(
    i: number,
    underlying: number,
    now: readonly number[],
    plain: number,
    feed: Feed,
    driftOf: Drift,
    caps: readonly number[],
  ): void {
    const { widths } = this;
    const at = i * (RULES + 1);
    const cap = Math.max(Math.abs(caps[0] ?? 0), Math.abs(caps[1] ?? 0));
    let most = (1 + cap) * Math.abs(plain - (widths[at + RULES] ?? NaN));
    let shape = 0;
    now.forEach((width, k) => {
      const before = widths[at + k] ?? NaN;
      most = Math.max(most, Math.abs(width - before));
      shape = Math.max(shape, Math.abs(Math.log(width / before)));
      widths[at + k] = width;
    });
    widths[at + RULES] = plain;
    if (!(most >= 0)) return;
    const own = DENSITY * most + (feed.time > SHAPE_COUNTED ? shape / 8 : 0);
    const unit = this.tables.underlyings[underlying * U.STRIDE + U.DRIFT] ?? 0;
    driftOf.options[underlying] = Math.max(driftOf.options[underlying] ?? 0, unit * own);
  }
}

/** Parts of the drift, by underlying: its own, and the most of any of its expiries and options. */
class Drift {
  readonly own = new Float64Array(UNDERLYINGS);
  readonly expiries = new Float64Array(UNDERLYINGS);
  readonly options = new Float64Array(UNDERLYINGS);

  most(withOptions: boolean): number {
    let most = 0;
    this.own.forEach((own, u) => {
      const sum = withOptions ? own + (this.expiries[u] ?? 0) + (this.options[u] ?? 0) : own;
      // What cannot be told is as much as there can be.
      most = Math.max(most, Number.isNaN(sum) ? 1 : sum);
    });
    return most;
  }
}

const change = (now: Float64Array, before: Float64Array, at: number): number =>
  Math.abs((now[at] ?? 0) - (before[at] ?? 0));

const logChange = (now: Float64Array, before: Float64Array, at: number): number => {
  const [a, b] = [now[at] ?? 0, before[at] ?? 0];
  if (a === b) return 0;
  return a > 0 && b > 0 ? Math.abs(Math.log(a / b)) : 1;
};

const cumulated = (counts: readonly number[]): number[] => {
  let sum = 0;
  return counts.map((n) => (sum += n));
};

/** σ'√T of a skew rule; `ln` is of F / K. */
const skewed = (plain: number, ln: number, rule: 0 | 1, caps: readonly number[], kStar: number): number => {
  const k = rule === 1 && ln > 0 ? ln : -ln;
  const cap = caps[rule] ?? 0;
  const m = (k * cap) / kStar;
  return Math.max(plain * Math.max(0, 1 + (k >= 0 ? Math.min(cap, m) : Math.max(-cap, m))), LEAST_DEVIATION);
};

const priceOf = (forward: number, strike: number, width: number, isCall: boolean): number => {
  if (forward <= 0) return isCall ? 0 : strike;
  if (strike <= 0) return isCall ? forward : 0;
  const d1 = Math.log(forward / strike) / width + width / 2;
  const call = forward * normalCdf(d1) - strike * normalCdf(d1 - width);
  return isCall ? Math.max(call, 0) : Math.max(call - forward + strike, 0);
};

const deltaOf = (forward: number, strike: number, width: number, isCall: boolean): number => {
  const n = forward <= 0 ? 0 : strike <= 0 ? 1 : normalCdf(Math.log(forward / strike) / width + width / 2);
  return isCall ? n : n - 1;
};
