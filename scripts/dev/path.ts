// The prices of the local chain: a record played at some speed, forth and back without an end, and a lever for whoever tests.
import type { PricePath, PricePoint } from "../../replay/candles.ts";
import { type Coin, COINS, type Prices } from "../../replay/stage.ts";

/** Part of the record that is on chain already when the page opens, so that charts begin with a past. */
const LEAD_IN = 0.25;
/** Below this ether would trade on strikes a few dollars apart: the built-in path is scaled up to look like today's market. */
const LEAST_ETHER = 1_000;
const USUAL_ETHER = 2_500;

export interface Lever {
  /** Multiplies what the record says. */
  factor: number;
}

export class LivePath {
  private readonly points: readonly PricePoint[];
  private readonly scale: number;
  private readonly levers: Record<Coin, Lever> = { WETH: { factor: 1 }, WBTC: { factor: 1 } };

  /** `speed`: seconds of the record in a second; 0 stands still. */
  constructor(
    path: PricePath,
    private readonly speed: number,
  ) {
    this.points = path.points;
    const first = path.points[0]?.eth ?? USUAL_ETHER;
    this.scale = first < LEAST_ETHER ? USUAL_ETHER / first : 1;
  }

  get isScaled(): boolean {
    return this.scale !== 1;
  }

  private get length(): number {
    return (this.points.at(-1)?.time ?? 0) - (this.points[0]?.time ?? 0);
  }

  /** The lead-in by parts, oldest first: what stood on chain before the page opened. */
  past(count: number): Prices[] {
    return Array.from({ length: count }, (_, i) => this.at((this.length * LEAD_IN * i) / count));
  }

  /** `seconds` since the page opened. */
  now(seconds: number): Prices {
    return this.at(this.length * LEAD_IN + seconds * this.speed);
  }

  /** Moves a coin away from the record, for good. */
  push(coin: Coin, factor: number): void {
    this.levers[coin].factor *= factor;
  }

  /** All coins back to what the record says. */
  restore(): void {
    for (const coin of COINS) this.levers[coin].factor = 1;
  }

  private at(position: number): Prices {
    const { length } = this;
    const lap = length === 0 ? 0 : position % (2 * length);
    const offset = lap <= length ? lap : 2 * length - lap;
    const time = (this.points[0]?.time ?? 0) + offset;
    const next = this.points.findIndex((point) => point.time >= time);
    const after = this.points[next] ?? this.points.at(-1);
    const before = this.points[Math.max(0, next - 1)] ?? after;
    if (before === undefined || after === undefined) throw new RangeError("there are no prices to replay");
    const part = after.time === before.time ? 1 : (time - before.time) / (after.time - before.time);
    const between = (a: number, b: number): number => a * (b / a) ** part;
    const [eth, btc] = [between(before.eth, after.eth), between(before.btc, after.btc)];
    return {
      USDC: 1,
      WETH: eth * this.scale * this.levers.WETH.factor,
      WBTC: btc * (this.isScaled ? this.scale : 1) * this.levers.WBTC.factor,
    };
  }
}

export const isCoin = (value: unknown): value is Coin => COINS.some((coin) => coin === value);
