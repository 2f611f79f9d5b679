// npm run resilience [-- --only NAME …] [-- --tables]: does the runs that docs/resilience.md tells of, one after the other,
// keeps their figures in bench/resilience.json, and writes the page's tables from there. Hours on a small machine.
import { parseArgs } from "node:util";

import { doRuns } from "../stress/docs/doRuns.ts";
import { RUNS } from "../stress/docs/runs.ts";
import { writeTables } from "../stress/docs/tables.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    tables: { type: "boolean", default: false },
  },
});
const unknown = values.only.filter((name) => !RUNS.some((run) => run.name === name));
if (unknown.length > 0) {
  console.error(`resilience: --only ${unknown.join(", ")}: it knows ${RUNS.map(({ name }) => name).join(", ")}`);
  process.exitCode = 2;
} else {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());
  const chosen = RUNS.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
  if (!values.tables) process.exitCode = await doRuns(chosen, stop.signal);
  if (!stop.signal.aborted) writeTables();
}
