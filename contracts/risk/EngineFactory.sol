// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {
    IDeviationRecord,
    IEngineFactory,
    ILedgerTableFactory,
    ISizeCheckpoints,
    ITableEngine
} from "../interfaces/IRisk.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {LedgerSteps} from "./LedgerSteps.sol";
import {MarginEngine} from "./MarginEngine.sol";
import {RiskTable} from "./RiskTable.sol";
import {Table, TableCheck} from "./TableCheck.sol";

/// @title EngineFactory: writes risk tables into engines (DESIGN 9)
/// @notice Anyone may create an engine: it has no power until the governor moves the safe's pointer to it. What the factory
/// vouches for is that the table is within every bound and follows the one in force.
contract EngineFactory is IEngineFactory {
    using TableCheck for Table;

    /// @dev `PUSH2 size, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN`: init code that returns what follows its ten bytes.
    uint80 private constant LOADER = 0x61000080600a5f395ff3;

    /// @notice How long a ledger table with harsher terms must have stood on the chain before it is put in force, in seconds.
    uint256 public constant STEP_NOTICE = 3 days;
    /// @notice The same where terms cannot be compared number by number: other models, groups or scenario lists.
    uint256 public constant UNLIKE_NOTICE = 7 days;

    IMarginAccounts private immutable _safe;
    ILedgerTableFactory private immutable _ledgerTables;
    address private immutable _template;
    mapping(address engine => address) private _predecessors;
    mapping(address engine => bool) private _made;

    constructor(
        IMarginAccounts safe,
        IDeviationRecord deviations,
        ISizeCheckpoints checkpoints,
        ILedgerTableFactory ledgerTables
    ) {
        (_safe, _ledgerTables) = (safe, ledgerTables);
        _template = address(new MarginEngine(deviations, checkpoints));
    }

    /// @inheritdoc IEngineFactory
    function create(bytes calldata table) external returns (address engine) {
        return _create(table);
    }

    /// @inheritdoc IEngineFactory
    function createWithLedger(bytes calldata table, address ledgerTable) external returns (address engine) {
        uint256 size = table.length;
        require(size >= RiskTable.HEADER, BadTable("length", size));
        uint256 rest = uint176(bytes22(table[size - 22:]));
        require(rest == 0, BadTable("ledger", rest));
        return _create(bytes.concat(table[:size - 20], bytes20(ledgerTable)));
    }

    function _create(bytes memory table) private returns (address engine) {
        Table memory t = TableCheck.open(table);
        t.checkAlone(_safe);
        address current = _safe.engine();
        address ledgerTable = t.ramp.ledgerTable();
        bool written = ledgerTable == address(0) || _ledgerTables.isTable(ledgerTable);
        require(written, BadTable("ledgerTable", uint160(ledgerTable)));
        if (current != address(0)) _checkAgainst(t, current);

        bytes memory code = bytes.concat(_template.code, table);
        // EIP-170, where the chain has it: a template above it shows that this one has not
        require(code.length <= 24_576 || _template.code.length > 24_576, BadTable("size", code.length));
        code = bytes.concat(bytes10(LOADER | (uint80(code.length) << 56)), code);
        assembly ("memory-safe") {
            engine := create(0, add(code, 0x20), mload(code))
        }
        require(engine != address(0), BadTable("create", 0));
        (_made[engine], _predecessors[engine]) = (true, current);
        emit EngineCreated(engine, current, keccak256(table));
    }

    /// @inheritdoc IEngineFactory
    function requireSuccessor(address engine) external view {
        require(_made[engine], UnknownEngine(engine));
        address current = _safe.engine();
        require(_predecessors[engine] == current, NotSuccessor(engine, current));
        Table memory t = TableCheck.open(ITableEngine(engine).table());
        uint256 start = t.ramp.start();
        require(!t.ramp.exists() || start >= block.timestamp, RampStarted(engine, start));
        if (current == address(0)) return;
        uint256 notice = _checkAgainst(t, current);
        if (notice == 0) return;
        uint256 until = _ledgerTables.createdAt(t.ramp.ledgerTable()) + notice;
        require(block.timestamp >= until, LedgerNotice(t.ramp.ledgerTable(), until));
    }

    /// @return notice that the ledger table needs, in seconds.
    function _checkAgainst(Table memory t, address current) private view returns (uint256 notice) {
        Table memory inForce = TableCheck.open(ITableEngine(current).table());
        t.checkAgainst(inForce);
        (address a, address b) = (inForce.ramp.ledgerTable(), t.ramp.ledgerTable());
        if (a == b || a == address(0)) return 0;
        // without it no account with a position could be valued, nor act, nor be liquidated
        require(b != address(0), BadTable("ledgerTable", 0));
        LedgerSteps.Change change = LedgerSteps.compare(a, b);
        if (change == LedgerSteps.Change.None) return 0;
        return change == LedgerSteps.Change.Step ? STEP_NOTICE : UNLIKE_NOTICE;
    }

    /// @inheritdoc IEngineFactory
    function isEngine(address engine) external view returns (bool) {
        return _made[engine];
    }

    /// @inheritdoc IEngineFactory
    function predecessorOf(address engine) external view returns (address) {
        return _predecessors[engine];
    }

    /// @inheritdoc IEngineFactory
    function template() external view returns (address) {
        return _template;
    }
}
