// Wallets of the demo, and how their transactions get into blocks whose time and place the demo decides.
import {
  type ContractTransaction,
  HDNodeWallet,
  JsonRpcProvider,
  Mnemonic,
  Network,
  toQuantity,
  type TransactionReceipt,
  Wallet,
} from "ethers";

import {
  IMarginAccounts__factory,
  LeverageRouter__factory,
  SwapAdapter__factory,
} from "../types/ethers-contracts/index.js";

/** Hardhat's and everybody's development mnemonic: these keys guard nothing. */
export const MNEMONIC = "test test test test test test test test test test test junk";
/** The node itself funds the first twenty. */
const FIRST_PATH = 20;
const POCKET_ETHER = 10n ** 24n;
const CHAIN_ID = 31_337n;

/** Wei a unit of gas: what a block costs to get into in the demo. */
export const BASE_FEE = 20_000_000_000n;
/** What anybody offers at most, as a multiple of the base fee then. */
const MOST_BASE_FEES = 100n;
const TIP = 1_000_000_000n;
const GAS_LIMIT = 12_000_000n;

export const connect = (url: string): JsonRpcProvider => {
  const network = Network.from(CHAIN_ID);
  return new JsonRpcProvider(url, network, { staticNetwork: network, batchStallTime: 0, cacheTimeout: -1 });
};

export class DemoError extends Error {}

/** A wallet that counts its own nonces, so that many of its transactions can be on their way at once. */
export interface Actor {
  readonly name: string;
  readonly wallet: Wallet;
  readonly address: string;
  nonce: number;
}

/** A transaction that somebody should send. */
export interface Intent {
  readonly by: Actor;
  readonly what: string;
  readonly tx: ContractTransaction;
  /** May be refused by the contracts: the demo goes on without it. */
  readonly optional?: boolean;
}

export interface LedgerOptions {
  /**
   * Whether the node mines what others send as it comes, between the blocks made here. Otherwise it waits for the next of
   * them, as on a chain with a clock of its own.
   */
  readonly minesBetween?: boolean;
  /** Wei a unit of gas on top of the base fee, for all that is sent from here. */
  readonly tip?: bigint;
}

export class Ledger {
  /** Of the next blocks, wei a unit of gas. */
  baseFee = BASE_FEE;
  private automine = true;
  private actors = 0;
  private readonly seed = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), "m/44'/60'/0'/0");

  constructor(
    readonly provider: JsonRpcProvider,
    private readonly options: LedgerOptions = {},
  ) {}

  /** A new wallet with ether for its gas. */
  async actor(name: string, ether = POCKET_ETHER): Promise<Actor> {
    const wallet = new Wallet(this.seed.deriveChild(FIRST_PATH + this.actors++).privateKey);
    await this.provider.send("hardhat_setBalance", [wallet.address, toQuantity(ether)]);
    return { name, wallet, address: wallet.address, nonce: 0 };
  }

  /**
   * Puts all of them into the next block, at `time` or as soon after the last block as there can be one. Throws when one
   * fails that is not optional, with whose and why.
   */
  async block(intents: readonly Intent[], time?: number): Promise<TransactionReceipt[]> {
    if (this.automine) await this.provider.send("evm_setAutomine", [false]);
    this.automine = false;
    const hashes = await Promise.all(intents.map((intent) => this.send(intent)));
    await this.provider.send("hardhat_setNextBlockBaseFeePerGas", [toQuantity(this.baseFee)]);
    // In one step: in between, whoever asks for the pending block would be told of a time at which prices are stale.
    await this.provider.send("evm_mine", time === undefined ? [] : [time]);
    if (this.options.minesBetween !== false) {
      await this.provider.send("evm_setAutomine", [true]);
      this.automine = true;
    }
    const receipts = await Promise.all(hashes.map((hash) => this.provider.getTransactionReceipt(hash)));
    return Promise.all(receipts.map((receipt, i) => this.checked(intents[i], receipt)));
  }

  private async send({ by, what, tx }: Intent): Promise<string> {
    const nonce = by.nonce++;
    const raw = await by.wallet.signTransaction({
      to: String(tx.to),
      data: tx.data,
      value: tx.value ?? 0n,
      type: 2,
      chainId: CHAIN_ID,
      nonce,
      gasLimit: tx.gasLimit ?? GAS_LIMIT,
      maxFeePerGas: MOST_BASE_FEES * this.baseFee,
      maxPriorityFeePerGas: this.options.tip ?? TIP,
    });
    try {
      return (await this.provider.send("eth_sendRawTransaction", [raw])) as string;
    } catch (error) {
      throw new DemoError(`${by.name} cannot ${what}: ${describe(error)}`);
    }
  }

  private async checked(intent: Intent | undefined, receipt: TransactionReceipt | null): Promise<TransactionReceipt> {
    if (receipt !== null && (receipt.status === 1 || intent?.optional === true)) return receipt;
    if (intent === undefined || receipt === null) throw new DemoError("a transaction was not mined");
    let reason = "no reason given";
    try {
      const { to, data, value } = intent.tx;
      await this.provider.call({
        from: intent.by.address,
        to: String(to),
        data,
        value,
        blockTag: receipt.blockNumber - 1,
      });
    } catch (error) {
      reason = describe(error);
    }
    throw new DemoError(`${intent.by.name} failed to ${intent.what}: ${reason}`);
  }
}

const CONTRACTS = [IMarginAccounts__factory, LeverageRouter__factory, SwapAdapter__factory].map((factory) =>
  factory.createInterface(),
);

/** The custom error by its name, if it is one of ours. */
const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const data = "data" in error && typeof error.data === "string" ? error.data : "0x";
  const named = CONTRACTS.map((contract) => contract.parseError(data)).find((parsed) => parsed !== null);
  if (named !== undefined) return `${named.name}(${[...(named.args as Iterable<unknown>)].map(String).join(", ")})`;
  return "shortMessage" in error ? String(error.shortMessage) : error.message;
};
