// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ExpiryFeed} from "../interfaces/IAttestedFeed.sol";
import {PerpState} from "../interfaces/IPositions.sol";
import {NormalTable} from "../risk/NormalTable.sol";
import {PortfolioModel} from "../risk/PortfolioModel.sol";
import {StandardModel} from "../risk/StandardModel.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {Holding} from "../types/Holding.sol";
import {InstrumentLib, Position} from "../types/Position.sol";
import {LedgerTableBuilder} from "./LedgerTableBuilder.sol";
import {ScriptedFeeds, ScriptedLedger} from "./ModelParts.sol";
import {RiskTest} from "./RiskTest.sol";

/// @title The engine with both margin models over scripted positions and feeds
/// @dev ETH is underlying 2 (2,000), BTC underlying 3 (30,000). Flat smile, forward at the index, no rate.
abstract contract ModelTest is RiskTest {
    uint8 internal constant ETH = 2;
    uint8 internal constant BTC = 3;
    uint40 internal constant EXPIRY = 1_700_000_000 + 14 days;

    ScriptedLedger internal ledger;
    ScriptedFeeds internal scripted;
    address internal standard;
    address internal portfolio;

    function setUp() public virtual override {
        super.setUp();
        ledger = new ScriptedLedger();
        scripted = new ScriptedFeeds();
        address normal = address(new NormalTable());
        standard = address(new StandardModel(scripted, scripted, normal));
        portfolio = address(new PortfolioModel(scripted, scripted, scripted, normal));
        uint256[] memory underlyings = new uint256[](2);
        (underlyings[0], underlyings[1]) = (ETH, BTC);
        useLedgerTable(LedgerTableBuilder.parameters(underlyings));
        ledger.setPerp(ETH, perpState());
        ledger.setPerp(BTC, perpState());
        scripted.setExpiry(ETH, EXPIRY, expiryFeed(2_000e18, 0.8e18, 14 days));
        scripted.setExpiry(BTC, EXPIRY, expiryFeed(30_000e18, 0.6e18, 14 days));
    }

    function useLedgerTable(bytes memory parameters) internal {
        head.ledgerTable = tables.create(address(ledger), standard, portfolio, parameters);
        rebuild();
    }

    function perpState() internal pure returns (PerpState memory s) {
        (s.markRatio, s.confidence) = (1e18, 1e18);
    }

    /// @dev w = σ²·T at every strike.
    function expiryFeed(uint256 forward, uint256 sigma, uint256 time) internal pure returns (ExpiryFeed memory f) {
        (f.forwardRatio, f.volFactor, f.forwardConfidence, f.volConfidence) = (1e18, 1e18, 1e18, 1e18);
        f.tau = (time * 1e18) / 365 days;
        f.a = int256((sigma * sigma * f.tau) / 1e36);
        (f.sigma, f.forwardReference) = (0.1e18, forward);
    }

    // ------------------------------------------------------------------ accounts
    function perp(uint8 underlying, int256 size) internal pure returns (Position) {
        return InstrumentLib.perp(underlying).position(0, size);
    }

    function option(uint8 underlying, uint64 strike, bool call, int256 size) internal pure returns (Position) {
        return InstrumentLib.option(underlying, EXPIRY, strike * 1e8, call).position(0, size);
    }

    function flags(uint8 model) internal pure returns (AccountFlags) {
        return AccountFlags.wrap(0).withLedger(true, true).withModel(model);
    }

    function initialOf(uint8 model, Holding[] memory list) internal view returns (int256) {
        return engine.initialMargin(AccountId.wrap(0), flags(model), list);
    }

    function maintenanceOf(uint8 model, Holding[] memory list) internal view returns (int256 mm, int256 mtm) {
        (mm, mtm, , ) = engine.liquidationMargin(AccountId.wrap(0), flags(model), list);
    }
}
