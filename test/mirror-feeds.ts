// The mirror's parts against the contracts', to the wei: the normal distribution, Black-76, smiles, attested values as they age,
// settlement averages, realised volatility, fees.
import { expect } from "chai";
import { Wallet } from "ethers";
import { network } from "hardhat";

import {
  attestationDomain,
  attestationTypedData,
  encodePost,
  orderSignatures,
  type Attestation,
} from "../sdk/attestations.ts";
import { greeks, price } from "../sdk/mirror/derivatives/black76.ts";
import { expiryFeedAt, fixingAt, premiumAt, realisedAt } from "../sdk/mirror/derivatives/feeds.ts";
import {
  expiryKey,
  type AttestedExpiry,
  type LedgerMarket,
  type SettlementTrack,
} from "../sdk/mirror/derivatives/market.ts";
import { cdf, normalWords } from "../sdk/mirror/derivatives/normal.ts";
import { smileOf, volatilityAt } from "../sdk/mirror/derivatives/svi.ts";
import {
  decodeAttestedExpiry,
  decodeDecayLimits,
  decodeObservedVolatility,
  decodePremium,
  settlementTrack,
} from "../sdk/mirror/derivatives/words.ts";
import {
  AccessManager__factory,
  AttestedFeed__factory,
  IndexStub__factory,
  MockFeed__factory,
  NormalTable__factory,
  RealizedVolatility__factory,
  ScenarioHarness__factory,
  SettlementPrices__factory,
  StubSafe__factory,
  SurfaceHarness__factory,
  type ScenarioHarness,
  type SurfaceHarness,
} from "../types/ethers-contracts/index.js";
import { attestedSlots, feedSlots, volatilitySlot } from "../sdk/client/slots.ts";
import { chainAnswer, mirrorAnswer } from "./helpers/answers.ts";
import { Random } from "./helpers/portfolios.ts";

const WAD = 10n ** 18n;
const UNDERLYING = 2;
const DAY = 86_400;
const BATCH = 400;

const EMPTY: LedgerMarket = {
  table: { profitWeightBps: 0n, underlyings: [] },
  perps: new Map(),
  expiries: new Map(),
  premiums: new Map(),
  attested: new Map(),
  limits: new Map(),
  settlementPrices: new Map(),
  tracks: new Map(),
  volatilities: new Map(),
  volatilityRisePerHour: 0n,
};

const listOf = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

describe("the mirror of prices and smiles", () => {
  let harness: ScenarioHarness;
  let surface: SurfaceHarness;
  let provider: Awaited<ReturnType<typeof network.create>>["provider"];
  let code: string;

  before(async () => {
    const connection = await network.create();
    provider = connection.provider;
    const [deployer] = await connection.ethers.getSigners();
    const normal = await new NormalTable__factory(deployer).deploy();
    code = await connection.ethers.provider.getCode(normal);
    harness = await new ScenarioHarness__factory(deployer).deploy(normal);
    surface = await new SurfaceHarness__factory(deployer).deploy();
  });

  it("has the table of the normal distribution word for word", () => {
    expect(
      `0x${normalWords()
        .map((w) => w.toString(16).padStart(64, "0"))
        .join("")}`,
    ).to.equal(code);
  });

  it("reads it at any argument", async () => {
    const random = new Random(1);
    const unit = 60n << 48n;
    const edges = [0n, 360n << 48n, 720n << 48n, 768n << 48n, -(144n << 48n), (720n + 144n) << 48n];
    const near = edges.flatMap((edge) => [-3n, -1n, 0n, 1n, 3n].map((off) => edge + off));
    const list = [...near, ...listOf(2_000, () => random.between(-20n * unit, 32n * unit)), 2n ** 200n, -(2n ** 200n)];
    expect(list.map(cdf)).to.deep.equal((await harness.cdf(list)).map(BigInt));
  });

  it("prices options, dust and giants included", async () => {
    const random = new Random(2);
    for (let batch = 0; batch < 12; batch++) {
      const forward = batch === 0 ? 0n : random.spread(1n, 2n ** 104n);
      const strikes = listOf(BATCH, () =>
        random.oneIn(20)
          ? 0n
          : random.oneIn(2)
            ? random.spread(1n, 2n ** 104n)
            : (forward * random.between(WAD / 2n, 2n * WAD)) / WAD,
      );
      const deviations = listOf(BATCH, () => (random.oneIn(20) ? 0n : random.spread(1n, 10n ** 25n)));
      for (const isCall of [true, false]) {
        const chain = await harness.prices(forward, strikes, deviations, isCall);
        const mirror = strikes.map((strike, i) => price(forward, strike, deviations[i] ?? 0n, isCall));
        expect(mirror, `batch ${batch}`).to.deep.equal([...chain]);
      }
    }
  });

  it("has the greeks of options", async () => {
    const random = new Random(3);
    for (let i = 0; i < 400; i++) {
      const forward = random.oneIn(30) ? 0n : random.spread(WAD / 1_000n, 10n ** 24n);
      const o = {
        forward,
        strike: (forward * random.between(WAD / 3n, 3n * WAD)) / WAD + 1n,
        volatility: random.oneIn(10) ? 0n : random.spread(10n ** 15n, 10n ** 20n),
        time: random.oneIn(10) ? 0n : random.spread(10n ** 10n, 3n * WAD),
        rate: random.big(WAD / 2n),
        isCall: random.oneIn(2),
      };
      const g = greeks(o);
      const mirror = [g.price, g.delta, g.gamma, g.vega, g.theta, g.rho];
      expect(mirror, `option ${i}`).to.deep.equal([...(await harness.optionGreeks(o))]);
    }
  });

  it("reads volatilities off smiles, whatever their parameters", async () => {
    const random = new Random(4);
    for (let i = 0; i < 250; i++) {
      const scale = random.spread(10n ** 9n, 20n * WAD);
      const wide = random.oneIn(25) ? 2n ** 81n : scale;
      const smile = {
        a: random.signed(random.big(scale)),
        b: random.big(wide),
        rho: random.signed(random.oneIn(10) ? WAD + random.big(2n) : random.big(WAD)),
        m: random.signed(random.big(random.oneIn(25) ? 2n ** 81n : 2n * WAD)),
        sigma: random.oneIn(10) ? 0n : random.big(2n * WAD),
      };
      const forwardReference = random.spread(1n, 2n ** 88n - 1n);
      const tau = random.oneIn(10) ? 0n : random.spread(1n, 5n * WAD);
      const volFactor = random.oneIn(2) ? WAD : random.between(WAD, 10n * WAD);
      const strikes = [
        0n,
        1n,
        2n ** 104n,
        ...listOf(15, () => (forwardReference * random.spread(WAD / 1_000n, 1_000n * WAD)) / WAD),
      ];
      const feed = { forwardRatio: WAD, rate: 0n, forwardConfidence: WAD, volConfidence: WAD, stale: false };
      const asked = { ...feed, ...smile, forwardReference, tau, volFactor };
      const chain = await chainAnswer(provider, surface, "volatilities", [asked, strikes]);
      const mirror = mirrorAnswer(() => {
        const s = smileOf(smile);
        const stressed = (sigma: bigint): bigint => (volFactor === WAD ? sigma : (sigma * volFactor) / WAD);
        return [strikes.map((strike) => stressed(volatilityAt(s, forwardReference, tau === 0n ? 1n : tau, strike)))];
      });
      expect(mirror, `smile ${i}`).to.deep.equal(chain);
    }
  });
});

describe("the mirror of feeds", () => {
  it("says attested values as they age, die and decay, with the limits of their posting", async function () {
    this.timeout(120_000);
    const { ethers, networkHelpers } = await network.create();
    const [owner] = await ethers.getSigners();
    if (owner === undefined) throw new Error("no signer");
    const wallet = new Wallet(`0x${"11".repeat(32)}`);
    const safe = await new StubSafe__factory(owner).deploy();
    const manager = await new AccessManager__factory(owner).deploy(owner);
    const feed = await new AttestedFeed__factory(owner).deploy(safe, manager, [wallet.address], 1);
    const limits = {
      postAge: 60,
      maxAge: 300,
      deadAge: 1_800,
      decay: 3_600,
      stress: 15_000,
      premiumJump: 1e6,
      forwardJump: 1e6,
      volJump: 1e6,
    };
    await feed.setLimits(UNDERLYING, limits);
    const { chainId } = await ethers.provider.getNetwork();
    const address = await feed.getAddress();
    const domain = attestationDomain(chainId, address);
    const post = async (attestation: Attestation): Promise<void> => {
      const { types, value } = attestationTypedData(attestation);
      const signatures = [await wallet.signTypedData(domain, types, value)];
      await owner.sendTransaction({
        to: address,
        data: encodePost(attestation, orderSignatures(domain, attestation, signatures, { threshold: 1 })),
      });
    };
    const start = await networkHelpers.time.latest();
    const expiries = [start + 2_000, start + 4_000, start + 7 * DAY];
    const postAll = async (timestamp: number, tilt: bigint, which: "both" | "forwards"): Promise<void> => {
      const live = expiries.filter((e) => e > timestamp);
      await post({
        kind: "premium",
        value: { underlying: UNDERLYING, premium: -WAD / 500n - tilt, confidence: WAD / 2n, timestamp },
      });
      await post({
        kind: "forwards",
        value: {
          underlying: UNDERLYING,
          timestamp,
          forwards: live.map((expiry, i) => ({
            expiry,
            ratio: i === 1 ? WAD - WAD / 300n : WAD + WAD / 70n + tilt,
            rate: i === 2 ? -WAD / 20n : WAD / 30n,
            forwardConfidence: WAD - BigInt(i),
            rateConfidence: WAD / BigInt(i + 1),
          })),
        },
      });
      if (which === "forwards") return;
      await post({
        kind: "surface",
        value: {
          underlying: UNDERLYING,
          timestamp,
          slices: live.map((expiry, i) => ({
            expiry,
            a: 10n ** 13n * BigInt(i + 1),
            b: 10n ** 13n * BigInt(i + 1),
            rho: -WAD / 3n,
            m: -(10n ** 15n),
            sigma: WAD / 10n,
            forwardReference: 2_000n * WAD + tilt,
            confidence: WAD - tilt,
          })),
        },
      });
    };
    const read = async (): Promise<LedgerMarket> => {
      const word = async (slot: bigint): Promise<bigint> => BigInt(await ethers.provider.getStorage(address, slot));
      const attested = new Map<number, AttestedExpiry>();
      for (const expiry of expiries) {
        const slot = attestedSlots(expiryKey(UNDERLYING, expiry)).forward;
        const said = decodeAttestedExpiry(await word(slot), await word(slot + 1n), await word(slot + 2n));
        if (said !== undefined) attested.set(expiryKey(UNDERLYING, expiry), said);
      }
      const premium = decodePremium(await word(feedSlots(UNDERLYING).premium));
      return {
        ...EMPTY,
        attested,
        premiums: premium === undefined ? new Map() : new Map([[UNDERLYING, premium]]),
        limits: new Map([[UNDERLYING, decodeDecayLimits(await word(feedSlots(UNDERLYING).limits))]]),
      };
    };
    const compare = async (market: LedgerMarket): Promise<void> => {
      const time = BigInt(await networkHelpers.time.latest());
      const chain = await feed.expiryFeeds(UNDERLYING, expiries);
      expiries.forEach((expiry, i) => {
        const f = expiryFeedAt(market, UNDERLYING, expiry, time);
        const s = f.smile;
        expect(
          [
            f.forwardRatio,
            f.rate,
            s.a,
            s.b,
            s.rho,
            s.m,
            s.sigma,
            s.forwardReference,
            f.tau,
            f.volFactor,
            f.forwardConfidence,
            f.volConfidence,
            f.stale,
          ],
          `expiry ${i} at ${time - BigInt(start)}`,
        ).to.deep.equal([...(chain[i] ?? [])]);
      });
      const p = premiumAt(market, UNDERLYING, time);
      const { value, confidence, stale } = await feed.premium(UNDERLYING);
      expect([p.value, p.confidence, p.stale]).to.deep.equal([value, confidence, stale]);
    };
    expect(premiumAt(EMPTY, UNDERLYING, 5n)).to.deep.equal({ value: 0n, confidence: 0n, stale: true });
    expect(mirrorAnswer(() => expiryFeedAt(EMPTY, UNDERLYING, 7, 5n)).error).to.equal("UnknownExpiry(2,7)");
    await postAll(await networkHelpers.time.latest(), 0n, "both");
    await networkHelpers.time.increase(200);
    await postAll(await networkHelpers.time.latest(), 1n, "forwards");
    // limits change what the next postings carry, and at once how the dead decay
    await feed.setLimits(UNDERLYING, { ...limits, maxAge: 200, deadAge: 900, decay: 1_234, stress: 23_456 });
    let market = await read();
    // each moment at which something changes, the seconds around it, and some in between
    const edges = [...market.attested.values()].flatMap(({ forward, smile }) =>
      [forward.time, smile.time].flatMap((from) => {
        const dead = from + forward.deadAge;
        return [from + forward.maxAge, dead, dead + 1_234n, dead + 617n].flatMap((t) => [t - 1n, t, t + 1n]);
      }),
    );
    const premium = market.premiums.get(UNDERLYING);
    for (const age of [premium?.maxAge ?? 0n, premium?.deadAge ?? 0n]) {
      edges.push((premium?.time ?? 0n) + age, (premium?.time ?? 0n) + age + 1n);
    }
    edges.push(...expiries.map(BigInt), BigInt(start + DAY));
    const from = await networkHelpers.time.latest();
    const moments = [...new Set(edges)].filter((t) => t > BigInt(from)).sort((a, b) => Number(a - b));
    expect(moments.length).to.be.greaterThan(20);
    for (const moment of moments) {
      await networkHelpers.time.increaseTo(moment);
      await compare(market);
    }
    await networkHelpers.time.increase(10);
    await post({
      kind: "premium",
      value: {
        underlying: UNDERLYING,
        premium: WAD / 3n,
        confidence: 1n,
        timestamp: await networkHelpers.time.latest(),
      },
    });
    market = await read();
    for (const wait of [1, 198, 2, 600, 200]) {
      await networkHelpers.time.increase(wait);
      await compare(market);
    }
  });

  it("says how much of a settlement average is fixed, round by round", async function () {
    this.timeout(120_000);
    const { ethers, networkHelpers } = await network.create();
    const [owner] = await ethers.getSigners();
    for (let seed = 0; seed < 6; seed++) {
      const random = new Random(seed + 40);
      const safe = await new StubSafe__factory(owner).deploy();
      const index = await new IndexStub__factory(owner).deploy();
      await safe.setEngine(index);
      const eth = await new MockFeed__factory(owner).deploy(8, 2_000n * 10n ** 8n);
      const usdc = await new MockFeed__factory(owner).deploy(6, 10n ** 6n);
      // rounds come more often than some heartbeats, and less often than others
      const heartbeat = random.oneIn(2) ? 60 + random.int(300) : 1_000 + random.int(3_600);
      const slow = random.oneIn(3) ? 300 : DAY;
      await index.setPrimary(UNDERLYING, {
        feed: eth,
        heartbeat,
        feedDecimals: 8,
        minAnswer: 10n ** 8n,
        maxAnswer: 10n ** 13n,
      });
      await index.setPrimary(1, {
        feed: usdc,
        heartbeat: slow,
        feedDecimals: 6,
        minAnswer: 10n ** 4n,
        maxAnswer: 10n ** 8n,
      });
      const prices = await new SettlementPrices__factory(owner).deploy(safe);
      const expiry = (await networkHelpers.time.latest()) + 4_000;
      const compare = async (): Promise<void> => {
        const time = BigInt(await networkHelpers.time.latest());
        const tracks = new Map<number, SettlementTrack>();
        for (const [asset, feed] of [
          [UNDERLYING, eth],
          [1, usdc],
        ] as const) {
          const track = settlementTrack(await prices.trackOf(asset, expiry), (await feed.latestRoundData())[0]);
          if (track !== undefined) tracks.set(expiryKey(asset, expiry), track);
        }
        const { price } = await prices.settlementPrice(UNDERLYING, expiry);
        const market = { ...EMPTY, tracks, settlementPrices: new Map([[expiryKey(UNDERLYING, expiry), price]]) };
        const chain = await prices.fixing(UNDERLYING, expiry);
        const { part, price: fixed } = fixingAt(market, UNDERLYING, expiry, time);
        expect([part, fixed], `seed ${seed} at ${BigInt(expiry) - time} s before`).to.deep.equal([...chain]);
      };
      const submit = async (asset: number, feed: typeof eth, known: bigint[]): Promise<void> => {
        const [id] = await feed.latestRoundData();
        if (known.at(-1) !== id) known.push(id);
        // what may not be submitted yet or twice changes nothing
        await prices.submit(asset, expiry, known).catch(() => undefined);
      };
      const rounds: [bigint[], bigint[]] = [[], []];
      for (let step = 0; step < 45; step++) {
        await networkHelpers.time.increase(random.oneIn(6) ? 500 : 20 + random.int(200));
        const now = await networkHelpers.time.latest();
        if (now > expiry + 500) break;
        if (random.oneIn(2))
          await eth.pushRound(random.oneIn(9) ? 5n : random.between(19n * 10n ** 10n, 22n * 10n ** 10n), now);
        if (random.oneIn(4)) await usdc.pushRound(random.between(990_000n, 1_010_000n), now);
        if (random.oneIn(2)) await submit(UNDERLYING, eth, rounds[0]);
        if (random.oneIn(2)) await submit(1, usdc, rounds[1]);
        await networkHelpers.mine();
        await compare();
      }
    }
  });

  it("says realised volatility between observations", async () => {
    const { ethers, networkHelpers } = await network.create();
    const [owner] = await ethers.getSigners();
    const safe = await new StubSafe__factory(owner).deploy();
    const index = await new IndexStub__factory(owner).deploy();
    await safe.setEngine(index);
    const realised = await new RealizedVolatility__factory(owner).deploy(
      safe,
      3_600,
      (94n * WAD) / 100n,
      (8n * WAD) / 10n,
      500,
    );
    const compare = async (): Promise<void> => {
      const time = BigInt(await networkHelpers.time.latest());
      const last = decodeObservedVolatility(
        BigInt(await ethers.provider.getStorage(realised, volatilitySlot(UNDERLYING))),
      );
      const market = { ...EMPTY, volatilityRisePerHour: 500n, volatilities: new Map(last && [[UNDERLYING, last]]) };
      const { sigma, slow } = realisedAt(market, UNDERLYING, time);
      expect([sigma, slow]).to.deep.equal([...(await realised.volatility(UNDERLYING))]);
    };
    await compare();
    for (const price of [2_000n, 2_100n, 1_500n, 1_600n, 1_600n, 3_000n]) {
      await index.setMid(UNDERLYING, price * WAD);
      await realised.observe(UNDERLYING);
      for (const wait of [1, 1_799, 3_700, 9_000]) {
        await compare();
        await networkHelpers.time.increase(wait);
        await networkHelpers.mine();
      }
    }
  });
});
