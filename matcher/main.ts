// One matcher, from its start to its end.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { Wallet } from "ethers";
import type { Logger } from "pino";

import { ConfigError } from "../keeper/config.ts";
import { connect } from "../keeper/rpc.ts";
import { Sender } from "../keeper/sender.ts";
import { State } from "../keeper/state.ts";
import { accountId } from "../scripts/lib/ids.ts";
import { ChainGateway } from "./chain.ts";
import { journalDirectory, type MatcherConfig, readDeployment } from "./config.ts";
import { reachChain } from "./connection.ts";
import { DurableEngine } from "./durable.ts";
import { DEFAULT_ENGINE_OPTIONS } from "./engine.ts";
import { DEFAULT_FOLLOWER_OPTIONS, Follower } from "./follower.ts";
import type { Gateway } from "./gateway.ts";
import { DEFAULT_MATCHER_OPTIONS, Matcher } from "./matcher.ts";
import { DEFAULT_SERVER_OPTIONS, MatcherServer, type ServerOptions } from "./server.ts";
import { DEFAULT_SETTLER_OPTIONS, Settler } from "./settler.ts";

const DRAIN_MS = 5_000;
/** Behind by more than so many rounds the service says that it is not well. */
const LATE_ROUNDS = 20;

export interface ServiceOptions {
  readonly directory: string;
  readonly fsync: MatcherConfig["fsync"];
  readonly intervalMs: number;
  readonly batch: number;
  readonly server: Pick<ServerOptions, "host" | "port" | "symbols" | "allowOrigin">;
}

export interface Service {
  readonly port: number;
  readonly matcher: Matcher;
  stop(): Promise<void>;
}

/** Recovers the books and opens the doors; `onFailure` is told when the journal cannot be written. */
export const startService = async (
  gateway: Gateway,
  options: ServiceOptions,
  log: Logger,
  onFailure: (error: Error) => void = () => undefined,
): Promise<Service> => {
  const engineOptions = { ...DEFAULT_ENGINE_OPTIONS, executor: gateway.executor, maxImmediateFills: options.batch };
  const durable = DurableEngine.open(engineOptions, { directory: options.directory, fsync: options.fsync });
  log.info({ event: "recovered", ...durable.recovery, orders: durable.engine.orders.size }, "the books are back");
  const matcher = new Matcher(durable, gateway, log, DEFAULT_MATCHER_OPTIONS, Date.now, onFailure);
  const follower = new Follower(matcher, { ...DEFAULT_FOLLOWER_OPTIONS, intervalMs: options.intervalMs });
  const settler = new Settler(matcher, () => follower.sync(), { ...DEFAULT_SETTLER_OPTIONS, batch: options.batch });
  const server = new MatcherServer(matcher, { ...DEFAULT_SERVER_OPTIONS, ...options.server }, () => {
    const lag = Date.now() - follower.lastSync;
    return {
      ok: !matcher.hasFailed && lag < LATE_ROUNDS * options.intervalMs + 10_000,
      chainId: gateway.chainId.toString(),
      block: durable.engine.cursor?.block ?? null,
      secondsSinceSync: Math.round(lag / 1_000),
      orders: durable.engine.orders.size,
      fillsOnTheirWay: durable.engine.fills.size,
      journalLines: durable.sequence,
    };
  });
  let port: number;
  try {
    await follower.sync(); // what was filled or cancelled while nobody looked
    port = await server.start();
  } catch (error) {
    durable.close();
    throw error;
  }
  follower.start();
  settler.wake();
  log.info({ event: "listening", host: options.server.host, port, executor: gateway.executor }, "taking orders");
  return {
    port,
    matcher,
    stop: async () => {
      await server.stop();
      await settler.stop();
      await follower.stop();
      if (!matcher.hasFailed) durable.snapshot();
      durable.close();
    },
  };
};

/** Until `signal` is aborted. */
export const runMatcher = async (
  config: MatcherConfig,
  key: string,
  log: Logger,
  signal: AbortSignal,
): Promise<void> => {
  const chainId = await reachChain(config.rpc);
  const deployment = readDeployment(config, chainId);
  const provider = connect(config.rpc, chainId);
  if ((await provider.getCode(deployment.exchange)) === "0x") {
    throw new ConfigError(
      `--deployment: there is no contract at ${deployment.exchange} (exchange): is it of another chain?`,
    );
  }
  const directory = journalDirectory(config, chainId);
  mkdirSync(directory, { recursive: true });
  const state = State.open(join(directory, "transactions.sqlite"), {
    chainId: deployment.chainId,
    safe: deployment.safe,
  });
  const wallet = new Wallet(key, provider);
  const sender = new Sender(wallet, provider, state, log, { chainId, timeoutMs: config.txTimeoutMs });
  const gateway = await ChainGateway.attach(chainId, provider, sender, {
    exchange: deployment.exchange,
    account: accountId(wallet.address, config.account).toLowerCase(),
    confirmations: config.confirmations,
    feeCeiling: config.maxGasPrice,
  });
  // Fills sent before a crash must be mined or gone before the journal's are sent again.
  await Promise.all((await sender.resume()).map(({ landing }) => landing));

  const failed = new AbortController();
  const service = await startService(
    gateway,
    {
      directory,
      fsync: config.fsync,
      intervalMs: config.intervalMs,
      batch: config.batch,
      server: { host: config.host, port: config.port, symbols: deployment.symbols, allowOrigin: config.allowOrigin },
    },
    log,
    (error) => failed.abort(error),
  );
  const either = AbortSignal.any([signal, failed.signal]);
  if (!either.aborted) await new Promise((resolve) => either.addEventListener("abort", resolve, { once: true }));
  log.info({ event: "stopping" }, "stopping");
  await service.stop();
  await sender.drain(DRAIN_MS);
  state.close();
  provider.destroy();
  log.info({ event: "stopped" }, "stopped");
  if (failed.signal.aborted) throw failed.signal.reason;
};
