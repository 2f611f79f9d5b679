// What `npm run report` does, from options to files.
import type { Deployment } from "../deploy/lib/addresses.ts";
import { type Block, pinBlock, readBlock, toTag, UsageError } from "./chain.ts";
import { writeWhole } from "./files.ts";
import { deploymentFor, fromHere, parseAccount, parseBlock, requireUrl } from "./options.ts";
import { protocolCsv } from "./protocol/csv.ts";
import { protocolHtml } from "./protocol/html.ts";
import { readProtocol } from "./protocol/protocol.ts";
import { connectRpc, type Rpc } from "./rpc.ts";
import { statementCsv } from "./statement/csv.ts";
import { statementHtml } from "./statement/html.ts";
import { blockAt } from "./statement/read.ts";
import { readStatement, type Statement } from "./statement/statement.ts";
import { shown, toJson } from "./text.ts";

export interface ReportOptions {
  readonly rpc?: string | undefined;
  readonly account?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly samples?: string | undefined;
  readonly protocol?: boolean | undefined;
  readonly block?: string | undefined;
  readonly out?: string | undefined;
  readonly deployment?: string | undefined;
}

type Side = "from" | "to";

const DAY_S = 86_400;
const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2}))?Z)?$/;

/** A block number, or Unix seconds: a day begins with its first second for `--from` and ends with its last for `--to`. */
export const parseWhen = (text: string, side: Side): { block: number } | { time: number } => {
  if (/^\d{1,15}$/.test(text)) return { block: Number(text) };
  const match = DATE.exec(text);
  if (match === null) {
    throw new UsageError(
      `--${side}: "${text}" is neither a block, a day (2026-01-31) nor a time (2026-01-31T12:00:00Z)`,
    );
  }
  const [, year, month, day, hour, minute, second] = match.map((part) => Number(part ?? 0)) as [number, ...number[]];
  const time = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second);
  // 2026-02-31 would be another day
  const isDay = match[4] === undefined;
  const said = isDay ? `${text}T00:00:00.000Z` : `${text.slice(0, 16)}:${match[6] ?? "00"}.000Z`;
  if (Number.isNaN(time) || new Date(time).toISOString() !== said)
    throw new UsageError(`--${side}: there is no ${text}`);
  return { time: time / 1_000 + (isDay && side === "to" ? DAY_S - 1 : 0) };
};

const findBlock = async (
  rpc: Rpc,
  text: string | undefined,
  side: Side,
  first: number,
  head: Block,
): Promise<Block> => {
  const when = text === undefined ? { block: side === "from" ? first : head.number } : parseWhen(text, side);
  if ("block" in when) {
    if (when.block > head.number)
      throw new UsageError(`--${side}: block ${when.block} is in the future, the head is ${head.number}`);
    const number = Math.max(first, when.block);
    const block = await readBlock(rpc, toTag(number));
    if (block === undefined) throw new UsageError(`--${side}: there is no block ${number}`);
    return block;
  }
  if (side === "to" && when.time > head.timestamp) {
    // a day that is not over yet ends with the head
    if (when.time - head.timestamp < DAY_S) return head;
    throw new UsageError(
      `--to: ${text} is in the future, the head is of ${new Date(head.timestamp * 1_000).toISOString()}`,
    );
  }
  const block = await blockAt(rpc, when.time, side === "from" ? "first" : "last", first, head);
  if (block !== undefined) return block;
  throw new UsageError(side === "from" ? `--from: ${text} is in the future` : `--to: ${text} is before the deployment`);
};

const parseSamples = (text: string | undefined): number => {
  const samples = text === undefined ? 200 : Number(text);
  if (!Number.isSafeInteger(samples) || samples < 1 || samples > 100_000) {
    throw new UsageError(`--samples: "${text}" is not a number of blocks between 1 and 100000`);
  }
  return samples;
};

const refuse = (options: ReportOptions, names: readonly (keyof ReportOptions)[], why: string): void => {
  for (const name of names) if (options[name] !== undefined) throw new UsageError(`--${name}: ${why}`);
};

/** Writes the files and says so. @throws UsageError and what reading the chain throws; then nothing is written. */
export const writeReport = async (options: ReportOptions, signal?: AbortSignal): Promise<string[]> => {
  const isProtocol = options.protocol === true;
  if (isProtocol) refuse(options, ["account", "from", "to", "samples"], "is for a statement, not with --protocol");
  else {
    if (options.account === undefined) throw new UsageError("--account: say whose statement, or --protocol");
    refuse(options, ["block"], "is for --protocol; a statement has --from and --to");
  }
  const account = isProtocol ? "" : parseAccount(options.account ?? "");
  const [samples, block] = [parseSamples(options.samples), parseBlock(options.block)];
  for (const side of ["from", "to"] as const) if (options[side] !== undefined) parseWhen(options[side], side);
  const rpc = connectRpc(requireUrl(options.rpc), signal === undefined ? {} : { signal });
  const deployment = await deploymentFor(rpc, options.deployment);
  if (isProtocol) return writeProtocol(rpc, deployment, block, options.out);

  const head = await pinBlock(rpc, undefined);
  const from = await findBlock(rpc, options.from, "from", deployment.fromBlock, head);
  const to = await findBlock(rpc, options.to, "to", deployment.fromBlock, head);
  if (from.number > to.number) throw new UsageError(`--from: block ${from.number} is after --to, block ${to.number}`);
  const statement = await readStatement(rpc, deployment, { account, from, to, samples });
  const out =
    options.out ??
    `out/statement-${account.slice(0, 10)}-${BigInt(`0x${account.slice(42)}`)}-${from.number}-${to.number}`;
  const files = [
    { file: fromHere(`${out}.csv`), text: statementCsv(statement) },
    { file: fromHere(`${out}.html`), text: statementHtml(statement) },
  ];
  writeWhole(files);
  return [...summaryOf(statement), ...files.map(({ file }) => `wrote ${file}`)];
};

const summaryOf = ({ account, from, to, books, lines, calls }: Statement): string[] => [
  `Account ${account}, blocks ${from.number} to ${to.number}: ${lines.length} lines, ${calls.spells.length} times below maintenance`,
  ...books.map(
    ({ name, decimals, opening, closing }) =>
      `  ${name}: ${shown(opening, decimals, Math.min(6, decimals))} → ${shown(closing, decimals, Math.min(6, decimals))}`,
  ),
];

const writeProtocol = async (
  rpc: Rpc,
  deployment: Deployment,
  block: number | undefined,
  name: string | undefined,
): Promise<string[]> => {
  const report = await readProtocol(rpc, deployment, block);
  const out = name ?? `out/protocol-${deployment.chainId}-${report.block.number}`;
  const files = [
    { file: fromHere(`${out}.csv`), text: protocolCsv(report) },
    { file: fromHere(`${out}.html`), text: protocolHtml(report) },
    { file: fromHere(`${out}.json`), text: `${toJson(report)}\n` },
  ];
  writeWhole(files);
  return [
    `${deployment.network}, block ${report.block.number}: ${report.accounts} accounts`,
    ...files.map(({ file }) => `wrote ${file}`),
  ];
};
