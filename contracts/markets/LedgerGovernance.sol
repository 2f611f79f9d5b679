// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IPositionsAdmin, PerpConfig} from "../interfaces/IPositions.sol";
import {AccountId} from "../types/AccountId.sol";
import {BPS, WAD} from "../types/FixedPoint.sol";
import {
    ExpiryWord,
    ExpiryWordLib,
    FundingWordLib,
    OptionWordLib,
    PerpTermsWordLib,
    PerpWord
} from "../types/LedgerWords.sol";
import {Instrument, InstrumentLib} from "../types/Position.sol";
import {Clearing} from "./Clearing.sol";

/// @title Listing, freezing, closing, pointers (DESIGN 7, 9; AccessManager says who)
abstract contract LedgerGovernance is Clearing, IPositionsAdmin {
    uint256 private constant CLAMP_UNIT = 1e6;
    uint256 private constant MAX_AGE = (1 << 22) - 1;

    // ---------------------------------------------------------------- perps

    /// @inheritdoc IPositionsAdmin
    function listPerp(uint8 underlying, PerpConfig calldata config) external restricted {
        PerpSlots storage slots = _perps[underlying];
        require(!slots.market.isListed(), AlreadyListed(InstrumentLib.perp(underlying)));
        // pool 1 is the settlement asset, which has no price in itself
        require(underlying > 1, InvalidConfig("underlying"));
        require(_feed != address(0), InvalidConfig("feed"));
        slots.market = slots.market.listed();
        _configure(slots, config);
        slots.funding = FundingWordLib.make(0, 0, block.timestamp, 0);
        emit PerpListed(underlying, config);
    }

    /// @inheritdoc IPositionsAdmin
    function configurePerp(uint8 underlying, PerpConfig calldata config) external restricted {
        PerpSlots storage slots = _perps[underlying];
        require(slots.market.isListed(), NotListed(InstrumentLib.perp(underlying)));
        _configure(slots, config);
        emit PerpConfigured(underlying, config);
    }

    function _configure(PerpSlots storage slots, PerpConfig calldata config) private {
        // 1 + premium must stay positive
        require(config.clamp < WAD && config.clamp % CLAMP_UNIT == 0, InvalidConfig("clamp"));
        require(config.maxPremiumAge <= MAX_AGE, InvalidConfig("maxPremiumAge"));
        require(config.risePerHour > 0 && config.risePerHour <= BPS, InvalidConfig("risePerHour"));
        slots.market = slots.market.withTerms(config.openInterestCap, config.clamp);
        slots.terms = PerpTermsWordLib.make(slots.terms.frozenMark(), config.maxPremiumAge, config.risePerHour);
    }

    /// @inheritdoc IPositionsAdmin
    function freezePerp(uint8 underlying, uint256 mark) external restricted {
        PerpSlots storage slots = _perps[underlying];
        PerpWord market = slots.market;
        require(market.isListed(), NotListed(InstrumentLib.perp(underlying)));
        require(!market.isFrozen(), MarketFrozen(InstrumentLib.perp(underlying)));
        require(mark != 0 && mark <= type(uint128).max, InvalidConfig("mark"));
        int256 fundingIndex = slots.funding.indexAt(block.timestamp);
        slots.funding = FundingWordLib.make(fundingIndex, 0, block.timestamp, 0);
        slots.market = market.frozen();
        slots.terms = PerpTermsWordLib.make(mark, slots.terms.maxPremiumAge(), slots.terms.risePerHour());
        emit PerpFrozen(underlying, mark, fundingIndex);
    }

    /// @inheritdoc IPositionsAdmin
    function closePerp(uint8 underlying) external restricted {
        PerpSlots storage slots = _perps[underlying];
        PerpWord market = slots.market;
        require(market.isFrozen(), NotFrozen(underlying));
        require(!market.isClosed(), MarketClosed(InstrumentLib.perp(underlying)));
        slots.market = market.closed();
        emit PerpClosed(underlying);
    }

    // ---------------------------------------------------------------- options

    /// @inheritdoc IPositionsAdmin
    function listExpiry(uint8 underlying, uint40 expiry, uint104 openInterestCap) external restricted {
        uint256 key = _expiryKey(underlying, expiry);
        require(!_expiries[key].isListed(), InvalidConfig("listed already"));
        require(underlying > 1, InvalidConfig("underlying"));
        require(expiry > block.timestamp, InvalidConfig("expiry"));
        require(_prices != address(0), InvalidConfig("settlement prices"));
        _expiries[key] = ExpiryWordLib.make(openInterestCap, false);
        emit ExpiryListed(underlying, expiry);
        emit ExpiryConfigured(underlying, expiry, openInterestCap, false);
    }

    /// @inheritdoc IPositionsAdmin
    function configureExpiry(
        uint8 underlying,
        uint40 expiry,
        uint104 openInterestCap,
        bool reduceOnly
    ) external restricted {
        uint256 key = _expiryKey(underlying, expiry);
        ExpiryWord word = _expiries[key];
        require(word.isListed(), ExpiryNotListed(underlying, expiry));
        require(!word.isSettled(), AlreadySettled(underlying, expiry));
        _expiries[key] = ExpiryWordLib.make(openInterestCap, reduceOnly).withOpenInterest(word.openInterest());
        emit ExpiryConfigured(underlying, expiry, openInterestCap, reduceOnly);
    }

    /// @inheritdoc IPositionsAdmin
    function listOptions(Instrument[] calldata options) external restricted {
        for (uint256 i = 0; i < options.length; ++i) _listOption(options[i]);
    }

    function _listOption(Instrument option) private {
        (uint8 underlying, uint40 expiry) = (option.underlying(), option.expiry());
        uint256 key = _expiryKey(underlying, expiry);
        require(_expiries[key].isListed(), ExpiryNotListed(underlying, expiry));
        // one word per instrument: no other bits may be set
        Instrument same = InstrumentLib.option(underlying, expiry, option.strike(), option.isCall());
        require(option == same && option.strike() != 0, InvalidConfig("instrument"));
        require(block.timestamp < expiry, InstrumentExpired(option));
        require(!_options[option].isListed(), AlreadyListed(option));
        _options[option] = OptionWordLib.listed();
        _listedOptions[key].push(option);
        emit OptionListed(option);
    }

    // ---------------------------------------------------------------- pointers

    /// @inheritdoc IPositionsAdmin
    function setExchange(address exchange_) external restricted {
        _requireCode(exchange_);
        _exchange = exchange_;
        emit PointerSet("exchange", exchange_);
    }

    /// @inheritdoc IPositionsAdmin
    function setFeed(address feed_) external restricted {
        _requireCode(feed_);
        _feed = feed_;
        emit PointerSet("feed", feed_);
    }

    /// @inheritdoc IPositionsAdmin
    function setSettlementPrices(address prices_) external restricted {
        _requireCode(prices_);
        _prices = prices_;
        emit PointerSet("settlementPrices", prices_);
    }

    /// @inheritdoc IPositionsAdmin
    function setDeleveraging(address deleveraging_) external restricted {
        _requireCode(deleveraging_);
        _deleveraging = deleveraging_;
        emit PointerSet("deleveraging", deleveraging_);
    }

    function _requireCode(address target) private view {
        require(target.code.length != 0, InvalidConfig("no code"));
    }

    /// @inheritdoc IPositionsAdmin
    function setFeeReceiver(AccountId treasury, uint16 insurancePart) external restricted {
        require(insurancePart <= BPS, InvalidConfig("insurancePart"));
        _requireTrader(treasury);
        (_treasury, _insurancePart) = (treasury, insurancePart);
        emit FeeReceiverSet(treasury, insurancePart);
    }
}
