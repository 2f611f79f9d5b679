// Whether the head that endpoints report can be believed: compared with each other, with the clock and with what they said before.
import type { JsonRpcProvider } from "ethers";

import type { Endpoints } from "./endpoints.ts";
import { describeError, isConnectionError } from "./rpc.ts";

export interface Head {
  readonly number: number;
  readonly hash: string;
  readonly parentHash: string;
  readonly timestamp: number;
  readonly gasLimit: bigint;
  readonly baseFee: bigint;
}

export interface HeadRules {
  /** Blocks that an endpoint may be behind the best of them. */
  readonly maxLag: number;
  /** Seconds that a head may be older than the clock; 0: any age. */
  readonly maxAge: number;
  /** Seconds that it may be ahead of the clock; 0: any. */
  readonly maxAhead: number;
}

/** What one endpoint said, or why it said nothing. */
export interface Report {
  readonly host: string;
  readonly head: Head | undefined;
  readonly failure?: string;
}

export interface Verdict {
  /** The best head of those believed; undefined: nobody is. */
  readonly head: Head | undefined;
  /** By host; undefined: believed. One that did not answer is not in it. */
  readonly distrust: ReadonlyMap<string, string | undefined>;
}

/** No head can be believed. It is waited out for a while; then the keeper stops, for it would act on fiction. */
export class UntrustedHead extends Error {
  override readonly name = "UntrustedHead";
}

interface RawBlock {
  readonly number: string;
  readonly hash: string;
  readonly parentHash: string;
  readonly timestamp: string;
  readonly gasLimit: string;
  readonly baseFeePerGas?: string;
}

export const parseHead = (raw: RawBlock): Head => ({
  number: Number(raw.number),
  hash: raw.hash,
  parentHash: raw.parentHash,
  timestamp: Number(raw.timestamp),
  gasLimit: BigInt(raw.gasLimit),
  baseFee: BigInt(raw.baseFeePerGas ?? 0),
});

const HASH = /^0x[0-9a-f]{64}$/i;

/** Throws where the answer is not a block. */
export const readHead = async (provider: JsonRpcProvider, tag = "latest"): Promise<Head> => {
  const raw = (await provider.send("eth_getBlockByNumber", [tag, false])) as RawBlock | null;
  if (raw === null || !HASH.test(raw.hash) || !HASH.test(raw.parentHash)) throw new Error(`no block ${tag}`);
  return parseHead(raw);
};

/** What is wrong with a head by the clock (seconds); undefined: nothing. */
export const againstClock = (head: Head, now: number, { maxAge, maxAhead }: HeadRules): string | undefined => {
  if (maxAge > 0 && head.timestamp < now - maxAge) {
    return `its head ${head.number} is ${now - head.timestamp} s old, more than ${maxAge} s`;
  }
  if (maxAhead > 0 && head.timestamp > now + maxAhead) {
    return `its head ${head.number} is ${head.timestamp - now} s ahead of the clock, more than ${maxAhead} s`;
  }
  return undefined;
};

/**
 * Judges what endpoints said at one moment. `hashAt` asks an endpoint for its block of a number: those that disagree with
 * most at the highest height that all should have are lying or on another fork; with no majority nobody is believed.
 */
export const judge = async (
  reports: readonly Report[],
  hashAt: (host: string, number: number) => Promise<string | undefined>,
  now: number,
  rules: HeadRules,
): Promise<Verdict> => {
  const distrust = new Map<string, string | undefined>();
  const plausible: { host: string; head: Head }[] = [];
  for (const { host, head } of reports) {
    if (head === undefined) continue;
    const fault = againstClock(head, now, rules);
    distrust.set(host, fault);
    if (fault === undefined) plausible.push({ host, head });
  }
  if (plausible.length === 0) return { head: undefined, distrust };

  // The vote comes before the lag: otherwise one endpoint with a made-up head far ahead would make all honest ones look late.
  const common = Math.min(...plausible.map(({ head }) => head.number));
  const hashes = await Promise.all(
    plausible.map(async ({ host, head }) => (head.number === common ? head.hash : hashAt(host, common))),
  );
  const votes = new Map<string, number>();
  for (const hash of hashes) if (hash !== undefined) votes.set(hash, (votes.get(hash) ?? 0) + 1);
  const [winner, count] = [...votes].sort((a, b) => b[1] - a[1])[0] ?? ["", 0];
  if (votes.size > 1 && count * 2 <= plausible.length) {
    for (const { host } of plausible) {
      distrust.set(host, `endpoints disagree about block ${common} and none has a majority`);
    }
    return { head: undefined, distrust };
  }
  const agreeing = plausible.filter(({ host }, i) => {
    if (hashes[i] === winner) return true;
    distrust.set(host, `its block ${common} is ${hashes[i] ?? "missing"}, the others' is ${winner}`);
    return false;
  });
  const best = Math.max(...agreeing.map(({ head }) => head.number));
  const level = agreeing.filter(({ host, head }) => {
    if (best - head.number <= rules.maxLag) return true;
    distrust.set(host, `its head ${head.number} is ${best - head.number} blocks behind, more than ${rules.maxLag}`);
    return false;
  });
  const [head] = level.map((each) => each.head).sort((a, b) => b.number - a.number);
  return { head, distrust };
};

export class HeadGuard {
  private last: Head | undefined;

  constructor(
    private readonly endpoints: Endpoints,
    private readonly rules: HeadRules,
    private readonly now: () => number = () => Math.floor(Date.now() / 1_000),
  ) {}

  /** The head to work at. Throws {@link UntrustedHead}, or the connection's error if nobody answers. */
  async check(): Promise<Head> {
    const { each } = this.endpoints;
    let failure: unknown;
    const reports = await Promise.all(
      each.map(async ({ host, provider }): Promise<Report> => {
        try {
          return { host, head: await readHead(provider) };
        } catch (error) {
          failure = error;
          return { host, head: undefined, failure: describeError(error) };
        }
      }),
    );
    if (reports.every(({ head }) => head === undefined)) {
      if (isConnectionError(failure)) throw failure;
      throw new UntrustedHead(`no endpoint says what its head is: ${describeError(failure)}`);
    }
    const verdict = await judge(reports, (host, number) => this.hashAt(host, number), this.now(), this.rules);
    for (const [host, reason] of verdict.distrust) this.endpoints.distrust(host, reason);
    if (verdict.head === undefined) {
      const reasons = [...verdict.distrust].map(([host, reason]) => `${host}: ${reason ?? ""}`);
      throw new UntrustedHead(`no endpoint's head can be believed (${reasons.join("; ")})`);
    }
    await this.againstItself(verdict.head);
    this.last = verdict.head;
    return verdict.head;
  }

  private async hashAt(host: string, number: number): Promise<string | undefined> {
    const provider = this.endpoints.each.find((endpoint) => endpoint.host === host)?.provider;
    if (provider === undefined) return undefined;
    try {
      return (await readHead(provider, `0x${number.toString(16)}`)).hash;
    } catch {
      return undefined;
    }
  }

  /** A block is the same by its number and by its hash, and says the same parent twice: a head made up on the way rarely does. */
  private async againstItself(head: Head): Promise<void> {
    if (this.last?.hash === head.hash) return;
    const raw = (await this.endpoints.send("eth_getBlockByHash", [head.hash, false])) as RawBlock | null;
    const found = raw === null ? undefined : parseHead(raw);
    if (found?.number !== head.number || found.parentHash !== head.parentHash || found.timestamp !== head.timestamp) {
      throw new UntrustedHead(
        `the endpoint reports head ${head.number} (${head.hash}) but knows ${
          found === undefined ? "no block of that hash" : `that hash as block ${found.number}`
        }`,
      );
    }
    if (head.number === 0) return;
    const parent = await readHead(this.endpoints, `0x${(head.number - 1).toString(16)}`);
    if (parent.hash !== head.parentHash) {
      // A reorganisation between the two questions looks the same; asked again at the next round it is gone.
      throw new UntrustedHead(
        `block ${head.number} says its parent is ${head.parentHash}, but block ${parent.number} is ${parent.hash}`,
      );
    }
  }
}
