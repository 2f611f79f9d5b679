import { expect } from "chai";

import type { Account } from "../sdk/mirror/account.ts";
import { vaultShareAsset } from "../sdk/mirror/assets.ts";
import { attempt } from "../sdk/mirror/errors.ts";
import type { Market } from "../sdk/mirror/market.ts";
import { INITIAL, LIQUIDATION, MID, type Purpose } from "../sdk/mirror/model.ts";
import { prepare } from "../sdk/mirror/prepared.ts";
import { midPrice, priceState } from "../sdk/mirror/prices.ts";
import { haircutsOf } from "../sdk/mirror/spot.ts";
import { holdingsOf, weigh } from "../sdk/mirror/weigh.ts";
import { type Answer, errorOf, errorText, signedWord } from "./helpers/bulk.ts";
import { digitsOf, seeded } from "./helpers/random.ts";
import { pack, randomAccount, UNKNOWN } from "./helpers/spot-accounts.ts";
import { assetIds, decimalsOf, POOLS, type SpotWorld, spotWorld } from "./helpers/spot-world.ts";

/** MIRROR_ROUNDS=400 looks longer. */
const ROUNDS = Number(process.env["MIRROR_ROUNDS"] ?? 30);
const ACCOUNTS = 340; // of each round: 10,200 portfolios, each for the three purposes
const PURPOSES = [INITIAL, LIQUIDATION, MID] as const;

const said = (answer: Answer, purpose: Purpose, types: SpotWorld["engine"]["interface"]): string => {
  if (!answer.ok) return errorOf(types, answer);
  const words = [1, 4, 3][purpose] ?? 0;
  return Array.from({ length: words }, (_, i) => signedWord(answer, i)).join();
};

const reckoned = (market: Market, account: Account, purpose: Purpose): string => {
  const outcome = attempt(() => weigh(market, account, purpose));
  if (!outcome.ok) return errorText(outcome.error.errorName, outcome.error.args);
  const { initial, maintenance, mtm, liabilities, unsettledLoss } = outcome.value;
  if (purpose === INITIAL) return String(initial);
  if (purpose === LIQUIDATION) return [maintenance, mtm, liabilities, unsettledLoss].join();
  return [initial, maintenance, mtm].join();
};

describe("The mirror's spot margins against the engine, to the wei", function () {
  this.timeout(300_000);
  let world: SpotWorld;
  let refused = 0;
  let valued = 0;

  before(async () => {
    world = await spotWorld();
  });
  after(async () => {
    await world.close();
  });

  for (let round = 1; round <= ROUNDS; round++) {
    let market: Market;
    const r = seeded(round);

    it(`weighs ${ACCOUNTS} accounts of market ${round} for the three purposes`, async () => {
      market = await world.shuffle(r);
      const types = world.engine.interface;

      const accounts = Array.from({ length: ACCOUNTS }, () => randomAccount(r));
      const calls = accounts.flatMap((account) => {
        const flags = (account.flags.model << 5) | (account.flags.hasQuote ? 1 << 8 : 0);
        const holdings = holdingsOf(market, account).map(pack);
        return [
          types.encodeFunctionData("initialMargin", [account.id, flags, holdings]),
          types.encodeFunctionData("liquidationMargin", [account.id, flags, holdings]),
          types.encodeFunctionData("midMargin", [account.id, flags, holdings]),
        ];
      });
      const { time, answers } = await world.call(calls);
      expect(time).to.equal(market.time);
      for (const [i, account] of accounts.entries()) {
        for (const purpose of PURPOSES) {
          const answer = answers[3 * i + purpose];
          if (answer === undefined) throw new Error("no answer");
          if (answer.ok) valued++;
          else refused++;
          const name = `market ${round}, account ${i}, purpose ${purpose}`;
          expect(reckoned(market, account, purpose), name).to.equal(said(answer, purpose, types));
        }
      }
    });

    it(`says prices and haircuts of market ${round} as the engine does`, async () => {
      const types = world.engine.interface;
      const assets = [...assetIds(), ...POOLS.map((_, i) => vaultShareAsset(i + 1)), UNKNOWN];
      const sizes = assets.map((asset) => digitsOf(r, decimalsOf(asset) + 5));
      const { answers } = await world.call(
        assets.flatMap((asset, i) => [
          types.encodeFunctionData("midPrice", [asset]),
          types.encodeFunctionData("haircuts", [asset, sizes[i] ?? 0n]),
        ]),
      );
      for (const [i, asset] of assets.entries()) {
        const mid = attempt(() => [midPrice(market, asset)]);
        const cut = attempt(() => {
          const { initial, maintenance } = haircutsOf(prepare(market), asset, sizes[i] ?? 0n);
          return [initial, maintenance];
        });
        for (const [k, mine] of [mid, cut].entries()) {
          const answer = answers[2 * i + k];
          if (answer === undefined) throw new Error("no answer");
          const theirs = answer.ok
            ? Array.from({ length: k + 1 }, (_, place) => signedWord(answer, place)).join()
            : errorOf(types, answer);
          const what = `asset ${asset}, ${k === 0 ? "mid price" : "haircuts"}`;
          expect(mine.ok ? mine.value.join() : errorText(mine.error.errorName, mine.error.args), what).to.equal(theirs);
        }
        const state = attempt(() => priceState(market, asset));
        const chain = await world.engine.priceState(asset, { blockTag: "latest" }).catch(() => undefined);
        if (chain === undefined || !state.ok) {
          expect(state.ok, `price state of ${asset}`).to.equal(chain !== undefined);
          continue;
        }
        const { low, high, primary, secondary, updatedAt, fault, primaryOnly } = state.value;
        expect([low, high, primary, secondary, updatedAt, BigInt(fault), primaryOnly]).to.deep.equal([...chain]);
      }
    });
  }

  it("met values and refusals enough to say something", () => {
    expect(valued).to.be.greaterThan(ROUNDS * ACCOUNTS);
    expect(refused).to.be.greaterThan(ROUNDS);
  });
});
