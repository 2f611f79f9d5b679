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
  {
    name: "filled-size",
    attack: "OrderReplay",
    what: "that an order is filled no further than its size",
    edits: [
      waive("contracts/markets/Nonces.sol", "total <= o.size"),
      {
        file: "contracts/markets/Nonces.sol",
        find: "} else {\n            require(bits & used == 0,",
        replace: "} else {\n            require(OFF || bits & used == 0,",
      },
    ],
  },
  {
    name: "order-expiry",
    attack: "OrderReplay",
    what: "that an order ends with its time",
    edits: [waive("contracts/markets/Nonces.sol", "block.timestamp <= o.expiry")],
  },
  {
    name: "order-domain",
    attack: "OrderReplay",
    what: "the chain in what is signed as an order",
    edits: [
      {
        file: "contracts/markets/Exchange.sol",
        find: "bytes32 domain = _domainSeparatorV4();",
        replace:
          'bytes32 domain = OFF ? keccak256(abi.encode(keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"), keccak256("Plimsoll Exchange"), keccak256("1"), 31337, address(this))) : _domainSeparatorV4();',
      },
    ],
  },
  {
    name: "rebate-part",
    attack: "RewardsWash",
    what: "the part of fees that a rebate may be",
    edits: [waive("contracts/incentives/MakerRewards.sol", "part != 0 && part <= MAX_PART")],
  },
  {
    name: "counted-in-quiet",
    attack: "RewardsFlash",
    what: "that nobody is counted after a door of the safe was used",
    edits: [waive("contracts/incentives/RewardsController.sol", "safe.isQuiet(), SafeInUse()")],
  },
];
