// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {Holding} from "../types/Holding.sol";

/// @dev What the safe must do for a bid. Cash in settlement token units.
struct Quote {
    uint256 fraction; // WAD, of everything but `reserved`
    int256 price; // > 0: the bidder pays it to the account; < 0: the bidder is paid that much, from insurance first
    uint256 fee; // part of a positive price that goes to `feeTo`
    AccountId feeTo;
    uint256 reserved; // cash of earlier bids (R) that the fraction leaves with the account
    uint256 liabilities; // value of all debts of the account, for the pro rata write-off; settlement token units
    uint256 unsettledLoss; // −U where U is negative: it bears its part of a shortfall beside the debts; settlement token units
    bool running; // whether the auction goes on after this bid
}

/// @title Prices bids for the safe (DESIGN 8.1–8.3). It holds no money and commands nobody: it says fraction and price.
interface ILiquidationAuction {
    enum Phase {
        None,
        Solvent,
        Insolvent
    }

    /// @dev One auction as it stands now. Margins WAD in settlement units, cash in settlement token units.
    struct Status {
        Phase phase;
        uint256 clock; // seconds of auction time elapsed in this phase
        uint40 lastTick;
        uint256 reserved;
        int256 maintenance;
        int256 mtm;
        int256 bufferMargin;
        uint256 discountFactor; // d, WAD
        uint256 maxFraction; // f_max, WAD
        int256 priceOfMax; // token units for f_max; negative: paid to the bidder
        bool liquidatable; // maintenance < 0 and no check pending
    }

    error AccountHealthy(AccountId account, int256 maintenance);
    error AuctionRunning(AccountId account);
    error NoAuction(AccountId account);
    error CheckPending(AccountId account);
    error ZeroFraction();
    error FractionOverMax(uint256 fraction, uint256 maximum);
    error StartedInThisTransaction(AccountId account);
    error OnlyMarginAccounts(address caller);
    error InvalidParameters(bytes32 field);

    event AuctionStarted(
        AccountId indexed account,
        AccountId indexed feeTo,
        Phase phase,
        int256 maintenance,
        int256 mtm
    );
    event AuctionTicked(AccountId indexed account, Phase phase, uint256 clock);
    event AuctionRestarted(AccountId indexed account, Phase phase);
    event AuctionBid(
        AccountId indexed account,
        uint256 fraction,
        int256 price,
        uint256 discountFactor,
        uint256 maxFraction,
        uint256 reserved
    );
    event AuctionEnded(AccountId indexed account);
    /// @notice What the insolvent auction of `account` may still cost the insurance fund, and all of them together; token units.
    event KnownLossChanged(AccountId indexed account, uint256 loss, uint256 total);

    /// @notice Starts the auction of an account with `maintenance` < 0 and no pending check; `feeTo` gets a share of the first bid.
    function start(AccountId account, AccountId feeTo) external;
    /// @notice Advances the auction clock (DESIGN 8.2).
    function poke(AccountId account) external;
    /// @notice Ends the auction of an account with `maintenance` ≥ 0.
    function end(AccountId account) external;
    /// @notice Only the safe, inside a bid: ticks, prices the bid and books it. `fraction` `type(uint256).max` = f_max.
    function onBid(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings,
        uint256 fraction
    ) external returns (Quote memory);
    /// @notice What running insolvent auctions may still cost the insurance fund: the sum of their payments at the end of T_ins, as
    /// of each one's last tick or bid. Settlement token units.
    function knownLoss() external view returns (uint256);
    /// @notice The auction as a bid now would find it (also for accounts without one: what a start would give).
    function status(AccountId account) external view returns (Status memory);
}
