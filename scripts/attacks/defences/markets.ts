// Markets, settlement and rewards.
import { type Defence, waive } from "./defence.ts";

export const markets: readonly Defence[] = [
  {
    name: "premium-clamp",
    attack: "FundingWash",
    what: "the clamp of the premium",
    edits: [
      {
        file: "contracts/markets/PerpMarkets.sol",
        find: "return FixedPoint.max(FixedPoint.min(premium, clamp), -clamp);",
        replace: "return OFF ? premium : FixedPoint.max(FixedPoint.min(premium, clamp), -clamp);",
      },
    ],
  },
  {
    name: "premium-from-its-poke",
    attack: "FundingWash",
    what: "that a premium counts from its poke on: for the time before it, too",
    edits: [
      {
        file: "contracts/markets/PositionsExtension.sol",
        find: "int256 fundingIndex = slots.funding.indexAt(block.timestamp);",
        replace:
          "if (OFF) slots.funding = FundingWordLib.make(slots.funding.indexAt(block.timestamp) + rate, 0, block.timestamp, 0);\n        int256 fundingIndex = slots.funding.indexAt(block.timestamp);",
      },
    ],
  },
  {
    name: "premium-age",
    attack: "FundingWash",
    what: "the age at which a premium stops to count",
    edits: [
      {
        file: "contracts/markets/PositionsExtension.sol",
        find: "uint256 until = time + slots.terms.maxPremiumAge();",
        replace: "uint256 until = time + (OFF ? 40 days : slots.terms.maxPremiumAge());",
      },
    ],
  },
  {
    name: "rounds-follow",
    attack: "ExpiryAverage",
    what: "that each round follows the last",
    edits: [waive("contracts/oracles/SettlementPrices.sol", "id == track.round + 1")],
  },
  {
    name: "walk-from-before",
    attack: "ExpiryAverage",
    what: "that the walk starts before the window",
    edits: [waive("contracts/oracles/SettlementPrices.sol", "(track.price != 0 && round.time <= from)")],
  },
  {
    name: "not-before-the-expiry",
    attack: "SettlementReorg",
    what: "that nothing is final before the expiry",
    edits: [
      {
        file: "contracts/oracles/SettlementPrices.sol",
        find: "if (track.feed == address(0) || block.timestamp < expiry) return false;",
        replace: "if (track.feed == address(0) || (!OFF && block.timestamp < expiry)) return false;",
      },
    ],
  },
  {
    name: "signature-gas",
    attack: "OrderSpam",
    what: "the gas that a contract may use to say whether it signed",
    edits: [
      {
        file: "contracts/markets/Signatures.sol",
        find: "staticcall{gas: SIGNATURE_GAS}(",
        replace: "staticcall{gas: OFF ? 30_000_000 : SIGNATURE_GAS}(",
      },
    ],
  },
  {
    name: "skipped-fills",
    attack: "OrderSpam",
    what: "that a bad fill is skipped",
    edits: [
      {
        file: "contracts/markets/Exchange.sol",
        find: "if (ok) continue;",
        replace: "require(!OFF || ok);\n            if (ok) continue;",
      },
    ],
  },
];
