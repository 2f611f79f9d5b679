// The prices that a run was asked for.
import { basename } from "node:path";

import { loadPath, type PricePath } from "../replay/candles.ts";
import type { StressOptions } from "./options.ts";
import { shockPath } from "./shock.ts";
import { windowOf } from "./window.ts";

const USUAL_SHOCK_HOURS = 6;

/** Prices of a run; throws errors that name what is wrong with the candles. */
export function pathOf({ source, hours, seed }: StressOptions, directory: string): PricePath {
  if (source.kind === "shock") {
    const length = hours ?? USUAL_SHOCK_HOURS;
    return shockPath(source.shock, length, seed, `${source.text} over ${length} h`);
  }
  const path = { ...loadPath(source.file, "", directory), source: basename(source.file) };
  return hours === undefined ? path : windowOf(path, hours);
}
