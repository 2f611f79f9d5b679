// The tool that mutates the contracts: it must find what it says, weave it into a source that compiles, and change nothing
// while no mutant is on.
import { expect } from "chai";
import { network } from "hardhat";

import { choose } from "../scripts/mutate/choose.ts";
import { findPlaces, functionsOf, type Place } from "../scripts/mutate/find.ts";
import { compile, parse } from "../scripts/mutate/solc.ts";
import { SWITCH_FILE, SWITCH_SOURCE, weave } from "../scripts/mutate/weave.ts";

const FILE = "contracts/Small.sol";
const SOURCE = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;
library Half {
    function halfUp(uint256 a) internal pure returns (uint256) { return (a + 1) / 2; }
    function halfDown(uint256 a) internal pure returns (uint256) { return a / 2; }
}
contract Small {
    error TooLarge(uint256 n); // größer als erlaubt: bytes are not characters
    uint256 public total;
    uint256 public constant MOST = 100 + 1;
    event Added(uint256 n);
    function add(uint256 n) external returns (uint256) {
        require(n <= 10, TooLarge(n + 1));
        total += Half.halfUp(n);
        emit Added(n - 0);
        if (n == 3) _bump(n, total);
        for (uint256 i = 0; i < n; ++i) total += 1;
        return total;
    }
    function _bump(uint256 a, uint256 b) private { total = a - b * 0; }
}
`;

describe("mutants", function () {
  this.timeout(60_000);

  const trees = parse({ [FILE]: SOURCE });
  const tree = trees[FILE];
  if (tree === undefined) throw new Error("no tree");
  const places = findPlaces(FILE, SOURCE, tree, functionsOf(Object.values(trees)));
  const changes = (kind: Place["kind"]) =>
    places.filter((place) => place.kind === kind).map(({ before, after }) => `${before} → ${after}`);

  it("are made of bounds, requirements, rounding, order of arguments and statements", () => {
    expect(changes("bound")).to.deep.equal(["n <= 10 → n < 10", "i < n → i <= n"]);
    expect(changes("require")).to.deep.equal(["n <= 10 → true"]);
    expect(changes("rounding")).to.deep.equal(["Half.halfUp(n) → Half.halfDown(n)"]);
    expect(changes("arguments")).to.deep.equal(["_bump(n, total); → _bump(total, n);"]);
    expect(changes("condition")).to.deep.equal(["n == 3 → !(n == 3)"]);
    expect(changes("equality")).to.deep.equal(["n == 3 → n != 3"]);
    expect(changes("assignment")).to.deep.equal([
      "total += Half.halfUp(n) → total -= Half.halfUp(n)",
      "total += 1 → total -= 1",
    ]);
    expect(changes("removed")).to.include("_bump(n, total); → ");
  });

  it("leave events, errors, constants and the heads of loops alone", () => {
    const before = places.map((place) => place.before);
    for (const text of ["n - 0", "n + 1", "100 + 1", "++i"]) expect(before).not.to.include(text);
  });

  it("are chosen by the seed, every time the same", () => {
    const ids = (seed: number) => choose(places, 5, seed).map(({ start, kind, after }) => `${start} ${kind} ${after}`);
    expect(ids(1)).to.deep.equal(ids(1));
    expect(ids(1)).not.to.deep.equal(ids(2));
  });

  it("are all in one build, each on when the block's coinbase is its number", async () => {
    const mutants = choose(places, places.length, 1);
    const artifact = compile({ [FILE]: weave(FILE, SOURCE, mutants), [SWITCH_FILE]: SWITCH_SOURCE }).find(
      ({ id }) => id.name === "Small",
    );
    const { ethers, networkHelpers } = await network.create();
    const [signer] = await ethers.getSigners();
    const factory = new ethers.ContractFactory(
      artifact?.contract.abi ?? "[]",
      artifact?.contract.bytecode ?? "",
      signer,
    );
    const small = await (await factory.deploy()).waitForDeployment();
    const add = async (n: number, kind?: Place["kind"], text = "") => {
      const mutant = mutants.find((m) => m.kind === kind && m.before.includes(text));
      await networkHelpers.setCoinbase(ethers.zeroPadValue(ethers.toBeHex(mutant?.id ?? 0), 20));
      await networkHelpers.mine(); // calls see the last block's
      return (await small.getFunction("add").staticCall(n)) as bigint;
    };
    expect(await add(5)).to.equal(8n);
    expect(await add(5, "rounding")).to.equal(7n);
    expect(await add(5, "removed", "halfUp")).to.equal(5n);
    expect(await add(5, "bound", "i < n")).to.equal(9n);
    expect(await add(11, "require")).to.equal(17n);
    let refused = false;
    await add(11).catch(() => (refused = true));
    expect(refused, "11 without a mutant").to.equal(true);
  });
});
