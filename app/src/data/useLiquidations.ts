// Liquidation prices of a standing, a moment after it changed: worked out beside the page, once for all who ask.
import { useEffect, useState } from "react";

import type { Liquidation, Standing } from "./liquidations.ts";
import type { Answer } from "./liquidations.worker.ts";

/** While somebody types, only the last size counts. */
const PAUSE_MS = 60;

let worker: Worker | undefined;
let last = 0;
const waiting = new Map<number, (found: readonly Liquidation[]) => void>();
const answers = new WeakMap<Standing, Promise<readonly Liquidation[]>>();

const start = (): Worker => {
  const made = new Worker(new URL("./liquidations.worker.ts", import.meta.url), { type: "module" });
  made.onmessage = ({ data: { id, found } }: MessageEvent<Answer>): void => {
    waiting.get(id)?.(found);
    waiting.delete(id);
  };
  return made;
};

const ask = (standing: Standing): Promise<readonly Liquidation[]> => {
  const known = answers.get(standing);
  if (known !== undefined) return known;
  worker ??= start();
  last += 1;
  const id = last;
  const answer = new Promise<readonly Liquidation[]>((resolve) => waiting.set(id, resolve));
  answers.set(standing, answer);
  worker.postMessage({ id, standing });
  return answer;
};

/** Undefined until the first answer; then the last one until the next is there. */
export const useLiquidations = (standing: Standing | undefined): readonly Liquidation[] | undefined => {
  const [found, setFound] = useState<readonly Liquidation[]>();
  useEffect(() => {
    if (standing === undefined) return undefined;
    let isOver = false;
    const timer = setTimeout(() => {
      void ask(standing).then((answer) => {
        if (!isOver) setFound(answer);
      });
    }, PAUSE_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [standing]);
  return found;
};
