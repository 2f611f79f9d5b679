// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import {IUniswapV3PoolImmutables} from "@uniswap/v3-core/contracts/interfaces/pool/IUniswapV3PoolImmutables.sol";

import {IEngineFactory} from "../interfaces/IRisk.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {PriceFault} from "../interfaces/IMarginEngine.sol";
import {ChainlinkSource} from "../oracles/ChainlinkSource.sol";
import {UniswapV3TwapSource} from "../oracles/UniswapV3TwapSource.sol";
import {AssetId, AssetIdLib, SETTLEMENT} from "../types/AssetId.sol";
import {BPS} from "../types/FixedPoint.sol";
import {LedgerTable} from "./LedgerTable.sol";
import {FeedWord, HaircutWord, RiskTable, TableHeader, TableRamp, TwapWord} from "./RiskTable.sol";

/// @dev A table in memory, its ends read.
struct Table {
    bytes data;
    TableHeader head;
    TableRamp ramp;
}

/// @title What a risk table must satisfy before it may become an engine (DESIGN 9)
library TableCheck {
    uint256 internal constant MAX_HEARTBEAT = 2 days;
    uint256 internal constant MAX_GRACE = 1 days;
    uint256 internal constant MAX_DEVIATION_DELAY = 5 minutes;
    uint256 internal constant MIN_DEVIATION = 10; // bps
    uint256 internal constant MAX_DEVIATION = 2_000;
    uint256 internal constant MIN_WINDOW = 1 minutes;
    uint256 internal constant MAX_WINDOW = 1 days;
    /// @dev A vault share that lends to its own account is bounded only by its haircut: 1 / 1 % = 100 rounds.
    uint256 internal constant MIN_SHARE_HAIRCUT = 100; // bps
    uint256 internal constant MIN_RAMP = 1 days;
    /// @dev What `PriceBook` relies on: amount · price stays inside 256 bits.
    uint256 internal constant MAX_PRICE = 1 << 104;
    uint256 private constant MAX_EXPONENT = 192;

    // ------------------------------------------------------------------ reading
    function open(bytes memory data) internal pure returns (Table memory t) {
        uint256 size = data.length;
        require(size >= RiskTable.HEADER, IEngineFactory.BadTable("length", size));
        t.data = data;
        t.head = TableHeader.wrap(_word(data, size - 64));
        t.ramp = TableRamp.wrap(_word(data, size - 32));
        require(t.head.version() == RiskTable.VERSION, IEngineFactory.BadTable("version", t.head.version()));
        require(size == RiskTable.length(t.head, t.ramp), IEngineFactory.BadTable("length", size));
    }

    function record(Table memory t, uint256 index) internal pure returns (FeedWord feed, HaircutWord haircut) {
        uint256 place = t.data.length - RiskTable.fromEnd(t.head, index);
        return (FeedWord.wrap(_word(t.data, place)), HaircutWord.wrap(_word(t.data, place + 32)));
    }

    /// @dev What the ramp starts from; without a ramp the haircuts themselves.
    function previous(Table memory t, uint256 index) internal pure returns (HaircutWord haircut) {
        if (!t.ramp.exists()) {
            (, haircut) = record(t, index);
            return haircut;
        }
        return HaircutWord.wrap(_word(t.data, t.data.length - RiskTable.previousFromEnd(t.head, index)));
    }

    function twap(Table memory t, uint256 number) internal pure returns (TwapWord) {
        return TwapWord.wrap(_word(t.data, t.data.length - RiskTable.twapFromEnd(t.head, number)));
    }

    function assetAt(TableHeader head, uint256 index) internal pure returns (AssetId) {
        (uint256 pools, uint256 idles) = (head.pools(), head.idles());
        if (index < pools) return AssetIdLib.pool(uint16(index + 1));
        if (index < pools + idles) return AssetIdLib.idle(uint16(index - pools + 1));
        return AssetIdLib.vaultShare(uint16(index - pools - idles + 1));
    }

    // ------------------------------------------------------------------ by itself
    /// @notice Every bound of a table alone, and that its sources answer now.
    function checkAlone(Table memory t, IMarginAccounts safe) internal view {
        _checkHeader(t, safe);
        for (uint256 i; i < t.head.assets(); ++i) {
            AssetId asset = assetAt(t.head, i);
            (FeedWord feed, HaircutWord haircut) = record(t, i);
            if (!feed.listed()) {
                // Nothing of an unlisted asset may come to life by one bit.
                _require(FeedWord.unwrap(feed) == 0, asset, "flags", FeedWord.unwrap(feed) & 0xff);
                _require(HaircutWord.unwrap(haircut) == 0, asset, "unlisted", 0);
                _require(HaircutWord.unwrap(previous(t, i)) == 0, asset, "unlisted", 0);
                continue;
            }
            _checkHaircut(asset, haircut);
            if (t.ramp.exists()) {
                HaircutWord before = previous(t, i);
                _checkHaircut(asset, before);
                _require(before.group() == haircut.group(), asset, "ramp.group", before.group());
            }
            _checkGroup(t, i, asset, haircut);
            if (asset.kind() == AssetIdLib.KIND_VAULT_SHARE) _checkShare(t, asset, feed, haircut);
            else _checkSources(t, asset, feed, haircut, safe);
        }
    }

    function _checkHeader(Table memory t, IMarginAccounts safe) private view {
        (uint16 pools, uint16 idles) = safe.assetCounts();
        _require(t.head.pools() == pools && pools != 0, "pools", t.head.pools());
        _require(t.head.idles() == idles, "idles", t.head.idles());
        uint256 delay = t.head.deviationDelay();
        _require(delay > 0 && delay <= MAX_DEVIATION_DELAY, "deviationDelay", delay);
        _require(t.head.grace() <= MAX_GRACE, "grace", t.head.grace());
        address sequencer = t.head.sequencer();
        if (sequencer != address(0)) {
            _require(sequencer.code.length != 0, "sequencer", uint160(sequencer));
            try AggregatorV3Interface(sequencer).latestRoundData() returns (
                uint80,
                int256 answer,
                uint256,
                uint256,
                uint80
            ) {
                _require(answer == 0 || answer == 1, "sequencer", uint160(sequencer));
            } catch {
                revert IEngineFactory.BadTable("sequencer", uint160(sequencer));
            }
        }
        (FeedWord settlement, HaircutWord haircut) = record(t, 0);
        _require(settlement.listed(), "settlement", 0);
        _require(t.head.settlementDecimals() == settlement.tokenDecimals(), "decimals", t.head.settlementDecimals());
        // The unit of everything cannot have two values at once.
        _require(haircut.source() == 0, SETTLEMENT, "source", haircut.source());
        if (t.ramp.exists()) {
            (uint256 start, uint256 end) = (t.ramp.start(), t.ramp.end());
            _require(start >= block.timestamp, "ramp.start", start);
            _require(end >= start + MIN_RAMP, "ramp.end", end);
        }
        uint256 rest = uint176(TableRamp.unwrap(t.ramp)) >> 160;
        _require(rest == 0, "ramp.rest", rest);
        if (t.ramp.ledgerTable() != address(0)) LedgerTable.check(t.ramp.ledgerTable());
    }

    function _checkHaircut(AssetId asset, HaircutWord w) private pure {
        (uint256 size1, uint256 size2) = (w.size1(), w.size2());
        uint256 total = w.maintenance() + w.initialExtra() + w.addOn1() + w.addOn2();
        // Above 100 % more collateral would lower the margin.
        _require(total <= BPS, asset, "haircut", total);
        _require(_exponent(HaircutWord.unwrap(w) >> 200) <= MAX_EXPONENT, asset, "bracket1", size1);
        _require(_exponent(HaircutWord.unwrap(w) >> 160) <= MAX_EXPONENT, asset, "bracket2", size2);
        _require((size1 == 0) == (w.addOn1() == 0), asset, "bracket1", size1);
        _require((size2 == 0) == (w.addOn2() == 0), asset, "bracket2", size2);
        _require(size2 == 0 || (size1 != 0 && size2 > size1), asset, "bracket2", size2);
        _require(w.kappa() <= BPS, asset, "kappa", w.kappa());
        (uint256 groupMM, uint256 groupIM) = (w.groupMaintenance(), w.groupMaintenance() + w.groupInitialExtra());
        if (w.group() == 0) {
            _require(groupIM == 0, asset, "group", groupIM);
        } else {
            // A group lowers haircuts, or it would be better not to be in it.
            _require(groupMM <= w.maintenance(), asset, "groupMM", groupMM);
            _require(groupIM <= w.maintenance() + w.initialExtra(), asset, "groupIM", groupIM);
        }
        _require(uint80(HaircutWord.unwrap(w)) == 0, asset, "rest", uint80(HaircutWord.unwrap(w)));
    }

    /// @dev A group has one haircut, before and after a ramp, whichever member is asked.
    function _checkGroup(Table memory t, uint256 index, AssetId asset, HaircutWord w) private pure {
        if (w.group() == 0) return;
        for (uint256 i; i < index; ++i) {
            (, HaircutWord other) = record(t, i);
            if (other.group() != w.group()) continue;
            _require(_groupPart(other) == _groupPart(w), asset, "group", w.group());
            _require(_groupPart(previous(t, i)) == _groupPart(previous(t, index)), asset, "ramp.group", w.group());
            return;
        }
    }

    function _checkShare(Table memory t, AssetId asset, FeedWord feed, HaircutWord w) private pure {
        (FeedWord poolFeed, HaircutWord pool) = record(t, asset.number() - 1);
        _require(FeedWord.unwrap(feed) == 1, asset, "feed", FeedWord.unwrap(feed));
        _require(poolFeed.listed(), asset, "pool", asset.number());
        _require(w.source() == 0, asset, "source", w.source());
        _require(w.group() == pool.group(), asset, "group", w.group());
        uint256 index = RiskTable.indexOf(t.head, asset);
        uint256 before = previous(t, index).maintenance();
        _require(w.maintenance() >= MIN_SHARE_HAIRCUT, asset, "shareHaircut", w.maintenance());
        _require(before >= MIN_SHARE_HAIRCUT, asset, "shareHaircut", before);
    }

    function _checkSources(
        Table memory t,
        AssetId asset,
        FeedWord w,
        HaircutWord haircut,
        IMarginAccounts safe
    ) private view {
        (address token, uint8 decimals) = safe.assetToken(asset);
        uint256 has = w.tokenDecimals();
        _require(has == decimals && has >= 2 && has <= 24, asset, "tokenDecimals", has);
        uint256 heartbeat = w.heartbeat();
        _require(heartbeat > 0 && heartbeat <= MAX_HEARTBEAT, asset, "heartbeat", heartbeat);
        _require(FeedWord.unwrap(w) & 0xff == 1, asset, "flags", FeedWord.unwrap(w) & 0xff);

        address feed = w.feed();
        has = w.feedDecimals();
        _require(feed.code.length != 0, asset, "feed", uint160(feed));
        try AggregatorV3Interface(feed).decimals() returns (uint8 says) {
            _require(has == says && has <= 18, asset, "feedDecimals", has);
        } catch {
            revert IEngineFactory.BadAsset(asset, "feed", uint160(feed));
        }
        _require(_exponent(FeedWord.unwrap(w) >> 32) <= MAX_EXPONENT, asset, "minAnswer", w.minAnswer());
        _require(_exponent(FeedWord.unwrap(w) >> 8) <= MAX_EXPONENT, asset, "maxAnswer", w.maxAnswer());
        (uint256 min, uint256 max) = (w.minAnswer(), w.maxAnswer());
        _require(min < max, asset, "minAnswer", min);
        _require(max <= MAX_PRICE / 10 ** (18 - has), asset, "maxAnswer", max);
        (, , PriceFault fault) = ChainlinkSource.read(feed, heartbeat, min, max);
        _require(fault == PriceFault.None, asset, "feedFault", uint256(fault));
        if (haircut.source() != 0) _checkTwap(t, asset, token, w, haircut.source(), safe);
    }

    function _checkTwap(
        Table memory t,
        AssetId asset,
        address token,
        FeedWord base,
        uint256 number,
        IMarginAccounts safe
    ) private view {
        _require(number <= t.head.twaps(), asset, "source", number);
        TwapWord w = twap(t, number);
        _require(w.window() >= MIN_WINDOW && w.window() <= MAX_WINDOW, asset, "window", w.window());
        uint256 bound = w.deviation();
        _require(bound >= MIN_DEVIATION && bound <= MAX_DEVIATION, asset, "deviation", bound);
        _require(_exponent(TwapWord.unwrap(w) >> 8) <= MAX_EXPONENT, asset, "minLiquidity", w.minLiquidity());
        address quoteToken = _checkQuote(t, asset, w, safe);

        address pool = w.pool();
        _require(pool.code.length != 0, asset, "twapPool", uint160(pool));
        (address token0, address token1) = w.baseIsToken0() ? (token, quoteToken) : (quoteToken, token);
        _require(IUniswapV3PoolImmutables(pool).token0() == token0, asset, "twapToken0", uint160(token0));
        _require(IUniswapV3PoolImmutables(pool).token1() == token1, asset, "twapToken1", uint160(token1));
        uint256 price = UniswapV3TwapSource.read(
            pool,
            w.window(),
            w.baseIsToken0(),
            base.tokenDecimals(),
            w.quoteDecimals(),
            w.minLiquidity()
        );
        _require(price != 0, asset, "twapFault", 0);
    }

    function _checkQuote(
        Table memory t,
        AssetId asset,
        TwapWord w,
        IMarginAccounts safe
    ) private view returns (address token) {
        AssetId quote = w.quote();
        uint256 index = RiskTable.indexOf(t.head, quote);
        bool usable = index != RiskTable.NONE && quote != asset && quote.kind() != AssetIdLib.KIND_VAULT_SHARE;
        _require(usable, asset, "quote", AssetId.unwrap(quote));
        (FeedWord feed, ) = record(t, index);
        _require(feed.listed(), asset, "quote", AssetId.unwrap(quote));
        _require(w.quoteDecimals() == feed.tokenDecimals(), asset, "quoteDecimals", w.quoteDecimals());
        (token, ) = safe.assetToken(quote);
    }

    // ------------------------------------------------------------------ against the table in force
    /// @notice Lowering anything's value goes by a ramp, never at once: where the new table starts (its ramp's start, or
    /// without a ramp the table itself) no asset may be charged more than now.
    function checkAgainst(Table memory t, Table memory current) internal view {
        bool ramping = current.ramp.exists() && block.timestamp < current.ramp.end();
        for (uint256 i; i < current.head.assets(); ++i) {
            (FeedWord feed, HaircutWord now_) = record(current, i);
            if (!feed.listed()) continue;
            AssetId asset = assetAt(current.head, i);
            uint256 index = RiskTable.indexOf(t.head, asset);
            require(index != RiskTable.NONE, IEngineFactory.AssetDropped(asset));
            (feed, ) = record(t, index);
            require(feed.listed(), IEngineFactory.AssetDropped(asset));
            HaircutWord start = previous(t, index);
            _requireNotHarsher(asset, start, now_);
            // In the middle of a ramp what is in force lies between its two ends: not harsher than either.
            if (ramping) _requireNotHarsher(asset, start, previous(current, i));
        }
    }

    function _requireNotHarsher(AssetId asset, HaircutWord start, HaircutWord now_) private pure {
        _notAbove(asset, "hMM", start.maintenance(), now_.maintenance());
        _notAbove(asset, "hIM", _initial(start), _initial(now_));
        if (start.size1() != 0) {
            _notAbove(asset, "addOn1", start.addOn1(), now_.addOn1());
            _notAbove(asset, "bracket1", now_.size1(), start.size1());
            _notAbove(asset, "kappa", start.kappa(), now_.kappa());
        }
        if (start.size2() != 0) {
            _notAbove(asset, "addOn2", start.addOn2(), now_.addOn2());
            _notAbove(asset, "bracket2", now_.size2(), start.size2());
        }
        if (now_.group() == 0) return;
        uint256 groupMM = now_.groupMaintenance();
        uint256 groupIM = groupMM + now_.groupInitialExtra();
        if (start.group() == now_.group()) {
            _notAbove(asset, "groupMM", start.groupMaintenance(), groupMM);
            _notAbove(asset, "groupIM", start.groupMaintenance() + start.groupInitialExtra(), groupIM);
        } else {
            // A group is left only when it no longer lowers anything.
            bool spent = groupMM == now_.maintenance() && groupIM == _initial(now_);
            require(spent, IEngineFactory.RampNeeded(asset, "group", start.group(), now_.group()));
        }
    }

    function _notAbove(AssetId asset, bytes32 field, uint256 value, uint256 limit) private pure {
        require(value <= limit, IEngineFactory.RampNeeded(asset, field, value, limit));
    }

    // ------------------------------------------------------------------ leaves
    function _initial(HaircutWord w) private pure returns (uint256) {
        return w.maintenance() + w.initialExtra();
    }

    /// @dev Group and its two haircuts.
    function _groupPart(HaircutWord w) private pure returns (uint256) {
        return uint40(HaircutWord.unwrap(w) >> 88);
    }

    function _exponent(uint256 packed) private pure returns (uint256) {
        return packed & 0xff;
    }

    function _word(bytes memory data, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), offset))
        }
    }

    function _require(bool ok, bytes32 field, uint256 value) private pure {
        require(ok, IEngineFactory.BadTable(field, value));
    }

    function _require(bool ok, AssetId asset, bytes32 field, uint256 value) private pure {
        require(ok, IEngineFactory.BadAsset(asset, field, value));
    }
}
