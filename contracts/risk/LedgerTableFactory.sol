// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ILedgerTableFactory} from "../interfaces/IRisk.sol";
import {LedgerTable, UnderlyingWord} from "./LedgerTable.sol";
import {RuleWords} from "./RuleWords.sol";

/// @title LedgerTableFactory: writes the parameters of perps and options into a contract's code (DESIGN 9)
/// @notice Anyone may create a table: it has no power until an engine names it and the governor moves the safe's pointer there.
contract LedgerTableFactory is ILedgerTableFactory {
    /// @dev `PUSH2 size, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN`: init code that returns what follows its ten bytes.
    uint80 private constant LOADER = 0x61000080600a5f395ff3;
    uint256 private constant HEADER = 32 * LedgerTable.HEADER_WORDS;

    mapping(address table => bool) private _made;

    /// @inheritdoc ILedgerTableFactory
    function create(
        address positions,
        address standard,
        address portfolio,
        bytes calldata parameters
    ) external returns (address table) {
        require(parameters.length > 32 && parameters.length + HEADER < 24_000, BadParameters("length"));
        bytes memory data = bytes.concat(
            parameters[:32],
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
        _made[table] = true;
        emit LedgerTableCreated(table, keccak256(data));
    }

    /// @inheritdoc ILedgerTableFactory
    function isTable(address table) external view returns (bool) {
        return _made[table];
    }

    function _requireSane(address table) private view {
        uint256 data = LedgerTable.load(table);
        uint256 n = LedgerTable.underlyings(data);
        for (uint256 i; i < n; ++i) {
            UnderlyingWord word = LedgerTable.entry(data, i);
            RuleWords.wrap(data + word.rules()).requireSane();
            for (uint256 k; k < i; ++k) {
                UnderlyingWord other = LedgerTable.entry(data, k);
                require(other.number() != word.number(), BadParameters("twice"));
                // One φ per group, whoever of it an account holds.
                require(
                    word.group() == 0 || other.group() != word.group() || other.phi() == word.phi(),
                    BadParameters("phi")
                );
            }
        }
    }
}
