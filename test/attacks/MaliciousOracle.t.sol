// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {MockFeed} from "../../contracts/test/MockFeed.sol";
import {MockTwapPool} from "../../contracts/test/MockTwapPool.sol";
import {AttackTest, Victims} from "../../contracts/test/attacks/AttackTest.sol";

/// @title Attack: a malicious price source
/// @notice A feed's answers jump to where no price is, negative, zero, at its bounds, from the future; a second source burns all gas or
/// answers rubbish, to stop liquidations.
/// Defence: bounds on answer, age and round (ChainlinkSource:read); gas per source (BoundedRead:ask); a second source that fails stops new
/// risk only (PriceBook:_withSecond). A wrong answer inside its bounds is believed where there is no second source.
/// Without: the pools, against one unit of a token at 10^50; or nobody is liquidated while the second source is down.
contract MaliciousOracleTest is AttackTest {
    function _hasTwap() internal pure override returns (bool) {
        return true;
    }

    function test_NoAnswerOutsideItsBoundsLends() public {
        deposit(malloryId, WETH, 1e18);
        Victims memory before = victims();
        int256[7] memory answers = [int256(1_000_000e8), type(int192).max, 1e50, 0, -1, type(int192).min, 2_000_000e8];
        for (uint256 i; i < answers.length; ++i) {
            sys.wethFeed.setAnswer(answers[i]);
            (bool ok, ) = attempt(
                mallory,
                address(safe),
                abi.encodeCall(safe.borrow, (malloryId, USDC, 100_000e6, mallory))
            );
            assertFalse(ok, "lent against no price");
        }
        // a time that has not come
        sys.wethFeed.pushRound(900_000e8, block.timestamp + 1 days);
        (bool lent, ) = attempt(
            mallory,
            address(safe),
            abi.encodeCall(safe.borrow, (malloryId, USDC, 100_000e6, mallory))
        );
        assertFalse(lent, "lent against the future");
        // an answer carried over from another round
        sys.wethFeed.setAnswer(900_000e8);
        sys.wethFeed.setAnsweredLate(true);
        (lent, ) = attempt(mallory, address(safe), abi.encodeCall(safe.borrow, (malloryId, USDC, 100_000e6, mallory)));
        assertFalse(lent, "lent against an unfinished round");
        sys.wethFeed.setAnsweredLate(false);
        setPrice(WETH, 2_000e8);
        assertVictimsWhole(before);
    }

    function test_NoSecondSourceStopsALiquidation() public {
        deposit(malloryId, WBTC, 1e8);
        borrow(malloryId, USDC, 26_000e6);
        deposit(bobId, USDC, 500_000e6);
        setPrice(WBTC, 27_000e8);
        for (uint256 i = 1; i < 5; ++i) {
            sys.twap.setFailure(MockTwapPool.Failure(i));
            vm.prank(bob);
            (bool ok, ) = address(safe).call{gas: 3_000_000}(
                abi.encodeCall(safe.bid, (malloryId, bobId, 0.05e18, type(int256).max))
            );
            assertTrue(ok, "a second source stopped a liquidation");
        }
        (bool lent, ) = attempt(bob, address(safe), abi.encodeCall(safe.borrow, (bobId, WBTC, 1e8, bob)));
        assertFalse(lent, "new risk on one source");
    }

    /// @dev A feed that burns its gas is a fault for who holds the asset, told in bounded gas.
    function test_AFeedThatBurnsGasIsToldInBoundedGas() public {
        sys.stethFeed.setFailure(MockFeed.Failure.BurnsGas);
        (bool ok, ) = address(engine()).staticcall{gas: 3_000_000}(abi.encodeCall(engine().priceState, (STETH)));
        assertTrue(ok, "a feed burned everything");
        openLong(aliceId);
        assertGe(initialOf(aliceId), 0);
    }
}
