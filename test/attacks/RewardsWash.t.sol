// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {IExchange, Order} from "../../contracts/interfaces/IExchange.sol";
import {MakerRewards} from "../../contracts/incentives/MakerRewards.sol";
import {ExchangeLedgerTest} from "../../contracts/test/ExchangeLedgerTest.sol";
import {AccountId} from "../../contracts/types/AccountId.sol";

/// @title Attack: wash trading for rewards
/// @notice Rebates are paid for maker fees. Mallory trades with herself, back and forth, as often as the budget lasts; the governor, meaning well,
/// has promised as much as he can.
/// Defence: a rebate is a part of fees that were paid, at most half (MakerRewards:schedule), and a trade pays two of them; it counts from
/// registration on, once (MakerRewards:sync).
/// Without: the whole budget.
contract RewardsWashTest is ExchangeLedgerTest {
    MakerRewards private rewards;
    uint256 private constant BUDGET = 1_000_000e6;
    AccountId private constant NOBODY = AccountId.wrap(0);

    function setUp() public override {
        super.setUp();
        scale.setPrice(1, 1e18);
        rewards = new MakerRewards(safe, IExchange(address(exchange)), address(authority));
        _schedule();
        mint(address(sys.usdc), address(this), BUDGET);
        sys.usdc.approve(address(rewards), BUDGET);
        rewards.payIn(address(sys.usdc), BUDGET);
        _schedule();
    }

    /// @dev The most that the contract takes.
    function _schedule() private {
        uint40 time = uint40(vm.getBlockTimestamp());
        uint16[3] memory parts = [uint16(60_000), 20_000, 5_000];
        for (uint256 i; i < 3; ++i) {
            (bool ok, ) = address(rewards).call(
                abi.encodeCall(rewards.schedule, (address(sys.usdc), parts[i], time, time + 1 days))
            );
            if (ok) return;
        }
        fail();
    }

    /// @dev Alice and Bob are both Mallory, back and forth.
    function _wash(uint256 size) private {
        for (uint256 i; i < 4; ++i) {
            int256 side = i % 2 == 0 ? int256(1e18) : -1e18;
            Order memory maker = plain(aliceId, ethPerp, side, size, 2_000e18);
            Order memory taker = plain(bobId, ethPerp, -side, size, 2_000e18);
            exchange.fillOrder(matchOf(maker, aliceKey, taker, bobKey, size), NOBODY);
        }
    }

    function _worth() private view returns (int256) {
        return
            (cashOf(aliceId) + cashOf(bobId)) * 1e12 +
            unsettledOf(aliceId) +
            unsettledOf(bobId) +
            int256((sys.usdc.balanceOf(alice) + sys.usdc.balanceOf(bob)) * 1e12);
    }

    function _collect(address who) private {
        rewards.sync(address(sys.usdc), who);
        rewards.sync(address(sys.usdc), who);
        vm.startPrank(who);
        rewards.claim(address(sys.usdc), who);
        rewards.claim(address(sys.usdc), who);
        vm.stopPrank();
    }

    function test_TradingWithOneselfCostsMoreThanItBrings() public {
        _wash(100e18); // before she registers: counts nothing
        rewards.sync(address(sys.usdc), alice);
        rewards.sync(address(sys.usdc), bob);
        int256 before = _worth();
        for (uint256 day; day < 3; ++day) {
            _wash(1_000e18);
            skip(8 hours);
            refreshFeeds();
            _collect(alice);
            _collect(bob);
            assertLt(_worth(), before, "washed at a profit");
        }
        assertGt(sys.usdc.balanceOf(alice), 0, "nothing was paid at all: the test tests nothing");
    }
}
