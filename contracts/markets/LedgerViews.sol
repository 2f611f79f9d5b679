// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ExpiryMarket, IPositionsViews, PerpMarket} from "../interfaces/IPositions.sol";
import {AccountId} from "../types/AccountId.sol";
import {ExpiryWord, PerpTermsWord, PerpWord} from "../types/LedgerWords.sol";
import {Instrument, InstrumentLib, Position} from "../types/Position.sol";
import {Settling} from "./Settling.sol";

/// @title What the ledger says of itself
abstract contract LedgerViews is Settling, IPositionsViews {
    // ---------------------------------------------------------------- accounts

    /// @inheritdoc IPositionsViews
    function quoteOf(AccountId account) public view returns (int256 quote) {
        quote = _headerQuote(_ledger[account].header);
        if (_isPerpClearing(account)) quote += _perps[account.index()].clearing.quote();
    }

    /// @inheritdoc IPositionsViews
    function positionsOf(AccountId account) external view returns (Position[] memory) {
        return _load(account, 0).words;
    }

    /// @inheritdoc IPositionsViews
    function sizeOf(AccountId account, Instrument instrument) external view returns (int256) {
        if (account.owner() == address(this)) {
            if (account != _clearingOf(instrument)) return 0;
            if (instrument.isPerp()) return _perps[instrument.underlying()].clearingSize;
            return _options[instrument].taken();
        }
        Book memory b = _load(account, 0);
        uint256 i = _find(b, instrument);
        return i == NONE ? int256(0) : b.words[i].size();
    }

    /// @inheritdoc IPositionsViews
    function unsettledOf(AccountId account) external view returns (int256) {
        _requireUnlocked();
        if (account.owner() == address(this)) return _clearingUnsettled(account);
        (int256 quote, Position[] memory positions, ) = _ledgerOf(account);
        return _unsettled(quote, positions, positions.length, false);
    }

    /// @inheritdoc IPositionsViews
    function settleable(AccountId winner, AccountId loser) external view returns (uint256) {
        _requireUnlocked();
        return _settleable(_reckoned(winner), _reckoned(loser));
    }

    /// @dev As a touch would leave it.
    function _reckoned(AccountId account) private view returns (Book memory b) {
        (b.quote, b.words, ) = _ledgerOf(account);
        b.count = b.words.length;
    }

    /// @dev `quote − Σ everybody's pending` (DESIGN 7), rounded down. What others hold of an instrument is the opposite of what
    /// the clearing account holds, so their pending payoffs are minus its own holdings' value; of funding the dust remains.
    function _clearingUnsettled(AccountId account) private view returns (int256) {
        uint256 key = account.index();
        int256 u = _headerQuote(_ledger[account].header);
        if (_isPerpClearing(account)) {
            PerpSlots storage slots = _perps[key];
            int256 exact = int256(slots.clearing.dust());
            exact += slots.clearingSize * int256(slots.terms.frozenMark());
            return u + _floorWad(exact);
        }
        ExpiryWord word = _expiries[key];
        if (!word.isSettled()) return u;
        int256 held;
        Instrument[] storage list = _listedOptions[key];
        uint256 n = list.length;
        for (uint256 i = 0; i < n; ++i) {
            held += _options[list[i]].taken() * int256(_payoffOfOne(list[i], word.price()));
        }
        return u + _floorWad(held);
    }

    function _isPerpClearing(AccountId account) private view returns (bool) {
        return account.owner() == address(this) && account.index() <= type(uint8).max;
    }

    function _clearingOf(Instrument i) private view returns (AccountId) {
        return _clearingAccount(i.isPerp() ? i.underlying() : _expiryKey(i.underlying(), i.expiry()));
    }

    // ---------------------------------------------------------------- markets

    /// @inheritdoc IPositionsViews
    function perpMarket(uint8 underlying) external view returns (PerpMarket memory m) {
        PerpSlots storage slots = _perps[underlying];
        PerpWord market = slots.market;
        PerpTermsWord terms = slots.terms;
        (m.listed, m.frozen, m.closed) = (market.isListed(), market.isFrozen(), market.isClosed());
        m.frozenMark = terms.frozenMark();
        m.openInterest = market.openInterest();
        m.slowOpenInterest = slots.slow.checkpoint();
        m.smallestOpenInterest = slots.slow.smallest();
        m.checkpointAt = slots.slow.updatedAt();
        m.config.clamp = uint64(uint256(market.clamp()));
        m.config.maxPremiumAge = terms.maxPremiumAge();
        m.config.openInterestCap = uint104(market.cap());
        m.config.risePerHour = terms.risePerHour();
        m.fundingRate = slots.funding.rate();
        m.fundedAt = slots.funding.time();
        m.fundingIndex = slots.funding.indexAt(block.timestamp);
        m.fundingQuote = slots.clearing.quote();
        m.dust = slots.clearing.dust();
        m.clearingSize = slots.clearingSize;
    }

    /// @inheritdoc IPositionsViews
    function markPrice(uint8 underlying) external view returns (uint256) {
        return _markOf(underlying);
    }

    /// @inheritdoc IPositionsViews
    function expiryMarket(uint8 underlying, uint40 expiry) external view returns (ExpiryMarket memory m) {
        ExpiryWord word = _expiries[_expiryKey(underlying, expiry)];
        (m.listed, m.reduceOnly, m.settled) = (word.isListed(), word.isReduceOnly(), word.isSettled());
        (m.price, m.openInterest, m.openInterestCap) = (word.price(), word.openInterest(), word.cap());
    }

    /// @inheritdoc IPositionsViews
    function optionsOf(uint8 underlying, uint40 expiry) external view returns (Instrument[] memory) {
        return _listedOptions[_expiryKey(underlying, expiry)];
    }

    /// @inheritdoc IPositionsViews
    function isListed(Instrument instrument) external view returns (bool) {
        if (!instrument.isPerp()) return _options[instrument].isListed();
        uint8 underlying = instrument.underlying();
        return instrument == InstrumentLib.perp(underlying) && _perps[underlying].market.isListed();
    }

    // ---------------------------------------------------------------- names

    /// @inheritdoc IPositionsViews
    function perpClearing(uint8 underlying) external view returns (AccountId) {
        return _clearingAccount(underlying);
    }

    /// @inheritdoc IPositionsViews
    function expiryClearing(uint8 underlying, uint40 expiry) external view returns (AccountId) {
        return _clearingAccount(_expiryKey(underlying, expiry));
    }

    /// @inheritdoc IPositionsViews
    function feeAccount() external view returns (AccountId) {
        return _feeAccount();
    }

    /// @inheritdoc IPositionsViews
    function feeReceiver() external view returns (AccountId treasury, uint16 insurancePart) {
        return (_treasury, _insurancePart);
    }

    /// @inheritdoc IPositionsViews
    function shortfall() external view returns (uint256 open, uint256 longs, uint256 shorts) {
        return (_openShortfall(), _losersLong, _losersShort);
    }

    /// @inheritdoc IPositionsViews
    function shortfallAccount() external view returns (AccountId) {
        return _shortfallAccount();
    }

    /// @inheritdoc IPositionsViews
    function deleveraging() external view returns (address) {
        return _deleveraging;
    }

    /// @inheritdoc IPositionsViews
    function safe() external view returns (address) {
        return address(_safe);
    }

    /// @inheritdoc IPositionsViews
    function exchange() external view returns (address) {
        return _exchange;
    }

    /// @inheritdoc IPositionsViews
    function feed() external view returns (address) {
        return _feed;
    }

    /// @inheritdoc IPositionsViews
    function settlementPrices() external view returns (address) {
        return _prices;
    }
}
