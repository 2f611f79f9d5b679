// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {FeeTier, IExchange} from "../interfaces/IExchange.sol";
import {IMarginAccounts, PoolConfig} from "../interfaces/IMarginAccounts.sol";
import {ExpiryMarket, IPositionsLedger, PerpConfig} from "../interfaces/IPositions.sol";
import {IEngineFactory, ITableEngine} from "../interfaces/IRisk.sol";
import {IRiskSteward, Parameter} from "../interfaces/IRiskSteward.sol";
import {AssetId} from "../types/AssetId.sol";
import {StewardTables} from "./StewardTables.sol";

/// @title RiskSteward: whoever watches the markets moves parameters in small steps, without the timelock's delay (DESIGN 9)
/// @notice G1: nothing here can take funds. It names no token, receiver, feed, model or code: what it sets are numbers, each of which stays in a range
/// that the governor gave after his delay, so whatever it does could have been the governor's own choice. Prices, positions and
/// balances are not among them; fees stay under what each order signed; haircuts that rise do so by a ramp of a day or more.
contract RiskSteward is StewardTables {
    IMarginAccounts private immutable _safe;
    IEngineFactory private immutable _factory;

    constructor(IMarginAccounts safe_, IEngineFactory factory_, address authority_) AccessManaged(authority_) {
        (_safe, _factory) = (safe_, factory_);
    }

    // ---------------------------------------------------------------- pools and collateral

    /// @inheritdoc IRiskSteward
    function configurePool(AssetId pool, PoolConfig calldata config) external restricted {
        PoolConfig memory a = _safe.poolConfig(pool);
        _safe.configurePool(pool, config);
        // caps are kept rounded: what counts is what is in force
        PoolConfig memory b = _safe.poolConfig(pool);
        uint256 id = AssetId.unwrap(pool);
        _move(Parameter.SupplyCap, id, a.supplyCap, b.supplyCap);
        _move(Parameter.BorrowCap, id, a.borrowCap, b.borrowCap);
        _move(Parameter.MaxUtilisation, id, a.maxUtilisation, b.maxUtilisation);
        _move(Parameter.ReservedPart, id, a.reservedPart, b.reservedPart);
        _move(Parameter.SettlementPart, id, a.settlementPart, b.settlementPart);
        _move(Parameter.ReserveFactor, id, a.reserveFactor, b.reserveFactor);
        _move(Parameter.DepositsClosed, id, a.depositsClosed, b.depositsClosed);
        _move(Parameter.BorrowsClosed, id, a.borrowsClosed, b.borrowsClosed);
    }

    /// @inheritdoc IRiskSteward
    function setOutflowLimit(AssetId asset, uint208 capacity, uint48 window) external restricted {
        (uint208 capacityBefore, uint48 windowBefore) = _safe.outflowLimit(asset);
        uint256 id = AssetId.unwrap(asset);
        // a capacity of nothing means no limit at all
        require(capacityBefore != 0 && capacity != 0, NotForSteward(Parameter.OutflowCapacity, id));
        _safe.setOutflowLimit(asset, capacity, window);
        _move(Parameter.OutflowCapacity, id, capacityBefore, capacity);
        _move(Parameter.OutflowWindow, id, windowBefore, window);
    }

    /// @inheritdoc IRiskSteward
    function setCollateralCap(AssetId asset, uint96 cap, uint16 maxPart) external restricted {
        (uint96 capBefore, uint16 partBefore) = _safe.collateralCap(asset);
        _safe.setCollateralCap(asset, cap, maxPart);
        (cap, maxPart) = _safe.collateralCap(asset);
        uint256 id = AssetId.unwrap(asset);
        _move(Parameter.CollateralCap, id, capBefore, cap);
        _move(Parameter.CollateralPart, id, partBefore, maxPart);
    }

    // ---------------------------------------------------------------- perps, options, fees

    /// @inheritdoc IRiskSteward
    function configurePerp(uint8 underlying, PerpConfig calldata b) external restricted {
        IPositionsLedger ledger = _ledger();
        PerpConfig memory a = ledger.perpMarket(underlying).config;
        ledger.configurePerp(underlying, b);
        _move(Parameter.PerpOpenInterest, underlying, a.openInterestCap, b.openInterestCap);
        _move(Parameter.PerpClamp, underlying, a.clamp, b.clamp);
        _move(Parameter.PremiumAge, underlying, a.maxPremiumAge, b.maxPremiumAge);
        _move(Parameter.OpenInterestRise, underlying, a.risePerHour, b.risePerHour);
    }

    /// @inheritdoc IRiskSteward
    function configureExpiry(
        uint8 underlying,
        uint40 expiry,
        uint104 openInterestCap,
        bool reduceOnly
    ) external restricted {
        IPositionsLedger ledger = _ledger();
        ExpiryMarket memory a = ledger.expiryMarket(underlying, expiry);
        ledger.configureExpiry(underlying, expiry, openInterestCap, reduceOnly);
        uint256 key = (uint256(underlying) << 40) | expiry;
        _move(Parameter.ExpiryOpenInterest, underlying, key, a.openInterestCap, openInterestCap);
        _move(Parameter.ExpiryReduceOnly, underlying, key, a.reduceOnly ? 1 : 0, reduceOnly ? 1 : 0);
    }

    /// @inheritdoc IRiskSteward
    function setFees(FeeTier[] calldata tiers, uint16 optionCap) external restricted {
        IExchange exchange = IExchange(_ledger().exchange());
        (FeeTier[] memory a, uint16 capBefore) = exchange.fees();
        require(a.length == tiers.length, NotAStep("rows", tiers.length));
        exchange.setFees(tiers, optionCap);
        for (uint256 i; i < a.length; ++i) {
            FeeTier calldata b = tiers[i];
            _move(Parameter.FeeVolume, i, a[i].minVolume, b.minVolume);
            _move(Parameter.FeeRate, i, i << 2, a[i].perpMaker, b.perpMaker);
            _move(Parameter.FeeRate, i, (i << 2) | 1, a[i].perpTaker, b.perpTaker);
            _move(Parameter.FeeRate, i, (i << 2) | 2, a[i].optionMaker, b.optionMaker);
            _move(Parameter.FeeRate, i, (i << 2) | 3, a[i].optionTaker, b.optionTaker);
        }
        _move(Parameter.OptionFeeCap, 0, capBefore, optionCap);
    }

    // ---------------------------------------------------------------- haircuts

    /// @inheritdoc IRiskSteward
    function setEngine(address engine) external restricted {
        // made by the factory, of its code; follows the one in force; its ramp has not begun
        _factory.requireSuccessor(engine);
        _checkTable(ITableEngine(_safe.engine()).table(), ITableEngine(engine).table());
        _safe.setEngine(engine);
    }

    function _ledger() private view returns (IPositionsLedger) {
        return IPositionsLedger(_safe.positions());
    }
}
