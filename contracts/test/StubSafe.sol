// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AssetId} from "../types/AssetId.sol";

/// @title What the risk contracts ask of the safe, under a test's control
contract StubSafe {
    struct Token {
        address token;
        uint8 decimals;
    }

    address public engine;
    bool public inSession;
    bool public isLocked;
    uint16 private _pools;
    uint16 private _idles;
    mapping(AssetId asset => Token) private _tokens;
    mapping(AssetId asset => uint256) public totalCollateral;
    mapping(AssetId pool => uint256) private _supplyIndex;

    function list(AssetId asset, address token, uint8 decimals) external {
        _tokens[asset] = Token(token, decimals);
        if (asset.isPool()) ++_pools;
        else ++_idles;
        _supplyIndex[asset] = 1e15;
    }

    function setEngine(address engine_) external {
        engine = engine_;
    }

    function isQuiet() external view returns (bool) {
        return !inSession && !isLocked;
    }

    function setSession(bool inSession_, bool locked) external {
        (inSession, isLocked) = (inSession_, locked);
    }

    function setTotal(AssetId asset, uint256 total) external {
        totalCollateral[asset] = total;
    }

    function setSupplyIndex(AssetId pool, uint64 index) external {
        _supplyIndex[pool] = index;
    }

    function assetCounts() external view returns (uint16 pools, uint16 idles) {
        return (_pools, _idles);
    }

    function assetToken(AssetId asset) external view returns (address token, uint8 decimals) {
        Token memory t = _tokens[asset];
        return (t.token, t.decimals);
    }

    function poolWords(AssetId pool) external view returns (uint256 supplyWord, uint256 debtWord) {
        return (_supplyIndex[pool] << 192, 0);
    }
}
