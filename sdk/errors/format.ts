/** Words for amounts, accounts, times and instruments in messages. */
import { formatUnits } from "ethers";

import { decodeAsset, IdError, indexOf, ownerOf, SETTLEMENT } from "../ids.ts";
import { instrumentName, type Symbols } from "../instruments.ts";

/** What is known of an asset beside its number. */
export interface AssetName {
  readonly symbol: string;
  readonly decimals: number;
}

/** What the caller was trying: lets a message say how much of it would pass. */
export interface Attempt {
  /** "Borrowing", "Depositing": begins the sentence. */
  readonly verb: string;
  readonly asset: number;
  /** Token units. */
  readonly amount: bigint;
}

/** What makes messages readable: symbols, and what was tried. All of it may be missing. */
export interface ErrorContext {
  /** By AssetId; vault shares too. */
  readonly assets?: ReadonlyMap<number, AssetName>;
  /** By underlying's number, for instruments. */
  readonly underlyings?: Symbols;
  readonly attempt?: Attempt;
}

const WAD_DECIMALS = 18;
const SHOWN_DECIMALS = 6;
const NONE: AssetName = { symbol: "", decimals: -1 };
const ACTIONS = ["borrowing", "withdrawing with debt", "transferring", "trading perps and options"] as const;
const FAULTS = [
  "usable",
  "stale",
  "not positive",
  "at its feed's limit",
  "of an incomplete round",
  "unusable while the sequencer is down",
  "unusable until the sequencer's grace period is over",
  "unreadable (the source reverted)",
  "contradicted by the second source",
] as const;

/** Decimal text with at most six decimals, cut towards zero; what is smaller is shown in full. */
export const decimalText = (value: bigint, decimals: number): string => {
  const text = formatUnits(value, decimals);
  const [whole = "0", fraction = ""] = text.split(".");
  const shown = fraction.slice(0, SHOWN_DECIMALS).replace(/0+$/, "");
  if (shown !== "") return `${whole}.${shown}`;
  return /[1-9]/.test(whole) || value === 0n ? whole : text;
};

/** Text in a bytes32. */
export const bytesText = (word: string): string => {
  const bytes = word.slice(2).match(/../g) ?? [];
  const codes = bytes.map((byte) => Number.parseInt(byte, 16)).filter((code) => code !== 0);
  return codes.every((code) => code >= 32 && code < 127) ? String.fromCharCode(...codes) : word;
};

/** Formats with what the context knows. */
export class Words {
  constructor(readonly context: ErrorContext = {}) {}

  #name(asset: bigint | number): AssetName {
    return this.context.assets?.get(Number(asset)) ?? NONE;
  }

  /** "WETH", or "asset 2" when its symbol is not known. */
  asset(asset: bigint | number): string {
    const { symbol } = this.#name(asset);
    if (symbol !== "") return symbol;
    try {
      const { kind, number } = decodeAsset(Number(asset));
      return kind === "pool" ? `pool ${number}` : kind === "idle" ? `idle asset ${number}` : `vault share ${number}`;
    } catch (error) {
      if (error instanceof IdError) return `asset ${asset}`;
      throw error;
    }
  }

  /** "3.2 WETH" of token units. */
  amount(asset: bigint | number, units: bigint): string {
    const { symbol, decimals } = this.#name(asset);
    if (decimals < 0) return `${units} units of ${this.asset(asset)}`;
    return `${decimalText(units, decimals)} ${symbol}`;
  }

  /** Token units of the settlement asset. */
  settlement(units: bigint): string {
    return this.amount(SETTLEMENT, units);
  }

  /** Settlement units, WAD. */
  value(wad: bigint): string {
    const { symbol } = this.#name(SETTLEMENT);
    return `${decimalText(wad, WAD_DECIMALS)} ${symbol === "" ? "settlement units" : symbol}`;
  }

  /** WAD as a plain number. */
  wad(value: bigint): string {
    return decimalText(value, WAD_DECIMALS);
  }

  /** WAD as a percentage. */
  percent(wad: bigint): string {
    return `${decimalText(wad * 100n, WAD_DECIMALS)} %`;
  }

  /** "account 0 of 0x…". */
  account(id: string): string {
    return `account ${indexOf(id)} of ${ownerOf(id)}`;
  }

  instrument(word: bigint): string {
    try {
      return instrumentName(word, this.context.underlyings ?? {});
    } catch {
      return `instrument 0x${word.toString(16)}`;
    }
  }

  underlying(number: bigint): string {
    return this.context.underlyings?.[Number(number)] ?? `underlying ${number}`;
  }

  /** Unix seconds as UTC. */
  time(seconds: bigint): string {
    const date = new Date(Number(seconds) * 1_000);
    return Number.isNaN(date.getTime())
      ? `second ${seconds}`
      : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  }

  /** The name in a bytes32. */
  text(word: string): string {
    return bytesText(word);
  }

  /** What a guardian's bits stop. */
  actions(bits: bigint): string {
    const stopped = ACTIONS.filter((_, i) => ((bits >> BigInt(i)) & 1n) === 1n);
    return stopped.length === 0 ? "nothing" : stopped.join(" and ");
  }

  fault(number: bigint): string {
    return FAULTS[Number(number)] ?? `unusable (fault ${number})`;
  }

  /** What was tried, when it was about this asset. */
  attempt(asset: bigint): Attempt | undefined {
    const { attempt } = this.context;
    return attempt !== undefined && BigInt(attempt.asset) === asset ? attempt : undefined;
  }
}
