import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { runAudit } from "../audit/audit.ts";
import { pinBlock, readLogs } from "../audit/chain.ts";
import { findingText } from "../audit/findings.ts";
import { deploymentFor, parseBlock, parseDeployment, requireUrl } from "../audit/options.ts";
import { connectRpc, EndpointError, type Rpc, RpcError } from "../audit/rpc.ts";
import type { Address } from "../deploy/config/types.ts";
import { optionWord } from "../sdk/instruments.ts";
import { balanceWord, LEDGER_SLOTS, mapped, SAFE_SLOTS, withCorrupted, type Word } from "./helpers/corruption.ts";
import type { Protocol } from "./helpers/protocol.ts";
import { richChain, type Told } from "./helpers/rich-history.ts";
import { type Bridge, bridgeTo } from "./helpers/rpc-bridge.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

describe("Auditor", function () {
  this.timeout(240_000);
  let p: Protocol;
  let told: Told;
  let bridge: Bridge;
  let rpc: Rpc;

  before("a chain on which everything has happened", async () => {
    ({ p, told } = await richChain());
    bridge = await bridgeTo(p.connection.provider);
    rpc = connectRpc(bridge.url, { retries: 0 });
    expect(told.done).to.be.greaterThan(told.refused);
  });
  after(() => bridge.close());
  afterEach(() => {
    bridge.meddle(undefined);
    bridge.dieAfter(Number.POSITIVE_INFINITY);
  });

  const found = async (): Promise<string[]> => (await runAudit(rpc, p.deployment)).findings.map(findingText);

  it("finds no difference at any point of the history", async () => {
    for (const [name, block] of Object.entries(told.milestones)) {
      const result = await runAudit(rpc, p.deployment, { block });
      expect(result.findings.map(findingText), name).to.deep.equal([]);
      expect(result.block.number).to.equal(block);
    }
  });

  it("says in numbers that what there is covers what is owed", async () => {
    const { assets, markets, insurance, quotes } = await runAudit(rpc, p.deployment);
    const usdc = assets.find(({ symbol }) => symbol === "USDC");
    const state = await p.safe.poolState(p.ids.USDC);
    expect(usdc?.held).to.equal(await p.tokens.USDC.balanceOf(p.safe));
    expect(usdc?.claims).to.equal(state.claims);
    expect(usdc?.debts).to.equal(state.debts);
    expect(usdc?.surplus).to.equal(state.reserves);
    expect(usdc?.writtenOff).to.be.greaterThan(0n);
    expect(insurance).to.equal(await p.insuranceFund.balance());
    expect(quotes).to.equal(0n);
    for (const { long, short, clearingUnsettled } of markets) {
      expect(long).to.equal(short);
      expect(clearingUnsettled >= 0n && clearingUnsettled < 100n).to.equal(true);
    }
    expect(markets.map(({ state }) => state)).to.include.members(["live", "closed", "settled"]);
  });

  describe("storage that was changed", () => {
    const safe = () => p.deployment.contracts.safe;
    const ledger = () => p.deployment.contracts.positions ?? "";
    const account = (who: keyof Told["accounts"]) => told.accounts[who];
    const near = () => p.deployment.underlyings["ETH"]?.expiries[0] ?? 0;
    const far = () => p.deployment.underlyings["ETH"]?.expiries[2] ?? 0;
    const pool = (number: number, word: number): Word => ({
      address: safe(),
      slot: mapped(number, SAFE_SLOTS.pools) + BigInt(word),
    });
    const perp = (word: number): Word => ({ address: ledger(), slot: mapped(2, LEDGER_SLOTS.perps) + BigInt(word) });
    const inSafe = (slot: number | bigint): Word => ({ address: safe(), slot: BigInt(slot) });
    const inLedger = (slot: number | bigint): Word => ({ address: ledger(), slot: BigInt(slot) });
    const expiry = (time: number) => mapped((2n << 40n) | BigInt(time), LEDGER_SLOTS.expiries);
    const option = () => optionWord({ underlying: 2, expiry: near(), strike: 2_500n * 10n ** 8n, isCall: true });
    const fees = () => `${ledger()}${(1n << 64n).toString(16).padStart(24, "0")}`;
    const operators = () => mapped(account("bob"), SAFE_SLOTS.operators);
    const vaultWord = async () => {
      const vault = p.vaults.USDC.target as string;
      return balanceWord(p, vault, p.carol.address, await p.vaults.USDC.balanceOf(p.carol.address));
    };
    const custodyWord = async () => {
      const token = p.deployment.assets["USDC"]?.token ?? "";
      return balanceWord(p, token, safe(), await p.tokens.USDC.balanceOf(safe()));
    };

    const plusOne = (x: bigint): bigint => x + 1n;
    const bit =
      (i: number) =>
      (x: bigint): bigint =>
        x ^ (1n << BigInt(i));

    const cases: [string, () => Word | Promise<Word>, (x: bigint) => bigint, RegExp][] = [
      ["a balance", () => inSafe(mapped(account("alice"), SAFE_SLOTS.words)), plusOne, /account 0x9965.*balance words/],
      [
        "an account's model",
        () => inSafe(mapped(account("bob"), SAFE_SLOTS.words)),
        bit(232 + 5),
        /account 0x976e.*balance words/,
      ],
      ["shares of a pool", () => pool(1, 1), plusOne, /USDC: pool words/],
      ["a supply index", () => pool(2, 1), bit(192), /WETH: pool words/],
      ["a debt index", () => pool(3, 2), bit(96), /WBTC: pool words/],
      ["a borrow cap", () => pool(2, 0), bit(161), /WETH: borrowCap/],
      [
        "an idle asset's room",
        () => inSafe(mapped(1025, SAFE_SLOTS.idles)),
        bit(160),
        /stETH: room until the collateral cap/,
      ],
      ["the engine", () => inSafe(SAFE_SLOTS.engine), plusOne, /safe: pointer to engine/],
      ["a pause", () => inSafe(SAFE_SLOTS.engine), bit(160), /safe: what the guardian stopped/],
      ["the insurance account", () => inSafe(SAFE_SLOTS.insurance), bit(100), /safe: owner of the insurance account/],
      ["an operator's rights", () => inSafe(mapped(p.carol.address, operators())), bit(1), /operator 0x14dc.* rights/],
      [
        "an operator's receivers",
        () => inSafe(mapped(p.carol.address, operators())),
        bit(56),
        /operator 0x14dc.*receiver 0x/,
      ],
      [
        "a used nonce",
        () => inSafe(mapped(1, mapped(p.bob.address, SAFE_SLOTS.nonces))),
        bit(3),
        /nonce 259 of 0x976e.*used/,
      ],
      ["a vault holder's shares", vaultWord, plusOne, /vault of USDC: shares of 0x14dc/],
      ["tokens in the safe", custodyWord, plusOne, /USDC: custody of the safe/],
      ["a quote", () => inLedger(mapped(account("alice"), LEDGER_SLOTS.ledger)), bit(8), /account 0x9965.*quote/],
      [
        "a position",
        () => inLedger(mapped(account("carol"), LEDGER_SLOTS.ledger) + 1n),
        plusOne,
        /account 0x14dc.*position in ETH-PERP/,
      ],
      ["the fee account", () => inLedger(mapped(fees(), LEDGER_SLOTS.ledger)), bit(9), /quote of the fee account/],
      ["open interest", () => perp(0), plusOne, /ETH-PERP: openInterest/],
      ["a funding index", () => perp(1), plusOne, /ETH-PERP: fundingIndex/],
      ["how long funding counts", () => perp(1), bit(234 + 20), /ETH-PERP: funding word/],
      ["dust", () => perp(2), bit(160), /ETH-PERP: dust/],
      ["slow open interest", () => perp(3), plusOne, /ETH-PERP: slowOpenInterest/],
      ["a settlement price", () => inLedger(expiry(near())), plusOne, /expiry \d+ of underlying 2: price/],
      ["an expiry's cap", () => inLedger(expiry(far())), bit(104), /expiry \d+ of underlying 2: openInterestCap/],
      ["what clearing took over", () => inLedger(mapped(option(), LEDGER_SLOTS.options)), plusOne, /taken over/],
      ["the fee receiver", () => inLedger(LEDGER_SLOTS.treasury), plusOne, /ledger: fee receiver/],
    ];
    for (const [what, word, change, message] of cases) {
      it(`names ${what}`, async () => {
        await withCorrupted(p, await word(), change, async () => {
          const findings = await found();
          expect(findings.join("\n")).to.match(message);
          expect(findings.length).to.be.lessThan(12);
        });
      });
    }

    it("sees nothing left once all is put back", async () => {
      expect(await found()).to.deep.equal([]);
    });
  });

  describe("an endpoint that fails or lies", () => {
    const failure = async (options: { block?: number } = {}): Promise<Error> => {
      try {
        await runAudit(rpc, p.deployment, options);
      } catch (error) {
        if (error instanceof Error) return error;
      }
      throw new Error("there was a verdict");
    };

    it("halves ranges that are refused, and comes to the same end", async () => {
      let refusals = 0;
      bridge.meddle((method, [filter]) => {
        if (method !== "eth_getLogs") return undefined;
        const { fromBlock, toBlock } = filter as { fromBlock: string; toBlock: string };
        if (Number(toBlock) - Number(fromBlock) < 40) return undefined;
        refusals += 1;
        throw new Error("query returned more than 10000 results");
      });
      expect(await found()).to.deep.equal([]);
      expect(refusals).to.be.greaterThan(3);
    });

    it("gives up on a single block that is refused, with the endpoint's words", async () => {
      bridge.meddle((method) => {
        if (method === "eth_getLogs") throw new Error("limit exceeded");
        return undefined;
      });
      const error = await failure();
      expect(error)
        .to.be.instanceOf(RpcError)
        .with.property("message")
        .that.matches(/eth_getLogs: limit exceeded/);
    });

    it("says so when it dies in the middle, wherever that is", async () => {
      const before = bridge.requests();
      await runAudit(rpc, p.deployment);
      const needed = bridge.requests() - before;
      for (const after of [0, 1, Math.floor(needed / 2), needed - 1]) {
        bridge.dieAfter(after);
        const error = await failure();
        expect(error, `after ${after} of ${needed}`).to.be.instanceOf(EndpointError);
        expect(error.message).to.match(/^127\.0\.0\.1:\d+ does not answer: /);
      }
    });

    it("does not believe in a head that it is not shown", async () => {
      bridge.meddle((method) => (method === "eth_blockNumber" ? "0xffffff" : undefined));
      expect((await failure()).message).to.match(/says that its head is block 16777215, but has no such block/);
      bridge.meddle(async (method, [tag], ask) => {
        if (method !== "eth_getBlockByNumber" || tag !== "latest") return undefined;
        return { ...((await ask()) as object), number: "0x3" };
      });
      expect((await failure()).message).to.match(/its head is block \d+, its latest block is 3/);
    });

    it("gives no verdict on a block that changed meanwhile", async () => {
      let asked = 0;
      bridge.meddle(async (method, [tag], ask) => {
        if (method !== "eth_getBlockByNumber" || tag === "latest") return undefined;
        asked += 1;
        const block = (await ask()) as object;
        return asked === 1 ? block : { ...block, hash: `0x${"ab".repeat(32)}` };
      });
      expect((await failure()).message).to.match(/block \d+ was another when the reading began/);
    });

    it("does not take logs of other blocks, of two blocks of one number, or removed ones", async () => {
      const meddle = (change: (log: Record<string, unknown>, i: number) => Record<string, unknown>) =>
        bridge.meddle(async (method, _, ask) =>
          method === "eth_getLogs" ? ((await ask()) as Record<string, unknown>[]).map(change) : undefined,
        );
      meddle((log) => ({ ...log, blockNumber: "0xfffff" }));
      expect((await failure()).message).to.match(/asked for logs of blocks 0 to \d+, .* told one of block 1048575/);
      meddle((log) => ({ ...log, removed: true }));
      expect((await failure()).message).to.match(/told one of block/);
      meddle((log, i) => ({ ...log, blockHash: `0x${i.toString(16).padStart(64, "0")}`, blockNumber: "0x10" }));
      expect((await failure()).message).to.match(/two blocks 16/);
    });

    it("asks for an archive when the state is gone", async () => {
      bridge.meddle((method) => {
        if (method === "eth_call") throw new Error("missing trie node 5b3f (path ) state 0xabc is not available");
        return undefined;
      });
      expect((await failure()).message).to.match(
        /^state of block \d+: use an archive node \(eth_call: missing trie node/,
      );
    });

    it("takes an endpoint's trouble for no difference", async () => {
      let calls = 0;
      bridge.meddle((method) => {
        if (method !== "eth_call") return undefined;
        calls += 1;
        if (calls > 50) throw new Error("daily request count exceeded");
        return undefined;
      });
      expect(await failure())
        .to.be.instanceOf(RpcError)
        .with.property("message")
        .that.matches(/daily request count/);
    });

    it("reads nothing twice and leaves nothing out, whatever the ranges", async () => {
      const filter = { address: p.deployment.contracts.safe };
      const head = told.milestones["end"] ?? 0;
      const read = async (limit: number) => {
        bridge.meddle((method, [asked]) => {
          const { fromBlock, toBlock } = asked as { fromBlock: string; toBlock: string };
          if (method === "eth_getLogs" && Number(toBlock) - Number(fromBlock) >= limit) throw new Error("too many");
          return undefined;
        });
        const places: string[] = [];
        for await (const { logs } of readLogs(rpc, [filter, filter], 0, head)) {
          places.push(...logs.map(({ blockNumber, logIndex }) => `${blockNumber}:${logIndex}`));
        }
        return places;
      };
      const whole = await read(1_000_000);
      expect(new Set(whole).size).to.equal(whole.length);
      for (const limit of [1, 7, 100]) expect(await read(limit)).to.deep.equal(whole);
    });
  });

  describe("npm run audit", () => {
    let directory: string;
    let file: string;
    before(() => {
      directory = mkdtempSync(join(tmpdir(), "plimsoll-audit-"));
      file = join(directory, "deployment.json");
      writeFileSync(file, JSON.stringify(p.deployment));
    });
    after(() => rmSync(directory, { recursive: true }));

    const run = async (...options: string[]): Promise<{ code: number | null; out: string; err: string }> =>
      new Promise((resolve, reject) => {
        const tsx = join(ROOT, "node_modules", "tsx", "dist", "cli.mjs");
        const child = spawn(process.execPath, [tsx, join("scripts", "audit.ts"), ...options], {
          cwd: ROOT,
          env: { ...process.env, INIT_CWD: directory },
        });
        let [out, err] = ["", ""];
        child.stdout.on("data", (data: Buffer) => (out += data.toString()));
        child.stderr.on("data", (data: Buffer) => (err += data.toString()));
        child.once("error", reject);
        child.once("close", (code) => resolve({ code, out, err }));
      });

    it("prints the proof and ends with 0; with 1 and the difference once there is one", async () => {
      const well = await run("--rpc", bridge.url, "--deployment", "deployment.json");
      expect(well.code, well.err).to.equal(0);
      expect(well.out).to.match(/No difference: events and storage agree to the wei/);
      expect(well.out).to.match(/^USDC +pool .* 100\.0000 %/m);
      const word = { address: p.deployment.contracts.safe, slot: mapped(told.accounts.alice, SAFE_SLOTS.words) };
      await withCorrupted(
        p,
        word,
        (x) => x + 5n,
        async () => {
          const ill = await run("--rpc", bridge.url, "--deployment", file, "--json");
          expect(ill.code).to.equal(1);
          const result = JSON.parse(ill.out) as { ok: boolean; findings: { subject: string }[] };
          expect(result.ok).to.equal(false);
          expect(result.findings.map(({ subject }) => subject)).to.deep.equal([`account ${told.accounts.alice}`]);
        },
      );
    });

    it("ends with 2 and a line when asked wrongly", async () => {
      const other = join(directory, "other.json");
      writeFileSync(other, JSON.stringify({ ...p.deployment, chainId: 10 }));
      const contracts = { ...p.deployment.contracts, safe: p.carol.address as Address };
      const to = ["--rpc", bridge.url, "--deployment"];
      const { code, out, err } = await run(...to, "other.json");
      expect(err.trim()).to.equal("audit: wrong chain: the deployment is on chain 10, the endpoint serves chain 31337");
      expect(out).to.equal("");
      expect(code).to.equal(2);
      const { block } = await pinBlock(rpc, undefined).then((head) => ({ block: head.number }));
      const refusals: [() => unknown, RegExp][] = [
        [() => requireUrl(undefined), /^--rpc: say where the chain is/],
        [() => requireUrl("localhost:8545"), /^--rpc: "localhost:8545" is no http/],
        [() => parseBlock("1e3"), /^--block: "1e3" is no block number$/],
        [() => pinBlock(rpc, block + 1), /^--block: \d+ is in the future, the head is block \d+$/],
        [
          () => runAudit(rpc, { ...p.deployment, contracts }),
          /^there is no contract at 0x14dC\w+ \(safe\) in block \d+/,
        ],
        [
          () => runAudit(rpc, { ...p.deployment, fromBlock: 5 }, { block: 4 }),
          /^--block: 4 is before the deployment \(block 5\)$/,
        ],
        [() => deploymentFor(rpc, join(directory, "nowhere.json")), /^--deployment: cannot read .*nowhere\.json$/],
        [() => deploymentFor(rpc, fileURLToPath(import.meta.url)), /^--deployment: .*audit\.ts is not JSON$/],
        [() => parseDeployment({ chainId: 1 }, "x.json"), /^--deployment: fromBlock in x\.json is not a whole number$/],
        [
          () => parseDeployment({ ...p.deployment, wrappedNative: "0x1" }, "x.json"),
          /wrappedNative in x\.json is not an address/,
        ],
      ];
      for (const [ask, message] of refusals) {
        const refusal = await Promise.resolve()
          .then(ask)
          .then(
            () => undefined,
            (error: unknown) => error,
          );
        expect(refusal, String(message)).to.be.instanceOf(Error).with.property("message").that.matches(message);
      }
    });
  });
});
