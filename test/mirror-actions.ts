import { expect } from "chai";
import { Interface, type Signer, ZeroAddress } from "ethers";

import { accountId } from "../scripts/lib/ids.ts";
import { type Account, decodeAccount, encodeFlags, encodeWords } from "../sdk/mirror/account.ts";
import { act, type Action, type After } from "../sdk/mirror/actions/act.ts";
import {
  type Auction,
  auctionStatus,
  endAuction,
  NO_AUCTION,
  pokeAuction,
  startAuction,
} from "../sdk/mirror/auction.ts";
import { attempt, type Outcome } from "../sdk/mirror/errors.ts";
import type { Market } from "../sdk/mirror/market.ts";
import { INITIAL, LIQUIDATION, MID } from "../sdk/mirror/model.ts";
import { decodePoolWords } from "../sdk/mirror/pools.ts";
import { holdingsOf, weigh } from "../sdk/mirror/weigh.ts";
import { IMarginAccounts__factory, LiquidationAuction__factory } from "../types/ethers-contracts/index.js";
import { errorText } from "./helpers/bulk.ts";
import { readMarket } from "./helpers/market-reader.ts";
import { deployProtocol, MAX, type Protocol } from "./helpers/protocol.ts";
import { oneOf, type Random, seeded } from "./helpers/random.ts";

/** MIRROR_WALKS=30 looks longer. */
const WALKS = Number(process.env["MIRROR_WALKS"] ?? 3);
const STEPS = 80;
const MAX_PART = 5_000n;
const PEOPLE = 3;

type Step =
  | { readonly kind: "act"; readonly actor: number; readonly actions: readonly Action[] }
  | { readonly kind: "start" | "poke" | "end"; readonly account: string };

const ELSEWHERE = new Interface([
  "error RateLimitExceeded()",
  "error SharesOverflow(uint256)",
  "error ERC20InsufficientBalance(address,uint256,uint256)",
  "error InsufficientBalance()",
]);
/** Of the tokens: wallets are not part of the mirror. */
const POOR = /ERC20InsufficientBalance|InsufficientBalance\(\)$/;

describe("The mirror's actions against transactions, to the share", function () {
  this.timeout(300_000);
  let p: Protocol;
  let types: Interface;
  let ids: string[];
  let people: Signer[];
  const auctions = new Map<string, Auction>();
  const seen = new Map<string, number>();

  const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);

  before(async () => {
    p = await deployProtocol({
      adjust: (config) => ({
        ...config,
        assets: config.assets.map((asset) => {
          if (asset.symbol === "USDC") return { ...asset, outflow: { capacity: "400000", window: 86_400 } };
          if (asset.symbol === "WETH" && asset.kind === "pool") {
            return { ...asset, pool: { ...asset.pool, supplyCap: "900", borrowCap: "250" } };
          }
          return asset.symbol === "stETH" && asset.kind === "idle" ? { ...asset, cap: "700" } : asset;
        }),
      }),
    });
    types = new Interface([
      ...IMarginAccounts__factory.createInterface().fragments,
      ...LiquidationAuction__factory.createInterface().fragments.filter(({ type }) => type === "error"),
      ...p.engine.interface.fragments.filter(({ type }) => type === "error"),
      ...ELSEWHERE.fragments,
    ]);
    people = [p.alice, p.bob, p.carol].slice(0, PEOPLE);
    ids = [];
    for (const person of people) {
      const address = await person.getAddress();
      for (const index of [0n, 1n]) ids.push(accountId(address, index).toLowerCase());
      for (const symbol of ["USDC", "WETH", "WBTC", "stETH"] as const) {
        await p.fund(symbol, person, p.units(symbol, 1_000_000));
        if (symbol === "stETH") continue;
        await p.tokens[symbol].connect(person).approve(p.vaults[symbol], MAX);
        await p.vaults[symbol].connect(person).deposit(p.units(symbol, symbol === "USDC" ? 200_000 : 60), address);
        await p.vaults[symbol].connect(person).approve(p.safe, MAX);
      }
    }
  });
  after(async () => {
    await p.connection.close();
  });

  const fundId = async (): Promise<string> => (await p.safe.insurance()).toLowerCase();
  const ownerIndex = (id: string): number => Math.floor(ids.indexOf(id) / 2);
  const readAccount = async (id: string): Promise<Account> => decodeAccount(id, [...(await p.safe.words(id))]);

  // ---------------------------------------------------------------- what is tried

  const dollars = { USDC: 1, WETH: 2_000, WBTC: 30_000, stETH: 2_000 } as const;
  const SYMBOLS = ["USDC", "WETH", "WBTC", "stETH"] as const;

  const amountOf = (r: Random, symbol: (typeof SYMBOLS)[number]): bigint => {
    if (r(12) === 0) return oneOf(r, [0n, 1n, 2n, MAX]);
    const worth = oneOf(r, [300, 5_000, 40_000, 200_000]) * (1 + r(1_000) / 1_000);
    return p.units(symbol, (worth / dollars[symbol]).toFixed(symbol === "USDC" ? 6 : 8));
  };

  const randomAction = (r: Random, account: string): Action => {
    const symbol = oneOf(r, SYMBOLS);
    const [asset, amount] = [p.ids[symbol], amountOf(r, symbol)];
    const share = oneOf(r, ["pUSDC", "pWETH", "pWBTC"] as const);
    const shareSymbol = share.slice(1) as "USDC" | "WETH" | "WBTC";
    switch (r(13)) {
      case 0:
      case 1:
      case 2:
        return { kind: "deposit", account, asset, amount: amount === MAX ? 7n : amount };
      case 3: {
        const shares = amountOf(r, shareSymbol);
        return { kind: "deposit", account, asset: p.ids[share], amount: shares === MAX ? 9n : shares };
      }
      case 4:
      case 5:
        return { kind: "withdraw", account, asset: r(4) === 0 ? p.ids[share] : asset, amount };
      case 6:
      case 7:
        return { kind: "borrow", account, asset, amount };
      case 8:
        return { kind: "repay", account, asset: r(2) === 0 ? p.ids.USDC : asset, amount };
      case 9:
      case 10:
        return { kind: "transfer", from: account, to: oneOf(r, ids as [string]), asset, amount, mayBorrow: r(2) === 0 };
      case 11:
        return { kind: "setOff", account, pool: asset };
      default:
        return {
          kind: "bid",
          account: oneOf(r, ids as [string]),
          bidder: account,
          fraction: r(3) === 0 ? MAX : BigInt(1 + r(1_000)) * 10n ** 15n,
          limit: r(6) === 0 ? 0n : 10n ** 15n,
        };
    }
  };

  const liquidatable = (market: Market, accounts: readonly Account[]): string[] =>
    accounts
      .filter((account) => {
        const weighed = attempt(() => weigh(market, account, LIQUIDATION));
        return weighed.ok && weighed.value.maintenance < 0n;
      })
      .map(({ id }) => id);

  /** Borrows as much as passes, by the mirror; that the chain agrees is the test. */
  const toTheLimit = (r: Random, market: Market, accounts: readonly Account[], account: string): Action => {
    const symbol = oneOf(r, ["USDC", "USDC", "WETH", "WBTC"] as const);
    const of = (amount: bigint): Action => ({ kind: "borrow", account, asset: p.ids[symbol], amount });
    let [low, high] = [1n, p.units(symbol, 10_000_000)];
    while (high - low > 1n) {
      const middle = (low + high) / 2n;
      if (attempt(() => act(market, accounts, [of(middle)])).ok) low = middle;
      else high = middle;
    }
    return of(low + BigInt(r(2)));
  };

  const randomStep = (r: Random, market: Market, accounts: readonly Account[]): Step => {
    const sick = liquidatable(
      market,
      accounts.filter(({ id }) => ids.includes(id)),
    );
    const patient = sick[r(Math.max(sick.length, 1))];
    if (patient !== undefined && r(3) > 0) {
      const inAuction = accounts.find(({ id }) => id === patient)?.flags.inAuction === true;
      if (!inAuction && r(2) === 0) return { kind: "start", account: patient };
      if (r(5) === 0) return { kind: "poke", account: patient };
      const others = ids.filter((id) => ownerIndex(id) !== ownerIndex(patient)) as [string];
      const bidder = oneOf(r, r(9) === 0 ? (ids as [string]) : others);
      const fraction = r(2) === 0 ? MAX : BigInt(1 + r(600)) * 10n ** 15n;
      const bid: Action = { kind: "bid", account: patient, bidder, fraction, limit: 10n ** 15n };
      return { kind: "act", actor: ownerIndex(bidder), actions: [bid] };
    }
    const running = accounts.find(({ flags }) => flags.inAuction);
    if (running !== undefined && r(2) === 0) return { kind: "end", account: running.id };
    const account = oneOf(r, ids as [string]);
    const actor = ownerIndex(account);
    if (r(4) === 0) return { kind: "act", actor, actions: [toTheLimit(r, market, accounts, account)] };
    const count = r(3) === 0 ? 2 + r(3) : 1;
    const own = ids.filter((id) => ownerIndex(id) === actor) as [string];
    const actions = Array.from({ length: count }, () => randomAction(r, oneOf(r, own)));
    if (count > 1 && r(3) === 0) actions.unshift({ kind: "reduceOnly", account });
    return { kind: "act", actor, actions };
  };

  /** What only the test knows: the auctions as stored, prices' continuity, and who may bring in what. */
  const completed = async (actions: readonly Action[], actor: number, market: Market): Promise<Action[]> => {
    const list: Action[] = [];
    for (const action of actions) {
      if (action.kind === "bid") {
        const auction = auctions.get(action.account) ?? NO_AUCTION;
        list.push({ ...action, auction, continuous: await continuous(market, action.account, auction) });
      } else if (action.kind === "transfer") list.push({ ...action, consent: ownerIndex(action.to) === actor });
      else list.push(action);
    }
    return list;
  };

  const continuous = async (
    market: Market,
    id: string,
    { lastTick }: Auction,
    blockTag = "pending",
  ): Promise<boolean> => {
    const account = await readAccount(id);
    const holdings = holdingsOf(market, account).map(
      ({ asset, amount }) => (BigInt(asset) << 240n) | BigInt.asUintN(128, amount),
    );
    return p.engine.pricesContinuousSince(id, encodeFlags(account), holdings, lastTick, { blockTag });
  };

  // ---------------------------------------------------------------- how it is sent

  const dataOf = async (action: Action, actor: number): Promise<string> => {
    const to = await (people[actor] ?? p.alice).getAddress();
    const i = p.safe.interface;
    switch (action.kind) {
      case "deposit":
        return i.encodeFunctionData("deposit", [action.account, action.asset, action.amount]);
      case "repay":
        return i.encodeFunctionData("repay", [action.account, action.asset, action.amount]);
      case "withdraw":
        return i.encodeFunctionData("withdraw", [action.account, action.asset, action.amount, to]);
      case "borrow":
        return i.encodeFunctionData("borrow", [action.account, action.asset, action.amount, to]);
      case "transfer":
        return i.encodeFunctionData("transfer", [
          action.from,
          action.to,
          action.asset,
          action.amount,
          action.mayBorrow ?? false,
        ]);
      case "setOff":
        return i.encodeFunctionData("setOff", [action.account, action.pool]);
      case "setModel":
        return i.encodeFunctionData("setModel", [action.account, action.model]);
      case "reduceOnly":
        return i.encodeFunctionData("reduceOnly", [action.account]);
      case "bid":
        return i.encodeFunctionData("bid", [action.account, action.bidder, action.fraction, action.limit]);
    }
  };

  const request = async (step: Step): Promise<{ from: Signer; to: string; data: string }> => {
    if (step.kind !== "act") {
      const i = p.auction.interface;
      const feeTo = oneOf(seeded(Number(BigInt(step.account) % 97n)), ids as [string]);
      const data =
        step.kind === "start"
          ? i.encodeFunctionData("start", [step.account, feeTo])
          : i.encodeFunctionData(step.kind as "poke", [step.account]);
      return { from: p.dave, to: await p.auction.getAddress(), data };
    }
    const from = people[step.actor] ?? p.alice;
    const to = await p.safe.getAddress();
    const [first, ...more] = await Promise.all(step.actions.map((action) => dataOf(action, step.actor)));
    if (first !== undefined && more.length === 0) return { from, to, data: first };
    const calls = [first ?? "0x", ...more].map((data) => ({ target: ZeroAddress, data }));
    return { from, to, data: p.safe.interface.encodeFunctionData("batch", [calls]) };
  };

  const errorIn = (error: unknown): string => {
    for (
      let at = error;
      typeof at === "object" && at !== null;
      at = (at as { cause?: unknown; data?: unknown }).cause
    ) {
      const { data } = at as { data?: unknown };
      if (typeof data === "string" && data.length >= 10) return data;
      if (typeof data === "object" && data !== null && "data" in data) return String(data.data);
    }
    throw error;
  };

  const named = (data: string): string => {
    const parsed = types.parseError(data);
    if (parsed === null) return `unknown ${data}`;
    const args = [...(parsed.args as Iterable<unknown>)];
    if (parsed.name === "CallFailed") return `${String(args[0])}: ${named(String(args[1]))}`;
    return errorText(
      parsed.name,
      args.map((arg) => textOf(parsed.name, arg)),
    );
  };

  /** A broken rule is text in 32 bytes. */
  const textOf = (name: string, arg: unknown): unknown =>
    name === "NotReduceOnly" && String(arg).endsWith("00") && String(arg).length === 66 && !ids.includes(String(arg))
      ? Buffer.from(String(arg).slice(2), "hex").toString().replaceAll("\0", "")
      : arg;

  /** Undefined: it passed. */
  const sent = async (step: Step): Promise<string | undefined> => {
    const { from, to, data } = await request(step);
    const call = { from: await from.getAddress(), to, data, gas: "0xf42400" };
    try {
      await p.ethers.provider.send("eth_call", [call, "pending"]);
    } catch (error) {
      return named(errorIn(error));
    }
    const receipt = await (await from.sendTransaction({ to, data, gasLimit: 16_000_000 })).wait();
    expect(receipt?.status).to.equal(1);
    return undefined;
  };

  // ---------------------------------------------------------------- what must come of it

  const expectSame = async (time: bigint, after: After): Promise<void> => {
    const { market, accounts } = after;
    const block = await p.ethers.provider.getBlock("latest");
    expect(BigInt(block?.timestamp ?? 0)).to.equal(time);
    for (const pool of market.pools.values()) {
      const [supply, debt] = await p.safe.poolWords(pool.number);
      const words = decodePoolWords(supply, debt);
      expect(pool, `pool ${pool.number}`).to.deep.include(words);
      expect(pool.tokens).to.equal(await p.ethers.provider.call(balanceCall(pool.token)).then(BigInt));
      expect(pool.outflowLeft ?? MAX).to.equal(await p.safe.outflowLeft(pool.number));
    }
    for (const idle of market.idles.values()) {
      expect(idle.held, `held of ${idle.asset}`).to.equal(await p.safe.totalCollateral(idle.asset));
      expect(idle.room, `room of ${idle.asset}`).to.equal(await p.safe.collateralRoom(idle.asset));
    }
    for (const account of accounts.values()) {
      const words = [...(await p.safe.words(account.id))];
      expect(encodeWords(account), `words of ${account.id}`).to.deep.equal(words);
      await expectMargins(market, account);
    }
  };

  const balanceCall = (to: string) => ({
    to,
    data: p.tokens.USDC.interface.encodeFunctionData("balanceOf", [p.deployment.contracts.safe]),
  });

  const expectMargins = async (market: Market, account: Account): Promise<void> => {
    const [flags, holdings] = await p.safe.portfolio(account.id);
    const list = [...holdings];
    expect(encodeFlags(account)).to.equal(flags);
    const [initial, [maintenance, mtm, liabilities], mid] = await Promise.all([
      p.engine.initialMargin(account.id, flags, list),
      p.engine.liquidationMargin(account.id, flags, list),
      p.engine.midMargin(account.id, flags, list),
    ]);
    expect(weigh(market, account, INITIAL).initial).to.equal(initial);
    expect(weigh(market, account, LIQUIDATION)).to.include({ maintenance, mtm, liabilities });
    const middle = weigh(market, account, MID);
    expect([middle.initial, middle.maintenance, middle.mtm]).to.deep.equal([...mid]);
  };

  const expectStatus = async (market: Market, account: Account): Promise<void> => {
    const stored = auctions.get(account.id) ?? NO_AUCTION;
    const chain = await p.auction.status(account.id);
    const proven = await continuous(market, account.id, stored, "latest");
    const mine = auctionStatus(market, account, stored, proven);
    const { phase, clock, lastTick, reserved, maintenance, mtm } = mine;
    const { bufferMargin, discountFactor, maxFraction, priceOfMax, liquidatable } = mine;
    expect([
      BigInt(phase),
      ...[clock, lastTick, reserved, maintenance, mtm, bufferMargin, discountFactor, maxFraction, priceOfMax],
      liquidatable,
    ]).to.deep.equal([...chain]);
  };

  const reckoned = async (step: Step, market: Market, accounts: readonly Account[]): Promise<Outcome<After>> => {
    if (step.kind === "act") {
      const actions = await completed(step.actions, step.actor, market);
      return attempt(() => act(market, accounts, actions));
    }
    const account = accounts.find(({ id }) => id === step.account);
    if (account === undefined) throw new Error("no such account");
    const stored = auctions.get(account.id) ?? NO_AUCTION;
    const feeTo = oneOf(seeded(Number(BigInt(step.account) % 97n)), ids as [string]);
    const proven = step.kind === "poke" && (await continuous(market, account.id, stored));
    return attempt(() => {
      const done =
        step.kind === "start"
          ? startAuction(market, account, feeTo, stored)
          : step.kind === "end"
            ? endAuction(market, account, stored)
            : { account, auction: pokeAuction(market, account, stored, proven) };
      auctions.set(account.id, done.auction);
      const all = new Map(accounts.map((each) => [each.id, each] as const)).set(account.id, done.account);
      return { market, accounts: all, amounts: [], bids: [] };
    });
  };

  const keepAuctions = (step: Step, { bids }: After): void => {
    if (step.kind !== "act") return;
    for (const [i, action] of step.actions.entries()) {
      const result = bids[i];
      if (action.kind === "bid" && result !== undefined) auctions.set(action.account, result.auction);
      if (result !== undefined) note(result.price < 0n ? "insolvent bid" : "bid");
      if (result !== undefined && result.writtenOff > 0n) note("write-off");
      if (result !== undefined && result.fee > 0n) note("fee");
    }
  };

  const errorName = (outcome: Outcome<After>, step: Step): string | undefined => {
    if (outcome.ok) return undefined;
    const { error } = outcome;
    const text = errorText(error.errorName, error.args);
    const isBatch = step.kind === "act" && step.actions.length > 1;
    return isBatch && error.step !== undefined ? `${error.step}: ${text}` : text;
  };

  const disturb = async (r: Random): Promise<void> => {
    if (r(4) === 0) {
      const symbol = oneOf(r, ["WETH", "WBTC", "stETH"] as const);
      const crash = r(5) === 0 ? 0.55 : 0.8 + r(400) / 1_000;
      await p.setPrice(symbol, Math.round(dollars[symbol] * crash));
    }
    if (r(6) === 0) await p.safe.pause(r(2) === 0 ? 0 : r(16), (await p.networkHelpers.time.latest()) + 600);
    if (r(3) === 0) await p.advance(oneOf(r, [30, 600, 3_600, 40_000]));
    else await p.refreshFeeds();
    if (r(10) === 0) await p.sizeCheckpoints.update(oneOf(r, [p.ids.WETH, p.ids.stETH])).catch(() => undefined);
  };

  /** Something in every account to begin with, and in every second walk in the fund's. */
  const open = async (r: Random): Promise<void> => {
    await p.safe.pause(0, 0);
    const fund = await p.deposit(p.dave, "USDC", p.units("USDC", 3_000), BigInt(r(1_000)));
    if (r(2) === 0) await p.safe.setInsurance(fund);
    else await p.safe.setInsurance(accountId(await p.dave.getAddress(), 10_000n + BigInt(r(1_000))));
    for (const id of ids) {
      const person = people[ownerIndex(id)] ?? p.alice;
      const symbol = oneOf(r, SYMBOLS);
      const amount = p.units(symbol, String(Math.round(60_000 / dollars[symbol])));
      const { flags } = await readAccount(id);
      if (!flags.inAuction)
        await p.safe
          .connect(person)
          .deposit(id, p.ids[symbol], amount)
          .catch(() => undefined);
    }
  };

  for (let seed = 1; seed <= WALKS; seed++) {
    it(`previews ${STEPS} random steps of walk ${seed} exactly, or names the error that refuses them`, async () => {
      const r = seeded(seed);
      await open(r);
      for (let i = 0; i < STEPS; i++) {
        await disturb(r);
        const time = BigInt(await p.networkHelpers.time.latest()) + BigInt(1 + r(70));
        await p.networkHelpers.time.setNextBlockTimestamp(time);
        const market = await readMarket(p, { time, maxPartBps: MAX_PART });
        const accounts = await Promise.all([...ids, await fundId()].map(readAccount));
        const step = randomStep(r, market, accounts);
        const what = `walk ${seed}, step ${i}: ${step.kind === "act" ? step.actions.map(({ kind }) => kind).join() : step.kind}`;
        const mine = await reckoned(step, market, accounts);
        const refusal = await sent(step);
        if (refusal !== undefined && POOR.test(refusal)) continue;
        expect(errorName(mine, step), what).to.equal(refusal);
        note(refusal === undefined ? "passed" : refusal.replace(/^\d+: /, "").replace(/\(.*/, ""));
        if (!mine.ok) continue;
        keepAuctions(step, mine.value);
        await expectSame(time, mine.value);
        for (const account of mine.value.accounts.values()) await expectStatus(mine.value.market, account);
      }
    });
  }

  it("met every kind of end", () => {
    for (const what of ["passed", "bid", "insolvent bid", "write-off", "fee"])
      expect(seen.get(what), what).to.be.above(0);
    expect(seen.size, [...seen.keys()].join()).to.be.above(15);
  });
});
