// Which doors the runs went through. An invariant that was only ever looked at after refused calls has not been tested.
import type { Campaign, Chunk } from "./campaigns.ts";

interface Row {
  readonly campaign: string;
  readonly door: string;
  readonly calls: number | undefined;
  readonly passed: number;
}

/** A handler's own counts where it has some: its functions swallow refusals, so that they themselves hardly ever revert. */
const rowsOf = (campaigns: readonly Campaign[], chunks: readonly Chunk[]): Row[] =>
  campaigns.flatMap(({ name }) => {
    const rows = new Map<string, { calls: number | undefined; passed: number }>();
    for (const { moves, doors } of chunks.filter(({ campaign }) => campaign === name)) {
      for (const [move, { calls, reverts }] of Object.entries(moves)) {
        const row = rows.get(`${move}()`) ?? { calls: 0, passed: 0 };
        rows.set(`${move}()`, { calls: (row.calls ?? 0) + calls, passed: row.passed + calls - reverts });
      }
      for (const [door, count] of Object.entries(doors)) {
        rows.set(door, { calls: undefined, passed: (rows.get(door)?.passed ?? 0) + count });
      }
    }
    return [...rows].map(([door, row]) => ({ campaign: name, door, ...row }));
  });

export const table = (campaigns: readonly Campaign[], chunks: readonly Chunk[]): string => {
  let last = "";
  const lines: string[] = [];
  for (const { campaign, door, calls, passed } of rowsOf(campaigns, chunks)) {
    if (campaign !== last) lines.push(campaign);
    last = campaign;
    lines.push(
      `  ${door.padEnd(24)} ${(calls ?? "").toString().padStart(10)} calls ${passed.toString().padStart(10)} passed`,
    );
  }
  return lines.join("\n");
};

/** Doors that nothing ever passed. */
export const unreached = (campaigns: readonly Campaign[], chunks: readonly Chunk[]): string[] =>
  rowsOf(campaigns, chunks)
    .filter(({ passed }) => passed === 0)
    .map(({ campaign, door }) => `${campaign}: ${door}`);
