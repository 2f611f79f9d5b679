// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";

import {AccountId} from "../types/AccountId.sol";
import {Instrument} from "../types/Position.sol";
import {Leg, SignedOrder} from "./IExchange.sol";

/// @dev How one underlying is quoted. Rates in millionths, weights in percent. Not quoted while `deltaLimit` is 0.
struct MarketTerms {
    uint32 base; // half-spread of a perp, part of the index; of an option times |delta|
    uint32 skew; // part of the index by which the marginal price has moved at the delta limit
    uint32 volSpread; // half-spread of an option in volatility
    uint32 volSkew; // volatility by which the marginal price of an option has moved at the vega limit
    uint32 optionMin; // least half-spread of an option, part of the index
    uint16 ageWeight; // of realised σ · √(age of the index), added to `base`
    uint16 deviationWeight; // of (high − low) ÷ mid of the index, added to `base`
    uint32 maxAge; // seconds: an older index is not quoted on
    uint32 minTime; // seconds: options nearer to their expiry are not quoted
    uint128 deltaLimit; // whole underlyings WAD
    uint128 vegaLimit; // settlement units WAD per 1.00 of volatility
    uint128 optionLimit; // Σ |size| of options, whole underlyings WAD
}

/// @dev What holds for the pool as a whole.
struct PoolTerms {
    uint96 depositCap; // settlement token units: deposits may not lift the high mark above
    uint32 exitDelay; // seconds between request and exit
    uint16 reserve; // basis points of the margin requirement that must stay free above it
    uint8 maxOptions; // different options held
    uint48 totalDelta; // Σ |delta| · index, whole settlement units
    uint48 totalVega; // Σ |vega|, whole settlement units
}

/// @dev Who leaves. Kept in the order of asking.
struct ExitRequest {
    address controller;
    uint96 shares; // not burnt yet
    uint40 matureAt;
    uint216 price; // the low mark at the request: token units per share, times 1e27
}

/// @dev A quote for a taker's legs, settlement units WAD.
struct Quote {
    uint256[] prices; // per whole of each leg
    uint256 poolFee; // what the exchange takes of the pool; inside the prices
    uint256 takerFee; // what it takes of `taker` on top
    int256 cost; // what the taker pays (negative: gets) for the legs, without his fee
}

interface ILiquidityPoolEvents {
    /// @notice A trade against the pool; the exchange's `OrdersFilled` has the rest. `cost` is what the taker paid, WAD.
    event Traded(AccountId indexed taker, uint256 nonce, uint256 size, int256 cost);
    event ExitRequested(
        uint256 indexed requestId,
        address indexed controller,
        address indexed owner,
        uint256 shares,
        uint256 price,
        uint256 matureAt
    );
    /// @notice `shares` of a request were burnt for `assets`, which wait for their controller.
    event ExitFulfilled(uint256 indexed requestId, address indexed controller, uint256 shares, uint256 assets);
    event MarketTermsSet(uint8 indexed underlying, MarketTerms terms);
    event PoolTermsSet(PoolTerms terms);
    event PricerSet(address pricer);
    event QuotesPaused(uint40 until);
}

interface ILiquidityPoolErrors {
    error ZeroAddress();
    error ZeroAmount();
    error InvalidTerms(bytes32 field);
    // quoting
    error QuotesStopped(uint40 until);
    /// @dev No terms for it, or an option that is too near to its expiry.
    error NotQuoted(Instrument instrument);
    /// @dev The index is older than the pool trades on.
    error IndexTooOld(uint8 underlying, uint256 age);
    /// @dev Worth so little that the pool would have to be paid to take it.
    error NoBid(Instrument instrument);
    error SizeOutOfRange(uint256 size);
    /// @dev Which limit ("delta", "vega", "options", "total delta", "total vega", "kinds"), and what it would become.
    error PoolLimitExceeded(bytes32 limit, uint256 value, uint256 most);
    /// @dev The pool's free margin (mtm, settlement units WAD) would go below what it keeps.
    error PoolReserveTooLow(int256 initial, int256 least);
    /// @dev The pool is the taker's operator and was not called by whoever may trade for him.
    error NotTrader(AccountId account, address caller);
    // shares
    /// @dev In an auction, below maintenance, or in a session that trades with it.
    error PoolClosed(bytes32 reason);
    error ZeroShares();
    error DepositCapReached(uint256 cap, uint256 total);
    error SharesTooMany(uint256 shares);
    /// @dev Leaving takes two steps: `requestRedeem`, and after the delay `redeem` or `withdraw` of what has become claimable.
    error LeaveByRequest();
    error NotController(address controller, address caller);
    error NothingClaimable(address controller, uint256 claimable);
    error RequestTooSmall(uint256 shares, uint256 least);
    error NothingToFulfil();
}

/// @title LiquidityPool: a passive maker of perps and options whose depositors share profit and loss
/// @notice ERC-4626 going in, ERC-7540-like going out. There is always a price on-chain, without any matcher:
///  - {trade} makes the opposite of a taker's signed order and has the exchange fill both, in one call;
///  - {deposit} buys shares at the high mark, {requestRedeem} and {fulfil} sell them at the lower of the low marks then and later.
interface ILiquidityPool is IERC4626, ILiquidityPoolEvents, ILiquidityPoolErrors {
    // ---------------------------------------------------------------- traders
    /// @notice Fills `size` of a taker's order at the pool's prices, or reverts with the reason. The order's limit protects the taker;
    /// its executor is this pool or nobody.
    /// @dev Instead of signing, the owner of an account may make the pool its operator with the right to trade, and name the pool as
    /// signer with an empty signature: then only whoever may trade for the account can call.
    /// @return cost what the taker paid for the legs, settlement units WAD, without fees; negative: what he got.
    function trade(SignedOrder calldata taker, uint128 size) external returns (int256 cost);

    /// @notice What {trade} would do now to `account` buying (ratio > 0) and selling (ratio < 0) the legs; their prices are not read.
    /// @dev Without the pool's margin, which is tested by the trade alone.
    function quote(AccountId account, Leg[] calldata legs, uint128 size) external view returns (Quote memory);

    // ---------------------------------------------------------------- leaving
    /// @notice Takes `shares` of `owner` (the caller, or with an allowance) into the queue. They share losses until they are burnt.
    function requestRedeem(uint256 shares, address controller, address owner) external returns (uint256 requestId);

    /// @notice Anyone: burns the shares of at most `most` requests that are due, in their order, at the lower of the low marks at
    /// the request and now, as far as cash and margin reach.
    /// @return assets that have become claimable.
    function fulfil(uint256 most) external returns (uint256 assets);

    // ---------------------------------------------------------------- governance
    /// @notice Governor.
    function setMarketTerms(uint8 underlying, MarketTerms calldata terms) external;
    /// @notice Governor.
    function setPoolTerms(PoolTerms calldata terms) external;
    /// @notice Governor. Of the pool's own margin account: 0 standard, 1 portfolio.
    function setModel(uint8 model) external;
    /// @notice Governor: when feeds move, the pricer follows.
    function setPricer(address pricer) external;
    /// @notice Guardian: no quotes until `until`, at most 7 days ahead; 0: quotes again. Deposits and exits go on.
    function pauseQuotes(uint40 until) external;

    // ---------------------------------------------------------------- views
    /// @notice What leavers get and newcomers pay for all shares, token units. `low` ≤ 0: worth nothing.
    /// @dev Reverts where the pool neither mints nor burns: `PoolClosed`, or what {IPoolPricer-sheet} says.
    function marks() external view returns (int256 low, int256 high);
    /// @notice Equity at mark, mid prices, settlement units WAD: cash, U and options, nothing taken off.
    function equity() external view returns (int256);
    function account() external view returns (AccountId);
    function marketTerms(uint8 underlying) external view returns (MarketTerms memory);
    function poolTerms() external view returns (PoolTerms memory);
    function pricer() external view returns (address);
    function quotesPausedUntil() external view returns (uint40);
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares);
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares);
    function exitRequest(uint256 requestId) external view returns (ExitRequest memory);
    /// @notice The next request to be fulfilled, and the number that the next one will get.
    function exitQueue() external view returns (uint256 head, uint256 tail);
    /// @notice Token units that wait for their controllers; no part of the pool any more.
    function claimableAssets() external view returns (uint256);
    function safe() external view returns (address);
    function exchange() external view returns (address);
}
