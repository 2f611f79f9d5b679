// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev Premium of a perp, from the top: 0 (40) | dead age 24 | maximum age 24 | time 40 | confidence 64 | premium int64. WAD. The ages in
/// seconds are the limits that were in force when it was posted: reading needs no further slot.
type PremiumWord is uint256;

/// @dev Forward and rate of an expiry, from the top: dead age 20 | maximum age 16 | time 36 | confidence 60 | rate int62 | ratio 62. WAD;
/// the confidence is the smaller of both; 60 bits hold 1e18, 62 hold 2e18. Ages as in the premium's, for the expiry's smile too.
type ForwardWord is uint256;

/// @dev First word of an expiry's smile, from the top: confidence 60 | a int68 | ρ int64 | m int64. WAD; 60 bits hold 1e18.
type SmileWord is uint256;

/// @dev Second word of an expiry's smile, from the top: time 40 | F_ref 88 | σ 64 | b 64. WAD.
type WingWord is uint256;

/// @dev What attestations of an underlying must keep to, from the top: 0 (32) | vol jump 32 | forward jump 32 | premium jump 32 | stress 32 |
/// decay 24 | dead age 24 | maximum age 24 | age at posting 24. Seconds, basis points, millionths per minute. Zero: not listed.
type LimitsWord is uint256;

using LimitsWordLib for LimitsWord global;
using PremiumWordLib for PremiumWord global;
using ForwardWordLib for ForwardWord global;
using SmileWordLib for SmileWord global;
using WingWordLib for WingWord global;

library PremiumWordLib {
    function make(
        int64 value_,
        uint64 confidence_,
        uint40 time_,
        LimitsWord limits
    ) internal pure returns (PremiumWord) {
        uint256 ages = (limits.maxAge() << 168) | (limits.deadAge() << 192);
        return PremiumWord.wrap(uint64(value_) | (uint256(confidence_) << 64) | (uint256(time_) << 128) | ages);
    }

    function value(PremiumWord w) internal pure returns (int256) {
        return int64(uint64(PremiumWord.unwrap(w)));
    }

    function confidence(PremiumWord w) internal pure returns (uint256) {
        return uint64(PremiumWord.unwrap(w) >> 64);
    }

    /// @notice 0: never attested.
    function time(PremiumWord w) internal pure returns (uint256) {
        return uint40(PremiumWord.unwrap(w) >> 128);
    }

    function maxAge(PremiumWord w) internal pure returns (uint256) {
        return uint24(PremiumWord.unwrap(w) >> 168);
    }

    function deadAge(PremiumWord w) internal pure returns (uint256) {
        return PremiumWord.unwrap(w) >> 192;
    }
}

library ForwardWordLib {
    uint256 private constant MASK = (1 << 62) - 1;

    function make(
        uint64 ratio_,
        int64 rate_,
        uint64 confidence_,
        uint40 time_,
        LimitsWord limits
    ) internal pure returns (ForwardWord) {
        uint256 word = ratio_ | ((uint256(int256(rate_)) & MASK) << 62) | (uint256(confidence_) << 124);
        return ForwardWord.wrap(word | (uint256(time_) << 184) | (limits.maxAge() << 220) | (limits.deadAge() << 236));
    }

    function ratio(ForwardWord w) internal pure returns (uint256) {
        return ForwardWord.unwrap(w) & MASK;
    }

    function rate(ForwardWord w) internal pure returns (int256) {
        return int256(ForwardWord.unwrap(w) << 132) >> 194;
    }

    function confidence(ForwardWord w) internal pure returns (uint256) {
        return (ForwardWord.unwrap(w) >> 124) & ((1 << 60) - 1);
    }

    /// @notice 0: never attested.
    function time(ForwardWord w) internal pure returns (uint256) {
        return (ForwardWord.unwrap(w) >> 184) & ((1 << 36) - 1);
    }

    function maxAge(ForwardWord w) internal pure returns (uint256) {
        return uint16(ForwardWord.unwrap(w) >> 220);
    }

    function deadAge(ForwardWord w) internal pure returns (uint256) {
        return ForwardWord.unwrap(w) >> 236;
    }
}

library SmileWordLib {
    /// @dev |a| below 147: total variances are capped at 20.
    uint256 private constant A_MASK = (1 << 68) - 1;

    function make(int72 a_, int64 rho_, int64 m_, uint64 confidence_) internal pure returns (SmileWord) {
        return
            SmileWord.wrap(
                uint64(m_) |
                    (uint256(uint64(rho_)) << 64) |
                    ((uint256(int256(a_)) & A_MASK) << 128) |
                    (uint256(confidence_) << 196)
            );
    }

    function a(SmileWord w) internal pure returns (int256) {
        return int256(SmileWord.unwrap(w) << 60) >> 188;
    }

    function rho(SmileWord w) internal pure returns (int256) {
        return int64(uint64(SmileWord.unwrap(w) >> 64));
    }

    function m(SmileWord w) internal pure returns (int256) {
        return int64(uint64(SmileWord.unwrap(w)));
    }

    function confidence(SmileWord w) internal pure returns (uint256) {
        return SmileWord.unwrap(w) >> 196;
    }
}

library WingWordLib {
    /// @notice F_ref must be below it: it is kept in 88 bits.
    uint256 internal constant REFERENCE_LIMIT = 1 << 88;

    function make(uint64 b_, uint64 sigma_, uint96 reference_, uint40 time_) internal pure returns (WingWord) {
        return WingWord.wrap(b_ | (uint256(sigma_) << 64) | (uint256(reference_) << 128) | (uint256(time_) << 216));
    }

    function b(WingWord w) internal pure returns (uint256) {
        return uint64(WingWord.unwrap(w));
    }

    function sigma(WingWord w) internal pure returns (uint256) {
        return uint64(WingWord.unwrap(w) >> 64);
    }

    function forwardReference(WingWord w) internal pure returns (uint256) {
        return uint88(WingWord.unwrap(w) >> 128);
    }

    /// @notice 0: never attested.
    function time(WingWord w) internal pure returns (uint256) {
        return WingWord.unwrap(w) >> 216;
    }
}

library LimitsWordLib {
    function postAge(LimitsWord w) internal pure returns (uint256) {
        return uint24(LimitsWord.unwrap(w));
    }

    function maxAge(LimitsWord w) internal pure returns (uint256) {
        return uint24(LimitsWord.unwrap(w) >> 24);
    }

    function deadAge(LimitsWord w) internal pure returns (uint256) {
        return uint24(LimitsWord.unwrap(w) >> 48);
    }

    function decay(LimitsWord w) internal pure returns (uint256) {
        return uint24(LimitsWord.unwrap(w) >> 72);
    }

    function stress(LimitsWord w) internal pure returns (uint256) {
        return uint32(LimitsWord.unwrap(w) >> 96);
    }

    function premiumJump(LimitsWord w) internal pure returns (uint256) {
        return uint32(LimitsWord.unwrap(w) >> 128);
    }

    function forwardJump(LimitsWord w) internal pure returns (uint256) {
        return uint32(LimitsWord.unwrap(w) >> 160);
    }

    function volJump(LimitsWord w) internal pure returns (uint256) {
        return uint32(LimitsWord.unwrap(w) >> 192);
    }
}
