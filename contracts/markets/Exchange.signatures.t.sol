// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FLAG_REDUCE_ONLY, Match, Order, SignedOrder} from "../interfaces/IExchange.sol";
import {WalletStub} from "../test/ExchangeStubs.sol";
import {ExchangeTest} from "../test/ExchangeTest.sol";
import {AccountIdLib} from "../types/AccountId.sol";

/// @title Whose signature binds an account, and to what
contract ExchangeSignaturesTest is ExchangeTest {
    /// Whatever is changed after signing, the signature is no longer one.
    function testFuzz_ASignatureIsForOneOrder(uint8 field, uint64 by) public {
        (Order memory maker, Order memory taker) = pair(4e18, 2_000e18);
        maker.trigger.underlying = ETH;
        maker.trigger.above = true;
        maker.executor = address(this);
        (maker.size, maker.nonce, maker.maxFee) = (4e18, 1_000, 1e18);
        // both triggered, so that any salt may make
        taker.trigger = maker.trigger;
        Match memory m = matched(maker, taker, 1e18);
        by = uint64(bound(by, 1, 1 << 30));
        field %= 11;
        Order memory o = m.maker.order;
        if (field == 0) o.account = AccountIdLib.make(alice, by);
        if (field == 1) o.size += by;
        if (field == 2) o.maxFee += by;
        if (field == 3) o.expiry += 1;
        if (field == 4) o.nonce += by;
        if (field == 5) o.salt -= by;
        if (field == 6) o.executor = address(0);
        if (field == 7) o.flags = FLAG_REDUCE_ONLY;
        if (field == 8) o.legs[0].price -= by;
        if (field == 9) o.trigger.price += by;
        if (field == 10) o.trigger.keeperFee += by;
        refuse(m, abi.encodeWithSelector(InvalidSignature.selector, alice));
    }

    function test_RefusesOtherDomains() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        Match memory m = matched(maker, taker, 1e18);
        // another contract
        m.maker.signature = signatureOf(digest(address(ledger), structHash(maker)), aliceKey);
        refuse(m, abi.encodeWithSelector(InvalidSignature.selector, alice));
        // the implementation, which the proxy is not
        m.maker.signature = signatureOf(structHash(maker), aliceKey);
        refuse(m, abi.encodeWithSelector(InvalidSignature.selector, alice));
        // another chain
        m = matched(maker, taker, 1e18);
        vm.chainId(block.chainid + 1);
        refuse(m, abi.encodeWithSelector(InvalidSignature.selector, alice));
        fill(maker, taker, 1e18);
    }

    function test_RefusesBrokenSignatures() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        Match memory m = matched(maker, taker, 1e18);
        bytes memory good = m.taker.signature;
        bytes memory no = abi.encodeWithSelector(InvalidSignature.selector, bob);
        // by somebody else
        m.taker.signature = signatureOf(hashOf(taker), carolKey);
        refuse(m, no);
        // empty, short, long
        m.taker.signature = "";
        refuse(m, no);
        m.taker.signature = hex"1234";
        refuse(m, no);
        m.taker.signature = bytes.concat(good, hex"00");
        refuse(m, no);
        // the other root of the same point
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(bobKey, hashOf(taker));
        uint256 n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        m.taker.signature = abi.encodePacked(r, n - uint256(s), v == 27 ? uint8(28) : uint8(27));
        refuse(m, no);
        m.taker.signature = good;
        exchange.fillOrder(m, NOBODY);
    }

    /// Nobody's key is zero's.
    function test_TheAccountOfZeroCannotTrade() public {
        Order memory maker = plain(AccountIdLib.make(address(0), 0), ethPerp, SELL, 1e18, 2_000e18);
        Order memory taker = plain(bobId, ethPerp, BUY, 1e18, 2_000e18);
        Match memory m = Match(SignedOrder(maker, address(0), ""), signed(taker, bobKey), 1e18);
        refuse(m, abi.encodeWithSelector(InvalidSignature.selector, address(0)));
        m.maker.signature = new bytes(65);
        refuse(m, abi.encodeWithSelector(InvalidSignature.selector, address(0)));
    }

    function test_WhoCallsHimselfNeedNotSign() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        Match memory m = matched(maker, taker, 1e18);
        m.taker.signature = "";
        refuse(m, abi.encodeWithSelector(InvalidSignature.selector, bob));
        vm.prank(bob);
        exchange.fillOrder(m, NOBODY);
    }

    // ------------------------------------------------------------------ operators

    function testFuzz_AnOperatorNeedsTheRightToTrade(uint8 rights) public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        Match memory m = matchOf(maker, carolKey, taker, bobKey, 1e18);
        safe.grant(aliceId, carol, rights);
        if (rights & 1 == 0) refuse(m, abi.encodeWithSelector(NotAuthorized.selector, aliceId, carol));
        else exchange.fillOrder(m, NOBODY);
    }

    function test_AnOperatorSignsForHisAccountOnly() public {
        safe.grant(aliceId, carol, 1);
        Order memory maker = plain(AccountIdLib.make(alice, 1), ethPerp, SELL, 1e18, 2_000e18);
        Order memory taker = plain(bobId, ethPerp, BUY, 1e18, 2_000e18);
        refuse(
            matchOf(maker, carolKey, taker, bobKey, 1e18),
            abi.encodeWithSelector(NotAuthorized.selector, maker.account, carol)
        );
    }

    function test_ARevokedOperatorsOrdersAreVoid() public {
        (Order memory maker, Order memory taker) = pair(2e18, 2_000e18);
        Match memory m = matchOf(maker, carolKey, taker, bobKey, 1e18);
        safe.grant(aliceId, carol, 1);
        exchange.fillOrder(m, NOBODY);
        safe.grant(aliceId, carol, 0);
        refuse(m, abi.encodeWithSelector(NotAuthorized.selector, aliceId, carol));
    }

    // ------------------------------------------------------------------ EIP-1271

    function _byWallet() private returns (WalletStub wallet, Match memory m) {
        wallet = new WalletStub(carol);
        Order memory maker = plain(AccountIdLib.make(address(wallet), 0), ethPerp, SELL, 1e18, 2_000e18);
        Order memory taker = plain(bobId, ethPerp, BUY, 1e18, 2_000e18);
        m = matchOf(maker, carolKey, taker, bobKey, 1e18);
        m.maker.signer = address(wallet);
    }

    function test_AWalletContractSignsByEIP1271() public {
        (, Match memory m) = _byWallet();
        exchange.fillOrder(m, NOBODY);
        assertEq(ledger.count(), 1);
    }

    function test_AWalletContractsNoIsANo() public {
        (WalletStub wallet, Match memory m) = _byWallet();
        bytes memory no = abi.encodeWithSelector(InvalidSignature.selector, wallet);
        for (uint256 mode = 1; mode <= 4; ++mode) {
            wallet.behave(mode);
            uint256 before = gasleft();
            refuse(m, no);
            // it cannot burn more than it is given
            assertLt(before - gasleft(), 2_000_000);
        }
        wallet.behave(0);
        m.maker.signature = signatureOf(hashOf(m.maker.order), bobKey);
        refuse(m, no);
        m.maker.signature = signatureOf(hashOf(m.maker.order), carolKey);
        exchange.fillOrder(m, NOBODY);
    }

    /// The key of an account that delegates its code (EIP-7702) goes on signing.
    function test_AKeyWithCodeStillSigns() public {
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        Match memory m = matched(maker, taker, 1e18);
        vm.etch(alice, hex"fe");
        exchange.fillOrder(m, NOBODY);
    }

    function test_AWalletContractMayBeAnOperator() public {
        WalletStub wallet = new WalletStub(carol);
        safe.grant(aliceId, address(wallet), 1);
        (Order memory maker, Order memory taker) = pair(1e18, 2_000e18);
        Match memory m = matchOf(maker, carolKey, taker, bobKey, 1e18);
        m.maker.signer = address(wallet);
        exchange.fillOrder(m, NOBODY);
    }
}
