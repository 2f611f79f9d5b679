import type { Provider, Signer, TransactionReceipt } from "ethers";

import { type Deployment, deploymentOn, parseDeployment } from "../addresses.ts";
import { IERC20Metadata__factory } from "../contracts.ts";
import { decodeEvents, type EventDecoder, eventDecoder, type ProtocolEvent } from "../events.ts";
import { accountId } from "../ids.ts";
import type { Account } from "../mirror/account.ts";
import { type Action, type Approval } from "./action.ts";
import { choreActions, type ChoreActions } from "./choreActions.ts";
import { type Connection, type ConnectionOptions, type ConnectionSource, openConnection } from "./connection.ts";
import { NoCodeError, ReadOnlyError, WrongChainError } from "./errors.ts";
import {
  type AccountState,
  type CollateralState,
  type MarketsState,
  type PoolState,
  readAccount,
  readCollaterals,
  readMarkets,
  type ReadOptions,
  readPools,
} from "./reads.ts";
import { safeActions, type SafeActions } from "./safeActions.ts";
import { type Receipt, send, type SendOverrides, type Sent, type WaitOptions } from "./send.ts";
import { type Signing, signing } from "./signing.ts";
import { refusal, simulate, type Simulation } from "./simulate.ts";
import { readMirrorAccounts, readSnapshot, type Snapshot, type SnapshotOptions } from "./snapshot.ts";
import { tradingActions, type TradingActions } from "./tradingActions.ts";
import { type Assets, type Contracts, type Venue, venueOf } from "./venue.ts";

/** How to connect, and to which deployment. */
export interface ConnectOptions extends ConnectionOptions {
  /** One's own deployment, as its file has it. Left out: the one that the package knows on the connected chain. */
  readonly deployment?: unknown;
}

/** Builders of everything that can be sent. */
export type Actions = SafeActions & TradingActions & ChoreActions;

/** Where `simulate`, `send` and `execute` may look from: an address instead of the client's own. */
export interface FromOptions {
  readonly from?: string;
}

const checkCode = async (provider: Provider, { contracts, chainId }: Deployment): Promise<void> => {
  const named = Object.entries({ ...contracts }) as [string, string][];
  const codes = await Promise.all(named.map(([, address]) => provider.getCode(address)));
  const missing = named.find((_, i) => codes[i] === "0x");
  if (missing !== undefined) throw new NoCodeError(missing[0], missing[1], chainId);
};

/**
 * One deployment over one connection: reads accounts, pools and markets; builds, simulates, signs and sends actions; waits for
 * typed events. Every amount is a bigint of token units or WAD, as documented where it stands.
 *
 * ```ts
 * const client = await PlimsollClient.connect("http://127.0.0.1:8545", { deployment });
 * const account = await client.readAccount(accountId(owner));
 * const action = client.actions.borrow({ account: account.account, asset: "WETH", amount: parseEther("3"), to: owner });
 * const { changes } = await client.simulate(action, { from: owner });
 * ```
 */
export class PlimsollClient {
  readonly #connection: Connection;
  readonly #venue: Venue;
  /** Newest block of one's own transactions: a provider may still say an older "latest" for a moment. */
  #mined = 0;
  readonly #decode: EventDecoder;
  /** Builders; they ask nobody. */
  readonly actions: Actions;
  /** What the client's wallet can sign; throws {@link ReadOnlyError} without one, {@link SignatureRejected} when its holder refuses. */
  readonly sign: Signing;

  private constructor(connection: Connection, deployment: Deployment) {
    this.#connection = connection;
    this.#venue = venueOf(deployment, connection.provider);
    this.#decode = eventDecoder(deployment);
    this.actions = {
      ...safeActions(this.#venue),
      ...tradingActions(this.#venue),
      ...choreActions(this.#venue),
    };
    this.sign = signing(this.#venue, (what) => this.#signer(what));
  }

  /**
   * Connects, and checks before anything else that the chain is the deployment's and that there is code at every address of it.
   * Throws {@link ConnectionError}, {@link DeploymentError}, {@link WrongChainError} or {@link NoCodeError}.
   */
  static async connect(source: ConnectionSource, options: ConnectOptions = {}): Promise<PlimsollClient> {
    const own = options.deployment === undefined ? undefined : parseDeployment(options.deployment);
    const connection = await openConnection(source, options);
    try {
      const deployment = own ?? deploymentOn(connection.chainId);
      if (connection.chainId !== deployment.chainId) throw new WrongChainError(deployment.chainId, connection.chainId);
      await checkCode(connection.provider, deployment);
      return new PlimsollClient(connection, deployment);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** The same deployment with another signer, whose provider must be on the same chain. */
  async withSigner(signer: Signer): Promise<PlimsollClient> {
    const connected = signer.provider === null ? signer.connect(this.provider) : signer;
    const connection = await openConnection(connected);
    const { chainId } = this.deployment;
    if (connection.chainId !== chainId) throw new WrongChainError(chainId, connection.chainId);
    return new PlimsollClient(connection, this.deployment);
  }

  /** Where everything is. */
  get deployment(): Deployment {
    return this.#venue.deployment;
  }

  /** The connection's provider. */
  get provider(): Provider {
    return this.#connection.provider;
  }

  /** Undefined for a client that only reads. */
  get signer(): Signer | undefined {
    return this.#connection.signer;
  }

  /** Assets by symbol and id. */
  get assets(): Assets {
    return this.#venue.assets;
  }

  /** Typed contracts over the connection's provider, for what the client has no word for. */
  get contracts(): Contracts {
    return this.#venue.contracts;
  }

  get #context() {
    return { venue: this.#venue, provider: this.provider, decode: this.#decode };
  }

  #signer(what: string): Signer {
    if (this.signer === undefined) throw new ReadOnlyError(what);
    return this.signer;
  }

  async #from({ from }: FromOptions, what: string): Promise<string> {
    return from ?? this.#signer(what).getAddress();
  }

  /** An account of the client's own signer: number `index`. */
  async account(index: bigint | number = 0n): Promise<string> {
    return accountId(await this.#signer("one's own account").getAddress(), index);
  }

  /** Reads an account: balances, margins, auction, positions and greeks. */
  readAccount(account: string, options: ReadOptions = {}): Promise<AccountState> {
    return this.#answer(readAccount(this.#venue, account, options));
  }

  /** Reads all pools: rates, caps, room, prices. */
  readPools(options: ReadOptions = {}): Promise<PoolState[]> {
    return this.#answer(readPools(this.#venue, options));
  }

  /** Reads what else may be collateral. */
  readCollaterals(options: ReadOptions = {}): Promise<CollateralState[]> {
    return this.#answer(readCollaterals(this.#venue, options));
  }

  /** Reads perps, expiries, options and fees. */
  readMarkets(options: ReadOptions = {}): Promise<MarketsState> {
    return this.#answer(readMarkets(this.#venue, options));
  }

  /**
   * Everything that margins depend on besides the accounts, at one block, for the functions of `@plimsoll/sdk/mirror`: equal to the
   * chain to the wei. Keep `expiries` of an earlier snapshot's market to spare a search of events.
   */
  snapshot(options: SnapshotOptions = {}): Promise<Snapshot> {
    return this.#answer(readSnapshot(this.#venue, this.provider, { atLeast: this.#mined, ...options }));
  }

  /** Accounts as the mirror takes them, at one block; read them at the block of the snapshot that they are weighed in. */
  mirrorAccounts(accounts: readonly string[], { block = "latest" }: ReadOptions = {}): Promise<Account[]> {
    return this.#answer(readMirrorAccounts(this.#venue, this.provider, accounts, block, this.#mined));
  }

  async #answer<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw refusal(this.#venue, error);
    }
  }

  /** Approvals that an action needs and that `from` has not given: send `actions.approve` for each, or sign a permit. */
  async missingApprovals({ needs }: Pick<Action, "needs">, options: FromOptions = {}): Promise<Approval[]> {
    const owner = await this.#from(options, "approving");
    const allowed = await Promise.all(
      needs.map(({ token, spender }) =>
        IERC20Metadata__factory.connect(token, this.provider).allowance(owner, spender),
      ),
    );
    return needs.filter(({ amount }, i) => (allowed[i] ?? 0n) < amount);
  }

  /** What an action would do now; throws {@link RevertError} with a readable reason when it would be refused. */
  async simulate(action: Action, options: FromOptions = {}): Promise<Simulation> {
    return simulate(this.#context, action, await this.#from(options, `simulating "${action.kind}" without \`from\``));
  }

  /** Sends an action; throws {@link RevertError} when the node sees that it would fail, {@link TransactionRejected} when the wallet's holder refuses. */
  async send(action: Action, overrides: SendOverrides = {}): Promise<Sent> {
    const sent = await send(this.#context, this.#signer(`sending "${action.kind}"`), action, overrides);
    return {
      ...sent,
      wait: async (options) => {
        const receipt = await sent.wait(options);
        this.#mined = Math.max(this.#mined, receipt.blockNumber);
        return receipt;
      },
    };
  }

  /** Sends and waits; see {@link Sent.wait} for what it throws. */
  async execute(action: Action, options: SendOverrides & WaitOptions = {}): Promise<Receipt> {
    const { confirmations, timeout, interval, ...overrides } = options;
    const sent = await this.send(action, overrides);
    return sent.wait({
      ...(confirmations !== undefined && { confirmations }),
      ...(timeout !== undefined && { timeout }),
      ...(interval !== undefined && { interval }),
    });
  }

  /** The protocol's events in a receipt. */
  events({ logs }: Pick<TransactionReceipt, "logs">): ProtocolEvent[] {
    return decodeEvents(logs, this.#decode);
  }

  /** A thrown error as a typed {@link RevertError} with a readable message, where it was a revert; else as it was. */
  explain(error: unknown): unknown {
    return refusal(this.#venue, error);
  }

  /** Closes what `connect` opened; providers that were handed in stay open. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}
