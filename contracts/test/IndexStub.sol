// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {PriceFault} from "../interfaces/IMarginEngine.sol";
import {AssetId} from "../types/AssetId.sol";

/// @title What price sources ask of the engine, under a test's control
contract IndexStub {
    struct Primary {
        address feed;
        uint256 heartbeat;
        uint8 feedDecimals;
        uint256 minAnswer;
        uint256 maxAnswer;
    }

    mapping(AssetId asset => uint256) private _mid;
    mapping(AssetId asset => Primary) private _primaries;

    error PriceUnusable(AssetId asset, PriceFault fault);

    function setMid(AssetId asset, uint256 price) external {
        _mid[asset] = price;
    }

    function setPrimary(AssetId asset, Primary calldata primary) external {
        _primaries[asset] = primary;
    }

    function midPrice(AssetId asset) external view returns (uint256 price) {
        price = _mid[asset];
        require(price != 0, PriceUnusable(asset, PriceFault.Stale));
    }

    function primaryOf(AssetId asset) external view returns (address, uint256, uint8, uint256, uint256) {
        Primary memory p = _primaries[asset];
        return (p.feed, p.heartbeat, p.feedDecimals, p.minAnswer, p.maxAnswer);
    }
}
