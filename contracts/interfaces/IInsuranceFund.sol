// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";

import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";

/// @title Owner of the account that the safe pays insolvent bidders from (DESIGN 8.3, 8.4), and the ERC-4626 that people stake into
/// @notice The money is a balance in the settlement pool like any other and earns like any other. It has two parts: what stakers
/// put in, and the fund's own (fees, reserves, donations). A loss takes the own part first, then the stakes, pro rata. It never
/// borrows and gives nobody else rights over the account. Amounts are token units of the settlement asset.
///
/// A stake leaves in three steps: {requestExit}, wait {COOL_DOWN}, then {withdraw} or {redeem} within {WINDOW}. What is asked to
/// leave bears losses until it has left. While auctions of insolvent accounts run, the price of a stake counts what they may
/// still cost, and nothing can be staked once that is more than the own part.
interface IInsuranceFund is IERC4626 {
    error ZeroAmount();
    error ZeroAddress();
    /// @notice The amount is too small to buy one share.
    error ZeroShares();
    /// @notice An exit is for shares that its owner has.
    error ExitTooLarge(uint256 shares, uint256 balance);
    /// @notice The rest of the own part stays before the stakes, or is needed for a loss that is already known.
    error OwnPartTooSmall(uint256 amount, uint256 available);
    error FirstLossTooLarge(uint256 part);
    /// @notice The pool's price moved while the tokens were on their way.
    error PriceMoved();

    event Donated(address indexed from, uint256 amount);
    event Withdrawn(AssetId indexed asset, address indexed to, uint256 amount);
    event Collected(AssetId indexed asset, uint256 amount);
    /// @notice `owner` may take `shares` out from `from` to `until`; 0: nothing any more.
    event ExitRequested(address indexed owner, uint256 shares, uint256 from, uint256 until);
    /// @notice A loss reached the stakes: `index` pool shares a stake share (RAY) from now on.
    event Slashed(uint256 poolShares, uint256 index);
    event FirstLossSet(uint16 part);

    /// @notice Anyone: pulls `amount` of the settlement token from the caller into the fund's own part.
    function donate(uint256 amount) external;

    /// @notice Anyone: has the safe credit the reserves of `asset` to its insurance account. When that account has no room
    /// for another asset the safe refuses and the reserves stay where they are.
    function collect(AssetId asset) external returns (uint256 amount);

    /// @notice Anyone: books losses that have reached the stakes. Every door that moves stakes does it first.
    function sync() external;

    /// @notice The caller's wish to take `shares` out, in place of any earlier one; 0 withdraws it. The shares stay his, and bear
    /// losses. Shares that he sends away are no longer asked for.
    function requestExit(uint256 shares) external;

    /// @notice Governor: sends `amount` (`type(uint256).max` = all that may go) of a balance to `to`; of the settlement asset only from
    /// the own part, as far as it exceeds all known losses and {firstLossPart} of the stakes.
    function withdrawOwn(AssetId asset, uint256 amount, address to) external returns (uint256 sent);

    /// @notice Governor: basis points of the stakes that the own part may not be taken below.
    function setFirstLossPart(uint16 part) external;

    /// @notice The fund's account in the safe: number 0 of this contract.
    function account() external view returns (AccountId);

    /// @notice What the fund has in the settlement asset, stakes and own part together.
    function balance() external view returns (uint256);

    /// @notice What the fund has beyond the stakes: it bears losses first. Rounded down.
    function ownPart() external view returns (uint256);

    /// @notice What insolvent auctions may still cost the fund.
    function knownLoss() external view returns (uint256);

    /// @notice Shares that `owner` has asked for, and when they may leave.
    function exitOf(address owner) external view returns (uint256 shares, uint256 from, uint256 until);

    function firstLossPart() external view returns (uint16);

    /// @notice Pool shares a stake share, RAY; it falls by losses and changes by nothing else.
    function stakeIndex() external view returns (uint256);

    /// @notice Seconds from a request until shares may leave.
    // solhint-disable-next-line func-name-mixedcase
    function COOL_DOWN() external view returns (uint256);

    /// @notice Seconds during which they may.
    // solhint-disable-next-line func-name-mixedcase
    function WINDOW() external view returns (uint256);
}
