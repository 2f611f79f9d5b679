// Liquidation and insurance.
import { ACCOUNTS, type Defence, waive } from "./defence.ts";

export const liquidation: readonly Defence[] = [
  {
    name: "bid-limit",
    attack: "LiquidationSandwich",
    what: "the bidder's own limit",
    edits: [waive(`${ACCOUNTS}/Bids.sol`, "price <= limit")],
  },
  {
    name: "tick-limit",
    attack: "SelfLiquidation",
    what: "the 15 minutes that a tick counts at most",
    edits: [
      {
        file: "contracts/liquidation/LiquidationAuction.sol",
        find: "? FixedPoint.min(elapsed, MAX_TICK)",
        replace: "? (OFF ? elapsed : FixedPoint.min(elapsed, MAX_TICK))",
      },
    ],
  },
  {
    name: "pending-untouchable",
    attack: "InsuranceDrain",
    what: "all three: no bid on a pending account, no auction of one, no payment in the transaction of a start",
    edits: [
      waive(`${ACCOUNTS}/Sessions.sol`, "_noteOf(id) == 0, CheckPending(id)"),
      waive("contracts/liquidation/LiquidationAuction.sol", "!safe.isPending(account), CheckPending(account)"),
      {
        file: "contracts/liquidation/LiquidationAuction.sol",
        find: "a.phase == Phase.Solvent || (known && !_startedNow(account).tload()),",
        replace: "OFF || a.phase == Phase.Solvent || (known && !_startedNow(account).tload()),",
      },
    ],
  },
  {
    name: "cool-down",
    attack: "InsuranceFrontRun",
    what: "the cool-down of who leaves the insurance fund",
    edits: [
      {
        file: "contracts/liquidation/InsuranceFund.sol",
        find: "block.timestamp >= e.from &&",
        replace: "(OFF || block.timestamp >= e.from) &&",
      },
    ],
  },
  {
    name: "known-loss",
    attack: "InsuranceFrontRun",
    what: "that a known loss lowers what stakes are paid",
    edits: [
      {
        file: "contracts/liquidation/InsuranceFund.sol",
        find: "return auction == address(0) ? 0",
        replace: "return OFF || auction == address(0) ? 0",
      },
    ],
  },
  {
    name: "requests-follow-shares",
    attack: "InsuranceFrontRun",
    what: "that a request falls with the shares that were sent away",
    edits: [
      {
        file: "contracts/liquidation/InsuranceFund.sol",
        find: "if (e.shares <= held) return;",
        replace: "if (OFF || e.shares <= held) return;",
      },
    ],
  },
  {
    name: "recovered-by-a-distance",
    attack: "DustGrief",
    what: "the part of the requirement that returned equity must cover: any equity instead",
    edits: [
      {
        file: "contracts/liquidation/LiquidationAuction.sol",
        find: "!a.exhausted && AuctionMath.isRecovered(t.maintenance, t.mtm, _buffer)",
        replace: "!a.exhausted && (OFF ? t.mtm > 0 : AuctionMath.isRecovered(t.maintenance, t.mtm, _buffer))",
      },
    ],
  },
  {
    name: "dust-sold-whole",
    attack: "DustGrief",
    what: "that dust is sold whole",
    edits: [
      {
        file: "contracts/liquidation/LiquidationAuction.sol",
        find: "t.mtm - int256(reserved) <= int256(_dustThreshold)\n",
        replace: "!OFF && t.mtm - int256(reserved) <= int256(_dustThreshold)\n",
      },
    ],
  },
  {
    name: "positions-cap",
    attack: "FullAccount",
    what: "128 positions at most: 250",
    edits: [
      {
        file: "contracts/markets/LedgerBooks.sol",
        find: "require(i < MAX_POSITIONS,",
        replace: "require(i < (OFF ? 250 : MAX_POSITIONS),",
      },
      {
        file: "contracts/markets/LedgerStorage.sol",
        find: "uint256[128] words;",
        replace: "uint256[250] words;",
      },
    ],
  },
];
