// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ExpiryFeed} from "../interfaces/IAttestedFeed.sol";
import {IMarginModel, Margins, ModelInput} from "../interfaces/IMarginModel.sol";
import {InstrumentLib, Position} from "../types/Position.sol";
import {ScriptedFeeds} from "./ModelParts.sol";

/// @title Both margin models on one portfolio in one call
/// @notice Meant for `eth_call`: it scripts the feeds, asks every model, and what it wrote is gone. Expiries are given in seconds
/// from now, so that nobody needs to know the call's timestamp.
contract ModelProbe {
    struct Perp {
        uint8 underlying;
        int256 size;
    }

    struct Option {
        uint8 underlying;
        uint40 secondsLeft;
        uint64 strike; // 1e-8
        bool call;
        int256 size;
    }

    struct Expiry {
        uint8 underlying;
        uint40 secondsLeft;
        ExpiryFeed feed;
        uint256 fixedPart;
        uint256 fixedPrice;
    }

    struct Volatility {
        uint8 underlying;
        uint256 sigma;
        uint256 slow;
    }

    ScriptedFeeds private immutable _feeds;

    constructor(ScriptedFeeds feeds) {
        _feeds = feeds;
    }

    /// @param input its positions come from `perps` (first) and `options`.
    /// @return margins of each model for new risk, then of each for liquidation.
    function evaluate(
        IMarginModel[] calldata models,
        ModelInput memory input,
        Perp[] calldata perps,
        Option[] calldata options,
        Expiry[] calldata expiries,
        Volatility[] calldata volatilities
    ) external returns (Margins[] memory margins) {
        for (uint256 i; i < expiries.length; ++i) {
            Expiry calldata e = expiries[i];
            uint40 time = uint40(block.timestamp) + e.secondsLeft;
            _feeds.setExpiry(e.underlying, time, e.feed);
            _feeds.setFixing(e.underlying, time, e.fixedPart, e.fixedPrice);
        }
        for (uint256 i; i < volatilities.length; ++i) {
            Volatility calldata v = volatilities[i];
            _feeds.setVolatility(v.underlying, v.sigma, v.slow);
        }
        input.positions = _positions(perps, options);
        margins = new Margins[](2 * models.length);
        for (uint256 i; i < margins.length; ++i) {
            input.purpose = i / models.length;
            margins[i] = models[i % models.length].evaluate(input);
        }
    }

    function _positions(
        Perp[] calldata perps,
        Option[] calldata options
    ) private view returns (Position[] memory positions) {
        positions = new Position[](perps.length + options.length);
        for (uint256 i; i < perps.length; ++i) {
            positions[i] = InstrumentLib.perp(perps[i].underlying).position(0, perps[i].size);
        }
        for (uint256 i; i < options.length; ++i) {
            Option calldata o = options[i];
            uint40 time = uint40(block.timestamp) + o.secondsLeft;
            positions[perps.length + i] = InstrumentLib.option(o.underlying, time, o.strike, o.call).position(
                0,
                o.size
            );
        }
    }
}
