// Prices and requirements.
import { type Defence } from "./defence.ts";

export const prices: readonly Defence[] = [
  {
    name: "twap-window",
    attack: "TwapManipulation",
    what: "the mean over the window: the last second's price instead",
    edits: [
      {
        file: "contracts/oracles/UniswapV3TwapSource.sol",
        find: "_observe(pool, window);",
        replace: "_observe(pool, OFF ? 1 : window);",
      },
    ],
  },
  {
    name: "two-sources-narrow",
    attack: "TwapManipulation",
    what: "worse of two prices for new risk, better for liquidation, none while they deviate: the second source alone instead",
    edits: [
      {
        file: "contracts/risk/PriceBook.sol",
        find: "if (_deviating(primary, secondary, word)) {\n            require(",
        replace:
          "if (OFF && secondary != 0) return (secondary, secondary);\n        if (_deviating(primary, secondary, word)) {\n            require(",
      },
    ],
  },
  {
    name: "heartbeat",
    attack: "StalePrice",
    what: "the age limit of an answer",
    edits: [
      {
        file: "contracts/risk/PriceBook.sol",
        find: "word.heartbeat(),\n            word.minAnswer(),",
        replace: "OFF ? type(uint32).max : word.heartbeat(),\n            word.minAnswer(),",
      },
    ],
  },
  {
    name: "answer-bounds",
    attack: "MaliciousOracle",
    what: "the bounds of a feed's answer",
    edits: [
      {
        file: "contracts/risk/PriceBook.sol",
        find: "word.maxAnswer()\n",
        replace: "OFF ? type(uint96).max : word.maxAnswer()\n",
      },
    ],
  },
  {
    name: "source-gas",
    attack: "MaliciousOracle",
    what: "the gas that a price source may use",
    edits: [
      {
        file: "contracts/oracles/BoundedRead.sol",
        find: '// Only writes what the caller has set aside at `out`.\n        assembly ("memory-safe") {\n            ok := staticcall(GAS,',
        replace:
          'uint256 limit = OFF ? 30_000_000 : GAS;\n        assembly ("memory-safe") {\n            ok := staticcall(limit,',
      },
      {
        file: "contracts/oracles/ChainlinkSource.sol",
        find: "uint256 limit = BoundedRead.GAS;",
        replace: "uint256 limit = OFF ? 30_000_000 : BoundedRead.GAS;",
      },
    ],
  },
  {
    name: "kappa",
    attack: "SplitAccounts",
    what: "κ times the whole as a bracket's input: the account's own size alone",
    edits: [
      {
        file: "contracts/risk/StandardMargin.sol",
        find: "uint256 x = FixedPoint.max(size, FixedPoint.mulDivUp(word.kappa(), total, BPS));",
        replace: "uint256 x = OFF ? size : FixedPoint.max(size, FixedPoint.mulDivUp(word.kappa(), total, BPS));",
      },
    ],
  },
  {
    name: "feed-decimals",
    attack: "OracleDecimals",
    what: "the question to the feed for its decimals",
    edits: [
      {
        file: "contracts/risk/TableCheck.sol",
        find: "_require(has == says && has <= 18,",
        replace: "_require(OFF || (has == says && has <= 18),",
      },
    ],
  },
];
