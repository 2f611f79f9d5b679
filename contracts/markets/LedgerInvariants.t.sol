// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {LedgerHandler, LedgerParts} from "../test/LedgerHandler.sol";
import {LedgerTest} from "../test/LedgerTest.sol";
import {DoorLog} from "../test/invariant/DoorLog.sol";
import {PerpConfig, PerpMarket} from "../interfaces/IPositions.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {Instrument, Position} from "../types/Position.sol";

/// @dev Here, so that the runner knows it.
contract LedgerMoves is LedgerHandler {
    constructor(LedgerParts memory p, AccountId[] memory ids) LedgerHandler(p, ids) {}
}

/// @title D1: whatever is done in whatever order, positions, quotes and unsettled PnL sum to zero
contract LedgerInvariants is LedgerTest, DoorLog {
    string[] private doors = [
        "filled",
        "poked",
        "settled expiry",
        "listed",
        "frozen",
        "closed",
        "settled",
        "taken",
        "swept",
        "any order"
    ];
    LedgerMoves private handler;
    AccountId[] private traders;
    AccountId private treasury;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < 5; ++i) {
            traders.push(accountOf(makeAddr(string.concat("trader", vm.toString(i))), 0));
            deposit(traders[i], USDC, 1_000_000e6);
        }
        treasury = accountOf(makeAddr("treasury"), 0);
        ledger.setFeeReceiver(treasury, 3_000);
        ledger.configurePerp(ETH, _config(1e30));
        ledger.configurePerp(BTC, _config(1e30));
        handler = new LedgerMoves(LedgerParts(safe, ledger, auction, scale, premiums, finals, sender), traders);
        authority.grantRole(0, address(handler), 0);
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), handler.moves()));
    }

    // ------------------------------------------------------------------ runs

    /// @dev Sums do not mend themselves, so that every eighth move is looked at finds what every move would, in a part of the time.
    function invariant_D1_SumsAreZeroAndEventsTellAll() public view {
        if (handler.steps() % 8 == 0) _checkAll();
    }

    function afterInvariant() public {
        _logDoors(address(handler), doors);
    }

    /// @dev Every move in an order in which each does what it is for: random runs would not show it if one never did.
    function test_EveryMoveIsReached() public {
        handler.list();
        for (uint256 i = 0; i < 12; ++i) {
            uint256 luck = uint256(keccak256(abi.encode(i)));
            handler.trade(luck, i, int256(luck >> 3), luck >> 5);
            handler.tradeOption(luck >> 7, i, int256(luck >> 9), luck >> 11);
            handler.spread(luck >> 4, luck >> 6, int256(luck >> 8), int256(luck >> 10));
            handler.reduce(luck >> 13, luck >> 1);
            handler.poke(luck >> 2, int256(luck >> 4) - int256(luck >> 5), luck >> 6);
            handler.wait(luck);
            handler.settle(luck >> 12, luck);
            handler.touch(luck >> 14);
            handler.bid(luck >> 15, luck);
            handler.anyOrder();
            if (i % 3 == 1) handler.expire(luck >> 100);
            if (i % 3 == 2) handler.list();
            if (i > 4) handler.freeze(i * 4, luck);
            handler.sweep(luck >> 20, luck);
            _checkAll();
        }
        for (uint256 i = 0; i < doors.length; ++i) {
            assertGt(handler.done(bytes32(bytes(doors[i]))), 0, doors[i]);
        }
        assertGt(handler.done("filled"), handler.done("refused"), "mostly refused");
    }

    // ------------------------------------------------------------------ what holds

    function _checkAll() private view {
        assertEq(handler.broken(), "");
        Instrument[] memory instruments = handler.instruments();
        _checkSizes(instruments);
        AccountId[] memory ids = _everybody(instruments);
        int256 quotes;
        int256 unsettled;
        for (uint256 i = 0; i < ids.length; ++i) {
            int256 quote = ledger.quoteOf(ids[i]);
            quotes += quote;
            assertEq(handler.toldQuote(ids[i]), quote, "a quote that no event told");
            int256 u = ledger.unsettledOf(ids[i]);
            unsettled += u;
            if (ids[i].owner() == address(ledger)) {
                assertGe(u, 0, "a clearing account lost");
                if (ids[i] != ledger.feeAccount()) assertLe(uint256(u), handler.roundings(), "more than roundings");
            } else {
                _checkFlags(ids[i], quote);
            }
        }
        assertEq(quotes, 0, "sum of quotes");
        // each value of a position and each clearing account's remainder may be rounded down once
        assertLe(unsettled, 0, "U from nothing");
        assertGe(unsettled, -int256(8 * (instruments.length + 2)), "U lost");
    }

    function _checkFlags(AccountId id, int256 quote) private view {
        (AccountFlags flags, ) = safe.portfolio(id);
        // what may owe: a negative quote as well
        assertEq(flags.hasPositions(), quote < 0 || ledger.positionsOf(id).length != 0, "positions flag");
        assertEq(flags.hasQuote(), quote != 0, "quote flag");
    }

    function _checkSizes(Instrument[] memory instruments) private view {
        int256[] memory sums = new int256[](instruments.length);
        int256[] memory entries = new int256[](2);
        for (uint256 k = 0; k < instruments.length; ++k) {
            AccountId clearing = _clearingOf(instruments[k]);
            sums[k] = ledger.sizeOf(clearing, instruments[k]);
            assertEq(handler.toldSize(clearing, instruments[k]), sums[k], "a clearing size that no event told");
        }
        uint256[] memory longs = new uint256[](2);
        for (uint256 i = 0; i < traders.length; ++i) {
            Position[] memory held = ledger.positionsOf(traders[i]);
            assertEq(handler.toldCount(traders[i]), held.length, "positions that no event told");
            for (uint256 n = 0; n < held.length; ++n) {
                int256 size = held[n].size();
                assertEq(handler.toldSize(traders[i], held[n].instrument()), size, "a size that no event told");
                uint256 k = _indexOf(instruments, held[n].instrument());
                sums[k] += size;
                if (k > 1) continue;
                entries[k] += size * held[n].fundingIndex();
                if (size > 0) longs[k] += uint256(size);
            }
        }
        for (uint256 k = 0; k < sums.length; ++k) assertEq(sums[k], 0, "sum of positions");
        for (uint256 k = 0; k < 2; ++k) _checkMarket(instruments[k].underlying(), longs[k], entries[k]);
    }

    function _indexOf(Instrument[] memory list, Instrument instrument) private pure returns (uint256 k) {
        while (list[k] != instrument) ++k;
    }

    /// @dev DESIGN 7: what the market remembers is Σ size·entry index.
    function _checkMarket(uint8 underlying, uint256 longs, int256 entries) private view {
        PerpMarket memory m = ledger.perpMarket(underlying);
        assertEq(m.openInterest, longs, "open interest");
        // what the clearing account took over stands at the last index
        entries += m.clearingSize * m.fundingIndex;
        assertEq(m.fundingQuote * 1e18 - int256(m.dust), entries, "sum of entries");
    }

    function _clearingOf(Instrument i) private view returns (AccountId) {
        return i.isPerp() ? ledger.perpClearing(i.underlying()) : ledger.expiryClearing(i.underlying(), i.expiry());
    }

    /// @dev Traders, treasury, insurance, fees, and the clearing accounts, each once.
    function _everybody(Instrument[] memory instruments) private view returns (AccountId[] memory ids) {
        uint256 n = traders.length;
        uint256 perExpiry = 6;
        ids = new AccountId[](n + 5 + (instruments.length - 2) / perExpiry);
        for (uint256 i = 0; i < n; ++i) ids[i] = traders[i];
        (ids[n], ids[n + 1], ids[n + 2]) = (treasury, fund.account(), ledger.feeAccount());
        (ids[n + 3], ids[n + 4]) = (ledger.perpClearing(ETH), ledger.perpClearing(BTC));
        for (uint256 i = n + 5; i < ids.length; ++i) ids[i] = _clearingOf(instruments[2 + (i - n - 5) * perExpiry]);
    }

    function _config(uint104 cap) private pure returns (PerpConfig memory config) {
        config = perpConfig();
        config.openInterestCap = cap;
    }
}
