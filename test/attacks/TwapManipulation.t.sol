// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AttackTest, Victims} from "../../contracts/test/attacks/AttackTest.sol";
import {SpotPool} from "../../contracts/test/attacks/SpotPool.sol";
import {MockTwapPool} from "../../contracts/test/MockTwapPool.sol";

/// @title Attack: the pool behind the second price source is moved with borrowed capital
/// @notice Up, to borrow against collateral that looks dear; down, to have others liquidated. For a moment, for a block, for hours.
/// Defence: the source is a mean over its window (UniswapV3TwapSource:_observe); the two sources only ever narrow: new risk takes the
/// worse and stops while they deviate, liquidation takes the better (PriceBook:_withSecond).
/// Without: everything that the pools can lend, against WBTC at ten times its price; anybody's account at a discount.
contract TwapManipulationTest is AttackTest {
    SpotPool private pool;

    function _hasTwap() internal pure override returns (bool) {
        return true;
    }

    function setUp() public override {
        super.setUp();
        pool = new SpotPool(address(sys.wbtc), address(sys.usdc), WBTC_TICK);
        sys.twap = MockTwapPool(address(pool));
        sys.engine = sys.factory.create(table());
        safe.setEngine(sys.engine);
        deposit(malloryId, WBTC, 10e8);
        deposit(aliceId, WBTC, 1e8);
        borrow(aliceId, USDC, 27_000e6);
    }

    /// @dev ×10 is 23,026 ticks.
    function _moveTo(int256 tick) private {
        pool.swapTo(tick);
    }

    /// @dev As much as goes; what it is worth beyond the collateral's true price is stolen.
    function _borrowAll() private {
        uint256 borrowed;
        for (uint256 step = 2_000_000e6; step >= 1_000e6; step /= 2) {
            (bool ok, ) = attempt(
                mallory,
                address(safe),
                abi.encodeCall(safe.borrow, (malloryId, USDC, step, mallory))
            );
            if (ok) borrowed += step;
        }
        assertLe(borrowed, 300_000e6, "lent more than the collateral is worth");
    }

    /// @dev Anybody tries to take Alice's account.
    function _assertAliceSafe() private {
        (bool ok, ) = attempt(friend, address(auction), abi.encodeCall(auction.start, (aliceId, friendId)));
        assertFalse(ok, "put up for auction by a false price");
        (ok, ) = attempt(friend, address(safe), abi.encodeCall(safe.bid, (aliceId, friendId, MAX, type(int256).max)));
        assertFalse(ok, "bid on by a false price");
    }

    function test_UpForAMoment() public {
        Victims memory before = victims();
        _moveTo(WBTC_TICK + 23_026);
        _borrowAll();
        assertVictimsWhole(before);
    }

    function test_ABlockLongMovesTheMeanByItsPartOfTheWindow() public {
        _moveTo(WBTC_TICK + 23_026);
        skip(12);
        // 12 s of 1,800 at ×10: less than 2 %, and so it does not even stop new risk
        uint256 mean = engine().priceState(WBTC).secondary;
        assertLt(mean, 30_600e18);
        _borrowAll();
    }

    function test_UpForHours() public {
        Victims memory before = victims();
        _moveTo(WBTC_TICK + 23_026);
        for (uint256 i; i < 6; ++i) {
            pass(10 minutes);
            _borrowAll();
        }
        assertVictimsWhole(before);
    }

    function test_DownForAMomentAndForHours() public {
        deposit(friendId, USDC, 500_000e6);
        _moveTo(WBTC_TICK - 23_026);
        _assertAliceSafe();
        for (uint256 i; i < 6; ++i) {
            pass(10 minutes);
            _assertAliceSafe();
            sys.deviations.poke(WBTC);
        }
        assertEq(safe.balanceOf(aliceId, WBTC), 1e8);
    }
}
