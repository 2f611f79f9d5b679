// What the SDK makes of errors, events and signed messages, held against the compiled contracts. One chain, for the digests.
import "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";
import {
  AbiCoder,
  concat,
  Interface,
  type InterfaceAbi,
  TypedDataEncoder,
  verifyTypedData,
  Wallet,
  ZeroHash,
} from "ethers";

import {
  accountId,
  decodeError,
  decodeEvents,
  decodeRevert,
  eventDecoder,
  eventSources,
  type ErrorContext,
  hashAttestation,
  attestationDomain,
  hashOrder,
  hashTypedMessage,
  IdError,
  indexOf,
  isEvent,
  isRejection,
  limitOrder,
  NEIGHBOUR_ERRORS,
  operatorTypedData,
  ownerOf,
  parseDeployment,
  perpWord,
  permitTypedData,
  PROTOCOL_ERRORS,
  revertDataOf,
  safeDomain,
  splitSignature,
  typedDataPayload,
  withdrawTypedData,
} from "../sdk/index.ts";
import { interfacesOf } from "../sdk/events.ts";
import { deployProtocol, WAD } from "./helpers/protocol.ts";

const ARTIFACTS = fileURLToPath(new URL("../artifacts/contracts", import.meta.url));

interface Artifact {
  readonly contractName: string;
  readonly abi: InterfaceAbi;
  readonly bytecode: string;
}

/** What the contracts of the protocol compile to; tests, mocks and what only local networks have left out. */
const artifacts = (): Artifact[] =>
  readdirSync(ARTIFACTS, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".json") && !/(^|\/)(test|local)\/|\.t\.sol/.test(file))
    .map((file) => JSON.parse(readFileSync(join(ARTIFACTS, file), "utf8")) as Artifact)
    .filter(({ abi }) => Array.isArray(abi));

const CONTEXT: ErrorContext = {
  assets: new Map([
    [1, { symbol: "USDC", decimals: 6 }],
    [2, { symbol: "WETH", decimals: 18 }],
  ]),
  underlyings: { 2: "ETH" },
};

const listed = new Interface([...PROTOCOL_ERRORS, ...NEIGHBOUR_ERRORS].map((error) => `error ${error}`));
const abi = AbiCoder.defaultAbiCoder();

const sample = (type: string): unknown =>
  type === "address"
    ? "0x00000000000000000000000000000000000000a1"
    : type === "string"
      ? "name"
      : type === "bytes"
        ? "0x"
        : type.startsWith("bytes")
          ? `0x${"00".repeat(Number(type.slice(5)))}`
          : type === "bool"
            ? true
            : 2n;

describe("SDK decoding", () => {
  describe("of errors", () => {
    it("knows every custom error of every contract", () => {
      const missing = new Set<string>();
      for (const { abi: each, contractName } of artifacts()) {
        new Interface(each).forEachError((error) => {
          if (listed.getError(error.selector) === null) missing.add(`${contractName}: ${error.format("full")}`);
        });
      }
      expect([...missing]).to.deep.equal([]);
    });

    it("has a sentence for each, with the arguments by name", () => {
      listed.forEachError((error) => {
        const data = listed.encodeErrorResult(
          error,
          error.inputs.map(({ type }) => sample(type)),
        );
        const decoded = decodeRevert(data, CONTEXT);
        if (error.name === "CallFailed") return; // unwrapped: below
        expect(decoded).to.include({ kind: "custom", name: error.name });
        expect(Object.keys(decoded.args)).to.deep.equal(error.inputs.map(({ name }) => name));
        expect(decoded.message, error.name)
          .to.match(/^[A-Z0-9"].{8,}/)
          .and.not.match(/undefined|\[object/);
      });
    });

    const error = (signature: string, values: readonly unknown[]) => listed.encodeErrorResult(signature, values);

    it("says how much of what was tried would pass", () => {
      const data = error("BorrowCapExceeded", [2, 100n * WAD, 1_088n * (WAD / 10n)]);
      const attempt = { verb: "Borrowing", asset: 2, amount: 12n * WAD };
      const { message, ...rest } = decodeRevert(data, { ...CONTEXT, attempt });
      expect(message).to.equal("Borrowing 12 WETH is above the pool's borrow cap: at most 3.2 WETH now");
      expect(rest).to.deep.include({
        name: "BorrowCapExceeded",
        args: { asset: 2n, cap: 100n * WAD, total: 1_088n * (WAD / 10n) },
      });
      expect(decodeRevert(data, CONTEXT).message).to.equal(
        "Borrowing WETH is above the pool's borrow cap: at least 8.8 WETH less",
      );
      expect(decodeRevert(data).message).to.equal(
        `Borrowing pool 2 is above the pool's borrow cap: at least ${88n * (WAD / 10n)} units of pool 2 less`,
      );
    });

    it("unwraps batches, as deep as they go", () => {
      const account = accountId(Wallet.createRandom().address, 3n);
      const inner = error("InsufficientMargin", [account, -5n * WAD]);
      const data = error("CallFailed", [2n, error("CallFailed", [1n, inner])]);
      const decoded = decodeRevert(data, CONTEXT);
      expect(decoded).to.deep.include({ name: "InsufficientMargin", path: [2, 1], data: inner });
      expect(decoded.message).to.match(
        /^Call 2, in it call 1 of the batch: account 3 of 0x[0-9a-f]{40} would end with an initial margin of -5 USDC/,
      );
    });

    it("knows panics, texts and nothing at all", () => {
      const panic = decodeRevert(concat(["0x4e487b71", abi.encode(["uint256"], [0x11])]));
      expect(panic).to.deep.include({ kind: "panic", args: { code: 17n } });
      expect(decodeRevert(concat(["0x08c379a0", abi.encode(["string"], ["STF"])])).message).to.include(
        "balance and allowance",
      );
      expect(decodeRevert("0x")).to.include({ kind: "unknown", name: "Unknown" });
      expect(decodeRevert("0xdeadbeef").message).to.include("0xdeadbeef");
      expect(decodeRevert("0x08c379a0ff").kind).to.equal("unknown");
    });

    it("finds revert data wherever libraries and nodes put it, and none where there is none", () => {
      const data = error("ZeroAmount", []);
      for (const thrown of [
        { data },
        { info: { error: { code: 3, data } } },
        { error: { data: { data, message: "x" } } },
        { cause: { details: { originalError: { data } } } },
        new Error(`VM Exception: reverted with ${data}`),
        Object.assign(new Error("failed"), { data: null, info: { error: { message: `Reverted ${data}` } } }),
      ]) {
        expect(revertDataOf(thrown)).to.equal(data);
        expect(decodeError(thrown)?.name).to.equal("ZeroAmount");
      }
      for (const thrown of [
        undefined,
        "nonsense",
        new Error("connect ECONNREFUSED"),
        { code: 4001 },
        { data: "0x1" },
      ]) {
        expect(revertDataOf(thrown)).to.equal(undefined);
      }
      expect(isRejection({ info: { error: { code: 4001 } } })).to.equal(true);
      expect(isRejection(new Error("no"))).to.equal(false);
    });
  });

  describe("of events", () => {
    it("knows every event of every contract that is deployed", async () => {
      const { deployment } = await deployProtocol();
      const sources = new Set(eventSources(deployment).values());
      const known = new Set<string>();
      for (const source of sources)
        for (const each of interfacesOf(source)) each.forEachEvent(({ topicHash }) => known.add(topicHash));
      const missing = new Set<string>();
      for (const { abi: each, bytecode, contractName } of artifacts()) {
        if (bytecode === "0x") continue;
        new Interface(each).forEachEvent((event) => {
          // EIP712 declares it, none of ours emits it
          if (!known.has(event.topicHash) && event.name !== "EIP712DomainChanged")
            missing.add(`${contractName}.${event.format()}`);
        });
      }
      expect([...missing]).to.deep.equal([]);
    });

    it("reads a receipt's logs into typed events of their sources", async () => {
      const p = await deployProtocol();
      await p.fund("USDC", p.alice, p.units("USDC", 10));
      const account = accountId(p.alice.address);
      const sent = await p.safe.connect(p.alice).deposit(account, p.ids.USDC, p.units("USDC", 10));
      const receipt = await sent.wait();
      const events = decodeEvents(receipt?.logs ?? [], eventDecoder(p.deployment));
      expect(events.map(({ source, name }) => `${source}.${name}`)).to.include.members([
        "token.Transfer",
        "safe.AccountChanged",
        "safe.PoolChanged",
      ]);
      const changed = events.find((event) => isEvent(event, "safe", "AccountChanged"));
      expect(changed?.args).to.include({ account, cause: 0n });
      expect(changed).to.include({ transactionHash: sent.hash, blockNumber: receipt?.blockNumber });
      expect(structuredClone(changed)).to.deep.equal(changed);
      const alien = {
        address: p.alice.address,
        topics: [ZeroHash],
        data: "0x",
        blockNumber: 1,
        transactionHash: ZeroHash,
        index: 0,
      };
      expect(decodeEvents([alien], eventDecoder(p.deployment))).to.deep.equal([]);
    });
  });

  describe("of signed messages", () => {
    it("has the contracts' own domains and digests", async () => {
      const p = await deployProtocol();
      const { chainId, contracts } = p.deployment;
      const domain = { chainId, safe: contracts.safe };
      expect(TypedDataEncoder.hashDomain(safeDomain(domain))).to.equal(await p.safe.DOMAIN_SEPARATOR());
      const { exchange, attestedFeed } = p.derivatives();
      const order = limitOrder({
        account: accountId(p.alice.address),
        instrument: perpWord(2),
        side: "buy",
        price: 2_500n * WAD,
        size: WAD,
        maxFee: WAD,
        nonce: 7n,
        now: 1_800_000_000_000,
      });
      const at = { chainId, exchange: await exchange.getAddress() };
      expect(hashOrder(order, at)).to.equal(
        await exchange.hashOrder({ ...order, legs: order.legs.map((leg) => ({ ...leg })) }),
      );
      const value = { underlying: 2, premium: 5n, confidence: WAD, timestamp: 1_800_000_000 };
      const feed = attestationDomain(chainId, await attestedFeed.getAddress());
      expect(hashAttestation(feed, { kind: "premium", value })).to.equal(await attestedFeed.hashPremium(value));
      const [, name, version] = await p.vaults.USDC.eip712Domain();
      const permit = { owner: p.alice.address, spender: contracts.safe, value: 1n, nonce: 0n, deadline: 2n };
      const typed = permitTypedData(permit, { token: await p.vaults.USDC.getAddress(), chainId, name, version });
      expect(TypedDataEncoder.hashDomain(typed.domain)).to.equal(await p.vaults.USDC.DOMAIN_SEPARATOR());
    });

    it("makes what wallets sign, as typed data and as their JSON", async () => {
      const wallet = Wallet.createRandom();
      const domain = { chainId: 1, safe: wallet.address };
      const base = { account: accountId(wallet.address), nonce: 1n, deadline: 2n };
      const withdrawal = withdrawTypedData(
        { ...base, asset: 1, amount: 5n, mayBorrow: false, to: wallet.address },
        domain,
      );
      const signature = await wallet.signTypedData(withdrawal.domain, withdrawal.types, withdrawal.message);
      expect(verifyTypedData(withdrawal.domain, withdrawal.types, withdrawal.message, signature)).to.equal(
        wallet.address,
      );
      expect(hashTypedMessage(withdrawal)).to.match(/^0x[0-9a-f]{64}$/);
      const grant = {
        ...base,
        operator: wallet.address,
        rights: 1,
        expiry: 3,
        receiversOnly: true,
        receivers: [wallet.address],
      };
      expect(typedDataPayload(operatorTypedData(grant, domain))).to.include({ primaryType: "SetOperator" });
      expect(splitSignature(signature)).to.have.keys("v", "r", "s");
    });
  });

  it("of ids and deployment files names what is wrong", async () => {
    const owner = "0x00000000000000000000000000000000000000a1";
    expect([ownerOf(accountId(owner, 9n)), indexOf(accountId(owner, 9n))]).to.deep.equal([owner, 9n]);
    for (const bad of [
      () => accountId("0x1"),
      () => accountId(owner, -1n),
      () => accountId(owner, 1n << 96n),
      () => ownerOf("0x00"),
    ]) {
      expect(bad).to.throw(IdError);
    }
    const { deployment } = await deployProtocol();
    expect(parseDeployment(JSON.parse(JSON.stringify(deployment)))).to.deep.equal(deployment);
    expect(() => parseDeployment([])).to.throw("deployment must be an object");
    expect(() => parseDeployment({ ...deployment, chainId: "1" })).to.throw("chainId must be a whole number");
    expect(() =>
      parseDeployment({ ...deployment, assets: { X: { ...deployment.assets["USDC"], token: "0x" } } }),
    ).to.throw("assets.X.token");
  });
});
