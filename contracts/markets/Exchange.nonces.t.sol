// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Order} from "../interfaces/IExchange.sol";
import {Signed} from "../interfaces/IMarginAccounts.sol";
import {ExchangeTest} from "../test/ExchangeTest.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";

/// @title Partial fills, and every way to take an order back
contract ExchangeNoncesTest is ExchangeTest {
    // ------------------------------------------------------------------ parts

    /// Never more than its size, whatever the sequence of parts, and what is left is always what was not filled.
    function testFuzz_PartsNeverAddUpToMoreThanTheSize(uint128 size, uint128[8] memory parts, uint8 nonce) public {
        size = uint128(bound(size, 1, 1e30));
        Order memory maker = plain(aliceId, ethPerp, SELL, size, 2_000e18);
        maker.nonce = nonce;
        uint256 filled;
        for (uint256 i; i < 8; ++i) {
            uint256 part = bound(parts[i], 1, i % 2 == 0 ? size : size / 4 + 1);
            Order memory taker = plain(bobId, ethPerp, BUY, part, 2_000e18);
            uint256 left = size - filled;
            assertEq(exchange.remaining(maker), left);
            if (left == 0) {
                refuse(maker, taker, part, abi.encodeWithSelector(NonceUsed.selector, aliceId, nonce));
            } else if (part > left) {
                bytes memory reason = abi.encodeWithSelector(OverFilled.selector, hashOf(maker), left, part);
                refuse(maker, taker, part, reason);
            } else {
                fill(maker, taker, part);
                filled += part;
            }
        }
        int256 sold;
        for (uint256 i; i < ledger.count(); ++i) sold -= ledger.fillAt(i).legs[0].size;
        assertEq(uint256(sold), filled);
        assertLe(filled, size);
    }

    function test_AFilledOrderIsNotFilledAgain() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        fill(maker, taker, 1e18);
        refuse(maker, taker, 1e18, abi.encodeWithSelector(NonceUsed.selector, aliceId, maker.nonce));
        // nor the taker's with another maker
        Order memory other = plain(carolId, ethPerp, SELL, 1e18, 2_000e18);
        other.salt = 0;
        refuse(
            matchOf(other, carolKey, taker, bobKey, 1e18),
            abi.encodeWithSelector(NonceUsed.selector, bobId, taker.nonce)
        );
    }

    /// Orders of one nonce: the one that fills first ends the others, also those filled in part.
    function test_OneNonceFillsOnce() public {
        Order memory a = plain(aliceId, ethPerp, SELL, 2e18, 2_000e18);
        Order memory b = plain(aliceId, ethPerp, SELL, 1e18, 2_100e18);
        b.nonce = a.nonce;
        fill(a, plain(bobId, ethPerp, BUY, 1e18, 2_000e18), 1e18);
        assertEq(exchange.remaining(b), 1e18);
        fill(b, plain(bobId, ethPerp, BUY, 1e18, 2_100e18), 1e18);
        assertEq(exchange.remaining(a), 0);
        refuse(
            a,
            plain(bobId, ethPerp, BUY, 1e18, 2_000e18),
            1e18,
            abi.encodeWithSelector(NonceUsed.selector, aliceId, a.nonce)
        );
    }

    /// Using one nonce up touches no other, in its slot or beside it.
    function testFuzz_NoncesAreIndependent(uint256 a, uint256 b, bool partly) public {
        vm.assume(a != b);
        Order memory first = plain(aliceId, ethPerp, SELL, 2e18, 2_000e18);
        Order memory second = plain(aliceId, ethPerp, SELL, 2e18, 2_000e18);
        (first.nonce, second.nonce) = (a, b);
        fill(first, plain(bobId, ethPerp, BUY, 2e18, 2_000e18), partly ? 1e18 : 2e18);
        assertEq(exchange.remaining(second), 2e18);
        assertEq(exchange.nonceWord(aliceId, a >> 8) & (1 << (a & 0xff)) != 0, !partly);
        assertEq(exchange.nonceWord(aliceId, b >> 8) & (1 << (b & 0xff)), 0);
        fill(second, plain(bobId, ethPerp, BUY, 2e18, 2_000e18), 2e18);
        assertEq(exchange.remaining(first), partly ? 1e18 : 0);
    }

    // ------------------------------------------------------------------ cancelling

    function _dead(Order memory maker, bytes memory reason) private {
        assertEq(exchange.remaining(maker), 0);
        refuse(maker, plain(bobId, ethPerp, BUY, 1e18, 2_000e18), 1e18, reason);
    }

    function testFuzz_CancelEndsOneNonce(uint256 nonce) public {
        vm.assume(nonce != type(uint256).max);
        Order memory maker = plain(aliceId, ethPerp, SELL, 1e18, 2_000e18);
        maker.nonce = nonce;
        vm.expectEmit(address(exchange));
        emit NoncesCancelled(aliceId, nonce >> 8, 1 << (nonce & 0xff));
        vm.prank(alice);
        exchange.cancel(aliceId, nonce);
        _dead(maker, abi.encodeWithSelector(NonceUsed.selector, aliceId, nonce));
        maker.nonce = nonce + 1;
        fill(maker, plain(bobId, ethPerp, BUY, 1e18, 2_000e18), 1e18);
    }

    function test_CancelEndsWhatIsLeft() public {
        Order memory maker = plain(aliceId, ethPerp, SELL, 2e18, 2_000e18);
        fill(maker, plain(bobId, ethPerp, BUY, 1e18, 2_000e18), 1e18);
        vm.prank(alice);
        exchange.cancel(aliceId, maker.nonce);
        _dead(maker, abi.encodeWithSelector(NonceUsed.selector, aliceId, maker.nonce));
    }

    function testFuzz_CancelWordEndsTheMaskedNonces(uint248 word, uint256 mask, uint8 bit) public {
        vm.expectEmit(address(exchange));
        emit NoncesCancelled(aliceId, word, mask);
        vm.prank(alice);
        exchange.cancelWord(aliceId, word, mask);
        assertEq(exchange.nonceWord(aliceId, word), mask);
        Order memory maker = plain(aliceId, ethPerp, SELL, 1e18, 2_000e18);
        maker.nonce = (uint256(word) << 8) | bit;
        if (mask & (1 << bit) != 0) _dead(maker, abi.encodeWithSelector(NonceUsed.selector, aliceId, maker.nonce));
        else fill(maker, plain(bobId, ethPerp, BUY, 1e18, 2_000e18), 1e18);
    }

    function testFuzz_CancelUpToVoidsEarlierSalts(uint64 salt, uint64 given) public {
        salt = uint64(bound(salt, 1, (START + 1 days) * 1000));
        given = uint64(bound(given, salt - 1, salt + 1));
        vm.expectEmit(address(exchange));
        emit CancelledUpTo(aliceId, salt);
        vm.prank(alice);
        exchange.cancelUpTo(aliceId, salt);
        (uint64 minSalt, uint40 validUntil) = exchange.controlsOf(aliceId);
        assertEq(minSalt, salt);
        assertEq(validUntil, 0);
        Order memory maker = plain(aliceId, ethPerp, SELL, 1e18, 2_000e18);
        maker.salt = given;
        if (given < salt) return _dead(maker, abi.encodeWithSelector(OrderCancelled.selector, hashOf(maker), salt));
        Order memory taker = plain(bobId, ethPerp, BUY, 1e18, 2_000e18);
        taker.salt = type(uint64).max;
        fill(maker, taker, 1e18);
    }

    function test_CancelUpToOnlyRisesAndNotFar() public {
        vm.startPrank(alice);
        exchange.cancelUpTo(aliceId, 1_000);
        vm.expectRevert(abi.encodeWithSelector(SaltNotRaised.selector, 1_000));
        exchange.cancelUpTo(aliceId, 1_000);
        uint64 most = uint64((block.timestamp + 1 days) * 1000);
        vm.expectRevert(abi.encodeWithSelector(SaltTooFar.selector, most + 1));
        exchange.cancelUpTo(aliceId, most + 1);
        exchange.cancelUpTo(aliceId, most);
    }

    // ------------------------------------------------------------------ dead-man's switch

    function testFuzz_TheDeadMansSwitchVoidsAllAfterItsTime(uint40 validUntil, uint32 time) public {
        validUntil = uint40(bound(validUntil, START, START + 30 minutes));
        vm.expectEmit(address(exchange));
        emit KeptAlive(aliceId, validUntil);
        vm.prank(alice);
        exchange.keepAlive(aliceId, validUntil);
        Order memory maker = plain(aliceId, ethPerp, SELL, 1e18, 2_000e18);
        vm.warp(START + bound(time, 0, 1 hours));
        if (block.timestamp > validUntil) {
            _dead(maker, abi.encodeWithSelector(OrdersVoid.selector, aliceId, validUntil));
            // refreshed in time or switched off, they live again
            vm.prank(alice);
            exchange.keepAlive(aliceId, time % 2 == 0 ? 0 : uint40(block.timestamp));
        }
        fill(maker, plain(bobId, ethPerp, BUY, 1e18, 2_000e18), 1e18);
    }

    function test_APastTimeVoidsAllAtOnce() public {
        Order memory maker = plain(aliceId, ethPerp, SELL, 1e18, 2_000e18);
        vm.prank(alice);
        exchange.keepAlive(aliceId, 1);
        _dead(maker, abi.encodeWithSelector(OrdersVoid.selector, aliceId, 1));
    }

    function test_TheTakersSwitchCountsToo() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        vm.prank(bob);
        exchange.keepAlive(bobId, 1);
        refuse(maker, taker, 1e18, abi.encodeWithSelector(OrdersVoid.selector, bobId, 1));
    }

    /// One account's switch and salt are not another's, and neither touches the owner's volume.
    function test_ControlsAreOfOneAccount() public {
        AccountId second = AccountIdLib.make(alice, 1);
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        vm.startPrank(alice);
        exchange.keepAlive(second, 1);
        exchange.cancelUpTo(second, 1_700_000_000_000);
        vm.stopPrank();
        fill(maker, taker, 1e18);
        assertEq(exchange.volumeOf(alice), 2_000);
        vm.startPrank(alice);
        exchange.keepAlive(aliceId, 77);
        exchange.cancelUpTo(aliceId, 99);
        vm.stopPrank();
        (uint64 minSalt, uint40 validUntil) = exchange.controlsOf(aliceId);
        assertEq(minSalt, 99);
        assertEq(validUntil, 77);
        assertEq(exchange.volumeOf(alice), 2_000);
        // a fill keeps them
        vm.prank(alice);
        exchange.keepAlive(aliceId, type(uint40).max);
        maker = plain(aliceId, ethPerp, SELL, 1e18, 2_000e18);
        fill(maker, plain(bobId, ethPerp, BUY, 1e18, 2_000e18), 1e18);
        (minSalt, validUntil) = exchange.controlsOf(aliceId);
        assertEq(minSalt, 99);
        // the year 4147: as good as never
        assertEq(validUntil, (1 << 36) - 1);
        assertEq(exchange.volumeOf(alice), 4_000);
    }

    // ------------------------------------------------------------------ who may cancel

    function testFuzz_CancellingNeedsTheRightToTrade(uint8 rights, uint8 door) public {
        safe.grant(aliceId, carol, rights);
        bytes memory data = _door(door % 4);
        vm.prank(carol);
        (bool ok, bytes memory reason) = address(exchange).call{value: 0}(data);
        assertEq(ok, rights & 1 != 0);
        if (!ok) assertEq(reason, abi.encodeWithSelector(NotAuthorized.selector, aliceId, carol));
    }

    function _door(uint256 i) private view returns (bytes memory) {
        if (i == 0) return abi.encodeCall(exchange.cancel, (aliceId, 5));
        if (i == 1) return abi.encodeCall(exchange.cancelWord, (aliceId, 5, 6));
        if (i == 2) return abi.encodeCall(exchange.cancelUpTo, (aliceId, 5));
        return abi.encodeCall(exchange.keepAlive, (aliceId, 5));
    }

    // ------------------------------------------------------------------ by signature

    function _sign(
        bytes memory types,
        bytes memory fields,
        uint256 nonce,
        uint256 deadline,
        uint256 key
    ) private view returns (Signed memory) {
        bytes32 hash = keccak256(bytes.concat(keccak256(types), fields, abi.encode(nonce, deadline)));
        return Signed(nonce, deadline, signatureOf(digest(address(exchange), hash), key));
    }

    function test_AnyoneRelaysASignedCancellation() public {
        bytes memory types = "CancelWord(bytes32 account,uint256 word,uint256 mask,uint256 nonce,uint256 deadline)";
        bytes memory fields = abi.encode(aliceId, 2, 0xf0);
        Signed memory s = _sign(types, fields, 900, block.timestamp, aliceKey);
        // what was signed, not something else
        vm.expectRevert(abi.encodeWithSelector(InvalidSignature.selector, alice));
        exchange.cancelWordBySig(aliceId, 2, 0xf1, alice, s);
        exchange.cancelWordBySig(aliceId, 2, 0xf0, alice, s);
        assertEq(exchange.nonceWord(aliceId, 2), 0xf0);
        vm.expectRevert(abi.encodeWithSelector(NonceUsed.selector, aliceId, 900));
        exchange.cancelWordBySig(aliceId, 2, 0xf0, alice, s);
        // an operator's signature, while he is one
        s = _sign(types, fields, 901, block.timestamp, carolKey);
        vm.expectRevert(abi.encodeWithSelector(NotAuthorized.selector, aliceId, carol));
        exchange.cancelWordBySig(aliceId, 2, 0xf0, carol, s);
        safe.grant(aliceId, carol, 1);
        exchange.cancelWordBySig(aliceId, 2, 0xf0, carol, s);
        // late
        s = _sign(types, fields, 902, block.timestamp, aliceKey);
        skip(1);
        vm.expectRevert(abi.encodeWithSelector(SignatureExpired.selector, START));
        exchange.cancelWordBySig(aliceId, 2, 0xf0, alice, s);
    }

    function test_AnyoneRelaysASignedSaltAndSwitch() public {
        Signed memory s = _sign(
            "CancelUpTo(bytes32 account,uint64 salt,uint256 nonce,uint256 deadline)",
            abi.encode(aliceId, 123),
            1,
            START,
            aliceKey
        );
        exchange.cancelUpToBySig(aliceId, 123, alice, s);
        s = _sign(
            "KeepAlive(bytes32 account,uint40 validUntil,uint256 nonce,uint256 deadline)",
            abi.encode(aliceId, 456),
            2,
            START,
            aliceKey
        );
        vm.expectRevert(abi.encodeWithSelector(InvalidSignature.selector, alice));
        exchange.keepAliveBySig(aliceId, 457, alice, s);
        exchange.keepAliveBySig(aliceId, 456, alice, s);
        (uint64 minSalt, uint40 validUntil) = exchange.controlsOf(aliceId);
        assertEq(minSalt, 123);
        assertEq(validUntil, 456);
        vm.expectRevert(abi.encodeWithSelector(NonceUsed.selector, aliceId, 2));
        exchange.keepAliveBySig(aliceId, 456, alice, s);
    }

    /// A nonce that orders used up serves no message, and the other way round.
    function test_OrdersAndMessagesShareTheNonces() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        fill(maker, taker, 1e18);
        Signed memory s = _sign(
            "CancelUpTo(bytes32 account,uint64 salt,uint256 nonce,uint256 deadline)",
            abi.encode(aliceId, 123),
            maker.nonce,
            START,
            aliceKey
        );
        vm.expectRevert(abi.encodeWithSelector(NonceUsed.selector, aliceId, maker.nonce));
        exchange.cancelUpToBySig(aliceId, 123, alice, s);
    }
}
