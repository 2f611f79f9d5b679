// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {SessionUser, Step} from "../test/SessionUser.sol";
import {AccountId} from "../types/AccountId.sol";

/// @dev The account's owner is a contract that sells to a friend inside one session: a price that no market makes.
abstract contract ReduceOnlyBase is SafeTest {
    SessionUser internal user;
    AccountId internal id;

    function setUp() public virtual override {
        super.setUp();
        user = new SessionUser(safe);
        id = accountOf(address(user), 0);
        equip(address(user));
        equip(bob);
        vm.prank(bob);
        sys.usdc.approve(address(user), MAX);
    }

    /// @dev Declares, sells `size` WETH to Bob for `paid` USDC, repays with it.
    function _sale(uint256 size, uint256 paid) internal view returns (Step[] memory list) {
        list = new Step[](4);
        list[0] = Step(address(safe), 0, abi.encodeCall(safe.reduceOnly, (id)));
        list[1] = Step(address(safe), 0, abi.encodeCall(safe.withdraw, (id, WETH, size, bob)));
        list[2] = Step(address(sys.usdc), 0, abi.encodeCall(IERC20.transferFrom, (bob, address(user), paid)));
        list[3] = Step(address(safe), 0, abi.encodeCall(safe.repay, (id, USDC, paid)));
    }

    function _refuseSale(uint256 size, uint256 paid, bytes32 rule) internal {
        _refuseRun(_sale(size, paid), abi.encodeWithSelector(NotReduceOnly.selector, id, rule));
    }

    function _refuseRun(Step[] memory list, bytes memory reason) internal {
        refuse(address(this), address(user), 0, abi.encodeCall(user.run, (list)), reason);
    }
}

/// @title What may pass without `initial` ≥ 0
contract ReduceOnlyTest is ReduceOnlyBase {
    function setUp() public override {
        super.setUp();
        // at 1700: initial −360, maintenance 150, mtm 1000
        openLong(id);
        setPrice(WETH, 1_700e8);
        assertEq(initialOf(id), -360e18);
    }

    function test_A2_ALosingPositionClosesAtASmallSlippage() public {
        Step[] memory list = _sale(1e18, 1_690e6);
        list[0].data = abi.encodeCall(safe.balanceOf, (id, WETH));
        _refuseRun(list, abi.encodeWithSelector(InsufficientMargin.selector, id, -360e18 + 126e18));
        // one WETH frees 136 of requirement: a fifth of it may be lost
        user.run(_sale(1e18, 1_700e6 - 27.2e6));
        assertEq(safe.balanceOf(id, WETH), 9e18);
        assertLt(initialOf(id), 0);
    }

    function testFuzz_A2_ASaleLosesAtMostAFifthOfTheRelief(uint256 size, uint256 loss) public {
        size = bound(size, 1e15, 2.5e18);
        uint256 fair = (size * 1_700e6) / 1e18;
        // relief = 8 % of the value; β = 20 % of that
        loss = bound(loss, 0, (fair * 16) / 1_000 - 2);
        user.run(_sale(size, fair - loss));
    }

    function testFuzz_A2_NobodyClosesToAFriendAtAGiftPrice(uint256 size, uint256 loss) public {
        // more would bring `initial` above zero, which is another way to pass
        size = bound(size, 1e15, 2.5e18);
        uint256 fair = (size * 1_700e6) / 1e18;
        loss = bound(loss, (fair * 16) / 1_000 + 2, fair - 1);
        bytes32 before = fingerprint();
        bytes memory data = abi.encodeCall(user.run, (_sale(size, fair - loss)));
        (bool ok, bytes memory reason) = attempt(address(this), address(user), data);
        assertFalse(ok);
        assertEq(bytes4(reason), NotReduceOnly.selector);
        assertEq(fingerprint(), before);
    }

    function test_A2_EachRuleHasItsName() public {
        _refuseSale(1e18, 1_700e6 - 30e6, "too much value lost");
        // 1600 > 0.92 · 1700 but < 0.95 · 1700
        _refuseSale(1e18, 1_600e6, "maintenance fell");
        _refuseSale(1e18, 1_560e6, "initial fell");
        Step[] memory list = _sale(1, 1);
        list[1].data = abi.encodeCall(safe.borrow, (id, USDC, 1, bob));
        _refuseRun(list, abi.encodeWithSelector(NotReduceOnly.selector, id, bytes32("debt grew")));
        // more collateral, more requirement; by a plain deposit it needs no leave
        list[1].data = abi.encodeCall(safe.deposit, (id, WETH, 0.1e18));
        _refuseRun(list, abi.encodeWithSelector(NotReduceOnly.selector, id, bytes32("requirement rose")));
    }

    function test_A2_PassesByInitialMarginAfterAll() public {
        Step[] memory list = _sale(1, 1);
        list[1].data = abi.encodeCall(safe.deposit, (id, WETH, 1e18));
        user.run(list);
        assertGe(initialOf(id), 0);
    }

    function test_A2_EquityMayNotFallBelowZero() public {
        setPrice(WETH, 1_600.5e8); // mtm 5
        _refuseSale(1e18, 1_600.5e6 - 10e6, "equity below zero");
        user.run(_sale(1e18, 1_600.5e6 - 4e6));
        // below zero already: it may not fall at all
        setPrice(WETH, 1_590e8);
        _refuseSale(1e18, 1_590e6 - 1e6, "equity below zero");
        user.run(_sale(1e18, 1_590e6));
    }

    /// mtm ÷ requirement would rise from 0.74 to 0.88 while 100 USDC go to a friend.
    function test_A2_IsMeasuredInAmountsNotAsARatio() public {
        _refuseSale(2.5e18, (2.5e18 * 1_660e6) / 1e18, "too much value lost");
    }

    function test_A2_MustBeDeclaredBeforeTheFirstChange() public {
        Step[] memory list = _sale(1e18, 1_700e6);
        (list[0], list[1]) = (list[1], list[0]);
        bytes memory reason = abi.encodeWithSelector(ReduceOnlyTooLate.selector, id);
        _refuseRun(list, abi.encodeWithSelector(SessionUser.StepFailed.selector, 1, reason));
        // and once
        list = _sale(1e18, 1_700e6);
        list[1] = list[0];
        _refuseRun(list, abi.encodeWithSelector(SessionUser.StepFailed.selector, 1, reason));
    }

    function test_A2_WorksWhilePaused() public {
        safe.pause(7, uint40(block.timestamp + 1 hours));
        Step[] memory list = _sale(1e18, 1_700e6);
        list[0].data = abi.encodeCall(safe.balanceOf, (id, WETH));
        _refuseRun(list, abi.encodeWithSelector(ActionPaused.selector, 2));
        user.run(_sale(1e18, 1_700e6));
    }

    function test_O1_NeedsAPrice() public {
        sys.wethFeed.setUpdatedAt(1);
        (bool ok, ) = attempt(address(this), address(user), abi.encodeCall(user.run, (_sale(1e18, 1_700e6))));
        assertFalse(ok);
    }

    function test_A2_ClosesWhole() public {
        user.run(_sale(9.99e18, 16_000e6));
        assertEq(safe.balanceOf(id, USDC), 0);
        // nothing owed: nothing to check
        vm.prank(address(user));
        safe.withdraw(id, WETH, MAX, address(user));
    }
}

/// @title Reduce-only while the sources of a price disagree
contract ReduceOnlyDeviatingTest is ReduceOnlyBase {
    function _hasTwap() internal pure override returns (bool) {
        return true;
    }

    function test_A2_O1_WorksWhileNewRiskIsBlocked() public {
        deposit(id, WBTC, 1e8);
        borrow(id, USDC, 20_000e6);
        setPrice(WBTC, 28_000e8); // the average still says 30,000
        vm.prank(address(user));
        vm.expectRevert(abi.encodeWithSelector(IMarginEngine.NewRiskBlocked.selector, WBTC));
        safe.withdraw(id, WBTC, 0.1e8, address(user));

        // mid 29,000: a tenth for 2900
        Step[] memory list = _sale(0, 2_890e6);
        list[1].data = abi.encodeCall(safe.withdraw, (id, WBTC, 0.1e8, bob));
        user.run(list);
        assertEq(safe.balanceOf(id, WBTC), 0.9e8);
        assertEq(safe.balanceOf(id, USDC), -17_110e6);
    }
}
