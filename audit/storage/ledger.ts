// What the ledger is asked.
import { AbiCoder, keccak256 } from "ethers";

import { decodeInstrument, decodePosition, encodeInstrument } from "../../sdk/instruments.ts";
import {
  expiryClearing,
  feeAccountOf,
  shortfallAccountOf,
  fundingIndexAt,
  fundingWord,
  type PerpBook,
  perpClearing,
} from "../books/ledger.ts";
import type { Block } from "../chain.ts";
import { LEDGER } from "../decode.ts";
import type { Fold } from "../fold.ts";
import { type Check, fieldDifferences, type Fields, type Plain, same, ZERO_ADDRESS } from "./check.ts";

const CODER = AbiCoder.defaultAbiCoder();
/** Where the ledger keeps its perp markets, and of each the word of its funding. */
const PERPS_SLOT = 2;
const FUNDING_WORD = 1n;

export class LedgerChecks {
  constructor(
    private readonly fold: Fold,
    private readonly block: Block,
  ) {}

  private ask(subject: string, what: string, view: string, args: readonly unknown[], ...expected: Plain[]): Check {
    return { subject, what, to: this.fold.setting.ledger, abi: LEDGER, view, args, judge: same(what, ...expected) };
  }

  *all(): Generator<Check> {
    const { ledger, safe, setting } = this.fold;
    for (const account of new Set([...ledger.accounts.keys(), ...safe.accounts.keys()])) {
      const held = ledger.accounts.get(account);
      const subject = `account ${account}`;
      yield this.ask(subject, "quote", "quoteOf", [account], held?.quote ?? 0n);
      const own = account.startsWith(setting.ledger);
      if (own) {
        for (const [instrument, { size }] of held?.positions ?? []) {
          const what = `taken over of ${this.fold.instrumentName(instrument)}`;
          yield this.ask(subject, what, "sizeOf", [account, instrument], size);
        }
        continue;
      }
      const judge = (answer: readonly unknown[]) =>
        this.positionDifferences(account, [...(answer[0] as Iterable<bigint>)]);
      yield {
        subject,
        what: "positions",
        to: setting.ledger,
        abi: LEDGER,
        view: "positionsOf",
        args: [account],
        judge,
      };
    }
    yield* this.markets();
    for (const what of ["exchange", "feed", "settlementPrices", "deleveraging"]) {
      yield this.ask("ledger", `pointer to ${what}`, what, [], ledger.pointers.get(what) ?? ZERO_ADDRESS);
    }
    const { account, insurancePart } = ledger.treasury;
    yield this.ask("ledger", "fee receiver and the insurance fund's part", "feeReceiver", [], account, insurancePart);
    const fees = ledger.accounts.get(feeAccountOf(setting.ledger))?.quote ?? 0n;
    yield this.ask("ledger", "quote of the fee account", "quoteOf", [feeAccountOf(setting.ledger)], fees);
    const shortfall = shortfallAccountOf(setting.ledger);
    const owed = ledger.accounts.get(shortfall)?.quote ?? 0n;
    yield this.ask("ledger", "quote of the register of shortfalls", "quoteOf", [shortfall], owed);
  }

  private positionDifferences(account: string, stored: readonly bigint[]): string[] {
    const expected = new Map(this.fold.ledger.accounts.get(account)?.positions);
    const wrong: string[] = [];
    for (const word of stored) {
      const { instrument, size, fundingIndex } = decodePosition(word);
      const key = encodeInstrument(instrument);
      const held = expected.get(key);
      expected.delete(key);
      if (held?.size === size && held.fundingIndex === fundingIndex) continue;
      const said = held === undefined ? "none" : `${held.size} at funding index ${held.fundingIndex}`;
      wrong.push(
        `position in ${this.fold.instrumentName(key)}: events say ${said}, storage says ${size} at ${fundingIndex}`,
      );
    }
    for (const [key, { size }] of expected) {
      wrong.push(`position in ${this.fold.instrumentName(key)}: events say ${size}, storage has none`);
    }
    return wrong;
  }

  private *markets(): Generator<Check> {
    const { ledger, setting } = this.fold;
    for (const [underlying, perp] of ledger.perps) {
      const subject = this.fold.instrumentName(encodeInstrument({ kind: "perp", underlying }));
      const clearing = ledger.accounts.get(perpClearing(setting.ledger, underlying));
      const taken = [...(clearing?.positions.values() ?? [])].reduce((sum, { size }) => sum + size, 0n);
      const judge = (answer: readonly unknown[]) => this.perpDifferences(perp, taken, (answer[0] ?? {}) as Fields);
      yield { subject, what: "market", to: setting.ledger, abi: LEDGER, view: "perpMarket", args: [underlying], judge };
      yield this.fundingCheck(subject, underlying, perp);
      const id = perpClearing(setting.ledger, underlying);
      yield this.ask(subject, "its clearing account", "perpClearing", [underlying], id);
    }
    for (const { underlying, expiry, cap, reduceOnly, price, openInterest, options } of ledger.expiries.values()) {
      const subject = `expiry ${expiry} of underlying ${underlying}`;
      const settled = price !== undefined;
      const judge = (answer: readonly unknown[]) =>
        fieldDifferences((answer[0] ?? {}) as Fields, {
          listed: true,
          reduceOnly,
          settled,
          price: price ?? 0n,
          openInterest: settled ? 0n : openInterest,
          openInterestCap: settled ? 0n : cap,
        });
      const args = [underlying, expiry];
      yield { subject, what: "market", to: setting.ledger, abi: LEDGER, view: "expiryMarket", args, judge };
      yield this.ask(subject, "listed options", "optionsOf", args, options.join(","));
      const id = expiryClearing(setting.ledger, underlying, expiry);
      yield this.ask(subject, "its clearing account", "expiryClearing", args, id);
      for (const instrument of options) yield this.takenCheck(id, instrument);
    }
  }

  /** For how long the rate counts is in no view before that time has come: the slot says it (LedgerStorage, test/layouts.json). */
  private fundingCheck(subject: string, underlying: number, perp: PerpBook): Check {
    const base = BigInt(keccak256(CODER.encode(["uint256", "uint256"], [underlying, PERPS_SLOT])));
    const slot = `0x${(base + FUNDING_WORD).toString(16)}`;
    const what = "funding word (index, rate, time, span)";
    const judge = same(what, fundingWord(perp));
    return { subject, what, to: this.fold.setting.ledger, abi: LEDGER, view: "_perps", args: [], slot, judge };
  }

  /** Of options that nobody has given up yet, none is taken over. */
  private takenCheck(clearing: string, instrument: bigint): Check {
    const size = this.fold.ledger.accounts.get(clearing)?.positions.get(instrument)?.size ?? 0n;
    const { kind } = decodeInstrument(instrument);
    const subject = `${kind} ${this.fold.instrumentName(instrument)}`;
    return this.ask(subject, "taken over by its clearing account", "sizeOf", [clearing, instrument], size);
  }

  private perpDifferences(perp: PerpBook, taken: bigint, stored: Fields): string[] {
    const { terms, slow } = perp;
    const config = (stored["config"] ?? {}) as Fields;
    return [
      ...fieldDifferences(stored, {
        listed: true,
        frozen: perp.frozen,
        closed: perp.closed,
        frozenMark: perp.frozenMark,
        openInterest: perp.openInterest,
        slowOpenInterest: slow.checkpoint,
        smallestOpenInterest: slow.smallest,
        checkpointAt: slow.at,
        fundingRate: perp.rate,
        fundedAt: perp.fundedAt,
        fundingIndex: fundingIndexAt(perp, this.block.timestamp),
        fundingQuote: perp.fundingQuote,
        dust: perp.dust,
        clearingSize: taken,
      }),
      ...fieldDifferences(config, { ...terms }),
    ];
  }
}
