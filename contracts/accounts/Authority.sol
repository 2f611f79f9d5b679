// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";
import {Storage} from "./Storage.sol";

/// @title Who may act for an account: its owner always, operators within rights, receivers and time (DESIGN 3).
abstract contract Authority is Storage {
    uint256 private constant RECEIVERS_ONLY = 1 << 8;

    /// @dev Reverts unless `actor` has all of `right` for `id`.
    function _authorize(AccountId id, address actor, uint8 right) internal view {
        if (id.owner() == actor) return;
        require(_operatorMay(id, actor, right), NotAuthorized(id, actor, right));
    }

    /// @dev Also that tokens may go to `receiver`; the account's owner may always receive.
    function _authorizeTo(AccountId id, address actor, uint8 right, address receiver) internal view {
        address owner = id.owner();
        if (owner == actor) return;
        uint256 grant = _operators[id][actor];
        require(_covers(grant, right), NotAuthorized(id, actor, right));
        if (grant & RECEIVERS_ONLY == 0 || receiver == owner) return;
        require(_receivers[id][actor][_epoch(grant)][receiver], ReceiverNotListed(id, actor, receiver));
    }

    function _operatorMay(AccountId id, address actor, uint8 right) internal view returns (bool) {
        return _covers(_operators[id][actor], right);
    }

    /// @dev A grant works up to and including the second of its expiry.
    function _covers(uint256 grant, uint8 right) private view returns (bool) {
        return uint8(grant) & right == right && uint40(grant >> 16) >= block.timestamp;
    }

    function _epoch(uint256 grant) internal pure returns (uint256) {
        return uint32(grant >> 56);
    }

    /// @dev A fresh epoch each time, so that the receivers of an earlier grant are forgotten without a loop over them.
    function _setOperator(
        AccountId id,
        address operator,
        uint8 rights,
        uint40 expiry,
        bool receiversOnly,
        address[] calldata receivers
    ) internal {
        require(operator != address(0), ZeroAddress());
        require(rights <= (RIGHT_TRADE | RIGHT_WITHDRAW), InvalidConfig("rights"));
        uint256 epoch = uint32(_epoch(_operators[id][operator]) + 1);
        _operators[id][operator] =
            uint256(rights) |
            (receiversOnly ? RECEIVERS_ONLY : 0) |
            (uint256(expiry) << 16) |
            (epoch << 56);
        for (uint256 i = 0; i < receivers.length; ++i) _receivers[id][operator][epoch][receivers[i]] = true;
        emit OperatorSet(id, operator, rights, expiry, receiversOnly, receivers);
    }
}
