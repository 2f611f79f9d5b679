// A thread that weighs rows of the book: columns and tables are shared memory, only numbers of rows and results' places are sent.
import { parentPort } from "node:worker_threads";

import type { Tables } from "./tables.ts";
import { type WeighedColumns, Weigher } from "./weigher.ts";

/** Rows `from` ≤ i < `to` of the list, weighed into {@link RESULT} numbers each. */
export interface Task {
  readonly columns: WeighedColumns;
  readonly tables: Tables;
  readonly list: Int32Array;
  readonly from: number;
  readonly to: number;
  readonly results: Float64Array;
}

/** Maintenance (NaN: not priced), mtm, gross value, error. */
export const RESULT = 4;

/** Weighs a part of a list; the same in every thread. */
export const weighPart = (weigher: Weigher, { columns, tables, list, from, to, results }: Task): void => {
  weigher.bind(columns, tables);
  for (let i = from; i < to; i += 1) {
    weigher.weigh(list[i] ?? 0, false);
    results[RESULT * i] = weigher.priced ? weigher.maintenance : NaN;
    results[RESULT * i + 1] = weigher.mtm;
    results[RESULT * i + 2] = weigher.gross;
    results[RESULT * i + 3] = weigher.error;
  }
};

let own: Weigher | undefined;
parentPort?.on("message", (task: Task) => {
  own ??= new Weigher(task.columns, task.tables);
  weighPart(own, task);
  parentPort?.postMessage(task.to - task.from);
});
