// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";

/// @title Who bears what neither the insurance fund nor the protocol could pay of losses in perps and options (DESIGN 8.4)
/// @notice A round: {open}, then for {WINDOW} anybody may {nominate} any account with unsettled profit, then anybody may {execute}.
/// Every rank is reckoned here, from storage and prices: a wrong one cannot be put in, and a missing one is put right by
/// nominating it. The {MOST} best-ranked bear the shortfall in their order, first as far as it leaves their maintenance at zero or
/// above, and only what is left then as far as their equity goes. Rounds follow until nothing is open.
interface IDeleveraging {
    /// @dev In the order of the list.
    struct Nominee {
        AccountId account;
        uint128 exposure; // notional on the other side of the losers ÷ equity, WAD
        uint128 profit; // unsettled profit ÷ equity, WAD; among equals
    }

    error NothingOpen();
    error RoundRunning(uint256 until);
    error NoRound();
    error WindowOpen(uint256 until);
    error WindowClosed(uint256 since);
    /// @notice A total of this moment could stand on a loan or on a trade half done.
    error InsideSession();
    error AccountInAuction(AccountId account);
    error CheckPending(AccountId account);
    error NoProfit(AccountId account, int256 unsettled);
    error Worthless(AccountId account, int256 mtm);
    /// @notice The list is full of accounts that rank higher.
    error RankTooLow(AccountId account, uint256 exposure, uint256 profit);
    error ZeroSteps();
    /// @notice Too little to weigh a whole account: who is next would be passed over. Send more, or take fewer steps.
    error OutOfGas();

    event RoundOpened(uint256 shortfall, uint256 until);
    event Nominated(AccountId indexed account, uint256 exposure, uint256 profit);
    /// @notice No longer among the highest.
    event Displaced(AccountId indexed account);
    /// @notice `amount` (WAD) of the account's profit was cancelled; `beyond`: in the second pass, down to its equity.
    event Deleveraged(AccountId indexed account, uint256 amount, bool beyond);
    /// @notice An account whose prices cannot be used now was passed over.
    event Skipped(AccountId indexed account);
    event RoundEnded(uint256 left);

    /// @notice Anyone, while a shortfall is open and no round runs.
    function open() external;

    /// @notice Anyone, within the window: puts `account` where it ranks now, also when it is listed already.
    function nominate(AccountId account) external;

    /// @notice Anyone, after the window: the next `steps` nominees bear what they can. Cancelled, WAD.
    function execute(uint256 steps) external returns (uint256 cancelled);

    /// @notice Where `account` would rank now. Reverts as {nominate} would.
    function rankOf(AccountId account) external view returns (uint256 exposure, uint256 profit);

    /// @notice Best first.
    function nominees() external view returns (Nominee[] memory);

    /// @notice End of the window, 0 while no round runs; who is next, and in which pass.
    function round() external view returns (uint256 until, uint256 next, bool beyond);
}
