import { expect } from "chai";

import {
  liquidationPrices,
  marginCurve,
  marginsOf,
  movedTo,
  payoffCurve,
  preview,
  previewFill,
  priceRange,
  pricesBetween,
  primaryOf,
  stressGrid,
  tickOf,
  withVolatility,
} from "../sdk/analysis/index.ts";
import type { Account } from "../sdk/mirror/account.ts";
import { abs, WAD } from "../sdk/mirror/fixed.ts";
import { Refused } from "../sdk/mirror/errors.ts";
import type { Market } from "../sdk/mirror/market.ts";
import { INITIAL, LIQUIDATION, MID } from "../sdk/mirror/model.ts";
import { atTime, withPrice } from "../sdk/mirror/prices.ts";
import { weigh } from "../sdk/mirror/weigh.ts";
import { EXPIRIES, madeUpMarket, randomHolder, STAKED, USDC, WBTC, WETH } from "./helpers/made-up-market.ts";
import { seeded } from "./helpers/random.ts";

const SPOT_ACCOUNTS = 200;
const LEDGER_ACCOUNTS = 60;

const maintenanceAt = (market: Market, account: Account, asset: number, usd: bigint, together?: number[]): bigint =>
  weigh(movedTo(market, asset, usd, together), account, LIQUIDATION).maintenance;

describe("The analysis of accounts", function () {
  this.timeout(120_000);
  const market = madeUpMarket();

  const holders = (count: number, derivatives: boolean): Account[] => {
    const r = seeded(derivatives ? 7 : 3);
    return Array.from({ length: count }, () => randomHolder(r, derivatives));
  };
  const all = (): Account[] => [...holders(SPOT_ACCOUNTS, false), ...holders(LEDGER_ACCOUNTS, true)];

  it("finds liquidation prices to one tick of the feed, on both sides", () => {
    const found = { below: 0, above: 0, none: 0, now: 0 };
    for (const account of all()) {
      for (const asset of [WETH, WBTC, STAKED]) {
        const tick = tickOf(market, asset);
        const prices = liquidationPrices(market, account, asset);
        if (prices.liquidatable) {
          found.now++;
          expect(weigh(market, account, LIQUIDATION).maintenance < 0n).to.equal(true);
          continue;
        }
        const { below, above } = prices;
        if (below !== undefined) {
          found.below++;
          expect(below < prices.now && below % tick === 0n).to.equal(true);
          expect(maintenanceAt(market, account, asset, below) < 0n, "at the price below").to.equal(true);
          expect(maintenanceAt(market, account, asset, below + tick) >= 0n, "a tick nearer").to.equal(true);
        }
        if (above !== undefined) {
          found.above++;
          expect(above > prices.now && above % tick === 0n).to.equal(true);
          expect(maintenanceAt(market, account, asset, above) < 0n, "at the price above").to.equal(true);
          expect(maintenanceAt(market, account, asset, above - tick) >= 0n, "a tick nearer").to.equal(true);
        }
        if (below === undefined && above === undefined) found.none++;
      }
    }
    for (const [what, times] of Object.entries(found)) expect(times, what).to.be.above(10);
  });

  it("finds the nearest one: between it and now the account is healthy wherever one looks", () => {
    const r = seeded(11);
    for (const account of holders(LEDGER_ACCOUNTS, true)) {
      const { now, liquidatable, below, above } = liquidationPrices(market, account, WETH);
      if (liquidatable) continue;
      const { lowest, highest } = priceRange(market, WETH);
      // A model may have no answer far out (a smile out of range): then nothing is claimed of there.
      const ends = [
        below ?? (now > 4n * lowest ? now / 4n : lowest),
        above ?? (now * 4n < highest ? now * 4n : highest),
      ];
      for (let i = 0; i < 30; i++) {
        const end = ends[i % 2] ?? now;
        const price = now + ((end - now) * BigInt(1 + r(998))) / 1_000n;
        expect(maintenanceAt(market, account, WETH, price) >= 0n, `at ${price}`).to.equal(true);
      }
    }
  });

  it("moves assets together when asked to", () => {
    let differ = 0;
    for (const account of holders(SPOT_ACCOUNTS, false)) {
      const together = liquidationPrices(market, account, WETH, { together: [STAKED] });
      if (together.liquidatable || together.below === undefined) continue;
      expect(maintenanceAt(market, account, WETH, together.below, [STAKED]) < 0n).to.equal(true);
      expect(maintenanceAt(market, account, WETH, together.below + tickOf(market, WETH), [STAKED]) >= 0n).to.equal(
        true,
      );
      if (liquidationPrices(market, account, WETH).below !== together.below) differ++;
    }
    expect(differ).to.be.above(10);
  });

  it("draws curves whose points are what weigh says at their price", () => {
    for (const account of all().slice(-90)) {
      const prices = pricesBetween(900n * WAD, 3_100n * WAD, 9);
      for (const [i, point] of marginCurve(market, account, WETH, prices).entries()) {
        const moved = withPrice(market, WETH, prices[i] ?? 0n);
        expect(point.price).to.equal(prices[i]);
        expect(point.initial).to.equal(weigh(moved, account, INITIAL).initial);
        const { maintenance, mtm, liabilities } = weigh(moved, account, LIQUIDATION);
        expect([point.maintenance, point.mtm, point.liabilities]).to.deep.equal([maintenance, mtm, liabilities]);
      }
    }
  });

  it("stresses price and volatility together, and leaves the middle of the grid as it is", () => {
    const factors = [WAD / 2n, WAD, (3n * WAD) / 2n];
    let vega = 0;
    for (const account of holders(LEDGER_ACCOUNTS, true)) {
      const grid = stressGrid(market, account, {
        assets: [WETH, STAKED],
        priceFactors: factors,
        volatilityFactors: factors,
      });
      const now = marginsOf(market, account);
      expect(grid[1]?.[1]).to.deep.include({ ...now, pnl: 0n });
      for (const [v, row] of grid.entries()) {
        for (const [p, cell] of row.entries()) {
          const usd = (primaryOf(market, WETH) * (factors[p] ?? 0n)) / WAD;
          const moved = movedTo(withVolatility(market, WETH, factors[v] ?? 0n), WETH, usd, [STAKED]);
          expect(cell.maintenance).to.equal(weigh(moved, account, LIQUIDATION).maintenance);
          expect(cell.mtm).to.equal(weigh(moved, account, LIQUIDATION).mtm);
        }
      }
      if (grid[2]?.[1]?.mtm !== grid[0]?.[1]?.mtm) vega++;
    }
    expect(vega).to.be.above(10);
  });

  it("doubles every volatility when asked for twice of it", () => {
    const before = market.ledger?.attested;
    const after = withVolatility(market, 2, 2n * WAD).ledger?.attested;
    for (const [key, { smile }] of before ?? []) {
      const then = after?.get(key)?.smile;
      const isUnderlying = key < 3 * 2 ** 40;
      expect(then?.a).to.equal(isUnderlying ? 4n * smile.a : smile.a);
      expect(then?.b).to.equal(isUnderlying ? 4n * smile.b : smile.b);
    }
  });

  it("says what is wrong when an asset has no price, and goes on where none is needed", () => {
    const account = randomHolder(seeded(5), false);
    const held = account.entries[0]?.asset === 0x802 ? WETH : (account.entries[0]?.asset ?? WETH);
    const later = atTime(market, market.time + 200_000n);
    expect(() => liquidationPrices(later, account, held)).to.throw(Refused, "PriceUnusable");
    const [[cell] = []] = stressGrid(later, account, { assets: [held], priceFactors: [WAD / 2n] });
    expect([cell?.initial, cell?.mtm, cell?.pnl]).to.deep.equal([undefined, undefined, undefined]);
    expect(cell?.refused.liquidation?.errorName).to.equal("PriceUnusable");
    const cash: Account = { ...account, entries: [{ asset: USDC, shares: 10n ** 9n }] };
    expect(marginsOf(later, cash).refused).to.deep.equal({});
  });

  it("draws payoffs: spot and perps by what equity at mid changes, options by their strikes", () => {
    for (const account of holders(LEDGER_ACCOUNTS, true)) {
      const prices = [1_000n, 2_000n, 2_900n].map((price) => price * WAD);
      const bare = { ...account, positions: account.positions.filter(({ instrument }) => instrument.kind === "perp") };
      const [low, here, high] = payoffCurve(market, bare, { underlying: 2, prices });
      expect(here?.total).to.equal(0n);
      for (const point of [low, high]) {
        if (point === undefined) throw new Error("no point");
        const now = weigh(market, bare, MID).mtm;
        const then = weigh(movedTo(market, WETH, point.price), bare, MID).mtm;
        expect(abs(then - now - point.total) <= 10n ** 6n, `${then - now} and ${point.total}`).to.equal(true);
        expect(point.options).to.equal(0n);
      }
    }
  });

  it("pays options at their expiry what they are worth beyond their strikes", () => {
    const account: Account = {
      ...randomHolder(seeded(1), false),
      flags: { model: 0, hasPositions: true, hasQuote: false, inAuction: false },
      entries: [{ asset: USDC, shares: 10n ** 10n }],
      positions: [
        {
          instrument: { kind: "option", underlying: 2, expiry: EXPIRIES[0], strike: 2_000n * 10n ** 8n, isCall: true },
          size: 2n * WAD,
          fundingIndex: 0n,
        },
      ],
    };
    const [out, inside] = payoffCurve(market, account, { underlying: 2, prices: [1_500n * WAD, 2_600n * WAD] });
    const premium = -(out?.options ?? 0n);
    expect(premium > 0n).to.equal(true);
    expect(inside?.options).to.equal(1_200n * WAD - premium);
    const none = payoffCurve(market, account, { underlying: 2, prices: [2_600n * WAD], expiry: EXPIRIES[1] });
    expect(none[0]?.total).to.equal(0n);
  });

  it("previews actions: margins before and after, and after a refusal too", () => {
    const account = randomHolder(seeded(5), false);
    const more = { kind: "deposit", account: account.id, asset: WETH, amount: WAD } as const;
    const { changes, refused, after } = preview(market, [account], [more]);
    expect(refused).to.equal(undefined);
    const change = changes.get(account.id);
    expect(change?.before).to.deep.equal(marginsOf(market, account));
    const then = after?.accounts.get(account.id);
    if (after === undefined || then === undefined) throw new Error("no state");
    expect(change?.after).to.deep.equal(marginsOf(after.market, then));

    const tooMuch = { kind: "borrow", account: account.id, asset: USDC, amount: 10n ** 12n } as const;
    const shown = preview(market, [account], [tooMuch]);
    expect(shown.refused?.errorName).to.equal("InsufficientMargin");
    const initial = shown.changes.get(account.id)?.after.initial ?? 0n;
    expect(shown.refused?.args).to.deep.equal([account.id, initial]);
    const wrong = preview(market, [account], [more, { ...more, amount: 0n }]);
    expect([wrong.refused?.errorName, wrong.refused?.step, wrong.after]).to.deep.equal(["ZeroAmount", 1, undefined]);
  });

  it("previews fills: positions, premium in cash and margins of one side", () => {
    const account: Account = { ...randomHolder(seeded(1), false), entries: [{ asset: USDC, shares: 10n ** 10n }] };
    const option = {
      kind: "option",
      underlying: 2,
      expiry: EXPIRIES[0],
      strike: 2_000n * 10n ** 8n,
      isCall: true,
    } as const;
    const bought = previewFill(market, account, {
      legs: [{ instrument: option, size: WAD, price: 80n * WAD }],
      fee: WAD,
      asMaker: false,
    });
    expect(bought.refused).to.equal(undefined);
    expect(bought.cash).to.equal(80n * 10n ** 6n);
    const { before, after, account: then } = bought.change ?? {};
    expect(then?.positions).to.deep.equal([{ instrument: option, size: WAD, fundingIndex: 0n }]);
    expect(then?.quote).to.equal(-WAD);
    expect(then?.flags).to.deep.include({ hasPositions: true, hasQuote: true });
    expect((after?.initial ?? 0n) < (before?.initial ?? 0n)).to.equal(true);

    const perp = { kind: "perp", underlying: 2 } as const;
    const large = previewFill(market, account, {
      legs: [{ instrument: perp, size: 100n * WAD, price: 2_000n * WAD }],
      fee: 0n,
      asMaker: true,
    });
    expect(large.refused?.errorName).to.equal("InsufficientMargin");
    const nowhere = { kind: "perp", underlying: 9 } as const;
    const unlisted = previewFill(market, account, {
      legs: [{ instrument: nowhere, size: WAD, price: WAD }],
      fee: 0n,
      asMaker: true,
    });
    expect(unlisted.refused?.errorName).to.equal("NotListed");
  });
});
