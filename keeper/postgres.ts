// Replicas that share one PostgreSQL database: each leases shares of the accounts, renews its leases, and takes over those of
// one that fell silent. Time is the database's alone, so replicas need not agree on the clock.
import { hostname } from "node:os";
import { randomUUID } from "node:crypto";

import { keccak256 } from "ethers";
import type { Logger } from "pino";
import postgres, { type Sql } from "postgres";

import { ConfigError } from "./config.ts";
import type { Signed } from "./flight.ts";
import { type Coordinator, DatabaseLost, type Orphan } from "./replicas.ts";
import { describeError } from "./rpc.ts";

/** Shares that all accounts are divided into, by hash. */
export const SLOTS = 64;
const HEARTBEATS_PER_LEASE = 4;
/** A lease ends here a little before it ends in the database: the time that a bid takes to be sent. */
const SAFETY_PART = 0.25;
const CONNECT_SECONDS = 5;
const SCHEMA_LOCK = 0x706c696d; // any number, the same for all

const SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS plimsoll_keeper;
  CREATE SEQUENCE IF NOT EXISTS plimsoll_keeper.fence;
  CREATE TABLE IF NOT EXISTS plimsoll_keeper.replicas (
    deployment text NOT NULL, name text NOT NULL, seen timestamptz NOT NULL, PRIMARY KEY (deployment, name));
  CREATE TABLE IF NOT EXISTS plimsoll_keeper.slots (
    deployment text NOT NULL, slot integer NOT NULL, owner text, fence bigint NOT NULL DEFAULT 0,
    expires timestamptz NOT NULL DEFAULT '-infinity', PRIMARY KEY (deployment, slot));
  CREATE TABLE IF NOT EXISTS plimsoll_keeper.intents (
    deployment text NOT NULL, account text NOT NULL, slot integer NOT NULL, owner text NOT NULL, fence bigint NOT NULL,
    sender text NOT NULL, nonce bigint NOT NULL, hashes text[] NOT NULL, raw text NOT NULL, valid_until bigint,
    made timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (deployment, account));
`;

/** The share that an account belongs to. */
export const slotOf = (account: string): number => Number.parseInt(keccak256(account).slice(2, 10), 16) % SLOTS;

export interface PostgresOptions {
  readonly url: string;
  /** Of chain and safe: several deployments may share a database. */
  readonly deployment: string;
  readonly replica: string | undefined;
  readonly leaseMs: number;
}

interface IntentRow {
  readonly account: string;
  readonly owner: string;
  readonly sender: string;
  readonly nonce: string;
  readonly hashes: string[];
  readonly raw: string;
  readonly valid_until: string | null;
}

export class PostgresCoordinator implements Coordinator {
  /** Fence by slot; empty when the lease was not renewed in time. */
  private held = new Map<number, string>();
  private goodUntil = 0;
  private lost: DatabaseLost | undefined;
  private claimed = new Map<string, Orphan>();
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> = Promise.resolve();
  private closed = false;

  private constructor(
    private readonly sql: Sql,
    private readonly deployment: string,
    /** Of this process alone: one that was restarted is another, and waits for the leases of the one before. */
    readonly name: string,
    private readonly leaseMs: number,
    private readonly log: Logger,
  ) {}

  /** Throws {@link ConfigError} when the database cannot be used. */
  static async open({ url, deployment, replica, leaseMs }: PostgresOptions, log: Logger): Promise<PostgresCoordinator> {
    const name = `${replica ?? `${hostname()}:${process.pid}`}#${randomUUID().slice(0, 8)}`;
    const sql = postgres(url, {
      max: 4,
      connect_timeout: CONNECT_SECONDS,
      onnotice: () => undefined,
      connection: { application_name: `plimsoll-keeper ${name}`, statement_timeout: leaseMs, lock_timeout: leaseMs },
    });
    const coordinator = new PostgresCoordinator(sql, deployment, name, leaseMs, log);
    try {
      await sql.begin(async (tx) => {
        await tx`SELECT pg_advisory_xact_lock(${SCHEMA_LOCK})`; // two that create at once would collide
        await tx.unsafe(SCHEMA);
        await tx`INSERT INTO plimsoll_keeper.slots (deployment, slot)
          SELECT ${deployment}, generate_series(0, ${SLOTS - 1}::int) ON CONFLICT DO NOTHING`;
      });
      await coordinator.beat();
    } catch (error) {
      await sql.end({ timeout: 1 });
      throw new ConfigError(`--database: cannot use ${new URL(url).host}: ${describeError(error)}`);
    }
    coordinator.schedule();
    return coordinator;
  }

  get shares(): number {
    return this.isCurrent() ? this.held.size : 0;
  }

  check(): void {
    if (this.lost !== undefined) throw this.lost;
  }

  owns(account: string): boolean {
    return this.isCurrent() && this.held.has(slotOf(account));
  }

  leads(): boolean {
    return this.isCurrent() && this.held.has(0);
  }

  isClaimed(account: string): boolean {
    return this.claimed.has(account);
  }

  /** Fenced: the lease is proven, and held, in the transaction that writes the intent. */
  async claim(account: string, sender: string, signed: Signed, validUntil: number | undefined): Promise<boolean> {
    const slot = slotOf(account);
    const fence = this.held.get(slot);
    if (fence === undefined || !this.isCurrent()) return false;
    const { deployment, name } = this;
    const { nonce, hash, raw } = signed;
    return this.asked(() =>
      this.sql.begin(async (tx) => {
        const proof = await tx`SELECT 1 FROM plimsoll_keeper.slots WHERE deployment = ${deployment} AND slot = ${slot}
          AND owner = ${name} AND fence = ${fence} AND expires > clock_timestamp() FOR SHARE`;
        if (proof.length === 0) return false;
        const written = await tx`INSERT INTO plimsoll_keeper.intents AS i
          (deployment, account, slot, owner, fence, sender, nonce, hashes, raw, valid_until)
          VALUES (${deployment}, ${account}, ${slot}, ${name}, ${fence}, ${sender}, ${nonce}, ${[hash]}, ${raw},
            ${validUntil ?? null})
          ON CONFLICT (deployment, account) DO UPDATE SET hashes = i.hashes || excluded.hashes, raw = excluded.raw
          WHERE i.owner = excluded.owner AND i.sender = excluded.sender AND i.nonce = excluded.nonce
          RETURNING 1`;
        return written.length === 1;
      }),
    );
  }

  async settle(account: string, nonce: number): Promise<void> {
    await this.asked(
      () => this.sql`DELETE FROM plimsoll_keeper.intents
        WHERE deployment = ${this.deployment} AND account = ${account} AND owner = ${this.name} AND nonce = ${nonce}`,
    );
    this.claimed.delete(account);
  }

  /** Of accounts that are this one's now, made by replicas that are not. */
  async orphans(): Promise<Orphan[]> {
    return Promise.resolve(
      [...this.claimed.values()].filter(({ account, replica }) => replica !== this.name && this.owns(account)),
    );
  }

  async settleOrphan({ account, replica, nonce }: Orphan): Promise<void> {
    await this.asked(
      () => this.sql`DELETE FROM plimsoll_keeper.intents
        WHERE deployment = ${this.deployment} AND account = ${account} AND owner = ${replica} AND nonce = ${nonce}`,
    );
    this.claimed.delete(account);
  }

  /** Gives its leases back, so that others need not wait for them to run out. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.beating;
    if (this.lost === undefined) {
      try {
        await this.sql.begin(async (tx) => {
          await tx`UPDATE plimsoll_keeper.slots SET owner = NULL, expires = '-infinity'
            WHERE deployment = ${this.deployment} AND owner = ${this.name}`;
          await tx`DELETE FROM plimsoll_keeper.replicas WHERE deployment = ${this.deployment} AND name = ${this.name}`;
        });
      } catch (error) {
        this.log.warn({ event: "leases-left", reason: describeError(error) }, "leases run out by themselves");
      }
    }
    this.held.clear();
    await this.sql.end({ timeout: 1 });
  }

  private isCurrent(): boolean {
    return this.lost === undefined && performance.now() < this.goodUntil;
  }

  private schedule(): void {
    if (this.closed || this.lost !== undefined) return;
    this.timer = setTimeout(() => {
      this.beating = this.beat()
        .catch((error: unknown) => {
          this.failed(error);
        })
        .finally(() => {
          this.schedule();
        });
    }, this.leaseMs / HEARTBEATS_PER_LEASE);
    this.timer.unref();
  }

  /** Renews what is held, gives away what is too much, takes what is free. */
  private async beat(): Promise<void> {
    const { deployment, name, leaseMs, sql } = this;
    const asked = performance.now();
    const lease = `${leaseMs} milliseconds`;
    const { held, claims } = await sql.begin(async (tx) => {
      await tx`INSERT INTO plimsoll_keeper.replicas (deployment, name, seen)
        VALUES (${deployment}, ${name}, clock_timestamp())
        ON CONFLICT (deployment, name) DO UPDATE SET seen = excluded.seen`;
      await tx`DELETE FROM plimsoll_keeper.replicas
        WHERE deployment = ${deployment} AND seen < clock_timestamp() - ${lease}::interval`;
      const [count] = await tx<{ live: number }[]>`SELECT count(*)::int AS live FROM plimsoll_keeper.replicas
        WHERE deployment = ${deployment}`;
      const fair = Math.ceil(SLOTS / Math.max(1, count?.live ?? 1));
      const mine = await tx<{ slot: number; fence: string }[]>`UPDATE plimsoll_keeper.slots
        SET expires = clock_timestamp() + ${lease}::interval
        WHERE deployment = ${deployment} AND owner = ${name} AND expires > clock_timestamp() RETURNING slot, fence`;
      mine.sort((a, b) => a.slot - b.slot);
      const surplus = mine.slice(fair).map(({ slot }) => slot);
      if (surplus.length > 0) {
        await tx`UPDATE plimsoll_keeper.slots SET owner = NULL, expires = '-infinity'
          WHERE deployment = ${deployment} AND slot = ANY(${surplus}) AND owner = ${name}`;
      }
      const room = fair - mine.length;
      const taken =
        room <= 0
          ? []
          : await tx<{ slot: number; fence: string }[]>`UPDATE plimsoll_keeper.slots
              SET owner = ${name}, fence = nextval('plimsoll_keeper.fence'),
                expires = clock_timestamp() + ${lease}::interval
              WHERE deployment = ${deployment} AND slot IN (
                SELECT slot FROM plimsoll_keeper.slots WHERE deployment = ${deployment} AND expires <= clock_timestamp()
                ORDER BY slot LIMIT ${room} FOR UPDATE SKIP LOCKED)
              RETURNING slot, fence`;
      const claimRows = await tx<IntentRow[]>`SELECT account, owner, sender, nonce, hashes, raw, valid_until
        FROM plimsoll_keeper.intents WHERE deployment = ${deployment}`;
      return { held: [...mine.slice(0, fair), ...taken], claims: claimRows };
    });
    if (held.length !== this.held.size) {
      this.log.info({ event: "leases", replica: name, shares: held.length }, "works on this part of the accounts");
    }
    this.held = new Map(held.map(({ slot, fence }) => [slot, fence]));
    this.goodUntil = asked + leaseMs * (1 - SAFETY_PART);
    this.claimed = new Map(claims.map((row) => [row.account, toOrphan(row)]));
  }

  private async asked<T>(work: () => PromiseLike<T>): Promise<T> {
    this.check();
    try {
      return await work();
    } catch (error) {
      this.failed(error);
      throw error;
    }
  }

  /** Once fails; without a lease there is nothing that may be done, and nobody knows for how long. */
  private failed(error: unknown): void {
    this.log.warn({ event: "database-error", reason: describeError(error) }, "the database does not answer");
    if (this.isCurrent() || this.closed) return;
    this.lost ??= new DatabaseLost(
      `--database: no answer for longer than the lease of ${this.leaseMs} ms (${describeError(error)}): other replicas may have the accounts by now`,
    );
  }
}

const toOrphan = (row: IntentRow): Orphan => ({
  account: row.account,
  replica: row.owner,
  sender: row.sender,
  nonce: Number(row.nonce),
  hashes: row.hashes,
  raw: row.raw,
  validUntil: row.valid_until === null ? undefined : Number(row.valid_until),
});
