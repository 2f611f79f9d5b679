// The gateway over JSON-RPC: the exchange, the ledger, the safe and the engine of one deployment, and the wallet that submits.
import { Interface, type JsonRpcProvider, type Log, ZeroAddress, ZeroHash } from "ethers";

import { isRevert } from "../keeper/rpc.ts";
import type { Sender } from "../keeper/sender.ts";
import { FLAG, type Leg, NO_TRIGGER, type Order } from "../sdk/orders.ts";
import {
  IExchange__factory,
  IMarginAccounts__factory,
  IMarginEngine__factory,
  IPositionsLedger__factory,
} from "../types/ethers-contracts/index.js";
import type { SignedOrder } from "./commands.ts";
import { failureFrom, failureOf } from "./failures.ts";
import type { Block, ChainEvent, Failure, Gateway, Match, Standing, Submission } from "./gateway.ts";

const RIGHT_TRADE = 1;
const EIP1271 = new Interface(["function isValidSignature(bytes32 digest, bytes signature) view returns (bytes4)"]);
const EIP1271_MAGIC = "0x1626ba7e";
/** What the exchange wants to have left when a fill fails, and a transaction's cap. */
const SPARE_GAS = 10_300_000n;
const GAS_CAP = 16_700_000n;
const PROBE_LIFETIME_SECONDS = 60;

export interface ChainOptions {
  readonly exchange: string;
  /** Of the sender's wallet, for probing and for keepers' fees; undefined: none of either. */
  readonly account: string | undefined;
  /** Blocks to wait before one counts. */
  readonly confirmations: number;
  /** Most wei for a unit of gas. */
  readonly feeCeiling: bigint;
}

const toStruct = ({ order, signer, signature }: SignedOrder) => ({
  order: { ...order, legs: order.legs.map((leg) => ({ ...leg })) },
  signer,
  signature,
});

const toMatch = ({ maker, taker, size }: Match) => ({ maker: toStruct(maker), taker: toStruct(taker), size });

export class ChainGateway implements Gateway {
  readonly executor: string;
  private readonly exchangeContract;
  private readonly safe;
  private readonly ledger;
  private readonly from: { readonly from: string };

  private constructor(
    readonly chainId: bigint,
    private readonly provider: JsonRpcProvider,
    private readonly sender: Sender,
    private readonly options: ChainOptions,
    safe: string,
    ledger: string,
  ) {
    this.executor = sender.address.toLowerCase();
    this.from = { from: sender.address };
    this.exchangeContract = IExchange__factory.connect(options.exchange, provider);
    this.safe = IMarginAccounts__factory.connect(safe, provider);
    this.ledger = IPositionsLedger__factory.connect(ledger, provider);
  }

  static async attach(
    chainId: bigint,
    provider: JsonRpcProvider,
    sender: Sender,
    options: ChainOptions,
  ): Promise<ChainGateway> {
    const exchange = IExchange__factory.connect(options.exchange, provider);
    const [safe, ledger] = await Promise.all([exchange.safe(), exchange.positions()]);
    return new ChainGateway(chainId, provider, sender, options, safe, ledger);
  }

  get exchange(): string {
    return this.options.exchange.toLowerCase();
  }

  // ------------------------------------------------------------------ blocks and events

  async head(): Promise<Block> {
    const latest = await this.provider.getBlockNumber();
    const number = Math.max(0, latest - this.options.confirmations);
    return { number, hash: await this.blockHash(number) };
  }

  async blockHash(number: number): Promise<string> {
    const block = await this.provider.getBlock(number);
    if (block?.hash == null) throw new Error(`the node does not know block ${number}`);
    return block.hash;
  }

  async isCanonical({ number, hash }: Block): Promise<boolean> {
    return (await this.provider.getBlock(number))?.hash === hash;
  }

  async events(fromBlock: number, toBlock: number): Promise<ChainEvent[]> {
    const address = [this.options.exchange, await this.ledger.getAddress(), await this.safe.getAddress()];
    const logs = await this.provider.getLogs({ address, fromBlock, toBlock });
    return logs.flatMap((log) => this.eventOf(log) ?? []);
  }

  private eventOf(log: Log): ChainEvent | undefined {
    const is = (address: string): boolean => log.address.toLowerCase() === address.toLowerCase();
    if (is(this.options.exchange)) return this.exchangeEvent(log);
    const contract = is(this.ledger.target as string) ? this.ledger : this.safe;
    const parsed = contract.interface.parseLog(log);
    if (parsed?.name !== "LedgerChanged" && parsed?.name !== "AccountChanged") return undefined;
    return { kind: "changed", account: String(parsed.args["account"]).toLowerCase() };
  }

  private exchangeEvent(log: Log): ChainEvent | undefined {
    const parsed = this.exchangeContract.interface.parseLog(log);
    if (parsed === null) return undefined;
    const text = (name: string): string => String(parsed.args[name]).toLowerCase();
    const big = (name: string): bigint => BigInt(parsed.args[name] as bigint);
    switch (parsed.name) {
      case "OrdersFilled":
        return { kind: "filled", maker: text("makerHash"), taker: text("takerHash"), size: big("size") };
      case "NoncesCancelled":
        return { kind: "nonces", account: text("account"), word: big("word"), mask: big("mask") };
      case "CancelledUpTo":
        return { kind: "upTo", account: text("account"), salt: big("salt") };
      case "KeptAlive":
        return { kind: "alive", account: text("account"), validUntil: Number(big("validUntil")) };
      default:
        return undefined;
    }
  }

  // ------------------------------------------------------------------ orders

  async isContractSignature(signer: string, digest: string, signature: string): Promise<boolean> {
    if ((await this.provider.getCode(signer)) === "0x") return false;
    try {
      const data = EIP1271.encodeFunctionData("isValidSignature", [digest, signature]);
      return (await this.provider.call({ to: signer, data })).startsWith(EIP1271_MAGIC);
    } catch (error) {
      if (isRevert(error)) return false;
      throw error;
    }
  }

  isAuthorized(account: string, signer: string): Promise<boolean> {
    return this.safe.isAuthorized(account, signer, RIGHT_TRADE);
  }

  async standing({ order, signer }: SignedOrder, block?: number): Promise<Standing> {
    const at = { blockTag: block ?? "latest" };
    const [remaining, authorized, { validUntil }] = await Promise.all([
      this.exchangeContract.remaining(toStruct({ order, signer, hash: "", signature: "0x" }).order, at),
      this.safe.isAuthorized(order.account, signer, RIGHT_TRADE, at),
      this.exchangeContract.controlsOf(order.account, at),
    ]);
    return { remaining, authorized, validUntil: Number(validUntil) };
  }

  position(account: string, instrument: bigint): Promise<bigint> {
    return this.ledger.sizeOf(account, instrument);
  }

  async index(underlying: number): Promise<bigint | undefined> {
    try {
      const engine = IMarginEngine__factory.connect(await this.safe.engine(), this.provider);
      return await engine.midPrice(underlying);
    } catch (error) {
      if (isRevert(error)) return undefined;
      throw error;
    }
  }

  /**
   * A dry fill against the matcher's own account, which needs no signature because the matcher is the caller. What the order's
   * account could not bear is named; what only the matcher's account lacks says nothing about the order.
   */
  async probe(signed: SignedOrder, size: bigint): Promise<Failure | undefined> {
    const { account } = this.options;
    const { order } = signed;
    if (account === undefined || order.executor !== ZeroAddress || order.account === account) return undefined;
    if (order.trigger.underlying !== 0) return undefined; // not executable yet
    const block = await this.provider.getBlock("latest");
    const counter = this.counterOrder(order, size, account, block?.timestamp ?? 0);
    const own: SignedOrder = { hash: "", order: counter, signer: this.sender.address, signature: "0x" };
    const isMaker = (order.flags & FLAG.immediateOrCancel) === 0;
    const [maker, taker] = isMaker ? [signed, own] : [own, signed];
    try {
      await this.exchangeContract.fillOrder.staticCall(
        { maker: toStruct(maker), taker: toStruct(taker), size },
        ZeroHash,
        this.from,
      );
      return undefined;
    } catch (error) {
      const failure = failureFrom(error);
      const mine = [account, this.sender.address.toLowerCase()];
      const isTheirs = failure.about.includes(order.account) || failure.about.includes(signed.hash);
      return isTheirs && !failure.about.some((word) => mine.includes(word)) ? failure : undefined;
    }
  }

  /** The exact opposite at the same prices: immediate against what can rest, post-only against what cannot. */
  private counterOrder(order: Order, size: bigint, account: string, now: number): Order {
    const legs: Leg[] = order.legs.map(({ instrument, ratio, price }) => ({ instrument, ratio: -ratio, price }));
    const isMaker = (order.flags & FLAG.immediateOrCancel) === 0;
    return {
      account,
      legs,
      size,
      maxFee: (1n << 128n) - 1n,
      expiry: now + PROBE_LIFETIME_SECONDS,
      nonce: (1n << 256n) - 1n,
      salt: (1n << 64n) - 1n,
      executor: ZeroAddress,
      flags: isMaker ? FLAG.immediateOrCancel : FLAG.postOnly,
      trigger: NO_TRIGGER,
    };
  }

  // ------------------------------------------------------------------ settlement

  async simulate(matches: readonly Match[]): Promise<ReadonlyMap<number, Failure>> {
    const failures = new Map<number, Failure>();
    const filled = await this.tryTogether(matches);
    for (const [i, match] of matches.entries()) {
      if (filled[i] === true) continue;
      const failure = await this.tryAlone(match);
      // Alone it would go through: it fails for what another one of the batch does, and can come later.
      failures.set(match.fill, failure ?? { reason: "CheckPending", about: [] });
    }
    return failures;
  }

  /** Which would be filled; none if the whole batch would revert. */
  private async tryTogether(matches: readonly Match[]): Promise<readonly boolean[]> {
    try {
      return await this.exchangeContract.fillOrders.staticCall(matches.map(toMatch), this.keeper, this.from);
    } catch (error) {
      if (isRevert(error)) return [];
      throw error;
    }
  }

  private async tryAlone(match: Match): Promise<Failure | undefined> {
    try {
      await this.exchangeContract.fillOrder.staticCall(toMatch(match), this.keeper, this.from);
      return undefined;
    } catch (error) {
      return failureFrom(error);
    }
  }

  /** A contract's interface cannot say "none" but by zero. */
  private get keeper(): string {
    return this.options.account ?? ZeroHash;
  }

  async submit(matches: readonly Match[]): Promise<Submission> {
    const args = [matches.map(toMatch), this.keeper] as const;
    let gasLimit: bigint;
    try {
      const estimate = await this.exchangeContract.fillOrders.estimateGas(...args, this.from);
      gasLimit = estimate + SPARE_GAS;
    } catch (error) {
      return { status: "failed", reason: failureFrom(error).reason };
    }
    const outcome = await this.sender.send({
      kind: "fill",
      subject: `fills ${matches[0]?.fill ?? 0}`,
      to: this.options.exchange,
      data: this.exchangeContract.interface.encodeFunctionData("fillOrders", [...args]),
      gasLimit: gasLimit < GAS_CAP ? gasLimit : GAS_CAP,
      feeCeiling: this.options.feeCeiling,
    });
    if (outcome.status === "rejected") return { status: "failed", reason: outcome.reason };
    if (outcome.status !== "mined") return { status: "failed", reason: outcome.status };
    const failures = new Map<number, Failure>();
    for (const log of outcome.receipt.logs) {
      const parsed = log.address.toLowerCase() === this.exchange ? this.exchangeContract.interface.parseLog(log) : null;
      if (parsed?.name !== "FillSkipped") continue;
      const match = matches[Number(parsed.args["index"])];
      if (match !== undefined) failures.set(match.fill, failureOf(String(parsed.args["reason"])));
    }
    return { status: "mined", hash: outcome.hash, failures };
  }
}
