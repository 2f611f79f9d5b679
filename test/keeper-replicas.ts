// Replicas on one database: who works on what, and that nobody bids twice.
import { expect } from "chai";
import { id } from "ethers";

import { ConfigError } from "../keeper/config.ts";
import { createLogger } from "../keeper/logger.ts";
import { PostgresCoordinator, SLOTS, slotOf } from "../keeper/postgres.ts";
import { DatabaseLost } from "../keeper/replicas.ts";
import { type Database, startPostgres } from "./helpers/postgres.ts";

const LEASE_MS = 1_000;
const SENDER = `0x${"aa".repeat(20)}`;

describe("Keeper's replicas", function () {
  this.timeout(60_000);
  let database: Database | undefined;
  let count = 0;
  let deployment = "";
  let open: PostgresCoordinator[] = [];

  before(async function () {
    this.timeout(300_000);
    database = await startPostgres();
    if (database === undefined) this.skip();
  });

  after(() => database?.close());

  beforeEach(() => {
    deployment = `31337:test-${(count += 1)}`;
    open = [];
  });

  afterEach(async () => {
    for (const each of open) await each.close();
  });

  const join = async (replica: string, leaseMs = LEASE_MS) => {
    const url = database?.url ?? "";
    const joined = await PostgresCoordinator.open({ url, deployment, replica, leaseMs }, createLogger("silent"));
    open.push(joined);
    return joined;
  };
  const until = async (isDone: () => boolean, ms = 10_000) => {
    for (const end = Date.now() + ms; !isDone(); await new Promise((resolve) => setTimeout(resolve, 20))) {
      if (Date.now() > end) throw new Error("it did not happen in time");
    }
  };
  const accounts = Array.from({ length: 500 }, (_, i) => id(`account ${i}`));
  const signed = (nonce: number, salt = "") => ({ nonce, hash: id(`${nonce}${salt}`), raw: `0x${nonce}` });
  const ownersOf = (account: string) => open.filter((each) => each.owns(account)).length;
  /** Stops its heartbeat without a word, as a crash would. */
  const silence = (replica: PostgresCoordinator) => {
    clearTimeout((replica as unknown as { timer: NodeJS.Timeout }).timer);
    (replica as unknown as { closed: boolean }).closed = true;
  };

  it("divide the accounts evenly, each to one of them at most at any time", async () => {
    const alone = await join("a");
    expect(alone.shares).to.equal(SLOTS);
    await join("b");
    await join("c");
    let most = 0;
    await until(() => {
      for (const account of accounts) most = Math.max(most, ownersOf(account));
      return (
        open.every(({ shares }) => shares >= SLOTS - 2 * Math.ceil(SLOTS / 3)) &&
        accounts.every((each) => ownersOf(each) === 1)
      );
    });
    expect(most).to.equal(1);
    expect(open.filter((each) => each.leads()).length).to.equal(1);
  });

  it("take over from one that died within seconds, and from one that stopped at once", async () => {
    const [a, b] = [await join("a"), await join("b")];
    await until(() => a.shares === SLOTS / 2 && b.shares === SLOTS / 2);
    silence(a);
    const died = Date.now();
    await until(() => b.shares === SLOTS);
    expect(Date.now() - died).to.be.within(LEASE_MS / 2, 3 * LEASE_MS);
    expect(a.shares, "it knows without being told").to.equal(0);
    const c = await join("c");
    await until(() => c.shares === SLOTS / 2);
    await b.close();
    await until(() => c.shares === SLOTS, LEASE_MS);
  });

  it("claim a bid once: the second on the account is refused until the first has ended", async () => {
    const a = await join("a");
    const [account = ""] = accounts;
    expect(await a.claim(account, SENDER, signed(1), undefined)).to.equal(true);
    expect(await a.claim(account, SENDER, signed(1, "replacement"), undefined), "a replacement joins").to.equal(true);
    expect(await a.claim(account, SENDER, signed(2), undefined), "another nonce is another bid").to.equal(false);
    await a.settle(account, 1);
    expect(await a.claim(account, SENDER, signed(2), undefined)).to.equal(true);
  });

  it("of many at once only one gets the claim", async () => {
    const a = await join("a");
    const [account = ""] = accounts;
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, nonce) => a.claim(account, SENDER, signed(nonce), undefined)),
    );
    expect(claims.filter(Boolean).length).to.equal(1);
  });

  it("are fenced: one that lost its lease cannot claim, whatever it believes", async () => {
    const a = await join("a");
    const account = accounts.find((each) => slotOf(each) < SLOTS) ?? "";
    const believed = { ...(a as unknown as { held: Map<number, string> }) }.held;
    silence(a);
    const b = await join("b");
    await until(() => b.owns(account));
    // A process that slept through its lease still believes in it.
    Object.assign(a, { held: believed, goodUntil: Infinity });
    expect(a.owns(account)).to.equal(true);
    expect(await a.claim(account, SENDER, signed(1), undefined)).to.equal(false);
    expect(await b.claim(account, SENDER, signed(7), undefined)).to.equal(true);
  });

  it("find the bids that a dead one left, and bid on those accounts only after their end", async () => {
    const a = await join("a");
    const [account = ""] = accounts;
    expect(await a.claim(account, SENDER, signed(3), 1_234)).to.equal(true);
    silence(a);
    const b = await join("b");
    await until(() => b.owns(account) && b.isClaimed(account));
    const [orphan] = await b.orphans();
    expect(orphan).to.deep.include({
      account,
      sender: SENDER,
      nonce: 3,
      hashes: [id("3")],
      raw: "0x3",
      validUntil: 1_234,
    });
    expect(await b.claim(account, SENDER, signed(9), undefined)).to.equal(false);
    if (orphan !== undefined) await b.settleOrphan(orphan);
    expect(await b.orphans()).to.deep.equal([]);
    expect(await b.claim(account, SENDER, signed(9), undefined)).to.equal(true);
  });

  it("are refused a database that cannot be reached, by the name of the option", async () => {
    const failure = await PostgresCoordinator.open(
      { url: "postgres://keeper@127.0.0.1:1/postgres", deployment, replica: "x", leaseMs: LEASE_MS },
      createLogger("silent"),
    ).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(ConfigError);
    expect(String(failure)).to.match(/--database: cannot use 127.0.0.1:1/);
  });

  // Last: nothing works after it.
  it("say that the database is gone, and do nothing any more", async () => {
    const a = await join("a");
    const [account = ""] = accounts;
    await database?.kill();
    await until(() => {
      try {
        a.check();
        return false;
      } catch (error) {
        return error instanceof DatabaseLost;
      }
    });
    expect(a.owns(account)).to.equal(false);
    expect(await a.claim(account, SENDER, signed(1), undefined)).to.equal(false);
    expect(() => {
      a.check();
    }).to.throw(DatabaseLost, /--database: no answer for longer than the lease of 1000 ms/);
  });
});
