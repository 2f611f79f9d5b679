// The events of an account's positions: found by its own indexed events, read whole from the receipts of their transactions.
import { decodeEvents, eventDecoder, type ProtocolEvent } from "../../../sdk/events.ts";
import { SETTLEMENT } from "../../../sdk/mirror/assets.ts";
import { toNumber } from "../lib/format.ts";
import { type Entry, entriesOf, type SpotEntry, spotEntriesOf } from "./entries.ts";
import type { Site } from "./site.ts";

export interface Entries {
  /** By instrument's word. */
  readonly positions: ReadonlyMap<bigint, Entry>;
  /** By asset. */
  readonly spot: ReadonlyMap<number, SpotEntry>;
}

interface Memory {
  block: number;
  readonly events: ProtocolEvent[];
}
const read = new Map<string, Memory>();

export const readEntries = async (site: Site, account: string): Promise<Entries> => {
  const { venue, provider, key } = site;
  const { derivatives, leverageRouter } = venue.contracts;
  const { deployment } = venue;
  const memory = read.get(`${key}:${account}`) ?? { block: deployment.fromBlock - 1, events: [] };
  read.set(`${key}:${account}`, memory);
  const head = await provider.getBlockNumber();
  const from = memory.block + 1;
  if (head >= from) {
    const logs = (
      await Promise.all([
        leverageRouter.queryFilter(leverageRouter.filters.LeverageIncreased(account), from, head),
        leverageRouter.queryFilter(leverageRouter.filters.LeverageReduced(account), from, head),
        derivatives?.positions.queryFilter(derivatives.positions.filters.LedgerChanged(account), from, head) ?? [],
      ])
    ).flat();
    const hashes = [...new Set(logs.map(({ transactionHash }) => transactionHash))];
    const receipts = await Promise.all(hashes.map((hash) => provider.getTransactionReceipt(hash)));
    const decode = eventDecoder(deployment);
    const events = receipts.flatMap((receipt) => (receipt === null ? [] : decodeEvents([...receipt.logs], decode)));
    events.sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
    // Another call may have read them in the meantime.
    if (memory.block < from) {
      memory.events.push(...events);
      memory.block = head;
    }
  }
  const decimals = new Map(venue.assets.list().map((asset) => [asset.id, asset.decimals]));
  const own = memory.events.filter(
    (event) => event.source !== "leverageRouter" || ("account" in event.args && event.args.account === account),
  );
  return {
    positions: entriesOf(memory.events, account),
    spot: spotEntriesOf(own, SETTLEMENT, (asset, amount) => toNumber(amount, decimals.get(asset) ?? 18)),
  };
};
