// Levenberg–Marquardt for a handful of parameters: small, deterministic, no matrix library.

export type Residuals = (x: readonly number[]) => number[];

export interface Fitted {
  readonly x: readonly number[];
  /** Sum of squares. */
  readonly cost: number;
}

const STEP = 1e-7;
const FIRST_DAMPING = 1e-3;
const MOST_DAMPING = 1e12;
const ENOUGH = 1e-12;

const sumOfSquares = (values: readonly number[]): number => values.reduce((sum, value) => sum + value * value, 0);

/** Solves A·x = b for a small symmetric positive A by Gaussian elimination; undefined when singular. */
const solve = (a: readonly (readonly number[])[], b: readonly number[]): number[] | undefined => {
  const n = b.length;
  const rows = a.map((row, i) => [...row, b[i] ?? 0]);
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 0; i < n; i += 1) {
    let pivot = i;
    for (let j = i + 1; j < n; j += 1) if (Math.abs(at(j, i)) > Math.abs(at(pivot, i))) pivot = j;
    const [top, other] = [rows[i], rows[pivot]];
    if (top === undefined || other === undefined || !(Math.abs(other[i] ?? 0) > 0)) return undefined;
    [rows[i], rows[pivot]] = [other, top];
    for (let j = i + 1; j < n; j += 1) {
      const factor = at(j, i) / at(i, i);
      for (let k = i; k <= n; k += 1) (rows[j] ?? [])[k] = at(j, k) - factor * at(i, k);
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i -= 1) {
    let sum = at(i, n);
    for (let j = i + 1; j < n; j += 1) sum -= at(i, j) * (x[j] ?? 0);
    x[i] = sum / at(i, i);
  }
  return x.every(Number.isFinite) ? x : undefined;
};

/** Jacobian by forward differences, column by column. */
const slopes = (residuals: Residuals, x: readonly number[], at: readonly number[]): number[][] =>
  x.map((value, i) => {
    const h = STEP * Math.max(1e-3, Math.abs(value));
    const moved = residuals(x.map((each, j) => (i === j ? each + h : each)));
    return at.map((each, k) => ((moved[k] ?? 0) - each) / h);
  });

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

export const leastSquares = (residuals: Residuals, start: readonly number[], steps: number): Fitted => {
  let x = [...start];
  let values = residuals(x);
  let cost = sumOfSquares(values);
  let damping = FIRST_DAMPING;
  for (let step = 0; step < steps && damping < MOST_DAMPING; step += 1) {
    const columns = slopes(residuals, x, values);
    const gradient = columns.map((column) => -dot(column, values));
    const normal = columns.map((a) => columns.map((b) => dot(a, b)));
    let hasImproved = false;
    while (!hasImproved && damping < MOST_DAMPING) {
      const damped = normal.map((row, i) => row.map((value, j) => (i === j ? value * (1 + damping) + 1e-18 : value)));
      const move = solve(damped, gradient);
      const next = move === undefined ? undefined : x.map((value, i) => value + (move[i] ?? 0));
      const nextValues = next === undefined ? [] : residuals(next);
      const nextCost = next === undefined ? Infinity : sumOfSquares(nextValues);
      if (next !== undefined && nextCost < cost) {
        hasImproved = true;
        const isEnough = cost - nextCost < ENOUGH * cost;
        x = next;
        values = nextValues;
        cost = nextCost;
        damping = Math.max(damping / 5, 1e-12);
        if (isEnough) return { x, cost };
      } else {
        damping *= 4;
      }
    }
  }
  return { x, cost };
};
