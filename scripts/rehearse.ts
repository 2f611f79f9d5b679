// npm run rehearse -- --rpc URL    (--help says the rest; the rehearsal itself is in rehearsal/)
import { parseArgs } from "node:util";

import { getAddress, isAddress } from "ethers";

import { UsageError } from "../audit/chain.ts";
import { EXIT, runScript } from "../audit/exit.ts";
import { deploymentFor, requireUrl } from "../audit/options.ts";
import { connectRpc } from "../audit/rpc.ts";
import { type Module, MODULES, rehearsalText, rehearse } from "../rehearsal/rehearse.ts";

const USAGE = `Usage: npm run rehearse -- --rpc URL [options]

Upgrades a copy of the chain (anvil, which must be installed) as the timelock would, and compares what every account, order and market
is, before and after, at the same second. Nothing is sent to the chain itself.

  --rpc URL           JSON-RPC endpoint of the chain
  --positions CODE    address of the ledger's new code   (default: what this checkout compiles to)
  --exchange CODE     address of the exchange's new code (default: the same)
  --only MODULE       positions or exchange              (default: both)
  --deployment FILE   addresses written by the deployment (default: deployments/<chain id>.json)
  --json              the result as JSON and nothing else

Exit code: 0 nothing differs, 1 something does or the upgrade is refused, 2 wrong arguments, 130 stopped.`;

const parse = () => {
  try {
    return parseArgs({
      options: {
        rpc: { type: "string" },
        positions: { type: "string" },
        exchange: { type: "string" },
        only: { type: "string" },
        deployment: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
};

const addressOf = (option: string, text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  const isOne: boolean = isAddress(text); // as a guard it would say that what is none is no text either
  if (!isOne) throw new UsageError(`--${option}: "${text}" is no address`);
  return getAddress(text);
};

const moduleOf = (text: string | undefined): Module | undefined => {
  if (text === undefined) return undefined;
  const names: readonly string[] = MODULES;
  if (!names.includes(text)) throw new UsageError(`--only: "${text}" is none of ${names.join(", ")}`);
  return text as Module;
};

await runScript("rehearse", async () => {
  const options = parse();
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const rpc = requireUrl(options.rpc);
  const only = moduleOf(options.only);
  const [positions, exchange] = [addressOf("positions", options.positions), addressOf("exchange", options.exchange)];
  const result = await rehearse({
    rpc,
    deployment: await deploymentFor(connectRpc(rpc), options.deployment),
    ...(only !== undefined && { modules: [only] }),
    code: { ...(positions !== undefined && { positions }), ...(exchange !== undefined && { exchange }) },
  });
  console.log(options.json ? JSON.stringify(result, undefined, 2) : rehearsalText(result));
  return result.differences.length === 0 ? 0 : EXIT.found;
});
