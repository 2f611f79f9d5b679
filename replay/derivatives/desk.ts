// Bids on accounts with perps and options from fresh accounts of its own, and closes what it took with the maker.
import { type ContractTransaction, ZeroAddress } from "ethers";

import { decodeInstrument } from "../../sdk/instruments.ts";
import { accountId, SETTLEMENT } from "../../scripts/lib/ids.ts";
import type { CallStruct } from "../../types/ethers-contracts/contracts/interfaces/IMarginAccounts.sol/IMarginAccounts.js";
import type { Actor, Intent } from "../sender.ts";
import { COINS, unitsOf } from "../stage.ts";
import type { LedgerBook } from "./ledgerBook.ts";
import { closingCost, type Mark } from "./maker.ts";
import type { DerivativesStage } from "./stage.ts";
import { fromWad } from "./surface.ts";
import type { Party } from "./trading.ts";

const TOKEN = 1e6;
const PORTFOLIO = 1;
/** Dollars lent to each account that bids; what is left comes back. */
const STAKE = 60_000;
/** Once the discount has grown to this, it takes what it can get without counting. */
const ENOUGH = 0.9;
/** Kept beyond what a flat account owes the ledger, as a part of it and in dollars. */
const RESERVE = 0.01;
const EVERYTHING = 2n ** 256n - 1n;

export interface Closing {
  readonly party: Party;
  readonly sizes: ReadonlyMap<bigint, bigint>;
}

export class Desk {
  private nextIndex = 1n;
  private readonly open: Party[] = [];
  bids = 0;

  constructor(
    private readonly stage: DerivativesStage,
    private readonly book: LedgerBook,
    readonly actor: Actor,
  ) {}

  get account(): string {
    return accountId(this.actor.address);
  }

  /** All accounts that it ever bid from, its own first. */
  get accounts(): string[] {
    return Array.from({ length: Number(this.nextIndex) }, (_, i) => accountId(this.actor.address, BigInt(i)));
  }

  /** A bid on everything that may be taken, if it pays now. */
  async bidOn(account: string, markOf: (instrument: bigint) => Mark): Promise<Intent | undefined> {
    const { safe, auction } = this.stage;
    const status = await auction.status(account);
    // An insolvent account must be in auction before anybody is paid for it; the keeper starts that.
    if (!status.liquidatable || (status.lastTick === 0n && status.mtm <= 0n)) return undefined;
    const part = fromWad(status.maxFraction);
    const worth = part * (fromWad(status.mtm) - Number(status.reserved) / TOKEN);
    const price = Number(status.priceOfMax) / TOKEN;
    const cost = part * closingCost(this.book.sizesOf(account), markOf);
    if (worth - price < cost && fromWad(status.discountFactor) > ENOUGH) return undefined;

    const index = this.nextIndex;
    this.nextIndex += 1n;
    const bidder = accountId(this.actor.address, index);
    this.open.push({ actor: this.actor, account: bidder });
    this.bids += 1;
    const limit = status.priceOfMax + BigInt(Math.ceil(Math.abs(price) * 0.01 * TOKEN)) + 1_000_000n;
    const calls: CallStruct[] = [
      this.door(safe.interface.encodeFunctionData("setModel", [bidder, PORTFOLIO])),
      this.door(
        safe.interface.encodeFunctionData("transfer", [
          this.account,
          bidder,
          SETTLEMENT,
          unitsOf("USDC", STAKE),
          false,
        ]),
      ),
      this.door(safe.interface.encodeFunctionData("bid", [account, bidder, EVERYTHING, limit])),
    ];
    const tx = await safe.batch.populateTransaction(calls);
    return { by: this.actor, what: `bid on ${account}`, tx, optional: true };
  }

  /** What it still holds of bids, to be closed; what has expired waits for its settlement. */
  closings(now: number): Closing[] {
    const isLive = ([word]: [bigint, bigint]): boolean => {
      const instrument = decodeInstrument(word);
      return instrument.kind === "perp" || instrument.expiry > now;
    };
    return this.open
      .map((party) => ({ party, sizes: new Map([...this.book.sizesOf(party.account)].filter(isLive)) }))
      .filter(({ sizes }) => sizes.size > 0);
  }

  /** Accounts that are flat give back what they do not owe. */
  async returns(): Promise<Intent[]> {
    const flat = this.open.filter(({ account }) => this.book.sizesOf(account).size === 0);
    const done = await Promise.all(flat.map((party) => this.emptied(party)));
    return done.flat();
  }

  private async emptied({ account }: Party): Promise<Intent[]> {
    const { safe, listed } = this.stage;
    this.open.splice(
      this.open.findIndex((each) => each.account === account),
      1,
    );
    const calls: CallStruct[] = [];
    for (const symbol of ["USDC", ...COINS] as const) {
      const { asset } = listed[symbol];
      const balance = await safe.balanceOf(account, asset);
      // What it owes the ledger stays for its settlement.
      const owed = symbol === "USDC" ? Math.max(0, -fromWad(this.book.quoteOf(account))) : 0;
      const amount = owed === 0 ? balance : balance - unitsOf("USDC", owed * (1 + RESERVE) + RESERVE);
      if (amount <= 0n) continue;
      const data = safe.interface.encodeFunctionData("transfer", [account, this.account, asset, amount, false]);
      calls.push(this.door(data));
    }
    if (calls.length === 0) return [];
    const tx: ContractTransaction = await safe.batch.populateTransaction(calls);
    return [{ by: this.actor, what: "return what a bid left", tx, optional: true }];
  }

  private door(data: string): CallStruct {
    return { target: ZeroAddress, data };
  }
}
