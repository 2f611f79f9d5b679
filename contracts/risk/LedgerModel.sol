// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginModel, Margins, ModelInput, SpotCluster, SpotSide} from "../interfaces/IMarginModel.sol";
import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";
import {LedgerReader, LiveUnderlying} from "./LedgerReader.sol";
import {LedgerTable} from "./LedgerTable.sol";

/// @dev What derivatives add to a block at one side, settlement units WAD.
struct Derivatives {
    int256 initial;
    int256 maintenance;
    int256 value; // of the options, at mark
}

/// @title What both margin models share (DESIGN 5, 6)
/// @notice Evaluates every **block** (an underlying with its spot, or a product group) whole at the low prices and whole at the high ones:
/// new risk takes the smaller result, liquidation the larger, with everything else of that same side.
abstract contract LedgerModel is LedgerReader, IMarginModel {
    /// @dev A block at one side.
    struct Side {
        int256 spot;
        uint256 chargeInitial;
        uint256 chargeMaintenance;
        uint256 debts;
        int256 unsettled; // Σ size·mark
        Derivatives d;
    }

    /// @dev The whole account while it is added up.
    struct Sum {
        int256 initial;
        int256 maintenance;
        int256 mtm;
        int256 unsettled;
        uint256 debts;
    }

    /// @inheritdoc IMarginModel
    function evaluate(ModelInput calldata input) external view returns (Margins memory m) {
        uint256 table = LedgerTable.load(input.parameters);
        LiveUnderlying[] memory list = _read(input, table);
        Sum memory sum;
        sum.unsettled = input.quote;
        uint256 done; // bit i: underlying i is in a block already
        for (uint256 i; i < list.length; ++i) {
            if (done & (1 << i) != 0) continue;
            uint256 members = _membersOf(list, i);
            done |= members;
            _addBlock(sum, input, list, members, table);
        }
        for (uint256 i; i < input.clusters.length; ++i) {
            if (input.clusters[i].underlying == 0) _addCluster(sum, input, i);
        }
        int256 mtm = sum.mtm + input.quote;
        m.mtm = mtm;
        m.liabilities = sum.debts;
        if (sum.unsettled < 0) m.unsettledLoss = uint256(-sum.unsettled);
        m.maintenance = sum.maintenance + input.quote;
        m.initial = sum.initial + input.quote;
        if (sum.unsettled > 0) {
            uint256 weight = BPS - LedgerTable.profitWeight(table);
            m.initial -= int256(FixedPoint.mulDivUp(uint256(sum.unsettled), weight, BPS));
        }
    }

    /// @dev What perps and options of the block add beyond spot, `U` and haircuts, all at one side.
    /// @param members bit i: `list[i]` is in the block.
    function _derivatives(
        ModelInput calldata input,
        LiveUnderlying[] memory list,
        uint256 members,
        uint256 table,
        bool high
    ) internal view virtual returns (Derivatives memory);

    // ------------------------------------------------------------------ blocks
    /// @dev All of a product group, or the underlying alone.
    function _membersOf(LiveUnderlying[] memory list, uint256 i) private pure returns (uint256 members) {
        uint256 group = list[i].word.group();
        members = 1 << i;
        if (group == 0) return members;
        for (uint256 j = i + 1; j < list.length; ++j) {
            if (list[j].word.group() == group) members |= 1 << j;
        }
    }

    function _addBlock(
        Sum memory sum,
        ModelInput calldata input,
        LiveUnderlying[] memory list,
        uint256 members,
        uint256 table
    ) private view {
        Side memory best = _sideOf(input, list, members, table, false);
        if (_isSpread(input, list, members)) {
            Side memory other = _sideOf(input, list, members, table, true);
            if (_isTaken(input.purpose, best, other)) best = other;
        }
        _add(sum, best);
    }

    function _addCluster(Sum memory sum, ModelInput calldata input, uint256 i) private pure {
        Side memory best;
        Side memory other;
        _addSpot(best, input.clusters[i].low);
        _addSpot(other, input.clusters[i].high);
        if (_isTaken(input.purpose, best, other)) best = other;
        _add(sum, best);
    }

    function _isTaken(uint256 purpose, Side memory a, Side memory b) private pure returns (bool) {
        return purpose == INITIAL ? _initialOf(b) < _initialOf(a) : _maintenanceOf(b) > _maintenanceOf(a);
    }

    function _initialOf(Side memory s) private pure returns (int256) {
        return s.spot - int256(s.chargeInitial) + s.unsettled + s.d.initial;
    }

    function _maintenanceOf(Side memory s) private pure returns (int256) {
        return s.spot - int256(s.chargeMaintenance) + s.unsettled + s.d.maintenance;
    }

    function _add(Sum memory sum, Side memory s) private pure {
        sum.initial += _initialOf(s);
        sum.maintenance += _maintenanceOf(s);
        sum.mtm += s.spot + s.unsettled + s.d.value;
        sum.unsettled += s.unsettled;
        sum.debts += s.debts;
    }

    function _sideOf(
        ModelInput calldata input,
        LiveUnderlying[] memory list,
        uint256 members,
        uint256 table,
        bool high
    ) private view returns (Side memory s) {
        for (uint256 i; i < list.length; ++i) {
            if (members & (1 << i) == 0) continue;
            LiveUnderlying memory u = list[i];
            for (uint256 k; k < input.clusters.length; ++k) {
                if (input.clusters[k].underlying != u.number) continue;
                _addSpot(s, high ? input.clusters[k].high : input.clusters[k].low);
            }
            if (u.perpSize != 0) s.unsettled += FixedPoint.mulDivFloor(u.perpSize, _markOf(u, high), WAD);
        }
        s.d = _derivatives(input, list, members, table, high);
    }

    function _addSpot(Side memory s, SpotSide calldata spot) private pure {
        s.spot += spot.value;
        s.chargeInitial += spot.chargeInitial;
        s.chargeMaintenance += spot.chargeMaintenance;
        s.debts += spot.debts;
    }

    function _isSpread(
        ModelInput calldata input,
        LiveUnderlying[] memory list,
        uint256 members
    ) private pure returns (bool) {
        for (uint256 i; i < list.length; ++i) {
            if (members & (1 << i) == 0) continue;
            if (list[i].low != list[i].high) return true;
            for (uint256 k; k < input.clusters.length; ++k) {
                SpotCluster calldata c = input.clusters[k];
                // another member of its haircut group may have two prices
                if (c.underlying == list[i].number && c.low.value != c.high.value) return true;
            }
        }
        return false;
    }
}
