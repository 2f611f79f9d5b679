// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPoint, IWAD, WAD, YEAR} from "../types/FixedPoint.sol";
import {Black76, OptionGreeks, OptionTerms} from "./Black76.sol";
import {OptionExpiry, OptionLeg} from "./OptionLegs.sol";
import {UnderlyingBook} from "./ScenarioGrid.sol";

/// @dev Sensitivities of all that is held of one underlying. The forward moves with the spot as in the scenarios.
struct UnderlyingGreeks {
    int256 delta; // whole underlyings WAD, perp and spot included
    int256 gamma; // of delta per settlement unit of spot, WAD
    int256 vega; // settlement units WAD per 1.00 of volatility
    int256 theta; // settlement units WAD per year that passes
    int256 rho; // settlement units WAD per 1.00 of rate
}

/// @title Greeks per underlying, over the same books and the same Black-76 as the scenarios. For views: no care for gas.
library ScenarioGreeks {
    /// @notice @param normal where {NormalTable} was loaded. Rounded towards zero, leg by leg.
    function greeks(UnderlyingBook memory book, uint256 normal) internal pure returns (UnderlyingGreeks memory sum) {
        if (book.spot == 0) return sum;
        int256 spot = int256(book.spot);
        sum.delta = (book.perpSize * int256(book.perpMark) + book.spotValue * IWAD) / spot;
        for (uint256 i; i < book.expiries.length; ++i) _expiry(sum, book.expiries[i], spot, normal);
    }

    function _expiry(UnderlyingGreeks memory sum, OptionExpiry memory e, int256 spot, uint256 normal) private pure {
        OptionTerms memory o;
        o.forward = e.forwardVar + e.forwardFix;
        o.time = (e.secondsLeft * WAD) / YEAR;
        o.rate = uint256(FixedPoint.max(e.rate, 0));
        // how the forward moves with the spot
        int256 slope = (int256(e.forwardVar) * IWAD) / spot;
        for (OptionLeg leg = e.legs; leg.exists(); leg = leg.next()) {
            (o.strike, o.volatility) = (leg.strike(), leg.volatility());
            _add(sum, Black76.greeks(normal, _side(o, true)), leg.calls(), slope);
            _add(sum, Black76.greeks(normal, _side(o, false)), leg.puts(), slope);
        }
    }

    function _side(OptionTerms memory o, bool isCall) private pure returns (OptionTerms memory) {
        o.isCall = isCall;
        return o;
    }

    function _add(UnderlyingGreeks memory sum, OptionGreeks memory x, int256 size, int256 slope) private pure {
        sum.delta += (((size * x.delta) / IWAD) * slope) / IWAD;
        sum.gamma += (((((size * x.gamma) / IWAD) * slope) / IWAD) * slope) / IWAD;
        sum.vega += (size * x.vega) / IWAD;
        sum.theta += (size * x.theta) / IWAD;
        sum.rho += (size * x.rho) / IWAD;
    }
}
