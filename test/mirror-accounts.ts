// The whole mirror end to end: spot, perps and options of real accounts on the deployed protocol, both models, while people trade, prices
// move, attestations age, funding runs, markets freeze and options expire. After every move each account's margins, ledger and lens are
// compared with what the contracts say, to the wei and to the error; each fill with what was foretold.
import { expect } from "chai";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";

import { LOCAL_ATTESTERS } from "../deploy/config/localDerivatives.ts";
import { derivativeContracts } from "../sdk/addresses.ts";
import { CREDIT_TYPES, creditDomain, orderCreditSignatures } from "../sdk/attestations.ts";
import { decodeInstrument, decodePosition, optionWord, perpWord } from "../sdk/instruments.ts";
import { decodeAccount, type Account } from "../sdk/mirror/account.ts";
import { feeOf, type FillLeg } from "../sdk/mirror/derivatives/fees.ts";
import { filled, filledOneSide } from "../sdk/mirror/derivatives/fills.ts";
import {
  ledgerOf,
  markAt,
  settleable,
  touched,
  unsettledOf,
  type LedgerAccount,
} from "../sdk/mirror/derivatives/ledger.ts";
import { explain } from "../sdk/mirror/derivatives/lens.ts";
import type { LedgerMarket } from "../sdk/mirror/derivatives/market.ts";
import { modelInput } from "../sdk/mirror/input.ts";
import type { Market } from "../sdk/mirror/market.ts";
import { INITIAL, LIQUIDATION, MID, type Margins, type Purpose } from "../sdk/mirror/model.ts";
import { prepare } from "../sdk/mirror/prepared.ts";
import { midPrice } from "../sdk/mirror/prices.ts";
import { holdingsOf, weigh } from "../sdk/mirror/weigh.ts";
import {
  AttestedFeed__factory,
  type CreditTiers,
  CreditTiers__factory,
  IMarginEngine__factory,
  PortfolioModel__factory,
  StandardModel__factory,
} from "../types/ethers-contracts/index.js";
import { chainAnswer, mirrorAnswer } from "./helpers/answers.ts";
import { signTrade } from "./helpers/derivatives.ts";
import { readLedgerMarket } from "../sdk/reader/ledgerMarket.ts";
import { readMarket } from "./helpers/market-reader.ts";
import { Random } from "./helpers/portfolios.ts";
import { accountId, deployProtocol, type Protocol } from "./helpers/protocol.ts";

const WAD = 10n ** 18n;
const CASH_UNIT = 10n ** 12n;
const [ETH, BTC] = [2, 3];
const UNDERLYINGS = [ETH, BTC] as const;
const STRIKE_UNIT = 10n ** 10n;
const FUNCTIONS = ["initialMargin", "liquidationMargin", "midMargin"] as const;
const PURPOSES = [INITIAL, LIQUIDATION, MID] as const;
const YEAR = 31_536_000n;
const STEPS = 24;
const PATIENCE = 900_000;

/** Heard through the engine. */
const ERRORS = [
  IMarginEngine__factory.createInterface(),
  StandardModel__factory.createInterface(),
  PortfolioModel__factory.createInterface(),
  AttestedFeed__factory.createInterface(),
];

type LedgerMarketed = Market & { readonly ledger: LedgerMarket };

const asAsked = (m: Margins, purpose: Purpose): unknown[] => {
  if (purpose === INITIAL) return [m.initial];
  if (purpose === LIQUIDATION) return [m.maintenance, m.mtm, m.liabilities, m.unsettledLoss];
  return [m.initial, m.maintenance, m.mtm];
};

/** One protocol with its people, and everything that the mirror is given of it. */
class Venue {
  readonly expiries: { underlying: number; expiry: number }[];
  readonly people: readonly HardhatEthersSigner[];
  compared = 0;
  refused = 0;
  credited = 0;
  foretold = 0;

  constructor(readonly p: Protocol) {
    this.people = [p.alice, p.bob, p.carol, p.dave];
    this.expiries = Object.values(p.deployment.underlyings).flatMap(({ number, expiries }) =>
      expiries.slice(0, 4).map((expiry) => ({ underlying: number, expiry })),
    );
  }

  get d(): ReturnType<Protocol["derivatives"]> {
    return this.p.derivatives();
  }

  get tiers(): CreditTiers {
    return CreditTiers__factory.connect(derivativeContracts(this.p.deployment).creditTiers, this.p.deployer);
  }

  /** Has the local attesters say so, for `term` seconds. */
  async credit(owner: HardhatEthersSigner, tier: number, term: number): Promise<void> {
    const { p, tiers } = this;
    const issuedAt = await this.now();
    const credit = { owner: owner.address, tier, issuedAt, expiry: issuedAt + term };
    const domain = creditDomain(p.deployment.chainId, await tiers.getAddress());
    const attesters = (await p.ethers.getSigners()).filter(({ address }) => LOCAL_ATTESTERS.some((a) => a === address));
    const signed = await Promise.all(attesters.map((signer) => signer.signTypedData(domain, CREDIT_TYPES, credit)));
    await tiers.attest(credit, orderCreditSignatures(domain, credit, signed));
  }

  async now(): Promise<number> {
    return this.p.networkHelpers.time.latest();
  }

  async ledger(): Promise<LedgerMarket> {
    const { d } = this;
    return readLedgerMarket(
      this.p.ethers.provider,
      {
        positions: await d.positions.getAddress(),
        attestedFeed: await d.attestedFeed.getAddress(),
        settlementPrices: await d.settlementPrices.getAddress(),
        realizedVolatility: await d.realizedVolatility.getAddress(),
        exchange: await d.exchange.getAddress(),
      },
      { expiries: this.expiries, options: true },
    );
  }

  async market(): Promise<LedgerMarketed> {
    // views see the last block's time
    const time = BigInt(await this.now());
    return { ...(await readMarket(this.p, { time, maxPartBps: 0n })), ledger: await this.ledger() };
  }

  async account(owner: HardhatEthersSigner): Promise<Account> {
    const id = accountId(owner.address);
    const partBps = await this.tiers.partOf(id);
    const { expiry } = await this.tiers.creditOf(owner.address);
    const ledger = {
      quote: await this.d.positions.quoteOf(id),
      positions: [...(await this.d.positions.positionsOf(id))],
    };
    const words = [...(await this.p.safe.words(id))];
    return decodeAccount(id, words, ledger, partBps === 0n ? undefined : { partBps, expiry });
  }

  async stored(owner: HardhatEthersSigner): Promise<LedgerAccount> {
    const { quote, positions } = await this.account(owner);
    return { quote, positions };
  }

  /** Everything of everybody, mirror against chain. */
  async compareAll(what: string): Promise<void> {
    await this.p.networkHelpers.mine();
    const market = await this.market();
    const accounts = await Promise.all(this.people.map((owner) => this.account(owner)));
    for (const account of accounts) {
      await this.compareMargins(market, account, what);
      await this.compareLedger(market, account, accounts, what);
      await this.compareLens(market, account, what);
    }
    for (const underlying of UNDERLYINGS) {
      const chain = await chainAnswer(this.p.connection.provider, this.d.positions, "markPrice", [underlying], ERRORS);
      const mirror = mirrorAnswer(() => [
        market.ledger.perps.get(underlying)?.frozen === true
          ? markAt(market.ledger, underlying, 0n, market.time)
          : markAt(market.ledger, underlying, midPrice(market, underlying), market.time),
      ]);
      expect(mirror, `${what}: mark of ${underlying}`).to.deep.equal(chain);
    }
  }

  private async compareMargins(market: LedgerMarketed, account: Account, what: string): Promise<void> {
    const { flags, holdings } = await this.p.safe.portfolio(account.id);
    for (const purpose of PURPOSES) {
      const name = FUNCTIONS[purpose];
      const { provider } = this.p.connection;
      const chain = await chainAnswer(provider, this.p.engine, name, [account.id, flags, [...holdings]], ERRORS);
      const mirror = mirrorAnswer(() => asAsked(weigh(market, account, purpose), purpose));
      expect(mirror, `${what}: ${name} of ${account.id}`).to.deep.equal(chain);
      if (purpose === INITIAL && chain.error === undefined && account.credit !== undefined) {
        const plain = { ...account, flags: { ...account.flags, model: (account.flags.model & 1) as 0 | 1 } };
        if (weigh(market, plain, purpose).initial < weigh(market, account, purpose).initial) this.credited++;
      }
      if (chain.error === undefined) this.compared++;
      else this.refused++;
    }
  }

  private async compareLedger(
    market: LedgerMarketed,
    account: Account,
    others: readonly Account[],
    what: string,
  ): Promise<void> {
    const { positions } = this.d;
    const { provider } = this.p.connection;
    const chain = await positions.ledgerOf(account.id);
    const mine = ledgerOf(market.ledger, account, market.time);
    expect(mine.quote, `${what}: quote`).to.equal(chain.quote);
    expect(mine.positions, `${what}: positions`).to.deep.equal([...chain.positions].map(decodePosition));
    expect(
      mine.perps.map((s) => [s.markRatio, s.frozenMark, s.openInterest, s.slowOpenInterest, s.confidence, s.stale]),
      `${what}: perps`,
    ).to.deep.equal([...chain.perps].map((s) => [...s]));
    const indices = (underlying: number): bigint => midPrice(market, underlying);
    expect(
      mirrorAnswer(() => [unsettledOf(market.ledger, account, indices, market.time)]),
      `${what}: U`,
    ).to.deep.equal(await chainAnswer(provider, positions, "unsettledOf", [account.id], ERRORS));
    for (const loser of others) {
      if (loser.id === account.id) continue;
      expect(
        mirrorAnswer(() => [settleable(market.ledger, account, loser, indices, market.time, CASH_UNIT)]),
        `${what}: settleable`,
      ).to.deep.equal(await chainAnswer(provider, positions, "settleable", [account.id, loser.id], ERRORS));
    }
  }

  private async compareLens(market: LedgerMarketed, account: Account, what: string): Promise<void> {
    const chain = await chainAnswer(this.p.connection.provider, this.d.ledgerLens, "ledgerView", [account.id], ERRORS);
    if (chain.error !== undefined) return;
    const [view] = chain.value as [unknown[]];
    const [, quote, unsettled, optionValue, , , , , , positions, underlyings] = view;
    const ledger = ledgerOf(market.ledger, account, market.time);
    const mine = explain(
      modelInput(prepare(market), holdingsOf(market, account), MID, ledger),
      market.ledger,
      market.time,
    );
    expect([ledger.quote, mine.unsettled, mine.optionValue], `${what}: lens`).to.deep.equal([
      quote,
      unsettled,
      optionValue,
    ]);
    expect(
      mine.positions.map((x) => [x.word, x.size, x.mark, x.volatility, x.value]),
      `${what}: positions of the lens`,
    ).to.deep.equal(positions);
    // the lens leaves out what the account has nothing of
    const held = mine.underlyings.filter(
      (u) => u.spotAmount !== 0n || ledger.positions.some((x) => x.instrument.underlying === u.number),
    );
    expect(
      held.map((u) => [
        ...[BigInt(u.number), u.index, u.spotAmount, u.delta, u.gamma, u.vega, u.theta, u.rho, u.optionValue],
        ...[u.pnl, u.basis, u.worst, u.chargeMaintenance, u.chargeInitial],
      ]),
      `${what}: underlyings of the lens`,
    ).to.deep.equal(underlyings);
  }

  /** Fills an order if it may be filled, and holds what became of both ledgers against what was foretold. */
  async trade(
    buyer: HardhatEthersSigner,
    seller: HardhatEthersSigner,
    word: bigint,
    size: bigint,
    price: bigint,
  ): Promise<void> {
    const { p, d } = this;
    const match = await signTrade(p, { buyer, seller, instrument: word, size, price });
    const market = await this.market();
    const [maker, taker] = [await this.stored(seller), await this.stored(buyer)];
    const leg: FillLeg = { instrument: decodeInstrument(word), size: -size, price };
    const indices = (underlying: number): bigint => midPrice(market, underlying);
    const fees = await Promise.all(
      [seller, buyer].map(async ({ address }, i) => {
        const volume = await d.exchange.volumeOf(address);
        const fee = feeOf(market.ledger.fees, [leg], indices, volume, i === 0);
        const chain = await d.exchange.feeOf(
          accountId(address),
          [{ instrument: word, size: leg.size, price }],
          i === 0,
        );
        expect(fee, "fee").to.equal(chain);
        return fee;
      }),
    );
    const sent = await d.exchange
      .connect(p.keeper)
      .fillOrder(match, `0x${"0".repeat(64)}`)
      .catch(() => undefined);
    if (sent === undefined) return;
    const time = BigInt(await this.now());
    const sides = [
      { account: maker, fee: fees[0] ?? 0n },
      { account: taker, fee: fees[1] ?? 0n },
    ] as const;
    const foretold = filled(market.ledger, [leg], ...sides, CASH_UNIT, time);
    expect(await this.stored(seller), "the maker after the fill").to.deep.equal(foretold.maker);
    expect(await this.stored(buyer), "the taker after the fill").to.deep.equal(foretold.taker);
    const [alone, other] = [
      filledOneSide(market.ledger, [leg], sides[0], true, CASH_UNIT, time),
      filledOneSide(market.ledger, [{ ...leg, size }], sides[1], false, CASH_UNIT, time),
    ];
    expect([alone.account, other.account]).to.deep.equal([foretold.maker, foretold.taker]);
    expect([alone.cash, -other.cash]).to.deep.equal([foretold.cash, foretold.cash]);
    const after = await this.ledger();
    expect(foretold.ledger.perps, "perp markets after the fill").to.deep.equal(after.perps);
    expect(foretold.ledger.expiries, "expiries after the fill").to.deep.equal(after.expiries);
    this.foretold++;
  }

  async touch(owner: HardhatEthersSigner): Promise<void> {
    const ledger = await this.ledger();
    const before = await this.stored(owner);
    await this.d.positions.touch(accountId(owner.address));
    const time = BigInt(await this.now());
    expect(await this.stored(owner), "after a touch").to.deep.equal(touched(ledger, before, time));
  }

  /** Smiles with a slant, forwards apart from the index, a premium: all seen now. */
  async attest(random: Random): Promise<void> {
    const { p } = this;
    await p.networkHelpers.mine();
    const timestamp = await this.now();
    for (const underlying of UNDERLYINGS) {
      const live = this.expiries.filter((e) => e.underlying === underlying && e.expiry > timestamp);
      const forwardReference = await p.engine.midPrice(underlying);
      const premium = random.between(-WAD / 2_000n, WAD / 2_000n);
      await p.attest({
        kind: "premium",
        value: { underlying, premium, confidence: WAD - random.big(WAD / 2n), timestamp },
      });
      if (live.length === 0) continue;
      await p.attest({
        kind: "forwards",
        value: {
          underlying,
          timestamp,
          forwards: live.map(({ expiry }) => ({
            expiry,
            ratio: WAD + random.between(0n, WAD / 2_000n),
            rate: random.between(-WAD / 50n, WAD / 20n),
            forwardConfidence: WAD,
            rateConfidence: WAD - random.big(WAD / 4n),
          })),
        },
      });
      await p.attest({
        kind: "surface",
        value: {
          underlying,
          timestamp,
          slices: live.map(({ expiry }) => {
            const variance = (WAD * 36n * BigInt(expiry - timestamp)) / (100n * YEAR);
            return {
              expiry,
              a: (variance * 9n) / 10n,
              b: variance / 3n,
              rho: -WAD / 5n,
              m: 0n,
              sigma: WAD / 4n,
              forwardReference,
              confidence: WAD - random.big(WAD / 3n),
            };
          }),
        },
      });
    }
  }
}

describe("the mirror of whole accounts", function () {
  this.timeout(PATIENCE);

  const prepareVenue = async (twap: boolean, random: Random): Promise<Venue> => {
    const p = await deployProtocol({ handover: false, twap });
    const v = new Venue(p);
    await p.lend(p.keeper, "USDC", p.units("USDC", 3_000_000));
    await p.lend(p.keeper, "WETH", p.units("WETH", 500));
    await p.deposit(p.alice, "USDC", p.units("USDC", 400_000));
    await p.deposit(p.bob, "USDC", p.units("USDC", 300_000));
    await p.deposit(p.bob, "WETH", p.units("WETH", 30));
    await p.deposit(p.carol, "WETH", p.units("WETH", 120));
    await p.deposit(p.carol, "WBTC", p.units("WBTC", 2));
    await p.deposit(p.dave, "stETH", p.units("stETH", 90));
    await p.deposit(p.dave, "USDC", p.units("USDC", 50_000));
    await p.borrow(p.carol, "USDC", p.units("USDC", 60_000));
    await p.borrow(p.bob, "WETH", p.units("WETH", 3)).catch(() => undefined);
    await v.attest(random);
    await v.tiers.setParts([0, 500, 1_000, 2_000, 3_333, 5_000, 5_000, 5_000]);
    await v.credit(p.alice, 5, 86_400);
    await v.credit(p.carol, 4, 6_000); // over before the end
    await p.safe.connect(p.alice).setModel(accountId(p.alice.address), 2);
    await p.safe.connect(p.bob).setModel(accountId(p.bob.address), 1);
    await p.safe.connect(p.carol).setModel(accountId(p.carol.address), 3);
    return v;
  };

  const someOption = async (v: Venue, random: Random): Promise<bigint | undefined> => {
    const now = await v.now();
    const live = v.expiries.filter((e) => e.expiry > now);
    if (live.length === 0) return undefined;
    const { underlying, expiry } = random.pick(live);
    const listed = await v.d.positions.optionsOf(underlying, expiry);
    return listed.length === 0 ? undefined : random.pick([...listed]);
  };

  const move = async (v: Venue, random: Random): Promise<string> => {
    const { p } = v;
    const what = random.pick([
      "perp",
      "perp",
      "option",
      "option",
      "option",
      "price",
      "wait",
      "attest",
      "poke",
      "touch",
      "model",
    ]);
    const [buyer, seller] = [random.pick(v.people), random.pick(v.people)];
    const owner = buyer;
    switch (what) {
      case "perp":
      case "option": {
        if (buyer === seller) return what;
        if (!random.oneIn(4)) {
          await p.refreshFeeds();
          await v.attest(random).catch(() => undefined);
        }
        const option = what === "option" ? await someOption(v, random) : undefined;
        const underlying = random.pick(UNDERLYINGS);
        const word = option ?? perpWord(underlying);
        const { underlying: of } = decodeInstrument(word);
        const index = await p.engine.midPrice(of).catch(() => 0n);
        if (index === 0n) return what;
        const size = random.between(WAD / 100n, of === BTC ? WAD / 4n : 4n * WAD);
        const price =
          option === undefined ? (index * random.between(990n, 1_010n)) / 1_000n : index / random.between(15n, 60n);
        await v.trade(buyer, seller, word, size, price);
        return what;
      }
      case "price": {
        const [symbol, base] = random.pick([
          ["WETH", 2_500],
          ["WBTC", 60_000],
          ["stETH", 2_500],
          ["USDC", 1],
        ] as const);
        await p.setPrice(
          symbol,
          base * (symbol === "USDC" ? 0.97 + random.int(40) / 1_000 : 0.93 + random.int(140) / 1_000),
        );
        return `${what} of ${symbol}`;
      }
      case "wait":
        await p.networkHelpers.time.increase(random.pick([30, 400, 1_000, 3_000]));
        if (!random.oneIn(4)) await p.refreshFeeds();
        return what;
      case "attest":
        await p.refreshFeeds();
        // a jump may be more than the feed takes
        await v.attest(random).catch(() => undefined);
        return what;
      case "poke":
        for (const underlying of UNDERLYINGS) {
          await v.d.positions.pokeFunding(underlying).catch(() => undefined);
          await v.d.positions.checkpointOpenInterest(underlying).catch(() => undefined);
          await v.d.realizedVolatility.observe(underlying).catch(() => undefined);
        }
        return what;
      case "touch":
        await v.touch(owner);
        return what;
      default:
        await p.safe
          .connect(owner)
          .setModel(accountId(owner.address), random.int(4))
          .catch(() => undefined);
        return what;
    }
  };

  for (const twap of [false, true]) {
    it(`follows ${STEPS} random moves ${twap ? "with a second source of prices" : "with one source of prices"}`, async () => {
      const random = new Random(twap ? 2 : 1);
      const v = await prepareVenue(twap, random);
      await v.compareAll("at first");
      for (let step = 0; step < STEPS; step++) {
        const what = await move(v, random);
        if (step % 3 === 0) await v.compareAll(`step ${step}, ${what}`);
      }
      console.log(`      ${v.compared} margins, ${v.refused} refused, ${v.foretold} fills foretold`);
      expect(v.foretold).to.be.greaterThan(3);
      expect(v.compared).to.be.greaterThan(60);
      expect(v.credited).to.be.greaterThan(0);
    });
  }

  it("follows a market into its freeze and its end", async () => {
    const random = new Random(3);
    const v = await prepareVenue(false, random);
    const { p, d } = v;
    for (let i = 0; i < 6; i++) {
      const index = await p.engine.midPrice(ETH);
      const [buyer, seller] = i % 2 === 0 ? [p.alice, p.bob] : [p.dave, p.carol];
      await v.trade(buyer, seller, perpWord(ETH), WAD * BigInt(i + 1), index);
    }
    await d.positions.pokeFunding(ETH);
    await p.networkHelpers.time.increase(1_000);
    await v.compareAll("funded");
    const mark = (await d.positions.markPrice(ETH)) + 12_345n;
    await d.positions.freezePerp(ETH, mark);
    await v.compareAll("frozen");
    await p.setPrice("WETH", 2_222);
    await v.compareAll("frozen, the index elsewhere");
    await v.trade(p.bob, p.alice, perpWord(ETH), WAD, mark);
    await d.positions.closePerp(ETH);
    await v.compareAll("closed");
    await v.touch(p.alice);
    await v.touch(p.carol);
    await v.compareAll("touched");
  });

  it("follows options through the averaging window, their expiry and their settlement", async () => {
    const random = new Random(4);
    const v = await prepareVenue(false, random);
    const { p, d } = v;
    const { expiry } = v.expiries.find((e) => e.underlying === ETH) ?? { expiry: 0 };
    const index = await p.engine.midPrice(ETH);
    const strikes = (await d.positions.optionsOf(ETH, expiry)).map((word) => (word >> 14n) & ((1n << 64n) - 1n));
    const away = (s: bigint): bigint => (s * STRIKE_UNIT > index ? s * STRIKE_UNIT - index : index - s * STRIKE_UNIT);
    const strike = strikes.reduce((best, s) => (away(s) < away(best) ? s : best));
    for (const [i, isCall] of [true, false, true].entries()) {
      const word = optionWord({ underlying: ETH, expiry, strike, isCall });
      const [buyer, seller] = i === 2 ? [p.carol, p.alice] : [p.alice, p.bob];
      await v.trade(buyer, seller, word, 2n * WAD + BigInt(i), index / 30n);
    }
    await p.advance(expiry - 2_000 - (await v.now()));
    await v.attest(random);
    await v.compareAll("before the window");
    const usdc: bigint[] = [];
    const eth: bigint[] = [];
    const submit = async (): Promise<void> => {
      usdc.push(await p.feeds.USDC.latestRound());
      eth.push(await p.feeds.WETH.latestRound());
      await d.settlementPrices.submit(1, expiry, usdc).catch(() => undefined);
      await d.settlementPrices.submit(ETH, expiry, eth).catch(() => undefined);
    };
    for (let left = 1_700; left > 0; left -= 400) {
      await p.networkHelpers.time.increaseTo(expiry - left);
      await submit();
      await p.setPrice("WETH", 2_400 + random.int(200));
      await v.attest(random).catch(() => undefined);
      await v.compareAll(`${left} seconds before`);
    }
    await p.networkHelpers.time.increaseTo(expiry + 5);
    await p.refreshFeeds();
    await v.compareAll("expired");
    for (const [asset, feed] of [
      [1, p.feeds.USDC],
      [ETH, p.feeds.WETH],
    ] as const) {
      const last = await feed.latestRound();
      const first = asset === 1 ? usdc[0] : eth[0];
      const rounds = Array.from({ length: Number(last - (first ?? last)) + 1 }, (_, i) => (first ?? last) + BigInt(i));
      await d.settlementPrices.submit(asset, expiry, rounds).catch(() => undefined);
    }
    expect((await d.settlementPrices.settlementPrice(ETH, expiry)).isFinal).to.equal(true);
    await v.compareAll("final");
    await d.positions.settleExpiry(ETH, expiry);
    await v.compareAll("settled");
    for (const owner of v.people) await v.touch(owner);
    await v.compareAll("touched");
  });
});
