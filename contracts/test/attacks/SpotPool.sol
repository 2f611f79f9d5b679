// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title The oracle side of a Uniswap v3 pool whose spot tick anybody moves as he likes, as if capital were free
/// @dev Counts as the real one does: a tick counts for the seconds after it was set and for none before.
contract SpotPool {
    struct Point {
        uint256 time;
        int256 cumulative;
        int256 tick;
    }

    address public immutable token0;
    address public immutable token1;
    Point[] private _points;

    constructor(address token0_, address token1_, int256 tick) {
        (token0, token1) = (token0_, token1_);
        _points.push(Point(0, 0, tick));
    }

    function swapTo(int256 tick) external {
        _points.push(Point(block.timestamp, _cumulativeAt(block.timestamp), tick));
    }

    function observe(
        uint32[] calldata secondsAgos
    ) external view returns (int56[] memory ticks, uint160[] memory perLiquidity) {
        (ticks, perLiquidity) = (new int56[](secondsAgos.length), new uint160[](secondsAgos.length));
        for (uint256 i; i < secondsAgos.length; ++i) {
            ticks[i] = int56(_cumulativeAt(block.timestamp - secondsAgos[i]));
            perLiquidity[i] = uint160(block.timestamp - secondsAgos[i]);
        }
    }

    function _cumulativeAt(uint256 time) private view returns (int256) {
        uint256 i = _points.length - 1;
        while (_points[i].time > time) --i;
        Point memory p = _points[i];
        return p.cumulative + p.tick * int256(time - p.time);
    }
}
