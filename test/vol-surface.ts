// Volatility off a smile, and what is checked before a smile is stored, against 48 digits; the attestations' typed data and the way in
// from wallets' signatures to stored values.
import { expect } from "chai";
import { Wallet } from "ethers";
import { network } from "hardhat";

import {
  attestationDomain,
  attestationTypedData,
  encodePost,
  hashAttestation,
  orderSignatures,
  type Attestation,
  type Slice,
} from "../sdk/attestations.ts";
import {
  AccessManager__factory,
  AttestedFeed__factory,
  FeedReader__factory,
  StubSafe__factory,
  SurfaceHarness__factory,
  type AttestedFeed,
  type SurfaceHarness,
} from "../types/ethers-contracts/index.js";
import * as R from "./helpers/exact/real.ts";
import type { Real } from "./helpers/exact/real.ts";
import { missingReferences, portfolioCases } from "./helpers/references.ts";

const WAD = 10n ** 18n;
const YEAR = 365n * 86_400n;
const SMILES = 120;
const STRIKES = 12; // of each
const MAX_VARIANCE = R.fromInt(20);

/** Deterministic, so that a failure can be repeated from its number. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const wad = (x: number): bigint => (BigInt(Math.round(x * 2 ** 52)) * WAD) >> 52n;

interface Parameters {
  a: bigint;
  b: bigint;
  rho: bigint;
  m: bigint;
  sigma: bigint;
  forwardReference: bigint;
  tau: bigint;
  volFactor: bigint;
}

const feedOf = (p: Parameters) => ({
  forwardRatio: WAD,
  rate: 0n,
  forwardConfidence: WAD,
  volConfidence: WAD,
  stale: false,
  ...p,
});

/** Half the width of a smile: 4·√(a + b·σ). */
const wingOf = (p: Pick<Parameters, "a" | "b" | "sigma">): Real =>
  4n * R.sqrt(R.max(R.fromWad(p.a) + R.mul(R.fromWad(p.b), R.fromWad(p.sigma)), R.ZERO));

/** w, w′, w″ at k. */
function jet(p: Pick<Parameters, "a" | "b" | "rho" | "m" | "sigma">, k: Real): [Real, Real, Real] {
  const [a, b, rho, sigma] = [p.a, p.b, p.rho, p.sigma].map(R.fromWad) as [Real, Real, Real, Real];
  const x = k - R.fromWad(p.m);
  const square = R.mul(x, x) + R.mul(sigma, sigma);
  const root = R.sqrt(square);
  const w = a + R.mul(b, R.mul(rho, x) + root);
  const slope = R.mul(b, rho + R.div(x, root));
  return [w, slope, R.div(R.mul(b, R.mul(sigma, sigma)), R.mul(square, root))];
}

function exactVolatility(p: Parameters, strike: bigint): Real {
  const wing = wingOf(p);
  const raw = strike === 0n ? -wing : R.ln(R.fromWad(strike)) - R.ln(R.fromWad(p.forwardReference));
  const [w] = jet(p, R.max(-wing, R.min(wing, raw)));
  return R.mul(R.sqrt(R.div(R.min(w, MAX_VARIANCE), R.fromWad(p.tau))), R.fromWad(p.volFactor));
}

/** |actual ÷ expected − 1|. */
const relative = (actual: Real, expected: Real): number => Math.abs(R.toNumber(R.div(actual - expected, expected)));

describe("Volatility off a smile", () => {
  let surface: SurfaceHarness;

  before(async () => {
    const { ethers } = await network.create();
    const [owner] = await ethers.getSigners();
    if (owner === undefined) throw new Error("no signer");
    surface = await new SurfaceHarness__factory(owner).deploy();
  });

  /** Of the kind that fits give, from a minute to three years, from 5 % to 300 %. */
  function smile(next: () => number): Parameters {
    const tau = 10 ** (-5.7 + 6.2 * next());
    const level = (0.05 + 2.95 * next() ** 2) ** 2 * tau; // w at the money, about
    const width = Math.sqrt(level) * (0.3 + 2 * next());
    const b = (level / width) * (0.1 + 0.8 * next());
    return {
      a: wad(level - b * width),
      b: wad(b),
      rho: wad(1.8 * (next() - 0.5)),
      m: wad((next() - 0.5) * width),
      sigma: wad(width),
      forwardReference: wad(10 ** (6 * next() - 1)),
      tau: wad(tau),
      volFactor: next() < 0.5 ? WAD : wad(1 + next()),
    };
  }

  it("is within 1e-12 of 48 digits, far in and out of the money, near and far expiries", async () => {
    const next = random(7);
    let worst = 0;
    for (let i = 0; i < SMILES; i++) {
      const p = smile(next);
      const spread = Math.max(0.02, R.toNumber(wingOf(p)));
      const strikes = Array.from({ length: STRIKES }, () =>
        wad((Number(p.forwardReference) / 1e18) * Math.exp(1.6 * spread * (next() - 0.5))),
      );
      strikes.push(0n, p.forwardReference / 1000n, p.forwardReference * 1000n);
      const all = await surface.volatilities(feedOf(p), strikes);
      for (const [j, strike] of strikes.entries()) {
        const expected = exactVolatility(p, strike);
        // One unit of the last place is 1e-18; σ here is at least 1e-2.
        worst = Math.max(worst, relative(R.fromWad(all[j] ?? 0n), expected));
      }
      expect(await surface.volatility(feedOf(p), strikes[3] ?? 0n)).to.equal(all[3]);
    }
    expect(worst).to.be.lessThan(1e-12);
  });

  it("costs little more than a logarithm and two roots a strike", async () => {
    const p = smile(random(3));
    const strikes = Array.from({ length: 33 }, (_, i) => (p.forwardReference * BigInt(80 + i)) / 100n);
    const one = await surface.gasOf(feedOf(p), strikes.slice(0, 1));
    const many = await surface.gasOf(feedOf(p), strikes);
    expect((many - one) / 32n < 3_000n, `${(many - one) / 32n} gas`).to.equal(true);
  });

  it("refuses parameters that could overflow", async () => {
    const p = smile(random(5));
    const huge = 1n << 80n;
    for (const bad of [{ a: huge }, { a: -huge - 1n }, { b: huge }, { m: huge }, { sigma: huge }, { rho: WAD + 1n }]) {
      const answer = surface.volatility(feedOf({ ...p, ...bad }), WAD);
      await expect(answer).to.be.revertedWithCustomError(surface, "SmileOutOfRange");
    }
  });

  it("gives the published volatility of every option of the reference portfolios", async function () {
    if (missingReferences() !== null) this.skip();
    let compared = 0;
    for (const { name, marks } of portfolioCases()) {
      for (const { surface: s, strike, vol } of marks) {
        const p = {
          a: R.toWad(s.a),
          b: R.toWad(s.b),
          rho: R.toWad(s.rho),
          m: R.toWad(s.m),
          sigma: R.toWad(s.sigma),
          forwardReference: R.toWad(s.reference),
          tau: R.toWad(s.tau),
          volFactor: WAD,
        };
        const sigma = R.fromWad(await surface.volatility(feedOf(p), R.toWad(strike)));
        // They were published as doubles; a tau of 100 s has 14 digits.
        expect(relative(sigma, vol), `${name} ${R.toNumber(strike)}`).to.be.lessThan(1e-11);
        compared++;
      }
    }
    expect(compared).to.be.greaterThan(40);
  });

  it("has the density's sign: g on the grid as 48 digits have it", async () => {
    const next = random(11);
    let negative = 0;
    for (let i = 0; i < SMILES; i++) {
      const p = smile(next);
      // Half of them bent until butterflies appear.
      if (i % 2 === 0) p.sigma /= 10n;
      const slice: Slice = { ...p, expiry: 1, confidence: WAD };
      const slope = (p.b * (WAD + (p.rho < 0n ? -p.rho : p.rho))) / WAD;
      const least = jet(p, R.fromWad(p.m))[0];
      if (slope > 2n * WAD || R.toNumber(least) < 1e-11 || R.toNumber(least) > 15 || p.a < 0n) continue;
      const { k, w, g } = await surface.grid(slice);
      for (let j = 0; j < 15; j++) {
        const at = R.fromWad(k[j] ?? 0n);
        const [total, first, second] = jet(p, at);
        const half = R.ONE - R.div(R.mul(at, first), 2n * total);
        const square = R.mul(first, first);
        const exact = R.mul(half, half) - R.div(square, 4n * total) - square / 16n + second / 2n;
        expect(relative(R.fromFraction(w[j] ?? 0n, WAD * WAD), total)).to.be.lessThan(1e-12);
        const found = R.toNumber(R.fromFraction(g[j] ?? 0n, WAD * WAD));
        expect(Math.abs(found - R.toNumber(exact))).to.be.lessThan(1e-11 * Math.max(1, Math.abs(R.toNumber(exact))));
        if (exact < 0n) negative++;
      }
      // Ends at the wings, symmetric, the money in the middle.
      expect(Math.abs(R.toNumber(R.fromWad(k[14] ?? 0n) - wingOf(p)))).to.be.lessThan(1e-16);
      expect(k[0]).to.equal(-(k[14] ?? 0n));
      expect(k[7]).to.equal(0n);
    }
    expect(negative, "some densities must be negative").to.be.greaterThan(20);
  });
});

describe("Attestations from wallets to the feed", () => {
  const UNDERLYING = 2;
  const wallets = [11, 12, 13, 14].map((n) => new Wallet(`0x${n.toString(16).padStart(64, "0")}`));
  let feed: AttestedFeed;
  let domain: ReturnType<typeof attestationDomain>;
  let post: (attestation: Attestation) => Promise<bigint>;
  let gasOfReading: (expiries: number[]) => Promise<bigint>;
  let now: () => Promise<number>;

  beforeEach(async () => {
    const { ethers } = await network.create();
    const [owner] = await ethers.getSigners();
    if (owner === undefined) throw new Error("no signer");
    const manager = await new AccessManager__factory(owner).deploy(owner);
    const safe = await new StubSafe__factory(owner).deploy();
    const addresses = wallets.slice(0, 3).map((w) => w.address);
    feed = await new AttestedFeed__factory(owner).deploy(safe, manager, addresses, 2);
    await feed.setLimits(UNDERLYING, {
      postAge: 60,
      maxAge: 300,
      deadAge: 1_800,
      decay: 3_600,
      stress: 15_000,
      premiumJump: 1_000,
      forwardJump: 2_000,
      volJump: 50_000,
    });
    const { chainId } = await ethers.provider.getNetwork();
    domain = attestationDomain(chainId, await feed.getAddress());
    now = async () => (await ethers.provider.getBlock("latest"))?.timestamp ?? 0;
    post = async (attestation) => {
      const { types, value } = attestationTypedData(attestation);
      const signatures = await Promise.all(wallets.map((w) => w.signTypedData(domain, types, value)));
      // One of four is no signer, two are enough.
      const ordered = orderSignatures(domain, attestation, signatures, { signers: addresses, threshold: 2 });
      expect(ordered).to.have.length(2);
      const sent = await owner.sendTransaction({ to: feed, data: encodePost(attestation, ordered) });
      return (await sent.wait())?.gasUsed ?? 0n;
    };
    const reader = await new FeedReader__factory(owner).deploy();
    gasOfReading = (expiries) => reader.gasOf(feed, UNDERLYING, expiries);
  });

  const slices = (time: number, count: number): Slice[] =>
    Array.from({ length: count }, (_, i) => {
      const days = 7 * (i + 1);
      const level = (0.36 * days) / 365;
      const width = 0.9 * Math.sqrt(level);
      return {
        expiry: time + days * 86_400,
        a: wad(level * 0.55),
        b: wad((level / width) * 0.45),
        rho: -wad(0.3),
        m: -wad(0.1 * width),
        sigma: wad(width),
        forwardReference: 2_000n * WAD,
        confidence: WAD,
      };
    });

  const all = (time: number): Attestation[] => [
    { kind: "premium", value: { underlying: UNDERLYING, premium: -WAD / 1000n, confidence: WAD, timestamp: time } },
    {
      kind: "forwards",
      value: {
        underlying: UNDERLYING,
        timestamp: time,
        forwards: slices(time, 12).map((s) => ({
          expiry: s.expiry,
          ratio: WAD + WAD / 200n,
          rate: WAD / 20n,
          forwardConfidence: WAD,
          rateConfidence: WAD,
        })),
      },
    },
    { kind: "surface", value: { underlying: UNDERLYING, timestamp: time, slices: slices(time, 12) } },
  ];

  it("are hashed by the SDK as by the contract", async () => {
    const [premium, forwards, surface] = all(await now());
    if (premium?.kind !== "premium" || forwards?.kind !== "forwards" || surface?.kind !== "surface") throw new Error();
    expect(await feed.hashPremium(premium.value)).to.equal(hashAttestation(domain, premium));
    const listOf = <T>(list: readonly T[]): T[] => [...list];
    const f = { ...forwards.value, forwards: listOf(forwards.value.forwards) };
    expect(await feed.hashForwards(f)).to.equal(hashAttestation(domain, forwards));
    const s = { ...surface.value, slices: listOf(surface.value.slices) };
    expect(await feed.hashSurface(s)).to.equal(hashAttestation(domain, surface));
  });

  it("arrive as they were signed, and are cheap to read from cold", async () => {
    const time = await now();
    for (const attestation of all(time)) await post(attestation);
    const expiries = slices(time, 12).map((s) => s.expiry);
    const read = await feed.expiryFeeds(UNDERLYING, expiries);
    for (const [i, s] of slices(time, 12).entries()) {
      const f = read[i];
      expect([f?.a, f?.b, f?.rho, f?.m, f?.sigma, f?.forwardReference]).to.deep.equal([
        s.a,
        s.b,
        s.rho,
        s.m,
        s.sigma,
        s.forwardReference,
      ]);
      expect(f?.tau).to.equal((BigInt(s.expiry - time) * WAD) / YEAR);
    }
    const one = await gasOfReading(expiries.slice(0, 1));
    // Unoptimised test builds cost a little more than deployed ones, which stay below 12,000.
    expect(one < 14_000n, `${one} gas`).to.equal(true);
  });

  it("keeps signed values up to the ends of their fields", async () => {
    const time = await now();
    const extreme: Slice = {
      expiry: 2 ** 40 - 1,
      a: -wad(1e-9),
      b: 2n * WAD - 1n,
      rho: 0n,
      m: -(2n ** 63n),
      sigma: WAD,
      forwardReference: 2n ** 88n - 1n,
      confidence: WAD,
    };
    const { expiry, ...smile } = extreme;
    await post({ kind: "surface", value: { underlying: UNDERLYING, timestamp: time, slices: [extreme] } });
    const forward = { expiry, ratio: 2n * WAD, rate: -WAD, forwardConfidence: WAD, rateConfidence: 1n };
    await post({ kind: "forwards", value: { underlying: UNDERLYING, timestamp: time, forwards: [forward] } });
    const [f] = await feed.expiryFeeds(UNDERLYING, [expiry]);
    expect([f?.a, f?.b, f?.rho, f?.m, f?.sigma, f?.forwardReference, f?.volConfidence]).to.deep.equal([
      smile.a,
      smile.b,
      smile.rho,
      smile.m,
      smile.sigma,
      smile.forwardReference,
      smile.confidence,
    ]);
    expect([f?.forwardRatio, f?.rate, f?.forwardConfidence]).to.deep.equal([2n * WAD, -WAD, 1n]);
  });
});
