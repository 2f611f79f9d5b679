// One run from the first process to the last.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { NetworkConfig } from "../deploy/config/types.ts";
import { writeDeployment } from "../deploy/lib/addresses.ts";
import { followClock, startAnvil } from "../replay/anvil.ts";
import { type PricePath, rounds } from "../replay/candles.ts";
import { Cleanup } from "../replay/cleanup.ts";
import { calendarOf } from "../replay/derivatives/calendar.ts";
import { Floor } from "../replay/derivatives/floor.ts";
import { LedgerBook } from "../replay/derivatives/ledgerBook.ts";
import { CAPITAL } from "../replay/derivatives/people.ts";
import { attachDerivatives, listing } from "../replay/derivatives/stage.ts";
import { insure, makeMarkets, supply } from "../replay/lenders.ts";
import { Observer } from "../replay/observer.ts";
import { hire } from "../replay/opening.ts";
import type { Progress } from "../replay/progress.ts";
import { connect, DemoError, Ledger } from "../replay/sender.ts";
import { attachStage, deployStage, dollarsOf, journalDirectory, pricesOf, type Stage } from "../replay/stage.ts";
import { accountId, SETTLEMENT } from "../scripts/lib/ids.ts";
import { edgesOf, faultsOf } from "./faults.ts";
import { Fleet, KEEPER_ETHER } from "./fleet.ts";
import { lentFor, ShyLiquidity } from "./money.ts";
import type { StressOptions } from "./options.ts";
import { adjust, type Efficiency, efficiencyOf, overridesText } from "./parameters.ts";
import { type Population, populationOf, leverageAt, stretchedLeverageAt } from "./population.ts";
import type { RunRecord } from "./record.ts";
import { StressReplay } from "./replay.ts";
import { type KeeperResult, resultOf, type StressResult } from "./result.ts";
import { sum } from "./statistics.ts";
import { withTimes, worstMoment } from "./window.ts";

/** The people come before the first price. */
const PROLOGUE_S = 2 * 3_600;
/** What the world pays to be in a block before keepers. */
const TIP = 5_000_000_000n;
/** What maker and desk of the derivatives bring for each book. */
const CAPITAL_BOOKS = 11;
const OTHERS = "the desk, the maker or a keeper";

export interface StressRun {
  readonly result: StressResult;
  readonly record: RunRecord;
  readonly nameOf: (account: string) => string;
}

/** Runs it all; undefined when it was stopped before the end. Leaves no process behind, however it ends. */
export async function runStress(
  options: StressOptions,
  path: PricePath,
  progress: Progress,
  logs: string,
  stopped: AbortSignal,
): Promise<StressRun | undefined> {
  const cleanup = new Cleanup("stress");
  try {
    return await perform(options, path, progress, logs, stopped, cleanup);
  } catch (error) {
    // What is under way when it is told to stop may fail in any way.
    if (stopped.aborted) return undefined;
    throw error;
  } finally {
    await cleanup.run();
  }
}

async function perform(
  options: StressOptions,
  path: PricePath,
  progress: Progress,
  logs: string,
  stopped: AbortSignal,
  cleanup: Cleanup,
): Promise<StressRun | undefined> {
  const began = Date.now();
  const worst = worstMoment(path.points);
  const faults = faultsOf(options.faults, worst);
  const points = withTimes(rounds(path.points), edgesOf(faults));
  const [first] = points;
  if (first === undefined) throw new DemoError("there are no prices to replay");
  const prices = pricesOf(first);

  const directory = mkdtempSync(join(tmpdir(), "plimsoll-stress-"));
  cleanup.add(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(logs, { recursive: true });
  progress.say("Starting a local chain …");
  const chain = await startAnvil(first.time - PROLOGUE_S, stopped);
  cleanup.add(() => chain.stop());
  if (stopped.aborted) return undefined;

  progress.say("Deploying …");
  const journal = `test-stress-${process.pid}`;
  cleanup.add(() => rmSync(journalDirectory(journal), { recursive: true, force: true }));
  const calendar = calendarOf(points);
  const seen: NetworkConfig[] = [];
  const deployment = await deployStage(chain.url, prices, journal, (config) => {
    const adjusted = adjust(options.overrides)(listing(calendar)(config));
    seen.push(adjusted);
    return adjusted;
  });
  const [config] = seen;
  if (stopped.aborted || config === undefined) return undefined;
  const efficiency = efficiencyOf(config);
  const population = people(options, efficiency);

  const provider = connect(chain.url);
  cleanup.add(() => provider.destroy());
  const stage = attachDerivatives(await attachStage(provider, deployment), calendar);
  progress.say("Lending, insuring, making markets …");
  const ledger = new Ledger(provider, { minesBetween: false, tip: TIP });
  const lent = lentFor(population.roles);
  await supply(stage, ledger, prices, lent);
  const whole = sum(Object.values(lent));
  await insure(stage, ledger, Math.round(whole * options.insurance));
  const arbitrageur = await makeMarkets(stage, ledger, prices, options.faults.poolDepth);
  if (stopped.aborted) return undefined;

  progress.say(`Starting ${options.keepers} keepers …`);
  // With an interval anvil would move the pending block on whenever somebody looks at it.
  await followClock(chain.url);
  const fleet = await Fleet.start(ledger, {
    ...{ rpc: chain.url, deployment: writeDeployment(deployment, directory), directory, logs },
    count: options.keepers,
  });
  cleanup.add(() => fleet.stop());
  if (stopped.aborted) return undefined;

  const traders = await hire(population.roles, ledger);
  progress.say(`Replaying ${points.length} rounds with ${options.accounts} accounts …`);
  const book = new LedgerBook(stage.positions, await stage.positions.getAddress());
  const oracle = await ledger.actor("oracle");
  const scale = Math.max(1, population.plans.length / CAPITAL_BOOKS);
  const capital = { maker: CAPITAL.maker * scale, desk: CAPITAL.desk * scale };
  const floors: Floor[] = [];
  const replay = new StressReplay({
    ...{ stage, ledger, fleet, observer: await Observer.create(stage, book), oracle, arbitrageur, traders, faults },
    shy: new ShyLiquidity(stage, arbitrageur, 1 - options.faults.poolDepth),
    gasPriceSpike: options.faults.gasPriceSpike,
    openFloor: async (hands) => {
      const tools = {
        stage,
        ledger,
        book,
        path: { ...path, points },
        plans: population.plans,
        capital,
        oracle,
        directory,
      };
      const floor = await Floor.open(tools, hands);
      floors.push(floor);
      return floor;
    },
    stopped,
    onStep: (done, record) => progress.step(done, points.length, note(record)),
  });
  const played = await replay.run(points);
  if (stopped.aborted) return undefined;

  const { record } = played;
  const nameOf = (account: string): string => played.opened.get(account) ?? OTHERS;
  const derivatives = floors[0]?.results();
  const withPositions = derivatives?.books.length ?? 0;
  const result = resultOf({
    source: path.source,
    seed: options.seed,
    seconds: (Date.now() - began) / 1000,
    rounds: points.length,
    blocks: await provider.getBlockNumber(),
    accounts: {
      asked: options.accounts,
      opened: traders.length - played.refused + withPositions,
      refused: played.refused + 2 * population.plans.length - withPositions,
      withPositions,
      toppedUp: played.toppedUp,
    },
    faults,
    parameters: overridesText(options.overrides),
    efficiency,
    lent: whole,
    keepers: await keepersOf(stage, fleet, record),
    deskProfit: derivatives?.deskProfit ?? 0,
    keepersLate: fleet.late,
    record,
    nameOf,
    reasonFor: (account) => fleet.reasonFor(account),
    violations: played.violations,
  });
  return { result, record, nameOf };
}

function people(options: StressOptions, { maxLeverage }: Efficiency): Population {
  const { accounts, seed, books, stretch } = options;
  return populationOf({ accounts, seed, books, maxLeverage }, stretch ? stretchedLeverageAt : leverageAt);
}

/** Profit is what a keeper ends with in settlement tokens, for it brought none. */
async function keepersOf(stage: Stage, fleet: Fleet, record: RunRecord): Promise<KeeperResult[]> {
  const { provider, safe, tokens } = stage;
  const senders = new Map<string, number>();
  for (const { hash } of record.bids) {
    const from = (await provider.getTransaction(hash))?.from.toLowerCase() ?? "";
    senders.set(from, (senders.get(from) ?? 0) + 1);
  }
  const etherPrice = record.samples.at(-1)?.eth ?? 0;
  return Promise.all(
    fleet.actors.map(async ({ name, address }): Promise<KeeperResult> => {
      const [left, transactions, cash, kept] = await Promise.all([
        provider.getBalance(address),
        provider.getTransactionCount(address),
        tokens.USDC.balanceOf(address),
        safe.balanceOf(accountId(address), SETTLEMENT),
      ]);
      return {
        ...{ name, transactions, bids: senders.get(address.toLowerCase()) ?? 0 },
        profit: dollarsOf("USDC", cash + kept),
        gas: (Number(KEEPER_ETHER - left) / 1e18) * etherPrice,
      };
    }),
  );
}

function note({ samples, bids }: RunRecord): string {
  const last = samples.at(-1);
  if (last === undefined) return "";
  const when = new Date(last.time * 1000).toISOString().slice(5, 16).replace("T", " ");
  return `${when}  ETH ${last.eth.toFixed(0)}  BTC ${last.btc.toFixed(0)}  ${last.unhealthy} below maintenance, ${bids.length} bids`;
}
