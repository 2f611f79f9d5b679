// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginEngine, PriceState} from "../interfaces/IMarginEngine.sol";
import {Margins} from "../interfaces/IMarginModel.sol";
import {IDeviationRecord, ISizeCheckpoints, ITableEngine} from "../interfaces/IRisk.sol";
import {ChainlinkSource} from "../oracles/ChainlinkSource.sol";
import {SequencerUptime} from "../oracles/SequencerUptime.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib, SETTLEMENT} from "../types/AssetId.sol";
import {WAD} from "../types/FixedPoint.sol";
import {Holding} from "../types/Holding.sol";
import {PriceBook} from "./PriceBook.sol";
import {FeedWord, HaircutWord, RiskTable, TableHeader, TableRamp} from "./RiskTable.sol";
import {LedgerMargin} from "./LedgerMargin.sol";
import {Evaluation, StandardMargin} from "./StandardMargin.sol";

/// @title The scale (DESIGN 5, 6.1, 9): view-only, no storage
/// @notice Its parameters are the table that {EngineFactory} appends to this code. Without a table (the factory's template)
/// it knows no asset. Accounts with perps or options and those on the portfolio model go through {LedgerMargin}; a table that
/// names no ledger table refuses them by name.
contract MarginEngine is ITableEngine, LedgerMargin {
    constructor(
        IDeviationRecord deviations,
        ISizeCheckpoints checkpoints
    ) PriceBook(deviations) StandardMargin(checkpoints) {}

    /// @inheritdoc IMarginEngine
    function initialMargin(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings
    ) external view returns (int256 initial) {
        if (!_isSpot(flags)) return _weigh(account, flags, holdings, INITIAL).initial;
        Evaluation memory e = _evaluate(holdings, INITIAL);
        return _total(e, e.cashInitial, e.usdInitial);
    }

    /// @inheritdoc IMarginEngine
    function liquidationMargin(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings
    ) external view returns (int256 maintenance, int256 mtm, uint256 liabilities, uint256 unsettledLoss) {
        if (!_isSpot(flags)) {
            Margins memory m = _weigh(account, flags, holdings, LIQUIDATION);
            return (m.maintenance, m.mtm, m.liabilities, m.unsettledLoss);
        }
        Evaluation memory e = _evaluate(holdings, LIQUIDATION);
        maintenance = _total(e, e.cashMaintenance, e.usdMaintenance);
        mtm = _total(e, 0, 0);
        liabilities = _liabilities(e);
    }

    /// @inheritdoc IMarginEngine
    function midMargin(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings
    ) external view returns (int256 initial, int256 maintenance, int256 mtm) {
        if (!_isSpot(flags)) {
            Margins memory m = _weigh(account, flags, holdings, MID);
            return (m.initial, m.maintenance, m.mtm);
        }
        Evaluation memory e = _evaluate(holdings, MID);
        initial = _total(e, e.cashInitial, e.usdInitial);
        maintenance = _total(e, e.cashMaintenance, e.usdMaintenance);
        mtm = _total(e, 0, 0);
    }

    /// @inheritdoc IMarginEngine
    function pricesContinuousSince(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings,
        uint256 since
    ) external view returns (bool) {
        (TableHeader head, ) = RiskTable.header();
        uint256 records = RiskTable.records(head);
        uint256 traded = _tradedBy(account, flags);
        bool priced = traded != 0;
        for (uint256 number = 1; traded >> number != 0; ++number) {
            if ((traded >> number) & 1 == 0) continue;
            uint256 index = RiskTable.indexOf(head, AssetIdLib.pool(uint16(number)));
            require(index != RiskTable.NONE, AssetNotInTable(AssetIdLib.pool(uint16(number))));
            (FeedWord feed, ) = RiskTable.record(records, index);
            if (!ChainlinkSource.continuousSince(feed.feed(), feed.heartbeat(), since)) return false;
        }
        for (uint256 i; i < holdings.length; ++i) {
            AssetId underlying = _underlyingOf(holdings[i].asset());
            uint256 index = RiskTable.indexOf(head, underlying);
            // What is not in the table counts nothing and has no price to be continuous.
            if (underlying == SETTLEMENT || index == RiskTable.NONE) continue;
            (FeedWord feed, ) = RiskTable.record(records, index);
            if (!feed.listed() || (underlying.isPool() && (traded >> underlying.number()) & 1 != 0)) continue;
            if (!ChainlinkSource.continuousSince(feed.feed(), feed.heartbeat(), since)) return false;
            priced = true;
        }
        if (!priced) return true;
        (FeedWord settlement, ) = RiskTable.record(records, 0);
        return
            ChainlinkSource.continuousSince(settlement.feed(), settlement.heartbeat(), since) &&
            SequencerUptime.continuousSince(head.sequencer(), since);
    }

    /// @inheritdoc IMarginEngine
    function priceState(AssetId asset) external view returns (PriceState memory) {
        return _priceState(asset);
    }

    /// @inheritdoc IMarginEngine
    function midPrice(AssetId asset) external view returns (uint256) {
        return _midPrice(asset);
    }

    /// @inheritdoc IMarginEngine
    function settlementDecimals() external pure returns (uint8) {
        (TableHeader head, ) = RiskTable.header();
        return uint8(head.settlementDecimals());
    }

    /// @inheritdoc IMarginEngine
    function table() external pure returns (bytes memory) {
        return RiskTable.raw();
    }

    /// @inheritdoc ITableEngine
    function deviationDelay() external pure returns (uint256) {
        (TableHeader head, ) = RiskTable.header();
        return head.deviationDelay();
    }

    /// @inheritdoc ITableEngine
    function haircuts(AssetId asset, uint256 size) external view returns (uint256 initial, uint256 maintenance) {
        Evaluation memory e;
        TableRamp ramp;
        (e.head, ramp) = RiskTable.header();
        e.records = RiskTable.records(e.head);
        (e.ramp, e.purpose) = (ramp.exists() ? ramp.progress(block.timestamp) : WAD, INITIAL);
        uint256 index = RiskTable.indexOf(e.head, asset);
        require(index != RiskTable.NONE, AssetNotInTable(asset));
        (FeedWord feed, HaircutWord word) = RiskTable.record(e.records, index);
        require(feed.listed(), AssetNotInTable(asset));
        return _haircut(e, asset, index, word, size);
    }

    /// @inheritdoc ITableEngine
    function primaryOf(AssetId asset) external pure returns (address, uint256, uint8, uint256, uint256) {
        (TableHeader head, ) = RiskTable.header();
        (, FeedWord word, ) = _underlying(head, asset);
        return (word.feed(), word.heartbeat(), uint8(word.feedDecimals()), word.minAnswer(), word.maxAnswer());
    }
}
