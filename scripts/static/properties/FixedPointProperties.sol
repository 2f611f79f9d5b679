// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPoint} from "../../../contracts/types/FixedPoint.sol";

/// @title What the solver is asked about {FixedPoint}
/// @dev Operands below 2^127, so that products fit the model of Solady's library.
contract FixedPointProperties {
    uint256 private constant MOST = 2 ** 127;

    function directionsAreLessThanOneApart(uint256 a, uint256 b, uint256 d) external pure {
        require(a < MOST && b < MOST && d != 0);
        uint256 down = FixedPoint.mulDivDown(a, b, d);
        uint256 up = FixedPoint.mulDivUp(a, b, d);
        assert(down <= up);
        assert(up <= down + 1);
    }

    function floorAndCeilingEncloseTheQuotient(int256 a, uint256 b, uint256 d) external pure {
        require(a > -int256(MOST) && a < int256(MOST) && b < MOST && d != 0);
        int256 floor = FixedPoint.mulDivFloor(a, b, d);
        int256 ceiling = FixedPoint.mulDivCeil(a, b, d);
        assert(floor <= ceiling);
        assert(ceiling <= floor + 1);
    }

    function floorOfTheNegativeIsTheNegativeCeiling(int256 a, uint256 b, uint256 d) external pure {
        require(a > -int256(MOST) && a < int256(MOST) && b < MOST && d != 0);
        assert(FixedPoint.mulDivFloor(-a, b, d) == -FixedPoint.mulDivCeil(a, b, d));
    }

    function aPartIsNotMoreThanTheWhole(uint256 a, uint256 b, uint256 d) external pure {
        require(a < MOST && b <= d && d != 0 && d < MOST);
        assert(FixedPoint.mulDivUp(a, b, d) <= a);
    }

    function leastAndMost(int256 a, int256 b, uint256 c, uint256 d) external pure {
        assert(FixedPoint.min(a, b) <= a && FixedPoint.min(a, b) <= b);
        assert(FixedPoint.max(a, b) >= a && FixedPoint.max(a, b) >= b);
        assert(FixedPoint.min(c, d) <= c && FixedPoint.min(c, d) <= d);
        assert(FixedPoint.max(c, d) >= c && FixedPoint.max(c, d) >= d);
    }
}
