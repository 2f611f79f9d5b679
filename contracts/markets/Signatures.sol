// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IExchange} from "../interfaces/IExchange.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountWord} from "./AccountWord.sol";
import {FeeTable} from "./FeeTable.sol";

/// @title Who may trade for an account, and what the exchange remembers.
/// @dev Runs behind a proxy: the domain is built anew for the proxy's address, state lies in a namespace of its own (ERC-7201).
abstract contract Signatures is EIP712("Plimsoll Exchange", "1"), IExchange {
    /// @custom:storage-location erc7201:plimsoll.storage.Exchange
    struct State {
        mapping(AccountId account => AccountWord) words;
        // 128 nonces each: low half used up, high half partly filled (only then `filled` has to be read)
        mapping(AccountId account => mapping(uint256 number => uint256 bits)) nonces;
        mapping(bytes32 orderHash => uint256 size) filled; // of orders that rest
        FeeTable perpFees;
        FeeTable optionFees;
    }

    // keccak256(abi.encode(uint256(keccak256("plimsoll.storage.Exchange")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STATE = 0x3d08e9b31e49b516fcc6d4df61494f9a15fce98b62c8694d07261a1299cfd300;

    uint8 private constant RIGHT_TRADE = 1;
    /// @dev What a contract may spend on saying whether it signed: a stranger's code must not eat a whole batch.
    uint256 private constant SIGNATURE_GAS = 500_000;

    IMarginAccounts internal immutable _safe;

    constructor(IMarginAccounts safe_) {
        require(address(safe_) != address(0), ZeroAddress());
        _safe = safe_;
    }

    function _state() internal pure returns (State storage s) {
        assembly ("memory-safe") {
            s.slot := STATE
        }
    }

    /// @dev The owner always; operators as the safe says.
    function _requireTrader(AccountId account, address actor) internal view {
        if (actor == account.owner()) return;
        require(_safe.isAuthorized(account, actor, RIGHT_TRADE), NotAuthorized(account, actor));
    }

    /// @dev `signer` may trade for `account`, and signed `digest` by his key, by EIP-1271, or by calling himself (empty signature).
    function _requireSigned(AccountId account, address signer, bytes32 digest, bytes calldata signature) internal view {
        _requireTrader(account, signer);
        if (signature.length == 0 && signer == msg.sender) return;
        require(_isSigned(signer, digest, signature), InvalidSignature(signer));
    }

    /// @dev The key first: it spares looking for code, and a wallet that delegates its code (EIP-7702) still has its key. A
    /// contract has none.
    function _isSigned(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address recovered, ECDSA.RecoverError err, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (err == ECDSA.RecoverError.NoError && recovered == signer) return true;
        if (signer.code.length == 0) return false;
        // its answer, revert or silence are all just "no"
        // solhint-disable-next-line avoid-low-level-calls
        (bool ok, bytes memory answer) = signer.staticcall{gas: SIGNATURE_GAS}(
            abi.encodeCall(IERC1271.isValidSignature, (digest, signature))
        );
        return ok && answer.length >= 32 && bytes32(answer) == bytes32(IERC1271.isValidSignature.selector);
    }
}
