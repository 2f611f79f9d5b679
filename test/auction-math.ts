import { readFile } from "node:fs/promises";

import { expect } from "chai";
import fc from "fast-check";
import { network } from "hardhat";

import { AuctionMathHarness__factory, type AuctionMathHarness } from "../types/ethers-contracts/index.js";

const REFERENCE = new URL("../../shared/reference/liquidation-auction.json", import.meta.url);

const WAD = 10n ** 18n;
const BPS = 10_000n;

// The parameters that the reference cases were made with.
const START = 980_000_000_000_000_000n;
const CUT = 800_000_000_000_000_000n;
const FAST = 100n;
const SLOW = 14_400n;
const BUFFER = 200_000_000_000_000_000n;

// The file holds doubles of about 1e20: an ulp is 16384, and each result is the sum of several.
const REFERENCE_TOLERANCE = 200_000n;

interface ReferenceAction {
  Time: number;
  Liquidator: { PercentWant: bigint };
  Results: {
    PreMtM: bigint;
    PreMM: bigint;
    PreBM: bigint;
    PreFMax: bigint;
    ExpectedBidPrice: bigint;
    FinalPercentageReceived: bigint;
    PostMtM: bigint;
    PostMM: bigint;
    PostBM: bigint;
    PostFMax: bigint;
  };
}

const readReference = async (): Promise<Record<string, { Actions: ReferenceAction[] }> | undefined> => {
  let text: string;
  try {
    text = await readFile(REFERENCE, "utf8");
  } catch {
    return undefined;
  }
  // Integers beyond 2^53 lose digits as numbers: quote them, then revive them as bigints.
  const quoted = text.replace(/([:[,\s])(-?\d{10,})(?=[\s,\]}])/g, '$1"$2n"');
  return JSON.parse(quoted, (key, value: unknown) => {
    if (typeof value === "string" && /^-?\d+n$/.test(value)) return BigInt(value.slice(0, -1));
    if (typeof value === "number" && /^(Pre|Post|Expected|Final|Percent)/.test(key)) return BigInt(value);
    return value;
  }) as Record<string, { Actions: ReferenceAction[] }>;
};

/** An exact fraction with a positive denominator. */
interface Rational {
  n: bigint;
  d: bigint;
}

const q = (n: bigint, d = 1n): Rational => (d < 0n ? { n: -n, d: -d } : { n, d });
const add = (a: Rational, b: Rational): Rational => q(a.n * b.d + b.n * a.d, a.d * b.d);
const neg = (a: Rational): Rational => q(-a.n, a.d);
const sub = (a: Rational, b: Rational): Rational => add(a, neg(b));
const mul = (a: Rational, b: Rational): Rational => q(a.n * b.n, a.d * b.d);
const div = (a: Rational, b: Rational): Rational => q(a.n * b.d, a.d * b.n);
const wad = (x: bigint): Rational => q(x, WAD);
const ONE = q(1n);
const floor = ({ n, d }: Rational): bigint => (n >= 0n ? n / d : -((-n + d - 1n) / d));
const ceil = (a: Rational): bigint => -floor(neg(a));
const toWadDown = (a: Rational): bigint => floor(mul(a, q(WAD)));
const toWadUp = (a: Rational): bigint => ceil(mul(a, q(WAD)));
const lower = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** DESIGN 8.2 and 8.3 in exact fractions of settlement units. */
const model = {
  bufferMargin: (maintenance: Rational, mtm: Rational, buffer: Rational): Rational =>
    add(maintenance, mul(buffer, sub(maintenance, mtm))),

  discountFactor: (clock: bigint, start: bigint, cut: bigint, fast: bigint, slow: bigint): Rational => {
    if (clock < fast) return sub(wad(start), mul(wad(start - cut), q(clock, fast)));
    if (clock < fast + slow) return mul(wad(cut), q(fast + slow - clock, slow));
    return q(0n);
  },

  maxFraction: (bufferMargin: Rational, mtm: Rational, reserved: Rational, d: Rational): Rational =>
    div(bufferMargin, sub(sub(bufferMargin, mul(mtm, d)), mul(reserved, sub(ONE, d)))),

  insolventPayment: (
    fraction: bigint,
    maintenance: bigint,
    mtm: bigint,
    part: bigint,
    t: bigint,
    T: bigint,
  ): Rational => {
    const loss = wad(lower(mtm, 0n));
    const reward = mul(mul(wad(part), sub(loss, wad(maintenance))), q(lower(t, T), T));
    return mul(wad(fraction), add(neg(loss), reward));
  },
};

describe("auction formulas", () => {
  let math: AuctionMathHarness;

  before(async () => {
    const { ethers } = await network.create();
    const [deployer] = await ethers.getSigners();
    math = await new AuctionMathHarness__factory(deployer).deploy();
  });

  it("reproduce the published auctions bid by bid", async function () {
    const reference = await readReference();
    if (reference === undefined) {
      console.log("      skipped: ../shared/reference/liquidation-auction.json is not here");
      this.skip();
    }
    const near = (actual: bigint, expected: bigint, what: string): void => {
      const off = actual - expected;
      expect(off < 0n ? -off : off, `${what}: ${actual} for ${expected}`).to.be.lessThanOrEqual(REFERENCE_TOLERANCE);
    };
    let bids = 0;
    for (const [name, { Actions }] of Object.entries(reference)) {
      let reserved = 0n; // R: the cash of the bids before
      for (const [i, { Time, Liquidator, Results: r }] of Actions.entries()) {
        const at = `${name}, bid ${i + 1}`;
        const bufferMargin = await math.bufferMarginDown(r.PreMM, r.PreMtM, BUFFER);
        near(bufferMargin, r.PreBM, `${at}, buffer margin`);
        const d = await math.discountFactorUp(Time, START, CUT, FAST, SLOW);
        const maxFraction = await math.maxFractionUp(bufferMargin, r.PreMtM, reserved, d);
        near(maxFraction, r.PreFMax, `${at}, largest fraction`);

        const fraction = lower(Liquidator.PercentWant, maxFraction);
        near(fraction, r.FinalPercentageReceived, `${at}, fraction`);
        const price = await math.priceUp(fraction, r.PreMtM - reserved, d);
        near(price, r.ExpectedBidPrice, `${at}, price`);

        const maintenance = await math.maintenanceAfterDown(r.PreMM, reserved, fraction, price);
        near(maintenance, r.PostMM, `${at}, maintenance after`);
        const mtm = await math.maintenanceAfterDown(r.PreMtM, reserved, fraction, price);
        near(mtm, r.PostMtM, `${at}, equity after`);
        const bufferAfter = await math.bufferMarginDown(maintenance, mtm, BUFFER);
        near(bufferAfter, r.PostBM, `${at}, buffer margin after`);
        expect(maintenance >= 0n).to.equal(r.PostMM >= 0n, `${at} ends the auction`);
        reserved += price;
        if (maintenance < 0n) {
          near(await math.maxFractionUp(bufferAfter, mtm, reserved, d), r.PostFMax, `${at}, largest fraction after`);
        }
        bids++;
      }
    }
    expect(bids).to.be.greaterThan(0);
  });

  const amount = fc.oneof(fc.bigInt(0n, 10n), fc.bigInt(0n, 10n ** 20n), fc.bigInt(0n, 10n ** 32n));
  const share = fc.oneof(fc.constantFrom(0n, 1n, WAD - 1n, WAD), fc.bigInt(0n, WAD));
  const seconds = fc.oneof(fc.bigInt(1n, 10n), fc.bigInt(1n, 700_000n));
  const runs = { numRuns: 150 };

  it("buffer margin is the exact one rounded down", async () => {
    await fc.assert(
      fc.asyncProperty(amount, amount, share, async (short, mtm, buffer) => {
        const exact = model.bufferMargin(wad(-short), wad(mtm), wad(buffer));
        expect(await math.bufferMarginDown(-short, mtm, buffer)).to.equal(toWadDown(exact));
      }),
      runs,
    );
  });

  it("discount factor is the exact one rounded up, and zero at its end", async () => {
    await fc.assert(
      fc.asyncProperty(share, share, seconds, seconds, seconds, async (a, b, fast, slow, clock) => {
        const [cut, start] = a < b ? [a, b] : [b, a];
        const exact = model.discountFactor(clock, start, cut, fast, slow);
        expect(await math.discountFactorUp(clock, start, cut, fast, slow)).to.equal(toWadUp(exact));
        expect(await math.discountFactorUp(fast + slow, start, cut, fast, slow)).to.equal(0n);
        expect(await math.discountFactorUp(fast, start, cut, fast, slow)).to.equal(cut);
        expect(await math.discountFactorUp(0n, start, cut, fast, slow)).to.equal(start);
      }),
      runs,
    );
  });

  it("largest fraction is never below the exact one, and above it by rounding only (L1)", async () => {
    await fc.assert(
      fc.asyncProperty(amount, amount, amount, share, async (shortfall, worth, reserved, d) => {
        const bufferMargin = -shortfall - 1n;
        const mtm = worth + reserved;
        const exact = model.maxFraction(wad(bufferMargin), wad(mtm), wad(reserved), wad(d));
        const actual = await math.maxFractionUp(bufferMargin, mtm, reserved, d);
        expect(actual >= toWadUp(exact)).to.equal(true, `${actual} below ${toWadUp(exact)}`);
        expect(actual <= WAD).to.equal(true);
        // at most what one settlement wei less in the denominator makes of it
        const denominator = -bufferMargin + (worth * d) / WAD + reserved;
        expect(actual).to.equal(toWadUp(q(-bufferMargin, denominator)));
      }),
      runs,
    );
  });

  it("largest fraction is all when no part restores the buffer, and nothing when none is missing", async () => {
    expect(await math.maxFractionUp(-1n, 0n, 0n, WAD)).to.equal(WAD);
    expect(await math.maxFractionUp(-5n * WAD, -10n * WAD, 0n, WAD)).to.equal(WAD);
    expect(await math.maxFractionUp(-5n * WAD, -5n * WAD, 0n, WAD)).to.equal(WAD);
    expect(await math.maxFractionUp(0n, WAD, 0n, WAD)).to.equal(0n);
  });

  it("a bid of exactly the largest fraction leaves maintenance at zero or more, in any decimals (L1)", async () => {
    await fc.assert(
      fc.asyncProperty(
        amount,
        amount,
        amount,
        share,
        share,
        fc.bigInt(0n, 500n),
        fc.constantFrom(6n, 8n, 18n),
        async (short, worth, reservedTokens, d, buffer, feePart, decimals) => {
          const unit = 10n ** (18n - decimals);
          const reserved = reservedTokens * unit;
          const mtm = reserved + worth + 1n;
          const maintenance = -short - 1n;
          const net = await math.netOfFeeDown(d, feePart);
          const bufferMargin = await math.bufferMarginDown(maintenance, mtm, buffer);
          const fraction = await math.maxFractionUp(bufferMargin, mtm, reserved, net);
          const price = await math.toTokensUp(await math.priceUp(fraction, worth + 1n, d), unit);
          const paid = (price - (price * feePart) / BPS) * unit;
          const after = await math.maintenanceAfterDown(maintenance, reserved, fraction, paid);
          expect(after >= 0n).to.equal(true, `${after}`);
        },
      ),
      runs,
    );
  });

  it("price is the exact one rounded up, payment the exact one rounded down", async () => {
    await fc.assert(
      fc.asyncProperty(share, amount, share, share, seconds, seconds, async (fraction, size, d, part, t, T) => {
        const price = mul(mul(wad(fraction), wad(size)), wad(d));
        expect(await math.priceUp(fraction, size, d)).to.equal(toWadUp(price));

        const maintenance = -2n * size - 1n;
        for (const mtm of [-size, size]) {
          const exact = model.insolventPayment(fraction, maintenance, mtm, part, t, T);
          const actual = await math.insolventPaymentDown(fraction, maintenance, mtm, part, t, T);
          // the whole is rounded before the fraction of it
          expect(actual <= toWadDown(exact)).to.equal(true);
          expect(actual + 1n >= toWadDown(exact)).to.equal(true);
        }
      }),
      runs,
    );
  });

  it("insolvent payment starts at the loss and has its full reward from its time on", async () => {
    const pay = (t: bigint): Promise<bigint> =>
      math.insolventPaymentDown(WAD, -1_100n * WAD, -100n * WAD, WAD, t, 1_800n);
    expect(await pay(0n)).to.equal(100n * WAD);
    expect(await pay(900n)).to.equal(600n * WAD);
    expect(await pay(1_800n)).to.equal(1_100n * WAD); // q = 1: what it takes to leave the bidder at maintenance 0
    expect(await pay(1_000_000n)).to.equal(1_100n * WAD);
  });

  it("insolvent payment has no reward where nothing is required", async () => {
    expect(await math.insolventPaymentDown(WAD, -100n * WAD, -100n * WAD, WAD, 1_800n, 1_800n)).to.equal(100n * WAD);
    expect(await math.insolventPaymentDown(WAD, -90n * WAD, -100n * WAD, WAD, 1_800n, 1_800n)).to.equal(100n * WAD);
  });

  it("maintenance after a bid is the exact one rounded down", async () => {
    await fc.assert(
      fc.asyncProperty(amount, amount, share, amount, async (short, reserved, fraction, paid) => {
        const rest = mul(sub(ONE, wad(fraction)), wad(-short - reserved));
        const exact = add(add(rest, wad(reserved)), wad(paid));
        expect(await math.maintenanceAfterDown(-short, reserved, fraction, paid)).to.equal(toWadDown(exact));
      }),
      runs,
    );
  });

  it("recovery asks for equity above zero that covers the buffer of the requirement", async () => {
    await fc.assert(
      fc.asyncProperty(amount, amount, share, async (short, equity, buffer) => {
        const covers = sub(wad(equity), mul(wad(buffer), wad(equity + short))).n >= 0n;
        expect(await math.isRecovered(-short, equity, buffer)).to.equal(equity > 0n && covers);
        expect(await math.isRecovered(-short, -equity, buffer)).to.equal(false);
      }),
      runs,
    );
  });

  it("token units round up for what is owed and down for what is paid out", async () => {
    await fc.assert(
      fc.asyncProperty(amount, fc.constantFrom(6n, 8n, 18n), async (value, decimals) => {
        const unit = 10n ** (18n - decimals);
        expect(await math.toTokensUp(value, unit)).to.equal(ceil(q(value, unit)));
        expect(await math.toTokensDown(value, unit)).to.equal(floor(q(value, unit)));
      }),
      runs,
    );
  });
});
