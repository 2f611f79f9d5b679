// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {ExpiryFeed} from "../interfaces/IAttestedFeed.sol";
import {RawSvi, Smile} from "../oracles/RawSvi.sol";
import {WAD} from "../types/FixedPoint.sol";

/// @dev What all strikes of an expiry share.
struct ExpirySmile {
    Smile smile;
    uint256 forwardReference; // settlement units WAD
    uint256 tau; // years WAD, at least 1
    uint256 volFactor; // WAD
}

/// @title VolSurface: σ at a strike from an attested smile (DESIGN 5)
/// @notice σ = volFactor · √(w(ln(K / F_ref)) / tau), WAD, rounded down; relative error below 1e-12. One logarithm and two roots a strike.
library VolSurface {
    /// @notice What all strikes share. Reverts `SmileOutOfRange` (RawSvi) for values that no feed can hold.
    function prepare(ExpiryFeed memory f) internal pure returns (ExpirySmile memory e) {
        RawSvi.set(e.smile, f.a, f.b, f.rho, f.m, f.sigma);
        e.forwardReference = f.forwardReference;
        e.tau = f.tau == 0 ? 1 : f.tau;
        e.volFactor = f.volFactor;
    }

    /// @param strike settlement units WAD, below 2^128; 0 is the left end of the smile.
    function volatilityAt(ExpirySmile memory e, uint256 strike) internal pure returns (uint256 sigma) {
        unchecked {
            uint256 moneyness = (strike * WAD) / e.forwardReference;
            Smile memory smile = e.smile;
            int256 k =
                moneyness == 0 ? -RawSvi.wing(smile) : RawSvi.cut(smile, FixedPointMathLib.lnWad(int256(moneyness)));
            int256 w = RawSvi.totalVariance(smile, k);
            if (w <= 0) return 0;
            if (w > RawSvi.MAX_TOTAL_VARIANCE) w = RawSvi.MAX_TOTAL_VARIANCE;
            // w ≤ 20e36, so the product is below 2^185.
            sigma = FixedPointMathLib.sqrt((uint256(w) * WAD) / e.tau);
            if (e.volFactor != WAD) sigma = FixedPointMathLib.fullMulDiv(sigma, e.volFactor, WAD);
        }
    }

    /// @notice σ at one strike.
    function volatility(ExpiryFeed memory f, uint256 strike) internal pure returns (uint256) {
        return volatilityAt(prepare(f), strike);
    }

    /// @notice σ at each strike, sharing the expiry's set-up.
    function volatilities(ExpiryFeed memory f, uint256[] memory strikes) internal pure returns (uint256[] memory list) {
        ExpirySmile memory e = prepare(f);
        list = new uint256[](strikes.length);
        for (uint256 i; i < list.length; ++i) list[i] = volatilityAt(e, strikes[i]);
    }
}
