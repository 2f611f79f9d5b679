// The static checks must be able to find something.
import { expect } from "chai";

import { countFindings } from "../scripts/static/forge.ts";
import { prove } from "../scripts/static/smt.ts";

describe("the proofs of the small maths", function () {
  this.timeout(60_000);

  const ask = (claim: string) => {
    const source = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;
import {FixedPoint} from "../../../contracts/types/FixedPoint.sol";
contract Claim {
    function f(uint256 a) external pure {
        require(a < 1e18);
        assert(${claim});
    }
}`;
    return prove("scripts/static/properties/Claim.sol", "Claim", source).open.join("\n");
  };

  it("show what is true", () => {
    expect(ask("FixedPoint.mulDivDown(a, 2, 3) <= FixedPoint.mulDivUp(a, 2, 3)")).to.equal("");
  });

  it("do not show what is false", () => {
    const answer = ask("FixedPoint.mulDivDown(a, 2, 3) == FixedPoint.mulDivUp(a, 2, 3)");
    expect(answer).to.contain("Assertion violation");
  });
});

describe("forge lint's findings", () => {
  it("are counted by file and kind, tests apart", () => {
    const finding = (lint: string, file: string) => `warning[${lint}]: text\n   ╭▸ ${file}:3:9\n   │\n`;
    const output = [
      finding("unsafe-typecast", "contracts/a/A.sol"),
      finding("unsafe-typecast", "contracts/a/A.sol"),
      finding("block-timestamp", "contracts/b/B.sol"),
      finding("unsafe-typecast", "contracts/test/C.sol"),
      finding("unsafe-typecast", "contracts/a/A.t.sol"),
    ].join("\n");
    expect(countFindings(output)).to.deep.equal({
      "contracts/a/A.sol": { "unsafe-typecast": 2 },
      "contracts/b/B.sol": { "block-timestamp": 1 },
    });
  });
});
