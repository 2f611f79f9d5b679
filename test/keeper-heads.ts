// Which endpoint's head a keeper believes, and how long it holds back a bid that pays. Pure.
import { expect } from "chai";

import { type Head, type HeadRules, judge, type Report } from "../keeper/heads.ts";
import { isWorthWaiting, pacePerSecond } from "../keeper/liquidation/patience.ts";
import { PHASE } from "../keeper/liquidation/planner.ts";

const NOW = 1_800_000_000;
const RULES: HeadRules = { maxLag: 3, maxAge: 600, maxAhead: 60 };
const WAD = 10n ** 18n;

/** A chain of blocks whose hashes name the history they are of; `from`: where it leaves the true one. */
interface History {
  readonly name: string;
  readonly from: number;
}
const TRUE: History = { name: "true", from: 0 };
const hashOf = ({ name, from }: History, number: number): string => `${number >= from ? name : "true"}:${number}`;

describe("Keeper's endpoints", () => {
  const judged = async (endpoints: Readonly<Record<string, readonly [History, number, number?]>>) => {
    const reports = Object.entries(endpoints).map(([host, [history, number, timestamp = NOW]]): Report => {
      const head: Head = {
        number,
        hash: hashOf(history, number),
        parentHash: hashOf(history, number - 1),
        timestamp,
        gasLimit: 30_000_000n,
        baseFee: 1n,
      };
      return { host, head };
    });
    const hashAt = (host: string, number: number): Promise<string | undefined> => {
      const [history, head] = endpoints[host] ?? [TRUE, 0];
      return Promise.resolve(number <= head ? hashOf(history, number) : undefined);
    };
    const { head, distrust } = await judge(reports, hashAt, NOW, RULES);
    const believed = [...distrust].filter(([, reason]) => reason === undefined).map(([host]) => host);
    return { head: head?.hash, believed };
  };
  const fork = (from: number): History => ({ name: "false", from });

  it("are believed when they agree, the furthest first", async () => {
    expect(await judged({ a: [TRUE, 100], b: [TRUE, 101], c: [TRUE, 99] })).to.deep.equal({
      head: "true:101",
      believed: ["a", "b", "c"],
    });
  });

  it("are left out when they are late, although more are late than not", async () => {
    expect(await judged({ a: [TRUE, 100], b: [TRUE, 90], c: [TRUE, 91] })).to.deep.equal({
      head: "true:100",
      believed: ["a"],
    });
  });

  it("do not make honest ones look late by a made-up head far ahead", async () => {
    expect(await judged({ a: [TRUE, 100], b: [TRUE, 101], c: [fork(95), 5_000] })).to.deep.equal({
      head: "true:101",
      believed: ["a", "b"],
    });
  });

  it("are outvoted on another history at the same height", async () => {
    expect(await judged({ a: [fork(98), 100], b: [TRUE, 100], c: [TRUE, 100] })).to.deep.equal({
      head: "true:100",
      believed: ["b", "c"],
    });
  });

  it("are none of them believed without a majority", async () => {
    expect(await judged({ a: [fork(98), 100], b: [TRUE, 100] })).to.deep.equal({ head: undefined, believed: [] });
  });

  it("are held to the clock before they vote", async () => {
    const [old, early] = [NOW - 601, NOW + 61];
    expect(await judged({ a: [fork(98), 100, old], b: [fork(98), 100, early], c: [TRUE, 100] })).to.deep.equal({
      head: "true:100",
      believed: ["c"],
    });
    expect(await judged({ a: [TRUE, 100, old] })).to.deep.equal({ head: undefined, believed: [] });
  });
});

describe("Keeper's patience", () => {
  const PACE = { start: (98n * WAD) / 100n, cut: (90n * WAD) / 100n, fast: 900n, slow: 3_600n };
  const status = { phase: BigInt(PHASE.solvent), discountFactor: (97n * WAD) / 100n };
  const quiet = { rivalsNear: false, isCrowded: false, waited: 0, patience: 30 };

  it("knows how fast the discount grows, in either phase", () => {
    expect(pacePerSecond((97n * WAD) / 100n, PACE)).to.equal((8n * WAD) / 100n / 900n);
    expect(pacePerSecond((90n * WAD) / 100n, PACE)).to.equal((90n * WAD) / 100n / 3_600n);
    expect(pacePerSecond(0n, { ...PACE, slow: 0n })).to.equal(0n);
  });

  it("waits while a second adds more than it risks, alone and for a while only", () => {
    const [profit, forSale] = [1_000_000n, 1_000_000_000n]; // 0.0089 % of a thousand: 88,888 a second, at a risk of 8,333
    expect(isWorthWaiting(status, profit, forSale, PACE, quiet)).to.equal(true);
    expect(isWorthWaiting(status, 20n * profit, forSale, PACE, quiet)).to.equal(false);
    for (const hurry of [{ rivalsNear: true }, { isCrowded: true }, { waited: 30 }, { patience: 0 }]) {
      expect(isWorthWaiting(status, profit, forSale, PACE, { ...quiet, ...hurry }), JSON.stringify(hurry)).to.equal(
        false,
      );
    }
    expect(isWorthWaiting(status, 0n, forSale, PACE, quiet)).to.equal(false);
    const insolvent = { ...status, phase: BigInt(PHASE.insolvent) };
    expect(isWorthWaiting(insolvent, profit, forSale, PACE, quiet)).to.equal(false);
  });
});
