// npm run audit -- --rpc URL    (--help says the rest; the auditor itself is in audit/)
import { parseArgs } from "node:util";

import { runAudit } from "../audit/audit.ts";
import { UsageError } from "../audit/chain.ts";
import { EXIT, runScript } from "../audit/exit.ts";
import { deploymentFor, parseBlock, requireUrl } from "../audit/options.ts";
import { connectRpc } from "../audit/rpc.ts";
import { auditJson, auditText } from "../audit/verdict.ts";

const USAGE = `Usage: npm run audit -- --rpc URL [options]

Rebuilds every balance, share, quote, position and pool total from events alone, compares them with storage to the wei,
and proves that what the protocol holds covers what it owes.

  --rpc URL           JSON-RPC endpoint, http:// or https://; of a past block: one that keeps old states
  --block N           the block to audit                     (default: the head)
  --deployment FILE   addresses written by the deployment    (default: deployments/<chain id>.json)
  --json              the result as JSON and nothing else

Exit code: 0 no difference, 1 differences (each is named) or no verdict, 2 wrong arguments, 130 stopped.`;

const parse = () => {
  try {
    return parseArgs({
      options: {
        rpc: { type: "string" },
        block: { type: "string" },
        deployment: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
};

await runScript("audit", async (signal) => {
  const options = parse();
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const block = parseBlock(options.block);
  const rpc = connectRpc(requireUrl(options.rpc), { signal });
  const deployment = await deploymentFor(rpc, options.deployment);
  const isWatched = process.stderr.isTTY && !options.json;
  const result = await runAudit(rpc, deployment, {
    ...(block !== undefined && { block }),
    onProgress: (to, events) => {
      if (isWatched) process.stderr.write(`\rblock ${to}, ${events} events `);
    },
  });
  if (isWatched) process.stderr.write("\r\u001b[K");
  console.log(options.json ? auditJson(result) : auditText(result));
  return result.differences === 0 ? 0 : EXIT.found;
});
