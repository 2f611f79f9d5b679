// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {SafeTest} from "../test/SafeTest.sol";
import {AccountId} from "../types/AccountId.sol";

/// @title Operators: scopes, receivers, expiry, epochs
contract OperatorsTest is SafeTest {
    function setUp() public override {
        super.setUp();
        equip(alice);
        equip(bob);
        openLong(aliceId);
    }

    function _appoint(uint8 rights, uint40 expiry, bool receiversOnly, address[] memory receivers) private {
        vm.prank(alice);
        safe.setOperator(aliceId, bob, rights, expiry, receiversOnly, receivers);
    }

    function _one(address who) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = who;
    }

    function _withdrawal(address to) private view returns (bytes memory) {
        return abi.encodeCall(safe.withdraw, (aliceId, WETH, 1e15, to));
    }

    function _works(address who, bytes memory data) private {
        (bool ok, ) = attempt(who, address(safe), data);
        assertTrue(ok);
    }

    function testFuzz_AnOperatorDoesWhatItMayWhileItMay(
        uint8 rights,
        uint40 expiry,
        bool receiversOnly,
        bool listed,
        bool toOwner,
        uint40 time
    ) public {
        rights %= 4;
        // within a heartbeat of the feeds
        expiry = uint40(bound(expiry, START - 10, START + 1 hours));
        skip(bound(time, 0, 1 hours));
        address to = toOwner ? alice : carol;
        _appoint(rights, expiry, receiversOnly, listed ? _one(carol) : new address[](0));
        bool alive = expiry >= block.timestamp;

        if (!alive || rights & WITHDRAW == 0) {
            refuse(bob, _withdrawal(to), abi.encodeWithSelector(NotAuthorized.selector, aliceId, bob, WITHDRAW));
        } else if (receiversOnly && !listed && !toOwner) {
            bytes memory reason = abi.encodeWithSelector(ReceiverNotListed.selector, aliceId, bob, carol);
            refuse(bob, _withdrawal(to), reason);
            refuse(bob, abi.encodeCall(safe.borrow, (aliceId, USDC, 1e6, carol)), reason);
            refuse(bob, abi.encodeCall(safe.withdrawNative, (aliceId, 1e15, carol)), reason);
            refuse(bob, abi.encodeCall(safe.transfer, (aliceId, carolId, USDC, 1e6, true)), reason);
        } else {
            _works(bob, _withdrawal(to));
            _works(bob, abi.encodeCall(safe.borrow, (aliceId, USDC, 1e6, to)));
            _works(bob, abi.encodeCall(safe.withdrawNative, (aliceId, 1e15, to)));
        }
        if (alive && rights & TRADE != 0) {
            _works(bob, abi.encodeCall(safe.setModel, (aliceId, 0)));
            _works(bob, abi.encodeCall(safe.deposit, (aliceId, STETH, 1e15)));
        } else {
            refuse(
                bob,
                abi.encodeCall(safe.setModel, (aliceId, 0)),
                abi.encodeWithSelector(NotAuthorized.selector, aliceId, bob, TRADE)
            );
            refuse(
                bob,
                abi.encodeCall(safe.deposit, (aliceId, STETH, 1)),
                abi.encodeWithSelector(AssetNotHeld.selector, aliceId, STETH)
            );
        }
        assertEq(safe.isAuthorized(aliceId, bob, TRADE), alive && rights & TRADE != 0);
        assertEq(safe.isAuthorized(aliceId, bob, WITHDRAW), alive && rights & WITHDRAW != 0);
        assertEq(safe.isAuthorized(aliceId, bob, TRADE | WITHDRAW), alive && rights == 3);
    }

    function test_AGrantWorksThroughItsLastSecond() public {
        _appoint(WITHDRAW, uint40(block.timestamp + 100), false, new address[](0));
        skip(100);
        _works(bob, _withdrawal(bob));
        skip(1);
        refuse(bob, _withdrawal(bob), abi.encodeWithSelector(NotAuthorized.selector, aliceId, bob, WITHDRAW));
    }

    /// A new list forgets the old one, whatever was on it.
    function test_ANewGrantForgetsTheOldReceivers() public {
        _appoint(WITHDRAW, type(uint40).max, true, _one(carol));
        assertTrue(safe.isReceiver(aliceId, bob, carol));
        _appoint(WITHDRAW, type(uint40).max, true, _one(stranger));
        assertFalse(safe.isReceiver(aliceId, bob, carol));
        assertTrue(safe.isReceiver(aliceId, bob, stranger));
        refuse(bob, _withdrawal(carol), abi.encodeWithSelector(ReceiverNotListed.selector, aliceId, bob, carol));
        // taken away and given again without a list
        _appoint(0, 0, false, new address[](0));
        _appoint(WITHDRAW, type(uint40).max, true, new address[](0));
        refuse(bob, _withdrawal(stranger), abi.encodeWithSelector(ReceiverNotListed.selector, aliceId, bob, stranger));
        _works(bob, _withdrawal(alice));
    }

    function test_ARevokedOperatorMayNothing() public {
        _appoint(3, type(uint40).max, false, new address[](0));
        _works(bob, _withdrawal(bob));
        _appoint(0, type(uint40).max, false, new address[](0));
        refuse(bob, _withdrawal(bob), abi.encodeWithSelector(NotAuthorized.selector, aliceId, bob, WITHDRAW));
        (uint8 rights, , ) = safe.operatorOf(aliceId, bob);
        assertEq(rights, 0);
    }

    function test_OperatorsMakeNoOperators() public {
        _appoint(3, type(uint40).max, false, new address[](0));
        refuse(
            bob,
            abi.encodeCall(safe.setOperator, (aliceId, carol, 3, type(uint40).max, false, new address[](0))),
            abi.encodeWithSelector(NotAuthorized.selector, aliceId, bob, type(uint8).max)
        );
        // nor widen their own grant, also not in a batch
        refuseStep(
            bob,
            calls(abi.encodeCall(safe.setOperator, (aliceId, bob, 3, type(uint40).max, false, new address[](0)))),
            0,
            abi.encodeWithSelector(NotAuthorized.selector, aliceId, bob, type(uint8).max)
        );
    }

    function test_AGrantIsOfOneAccount() public {
        deposit(accountOf(alice, 1), WETH, 1e18);
        _appoint(3, type(uint40).max, false, new address[](0));
        AccountId second = accountOf(alice, 1);
        refuse(
            bob,
            abi.encodeCall(safe.withdraw, (second, WETH, 1, bob)),
            abi.encodeWithSelector(NotAuthorized.selector, second, bob, WITHDRAW)
        );
    }

    function testFuzz_RefusesUnknownRights(uint8 rights) public {
        rights = uint8(bound(rights, 4, 255));
        refuse(
            alice,
            abi.encodeCall(safe.setOperator, (aliceId, bob, rights, type(uint40).max, false, new address[](0))),
            abi.encodeWithSelector(InvalidConfig.selector, bytes32("rights"))
        );
    }

    /// The operator's own checks do not spare the account: what it does is checked like the owner's.
    function test_A2_AnOperatorCannotEndBelowMargin() public {
        _appoint(3, type(uint40).max, false, new address[](0));
        refuse(
            bob,
            abi.encodeCall(safe.borrow, (aliceId, USDC, 2_401e6, bob)),
            abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -1e18)
        );
    }
}
