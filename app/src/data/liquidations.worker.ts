// The search for liquidation prices beside the page: many positions take longer than a frame.
import { type Liquidation, liquidationsOf, type Standing } from "./liquidations.ts";

export interface Question {
  readonly id: number;
  readonly standing: Standing;
}
export interface Answer {
  readonly id: number;
  readonly found: readonly Liquidation[];
}

self.onmessage = ({ data: { id, standing } }: MessageEvent<Question>): void => {
  let found: readonly Liquidation[] = [];
  try {
    found = liquidationsOf(standing);
  } catch {
    // Not to be valued right now: then there is nothing to say.
  }
  self.postMessage({ id, found } satisfies Answer);
};
