// The invariants of DESIGN 10 that can be seen from outside, checked between the transactions of the demo. Pure: `observer.ts`
// gathers what they look at. An id of DESIGN names each check; "tokens" is what every test of money starts from.
import type { Entry } from "../keeper/words.ts";

export interface PoolFacts {
  readonly symbol: string;
  /** Asset ids of the pool and of its vault's share. */
  readonly asset: number;
  readonly shareAsset: number;
  /** Tokens that the safe holds. */
  readonly held: bigint;
  readonly claims: bigint;
  readonly debts: bigint;
  readonly lenderShares: bigint;
  readonly accountShares: bigint;
  readonly debtShares: bigint;
  readonly supplyIndex: bigint;
  readonly debtIndex: bigint;
  /** Vault shares of all holders together, and those that the safe holds for accounts. */
  readonly vaultHoldings: bigint;
  readonly vaultCollateral: bigint;
}

export interface AccountFacts {
  readonly account: string;
  readonly entries: readonly Entry[];
  readonly pending: boolean;
}

export interface TokenFacts {
  readonly symbol: string;
  readonly supply: bigint;
  /** Of all holders ever seen. */
  readonly held: bigint;
  readonly least: bigint;
}

/** One bid, with the account as it was in the block before and the block after. Margins WAD, cash in settlement token units. */
export interface BidFacts {
  readonly account: string;
  readonly block: number;
  readonly fraction: bigint;
  readonly maxFraction: bigint;
  readonly discountFactor: bigint;
  /** Cash set aside, after the bid. */
  readonly reserved: bigint;
  readonly price: bigint;
  readonly fromInsurance: bigint;
  readonly writtenOff: bigint;
  readonly before: { readonly maintenance: bigint; readonly mtm: bigint };
  readonly after: { readonly maintenance: bigint };
  /** What the fund was left with. */
  readonly fundAfter: bigint;
  /** Has perps or options: between the look before a bid and the bid itself their value moves by more than interest. */
  readonly hasLedger: boolean;
}

export interface WriteOffFacts {
  readonly asset: number;
  readonly account: string;
  readonly assets: bigint;
  readonly block: number;
}

/** The ledger of perps and options, clearing accounts included: sums over all accounts. */
export interface LedgerFacts {
  readonly quote: bigint;
  readonly sizes: readonly { readonly instrument: bigint; readonly sum: bigint }[];
}

/** The state at the end of a block, and what happened since the last such look. */
export interface Snapshot {
  readonly block: number;
  readonly pools: readonly PoolFacts[];
  readonly accounts: readonly AccountFacts[];
  readonly tokens: readonly TokenFacts[];
  /** What contracts that should keep nothing hold. */
  readonly leftovers: readonly { readonly holder: string; readonly symbol: string; readonly amount: bigint }[];
  readonly bids: readonly BidFacts[];
  readonly writeOffs: readonly WriteOffFacts[];
  readonly openings: readonly { readonly name: string; readonly initial: bigint }[];
  /** Part of the requirement that the insurance fund pays at most, WAD. */
  readonly insuranceShare: bigint;
  readonly ledger: LedgerFacts;
}

export interface Violation {
  readonly id: InvariantId;
  readonly block: number;
  readonly message: string;
}

const WAD = 10n ** 18n;
/** Settlement units (WAD) of one USDC unit. */
const UNIT = 10n ** 12n;
/** Interest between two blocks lies between a look before a bid and the bid itself: a cent. */
const SLACK = WAD / 100n;
/** An option loses so little of the account in the seconds between. */
const LEDGER_SLACK_PARTS = 1_000n;

const slackOf = ({ hasLedger, before }: BidFacts): bigint => {
  const size = before.mtm < 0n ? -before.mtm : before.mtm;
  return SLACK + (hasLedger ? (size + before.mtm - before.maintenance) / LEDGER_SLACK_PARTS : 0n);
};

type Check = (now: Snapshot, before: Snapshot | undefined) => string[];

const complaints = <T>(items: readonly T[], complain: (item: T) => string | false): string[] =>
  items.map(complain).filter((text) => text !== false);

const sharesOf = (now: Snapshot, asset: number, sign: 1 | -1): bigint => {
  let sum = 0n;
  for (const { entries } of now.accounts) {
    for (const entry of entries) {
      if (entry.asset === asset && entry.shares * BigInt(sign) > 0n) sum += entry.shares * BigInt(sign);
    }
  }
  return sum;
};

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** What each id says is in DESIGN 10; this is as much of it as can be seen from outside. */
export const CHECKS = {
  V1: (now) =>
    complaints(
      now.pools,
      ({ symbol, held, debts, claims }) =>
        held + debts < claims && `${symbol}: tokens ${held} + debts ${debts} < claims ${claims}`,
    ),

  V2: (now) =>
    now.pools.flatMap((pool) => {
      const { symbol, asset, shareAsset } = pool;
      const sums: [string, bigint, bigint][] = [
        ["supply shares of accounts", sharesOf(now, asset, 1), pool.accountShares],
        ["debt shares", sharesOf(now, asset, -1), pool.debtShares],
        ["vault shares of holders", pool.vaultHoldings, pool.lenderShares],
        ["vault shares as collateral", sharesOf(now, shareAsset, 1), pool.vaultCollateral],
      ];
      return complaints(
        sums,
        ([what, sum, total]) => sum !== total && `${symbol}: ${what} add up to ${sum}, not ${total}`,
      );
    }),

  V3: (now, before) =>
    now.pools.flatMap((pool) => {
      const last = before?.pools.find(({ asset }) => asset === pool.asset);
      if (last === undefined) return [];
      const writtenOff = now.writeOffs.some(({ asset }) => asset === pool.asset);
      const falls: string[] = [];
      if (pool.supplyIndex < last.supplyIndex && !writtenOff) {
        falls.push(
          `${pool.symbol}: supply index fell from ${last.supplyIndex} to ${pool.supplyIndex} without a write-off`,
        );
      }
      if (pool.debtIndex < last.debtIndex) {
        falls.push(`${pool.symbol}: debt index fell from ${last.debtIndex} to ${pool.debtIndex}`);
      }
      return falls;
    }),

  A2: (now) =>
    complaints(
      now.openings,
      ({ name, initial }) => initial < 0n && `${name} opened with an initial margin of ${initial}`,
    ),

  A4: (now) =>
    complaints(now.accounts, ({ account, pending }) => pending && `${account}: check pending between transactions`),

  L1: (now) =>
    now.bids.flatMap((bid) => {
      const { account, fraction, maxFraction, before, after } = bid;
      const wrongs: string[] = [];
      if (before.maintenance >= 0n) wrongs.push(`bid on ${account} with maintenance ${before.maintenance}`);
      if (fraction > maxFraction) wrongs.push(`bid on ${account} took ${fraction} of at most ${maxFraction}`);
      if (after.maintenance + slackOf(bid) < before.maintenance) {
        wrongs.push(`bid on ${account} lowered maintenance from ${before.maintenance} to ${after.maintenance}`);
      }
      return wrongs;
    }),

  L2: (now) => {
    const wrongs = now.bids.flatMap((bid) => {
      const { account, fraction, discountFactor, price, fromInsurance, writtenOff, before } = bid;
      const found: string[] = [];
      if (price > 0n) {
        // `reserved` has grown by this bid's own price, which only makes the bound milder.
        const least = (fraction * ((discountFactor * (before.mtm - bid.reserved * UNIT)) / WAD)) / WAD;
        if (price * UNIT + slackOf(bid) < least)
          found.push(`bid on ${account} paid ${price}, worth ${least} after the discount`);
        if (fromInsurance + writtenOff > 0n) found.push(`solvent bid on ${account} took from the insurance fund`);
      } else {
        const loss = min(before.mtm, 0n);
        const reward = ((loss - before.maintenance) * now.insuranceShare) / WAD;
        const most = (fraction * (reward - loss)) / WAD;
        const paid = (fromInsurance + writtenOff) * UNIT;
        if (paid > most + slackOf(bid)) found.push(`bid on ${account} was paid ${paid}, at most ${most} is due`);
      }
      if (writtenOff > 0n && bid.fundAfter > 0n) {
        found.push(`bid on ${account} wrote off ${writtenOff} while the fund had ${bid.fundAfter}`);
      }
      const cut = now.writeOffs.some((each) => each.account === account && each.block === bid.block);
      if (cut !== writtenOff > 0n) found.push(`bid on ${account}: write-off ${writtenOff}, but debts cut: ${cut}`);
      return found;
    });
    const strays = complaints(
      now.writeOffs,
      ({ account, block, assets, asset }) =>
        !now.bids.some((bid) => bid.account === account && bid.block === block) &&
        `${assets} of asset ${asset} written off for ${account} without a bid`,
    );
    return [...wrongs, ...strays];
  },

  D1: (now) => [
    ...(now.ledger.quote === 0n ? [] : [`quotes add up to ${now.ledger.quote}`]),
    ...complaints(
      now.ledger.sizes,
      ({ instrument, sum }) => sum !== 0n && `positions in 0x${instrument.toString(16)} add up to ${sum}`,
    ),
  ],

  tokens: (now) => [
    ...complaints(
      now.tokens,
      ({ symbol, supply, held, least }) =>
        (supply !== held || least < 0n) && `${symbol}: balances add up to ${held} of ${supply}, the least is ${least}`,
    ),
    ...complaints(
      now.leftovers,
      ({ holder, symbol, amount }) => amount !== 0n && `${holder} keeps ${amount} ${symbol}`,
    ),
  ],
} as const satisfies Readonly<Record<string, Check>>;

export type InvariantId = keyof typeof CHECKS;

export const INVARIANT_IDS = Object.keys(CHECKS) as InvariantId[];

/** Everything that is broken now. */
export const violations = (now: Snapshot, before: Snapshot | undefined): Violation[] =>
  INVARIANT_IDS.flatMap((id) => {
    const check: Check = CHECKS[id];
    return check(now, before).map((message) => ({ id, block: now.block, message }));
  });
