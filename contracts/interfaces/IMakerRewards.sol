// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AssetId} from "../types/AssetId.sol";

/// @dev The budget of one token.
struct Rebate {
    AssetId asset; // the token's pool in the safe: where its price comes from
    uint16 part; // of the fees paid, basis points
    uint40 start;
    uint40 end;
    uint40 time; // flowed until
    uint256 rate; // token units × 1e18 per second
    uint256 left; // paid in, has not flowed yet, token units × 1e18
    uint256 flowed; // has flowed and is not credited to anybody yet, token units × 1e18
}

interface IMakerRewardsEvents {
    event RebatePaidIn(address indexed token, address indexed from, uint256 amount);
    event RebateScheduled(address indexed token, AssetId asset, uint16 part, uint256 rate, uint40 start, uint40 end);
    event RebateStopped(address indexed token, address to, uint256 amount);
    /// @notice From here on the maker's fees count.
    event MakerRegistered(address indexed token, address indexed maker, uint32 fees);
    /// @notice `fees` (hundredths of a settlement unit) brought `amount` token units.
    event RebateCredited(address indexed token, address indexed maker, uint256 fees, uint256 amount);
    event RebateClaimed(address indexed token, address indexed maker, address to, uint256 amount);
}

interface IMakerRewardsErrors {
    error InvalidRebate(bytes32 field);
}

/// @title MakerRewards: a part of the fees that makers paid, in a governed token (docs/incentives.md)
/// @notice A rebate is at most `part` ≤ 50 % of the maker fees that the owner has paid since he registered, at the token's mid price when it is
/// credited, and at most what has flowed from a budget that was paid in before. Whoever trades with himself pays both fees and gets
/// less than half of one of them back.
interface IMakerRewards is IMakerRewardsEvents, IMakerRewardsErrors {
    /// @notice Anyone: counts what a maker has paid since the last time; the first time it only notes where to count from. What the flow does
    /// not cover yet stays to be counted.
    /// @return amount token units credited, rounded down.
    function sync(address token, address maker) external returns (uint256 amount);

    /// @notice The maker: pays what {sync} has credited him to any address. Asks for no price.
    function claim(address token, address to) external returns (uint256 amount);

    /// @notice Anyone: pays into the budget of a token that the governor has scheduled once.
    function payIn(address token, uint256 amount) external;

    /// @notice Governor: lets all that is left flow evenly from `start` to `end`, to makers at `part` basis points of their fees. The token
    /// must be that of a pool of the safe. The first time there is nothing left: it only names the token.
    function schedule(address token, uint16 part, uint40 start, uint40 end) external;

    /// @notice Governor: ends the flow and sends what is credited to nobody to `to`.
    function stop(address token, address to) external returns (uint256 amount);

    /// @notice As stored: flowed until `time`.
    function rebateOf(address token) external view returns (Rebate memory);

    /// @notice What a maker has been credited and has not claimed, token units.
    function creditOf(address token, address maker) external view returns (uint256);
}
