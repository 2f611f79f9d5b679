// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {ILiquidityPool, MarketTerms, PoolTerms} from "../interfaces/ILiquidityPool.sol";
import {IPoolPricer} from "../interfaces/IPoolPricer.sol";

/// @title The pool's bounded parameters, and the guardian's stop
/// @dev Whatever is set stays inside bounds that are code, so that no governance can make the pool a gift shop: a spread is never zero, an
/// exit never takes longer than two weeks, an option is never quoted while its average is being fixed.
abstract contract PoolSettings is AccessManaged, ILiquidityPool {
    uint256 private constant MOST_PAUSE = 7 days;
    uint128 private constant MOST_LIMIT = 1e30;

    mapping(uint8 underlying => MarketTerms) internal _markets;
    PoolTerms internal _terms;
    IPoolPricer internal _pricer;
    uint40 internal _pausedUntil;

    // ---------------------------------------------------------------- governor

    /// @inheritdoc ILiquidityPool
    function setMarketTerms(uint8 underlying, MarketTerms calldata t) external restricted {
        // 0.001 % to 5 %
        require(t.base >= 10 && t.base <= 50_000, InvalidTerms("base"));
        require(t.skew <= 100_000, InvalidTerms("skew"));
        require(t.volSpread <= 200_000, InvalidTerms("volSpread"));
        require(t.volSkew <= 300_000, InvalidTerms("volSkew"));
        require(t.optionMin >= 10 && t.optionMin <= 10_000, InvalidTerms("optionMin"));
        require(t.ageWeight <= 300, InvalidTerms("ageWeight"));
        require(t.deviationWeight <= 500, InvalidTerms("deviationWeight"));
        require(t.maxAge >= 1 minutes && t.maxAge <= 1 days, InvalidTerms("maxAge"));
        // the average of an expiry takes 30 minutes
        require(t.minTime >= 1 hours && t.minTime <= 30 days, InvalidTerms("minTime"));
        require(t.deltaLimit <= MOST_LIMIT, InvalidTerms("deltaLimit"));
        require(t.vegaLimit <= MOST_LIMIT, InvalidTerms("vegaLimit"));
        require(t.optionLimit <= MOST_LIMIT, InvalidTerms("optionLimit"));
        _markets[underlying] = t;
        emit MarketTermsSet(underlying, t);
    }

    /// @inheritdoc ILiquidityPool
    function setPoolTerms(PoolTerms calldata t) external restricted {
        _setPoolTerms(t);
    }

    /// @inheritdoc ILiquidityPool
    function setPricer(address pricer_) external restricted {
        _setPricer(pricer_);
    }

    function _setPoolTerms(PoolTerms memory t) internal {
        require(t.exitDelay >= 1 hours && t.exitDelay <= 14 days, InvalidTerms("exitDelay"));
        require(t.reserve <= 50_000, InvalidTerms("reserve"));
        require(t.maxOptions <= 64, InvalidTerms("maxOptions"));
        _terms = t;
        emit PoolTermsSet(t);
    }

    function _setPricer(address pricer_) internal {
        require(pricer_ != address(0), ZeroAddress());
        _pricer = IPoolPricer(pricer_);
        emit PricerSet(pricer_);
    }

    // ---------------------------------------------------------------- guardian

    /// @inheritdoc ILiquidityPool
    function pauseQuotes(uint40 until) external restricted {
        require(until <= block.timestamp + MOST_PAUSE, InvalidTerms("until"));
        _pausedUntil = until;
        emit QuotesPaused(until);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ILiquidityPool
    function marketTerms(uint8 underlying) external view returns (MarketTerms memory) {
        return _markets[underlying];
    }

    /// @inheritdoc ILiquidityPool
    function poolTerms() external view returns (PoolTerms memory) {
        return _terms;
    }

    /// @inheritdoc ILiquidityPool
    function pricer() external view returns (address) {
        return address(_pricer);
    }

    /// @inheritdoc ILiquidityPool
    function quotesPausedUntil() external view returns (uint40) {
        return _pausedUntil;
    }
}
