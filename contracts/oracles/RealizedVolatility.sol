// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IRealizedVolatility} from "../interfaces/IRealizedVolatility.sol";
import {IVolatilityObserver} from "../interfaces/IVolatilityObserver.sol";
import {AssetIdLib} from "../types/AssetId.sol";
import {BPS, FixedPoint, WAD, YEAR} from "../types/FixedPoint.sol";

/// @title RealizedVolatility: EWMA of squared log returns on a fixed grid (DESIGN 5, 6.3 a)
/// @notice variance ← λⁿ·variance + (1 − λⁿ)·r²/n per interval, for a return r over n intervals: under a random walk r² grows with n, so each
/// interval's part is r²/n, and who comes late finds what punctual observers would have left, on average.
/// σ acts at once where new risk is taken. The slow σ, which maintenance uses, rises by at most the governed part of what it was at the last
/// observation per hour, by time alone: no observation moves it up at once. It falls at once: slower than σ it would ask
/// more for maintenance than for new risk.
contract RealizedVolatility is IVolatilityObserver {
    /// @dev One slot: all that margins read.
    struct Sigma {
        uint96 sigma; // WAD per √year
        uint96 slow; // at `time`
        uint40 time; // 0: never observed
    }

    struct Mark {
        uint128 price; // settlement units WAD
        uint128 variance; // per year, WAD
    }

    /// @dev |ln(price ratio)| that is believed: beyond e² from one observation to the next a price is broken, not volatile. So σ stays below 190.
    int256 private constant MAX_RETURN = 2e18;

    IMarginAccounts private immutable _safe;
    /// @notice Seconds of an interval.
    uint256 public immutable interval;
    /// @notice λ: weight of the past per interval, WAD.
    uint256 public immutable decay;
    /// @notice σ from the first observation on, until returns replace it: WAD per √year.
    uint256 public immutable initialSigma;
    /// @notice Most that the slow σ rises per hour, basis points.
    uint256 public immutable risePerHour;

    mapping(uint8 underlying => Sigma) private _sigmas;
    mapping(uint8 underlying => Mark) private _marks;

    constructor(IMarginAccounts safe, uint256 interval_, uint256 decay_, uint256 initialSigma_, uint256 risePerHour_) {
        require(interval_ >= 1 hours && interval_ <= 1 days, BadParameter("interval"));
        require(decay_ >= WAD / 2 && decay_ < WAD, BadParameter("decay"));
        require(initialSigma_ >= WAD / 100 && initialSigma_ <= 5 * WAD, BadParameter("initialSigma"));
        require(risePerHour_ != 0 && risePerHour_ <= BPS, BadParameter("risePerHour"));
        _safe = safe;
        (interval, decay, initialSigma, risePerHour) = (interval_, decay_, initialSigma_, risePerHour_);
    }

    /// @inheritdoc IVolatilityObserver
    function observe(uint8 underlying) external returns (uint256 sigma) {
        // A second source can be moved inside a session, and a snapshot of reduce-only must stay comparable.
        require(_safe.isQuiet(), InsideSession());
        Sigma memory last = _sigmas[underlying];
        uint256 cell = block.timestamp / interval;
        uint256 intervals = cell - last.time / interval;
        require(intervals != 0, TooSoon(underlying, (cell + 1) * interval));
        uint256 price = IMarginEngine(_safe.engine()).midPrice(AssetIdLib.pool(underlying));
        uint256 slow;
        uint256 variance;
        if (last.time == 0) {
            (sigma, intervals) = (initialSigma, 0);
            variance = FixedPoint.mulDivDown(sigma, sigma, WAD);
            slow = sigma;
        } else {
            Mark memory mark = _marks[underlying];
            variance = _updated(mark.variance, _return(price, mark.price), intervals);
            sigma = FixedPointMathLib.sqrt(variance * WAD);
            slow = FixedPoint.min(_slow(last), sigma);
        }
        _marks[underlying] = Mark(uint128(price), uint128(variance));
        _sigmas[underlying] = Sigma(uint96(sigma), uint96(slow), uint40(block.timestamp));
        emit VolatilityObserved(underlying, price, intervals, sigma, slow);
    }

    /// @inheritdoc IRealizedVolatility
    function volatility(uint8 underlying) external view returns (uint256 sigma, uint256 slowSigma) {
        Sigma memory last = _sigmas[underlying];
        return (last.sigma, _slow(last));
    }

    /// @inheritdoc IVolatilityObserver
    function stateOf(
        uint8 underlying
    ) external view returns (uint256 price, uint256 variance, uint256 sigma, uint256 slowSigma, uint256 time) {
        Sigma memory last = _sigmas[underlying];
        Mark memory mark = _marks[underlying];
        return (mark.price, mark.variance, last.sigma, last.slow, last.time);
    }

    /// @dev Rises in a straight line from what it was at the last observation, up to σ.
    function _slow(Sigma memory last) private view returns (uint256) {
        uint256 rise = (uint256(last.slow) * risePerHour * (block.timestamp - last.time)) / (BPS * 1 hours);
        return FixedPoint.min(last.sigma, last.slow + rise);
    }

    function _return(uint256 price, uint256 before) private pure returns (int256 r) {
        r = FixedPointMathLib.lnWad(int256(FixedPoint.mulDivUp(price, WAD, before)));
        return FixedPoint.max(-MAX_RETURN, FixedPoint.min(MAX_RETURN, r));
    }

    function _updated(uint256 variance, int256 r, uint256 intervals) private view returns (uint256) {
        uint256 weight = FixedPointMathLib.rpow(decay, intervals, WAD);
        uint256 perYear = (uint256(r * r) * YEAR) / (WAD * intervals * interval);
        return (variance * weight + perYear * (WAD - weight)) / WAD;
    }
}
