// What storage says, asked through views at one block, against what the events said. Nothing is trusted that a view could leave out:
// each number that the fold has is asked for by name.
import { AbiCoder, Interface, keccak256 } from "ethers";

import { IVault__factory } from "../types/ethers-contracts/index.js";
import {
  expiryClearing,
  feeAccountOf,
  fundingIndexAt,
  fundingWord,
  type PerpBook,
  perpClearing,
} from "./books/ledger.ts";
import { EMPTY_WORDS, type PoolConfig } from "./books/safe.ts";
import { type Block, inBatches, toTag } from "./chain.ts";
import { LEDGER, SAFE } from "./decode.ts";
import type { Finding } from "./findings.ts";
import type { Fold } from "./fold.ts";
import { decodeInstrument, encodeInstrument, decodePosition } from "../sdk/instruments.ts";
import { type Rpc, RpcError } from "./rpc.ts";
import { assetKind, storedCap, vaultShareOf } from "./words.ts";

/** One question to storage: a view, or a slot. */
interface Check {
  readonly subject: string;
  readonly what: string;
  readonly to: string;
  readonly abi: Interface;
  readonly view: string;
  readonly args: readonly unknown[];
  /** Read as it is, where no view says it; then `view` only names it. */
  readonly slot?: string;
  /** What is wrong with the answer, if anything. */
  readonly judge: (answer: readonly unknown[]) => readonly string[];
}

type Plain = string | number | bigint | boolean;

/** Numbers by value, addresses whatever their case. */
const norm = (value: unknown): string => (typeof value === "string" ? value.toLowerCase() : String(value));

const same =
  (what: string, ...expected: readonly Plain[]) =>
  (answer: readonly unknown[]): string[] =>
    expected.flatMap((value, i) =>
      norm(answer[i]) === norm(value) ? [] : [`${what}: events say ${norm(value)}, storage says ${norm(answer[i])}`],
    );

const CODER = AbiCoder.defaultAbiCoder();
/** Where the ledger keeps its perp markets, and of each the word of its funding. */
const PERPS_SLOT = 2;
const FUNDING_WORD = 1n;
const UINT256_MAX = (1n << 256n) - 1n;
const ZERO_ADDRESS = `0x${"0".repeat(40)}`;

/** What an asset is called in findings. */
export type AssetName = (asset: number) => string;

export class StorageChecks {
  constructor(
    private readonly fold: Fold,
    private readonly name: AssetName,
    private readonly block: Block,
  ) {}

  /** All questions, made as they are asked: a million accounts are not a million objects at once. */
  *all(): Generator<Check> {
    yield* this.accounts();
    yield* this.pools();
    yield* this.assets();
    yield* this.vaults();
    yield* this.authority();
    yield* this.pointers();
    if (this.fold.setting.ledger !== "") yield* this.ledger();
  }

  private ask(subject: string, what: string, view: string, args: readonly unknown[], ...expected: Plain[]): Check {
    return this.safeCheck(subject, what, view, args, same(what, ...expected));
  }

  private safeCheck(
    subject: string,
    what: string,
    view: string,
    args: readonly unknown[],
    judge: Check["judge"],
  ): Check {
    return { subject, what, to: this.fold.setting.safe, abi: SAFE, view, args, judge };
  }

  private askLedger(
    subject: string,
    what: string,
    view: string,
    args: readonly unknown[],
    ...expected: Plain[]
  ): Check {
    return { subject, what, to: this.fold.setting.ledger, abi: LEDGER, view, args, judge: same(what, ...expected) };
  }

  // ---------------------------------------------------------------- the safe

  private *accounts(): Generator<Check> {
    const { safe, ledger } = this.fold;
    const compare = (words: readonly bigint[]) => (answer: readonly unknown[]) => {
      const stored = [...(answer[0] as Iterable<bigint>)];
      const [expected, found] = [words, stored].map((each) => each.map((word) => `0x${word.toString(16)}`).join(" "));
      return expected === found ? [] : [`balance words: events say ${expected}, storage says ${found}`];
    };
    for (const [account, words] of safe.accounts) {
      yield this.safeCheck(`account ${account}`, "balance words", "words", [account], compare(words));
    }
    for (const account of ledger.accounts.keys()) {
      if (safe.accounts.has(account)) continue;
      yield this.safeCheck(`account ${account}`, "balance words", "words", [account], compare(EMPTY_WORDS));
    }
  }

  private *pools(): Generator<Check> {
    const { safe } = this.fold;
    for (const [asset, { supply, debt }] of safe.pools) {
      const subject = this.name(asset);
      yield this.ask(subject, "pool words (supply, debt)", "poolWords", [asset], supply, debt);
      yield this.ask(subject, "rate model", "rateModel", [asset], safe.rateModels.get(asset) ?? ZERO_ADDRESS);
      yield this.ask(subject, "vault", "vaultOf", [asset], safe.vaults.get(asset) ?? ZERO_ADDRESS);
      const config = safe.configs.get(asset);
      if (config === undefined) continue;
      yield this.safeCheck(subject, "configuration", "poolConfig", [asset], (answer) =>
        configDifferences(config, (answer[0] as readonly unknown[]) ?? []),
      );
    }
    const numbers = [...safe.listings.keys()];
    const count = (kind: string) => numbers.filter((asset) => assetKind(asset) === kind).length;
    yield this.ask("safe", "numbers of pools and idle assets", "assetCounts", [], count("pool"), count("idle"));
  }

  private *assets(): Generator<Check> {
    const { fold } = this;
    for (const [asset, { token, decimals }] of fold.safe.listings) {
      const subject = this.name(asset);
      yield this.ask(subject, "token and decimals", "assetToken", [asset], token, decimals);
      yield this.ask(subject, "asset id", "assetIdOf", [token], asset);
      const limit = fold.safe.outflowLimits.get(asset)?.capacity ?? 0n;
      yield this.safeCheck(subject, "outflow limit", "outflowLeft", [asset], ([left]) => {
        // how much of a bucket is used up now is in no event
        if (limit === 0n) return same("outflow left", UINT256_MAX)([left]);
        return (left as bigint) <= limit ? [] : [`outflow left: ${String(left)}, above the limit ${limit}`];
      });
      const kind = assetKind(asset);
      if (kind !== "pool") {
        const held = fold.safe.totals.get(asset)?.owned ?? 0n;
        const { cap } = fold.safe.caps.get(asset) ?? { cap: 0n };
        yield this.ask(subject, "held by accounts", "totalCollateral", [asset], held);
        yield this.ask(subject, "room until the collateral cap", "collateralRoom", [asset], cap - held);
      }
      if (kind !== "vault share")
        yield tokenCheck(subject, token, fold.setting.safe, fold.custodyOf(asset), "custody of the safe");
    }
  }

  private *vaults(): Generator<Check> {
    const { tokens, safe } = this.fold;
    for (const [pool, vault] of safe.vaults) {
      const subject = `vault of ${this.name(pool)}`;
      const abi = IVault__factory.createInterface();
      const what = "shares in all";
      const supply = tokens.supplyOf(vault);
      yield { subject, what, to: vault, abi, view: "totalSupply", args: [], judge: same(what, supply) };
      for (const [holder, shares] of tokens.vaults.get(vault) ?? []) {
        yield tokenCheck(subject, vault, holder, shares, `shares of ${holder}`);
      }
      yield tokenCheck(
        subject,
        vault,
        this.fold.setting.safe,
        safe.totals.get(vaultShareOf(pool))?.owned ?? 0n,
        "shares that the safe holds for accounts",
        // the safe's shares may be more: somebody may have sent it some
        true,
      );
    }
  }

  private *authority(): Generator<Check> {
    const { operators, nonces, pause } = this.fold.safe;
    for (const { account, operator, rights, expiry, receiversOnly, receivers, former } of operators.values()) {
      const subject = `operator ${operator} of account ${account}`;
      yield this.ask(
        subject,
        "rights, expiry, receivers only",
        "operatorOf",
        [account, operator],
        rights,
        expiry,
        receiversOnly,
      );
      for (const receiver of receivers) {
        yield this.ask(subject, `receiver ${receiver}`, "isReceiver", [account, operator, receiver], true);
      }
      for (const receiver of former) {
        yield this.ask(subject, `former receiver ${receiver}`, "isReceiver", [account, operator, receiver], false);
      }
    }
    for (const { owner, nonce } of nonces.values()) {
      yield this.ask(`nonce ${nonce} of ${owner}`, "used", "nonceUsed", [owner, nonce], true);
    }
    yield this.ask("safe", "what the guardian stopped, until", "pauses", [], pause.actions, pause.until);
  }

  private *pointers(): Generator<Check> {
    const { pointers } = this.fold.safe;
    for (const what of ["engine", "auction", "positions"]) {
      yield this.ask("safe", `pointer to ${what}`, what, [], pointers.get(what) ?? ZERO_ADDRESS);
    }
    // the event names the owner only
    const owner = pointers.get("insurance") ?? ZERO_ADDRESS;
    yield this.safeCheck("safe", "insurance account", "insurance", [], (answer) =>
      same("owner of the insurance account", owner)([norm(answer[0]).slice(0, 42)]),
    );
  }

  // ---------------------------------------------------------------- the ledger

  private *ledger(): Generator<Check> {
    const { ledger, safe, setting } = this.fold;
    for (const account of new Set([...ledger.accounts.keys(), ...safe.accounts.keys()])) {
      const held = ledger.accounts.get(account);
      const subject = `account ${account}`;
      yield this.askLedger(subject, "quote", "quoteOf", [account], held?.quote ?? 0n);
      const own = account.startsWith(setting.ledger);
      if (own) {
        for (const [instrument, { size }] of held?.positions ?? []) {
          const what = `taken over of ${this.fold.instrumentName(instrument)}`;
          yield this.askLedger(subject, what, "sizeOf", [account, instrument], size);
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
    for (const what of ["exchange", "feed", "settlementPrices"]) {
      yield this.askLedger("ledger", `pointer to ${what}`, what, [], ledger.pointers.get(what) ?? ZERO_ADDRESS);
    }
    const { account, insurancePart } = ledger.treasury;
    yield this.askLedger(
      "ledger",
      "fee receiver and the insurance fund's part",
      "feeReceiver",
      [],
      account,
      insurancePart,
    );
    const fees = ledger.accounts.get(feeAccountOf(setting.ledger))?.quote ?? 0n;
    yield this.askLedger("ledger", "quote of the fee account", "quoteOf", [feeAccountOf(setting.ledger)], fees);
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
      yield this.askLedger(subject, "its clearing account", "perpClearing", [underlying], id);
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
      yield this.askLedger(subject, "listed options", "optionsOf", args, options.join(","));
      const id = expiryClearing(setting.ledger, underlying, expiry);
      yield this.askLedger(subject, "its clearing account", "expiryClearing", args, id);
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
    return this.askLedger(subject, "taken over by its clearing account", "sizeOf", [clearing, instrument], size);
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

type Fields = Readonly<Record<string, unknown>>;

const fieldDifferences = (stored: Fields, expected: Readonly<Record<string, Plain>>): string[] =>
  Object.entries(expected).flatMap(([field, value]) => same(field, value)([stored[field]]));

const configDifferences = (config: PoolConfig, stored: readonly unknown[]): string[] => {
  const { supplyCap, borrowCap, ...rest } = config;
  const expected = { supplyCap: storedCap(supplyCap), borrowCap: storedCap(borrowCap), ...rest };
  return Object.entries(expected).flatMap(([field, value], i) => same(field, value)([stored[i]]));
};

const TOKEN = new Interface(["function balanceOf(address) view returns (uint256)"]);

const tokenCheck = (
  subject: string,
  token: string,
  holder: string,
  amount: bigint,
  what: string,
  atLeast = false,
): Check => ({
  subject,
  what,
  to: token,
  abi: TOKEN,
  view: "balanceOf",
  args: [holder],
  judge: (answer) => (atLeast && (answer[0] as bigint) >= amount ? [] : same(what, amount)(answer)),
});

const BATCH = 100;

/** Asks everything; what differs is a finding. Throws when the endpoint has no state of the block. */
export const compareStorage = async (
  rpc: Rpc,
  checks: StorageChecks,
  block: Block,
  found: (finding: Finding) => void,
): Promise<number> => {
  let asked = 0;
  let pending: Check[] = [];
  const flush = async (): Promise<void> => {
    const at = toTag(block.number);
    const answers = await inBatches(
      rpc,
      pending.map(({ to, abi, view, args, slot }) =>
        slot === undefined
          ? { method: "eth_call", params: [{ to, data: abi.encodeFunctionData(view, args) }, at] }
          : { method: "eth_getStorageAt", params: [to, slot, at] },
      ),
    );
    pending.forEach((check, i) => {
      for (const message of judged(check, answers[i], block)) found({ id: "storage", subject: check.subject, message });
    });
    asked += pending.length;
    pending = [];
  };
  for (const check of checks.all()) {
    pending.push(check);
    if (pending.length === BATCH) await flush();
  }
  await flush();
  return asked;
};

const LOST_STATE =
  /missing trie node|pruned|archive|state .*(not available|unavailable)|header not found|block not found/i;

const judged = ({ abi, view, what, slot, judge }: Check, answer: unknown, block: Block): readonly string[] => {
  if (answer instanceof RpcError) {
    if (LOST_STATE.test(answer.message)) {
      throw new RpcError(
        view,
        answer.code,
        `no state of block ${block.number}: use an archive node (${answer.message})`,
      );
    }
    return [`${what}: ${view} fails: ${answer.message.slice(0, 200)}`];
  }
  try {
    if (slot !== undefined) return judge([BigInt(String(answer))]);
    return judge([...abi.decodeFunctionResult(view, String(answer))]);
  } catch {
    return [`${what}: ${view} answered ${String(answer).slice(0, 80)}, which is no answer of its kind`];
  }
};
