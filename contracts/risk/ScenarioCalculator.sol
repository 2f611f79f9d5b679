// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {NormalTableLib} from "./NormalTable.sol";
import {OptionExpiry, OptionLegs, OptionLegsLib} from "./OptionLegs.sol";
import {ScenarioGrid, UnderlyingBook, UnderlyingRisk} from "./ScenarioGrid.sol";
import {GroupedRisk, MarginTerms, ScenarioMargin} from "./ScenarioMargin.sol";
import {ScenarioOutOfBounds, ScenarioTable} from "./ScenarioTable.sol";

struct CalculatorOption {
    uint256 strike; // settlement units WAD
    int256 size; // whole underlyings WAD; positive is long
    uint256 volatility; // σ at the strike, WAD; one per expiry and strike (the last given counts)
    bool isCall;
}

/// @dev See {OptionExpiry}.
struct CalculatorExpiry {
    uint256 secondsLeft;
    uint256 forwardVar;
    uint256 forwardFix;
    int256 rate;
    uint256 confidence;
    CalculatorOption[] options;
}

/// @dev See {UnderlyingBook}.
struct CalculatorUnderlying {
    bytes parameters; // as sdk/tables/scenarioTable.ts packs them
    uint256 group;
    uint256 phi;
    uint256 scaleInitial; // g, WAD
    uint256 scaleMaintenance;
    uint256 spot;
    int256 perpSize;
    uint256 perpMark;
    uint256 perpConfidence;
    int256 spotValue;
    CalculatorExpiry[] expiries;
}

/// @dev An account without its options' value: settlement units WAD.
struct CalculatorAccount {
    uint256 settlementPrice; // USD WAD per settlement token
    int256 value; // cash, U and spot at mark, no haircut
    uint256 haircutMaintenance; // hMM of collateral and debts
    uint256 haircutInitial; // what ΔhIM and low confidence of collateral add
    CalculatorUnderlying[] underlyings;
}

struct CalculatorResult {
    int256 initial;
    int256 maintenance;
    int256 mtm;
    int256 worstInitial; // W
    int256 worstMaintenance;
    UnderlyingRisk[] initialRisks; // one for each underlying, in order
    UnderlyingRisk[] maintenanceRisks;
}

/// @title The scenario model for anybody to check: portfolio, feeds and parameters in, every scenario's PnL and the margins out
/// @notice Runs the code of the scale itself on what it is given and reads nothing but the table of the normal distribution.
contract ScenarioCalculator {
    address private immutable _normal;

    constructor(address normal) {
        _normal = normal;
    }

    /// @notice Margins and the way to them. Reverts `ScenarioOutOfBounds` for parameters that no table may have.
    function evaluate(CalculatorAccount calldata account) external view returns (CalculatorResult memory result) {
        uint256 normal = NormalTableLib.load(_normal);
        uint256 n = account.underlyings.length;
        require(n != 0, ScenarioOutOfBounds("underlyings"));
        (result.initialRisks, result.maintenanceRisks) = (new UnderlyingRisk[](n), new UnderlyingRisk[](n));
        MarginTerms memory x;
        (x.settlementPrice, x.mtm) = (account.settlementPrice, account.value);
        (x.chargeInitial, x.chargeMaintenance) = (account.haircutInitial, account.haircutMaintenance);
        for (uint256 i; i < n; ++i) {
            CalculatorUnderlying calldata u = account.underlyings[i];
            (ScenarioTable table, UnderlyingBook memory book) = (_table(u.parameters), _book(u));
            UnderlyingRisk memory risk = ScenarioGrid.evaluate(book, table, normal, u.scaleMaintenance);
            result.maintenanceRisks[i] = risk;
            x.chargeMaintenance += risk.chargeMaintenance;
            if (u.scaleInitial != u.scaleMaintenance) risk = ScenarioGrid.evaluate(book, table, normal, u.scaleInitial);
            result.initialRisks[i] = risk;
            x.chargeInitial += risk.chargeInitial;
            x.mtm += risk.optionValue;
        }
        x.worstInitial = _worst(account, result.initialRisks);
        x.worstMaintenance = _worst(account, result.maintenanceRisks);
        (result.worstInitial, result.worstMaintenance, result.mtm) = (x.worstInitial, x.worstMaintenance, x.mtm);
        ScenarioTable any = _table(account.underlyings[0].parameters);
        (result.initial, result.maintenance) = ScenarioMargin.margins(any, x);
    }

    function _worst(CalculatorAccount calldata account, UnderlyingRisk[] memory risks) private pure returns (int256) {
        GroupedRisk[] memory grouped = new GroupedRisk[](risks.length);
        for (uint256 i; i < risks.length; ++i) {
            grouped[i] = GroupedRisk(risks[i], account.underlyings[i].group, account.underlyings[i].phi);
        }
        return ScenarioMargin.worst(grouped);
    }

    function _book(CalculatorUnderlying calldata u) private pure returns (UnderlyingBook memory book) {
        (book.spot, book.perpSize, book.perpMark) = (u.spot, u.perpSize, u.perpMark);
        (book.perpConfidence, book.spotValue) = (u.perpConfidence, u.spotValue);
        uint256 n = u.expiries.length;
        uint256 options;
        for (uint256 i; i < n; ++i) options += u.expiries[i].options.length;
        OptionLegs memory legs = OptionLegsLib.create(options);
        book.expiries = new OptionExpiry[](n);
        for (uint256 i; i < n; ++i) {
            CalculatorExpiry calldata e = u.expiries[i];
            OptionExpiry memory expiry = book.expiries[i];
            (expiry.secondsLeft, expiry.rate, expiry.confidence) = (e.secondsLeft, e.rate, e.confidence);
            (expiry.forwardVar, expiry.forwardFix) = (e.forwardVar, e.forwardFix);
            for (uint256 j; j < e.options.length; ++j) {
                CalculatorOption calldata o = e.options[j];
                OptionLegsLib.add(legs, expiry, o.strike, o.isCall, o.size).setVolatility(o.volatility);
            }
        }
    }

    function _table(bytes memory parameters) private pure returns (ScenarioTable table) {
        assembly ("memory-safe") {
            table := add(parameters, 0x20)
        }
        require(parameters.length > 288 && parameters.length == table.length(), ScenarioOutOfBounds("length"));
        table.requireSane();
    }
}
