// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {IRateModel} from "../../contracts/interfaces/IRateModel.sol";
import {AttackTest} from "../../contracts/test/attacks/AttackTest.sol";

/// @dev Does what it is told.
contract EvilModel is IRateModel {
    enum Way {
        Extreme,
        Burns,
        Reverts,
        Garbage
    }
    Way private immutable _way;

    constructor(Way way) {
        _way = way;
    }

    function rates(uint256, uint256, uint256) external view returns (uint256, uint256) {
        if (_way == Way.Extreme) return (type(uint256).max, type(uint256).max);
        if (_way == Way.Burns) while (true) {}
        require(_way != Way.Reverts, "no");
        assembly ("memory-safe") {
            mstore(0, not(0))
            return(0, 32)
        }
    }
}

/// @title Attack: a malicious rate model
/// @notice A model passes the governor and then takes the borrowers' collateral by interest, or stops the pool by reverting or burning
/// all gas, with lenders and borrowers inside.
/// Defence: gas, answer and rate are bounded, a failure charges nothing (Pools:_modelRates).
/// Without: every borrower of the pool in one second; or nobody can repay, withdraw or be liquidated.
contract MaliciousRateModelTest is AttackTest {
    /// @dev What a wallet sends along for a simple call, with room.
    uint256 private constant GAS = 2_000_000;

    function setUp() public override {
        super.setUp();
        deposit(aliceId, WETH, 100e18);
        borrow(aliceId, USDC, 100_000e6);
        give(alice, USDC, 1_000_000e6);
        deposit(bobId, USDC, 1_000e6);
    }

    /// @dev Everybody gets out.
    function _assertNobodyIsTrapped() private {
        vm.prank(alice);
        (bool ok, ) = address(safe).call{gas: GAS}(abi.encodeCall(safe.repay, (aliceId, USDC, MAX)));
        assertTrue(ok, "a borrower is trapped");
        vm.prank(bob);
        (ok, ) = address(safe).call{gas: GAS}(abi.encodeCall(safe.withdraw, (bobId, USDC, MAX, bob)));
        assertTrue(ok, "an account is trapped");
        vm.prank(lender);
        (ok, ) = address(sys.usdcVault).call{gas: GAS}(abi.encodeCall(sys.usdcVault.withdraw, (1e6, lender, lender)));
        assertTrue(ok, "a lender is trapped");
    }

    function test_AnExtremeRateIsBounded() public {
        safe.setRateModel(USDC, address(new EvilModel(EvilModel.Way.Extreme)));
        uint256 debt = debtOf(aliceId, USDC);
        pass(1 hours);
        // 1,000 % a year: .12 % in an hour
        assertLe(debtOf(aliceId, USDC), debt + debt / 800, "interest without bounds");
        assertGe(initialOf(aliceId), 0);
        _assertNobodyIsTrapped();
    }

    function test_AModelThatFailsTrapsNobody() public {
        for (uint256 way = 1; way < 4; ++way) {
            safe.setRateModel(USDC, address(new EvilModel(EvilModel.Way(way))));
            uint256 debt = debtOf(aliceId, USDC);
            pass(10 minutes);
            assertEq(debtOf(aliceId, USDC), debt, "charged by a failure");
            _assertNobodyIsTrapped();
            borrow(aliceId, USDC, 100_000e6);
            deposit(bobId, USDC, 1_000e6);
        }
    }
}
