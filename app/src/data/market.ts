// The mirror's market at one block: previews are reckoned from it, without asking the chain again.
import { readSnapshot } from "../../../sdk/client/snapshot.ts";
import { decodeInstrument } from "../../../sdk/instruments.ts";
import type { Market } from "../../../sdk/mirror/market.ts";
import type { Site } from "./site.ts";

export interface ListedOption {
  readonly word: bigint;
  readonly strike: bigint;
  readonly isCall: boolean;
}

/** Which options an expiry has never changes once it is listed, but for additions. */
const listed = new Map<string, readonly ListedOption[]>();

export const optionsOf = async (
  { venue, key }: Site,
  underlying: number,
  expiry: number,
): Promise<readonly ListedOption[]> => {
  const name = `${key}:${underlying}:${expiry}`;
  const found = listed.get(name);
  if (found !== undefined) return found;
  const { derivatives } = venue.contracts;
  const words = derivatives === undefined ? [] : await derivatives.positions.optionsOf(underlying, expiry);
  const options = [...words].flatMap((word): ListedOption[] => {
    const what = decodeInstrument(word);
    return what.kind === "option" ? [{ word, strike: what.strike, isCall: what.isCall }] : [];
  });
  listed.set(name, options);
  return options;
};

export interface Snapshot {
  readonly block: number;
  readonly market: Market;
}

export const readMarket = async ({ venue, provider }: Site): Promise<Snapshot> => {
  const expiries = Object.values(venue.deployment.underlyings).flatMap(({ number, expiries: list }) =>
    list.map((expiry) => ({ underlying: number, expiry })),
  );
  const { block, market } = await readSnapshot(venue, provider, { expiries });
  return { block, market };
};
