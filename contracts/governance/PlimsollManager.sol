// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

import {IRoleOffers} from "../interfaces/IGovernance.sol";

/// @title Who may call what (DESIGN 9): OpenZeppelin's AccessManager, whose two highest roles pass in two steps
/// @notice Granting admin or governor is an offer that the new holder must accept within {OFFER_LIFETIME}: a role that could take
/// funds cannot be lost to a mistyped address, nor be given to a contract that cannot use it. The last admin cannot go.
contract PlimsollManager is AccessManager, IRoleOffers {
    struct Offer {
        uint48 until;
        uint32 executionDelay;
    }

    /// @notice Role of what could take funds or change a price.
    uint64 public constant GOVERNOR_ROLE = 1;
    /// @inheritdoc IRoleOffers
    uint48 public constant OFFER_LIFETIME = 14 days;

    mapping(uint64 role => mapping(address account => Offer)) private _offers;
    uint256 private _admins;

    constructor(address initialAdmin) AccessManager(initialAdmin) {}

    /// @inheritdoc AccessManager
    /// @dev Of a role that passes in two steps: an offer, unless the account has the role already (then its delay changes).
    function grantRole(uint64 roleId, address account, uint32 executionDelay) public override onlyAuthorized {
        (uint48 since, , , ) = getAccess(roleId, account);
        if (!passesInTwoSteps(roleId) || since != 0) {
            _grantRole(roleId, account, getRoleGrantDelay(roleId), executionDelay);
            return;
        }
        uint48 until = uint48(block.timestamp) + OFFER_LIFETIME;
        _offers[roleId][account] = Offer(until, executionDelay);
        emit RoleOffered(roleId, account, executionDelay, until);
    }

    /// @inheritdoc IRoleOffers
    function acceptRole(uint64 roleId) external {
        Offer memory offer = _offers[roleId][msg.sender];
        require(offer.until >= block.timestamp, NotOffered(roleId, msg.sender));
        delete _offers[roleId][msg.sender];
        _grantRole(roleId, msg.sender, getRoleGrantDelay(roleId), offer.executionDelay);
    }

    /// @inheritdoc IRoleOffers
    function offerOf(uint64 roleId, address account) external view returns (uint48 until, uint32 executionDelay) {
        Offer memory offer = _offers[roleId][account];
        if (offer.until >= block.timestamp) (until, executionDelay) = (offer.until, offer.executionDelay);
    }

    /// @inheritdoc IRoleOffers
    function passesInTwoSteps(uint64 roleId) public pure returns (bool) {
        return roleId == ADMIN_ROLE || roleId == GOVERNOR_ROLE;
    }

    /// @dev Counts admins, who may be granted by the constructor and by {acceptRole} only.
    function _grantRole(
        uint64 roleId,
        address account,
        uint32 grantDelay,
        uint32 executionDelay
    ) internal override returns (bool newMember) {
        newMember = super._grantRole(roleId, account, grantDelay, executionDelay);
        if (newMember && roleId == ADMIN_ROLE) ++_admins;
    }

    /// @dev An offer goes with the role; without an admin nobody could ever grant again.
    function _revokeRole(uint64 roleId, address account) internal override returns (bool revoked) {
        if (_offers[roleId][account].until != 0) {
            delete _offers[roleId][account];
            emit RoleOfferWithdrawn(roleId, account);
        }
        revoked = super._revokeRole(roleId, account);
        if (!revoked || roleId != ADMIN_ROLE) return revoked;
        require(_admins > 1, LastAdmin(account));
        --_admins;
    }
}
