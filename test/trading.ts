// Two people with wallets trade on a real chain: attestor, matcher and maker bot as anyone would run them, over JSON-RPC.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { HDNodeWallet } from "ethers";

import { runAttestor } from "../attestor/attestor.ts";
import { parseOptions as attestorOptions } from "../attestor/config.ts";
import { derivativeContracts } from "../deploy/lib/addresses.ts";
import { createLogger } from "../keeper/logger.ts";
import { MatcherClient, MatcherRefusal } from "../maker/client.ts";
import { parseOptions as makerOptions } from "../maker/config.ts";
import { runMaker } from "../maker/maker.ts";
import { parseOptions as matcherOptions } from "../matcher/config.ts";
import { runMatcher } from "../matcher/main.ts";
import { freePort } from "../replay/chain.ts";
import { accountId } from "../scripts/lib/ids.ts";
import { perpWord, WAD } from "../sdk/instruments.ts";
import { hashOrder, limitOrder, type LimitTerms, type Order } from "../sdk/orders.ts";
import {
  IAttestations__factory,
  IExchange__factory,
  IPositionsLedger__factory,
} from "../types/ethers-contracts/index.js";
import { createWorld, Records, units, type World } from "./helpers/keeper.ts";

const MNEMONIC = "test test test test test test test test test test test junk";
const walletAt = (index: number) => HDNodeWallet.fromPhrase(MNEMONIC, undefined, `m/44'/60'/0'/0/${index}`);
const [ALICE, BOB, CAROL, MATCHER, MAKER, SENDER, FIRST, SECOND] = [10, 11, 12, 13, 14, 15, 17, 18].map(walletAt) as [
  HDNodeWallet,
  HDNodeWallet,
  HDNodeWallet,
  HDNodeWallet,
  HDNodeWallet,
  HDNodeWallet,
  HDNodeWallet,
  HDNodeWallet,
];
const PERP = perpWord(2);

const accountOf = ({ address }: HDNodeWallet): string => accountId(address).toLowerCase();

describe("Trading through the matcher, over JSON-RPC", function () {
  this.timeout(240_000);
  let world: World;
  let url: string;
  let domain: { chainId: bigint; exchange: string };
  let directory: string;
  const records = new Records();
  const stop = new AbortController();
  let matcher: Promise<void>;
  let nonce = 0n;

  const contracts = () => derivativeContracts(world.deployment);
  const clientOf = (wallet: HDNodeWallet) => new MatcherClient(url, wallet, accountOf(wallet), domain);
  const orderOf = (
    wallet: HDNodeWallet,
    side: "buy" | "sell",
    price: number,
    size: bigint,
    more: Partial<LimitTerms> = {},
  ): Order => {
    nonce += 1n;
    return limitOrder({
      account: accountOf(wallet),
      instrument: PERP,
      side,
      price: BigInt(Math.round(price * 100)) * 10n ** 16n,
      size,
      maxFee: 10n * WAD,
      nonce,
      now: Date.now(),
      expiry: Math.floor(Date.now() / 1_000) + 100_000,
      ...more,
    });
  };
  const fund = async (wallet: HDNodeWallet, dollars: number) => {
    const signer = wallet.connect(world.provider);
    await world.mint("USDC", signer, units("USDC", dollars));
    await (await world.safe.connect(signer).deposit(accountOf(wallet), world.ids.USDC, units("USDC", dollars))).wait();
  };
  const sizeOf = (wallet: HDNodeWallet) =>
    IPositionsLedger__factory.connect(contracts().positions, world.provider).sizeOf(accountOf(wallet), PERP);
  const until = async (what: string, look: () => Promise<boolean>) => {
    for (const end = Date.now() + 30_000; Date.now() < end;) {
      if (await look()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const last = records.all.slice(-8).map((record) => JSON.stringify(record));
    throw new Error(`never: ${what}; the matcher's last words:\n${last.join("\n")}`);
  };
  const book = async () =>
    (await (await fetch(`${url}/book?market=ETH-PERP`)).json()) as {
      bids: [string, string, number][];
      asks: [string, string, number][];
    };
  const attest = async () => {
    const options = attestorOptions(["--rpc", world.node.url, "--deployment", world.file, "--once"]);
    if (options === undefined) throw new Error("no options");
    const keys = { sender: SENDER.privateKey, signers: [FIRST.privateKey, SECOND.privateKey] };
    await runAttestor(options, keys, createLogger("silent"), new AbortController().signal);
  };

  before("a chain of its own process, deployed, attested, with a matcher", async () => {
    world = await createWorld();
    directory = mkdtempSync(join(tmpdir(), "plimsoll-trading-"));
    domain = { chainId: 31_337n, exchange: contracts().exchange };
    for (const wallet of [ALICE, BOB, MATCHER, MAKER]) await fund(wallet, 100_000);
    await attest();
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const options = matcherOptions([
      ...["--rpc", world.node.url, "--deployment", world.file, "--journal", directory],
      ...["--port", String(port), "--interval", "100", "--log-level", "debug"],
    ]);
    if (options === undefined) throw new Error("no options");
    matcher = runMatcher(options, MATCHER.privateKey, createLogger("debug", records), stop.signal);
    matcher.catch(() => undefined); // whoever awaits it hears of it
    await Promise.race([records.until("listening"), matcher]);
  });

  after(async () => {
    stop.abort();
    await matcher;
    rmSync(directory, { recursive: true });
    await world.close();
  });

  it("has the attested values on chain", async () => {
    const feed = IAttestations__factory.connect(contracts().attestedFeed, world.provider);
    expect((await feed.premium(2)).stale).to.be.false;
    expect(await feed.surfaceTimeOf(2)).to.be.greaterThan(0n);
    expect(await feed.surfaceTimeOf(3)).to.be.greaterThan(0n);
  });

  it("hashes orders as the exchange does", async () => {
    const exchange = IExchange__factory.connect(contracts().exchange, world.provider);
    const order = orderOf(ALICE, "sell", 2_500, WAD, { reduceOnly: true });
    const trigger = { underlying: 2, above: true, price: 5n, keeperFee: 7n };
    for (const each of [order, { ...order, trigger, legs: [...order.legs, ...order.legs] }]) {
      expect(await exchange.hashOrder({ ...each, legs: [...each.legs] })).to.equal(hashOrder(each, domain));
    }
  });

  it("turns two signed orders into positions", async () => {
    const [alice, bob] = [clientOf(ALICE), clientOf(BOB)];
    expect(await alice.place(orderOf(ALICE, "sell", 2_501, 2n * WAD, { postOnly: true }))).to.include({
      state: "resting",
    });
    await bob.place(orderOf(BOB, "buy", 2_505, WAD));
    await until("both have positions", async () => (await sizeOf(BOB)) === WAD && (await sizeOf(ALICE)) === -WAD);
    await until("the fill is confirmed", async () => (await alice.list())[0]?.open === WAD);
    expect((await book()).asks).to.deep.equal([[String(2_501n * WAD), String(WAD), 1]]);
  });

  it("refuses an order that its account could not honour, and drops one when that comes about", async () => {
    const refusal = await clientOf(CAROL)
      .place(orderOf(CAROL, "buy", 2_400, WAD))
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(refusal).to.be.instanceOf(MatcherRefusal).with.property("code", "InsufficientMargin");

    await fund(CAROL, 2_000);
    const carol = clientOf(CAROL);
    await carol.place(orderOf(CAROL, "buy", 2_400, WAD));
    const signer = CAROL.connect(world.provider);
    await (
      await world.safe.connect(signer).withdraw(accountOf(CAROL), world.ids.USDC, units("USDC", 2_000), CAROL.address)
    ).wait();
    await until("her order is dropped", async () => (await carol.list()).length === 0);
    expect(records.of("dropped").at(-1)).to.include({ reason: "InsufficientMargin" });
  });

  it("follows a cancellation on chain", async () => {
    const order = orderOf(BOB, "buy", 2_300, WAD);
    await clientOf(BOB).place(order);
    const exchange = IExchange__factory.connect(contracts().exchange, BOB.connect(world.provider));
    await (await exchange.cancel(order.account, order.nonce)).wait();
    await until("it is gone", async () => (await clientOf(BOB).list()).length === 0);
  });

  it("has a maker bot quote perps and options around the model, and trade", async () => {
    const [options, bot] = [
      makerOptions([
        ...["--rpc", world.node.url, "--deployment", world.file, "--matcher", url, "--underlyings", "2"],
        ...["--interval", "1000", "--log-level", "debug"],
      ]),
      new AbortController(),
    ];
    if (options === undefined) throw new Error("no options");
    const said = new Records();
    const maker = runMaker(options, MAKER.privateKey, createLogger("debug", said), bot.signal);
    try {
      await said.until("quoted", (record) => Number(record["placed"]) > 10);
      const { bids } = await book();
      expect(Number(bids[0]?.[0] ?? 0) / 1e18).to.be.within(2_490, 2_502);
      await clientOf(ALICE).cancelAll();
      const before = await sizeOf(BOB);
      await clientOf(BOB).place(orderOf(BOB, "buy", 2_520, WAD / 2n, { immediateOrCancel: true }));
      await until("it traded with the bot", async () => (await sizeOf(MAKER)) === -WAD / 2n);
      expect(await sizeOf(BOB)).to.equal(before + WAD / 2n);
    } finally {
      bot.abort();
      await maker;
    }
    await until("its quotes are gone", async () => (await clientOf(MAKER).list()).length === 0);
  });
});
