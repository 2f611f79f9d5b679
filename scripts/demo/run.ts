// The demo from the first process to the last: chain, deployment, people, keeper, replay.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { JsonRpcProvider } from "ethers";

import { runAudit } from "../../audit/audit.ts";
import { findingText } from "../../audit/findings.ts";
import { connectRpc } from "../../audit/rpc.ts";
import { type Deployment, writeDeployment } from "../../deploy/lib/addresses.ts";
import { Cleanup } from "../../replay/cleanup.ts";
import { type PricePath, rounds } from "../../replay/candles.ts";
import { castRoles } from "./cast.ts";
import { startChain } from "../../replay/chain.ts";
import { BOOKS } from "../../replay/derivatives/books.ts";
import { calendarOf } from "../../replay/derivatives/calendar.ts";
import { Floor } from "../../replay/derivatives/floor.ts";
import type { DerivativesRecord } from "../../replay/derivatives/record.ts";
import { LedgerBook } from "../../replay/derivatives/ledgerBook.ts";
import { attachDerivatives, listing } from "../../replay/derivatives/stage.ts";
import { KeeperProcess } from "../../replay/keeper.ts";
import { insure, makeMarkets, supply } from "../../replay/lenders.ts";
import { Observer } from "../../replay/observer.ts";
import { hire } from "../../replay/opening.ts";
import type { Progress } from "../../replay/progress.ts";
import type { Recorder } from "./recorder.ts";
import { Replay } from "./replay.ts";
import { type Actor, connect, DemoError, Ledger } from "../../replay/sender.ts";
import { attachStage, deployStage, journalDirectory, pricesOf } from "../../replay/stage.ts";
import { type Audited, type Gas, summarise, type Summary } from "./summary.ts";

const OUT = fileURLToPath(new URL("../../out/demo", import.meta.url));
/** The people come before the first candle. */
const PROLOGUE_S = 2 * 3600;

export interface DemoResult {
  readonly summary: Summary;
  readonly recorder: Recorder;
  readonly derivatives: DerivativesRecord;
}

/** Runs it all; undefined when it was stopped before the end. Leaves no process behind, however it ends. */
export async function runDemo(
  path: PricePath,
  progress: Progress,
  stopped: AbortSignal,
): Promise<DemoResult | undefined> {
  const cleanup = new Cleanup("demo");
  try {
    return await perform(path, progress, stopped, cleanup);
  } catch (error) {
    // What is under way when the demo is told to stop may fail in any way.
    if (stopped.aborted) return undefined;
    throw error;
  } finally {
    await cleanup.run();
  }
}

async function perform(
  path: PricePath,
  progress: Progress,
  stopped: AbortSignal,
  cleanup: Cleanup,
): Promise<DemoResult | undefined> {
  const began = Date.now();
  const points = rounds(path.points);
  const [first] = points;
  if (first === undefined) throw new DemoError("there are no prices to replay");
  const prices = pricesOf(first);

  const directory = mkdtempSync(join(tmpdir(), "plimsoll-demo-"));
  cleanup.add(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(OUT, { recursive: true });
  progress.say("Starting a local chain …");
  const chain = await startChain(first.time - PROLOGUE_S, stopped);
  cleanup.add(() => chain.stop());
  if (stopped.aborted) return undefined;

  progress.say("Deploying …");
  const journal = `test-demo-${process.pid}`;
  cleanup.add(() => rmSync(journalDirectory(journal), { recursive: true, force: true }));
  const calendar = calendarOf(points);
  const deployment = await deployStage(chain.url, prices, journal, listing(calendar));
  if (stopped.aborted) return undefined;
  const provider = connect(chain.url);
  cleanup.add(() => provider.destroy());
  const stage = attachDerivatives(await attachStage(provider, deployment), calendar);

  progress.say("Lending, insuring, making markets …");
  const ledger = new Ledger(provider);
  await supply(stage, ledger, prices);
  await insure(stage, ledger);
  const arbitrageur = await makeMarkets(stage, ledger, prices);
  if (stopped.aborted) return undefined;

  progress.say("Starting the keeper …");
  const keeperActor = await ledger.actor("keeper", 10n ** 21n);
  const keeper = await KeeperProcess.start({
    rpc: chain.url,
    key: keeperActor.wallet.privateKey,
    deployment: writeDeployment(deployment, directory),
    state: join(directory, "keeper.sqlite"),
    log: join(OUT, "keeper.log"),
  });
  cleanup.add(() => keeper.stop());

  const traders = await hire(castRoles(), ledger);
  progress.say(`Replaying ${points.length} rounds with ${traders.length} accounts …`);
  const book = new LedgerBook(stage.positions, await stage.positions.getAddress());
  const observer = await Observer.create(stage, book);
  const oracle = await ledger.actor("oracle");
  const replay = new Replay({
    stage,
    ledger,
    keeper,
    observer,
    crew: { oracle, arbitrageur, traders },
    openFloor: (hands) =>
      Floor.open({ stage, ledger, book, path: { ...path, points }, plans: BOOKS, oracle, directory }, hands),
    stopped,
    onStep: (done, recorder) => progress.step(done, points.length, note(recorder)),
  });
  const result = await replay.run(points);
  if (stopped.aborted) return undefined;

  progress.say("Auditing: everything anew from events …");
  const audit = await audited(chain.url, deployment, stopped);
  if (stopped.aborted) return undefined;
  const summary = summarise({
    source: path.source,
    rounds: points.length,
    seconds: (Date.now() - began) / 1000,
    recorder: result.recorder,
    derivatives: result.derivatives,
    violations: result.violations,
    keeperGas: await keeperGas(provider, keeperActor, result.recorder.lastPrices.WETH),
    gasPerBid: await gasPerBid(
      provider,
      result.bids.filter(({ hasLedger }) => !hasLedger).map(({ hash }) => hash),
    ),
    keeperLate: result.keeperLate,
    audit,
  });
  return { summary, recorder: result.recorder, derivatives: result.derivatives };
}

/** As `npm run audit` would, on the demo's own chain. */
async function audited(url: string, deployment: Deployment, stopped: AbortSignal): Promise<Audited> {
  const { events, compared, differences, findings } = await runAudit(connectRpc(url, { signal: stopped }), deployment);
  return { events, compared, differences, findings: findings.map(findingText) };
}

function note({ samples, bids }: Recorder): string {
  const last = samples.at(-1);
  if (last === undefined) return "";
  const when = new Date(last.time * 1000).toISOString().slice(5, 16).replace("T", " ");
  const { WETH, WBTC } = last.prices;
  return `${when}  ETH ${WETH.toFixed(0)}  BTC ${WBTC.toFixed(0)}  ${last.unhealthy} below maintenance, ${bids.length} bids`;
}

const receiptsOf = async (provider: JsonRpcProvider, hashes: readonly string[]) =>
  (await Promise.all(hashes.map((hash) => provider.getTransactionReceipt(hash)))).filter((receipt) => receipt !== null);

async function gasPerBid(provider: JsonRpcProvider, hashes: readonly string[]): Promise<number> {
  const receipts = await receiptsOf(provider, hashes);
  return receipts.length === 0 ? 0 : receipts.reduce((sum, { gasUsed }) => sum + Number(gasUsed), 0) / receipts.length;
}

/** From what is left of the keeper's ether: all that it sent, bids or not. */
async function keeperGas(provider: JsonRpcProvider, keeper: Actor, etherPrice: number): Promise<Gas> {
  const [left, transactions] = await Promise.all([
    provider.getBalance(keeper.address),
    provider.getTransactionCount(keeper.address),
  ]);
  const ether = Number(10n ** 21n - left) / 1e18;
  return { transactions, ether, dollars: ether * etherPrice };
}
