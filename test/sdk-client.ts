// The SDK's client against deployed contracts: reads, previews, every action once, what a wallet signs, what goes wrong.
import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

import { expect } from "chai";
import { parseUnits, Wallet } from "ethers";
import { WebSocketServer } from "ws";

import {
  accountId,
  ConnectionError,
  DeploymentError,
  type Eip1193Provider,
  isEvent,
  limitOrder,
  MAX,
  NoCodeError,
  optionWord,
  perpWord,
  plain,
  PlimsollClient,
  ReadOnlyError,
  RevertError,
  signCancelUpTo,
  SignatureRejected,
  TransactionDropped,
  TransactionRejected,
  TransactionReplaced,
  TransactionReverted,
  TransactionTimeout,
  UnknownNameError,
  WrongChainError,
} from "../sdk/index.ts";
import { weigh } from "../sdk/mirror/weigh.ts";
import { attestFlat, trade } from "./helpers/derivatives.ts";
import { deployProtocol, type Protocol, WAD } from "./helpers/protocol.ts";
import { bridgeTo } from "./helpers/rpc-bridge.ts";

const ETH = 2;
const FAR = 2 ** 40 - 1;

const refusalOf = async (work: Promise<unknown>): Promise<Error> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was refused");
};

describe("SDK client", () => {
  let p: Protocol;
  let client: PlimsollClient;
  let [alice, bob] = ["", ""];
  const usdc = (amount: number) => parseUnits(String(amount), 6);
  const ether = (amount: number) => parseUnits(String(amount), 18);
  const connect = (signer = p.alice) => PlimsollClient.connect(signer, { deployment: p.deployment });
  const ethExpiries = () => p.deployment.underlyings["ETH"]?.expiries ?? [];

  beforeEach(async () => {
    p = await deployProtocol();
    [alice, bob] = [accountId(p.alice.address), accountId(p.bob.address)];
    client = await connect();
  });

  describe("connects", () => {
    const wallet = (changes: Partial<Record<string, unknown>> = {}): Eip1193Provider => ({
      request: ({ method, params }) =>
        method in changes
          ? Promise.resolve(changes[method])
          : p.connection.provider.request({ method, params: params }),
    });

    it("to a wallet's provider, with the account that it has given", async () => {
      const mine = await PlimsollClient.connect(wallet({ eth_accounts: [p.alice.address] }), {
        deployment: p.deployment,
      });
      expect(await mine.account()).to.equal(alice);
      await mine.execute(mine.actions.setModel({ account: alice, model: "portfolio" }), { interval: 10 });
      expect((await mine.readAccount(alice)).model).to.equal(1n);
      await mine.close();
    });

    it("to a wallet that gives no account, and only reads then", async () => {
      const reader = await PlimsollClient.connect(wallet({ eth_accounts: [] }), { deployment: p.deployment });
      expect(reader.signer).to.equal(undefined);
      expect(await reader.readPools()).to.have.lengthOf(3);
      const deposit = reader.actions.deposit({ account: alice, asset: "USDC", amount: 1n });
      expect(await refusalOf(reader.send(deposit))).to.be.instanceOf(ReadOnlyError);
      expect(await refusalOf(reader.sign.cancelNonce({ owner: p.alice.address, cancelled: 1n }))).to.be.instanceOf(
        ReadOnlyError,
      );
      expect(await refusalOf(reader.simulate(deposit))).to.be.instanceOf(ReadOnlyError);
    });

    it("never to another chain, to an address without code, or to no node", async () => {
      const elsewhere = { ...p.deployment, chainId: 10 };
      const wrong = await refusalOf(PlimsollClient.connect(p.ethers.provider, { deployment: elsewhere }));
      expect(wrong).to.be.instanceOf(WrongChainError);
      expect(wrong.message).to.include("chain 10, the node serves chain 31337");
      const contracts = { ...p.deployment.contracts, lens: "0x00000000000000000000000000000000000000aa" as const };
      const empty = await refusalOf(
        PlimsollClient.connect(p.ethers.provider, { deployment: { ...p.deployment, contracts } }),
      );
      expect(empty).to.be.instanceOf(NoCodeError);
      expect(empty.message).to.include("0x00000000000000000000000000000000000000aa (lens)");
      const unknown = await refusalOf(PlimsollClient.connect(p.ethers.provider));
      expect(unknown).to.be.instanceOf(DeploymentError);
      expect(unknown.message).to.include("no deployment on chain 31337");
      const rest = { ...p.deployment.contracts, safe: undefined };
      const broken = await refusalOf(
        PlimsollClient.connect(p.ethers.provider, { deployment: { ...p.deployment, contracts: rest } }),
      );
      expect(broken.message).to.include("contracts.safe must be an address");
      for (const url of ["http://127.0.0.1:1", "ws://127.0.0.1:1", "ftp://x"]) {
        expect(await refusalOf(PlimsollClient.connect(url, { deployment: p.deployment }))).to.be.instanceOf(
          ConnectionError,
        );
      }
      const dumb = { request: () => Promise.resolve("nothing") };
      expect(await refusalOf(PlimsollClient.connect(dumb, { deployment: p.deployment }))).to.be.instanceOf(
        ConnectionError,
      );
      const alone = Wallet.createRandom();
      expect(await refusalOf(PlimsollClient.connect(alone, { deployment: p.deployment }))).to.be.instanceOf(
        ConnectionError,
      );
    });

    it("to URLs, HTTP and WebSocket", async () => {
      const bridge = await bridgeTo(p.connection.provider);
      const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
      server.on("connection", (socket) => {
        socket.on("message", (data: Buffer) => {
          const { id, method, params } = JSON.parse(data.toString()) as {
            id: number;
            method: string;
            params: unknown[];
          };
          void p.connection.provider
            .request({ method, params })
            .then((result: unknown) => socket.send(JSON.stringify({ jsonrpc: "2.0", id, result })));
        });
      });
      await once(server, "listening");
      try {
        for (const url of [bridge.url, `ws://127.0.0.1:${(server.address() as AddressInfo).port}`]) {
          const reader = await PlimsollClient.connect(url, { deployment: p.deployment });
          expect((await reader.readPools()).map(({ symbol }) => symbol)).to.deep.equal(["USDC", "WETH", "WBTC"]);
          const mine = await reader.withSigner(p.alice);
          expect(await mine.account()).to.equal(alice);
          await reader.close();
        }
      } finally {
        for (const socket of server.clients) socket.terminate();
        await new Promise((resolve) => server.close(resolve));
        await bridge.close();
      }
    });

    it("and says when the wallet's holder refuses to sign or to send", async () => {
      const refuse = () => Promise.reject(Object.assign(new Error("User rejected the request."), { code: 4001 }));
      const willing = wallet({ eth_accounts: [p.alice.address] });
      const stubborn: Eip1193Provider = {
        request: (each) =>
          /^eth_(sendTransaction|signTypedData)/.test(each.method) ? refuse() : willing.request(each),
      };
      const mine = await PlimsollClient.connect(stubborn, { deployment: p.deployment });
      const cancelled = mine.sign.cancelNonce({ owner: p.alice.address, cancelled: 1n });
      expect(await refusalOf(cancelled)).to.be.instanceOf(SignatureRejected);
      expect(await refusalOf(mine.send(mine.actions.cancelNonce(1n)))).to.be.instanceOf(TransactionRejected);
    });
  });

  describe("builds, previews and sends", () => {
    const run = (action: Parameters<PlimsollClient["execute"]>[0], by = client) => by.execute(action, { interval: 5 });

    beforeEach(async () => {
      await p.lend(p.carol, "WETH", ether(100));
      await p.lend(p.carol, "USDC", usdc(500_000));
      await p.fund("USDC", p.alice, usdc(100_000));
    });

    it("money in and out, by previews that come true to the wei", async () => {
      const { actions } = client;
      const steps = [
        actions.deposit({ account: alice, asset: "USDC", amount: usdc(50_000) }),
        actions.borrow({ account: alice, asset: "WETH", amount: ether(3), to: p.alice.address }),
        actions.transfer({ from: alice, to: accountId(p.alice.address, 1), asset: "USDC", amount: usdc(1_000) }),
        actions.withdraw({ account: alice, asset: "USDC", amount: usdc(2_000), to: p.bob.address }),
        actions.setModel({ account: alice, model: "portfolio" }),
      ];
      for (const step of steps) {
        const { changes, gas } = await client.simulate(step);
        expect(gas).to.be.greaterThan(21_000n);
        const receipt = await run(step);
        expect(receipt.events.some((event) => isEvent(event, "safe", "AccountChanged"))).to.equal(true);
        for (const { account, before, after } of changes) {
          const now = await client.readAccount(account);
          expect(after?.balances.map(({ shares }) => shares)).to.deep.equal(now.balances.map(({ shares }) => shares));
          expect(after?.model).to.equal(now.model);
          expect(before).not.to.deep.equal(after);
        }
      }
      await p.tokens.WETH.connect(p.alice).approve(client.deployment.contracts.safe, MAX);
      const repay = actions.repay({ account: alice, asset: "WETH", amount: ether(1) });
      await run(actions.batch([actions.reduceOnly(alice), repay]));
      const { balances } = await client.readAccount(alice);
      expect(balances.map(({ symbol }) => symbol)).to.deep.equal(["USDC", "WETH"]);
      expect(balances[1]?.amount).to.be.within(-ether(2) - 10n ** 13n, -ether(2));
    });

    it("the native coin, wrapped and unwrapped", async () => {
      await run(client.actions.depositNative({ account: alice, amount: ether(2) }));
      expect((await client.readAccount(alice)).balances[0]?.amount).to.equal(ether(2));
      await run(client.actions.withdrawNative({ account: alice, amount: MAX, to: p.bob.address }));
      expect((await client.readAccount(alice)).balances).to.deep.equal([]);
    });

    it("batches of them, checked once at the end", async () => {
      const { actions } = client;
      const batch = actions.batch([
        actions.borrow({ account: alice, asset: "WETH", amount: ether(2), to: p.alice.address }),
        actions.deposit({ account: alice, asset: "USDC", amount: usdc(20_000) }),
      ]);
      const { returned, changes } = await client.simulate(batch);
      expect(returned).to.have.lengthOf(2);
      const { events, gasUsed, fee } = await run(batch);
      expect(events.filter(({ name }) => name === "AccountChanged")).to.have.lengthOf(2);
      expect([gasUsed > 0n, fee > 0n]).to.deep.equal([true, true]);
      expect(changes[0]?.after?.initial).to.be.greaterThan(0n);
      expect(() => actions.batch([actions.accrue("USDC")])).to.throw("cannot go into a batch");
    });

    it("says which approvals are missing, and takes a permit instead where the token has one", async () => {
      const { actions } = client;
      await p.mint("WETH", p.alice, ether(1));
      const deposit = actions.deposit({ account: alice, asset: "WETH", amount: ether(1) });
      const [missing, ...rest] = await client.missingApprovals(deposit);
      expect(missing).to.deep.equal({
        token: client.assets.get("WETH").token,
        symbol: "WETH",
        spender: client.deployment.contracts.safe,
        amount: ether(1),
      });
      expect(rest).to.deep.equal([]);
      await run(actions.approve("WETH", missing?.spender ?? "", ether(1)));
      expect(await client.missingApprovals(deposit)).to.deep.equal([]);
      await run(deposit);

      // Vault shares are tokens with permit, and collateral.
      const lender = await connect(p.carol);
      const permit = await lender.sign.permit("USDC share", { value: usdc(10_000) });
      const shares = accountId(p.carol.address);
      const both = [
        actions.permit("USDC share", permit),
        actions.deposit({ account: shares, asset: "USDC share", amount: usdc(10_000) }),
      ];
      await run(lender.actions.batch(both), lender);
      expect((await lender.readAccount(shares)).balances[0]?.symbol).to.equal("USDC share");

      // What they are worth pays the account's debts in the asset, of which there is none.
      const idle = await refusalOf(lender.simulate(lender.actions.setOff({ account: shares, asset: "USDC" })));
      expect(idle.message).to.match(/owes no USDC$/);
    });

    it("operators, and the relayed twins of the safe's doors", async () => {
      const { actions, sign } = client;
      const relayer = await connect(p.dave);
      await run(actions.deposit({ account: alice, asset: "USDC", amount: usdc(10_000) }));
      const withdrawal = { account: alice, asset: 1, amount: usdc(100), mayBorrow: false, to: p.bob.address };
      await run(relayer.actions.withdrawBySig(await sign.withdraw(withdrawal)), relayer);
      expect(await p.tokens.USDC.balanceOf(p.bob)).to.equal(usdc(100));
      const inside = { from: alice, to: accountId(p.alice.address, 7), asset: 1, amount: usdc(50), mayBorrow: false };
      await run(relayer.actions.transferBySig(await sign.transfer(inside)), relayer);
      const grant = {
        account: alice,
        operator: p.dave.address,
        rights: 1,
        expiry: FAR,
        receiversOnly: false,
        receivers: [],
      };
      await run(relayer.actions.setOperatorBySig(await sign.operator(grant)), relayer);
      expect(await p.safe.isAuthorized(alice, p.dave.address, 1)).to.equal(true);
      const used = await sign.cancelNonce({ owner: p.alice.address, cancelled: 77n });
      await run(relayer.actions.cancelNonceBySig(used), relayer);
      expect(await p.safe.nonceUsed(p.alice.address, 77n)).to.equal(true);
      const twice = await refusalOf(relayer.simulate(relayer.actions.cancelNonceBySig(used)));
      expect(twice).to.be.instanceOf(RevertError);
      expect(twice.message).to.include("has used nonce");
      await run(actions.setOperator({ account: alice, operator: p.dave.address, rights: "none", expiry: 0 }));
      expect(await p.safe.isAuthorized(alice, p.dave.address, 1)).to.equal(false);
      await run(actions.cancelNonce(5n));
    });

    it("vaults", async () => {
      const { actions } = client;
      const owner = p.alice.address;
      const lend = actions.vaultDeposit({ asset: "USDC", amount: usdc(1_000), receiver: owner });
      expect(await client.missingApprovals(lend)).to.have.lengthOf(1);
      await run(actions.approve("USDC", lend.to, MAX));
      const { events } = await run(lend);
      expect(events.some((event) => isEvent(event, "vault", "Deposit") && event.args.assets === usdc(1_000))).to.equal(
        true,
      );
      await run(actions.vaultWithdraw({ asset: "USDC", amount: usdc(400), receiver: owner, owner }));
      await run(actions.vaultRedeem({ asset: "USDC", shares: usdc(100), receiver: owner, owner }));
      expect(() => actions.vaultDeposit({ asset: "stETH", amount: 1n, receiver: owner })).to.throw(
        UnknownNameError,
        "no vault",
      );
    });

    it("refuses in words that say what to do", async () => {
      const { actions } = client;
      const config = await p.safe.poolConfig(p.ids.WETH);
      await p.safe.configurePool(p.ids.WETH, { ...plain(config), borrowCap: ether(2) });
      await run(actions.deposit({ account: alice, asset: "USDC", amount: usdc(90_000) }));
      const much = actions.borrow({ account: alice, asset: "WETH", amount: ether(12), to: p.alice.address });
      const over = await refusalOf(client.simulate(much));
      expect(over).to.be.instanceOf(RevertError);
      const room = (await client.readPools())[1]?.state.borrowRoom ?? 0n;
      expect(over.message).to.match(
        /^Borrowing 12 WETH is above the pool's borrow cap: at most 1\.(59|6)\d* WETH now$/,
        over.message,
      );
      expect(room).to.be.within(ether(1.599), ether(1.6)); // a fifth of the cap is kept for settlement
      expect(await refusalOf(client.send(much))).to.be.instanceOf(RevertError);
      const batched = actions.batch([
        actions.setModel({ account: alice, model: "portfolio" }),
        actions.repay({ account: alice, asset: "WETH", amount: 1n }),
      ]);
      const nested = await refusalOf(client.simulate(batched));
      expect(nested.message).to.match(/^Call 1 of the batch: account 0 of 0x[0-9a-f]{40} owes no WETH$/);
      expect((nested as RevertError).reason).to.deep.include({ name: "NothingToRepay", path: [1] });
    });
  });

  describe("tells apart what becomes of a transaction", () => {
    const mining = (on: boolean) => p.ethers.provider.send("evm_setAutomine", [on]);
    const quick = { interval: 5 };
    const price = (gwei: number) => ({
      maxFeePerGas: parseUnits(String(gwei), 9),
      maxPriorityFeePerGas: parseUnits(String(gwei / 10), 9),
    });

    beforeEach(() => mining(false));
    afterEach(() => mining(true));

    it("repriced, cancelled or replaced", async () => {
      const { actions } = client;
      const replaceBy = async (again: Parameters<PlimsollClient["send"]>[0] | undefined) => {
        const sent = await client.send(actions.cancelNonce(11n), { ...price(20), gasLimit: 200_000n });
        const later = { nonce: sent.nonce, ...price(60), gasLimit: 200_000n };
        if (again === undefined) await p.alice.sendTransaction({ to: p.alice.address, value: 0n, ...later });
        else await client.send(again, later);
        const outcome = refusalOf(sent.wait(quick));
        await p.networkHelpers.mine();
        return outcome as Promise<TransactionReplaced>;
      };
      const repriced = await replaceBy(actions.cancelNonce(11n));
      expect(repriced).to.be.instanceOf(TransactionReplaced);
      expect(repriced.replacement).to.include({ how: "repriced", succeeded: true });
      expect(repriced.replacement.events.map(({ name }) => name)).to.deep.equal(["NonceUsed"]);
      expect((await replaceBy(undefined)).replacement).to.include({ how: "cancelled" });
      expect((await replaceBy(actions.cancelNonce(12n))).replacement).to.include({ how: "replaced" });
    });

    it("dropped, late, deep or reverted", async () => {
      const { actions } = client;
      const overrides = { ...price(20), gasLimit: 200_000n };
      const lost = await client.send(actions.cancelNonce(21n), overrides);
      expect(await refusalOf(lost.wait({ ...quick, timeout: 0 }))).to.be.instanceOf(TransactionTimeout);
      await p.ethers.provider.send("hardhat_dropTransaction", [lost.hash]);
      expect(await refusalOf(lost.wait(quick))).to.be.instanceOf(TransactionDropped);
      const first = await client.send(actions.cancelNonce(22n), overrides);
      const second = await client.send(actions.cancelNonce(22n), overrides);
      await p.networkHelpers.mine(2);
      expect(await first.wait({ ...quick, confirmations: 2 })).to.include({ hash: first.hash });
      const reverted = await refusalOf(second.wait(quick));
      expect(reverted).to.be.instanceOf(TransactionReverted);
    });
  });

  describe("trades and liquidates", () => {
    const run = (action: Parameters<PlimsollClient["execute"]>[0], by = client) => by.execute(action, { interval: 5 });
    let bobs: PlimsollClient;

    beforeEach(async () => {
      bobs = await connect(p.bob);
      await p.deposit(p.alice, "USDC", usdc(20_000));
      await p.deposit(p.bob, "USDC", usdc(20_000));
      await attestFlat(p, { underlying: ETH, expiries: ethExpiries(), volatility: 0.6, premium: 0.001 });
    });

    const orders = async (instrument: bigint, price: bigint, size: bigint) => {
      const now = (await p.networkHelpers.time.latest()) * 1_000;
      const terms = { size, maxFee: price, now, instrument, price };
      return {
        maker: await bobs.sign.order(limitOrder({ ...terms, account: bob, nonce: 1n, side: "sell", postOnly: true })),
        taker: await client.sign.order(limitOrder({ ...terms, account: alice, nonce: 2n, side: "buy" })),
      };
    };

    it("signs orders that the exchange fills, and reads the positions with their greeks", async () => {
      const perp = perpWord(ETH);
      const { maker, taker } = await orders(perp, 2_500n * WAD, 4n * WAD);
      const { events } = await run(client.actions.fillOrder({ maker, taker, size: 4n * WAD }));
      const fill = events.find((event) => isEvent(event, "exchange", "OrdersFilled"));
      expect(fill?.args.legs).to.deep.equal([{ instrument: perp, size: -4n * WAD, price: 2_500n * WAD }]);
      const { ledger } = await client.readAccount(alice);
      expect(ledger?.positions.map(({ name, size }) => [name, size])).to.deep.equal([["ETH-PERP", 4n * WAD]]);
      expect(ledger?.underlyings[0]?.delta).to.equal(4n * WAD + (4n * WAD) / 1_000n);
      const again = await refusalOf(client.simulate(client.actions.fillOrder({ maker, taker, size: WAD })));
      expect(again.message).to.match(/^Nonce \d+ of account 0 of 0x[0-9a-f]{40} is used up/);
      const markets = await client.readMarkets();
      expect(markets.perps.map(({ name }) => name)).to.deep.equal(["ETH-PERP", "BTC-PERP"]);
      expect(markets.expiries[0]?.options[0]?.name).to.match(/^ETH-\d{8}-\d+-[CP]$/);
      expect(markets.fees).to.have.lengthOf(3);
    });

    it("cancels, keeps alive, fills many, settles and touches", async () => {
      const { actions } = client;
      const now = BigInt(await p.networkHelpers.time.latest()) * 1_000n;
      await run(actions.cancelOrder({ account: alice, nonce: 9n }));
      await run(actions.cancelOrdersUpTo({ account: alice, salt: now - 10_000n }));
      await run(actions.keepAlive({ account: alice, validUntil: FAR }));
      const message = { account: alice, salt: now - 5_000n, nonce: 55n, deadline: BigInt(FAR) };
      const domain = { chainId: client.deployment.chainId, exchange: client.deployment.contracts.exchange ?? "" };
      const signature = await signCancelUpTo(p.alice, message, domain);
      await run(bobs.actions.cancelOrdersUpToBySig({ message, signature, signer: p.alice.address }), bobs);
      const { maker, taker } = await orders(perpWord(ETH), 2_500n * WAD, 4n * WAD);
      const { events } = await run(actions.fillOrders([{ maker, taker, size: 4n * WAD }]));
      expect(events.map(({ name }) => name)).to.include("OrdersFilled");
      await p.setPrice("WETH", 2_600);
      await run(actions.settle({ winner: alice, loser: bob, amount: usdc(100) }));
      await run(actions.touch(alice));
      expect((await client.readAccount(alice)).balances[0]?.amount).to.equal(usdc(20_100));
      const tooMuch = await refusalOf(
        client.simulate(actions.settle({ winner: alice, loser: bob, amount: usdc(19_000) })),
      );
      expect(tooMuch.message).to.include("is more than can be settled between the two: at most");
    });

    it("starts, bids for and ends auctions, with both sides in the preview", async () => {
      await p.lend(p.carol, "WETH", ether(100));
      await p.borrow(p.alice, "WETH", ether(6));
      await p.setPrice("WETH", 3_300);
      await p.setPrice("USDC", 1);
      expect((await client.readAccount(alice)).maintenance).to.be.lessThan(0n);
      await run(bobs.actions.startAuction({ account: alice, feeTo: bob }), bobs);
      expect((await client.readAccount(alice)).auction.maxFraction).to.be.greaterThan(0n);
      await run(bobs.actions.pokeAuction(alice), bobs);
      const bid = bobs.actions.bid({ account: alice, bidder: bob, fraction: MAX, limit: usdc(10_000) });
      const { changes, returned } = await bobs.simulate(bid);
      expect(changes.map(({ account }) => account)).to.deep.equal([bob, alice]);
      expect((returned as { price: bigint }).price).to.be.greaterThan(0n);
      expect(changes[1]?.after?.maintenance).to.be.greaterThanOrEqual(-WAD);
      const low = await refusalOf(
        bobs.simulate(bobs.actions.bid({ account: alice, bidder: bob, fraction: MAX, limit: 1n })),
      );
      expect(low.message).to.include("raise the limit, or wait for the discount");
      const { events } = await run(bid, bobs);
      expect(events.some((event) => isEvent(event, "safe", "BidTaken"))).to.equal(true);
      const healthy = await refusalOf(bobs.simulate(bobs.actions.startAuction({ account: bob, feeTo: bob })));
      expect(healthy.message).to.include("only accounts below zero can be auctioned");
      await p.setPrice("WETH", 2_000);
      await run(client.actions.endAuction(alice)).catch(() => undefined); // a bid that restored all of it has ended it
      expect((await client.readAccount(alice)).inAuction).to.equal(false);
    });

    it("does the protocol's chores", async () => {
      const { actions } = client;
      await p.advance(4_000);
      await attestFlat(p, { underlying: ETH, expiries: ethExpiries(), volatility: 0.6, premium: 0.001 });
      await p.fund("USDC", p.alice, usdc(50));
      await run(actions.approve("USDC", client.deployment.contracts.insuranceFund, MAX));
      const chores = [
        actions.accrue("USDC"),
        actions.updateCheckpoint("WETH"),
        actions.observeSize("WETH"),
        actions.pokeDeviation("WETH"),
        actions.pokeFunding(ETH),
        actions.checkpointOpenInterest(ETH),
        actions.observeOpenInterest(ETH),
        actions.observeVolatility(ETH),
        actions.collectReserves("USDC"),
        actions.donate(usdc(50)),
      ];
      for (const chore of chores) await run(chore);
      const empty = await refusalOf(client.simulate(actions.sweepFees()));
      expect(empty.message).to.equal("No fees are there to be moved yet");
      const early = await refusalOf(client.simulate(actions.settleExpiry(ETH, ethExpiries()[0] ?? 0)));
      expect(early.message).to.include("is not final: submit the rounds of both feeds first");
      const closed = await refusalOf(client.simulate(actions.submitRounds("USDC", ethExpiries()[0] ?? 0, [1n])));
      expect(closed.message).to.match(/^Rounds for .* are counted from .* on$/);
    });

    it("takes snapshots in which the mirror weighs as the engine does, to the wei", async () => {
      const expiry = ethExpiries()[0] ?? 0;
      const call = optionWord({ underlying: ETH, expiry, strike: 2_500n * 10n ** 8n, isCall: true });
      await p.lend(p.carol, "WETH", ether(100));
      await p.safe.connect(p.bob).setModel(bob, 1);
      await trade(p, { buyer: p.alice, seller: p.bob, instrument: perpWord(ETH), size: 3n * WAD, price: 2_510n * WAD });
      await trade(p, { buyer: p.alice, seller: p.bob, instrument: call, size: 2n * WAD, price: 60n * WAD });
      await p.borrow(p.alice, "WETH", ether(1));
      await p.derivatives().realizedVolatility.observe(ETH);
      const check = async () => {
        const { market, block } = await client.snapshot();
        const at = { blockTag: block };
        for (const account of await client.mirrorAccounts([alice, bob, accountId(p.carol.address)], { block })) {
          const view = await p.lens.accountView(account.id, at);
          expect(weigh(market, account, 0).initial).to.equal(view.initial);
          const { maintenance, mtm, liabilities } = weigh(market, account, 1);
          expect([maintenance, mtm, liabilities]).to.deep.equal([view.maintenance, view.mtm, view.liabilities]);
        }
        return market;
      };
      await check();
      await p.advance(7_200);
      await attestFlat(p, { underlying: ETH, expiries: ethExpiries(), volatility: 0.8, premium: -0.002 });
      await p.derivatives().positions.pokeFunding(ETH);
      await p.setPrice("WETH", 2_431.7);
      const market = await check();
      expect(market.pools.get(2)?.debtShares).to.be.greaterThan(0n);
      expect(market.ledger?.perps.get(ETH)?.openInterest).to.equal(3n * WAD);
      expect(market.idles.get(0x802)?.maxPartBps).to.be.greaterThan(0n);
    });
  });
});
