import { readFileSync, readdirSync } from "node:fs";

import { expect } from "chai";

import { DEFENCES } from "../../scripts/attacks/defences.ts";
import { isSolidity, switched, without } from "../../scripts/attacks/prove.ts";

const ROOT = new URL("../../", import.meta.url);

describe("the table of attacks and defences", () => {
  it("finds every defence in the sources, each text once", () => {
    const read = (file: string) => readFileSync(new URL(file, ROOT), "utf8");
    expect(switched(DEFENCES.filter(isSolidity), read).size).to.be.greaterThan(10);
    for (const defence of DEFENCES) expect(without(defence, read).size).to.be.greaterThan(0);
  });

  it("knows a defence for every attack, and every attack is there", () => {
    const attacks = readdirSync(new URL("test/attacks", ROOT))
      .filter((file) => file !== "table.ts")
      .map((file) => file.replace(/(\.t\.sol|\.ts)$/, ""));
    expect([...new Set(DEFENCES.map(({ attack }) => attack))].sort()).to.deep.equal(attacks.sort());
  });

  it("is told on the page, attack by attack", () => {
    const page = readFileSync(new URL("docs/attacks.md", ROOT), "utf8");
    for (const { attack, what } of DEFENCES) {
      expect(page).to.include(`test/attacks/${attack}.`);
      expect(page).to.include(what);
    }
  });
});
