// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Cause} from "../interfaces/IMarginAccounts.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, SETTLEMENT} from "../types/AssetId.sol";
import {Storage} from "./Storage.sol";

/// @title The balance words of an account: load, find, set, store.
/// @dev In memory an account is its words, trimmed to those in use (at least one). Entry i is the low (even i) or high (odd i)
/// 116 bits of word i / 2: asset 12 bits above int104 shares. Entries are dense; their number is in the flags. In storage
/// that field holds the number of words in use instead, so that an entry beside another does not have to change the first word.
abstract contract Books is Storage {
    uint256 private constant ENTRY_BITS = 116;
    uint256 private constant ENTRY_MASK = (1 << 116) - 1;
    uint256 private constant FLAGS_SHIFT = 232;
    uint256 private constant COUNT_MASK = 0x1f;
    uint256 private constant SECOND_ENTRY = ((1 << 116) - 1) << 116;
    uint256 private constant BALANCES_MASK = (1 << 232) - 1;
    uint256 internal constant MAX_ASSETS = 16;
    uint256 internal constant NOT_FOUND = type(uint256).max;

    function _load(AccountId id) internal view returns (uint256[] memory w) {
        uint256[8] storage slots = _words[id];
        w = new uint256[](8);
        uint256 first = slots[0];
        w[0] = first;
        unchecked {
            uint256 used = (first >> FLAGS_SHIFT) & COUNT_MASK;
            for (uint256 i = 1; i < used; ++i) w[i] = slots[i];
            // the last word in use holds one entry or two
            uint256 count;
            if (used != 0) count = 2 * used - (_word(w, used - 1) & SECOND_ENTRY == 0 ? 1 : 0);
            w[0] = _withCount(first, count);
            _trim(w, used == 0 ? 1 : used);
        }
    }

    /// @dev Writes what changed and tells it: one event, all words, with the number of entries in the flags.
    function _store(AccountId id, uint256[] memory w, Cause cause) internal {
        uint256[8] storage slots = _words[id];
        uint256 before = w.length;
        uint256 count = _flags(w).count();
        uint256 used = (count + 1) >> 1;
        for (uint256 i = 0; i < before || i < used; ++i) {
            // words beyond `used` were emptied by {_remove}
            uint256 word = _word(w, i);
            if (i == 0) word = _withCount(word, used);
            // an unchanged word costs no more to write than to compare
            slots[i] = word;
        }
        _trim(w, used == 0 ? 1 : used);
        emit AccountChanged(id, cause, w);
    }

    function _withCount(uint256 first, uint256 count) private pure returns (uint256) {
        return (first & ~(COUNT_MASK << FLAGS_SHIFT)) | (count << FLAGS_SHIFT);
    }

    function _flags(uint256[] memory w) internal pure returns (AccountFlags) {
        return AccountFlags.wrap(uint24(w[0] >> FLAGS_SHIFT));
    }

    function _setFlags(uint256[] memory w, AccountFlags flags) internal pure {
        w[0] = (w[0] & BALANCES_MASK) | (uint256(AccountFlags.unwrap(flags)) << FLAGS_SHIFT);
    }

    function _entry(uint256[] memory w, uint256 i) internal pure returns (AssetId asset, int256 shares) {
        uint256 e = _word(w, i >> 1) >> _shiftOf(i);
        return (AssetId.wrap(uint16((e & ENTRY_MASK) >> 104)), int256(int104(uint104(e))));
    }

    function _shiftOf(uint256 i) private pure returns (uint256) {
        unchecked {
            return (i & 1) * ENTRY_BITS;
        }
    }

    /// @return i the entry, or NOT_FOUND. @return shares its shares, 0 if not found.
    function _find(uint256[] memory w, AssetId asset) internal pure returns (uint256 i, int256 shares) {
        uint256 count = _flags(w).count();
        for (i = 0; i < count; ++i) {
            AssetId found;
            (found, shares) = _entry(w, i);
            if (found == asset) return (i, shares);
        }
        return (NOT_FOUND, 0);
    }

    /// @dev Sets the shares of entry `i` (NOT_FOUND: a new one). Zero removes it. The last place is kept for the settlement
    /// asset, so that cash can always be paid into an account.
    function _set(AccountId id, uint256[] memory w, uint256 i, AssetId asset, int256 shares) internal pure {
        if (i == NOT_FOUND) {
            if (shares == 0) return;
            AccountFlags flags = _flags(w);
            i = flags.count();
            if (i + 1 >= MAX_ASSETS && asset != SETTLEMENT) {
                (uint256 cash, ) = _find(w, SETTLEMENT);
                require(i < MAX_ASSETS && cash != NOT_FOUND, TooManyAssets(id));
            }
            _put(w, i, asset, shares);
            _setFlags(w, flags.withCount(i + 1));
        } else if (shares == 0) {
            _remove(w, i);
        } else {
            _put(w, i, asset, shares);
        }
    }

    /// @dev The last entry moves into the hole.
    function _remove(uint256[] memory w, uint256 i) private pure {
        AccountFlags flags = _flags(w);
        uint256 last = flags.count() - 1;
        if (i != last) {
            (AssetId asset, int256 shares) = _entry(w, last);
            _put(w, i, asset, shares);
        }
        _put(w, last, AssetId.wrap(0), 0);
        _setFlags(w, flags.withCount(last));
    }

    /// @dev |shares| < 2^97 always: they are parts of 96-bit sums, so int104 holds them.
    function _put(uint256[] memory w, uint256 i, AssetId asset, int256 shares) private pure {
        uint256 shift = _shiftOf(i);
        uint256 e = (uint256(AssetId.unwrap(asset)) << 104) | uint256(uint104(int104(shares)));
        uint256 k = i >> 1;
        uint256 word = (_word(w, k) & ~(ENTRY_MASK << shift)) | (e << shift);
        assembly ("memory-safe") {
            // k < 8: {_load} reserved eight words, whatever the trimmed length says
            mstore(add(add(w, 0x20), shl(5, k)), word)
        }
    }

    function _word(uint256[] memory w, uint256 k) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(w, 0x20), shl(5, k)))
        }
    }

    function _trim(uint256[] memory w, uint256 length) private pure {
        assembly ("memory-safe") {
            mstore(w, length)
        }
    }
}
