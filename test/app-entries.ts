// What the page says of entries and funding, from events alone.
import { expect } from "chai";

import { entriesOf, spotEntriesOf } from "../app/src/data/entries.ts";
import type { ProtocolEvent } from "../sdk/events.ts";
import { encodePosition, perpWord } from "../sdk/instruments.ts";

const WAD = 10n ** 18n;
const ME = `0x${"11".repeat(20)}${"0".repeat(24)}`;
const OTHER = `0x${"22".repeat(20)}${"0".repeat(24)}`;
const PERP = perpWord(2);

let place = 0;
const event = (source: string, name: string, transaction: string, args: object): ProtocolEvent =>
  ({
    ...{ source, name, args, address: "0x", transactionHash: transaction },
    ...{ blockNumber: 1, logIndex: (place += 1) },
  }) as unknown as ProtocolEvent;

const fill = (transaction: string, size: bigint, price: bigint, isMaker = true): ProtocolEvent =>
  event("exchange", "OrdersFilled", transaction, {
    ...(isMaker ? { maker: ME, taker: OTHER } : { maker: OTHER, taker: ME }),
    legs: [{ instrument: PERP, size: isMaker ? size : -size, price }],
  });
const ledger = (transaction: string, size: bigint, fundingIndex = 0n, account = ME): ProtocolEvent =>
  event("positions", "LedgerChanged", transaction, {
    account,
    changed: [encodePosition({ instrument: { kind: "perp", underlying: 2 }, size, fundingIndex })],
  });

describe("Entries of positions", () => {
  const of = (...events: ProtocolEvent[]) => entriesOf(events, ME).get(PERP);

  it("takes the mean of what was opened, and keeps it while part is closed", () => {
    const opened = [
      fill("a", WAD, 2_000n * WAD),
      ledger("a", WAD),
      fill("b", 3n * WAD, 2_400n * WAD),
      ledger("b", 4n * WAD),
    ];
    expect(of(...opened)?.price).to.equal(2_300n * WAD);
    const closing = [fill("c", -3n * WAD, 3_000n * WAD), ledger("c", WAD)];
    expect(of(...opened, ...closing)).to.deep.equal({ size: WAD, price: 2_300n * WAD, funding: 0n });
  });

  it("begins anew when a position turns over, and forgets one that is closed", () => {
    const turned = [
      fill("a", WAD, 2_000n * WAD),
      ledger("a", WAD),
      fill("b", -3n * WAD, 2_100n * WAD),
      ledger("b", -2n * WAD),
    ];
    expect(of(...turned)?.price).to.equal(2_100n * WAD);
    expect(of(...turned, fill("c", 2n * WAD, 1_900n * WAD), ledger("c", 0n))).to.equal(undefined);
  });

  it("takes a taker's side as the opposite of the legs, and nobody else's fills", () => {
    const events = [
      fill("a", WAD, 2_000n * WAD, false),
      ledger("a", -WAD, 0n, OTHER),
      ledger("a", WAD),
      event("exchange", "OrdersFilled", "a", {
        ...{ maker: OTHER, taker: `0x${"33".repeat(32)}` },
        legs: [{ instrument: PERP, size: 9n * WAD, price: WAD }],
      }),
    ];
    expect(of(...events)).to.deep.equal({ size: WAD, price: 2_000n * WAD, funding: 0n });
  });

  it("adds up funding over every touch, from when the position was opened", () => {
    const events = [
      fill("a", 2n * WAD, 2_000n * WAD),
      ledger("a", 2n * WAD, 5n * WAD),
      ledger("b", 2n * WAD, 8n * WAD),
    ];
    // Longs pay what the index rose by: 3 a unit.
    expect(of(...events)?.funding).to.equal(-6n * WAD);
    expect(of(...events, fill("c", -WAD, 2_000n * WAD), ledger("c", WAD, 7n * WAD))?.funding).to.equal(-4n * WAD);
  });

  it("keeps the mean of what an auction leaves, and says nothing of what came by a bid", () => {
    const opened = [fill("a", 2n * WAD, 2_000n * WAD), ledger("a", 2n * WAD)];
    expect(of(...opened, ledger("b", WAD))?.price).to.equal(2_000n * WAD);
    expect(of(...opened, ledger("b", 3n * WAD))?.price).to.equal(undefined);
  });

  it("knows at what spot was bought and sold short through the router", () => {
    const more = (debtAsset: bigint, collateralAsset: bigint, sold: bigint, bought: bigint) =>
      event("leverageRouter", "LeverageIncreased", "a", { account: ME, debtAsset, collateralAsset, sold, bought });
    const less = (debtAsset: bigint, collateralAsset: bigint, repaid: bigint, sold: bigint) =>
      event("leverageRouter", "LeverageReduced", "b", { account: ME, debtAsset, collateralAsset, repaid, sold });
    const units = (_asset: number, amount: bigint): number => Number(amount);
    const long = [more(1n, 2n, 4_000n, 2n), more(1n, 2n, 6_000n, 2n)];
    expect(spotEntriesOf(long, 1, units).get(2)).to.deep.equal({ isLong: true, price: 2_500 });
    expect(spotEntriesOf([...long, less(1n, 2n, 3_000n, 1n)], 1, units).get(2)?.price).to.equal(2_500);
    expect(spotEntriesOf([...long, less(1n, 2n, 10_000n, 4n)], 1, units).size).to.equal(0);
    expect(spotEntriesOf([more(3n, 1n, 2n, 60_000n)], 1, units).get(3)).to.deep.equal({ isLong: false, price: 30_000 });
  });
});
