// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {Signed} from "../interfaces/IMarginAccounts.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {AccountId} from "../types/AccountId.sol";

/// @dev A wallet contract: what its key signs, it signed.
contract Wallet is IERC1271 {
    address private immutable _key;

    constructor(address key) {
        _key = key;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address signer, ECDSA.RecoverError err, ) = ECDSA.tryRecover(hash, signature);
        return err == ECDSA.RecoverError.NoError && signer == _key ? this.isValidSignature.selector : bytes4(0);
    }
}

/// @title Signed doors. Each message is hashed here by code of its own, so a changed type would not go unseen
contract RelayTest is SafeTest {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function setUp() public override {
        super.setUp();
        equip(alice);
        openLong(aliceId);
    }

    // ------------------------------------------------------------------ messages

    function _domain(uint256 chainId, address at_) private pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                    keccak256("Plimsoll"),
                    keccak256("1"),
                    chainId,
                    at_
                )
            );
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", _domain(block.chainid, address(safe)), structHash));
    }

    function _sign(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _withdrawHash(
        AccountId account,
        uint256 amount,
        bool mayBorrow,
        uint256 nonce,
        uint256 deadline
    ) private view returns (bytes32) {
        bytes32 typeHash = keccak256(
            "Withdraw(bytes32 account,uint16 asset,uint256 amount,bool mayBorrow,address to,uint256 nonce,uint256 deadline)"
        );
        return keccak256(abi.encode(typeHash, account, USDC, amount, mayBorrow, carol, nonce, deadline));
    }

    /// @dev Borrows `amount` USDC of Alice's account to Carol.
    function _call(
        uint256 amount,
        uint256 nonce,
        uint256 deadline,
        bytes memory signature
    ) private view returns (bytes memory) {
        return
            abi.encodeCall(
                safe.withdrawBySig,
                (aliceId, USDC, amount, true, carol, Signed(nonce, deadline, signature))
            );
    }

    function _signed(uint256 key, uint256 amount, uint256 nonce, uint256 deadline) private view returns (bytes memory) {
        return
            _call(amount, nonce, deadline, _sign(key, _digest(_withdrawHash(aliceId, amount, true, nonce, deadline))));
    }

    function _relay(bytes memory data) private {
        (bool ok, ) = attempt(stranger, address(safe), data);
        assertTrue(ok);
    }

    function _invalid() private view returns (bytes memory) {
        return abi.encodeWithSelector(InvalidSignature.selector, alice);
    }

    // ------------------------------------------------------------------ each door

    function test_TheDomainIsTheSafes() public view {
        assertEq(safe.DOMAIN_SEPARATOR(), _domain(block.chainid, address(safe)));
    }

    function test_AStrangerRelaysAWithdrawal() public {
        _relay(_signed(aliceKey, 100e6, 7, block.timestamp));
        assertEq(sys.usdc.balanceOf(carol), 100e6);
        assertEq(debtOf(aliceId, USDC), 16_100e6);
        assertTrue(safe.nonceUsed(alice, 7));
        assertFalse(safe.nonceUsed(alice, 6));
        // a withdrawal that may not borrow is another message
        deposit(aliceId, USDC, 16_200e6);
        bytes32 hash = _withdrawHash(aliceId, 100e6, false, 8, block.timestamp);
        bytes memory signature = _sign(aliceKey, _digest(hash));
        vm.prank(stranger);
        uint256 sent = safe.withdrawBySig(aliceId, USDC, 100e6, false, carol, Signed(8, block.timestamp, signature));
        assertEq(sent, 100e6);
    }

    function test_AStrangerRelaysATransfer() public {
        AccountId second = accountOf(alice, 1);
        bytes32 typeHash = keccak256(
            "Transfer(bytes32 from,bytes32 to,uint16 asset,uint256 amount,bool mayBorrow,uint256 nonce,uint256 deadline)"
        );
        bytes32 hash = keccak256(abi.encode(typeHash, aliceId, second, WETH, 1e17, false, 1 << 200, block.timestamp));
        Signed memory signed = Signed(1 << 200, block.timestamp, _sign(aliceKey, _digest(hash)));
        _relay(abi.encodeCall(safe.transferBySig, (aliceId, second, WETH, 1e17, false, signed)));
        assertEq(safe.balanceOf(second, WETH), 1e17);
        // one word of it changed
        refuse(
            stranger,
            abi.encodeCall(
                safe.transferBySig,
                (aliceId, second, WETH, 1e17 + 1, false, Signed(3, block.timestamp, signed.signature))
            ),
            _invalid()
        );
    }

    function test_AStrangerRelaysAnOperator() public {
        address[] memory receivers = new address[](2);
        (receivers[0], receivers[1]) = (carol, bob);
        bytes32 typeHash = keccak256(
            "SetOperator(bytes32 account,address operator,uint8 rights,uint40 expiry,bool receiversOnly,address[] receivers,uint256 nonce,uint256 deadline)"
        );
        bytes32 list = keccak256(abi.encode(uint256(uint160(carol)), uint256(uint160(bob))));
        bytes32 hash = keccak256(abi.encode(typeHash, aliceId, bob, 2, START + 5, true, list, 0, block.timestamp));
        Signed memory signed = Signed(0, block.timestamp, _sign(aliceKey, _digest(hash)));
        refuse(
            stranger,
            abi.encodeCall(safe.setOperatorBySig, (aliceId, bob, 3, uint40(START + 5), true, receivers, signed)),
            _invalid()
        );
        _relay(abi.encodeCall(safe.setOperatorBySig, (aliceId, bob, 2, uint40(START + 5), true, receivers, signed)));
        (uint8 rights, uint40 expiry, bool only) = safe.operatorOf(aliceId, bob);
        assertEq(rights, 2);
        assertEq(expiry, START + 5);
        assertTrue(only);
        assertTrue(safe.isReceiver(aliceId, bob, carol));
    }

    function test_AStrangerRelaysACancellation() public {
        bytes32 typeHash = keccak256("CancelNonce(address owner,uint256 cancelled,uint256 nonce,uint256 deadline)");
        bytes32 hash = keccak256(abi.encode(typeHash, alice, 300, 301, block.timestamp));
        _relay(
            abi.encodeCall(
                safe.cancelNonceBySig,
                (alice, 300, Signed(301, block.timestamp, _sign(aliceKey, _digest(hash))))
            )
        );
        assertTrue(safe.nonceUsed(alice, 300));
        assertTrue(safe.nonceUsed(alice, 301));
        refuse(
            stranger,
            _signed(aliceKey, 100e6, 300, block.timestamp),
            abi.encodeWithSelector(NonceAlreadyUsed.selector, alice, 300)
        );
    }

    // ------------------------------------------------------------------ refusals

    function test_RefusesAReplay() public {
        bytes memory data = _signed(aliceKey, 100e6, 7, block.timestamp + 1 days);
        _relay(data);
        refuse(stranger, data, abi.encodeWithSelector(NonceAlreadyUsed.selector, alice, 7));
    }

    function test_RefusesACancelledNonce() public {
        vm.prank(alice);
        safe.cancelNonce(7);
        refuse(
            stranger,
            _signed(aliceKey, 100e6, 7, block.timestamp),
            abi.encodeWithSelector(NonceAlreadyUsed.selector, alice, 7)
        );
        refuse(
            alice,
            abi.encodeCall(safe.cancelNonce, (7)),
            abi.encodeWithSelector(NonceAlreadyUsed.selector, alice, 7)
        );
        // only her own
        vm.prank(bob);
        safe.cancelNonce(8);
        _relay(_signed(aliceKey, 100e6, 8, block.timestamp));
    }

    function test_RefusesAnExpiredSignature() public {
        uint256 deadline = block.timestamp;
        bytes memory data = _signed(aliceKey, 100e6, 7, deadline);
        skip(1);
        refuse(stranger, data, abi.encodeWithSelector(SignatureExpired.selector, deadline));
    }

    function test_RefusesASignatureForAnotherChain() public {
        bytes memory data = _signed(aliceKey, 100e6, 7, block.timestamp);
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        refuse(stranger, data, _invalid());
        assertEq(safe.DOMAIN_SEPARATOR(), _domain(here + 1, address(safe)));
        vm.chainId(here);
        _relay(data);
    }

    function test_RefusesASignatureForAnotherSafe() public {
        bytes32 digest = keccak256(
            abi.encodePacked(
                hex"1901",
                _domain(block.chainid, makeAddr("another safe")),
                _withdrawHash(aliceId, 100e6, true, 7, block.timestamp)
            )
        );
        refuse(stranger, _call(100e6, 7, block.timestamp, _sign(aliceKey, digest)), _invalid());
    }

    function test_RefusesAnothersSignature() public {
        (, uint256 key) = makeAddrAndKey("mallory");
        refuse(stranger, _signed(key, 100e6, 7, block.timestamp), _invalid());
    }

    /// The other root of the same signature, and the short form of EIP-2098.
    function test_RefusesAMalleableSignature() public {
        bytes32 digest = _digest(_withdrawHash(aliceId, 100e6, true, 7, block.timestamp));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, digest);
        bytes32 high = bytes32(ORDER - uint256(s));
        uint8 other = v == 27 ? 28 : 27;
        refuse(stranger, _call(100e6, 7, block.timestamp, abi.encodePacked(r, high, other)), _invalid());
        bytes32 vs = bytes32(uint256(s) | (uint256(v - 27) << 255));
        refuse(stranger, _call(100e6, 7, block.timestamp, abi.encodePacked(r, vs)), _invalid());
        refuse(stranger, _call(100e6, 7, block.timestamp, ""), _invalid());
        _relay(_call(100e6, 7, block.timestamp, abi.encodePacked(r, s, v)));
    }

    function testFuzz_RefusesAnyChangedWord(uint256 amount, uint256 nonce, uint256 later) public {
        amount = bound(amount, 1, 2_000e6);
        later = bound(later, 0, 1 days);
        bytes32 digest = _digest(_withdrawHash(aliceId, 100e6, true, 7, block.timestamp));
        bytes memory signature = _sign(aliceKey, digest);
        if (amount == 100e6 && nonce == 7 && later == 0) return;
        refuse(stranger, _call(amount, nonce, block.timestamp + later, signature), _invalid());
        if (nonce == 0) return;
        refuse(
            stranger,
            abi.encodeCall(
                safe.withdrawBySig,
                (aliceId, USDC, 100e6, true, stranger, Signed(7, block.timestamp, signature))
            ),
            _invalid()
        );
    }

    function test_A2_ARelayedWithdrawalIsChecked() public {
        refuse(
            stranger,
            _signed(aliceKey, 2_401e6, 7, block.timestamp),
            abi.encodeWithSelector(InsufficientMargin.selector, aliceId, -1e18)
        );
        assertFalse(safe.nonceUsed(alice, 7));
    }

    // ------------------------------------------------------------------ contract owners

    function test_AContractOwnerSigns() public {
        (address key, uint256 secret) = makeAddrAndKey("wallet's key");
        AccountId id = accountOf(address(new Wallet(key)), 0);
        deposit(id, USDC, 1_000e6);
        bytes32 digest = _digest(_withdrawHash(id, 100e6, false, 7, block.timestamp));
        Signed memory signed = Signed(7, block.timestamp, _sign(aliceKey, digest));
        refuse(
            stranger,
            abi.encodeCall(safe.withdrawBySig, (id, USDC, 100e6, false, carol, signed)),
            abi.encodeWithSelector(InvalidSignature.selector, id.owner())
        );
        signed.signature = _sign(secret, digest);
        _relay(abi.encodeCall(safe.withdrawBySig, (id, USDC, 100e6, false, carol, signed)));
        assertEq(sys.usdc.balanceOf(carol), 100e6);
        refuse(
            stranger,
            abi.encodeCall(safe.withdrawBySig, (id, USDC, 100e6, false, carol, signed)),
            abi.encodeWithSelector(NonceAlreadyUsed.selector, id.owner(), 7)
        );
    }
}
