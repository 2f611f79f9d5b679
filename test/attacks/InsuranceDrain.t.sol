// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {AttackTest, Victims} from "../../contracts/test/attacks/AttackTest.sol";
import {SessionUser, Step} from "../../contracts/test/SessionUser.sol";
import {AccountId} from "../../contracts/types/AccountId.sol";

/// @title Attack: draining the insurance fund inside one `unlock`
/// @notice Inside a session the margin check waits. Mallory borrows more than her collateral is worth, sends it out, and has the account,
/// insolvent for a moment, bid on by a friend whom the fund pays for taking it. At the end nothing is left to check.
/// Defence, in three layers: an account whose check is pending is neither bid on nor flagged (Sessions:_requireNotPending), nor weighed by
/// the auction (LiquidationAuction:_openAccount), and an insolvent auction pays nobody in the transaction of its start
/// (LiquidationAuction:onBid, StartedInThisTransaction).
/// Without: the whole fund, then the lenders, in one transaction with no capital.
contract InsuranceDrainTest is AttackTest {
    SessionUser private user;
    AccountId private id;

    function setUp() public override {
        super.setUp();
        user = new SessionUser(safe);
        id = accountOf(address(user), 0);
        deposit(id, WETH, 10e18);
        deposit(friendId, USDC, 200_000e6);
        vm.prank(friend);
        safe.setOperator(friendId, address(user), TRADE, type(uint40).max, false, new address[](0));
    }

    function _together() private view returns (int256) {
        return worthOf(address(user)) + worthOf(friend);
    }

    function _run(Step[] memory steps) private {
        Victims memory before = victims();
        int256 together = _together();
        (bool ok, ) = address(user).call(abi.encodeCall(user.run, (steps)));
        assertFalse(ok, "the session ended well");
        assertLe(_together(), together, "stolen");
        assertVictimsWhole(before);
    }

    function _borrowed() private view returns (Step memory) {
        return Step(address(safe), 0, abi.encodeCall(safe.borrow, (id, USDC, 60_000e6, address(user))));
    }

    function _bid() private view returns (Step memory) {
        return Step(address(safe), 0, abi.encodeCall(safe.bid, (id, friendId, MAX, type(int256).max)));
    }

    function test_BorrowAndBeBidOn() public {
        Step[] memory steps = new Step[](2);
        (steps[0], steps[1]) = (_borrowed(), _bid());
        _run(steps);
    }

    function test_BorrowStartAndBeBidOn() public {
        Step[] memory steps = new Step[](3);
        steps[0] = _borrowed();
        steps[1] = Step(address(auction), 0, abi.encodeCall(auction.start, (id, friendId)));
        steps[2] = _bid();
        _run(steps);
    }

    /// @dev By another account of hers: the debt moves there, where no check is pending yet.
    function test_LeaveTheDebtBehind() public {
        AccountId other = accountOf(address(user), 1);
        Step[] memory steps = new Step[](4);
        steps[0] = Step(address(safe), 0, abi.encodeCall(safe.borrow, (other, USDC, 60_000e6, address(user))));
        steps[1] = Step(address(safe), 0, abi.encodeCall(safe.transfer, (id, other, WETH, 1e18, false)));
        steps[2] = Step(address(auction), 0, abi.encodeCall(auction.start, (other, friendId)));
        steps[3] = Step(address(safe), 0, abi.encodeCall(safe.bid, (other, friendId, MAX, type(int256).max)));
        _run(steps);
    }
}
