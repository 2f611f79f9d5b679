// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ExpiryFeed, IAttestedFeed} from "../interfaces/IAttestedFeed.sol";
import {
    IMarginModel,
    Margins,
    ModelInput,
    SpotCluster,
    SpotSide,
    UnderlyingPrice
} from "../interfaces/IMarginModel.sol";
import {PerpState} from "../interfaces/IPositions.sol";
import {ISettlementPrices} from "../interfaces/ISettlementPrices.sol";
import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Position} from "../types/Position.sol";
import {LedgerTable, UnderlyingWord} from "./LedgerTable.sol";

/// @dev The account's options of one expiry, and what is known of the expiry now.
struct LiveExpiry {
    uint256 time; // seconds left; 0 after the expiry while its price is not final
    uint256 fixedPart; // of the settlement average, WAD
    uint256 fixedPrice; // its average so far, settlement units WAD
    ExpiryFeed feed;
    Position[] options;
}

/// @dev One underlying of the account with everything in it.
struct LiveUnderlying {
    uint256 number;
    uint256 low; // index, settlement units WAD
    uint256 high;
    int256 amount; // own spot, whole tokens WAD
    UnderlyingWord word; // 0: not in the ledger table, spot alone
    int256 perpSize;
    PerpState perp;
    LiveExpiry[] expiries;
}

/// @dev What derivatives add to a block at one side, settlement units WAD.
struct Derivatives {
    int256 initial;
    int256 maintenance;
    int256 value; // of the options, at mark
}

/// @title What both margin models share (DESIGN 5, 6)
/// @notice Groups positions by underlying and expiry, reads the attested values of each underlying in one call, and evaluates
/// every **block** (an underlying with its spot, or a product group) whole at the low prices and whole at the high ones:
/// new risk takes the smaller result, liquidation the larger, with everything else of that same side.
abstract contract LedgerModel is IMarginModel {
    uint256 internal constant INITIAL = 0;
    uint256 internal constant LIQUIDATION = 1;
    /// @dev Before an expiry its average is being fixed for so long.
    uint256 internal constant WINDOW = 30 minutes;

    IAttestedFeed private immutable _feed;
    ISettlementPrices private immutable _settlements;

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

    constructor(IAttestedFeed feed, ISettlementPrices settlements) {
        (_feed, _settlements) = (feed, settlements);
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

    // ------------------------------------------------------------------ prices
    function _priceOf(LiveUnderlying memory u, bool high) internal pure returns (uint256) {
        return high ? u.high : u.low;
    }

    /// @dev index · (1 + clamped premium), or the frozen market's.
    function _markOf(LiveUnderlying memory u, bool high) internal pure returns (uint256) {
        if (u.perp.frozenMark != 0) return u.perp.frozenMark;
        return FixedPoint.mulDivDown(_priceOf(u, high), uint256(u.perp.markRatio), WAD);
    }

    /// @dev The forward's two parts: what still moves with the index, and what the settlement average has fixed already.
    function _forwardOf(
        LiveUnderlying memory u,
        LiveExpiry memory e,
        bool high
    ) internal pure returns (uint256 moving, uint256 fixed_) {
        moving = FixedPoint.mulDivDown(_priceOf(u, high), e.feed.forwardRatio, WAD);
        if (e.fixedPart == 0) return (moving, 0);
        moving = FixedPoint.mulDivDown(moving, WAD - e.fixedPart, WAD);
        fixed_ = FixedPoint.mulDivDown(e.fixedPrice, e.fixedPart, WAD);
    }

    // ------------------------------------------------------------------ reading
    function _read(ModelInput calldata input, uint256 table) private view returns (LiveUnderlying[] memory list) {
        uint256 n = input.underlyings.length;
        list = new LiveUnderlying[](n);
        for (uint256 i; i < n; ++i) {
            UnderlyingPrice calldata price = input.underlyings[i];
            LiveUnderlying memory u = list[i];
            (u.number, u.low, u.high, u.amount) = (price.number, price.low, price.high, price.amount);
            u.word = LedgerTable.find(table, price.number);
        }
        _readPerps(input, list);
        for (uint256 i; i < n; ++i) _readOptions(input, list[i]);
    }

    function _readPerps(ModelInput calldata input, LiveUnderlying[] memory list) private pure {
        uint256 perps;
        for (uint256 i; i < input.positions.length; ++i) {
            Position p = input.positions[i];
            if (!p.instrument().isPerp()) continue;
            LiveUnderlying memory u = _underlying(list, p.instrument().underlying());
            u.perpSize = p.size();
            u.perp = input.perps[perps++];
            require(input.purpose != INITIAL || !u.perp.stale || u.perp.frozenMark != 0, FeedStale(u.number));
        }
    }

    function _underlying(LiveUnderlying[] memory list, uint256 number) private pure returns (LiveUnderlying memory) {
        for (uint256 i; i < list.length; ++i) {
            if (list[i].number != number) continue;
            require(UnderlyingWord.unwrap(list[i].word) != 0, UnderlyingNotInTable(number));
            return list[i];
        }
        revert UnderlyingNotInTable(number);
    }

    /// @dev One sweep over the positions per expiry: few in any account, and never more than 128.
    function _readOptions(ModelInput calldata input, LiveUnderlying memory u) private view {
        uint256 n = input.positions.length;
        Position[] memory own = new Position[](n);
        uint256 count;
        for (uint256 i; i < n; ++i) {
            Position p = input.positions[i];
            if (p.instrument().isOption() && p.instrument().underlying() == u.number) own[count++] = p;
        }
        if (count == 0) return;
        require(UnderlyingWord.unwrap(u.word) != 0, UnderlyingNotInTable(u.number));

        uint40[] memory expiries = new uint40[](count);
        uint256 distinct;
        for (uint256 i; i < count; ++i) {
            uint40 expiry = own[i].instrument().expiry();
            uint256 k;
            while (k < distinct && expiries[k] != expiry) ++k;
            if (k == distinct) expiries[distinct++] = expiry;
        }
        assembly ("memory-safe") {
            mstore(expiries, distinct)
        }
        ExpiryFeed[] memory feeds = _feed.expiryFeeds(uint8(u.number), expiries);
        u.expiries = new LiveExpiry[](distinct);
        for (uint256 k; k < distinct; ++k) {
            LiveExpiry memory e = u.expiries[k];
            e.feed = feeds[k];
            require(input.purpose != INITIAL || !e.feed.stale, FeedStale(u.number));
            _readTime(e, uint8(u.number), expiries[k]);
            e.options = _ofExpiry(own, count, expiries[k]);
        }
    }

    function _ofExpiry(
        Position[] memory own,
        uint256 count,
        uint40 expiry
    ) private pure returns (Position[] memory list) {
        list = new Position[](count);
        uint256 n;
        for (uint256 i; i < count; ++i) {
            if (own[i].instrument().expiry() == expiry) list[n++] = own[i];
        }
        assembly ("memory-safe") {
            mstore(list, n)
        }
    }

    function _readTime(LiveExpiry memory e, uint8 underlying, uint40 expiry) private view {
        if (block.timestamp < expiry) e.time = expiry - block.timestamp;
        if (e.time < WINDOW) (e.fixedPart, e.fixedPrice) = _settlements.fixing(underlying, expiry);
    }
}
