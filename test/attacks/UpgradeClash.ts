// Attack: an upgrade whose storage clashes. The new ledger looks right and passes its own tests, but a variable was put in front of the
// others, or a field into the middle of a struct, or a type was changed: every account's positions are read from somewhere else, and who
// proposed it knows whose quote will be a fortune.
// Defence: the layout of what stands behind a proxy is kept in test/layouts.json, and may only grow at its end (test/storage-layout.ts by
// keepsLayout); what a layout cannot show, a rehearsal on a copy of the chain does (test/rehearsal.ts).
// Without: D1, and with it every account with a position.
import { readFileSync } from "node:fs";

import { expect } from "chai";

import { type ContractLayout, keepsLayout, layoutsOf } from "../helpers/layouts.ts";

const STORAGE = "contracts/markets/LedgerStorage.sol";
const LEDGER = "contracts/markets/Positions.sol";

describe("attack: an upgrade with clashing storage", () => {
  const source = readFileSync(new URL(`../../${STORAGE}`, import.meta.url), "utf8");
  const kept = (
    JSON.parse(readFileSync(new URL("../layouts.json", import.meta.url), "utf8")) as Record<string, ContractLayout>
  )["Positions"];
  if (kept === undefined) throw new Error("no layout of Positions is kept");

  /** The ledger's layout with its storage written otherwise. */
  const layoutWith = (find: string, replace: string): ContractLayout => {
    expect(source.split(find).length, find).to.equal(2);
    const layout = layoutsOf([LEDGER], { [STORAGE]: source.replace(find, replace) }).get("Positions");
    if (layout === undefined) throw new Error("Positions was not compiled");
    return layout;
  };

  const FIRST = "    mapping(AccountId account => LedgerSlots) internal _ledger;\n";
  const LAST = "    uint256 internal _losersShort;\n";
  const MIDDLE = "        FundingWord funding;\n";

  it("is refused when a variable comes in front", () => {
    expect(keepsLayout(kept, layoutWith(FIRST, `    uint256 internal _version;\n${FIRST}`))).to.equal(false);
  });

  it("is refused when a field comes into a struct, or two change places", () => {
    expect(keepsLayout(kept, layoutWith(MIDDLE, `        uint256 note;\n${MIDDLE}`))).to.equal(false);
    const market = "        PerpWord market;\n";
    expect(keepsLayout(kept, layoutWith(market + MIDDLE, MIDDLE + market))).to.equal(false);
  });

  it("is refused when a type changes in its place", () => {
    expect(
      keepsLayout(kept, layoutWith("uint16 internal _insurancePart;", "uint24 internal _insurancePart;")),
    ).to.equal(false);
    expect(keepsLayout(kept, layoutWith("uint256[128] words;", "uint256[64] words;"))).to.equal(false);
  });

  it("is let through when it only adds at the end, or nothing", () => {
    expect(keepsLayout(kept, layoutWith(LAST, LAST))).to.equal(true);
    expect(keepsLayout(kept, layoutWith(LAST, `${LAST}    uint256 internal _version;\n`))).to.equal(true);
  });
});
