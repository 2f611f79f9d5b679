// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {IAttestedFeed} from "../interfaces/IAttestedFeed.sol";
import {ILedgerLens, LedgerView, PositionView, UnderlyingView} from "../interfaces/ILedgerLens.sol";
import {IMarginAccounts, IMarginAccountsErrors} from "../interfaces/IMarginAccounts.sol";
import {ModelInput, UnderlyingPrice} from "../interfaces/IMarginModel.sol";
import {IPositions} from "../interfaces/IPositions.sol";
import {ITableEngine} from "../interfaces/IRisk.sol";
import {ISettlementPrices} from "../interfaces/ISettlementPrices.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {FixedPoint, WAD, YEAR} from "../types/FixedPoint.sol";
import {Holding} from "../types/Holding.sol";
import {Position} from "../types/Position.sol";
import {Black76} from "./Black76.sol";
import {LedgerReader, LiveExpiry, LiveUnderlying} from "./LedgerReader.sol";
import {LedgerTable, UnderlyingWord} from "./LedgerTable.sol";
import {NormalTableLib} from "./NormalTable.sol";
import {ScenarioBooks} from "./ScenarioBooks.sol";
import {ScenarioGreeks, UnderlyingGreeks} from "./ScenarioGreeks.sol";
import {UnderlyingBook, UnderlyingRisk} from "./ScenarioGrid.sol";
import {ScenarioLens} from "./ScenarioLens.sol";
import {VolSurface} from "./VolSurface.sol";

/// @title LedgerLens: what margins see, taken apart. The same code as the models; no care for gas.
contract LedgerLens is ScenarioBooks, ILedgerLens {
    IMarginAccounts private immutable _safe;
    address private immutable _normal;
    ScenarioLens private immutable _scenarios;

    constructor(
        IMarginAccounts safe,
        IAttestedFeed feed,
        ISettlementPrices settlements,
        address normal,
        ScenarioLens scenarios
    ) LedgerReader(feed, settlements) {
        (_safe, _normal, _scenarios) = (safe, normal, scenarios);
    }

    /// @inheritdoc ILedgerLens
    function ledgerView(AccountId account) external view returns (LedgerView memory v) {
        require(!_safe.isLocked(), IMarginAccountsErrors.Reentered());
        (AccountFlags flags, Holding[] memory holdings) = _safe.portfolio(account);
        ITableEngine engine = ITableEngine(_safe.engine());
        v.model = flags.model();
        (v.initial, v.maintenance, v.mtm) = engine.midMargin(account, flags, holdings);
        try engine.initialMargin(account, flags, holdings) {} catch {
            v.newRiskBlocked = true;
        }
        address table = _ledgerTable(engine);
        if (table == address(0)) {
            v.spotValue = v.mtm;
            return v;
        }
        ModelInput memory input;
        input.purpose = 2;
        input.parameters = table;
        (address ledger, , ) = LedgerTable.parts(table);
        if (flags.hasLedger()) (input.quote, input.positions, input.perps) = IPositions(ledger).ledgerOf(account);
        input.underlyings = _underlyings(engine, holdings, input.positions, table);
        // reading takes calldata, as the models get it
        (v.positions, v.underlyings, v.unsettled) = this.explain(input);
        v.quote = input.quote;
        UnderlyingRisk[] memory risks = _scenarios.scenarios(input);
        for (uint256 i; i < risks.length; ++i) {
            _addRisk(v.underlyings[i], risks[i]);
            v.optionValue += risks[i].optionValue;
        }
        v.spotValue = v.mtm - v.unsettled - v.optionValue;
    }

    /// @notice {ledgerView}'s own second half.
    function explain(
        ModelInput calldata input
    ) external view returns (PositionView[] memory positions, UnderlyingView[] memory list, int256 unsettled) {
        uint256 table = LedgerTable.load(input.parameters);
        LiveUnderlying[] memory live = _read(input, table);
        uint256 normal = NormalTableLib.load(_normal);
        positions = new PositionView[](input.positions.length);
        list = new UnderlyingView[](live.length);
        unsettled = input.quote;
        uint256 n;
        for (uint256 i; i < live.length; ++i) {
            _explain(list[i], live[i], normal);
            if (live[i].perpSize != 0) unsettled += _addPerp(positions[n++], input, live[i]);
            for (uint256 k; k < live[i].expiries.length; ++k) {
                n = _addOptions(positions, n, live[i], live[i].expiries[k], normal);
            }
        }
    }

    function _explain(UnderlyingView memory v, LiveUnderlying memory u, uint256 normal) private pure {
        (v.number, v.index, v.spotAmount) = (u.number, u.low, u.amount);
        UnderlyingBook memory book;
        _fill(book, u, false);
        UnderlyingGreeks memory g = ScenarioGreeks.greeks(book, normal);
        (v.delta, v.gamma, v.vega, v.theta, v.rho) = (g.delta, g.gamma, g.vega, g.theta, g.rho);
    }

    function _addRisk(UnderlyingView memory v, UnderlyingRisk memory risk) private pure {
        (v.optionValue, v.pnl, v.basis, v.worst) = (risk.optionValue, risk.pnl, risk.basis, risk.worst);
        (v.chargeMaintenance, v.chargeInitial) = (risk.chargeMaintenance, risk.chargeInitial);
    }

    function _addPerp(
        PositionView memory v,
        ModelInput calldata input,
        LiveUnderlying memory u
    ) private pure returns (int256) {
        for (uint256 i; i < input.positions.length; ++i) {
            Position p = input.positions[i];
            if (p.isPerp() && p.underlying() == u.number) v.instrument = p.instrument();
        }
        v.size = u.perpSize;
        v.mark = _markOf(u, false);
        v.value = FixedPoint.mulDivFloor(v.size, v.mark, WAD);
        return v.value;
    }

    function _addOptions(
        PositionView[] memory positions,
        uint256 n,
        LiveUnderlying memory u,
        LiveExpiry memory e,
        uint256 normal
    ) private pure returns (uint256) {
        (uint256 moving, uint256 fixed_) = _forwardOf(u, e, false);
        uint256 rootTime = FixedPointMathLib.sqrt((e.time * (WAD * WAD)) / YEAR);
        int256 exponent = (e.feed.rate * int256(e.time)) / int256(YEAR);
        uint256 discount = exponent <= 0 ? WAD : uint256(FixedPointMathLib.expWad(-exponent));
        for (uint256 i; i < e.count; ++i) {
            Position p = _optionAt(e, i);
            PositionView memory v = positions[n++];
            (v.instrument, v.size) = (p.instrument(), p.size());
            v.volatility = VolSurface.volatility(e.feed, p.strikeWad());
            uint256 deviation = (v.volatility * rootTime) / WAD;
            uint256 price = Black76.price(normal, moving + fixed_, p.strikeWad(), deviation, p.isCall());
            v.mark = (price * discount) / WAD;
            v.value = FixedPoint.mulDivFloor(v.size, v.mark, WAD);
        }
        return n;
    }

    /// @dev Those of the ledger table that the account has spot or positions of.
    function _underlyings(
        ITableEngine engine,
        Holding[] memory holdings,
        Position[] memory positions,
        address table
    ) private view returns (UnderlyingPrice[] memory list) {
        uint256 data = LedgerTable.load(table);
        uint256 count = LedgerTable.underlyings(data);
        list = new UnderlyingPrice[](count);
        uint256 n;
        for (uint256 k; k < count; ++k) {
            UnderlyingWord word = LedgerTable.entry(data, k);
            AssetId pool = AssetIdLib.pool(uint16(word.number()));
            int256 amount = _amountOf(holdings, pool);
            if (amount == 0 && !_isTraded(positions, word.number())) continue;
            UnderlyingPrice memory u = list[n++];
            (u.number, u.low) = (word.number(), engine.midPrice(pool));
            u.high = u.low;
            (, uint8 decimals) = _safe.assetToken(pool);
            u.amount = FixedPoint.mulDivFloor(amount, WAD, 10 ** decimals);
        }
        assembly ("memory-safe") {
            mstore(list, n)
        }
    }

    function _amountOf(Holding[] memory holdings, AssetId pool) private pure returns (int256 amount) {
        for (uint256 i; i < holdings.length; ++i) {
            AssetId asset = holdings[i].asset();
            if (asset == pool || asset == AssetIdLib.vaultShare(pool.number())) amount += holdings[i].amount();
        }
    }

    function _isTraded(Position[] memory positions, uint256 number) private pure returns (bool) {
        for (uint256 i; i < positions.length; ++i) if (positions[i].underlying() == number) return true;
        return false;
    }

    /// @dev The last word of the engine's risk table names it.
    function _ledgerTable(ITableEngine engine) private view returns (address) {
        bytes memory data = engine.table();
        uint256 last;
        assembly ("memory-safe") {
            last := mload(add(data, mload(data)))
        }
        return address(uint160(last));
    }
}
