// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";

/// @title Owner of the account that the safe pays insolvent bidders from (DESIGN 8.3, 8.4)
/// @notice The money is a balance in the safe like any other and earns like any other; this contract says only who may
/// take it out. It never borrows and gives nobody else rights over the account. Amounts are token units.
interface IInsuranceFund {
    error ZeroAmount();
    error ZeroAddress();

    event Donated(address indexed from, uint256 amount);
    event Withdrawn(AssetId indexed asset, address indexed to, uint256 amount);
    event Collected(AssetId indexed asset, uint256 amount);

    /// @notice Anyone: pulls `amount` of the settlement token from the caller into the fund.
    function donate(uint256 amount) external;

    /// @notice Anyone: has the safe credit the reserves of `asset` to its insurance account. When that account has no room
    /// for another asset the safe refuses and the reserves stay where they are.
    function collect(AssetId asset) external returns (uint256 amount);

    /// @notice Governor: sends `amount` (`type(uint256).max` = all) of a balance to `to`.
    function withdraw(AssetId asset, uint256 amount, address to) external returns (uint256 sent);

    /// @notice The fund's account in the safe: number 0 of this contract.
    function account() external view returns (AccountId);

    /// @notice What the fund has in the settlement asset.
    function balance() external view returns (uint256);
}
