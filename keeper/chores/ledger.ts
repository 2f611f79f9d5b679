// Upkeep of perps and options that anybody may do: observations of volatility, funding, slow totals, settlement averages,
// expiries, fees. Nobody is paid for it; margins and payouts wait for it.
import { Interface } from "ethers";

import { ISettlementRounds__factory } from "../../types/ethers-contracts/index.js";
import type { Chain, Neighbours } from "../chain.ts";
import type { ChoreName } from "../config.ts";
import { attempt, type Chore } from "./chore.ts";
import { isObservationDue, isPokeDue, isSlowTotalDue, nextRounds, type RoundReader, windowOf } from "./timing.ts";

// Chainlink's AggregatorV3Interface, of which the deployment has no bindings.
const ROUND = "(uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)";
const AGGREGATOR = new Interface([
  `function latestRoundData() view returns ${ROUND}`,
  `function getRoundData(uint80) view returns ${ROUND}`,
]);
const SETTLEMENT = 1;
const MARKETS_EVERY_MS = 600_000;
/** Rounds in one transaction: about 10k gas each. */
const MOST_ROUNDS = 200;
/** Of fees, settlement units WAD: less is not worth sweeping. */
const LEAST_FEES = 100n * 10n ** 18n;
/** An expiry whose price could not be fixed for so long waits for governance, not for a keeper. */
const GIVE_UP_SECONDS = 7 * 86_400;

interface Markets {
  readonly perps: readonly number[];
  readonly expiries: readonly { readonly underlying: number; readonly expiry: number }[];
}

type Transaction = { readonly to: string; readonly data: string };

export class LedgerChores {
  private markets: { readonly found: Markets; readonly at: number } | undefined;
  private readonly settled = new Set<string>();

  constructor(
    private readonly chain: Chain,
    /** Primary price feed of an asset. */
    private readonly feedOf: (asset: number) => string | undefined,
  ) {}

  /** What is due at `now`. What cannot be read is left for the next time. */
  async due({ positions }: Neighbours, names: ReadonlySet<ChoreName>, now: number): Promise<Chore[]> {
    if (positions === undefined) return [];
    const { perps, expiries } = await this.listed(positions);
    const underlyings = [...new Set([...perps, ...expiries.map(({ underlying }) => underlying)])];
    const found = await Promise.all([
      ...(names.has("volatility") ? underlyings.map((each) => this.observation(each, now)) : []),
      ...(names.has("funding") ? perps.map((each) => this.funding(positions, each, now)) : []),
      ...(names.has("open-interest") ? perps.map((each) => this.openInterest(positions, each, now)) : []),
      ...(names.has("settlement") ? this.averages(positions, expiries, now) : []),
      ...(names.has("expiry") ? expiries.map((each) => this.expiry(positions, each, now)) : []),
      ...(names.has("fees") ? [this.fees(positions)] : []),
    ]);
    return found.filter((chore) => chore !== undefined);
  }

  private async listed(positions: NonNullable<Neighbours["positions"]>): Promise<Markets> {
    if (this.markets !== undefined && Date.now() - this.markets.at < MARKETS_EVERY_MS) return this.markets.found;
    const from = this.chain.addresses.fromBlock;
    const [perps, expiries] = await Promise.all([
      positions.queryFilter(positions.filters.PerpListed(), from),
      positions.queryFilter(positions.filters.ExpiryListed(), from),
    ]);
    const found = {
      perps: perps.map(({ args }) => Number(args.underlying)),
      expiries: expiries.map(({ args }) => ({ underlying: Number(args.underlying), expiry: Number(args.expiry) })),
    };
    this.markets = { found, at: Date.now() };
    return found;
  }

  private observation(underlying: number, now: number): Promise<Chore | undefined> {
    return attempt(async () => {
      const { volatility } = this.chain;
      if (volatility === undefined) return undefined;
      const [{ time }, interval] = await Promise.all([volatility.stateOf(underlying), volatility.interval()]);
      if (!isObservationDue(Number(time), now, Number(interval))) return undefined;
      return chore("volatility", underlying, await volatility.observe.populateTransaction(underlying));
    });
  }

  private funding(
    positions: NonNullable<Neighbours["positions"]>,
    underlying: number,
    now: number,
  ): Promise<Chore | undefined> {
    return attempt(async () => {
      const { fundedAt, config, frozen, closed } = await positions.perpMarket(underlying);
      if (frozen || closed || !isPokeDue(Number(fundedAt), now, Number(config.maxPremiumAge))) return undefined;
      return chore("funding", underlying, await positions.pokeFunding.populateTransaction(underlying));
    });
  }

  private openInterest(
    positions: NonNullable<Neighbours["positions"]>,
    underlying: number,
    now: number,
  ): Promise<Chore | undefined> {
    return attempt(async () => {
      const { openInterest, slowOpenInterest, checkpointAt, closed } = await positions.perpMarket(underlying);
      if (closed || !isSlowTotalDue(openInterest, slowOpenInterest, Number(checkpointAt), now)) return undefined;
      return chore("open-interest", underlying, await positions.checkpointOpenInterest.populateTransaction(underlying));
    });
  }

  /** Rounds of both feeds of each average that is being made, from half an hour before the expiry on. */
  private averages(
    positions: NonNullable<Neighbours["positions"]>,
    expiries: Markets["expiries"],
    now: number,
  ): Promise<Chore | undefined>[] {
    const open = expiries.filter(
      ({ underlying, expiry }) =>
        now > windowOf(expiry) && now < expiry + GIVE_UP_SECONDS && !this.settled.has(`${underlying}:${expiry}`),
    );
    const tracks = new Map<string, { asset: number; expiry: number }>();
    for (const { underlying, expiry } of open) {
      for (const asset of [underlying, SETTLEMENT]) tracks.set(`${asset}:${expiry}`, { asset, expiry });
    }
    return [...tracks.values()].map(({ asset, expiry }) =>
      attempt(async () => {
        const prices = ISettlementRounds__factory.connect(await positions.settlementPrices(), this.chain.provider);
        const track = await prices.trackOf(asset, expiry);
        const feed = this.feedOf(asset);
        if (track.complete || feed === undefined) return undefined;
        const rounds = await nextRounds(await this.reader(feed), track.round, windowOf(expiry), MOST_ROUNDS);
        // Nothing new: at the expiry an empty list says that the walk is over.
        if (rounds.length === 0 && now < expiry) return undefined;
        return chore(
          "settlement",
          `${asset}:${expiry}`,
          await prices.submit.populateTransaction(asset, expiry, rounds),
        );
      }),
    );
  }

  private async reader(feed: string): Promise<RoundReader> {
    const ask = async (name: string, args: readonly bigint[]) => {
      const data = await this.chain.provider.call({ to: feed, data: AGGREGATOR.encodeFunctionData(name, args) });
      return AGGREGATOR.decodeFunctionResult(name, data) as unknown as readonly [bigint, bigint, bigint, bigint];
    };
    const [latest] = await ask("latestRoundData", []);
    return {
      latest,
      timeOf: async (round) => {
        const [, , , updatedAt] = await ask("getRoundData", [round]);
        return Number(updatedAt);
      },
    };
  }

  private expiry(
    positions: NonNullable<Neighbours["positions"]>,
    { underlying, expiry }: Markets["expiries"][number],
    now: number,
  ): Promise<Chore | undefined> {
    const key = `${underlying}:${expiry}`;
    return attempt(async () => {
      if (now < expiry || now > expiry + GIVE_UP_SECONDS || this.settled.has(key)) return undefined;
      const { settled } = await positions.expiryMarket(underlying, expiry);
      if (settled) {
        this.settled.add(key);
        return undefined;
      }
      const prices = ISettlementRounds__factory.connect(await positions.settlementPrices(), this.chain.provider);
      const { isFinal } = await prices.settlementPrice(underlying, expiry);
      if (isFinal) return chore("expiry", key, await positions.settleExpiry.populateTransaction(underlying, expiry));
      const [own, unit] = await Promise.all([prices.trackOf(underlying, expiry), prices.trackOf(SETTLEMENT, expiry)]);
      if (!own.complete || !unit.complete) return undefined;
      return chore("expiry", `fix:${key}`, await prices.fix.populateTransaction(underlying, expiry));
    });
  }

  private fees(positions: NonNullable<Neighbours["positions"]>): Promise<Chore | undefined> {
    return attempt(async () => {
      const fees = await positions.quoteOf(await positions.feeAccount());
      if (fees < LEAST_FEES) return undefined;
      return chore("fees", "", await positions.sweepFees.populateTransaction());
    });
  }
}

const chore = (name: ChoreName, subject: number | string, { to, data }: Transaction): Chore => ({
  name,
  subject: String(subject),
  to,
  data,
});
