// The keeper's book of accounts against naive models: following and undoing events, checkpoints, weighing, and guards that may never miss an
// account that falls below maintenance.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect } from "chai";

import { Tailor } from "../bench/keeperAccounts.ts";
import {
  accountLog,
  between,
  blockHash,
  draftAccount,
  idOf,
  type Kind,
  ledgerLog,
  pick,
  POSITIONS,
  type Random,
  randomOf,
  SAFE,
  World,
  type WorldOptions,
} from "../bench/keeperWorld.ts";
import {
  AccountBook,
  type BlockLogs,
  CheckpointError,
  ForkError,
  LogError,
  type RawLog,
} from "../keeper/book/index.ts";
import { ACCOUNT_CHANGED, LEDGER_CHANGED, POOL_CHANGED } from "../keeper/book/logs.ts";
import { encodeInstrument, type Instrument, type Position } from "../sdk/instruments.ts";
import { type Account, encodeWords, type Entry } from "../sdk/mirror/account.ts";
import { expiryKey } from "../sdk/mirror/derivatives/market.ts";
import type { Market } from "../sdk/mirror/market.ts";
import { LIQUIDATION } from "../sdk/mirror/model.ts";
import { weigh } from "../sdk/mirror/weigh.ts";

const OPTIONS = { chainId: 1, safe: SAFE, positions: POSITIONS };

const inFolder = async (work: (folder: string) => Promise<void> | void): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "keeper-book-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

// ------------------------------------------------------------------------------------------------ a naive model of the events

interface Naive {
  words: bigint[];
  quote: bigint;
  positions: Map<bigint, Position>;
}

type NaiveState = Map<string, Naive>;

const copyOf = (state: NaiveState): NaiveState =>
  new Map([...state].map(([id, a]) => [id, { ...a, positions: new Map(a.positions) }]));

const IDS = Array.from({ length: 60 }, (_, i) => idOf(randomOf(1_000 + i)));
const INSTRUMENTS = new World({ seed: 1 }).instruments().slice(0, 40);

const randomEntries = (random: Random): Entry[] =>
  [1, 2, 3, 0x401, 0x802]
    .filter(() => random() < 0.5)
    .map((asset) => ({
      asset,
      shares: BigInt(Math.floor(between(random, -1e15, 1e15))) * 2n ** BigInt(Math.floor(random() * 50)),
    }));

/** A log that changes the naive state too. */
const randomLog = (random: Random, state: NaiveState): RawLog => {
  const id = pick(random, IDS);
  const known = state.get(id) ?? { words: [], quote: 0n, positions: new Map<bigint, Position>() };
  state.set(id, known);
  if (random() < 0.5) {
    const flags = {
      model: random() < 0.5 ? 0 : 1,
      hasPositions: random() < 0.5,
      hasQuote: false,
      inAuction: random() < 0.2,
    } as const;
    known.words = encodeWords({ flags, entries: randomEntries(random) });
    return accountLog(ACCOUNT_CHANGED, id, known.words);
  }
  known.quote = BigInt(Math.floor(between(random, -1e15, 1e15))) * 10n ** 9n;
  const changed: Position[] = [];
  const touch = (instrument: Instrument, size: bigint): void => {
    const fundingIndex = instrument.kind === "perp" ? BigInt(Math.floor(between(random, -1e12, 1e12))) : 0n;
    changed.push({ instrument, size, fundingIndex });
    const word = encodeInstrument(instrument);
    if (size === 0n) known.positions.delete(word);
    else known.positions.set(word, { instrument, size, fundingIndex });
  };
  for (let i = 0; i < random() * 4; i += 1) {
    const size = BigInt(Math.floor(between(random, -1e15, 1e15))) * 10n ** 6n;
    const instrument = pick(random, INSTRUMENTS);
    if (changed.some((p) => encodeInstrument(p.instrument) === encodeInstrument(instrument))) continue;
    touch(instrument, random() < 0.3 ? 0n : size);
    // Closed and opened again in one event: the ledger says closings last.
    const last = changed.at(-1);
    if (last !== undefined && last.size !== 0n && random() < 0.2) changed.push({ ...last, size: 0n });
  }
  changed.sort((a, b) => Number(a.size === 0n) - Number(b.size === 0n));
  return ledgerLog(LEDGER_CHANGED, id, known.quote, changed);
};

const compare = (book: AccountBook, state: NaiveState): void => {
  expect(book.ids().length).to.equal(state.size);
  for (const [id, { words, quote, positions }] of state) {
    const account = book.account(id);
    if (account === undefined) throw new Error(`${id} is missing`);
    expect(words.length === 0 ? account.entries.length : encodeWords(account)).to.deep.equal(
      words.length === 0 ? 0 : words,
    );
    expect(account.quote, id).to.equal(quote);
    const byWord = (list: Iterable<Position>) =>
      [...list].sort((a, b) => (encodeInstrument(a.instrument) < encodeInstrument(b.instrument) ? -1 : 1));
    expect(byWord(account.positions), id).to.deep.equal(byWord(positions.values()));
  }
};

// ------------------------------------------------------------------------------------------------ worlds with accounts

interface Peopled {
  readonly world: World;
  readonly random: Random;
  readonly book: AccountBook;
  readonly ids: readonly string[];
  readonly kinds: readonly Kind[];
}

const people = (options: WorldOptions, count: number, nearLine = 0, only?: readonly Kind[]): Peopled => {
  const world = new World(options);
  const random = randomOf(options.seed + 77);
  const instruments = world.instruments();
  const tailor = new Tailor(world, random, instruments);
  const book = AccountBook.open(OPTIONS);
  const logs: RawLog[] = [];
  const kinds: Kind[] = [];
  for (let i = 0; i < count; i += 1) {
    const id = idOf(random);
    const draft = draftAccount(world, random, instruments, only === undefined ? undefined : pick(random, only));
    const words = nearLine > 0 ? tailor.fit(draft, nearLine * random() ** 2) : tailor.fit(draft);
    if (draft.positions.length > 0) logs.push(ledgerLog(LEDGER_CHANGED, id, draft.quote, draft.positions));
    logs.push(accountLog(ACCOUNT_CHANGED, id, words));
    kinds.push(draft.kind);
  }
  book.apply({ number: 1, hash: blockHash(1), logs });
  return { world, random, book, ids: book.ids(), kinds };
};

/** A step of everything that margins depend on. */
const step = (world: World, random: Random): void => {
  world.time += Math.floor(between(random, 1, random() < 0.1 ? 20_000 : 60));
  const size = random() < 0.1 ? 0.12 : 0.01;
  for (const [id, price] of world.price) {
    if (id !== 1) world.price.set(id, price * Math.exp(between(random, -size, size)));
  }
  if (random() < 0.2) {
    for (const u of [2, 3]) {
      world.volatility.set(u, (world.volatility.get(u) ?? 1) * Math.exp(between(random, -0.15, 0.15)));
      world.premium.set(u, between(random, -0.005, 0.005));
      world.forward.set(u, between(random, 0.98, 1.03));
      world.funding.set(u, (world.funding.get(u) ?? 0) + between(random, -3, 3));
    }
    world.slowInterest *= between(random, 0.8, 1.3);
    world.checkpoint = (world.checkpoint * BigInt(Math.floor(between(random, 80, 130)))) / 100n;
    world.realised *= between(random, 0.9, 1.15);
    world.post();
  }
};

const found = (book: AccountBook): Set<string> => new Set(book.rank().map(({ id }) => id));

/** Who is below maintenance by the exact mirror; only accounts that are near it by the fast one are asked. */
const bruteForce = (book: AccountBook, market: Market, ids: readonly string[]): string[] =>
  ids.filter((id) => {
    const fast = book.weigh(id);
    if (fast?.priced !== true) return false;
    if (Math.abs(fast.maintenance) > 0.003 * fast.gross) return fast.maintenance < 0;
    const account = book.account(id) as Account;
    return weigh(market, account, LIQUIDATION).maintenance < 0n;
  });

describe("keeper book", function () {
  this.timeout(120_000);

  describe("events", () => {
    it("follows, undoes and restores like a naive model, in any order and over reorganisations", () =>
      inFolder((folder) => {
        const random = randomOf(42);
        const file = join(folder, "book.sqlite");
        let book = AccountBook.open({ ...OPTIONS, file, undoBlocks: 12 });
        const history: { block: BlockLogs; state: NaiveState }[] = [];
        let state: NaiveState = new Map();
        let fork = 0;
        let deepest = 0;
        for (let i = 0; i < 300; i += 1) {
          const number = history.length + 1;
          const parentHash = history.at(-1)?.block.hash ?? blockHash(0);
          state = copyOf(state);
          const logs = Array.from({ length: Math.floor(random() * 8) }, () => randomLog(random, state));
          const block = { number, hash: blockHash(number, fork), parentHash, logs };
          book.apply(block);
          history.push({ block, state });
          const known = book.blocks();
          if (random() < 0.15 && known.length > 1) {
            const to = known[1 + Math.floor(random() * (known.length - 1))];
            if (to === undefined) throw new Error("no block to go back to");
            expect(book.rollback(to)).to.equal(true);
            history.splice(to.number);
            state = history.at(-1)?.state ?? new Map<string, Naive>();
            deepest = Math.max(deepest, number - to.number);
            fork += 1;
          }
          if (random() < 0.15) book.checkpoint();
          if (random() < 0.1) {
            book.checkpoint();
            void book.close();
            book = AccountBook.open({ ...OPTIONS, file, undoBlocks: 12 });
            expect(book.head?.hash).to.equal(history.at(-1)?.block.hash);
          }
          if (i % 10 === 0) compare(book, state);
        }
        compare(book, state);
        expect(deepest).to.be.greaterThan(8);
        void book.close();
      }));

    it("refuses a block that does not follow, and a log that cannot be, and stays as it was", () => {
      const book = AccountBook.open(OPTIONS);
      const random = randomOf(7);
      const state: NaiveState = new Map();
      const logs = Array.from({ length: 30 }, () => randomLog(random, state));
      book.apply({ number: 1, hash: blockHash(1), logs });
      expect(() => book.apply({ number: 2, hash: blockHash(2), parentHash: blockHash(9), logs: [] })).to.throw(
        ForkError,
        /does not follow/,
      );
      expect(() => book.apply({ number: 1, hash: blockHash(1, 1), logs: [] })).to.throw(ForkError);
      const good = randomLog(random, copyOf(state));
      const cut = { ...good, data: good.data.slice(0, -10) };
      expect(() => book.apply({ number: 2, hash: blockHash(2), logs: [good, cut] })).to.throw(LogError, /ends/);
      const noHex = { ...good, data: `${good.data.slice(0, -1)}g` };
      expect(() => book.apply({ number: 2, hash: blockHash(2), logs: [good, noHex] })).to.throw(LogError, /digit/);
      compare(book, state);
      expect(book.head?.number).to.equal(1);
    });

    it("starts over from the checkpoint, or from nothing, when a fork is deeper than what it keeps", () =>
      inFolder((folder) => {
        const random = randomOf(8);
        const book = AccountBook.open({ ...OPTIONS, file: join(folder, "book.sqlite"), undoBlocks: 3 });
        let state: NaiveState = new Map();
        let saved = state;
        for (let number = 1; number <= 12; number += 1) {
          state = copyOf(state);
          book.apply({ number, hash: blockHash(number), logs: [randomLog(random, state), randomLog(random, state)] });
          if (number === 4) {
            book.checkpoint();
            saved = state;
          }
        }
        expect(book.rollback({ number: 6, hash: blockHash(6) }, () => true)).to.equal(false);
        expect(book.head?.number).to.equal(4);
        compare(book, saved);
        // The checkpoint holds what undoes its last blocks.
        expect(book.rollback({ number: 2, hash: blockHash(2) })).to.equal(true);
        expect(book.rollback({ number: 1, hash: blockHash(1, 1) }, () => false)).to.equal(false);
        expect(book.head).to.equal(undefined);
        expect(book.ids()).to.deep.equal([]);
        void book.close();
      }));

    it("keeps pool words, and puts them back", () => {
      const book = AccountBook.open(OPTIONS);
      const log = (n: number): RawLog => ({
        address: SAFE.toUpperCase().replace("0X", "0x"),
        topics: [POOL_CHANGED, `0x${"2".padStart(64, "0")}`],
        data: `0x${String(n).padStart(64, "0")}${String(n + 1).padStart(64, "0")}`,
      });
      book.apply({ number: 1, hash: blockHash(1), logs: [log(1)] });
      book.apply({ number: 2, hash: blockHash(2), logs: [log(5)] });
      expect(book.pool(2)?.supplyWord).to.match(/5$/);
      book.rollback({ number: 1, hash: blockHash(1) });
      expect(book.pool(2)?.debtWord).to.match(/2$/);
    });

    it("divides the accounts among replicas by parts of a hash", () => {
      const random = randomOf(9);
      const state: NaiveState = new Map();
      const logs = Array.from({ length: 400 }, () => randomLog(random, state));
      const half = 2 ** 31;
      const parts = [
        { from: 0, to: half },
        { from: half, to: 2 ** 32 },
      ].map((part) => AccountBook.open({ ...OPTIONS, part }));
      for (const book of parts) book.apply({ number: 1, hash: blockHash(1), logs });
      const whole = AccountBook.open(OPTIONS);
      whole.apply({ number: 1, hash: blockHash(1), logs });
      const [a, b] = parts.map((book) => book.ids());
      expect([...(a ?? []), ...(b ?? [])].sort()).to.deep.equal(whole.ids().sort());
      expect(Math.min(a?.length ?? 0, b?.length ?? 0)).to.be.greaterThan(10);
      expect(whole.restrict({ from: 0, to: half })).to.equal(false);
      expect(whole.ids().sort()).to.deep.equal(a?.sort());
      expect(whole.restrict({ from: 0, to: 2 ** 32 })).to.equal(true);
      expect(whole.head).to.equal(undefined);
    });
  });

  describe("checkpoints", () => {
    const fill = (file: string): void => {
      const random = randomOf(10);
      const book = AccountBook.open({ ...OPTIONS, file });
      const state: NaiveState = new Map();
      for (let number = 1; number < 5; number += 1) {
        book.apply({
          number,
          hash: blockHash(number),
          logs: Array.from({ length: 40 }, () => randomLog(random, state)),
        });
      }
      book.checkpoint();
      void book.close();
    };

    it("are refused, by name, when they are damaged, of another deployment, or no checkpoint", () =>
      inFolder((folder) => {
        const file = join(folder, "book.sqlite");
        fill(file);
        const refused = (options: object, message: RegExp): void => {
          expect(() => AccountBook.open({ ...OPTIONS, file, ...options })).to.throw(CheckpointError, message);
        };
        refused({ chainId: 2 }, /another deployment/);
        refused({ safe: POSITIONS }, /another deployment/);

        const change = (sql: string): void => {
          const db = new DatabaseSync(file);
          db.exec(sql);
          db.close();
        };
        const good = readFileSync(file);
        const restore = (): void => {
          rmSync(`${file}-wal`, { force: true });
          rmSync(`${file}-shm`, { force: true });
          writeFileSync(file, good);
        };
        change("UPDATE pages SET rows = substr(rows, 1, length(rows) - 4)");
        refused({}, /damaged.*checksum.*delete it/);
        restore();
        change("UPDATE meta SET value = '61' WHERE key = 'rows'");
        refused({}, /damaged.*of 61 accounts/);
        restore();
        change("UPDATE undo SET crc = crc + 1");
        refused({}, /damaged.*block/);
        restore();
        change("UPDATE meta SET value = '0' WHERE key = 'version'");
        refused({}, /format 0/);
        restore();
        writeFileSync(file, good.subarray(0, good.length - 16_384));
        refused({}, /damaged|no checkpoint/);
        writeFileSync(file, "once upon a time there was a file, long enough to be a database's header".repeat(400));
        refused({}, /no checkpoint/);
        restore();
        const book = AccountBook.open({ ...OPTIONS, file });
        expect(book.head?.number).to.equal(4);
        void book.close();
      }));

    it("of a part serve a smaller part only", () =>
      inFolder((folder) => {
        const file = join(folder, "book.sqlite");
        const random = randomOf(11);
        const quarter = { from: 0, to: 2 ** 30 };
        const book = AccountBook.open({ ...OPTIONS, file, part: { from: 0, to: 2 ** 31 } });
        book.apply({
          number: 1,
          hash: blockHash(1),
          logs: Array.from({ length: 200 }, () => randomLog(random, new Map())),
        });
        book.checkpoint();
        const ids = new Set(book.ids());
        void book.close();
        expect(() => AccountBook.open({ ...OPTIONS, file })).to.throw(CheckpointError, /accounts 0\.\.2147483648 only/);
        const smaller = AccountBook.open({ ...OPTIONS, file, part: quarter });
        expect(smaller.ids().length).to.be.lessThan(ids.size);
        expect(smaller.ids().every((id) => ids.has(id))).to.equal(true);
        void smaller.close();
      }));
  });

  describe("weighing", () => {
    for (const [seed, options] of [
      [1, { phiBps: 3_000, rampFromBps: 500 }],
      [2, {}],
      [3, { phiBps: 3_000, spread: 0.01, expiries: [1, 3, 20] }],
      [4, { spread: 0.05, rampFromBps: 1_500 }],
    ] as const) {
      it(`is within its stated error of the exact mirror (world ${seed})`, () => {
        const { world, random, book, ids, kinds } = people({ seed, ...options }, 150);
        const seen = new Set<Kind>();
        for (let round = 0; round < 3; round += 1) {
          const market = world.market();
          book.setMarket(market);
          ids.forEach((id, i) => {
            const fast = book.weigh(id);
            const exact = weigh(market, book.account(id) as Account, LIQUIDATION);
            if (fast?.priced !== true) throw new Error(`${id} is not priced`);
            const off = Math.max(
              Math.abs(fast.maintenance - Number(exact.maintenance) / 1e18),
              Math.abs(fast.mtm - Number(exact.mtm) / 1e18),
            );
            if (off > fast.error) throw new Error(`${kinds[i]} ${id} is off by ${off}, more than ${fast.error}`);
            seen.add(kinds[i] ?? "lender");
          });
          for (let i = 0; i < 4; i += 1) step(world, random);
        }
        expect(seen.size).to.equal(5);
      });
    }
  });

  describe("guards", () => {
    for (const [seed, options] of [
      [11, { phiBps: 3_000, rampFromBps: 500 }],
      [12, { expiries: [1, 2, 10] }],
      [13, { phiBps: 5_000, spread: 0.01 }],
      [14, { rampFromBps: 400, spread: 0.02 }],
    ] as const) {
      it(`never miss an account that brute force finds (world ${seed})`, () => {
        const { world, random, book, ids } = people({ seed, ...options }, 400, 0.15);
        book.setMarket(world.market());
        book.look();
        let [looked, below] = [0, 0];
        for (let i = 0; i < 60; i += 1) {
          step(world, random);
          const market = world.market();
          book.setMarket(market);
          looked += book.look().looked;
          const known = found(book);
          const exact = bruteForce(book, market, ids);
          below += exact.length;
          for (const id of exact) if (!known.has(id)) throw new Error(`step ${i}: ${id} was missed`);
        }
        expect(below).to.be.greaterThan(100);
        expect(looked).to.be.lessThan(60 * ids.length);
      });
    }

    // One thing at a time moves, slowly, all else stands still: what a guard forgets shows.
    const DRIFTS: Readonly<Record<string, (world: World, random: Random) => void>> = {
      "time and interest": (world) => void (world.time += 86_400),
      volatility: (world, random) => {
        for (const u of [2, 3]) world.volatility.set(u, (world.volatility.get(u) ?? 1) * between(random, 1, 1.01));
        world.post();
      },
      "falling volatility": (world, random) => {
        for (const u of [2, 3]) world.volatility.set(u, (world.volatility.get(u) ?? 1) * between(random, 0.99, 1));
        world.post();
      },
      forwards: (world, random) => {
        for (const u of [2, 3]) world.forward.set(u, (world.forward.get(u) ?? 1) * between(random, 0.995, 1.007));
        world.post();
      },
      funding: (world, random) => {
        for (const u of [2, 3]) world.funding.set(u, (world.funding.get(u) ?? 0) + between(random, -2, 6));
      },
      premiums: (world, random) => {
        for (const u of [2, 3]) world.premium.set(u, between(random, -0.008, 0.008));
      },
      "totals and scales": (world, random) => {
        world.checkpoint = (world.checkpoint * 115n) / 100n;
        world.slowInterest *= 1.3;
        world.realised *= between(random, 1, 1.05);
      },
    };
    for (const [what, move] of Object.entries(DRIFTS)) {
      it(`notice ${what} by themselves`, () => {
        const isTime = what === "time and interest";
        const expiries = isTime ? [60, 120] : [3, 10, 40];
        const kinds: Kind[] = isTime
          ? ["borrower", "perps", "options", "portfolio"]
          : what.startsWith("totals")
            ? ["borrower", "perps", "portfolio"]
            : ["perps", "options", "portfolio"];
        const { world, random, book, ids } = people({ seed: 41, rampFromBps: 300, expiries }, 250, 0.02, kinds);
        world.slowInterest = 4e6;
        book.setMarket(world.market());
        book.look();
        const before = found(book);
        let fell = 0;
        for (let i = 0; i < 25; i += 1) {
          move(world, random);
          const market = world.market();
          book.setMarket(market);
          book.look();
          const known = found(book);
          const missed = bruteForce(book, market, ids).filter((id) => !known.has(id));
          if (missed.length > 0) throw new Error(`step ${i}: ${missed[0] ?? ""} was missed`);
          for (const id of known) if (!before.has(id)) fell += 1;
        }
        expect(fell).to.be.greaterThan(0);
      });
    }

    it("are crossed by few when a price moves little", () => {
      const { world, random, book, ids } = people({ seed: 21 }, 2_000);
      book.setMarket(world.market());
      book.look();
      let looked = 0;
      for (let i = 0; i < 50; i += 1) {
        world.time += 12;
        const price = world.price.get(2) ?? 1;
        world.price.set(2, price * (random() < 0.5 ? 1.001 : 1 / 1.001));
        book.setMarket(world.market());
        looked += book.look().looked;
      }
      expect(looked / 50).to.be.lessThan(0.02 * ids.length);
    });

    it("are set anew piece by piece after a change of parameters, and nobody is left out", () => {
      const { world, random, book, ids } = people({ seed: 22 }, 600, 0.15);
      book.setMarket(world.market());
      book.look();
      const other = new World({ seed: 22, rampFromBps: 2_000 });
      other.time = world.time;
      expect(book.setMarket(other.market()).due).to.be.greaterThan(300);
      for (let i = 0; i < 8; i += 1) {
        for (const [id, price] of other.price) if (id !== 1) other.price.set(id, price * between(random, 0.97, 1.01));
        other.time += 60;
        book.setMarket(other.market());
        book.look(100);
      }
      while (book.look(100).pending > 0);
      const known = found(book);
      const exact = bruteForce(book, other.market(), ids);
      expect(exact.length).to.be.greaterThan(20);
      expect(exact.filter((id) => !known.has(id))).to.deep.equal([]);
    });

    it("find who fell below while a price was unusable, as soon as it is usable again", () => {
      const { world, book, ids } = people({ seed: 23 }, 400, 0.15);
      book.setMarket(world.market());
      book.look();
      world.faults.add(2);
      book.setMarket(world.market());
      book.look();
      world.price.set(2, 2_400);
      world.time += 60;
      book.setMarket(world.market());
      book.look();
      world.faults.delete(2);
      const market = world.market();
      book.setMarket(market);
      book.look();
      const known = found(book);
      const exact = bruteForce(book, market, ids);
      expect(exact.length).to.be.greaterThan(20);
      expect(exact.filter((id) => !known.has(id))).to.deep.equal([]);
    });

    it("notice the settlement of an expiry", () => {
      const { world, random, book, ids } = people({ seed: 24, expiries: [1, 8] }, 500, 0.15);
      book.setMarket(world.market());
      book.look();
      const [expiry = 0] = world.expiries;
      while (world.time < expiry + 600) {
        world.time += 1_800;
        world.price.set(2, (world.price.get(2) ?? 1) * between(random, 0.98, 1.02));
        const market = world.market();
        book.setMarket(market);
        book.look();
        const known = found(book);
        expect(bruteForce(book, market, ids).filter((id) => !known.has(id))).to.deep.equal([]);
      }
      for (const u of [2, 3])
        world.settled.set(expiryKey(u, expiry), BigInt(Math.round((world.price.get(u) ?? 1) * 700)) * 10n ** 15n);
      const market = world.market();
      expect(book.setMarket(market).due).to.be.greaterThan(20);
      book.look();
      const known = found(book);
      const exact = bruteForce(book, market, ids);
      expect(exact.filter((id) => !known.has(id))).to.deep.equal([]);
    });

    it("follow the accounts: a change of its own is looked at, and its undoing too", () => {
      const { world, book, ids } = people({ seed: 25 }, 300);
      book.setMarket(world.market());
      book.look();
      const before = found(book);
      const victim = ids.find((id) => !before.has(id) && (book.account(id)?.positions.length ?? 0) > 0);
      if (victim === undefined) throw new Error("nobody has positions");
      const account = book.account(victim) as Account;
      const poorer = { ...account, entries: account.entries.filter(({ asset }) => asset !== 1) };
      book.apply({
        number: 2,
        hash: blockHash(2),
        logs: [
          accountLog(ACCOUNT_CHANGED, victim, encodeWords(poorer)),
          ledgerLog(LEDGER_CHANGED, victim, account.quote - 10n ** 26n, []),
        ],
      });
      expect(book.look().looked).to.equal(1);
      expect(found(book).has(victim)).to.equal(true);
      expect(book.rollback({ number: 1, hash: blockHash(1) })).to.equal(true);
      book.look();
      expect(found(book).has(victim)).to.equal(false);
    });
  });

  it("finds the same accounts with a second thread as with one", async () => {
    const { world, book } = people({ seed: 32 }, 3_000, 0.15);
    const two = AccountBook.open({ ...OPTIONS, workers: 1 });
    for (let from = 0; from < 3_000; from += 500) {
      const logs = book.ids(from, 500).flatMap((id): RawLog[] => {
        const account = book.account(id) as Account;
        const ledger = ledgerLog(LEDGER_CHANGED, id, account.quote, account.positions);
        return [
          accountLog(ACCOUNT_CHANGED, id, encodeWords(account)),
          ...(account.positions.length > 0 ? [ledger] : []),
        ];
      });
      two.apply({ number: 1 + from, hash: blockHash(1 + from), logs });
    }
    for (const id of [2, 3]) world.price.set(id, (world.price.get(id) ?? 1) * 0.9);
    for (const one of [book, two]) one.setMarket(world.market());
    book.look();
    const { looked } = await two.weighAll();
    expect(looked).to.be.greaterThan(2_000);
    expect(two.rank()).to.deep.equal(book.rank());
    await two.close();
  });

  it("ranks everybody below maintenance by expected profit", () => {
    const { world, book, ids } = people({ seed: 31 }, 600, 0.15);
    for (const id of [2, 3, 4, 0x401]) world.price.set(id, (world.price.get(id) ?? 1) * 0.8);
    const market = world.market();
    book.setMarket(market);
    book.look();
    const ranked = book.rank({ cost: 2 });
    expect(ranked.length).to.be.greaterThan(50);
    for (const [i, candidate] of ranked.entries()) {
      expect(candidate.profit).to.be.at.most(ranked[i - 1]?.profit ?? Infinity);
      expect(candidate.fraction > 0 && candidate.fraction <= 1, candidate.id).to.equal(true);
    }
    expect(new Set(ranked.map(({ id }) => id)).size).to.equal(ranked.length);
    expect(bruteForce(book, market, ids).length).to.be.at.most(ranked.length);
    expect(book.rank({ limit: 3 }).map(({ id }) => id)).to.deep.equal(
      book
        .rank()
        .slice(0, 3)
        .map(({ id }) => id),
    );
  });
});
