// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AttackTest} from "../../contracts/test/attacks/AttackTest.sol";
import {IMarginAccounts, Signed} from "../../contracts/interfaces/IMarginAccounts.sol";
import {MarginAccounts} from "../../contracts/accounts/MarginAccounts.sol";
import {MarginAccountsAdmin} from "../../contracts/accounts/MarginAccountsAdmin.sol";
import {MarginAccountsExtension} from "../../contracts/accounts/MarginAccountsExtension.sol";
import {AccountId} from "../../contracts/types/AccountId.sol";

/// @title Attack: a signed message used again
/// @notice Alice signs one withdrawal and one appointment of an operator. Mallory sends them again, for Alice's other account, to another
/// deployment, on another chain, and on a fork of this one.
/// Defence: nonces (Relay:_useNonce); a domain of chain and contract, built anew on each call (Relay:_useSignature, EIP712); the account
/// in the message (MarginAccountsExtension:withdrawBySig, setOperatorBySig).
/// Without: what she signed away once is taken until nothing is left.
contract SignatureReplayTest is AttackTest {
    uint256 private constant AMOUNT = 1_000e6;

    function setUp() public override {
        super.setUp();
        deposit(aliceId, USDC, 10_000e6);
        deposit(accountOf(alice, 1), USDC, 10_000e6);
    }

    function _sign(bytes32 structHash) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(
            aliceKey,
            keccak256(abi.encodePacked(hex"1901", safe.DOMAIN_SEPARATOR(), structHash))
        );
        return abi.encodePacked(r, s, v);
    }

    /// @dev To a payee of hers, whom Mallory may well be.
    function _withdrawal(AccountId id, uint256 nonce) private view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Withdraw(bytes32 account,uint16 asset,uint256 amount,bool mayBorrow,address to,uint256 nonce,uint256 deadline)"
                ),
                id,
                USDC,
                AMOUNT,
                false,
                mallory,
                nonce,
                MAX
            )
        );
        Signed memory signed = Signed(nonce, MAX, _sign(structHash));
        return abi.encodeCall(safe.withdrawBySig, (id, USDC, AMOUNT, false, mallory, signed));
    }

    function _appointment(AccountId id, uint256 nonce) private view returns (bytes memory signature) {
        return
            _sign(
                keccak256(
                    abi.encode(
                        keccak256(
                            "SetOperator(bytes32 account,address operator,uint8 rights,uint40 expiry,bool receiversOnly,address[] receivers,uint256 nonce,uint256 deadline)"
                        ),
                        id,
                        mallory,
                        TRADE,
                        type(uint40).max,
                        false,
                        keccak256(""),
                        nonce,
                        MAX
                    )
                )
            );
    }

    function _appoint(IMarginAccounts where, AccountId id, Signed memory signed) private returns (bool ok) {
        bytes memory data = abi.encodeCall(
            where.setOperatorBySig,
            (id, mallory, TRADE, type(uint40).max, false, new address[](0), signed)
        );
        (ok, ) = attempt(mallory, address(where), data);
    }

    function test_AgainOnTheSameAccount() public {
        uint256 hers = sys.usdc.balanceOf(mallory);
        bytes memory data = _withdrawal(aliceId, 7);
        for (uint256 i; i < 5; ++i) attempt(mallory, address(safe), data);
        assertEq(sys.usdc.balanceOf(mallory), hers + AMOUNT, "paid again");
    }

    function test_OnAForkOfTheChain() public {
        uint256 hers = sys.usdc.balanceOf(mallory);
        // signed here, and never sent here
        bytes memory data = _withdrawal(aliceId, 7);
        Signed memory signed = Signed(8, MAX, _appointment(aliceId, 8));
        vm.chainId(block.chainid + 1);
        attempt(mallory, address(safe), data);
        assertFalse(_appoint(safe, aliceId, signed), "appointed on the fork");
        assertEq(sys.usdc.balanceOf(mallory), hers, "paid on the fork");
    }

    function test_OnAnotherDeployment() public {
        address wrapped = address(sys.weth);
        MarginAccountsAdmin admin = new MarginAccountsAdmin(address(authority), wrapped);
        address extension = address(new MarginAccountsExtension(address(authority), wrapped, address(admin)));
        IMarginAccounts other = IMarginAccounts(address(new MarginAccounts(address(authority), extension, wrapped)));
        Signed memory signed = Signed(8, MAX, _appointment(aliceId, 8));
        assertFalse(_appoint(other, aliceId, signed), "appointed elsewhere");
        assertTrue(_appoint(safe, aliceId, signed));
    }

    function test_ForAnotherAccount() public {
        Signed memory signed = Signed(8, MAX, _appointment(aliceId, 8));
        assertFalse(_appoint(safe, accountOf(alice, 1), signed), "appointed for the other account");
        assertTrue(_appoint(safe, aliceId, signed));
    }
}
