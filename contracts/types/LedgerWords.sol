// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev What a fill of a perp reads and writes of its market.
/// Bits: openInterest 0, openInterestCap 104, clamp 208 (units of 1e-12), flags 248.
type PerpWord is uint256;

/// @dev Bits: funding index (int118) 0, rate (int84) 118, time of the last accrual 202, seconds from then for which the rate
/// counts 234.
type FundingWord is uint256;

/// @dev What funding has booked to a perp's clearing account: quote (int160) 0, dust 160. The dust is what rounding down
/// kept from accounts, in 1e-36 settlement units: Σ size·entry index over all accounts is quote·1e18 − dust.
type ClearingWord is uint256;

/// @dev Bits: open interest that maintenance reckons with 0, smallest since the last update 104, time of that update 208.
type SlowWord is uint256;

/// @dev Bits: frozenMark 0, maxPremiumAge 128, risePerHour 160.
type PerpTermsWord is uint256;

/// @dev Until it is settled: openInterest 0, openInterestCap 104. Afterwards: price 0 (208 bits). Flags 248.
type ExpiryWord is uint256;

/// @dev Bits: size taken over by the expiry's clearing account (int128) 0, listed 255.
type OptionWord is uint256;

using PerpWordLib for PerpWord global;
using FundingWordLib for FundingWord global;
using ClearingWordLib for ClearingWord global;
using SlowWordLib for SlowWord global;
using PerpTermsWordLib for PerpTermsWord global;
using ExpiryWordLib for ExpiryWord global;
using OptionWordLib for OptionWord global;

uint256 constant MAX_OPEN_INTEREST = type(uint104).max;
/// @dev The rate of a perp is what one whole underlying pays in this time.
int256 constant FUNDING_PERIOD = 8 hours;

library PerpWordLib {
    uint256 private constant OI_MASK = type(uint104).max;
    uint256 private constant CLAMP_MASK = type(uint40).max;
    uint256 private constant CLAMP_UNIT = 1e6;
    uint256 private constant LISTED = 1 << 248;
    uint256 private constant FROZEN = 1 << 249;
    uint256 private constant CLOSED = 1 << 250;

    function openInterest(PerpWord w) internal pure returns (uint256) {
        return PerpWord.unwrap(w) & OI_MASK;
    }

    function cap(PerpWord w) internal pure returns (uint256) {
        return (PerpWord.unwrap(w) >> 104) & OI_MASK;
    }

    /// @notice WAD.
    function clamp(PerpWord w) internal pure returns (int256) {
        return int256(((PerpWord.unwrap(w) >> 208) & CLAMP_MASK) * CLAMP_UNIT);
    }

    function isListed(PerpWord w) internal pure returns (bool) {
        return PerpWord.unwrap(w) & LISTED != 0;
    }

    function isFrozen(PerpWord w) internal pure returns (bool) {
        return PerpWord.unwrap(w) & FROZEN != 0;
    }

    function isClosed(PerpWord w) internal pure returns (bool) {
        return PerpWord.unwrap(w) & CLOSED != 0;
    }

    /// @param n at most 104 bits.
    function withOpenInterest(PerpWord w, uint256 n) internal pure returns (PerpWord) {
        return PerpWord.wrap((PerpWord.unwrap(w) & ~OI_MASK) | n);
    }

    /// @param clamp_ WAD, at most one, a multiple of 1e6.
    function withTerms(PerpWord w, uint104 cap_, uint256 clamp_) internal pure returns (PerpWord) {
        uint256 kept = PerpWord.unwrap(w) & ~(((uint256(1) << 144) - 1) << 104);
        return PerpWord.wrap(kept | (uint256(cap_) << 104) | ((clamp_ / CLAMP_UNIT) << 208));
    }

    function listed(PerpWord w) internal pure returns (PerpWord) {
        return PerpWord.wrap(PerpWord.unwrap(w) | LISTED);
    }

    function frozen(PerpWord w) internal pure returns (PerpWord) {
        return PerpWord.wrap(PerpWord.unwrap(w) | FROZEN);
    }

    function closed(PerpWord w) internal pure returns (PerpWord) {
        return PerpWord.wrap(PerpWord.unwrap(w) | CLOSED);
    }
}

library FundingWordLib {
    int256 private constant MAX_INDEX = (1 << 117) - 1;
    int256 private constant MAX_RATE = (1 << 83) - 1;
    uint256 private constant MAX_SPAN = (1 << 22) - 1;

    /// @notice Values beyond their bits are the largest there are: funding may stand still but never stop anybody.
    function make(int256 index_, int256 rate_, uint256 time_, uint256 span_) internal pure returns (FundingWord) {
        index_ =
            index_ > MAX_INDEX
                ? MAX_INDEX
                : index_ < -MAX_INDEX
                    ? -MAX_INDEX
                    : index_;
        rate_ =
            rate_ > MAX_RATE
                ? MAX_RATE
                : rate_ < -MAX_RATE
                    ? -MAX_RATE
                    : rate_;
        span_ = span_ > MAX_SPAN ? MAX_SPAN : span_;
        return
            FundingWord.wrap(
                (uint256(index_) & ((1 << 118) - 1)) |
                    ((uint256(rate_) & ((1 << 84) - 1)) << 118) |
                    (uint256(uint32(time_)) << 202) |
                    (span_ << 234)
            );
    }

    /// @notice Settlement units WAD per whole underlying, at {time}.
    function storedIndex(FundingWord w) internal pure returns (int256) {
        return (int256(FundingWord.unwrap(w)) << 138) >> 138;
    }

    /// @notice Settlement units WAD per whole underlying in {FUNDING_PERIOD}; positive: longs pay.
    function rate(FundingWord w) internal pure returns (int256) {
        return (int256(FundingWord.unwrap(w)) << 54) >> 172;
    }

    function time(FundingWord w) internal pure returns (uint256) {
        return uint32(FundingWord.unwrap(w) >> 202);
    }

    function span(FundingWord w) internal pure returns (uint256) {
        return FundingWord.unwrap(w) >> 234;
    }

    /// @notice The index at `now_`, rounded towards zero: the one formula of views, touches and pokes.
    function indexAt(FundingWord w, uint256 now_) internal pure returns (int256) {
        uint256 dt = now_ - w.time();
        uint256 most = w.span();
        return w.storedIndex() + (w.rate() * int256(dt < most ? dt : most)) / FUNDING_PERIOD;
    }
}

library ClearingWordLib {
    uint256 private constant QUOTE_MASK = type(uint160).max;

    function quote(ClearingWord w) internal pure returns (int256) {
        return (int256(ClearingWord.unwrap(w)) << 96) >> 96;
    }

    function dust(ClearingWord w) internal pure returns (uint256) {
        return ClearingWord.unwrap(w) >> 160;
    }

    /// @notice An account's pending funding of `exact` (1e-36) was booked to it as `booked` (WAD, rounded down).
    /// @dev Checked: 160 bits hold 7e29 settlement units and 96 bits the dust of 7e10 bookings at the very least.
    function book(ClearingWord w, int256 exact, int256 booked) internal pure returns (ClearingWord) {
        int256 q = w.quote() - booked;
        uint256 d = w.dust() + uint256(exact - booked * 1e18);
        assert(q == int256(int160(q)) && d <= type(uint96).max);
        return ClearingWord.wrap((uint256(q) & QUOTE_MASK) | (d << 160));
    }
}

library SlowWordLib {
    function make(uint256 checkpoint_, uint256 smallest_, uint256 time) internal pure returns (SlowWord) {
        return SlowWord.wrap(checkpoint_ | (smallest_ << 104) | (time << 208));
    }

    function checkpoint(SlowWord w) internal pure returns (uint256) {
        return uint104(SlowWord.unwrap(w));
    }

    function smallest(SlowWord w) internal pure returns (uint256) {
        return uint104(SlowWord.unwrap(w) >> 104);
    }

    function updatedAt(SlowWord w) internal pure returns (uint256) {
        return SlowWord.unwrap(w) >> 208;
    }
}

library PerpTermsWordLib {
    function make(uint256 mark, uint256 maxAge, uint256 rise) internal pure returns (PerpTermsWord) {
        return PerpTermsWord.wrap(mark | (maxAge << 128) | (rise << 160));
    }

    function frozenMark(PerpTermsWord w) internal pure returns (uint256) {
        return uint128(PerpTermsWord.unwrap(w));
    }

    function maxPremiumAge(PerpTermsWord w) internal pure returns (uint32) {
        return uint32(PerpTermsWord.unwrap(w) >> 128);
    }

    function risePerHour(PerpTermsWord w) internal pure returns (uint16) {
        return uint16(PerpTermsWord.unwrap(w) >> 160);
    }
}

library ExpiryWordLib {
    uint256 private constant OI_MASK = type(uint104).max;
    uint256 private constant PRICE_MASK = type(uint208).max;
    uint256 private constant LISTED = 1 << 248;
    uint256 private constant REDUCE_ONLY = 1 << 249;
    uint256 private constant SETTLED = 1 << 250;

    function make(uint104 cap_, bool reduceOnly) internal pure returns (ExpiryWord) {
        return ExpiryWord.wrap(LISTED | (uint256(cap_) << 104) | (reduceOnly ? REDUCE_ONLY : 0));
    }

    function isListed(ExpiryWord w) internal pure returns (bool) {
        return ExpiryWord.unwrap(w) & LISTED != 0;
    }

    function isReduceOnly(ExpiryWord w) internal pure returns (bool) {
        return ExpiryWord.unwrap(w) & REDUCE_ONLY != 0;
    }

    function isSettled(ExpiryWord w) internal pure returns (bool) {
        return ExpiryWord.unwrap(w) & SETTLED != 0;
    }

    /// @notice 0 once settled.
    function openInterest(ExpiryWord w) internal pure returns (uint256) {
        return w.isSettled() ? 0 : ExpiryWord.unwrap(w) & OI_MASK;
    }

    function cap(ExpiryWord w) internal pure returns (uint256) {
        return w.isSettled() ? 0 : (ExpiryWord.unwrap(w) >> 104) & OI_MASK;
    }

    /// @notice 0 until settled.
    function price(ExpiryWord w) internal pure returns (uint256) {
        return w.isSettled() ? ExpiryWord.unwrap(w) & PRICE_MASK : 0;
    }

    /// @param n at most 104 bits.
    function withOpenInterest(ExpiryWord w, uint256 n) internal pure returns (ExpiryWord) {
        return ExpiryWord.wrap((ExpiryWord.unwrap(w) & ~OI_MASK) | n);
    }

    /// @param price_ at most 208 bits.
    function settledAt(ExpiryWord w, uint256 price_) internal pure returns (ExpiryWord) {
        return ExpiryWord.wrap((ExpiryWord.unwrap(w) & ~PRICE_MASK) | SETTLED | price_);
    }
}

library OptionWordLib {
    uint256 private constant LISTED = 1 << 255;

    function isListed(OptionWord w) internal pure returns (bool) {
        return OptionWord.unwrap(w) & LISTED != 0;
    }

    /// @notice Whole underlyings WAD.
    function taken(OptionWord w) internal pure returns (int256) {
        return int256(int128(uint128(OptionWord.unwrap(w))));
    }

    function listed() internal pure returns (OptionWord) {
        return OptionWord.wrap(LISTED);
    }

    function withTaken(OptionWord w, int256 n) internal pure returns (OptionWord) {
        return OptionWord.wrap((OptionWord.unwrap(w) & LISTED) | uint128(int128(n)));
    }
}
