// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AssetId} from "../types/AssetId.sol";
import {FeeTier} from "./IExchange.sol";
import {PoolConfig} from "./IMarginAccounts.sol";
import {PerpConfig} from "./IPositions.sol";

/// @dev What a steward may move, each within its own bound. The subject of a bound is in brackets.
enum Parameter {
    SupplyCap, // [pool] token units
    BorrowCap, // [pool] token units
    MaxUtilisation, // [pool] basis points
    ReservedPart, // [pool] basis points
    SettlementPart, // [pool] basis points
    ReserveFactor, // [pool] basis points
    DepositsClosed, // [pool] 0 or 1
    BorrowsClosed, // [pool] 0 or 1
    OutflowCapacity, // [asset] token units
    OutflowWindow, // [asset] seconds
    CollateralCap, // [asset] token units
    CollateralPart, // [asset] basis points
    PerpOpenInterest, // [underlying] whole underlyings WAD
    PerpClamp, // [underlying] WAD
    PremiumAge, // [underlying] seconds
    OpenInterestRise, // [underlying] basis points per hour
    ExpiryOpenInterest, // [underlying] whole underlyings WAD
    ExpiryReduceOnly, // [underlying] 0 or 1
    FeeVolume, // [row] whole settlement units
    FeeRate, // [row] millionths, each of the four
    OptionFeeCap, // [0] basis points
    Maintenance, // [asset] hMM, basis points
    InitialExtra, // [asset] ΔhIM, basis points
    AddOn, // [asset] of either bracket, basis points
    BracketSize, // [asset] of either bracket, token units
    Kappa, // [asset] basis points
    GroupMaintenance, // [asset] basis points
    GroupInitialExtra // [asset] basis points
}

/// @dev How a parameter may move: to values in `min`..`max`, by at most `up` or `down` at once, and not again before `coolDown`
/// seconds have passed. A bound without a cool-down allows nothing.
struct Bound {
    uint128 min;
    uint128 max;
    uint128 up;
    uint128 down;
    uint32 coolDown;
}

/// @dev `subject` {IRiskSteward-ANY}: for every subject that has no bound of its own.
struct BoundEntry {
    Parameter parameter;
    uint256 subject;
    Bound bound;
}

/// @title Bounded steps of risk parameters (DESIGN 9)
/// @notice Every door sets what its counterpart sets, reads back what came of it, and refuses the whole unless each parameter that moved
/// stayed in its range, made no larger step than allowed, and had rested for its cool-down.
interface IRiskSteward {
    /// @dev The governor has given no bound for it.
    error NotForSteward(Parameter parameter, uint256 subject);
    error CoolingDown(Parameter parameter, uint256 key, uint256 until);
    error OutOfRange(Parameter parameter, uint256 key, uint256 value);
    error StepTooLarge(Parameter parameter, uint256 key, uint256 from, uint256 to, uint256 step);
    /// @dev Only the governor may change this part of a table.
    error NotAStep(bytes32 field, uint256 place);
    error RampRunning(uint256 until);
    /// @dev The range is empty, the cool-down too short, or loosening would be faster than tightening.
    error BadBound(Parameter parameter, uint256 subject, bytes32 field);

    event BoundSet(Parameter indexed parameter, uint256 indexed subject, Bound bound);
    /// @notice `key` says which one of the subject moved where it has several: an expiry, a row of fees, a bracket.
    event ParameterMoved(Parameter indexed parameter, uint256 indexed key, uint256 from, uint256 to);

    // ---------------------------------------------------------------- governor
    /// @notice Sets bounds; those of other subjects stay.
    function setBounds(BoundEntry[] calldata entries) external;

    // ---------------------------------------------------------------- steward
    function configurePool(AssetId pool, PoolConfig calldata config) external;
    /// @notice The limit's height and window; whether there is one at all is the governor's.
    function setOutflowLimit(AssetId asset, uint208 capacity, uint48 window) external;
    function setCollateralCap(AssetId asset, uint96 cap, uint16 maxPart) external;
    function configurePerp(uint8 underlying, PerpConfig calldata config) external;
    function configureExpiry(uint8 underlying, uint40 expiry, uint104 openInterestCap, bool reduceOnly) external;
    /// @notice As many rows as there are.
    function setFees(FeeTier[] calldata tiers, uint16 optionCap) external;
    /// @notice An engine of the factory that follows the one in force and differs from it only in haircuts, add-ons, bracket sizes, κ and
    /// haircuts of groups, within their bounds. What gets harsher is on a ramp, by the factory's own rule.
    function setEngine(address engine) external;

    // ---------------------------------------------------------------- views
    /// @notice The bound of a subject, its own or the one for any.
    function boundOf(Parameter parameter, uint256 subject) external view returns (Bound memory);
    /// @notice When it moved last; 0: never by a steward.
    function movedAt(Parameter parameter, uint256 key) external view returns (uint256);
    // as a constant
    // solhint-disable-next-line func-name-mixedcase
    function ANY() external view returns (uint256);
}
