// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev Owner address (high 160 bits) and an index (low 96 bits). Account 0 of every address exists already.
type AccountId is bytes32;

using AccountIdLib for AccountId global;
using {accountEquals as ==, accountDiffers as !=} for AccountId global;

function accountEquals(AccountId a, AccountId b) pure returns (bool) {
    return AccountId.unwrap(a) == AccountId.unwrap(b);
}

function accountDiffers(AccountId a, AccountId b) pure returns (bool) {
    return AccountId.unwrap(a) != AccountId.unwrap(b);
}

library AccountIdLib {
    /// @notice The account `index` of `owner_`.
    function make(address owner_, uint96 index_) internal pure returns (AccountId) {
        return AccountId.wrap(bytes32((uint256(uint160(owner_)) << 96) | index_));
    }

    function owner(AccountId id) internal pure returns (address) {
        return address(uint160(uint256(AccountId.unwrap(id)) >> 96));
    }

    function index(AccountId id) internal pure returns (uint96) {
        return uint96(uint256(AccountId.unwrap(id)));
    }
}
