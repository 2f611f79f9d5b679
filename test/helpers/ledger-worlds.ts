// Worlds for the mirror: a ledger table and feeds that say anything they could, stale, dead, past their expiry, inside the averaging
// window; and random accounts in them, as both models and their lenses get them.
import { optionWord, type Position } from "../../sdk/instruments.ts";
import type { ExpiryFeed, Fixing, LedgerReadings, VolatilityReading } from "../../sdk/mirror/derivatives/feeds.ts";
import { expiryKey, type LedgerTable } from "../../sdk/mirror/derivatives/market.ts";
import type { ModelInput, PerpState, Purpose, SpotCluster, SpotSide, UnderlyingPrice } from "../../sdk/mirror/model.ts";
import { NUMBERS } from "./model-cases.ts";
import { confidenceOf, optionsOf, type Random, sizeOf } from "./portfolios.ts";

const WAD = 10n ** 18n;
const YEAR = 365n * 86_400n;
const STRIKE_UNIT = 10n ** 10n;
const DAY = 86_400;
const MOST_POSITIONS = 128;
const WINDOW = 1_800;
/** Of no ledger table. */
const UNKNOWN = 9;
/** Expired and not settled; inside the window; at its edge; at the edge where powers change; far. */
const SECONDS = [
  -DAY,
  -1,
  0,
  1,
  60,
  900,
  1_799,
  1_800,
  10_800,
  DAY,
  7 * DAY,
  30 * DAY,
  30 * DAY + 1,
  90 * DAY,
  730 * DAY,
];

export interface WorldExpiry {
  readonly expiry: number;
  readonly feed: ExpiryFeed;
  readonly fixing: Fixing;
}

export interface WorldUnderlying {
  readonly number: number;
  /** About what its price is. */
  readonly spot: bigint;
  readonly expiries: readonly WorldExpiry[];
  readonly volatility: VolatilityReading;
}

export interface World {
  readonly underlyings: readonly WorldUnderlying[];
  readonly readings: LedgerReadings;
}

const part = (random: Random, low: number, high: number): bigint =>
  random.between((BigInt(low) * WAD) / 1_000n, (BigInt(high) * WAD) / 1_000n);

const wadMul = (a: bigint, b: bigint): bigint => (a * b) / WAD;

/** Of the kind that fits give; sometimes what no fit gives, up to what cannot be reckoned with. */
function smileOf(random: Random, tau: bigint): Omit<ExpiryFeed["smile"], "forwardReference"> {
  const sigma = part(random, 100, 2_000);
  const variance = wadMul(wadMul(sigma, sigma), tau);
  const usual = {
    a: wadMul(variance, part(random, 100, 1_000)),
    b: wadMul(variance, part(random, 10, 1_500)),
    rho: part(random, -990, 990),
    m: part(random, -200, 200),
    sigma: part(random, 20, 500),
  };
  if (!random.oneIn(6)) return usual;
  return random.pick([
    { ...usual, a: -usual.a },
    { ...usual, b: 0n },
    { ...usual, rho: random.pick([WAD, -WAD]), sigma: 0n },
    { ...usual, a: 0n, b: 2n * WAD, sigma: WAD },
    { ...usual, a: 30n * WAD },
    { ...usual, m: part(random, -9_000, 9_000) },
    { ...usual, a: 0n, b: 0n },
    { ...usual, ...(random.oneIn(3) ? { rho: WAD + 1n } : { b: WAD * 1_000n }) },
  ]);
}

function feedOf(random: Random, spot: bigint, seconds: number): ExpiryFeed {
  const tau = (BigInt(Math.max(seconds, 0) + random.int(900)) * WAD) / YEAR;
  const ratio = part(random, 950, 1_100);
  return {
    forwardRatio: ratio,
    rate: random.oneIn(4) ? -random.big(WAD / 5n) : random.big(WAD / 3n),
    smile: { ...smileOf(random, tau), forwardReference: wadMul(spot, ratio) + 1n },
    tau,
    volFactor: random.oneIn(5) ? part(random, 1_000, 3_000) : WAD,
    forwardConfidence: confidenceOf(random),
    volConfidence: confidenceOf(random),
    stale: random.oneIn(20),
  };
}

const fixingOf = (random: Random, spot: bigint, seconds: number): Fixing => {
  if (seconds >= WINDOW) return { part: 0n, price: 0n };
  const fixed = seconds <= 0 && random.oneIn(2) ? WAD : random.pick([0n, random.big(WAD), WAD]);
  return { part: fixed, price: fixed === 0n ? 0n : wadMul(spot, part(random, 900, 1_100)) };
};

/** `now`: the time at which the models are asked. */
export function worldOf(random: Random, table: LedgerTable, now: number): World {
  const underlyings = NUMBERS.map((number): WorldUnderlying => {
    const spot = random.oneIn(8) ? random.spread(10n ** 12n, 10n ** 28n) : part(random, 1_000_000, 3_000_000);
    const reference = table.underlyings.find((u) => u.number === number)?.referenceVolatilityBps ?? 0n;
    const sigma = (): bigint => (reference * part(random, 500, 3_000)) / 10_000n;
    return {
      number,
      spot,
      expiries: SECONDS.filter(() => !random.oneIn(3)).map((seconds) => ({
        expiry: now + seconds,
        feed: feedOf(random, spot, seconds),
        fixing: fixingOf(random, spot, seconds),
      })),
      volatility: random.oneIn(8) ? { sigma: 0n, slow: 0n } : { sigma: sigma(), slow: sigma() },
    };
  });
  const expiries = new Map(underlyings.flatMap((u) => u.expiries.map((e) => [expiryKey(u.number, e.expiry), e])));
  const at = (underlying: number, expiry: number): WorldExpiry => {
    const found = expiries.get(expiryKey(underlying, expiry));
    if (found === undefined) throw new Error(`no expiry ${expiry} of ${underlying} in this world`);
    return found;
  };
  return {
    underlyings,
    readings: {
      table,
      time: BigInt(now),
      expiryFeed: (underlying, expiry) => at(underlying, expiry).feed,
      fixing: (underlying, expiry) => at(underlying, expiry).fixing,
      realised: (number) => underlyings.find((u) => u.number === number)?.volatility ?? { sigma: 0n, slow: 0n },
    },
  };
}

const sizeIn = (random: Random, spot: bigint): bigint => {
  const size = sizeOf(random);
  // nobody holds 10^40 settlement units
  return spot > 10n ** 24n ? size / 10n ** 6n + 1n : size;
};

const perpStateOf = (random: Random, spot: bigint): PerpState => {
  const openInterest = random.spread(WAD, 10n ** 6n * WAD);
  return {
    markRatio: part(random, 975, 1_025),
    frozenMark: random.oneIn(8) ? wadMul(spot, part(random, 800, 1_200)) + 1n : 0n,
    openInterest,
    slowOpenInterest: wadMul(openInterest, part(random, 500, 2_000)),
    confidence: confidenceOf(random),
    stale: random.oneIn(25),
  };
};

function optionsIn(random: Random, u: WorldUnderlying, most: number): Position[] {
  const held = new Map<bigint, Position>();
  for (let left = most; left > 0;) {
    const count = random.oneIn(3) ? left : 1 + random.int(left);
    left -= count;
    const { expiry } = random.pick(u.expiries);
    for (const o of optionsOf(random, u.spot, count)) {
      const strike = (o.strike / STRIKE_UNIT) & ((1n << 64n) - 1n);
      const option = { underlying: u.number, expiry, strike, isCall: o.call };
      const size = u.spot > 10n ** 24n ? o.size / 10n ** 6n + 1n : o.size;
      held.set(optionWord(option), { instrument: { kind: "option", ...option }, size, fundingIndex: 0n });
    }
  }
  return [...held.values()];
}

const sideOf = (random: Random, value: bigint): SpotSide => ({
  value,
  chargeInitial: random.spread(WAD, WAD * 10_000n),
  chargeMaintenance: random.spread(1n, WAD),
  debts: random.oneIn(3) ? random.spread(1n, WAD * 1_000n) : 0n,
});

const CASH: Omit<SpotSide, "value"> = { chargeInitial: 0n, chargeMaintenance: 0n, debts: 0n };

/** An account in a world; full ones (128 positions) come up once in `largest`. */
export function accountIn(random: Random, world: World, purpose: Purpose, largest: number): ModelInput {
  const full = random.oneIn(largest);
  const count = full ? 1 : 1 + random.int(3);
  const start = random.int(NUMBERS.length);
  const members = world.underlyings.map((_, i) => world.underlyings[(start + i) % NUMBERS.length]).slice(0, count);
  const underlyings: UnderlyingPrice[] = [];
  const clusters: SpotCluster[] = [];
  const positions: Position[] = [];
  const perps: PerpState[] = [];
  const cash = { ...CASH, value: random.signed(random.spread(WAD, WAD * 10n ** 7n)) };
  clusters.push({ underlying: 0, low: cash, high: cash });
  for (const u of members) {
    if (u === undefined) continue;
    const low = random.oneIn(30) ? random.spread(1n, u.spot) : wadMul(u.spot, part(random, 500, 2_000));
    const high = random.oneIn(2) ? low : low + random.big(low / 20n + 2n);
    const amount = random.oneIn(2) ? 0n : sizeIn(random, u.spot);
    // pool numbers rise
    underlyings.push({ number: u.number, low, high, amount });
    if (amount !== 0n || random.oneIn(4)) {
      const side = sideOf(random, wadMul(amount, low));
      const other = { ...side, value: random.oneIn(6) ? side.value + 1n : wadMul(amount, high) };
      clusters.push({ underlying: u.number, low: side, high: other });
    }
    const options = u.expiries.length === 0 ? 0 : full ? MOST_POSITIONS : random.int(random.oneIn(10) ? 20 : 5);
    const held = optionsIn(random, u, options);
    if ((held.length === 0 || random.oneIn(2)) && held.length < MOST_POSITIONS) {
      const perp: Position = {
        instrument: { kind: "perp", underlying: u.number },
        size: sizeIn(random, u.spot),
        fundingIndex: 0n,
      };
      perps.push(perpStateOf(random, u.spot));
      // anywhere among the options
      held.splice(random.int(held.length + 1), 0, perp);
    }
    positions.push(...held);
  }
  if (random.oneIn(40)) {
    underlyings.push({ number: UNKNOWN, low: WAD, high: WAD, amount: WAD });
    clusters.push({ underlying: UNKNOWN, low: sideOf(random, WAD), high: sideOf(random, WAD) });
    if (random.oneIn(2)) {
      positions.push({ instrument: { kind: "perp", underlying: UNKNOWN }, size: WAD, fundingIndex: 0n });
      perps.push({ ...perpStateOf(random, WAD), stale: false });
    }
  }
  if (random.oneIn(3)) clusters.push({ underlying: 0, low: sideOf(random, WAD), high: sideOf(random, 2n * WAD) });
  return {
    purpose,
    settlementPrice: random.oneIn(5) ? random.pick([WAD / 10n, part(random, 900, 1_050)]) : part(random, 995, 1_005),
    clusters,
    underlyings: underlyings.sort((a, b) => a.number - b.number),
    quote: random.signed(random.spread(WAD, WAD * 10n ** 6n)),
    positions,
    perps,
  };
}
