// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";

/// @dev How a gauge knows its shares.
enum Source {
    Stake, // of a token that is staked in the controller: exact
    Supply, // positive shares of an asset in an account of the safe: registered
    Debt // debt shares of a pool in an account of the safe: registered
}

struct Gauge {
    Source source;
    AssetId asset; // 0 for stakes
    address token; // what is staked; 0 for balances
    uint256 total; // shares that are counted
}

/// @dev One reward token of one gauge.
struct Stream {
    uint256 index; // rewards per share since the beginning, token units × 1e36; only rises
    uint256 left; // paid in and owed to nobody, token units × 1e18
    uint256 rate; // token units × 1e18 per second
    uint256 cap; // most that the index rises per second; 0: no limit
    uint40 start;
    uint40 end;
    uint40 time; // accrued until
}

interface IRewardsEvents {
    event GaugeAdded(uint256 indexed gauge, Source source, AssetId asset, address token);
    event RewardAdded(uint256 indexed gauge, address indexed token);
    event RewardsPaidIn(uint256 indexed gauge, address indexed token, address indexed from, uint256 amount);
    /// @notice The whole of `left` flows from `start` to `end`.
    event StreamScheduled(
        uint256 indexed gauge,
        address indexed token,
        uint256 rate,
        uint256 cap,
        uint40 start,
        uint40 end
    );
    event StreamStopped(uint256 indexed gauge, address indexed token, address to, uint256 amount);
    /// @notice `shares` count from now on.
    event SharesCounted(uint256 indexed gauge, AccountId indexed holder, uint256 shares);
    /// @notice The holder had fewer shares than were counted: what they would have earned went back to the streams.
    event SharesMissing(uint256 indexed gauge, AccountId indexed holder, uint256 missing);
    event RewardsClaimed(
        uint256 indexed gauge,
        address indexed token,
        AccountId indexed holder,
        address to,
        uint256 amount
    );
}

interface IRewardsErrors {
    error UnknownGauge(uint256 gauge);
    /// @dev A gauge pays at most four tokens.
    error TooManyTokens(uint256 gauge);
    /// @dev Stakes are staked and unstaked, balances are synced.
    error WrongSource(uint256 gauge);
    /// @dev A balance inside a transaction that moves money may be borrowed for a moment.
    error SafeInUse();
    error StakeTooSmall(uint256 staked, uint256 amount);
    error NotHolder(AccountId holder, address caller);
    error InvalidStream(bytes32 field);
}

/// @title RewardsController: streams of tokens to those who lend, borrow or stake (docs/incentives.md)
/// @notice A gauge counts shares of one kind; a stream pays one token to one gauge, evenly over time and in proportion to shares. What it
/// promises was paid in before. Shares are
///  - **staked here** (Vault shares of lenders, shares of the insurance fund): exact at any moment; or
///  - **registered** (balances and debts inside accounts): {sync} counts what an account has now and pays, for the time since the last
///    sync, the smaller of what was counted and what is still there. Anybody may sync anybody, so whoever was counted for more than
///    he keeps loses it to the first who looks.
interface IRewards is IRewardsEvents, IRewardsErrors {
    // ---------------------------------------------------------------- holders
    /// @notice Stakes `amount` of the gauge's token; account 0 of the caller holds it.
    function stake(uint256 gauge, uint256 amount) external;

    /// @notice Gives staked tokens back. Pays no rewards, so no reward token can stop it.
    function unstake(uint256 gauge, uint256 amount, address to) external;

    /// @notice Anyone, in a transaction that has not used the safe: counts an account's balance anew.
    /// @return shares counted from now on.
    function sync(uint256 gauge, AccountId account) external returns (uint256 shares);

    /// @notice The owner of `holder` (staker: his account 0): pays what it has earned of `token`, rounded down, to any address. Syncs it
    /// first if its shares are registered.
    function claim(uint256 gauge, AccountId holder, address token, address to) external returns (uint256 amount);

    // ---------------------------------------------------------------- budgets
    /// @notice Anyone: pays into a budget. It flows when the governor has scheduled it.
    function payIn(uint256 gauge, address token, uint256 amount) external;

    /// @notice Governor: a gauge over what is staked of `token` (Stake), or over balances of `asset` (Supply, Debt).
    function addGauge(Source source, AssetId asset, address token) external returns (uint256 gauge);

    /// @notice Governor: `token` may be paid by the gauge, as one of four at most.
    function addReward(uint256 gauge, address token) external;

    /// @notice Governor: lets everything that is left of a budget flow evenly from `start` (now or later) to `end`.
    /// @param cap most rewards per share and second, token units × 1e36; 0: no limit. What a cap holds back stays in the budget.
    function schedule(uint256 gauge, address token, uint40 start, uint40 end, uint256 cap) external;

    /// @notice Governor: ends a stream now and sends what it has not yet promised to `to`. What is earned stays.
    function stop(uint256 gauge, address token, address to) external returns (uint256 amount);

    // ---------------------------------------------------------------- views
    function gaugeCount() external view returns (uint256);
    function gaugeOf(uint256 gauge) external view returns (Gauge memory);
    function tokensOf(uint256 gauge) external view returns (address[] memory);
    /// @notice As stored: accrued until `time`.
    function streamOf(uint256 gauge, address token) external view returns (Stream memory);
    /// @notice Shares that are counted of a holder.
    function sharesOf(uint256 gauge, AccountId holder) external view returns (uint256);
    /// @notice What {claim} would pay now, token units.
    function claimable(uint256 gauge, AccountId holder, address token) external view returns (uint256);
}
