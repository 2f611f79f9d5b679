// What the maker reads of the chain: marks, feeds, listed options and its own positions.
import { ZeroAddress } from "ethers";
import type { JsonRpcProvider } from "ethers";

import { isRevert } from "../keeper/rpc.ts";
import { decodeInstrument, perpWord, STRIKE_UNIT } from "../sdk/instruments.ts";
import { YEAR_SECONDS } from "../sdk/svi.ts";
import {
  IAttestations__factory,
  IMarginAccounts__factory,
  IMarginEngine__factory,
  IPositionsLedger__factory,
} from "../types/ethers-contracts/index.js";
import type { OptionMarket, PerpMarket, Underlying } from "./quoter.ts";

const WAD = 1e18;
const toNumber = (value: bigint): number => Number(value) / WAD;

export interface MarketAddresses {
  readonly safe: string;
  readonly positions: string;
}

/** Undefined where the call reverts: no market, no usable price. */
const orNothing = async <T>(call: Promise<T>): Promise<T | undefined> => {
  try {
    return await call;
  } catch (error) {
    if (isRevert(error)) return undefined;
    throw error;
  }
};

export class Markets {
  private readonly safe;
  private readonly ledger;

  constructor(
    private readonly provider: JsonRpcProvider,
    addresses: MarketAddresses,
    private readonly account: string,
    private readonly fromBlock: number,
  ) {
    this.safe = IMarginAccounts__factory.connect(addresses.safe, provider);
    this.ledger = IPositionsLedger__factory.connect(addresses.positions, provider);
  }

  /** Undefined while its index is unusable: then nothing can be quoted. */
  async read(underlying: number, now: number): Promise<Underlying | undefined> {
    const engine = IMarginEngine__factory.connect(await this.safe.engine(), this.provider);
    const index = await orNothing(engine.midPrice(underlying));
    if (index === undefined) return undefined;
    const [perp, options] = await Promise.all([this.perp(underlying), this.options(underlying, toNumber(index), now)]);
    return { perp, options };
  }

  private async perp(underlying: number): Promise<PerpMarket | undefined> {
    const instrument = perpWord(underlying);
    const market = await this.ledger.perpMarket(underlying);
    if (!market.listed || market.frozen) return undefined;
    const mark = await orNothing(this.ledger.markPrice(underlying));
    if (mark === undefined) return undefined;
    return { instrument, mark: toNumber(mark), position: toNumber(await this.ledger.sizeOf(this.account, instrument)) };
  }

  private async options(underlying: number, index: number, now: number): Promise<OptionMarket[]> {
    const logs = await this.ledger.queryFilter(this.ledger.filters.ExpiryListed(underlying), this.fromBlock);
    const expiries = [...new Set(logs.map(({ args }) => Number(args.expiry)))].filter((expiry) => expiry > now);
    const address = await this.ledger.feed();
    if (address === ZeroAddress) return [];
    const feed = IAttestations__factory.connect(address, this.provider);
    const lists = await Promise.all(
      expiries.sort().map(async (expiry) => {
        const feeds = await orNothing(feed.expiryFeeds(underlying, [expiry]));
        const said = feeds?.[0];
        if (said === undefined || said.stale) return [];
        const instruments = await this.ledger.optionsOf(underlying, expiry);
        const sizes = await Promise.all(instruments.map((instrument) => this.ledger.sizeOf(this.account, instrument)));
        return instruments.flatMap((instrument, i) => {
          const what = decodeInstrument(instrument);
          if (what.kind !== "option") return [];
          return [
            {
              instrument,
              strike: toNumber(what.strike * STRIKE_UNIT),
              isCall: what.isCall,
              time: (expiry - now) / YEAR_SECONDS,
              forward: index * toNumber(said.forwardRatio),
              forwardReference: toNumber(said.forwardReference),
              rate: toNumber(said.rate),
              svi: {
                a: toNumber(said.a),
                b: toNumber(said.b),
                rho: toNumber(said.rho),
                m: toNumber(said.m),
                sigma: toNumber(said.sigma),
              },
              smileTime: toNumber(said.tau),
              volFactor: toNumber(said.volFactor),
              position: toNumber(sizes[i] ?? 0n),
            },
          ];
        });
      }),
    );
    return lists.flat();
  }
}
