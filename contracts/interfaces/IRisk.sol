// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AssetId} from "../types/AssetId.sol";
import {IMarginEngine} from "./IMarginEngine.sol";

/// @title Since when an asset's sources have disagreed (DESIGN 5)
interface IDeviationRecord {
    event DisagreementSeen(AssetId indexed asset, uint256 since);
    event DisagreementEnded(AssetId indexed asset);

    /// @notice Anyone: looks at the asset's sources now and records whether they disagree. A run of disagreement goes on
    /// only while it is seen again within T_dev. A primary that cannot be used changes nothing.
    /// @return since when the sources have disagreed, 0 if they agree.
    function poke(AssetId asset) external returns (uint256 since);

    /// @notice Start of the run of disagreement and when it was last seen; 0, 0 without one.
    function disagreement(AssetId asset) external view returns (uint256 since, uint256 lastSeen);
}

/// @title Slow totals for maintenance haircuts (DESIGN 6.1)
interface ISizeCheckpoints {
    error TooSoon(AssetId asset, uint256 until);
    error InsideSession();

    event CheckpointUpdated(AssetId indexed asset, uint256 checkpoint, uint256 total);
    event LowerTotalSeen(AssetId indexed asset, uint256 total);

    /// @notice Anyone, outside sessions, an hour or more after the last time: moves the checkpoint towards the smallest of
    /// the asset's totals at this and the previous update and those seen by {observe} between them. It falls at once
    /// and rises by at most the governed part.
    function update(AssetId asset) external returns (uint256 checkpoint);

    /// @notice Anyone, outside sessions, at any time: a total below what the previous update saw will limit the next
    /// rise. So a total that was high only for a moment lifts nothing if anybody looks after it.
    function observe(AssetId asset) external;

    /// @notice The total that maintenance reckons with; the asset's own token units (vault share: of the underlying).
    function checkpointOf(AssetId asset) external view returns (uint256);

    /// @notice The checkpoint, the smallest total seen since the last update, and the time of that update.
    function stateOf(AssetId asset) external view returns (uint256 checkpoint, uint256 smallest, uint256 updatedAt);

    /// @notice The total now and the checkpoint, in the same units.
    function sizesOf(AssetId asset) external view returns (uint256 total, uint256 checkpoint);
}

/// @title What the neighbours of an engine made by the factory may ask beyond {IMarginEngine}
interface ITableEngine is IMarginEngine {
    /// @notice T_dev in seconds.
    function deviationDelay() external view returns (uint256);

    /// @notice Haircuts in force now for `size` token units of the asset held alone, WAD, brackets included. Lens and SDK
    /// show them; margins come from the other doors.
    function haircuts(AssetId asset, uint256 size) external view returns (uint256 initial, uint256 maintenance);

    /// @notice The primary feed of an asset (a vault share's is its pool's) and what makes its rounds sound, for whoever averages
    /// over rounds. Answers must be above `minAnswer` and below `maxAnswer`. Reverts `AssetNotInTable`.
    function primaryOf(
        AssetId asset
    ) external view returns (address feed, uint256 heartbeat, uint8 feedDecimals, uint256 minAnswer, uint256 maxAnswer);
}

/// @title Who turns a risk table into an engine, and vouches for it (DESIGN 9)
interface IEngineFactory {
    /// @dev The table as a whole: which field, and its value.
    error BadTable(bytes32 field, uint256 value);
    error BadAsset(AssetId asset, bytes32 field, uint256 value);
    /// @dev The table in force lists it, this one does not.
    error AssetDropped(AssetId asset);
    /// @dev The field would charge more than now, at once.
    error RampNeeded(AssetId asset, bytes32 field, uint256 value, uint256 limit);
    error UnknownEngine(address engine);
    error NotSuccessor(address engine, address inForce);
    error RampStarted(address engine, uint256 start);
    /// @dev The ledger table in force has the underlying, the new one has not.
    error UnderlyingDropped(uint256 underlying);
    /// @dev The field of perps or options (a name, or its place in the scenario table) would get harsher by more than one step.
    error LedgerStep(uint256 underlying, bytes32 field, uint256 value, uint256 limit);
    /// @dev The ledger table is harsher than the one in force and has not been on the chain for long enough.
    error LedgerNotice(address table, uint256 until);

    event EngineCreated(address indexed engine, address indexed predecessor, bytes32 tableHash);

    /// @notice Checks `table` by itself and against the one in force, and deploys an engine with it. Anyone.
    function create(bytes calldata table) external returns (address engine);

    /// @notice Like {create}, with `ledgerTable` written into the table's last word, which must not name one yet. A ledger table must be
    /// the factory's; where its terms are harsher than those in force it differs by a bounded step.
    function createWithLedger(bytes calldata table, address ledgerTable) external returns (address engine);

    /// @notice Reverts unless `engine` was made here, was checked against the engine in force now, its ramp has not begun, and a ledger
    /// table with harsher terms has been on the chain for its notice.
    /// @dev For the same batch as `setEngine`: the delay lies between creation and the move of the pointer.
    function requireSuccessor(address engine) external view;

    function isEngine(address engine) external view returns (bool);

    /// @notice The engine that was in force when `engine` was created.
    function predecessorOf(address engine) external view returns (address);

    /// @notice The engine without a table whose code all engines share.
    function template() external view returns (address);
}

/// @title Who writes the parameters of perps and options into a contract's code (DESIGN 9)
interface ILedgerTableFactory {
    /// @dev Which field of the parameters is out of bounds.
    error BadParameters(bytes32 field);

    event LedgerTableCreated(address indexed table, bytes32 tableHash);

    /// @notice Checks and deploys a ledger table. Anyone.
    /// @param parameters first word, directory and records as in {LedgerTable}, without the three addresses; offsets in it
    /// count from the table's first word, the addresses included.
    function create(
        address positions,
        address standard,
        address portfolio,
        bytes calldata parameters
    ) external returns (address table);

    /// @notice The same with the contract that says whose attested credit lowers initial margin (0: nobody's), which the first word of
    /// `parameters` then must not name: with {create} it may.
    function createWithCredit(
        address positions,
        address standard,
        address portfolio,
        address creditTiers,
        bytes calldata parameters
    ) external returns (address table);

    function isTable(address table) external view returns (bool);

    /// @notice When the table was written, Unix time; 0: not here.
    function createdAt(address table) external view returns (uint256);
}
