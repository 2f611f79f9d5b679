// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev Premium of a perp, from the top: 0 (88) | time 40 | confidence 64 | premium int64. WAD.
type PremiumWord is uint256;

/// @dev Forward and rate of an expiry, from the top: 0 (24) | time 40 | confidence 64 | rate int64 | ratio 64. WAD; the confidence is
/// the smaller of both.
type ForwardWord is uint256;

/// @dev First word of an expiry's smile, from the top: confidence 60 | a int68 | ρ int64 | m int64. WAD; 60 bits hold 1e18.
type SmileWord is uint256;

/// @dev Second word of an expiry's smile, from the top: time 40 | F_ref 88 | σ 64 | b 64. WAD.
type WingWord is uint256;

using PremiumWordLib for PremiumWord global;
using ForwardWordLib for ForwardWord global;
using SmileWordLib for SmileWord global;
using WingWordLib for WingWord global;

library PremiumWordLib {
    function make(int64 value_, uint64 confidence_, uint40 time_) internal pure returns (PremiumWord) {
        return PremiumWord.wrap(uint64(value_) | (uint256(confidence_) << 64) | (uint256(time_) << 128));
    }

    function value(PremiumWord w) internal pure returns (int256) {
        return int64(uint64(PremiumWord.unwrap(w)));
    }

    function confidence(PremiumWord w) internal pure returns (uint256) {
        return uint64(PremiumWord.unwrap(w) >> 64);
    }

    /// @notice 0: never attested.
    function time(PremiumWord w) internal pure returns (uint256) {
        return PremiumWord.unwrap(w) >> 128;
    }
}

library ForwardWordLib {
    function make(uint64 ratio_, int64 rate_, uint64 confidence_, uint40 time_) internal pure returns (ForwardWord) {
        return
            ForwardWord.wrap(
                ratio_ | (uint256(uint64(rate_)) << 64) | (uint256(confidence_) << 128) | (uint256(time_) << 192)
            );
    }

    function ratio(ForwardWord w) internal pure returns (uint256) {
        return uint64(ForwardWord.unwrap(w));
    }

    function rate(ForwardWord w) internal pure returns (int256) {
        return int64(uint64(ForwardWord.unwrap(w) >> 64));
    }

    function confidence(ForwardWord w) internal pure returns (uint256) {
        return uint64(ForwardWord.unwrap(w) >> 128);
    }

    /// @notice 0: never attested.
    function time(ForwardWord w) internal pure returns (uint256) {
        return ForwardWord.unwrap(w) >> 192;
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
