// Random accounts of a spot world, and holdings as the engine takes them.
import { ZeroHash } from "ethers";

import { type Account, type Entry, NO_FLAGS } from "../../sdk/mirror/account.ts";
import { idleAsset, vaultShareAsset } from "../../sdk/mirror/assets.ts";
import type { Holding } from "../../sdk/mirror/spot.ts";
import { digitsOf, type Random, shuffled } from "./random.ts";
import { assetIds, decimalsOf, POOLS } from "./spot-world.ts";

/** An asset beyond every table. */
export const UNKNOWN = idleAsset(9);

/** Any balances in any order; now and then one that the table does not list, a model or a quote that it does not know. */
export const randomAccount = (r: Random): Account => {
  const entries: Entry[] = [];
  for (const asset of [...assetIds(), ...POOLS.map((_, i) => vaultShareAsset(i + 1)), UNKNOWN]) {
    const isPool = asset < idleAsset(0);
    if (r(isPool ? 4 : 3) !== 0 && !isPool) continue;
    if (isPool && r(3) === 0) continue;
    const shares = digitsOf(r, decimalsOf(asset) + 6);
    if (shares === 0n || (asset === UNKNOWN && r(5) !== 0)) continue;
    entries.push({ asset, shares: isPool && r(2) === 0 ? -shares : shares });
  }
  const odd = r(200);
  const flags = {
    ...NO_FLAGS,
    ...(odd === 0 ? ({ model: 1 } as const) : {}),
    ...(odd === 1 ? { hasQuote: true } : {}),
  };
  return { id: ZeroHash, flags, entries: shuffled(r, entries), quote: 0n, positions: [] };
};

/** A holding's word. */
export const pack = ({ asset, amount }: Holding): bigint => (BigInt(asset) << 240n) | BigInt.asUintN(128, amount);
