import { expect } from "chai";
import fc from "fast-check";
import { network } from "hardhat";

import { accountId, poolAsset } from "../scripts/lib/ids.ts";
import {
  AccessManager__factory,
  IMarginAccounts__factory,
  LenientEngine__factory,
  MarginAccounts__factory,
  MarginAccountsAdmin__factory,
  MarginAccountsExtension__factory,
  TestToken__factory,
  Vault__factory,
  type IMarginAccounts,
  type TestToken,
  type Vault,
} from "../types/ethers-contracts/index.js";
import { abs, adaptiveCurve, divUp, exp, min, SCALE, WAD } from "./helpers/exact.ts";

const ONE = 10n ** 15n; // an index of one
const ALL = (1n << 256n) - 1n;
const UNCAPPED = (1n << 96n) - 1n;
const BPS = 10_000n;
const RESERVE_FACTOR = 1_000n;
const PEOPLE = 3;
const DECIMALS = [6, 8, 18] as const;

interface Pool {
  readonly asset: number;
  readonly token: TestToken;
  readonly vault: Vault;
  readonly unit: bigint;
}

/** The two words of a pool, taken apart by the layout that the docs give. */
interface Words {
  readonly lenderShares: bigint;
  readonly accountShares: bigint;
  readonly supplyIndex: bigint;
  readonly debtShares: bigint;
  readonly debtIndex: bigint;
  readonly lastAccrual: bigint;
  readonly rateAtTarget: bigint;
}

const bits = (word: bigint, from: bigint, length: bigint): bigint => (word >> from) & ((1n << length) - 1n);

const KINDS = ["lend", "mint", "redeem", "withdrawLent", "deposit", "borrow", "repay", "withdraw"] as const;

interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly pool: number;
  readonly person: number;
  /** Parts per million of what is possible. */
  readonly part: number;
  readonly wait: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    pool: fc.nat(DECIMALS.length - 1),
    person: fc.nat(PEOPLE - 1),
    part: fc.oneof(fc.nat(1_000_000), fc.constantFrom(1, 1_000_000)),
    wait: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 3_600 }), fc.integer({ min: 1, max: 30 * 86_400 })),
  }),
  { minLength: 40, maxLength: 40 },
);

/** The first run of every test: whatever chance brings in the others, each kind of step happens with each token. */
const EACH_KIND: Step[] = DECIMALS.flatMap((_, pool) =>
  (["lend", "mint", "deposit", "borrow", "repay", "withdraw", "withdrawLent", "redeem"] as const).map((kind) => ({
    kind,
    pool,
    // the borrower has no deposit of his own, the lender no debt
    person: kind === "borrow" || kind === "repay" ? 1 : 0,
    part: 300_000,
    wait: 3_600,
  })),
);

/** A balance of `shares` after `assets` came in: debt first, the rest becomes a claim; every rounding for the pool. */
function credited(shares: bigint, assets: bigint, w: Words): bigint {
  if (shares < 0n) {
    const debt = divUp(-shares * w.debtIndex, ONE);
    if (assets < debt) return shares + (assets * ONE) / w.debtIndex;
    return ((assets - debt) * ONE) / w.supplyIndex;
  }
  return shares + (assets * ONE) / w.supplyIndex;
}

/** A balance of `shares` after `assets` went out: the claim first, then debt; every rounding for the pool. */
function debited(shares: bigint, assets: bigint, w: Words): bigint {
  const worth = shares > 0n ? (shares * w.supplyIndex) / ONE : 0n;
  if (assets < worth) return shares - divUp(assets * ONE, w.supplyIndex);
  return (shares < 0n ? shares : 0n) - divUp((assets - worth) * ONE, w.debtIndex);
}

const claimsOf = (w: Words): bigint => ((w.lenderShares + w.accountShares) * w.supplyIndex) / ONE;
const debtsOf = (w: Words): bigint => divUp(w.debtShares * w.debtIndex, ONE);

/** Interest between two states of a pool with no change of shares before the second's: held against exact arithmetic. */
function expectAccrual(before: Words, after: Words): void {
  const elapsed = after.lastAccrual - before.lastAccrual;
  const claims = claimsOf(before);
  const utilisation = claims === 0n ? 0n : min((debtsOf(before) * WAD) / claims, WAD);
  const curve = adaptiveCurve(utilisation, elapsed, before.rateAtTarget);
  const slack = SCALE + (curve.end * (abs(curve.drift) / SCALE + 1n)) / 10n ** 12n + curve.end / 10n ** 9n;
  if (elapsed > 0n) expect(abs(after.rateAtTarget * SCALE - curve.end) <= slack, "rate at target").to.equal(true);

  const debtRise = after.debtIndex - before.debtIndex;
  const supplyRise = after.supplyIndex - before.supplyIndex;
  if (before.debtShares === 0n) {
    expect([debtRise, supplyRise]).to.deep.equal([0n, 0n]);
    return;
  }
  // The rate is known to 5 units of a per-second WAD; the rest is rounding of the index itself.
  const exact = (rate: bigint): bigint => (before.debtIndex * (exp(rate * elapsed, WAD * SCALE) - SCALE)) / SCALE;
  expect(debtRise >= exact(curve.average - 5n * SCALE), "debt grew too little").to.equal(true);
  expect(debtRise <= exact(curve.average + 5n * SCALE) + 2n, "debt grew too much").to.equal(true);

  // Lenders get the debts' rise less the reserve factor, and never more.
  const shares = before.lenderShares + before.accountShares;
  const forLenders = (before.debtShares * debtRise * (BPS - RESERVE_FACTOR)) / BPS;
  expect(supplyRise * shares <= forLenders, "claims grew too much").to.equal(true);
  expect(forLenders - supplyRise * shares <= 2n * ONE + shares, "claims grew too little").to.equal(true);
}

async function arrange() {
  const { ethers, networkHelpers } = await network.create();
  const [owner, ...people] = (await ethers.getSigners()).slice(0, PEOPLE + 1);
  if (owner === undefined) throw new Error("no signer");
  const authority = await new AccessManager__factory(owner).deploy(owner);
  const wrapped = ethers.Wallet.createRandom().address;
  const admin = await new MarginAccountsAdmin__factory(owner).deploy(authority, wrapped);
  const extension = await new MarginAccountsExtension__factory(owner).deploy(authority, wrapped, admin);
  const doors = await new MarginAccounts__factory(owner).deploy(authority, extension, wrapped);
  const safe = IMarginAccounts__factory.connect(await doors.getAddress(), owner);
  await safe.setEngine(await new LenientEngine__factory(owner).deploy());

  const pools: Pool[] = [];
  for (const decimals of DECIMALS) {
    const token = await new TestToken__factory(owner).deploy("Token", "TKN", decimals);
    await token.mint(owner, 100n);
    await token.approve(safe, 100n);
    await safe.listAsset(token, true, 100n);
    const asset = poolAsset(pools.length + 1);
    const vault = await new Vault__factory(owner).deploy(safe, asset, "Plimsoll TKN", "pTKN");
    await safe.setVault(asset, vault);
    await safe.configurePool(asset, {
      supplyCap: UNCAPPED,
      borrowCap: UNCAPPED,
      maxUtilisation: BPS,
      reservedPart: 0,
      settlementPart: 0,
      reserveFactor: RESERVE_FACTOR,
      depositsClosed: false,
      borrowsClosed: false,
    });
    pools.push({ asset, token, vault, unit: 10n ** BigInt(decimals) });
    for (const person of people) {
      await token.mint(person, 10n ** 9n * 10n ** BigInt(decimals));
      for (const spender of [safe, vault]) await token.connect(person).approve(spender, ALL);
    }
  }
  return { networkHelpers, people, pools, safe };
}

async function wordsOf(safe: IMarginAccounts, asset: number): Promise<Words> {
  const [supply, debt] = await safe.poolWords(asset);
  return {
    lenderShares: bits(supply, 0n, 96n),
    accountShares: bits(supply, 96n, 96n),
    supplyIndex: bits(supply, 192n, 64n),
    debtShares: bits(debt, 0n, 96n),
    debtIndex: bits(debt, 96n, 64n),
    lastAccrual: bits(debt, 160n, 32n),
    rateAtTarget: bits(debt, 192n, 36n),
  };
}

describe("Pools of 6, 8 and 18 decimals against exact arithmetic", function () {
  it("V1 V2 V3 keeps every share, index and token where fractions say", async function () {
    this.timeout(600_000);
    const happened = new Set<string>();
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const { networkHelpers, people, pools, safe } = await arrange();
        for (const step of list) {
          const pool = pools[step.pool];
          const person = people[step.person];
          if (pool === undefined || person === undefined) throw new Error("no such pool or person");
          const { asset, token, vault, unit } = pool;
          const account = accountId(person.address, BigInt(asset));
          const mine = safe.connect(person);
          const lending = vault.connect(person);
          const amount = (1_000_000n * unit * BigInt(step.part)) / 1_000_000n + 2n;
          const part = (most: bigint): bigint => (most * BigInt(step.part)) / 1_000_000n;

          await networkHelpers.time.increase(step.wait);
          const start = await wordsOf(safe, asset);
          await safe.accrue(asset);
          const before = await wordsOf(safe, asset);
          expectAccrual(start, before);

          const shares = await safe.sharesOf(account, asset);
          const lent = await vault.balanceOf(person);
          const held = await token.balanceOf(person);
          const tokens = await token.balanceOf(safe);
          const state = await safe.poolState(asset);
          const time = (await networkHelpers.time.latest()) + 1;
          // One more second passes until the action: what it accrues is judged like the rest.
          await networkHelpers.time.setNextBlockTimestamp(time);

          let paid: ((w: Words) => bigint) | undefined; // by the person, less what he got
          let lentAfter: (w: Words) => bigint = () => lent;
          let sharesAfter: (w: Words) => bigint = () => shares;
          switch (step.kind) {
            case "lend":
              // what buys no share is refused by name
              if (amount * ONE < 2n * before.supplyIndex) break;
              await lending.deposit(amount, person);
              paid = () => amount;
              lentAfter = (w) => lent + (amount * ONE) / w.supplyIndex;
              break;
            case "mint":
              await lending.mint(amount, person);
              paid = (w) => divUp(amount * w.supplyIndex, ONE);
              lentAfter = () => lent + amount;
              break;
            case "redeem": {
              // a second's interest for the reserves may make the last unit unavailable
              const most = await vault.maxRedeem(person);
              const burned = part(most - most / 100_000n);
              if (burned === 0n || state.lenderCash < 10n) break;
              await lending.redeem(burned - min(burned, 2n), person, person);
              paid = (w) => -(((burned - min(burned, 2n)) * w.supplyIndex) / ONE);
              lentAfter = () => lent - burned + min(burned, 2n);
              break;
            }
            case "withdrawLent": {
              // a second's interest for the reserves may make the last unit unavailable
              const most = await vault.maxWithdraw(person);
              const got = part(most - most / 100_000n);
              if (got < 2n) break;
              await lending.withdraw(got, person, person);
              paid = () => -got;
              lentAfter = (w) => lent - divUp(got * ONE, w.supplyIndex);
              break;
            }
            case "deposit":
              await mine.deposit(account, asset, amount);
              paid = () => amount;
              sharesAfter = (w) => credited(shares, amount, w);
              break;
            case "borrow": {
              const got = part(state.borrowRoom - state.borrowRoom / 100_000n);
              if (got < 2n) break;
              await mine.borrow(account, asset, got, person);
              paid = () => -got;
              sharesAfter = (w) => debited(shares, got, w);
              break;
            }
            case "repay": {
              if (shares >= 0n) break;
              const offered = step.part === 1_000_000 ? ALL : part(-(await safe.balanceOf(account, asset)));
              if (offered === 0n) break;
              await mine.repay(account, asset, offered);
              const owed = (w: Words): bigint => divUp(-shares * w.debtIndex, ONE);
              paid = (w) => min(offered, owed(w));
              sharesAfter = (w) => credited(shares, min(offered, owed(w)), w);
              break;
            }
            case "withdraw": {
              const most = min(await safe.balanceOf(account, asset), state.cash - state.cash / 100_000n);
              if (most <= 0n || part(most) === 0n) break;
              await mine.withdraw(account, asset, part(most), person);
              paid = () => -part(most);
              sharesAfter = (w) => debited(shares, part(most), w);
              break;
            }
          }
          if (paid === undefined) continue;
          happened.add(`${step.kind} ${asset}`);

          const after = await wordsOf(safe, asset);
          expectAccrual(before, after);
          const lentNow = await vault.balanceOf(person);
          const sharesNow = await safe.sharesOf(account, asset);
          expect(lentNow, `${step.kind}: vault shares`).to.equal(lentAfter(after));
          expect(sharesNow, `${step.kind}: shares`).to.equal(sharesAfter(after));
          expect(await token.balanceOf(person), `${step.kind}: person's tokens`).to.equal(held - paid(after));
          expect(await token.balanceOf(safe), `${step.kind}: safe's tokens`).to.equal(tokens + paid(after));

          // V2: the pool's sums moved by what the person's balances moved by
          const positive = (n: bigint): bigint => (n > 0n ? n : 0n);
          expect(after.lenderShares - before.lenderShares).to.equal(lentNow - lent);
          expect(after.accountShares - before.accountShares).to.equal(positive(sharesNow) - positive(shares));
          expect(after.debtShares - before.debtShares).to.equal(positive(-sharesNow) - positive(-shares));
          // V1, and no action takes from the reserves
          const reserves = tokens + paid(after) + debtsOf(after) - claimsOf(after);
          expect(reserves >= 0n, `${step.kind}: reserves`).to.equal(true);
          expect(reserves >= tokens + debtsOf(before) - claimsOf(before), `${step.kind}: reserves fell`).to.equal(true);
          // V3
          expect(after.supplyIndex >= before.supplyIndex).to.equal(true);
        }
      }),
      // no shrinking: a run takes seconds, and the message says which step went wrong
      { numRuns: 8, endOnFailure: true, examples: [[EACH_KIND]] },
    );
    expect(happened.size, [...happened].join()).to.equal(KINDS.length * DECIMALS.length);
  });
});
