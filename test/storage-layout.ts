import { existsSync, readFileSync, writeFileSync } from "node:fs";

import { expect } from "chai";
import { AbiCoder, id, keccak256, toBeHex } from "ethers";

import { type ContractLayout, keepsLayout, layoutsOf } from "./helpers/layouts.ts";

describe("storage layout of the safe", () => {
  const PARTS = ["MarginAccounts", "MarginAccountsExtension", "MarginAccountsAdmin"] as const;

  it("is the same in its three parts, but for what the extension adds behind it and never writes", () => {
    const layouts = layoutsOf(PARTS.map((name) => `contracts/accounts/${name}.sol`));
    const [hot, extension, admin] = PARTS.map((name) => layouts.get(name));
    if (hot === undefined || extension === undefined || admin === undefined) throw new Error("a part is missing");
    expect(admin.lasting).to.deep.equal(hot.lasting);
    expect(extension.lasting.slice(0, hot.lasting.length)).to.deep.equal(hot.lasting);
    // EIP712's fallbacks for long names, which ours are not
    expect(
      extension.lasting.slice(hot.lasting.length).map((line) => line.replace(/^.* (\w+):.*$/, "$1")),
    ).to.deep.equal(["_nameFallback", "_versionFallback"]);
    expect(extension.transient).to.deep.equal(hot.transient);
    expect(admin.transient).to.deep.equal(hot.transient);
  });
});

// What stands behind a proxy has to find what the code before it left there, so its layout is kept in a file. After adding to the
// end of something, write it anew with UPDATE_LAYOUTS=1, which refuses anything but additions, and format it.
describe("storage layout behind the proxies", () => {
  const FILE = new URL("./layouts.json", import.meta.url);
  const NAMESPACE = "plimsoll.storage.Exchange";
  /** The exchange's variables are a struct at a place of its own (ERC-7201), which no layout shows by itself. */
  const SHOWN = "contracts/test/ExchangeState.sol";
  const SHOWING = `// SPDX-License-Identifier: MIT
    pragma solidity ^0.8.34;
    import {Signatures} from "contracts/markets/Signatures.sol";
    contract ExchangeState { Signatures.State private state; }`;

  type Layouts = Record<string, ContractLayout>;

  let current: Layouts;
  before(() => {
    const files = ["Positions", "PositionsExtension", "Exchange"].map((name) => `contracts/markets/${name}.sol`);
    current = Object.fromEntries(layoutsOf([...files, SHOWN], { [SHOWN]: SHOWING }));
  });

  const of = (name: string): ContractLayout => {
    const layout = current[name];
    if (layout === undefined) throw new Error(`${name} was not compiled`);
    return layout;
  };

  it("only ever grows at its end", () => {
    const kept: Layouts = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Layouts) : {};
    for (const [name, layout] of Object.entries(kept)) {
      expect(keepsLayout(layout, of(name)), `${name}: only additions at the end are safe`).to.equal(true);
    }
    if (process.env["UPDATE_LAYOUTS"] === "1") writeFileSync(FILE, `${JSON.stringify(current, null, 2)}\n`);
    else expect(current, "run the test with UPDATE_LAYOUTS=1 and commit test/layouts.json").to.deep.equal(kept);
  });

  it("is the same in both parts of the ledger, which run on the same proxy", () => {
    expect(of("PositionsExtension")).to.deep.equal(of("Positions"));
  });

  it("has the exchange's state where ERC-7201 says", () => {
    const seed = toBeHex(BigInt(id(NAMESPACE)) - 1n, 32);
    const slot = BigInt(keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32"], [seed]))) & ~0xffn;
    const source = readFileSync(new URL("../contracts/markets/Signatures.sol", import.meta.url), "utf8");
    expect(source).to.include(`erc7201:${NAMESPACE}`);
    expect(source).to.include(`bytes32 private constant STATE = ${toBeHex(slot, 32)};`);
  });

  it("has nothing else of the exchange's that is ever written", () => {
    // EIP712's fallbacks for long names, which ours are not, and AccessManaged's, which is in the code
    expect(of("Exchange").lasting.map((line) => line.replace(/^.* (\w+):.*$/, "$1"))).to.deep.equal([
      "_nameFallback",
      "_versionFallback",
      "_authority",
      "_consumingSchedule",
    ]);
  });
});
