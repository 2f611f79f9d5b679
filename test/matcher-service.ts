// The matcher's service over real loopback sockets, on a chain in memory.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";
import { type HDNodeWallet, Wallet } from "ethers";
import { WebSocket } from "ws";

import { createLogger } from "../keeper/logger.ts";
import { ConfigError } from "../keeper/config.ts";
import { parseOptions, symbolsIn } from "../matcher/config.ts";
import type { Failure } from "../matcher/gateway.ts";
import { type Service, startService } from "../matcher/main.ts";
import { type Action, requestToJson, signRequest } from "../matcher/requests.ts";
import { perpWord, WAD } from "../sdk/instruments.ts";
import { hashOrder, limitOrder, type LimitTerms, type Order, orderToJson, signOrder, stop } from "../sdk/orders.ts";
import { FakeGateway } from "./helpers/fake-gateway.ts";

const PROCESS = fileURLToPath(new URL("./helpers/matcher-process.ts", import.meta.url));
const PERP = perpWord(2);
const PERP_KEY = PERP.toString(16);
const DEADLINE_MS = 10_000;

type Json = Record<string, unknown>;

class Trader {
  private static last = 0;
  readonly wallet: HDNodeWallet = Wallet.createRandom();
  readonly account = `0x${this.wallet.address.slice(2).toLowerCase()}${"0".repeat(24)}`;
  private nonce = 0n;

  constructor(private readonly domain: { chainId: bigint; exchange: string }) {}

  order(side: "buy" | "sell", price: number, size: number, changes: Partial<LimitTerms> = {}): Order {
    this.nonce += 1n;
    // Salts say who was first; two orders of one millisecond would leave it to their hashes.
    Trader.last = Math.max(Date.now(), Trader.last + 1);
    return limitOrder({
      account: this.account,
      instrument: PERP,
      side,
      price: BigInt(price) * WAD,
      size: BigInt(size) * WAD,
      maxFee: WAD,
      nonce: this.nonce,
      now: Trader.last,
      ...changes,
    });
  }

  async sign(order: Order): Promise<Json> {
    return { order: orderToJson(order), signature: await signOrder(this.wallet, order, this.domain) };
  }

  async ask(action: Action, fields: { orders?: string[]; value?: bigint; time?: number; account?: string } = {}) {
    const { orders = [], value = 0n, time = Date.now(), account = this.account } = fields;
    const request = { action, account, orders, value, time };
    const signature = await signRequest(this.wallet, request, this.domain);
    return requestToJson({ request, signer: this.wallet.address, signature });
  }
}

const until = async <T>(what: string, look: () => T | undefined | false): Promise<T> => {
  for (const end = Date.now() + DEADLINE_MS; Date.now() < end;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never: ${what}`);
};

describe("Matcher's service", () => {
  let gateway: FakeGateway;
  let directory: string;
  let service: Service;
  let alice: Trader;
  let bob: Trader;
  let open: WebSocket[] = [];

  const start = () =>
    startService(
      gateway,
      {
        directory,
        fsync: "never",
        intervalMs: 20,
        batch: 3,
        server: { host: "127.0.0.1", port: 0, symbols: { 2: "ETH" }, allowOrigin: undefined },
      },
      createLogger("silent"),
    );

  beforeEach(async () => {
    gateway = new FakeGateway();
    directory = mkdtempSync(join(tmpdir(), "plimsoll-service-"));
    service = await start();
    alice = new Trader(gateway);
    bob = new Trader(gateway);
  });
  afterEach(async () => {
    for (const socket of open) socket.terminate();
    open = [];
    await service.stop();
    rmSync(directory, { recursive: true });
  });

  const call = async (path: string, body?: unknown, port = service.port): Promise<{ status: number; json: Json }> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      ...(body !== undefined && { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: response.status, json: (await response.json()) as Json };
  };
  const send = async (trader: Trader, order: Order, port?: number) => call("/orders", await trader.sign(order), port);
  const codeOf = ({ json }: { json: Json }) => (json["error"] as Json | undefined)?.["code"];
  const stateOf = async (order: Order) => (await call(`/orders/${hashOrder(order, gateway)}`)).json;
  const dial = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${service.port}/stream`);
    open.push(socket);
    const messages: Json[] = [];
    socket.on("message", (data: Buffer) => messages.push(JSON.parse(data.toString()) as Json));
    await once(socket, "open");
    return { socket, messages };
  };

  it("lets two people with wallets trade, and brings the fill onto the chain", async () => {
    const sell = alice.order("sell", 3_000, 2);
    expect((await send(alice, sell)).json).to.include({ state: "resting", open: String(2n * WAD) });
    const book = (await call("/book?market=ETH-PERP")).json;
    expect(book).to.deep.equal({ market: PERP_KEY, bids: [], asks: [[String(3_000n * WAD), String(2n * WAD), 1]] });

    const buy = bob.order("buy", 3_001, 1);
    expect((await send(bob, buy)).json).to.include({ hash: hashOrder(buy, gateway), open: "0" });
    const [[match] = []] = await until("a batch", () => gateway.submitted.length > 0 && gateway.submitted);
    expect(match?.maker.hash).to.equal(hashOrder(sell, gateway));
    expect(match?.taker.hash).to.equal(hashOrder(buy, gateway));
    expect(match?.size).to.equal(WAD);
    await until("confirmed", () => service.matcher.engine.fills.size === 0);
    expect(await stateOf(sell)).to.include({ state: "resting", open: String(WAD), filled: String(WAD), pending: "0" });
    expect(codeOf(await call(`/orders/${hashOrder(buy, gateway)}`))).to.equal("UnknownOrder");
    const [trade] = (await call(`/trades?market=${PERP_KEY}`)).json["trades"] as Json[];
    expect(trade).to.include({ side: "buy", price: String(3_000n * WAD), size: String(WAD) });
    expect((await call("/markets")).json["markets"]).to.have.length(1);
    expect((await call("/health")).json).to.include({ ok: true, orders: 1, fillsOnTheirWay: 0 });
    expect((await call("/info")).json).to.include({ chainId: "31337", exchange: gateway.exchange });
  });

  it("streams book, trades and what becomes of an order", async () => {
    const { socket, messages } = await dial();
    socket.send(JSON.stringify({ op: "subscribe", id: 1, channel: "book", market: "ETH-PERP" }));
    socket.send(JSON.stringify({ op: "subscribe", id: 2, channel: "trades", market: PERP_KEY }));
    await until("subscribed", () => messages.filter(({ id }) => id !== undefined).length === 2);
    const buy = bob.order("buy", 2_990, 3);
    socket.send(JSON.stringify({ op: "order", id: "mine", ...(await bob.sign(buy)) }));
    const answer = await until("an answer", () => messages.find(({ id }) => id === "mine"));
    expect((answer["result"] as Json)["state"]).to.equal("resting");
    await send(alice, alice.order("sell", 2_980, 1));
    await until("a trade", () => messages.find(({ channel }) => channel === "trades"));
    await until("news of the order", () =>
      messages.find(({ channel, event }) => channel === "order" && event === "confirmed"),
    );
    const isThere = ({ channel, bids }: Json) =>
      channel === "book" && JSON.stringify(bids) === JSON.stringify([[String(2_990n * WAD), String(2n * WAD), 1]]);
    await until("the book after it", () => messages.find(isThere));
    socket.send(JSON.stringify({ op: "unsubscribe", id: 3, channel: "book", market: "ETH-PERP" }));
    await until("unsubscribed", () => messages.find(({ id }) => id === 3));
  });

  it("refuses by name what it cannot take", async () => {
    const refused = async (order: Order, trader = alice) => codeOf(await send(trader, order));
    const good = alice.order("sell", 3_000, 1);
    expect(codeOf(await call("/orders", "{"))).to.equal("InvalidJson");
    expect(codeOf(await call("/orders", { order: {} }))).to.equal("InvalidFormat");
    expect(codeOf(await call("/orders", "x".repeat(100_000)))).to.equal("BodyTooLarge");
    expect((await call("/nowhere")).status).to.equal(404);
    expect(codeOf(await call("/book?market=nonsense!"))).to.equal("UnknownMarket");
    expect(codeOf(await call("/book?market=ETH-PERP&depth=0"))).to.equal("InvalidDepth");
    expect(await refused({ ...good, salt: good.salt - 60_000n })).to.equal("SaltOutOfRange");
    expect(await refused({ ...good, expiry: 1 })).to.equal("OrderExpired");
    expect(await refused({ ...good, flags: 6 })).to.equal("InvalidFlags");
    expect(await refused({ ...good, flags: 8 })).to.equal("InvalidFlags");
    expect(await refused({ ...good, size: 1n })).to.equal("SizeTooSmall");
    const [leg] = good.legs;
    if (leg === undefined) throw new Error("no leg");
    expect(await refused({ ...good, legs: [leg, leg] })).to.equal("InvalidLegs");
    expect(await refused({ ...good, legs: [{ ...leg, ratio: 0n }] })).to.equal("InvalidLegs");
    expect(await refused({ ...good, legs: [{ ...leg, instrument: 5n }] })).to.equal("InvalidLegs");
    expect(await refused({ ...good, size: WAD / 10n, legs: [{ ...leg, ratio: 1n }] })).to.equal("FillTooSmall");
    expect(await refused(good, bob)).to.equal("InvalidSignature");
    const wrongDomain = {
      order: orderToJson(good),
      signature: await signOrder(alice.wallet, good, { ...gateway, chainId: 1n }),
    };
    expect(codeOf(await call("/orders", wrongDomain))).to.equal("InvalidSignature");
    const asBob = { ...(await bob.sign(good)), signer: bob.wallet.address };
    expect(codeOf(await call("/orders", asBob))).to.equal("NotAuthorized");
    gateway.operators.add(`${alice.account}:${bob.wallet.address.toLowerCase()}`);
    expect(codeOf(await call("/orders", asBob))).to.equal(undefined);
    expect(codeOf(await call("/orders", asBob))).to.equal("DuplicateOrder");
    expect(await refused(bob.order("buy", 3_000, 1, { postOnly: true }), bob)).to.equal("PostOnlyWouldCross");
    expect(await refused(alice.order("sell", 3_000, 1, { reduceOnly: true }))).to.equal("NothingToReduce");
    const { socket, messages } = await dial();
    socket.send("[");
    socket.send(JSON.stringify({ op: "dance", id: 1 }));
    socket.send(JSON.stringify({ op: "subscribe", id: 2, channel: "gossip" }));
    const codes = () => messages.map((message) => codeOf({ json: message }));
    await until("three refusals", () => codes().length === 3);
    expect(codes()).to.have.members(["InvalidJson", "UnknownOperation", "UnknownChannel"]);
  });

  it("takes a contract's signature, asks the chain what it knows, and passes on what speaks against the order", async () => {
    const order = alice.order("sell", 3_000, 1);
    gateway.contracts.set(alice.wallet.address.toLowerCase(), "0x1234");
    expect((await call("/orders", { order: orderToJson(order), signature: "0x1234" })).json).to.include({
      state: "resting",
    });
    const spent = bob.order("buy", 1, 1);
    gateway.remaining.set(hashOrder(spent, gateway), 0n);
    expect(codeOf(await send(bob, spent))).to.equal("OrderNotFillable");
    gateway.remaining.set(hashOrder(spent, gateway), 5n);
    expect(codeOf(await send(bob, spent))).to.equal("PartlyFilled");
    gateway.unable.set(bob.account, { reason: "InsufficientMargin", about: [bob.account] });
    expect(codeOf(await send(bob, bob.order("buy", 1, 1)))).to.equal("InsufficientMargin");
    gateway.validUntil.set(alice.account, 5);
    expect(codeOf(await send(alice, alice.order("sell", 3_000, 1)))).to.equal("OrdersVoid");
    gateway.isDown = true;
    expect((await send(bob, bob.order("buy", 1, 1))).status).to.equal(500);
    gateway.isDown = false;
  });

  it("cancels and lists for those who may, once for each signature, and keeps the dead-man's switch", async () => {
    const orders = [1, 2, 3, 4].map((i) => alice.order("sell", 3_000 + i, 1));
    for (const order of orders) await send(alice, order);
    const [first, second] = orders.map((order) => hashOrder(order, gateway));
    if (first === undefined || second === undefined) throw new Error("no orders");
    expect(codeOf(await call("/requests", await bob.ask("cancelAll", { account: alice.account })))).to.equal(
      "NotAuthorized",
    );
    const forged = { ...(await alice.ask("cancelAll")), signer: bob.wallet.address };
    expect(codeOf(await call("/requests", forged))).to.equal("InvalidSignature");
    expect(codeOf(await call("/requests", await alice.ask("cancelAll", { time: Date.now() - 60_000 })))).to.equal(
      "RequestStale",
    );
    const cancel = await alice.ask("cancel", { orders: [first, second, first, `0x${"00".repeat(32)}`] });
    expect((await call("/requests", cancel)).json).to.deep.equal({ cancelled: [first, second] });
    expect(codeOf(await call("/requests", cancel))).to.equal("RequestRepeated");
    const list = (await call("/requests", await alice.ask("list"))).json["orders"] as Json[];
    expect(list.map((each) => each["hash"])).to.deep.equal(orders.slice(2).map((order) => hashOrder(order, gateway)));
    expect(
      (await call("/requests", await bob.ask("cancel", { orders: list.map((each) => String(each["hash"])) }))).json,
    ).to.deep.equal({
      cancelled: [],
    });
    await call("/requests", await alice.ask("keepAlive", { value: BigInt(Math.floor(Date.now() / 1_000) + 1) }));
    await until("the switch fell", () => service.matcher.engine.orders.size === 0);
  });

  it("shows orders pinned to an executor to it alone", async () => {
    const executor = bob.wallet.address.toLowerCase();
    expect((await send(alice, alice.order("sell", 3_000, 1, { executor }))).json).to.include({ state: "private" });
    const [pinned] = (await call("/requests", await bob.ask("pinned"))).json["orders"] as Json[];
    expect(pinned?.["signature"]).to.match(/^0x/);
    expect((await call("/requests", await alice.ask("pinned"))).json["orders"]).to.have.length(0);
  });

  it("follows the chain: fills by others, cancels, salts, switches, and makers who cannot pay", async () => {
    const orders = [1, 2, 3, 4, 5].map((i) => alice.order("sell", 3_000 + i, 2));
    for (const order of orders) await send(alice, order);
    const hashes = orders.map((order) => hashOrder(order, gateway));
    const has = (i: number) => service.matcher.engine.orders.has(hashes[i] ?? "");
    gateway.mine({ kind: "filled", maker: hashes[0] ?? "", taker: `0x${"ab".repeat(32)}`, size: WAD });
    await until("filled elsewhere", () => service.matcher.engine.orders.get(hashes[0] ?? "")?.open === WAD);
    gateway.mine({ kind: "nonces", account: alice.account, word: 0n, mask: 1n << (orders[1]?.nonce ?? 0n) });
    await until("cancelled on chain", () => !has(1));
    gateway.mine({ kind: "upTo", account: alice.account, salt: orders[3]?.salt ?? 0n });
    await until("cancelled up to", () => !has(2) && has(3));
    expect(has(0)).to.be.false;
    gateway.unable.set(alice.account, { reason: "InsufficientMargin", about: [] });
    gateway.mine({ kind: "changed", account: alice.account });
    await until("dropped", () => service.matcher.engine.orders.size === 0);
    gateway.unable.clear();
    await send(alice, alice.order("sell", 3_000, 2));
    gateway.mine({ kind: "alive", account: alice.account, validUntil: 1 });
    await until("void", () => service.matcher.engine.orders.size === 0);
  });

  it("sets stops off when the index crosses", async () => {
    gateway.indices.set(2, 3_000n * WAD);
    gateway.positions.set(`${alice.account}:${PERP}`, 5n * WAD);
    await send(bob, bob.order("buy", 2_890, 5));
    const terms = alice.order("sell", 1, 1);
    const order = stop({
      account: alice.account,
      instrument: PERP,
      side: "sell",
      price: 2_800n * WAD,
      size: 9n * WAD,
      maxFee: WAD,
      nonce: terms.nonce,
      now: Number(terms.salt),
      underlying: 2,
      triggerPrice: 2_900n * WAD,
      keeperFee: 0n,
    });
    expect((await send(alice, order)).json).to.include({ state: "held" });
    gateway.indices.set(2, 2_900n * WAD);
    const [[match] = []] = await until("set off", () => gateway.submitted.length > 0 && gateway.submitted);
    // Cut to the position, at the bid's price: an order with a trigger never makes it.
    expect(match?.size).to.equal(5n * WAD);
    expect(match?.taker.hash).to.equal(hashOrder(order, gateway));
  });

  it("drops the culprit of a fill that would fail, and gives the other its place back", async () => {
    const sell = alice.order("sell", 3_000, 1);
    await send(alice, sell);
    const failure: Failure = { reason: "InsufficientMargin", about: [bob.account] };
    gateway.simulated.set(1, failure);
    const buy = bob.order("buy", 3_000, 1);
    await send(bob, buy);
    await until("given back", () => service.matcher.engine.orders.get(hashOrder(sell, gateway))?.state === "resting");
    expect(service.matcher.engine.orders.has(hashOrder(buy, gateway))).to.be.false;
    expect(gateway.submitted).to.have.length(0);
    // On chain it may fail even so: the same.
    gateway.skipped.set(2, failure);
    await send(bob, bob.order("buy", 3_000, 1));
    await until("skipped", () => gateway.submitted.length === 1 && service.matcher.engine.fills.size === 0);
    expect(await stateOf(sell)).to.include({ state: "resting", open: String(WAD) });
  });

  it("keeps an immediate order's fills in one transaction, and others in batches", async () => {
    for (const price of [3_000, 3_001, 3_002]) await send(alice, alice.order("sell", price, 1));
    const carol = new Trader(gateway);
    await send(carol, carol.order("sell", 2_999, 1));
    gateway.simulated.set(1, { reason: "PriceUnusable", about: [] });
    await send(bob, bob.order("buy", 2_999, 1));
    await send(bob, bob.order("buy", 3_002, 3, { immediateOrCancel: true }));
    gateway.simulated.clear();
    await until("all filled", () => service.matcher.engine.fills.size === 0);
    const withThree = gateway.submitted.find((batch) => batch.length === 3);
    expect(withThree?.every(({ taker }) => taker.order.flags === 4)).to.be.true;
  });

  it("compares every order with the chain after a reorganisation", async () => {
    const sell = alice.order("sell", 3_000, 3);
    await send(alice, sell);
    gateway.mine();
    await until("synced", () => service.matcher.engine.cursor?.block === 1);
    gateway.salt = 1;
    gateway.remaining.set(hashOrder(sell, gateway), WAD);
    await until("compared", () => service.matcher.engine.orders.get(hashOrder(sell, gateway))?.open === WAD);
  });

  it("comes back from its journal as it was, and settles what was on its way", async () => {
    gateway.refusal = "no gas";
    const sell = alice.order("sell", 3_000, 5);
    await send(alice, sell);
    await send(bob, bob.order("buy", 3_000, 2));
    await until("tried", () => gateway.submitted.length > 0);
    await service.stop();
    gateway.refusal = undefined;
    service = await start();
    await until("settled", () => service.matcher.engine.fills.size === 0);
    expect(await stateOf(sell)).to.include({ state: "resting", open: String(3n * WAD), filled: String(2n * WAD) });
  });

  it("bounds what a connection may do", async () => {
    const { socket } = await dial();
    const closed = once(socket, "close");
    socket.send("x".repeat(200_000));
    expect((await closed)[0]).to.equal(1009);
    const { socket: greedy, messages } = await dial();
    for (let i = 0; i < 130; i += 1) {
      greedy.send(JSON.stringify({ op: "subscribe", id: i, channel: "trades", market: i.toString(16) }));
    }
    await until("refused", () => messages.find((message) => codeOf({ json: message }) === "TooManySubscriptions"));
    // Half a request that never ends does not keep the service from stopping.
    const slow = connect(service.port, "127.0.0.1");
    slow.on("error", () => undefined);
    await once(slow, "connect");
    slow.write("POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
    const started = Date.now();
    await service.stop();
    expect(Date.now() - started).to.be.lessThan(5_000);
    service = await start();
  });

  // ------------------------------------------------------------------ as a process

  describe("as a process", () => {
    const spawnService = async (): Promise<{ child: ChildProcess; port: number }> => {
      const child = spawn(process.execPath, ["--import", "tsx", PROCESS, join(directory, "process")], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      if (child.stdout === null) throw new Error("no output");
      const [text] = (await once(child.stdout, "data")) as [Buffer];
      return { child, port: Number(text.toString()) };
    };
    const ended = async (child: ChildProcess) => {
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    };

    it("has every acknowledged order after kill -9, and stops cleanly on SIGTERM", async function () {
      this.timeout(60_000);
      const { child, port } = await spawnService();
      const hashes: string[] = [];
      try {
        for (let i = 0; i < 12; i += 1) {
          const trader = i % 2 === 0 ? alice : bob;
          const order = trader.order(i % 3 === 0 ? "buy" : "sell", 3_000 + (i % 5), 1 + i);
          const { json } = await send(trader, order, port);
          if (typeof json["hash"] === "string") hashes.push(json["hash"]);
        }
      } finally {
        child.kill("SIGKILL");
      }
      await ended(child);
      expect(hashes).to.have.length(12);

      const again = await spawnService();
      try {
        const states = await Promise.all(
          hashes.map(async (hash) => (await call(`/orders/${hash}`, undefined, again.port)).json),
        );
        const live = states.filter(({ state }) => state === "resting" || state === "settling");
        const { json: health } = await call("/health", undefined, again.port);
        expect(live.length).to.equal(health["orders"]);
        expect(health["fillsOnTheirWay"]).to.be.greaterThan(0);
      } finally {
        again.child.kill("SIGTERM");
      }
      await ended(again.child);
      expect(again.child.exitCode).to.equal(0);
      expect(readdirSync(join(directory, "process")).filter((name) => name === "lock")).to.deep.equal([]);
    });
  });
});

describe("Matcher's arguments", () => {
  const RPC = ["--rpc", "http://127.0.0.1:8545"];

  it("have defaults for all but the endpoint, and are refused by the name of the field", () => {
    expect(parseOptions(RPC)).to.include({ host: "127.0.0.1", port: 8_645, fsync: "always", batch: 10, account: 0n });
    expect(parseOptions(["--help"])).to.equal(undefined);
    const refused = (args: readonly string[], message: RegExp) =>
      expect(() => parseOptions(args)).to.throw(ConfigError, message);
    refused([], /^--rpc is missing/);
    refused(["--rpc", "ws://x"], /^--rpc must be/);
    refused([...RPC, "--port", "70000"], /^--port must be a whole number/);
    refused([...RPC, "--fsync", "sometimes"], /^--fsync must be one of/);
    refused([...RPC, "--batch", "0"], /^--batch/);
    refused([...RPC, "--nonsense"], /nonsense/);
    refused([...RPC, "--private-key", "x"], /does not belong into the arguments/);
    expect(() => parseOptions([...RPC, "11".repeat(32)]))
      .to.throw(ConfigError)
      .with.property("message")
      .not.contains("1111");
  });

  it("name underlyings as the deployment does, else after their pools", () => {
    const assets = { USDC: { id: 1 }, WETH: { id: 2 }, WBTC: { id: 3 }, stETH: { id: 1_025 }, WIF: { id: 4 } };
    expect(symbolsIn({ assets })).to.deep.equal({ 2: "ETH", 3: "BTC", 4: "WIF" });
    expect(symbolsIn({ assets, underlyings: { Ether: { number: 2 } } })).to.include({ 2: "Ether", 3: "BTC" });
  });
});
