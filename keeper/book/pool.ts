// Threads that weigh beside this one.
import { once } from "node:events";
import { Worker } from "node:worker_threads";

import { shareFloat64, shareInt32 } from "./columns.ts";
import type { Tables } from "./tables.ts";
import type { WeighedColumns, Weigher } from "./weigher.ts";
import { RESULT, type Task, weighPart } from "./worker.ts";

/** Fewer rows than this are weighed here sooner than they are handed out. */
const LEAST_ROWS = 2_000;

export class WeigherPool {
  private readonly workers: Worker[];

  /** @param threads beside this one; 0: everything is weighed here. */
  constructor(threads: number) {
    this.workers = Array.from({ length: threads }, () => {
      const worker = new Worker(new URL("./worker.ts", import.meta.url));
      worker.unref();
      return worker;
    });
  }

  /** {@link RESULT} numbers a row, in the order of the rows. Columns may not change until it is done. */
  async weigh(
    weigher: Weigher,
    columns: WeighedColumns,
    tables: Tables,
    rows: readonly number[],
  ): Promise<Float64Array> {
    const list = shareInt32(rows.length);
    list.set(rows);
    const results = shareFloat64(RESULT * rows.length);
    const helpers = rows.length < LEAST_ROWS ? [] : this.workers;
    const share = Math.ceil(rows.length / (helpers.length + 1));
    const task = (k: number): Task => {
      const to = Math.min(rows.length, share * (k + 1));
      return { columns, tables, list, from: Math.min(share * k, to), to, results };
    };
    const answers = helpers.map((worker, k) => {
      const answer = once(worker, "message");
      worker.postMessage(task(k + 1));
      return answer;
    });
    weighPart(weigher, task(0));
    await Promise.all(answers);
    return results;
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}
