// An account's statement, read from the chain.
import type { Deployment } from "../../deploy/lib/addresses.ts";
import { instrumentName } from "../../sdk/instruments.ts";
import { IMarginLens__factory } from "../../types/ethers-contracts/index.js";
import { symbolsOf } from "../audit.ts";
import { type Block, readBlocks, requireSame, UsageError, verifyDeployment } from "../chain.ts";
import { EndpointError, type Rpc } from "../rpc.ts";
import { assetNames } from "../solvency.ts";
import { SETTLEMENT } from "../words.ts";
import { type Book, bookKey, type Line, type Parts, StatementLines } from "./lines.ts";
import { type MarginCalls, type Margins, readMarginCalls } from "./margin-calls.ts";
import { heldAssets, readContext, readIndexTable, readTransactions, statementSources } from "./read.ts";

export interface BookSum extends Parts {
  readonly book: Book;
  readonly key: string;
  readonly name: string;
  readonly decimals: number;
  readonly opening: bigint;
  readonly closing: bigint;
  /** Settlement units WAD. */
  readonly realised: bigint;
}

export interface Statement {
  readonly network: string;
  readonly chainId: number;
  readonly account: string;
  /** Last block before the first one that is told of. */
  readonly openingBlock: Block | undefined;
  readonly from: Block;
  readonly to: Block;
  readonly settlement: string;
  readonly books: readonly BookSum[];
  readonly lines: readonly (Line & { readonly name: string; readonly decimals: number; readonly time: number })[];
  readonly calls: MarginCalls;
  readonly opening: Margins | undefined;
  readonly closing: Margins | undefined;
}

const WAD_DECIMALS = 18;

export interface StatementOptions {
  readonly account: string;
  readonly from: Block;
  readonly to: Block;
  /** Blocks at which the margin is looked at, at most. */
  readonly samples: number;
}

/** @throws UsageError when nothing was ever heard of the account; and what {@link readLogs} throws. */
export const readStatement = async (
  rpc: Rpc,
  deployment: Deployment,
  options: StatementOptions,
): Promise<Statement> => {
  const { account, from, to } = options;
  await verifyDeployment(rpc, deployment, to);
  const sources = await statementSources(rpc, deployment, to);
  const transactions = await readTransactions(rpc, deployment, sources, account, to.number);
  if (transactions.length === 0) {
    throw new UsageError(
      `--account: ${account} has done nothing on chain ${deployment.chainId} up to block ${to.number}`,
    );
  }
  const context = await readContext(rpc, deployment, sources, from.number, to.number);
  const assets = heldAssets(transactions, account);
  const indices = await readIndexTable(rpc, sources.safe, options, transactions, context.losses, assets);
  const symbols = symbolsOf(deployment);
  const lines = new StatementLines({
    account,
    from: from.number,
    to: to.number,
    indices: (block, asset) => {
      const found = indices.get(`${block}:${asset}`);
      if (found === undefined) throw new EndpointError(`the endpoint has no share indices of block ${block}`);
      return found;
    },
    finalPrice: context.finalPrice,
    losses: context.losses,
    instrumentName: (instrument) => instrumentName(instrument, symbols),
    cashUnit: 10n ** BigInt(WAD_DECIMALS - context.decimals(SETTLEMENT)),
  });
  lines.read(transactions);
  lines.close({ block: to.number, transaction: "", logIndex: Number.MAX_SAFE_INTEGER });

  const assetName = assetNames(deployment.assets);
  const nameOf = (book: Book): string => {
    if (book.kind === "asset") return assetName(book.asset);
    return book.kind === "quote" ? "quote" : instrumentName(book.instrument, symbols);
  };
  const decimalsOf = (book: Book): number => (book.kind === "asset" ? context.decimals(book.asset) : WAD_DECIMALS);
  const books = sumBooks(lines, to.number, nameOf, decimalsOf);

  const blocks = new Set(lines.lines.map(({ at }) => at.block));
  const times = new Map((await readBlocks(rpc, [...blocks])).map(({ number, timestamp }) => [number, timestamp]));
  const lens = { address: deployment.contracts.lens, abi: IMarginLens__factory.createInterface() };
  const margins = await readMarginCalls(rpc, lens, options, transactions);
  const openingBlock = from.number === 0 ? undefined : (await readBlocks(rpc, [from.number - 1]))[0];
  await requireSame(rpc, to);
  return {
    network: deployment.network,
    chainId: deployment.chainId,
    account,
    openingBlock,
    from,
    to,
    settlement: assetName(SETTLEMENT),
    books,
    lines: lines.lines.map((line) => ({
      ...line,
      name: nameOf(line.book),
      decimals: decimalsOf(line.book),
      time: times.get(line.at.block) ?? 0,
    })),
    ...margins,
  };
};

// ---------------------------------------------------------------- sums

/** Each book: what it opened with, all its parts, what it ends with. */
const sumBooks = (
  lines: StatementLines,
  to: number,
  nameOf: (book: Book) => string,
  decimalsOf: (book: Book) => number,
): BookSum[] => {
  const found = new Map<string, Book>();
  const note = (book: Book): void => void found.set(bookKey(book), book);
  const { opening, books: closing } = lines;
  const worth = { before: opening?.worth ?? new Map<number, bigint>(), after: lines.worthAt(to) };
  for (const asset of [...worth.before.keys(), ...worth.after.keys()]) note({ kind: "asset", asset });
  for (const { book } of lines.lines) note(book);
  for (const sizes of [opening?.books.sizes, closing.sizes]) {
    for (const instrument of sizes?.keys() ?? []) note({ kind: "position", instrument });
  }
  if (closing.quote !== 0n || (opening?.books.quote ?? 0n) !== 0n) note({ kind: "quote" });

  const ends = (book: Book): [bigint, bigint] => {
    if (book.kind === "asset") return [worth.before.get(book.asset) ?? 0n, worth.after.get(book.asset) ?? 0n];
    if (book.kind === "quote") return [opening?.books.quote ?? 0n, closing.quote];
    return [opening?.books.sizes.get(book.instrument) ?? 0n, closing.sizes.get(book.instrument) ?? 0n];
  };
  const order = ({ kind }: Book): number => ["asset", "quote", "position"].indexOf(kind);
  return [...found]
    .sort(([, a], [, b]) => order(a) - order(b) || (a.kind === "asset" && b.kind === "asset" ? a.asset - b.asset : 0))
    .map(([key, book]): BookSum => {
      const sums = { amount: 0n, interest: 0n, writeOff: 0n, funding: 0n, fee: 0n, realised: 0n };
      for (const line of lines.lines) {
        if (bookKey(line.book) !== key) continue;
        for (const part of Object.keys(sums) as (keyof typeof sums)[]) sums[part] += line[part];
      }
      const [first, last] = ends(book);
      return { book, key, name: nameOf(book), decimals: decimalsOf(book), opening: first, closing: last, ...sums };
    });
};
