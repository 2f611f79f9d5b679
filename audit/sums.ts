// What must add up at the audited block (DESIGN 10), over everything that the fold holds. The fold itself judges what each
// transaction touched; this looks at all of it once more, and at what only the whole can show. Pure.
import { expiryClearing, payoffOfOne, perpClearing } from "./books/ledger.ts";
import type { Finding } from "./findings.ts";
import type { Fold } from "./fold.ts";
import { floorWad, ownerOf, vaultShareOf, WAD } from "./words.ts";

/** A clearing account's own U: what rounding kept for it. Never below zero (D1). */
export const perpClearingUnsettled = ({ ledger, setting }: Fold, underlying: number): bigint => {
  const perp = ledger.perps.get(underlying);
  const account = ledger.accounts.get(perpClearing(setting.ledger, underlying));
  if (perp === undefined) return 0n;
  const taken = [...(account?.positions.values() ?? [])].reduce((sum, { size }) => sum + size, 0n);
  return (account?.quote ?? 0n) - perp.fundingQuote + floorWad(perp.dust + taken * perp.frozenMark);
};

export const expiryClearingUnsettled = ({ ledger, setting }: Fold, underlying: number, expiry: number): bigint => {
  const book = ledger.expiries.get(`${underlying}:${expiry}`);
  const account = ledger.accounts.get(expiryClearing(setting.ledger, underlying, expiry));
  const quote = account?.quote ?? 0n;
  const price = book?.price;
  if (price === undefined) return quote;
  let held = 0n;
  for (const [instrument, { size }] of account?.positions ?? []) held += size * payoffOfOne(instrument, price);
  return quote + floorWad(held);
};

/** Σ size·(funding index of the last booking) over all traders, by perp, 1e-36. */
export const entrySums = ({ ledger, setting }: Fold): Map<number, bigint> => {
  const sums = new Map<number, bigint>();
  for (const underlying of ledger.perps.keys()) sums.set(underlying, 0n);
  for (const [account, { positions }] of ledger.accounts) {
    if (ownerOf(account) === setting.ledger) continue;
    for (const [instrument, { size, fundingIndex }] of positions) {
      // kind perp: bits 126 and up are 1; the underlying is the eight below
      if (instrument >> 126n !== 1n) continue;
      const underlying = Number((instrument >> 118n) & 0xffn);
      sums.set(underlying, (sums.get(underlying) ?? 0n) + size * fundingIndex);
    }
  }
  return sums;
};

export const judgeSums = (fold: Fold): Finding[] => {
  const { ledger, safe } = fold;
  const findings: Finding[] = [];
  const add = (id: Finding["id"], subject: string, message: string) => findings.push({ id, subject, message });

  let quotes = 0n;
  const sizes = new Map<bigint, bigint>();
  for (const { quote, positions } of ledger.accounts.values()) {
    quotes += quote;
    for (const [instrument, { size }] of positions) sizes.set(instrument, (sizes.get(instrument) ?? 0n) + size);
  }
  if (quotes !== 0n) add("D1", "quotes", `all quotes add up to ${quotes}, not to 0`);
  for (const [instrument, sum] of sizes) {
    if (sum !== 0n) add("D1", fold.instrumentName(instrument), `all sizes add up to ${sum}, not to 0`);
  }
  for (const [underlying, sum] of entrySums(fold)) {
    const perp = ledger.perps.get(underlying);
    if (perp === undefined) continue;
    const subject = fold.instrumentName((1n << 126n) | (BigInt(underlying) << 118n));
    const expected = perp.fundingQuote * WAD - perp.dust;
    // a closed market's clearing account holds positions that had been booked
    if (!perp.closed && sum !== expected) {
      add("D1", subject, `sizes times entry indices add up to ${sum}; what funding booked makes ${expected}`);
    }
    const left = perpClearingUnsettled(fold, underlying);
    if (left < 0n) add("D1", subject, `its clearing account is worth ${left}, below zero`);
  }
  for (const { underlying, expiry } of ledger.expiries.values()) {
    const left = expiryClearingUnsettled(fold, underlying, expiry);
    if (left < 0n)
      add("D1", `expiry ${expiry} of underlying ${underlying}`, `its clearing account is worth ${left}, below zero`);
  }
  for (const [pool, vault] of safe.vaults) {
    const listed = safe.listings.get(vaultShareOf(pool))?.token;
    if (listed !== vault) add("events", `vault of pool ${pool}`, `its share is listed as ${listed ?? "nothing"}`);
  }
  for (const [asset, { owned, owed }] of safe.totals) {
    if (owned < 0n || owed < 0n) add("V2", `asset ${asset}`, `sums of shares are negative: ${owned}, ${owed}`);
  }
  return findings;
};
