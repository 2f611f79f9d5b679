// Who trades in a stress run, from a seed: sizes by Pareto's law, leverages and strategies by chance, and a part of them with
// the perps and options that the demo's books hold.
import { type BookPlan, BOOKS, MODELS } from "../replay/derivatives/books.ts";
import { randomFrom, type Role, type Strategy } from "../replay/role.ts";
import type { Coin } from "../replay/stage.ts";

export interface Population {
  readonly roles: readonly Role[];
  /** Each is opened under both margin models. */
  readonly plans: readonly BookPlan[];
}

export interface PopulationSettings {
  readonly accounts: number;
  readonly seed: number;
  /** Part of the accounts that hold perps and options. */
  readonly books: number;
  /** Collateral ÷ equity at which an account could just open. */
  readonly maxLeverage: number;
}

/** Dollars. Few are large: a fifth of the people own two thirds. */
export const EQUITY = { least: 5_000, most: 500_000, shape: 1.2 } as const;
export const LEVERAGE = { least: 1.5, most: 5 } as const;
/** Nobody opens nearer to what is allowed: fees and slippage come first. */
const USED = 0.8;
/** More people trade little leverage than much. */
const LEVERAGE_SKEW = 1.5;
const ETHER_PART = 0.6;
/** Of all spot accounts: opens later, at a time of its own between these parts of the replay. */
const LATE = { part: 0.15, from: 0.05, to: 0.7 } as const;
const ISOLATED_PART = 0.15;
const VIGILANT_PART = 0.12;
/** Size of a book ÷ the plan's. */
const BOOK_SIZE = { least: 0.4, most: 3 } as const;

const STRATEGIES: readonly (readonly [Strategy, number])[] = [
  ["long", 0.4],
  ["borrow", 0.15],
  ["batch-long", 0.12],
  ["share-borrow", 0.05],
  ["short", 0.14],
  ["batch-short", 0.09],
  ["share-short", 0.05],
];

/** Pareto's law cut off at `most`, by inversion. */
export function pareto(u: number, { least, most, shape }: { least: number; most: number; shape: number }): number {
  const tail = (least / most) ** shape;
  return least * (1 - u * (1 - tail)) ** (-1 / shape);
}

function strategyAt(u: number): Strategy {
  let left = u;
  for (const [strategy, part] of STRATEGIES) {
    left -= part;
    if (left < 0) return strategy;
  }
  return "long";
}

export const leverageAt = (u: number, maxLeverage: number): number => {
  const most = Math.max(LEVERAGE.least, Math.min(LEVERAGE.most, maxLeverage * USED));
  return LEVERAGE.least + (most - LEVERAGE.least) * u ** LEVERAGE_SKEW;
};

/** The parameters' own limit replaces {@link LEVERAGE.most}: for comparing parameters with people who use what they are given. */
export const stretchedLeverageAt = (u: number, maxLeverage: number): number => {
  const most = Math.max(LEVERAGE.least, maxLeverage * USED);
  return LEVERAGE.least + (most - LEVERAGE.least) * u ** LEVERAGE_SKEW;
};

function rolesOf(count: number, random: () => number, leverage: (u: number) => number): Role[] {
  const roles: Role[] = [];
  let people = 0;
  let mayIsolate = false;
  for (let i = 0; i < count; ++i) {
    // As many draws for each, so that one more account changes nobody before it.
    const [s, c, l, e, late, when, isolate, vigil] = Array.from({ length: 8 }, random) as [
      ...[number, number, number, number],
      ...[number, number, number, number],
    ];
    const isolated: boolean = mayIsolate && isolate < ISOLATED_PART;
    mayIsolate = !isolated;
    const person = isolated ? people - 1 : people++;
    const strategy = strategyAt(s);
    const coin: Coin = c < ETHER_PART ? "WETH" : "WBTC";
    const times = Math.round(leverage(l) * 100) / 100;
    roles.push({
      name: `${strategy} ${coin} ${times}x${isolated ? " isolated" : ""} #${i + 1}`,
      ...{ person, index: isolated ? 1 : 0, strategy, coin, leverage: times },
      equity: Math.round(pareto(e, EQUITY)),
      opensAt: late < LATE.part ? LATE.from + when * (LATE.to - LATE.from) : 0,
      vigilant: vigil < VIGILANT_PART,
    });
  }
  return roles;
}

/** The same accounts for the same settings, always. */
export function populationOf(settings: PopulationSettings, leverage = leverageAt): Population {
  const { accounts, seed, books, maxLeverage } = settings;
  const count = Math.round((accounts * books) / MODELS.length);
  const ofBooks = randomFrom(seed ^ 0x0b00c5);
  const size = { ...BOOK_SIZE, shape: EQUITY.shape };
  const first = Math.floor(ofBooks() * BOOKS.length);
  const plans = Array.from({ length: count }, (_, i): BookPlan => {
    const plan = BOOKS[(first + i) % BOOKS.length];
    if (plan === undefined) throw new RangeError("the demo has no books");
    const equity = Math.round(plan.equity * pareto(ofBooks(), size));
    return { ...plan, name: count > BOOKS.length ? `${plan.name} #${i + 1}` : plan.name, equity };
  });
  const roles = rolesOf(accounts - count * MODELS.length, randomFrom(seed), (u) => leverage(u, maxLeverage));
  return { roles, plans };
}
