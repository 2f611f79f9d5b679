// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title A Uniswap v3 pool's oracle side, under a test's control: any tick, liquidity or failure
contract MockTwapPool {
    enum Failure {
        None,
        TooYoung,
        BurnsGas,
        ReturnsShort,
        ReturnsGarbage
    }

    address public immutable token0;
    address public immutable token1;
    int256 private _cumulativePerSecond; // tick · 2^0; a remainder makes the mean fractional
    int256 private _remainder;
    uint160 private _perLiquidity;
    Failure private _failure;

    error Old();

    constructor(address token0_, address token1_) {
        (token0, token1) = (token0_, token1_);
        _perLiquidity = 1;
    }

    /// @notice Mean tick over any window; `remainder` is added to the cumulative's difference.
    function setTick(int256 tick, int256 remainder) external {
        (_cumulativePerSecond, _remainder) = (tick, remainder);
    }

    /// @notice The difference of seconds per liquidity over the window, 128 fractional bits.
    function setPerLiquidity(uint160 perLiquidity) external {
        _perLiquidity = perLiquidity;
    }

    function setFailure(Failure failure) external {
        _failure = failure;
    }

    function observe(
        uint32[] calldata secondsAgos
    ) external view returns (int56[] memory ticks, uint160[] memory perLiquidity) {
        require(_failure != Failure.TooYoung, Old());
        if (_failure == Failure.BurnsGas) {
            // Uses all it is given.
            while (true) {}
        }
        if (_failure == Failure.ReturnsShort || _failure == Failure.ReturnsGarbage) {
            uint256 size = _failure == Failure.ReturnsShort ? 64 : 256;
            assembly ("memory-safe") {
                return(0x80, size)
            }
        }
        uint256 length = secondsAgos.length;
        (ticks, perLiquidity) = (new int56[](length), new uint160[](length));
        // The pool's counters wrap around; start near the edge so that readers must cope.
        unchecked {
            for (uint256 i; i < length; ++i) {
                int256 ago = int256(uint256(secondsAgos[i]));
                ticks[i] = int56(type(int56).max - 1000 + (ago == 0 ? _remainder : -_cumulativePerSecond * ago));
                perLiquidity[i] = ago == 0 ? _perLiquidity - 7 : type(uint160).max - 6;
            }
        }
    }
}
