// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AttackTest} from "../../contracts/test/attacks/AttackTest.sol";
import {Call} from "../../contracts/interfaces/IMarginAccounts.sol";

/// @title Attack: an operator makes more of his rights
/// @notice Alice lets Mallory trade, and lets a friend of Mallory's pay out to one address. They try to appoint each other, to pay
/// themselves, to borrow to themselves, to do it inside a batch or through the safe's own helpers, and after their time.
/// Defence: only the owner appoints (MarginAccountsExtension:setOperator); every door that pays asks for the right and the receiver
/// (Authority:_authorizeTo); rights end (Authority:_covers); steps of a batch act for its caller (MarginAccounts:batch).
/// Without: everything that Alice has.
contract OperatorEscalationTest is AttackTest {
    address private payee;

    function setUp() public override {
        super.setUp();
        payee = makeAddr("payee");
        deposit(aliceId, USDC, 10_000e6);
        deposit(aliceId, WETH, 10e18);
        address[] memory receivers = new address[](1);
        receivers[0] = payee;
        vm.startPrank(alice);
        safe.setOperator(aliceId, mallory, TRADE, uint40(START + 1 days), false, new address[](0));
        safe.setOperator(aliceId, friend, TRADE | WITHDRAW, uint40(START + 1 days), true, receivers);
        vm.stopPrank();
    }

    /// @dev All that `who` can think of, towards `to`.
    function _tryAll(address who, address to) private {
        address[] memory none = new address[](0);
        bytes[] memory doors = new bytes[](10);
        doors[0] = abi.encodeCall(safe.setOperator, (aliceId, who, 3, type(uint40).max, false, none));
        doors[1] = abi.encodeCall(safe.setOperator, (aliceId, to, 3, type(uint40).max, false, none));
        doors[2] = abi.encodeCall(safe.withdraw, (aliceId, USDC, 1_000e6, to));
        doors[3] = abi.encodeCall(safe.withdraw, (aliceId, WETH, MAX, to));
        doors[4] = abi.encodeCall(safe.borrow, (aliceId, USDC, 1_000e6, to));
        doors[5] = abi.encodeCall(safe.withdrawNative, (aliceId, 1e18, to));
        doors[6] = abi.encodeCall(safe.transfer, (aliceId, accountOf(to, 0), USDC, 1_000e6, false));
        doors[7] = abi.encodeCall(safe.transfer, (aliceId, accountOf(to, 1), WETH, 1e18, false));
        doors[8] = abi.encodeCall(safe.cancelNonce, (1));
        doors[9] = abi.encodeCall(safe.withdraw, (aliceId, USDC, 1_000e6, to));
        for (uint256 i; i < doors.length; ++i) {
            attempt(who, address(safe), doors[i]);
            attempt(who, address(safe), abi.encodeCall(safe.batch, (calls(doors[i]))));
            // a batch in a batch, and by way of the safe's forwarder
            bytes memory inner = abi.encodeCall(safe.batch, (calls(doors[i])));
            attempt(who, address(safe), abi.encodeCall(safe.batch, (calls(inner))));
            Call[] memory outside = new Call[](1);
            outside[0] = Call(address(sys.usdcVault), doors[i]);
            attempt(who, address(safe), abi.encodeCall(safe.batch, (outside)));
        }
    }

    function _assertWhole() private view {
        assertEq(safe.balanceOf(aliceId, USDC), 10_000e6, "her cash");
        assertEq(safe.balanceOf(aliceId, WETH), 10e18, "her ether");
        assertFalse(safe.nonceUsed(alice, 1));
    }

    function test_ATraderPaysNothingOut() public {
        _tryAll(mallory, mallory);
        _tryAll(mallory, friend);
        _tryAll(mallory, payee);
        (uint8 rights, , ) = safe.operatorOf(aliceId, mallory);
        assertEq(rights, TRADE);
        _assertWhole();
    }

    function test_APayerPaysNobodyElse() public {
        _tryAll(friend, friend);
        _tryAll(friend, mallory);
        (uint8 rights, , bool receiversOnly) = safe.operatorOf(aliceId, friend);
        assertTrue(rights == 3 && receiversOnly);
        _assertWhole();
    }

    function test_AStrangerDoesNothing() public {
        _tryAll(stranger, stranger);
        _assertWhole();
    }

    function test_RightsEnd() public {
        vm.warp(START + 1 days + 1);
        refreshFeeds();
        _tryAll(friend, payee);
        _assertWhole();
    }
}
