// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Black76, OptionGreeks, OptionTerms} from "../risk/Black76.sol";
import {NormalTableLib} from "../risk/NormalTable.sol";
import {OptionExpiry, OptionLegs, OptionLegsLib} from "../risk/OptionLegs.sol";
import {ScenarioGrid, UnderlyingBook, UnderlyingRisk} from "../risk/ScenarioGrid.sol";
import {ScenarioGreeks, UnderlyingGreeks} from "../risk/ScenarioGreeks.sol";
import {ScenarioTable} from "../risk/ScenarioTable.sol";

/// @dev One option of a harness' book.
struct HarnessOption {
    uint256 strike;
    int256 size;
    uint256 volatility;
    bool isCall;
}

/// @dev A book with one expiry.
struct HarnessBook {
    bytes parameters;
    uint256 g;
    uint256 spot;
    int256 perpSize;
    uint256 perpMark;
    int256 spotValue;
    uint256 secondsLeft;
    uint256 forwardVar;
    uint256 forwardFix;
    int256 rate;
    HarnessOption[] options;
}

/// @dev Gas of the parts of an evaluation.
struct HarnessGas {
    uint256 load; // the table of the normal distribution
    uint256 collect; // options into legs
    uint256 evaluate;
}

/// @dev Doors to the scenario libraries, and what their parts cost.
contract ScenarioHarness {
    address private immutable _normal;

    constructor(address normal) {
        _normal = normal;
    }

    function evaluate(HarnessBook memory b) external view returns (UnderlyingRisk memory risk, HarnessGas memory gas_) {
        gas_.load = gasleft();
        uint256 normal = NormalTableLib.load(_normal);
        gas_.load -= gasleft();
        gas_.collect = gasleft();
        UnderlyingBook memory book = _book(b);
        gas_.collect -= gasleft();
        bytes memory words = b.parameters;
        ScenarioTable table;
        assembly ("memory-safe") {
            table := add(words, 0x20)
        }
        gas_.evaluate = gasleft();
        risk = ScenarioGrid.evaluate(book, table, normal, b.g);
        gas_.evaluate -= gasleft();
    }

    function requireSane(bytes memory words) external pure {
        ScenarioTable table;
        assembly ("memory-safe") {
            table := add(words, 0x20)
        }
        table.requireSane();
    }

    function greeks(HarnessBook memory b) external view returns (UnderlyingGreeks memory) {
        return ScenarioGreeks.greeks(_book(b), NormalTableLib.load(_normal));
    }

    function optionGreeks(OptionTerms memory o) external view returns (OptionGreeks memory) {
        return Black76.greeks(NormalTableLib.load(_normal), o);
    }

    function cdf(int256[] calldata arguments) external view returns (uint256[] memory list) {
        uint256 normal = NormalTableLib.load(_normal);
        list = new uint256[](arguments.length);
        for (uint256 i; i < list.length; ++i) list[i] = NormalTableLib.cdf(normal, arguments[i]);
    }

    /// @notice Calls on `forward` at each strike, σ√T each.
    function prices(
        uint256 forward,
        uint256[] calldata strikes,
        uint256[] calldata deviations,
        bool isCall
    ) external view returns (uint256[] memory list) {
        uint256 normal = NormalTableLib.load(_normal);
        list = new uint256[](strikes.length);
        for (uint256 i; i < list.length; ++i) {
            list[i] = Black76.price(normal, forward, strikes[i], deviations[i], isCall);
        }
    }

    /// @notice Gas of one price, without loading the table.
    function priceGas(uint256 forward, uint256 strike, uint256 v) external view returns (uint256 used, uint256 value) {
        uint256 normal = NormalTableLib.load(_normal);
        used = gasleft();
        value = Black76.price(normal, forward, strike, v, true);
        used -= gasleft();
    }

    function _book(HarnessBook memory b) private pure returns (UnderlyingBook memory book) {
        (book.spot, book.perpSize, book.perpMark) = (b.spot, b.perpSize, b.perpMark);
        (book.spotValue, book.perpConfidence) = (b.spotValue, 1e18);
        book.expiries = new OptionExpiry[](1);
        OptionExpiry memory e = book.expiries[0];
        (e.secondsLeft, e.forwardVar, e.forwardFix) = (b.secondsLeft, b.forwardVar, b.forwardFix);
        (e.rate, e.confidence) = (b.rate, 1e18);
        OptionLegs memory legs = OptionLegsLib.create(b.options.length);
        for (uint256 i; i < b.options.length; ++i) {
            HarnessOption memory o = b.options[i];
            OptionLegsLib.add(legs, e, o.strike, o.isCall, o.size).setVolatility(o.volatility);
        }
    }
}
