// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AssetId} from "../types/AssetId.sol";

/// @dev Fields of a haircut word; sizes in token units, exact only as far as a float holds them.
struct HaircutSpec {
    uint16 maintenance;
    uint16 initialExtra;
    uint256 size1;
    uint16 addOn1;
    uint256 size2;
    uint16 addOn2;
    uint16 kappa;
    uint8 group;
    uint16 groupMaintenance;
    uint16 groupInitialExtra;
    uint8 source;
}

struct FeedSpec {
    address feed;
    uint24 heartbeat;
    uint8 feedDecimals;
    uint8 tokenDecimals;
    uint256 minAnswer;
    uint256 maxAnswer;
}

struct TwapSpec {
    address pool;
    uint24 window;
    AssetId quote;
    uint16 deviation;
    bool baseIsToken0;
    uint256 minLiquidity;
    uint8 quoteDecimals;
}

struct HeaderSpec {
    uint16 pools;
    uint16 idles;
    uint8 twaps;
    uint8 settlementDecimals;
    uint16 deviationDelay;
    uint24 grace;
    address sequencer;
    uint40 rampStart;
    uint40 rampEnd;
    address ledgerTable;
}

/// @title Builds table words in tests, by code of its own
library TableBuilder {
    function float(uint256 value) internal pure returns (uint256) {
        uint256 exponent;
        while (value > 0xffff) {
            value >>= 1;
            ++exponent;
        }
        return (value << 8) | exponent;
    }

    function unfloat(uint256 value) internal pure returns (uint256) {
        uint256 packed = float(value);
        return (packed >> 8) << (packed & 0xff);
    }

    function word(HaircutSpec memory s) internal pure returns (uint256) {
        uint256 w = (uint256(s.maintenance) << 240) | (uint256(s.initialExtra) << 224);
        w |= (float(s.size1) << 200) | (uint256(s.addOn1) << 184);
        w |= (float(s.size2) << 160) | (uint256(s.addOn2) << 144);
        w |= (uint256(s.kappa) << 128) | (uint256(s.group) << 120);
        w |= (uint256(s.groupMaintenance) << 104) | (uint256(s.groupInitialExtra) << 88);
        return w | (uint256(s.source) << 80);
    }

    function word(FeedSpec memory s) internal pure returns (uint256) {
        uint256 w = (uint256(uint160(s.feed)) << 96) | (uint256(s.heartbeat) << 72);
        w |= (uint256(s.feedDecimals) << 64) | (uint256(s.tokenDecimals) << 56);
        return w | (float(s.minAnswer) << 32) | (float(s.maxAnswer) << 8) | 1;
    }

    function word(TwapSpec memory s) internal pure returns (uint256) {
        uint256 w = (uint256(uint160(s.pool)) << 96) | (uint256(s.window) << 72);
        w |= (uint256(AssetId.unwrap(s.quote)) << 56) | (uint256(s.deviation) << 40);
        return w | (uint256(s.baseIsToken0 ? 1 : 0) << 32) | (float(s.minLiquidity) << 8) | s.quoteDecimals;
    }

    function bytesOf(HeaderSpec memory s) internal pure returns (bytes memory) {
        uint256 w = (uint256(1) << 248) | (uint256(s.pools) << 232) | (uint256(s.idles) << 216);
        w |= (uint256(s.twaps) << 208) | (uint256(s.settlementDecimals) << 200);
        w |= (uint256(s.deviationDelay) << 184) | (uint256(s.grace) << 160) | uint160(s.sequencer);
        uint256 ramp = (uint256(s.rampStart) << 216) | (uint256(s.rampEnd) << 176) | uint160(s.ledgerTable);
        return abi.encodePacked(w, ramp);
    }
}
