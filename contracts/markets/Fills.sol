// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Fill, FillLeg, LedgerCause} from "../interfaces/IPositions.sol";
import {AccountId} from "../types/AccountId.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Clearing} from "./Clearing.sol";

/// @title Fills: everything is booked, then each account is checked once (A2)
abstract contract Fills is Clearing {
    /// @dev Bounds products: sizes end below 2^104 (open interest), prices and fees below 2^128.
    uint256 private constant MAX_AMOUNT = type(uint128).max;

    /// @dev Runs inside the session that a reducing fill opened, or in whatever the caller is in.
    function _fill(Fill memory f) internal {
        require(f.first != f.second, SameAccount(f.first));
        _requireTrader(f.first);
        _requireTrader(f.second);
        uint256 n = f.legs.length;
        require(n != 0, NoLegs());
        require(f.firstFee <= MAX_AMOUNT, TooLarge(f.firstFee));
        require(f.secondFee <= MAX_AMOUNT, TooLarge(f.secondFee));
        int256 premium = _book(f, n);
        if (f.firstFee + f.secondFee != 0) {
            _addQuote(_feeAccount(), int256(f.firstFee + f.secondFee), LedgerCause.Fees);
        }
        _payPremium(f.first, f.second, premium);
    }

    /// @return premium what the first owes the second for options, WAD.
    function _book(Fill memory f, uint256 n) private returns (int256 premium) {
        Book memory a = _load(f.first, n);
        Book memory b = _load(f.second, n);
        for (uint256 i = 0; i < n; ++i) {
            FillLeg memory leg = f.legs[i];
            require(leg.size != 0, ZeroSize(leg.instrument));
            require(leg.size == int128(leg.size), TooLarge(uint256(leg.size)));
            require(leg.price <= MAX_AMOUNT, TooLarge(leg.price));
            if (leg.instrument.isPerp()) {
                _fillPerp(a, b, leg, f.firstReduces, f.secondReduces);
            } else {
                _fillOption(a, b, leg, f.firstReduces, f.secondReduces);
                premium += FixedPoint.mulDivCeil(leg.size, leg.price, WAD);
            }
        }
        a.quote -= int256(f.firstFee);
        b.quote -= int256(f.secondFee);
        _store(a, LedgerCause.Fill);
        _store(b, LedgerCause.Fill);
    }

    /// @dev The payer gives what the payee gets, rounded up to a unit. `settleCash` checks the payer, `touch` the other.
    function _payPremium(AccountId first, AccountId second, int256 premium) private {
        (AccountId payer, AccountId payee) = premium < 0 ? (second, first) : (first, second);
        if (premium == 0) {
            _safe.touch(payer);
        } else {
            uint256 amount = uint256(premium < 0 ? -premium : premium);
            _safe.settleCash(payer, payee, (amount + _cashUnit - 1) / _cashUnit, true);
        }
        _safe.touch(payee);
    }

    /// @dev Lets the accounts of reducing orders pass by the safe's reduce-only rule. In a session that is not ours it may be too late
    /// to declare it: then the account must pass by its initial margin, which is the stricter rule.
    function _declareReducing(Fill memory f, bool own) internal {
        if (f.firstReduces) _declare(f.first, own);
        if (f.secondReduces) _declare(f.second, own);
    }

    function _declare(AccountId account, bool own) private {
        if (own) {
            _safe.reduceOnly(account);
            return;
        }
        try _safe.reduceOnly(account) {} catch {
            return; // see above
        }
    }
}
