// What faults of a configuration are collected with; each carries the path of its field.
import { isAddress, parseUnits, ZeroAddress } from "ethers";

import { type Cap, percent } from "./types.ts";

export class InvalidConfigError extends Error {
  readonly faults: readonly string[];

  constructor(name: string, faults: readonly string[]) {
    super(`the configuration "${name}" is not valid:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`);
    this.name = "InvalidConfigError";
    this.faults = faults;
  }
}

/** Collects faults, each under the path of its field. */
export class Checker {
  readonly faults: string[] = [];

  that(ok: boolean, field: string, message: string): void {
    if (!ok) this.faults.push(`${field}: ${message}`);
  }

  address(field: string, value: string): void {
    this.that(isAddress(value), field, `"${value}" is not an address (or its checksum is wrong)`);
    this.that(value !== ZeroAddress, field, "is the zero address");
  }

  wholeNumber(field: string, value: number, min: number, max: number): void {
    const ok = Number.isInteger(value) && value >= min && value <= max;
    this.that(ok, field, `${value} is not a whole number from ${min} to ${max}`);
  }

  share(field: string, value: number, min = 0, max = percent(100)): void {
    const ok = Number.isInteger(value) && value >= min && value <= max;
    this.that(
      ok,
      field,
      `${value} is not in whole basis points from ${min} to ${max} (${min / 100} % to ${max / 100} %)`,
    );
  }

  seconds(field: string, value: number, min: number, max: number): void {
    const ok = Number.isInteger(value) && value >= min && value <= max;
    this.that(ok, field, `${value} is not a whole number of seconds from ${min} to ${max}`);
  }

  /** The amount in units, or undefined with a fault. */
  amount(field: string, value: string, decimals: number): bigint | undefined {
    try {
      const units = parseUnits(value, decimals);
      this.that(units >= 0n, field, `${value} is negative`);
      this.that(units < 1n << 96n, field, `${value} does not fit 96 bits: write "none" for no cap`);
      return units;
    } catch {
      this.that(false, field, `"${value}" is not an amount with at most ${decimals} decimals`);
      return undefined;
    }
  }

  cap(field: string, value: Cap, decimals: number): void {
    if (value !== "none") this.amount(field, value, decimals);
  }
}
