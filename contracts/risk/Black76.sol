// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {FixedPoint, IWAD, WAD} from "../types/FixedPoint.sol";
import {NormalTableLib} from "./NormalTable.sol";

/// @dev A call or put on a forward.
struct OptionTerms {
    uint256 forward; // settlement units WAD
    uint256 strike;
    uint256 volatility; // per √year, WAD
    uint256 time; // years WAD
    uint256 rate; // continuous, per year, WAD
    bool isCall;
}

/// @dev Of one option on a forward, D included, settlement units WAD.
struct OptionGreeks {
    int256 price;
    int256 delta; // per unit of forward
    int256 gamma; // of delta per unit of forward
    int256 vega; // per 1.00 of volatility
    int256 theta; // per year that passes, forward unmoved
    int256 rho; // per 1.00 of rate, forward unmoved
}

/// @title Black-76 over {NormalTable} (docs/black76.md)
/// @notice Undiscounted, `v` is σ√T, WAD. The price's error is below 10⁻¹³ of the larger of forward and strike.
library Black76 {
    /// @dev Less than this v is this v: the price differs by less than 10⁻¹² of the forward.
    uint256 internal constant MIN_DEVIATION = 1e6;
    /// @dev From here on calls are worth the forward and puts their strike.
    uint256 private constant MAX_DEVIATION = 1e6 * WAD;
    /// @dev 1/√(2π), WAD.
    int256 private constant INVERSE_ROOT_TWO_PI = 398942280401432678;

    /// @notice A call or put on `forward`, rounded to nearest.
    function price(
        uint256 normal,
        uint256 forward,
        uint256 strike,
        uint256 v,
        bool isCall
    ) internal pure returns (uint256) {
        (uint256 first, uint256 second) = probabilities(normal, forward, strike, v);
        uint256 value = _clamp(forward, strike, first, second);
        return isCall ? value : value + strike - forward;
    }

    /// @notice Price and its derivatives, each rounded towards zero.
    function greeks(uint256 normal, OptionTerms memory o) internal pure returns (OptionGreeks memory x) {
        int256 rootTime = int256(FixedPointMathLib.sqrt(o.time * WAD));
        uint256 v = FixedPoint.max(MIN_DEVIATION, (o.volatility * uint256(rootTime)) / WAD);
        int256 discount = FixedPointMathLib.expWad(-int256((o.rate * o.time) / WAD));
        x.price = (int256(price(normal, o.forward, o.strike, v, o.isCall)) * discount) / IWAD;
        x.rho = -(x.price * int256(o.time)) / IWAD;
        x.theta = (x.price * int256(o.rate)) / IWAD;
        if (o.forward == 0) {
            x.delta = o.isCall ? int256(0) : -discount;
            return x;
        }
        (uint256 first, ) = probabilities(normal, o.forward, o.strike, v);
        int256 exercised = o.isCall ? int256(first) : int256(first) - int256(NormalTableLib.ONE);
        x.delta = (discount * exercised) / int256(NormalTableLib.ONE);
        int256 density = (discount * _density(logRatio(o.forward, o.strike), int256(v))) / IWAD;
        x.gamma = (density * IWAD * IWAD) / (int256(o.forward) * int256(v));
        x.vega = (((density * int256(o.forward)) / IWAD) * rootTime) / IWAD;
        // without time there is nothing left to decay
        if (rootTime != 0) x.theta -= (((density * int256(o.forward)) / IWAD) * int256(o.volatility)) / (2 * rootTime);
    }

    /// @notice N(d1) and N(d2), units of 2^−54.
    function probabilities(
        uint256 normal,
        uint256 forward,
        uint256 strike,
        uint256 v
    ) internal pure returns (uint256 first, uint256 second) {
        if (forward == 0) return (0, 0);
        (int256 argument, , uint256 width) = arguments(logRatio(forward, strike), v);
        first = NormalTableLib.cdf(normal, argument);
        second = NormalTableLib.cdf(normal, argument - int256(width));
    }

    /// @notice ln(F / K), WAD. Without a strike as if it were the least one.
    function logRatio(uint256 forward, uint256 strike) internal pure returns (int256) {
        unchecked {
            uint256 ratio = (forward * WAD) / (strike == 0 ? 1 : strike);
            return FixedPointMathLib.lnWad(int256(ratio == 0 ? 1 : ratio));
        }
    }

    /// @notice The argument of N(d1), 60·2^21 / v, and v, all for {NormalTableLib}.
    /// @dev A common error of d1 and d2 does not matter to first order (F·φ(d1) = K·φ(d2)); `width`, their difference, is exact.
    function arguments(int256 ln, uint256 v) internal pure returns (int256 first, uint256 inverse, uint256 width) {
        unchecked {
            v = FixedPoint.max(MIN_DEVIATION, FixedPoint.min(v, MAX_DEVIATION));
            inverse = ((60 << 21) * WAD) / v;
            width = (v * NormalTableLib.UNIT) / WAD;
            first = (ln * int256(NormalTableLib.UNIT)) / int256(v) + int256(width / 2 + NormalTableLib.CENTRE);
        }
    }

    /// @dev φ(d1), WAD.
    function _density(int256 ln, int256 v) private pure returns (int256) {
        int256 d = (ln * IWAD) / v + v / 2;
        // beyond twelve it is below 10⁻³¹
        if (d > 12e18 || d < -12e18) return 0;
        return (INVERSE_ROOT_TWO_PI * FixedPointMathLib.expWad(-(d * d) / (2 * IWAD))) / IWAD;
    }

    /// @dev F·N(d1) − K·N(d2), inside the bounds that no model may leave.
    function _clamp(uint256 forward, uint256 strike, uint256 first, uint256 second) private pure returns (uint256) {
        unchecked {
            uint256 least = forward > strike ? forward - strike : 0;
            int256 value = int256(forward * first + NormalTableLib.ONE / 2) - int256(strike * second);
            value >>= 54;
            if (value < int256(least)) return least;
            return value > int256(forward) ? forward : uint256(value);
        }
    }
}
