import { expect } from "chai";
import type { Interface } from "ethers";
import fc from "fast-check";

import { judge, rebuild, symbolsOf } from "../audit/audit.ts";
import type { AuditEvent } from "../audit/events.ts";
import { decodeLog, LEDGER as LEDGER_ABI, SAFE as SAFE_ABI, UnreadableLog } from "../audit/decode.ts";
import { findingText } from "../audit/findings.ts";
import { Fold } from "../audit/fold.ts";
import { findSources, openingCustody, type Placed, readHistory } from "../audit/history.ts";
import { connectRpc, type Rpc } from "../audit/rpc.ts";
import { entrySums, judgeSums } from "../audit/sums.ts";
import { toJson } from "../audit/text.ts";
import { decodeAccount, encodeAccount, WAD } from "../audit/words.ts";
import { LEDGER, MadeUp, type Move, SAFE } from "./helpers/made-up-history.ts";
import type { Protocol } from "./helpers/protocol.ts";
import { randomOf, richChain, type Told } from "./helpers/rich-history.ts";
import { type Bridge, bridgeTo } from "./helpers/rpc-bridge.ts";

describe("Auditor: a history that is not whole", function () {
  this.timeout(240_000);
  let p: Protocol;
  let told: Told;
  let bridge: Bridge;
  let rpc: Rpc;
  let history: Placed[];
  let fold: () => Fold;
  const setting = () => ({ safe: fold().setting.safe, ledger: fold().setting.ledger });
  let asked: Rpc;

  before("read once, storage's answers kept", async () => {
    ({ p, told } = await richChain());
    bridge = await bridgeTo(p.connection.provider);
    rpc = connectRpc(bridge.url, { retries: 0 });
    const { block } = await rebuild(rpc, p.deployment);
    const sources = await findSources(rpc, p.deployment, block);
    const opening = await openingCustody(rpc, sources, p.deployment.fromBlock);
    history = [];
    for await (const { events } of readHistory(rpc, p.deployment, sources, block)) history.push(...events);
    const { safe, ledger } = sources;
    fold = () => new Fold({ safe, ledger, opening, symbols: symbolsOf(p.deployment) });
    const answers = new Map<string, Promise<unknown>>();
    const answer = (method: string, params: readonly unknown[]) => {
      const key = JSON.stringify([method, params]);
      const known = answers.get(key) ?? rpc.request(method, params).catch((error: unknown) => error);
      answers.set(key, known);
      return known;
    };
    asked = {
      request: answer,
      batch: (calls) => Promise.all(calls.map(({ method, params }) => answer(method, params))),
    };
  });

  after(() => bridge.close());

  it("reads the hot events as the ABI does, and refuses data that is not theirs", () => {
    const sources = { ...setting(), feeds: new Set<string>(), vaults: new Set<string>(), tokens: new Set<string>() };
    const account = `0x${"1f".repeat(32)}`;
    const log = (abi: Interface, address: string, name: string, args: unknown[]) => {
      const { topics, data } = abi.encodeEventLog(name, args);
      const place = { blockNumber: "0x1", blockHash: "0x", transactionHash: "0x", logIndex: "0x0" };
      return { address, topics: topics.map(String), data, ...place };
    };
    const words = [0n, 5n, (1n << 256n) - 1n];
    const { safe, ledger } = sources;
    const at = (i: number, data: string) => ({ ...log(SAFE_ABI, safe, "AccountChanged", [account, i, words]), data });
    expect(decodeLog(log(SAFE_ABI, safe, "AccountChanged", [account, 7, words]), sources)).to.deep.equal({
      ...{ kind: "AccountChanged", account, cause: "AuctionTaken", words },
    });
    expect(decodeLog(log(SAFE_ABI, safe, "PoolChanged", [3, 8n, 9n]), sources)).to.deep.equal({
      ...{ kind: "PoolChanged", asset: 3, supply: 8n, debt: 9n },
    });
    expect(decodeLog(log(LEDGER_ABI, ledger, "LedgerChanged", [account, 6, -4n, words]), sources)).to.deep.equal({
      ...{ kind: "LedgerChanged", account, cause: "Clearing", quote: -4n, changed: words },
    });
    expect(() => decodeLog(at(0, "0x1234"), sources)).to.throw(UnreadableLog, /log 0 of block 1/);
    expect(() => decodeLog({ ...at(0, "0x"), topics: at(0, "0x").topics.slice(0, 2) }, sources)).to.throw(
      UnreadableLog,
    );
  });

  /** Everything that was rebuilt, as text. */
  const stateOf = ({ safe, ledger, tokens, setting }: Fold): string => {
    const plain = (value: unknown): unknown => {
      if (value instanceof Map) return [...value].map(([key, each]) => [String(key), plain(each)]).sort();
      if (value instanceof Set) return [...value].sort();
      if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
      return Object.entries(value).map(([key, each]) => [key, plain(each)]);
    };
    const { accounts, pools, listings, vaults, configs, caps, pointers, operators, nonces, pause } = safe;
    const { perps, expiries } = ledger;
    return toJson(
      [accounts, pools, listings, vaults, configs, caps, pointers, operators, nonces, pause, perps, expiries]
        .concat([ledger.accounts, ledger.pointers, ledger.treasury, tokens.vaults, tokens.custody] as never[])
        .map(plain)
        .concat(setting.ledger),
    );
  };

  const verdictOn = async (events: readonly Placed[]): Promise<{ findings: string[]; state: string }> => {
    const rebuilt = fold();
    for (const { event, at } of events) rebuilt.apply(event, at);
    rebuilt.finish();
    const state = stateOf(rebuilt);
    const { block } = await rebuildBlock();
    const { findings } = await judge(asked, p.deployment, rebuilt, block);
    return { findings: findings.map(findingText), state };
  };
  let head: Promise<{ block: Awaited<ReturnType<typeof rebuild>>["block"] }> | undefined;
  const rebuildBlock = () => (head ??= rebuild(rpc, p.deployment));

  it("judges the whole history well", async () => {
    expect((await verdictOn(history)).findings).to.deep.equal([]);
  });

  /** Told once and seen in nothing else: only the endpoint's word stands for these. */
  const alone = new Set<AuditEvent["kind"]>(["OperatorSet", "NonceUsed"]);

  it("names any event that is missing, unless nothing that it said was left in the end", async () => {
    const { state: whole } = await verdictOn(history);
    const random = randomOf(7);
    const byKind = new Map<string, number>();
    history.forEach(({ event }, i) => byKind.set(event.kind, i));
    const some = Array.from({ length: 40 }, () => Math.floor(random() * history.length));
    let named = 0;
    for (const i of new Set([...byKind.values(), ...some])) {
      const { findings, state } = await verdictOn(history.filter((_, j) => j !== i));
      const placed = history[i];
      if (placed === undefined || alone.has(placed.event.kind)) continue;
      if (state !== whole) expect(findings, `${placed.event.kind} in block ${placed.at.block}`).to.not.be.empty;
      if (findings.length > 0) named += 1;
    }
    expect(named).to.be.greaterThan(30);
  });

  const last = <K extends AuditEvent["kind"]>(
    kind: K,
    where: (event: Extract<AuditEvent, { kind: K }>) => boolean = () => true,
  ): number =>
    history.findLastIndex(({ event }) => event.kind === kind && where(event as Extract<AuditEvent, { kind: K }>));
  const altered = (i: number, change: (event: AuditEvent) => AuditEvent): Placed[] =>
    history.map((placed, j) => (i === j ? { ...placed, event: change(placed.event) } : placed));

  it("names an altered balance, quote, size, index and transfer, and where the sums broke", async () => {
    const word = (event: AuditEvent) =>
      event.kind === "AccountChanged" ? { ...event, words: event.words.map((w, k) => (k === 0 ? w + 1n : w)) } : event;
    const cases: [number, (event: AuditEvent) => AuditEvent, RegExp][] = [
      [
        last("AccountChanged", ({ account, cause }) => account === told.accounts.alice && cause === "Deposit"),
        word,
        /V2: pool 1: accounts hold/,
      ],
      [
        last("LedgerChanged"),
        (e) => (e.kind === "LedgerChanged" ? { ...e, quote: e.quote - 1n } : e),
        /D1: quotes: all quotes add up to -1/,
      ],
      [
        last("LedgerChanged", ({ cause, changed }) => cause === "Fill" && changed.length > 0),
        (e) => (e.kind === "LedgerChanged" ? { ...e, changed: e.changed.map((w) => w + 1n) } : e),
        /D1: ETH-.*: all sizes add up to 1/,
      ],
      [
        last("PoolChanged"),
        (e) => (e.kind === "PoolChanged" ? { ...e, supply: e.supply - (1n << 192n) } : e),
        /storage: .*pool words/,
      ],
      [
        last("VaultTransfer"),
        (e) => (e.kind === "VaultTransfer" ? { ...e, value: e.value + 1n } : e),
        /V2: pool \d: vault holders have/,
      ],
      [
        last("TokenMoved"),
        (e) => (e.kind === "TokenMoved" ? { ...e, amount: e.amount - 1n } : e),
        /custody of the safe/,
      ],
      [
        last("DebtWrittenOff"),
        (e) => (e.kind === "DebtWrittenOff" ? { ...e, supplyIndex: e.supplyIndex + 1n } : e),
        /V3: pool 1: a write-off left/,
      ],
      [
        last("BidTaken", ({ writtenOff }) => writtenOff > 0n),
        (e) => (e.kind === "BidTaken" ? { ...e, writtenOff: 0n } : e),
        /L2: write-off/,
      ],
      [
        last("OperatorSet"),
        (e) => (e.kind === "OperatorSet" ? { ...e, expiry: e.expiry + 1 } : e),
        /storage: operator .* expiry/,
      ],
      [
        last("ExpirySettled"),
        (e) => (e.kind === "ExpirySettled" ? { ...e, price: e.price + 1n } : e),
        /storage: expiry .* price/,
      ],
    ];
    for (const [i, change, message] of cases) {
      const { findings } = await verdictOn(altered(i, change));
      expect(findings.join("\n"), String(message)).to.match(message);
    }
    const { findings } = await verdictOn(history.filter((_, i) => i !== last("DebtWrittenOff")));
    expect(findings.join("\n")).to.match(/V3: pool 1: supply index fell .* without a write-off \[block \d+, 0x/);
  });

  it("names events told twice or out of order", async () => {
    const i = last("AccountChanged");
    const swapped = history.with(i, history[i - 1] as Placed).with(i - 1, history[i] as Placed);
    expect((await verdictOn(swapped)).findings.join("\n")).to.match(/events: history: event \d+ follows event \d+/);
  });
});

describe("Auditor: made-up histories", () => {
  const move: fc.Arbitrary<Move> = fc.record({
    what: fc.constantFrom("deposit", "borrow", "lend", "accrue", "trade", "trade", "poke", "touch", "writeOff"),
    who: fc.nat(20),
    other: fc.nat(20),
    amount: fc.bigInt({ min: 1n, max: 10n ** 12n }),
  });
  const moves = fc.array(move, { minLength: 5, maxLength: 60 });

  const foldOf = (history: readonly Placed[]): { fold: Fold; findings: string[] } => {
    const fold = new Fold({ safe: SAFE, ledger: LEDGER, symbols: { 2: "ETH" } });
    for (const { event, at } of history) fold.apply(event, at);
    fold.finish();
    const findings = [...fold.findings.kept, ...judgeSums(fold)].map(findingText);
    return { fold, findings };
  };

  it("rebuilds what was told, whatever was told, and finds nothing wrong with it", () => {
    fc.assert(
      fc.property(moves, (told) => {
        const world = new MadeUp(told);
        const { fold, findings } = foldOf(world.history);
        expect(findings).to.deep.equal([]);
        for (const [account, balances] of world.shares) {
          const { entries } = decodeAccount(fold.safe.accounts.get(account) ?? encodeAccount([]));
          expect(new Map(entries.map(({ asset, shares }) => [asset, shares]))).to.deep.equal(balances);
        }
        for (const [asset, pool] of world.pools) {
          const rebuilt = fold.safe.pool(asset);
          expect([
            rebuilt?.lenderShares,
            rebuilt?.accountShares,
            rebuilt?.debtShares,
            rebuilt?.supplyIndex,
          ]).to.deep.equal([...[pool.lenders, pool.owned, pool.owed, pool.supplyIndex]]);
          expect(fold.custodyOf(asset)).to.equal(world.custody.get(asset) ?? 0n);
        }
        let [sizes, longs] = [0n, 0n];
        for (const [account, { quote, size, entry }] of world.traders) {
          const held = fold.ledger.accounts.get(account);
          expect(held?.quote).to.equal(quote);
          expect([...(held?.positions.values() ?? [])]).to.deep.equal(
            size === 0n ? [] : [{ size, fundingIndex: entry }],
          );
          sizes += size * entry;
          longs += size > 0n ? size : 0n;
        }
        const perp = fold.ledger.perps.get(2);
        expect(perp?.fundingQuote).to.equal(world.fundingQuote);
        expect(perp?.openInterest).to.equal(longs);
        expect(entrySums(fold).get(2)).to.equal(sizes);
        expect((perp?.fundingQuote ?? 0n) * WAD - (perp?.dust ?? 0n)).to.equal(sizes);
      }),
      { numRuns: 150 },
    );
  });

  it("names any single event whose numbers were changed", () => {
    const spoil = (event: AuditEvent): AuditEvent | undefined => {
      if (event.kind === "AccountChanged") {
        // shares stand in the low bits of the first word; an account without any has nothing to change
        const [first = 0n, ...rest] = event.words;
        return decodeAccount(event.words).count === 0 ? undefined : { ...event, words: [first ^ 1n, ...rest] };
      }
      if (event.kind === "LedgerChanged") return { ...event, quote: event.quote + 1n };
      if (event.kind === "PoolChanged") return { ...event, supply: event.supply ^ (1n << 96n) };
      if (event.kind === "VaultTransfer") return { ...event, value: event.value + 1n };
      if (event.kind === "DebtWrittenOff") return { ...event, supplyIndex: event.supplyIndex + 1n };
      return undefined;
    };
    fc.assert(
      fc.property(moves, fc.nat(), (told, where) => {
        const { history } = new MadeUp(told);
        const spoiled = history.flatMap(({ event }, i) => {
          const other = spoil(event);
          return other === undefined ? [] : [{ i, other }];
        });
        const chosen = spoiled[where % Math.max(1, spoiled.length)];
        if (chosen === undefined) return;
        const placed = history[chosen.i] as Placed;
        const { fold, findings } = foldOf(history.with(chosen.i, { ...placed, event: chosen.other }));
        expect(findings, chosen.other.kind).to.not.be.empty;
        expect(fold.findings.kept[0]?.block).to.equal(placed.at.block);
      }),
      { numRuns: 150 },
    );
  });

  it("judges each transaction when it ends, not in the middle", () => {
    const { history } = new MadeUp([{ what: "deposit", who: 0, other: 0, amount: 5n }]);
    const fold = new Fold({ safe: SAFE, ledger: LEDGER });
    for (const { event, at } of history) fold.apply(event, at);
    expect(fold.findings.count).to.equal(0);
    // the last event alone, told once more in a transaction of its own, still adds up; half of one does not
    const half = history.filter(
      ({ event, at }) => at.block !== history.at(-1)?.at.block || event.kind !== "PoolChanged",
    );
    expect(foldOf(half).findings.join()).to.match(/V2: pool 1: accounts hold 5 shares, the pool says 0/);
  });

  it("keeps no more than a thousand findings of a broken history, and counts them all", () => {
    const fold = new Fold({ safe: SAFE, ledger: LEDGER });
    for (let block = 1; block <= 1_500; block += 1) {
      const at = { block, logIndex: 0, transaction: `0x${block}` };
      fold.apply(
        { kind: "LedgerChanged", account: `0x${"11".repeat(32)}`, cause: "Touch", quote: 1n, changed: [] },
        at,
      );
    }
    fold.finish();
    expect(fold.findings.count).to.be.greaterThan(1_499);
    expect(fold.findings.kept).to.have.length(1_000);
  });
});
