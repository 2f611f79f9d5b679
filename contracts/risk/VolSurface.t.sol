// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ExpiryFeed} from "../interfaces/IAttestedFeed.sol";
import {BaseTest} from "../test/BaseTest.sol";
import {SurfaceHarness} from "../test/SurfaceHarness.sol";

/// @dev Values are compared with exact ones in test/vol-surface.ts.
contract VolSurfaceTest is BaseTest {
    SurfaceHarness private surface = new SurfaceHarness();

    /// @dev Low strikes dear, as they mostly are.
    function _skewed() private pure returns (ExpiryFeed memory f) {
        (f.a, f.b, f.rho, f.m, f.sigma) = (0.02e18, 0.1e18, -0.5e18, 0, 0.1e18);
        (f.forwardReference, f.tau, f.volFactor) = (2_000e18, 0.1e18, 1e18);
    }

    function test_ASkewedSmileIsSkewed() public view {
        ExpiryFeed memory f = _skewed();
        uint256 atTheMoney = surface.volatility(f, 2_000e18);
        // √((.02 + .1·.1) / .1)
        assertApproxEqAbs(atTheMoney, 0.547722557505166113e18, 1e6);
        assertGt(surface.volatility(f, 1_800e18), atTheMoney);
        assertGt(surface.volatility(f, 1_600e18), surface.volatility(f, 1_800e18));
        assertLt(surface.volatility(f, 2_200e18), atTheMoney);
    }

    function test_StrikeZeroIsTheLeftEnd() public view {
        ExpiryFeed memory f = _skewed();
        assertEq(surface.volatility(f, 0), surface.volatility(f, 1));
        assertGt(surface.volatility(f, 0), surface.volatility(f, 1_600e18));
    }

    function test_NoTimeAtAllIsNoReasonToRevert() public view {
        ExpiryFeed memory f = _skewed();
        f.tau = 0;
        assertGt(surface.volatility(f, 2_000e18), 1e18);
    }
}
