// Bids on accounts with perps and options: what bidder, account, pools and markets are afterwards, mirror against chain.
import { expect } from "chai";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";

import { encodePosition, optionWord, perpWord } from "../sdk/instruments.ts";
import { type Account, decodeAccount, encodeWords } from "../sdk/mirror/account.ts";
import { act } from "../sdk/mirror/actions/act.ts";
import { type Auction, auctionStatus, NO_AUCTION, startAuction } from "../sdk/mirror/auction.ts";
import type { Market } from "../sdk/mirror/market.ts";
import { LIQUIDATION } from "../sdk/mirror/model.ts";
import { decodePoolWords } from "../sdk/mirror/pools.ts";
import { weigh } from "../sdk/mirror/weigh.ts";
import { attestFlat, trade } from "./helpers/derivatives.ts";
import { readLedgerMarket } from "../sdk/reader/ledgerMarket.ts";
import { readMarket } from "./helpers/market-reader.ts";
import { accountId, deployProtocol, MAX, type Protocol, WAD } from "./helpers/protocol.ts";

const ETH = 2;
const NO_FEE = `0x${"0".repeat(64)}`;

describe("Bids on perps and options, mirror against chain", function () {
  this.timeout(120_000);
  let p: Protocol;
  let expiries: readonly number[];
  let strike: bigint;

  const idOf = ({ address }: HardhatEthersSigner): string => accountId(address).toLowerCase();

  const accountOf = async (id: string): Promise<Account> => {
    const { positions } = p.derivatives();
    return decodeAccount(id, [...(await p.safe.words(id))], {
      quote: await positions.quoteOf(id),
      positions: [...(await positions.positionsOf(id))],
    });
  };

  const readLedger = async () => {
    const { positions, attestedFeed, settlementPrices, realizedVolatility } = p.derivatives();
    const addresses = {
      positions: await positions.getAddress(),
      attestedFeed: await attestedFeed.getAddress(),
      settlementPrices: await settlementPrices.getAddress(),
      realizedVolatility: await realizedVolatility.getAddress(),
    };
    return readLedgerMarket(p.ethers.provider, addresses, {
      expiries: expiries.map((expiry) => ({ underlying: ETH, expiry })),
    });
  };

  /** What a transaction at the next block's time will find. */
  const next = async (): Promise<Market> => {
    const time = BigInt(await p.networkHelpers.time.latest()) + 13n;
    await p.networkHelpers.time.setNextBlockTimestamp(time);
    return { ...(await readMarket(p, { time, maxPartBps: 5_000n })), ledger: await readLedger() };
  };

  const expectSame = async (market: Market, account: Account): Promise<void> => {
    const chain = await accountOf(account.id);
    expect(encodeWords(account), "words").to.deep.equal([...(await p.safe.words(account.id))]);
    expect(account.quote, "quote").to.equal(chain.quote);
    expect(account.positions.map(encodePosition), "positions").to.deep.equal(chain.positions.map(encodePosition));
    const [flags, holdings] = await p.safe.portfolio(account.id);
    const [maintenance, mtm, liabilities, unsettledLoss] = await p.engine.liquidationMargin(account.id, flags, [
      ...holdings,
    ]);
    expect(weigh(market, account, LIQUIDATION)).to.include({ maintenance, mtm, liabilities, unsettledLoss });
  };

  beforeEach(async () => {
    p = await deployProtocol({ handover: false });
    expiries = (p.deployment.underlyings["ETH"]?.expiries ?? []).slice(0, 2);
    await attestFlat(p, { underlying: ETH, expiries, volatility: 0.6, premium: 0.0003 });
    for (const person of [p.alice, p.bob, p.carol]) await p.deposit(person, "USDC", p.units("USDC", 60_000));
    await p.deposit(p.dave, "USDC", p.units("USDC", 500_000));
    await p.deposit(p.alice, "stETH", p.units("stETH", 3));
    const listed = await p.derivatives().positions.optionsOf(ETH, expiries[0] ?? 0);
    const index = await p.engine.midPrice(ETH);
    const strikes = [...new Set(listed.map((word) => (word >> 14n) & ((1n << 64n) - 1n)))];
    const away = (s: bigint): bigint => (s * 10n ** 10n > index ? s * 10n ** 10n - index : index - s * 10n ** 10n);
    strike = strikes.reduce((best, s) => (away(s) < away(best) ? s : best));
  });

  /** Alice is short of calls and of the perp, and so, by less, is who will bid on her; the price then rises. */
  const squeeze = async (bidder: HardhatEthersSigner): Promise<void> => {
    const index = await p.engine.midPrice(ETH);
    const option = (isCall: boolean) => optionWord({ underlying: ETH, expiry: expiries[0] ?? 0, strike, isCall });
    const short = (seller: HardhatEthersSigner, instrument: bigint, size: bigint, price: bigint) =>
      trade(p, { buyer: p.bob, seller, instrument, size, price });
    await short(p.alice, option(true), 40n * WAD, index / 20n);
    await short(p.alice, perpWord(ETH), 55n * WAD, index);
    await short(bidder, option(true), 3n * WAD, index / 20n);
    // The bidder is long of the perp that she is short of: open interest falls when they meet.
    await trade(p, { buyer: bidder, seller: p.bob, instrument: perpWord(ETH), size: 4n * WAD, price: index });
    await short(p.alice, option(false), 2n * WAD, index / 20n);
    await p.networkHelpers.time.increase(500);
    await p.setPrice("WETH", Number(index / 10n ** 16n) * 0.01 * 1.25);
    await p.setPrice("stETH", Number(index / 10n ** 16n) * 0.01 * 1.2);
    await attestFlat(p, { underlying: ETH, expiries, volatility: 0.6, premium: 0.0003 });
  };

  for (const model of [0, 1] as const) {
    it(`takes parts and then all of an account on model ${model}`, async () => {
      const [sick, bidder] = [idOf(p.alice), idOf(p.dave)];
      await squeeze(p.dave);
      if (model === 1) await p.safe.connect(p.dave).setModel(bidder, 1);
      let auction: Auction = NO_AUCTION;
      let done = 0;
      for (const fraction of [WAD / 7n, WAD / 9n, MAX, MAX]) {
        const market = await next();
        const accounts = [await accountOf(sick), await accountOf(bidder), await accountOf(idOf(p.bob))] as const;
        if (weigh(market, accounts[0], LIQUIDATION).maintenance >= 0n) break;
        const request = { account: sick, bidder, fraction, limit: 10n ** 15n, auction } as const;
        const after = act(market, accounts, [{ kind: "bid", ...request }]);
        await p.safe.connect(p.dave).bid(sick, bidder, fraction, request.limit);
        const result = after.bids[0];
        if (result === undefined) throw new Error("no bid");
        auction = result.auction;
        done++;
        for (const account of after.accounts.values()) {
          if (account.id !== market.safe.insurance?.id) await expectSame(after.market, account);
        }
        const [supply, debt] = await p.safe.poolWords(1);
        expect(after.market.pools.get(1)).to.deep.include(decodePoolWords(supply, debt));
        const ledger = await readLedger();
        expect(after.market.ledger?.perps.get(ETH)?.openInterest).to.equal(ledger.perps.get(ETH)?.openInterest);
        for (const [key, { openInterest }] of ledger.expiries) {
          expect(after.market.ledger?.expiries.get(key)?.openInterest, "options").to.equal(openInterest);
        }
      }
      expect(done).to.be.above(0);
    });
  }

  it("says what an auction of such an account stands at", async () => {
    const sick = idOf(p.alice);
    await squeeze(p.dave);
    const market = await next();
    const started = startAuction(market, await accountOf(sick), undefined);
    await p.auction.start(sick, NO_FEE);
    const status = await p.auction.status(sick);
    const mine = auctionStatus(market, started.account, started.auction);
    expect([mine.maintenance, mine.mtm, mine.bufferMargin, mine.maxFraction, mine.priceOfMax]).to.deep.equal([
      status.maintenance,
      status.mtm,
      status.bufferMargin,
      status.maxFraction,
      status.priceOfMax,
    ]);
  });
});
