// npm run report -- --rpc URL --account ID --from … --to …    or    --protocol    (--help says the rest; see audit/)
import { parseArgs } from "node:util";

import { UsageError } from "../audit/chain.ts";
import { runScript } from "../audit/exit.ts";
import { writeReport } from "../audit/report.ts";

const USAGE = `Usage: npm run report -- --rpc URL --account ID --from WHEN --to WHEN [options]
       npm run report -- --rpc URL --protocol [--block N] [options]

A statement of one account (every movement, fees, interest, funding, realised PnL, margin calls), or the protocol as it
stands: lenders, borrowers, open interest, concentration, quality of collateral, ten largest exposures.

  --rpc URL           JSON-RPC endpoint that keeps old states, http:// or https://
  --account ID        account id (32 bytes), an owner's address (account 0), or ADDRESS/INDEX
  --from, --to WHEN   a block, a day (2026-01-31, UTC: from its first second, to its last) or a time (2026-01-31T12:00:00Z)
                      (default: all of the history)
  --samples N         blocks at which the account's margin is looked at   (default: 200)
  --protocol          report on the protocol instead
  --block N           the block to report on                              (default: the head)
  --out NAME          write NAME.csv and NAME.html, of the protocol NAME.json too  (default: out/statement-… or out/protocol-…)
  --deployment FILE   addresses written by the deployment                 (default: deployments/<chain id>.json)

Files are written whole or not at all. Exit code: 0 written, 1 failed, 2 wrong arguments, 130 stopped.`;

const parse = () => {
  try {
    return parseArgs({
      options: {
        rpc: { type: "string" },
        account: { type: "string" },
        from: { type: "string" },
        to: { type: "string" },
        samples: { type: "string" },
        protocol: { type: "boolean", default: false },
        block: { type: "string" },
        out: { type: "string" },
        deployment: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
};

await runScript("report", async (signal) => {
  const options = parse();
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  for (const line of await writeReport(options, signal)) console.log(line);
  return 0;
});
