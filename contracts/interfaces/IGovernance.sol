// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title Roles that pass only when the new holder accepts
interface IRoleOffers {
    error NotOffered(uint64 roleId, address account);
    /// @dev Nobody could grant a role any more.
    error LastAdmin(address account);

    event RoleOffered(uint64 indexed roleId, address indexed account, uint32 executionDelay, uint48 until);
    event RoleOfferWithdrawn(uint64 indexed roleId, address indexed account);

    /// @notice Whoever was offered the role takes it; the grant delay counts from here. Reverts `NotOffered`.
    function acceptRole(uint64 roleId) external;

    /// @notice Until when (inclusive, Unix time) `account` may accept, and the execution delay that it would have; 0, 0 without an offer.
    function offerOf(uint64 roleId, address account) external view returns (uint48 until, uint32 executionDelay);

    function passesInTwoSteps(uint64 roleId) external view returns (bool);

    /// @notice Seconds for which an offer can be accepted.
    // as a constant
    // solhint-disable-next-line func-name-mixedcase
    function OFFER_LIFETIME() external view returns (uint48);
}

/// @title What the guardian may do to the safe: stop actions for a while, and not again until they were free as long
interface ICircuitBreaker {
    /// @dev The actions are none, unknown, or all stopped already.
    error NothingToStop(uint8 actions);
    /// @dev `until` lies in the past or above the limit.
    error StopTooLong(uint40 until, uint40 limit);
    /// @dev The action was stopped before; it may be stopped again after `until`.
    error ActionResting(uint8 action, uint40 until);
    error NothingStopped();

    /// @notice `actions` are now all that is stopped, until `until` (inclusive).
    event Stopped(uint8 actions, uint40 until);
    event Lifted(uint8 actions);

    /// @notice Guardian: stops `actions` (bits of {IMarginAccountsAdmin-pause}) until `until`, at most {MAX_STOP} ahead. While a stop runs
    /// it may be widened, never lengthened: the end of all of it stays, and `until` may not lie behind it.
    function stop(uint8 actions, uint40 until) external;

    /// @notice Guardian or governor, at once: ends whatever is stopped.
    function lift() external;

    /// @notice Until when (inclusive) one action may not be stopped again; 0 or past: it may. Known while the stop runs already.
    function restsUntil(uint8 action) external view returns (uint40);

    function safe() external view returns (address);
}
