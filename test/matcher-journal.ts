// The matcher's journal: nothing that was flushed is lost to a kill, a torn line is cut off, anything worse stops the start.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";
import fc from "fast-check";

import type { Book } from "../matcher/book.ts";
import { encodeState } from "../matcher/codec.ts";
import { DurableEngine } from "../matcher/durable.ts";
import { DEFAULT_ENGINE_OPTIONS, Engine } from "../matcher/engine.ts";
import type { Entry } from "../matcher/entry.ts";
import { FSYNC_POLICIES, Journal, JournalError, type JournalOptions } from "../matcher/journal.ts";
import { applied, commandsFor, WRITER_ENGINE } from "./helpers/journal-writer.ts";
import { makeSigned, ownerAddress, START } from "./helpers/orders.ts";

const WRITER = fileURLToPath(new URL("./helpers/journal-writer.ts", import.meta.url));
const ENGINE = { ...DEFAULT_ENGINE_OPTIONS, executor: ownerAddress(0xe0) };

describe("Matcher's journal", () => {
  let directory: string;
  const open = (changes: Partial<JournalOptions> = {}) => Journal.open({ directory, fsync: "never", ...changes });
  const write = (...lines: string[]) => {
    const { journal } = open();
    for (const line of lines) journal.append(line);
    journal.close();
  };
  const read = () => {
    const { journal, recovered } = open();
    journal.close();
    return recovered;
  };
  const spawnWriter = (seed: number): ChildProcess =>
    spawn(process.execPath, ["--import", "tsx", WRITER, directory, String(seed)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  const file = (name: string) => join(directory, name);

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "plimsoll-journal-"));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it("gives back what was written, across runs, under every policy", async () => {
    for (const [i, fsync] of FSYNC_POLICIES.entries()) {
      const { journal, recovered } = open({ fsync });
      expect(recovered.lines).to.deep.equal(["a b", "ü 漢"].slice(0, 2 * i).concat(i === 2 ? ["a b", "ü 漢"] : []));
      journal.append("a b");
      await journal.flush();
      journal.append("ü 漢");
      journal.flushSync();
      journal.close();
    }
  });

  it("keeps what was flushed and no more, when nobody closes it", async () => {
    const { journal } = open();
    journal.append("one");
    await journal.flush();
    journal.append("two");
    expect(read().lines).to.deep.equal(["one"]);
    journal.close();
  });

  it("cuts a torn last line off at whatever byte, and writes on behind the whole ones", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 20 }), { minLength: 1, maxLength: 8 }), fc.nat(), (texts, cut) => {
        rmSync(directory, { recursive: true });
        const lines = texts.map((text) => JSON.stringify(text));
        write(...lines);
        const name = file("journal-0.log");
        const { length } = readFileSync(name);
        const keep = cut % length;
        truncateSync(name, keep);
        const recovered = read();
        const whole = recovered.lines.length;
        expect(recovered.lines).to.deep.equal(lines.slice(0, whole));
        expect(whole).to.be.lessThan(lines.length);
        expect(readFileSync(name).length + recovered.torn).to.equal(keep);
        write("more");
        expect(read()).to.deep.equal({ snapshot: undefined, lines: [...lines.slice(0, whole), "more"], torn: 0 });
      }),
      { numRuns: 60 },
    );
  });

  it("cuts off a last line of the right length with wrong bytes", () => {
    write("one", "two");
    appendFileSync(file("journal-0.log"), "00000000 3 three\n");
    expect(read()).to.deep.include({ lines: ["one", "two"], torn: 17 });
  });

  it("refuses to start when a line in the middle is broken or missing, rather than to lose orders", () => {
    write("one", "two", "three");
    const name = file("journal-0.log");
    const whole = readFileSync(name, "utf8");
    writeFileSync(name, whole.replace("two", "tWo"));
    expect(() => open()).to.throw(JournalError, /broken at byte \d+, with whole lines behind it/);
    const lines = whole.split("\n");
    writeFileSync(name, [lines[0], lines[2], ""].join("\n"));
    expect(() => open()).to.throw(JournalError, /lines are missing/);
  });

  it("starts over from a snapshot, whose journal may be lost before its first line", () => {
    const { journal } = open();
    journal.append("one");
    journal.append("two");
    journal.snapshot("both");
    expect(journal.length).to.equal(0);
    journal.append("three");
    journal.close();
    expect(readdirSync(directory).sort()).to.deep.equal(["journal-2.log", "snapshot-2.json"]);
    expect(read()).to.deep.equal({ snapshot: "both", lines: ["three"], torn: 0 });
    // A crash right after the snapshot's rename: the new journal is not there yet, the old one still is.
    rmSync(file("journal-2.log"));
    writeFileSync(file("journal-0.log"), "anything");
    expect(read()).to.deep.equal({ snapshot: "both", lines: [], torn: 0 });
  });

  it("ignores a snapshot that was not finished, refuses a broken one and a lost one", () => {
    write("one");
    writeFileSync(file("snapshot.tmp"), "half a");
    expect(read().lines).to.deep.equal(["one"]);
    writeFileSync(file("snapshot-1.json"), "00000000 1 x\n");
    expect(() => open()).to.throw(JournalError, /snapshot is broken/);
    rmSync(file("snapshot-1.json"));
    rmSync(file("journal-0.log"));
    writeFileSync(file("journal-7.log"), "");
    expect(() => open()).to.throw(JournalError, /lost its snapshot/);
  });

  it("belongs to one process at a time, and outlives its owner", async () => {
    const child = spawnWriter(1);
    if (child.stdout === null) throw new Error("no output");
    await once(child.stdout, "data");
    expect(() => open()).to.throw(JournalError, /in use by process \d+/);
    child.kill("SIGKILL");
    await once(child, "exit");
    open().journal.close();
    expect(existsSync(file("lock"))).to.be.false;
  });

  describe("under the engine", () => {
    const sell = (id: number, owner = 1) => makeSigned({ id, owner, side: "sell", price: 100 + id, size: 5 });

    it("leaves no trace of what was refused, and snapshots by itself", async () => {
      const settings = { directory, fsync: "never" as const, snapshotEvery: 4 };
      const durable = DurableEngine.open(ENGINE, settings);
      for (let id = 1; id <= 10; id += 1) {
        durable.apply({ kind: "place", at: START, ...sell(id) });
        expect(() => durable.apply({ kind: "place", at: START, ...sell(id) })).to.throw("sent before");
        await durable.flush();
      }
      const state = encodeState(durable.engine.state());
      durable.close();
      expect(readdirSync(directory).sort()).to.deep.equal(["journal-8.log", "snapshot-8.json"]);
      const again = DurableEngine.open(ENGINE, settings);
      expect(again.recovery).to.include({ fromSnapshot: true, commands: 2, torn: 0 });
      expect(encodeState(again.engine.state())).to.equal(state);
      again.close();
    });

    it("takes back orders beyond limits that were lowered since, and refuses new ones", () => {
      const settings = { directory, fsync: "never" as const };
      const durable = DurableEngine.open(ENGINE, settings);
      for (let id = 1; id <= 5; id += 1) durable.apply({ kind: "place", at: START, ...sell(id) });
      durable.close();
      const again = DurableEngine.open({ ...ENGINE, maxOrdersPerOwner: 2 }, settings);
      expect(again.engine.orders.size).to.equal(5);
      expect(() => again.apply({ kind: "place", at: START, ...sell(6) })).to.throw("too many open orders");
      again.close();
    });

    it("recovers its book exactly after kill -9, whenever that comes, torn line included", async function () {
      this.timeout(60_000);
      for (const [seed, patience] of [1, 300, 1_200].entries()) {
        const child = spawnWriter(seed);
        if (child.stdout === null) throw new Error("no output");
        let output = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
        while (!output.includes("\n")) await once(child.stdout, "data");
        await new Promise((resolve) => setTimeout(resolve, patience));
        child.kill("SIGKILL");
        await once(child, "exit");
        const acknowledged = Number(output.split("\n").at(-2));
        const newest =
          readdirSync(directory)
            .filter((name) => name.startsWith("journal-"))
            .at(-1) ?? "";
        appendFileSync(file(newest), '1234abcd 99 ["place",17');

        const durable = DurableEngine.open(WRITER_ENGINE, { directory, fsync: "never" });
        expect(durable.recovery.torn).to.be.greaterThan(0);
        expect(durable.sequence, "nothing acknowledged is lost").to.be.at.least(acknowledged);
        const reference = new Engine(WRITER_ENGINE);
        let count = 0;
        for (const command of commandsFor(reference, seed)) {
          if (count === durable.sequence) break;
          if (applied((each) => reference.apply(each), command)) count += 1;
        }
        expect(encodeState(durable.engine.state())).to.equal(encodeState(reference.state()));
        for (const [key, book] of reference.books) {
          expect(turnsOf(durable.engine.books.get(key)), "in the same turns").to.deep.equal(turnsOf(book));
        }
        durable.close();
        rmSync(directory, { recursive: true });
      }
      directory = mkdtempSync(join(tmpdir(), "plimsoll-journal-"));
    });
  });
});

const turnsOf = (book: Book<Entry> | undefined): number[] => {
  const turns: number[] = [];
  for (const side of ["buy", "sell"] as const) {
    for (const level of book?.side(side) ?? []) {
      for (let entry = level.head; entry !== undefined; entry = entry.after) turns.push(entry.turn);
    }
  }
  return turns;
};
