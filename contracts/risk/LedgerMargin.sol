// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {LibBit} from "solady/src/utils/LibBit.sol";

import {ICreditTiers} from "../interfaces/ICreditTiers.sol";
import {
    IMarginModel,
    Margins,
    ModelInput,
    SpotCluster,
    SpotSide,
    UnderlyingPrice
} from "../interfaces/IMarginModel.sol";
import {IPositions} from "../interfaces/IPositions.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib, SETTLEMENT} from "../types/AssetId.sol";
import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Holding} from "../types/Holding.sol";
import {Position} from "../types/Position.sol";
import {LedgerTable} from "./LedgerTable.sol";
import {FeedWord, HaircutWord, RiskTable, TableRamp} from "./RiskTable.sol";
import {Cluster, Evaluation, StandardMargin, Tally} from "./StandardMargin.sol";

/// @title Accounts with perps or options, or with the portfolio model
/// @notice Asks the ledger once, prices every underlying once, values the spot at both sides of its prices, and hands all of it to
/// the account's model. Which side counts is decided there, where an underlying's spot and derivatives are together (DESIGN 5).
abstract contract LedgerMargin is StandardMargin {
    /// @dev Bits of an account's model.
    uint8 private constant STANDARD = 0;
    uint8 private constant PORTFOLIO = 1;
    uint8 private constant CREDIT = 2;
    /// @dev The largest part of what IM asks beyond MM that any tier may spare, basis points: whatever the tiers' contract says.
    uint256 private constant MAX_CREDIT = 5_000;
    /// @dev Underlyings are pools with a number of eight bits; pool 1 is the settlement asset, the unit itself.
    uint256 private constant MAX_UNDERLYING = 255;

    function _isSpot(AccountFlags flags) internal pure returns (bool) {
        return !flags.hasLedger() && flags.model() == STANDARD;
    }

    function _weigh(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings,
        uint256 purpose
    ) internal view returns (Margins memory) {
        Evaluation memory e;
        TableRamp ramp;
        (e.head, ramp) = RiskTable.header();
        e.records = RiskTable.records(e.head);
        e.ramp = ramp.exists() ? ramp.progress(block.timestamp) : WAD;
        e.purpose = purpose;

        ModelInput memory input;
        input.purpose = purpose;
        input.parameters = ramp.ledgerTable();
        (address positions, address standard, address portfolio) = _parts(flags, input.parameters);
        if (flags.hasLedger()) (input.quote, input.positions, input.perps) = IPositions(positions).ledgerOf(account);

        uint256 traded = _traded(input.positions);
        input.underlyings = _price(e, holdings, traded);
        input.clusters = _clusters(e, holdings, traded);
        input.settlementPrice = e.settlementPrice;
        Margins memory m = IMarginModel(flags.model() & PORTFOLIO == 0 ? standard : portfolio).evaluate(input);
        // MM and what has to hold at mid are never touched
        if (purpose == INITIAL && flags.model() & CREDIT != 0) m.initial += _credit(account, m, input.parameters);
        return m;
    }

    /// @dev part · (MM − IM), both on the side of the prices where IM is smallest, rounded down: IM' = IM + part · (MM − IM) ≤ MM. Without
    /// tiers in the table there is no credit.
    function _credit(AccountId account, Margins memory m, address parameters) private view returns (int256) {
        if (m.maintenance <= m.initial) return 0;
        address tiers = LedgerTable.creditTiers(parameters);
        if (tiers == address(0)) return 0;
        uint256 part = FixedPoint.min(ICreditTiers(tiers).partOf(account), MAX_CREDIT);
        return int256(FixedPoint.mulDivDown(uint256(m.maintenance - m.initial), part, BPS));
    }

    /// @dev Underlyings of the account's positions, a bit each.
    function _tradedBy(AccountId account, AccountFlags flags) internal view returns (uint256) {
        if (!flags.hasLedger()) return 0;
        (, TableRamp ramp) = RiskTable.header();
        (address ledger, , ) = _parts(flags, ramp.ledgerTable());
        (, Position[] memory positions, ) = IPositions(ledger).ledgerOf(account);
        return _traded(positions);
    }

    function _parts(AccountFlags flags, address parameters) private view returns (address, address, address) {
        if (parameters == address(0)) {
            require(!flags.hasLedger(), LedgerUnsupported());
            revert ModelUnsupported(flags.model());
        }
        return LedgerTable.parts(parameters);
    }

    function _traded(Position[] memory positions) private pure returns (uint256 traded) {
        unchecked {
            for (uint256 i; i < positions.length; ++i) {
                traded |= 1 << positions[i].underlying();
            }
        }
    }

    /// @dev Low and high of every underlying that is traded or held, each source read once: `e.book` keeps them for the spot part.
    function _price(
        Evaluation memory e,
        Holding[] calldata holdings,
        uint256 traded
    ) private view returns (UnderlyingPrice[] memory list) {
        unchecked {
            uint256 all = traded;
            for (uint256 i; i < holdings.length; ++i) {
                AssetId asset = _underlyingOf(holdings[i].asset());
                if (asset != SETTLEMENT && asset.isPool() && asset.number() <= MAX_UNDERLYING && _isListed(e, asset)) {
                    all |= 1 << asset.number();
                }
            }
            uint256 n = LibBit.popCount(all);
            list = new UnderlyingPrice[](n);
            if (n == 0) return list;
            uint256[] memory book = new uint256[](n);
            for (uint256 i; i < n; ++i) {
                uint256 number = LibBit.ffs(all);
                all &= all - 1;
                AssetId asset = AssetIdLib.pool(uint16(number));
                require(_isListed(e, asset), AssetNotInTable(asset));
                uint256 packed = _packedPrice(e, asset, false);
                book[i] = packed;
                UnderlyingPrice memory u = list[i];
                u.number = number;
                u.low = _perUnit(packed >> 128, e.settlementPrice);
                u.high = packed >> 128 == uint128(packed) ? u.low : _perUnit(uint128(packed), e.settlementPrice);
                u.amount = _amountOf(e, holdings, asset);
            }
            (e.book, e.booked) = (book, list);
        }
    }

    /// @dev Spot of an underlying and of its vault share, whole tokens WAD, rounded down.
    function _amountOf(
        Evaluation memory e,
        Holding[] calldata holdings,
        AssetId asset
    ) private pure returns (int256 amount) {
        for (uint256 i; i < holdings.length; ++i) {
            AssetId held = holdings[i].asset();
            if (_underlyingOf(held) == asset && _isListed(e, held)) amount += holdings[i].amount();
        }
        if (amount == 0) return 0;
        (FeedWord feed, ) = RiskTable.record(e.records, RiskTable.indexOf(e.head, asset));
        return FixedPoint.mulDivFloor(amount, WAD, 10 ** feed.tokenDecimals());
    }

    /// @dev Every listed holding is in exactly one cluster. Cash by itself needs no price and no comparison of sides.
    function _clusters(
        Evaluation memory e,
        Holding[] calldata holdings,
        uint256 traded
    ) private view returns (SpotCluster[] memory list) {
        uint256 left;
        bool alone = _linkedKinds(holdings) == 0;
        for (uint256 i; i < holdings.length; ++i) {
            AssetId asset = holdings[i].asset();
            uint256 index = RiskTable.indexOf(e.head, asset);
            FeedWord feed;
            HaircutWord word;
            if (index != RiskTable.NONE) (feed, word) = RiskTable.record(e.records, index);
            if (!feed.listed()) _requireWorthless(holdings[i]);
            else if (alone && asset == SETTLEMENT && word.group() == 0) _addCash(e, feed, word, holdings[i].amount());
            else left |= 1 << i;
        }
        uint256 n = LibBit.popCount(left);
        list = new SpotCluster[](n + 1);
        list[0].low = SpotSide(e.cash, e.cashInitial, e.cashMaintenance, e.cashDebts);
        list[0].high = list[0].low;
        if (n == 0) return list;
        n = 1;
        Cluster memory c;
        c.prices = new uint256[](holdings.length);
        while (left != 0) {
            _gather(e, c, holdings, left);
            left &= ~c.members;
            SpotCluster memory spot = list[n++];
            spot.underlying = _underlyingIn(c, holdings, traded);
            spot.low = _side(e, c, _valueAt(e, c, holdings, false));
            spot.high = c.spread ? _side(e, c, _valueAt(e, c, holdings, true)) : spot.low;
        }
        assembly ("memory-safe") {
            mstore(list, n)
        }
    }

    /// @dev The pool whose positions are valued with this cluster: one that is traded, else any, else 0.
    function _underlyingIn(
        Cluster memory c,
        Holding[] calldata holdings,
        uint256 traded
    ) private pure returns (uint256 found) {
        for (uint256 i; i < holdings.length; ++i) {
            AssetId asset = _underlyingOf(holdings[i].asset());
            if (c.members & (1 << i) == 0 || !asset.isPool() || asset == SETTLEMENT) continue;
            uint256 number = asset.number();
            if (number > MAX_UNDERLYING) continue;
            found = number;
            if (traded & (1 << number) != 0) break;
        }
    }

    /// @dev Sums in settlement units: value down, charges and debts up.
    function _side(Evaluation memory e, Cluster memory c, Tally memory t) private pure returns (SpotSide memory) {
        if (c.onlyCash) return SpotSide(t.value, t.chargeInitial, t.chargeMaintenance, t.debts);
        uint256 unit = e.settlementPrice;
        return
            SpotSide(
                FixedPoint.mulDivFloor(t.value, WAD, unit),
                FixedPoint.mulDivUp(t.chargeInitial, WAD, unit),
                FixedPoint.mulDivUp(t.chargeMaintenance, WAD, unit),
                FixedPoint.mulDivUp(t.debts, WAD, unit)
            );
    }

    function _perUnit(uint256 usd, uint256 settlementPrice) private pure returns (uint256) {
        return FixedPoint.mulDivDown(usd, WAD, settlementPrice);
    }

    function _isListed(Evaluation memory e, AssetId asset) private pure returns (bool) {
        uint256 index = RiskTable.indexOf(e.head, asset);
        if (index == RiskTable.NONE) return false;
        (FeedWord feed, ) = RiskTable.record(e.records, index);
        return feed.listed();
    }
}
