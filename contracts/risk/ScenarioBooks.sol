// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Position} from "../types/Position.sol";
import {LedgerReader, LiveExpiry, LiveUnderlying} from "./LedgerReader.sol";
import {OptionExpiry, OptionLeg, OptionLegs, OptionLegsLib} from "./OptionLegs.sol";
import {UnderlyingBook} from "./ScenarioGrid.sol";
import {ExpirySmile, VolSurface} from "./VolSurface.sol";

/// @title What an account holds of an underlying, as the scenario grid takes it
abstract contract ScenarioBooks is LedgerReader {
    function _fill(UnderlyingBook memory book, LiveUnderlying memory u, bool high) internal pure {
        uint256 price = _priceOf(u, high);
        book.spot = price;
        book.spotValue = FixedPoint.mulDivFloor(u.amount, price, WAD);
        // a frozen market's mark moves no more
        if (u.perpSize != 0 && u.perp.frozenMark == 0) {
            book.perpSize = u.perpSize;
            book.perpMark = _markOf(u, high);
            book.perpConfidence = u.perp.confidence;
        }
        uint256 n = u.expiries.length;
        if (n == 0) return;
        uint256 options;
        for (uint256 k; k < n; ++k) options += u.expiries[k].count;
        OptionLegs memory legs = OptionLegsLib.create(options);
        book.expiries = new OptionExpiry[](n);
        for (uint256 k; k < n; ++k) {
            LiveExpiry memory e = u.expiries[k];
            OptionExpiry memory x = book.expiries[k];
            x.secondsLeft = e.time;
            (x.forwardVar, x.forwardFix) = _forwardOf(u, e, high);
            x.rate = e.feed.rate;
            x.confidence = FixedPoint.min(e.feed.forwardConfidence, e.feed.volConfidence);
            if (u.perpSize != 0) x.confidence = FixedPoint.min(x.confidence, u.perp.confidence);
            _addLegs(legs, x, e);
        }
    }

    function _addLegs(OptionLegs memory legs, OptionExpiry memory x, LiveExpiry memory e) private pure {
        for (uint256 i; i < e.count; ++i) {
            Position p = _optionAt(e, i);
            OptionLegsLib.add(legs, x, p.strikeWad(), p.isCall(), p.size());
        }
        ExpirySmile memory smile = VolSurface.prepare(e.feed);
        for (OptionLeg leg = x.legs; leg.exists(); leg = leg.next()) {
            leg.setVolatility(VolSurface.volatilityAt(smile, leg.strike()));
        }
    }
}
