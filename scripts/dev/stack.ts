// Everything around the page, started and stopped as one: chain, deployment, people, programs, a live market.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { HDNodeWallet, MaxUint256, Mnemonic } from "ethers";

import { expiryGrid, strikesAround } from "../../deploy/config/grids.ts";
import { minutes, type NetworkConfig } from "../../deploy/config/types.ts";
import { type Deployment, writeDeployment } from "../../deploy/lib/addresses.ts";
import { startAnvil } from "../../replay/anvil.ts";
import type { PricePath } from "../../replay/candles.ts";
import { freePort } from "../../replay/chain.ts";
import { insure, makeMarkets, supply } from "../../replay/lenders.ts";
import { prepareOpening, traderOf } from "../../replay/opening.ts";
import { type Actor, connect, type Intent, Ledger, MNEMONIC } from "../../replay/sender.ts";
import { attachStage, deployStage, journalDirectory, mint, round, type Stage, unitsOf } from "../../replay/stage.ts";
import { accountId } from "../../sdk/ids.ts";
import { Auditor } from "./auditor.ts";
import { Child, type Program } from "./children.ts";
import { LiveMarket } from "./market.ts";
import { LivePath } from "./path.ts";
import { PEOPLE } from "./people.ts";

const OUT = fileURLToPath(new URL("../../out/dev", import.meta.url));
/** The chain has a past, so that charts begin with something. */
const PAST_BLOCKS = 90;
const PAST_STEP_S = 60;
/** For deploying and for everybody to come in, a second a block. */
const SETTLING_S = 1_800;
const EXPIRIES_AHEAD = [1, 7];
const MONEYNESS = { WETH: [0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2], WBTC: [0.9, 1, 1.1] } as const;
const TICKS = { WETH: 50, WBTC: 1_000 } as const;
/** Accounts of the development mnemonic that the local feed trusts. */
const ATTESTERS = [17, 18];
/** Between two audits. */
const AUDIT_MS = 300_000;
const MAKER_DOLLARS = 20_000_000;
const SUBMITTER_DOLLARS = 10_000;

export interface StackOptions {
  readonly path: PricePath;
  /** Seconds of the record in one second; 0: prices stand still. */
  readonly speed: number;
  /** Milliseconds between blocks. */
  readonly blockMs: number;
  readonly say: (what: string) => void;
  readonly stopped: AbortSignal;
}

export interface DevStack {
  readonly rpc: string;
  readonly matcher: string;
  readonly deployment: Deployment;
  readonly market: LiveMarket;
  readonly path: LivePath;
  readonly stage: Stage;
  readonly auditor: Auditor;
  /** For tests: leaves auctions to others, and ends the chain as a crash would. */
  readonly stopKeeper: () => Promise<void>;
  readonly stopChain: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Fewer markets than the local network lists: a maker on a laptop quotes them all. */
const listing =
  (startedAt: number, prices: { WETH: number; WBTC: number }) =>
  (config: NetworkConfig): NetworkConfig => {
    const { derivatives } = config;
    if (derivatives === undefined) return config;
    const underlyings = derivatives.underlyings.map((underlying) => {
      const coin = underlying.asset === "WETH" ? "WETH" : "WBTC";
      if (underlying.options === undefined) return underlying;
      const strikes = strikesAround(prices[coin], TICKS[coin], MONEYNESS[coin]);
      const ahead = coin === "WETH" ? EXPIRIES_AHEAD : EXPIRIES_AHEAD.slice(-1);
      return { ...underlying, options: { ...underlying.options, expiries: expiryGrid(startedAt, ahead, strikes) } };
    });
    // Prices run faster here, so auctions do.
    const auction = { ...config.auction, fast: minutes(1), slow: minutes(15), insuranceTime: minutes(5) };
    return { ...config, auction, derivatives: { ...derivatives, underlyings } };
  };

export async function startStack(options: StackOptions): Promise<DevStack> {
  const undo: (() => Promise<unknown> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        // The next step may be a process that must not stay behind.
        options.say(error instanceof Error ? error.message : String(error));
      }
    }
  };
  try {
    return await start(options, undo, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  { path: record, speed, blockMs, say, stopped }: StackOptions,
  undo: (() => Promise<unknown> | void)[],
  stop: () => Promise<void>,
): Promise<DevStack> {
  const path = new LivePath(record, speed);
  const past = path.past(PAST_BLOCKS);
  const first = past[0] ?? path.now(0);
  const startsAt = Math.floor(Date.now() / 1_000) - PAST_BLOCKS * PAST_STEP_S - SETTLING_S;

  mkdirSync(OUT, { recursive: true });
  const directory = mkdtempSync(join(tmpdir(), "plimsoll-dev-"));
  undo.push(() => rmSync(directory, { recursive: true, force: true }));
  say("Starting a local chain …");
  const chain = await startAnvil(startsAt, stopped);
  undo.push(() => chain.stop());

  say("Deploying …");
  const journal = `test-dev-${process.pid}`;
  undo.push(() => rmSync(journalDirectory(journal), { recursive: true, force: true }));
  // Options are listed around today's price, not the one that the past began with.
  const deployment = await deployStage(chain.url, first, journal, listing(Math.floor(Date.now() / 1_000), path.now(0)));
  const provider = connect(chain.url);
  undo.push(() => provider.destroy());
  const stage = await attachStage(provider, deployment);
  const ledger = new Ledger(provider, { minesBetween: false });

  say("Lending, insuring, making markets …");
  await supply(stage, ledger, first);
  await insure(stage, ledger);
  const arbitrageur = await makeMarkets(stage, ledger, first);
  const oracle = await ledger.actor("oracle");
  const crew = { oracle, arbitrageur, faucet: await ledger.actor("faucet", 10n ** 26n) };

  say("Replaying the past …");
  const now = Math.floor(Date.now() / 1_000);
  for (const [i, prices] of past.entries()) {
    const time = now - (past.length - i) * PAST_STEP_S;
    await ledger.block(
      await Promise.all(
        (["WETH", "WBTC"] as const).map(async (coin): Promise<Intent> => ({
          by: oracle,
          what: `publish ${coin}`,
          tx: await round(stage, coin, prices[coin]),
        })),
      ),
      time,
    );
  }
  const market = new LiveMarket(stage, ledger, path, crew, (error) => say(`the market missed a beat: ${text(error)}`));
  const actors = {
    keeper: await ledger.actor("keeper", 10n ** 21n),
    matcher: await ledger.actor("matcher", 10n ** 21n),
    maker: await ledger.actor("maker", 10n ** 21n),
    attestor: await ledger.actor("attestor", 10n ** 21n),
  };
  const people = await Promise.all(PEOPLE.map(async (role) => traderOf(role, await ledger.actor(role.name))));
  await bringIn(stage, ledger, actors.matcher, SUBMITTER_DOLLARS);
  await bringIn(stage, ledger, actors.maker, MAKER_DOLLARS);
  market.start(blockMs);
  undo.push(() => market.stop());
  await market.settled();
  const { prices } = market;
  const plans = await Promise.all(people.map((trader) => prepareOpening(stage, trader, prices)));
  await market.send(plans.flatMap(({ preparations }) => preparations));
  await market.send(plans.map(({ opening }) => opening));

  const addresses = writeDeployment(deployment, directory);
  const common = ["--rpc", chain.url, "--deployment", addresses];
  const onEnd = (name: string, words: string): void => say(`The ${name} has ended:\n${words}`);
  const port = await freePort();
  const matcher = `http://127.0.0.1:${port}`;
  const launch = async (program: Omit<Program, "log">): Promise<Child> => {
    say(`Starting the ${program.name} …`);
    const child = await Child.start({ ...program, log: join(OUT, `${program.name}.log`) }, (name, words) => {
      if (!stopped.aborted && undo.length > 0) onEnd(name, words);
    });
    undo.push(() => child.stop());
    return child;
  };
  const signers = ATTESTERS.map(
    (i) => HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${i}`).privateKey,
  );
  // The maker looks for smiles and for the matcher when it starts: after the others.
  const [keeper] = await Promise.all([
    launch({
      ...{ name: "keeper", script: "scripts/keeper.ts", ready: "started" },
      args: [...common, "--state", join(directory, "keeper.sqlite")],
      env: { PLIMSOLL_KEEPER_KEY: actors.keeper.wallet.privateKey },
    }),
    launch({
      ...{ name: "attestor", script: "scripts/attestor.ts", ready: "posted" },
      args: [...common, "--interval", "30"],
      env: {
        PLIMSOLL_ATTESTOR_KEY: actors.attestor.wallet.privateKey,
        PLIMSOLL_ATTESTOR_SIGNERS: signers.join(","),
      },
    }),
    launch({
      ...{ name: "matcher", script: "scripts/matcher.ts", ready: "listening" },
      args: [...common, "--port", String(port), "--journal", join(directory, "matcher"), "--fsync", "interval"],
      env: { PLIMSOLL_MATCHER_KEY: actors.matcher.wallet.privateKey },
    }),
  ]);
  await launch({
    ...{ name: "maker", script: "scripts/maker.ts", ready: "quoted" },
    args: [
      ...[...common, "--matcher", matcher, "--interval", "4000"],
      ...["--perp-size", "5", "--option-size", "10", "--delta-limit", "500"],
    ],
    env: { PLIMSOLL_MAKER_KEY: actors.maker.wallet.privateKey },
  });

  const auditor = new Auditor(chain.url, addresses, AUDIT_MS);
  auditor.start();
  undo.push(() => auditor.stop());
  return {
    ...{ rpc: chain.url, matcher, deployment, market, path, stage, auditor, stop },
    stopKeeper: () => keeper.stop(),
    stopChain: () => chain.stop(),
  };
}

/** USDC into somebody's own account. */
async function bringIn(stage: Stage, ledger: Ledger, by: Actor, dollars: number): Promise<void> {
  const units = unitsOf("USDC", dollars);
  const { asset } = stage.listed.USDC;
  const account = accountId(by.address);
  await ledger.block([
    { by, what: "mint USDC", tx: await mint(stage, "USDC", by.address, units) },
    { by, what: "approve USDC", tx: await stage.tokens.USDC.approve.populateTransaction(stage.safe, MaxUint256) },
    { by, what: "deposit USDC", tx: await stage.safe.deposit.populateTransaction(account, asset, units) },
  ]);
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
