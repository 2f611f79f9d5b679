// A chain on which everything has happened once, and then much of it again at random: for tests of what reads a whole history.
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Signer } from "ethers";

import { optionWord, perpWord } from "../../sdk/instruments.ts";
import { attestFlat, trade } from "./derivatives.ts";
import { accountId, deployProtocol, MAX, type Protocol, WAD } from "./protocol.ts";

const ETH = 2;
const BTC = 3;

/** Deterministic, so that a failure can be looked at again. */
export const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

export interface Told {
  /** Blocks at which something was complete, to audit at. */
  readonly milestones: Readonly<Record<string, number>>;
  /** Random moves that went through, and those that the contracts refused. */
  readonly done: number;
  readonly refused: number;
  readonly accounts: Readonly<Record<"alice" | "bob" | "carol" | "dave" | "keeper" | "ruined", string>>;
}

/** @param moves how many random moves come after the set pieces. */
export const tellHistory = async (p: Protocol, moves: number, seed = 1): Promise<Told> => {
  const { alice, bob, carol, dave, keeper, deployer, safe, ids, units } = p;
  const { positions, settlementPrices } = p.derivatives();
  const [lender = dave, ruinedOwner = dave] = p.others;
  const milestones: Record<string, number> = {};
  const mark = async (name: string) => {
    milestones[name] = await p.ethers.provider.getBlockNumber();
  };
  const account = (owner: HardhatEthersSigner, index = 0n) => accountId(owner.address, index);
  const near = Number(p.deployment.underlyings["ETH"]?.expiries[0] ?? 0);
  const far = Number(p.deployment.underlyings["ETH"]?.expiries[2] ?? 0);
  const attest = async (premium: number) => {
    for (const underlying of [ETH, BTC])
      await attestFlat(p, { underlying, expiries: [near, far], volatility: 0.8, premium });
  };
  const call = optionWord({ underlying: ETH, expiry: near, strike: 2_500n * 10n ** 8n, isCall: true });
  const put = optionWord({ underlying: ETH, expiry: near, strike: 2_500n * 10n ** 8n, isCall: false });
  const farCall = optionWord({ underlying: ETH, expiry: far, strike: 3_000n * 10n ** 8n, isCall: true });

  // ---------------------------------------------------------------- spot
  await p.lend(lender, "USDC", units("USDC", 3_000_000));
  await p.lend(lender, "WETH", units("WETH", 500));
  await p.lend(keeper, "WBTC", units("WBTC", 5));
  await p.vaults.USDC.connect(lender).transfer(carol.address, units("USDC", 1_000));
  await p.vaults.USDC.connect(lender).withdraw(units("USDC", 5_000), lender.address, lender.address);
  await p.deposit(alice, "USDC", units("USDC", 400_000));
  await p.deposit(bob, "USDC", units("USDC", 400_000));
  await p.deposit(carol, "WETH", units("WETH", 100));
  await p.deposit(dave, "stETH", units("stETH", 40));
  await p.deposit(keeper, "USDC", units("USDC", 900_000));
  await p.borrow(carol, "USDC", units("USDC", 90_000));
  await p.borrow(dave, "WBTC", units("WBTC", 0.4));
  await p.fund("USDC", carol, units("USDC", 10_000));
  await safe.connect(carol).repay(account(carol), ids.USDC, units("USDC", 10_000));
  await p.vaults.WETH.connect(lender).approve(safe, MAX);
  await safe.connect(lender).deposit(account(lender), ids.pWETH, units("WETH", 20));
  await safe.connect(lender).borrow(account(lender), ids.WETH, units("WETH", 5), lender.address);
  await safe.connect(alice).transfer(account(alice), account(alice, 7n), ids.USDC, units("USDC", 12_345), false);
  await p.mint("USDC", safe.target as string, 777_777n);
  await p.mint("stETH", safe.target as string, 3n);
  await safe.collectReserves(ids.stETH);
  await safe
    .connect(bob)
    .setOperator(account(bob), carol.address, 3, 2_000_000_000, true, [dave.address, alice.address]);
  await safe.connect(bob).setOperator(account(bob), carol.address, 1, 2_000_000_001, true, [dave.address]);
  await safe.connect(bob).cancelNonce(259n);
  await safe.configurePool(ids.WETH, {
    supplyCap: units("WETH", 1_000_003),
    borrowCap: units("WETH", 400_001),
    maxUtilisation: 9_000,
    reservedPart: 100,
    settlementPart: 2_000,
    reserveFactor: 1_500,
    depositsClosed: false,
    borrowsClosed: false,
  });
  await p.fund("USDC", deployer, units("USDC", 30_000));
  await p.tokens.USDC.connect(deployer).approve(p.insuranceFund, MAX);
  await p.insuranceFund.donate(units("USDC", 2_000));
  await p.advance(40_000);
  await safe.accrue(ids.USDC);
  await mark("spot");

  // ---------------------------------------------------------------- perps and options
  await attest(0.002);
  for (const underlying of [ETH, BTC]) await positions.pokeFunding(underlying);
  const buyFrom = (buyer: Signer, seller: Signer, instrument: bigint, size: bigint, price: number) =>
    trade(p, { buyer, seller, instrument, size, price: BigInt(Math.round(price * 1e6)) * 10n ** 12n });
  await safe.connect(bob).setModel(account(bob), 1);
  await buyFrom(alice, bob, perpWord(ETH), 40n * WAD + 1n, 2_501.25);
  await buyFrom(bob, alice, perpWord(BTC), WAD / 3n, 60_010.5);
  await buyFrom(carol, bob, perpWord(ETH), 3n * WAD, 2_499);
  await buyFrom(alice, bob, call, 10n * WAD, 60.123456);
  await buyFrom(bob, alice, put, 7n * WAD, 55);
  await buyFrom(alice, bob, farCall, 5n * WAD, 33);
  await positions.checkpointOpenInterest(ETH);
  await p.advance(3_000);
  await attest(-0.001);
  await p.setPrice("WETH", 2_440);
  await p.setPrice("stETH", 2_440);
  await positions.pokeFunding(ETH);
  await positions.touch(account(bob));
  await buyFrom(bob, alice, perpWord(ETH), 11n * WAD, 2_441);
  const settle = async () => {
    const traders = [alice, bob, carol].map((owner) => account(owner));
    for (const winner of traders)
      for (const loser of traders) {
        if (winner === loser) continue;
        const most = await positions.settleable(winner, loser);
        if (most > 0n) await positions.settle(winner, loser, most - most / 10n);
      }
  };
  await settle();
  await positions.sweepFees();
  await mark("traded");

  // ---------------------------------------------------------------- a liquidation, a write-off
  const ruined = await p.deposit(ruinedOwner, "WETH", units("WETH", 30));
  await p.borrow(ruinedOwner, "USDC", units("USDC", 55_000));
  await p.setPrice("WETH", 1_950);
  await p.setPrice("stETH", 1_950);
  await p.auction.connect(dave).start(ruined, account(dave));
  await p.advance(600, 600);
  await safe.connect(keeper).bid(ruined, account(keeper), WAD / 10n, 10n ** 15n);
  await mark("bid");
  await p.setPrice("WETH", 1_300);
  await p.setPrice("stETH", 1_300);
  for (let i = 0; i < 4; i += 1) {
    await p.auction.poke(ruined);
    await p.advance(600, 600);
  }
  await safe.connect(keeper).bid(ruined, account(keeper), MAX, 10n ** 15n);
  await mark("ruin");
  await p.setPrice("WETH", 2_500);
  await p.setPrice("stETH", 2_500);

  // ---------------------------------------------------------------- an expiry
  await p.networkHelpers.time.increaseTo(near - 2_000);
  await p.refreshFeeds();
  const first: Record<number, bigint> = {};
  for (const [asset, feed] of [
    [1, p.feeds.USDC],
    [ETH, p.feeds.WETH],
  ] as const) {
    first[asset] = await feed.latestRound();
  }
  await p.advance(2_400, 600);
  for (const [asset, feed] of [
    [1, p.feeds.USDC],
    [ETH, p.feeds.WETH],
  ] as const) {
    const rounds: bigint[] = [];
    for (let round = first[asset] ?? 0n; round <= (await feed.latestRound()); round += 1n) rounds.push(round);
    await settlementPrices.submit(asset, near, rounds);
  }
  await positions.settleExpiry(ETH, near);
  await positions.touch(account(bob));
  await mark("settled");
  await positions.touch(account(alice));
  await positions.freezePerp(BTC, 60_500n * WAD);
  await positions.closePerp(BTC);
  await positions.touch(account(alice));
  await mark("closed");

  // ---------------------------------------------------------------- anything, in any order
  const random = randomOf(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const people = [alice, bob, carol, dave, keeper, lender];
  const some = (symbol: "USDC" | "WETH" | "WBTC", dollars: number) =>
    units(symbol, (dollars / { USDC: 1, WETH: 2_500, WBTC: 60_000 }[symbol]).toFixed(symbol === "USDC" ? 6 : 8));
  const symbol = () => pick(["USDC", "WETH", "WBTC"] as const);
  const actions: (() => Promise<unknown>)[] = [
    () => p.deposit(pick(people), symbol(), BigInt(1 + Math.floor(random() * 1e7)), random() < 0.3 ? 3n : 0n),
    () => {
      const what = symbol();
      const who = pick(people);
      return safe.connect(who).withdraw(account(who), ids[what], some(what, 1_000 * random()), who.address);
    },
    () => p.borrow(pick(people), symbol(), some("USDC", 100 * random())),
    () => {
      const who = pick(people);
      return safe.connect(who).repay(account(who), ids[symbol()], MAX);
    },
    () => {
      const [from, to] = [pick(people), pick(people)];
      return safe
        .connect(from)
        .transfer(account(from), account(to), ids.USDC, some("USDC", 500 * random()), random() < 0.5);
    },
    () => p.lend(pick(people), symbol(), BigInt(1 + Math.floor(random() * 1e8))),
    () => {
      const who = pick([lender, carol, keeper]);
      return p.vaults[symbol()].connect(who).redeem(BigInt(1 + Math.floor(random() * 1e6)), who.address, who.address);
    },
    async () => {
      const [buyer, seller] = [pick([alice, bob, carol]), pick([alice, bob, carol])];
      await attest((random() - 0.5) / 100);
      return buyFrom(
        buyer,
        seller,
        pick([perpWord(ETH), farCall]),
        BigInt(Math.floor(random() * 2e18)),
        2_500 * random(),
      );
    },
    () => positions.pokeFunding(ETH),
    () => positions.touch(account(pick(people))),
    () => positions.sweepFees(),
    () => safe.accrue(ids[symbol()]),
    () => safe.connect(lender).setOff(account(lender), ids.WETH),
    () => p.advance(Math.floor(random() * 8_000)),
    () =>
      safe.connect(pick(people)).setOperator(account(alice), bob.address, pick([0, 1, 2, 3]), 1_999_999_999, false, []),
    settle,
    () => safe.collectReserves(ids[symbol()]),
  ];
  let [done, refused] = [0, 0];
  for (let i = 0; i < moves; i += 1) {
    try {
      await pick(actions)();
      done += 1;
    } catch {
      refused += 1;
    }
  }
  await attest(0.001);
  await buyFrom(alice, bob, perpWord(ETH), WAD, 2_500);
  await p.networkHelpers.mine();
  await mark("end");
  const [a, b, c, d, k] = [alice, bob, carol, dave, keeper].map((owner) => account(owner)) as [
    string,
    string,
    string,
    string,
    string,
  ];
  return { milestones, done, refused, accounts: { alice: a, bob: b, carol: c, dave: d, keeper: k, ruined } };
};

const MOVES = 60;
let rich: Promise<{ p: Protocol; told: Told }> | undefined;

/** One such chain for all tests of a process: they leave it as they found it. */
export const richChain = (): Promise<{ p: Protocol; told: Told }> =>
  (rich ??= (async () => {
    const p = await deployProtocol({ adjust: (config) => config });
    return { p, told: await tellHistory(p, MOVES, 3) };
  })());
