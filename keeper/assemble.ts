// Puts a keeper together from its options, checking everything that somebody may have got wrong before anything is sent.
import { type JsonRpcProvider, Wallet, ZeroAddress } from "ethers";
import type { Logger } from "pino";

import { accountId } from "../sdk/ids.ts";
import { AccountBook } from "./book/book.ts";
import { type Book, CheckpointError } from "./book/index.ts";
import { BookScout } from "./bookScout.ts";
import { attach, type Chain, verify } from "./chain.ts";
import { ChoreBook } from "./chores/book.ts";
import { Deleverager } from "./chores/deleverage.ts";
import { OwnSettlement } from "./chores/settle.ts";
import { ConfigError, type KeeperDeployment, type KeeperOptions, readDeployment, stateFile } from "./config.ts";
import { endpointOf, Endpoints } from "./endpoints.ts";
import { HeadGuard } from "./heads.ts";
import { Holder } from "./liquidation/holder.ts";
import { Liquidator } from "./liquidation/liquidator.ts";
import { Offers } from "./liquidation/offers.ts";
import { Outcomes } from "./liquidation/outcomes.ts";
import { Rivals } from "./liquidation/rivals.ts";
import { Simulator } from "./liquidation/simulation.ts";
import { UpkeepDesk } from "./liquidation/upkeep.ts";
import { MarketReader } from "./market.ts";
import { Metrics } from "./metrics.ts";
import { PostgresCoordinator } from "./postgres.ts";
import { Reckoning } from "./reckoning.ts";
import { alone, type Coordinator } from "./replicas.ts";
import { isConnectionError, readChainId } from "./rpc.ts";
import type { Scout } from "./scout.ts";
import { Sender } from "./sender.ts";
import { State } from "./state.ts";
import { Tally } from "./tally.ts";
import { Teller } from "./teller.ts";

/** Of a dry run without a key: simulations need a sender. */
const NOBODY = "0x000000000000000000000000000000000000dEaD";
// On a development chain time is whatever its user makes it.
const DEVELOPMENT_CHAINS = [1_337n, 31_337n];
const MAX_HEAD_AGE = 600;
const MAX_HEAD_AHEAD = 60;
/** A bid on a simple account. */
const USUAL_GAS = 600_000n;

export interface Parts {
  readonly chainId: bigint;
  readonly deployment: KeeperDeployment;
  readonly endpoints: Endpoints;
  readonly guard: HeadGuard;
  readonly chain: Chain;
  readonly stateFile: string;
  readonly state: State;
  readonly scout: Scout;
  readonly reckoning: Reckoning;
  readonly sender: Sender | undefined;
  readonly coordinator: Coordinator;
  readonly holder: Holder | undefined;
  readonly chores: ChoreBook;
  readonly rivals: Rivals;
  readonly outcomes: Outcomes;
  readonly desk: UpkeepDesk;
  readonly liquidator: Liquidator;
  readonly tally: Tally;
  readonly metrics: Metrics;
  readonly teller: Teller;
  readonly address: string;
}

export const walletOf = (key: string | undefined): Wallet | undefined => {
  if (key === undefined) return undefined;
  try {
    return new Wallet(key);
  } catch {
    // Without the cause, which would show the key.
    throw new ConfigError("PLIMSOLL_KEEPER_KEY is not a private key: 32 bytes, but not of the curve");
  }
};

/** The chain that all endpoints have to be of; those that do not answer are left for later. */
export const agreedChainId = async (urls: readonly string[]): Promise<bigint> => {
  let agreed: { id: bigint; url: string } | undefined;
  let failure: unknown;
  for (const url of urls) {
    try {
      const id = await readChainId(url);
      if (agreed !== undefined && agreed.id !== id) {
        const [a, b] = [new URL(agreed.url).host, new URL(url).host];
        throw new ConfigError(`--rpc: ${a} is chain ${agreed.id}, but ${b} is chain ${id}`);
      }
      agreed ??= { id, url };
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      failure = error;
    }
  }
  if (agreed === undefined) throw failure;
  return agreed.id;
};

const relaysOf = async ({ sendRpc }: KeeperOptions, chainId: bigint): Promise<JsonRpcProvider[] | undefined> => {
  if (sendRpc === undefined) return undefined;
  return Promise.all(
    sendRpc.map(async (url) => {
      const id = await readChainId(url).catch(() => undefined); // many relays know only how to take transactions
      if (id !== undefined && id !== chainId) {
        throw new ConfigError(`--send-rpc: ${new URL(url).host} is chain ${id}, --rpc is chain ${chainId}`);
      }
      return endpointOf(url, chainId);
    }),
  );
};

const requireGasMoney = async (chain: Chain, address: string): Promise<void> => {
  if ((await chain.provider.getBalance(address)) > 0n) return;
  throw new ConfigError(
    `the keeper's address ${address} holds no native token for gas: fund it, or check that PLIMSOLL_KEEPER_KEY is the key you meant`,
  );
};

const doorsOf = async (chain: Chain): Promise<ReadonlyMap<string, ReadonlySet<string>>> => {
  const { safe, unwinder, addresses } = chain;
  const selectors = (...names: ("bid" | "batch" | "unlock")[]) =>
    new Set(names.map((name) => safe.interface.getFunction(name).selector));
  return Promise.resolve(
    new Map([
      [addresses.unwinder.toLowerCase(), new Set([unwinder.interface.getFunction("liquidate").selector])],
      [addresses.safe.toLowerCase(), selectors("bid")],
    ]),
  );
};

/** The accounts' checkpoint stands beside the file of what was sent. */
const openBook = (file: string, chainId: bigint, { safe }: KeeperDeployment, positions: string): Book => {
  try {
    return AccountBook.open({
      chainId: Number(chainId),
      safe,
      ...(positions !== ZeroAddress && { positions }),
      ...(file !== ":memory:" && { file: `${file}.book` }),
    });
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new ConfigError(`--state: ${file}.book: ${error.message}`);
  }
};

/** Throws {@link ConfigError}, or the connection's error when no endpoint answers. */
export const assemble = async (options: KeeperOptions, key: string | undefined, log: Logger): Promise<Parts> => {
  const wallet = walletOf(key);
  const address = wallet?.address ?? NOBODY;
  const chainId = await agreedChainId(options.rpc);
  const deployment = readDeployment(options, chainId);
  const endpoints = new Endpoints(options.rpc, chainId);
  const undo: (() => Promise<void> | void)[] = [
    () => {
      endpoints.destroy();
    },
  ];
  try {
    const chain = attach(endpoints, deployment);
    await verify(chain, deployment);
    if (wallet !== undefined && !options.dryRun) await requireGasMoney(chain, address);
    const isDevelopment = DEVELOPMENT_CHAINS.includes(chainId);
    const guard = new HeadGuard(endpoints, {
      maxLag: options.maxHeadLag,
      maxAge: options.maxHeadAge ?? (isDevelopment ? 0 : MAX_HEAD_AGE),
      maxAhead: options.maxHeadAhead ?? (isDevelopment ? 0 : MAX_HEAD_AHEAD),
    });
    const reckoning = await Reckoning.create(chain, options.minProfit);
    const metrics = new Metrics();
    const teller = new Teller(log);
    const file = stateFile(options, chainId);
    const state = State.open(file, deployment);
    undo.push(() => {
      state.close();
    });
    const { database: url, replica, leaseMs } = options;
    const coordinator: Coordinator =
      url === undefined
        ? alone
        : await PostgresCoordinator.open(
            { url, deployment: `${chainId}:${deployment.safe.toLowerCase()}`, replica, leaseMs },
            log,
          );
    undo.push(() => coordinator.close());
    const relays = await relaysOf(options, chainId);
    const { txTimeoutMs: timeoutMs, maxInFlight } = options;
    const sender =
      wallet === undefined || options.dryRun
        ? undefined
        : new Sender(wallet, endpoints, state, log, {
            chainId,
            timeoutMs,
            maxInFlight,
            ...(relays !== undefined && { relays }),
          });
    const rivals = new Rivals(endpoints, await doorsOf(chain), address);
    const book = openBook(file, chainId, deployment, await chain.safe.positions());
    const scout = new BookScout(
      chain,
      book,
      new MarketReader(chain),
      {
        fromBlock: deployment.fromBlock,
        decimals: Number(reckoning.settlementDecimals),
        cost: () => reckoning.usualCost(USUAL_GAS),
        onBid: ({ account, hash }) => {
          if (sender?.knows(hash) !== true && !coordinator.isClaimed(account)) rivals.seen();
        },
      },
      teller,
      log,
    );
    undo.push(() => scout.close());
    const { index } = options.margin;
    const holder =
      index === undefined
        ? undefined
        : new Holder(chain.lens, accountId(address, index), options.margin, (account) => scout.grossOf(account));
    const own =
      holder === undefined
        ? undefined
        : new OwnSettlement(chain, holder.account, (offset, limit) => scout.traders(offset, limit));
    const deleverager = new Deleverager((offset, limit) => scout.traders(offset, limit));
    const chores = new ChoreBook(chain, options.chores, own, deleverager);
    const tally = new Tally(reckoning, metrics);
    const outcomes = new Outcomes(chain, reckoning, tally, address, teller, log);
    const desk = new UpkeepDesk(chain, sender, outcomes, coordinator, address, teller, log);
    const offers = new Offers(chain, reckoning, new Simulator(endpoints), holder, address);
    const liquidator = new Liquidator(
      chain,
      reckoning,
      offers,
      rivals,
      holder,
      sender,
      desk,
      outcomes,
      coordinator,
      options.patience,
      address,
      teller,
      log,
    );
    return {
      chainId,
      deployment,
      endpoints,
      guard,
      chain,
      stateFile: file,
      state,
      scout,
      reckoning,
      sender,
      coordinator,
      holder,
      chores,
      rivals,
      outcomes,
      desk,
      liquidator,
      tally,
      metrics,
      teller,
      address,
    };
  } catch (error) {
    for (const each of undo.reverse()) await each();
    throw error;
  }
};
