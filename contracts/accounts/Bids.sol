// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Cause} from "../interfaces/IMarginAccounts.sol";
import {ILiquidationAuction, Quote} from "../interfaces/ILiquidationAuction.sol";
import {IPositions, IPositionsCold} from "../interfaces/IPositions.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, SETTLEMENT} from "../types/AssetId.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {ShareMath} from "../types/PoolWords.sol";
import {Verbs} from "./Verbs.sol";

/// @title Bids (DESIGN 8): the auction says fraction and price, the safe moves everything itself.
/// @dev Balances move as shares, so what one side loses the other gains and no pool total changes unless a balance crosses zero.
abstract contract Bids is Verbs {
    /// @dev What a bid carries through its steps.
    struct Bid {
        AccountId account;
        AccountId bidder;
        uint256[] w; // the account's words
        uint256[] x; // the bidder's words
        Quote quote;
        uint256 cut; // part of each debt taken that is written off, WAD
        uint256 fromInsurance;
        uint256 writtenOff; // value, settlement token units
        uint256 relief; // part of the unsettled loss taken that winners will bear, settlement token units
        Pool p; // the settlement pool, written once at the end
    }

    function _bid(
        AccountId account,
        AccountId bidder,
        uint256 fraction,
        int256 limit
    ) internal returns (uint256, int256) {
        // a courtesy; nothing relies on it (DESIGN 8.5)
        require(account.owner() != bidder.owner(), OwnAccount(account));
        // A4: else an owner could borrow, send out and be bid on before his own check
        _requireNotPending(account);
        Bid memory b;
        b.account = account;
        b.bidder = bidder;
        b.w = _load(account);
        AccountFlags flags = _flags(b.w);
        b.quote = ILiquidationAuction(_auction).onBid(account, flags, _holdings(b.w), fraction);
        fraction = b.quote.fraction;
        require(fraction != 0 && fraction <= WAD, FractionTooLarge(fraction, WAD));
        b.p = _open(SETTLEMENT.number());

        _payFromInsurance(b);
        // loaded after the fund has paid: should the fund itself ever bid, its words are these
        b.x = _load(bidder);
        _requireNotInAuction(bidder, b.x);
        int256 price = b.quote.price > 0 ? b.quote.price : -int256(b.fromInsurance + b.writtenOff + b.relief);
        require(price <= limit, PriceOverLimit(price, limit));

        _moveBalances(b);
        _moveCash(b);
        _setFlags(b.w, _flags(b.w).withAuction(b.quote.running));
        _store(account, b.w, Cause.AuctionTaken);
        _store(bidder, b.x, Cause.AuctionBid);
        // No tokens leave, and what the bidder borrows for the price is a claim of the account: cash does not change. Caps are for new
        // lending and must not stop a liquidation in a pool that stands above them.
        _storePool(b.p);
        if (flags.hasLedger()) {
            // before: it looks at what the loser holds
            if (b.relief != 0) IPositionsCold(_positions).bookShortfall(account, bidder, b.relief);
            IPositions(_positions).takeFraction(account, bidder, fraction);
        }
        emit BidTaken(account, bidder, fraction, price, b.quote.fee, b.fromInsurance, b.writtenOff);
        // the bidder's account is checked like any other at the end (DESIGN 8.5)
        _afterRisk(bidder, flags.hasLedger() ? _load(bidder) : b.x, 0);
        return (fraction, price);
    }

    /// @dev Waterfall (L2): the fund pays what it has; what it lacks is cut, in this bid, from the liabilities that the bidder takes over,
    /// pro rata by value and never more than they are: each debt against its pool, an unsettled loss against winners (the ledger's
    /// register of shortfalls). Cuts round down.
    function _payFromInsurance(Bid memory b) private {
        if (b.quote.price >= 0) return;
        uint256 needed = uint256(-b.quote.price);
        AccountId fund = _insurance;
        uint256[] memory f = _load(fund);
        (uint256 i, int256 shares) = _find(f, SETTLEMENT);
        uint256 paid = shares > 0 ? FixedPoint.min(needed, uint256(_worth(b.p, shares))) : 0;
        if (paid != 0) {
            _set(fund, f, i, SETTLEMENT, _debit(b.p, shares, paid));
            _store(fund, f, Cause.Insurance);
            b.fromInsurance = paid;
        }
        uint256 short = needed - paid;
        if (short == 0) return;
        uint256 debts = b.quote.liabilities;
        uint256 loss = b.quote.unsettledLoss;
        // each kind bears its part, so lenders do not pay for winners nor winners for lenders (DESIGN 8.4)
        if (loss != 0) {
            uint256 most = FixedPoint.mulDivDown(loss, b.quote.fraction, WAD);
            b.relief = FixedPoint.min(FixedPoint.mulDivDown(short, loss, debts + loss), most);
        }
        uint256 taken = FixedPoint.mulDivDown(debts, b.quote.fraction, WAD);
        if (taken == 0) return;
        b.cut = FixedPoint.mulDivDown(short, WAD, taken);
        b.cut = FixedPoint.min(FixedPoint.mulDivDown(b.cut, debts, debts + loss), WAD);
        b.writtenOff = FixedPoint.mulDivDown(taken, b.cut, WAD);
    }

    /// @dev Everything but the settlement asset. Backwards, since an emptied entry is filled by the last one. Claims taken round
    /// down, debts taken round up: a bid never lowers what the account is left with (L1).
    function _moveBalances(Bid memory b) private {
        for (uint256 i = _flags(b.w).count(); i != 0;) {
            (AssetId asset, int256 shares) = _entry(b.w, --i);
            if (asset == SETTLEMENT) continue;
            int256 part = b.quote.fraction == WAD ? shares : FixedPoint.mulDivFloor(shares, b.quote.fraction, WAD);
            if (part == 0) continue;
            _set(b.account, b.w, i, asset, shares - part);
            if (part < 0 && b.cut != 0) part = _cut(b, asset.number(), part);
            _give(b, asset, part);
        }
    }

    /// @dev Writes part of a debt off before the bidder gets the rest; `part` < 0. Returns the rest.
    function _cut(Bid memory b, uint256 n, int256 part) private returns (int256) {
        uint256 cutShares = FixedPoint.mulDivDown(uint256(-part), b.cut, WAD);
        if (cutShares == 0) return part;
        Pool memory p = _open(n);
        _writeOff(p, b.account, cutShares);
        _storePool(p);
        return part + int256(cutShares);
    }

    function _give(Bid memory b, AssetId asset, int256 part) private {
        if (part == 0) return;
        (uint256 j, int256 held) = _find(b.x, asset);
        if ((part > 0) == (held > 0) || held == 0) {
            _set(b.bidder, b.x, j, asset, held + part);
            return;
        }
        // a balance meets a debt: the pool's totals change
        Pool memory p = _open(asset.number());
        _set(b.bidder, b.x, j, asset, _shift(p, held, part));
        _storePool(p);
    }

    /// @dev The settlement asset, in assets because cash of earlier bids (`reserved`) stays: the fraction is taken of the rest.
    /// The changes of account, bidder, fee receiver and fund sum to zero but for the write-off.
    function _moveCash(Bid memory b) private {
        (uint256 i, int256 shares) = _find(b.w, SETTLEMENT);
        int256 part = FixedPoint.mulDivFloor(_worth(b.p, shares) - int256(b.quote.reserved), b.quote.fraction, WAD);
        int256 paid = b.quote.price > 0 ? b.quote.price : int256(0);
        _set(b.account, b.w, i, SETTLEMENT, _change(b.p, shares, paid - int256(b.quote.fee) - part));

        uint256 cutShares;
        if (part < 0 && b.cut != 0) {
            cutShares = ShareMath.toSharesDown(FixedPoint.mulDivDown(uint256(-part), b.cut, WAD), b.p.d.index());
            part += int256(ShareMath.toAssetsDown(cutShares, b.p.d.index()));
        }
        _changeBidder(b, part - paid + int256(b.fromInsurance));
        if (b.quote.fee != 0) _payFee(b);
        if (cutShares == 0) return;
        // last, when every other change is in: the debt that the account lost and the bidder did not get is cancelled here, once
        b.p.d = b.p.d.withDebtShares(b.p.d.debtShares() + cutShares);
        _writeOff(b.p, b.account, cutShares);
    }

    function _changeBidder(Bid memory b, int256 delta) private {
        if (delta < 0) {
            _takeBelowZero(b.bidder, b.x, SETTLEMENT, uint256(-delta), b.p);
            return;
        }
        (uint256 j, int256 shares) = _find(b.x, SETTLEMENT);
        _set(b.bidder, b.x, j, SETTLEMENT, _credit(b.p, shares, uint256(delta)));
    }

    /// @dev The starter's fee, part of the price; its receiver may be a party to the bid, whose words are in memory.
    function _payFee(Bid memory b) private {
        AccountId to = b.quote.feeTo;
        if (to == b.bidder) {
            _changeBidder(b, int256(b.quote.fee));
            return;
        }
        bool own = to == b.account;
        uint256[] memory f = own ? b.w : _load(to);
        (uint256 i, int256 shares) = _find(f, SETTLEMENT);
        _set(to, f, i, SETTLEMENT, _credit(b.p, shares, b.quote.fee));
        if (!own) _store(to, f, Cause.AuctionFee);
    }
}
