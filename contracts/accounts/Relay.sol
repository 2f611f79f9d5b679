// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {Signed} from "../interfaces/IMarginAccounts.sol";
import {Storage} from "./Storage.sol";

/// @title Signed doors: EIP-712 messages of owners, by key or by contract (EIP-1271), unordered nonces.
/// @dev Runs under the safe's address by delegatecall, so the domain is the safe's (EIP712 rebuilds it when the address is not its own).
abstract contract Relay is Storage, EIP712("Plimsoll", "1") {
    bytes32 internal constant WITHDRAW_TYPEHASH = keccak256(
        "Withdraw(bytes32 account,uint16 asset,uint256 amount,bool mayBorrow,address to,uint256 nonce,uint256 deadline)"
    );
    bytes32 internal constant TRANSFER_TYPEHASH = keccak256(
        "Transfer(bytes32 from,bytes32 to,uint16 asset,uint256 amount,bool mayBorrow,uint256 nonce,uint256 deadline)"
    );
    bytes32 internal constant OPERATOR_TYPEHASH = keccak256(
        "SetOperator(bytes32 account,address operator,uint8 rights,uint40 expiry,bool receiversOnly,address[] receivers,uint256 nonce,uint256 deadline)"
    );
    bytes32 internal constant CANCEL_TYPEHASH = keccak256(
        "CancelNonce(address owner,uint256 cancelled,uint256 nonce,uint256 deadline)"
    );

    /// @dev Uses the nonce up and proves that `owner` signed `structHash`. Malleable and short signatures are refused by the library.
    function _useSignature(address owner, bytes32 structHash, Signed calldata signed) internal {
        require(block.timestamp <= signed.deadline, SignatureExpired(signed.deadline));
        _useNonce(owner, signed.nonce);
        require(
            SignatureChecker.isValidSignatureNowCalldata(owner, _hashTypedDataV4(structHash), signed.signature),
            InvalidSignature(owner)
        );
    }

    function _useNonce(address owner, uint256 nonce) internal {
        uint256 bit = 1 << (nonce & 0xff);
        uint256 bits = _nonces[owner][nonce >> 8];
        require(bits & bit == 0, NonceAlreadyUsed(owner, nonce));
        _nonces[owner][nonce >> 8] = bits | bit;
        emit NonceUsed(owner, nonce);
    }
}
