// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ExpiryFeed} from "../interfaces/IAttestedFeed.sol";
import {IAttestations, Slice} from "../interfaces/IAttestations.sol";
import {RawSvi, Smile} from "../oracles/RawSvi.sol";
import {SurfaceCheck} from "../oracles/SurfaceCheck.sol";
import {VolSurface} from "../risk/VolSurface.sol";

/// @title Smiles and what they are checked for, callable
contract SurfaceHarness {
    function volatility(ExpiryFeed memory f, uint256 strike) external pure returns (uint256) {
        return VolSurface.volatility(f, strike);
    }

    function volatilities(ExpiryFeed memory f, uint256[] memory strikes) external pure returns (uint256[] memory) {
        return VolSurface.volatilities(f, strikes);
    }

    /// @notice What a strike costs beside those with it.
    function gasOf(ExpiryFeed memory f, uint256[] memory strikes) external view returns (uint256 used) {
        used = gasleft();
        VolSurface.volatilities(f, strikes);
        used -= gasleft();
    }

    /// @notice The grid's k, w there and g there; w 1e36, g 1e36.
    function grid(
        Slice calldata slice
    ) external pure returns (int256[] memory k, int256[] memory w, int256[] memory g) {
        Smile memory smile = SurfaceCheck.smileOf(slice);
        (k, w, g) = (new int256[](15), new int256[](15), new int256[](15));
        for (uint256 i; i < 15; ++i) {
            k[i] = SurfaceCheck.point(RawSvi.wing(smile), i);
            (int256 variance, int256 slope, int256 bend) = RawSvi.derivatives(smile, k[i]);
            w[i] = variance;
            g[i] = SurfaceCheck.density(k[i], variance, slope, bend);
        }
    }
}

/// @title Asks a feed from another contract, as a margin model does, and says what it cost
contract FeedReader {
    function gasOf(
        IAttestations feed,
        uint8 underlying,
        uint40[] calldata expiries
    ) external view returns (uint256 used) {
        used = gasleft();
        feed.expiryFeeds(underlying, expiries);
        used -= gasleft();
    }
}
