// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";
import {Instrument} from "../types/Position.sol";
import {Leg} from "./IExchange.sol";
import {ILiquidityPool} from "./ILiquidityPool.sol";

/// @dev All that an account holds of one underlying. Settlement units WAD unless said otherwise.
struct Inventory {
    uint8 underlying;
    uint256 index; // mid
    uint256 spread; // (high − low) ÷ mid, WAD
    uint256 age; // seconds since the primary's round
    uint256 volatility; // realised, per √year WAD
    int256 delta; // whole underlyings WAD
    int256 vega; // per 1.00 of volatility
    uint256 grossDelta; // Σ |size · delta|
    uint256 grossVega; // Σ |size · vega|
    uint256 options; // Σ |size|, whole underlyings WAD
    int256 perpLow; // Σ size · mark at the price that is worst for the account, rounded down
    int256 perpHigh; // at the best, rounded up
    int256 optionLow;
    int256 optionHigh;
}

/// @dev One whole of an instrument at mark. Settlement units WAD.
struct Mark {
    uint256 low; // rounded down
    uint256 high; // rounded up
    int256 delta; // whole underlyings WAD per whole one
    int256 vega; // per 1.00 of volatility
    uint256 inventory; // its underlying's place in the sheet
    int256 held; // what the account holds of it
}

struct Sheet {
    int256 quote; // pending funding and settled payoffs included
    uint256 options; // different options held
    Inventory[] inventories;
    Mark[] marks; // of the instruments that were asked for, in their order
}

/// @dev The pool's side of a trade.
struct Offer {
    Leg[] legs; // the taker's, turned round, at the pool's prices
    uint256 fee; // what the exchange takes of the pool, settlement units WAD; inside the prices
    int256 cost; // what the taker pays for the legs (negative: gets), settlement units WAD
    bool reduces; // every leg reduces what the pool holds, and neither delta nor vega grows
}

/// @title What an account's perps and options are worth at low and high prices, with their greeks. View-only.
interface IPoolPricer {
    /// @dev More underlyings than a sheet holds.
    error TooManyUnderlyings();

    /// @notice Everything that the account holds, and the marks of `asked`. Underlyings of both are in `inventories`.
    /// @dev Reverts where a price must not open risk: `PriceUnusable` (stale, clamped, sequencer, sources that deviate), `FeedStale`
    /// (attestations too old, an expired option whose price is not final), `MarketFrozen`, `InstrumentExpired`.
    function sheet(AccountId account, Instrument[] memory asked) external view returns (Sheet memory);

    /// @notice The pool's side of a taker's `legs` at `size`; their prices are not read. Reverts like {sheet}, and where the pool's terms
    /// allow no quote: `NotQuoted`, `IndexTooOld`, `NoBid`, `PoolLimitExceeded`, `SizeOutOfRange`.
    function offer(ILiquidityPool pool, Leg[] calldata legs, uint128 size) external view returns (Offer memory);

    /// @notice What the pool's perps, options and quote add to its cash, settlement units WAD: for leavers, and for newcomers.
    function worth(ILiquidityPool pool) external view returns (int256 worst, int256 best);
}
