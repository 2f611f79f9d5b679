// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {IAttestedFeed} from "../interfaces/IAttestedFeed.sol";
import {ModelInput} from "../interfaces/IMarginModel.sol";
import {ISettlementPrices} from "../interfaces/ISettlementPrices.sol";
import {FixedPoint, WAD, YEAR} from "../types/FixedPoint.sol";
import {Position} from "../types/Position.sol";
import {Black76} from "./Black76.sol";
import {Derivatives, LedgerModel} from "./LedgerModel.sol";
import {LedgerReader, LiveExpiry, LiveUnderlying} from "./LedgerReader.sol";
import {NormalTableLib} from "./NormalTable.sol";
import {RuleWords} from "./RuleWords.sol";
import {RuleExpiry, RuleOption, RulePortfolio, StandardRules} from "./StandardRules.sol";
import {ExpirySmile, VolSurface} from "./VolSurface.sol";

/// @title The standard model (DESIGN 6.2): rules per perp and per expiry beside the haircuts of spot
/// @notice For accounts with model 0 that have perps, options or a quote.
contract StandardModel is LedgerModel {
    address private immutable _normal;

    constructor(IAttestedFeed feed, ISettlementPrices settlements, address normal) LedgerReader(feed, settlements) {
        _normal = normal;
    }

    /// @inheritdoc LedgerModel
    function _derivatives(
        ModelInput calldata input,
        LiveUnderlying[] memory list,
        uint256 members,
        uint256 table,
        bool high
    ) internal view override returns (Derivatives memory d) {
        uint256 normal;
        for (uint256 i; i < list.length; ++i) {
            if (members & (1 << i) == 0) continue;
            LiveUnderlying memory u = list[i];
            if (u.perpSize == 0 && u.expiries.length == 0) continue;
            if (u.expiries.length != 0 && normal == 0) normal = NormalTableLib.load(_normal);
            RulePortfolio memory p = _portfolio(d, u, normal, high);
            (int256 initial, int256 maintenance) = StandardRules.margin(
                p,
                RuleWords.wrap(table + u.word.rules()),
                input.settlementPrice
            );
            d.initial += initial;
            d.maintenance += maintenance;
        }
    }

    /// @dev Adds the value of the options to `d`.
    function _portfolio(
        Derivatives memory d,
        LiveUnderlying memory u,
        uint256 normal,
        bool high
    ) private pure returns (RulePortfolio memory p) {
        p.spot = _priceOf(u, high);
        p.spotConfidence = WAD;
        // a frozen market's mark moves no more: nothing to ask for
        if (u.perpSize != 0 && u.perp.frozenMark == 0) {
            p.perpSize = u.perpSize;
            p.perpMark = _markOf(u, high);
            p.perpConfidence = u.perp.confidence;
            p.openInterest = u.perp.openInterest;
            p.slowOpenInterest = u.perp.slowOpenInterest;
        }
        p.expiries = new RuleExpiry[](u.expiries.length);
        for (uint256 k; k < u.expiries.length; ++k) {
            LiveExpiry memory e = u.expiries[k];
            RuleExpiry memory x = p.expiries[k];
            (uint256 moving, uint256 fixed_) = _forwardOf(u, e, high);
            x.forward = moving + fixed_;
            x.confidence = FixedPoint.min(e.feed.forwardConfidence, e.feed.volConfidence);
            x.options = new RuleOption[](e.count);
            d.value += _options(x, e, normal);
        }
    }

    /// @dev Every option with its value at mark, rounded down.
    function _options(RuleExpiry memory x, LiveExpiry memory e, uint256 normal) private pure returns (int256 total) {
        ExpirySmile memory smile = VolSurface.prepare(e.feed);
        (uint256 rootTime, uint256 discount) = _time(e);
        for (uint256 i; i < x.options.length; ++i) {
            Position p = _optionAt(e, i);
            RuleOption memory o = x.options[i];
            (o.strike, o.call, o.size) = (p.strikeWad(), p.isCall(), p.size());
            uint256 v = (VolSurface.volatilityAt(smile, o.strike) * rootTime) / WAD;
            uint256 price = Black76.price(normal, x.forward, o.strike, v, o.call);
            o.value = FixedPoint.mulDivFloor(o.size * int256(price), discount, WAD * WAD);
            total += o.value;
        }
    }

    /// @dev √T (years) and D = exp(−max(r, 0)·T), WAD.
    function _time(LiveExpiry memory e) private pure returns (uint256 rootTime, uint256 discount) {
        rootTime = FixedPointMathLib.sqrt((e.time * (WAD * WAD)) / YEAR);
        int256 exponent = (e.feed.rate * int256(e.time)) / int256(YEAR);
        discount = exponent <= 0 ? WAD : uint256(FixedPointMathLib.expWad(-exponent));
    }
}
