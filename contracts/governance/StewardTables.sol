// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Parameter} from "../interfaces/IRiskSteward.sol";
import {FeedWord, HaircutWord, TableHeader, TwapWord} from "../risk/RiskTable.sol";
import {Table, TableCheck} from "../risk/TableCheck.sol";
import {AssetId} from "../types/AssetId.sol";
import {StewardBounds} from "./StewardBounds.sol";

/// @title By how much a risk table may differ from the one in force
/// @dev That both are well-formed, that nothing is dropped and that what gets harsher is on a ramp is the factory's matter.
abstract contract StewardTables is StewardBounds {
    using TableCheck for Table;

    /// @dev The longest ramp, and the latest start of one: a steward must not put off for ever what the governor decided.
    uint256 private constant MAX_RAMP = 30 days;

    function _checkTable(bytes memory current, bytes memory next) internal {
        (Table memory a, Table memory b) = (TableCheck.open(current), TableCheck.open(next));
        // counts, T_dev, sequencer, decimals
        require(TableHeader.unwrap(a.head) == TableHeader.unwrap(b.head), NotAStep("header", 0));
        require(a.ramp.ledgerTable() == b.ramp.ledgerTable(), NotAStep("ledger", 0));
        bool ramping = a.ramp.exists() && block.timestamp < a.ramp.end();
        require(!ramping, RampRunning(a.ramp.end()));
        bool ramps = b.ramp.exists();
        require(!ramps || b.ramp.end() <= block.timestamp + MAX_RAMP, NotAStep("ramp", b.ramp.end()));
        for (uint256 i = 1; i <= a.head.twaps(); ++i) {
            require(TwapWord.unwrap(a.twap(i)) == TwapWord.unwrap(b.twap(i)), NotAStep("second source", i));
        }
        for (uint256 i; i < a.head.assets(); ++i) {
            (FeedWord feedA, HaircutWord from) = a.record(i);
            (FeedWord feedB, HaircutWord to) = b.record(i);
            require(FeedWord.unwrap(feedA) == FeedWord.unwrap(feedB), NotAStep("feed", i));
            // A ramp leads from what is in force, not from something milder.
            bool fromHere = HaircutWord.unwrap(b.previous(i)) == HaircutWord.unwrap(from);
            require(!ramps || fromHere, NotAStep("ramp", i));
            _moveHaircuts(AssetId.unwrap(TableCheck.assetAt(a.head, i)), i, from, to);
        }
    }

    function _moveHaircuts(uint256 asset, uint256 place, HaircutWord a, HaircutWord b) private {
        require(a.group() == b.group() && a.source() == b.source(), NotAStep("group", place));
        // a bracket does not appear or vanish by a step
        require((a.size1() == 0) == (b.size1() == 0), NotAStep("bracket", place));
        require((a.size2() == 0) == (b.size2() == 0), NotAStep("bracket", place));
        _move(Parameter.Maintenance, asset, a.maintenance(), b.maintenance());
        _move(Parameter.InitialExtra, asset, a.initialExtra(), b.initialExtra());
        _move(Parameter.AddOn, asset, _bracket(asset, 1), a.addOn1(), b.addOn1());
        _move(Parameter.AddOn, asset, _bracket(asset, 2), a.addOn2(), b.addOn2());
        _move(Parameter.BracketSize, asset, _bracket(asset, 1), a.size1(), b.size1());
        _move(Parameter.BracketSize, asset, _bracket(asset, 2), a.size2(), b.size2());
        _move(Parameter.Kappa, asset, a.kappa(), b.kappa());
        _move(Parameter.GroupMaintenance, asset, a.groupMaintenance(), b.groupMaintenance());
        _move(Parameter.GroupInitialExtra, asset, a.groupInitialExtra(), b.groupInitialExtra());
    }

    function _bracket(uint256 asset, uint256 number) private pure returns (uint256) {
        return (asset << 8) | number;
    }
}
