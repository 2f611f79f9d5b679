// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {TransientSlot} from "@openzeppelin/contracts/utils/TransientSlot.sol";

import {FLAG_IMMEDIATE_OR_CANCEL, IExchange, Order} from "../interfaces/IExchange.sol";
import {Signed} from "../interfaces/IMarginAccounts.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountWord} from "./AccountWord.sol";
import {Orders} from "./Orders.sol";
import {Signatures} from "./Signatures.sol";

/// @title What of an order is left, and how it is taken back.
/// @dev An order that rests is counted by its hash, of which its nonce remembers that there is something to count; the fill that completes it uses its nonce up. An immediate-or-cancel order
/// uses its nonce up at once and is counted in transient storage, so that it may sweep several makers in one transaction
/// and is gone after it.
abstract contract Nonces is Signatures {
    using TransientSlot for *;
    using Orders for Order;

    bytes32 private constant CANCEL_WORD_TYPEHASH = keccak256(
        "CancelWord(bytes32 account,uint256 word,uint256 mask,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant CANCEL_UP_TO_TYPEHASH = keccak256(
        "CancelUpTo(bytes32 account,uint64 salt,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant KEEP_ALIVE_TYPEHASH = keccak256(
        "KeepAlive(bytes32 account,uint40 validUntil,uint256 nonce,uint256 deadline)"
    );

    // ---------------------------------------------------------------- orders

    /// @dev Live in time, by salt and by switch.
    function _requireLive(Order calldata o, bytes32 hash) internal view {
        require(block.timestamp <= o.expiry, OrderExpired(hash, o.expiry));
        AccountWord word = _state().words[o.account];
        uint64 minSalt = word.minSalt();
        require(o.salt >= minSalt, OrderCancelled(hash, minSalt));
        uint40 validUntil = word.validUntil();
        require(validUntil == 0 || block.timestamp <= validUntil, OrdersVoid(o.account, validUntil));
    }

    /// @dev Counts `size` as filled: never more than the order's size in all, whatever the sequence.
    function _consume(Order calldata o, bytes32 hash, uint256 size) internal {
        State storage s = _state();
        mapping(uint256 => uint256) storage words = s.nonces[o.account];
        uint256 key = o.nonce >> 7;
        uint256 used = 1 << (o.nonce & 0x7f);
        uint256 touched = used << 128;
        uint256 bits = words[key];
        if (o.has(FLAG_IMMEDIATE_OR_CANCEL)) {
            // the nonce of such an order is used up by its first part, the others come in the same transaction
            uint256 before = hash.asUint256().tload();
            require(bits & used == 0 || before != 0, NonceUsed(o.account, o.nonce));
            hash.asUint256().tstore(_add(o, hash, before, size));
        } else {
            require(bits & used == 0, NonceUsed(o.account, o.nonce));
            uint256 before = bits & touched == 0 ? 0 : s.filled[hash];
            uint256 total = _add(o, hash, before, size);
            if (total != o.size) {
                s.filled[hash] = total;
                used = touched;
            } else if (before != 0) {
                delete s.filled[hash];
            }
        }
        if (bits & used == 0) words[key] = bits | used;
    }

    function _add(Order calldata o, bytes32 hash, uint256 before, uint256 size) private pure returns (uint256 total) {
        total = before + size;
        require(total <= o.size, OverFilled(hash, o.size - before, size));
    }

    /// @inheritdoc IExchange
    function remaining(Order calldata order) external view returns (uint256) {
        State storage s = _state();
        AccountWord word = s.words[order.account];
        uint40 validUntil = word.validUntil();
        bool dead =
            block.timestamp > order.expiry ||
                order.salt < word.minSalt() ||
                (validUntil != 0 && block.timestamp > validUntil) ||
                s.nonces[order.account][order.nonce >> 7] & (1 << (order.nonce & 0x7f)) != 0;
        return dead ? 0 : order.size - s.filled[hashOrder(order)];
    }

    /// @inheritdoc IExchange
    function hashOrder(Order calldata order) public view returns (bytes32) {
        return _hashTypedDataV4(order.hash());
    }

    // ---------------------------------------------------------------- cancelling

    /// @inheritdoc IExchange
    function cancel(AccountId account, uint256 nonce) external {
        _requireTrader(account, msg.sender);
        _useUp(account, nonce);
    }

    /// @inheritdoc IExchange
    function cancelWord(AccountId account, uint256 word, uint256 mask) external {
        _requireTrader(account, msg.sender);
        _useUpWord(account, word, mask);
    }

    /// @inheritdoc IExchange
    function cancelUpTo(AccountId account, uint64 salt) external {
        _requireTrader(account, msg.sender);
        _cancelUpTo(account, salt);
    }

    /// @inheritdoc IExchange
    function keepAlive(AccountId account, uint40 validUntil) external {
        _requireTrader(account, msg.sender);
        _keepAlive(account, validUntil);
    }

    /// @inheritdoc IExchange
    function cancelWordBySig(
        AccountId account,
        uint256 word,
        uint256 mask,
        address signer,
        Signed calldata signed
    ) external {
        bytes32 structHash = keccak256(
            abi.encode(CANCEL_WORD_TYPEHASH, account, word, mask, signed.nonce, signed.deadline)
        );
        _useSignature(account, structHash, signer, signed);
        _useUpWord(account, word, mask);
    }

    /// @inheritdoc IExchange
    function cancelUpToBySig(AccountId account, uint64 salt, address signer, Signed calldata signed) external {
        bytes32 structHash = keccak256(abi.encode(CANCEL_UP_TO_TYPEHASH, account, salt, signed.nonce, signed.deadline));
        _useSignature(account, structHash, signer, signed);
        _cancelUpTo(account, salt);
    }

    /// @inheritdoc IExchange
    function keepAliveBySig(AccountId account, uint40 validUntil, address signer, Signed calldata signed) external {
        bytes32 structHash = keccak256(
            abi.encode(KEEP_ALIVE_TYPEHASH, account, validUntil, signed.nonce, signed.deadline)
        );
        _useSignature(account, structHash, signer, signed);
        _keepAlive(account, validUntil);
    }

    function _useSignature(AccountId account, bytes32 structHash, address signer, Signed calldata signed) private {
        require(block.timestamp <= signed.deadline, SignatureExpired(signed.deadline));
        _requireSigned(account, signer, _hashTypedDataV4(structHash), signed.signature);
        require(
            _state().nonces[account][signed.nonce >> 7] & (1 << (signed.nonce & 0x7f)) == 0,
            NonceUsed(account, signed.nonce)
        );
        _useUp(account, signed.nonce);
    }

    function _useUp(AccountId account, uint256 nonce) private {
        _state().nonces[account][nonce >> 7] |= 1 << (nonce & 0x7f);
        emit NoncesCancelled(account, nonce >> 8, 1 << (nonce & 0xff));
    }

    /// @dev A word of 256 nonces is kept in two slots.
    function _useUpWord(AccountId account, uint256 word, uint256 mask) private {
        mapping(uint256 => uint256) storage words = _state().nonces[account];
        if (uint128(mask) != 0) words[word << 1] |= uint128(mask);
        if (mask >> 128 != 0) words[(word << 1) | 1] |= mask >> 128;
        emit NoncesCancelled(account, word, mask);
    }

    /// @dev At most a day ahead: an operator could otherwise void every order that the account will ever sign.
    function _cancelUpTo(AccountId account, uint64 salt) private {
        require(salt <= (block.timestamp + 1 days) * 1000, SaltTooFar(salt));
        State storage s = _state();
        AccountWord word = s.words[account];
        require(salt > word.minSalt(), SaltNotRaised(word.minSalt()));
        s.words[account] = word.withMinSalt(salt);
        emit CancelledUpTo(account, salt);
    }

    function _keepAlive(AccountId account, uint40 validUntil) private {
        State storage s = _state();
        s.words[account] = s.words[account].withValidUntil(validUntil);
        emit KeptAlive(account, validUntil);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IExchange
    function filledOf(bytes32 orderHash) external view returns (uint256) {
        return _state().filled[orderHash];
    }

    /// @inheritdoc IExchange
    function nonceWord(AccountId account, uint256 word) external view returns (uint256 bits) {
        mapping(uint256 => uint256) storage words = _state().nonces[account];
        return uint128(words[word << 1]) | (words[(word << 1) | 1] << 128);
    }

    /// @inheritdoc IExchange
    function controlsOf(AccountId account) external view returns (uint64 minSalt, uint40 validUntil) {
        AccountWord word = _state().words[account];
        return (word.minSalt(), word.validUntil());
    }
}
