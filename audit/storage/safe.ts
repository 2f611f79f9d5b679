// What the safe, its tokens and its vaults are asked.
import { IVault__factory } from "../../types/ethers-contracts/index.js";
import { EMPTY_WORDS, type PoolConfig } from "../books/safe.ts";
import { SAFE } from "../decode.ts";
import type { Fold } from "../fold.ts";
import { assetKind, storedCap, vaultShareOf } from "../words.ts";
import { type AssetName, type Check, norm, type Plain, same, tokenCheck, ZERO_ADDRESS } from "./check.ts";

const UINT256_MAX = (1n << 256n) - 1n;

export class SafeChecks {
  constructor(
    private readonly fold: Fold,
    private readonly name: AssetName,
  ) {}

  *all(): Generator<Check> {
    yield* this.accounts();
    yield* this.pools();
    yield* this.assets();
    yield* this.vaults();
    yield* this.authority();
    yield* this.pointers();
  }

  private ask(subject: string, what: string, view: string, args: readonly unknown[], ...expected: Plain[]): Check {
    return this.check(subject, what, view, args, same(what, ...expected));
  }

  private check(subject: string, what: string, view: string, args: readonly unknown[], judge: Check["judge"]): Check {
    return { subject, what, to: this.fold.setting.safe, abi: SAFE, view, args, judge };
  }

  private *accounts(): Generator<Check> {
    const { safe, ledger } = this.fold;
    const compare = (words: readonly bigint[]) => (answer: readonly unknown[]) => {
      const stored = [...(answer[0] as Iterable<bigint>)];
      const [expected, found] = [words, stored].map((each) => each.map((word) => `0x${word.toString(16)}`).join(" "));
      return expected === found ? [] : [`balance words: events say ${expected}, storage says ${found}`];
    };
    for (const [account, words] of safe.accounts) {
      yield this.check(`account ${account}`, "balance words", "words", [account], compare(words));
    }
    for (const account of ledger.accounts.keys()) {
      if (safe.accounts.has(account)) continue;
      yield this.check(`account ${account}`, "balance words", "words", [account], compare(EMPTY_WORDS));
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
      yield this.check(subject, "configuration", "poolConfig", [asset], (answer) =>
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
      yield this.check(subject, "outflow limit", "outflowLeft", [asset], ([left]) => {
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
    yield this.check("safe", "insurance account", "insurance", [], (answer) =>
      same("owner of the insurance account", owner)([norm(answer[0]).slice(0, 42)]),
    );
  }
}

const configDifferences = (config: PoolConfig, stored: readonly unknown[]): string[] => {
  const { supplyCap, borrowCap, ...rest } = config;
  const expected = { supplyCap: storedCap(supplyCap), borrowCap: storedCap(borrowCap), ...rest };
  return Object.entries(expected).flatMap(([field, value], i) => same(field, value)([stored[i]]));
};
