// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IDeviationRecord} from "../interfaces/IRisk.sol";
import {IMarginEngine, PriceFault, PriceState} from "../interfaces/IMarginEngine.sol";
import {ChainlinkSource} from "../oracles/ChainlinkSource.sol";
import {SequencerUptime} from "../oracles/SequencerUptime.sol";
import {UniswapV3TwapSource} from "../oracles/UniswapV3TwapSource.sol";
import {AssetId, AssetIdLib, SETTLEMENT} from "../types/AssetId.sol";
import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";
import {FeedWord, HaircutWord, RiskTable, TableHeader, TwapWord} from "./RiskTable.sol";

/// @title Low and high price of every asset in the table (DESIGN 5)
/// @notice Prices are USD per whole token, WAD, below 2^104 (the factory bounds the largest answer).
abstract contract PriceBook is IMarginEngine {
    /// @dev What a price is for decides what deviating sources do.
    uint256 internal constant INITIAL = 0;
    uint256 internal constant LIQUIDATION = 1;
    uint256 internal constant MID = 2;

    /// @dev A second source beyond this is broken; keeps amount · price inside 256 bits.
    uint256 private constant MAX_PRICE = 1 << 104;

    IDeviationRecord private immutable _deviations;

    constructor(IDeviationRecord deviations) {
        _deviations = deviations;
    }

    /// @dev The settlement asset's price in USD, after the sequencer's health. Read once per evaluation, before any other.
    function _settlementPrice(
        TableHeader head,
        uint256 records,
        AssetId askedFor
    ) internal view returns (uint256 price) {
        PriceFault fault = SequencerUptime.check(head.sequencer(), head.grace());
        require(fault == PriceFault.None, PriceUnusable(askedFor, fault));
        (FeedWord feed, ) = RiskTable.record(records, 0);
        (price, , fault) = _primary(feed);
        require(fault == PriceFault.None, PriceUnusable(SETTLEMENT, fault));
    }

    /// @dev Low and high price of an underlying, O1 kept:
    ///  - a fault of the primary: nothing passes;
    ///  - deviating sources, or a second one that cannot be used: no new risk; liquidation with the better of both, and
    ///    with the primary alone once they have disagreed for T_dev (or there is nothing else);
    ///  - for MID both are the middle.
    function _prices(
        TableHeader head,
        AssetId asset,
        FeedWord feed,
        HaircutWord haircut,
        uint256 settlementPrice,
        uint256 purpose
    ) internal view returns (uint256, uint256) {
        (uint256 primary, , PriceFault fault) = _primary(feed);
        if (fault != PriceFault.None) revert PriceUnusable(asset, fault);
        if (haircut.source() == 0) return (primary, primary);
        return _withSecond(head, asset, feed, haircut, settlementPrice, primary, purpose);
    }

    function _withSecond(
        TableHeader head,
        AssetId asset,
        FeedWord feed,
        HaircutWord haircut,
        uint256 settlementPrice,
        uint256 primary,
        uint256 purpose
    ) private view returns (uint256, uint256) {
        TwapWord word = RiskTable.twap(head, haircut.source());
        uint256 secondary = _secondary(head, word, feed, settlementPrice);
        if (_deviating(primary, secondary, word)) {
            require(purpose != INITIAL, NewRiskBlocked(asset));
            if (secondary == 0 || _primaryOnly(head, asset)) return (primary, primary);
        }
        (uint256 low, uint256 high) = primary < secondary ? (primary, secondary) : (secondary, primary);
        if (purpose != MID) return (low, high);
        low = (low + high) / 2;
        return (low, low);
    }

    /// @dev Never reverts for a listed asset.
    function _priceState(AssetId asset) internal view returns (PriceState memory state) {
        (TableHeader head, ) = RiskTable.header();
        (AssetId underlying, FeedWord feed, HaircutWord haircut) = _underlying(head, asset);
        (state.primary, state.updatedAt, state.fault) = _primary(feed);
        PriceFault sequencer = SequencerUptime.check(head.sequencer(), head.grace());
        if (sequencer != PriceFault.None) state.fault = sequencer;
        // Without the unit's price nothing is valued and sources cannot be compared: no disagreement to record.
        (FeedWord unit, ) = RiskTable.record(RiskTable.records(head), 0);
        (uint256 settlementPrice, , PriceFault unitFault) = _primary(unit);
        if (state.fault == PriceFault.None) state.fault = unitFault;
        uint256 source = haircut.source();
        (state.low, state.high) = (state.primary, state.primary);
        if (state.fault != PriceFault.None || source == 0) return state;

        TwapWord word = RiskTable.twap(head, source);
        state.secondary = _secondary(head, word, feed, settlementPrice);
        if (_deviating(state.primary, state.secondary, word)) {
            state.fault = PriceFault.Deviating;
            state.primaryOnly = state.secondary == 0 || _primaryOnly(head, underlying);
        }
        if (!state.primaryOnly) {
            state.low = FixedPoint.min(state.primary, state.secondary);
            state.high = FixedPoint.max(state.primary, state.secondary);
        }
    }

    /// @dev Settlement units per whole token at mid.
    function _midPrice(AssetId asset) internal view returns (uint256) {
        (TableHeader head, ) = RiskTable.header();
        if (asset == SETTLEMENT || asset == AssetIdLib.vaultShare(SETTLEMENT.number())) return WAD;
        (AssetId underlying, FeedWord feed, HaircutWord haircut) = _underlying(head, asset);
        uint256 settlementPrice = _settlementPrice(head, RiskTable.records(head), asset);
        (uint256 mid, ) = _prices(head, underlying, feed, haircut, settlementPrice, MID);
        return FixedPoint.mulDivDown(mid, WAD, settlementPrice);
    }

    /// @dev Where an asset's price comes from: a vault share's from its pool.
    function _underlying(
        TableHeader head,
        AssetId asset
    ) internal pure returns (AssetId underlying, FeedWord feed, HaircutWord haircut) {
        underlying = asset.kind() == AssetIdLib.KIND_VAULT_SHARE ? AssetIdLib.pool(asset.number()) : asset;
        uint256 index = RiskTable.indexOf(head, underlying);
        require(index != RiskTable.NONE, AssetNotInTable(asset));
        (feed, haircut) = RiskTable.record(RiskTable.records(head), index);
        require(feed.listed(), AssetNotInTable(asset));
    }

    function _primary(FeedWord word) private view returns (uint256 price, uint256 updatedAt, PriceFault fault) {
        (price, updatedAt, fault) = ChainlinkSource.read(
            word.feed(),
            word.heartbeat(),
            word.minAnswer(),
            word.maxAnswer()
        );
        unchecked {
            // The factory admits at most 18 feed decimals and bounds the largest answer: below 2^104.
            price *= 10 ** (18 - word.feedDecimals());
        }
    }

    /// @dev The second source's price in USD through the primary of its quote asset; 0 when it cannot be used.
    function _secondary(
        TableHeader head,
        TwapWord word,
        FeedWord base,
        uint256 settlementPrice
    ) private view returns (uint256 price) {
        price = UniswapV3TwapSource.read(
            word.pool(),
            word.window(),
            word.baseIsToken0(),
            base.tokenDecimals(),
            word.quoteDecimals(),
            word.minLiquidity()
        );
        if (price == 0 || price >= MAX_PRICE) return 0;
        uint256 quotePrice = settlementPrice;
        if (word.quote() != SETTLEMENT) {
            (FeedWord quote, ) = RiskTable.record(RiskTable.records(head), RiskTable.indexOf(head, word.quote()));
            (quotePrice, , ) = _primary(quote); // 0 with any fault
        }
        price = FixedPoint.mulDivDown(price, quotePrice, WAD);
        if (price >= MAX_PRICE) return 0;
    }

    function _deviating(uint256 primary, uint256 secondary, TwapWord word) private pure returns (bool) {
        unchecked {
            // Both below 2^104.
            uint256 apart = primary > secondary ? primary - secondary : secondary - primary;
            return secondary == 0 || apart * BPS > word.deviation() * primary;
        }
    }

    /// @dev Whether the disagreement has been on record for T_dev and is still being seen.
    function _primaryOnly(TableHeader head, AssetId asset) private view returns (bool) {
        (uint256 since, uint256 lastSeen) = _deviations.disagreement(asset);
        uint256 delay = head.deviationDelay();
        return since != 0 && block.timestamp - since >= delay && block.timestamp - lastSeen <= delay;
    }
}
