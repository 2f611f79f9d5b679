// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {PriceState} from "../interfaces/IMarginEngine.sol";
import {Fill, IPositions, IPositionsLedger, PerpState} from "../interfaces/IPositions.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, SETTLEMENT} from "../types/AssetId.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Holding} from "../types/Holding.sol";
import {Position} from "../types/Position.sol";

/// @title Premiums as the test sets them
contract PremiumFeed {
    struct Value {
        int256 premium;
        uint256 confidence;
        uint256 time;
        bool stale;
    }

    mapping(uint8 underlying => Value) private _values;

    /// @dev Attested now.
    function set(uint8 underlying, int256 premium_) external {
        _values[underlying] = Value(premium_, WAD, block.timestamp, false);
    }

    function setWhole(uint8 underlying, Value calldata value) external {
        _values[underlying] = value;
    }

    function premium(uint8 underlying) external view returns (int256, uint256, uint256, bool) {
        Value memory v = _values[underlying];
        return (v.premium, v.confidence, v.time, v.stale);
    }
}

/// @title Final prices as the test sets them
contract FinalPrices {
    struct Final {
        uint256 price;
        bool isFinal;
    }

    mapping(uint8 underlying => mapping(uint40 expiry => Final)) private _prices;

    function set(uint8 underlying, uint40 expiry, uint256 price) external {
        _prices[underlying][expiry] = Final(price, true);
    }

    function settlementPrice(uint8 underlying, uint40 expiry) external view returns (uint256 price, bool isFinal) {
        Final memory f = _prices[underlying][expiry];
        return (f.price, f.isFinal);
    }
}

/// @title A scale with prices that the test sets: everybody passes, or as scripted, or by a toy margin
/// @dev The toy counts settlement cash, quote and perps at mid, less 10 % (initial) or 5 % (maintenance) of notional; options
/// count nothing. It asks the ledger as the real engine does, so it sees what is booked at the time of a check.
contract LedgerEngine {
    struct Script {
        bool set;
        int256 initial;
        int256 maintenance;
        int256 mtm;
    }

    IPositions private _ledger;
    bool public toy;
    mapping(uint256 pool => uint256 price) private _prices;
    mapping(AccountId account => Script) private _scripts;

    error NoPrice(AssetId asset);

    function setLedger(IPositions ledger) external {
        _ledger = ledger;
    }

    function setToy(bool on) external {
        toy = on;
    }

    /// @dev Settlement units WAD.
    function setPrice(uint8 underlying, uint256 price) external {
        _prices[underlying] = price;
    }

    function script(AccountId account, int256 initial, int256 maintenance, int256 mtm) external {
        _scripts[account] = Script(true, initial, maintenance, mtm);
    }

    function unscript(AccountId account) external {
        delete _scripts[account];
    }

    function initialMargin(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings
    ) external view returns (int256 initial) {
        (initial, , ) = _margins(account, flags, holdings);
    }

    function liquidationMargin(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings
    ) external view returns (int256 maintenance, int256 mtm, uint256, uint256) {
        (, maintenance, mtm) = _margins(account, flags, holdings);
        return (maintenance, mtm, 0, 0);
    }

    function midMargin(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings
    ) external view returns (int256, int256, int256) {
        return _margins(account, flags, holdings);
    }

    function midPrice(AssetId asset) external view returns (uint256 price) {
        price = _prices[AssetId.unwrap(asset)];
        require(price != 0, NoPrice(asset));
    }

    /// @dev Good, whatever it is.
    function priceState(AssetId asset) external view returns (PriceState memory state) {
        uint256 price = _prices[AssetId.unwrap(asset)];
        (state.low, state.high, state.primary, state.updatedAt) = (price, price, price, block.timestamp);
    }

    function settlementDecimals() external pure returns (uint8) {
        return 6;
    }

    function pricesContinuousSince(AccountId, AccountFlags, Holding[] calldata, uint256) external pure returns (bool) {
        return true;
    }

    function _margins(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings
    ) private view returns (int256 initial, int256 maintenance, int256 mtm) {
        Script memory s = _scripts[account];
        if (s.set) return (s.initial, s.maintenance, s.mtm);
        if (!toy) return (0, 0, 0);
        for (uint256 i = 0; i < holdings.length; ++i) {
            if (holdings[i].asset() == SETTLEMENT) mtm += holdings[i].amount() * 1e12;
        }
        int256 notional;
        if (flags.hasLedger()) {
            (int256 quote, Position[] memory positions, PerpState[] memory perps) = _ledger.ledgerOf(account);
            mtm += quote;
            uint256 k;
            for (uint256 i = 0; i < positions.length; ++i) {
                if (!positions[i].instrument().isPerp()) continue;
                PerpState memory p = perps[k++];
                uint256 mark = p.frozenMark;
                if (mark == 0) {
                    uint256 index = _prices[positions[i].instrument().underlying()];
                    mark = FixedPoint.mulDivDown(index, uint256(p.markRatio), WAD);
                }
                int256 value = FixedPoint.mulDivFloor(positions[i].size(), mark, WAD);
                mtm += value;
                notional += value < 0 ? -value : value;
            }
        }
        (initial, maintenance) = (mtm - notional / 10, mtm - notional / 20);
    }
}

/// @title Sends fills without orders
contract FillSender {
    IPositionsLedger private immutable _ledger;

    constructor(IPositionsLedger ledger) {
        _ledger = ledger;
    }

    function fill(Fill calldata f) external {
        _ledger.fill(f);
    }

    function payFromFees(AccountId to, uint256 amount) external {
        _ledger.payFromFees(to, amount);
    }
}
