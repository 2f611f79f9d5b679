// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {RuleWords} from "../risk/RuleWords.sol";
import {RuleExpiry, RuleOption, RulePortfolio, StandardRules} from "../risk/StandardRules.sol";

/// @title {StandardRules} for callers outside
contract RulesHarness {
    struct Result {
        int256 initial;
        int256 maintenance;
    }

    /// @notice Several underlyings, each with its 64 bytes of `rules`.
    function margins(
        RulePortfolio[] memory portfolios,
        bytes memory rules,
        uint256 settlementPrice
    ) public pure returns (Result[] memory results) {
        results = new Result[](portfolios.length);
        for (uint256 i; i < portfolios.length; ++i) {
            (results[i].initial, results[i].maintenance) = StandardRules.margin(
                portfolios[i],
                _at(rules, i),
                settlementPrice
            );
        }
    }

    /// @notice One underlying, and the gas of the library alone.
    function margin(
        RulePortfolio memory portfolio,
        bytes memory rules,
        uint256 settlementPrice
    ) external view returns (int256 initial, int256 maintenance, uint256 gas) {
        RuleWords words = _at(rules, 0);
        gas = gasleft();
        (initial, maintenance) = StandardRules.margin(portfolio, words, settlementPrice);
        gas -= gasleft();
    }

    function worstPayoff(RuleOption[] memory options) external pure returns (int256 worst, int256 netCalls) {
        return StandardRules.worstPayoff(options);
    }

    function isolated(
        uint256 spot,
        RuleOption memory option,
        bytes memory rules
    ) external pure returns (int256 initial, int256 maintenance) {
        return StandardRules.isolated(spot, option, _at(rules, 0));
    }

    function expiry(
        uint256 spot,
        RuleExpiry memory e,
        bytes memory rules
    ) external pure returns (int256 initial, int256 maintenance, uint256 shorts) {
        return StandardRules.expiry(spot, 1e18, e, _at(rules, 0));
    }

    function requireSane(bytes memory rules) external pure {
        _at(rules, 0).requireSane();
    }

    function fields(bytes memory rules) external pure returns (uint256[18] memory f) {
        RuleWords w = _at(rules, 0);
        (f[0], f[1], f[2], f[3]) = (w.perpMaintenance(), w.perpInitialExtra(), w.size1(), w.addOn1());
        (f[4], f[5], f[6], f[7]) = (w.size2(), w.addOn2(), w.kappa(), w.a());
        (f[8], f[9], f[10], f[11]) = (w.b(), w.c(), w.d(), w.e());
        (f[12], f[13], f[14]) = (w.unpairedInitial(), w.unpairedMaintenance(), w.confidenceThreshold());
        (f[15], f[16], f[17]) = (w.confidenceFactor(), w.pegThreshold(), w.pegFactor());
    }

    function _at(bytes memory rules, uint256 i) private pure returns (RuleWords words) {
        require(rules.length >= (i + 1) * 64, "rules are missing");
        assembly ("memory-safe") {
            words := add(add(rules, 0x20), shl(6, i))
        }
    }
}
