// What is wrong, by the ids of DESIGN 10 where one fits.

/** "storage": events and storage differ; "events": the history contradicts itself. Others: the invariant of that name. */
export type FindingId = "V1" | "V2" | "V3" | "A3" | "D1" | "L2" | "storage" | "events";

export interface Finding {
  readonly id: FindingId;
  /** What it is about: "account 0x…", "pool 2 (WETH)", "ETH-PERP", "operator 0x… of account 0x…". */
  readonly subject: string;
  readonly message: string;
  /** Where in the history; without it, at the audited block. */
  readonly block?: number;
  readonly transaction?: string;
}

/** Kept in full; the rest is only counted, so that a broken history cannot fill the memory. */
const MOST_KEPT = 1_000;

export class Findings {
  readonly kept: Finding[] = [];
  count = 0;

  add(finding: Finding): void {
    this.count += 1;
    if (this.kept.length < MOST_KEPT) this.kept.push(finding);
  }
}

export const findingText = ({ id, subject, message, block, transaction }: Finding): string => {
  const where = block === undefined ? "" : ` [block ${block}${transaction === undefined ? "" : `, ${transaction}`}]`;
  return `${id}: ${subject}: ${message}${where}`;
};
