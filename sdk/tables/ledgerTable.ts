// The parameters of perps and options (contracts/risk/LedgerTable.sol): the bytes that `LedgerTableFactory.create` takes. Pure.

/** One underlying; its number is that of the pool whose asset is the index. */
export interface UnderlyingParameters {
  readonly number: number;
  /** Product group: its members' scenarios offset each other by the part φ. 0 or absent: none. */
  readonly group?: { readonly id: number; readonly phiBps: number };
  /** Spot shocks grow with realised ÷ reference volatility, up to `max` times; absent: never. */
  readonly scale?: { readonly referenceVolatilityBps: number; readonly maxBps: number };
  /** From `packRuleParameters`. */
  readonly rules: string;
  /** From `packScenarioParameters`. */
  readonly scenarios: string;
}

/** What a ledger table says. */
export interface LedgerParameters {
  /** w⁺: the part of unsettled profit that new risk may use; 0 by default. */
  readonly profitWeightBps?: number;
  readonly underlyings: readonly UnderlyingParameters[];
}

const VERSION = 1n;
const WORD = 32;
/** The first word and the addresses of positions and of both models. */
const HEADER_WORDS = 4;

const field = (value: bigint | number, bits: number, shift: number, name: string): bigint => {
  const v = BigInt(value);
  if (v < 0n || v >> BigInt(bits) !== 0n) throw new RangeError(`${name} ${v} does not fit ${bits} bits`);
  return v << BigInt(shift);
};

const hexWord = (word: bigint): string => word.toString(16).padStart(2 * WORD, "0");

/** First word, directory, records; the factory puts the three addresses behind the first word. */
export function packLedgerParameters({ profitWeightBps = 0, underlyings }: LedgerParameters): string {
  const head =
    (VERSION << 248n) | field(underlyings.length, 8, 240, "underlyings") | field(profitWeightBps, 16, 224, "w⁺");
  let offset = WORD * (HEADER_WORDS + underlyings.length);
  const directory: string[] = [];
  const records: string[] = [];
  for (const { number, group, scale, rules, scenarios } of underlyings) {
    const place = (record: string): number => {
      const digits = record.replace(/^0x/, "");
      if (digits.length % (2 * WORD) !== 0) throw new RangeError("a record is a number of whole words");
      const at = offset;
      offset += digits.length / 2;
      records.push(digits);
      return at;
    };
    directory.push(
      hexWord(
        field(number, 8, 248, "number") |
          field(group?.id ?? 0, 8, 240, "group") |
          field(group?.phiBps ?? 0, 16, 224, "φ") |
          field(place(rules), 16, 208, "offset") |
          field(place(scenarios), 16, 192, "offset") |
          field(scale?.referenceVolatilityBps ?? 0, 16, 176, "reference volatility") |
          field(scale?.maxBps ?? 0, 16, 160, "largest scale"),
      ),
    );
  }
  return `0x${hexWord(head)}${directory.join("")}${records.join("")}`;
}
