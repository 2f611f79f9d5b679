// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ILedgerTableFactory} from "../interfaces/IRisk.sol";
import {LedgerTable, UnderlyingWord} from "./LedgerTable.sol";
import {RuleWords, RuleWordsLib} from "./RuleWords.sol";
import {ScenarioTable} from "./ScenarioTable.sol";

/// @title LedgerTableFactory: writes the parameters of perps and options into a contract's code (DESIGN 9)
/// @notice Anyone may create a table: it has no power until an engine names it and the governor moves the safe's pointer there.
contract LedgerTableFactory is ILedgerTableFactory {
    /// @dev `PUSH2 size, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN`: init code that returns what follows its ten bytes.
    uint80 private constant LOADER = 0x61000080600a5f395ff3;
    uint256 private constant WORD = 32;
    uint256 private constant HEADER = WORD * LedgerTable.HEADER_WORDS;
    /// @dev Loss factors and peg in a scenario table.
    uint256 private constant LOSS_WORD = 8;

    mapping(address table => uint256) private _createdAt;

    /// @inheritdoc ILedgerTableFactory
    function create(
        address positions,
        address standard,
        address portfolio,
        bytes calldata parameters
    ) external returns (address table) {
        return _create(positions, standard, portfolio, address(0), parameters);
    }

    /// @inheritdoc ILedgerTableFactory
    function createWithCredit(
        address positions,
        address standard,
        address portfolio,
        address creditTiers,
        bytes calldata parameters
    ) external returns (address table) {
        // said once
        require(uint160(uint256(bytes32(parameters[:32]))) == 0, BadParameters("credit"));
        return _create(positions, standard, portfolio, creditTiers, parameters);
    }

    function _create(
        address positions,
        address standard,
        address portfolio,
        address creditTiers,
        bytes calldata parameters
    ) private returns (address table) {
        require(parameters.length > 32 && parameters.length + HEADER < 24_000, BadParameters("length"));
        bytes memory data = bytes.concat(
            bytes32(parameters[:32]) | bytes32(uint256(uint160(creditTiers))),
            bytes32(uint256(uint160(positions))),
            bytes32(uint256(uint160(standard))),
            bytes32(uint256(uint160(portfolio))),
            parameters[32:]
        );
        bytes memory code = bytes.concat(bytes10(LOADER | (uint80(data.length + 1) << 56)), bytes1(0), data);
        assembly ("memory-safe") {
            table := create(0, add(code, 0x20), mload(code))
        }
        require(table != address(0), BadParameters("create"));
        LedgerTable.check(table);
        _requireSane(table);
        _createdAt[table] = block.timestamp;
        emit LedgerTableCreated(table, keccak256(data));
    }

    /// @inheritdoc ILedgerTableFactory
    function isTable(address table) external view returns (bool) {
        return _createdAt[table] != 0;
    }

    /// @inheritdoc ILedgerTableFactory
    function createdAt(address table) external view returns (uint256) {
        return _createdAt[table];
    }

    function _requireSane(address table) private view {
        uint256 data = LedgerTable.load(table);
        uint256 size = table.code.length - 1;
        uint256 n = LedgerTable.underlyings(data);
        for (uint256 i; i < n; ++i) {
            UnderlyingWord word = LedgerTable.entry(data, i);
            ScenarioTable scenarios = ScenarioTable.wrap(data + word.scenarios());
            require(word.rules() + RuleWordsLib.LENGTH <= size, BadParameters("rules"));
            require(word.scenarios() + WORD <= size, BadParameters("scenarios"));
            require(word.scenarios() + scenarios.length() <= size, BadParameters("scenarios"));
            RuleWords.wrap(data + word.rules()).requireSane();
            scenarios.requireSane();
            for (uint256 k; k < i; ++k) _requireTogether(data, word, LedgerTable.entry(data, k));
        }
    }

    /// @dev A product group is evaluated as one, whoever of it an account holds: one φ, the same loss factors, scenarios in one order.
    function _requireTogether(uint256 data, UnderlyingWord a, UnderlyingWord b) private pure {
        require(a.number() != b.number(), BadParameters("twice"));
        if (a.group() == 0 || a.group() != b.group()) return;
        require(a.phi() == b.phi(), BadParameters("phi"));
        ScenarioTable x = ScenarioTable.wrap(data + a.scenarios());
        ScenarioTable y = ScenarioTable.wrap(data + b.scenarios());
        require(x.scenarios() == y.scenarios(), BadParameters("group"));
        for (uint256 field; field < 4; ++field) {
            require(x.number(LOSS_WORD, field) == y.number(LOSS_WORD, field), BadParameters("group"));
        }
    }
}
