// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Source} from "../../contracts/interfaces/IRewards.sol";
import {RewardsController} from "../../contracts/incentives/RewardsController.sol";
import {AttackTest} from "../../contracts/test/attacks/AttackTest.sol";
import {SessionUser, Step} from "../../contracts/test/SessionUser.sol";
import {TestToken} from "../../contracts/test/TestToken.sol";
import {AccountId} from "../../contracts/types/AccountId.sol";

/// @title Attack: rewards for money that is there for a moment
/// @notice A stream pays suppliers of WETH by time and balance. Mallory supplies a thousand borrowed ether whenever she is counted, inside one
/// session or one transaction, and takes it out again.
/// Defence: nobody is counted after a door of the safe was used in the transaction (RewardsController:_sync, isQuiet), and earned is the
/// smaller of the last count and this one.
/// Without: nearly the whole stream, with no money of her own.
contract RewardsFlashTest is AttackTest {
    uint256 private constant BUDGET = 100_000e18;

    RewardsController private rewards;
    TestToken private token;
    uint256 private gauge;
    SessionUser private user;
    AccountId private id;

    function setUp() public override {
        super.setUp();
        rewards = new RewardsController(safe, address(authority));
        token = new TestToken("Reward", "RWD", 18);
        gauge = rewards.addGauge(Source.Supply, WETH, address(0));
        rewards.addReward(gauge, address(token));
        token.mint(address(this), BUDGET);
        token.approve(address(rewards), BUDGET);
        rewards.payIn(gauge, address(token), BUDGET);
        uint40 time = uint40(vm.getBlockTimestamp());
        rewards.schedule(gauge, address(token), time, time + 10 days, 0);
        user = new SessionUser(safe);
        id = accountOf(address(user), 0);
        mint(address(sys.weth), address(user), 1e18);
        user.execute(address(sys.weth), 0, abi.encodeCall(IERC20.approve, (address(safe), MAX)));
        deposit(aliceId, WETH, 10e18);
        rewards.sync(gauge, aliceId);
    }

    /// @dev In one session: another account of hers owes for a moment what this one supplies.
    function _count() private {
        AccountId other = accountOf(address(user), 1);
        Step[] memory steps = new Step[](4);
        steps[0] = Step(address(safe), 0, abi.encodeCall(safe.borrow, (other, WETH, 1_000e18, address(user))));
        steps[1] = Step(address(safe), 0, abi.encodeCall(safe.deposit, (id, WETH, 1_000e18)));
        steps[2] = Step(address(rewards), 0, abi.encodeCall(rewards.sync, (gauge, id)));
        steps[3] = Step(address(safe), 0, abi.encodeCall(safe.transfer, (id, other, WETH, 1_000e18, false)));
        (bool ok, ) = address(user).call(abi.encodeCall(user.run, (steps)));
        ok;
    }

    function test_AMomentEarnsNothing() public {
        for (uint256 day; day < 5; ++day) {
            _count();
            pass(1 days);
        }
        _count();
        bytes memory claim = abi.encodeCall(rewards.claim, (gauge, id, address(token), mallory));
        (bool ok, ) = address(user).call(abi.encodeCall(user.execute, (address(rewards), 0, claim)));
        ok;
        assertEq(token.balanceOf(mallory), 0, "paid for a moment");
        vm.prank(alice);
        rewards.claim(gauge, aliceId, address(token), alice);
        assertGe(token.balanceOf(alice), BUDGET / 2 - 1e6, "the others' part");
    }
}
