// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAttestedFeed} from "../interfaces/IAttestedFeed.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {IPositionsCold, LedgerCause} from "../interfaces/IPositions.sol";
import {ISettlementPrices} from "../interfaces/ISettlementPrices.sol";
import {AccountId} from "../types/AccountId.sol";
import {BPS, FixedPoint, IWAD} from "../types/FixedPoint.sol";
import {ExpiryWord, FundingWord, FundingWordLib, SlowWord, SlowWordLib} from "../types/LedgerWords.sol";
import {InstrumentLib} from "../types/Position.sol";
import {LedgerGovernance} from "./LedgerGovernance.sol";
import {LedgerStorage} from "./LedgerStorage.sol";
import {LedgerViews} from "./LedgerViews.sol";
import {Shortfalls} from "./Shortfalls.sol";

/// @title The cold doors of the ledger, its governance and its views. Runs by delegatecall from {Positions}; its own storage is
/// never used.
contract PositionsExtension is LedgerGovernance, LedgerViews, Shortfalls, IPositionsCold {
    /// @dev Checkpoints are at least this far apart, and longer waits count as this (as in the safe's size checkpoints).
    uint256 private constant INTERVAL = 1 hours;
    /// @dev Prices of expiries are kept in 128 bits: what is above that is no price.
    uint256 private constant MAX_PRICE = type(uint128).max;

    constructor(IMarginAccounts safe_, address authority_) LedgerStorage(safe_, authority_) {}

    // ---------------------------------------------------------------- funding

    /// @inheritdoc IPositionsCold
    /// @dev The index up to now comes from the premium before; the new one counts from now, until it is too old. Right here nothing
    /// changes for anybody: the index is the same on both sides of a poke.
    function pokeFunding(uint8 underlying) external guarded {
        PerpSlots storage slots = _perps[underlying];
        require(slots.market.isListed(), NotListed(InstrumentLib.perp(underlying)));
        require(!slots.market.isFrozen(), MarketFrozen(InstrumentLib.perp(underlying)));
        (int256 premium, , uint256 time, ) = IAttestedFeed(_feed).premium(underlying);
        uint256 index = _midPrice(underlying);
        int256 rate = (_clampPremium(premium, slots.market.clamp()) * int256(index)) / IWAD;
        uint256 until = time + slots.terms.maxPremiumAge();
        uint256 span = until > block.timestamp ? until - block.timestamp : 0;
        int256 fundingIndex = slots.funding.indexAt(block.timestamp);
        FundingWord word = FundingWordLib.make(fundingIndex, rate, block.timestamp, span);
        slots.funding = word;
        emit FundingPoked(underlying, premium, index, word.rate(), fundingIndex);
    }

    // ---------------------------------------------------------------- expiry

    /// @inheritdoc IPositionsCold
    /// @dev Not in a session, as feeds refuse updates there: it must not come between a snapshot and its check.
    function settleExpiry(uint8 underlying, uint40 expiry) external guarded {
        require(_safe.isQuiet(), InsideSession());
        uint256 key = _expiryKey(underlying, expiry);
        ExpiryWord word = _expiries[key];
        require(word.isListed(), ExpiryNotListed(underlying, expiry));
        require(!word.isSettled(), AlreadySettled(underlying, expiry));
        (uint256 price, bool isFinal) = ISettlementPrices(_prices).settlementPrice(underlying, expiry);
        require(isFinal && block.timestamp >= expiry, ExpiryNotFinal(underlying, expiry));
        require(price <= MAX_PRICE, TooLarge(price));
        _expiries[key] = word.settledAt(price);
        emit ExpirySettled(underlying, expiry, price);
    }

    // ---------------------------------------------------------------- open interest

    /// @inheritdoc IPositionsCold
    function checkpointOpenInterest(uint8 underlying) external returns (uint256 checkpoint) {
        PerpSlots storage slots = _perps[underlying];
        uint256 total = _quietOpenInterest(slots);
        SlowWord word = slots.slow;
        uint256 until = word.updatedAt() + INTERVAL;
        require(block.timestamp >= until, TooSoon(underlying, until));
        // the first update knows no earlier total: it only takes note
        uint256 target = FixedPoint.min(total, word.smallest());
        checkpoint = word.checkpoint();
        if (target > checkpoint) {
            uint256 rise = FixedPoint.mulDivUp(checkpoint == 0 ? target : checkpoint, slots.terms.risePerHour(), BPS);
            checkpoint = FixedPoint.min(target, checkpoint + rise);
        } else {
            checkpoint = target;
        }
        slots.slow = SlowWordLib.make(checkpoint, total, block.timestamp);
        emit OpenInterestCheckpointed(underlying, checkpoint, total);
    }

    /// @inheritdoc IPositionsCold
    function observeOpenInterest(uint8 underlying) external {
        PerpSlots storage slots = _perps[underlying];
        uint256 total = _quietOpenInterest(slots);
        SlowWord word = slots.slow;
        if (total >= word.smallest()) return;
        slots.slow = SlowWordLib.make(word.checkpoint(), total, word.updatedAt());
        emit LowerOpenInterestSeen(underlying, total);
    }

    /// @dev In a session, or after a trade in the same transaction, a position that is gone a moment later may stand in it.
    function _quietOpenInterest(PerpSlots storage slots) private view returns (uint256) {
        require(_safe.isQuiet(), InsideSession());
        return slots.market.openInterest();
    }

    // ---------------------------------------------------------------- shortfalls

    /// @inheritdoc IPositionsCold
    function bookShortfall(AccountId from, AccountId bidder, uint256 amount) external guarded {
        require(msg.sender == address(_safe), OnlySafe(msg.sender));
        _bookShortfall(from, bidder, amount);
    }

    /// @inheritdoc IPositionsCold
    function cancelProfit(AccountId winner, uint256 most) external guarded returns (uint256 cancelled) {
        require(msg.sender == _deleveraging, OnlyDeleveraging(msg.sender));
        _requireUnlocked();
        cancelled = _cancelProfit(winner, most);
    }

    // ---------------------------------------------------------------- fees

    /// @inheritdoc IPositionsCold
    function sweepFees() external guarded {
        _requireUnlocked();
        AccountId fees = _feeAccount();
        int256 quote = _headerQuote(_ledger[fees].header);
        require(quote > 0, FeesTooSmall(0, 0));
        uint256 total = uint256(quote);
        bool shared = _treasury.owner() != address(0);
        uint256 toInsurance = shared ? FixedPoint.mulDivUp(total, _insurancePart, BPS) : total;
        AccountId insurance = _safe.insurance();
        require(insurance.owner() != address(0), InvalidConfig("insurance"));
        _addQuote(fees, -quote, LedgerCause.Fees);
        if (toInsurance != 0) _addQuote(insurance, int256(toInsurance), LedgerCause.Fees);
        if (toInsurance != total) _addQuote(_treasury, int256(total - toInsurance), LedgerCause.Fees);
        emit FeesSwept(toInsurance, total - toInsurance);
    }

    /// @inheritdoc IPositionsCold
    function payFromFees(AccountId to, uint256 amount) external guarded {
        require(msg.sender == _exchange, OnlyExchange(msg.sender));
        _requireTrader(to);
        AccountId fees = _feeAccount();
        int256 quote = _headerQuote(_ledger[fees].header);
        uint256 held = quote > 0 ? uint256(quote) : 0;
        require(amount <= held, FeesTooSmall(amount, held));
        _addQuote(fees, -int256(amount), LedgerCause.Fees);
        _addQuote(to, int256(amount), LedgerCause.Fees);
        emit PaidFromFees(to, amount);
    }
}
