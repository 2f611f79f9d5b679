// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {PriceFault} from "../interfaces/IMarginEngine.sol";
import {ChainlinkSource} from "../oracles/ChainlinkSource.sol";
import {SequencerUptime} from "../oracles/SequencerUptime.sol";
import {UniswapV3TwapSource} from "../oracles/UniswapV3TwapSource.sol";

/// @title The price source libraries, callable
contract OracleHarness {
    function chainlink(
        address feed,
        uint256 heartbeat,
        uint256 min,
        uint256 max
    ) external view returns (uint256 answer, uint256 updatedAt, PriceFault fault) {
        return ChainlinkSource.read(feed, heartbeat, min, max);
    }

    function continuousSince(address feed, uint256 heartbeat, uint256 since) external view returns (bool) {
        return ChainlinkSource.continuousSince(feed, heartbeat, since);
    }

    function sequencer(address feed, uint256 grace) external view returns (PriceFault) {
        return SequencerUptime.check(feed, grace);
    }

    function sequencerContinuousSince(address feed, uint256 since) external view returns (bool) {
        return SequencerUptime.continuousSince(feed, since);
    }

    function twap(
        address pool,
        uint256 window,
        bool baseIsToken0,
        uint256 baseDecimals,
        uint256 quoteDecimals,
        uint256 minLiquidity
    ) external view returns (uint256) {
        return UniswapV3TwapSource.read(pool, window, baseIsToken0, baseDecimals, quoteDecimals, minLiquidity);
    }

    function priceAtTick(int256 tick, uint256 baseDecimals, uint256 quoteDecimals) external pure returns (uint256) {
        return UniswapV3TwapSource.priceAtTick(tick, baseDecimals, quoteDecimals);
    }
}
