// What the engine hands to the margin models, against the mirror's input, to the bit: a model that answers with the hash of what it was
// asked stands in for both, and a ledger that says what the test wrote into its code.
import { expect } from "chai";
import { AbiCoder, keccak256, toBeHex } from "ethers";

import { encodePosition, type Position } from "../sdk/instruments.ts";
import type { Account } from "../sdk/mirror/account.ts";
import { attempt } from "../sdk/mirror/errors.ts";
import { type LedgerAccount, modelInput } from "../sdk/mirror/input.ts";
import type { Market } from "../sdk/mirror/market.ts";
import { INITIAL, LIQUIDATION, MID, type ModelInput, type PerpState, type Purpose } from "../sdk/mirror/model.ts";
import { prepare } from "../sdk/mirror/prepared.ts";
import { holdingsOf } from "../sdk/mirror/weigh.ts";
import { IMarginModel__factory, IPositions__factory } from "../types/ethers-contracts/index.js";
import { type Answer, errorOf, errorText, signedWord } from "./helpers/bulk.ts";
import { digitsOf, oneOf, type Random, seeded } from "./helpers/random.ts";
import { pack, randomAccount } from "./helpers/spot-accounts.ts";
import { type SpotWorld, spotWorld } from "./helpers/spot-world.ts";

const ROUNDS = 8;
const LEDGERS = 5;
const ACCOUNTS = 24; // with each ledger: 2,880 inputs in all
const WAD = 10n ** 18n;

const TABLE = "0x0000000000000000000000000000000000007ab1";
const LEDGER = "0x000000000000000000000000000000000001ed9e";
const STANDARD = "0x00000000000000000000000000000000000057a4";
const PORTFOLIO = "0x000000000000000000000000000000000000f011";

/** keccak256 of the call, five times; of the other model its complement. */
const hashing = (complement: string): string =>
  `0x365f5f37365f20${complement}805f5280602052806040528060605260805260a05ff3`;

/** Answers with `data` whatever it is asked. */
const saying = (data: string): string => {
  const length = ((data.length - 2) / 2).toString(16).padStart(4, "0");
  return `0x61${length}600c5f3961${length}5ff3${data.slice(2)}`;
};

const word = (value: bigint | string): string => toBeHex(value, 32).slice(2);
const tableCode = `0x00${word(1n << 248n)}${word(LEDGER)}${word(STANDARD)}${word(PORTFOLIO)}`;

const randomLedger = (r: Random): LedgerAccount => {
  const positions: Position[] = [];
  // Pool 5 is in no table; pools 3 and 4 in some.
  const numbers = oneOf(r, [[2], [2, 3], [2, 3, 4], [4], [2, 5]]);
  for (const underlying of numbers) {
    const size = digitsOf(r, 21) - 10n ** 20n;
    if (r(2) === 0) positions.push({ instrument: { kind: "perp", underlying }, size, fundingIndex: digitsOf(r, 20) });
    for (let n = r(3); n > 0; n--) {
      const strike = digitsOf(r, 12);
      const option = { kind: "option", underlying, expiry: 2_000_000_000 + n, strike, isCall: r(2) === 0 } as const;
      positions.push({ instrument: option, size, fundingIndex: 0n });
    }
  }
  const perps = positions.flatMap(({ instrument }): PerpState[] =>
    instrument.kind === "option"
      ? []
      : [
          {
            markRatio: WAD + digitsOf(r, 16),
            frozenMark: r(5) === 0 ? digitsOf(r, 22) : 0n,
            openInterest: digitsOf(r, 24),
            slowOpenInterest: digitsOf(r, 24),
            confidence: digitsOf(r, 18),
            stale: r(3) === 0,
          },
        ],
  );
  return { quote: digitsOf(r, 24) - 10n ** 23n, positions, perps };
};

const ledgerCode = ({ quote, positions, perps }: LedgerAccount): string => {
  const { fragments } = IPositions__factory.createInterface();
  const outputs = fragments.flatMap((f) => ("outputs" in f && "name" in f && f.name === "ledgerOf" ? f.outputs : []));
  return saying(AbiCoder.defaultAbiCoder().encode(outputs as never[], [quote, positions.map(encodePosition), perps]));
};

const hashOf = (input: ModelInput): bigint => {
  const data = IMarginModel__factory.createInterface().encodeFunctionData("evaluate", [
    {
      ...input,
      parameters: TABLE,
      clusters: [...input.clusters],
      underlyings: [...input.underlyings],
      perps: [...input.perps],
      positions: input.positions.map(encodePosition),
    },
  ]);
  return BigInt.asIntN(256, BigInt(keccak256(data)));
};

describe("What the mirror hands to margin models, against the engine", function () {
  this.timeout(120_000);
  let world: SpotWorld;
  let hashed = 0;

  before(async () => {
    world = await spotWorld();
    await world.put(TABLE, tableCode);
    await world.put(STANDARD, hashing(""));
    await world.put(PORTFOLIO, hashing("19"));
  });
  after(async () => {
    await world.close();
  });

  const mine = (market: Market, account: Account, ledger: LedgerAccount | undefined, purpose: Purpose): string => {
    const outcome = attempt(() => modelInput(prepare(market), holdingsOf(market, account), purpose, ledger));
    if (!outcome.ok) return errorText(outcome.error.errorName, outcome.error.args);
    const hash = hashOf(outcome.value);
    return String(account.flags.model === 0 ? hash : ~hash);
  };

  const theirs = (answer: Answer | undefined): string => {
    if (answer === undefined) throw new Error("no answer");
    return answer.ok ? String(signedWord(answer, 0)) : errorOf(world.engine.interface, answer);
  };

  for (let round = 1; round <= ROUNDS; round++) {
    it(`prices, clusters and amounts of market ${round} are the same bits`, async () => {
      const r = seeded(500 + round);
      const market = await world.shuffle(r, TABLE);
      const types = world.engine.interface;
      for (let k = 0; k < LEDGERS; k++) {
        const ledger = randomLedger(r);
        await world.put(LEDGER, ledgerCode(ledger));
        const accounts = Array.from({ length: ACCOUNTS }, (): Account => {
          const account = randomAccount(r);
          // On the standard model without a ledger the engine asks no model at all.
          const asks = r(4) !== 0;
          const model = !asks || r(2) === 0 ? 1 : 0;
          return { ...account, flags: { model, hasPositions: asks, hasQuote: false, inAuction: false } };
        });
        const { time, answers } = await world.call(
          accounts.flatMap((account) => {
            const flags = (account.flags.model << 5) | (account.flags.hasPositions ? 1 << 7 : 0);
            const holdings = holdingsOf(market, account).map(pack);
            return [
              types.encodeFunctionData("initialMargin", [account.id, flags, holdings]),
              types.encodeFunctionData("liquidationMargin", [account.id, flags, holdings]),
              types.encodeFunctionData("midMargin", [account.id, flags, holdings]),
            ];
          }),
        );
        const here = {
          ...market,
          time,
          pools: new Map([...market.pools].map(([n, p]) => [n, { ...p, lastAccrual: time }])),
        };
        for (const [i, account] of accounts.entries()) {
          for (const purpose of [INITIAL, LIQUIDATION, MID] as const) {
            const asked = account.flags.hasPositions ? ledger : undefined;
            const answer = answers[3 * i + purpose];
            if (answer?.ok === true) hashed++;
            const name = `market ${round}, ledger ${k}, account ${i}, purpose ${purpose}`;
            expect(mine(here, account, asked, purpose), name).to.equal(theirs(answer));
          }
        }
      }
    });
  }

  it("met inputs enough to say something", () => {
    expect(hashed).to.be.above(500);
  });
});
