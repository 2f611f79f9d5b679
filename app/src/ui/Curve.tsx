// Two lines over prices, drawn as SVG: what a position pays at expiry, and what it is worth today.
import type { ReactNode } from "react";

import { compact, price } from "../lib/format.ts";

export interface CurvePoint {
  readonly x: number;
  readonly a: number;
  readonly b?: number;
}

const WIDTH = 320;
const HEIGHT = 180;
const PAD = { left: 46, right: 10, top: 10, bottom: 22 };

export const Curve = ({
  points,
  label,
  marker,
  names,
  xText = price,
}: {
  points: readonly CurvePoint[];
  label: string;
  marker?: number;
  names: readonly [string, string?];
  xText?: (value: number) => string;
}): ReactNode => {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return null;
  const values = points.flatMap(({ a, b }) => (b === undefined ? [a] : [a, b]));
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const span = high - low || 1;
  const x = (value: number): number =>
    PAD.left + ((value - first.x) / (last.x - first.x || 1)) * (WIDTH - PAD.left - PAD.right);
  const y = (value: number): number => PAD.top + (1 - (value - low) / span) * (HEIGHT - PAD.top - PAD.bottom);
  const line = (pick: (point: CurvePoint) => number | undefined): string =>
    points
      .flatMap((point) => {
        const value = pick(point);
        return value === undefined ? [] : [`${x(point.x).toFixed(1)},${y(value).toFixed(1)}`];
      })
      .join(" ");
  return (
    <figure className="figure">
      <svg className="curve" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        <line className="zero" x1={PAD.left} x2={WIDTH - PAD.right} y1={y(0)} y2={y(0)} />
        {marker !== undefined && marker > first.x && marker < last.x && (
          <line className="axis" x1={x(marker)} x2={x(marker)} y1={PAD.top} y2={HEIGHT - PAD.bottom} />
        )}
        <polyline className="b" points={line(({ b }) => b)} />
        <polyline className="a" points={line(({ a }) => a)} />
        {[high, 0, low]
          .filter((value, i, all) => all.indexOf(value) === i)
          .map((value) => (
            <text key={value} x={PAD.left - 6} y={y(value) + 4} textAnchor="end">
              {compact(value)}
            </text>
          ))}
        {[first.x, (first.x + last.x) / 2, last.x].map((value, i) => (
          <text key={value} x={x(value)} y={HEIGHT - 6} textAnchor={(["start", "middle", "end"] as const)[i]}>
            {xText(value)}
          </text>
        ))}
      </svg>
      <figcaption className="legend">
        <span>— {names[0]}</span>
        {names[1] !== undefined && <span>┄ {names[1]}</span>}
      </figcaption>
    </figure>
  );
};
