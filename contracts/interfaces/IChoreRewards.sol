// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";

/// @dev What is paid for work.
struct ChoreTerms {
    uint64 tip; // wei per gas, on top of the block's base fee
    uint64 maxGasPrice; // wei per gas, tip included
    uint32 overhead; // gas of a transaction beside the measured part
    uint32 maxGas; // of one chore, overhead included
    uint16 margin; // basis points on top of the cost
    uint32 pokeInterval; // seconds; a younger funding poke is not paid for
    uint96 dailyLimit; // settlement token units
}

interface IChoreRewardsEvents {
    event ChorePaid(bytes32 indexed chore, address indexed to, uint256 gasPaid, uint256 amount);
    event TermsSet(ChoreTerms terms, uint256 underlyings);
    event BudgetWithdrawn(address to, uint256 amount);
}

interface IChoreRewardsErrors {
    error InvalidTerms(bytes32 field);
    /// @dev The governor pays for chores of other underlyings.
    error ChoreNotPaid(uint8 underlying);
    /// @dev The chore would change nothing that counts: call the public door if it is wanted all the same.
    error NothingDone(bytes32 chore);
}

/// @title ChoreRewards: does chores that anybody may do, and pays who asked for the gas (docs/incentives.md)
/// @notice Amount = min(gas measured + overhead, most gas) × min(base fee + tip, most price) × (1 + margin), at the engine's price of the native
/// coin, in the settlement token, rounded down; and at most what is left of the day's limit and of the budget. The budget is this
/// contract's balance: anyone may add to it by a transfer. Each door reverts where nothing was done.
interface IChoreRewards is IChoreRewardsEvents, IChoreRewardsErrors {
    /// @notice Observes an underlying's volatility: once per interval of the grid.
    function observe(uint8 underlying, address to) external returns (uint256 paid);

    /// @notice Submits rounds for a listed expiry: of its underlying, or of the settlement asset. Paid for when seconds of the window were
    /// added or the track was completed.
    function submit(
        uint8 underlying,
        uint40 expiry,
        bool ofSettlementAsset,
        uint80[] calldata rounds,
        address to
    ) external returns (uint256 paid);

    /// @notice Pokes the funding of a market whose last poke is older than the governed interval.
    function pokeFunding(uint8 underlying, address to) external returns (uint256 paid);

    /// @notice Settles an expiry on its final price.
    function settleExpiry(uint8 underlying, uint40 expiry, address to) external returns (uint256 paid);

    /// @notice Touches an account with positions of settled expiries or closed markets: paid for when it has fewer positions after it.
    function touch(AccountId account, address to) external returns (uint256 paid);

    /// @notice Syncs an account with a rewards gauge: paid for when fewer of its shares count after it.
    function sync(uint256 gauge, AccountId account, address to) external returns (uint256 paid);

    /// @notice Governor: terms, and for which underlyings (bit by number) observations, pokes and settlements are paid for.
    function setTerms(ChoreTerms calldata terms, uint256 underlyings) external;

    /// @notice Governor: takes `amount` settlement token units back.
    function withdraw(uint256 amount, address to) external;

    function terms() external view returns (ChoreTerms memory, uint256 underlyings);

    /// @notice Settlement token units that may still be paid today (UTC) and are there.
    function available() external view returns (uint256);
}
