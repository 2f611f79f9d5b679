// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {LedgerCause} from "../interfaces/IPositions.sol";
import {AccountId} from "../types/AccountId.sol";
import {FixedPoint} from "../types/FixedPoint.sol";
import {Clearing} from "./Clearing.sol";

/// @title Settlement of unsettled PnL: cash moves between accounts, none is made (DESIGN 7)
abstract contract Settling is Clearing {
    function _settle(AccountId winner, AccountId loser, uint256 amount) internal {
        // else who is quick would leave the shortfall to who is not
        require(block.timestamp >= _heldUntil, ShortfallOpen(_openShortfall()));
        Book memory a = _loadTouched(winner);
        Book memory b = _loadTouched(loser);
        uint256 limit = _settleable(a, b);
        // Nobody can push notional about: the quote moves by what U of both sides already is, never beyond zero.
        require(amount != 0 && amount <= limit, SettlementTooLarge(amount, limit));
        int256 value = int256(amount * _cashUnit);
        a.quote -= value;
        b.quote += value;
        _store(a, LedgerCause.Settlement);
        _store(b, LedgerCause.Settlement);
        emit UnsettledPaid(winner, loser, amount);
        // refuses in an auction, while the loser's check is pending, below zero maintenance, over caps
        _safe.settleCash(loser, winner, amount, false);
    }

    /// @dev WAD.
    function _openShortfall() internal view returns (uint256) {
        return uint256(-_headerQuote(_ledger[_shortfallAccount()].header));
    }

    function _loadTouched(AccountId account) internal returns (Book memory b) {
        _requireTrader(account);
        b = _load(account, 0);
        _touchBook(b);
    }

    /// @dev Token units; `a` wins: min(U of the winner, −U of the loser), each rounded towards zero.
    function _settleable(Book memory a, Book memory b) internal view returns (uint256) {
        int256 won = _unsettled(a.quote, a.words, a.count, false);
        int256 lost = -_unsettled(b.quote, b.words, b.count, true);
        int256 limit = FixedPoint.min(won, lost);
        return limit > 0 ? uint256(limit) / _cashUnit : 0;
    }
}
