// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ExpiryFeed, IAttestedFeed} from "../interfaces/IAttestedFeed.sol";
import {PerpState} from "../interfaces/IPositions.sol";
import {IRealizedVolatility} from "../interfaces/IRealizedVolatility.sol";
import {ISettlementPrices} from "../interfaces/ISettlementPrices.sol";
import {AccountId} from "../types/AccountId.sol";
import {Position} from "../types/Position.sol";

/// @title Positions of one account, as a test sets them; one slot each, as in the ledger
contract ScriptedLedger {
    int256 public quote;
    Position[] private _positions;
    mapping(uint256 underlying => PerpState) private _perps;

    function set(int256 quote_, Position[] calldata positions) external {
        quote = quote_;
        _positions = positions;
    }

    function setPerp(uint256 underlying, PerpState calldata state) external {
        _perps[underlying] = state;
    }

    function ledgerOf(AccountId) external view returns (int256, Position[] memory positions, PerpState[] memory perps) {
        positions = _positions;
        perps = new PerpState[](positions.length);
        uint256 n;
        for (uint256 i; i < positions.length; ++i) {
            if (positions[i].instrument().isPerp()) perps[n++] = _perps[positions[i].instrument().underlying()];
        }
        assembly ("memory-safe") {
            mstore(perps, n)
        }
        return (quote, positions, perps);
    }
}

/// @title Attested values, fixings and realised volatility, as a test sets them
contract ScriptedFeeds is IAttestedFeed, ISettlementPrices, IRealizedVolatility {
    struct Fixing {
        uint256 part;
        uint256 price;
    }

    struct Volatility {
        uint256 sigma;
        uint256 slow;
    }

    mapping(uint256 underlying => mapping(uint40 expiry => ExpiryFeed)) private _feeds;
    mapping(uint256 underlying => mapping(uint40 expiry => Fixing)) private _fixings;
    mapping(uint256 underlying => Volatility) private _volatilities;

    error Unasked();

    function setExpiry(uint256 underlying, uint40 expiry, ExpiryFeed calldata value) external {
        _feeds[underlying][expiry] = value;
    }

    function setFixing(uint256 underlying, uint40 expiry, uint256 part, uint256 price) external {
        _fixings[underlying][expiry] = Fixing(part, price);
    }

    function setVolatility(uint256 underlying, uint256 sigma, uint256 slow) external {
        _volatilities[underlying] = Volatility(sigma, slow);
    }

    function expiryFeeds(
        uint8 underlying,
        uint40[] calldata expiries
    ) external view returns (ExpiryFeed[] memory list) {
        list = new ExpiryFeed[](expiries.length);
        for (uint256 i; i < list.length; ++i) list[i] = _feeds[underlying][expiries[i]];
    }

    function fixing(uint8 underlying, uint40 expiry) external view returns (uint256, uint256) {
        Fixing memory f = _fixings[underlying][expiry];
        return (f.part, f.price);
    }

    function volatility(uint8 underlying) external view returns (uint256, uint256) {
        Volatility memory v = _volatilities[underlying];
        return (v.sigma, v.slow);
    }

    /// @dev Margins get the premium from the ledger and never ask here.
    function premium(uint8) external pure returns (int256, uint256, uint256, bool) {
        revert Unasked();
    }

    function settlementPrice(uint8, uint40) external pure returns (uint256, bool) {
        revert Unasked();
    }
}
