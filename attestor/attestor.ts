// Looks at its source every so often and posts what it sees, signed by as many keys as the feed asks for.
import { readFileSync } from "node:fs";

import { Wallet } from "ethers";
import type { Logger } from "pino";

import { ConfigError } from "../keeper/config.ts";
import { connect, isRevert, sleep } from "../keeper/rpc.ts";
import { Sender } from "../keeper/sender.ts";
import { State } from "../keeper/state.ts";
import { reachChain } from "../matcher/connection.ts";
import { addressIn, firstBlockIn, readDeploymentFile } from "../matcher/config.ts";
import { failureFrom } from "../matcher/failures.ts";
import { type Attestation, attestationDomain, encodePost } from "../sdk/attestations.ts";
import {
  IAttestations__factory,
  IMarginAccounts__factory,
  IMarginEngine__factory,
  IPositionsLedger__factory,
} from "../types/ethers-contracts/index.js";
import { attestationsOf, signAttestation } from "./attestations.ts";
import type { AttestorConfig } from "./config.ts";
import { candleSource, parseCandles, type Source, surfaceSource, syntheticSource } from "./sources.ts";
import { parseSurface } from "./surfaceFile.ts";

const DRAIN_MS = 5_000;
/** Half again what it takes now: prices of storage change with what is stored. */
const GAS_NUMERATOR = 3n;
const GAS_DENOMINATOR = 2n;

/** "synthetic", a surface (.json) or candles (.csv, of the asset). */
export const openSource = (name: string, asset: string): Source => {
  if (name === "synthetic") return syntheticSource();
  let text: string;
  try {
    text = readFileSync(name, "utf8");
  } catch {
    throw new ConfigError(`--source: cannot read ${name}`);
  }
  if (name.endsWith(".csv")) return candleSource(parseCandles(text, asset));
  if (name.endsWith(".json")) return surfaceSource(parseSurface(text));
  throw new ConfigError("--source must be synthetic, a .json surface or a .csv of candles");
};

/** The signers among the keys that the feed knows, and how many it wants. */
const signersFor = async (keys: readonly string[], known: readonly string[], threshold: number): Promise<Wallet[]> => {
  const names = new Set(known.map((each) => each.toLowerCase()));
  const wallets = keys.map((key) => new Wallet(key)).filter(({ address }) => names.has(address.toLowerCase()));
  if (wallets.length < threshold) {
    throw new ConfigError(`the feed wants ${threshold} signatures, and knows ${wallets.length} of the given keys`);
  }
  return Promise.resolve(wallets);
};

export const runAttestor = async (
  config: AttestorConfig,
  keys: { readonly sender: string; readonly signers: readonly string[] },
  log: Logger,
  signal: AbortSignal,
): Promise<void> => {
  const chainId = await reachChain(config.rpc);
  const { file, value } = readDeploymentFile(config.deployment, chainId);
  const fromBlock = firstBlockIn(value);
  const provider = connect(config.rpc, chainId);
  const feed = IAttestations__factory.connect(addressIn(value, "attestedFeed", file), provider);
  const safe = IMarginAccounts__factory.connect(addressIn(value, "safe", file), provider);
  const positions = IPositionsLedger__factory.connect(addressIn(value, "positions", file), provider);
  const feedAddress = await feed.getAddress();
  const domain = attestationDomain(chainId, feedAddress);
  const threshold = Number(await feed.threshold());
  const signers = await signersFor(keys.signers, await feed.signers(), threshold);
  const sources = config.underlyings.map(({ underlying, asset }) => ({
    underlying,
    source: openSource(config.source, asset),
  }));
  const state = State.open(":memory:", { chainId: Number(chainId), safe: await safe.getAddress() });
  const sender = new Sender(new Wallet(keys.sender, provider), provider, state, log, {
    chainId,
    timeoutMs: config.txTimeoutMs,
  });

  const listedExpiries = async (underlying: number, now: number): Promise<number[]> => {
    const logs = await positions.queryFilter(positions.filters.ExpiryListed(underlying), fromBlock);
    const expiries = new Set(
      logs.map(({ args }) => Number(args.expiry)).filter((expiry) => expiry > now + config.lastCallSeconds),
    );
    return [...expiries].sort((a, b) => a - b);
  };

  const post = async (attestation: Attestation): Promise<void> => {
    const { underlying } = attestation.value;
    const data = encodePost(attestation, await signAttestation(domain, attestation, signers, threshold));
    const facts = { underlying, kind: attestation.kind };
    try {
      const gas = await provider.estimateGas({ from: sender.address, to: feedAddress, data });
      const gasLimit = (gas * GAS_NUMERATOR) / GAS_DENOMINATOR;
      const subject = `${attestation.kind} ${underlying}`;
      const outcome = await sender.send({
        kind: "attest",
        subject,
        to: feedAddress,
        data,
        gasLimit,
        feeCeiling: config.maxGasPrice,
      });
      log.info({ event: "posted", ...facts, status: outcome.status }, "posted");
    } catch (error) {
      if (!isRevert(error)) throw error;
      // A jump over the bound is let in once enough time has passed: the bound grows with it.
      log.warn({ event: "refused", ...facts, reason: failureFrom(error).reason }, "the feed refused it");
    }
  };

  const round = async (): Promise<void> => {
    const block = await provider.getBlock("latest");
    const timestamp = block?.timestamp ?? 0;
    const engine = IMarginEngine__factory.connect(await safe.engine(), provider);
    for (const { underlying, source } of sources) {
      const index = await engine.midPrice(underlying);
      const expiries = await listedExpiries(underlying, timestamp);
      const view = source.see(timestamp, expiries);
      for (const attestation of attestationsOf({ underlying, timestamp, index, view })) await post(attestation);
    }
  };

  log.info({ event: "started", signers: signers.length, threshold, source: config.source }, "attesting");
  while (!signal.aborted) {
    try {
      await round();
    } catch (error) {
      if (config.once) throw error;
      log.warn({ event: "round-failed", reason: String(error) }, "cannot attest now");
    }
    if (config.once) break;
    await sleep(config.intervalMs, signal);
  }
  await sender.drain(DRAIN_MS);
  state.close();
  provider.destroy();
  log.info({ event: "stopped" }, "stopped");
};
