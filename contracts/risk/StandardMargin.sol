// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {UnderlyingPrice} from "../interfaces/IMarginModel.sol";
import {ISizeCheckpoints} from "../interfaces/IRisk.sol";
import {AssetId, AssetIdLib, SETTLEMENT} from "../types/AssetId.sol";
import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Holding} from "../types/Holding.sol";
import {PriceBook} from "./PriceBook.sol";
import {FeedWord, HaircutWord, RiskTable, TableHeader, TableRamp} from "./RiskTable.sol";

/// @dev Haircuts of one holding, WAD. `base` is what a group may lower; `add` is the brackets' average add-on.
struct Haircut {
    uint256 baseInitial;
    uint256 baseMaintenance;
    uint256 addInitial;
    uint256 addMaintenance;
}

/// @dev A sum of values and of the haircuts charged on them. Margin = value − charge.
struct Tally {
    int256 value;
    uint256 chargeInitial;
    uint256 chargeMaintenance;
    uint256 debts; // what of `value` is owed, at mark
}

/// @dev Holdings that are valued together.
struct Cluster {
    uint256 members; // bit i: holding i
    uint256[] prices; // by holding: low in the high half, high in the low half
    bool spread; // some low differs from its high
    bool onlyCash; // settlement asset and its vault share alone: prices and sums in settlement units
    bool group;
    uint256 groupInitial;
    uint256 groupMaintenance;
}

/// @dev A cluster at one side of its prices: values, and what the members' own haircuts charge on them.
struct Side {
    uint256 collateral;
    uint256 collateralInitial;
    uint256 collateralMaintenance;
    uint256 owed;
    uint256 owedInitial;
    uint256 owedMaintenance;
    uint256 addInitial; // brackets and set-off: never lowered by a match
    uint256 addMaintenance;
    uint256 debts; // with what vault shares cancel
}

/// @dev One evaluation of an account. Sums are flat: a nested struct would be one more allocation in every check.
struct Evaluation {
    TableHeader head;
    uint256 records; // where the records of assets begin in the code
    uint256 ramp; // weight of the new haircuts, WAD; 1e18 = no ramp, or over
    uint256 purpose;
    uint256 settlementPrice; // USD, 0 until read
    // The settlement asset alone, in settlement units
    int256 cash;
    uint256 cashInitial;
    uint256 cashMaintenance;
    uint256 cashDebts;
    // All else, in USD: divided by the settlement price once, at the end
    int256 usd;
    uint256 usdInitial;
    uint256 usdMaintenance;
    uint256 usdDebts;
    /// @dev Prices read before, with their assets: see {LedgerMargin}. Empty in a spot account.
    uint256[] book;
    UnderlyingPrice[] booked;
}

/// @title The spot part of the standard model (DESIGN 6.1)
/// @notice Positive balance: value · (1 − h). Debt: value · (1 + h). Values are WAD; every rounding goes against the account:
/// values of collateral down, of debts up, haircuts and charges up.
///
/// **Brackets.** With X = max(size, κ · total collateral), the charge is value · Σ addOnᵢ · (X − sizeᵢ)⁺ / X beside the base
/// haircut: an account as large as X pays each add-on on the part above each size, like an income tax, and a smaller
/// one pays the same average, so that splitting an account changes nothing once κ · total is the larger. `size` counts a
/// pool balance and vault shares of that pool together.
///
/// **Vault shares** count for what exceeds the account's debt in that asset: (V − D)⁺·(1 − h_v) − (D − V)⁺·(1 + h_d) −
/// min(V, D)·h_v. The last term bounds loops that lend to themselves.
///
/// **Groups.** With C the group's collateral and D its debts by value, the matched m = min(C, D) is charged the group's
/// haircut on both sides, and every member's own haircut applies to its part of what is not matched: own charges of
/// collateral times (C − m)/C, of debts times (D − m)/D. Add-ons of brackets are never lowered.
abstract contract StandardMargin is PriceBook {
    /// @dev Basis points to WAD.
    uint256 private constant BPS_WAD = 1e14;

    ISizeCheckpoints private immutable _checkpoints;

    constructor(ISizeCheckpoints checkpoints) {
        _checkpoints = checkpoints;
    }

    /// @dev Nothing here overflows, so nothing is checked: a value is at most 2^128 · 2^104, a charge at most the value, and
    /// there are a few dozen of them.
    function _evaluate(Holding[] calldata holdings, uint256 purpose) internal view returns (Evaluation memory e) {
        unchecked {
            (TableHeader head, TableRamp ramp) = RiskTable.header();
            uint256 records = RiskTable.records(head);
            (e.head, e.records) = (head, records);
            e.ramp = ramp.exists() ? ramp.progress(block.timestamp) : WAD;
            e.purpose = purpose;

            uint256 count = holdings.length;
            uint256 linkedKinds = _linkedKinds(holdings);
            uint256 linked; // bit i: holding i has to be valued together with others
            for (uint256 i; i < count; ++i) {
                Holding holding = _at(holdings, i);
                AssetId asset = holding.asset();
                uint256 index = RiskTable.indexOf(head, asset);
                if (index == RiskTable.NONE) {
                    _requireWorthless(holding);
                    continue;
                }
                (FeedWord feed, HaircutWord word) = RiskTable.record(records, index);
                if (!feed.listed()) {
                    _requireWorthless(holding);
                } else if (word.group() != 0 || (linkedKinds >> asset.kind()) & 1 != 0) {
                    linked |= 1 << i;
                } else if (asset == SETTLEMENT) {
                    _addCash(e, feed, word, holding.amount());
                } else {
                    _addAlone(e, holding, index, feed, word);
                }
            }
            if (linked != 0) _addLinked(e, holdings, linked);
        }
    }

    /// @dev Value less charges, in settlement units, rounded down.
    function _total(Evaluation memory e, uint256 cashCharge, uint256 usdCharge) internal pure returns (int256 total) {
        unchecked {
            total = e.cash - int256(cashCharge);
            int256 usd = e.usd - int256(usdCharge);
            if (usd != 0) total += _perSettlement(usd, e.settlementPrice);
        }
    }

    /// @dev usd · 10^18 / price, rounded down.
    function _perSettlement(int256 usd, uint256 price) private pure returns (int256 value) {
        unchecked {
            // What fits is divided at once; nothing real does not.
            if (_abs(usd) >> 194 != 0) return FixedPoint.mulDivFloor(usd, WAD, price);
            int256 product = usd * int256(WAD);
            value = product / int256(price);
            if (product < 0 && value * int256(price) != product) --value;
        }
    }

    /// @dev What is owed, in settlement units, rounded up.
    function _liabilities(Evaluation memory e) internal pure returns (uint256 total) {
        total = e.cashDebts;
        if (e.usdDebts != 0) total += FixedPoint.mulDivUp(e.usdDebts, WAD, e.settlementPrice);
    }

    /// @dev Haircuts of `size` token units held alone, WAD.
    function _haircut(
        Evaluation memory e,
        AssetId asset,
        uint256 index,
        HaircutWord word,
        uint256 size
    ) internal view returns (uint256 initial, uint256 maintenance) {
        unchecked {
            if (e.ramp == WAD && !word.hasBrackets()) {
                maintenance = word.maintenance() * BPS_WAD;
                return (maintenance + word.initialExtra() * BPS_WAD, maintenance);
            }
            Haircut memory h = _haircutInForce(e, asset, index, word, size);
            return (h.baseInitial + h.addInitial, h.baseMaintenance + h.addMaintenance);
        }
    }

    // ------------------------------------------------------------------ alone
    /// @dev The settlement asset is its own unit: no price.
    function _addCash(Evaluation memory e, FeedWord feed, HaircutWord word, int256 amount) internal view {
        unchecked {
            int256 value = _value(amount, WAD, feed.tokenDecimals());
            e.cash += value;
            uint256 size = _abs(value);
            if (value < 0) e.cashDebts += size;
            (uint256 initial, uint256 maintenance) = _haircut(e, SETTLEMENT, 0, word, _abs(amount));
            if (initial == 0) return;
            e.cashInitial += FixedPointMathLib.mulWadUp(size, initial);
            e.cashMaintenance += FixedPointMathLib.mulWadUp(size, maintenance);
        }
    }

    function _addAlone(
        Evaluation memory e,
        Holding holding,
        uint256 index,
        FeedWord feed,
        HaircutWord word
    ) private view {
        unchecked {
            uint256 price = _alonePrice(e, holding, feed, word);
            int256 value = _value(holding.amount(), price, feed.tokenDecimals());
            e.usd += value;
            (uint256 initial, uint256 maintenance) = _haircut(e, holding.asset(), index, word, _abs(holding.amount()));
            uint256 size = _abs(value);
            if (value < 0) e.usdDebts += size;
            // Only what the purpose asks for.
            if (e.purpose != LIQUIDATION) e.usdInitial += FixedPointMathLib.mulWadUp(size, initial);
            if (e.purpose != INITIAL) e.usdMaintenance += FixedPointMathLib.mulWadUp(size, maintenance);
        }
    }

    /// @dev An underlying with one balance is monotone in its price: collateral is worth least at the low price and debt
    /// weighs most at the high one, so one of the two is the smaller result and the other the larger.
    function _alonePrice(
        Evaluation memory e,
        Holding holding,
        FeedWord feed,
        HaircutWord word
    ) private view returns (uint256) {
        AssetId asset = holding.asset();
        uint256 settlementPrice = e.settlementPrice;
        if (settlementPrice == 0) e.settlementPrice = settlementPrice = _settlementPrice(e.head, e.records, asset);
        (uint256 low, uint256 high) = _prices(e.head, asset, feed, word, settlementPrice, e.purpose);
        return (holding.amount() > 0) == (e.purpose == INITIAL) ? low : high;
    }

    // ------------------------------------------------------------------ linked
    /// @dev Values every group, and every pool with its vault share, as a whole: at the low prices and at the high ones.
    function _addLinked(Evaluation memory e, Holding[] calldata holdings, uint256 linked) private view {
        Cluster memory c;
        c.prices = new uint256[](holdings.length);
        while (linked != 0) {
            _gather(e, c, holdings, linked);
            linked &= ~c.members;
            Tally memory best = _valueAt(e, c, holdings, false);
            if (c.spread) {
                Tally memory other = _valueAt(e, c, holdings, true);
                bool take =
                    e.purpose == INITIAL
                        ? other.value - int256(other.chargeInitial) < best.value - int256(best.chargeInitial)
                        : other.value - int256(other.chargeMaintenance) > best.value - int256(best.chargeMaintenance);
                if (take) best = other;
            }
            if (c.onlyCash) {
                e.cash += best.value;
                e.cashInitial += best.chargeInitial;
                e.cashMaintenance += best.chargeMaintenance;
                e.cashDebts += best.debts;
            } else {
                e.usd += best.value;
                e.usdInitial += best.chargeInitial;
                e.usdMaintenance += best.chargeMaintenance;
                e.usdDebts += best.debts;
            }
        }
    }

    /// @dev Fills `c` with the first of the `linked` holdings and all that belong to it, and with their prices: one per
    /// underlying, each source read once.
    function _gather(Evaluation memory e, Cluster memory c, Holding[] calldata holdings, uint256 linked) internal view {
        uint256 first = FixedPointMathLib.log2(linked & (~linked + 1));
        uint256 key = _clusterKey(e, _at(holdings, first).asset());
        (c.members, c.onlyCash, c.spread) = (0, true, false);
        for (uint256 i = first; i < holdings.length; ++i) {
            AssetId asset = _at(holdings, i).asset();
            if (linked & (1 << i) == 0 || _clusterKey(e, asset) != key) continue;
            c.members |= 1 << i;
            if (_underlyingOf(asset) != SETTLEMENT) c.onlyCash = false;
        }
        for (uint256 i = first; i < holdings.length; ++i) {
            if (c.members & (1 << i) == 0) continue;
            AssetId underlying = _underlyingOf(_at(holdings, i).asset());
            uint256 price;
            for (uint256 j = first; j < i; ++j) {
                if (c.members & (1 << j) != 0 && _underlyingOf(_at(holdings, j).asset()) == underlying)
                    price = c.prices[j];
            }
            if (price == 0) price = _packedPrice(e, underlying, c.onlyCash);
            c.prices[i] = price;
            if (price >> 128 != price & type(uint128).max) c.spread = true;
        }
        (c.group, c.groupInitial, c.groupMaintenance) = _groupHaircut(e, _at(holdings, first).asset());
    }

    /// @dev Low price in the high half, high price in the low half; never 0.
    function _packedPrice(Evaluation memory e, AssetId underlying, bool onlyCash) internal view returns (uint256) {
        if (onlyCash) return (WAD << 128) | WAD;
        for (uint256 i; i < e.book.length; ++i) {
            if (e.booked[i].number == AssetId.unwrap(underlying)) return e.book[i];
        }
        uint256 settlementPrice = e.settlementPrice;
        if (settlementPrice == 0) e.settlementPrice = settlementPrice = _settlementPrice(e.head, e.records, underlying);
        if (underlying == SETTLEMENT) return (settlementPrice << 128) | settlementPrice;
        (FeedWord feed, HaircutWord word) = RiskTable.record(e.records, RiskTable.indexOf(e.head, underlying));
        (uint256 low, uint256 high) = _prices(e.head, underlying, feed, word, settlementPrice, e.purpose);
        return (low << 128) | high;
    }

    /// @dev What belongs together: a group's members (it wins), else a pool and its vault share, else the asset alone.
    function _clusterKey(Evaluation memory e, AssetId asset) private pure returns (uint256) {
        (, HaircutWord word) = RiskTable.record(e.records, RiskTable.indexOf(e.head, asset));
        uint256 group = word.group();
        return group != 0 ? (1 << 16) | group : AssetId.unwrap(_underlyingOf(asset));
    }

    /// @dev The cluster at one side of its prices.
    function _valueAt(
        Evaluation memory e,
        Cluster memory c,
        Holding[] calldata holdings,
        bool high
    ) internal view returns (Tally memory t) {
        Side memory s;
        for (uint256 i; i < holdings.length; ++i) {
            if (c.members & (1 << i) == 0) continue;
            AssetId asset = _at(holdings, i).asset();
            int256 amount = _at(holdings, i).amount();
            int256 shares;
            uint256 kind = asset.kind();
            if (kind == AssetIdLib.KIND_VAULT_SHARE) {
                // With its pool, if that is held too: there.
                (bool held, ) = _find(holdings, c.members, AssetIdLib.pool(asset.number()));
                if (held) continue;
                (shares, amount) = (amount, 0);
            } else if (kind == AssetIdLib.KIND_POOL) {
                (, shares) = _find(holdings, c.members, AssetIdLib.vaultShare(asset.number()));
            }
            uint256 price = high ? c.prices[i] & type(uint128).max : c.prices[i] >> 128;
            _addUnderlying(e, s, _underlyingOf(asset), amount, shares, price);
        }
        _match(c, s, t);
    }

    /// @dev A pool balance (or idle asset) and the vault shares of the same pool, in units of the same token.
    function _addUnderlying(
        Evaluation memory e,
        Side memory s,
        AssetId underlying,
        int256 amount,
        int256 shares,
        uint256 price
    ) private view {
        uint256 decimals;
        {
            (FeedWord feed, ) = RiskTable.record(e.records, RiskTable.indexOf(e.head, underlying));
            decimals = feed.tokenDecimals();
        }
        int256 owned = amount > 0 ? amount : int256(0);
        int256 cancelled = amount < 0 ? FixedPoint.min(shares, -amount) : int256(0);
        if (shares > 0) {
            Haircut memory h = _haircutOf(e, AssetIdLib.vaultShare(underlying.number()), _abs(shares + owned));
            if (cancelled > 0) {
                // Rounded like a debt: what is charged on it is a pure cost.
                uint256 value = _abs(_value(-cancelled, price, decimals));
                s.addInitial += FixedPointMathLib.mulWadUp(value, h.baseInitial + h.addInitial);
                s.addMaintenance += FixedPointMathLib.mulWadUp(value, h.baseMaintenance + h.addMaintenance);
            }
            _addLeg(s, h, _value(shares - cancelled, price, decimals));
        }
        if (amount != 0) {
            Haircut memory h = _haircutOf(e, underlying, amount > 0 ? _abs(owned + shares) : _abs(amount));
            _addLeg(s, h, _value(amount + cancelled, price, decimals));
            if (amount < 0) s.debts += _abs(_value(amount, price, decimals));
        }
    }

    function _addLeg(Side memory s, Haircut memory h, int256 signed) private pure {
        uint256 value = _abs(signed);
        if (signed >= 0) {
            s.collateral += value;
            s.collateralInitial += FixedPointMathLib.mulWadUp(value, h.baseInitial);
            s.collateralMaintenance += FixedPointMathLib.mulWadUp(value, h.baseMaintenance);
        } else {
            s.owed += value;
            s.owedInitial += FixedPointMathLib.mulWadUp(value, h.baseInitial);
            s.owedMaintenance += FixedPointMathLib.mulWadUp(value, h.baseMaintenance);
        }
        s.addInitial += FixedPointMathLib.mulWadUp(value, h.addInitial);
        s.addMaintenance += FixedPointMathLib.mulWadUp(value, h.addMaintenance);
    }

    /// @dev Sums a side up, its matched part at the group's haircuts.
    function _match(Cluster memory c, Side memory s, Tally memory t) private pure {
        t.value = int256(s.collateral) - int256(s.owed);
        t.debts = s.debts;
        uint256 matched = c.group ? FixedPoint.min(s.collateral, s.owed) : 0;
        t.chargeInitial = s.addInitial + 2 * FixedPointMathLib.mulWadUp(matched, c.groupInitial);
        t.chargeMaintenance = s.addMaintenance + 2 * FixedPointMathLib.mulWadUp(matched, c.groupMaintenance);
        if (s.collateral != matched) {
            uint256 free = s.collateral - matched;
            t.chargeInitial += FixedPoint.mulDivUp(s.collateralInitial, free, s.collateral);
            t.chargeMaintenance += FixedPoint.mulDivUp(s.collateralMaintenance, free, s.collateral);
        }
        if (s.owed != matched) {
            uint256 free = s.owed - matched;
            t.chargeInitial += FixedPoint.mulDivUp(s.owedInitial, free, s.owed);
            t.chargeMaintenance += FixedPoint.mulDivUp(s.owedMaintenance, free, s.owed);
        }
    }

    // ------------------------------------------------------------------ haircuts
    function _haircutOf(Evaluation memory e, AssetId asset, uint256 size) private view returns (Haircut memory) {
        uint256 index = RiskTable.indexOf(e.head, asset);
        (, HaircutWord word) = RiskTable.record(e.records, index);
        return _haircutInForce(e, asset, index, word, size);
    }

    /// @dev During a ramp: between the haircuts before it and those after it, by the time gone.
    function _haircutInForce(
        Evaluation memory e,
        AssetId asset,
        uint256 index,
        HaircutWord word,
        uint256 size
    ) private view returns (Haircut memory h) {
        bool ramping = e.ramp != WAD;
        HaircutWord before = ramping ? RiskTable.previous(e.head, index) : word;
        uint256 live;
        uint256 checkpoint;
        if (word.kappa() != 0 || before.kappa() != 0) (live, checkpoint) = _totals(e, asset);
        _setHaircut(h, word, size, live, checkpoint);
        if (!ramping) return h;

        Haircut memory old;
        _setHaircut(old, before, size, live, checkpoint);
        h.baseInitial = _between(old.baseInitial, h.baseInitial, e.ramp);
        h.baseMaintenance = _between(old.baseMaintenance, h.baseMaintenance, e.ramp);
        h.addInitial = _between(old.addInitial, h.addInitial, e.ramp);
        h.addMaintenance = _between(old.addMaintenance, h.addMaintenance, e.ramp);
    }

    /// @dev The live total counts in `initial` only. It takes the larger of both: an account that passes `initial` is not
    /// below `maintenance` in the same moment because the total has just fallen. At mid, where the reduce-only rule compares
    /// two moments of one session, it stays out: else a deposit elsewhere in the session would raise the requirement
    /// at the start and its withdrawal would pay for a loss.
    function _totals(Evaluation memory e, AssetId asset) private view returns (uint256 live, uint256 checkpoint) {
        if (e.purpose != INITIAL) {
            checkpoint = _checkpoints.checkpointOf(asset);
            return (checkpoint, checkpoint);
        }
        (live, checkpoint) = _checkpoints.sizesOf(asset);
        live = FixedPoint.max(live, checkpoint);
    }

    function _setHaircut(
        Haircut memory h,
        HaircutWord word,
        uint256 size,
        uint256 live,
        uint256 checkpoint
    ) private pure {
        h.baseMaintenance = word.maintenance() * BPS_WAD;
        h.baseInitial = h.baseMaintenance + word.initialExtra() * BPS_WAD;
        if (!word.hasBrackets()) return;
        h.addMaintenance = _addOn(word, size, checkpoint);
        h.addInitial = live == checkpoint ? h.addMaintenance : _addOn(word, size, live);
    }

    /// @dev Σ addOnᵢ · (X − sizeᵢ)⁺ / X, WAD, rounded up, with X = max(size, κ · total).
    function _addOn(HaircutWord word, uint256 size, uint256 total) private pure returns (uint256) {
        uint256 x = FixedPoint.max(size, FixedPoint.mulDivUp(word.kappa(), total, BPS));
        (uint256 size1, uint256 size2) = (word.size1(), word.size2());
        uint256 extra;
        if (size1 != 0 && x > size1) extra = word.addOn1() * (x - size1);
        if (size2 != 0 && x > size2) extra += word.addOn2() * (x - size2);
        return extra == 0 ? 0 : FixedPoint.mulDivUp(extra, BPS_WAD, x);
    }

    function _groupHaircut(
        Evaluation memory e,
        AssetId asset
    ) private pure returns (bool group, uint256 initial, uint256 maintenance) {
        uint256 index = RiskTable.indexOf(e.head, asset);
        (, HaircutWord word) = RiskTable.record(e.records, index);
        if (word.group() == 0) return (false, 0, 0);
        maintenance = word.groupMaintenance() * BPS_WAD;
        initial = maintenance + word.groupInitialExtra() * BPS_WAD;
        if (e.ramp != WAD) {
            HaircutWord before = RiskTable.previous(e.head, index);
            uint256 oldMaintenance = before.groupMaintenance() * BPS_WAD;
            initial = _between(oldMaintenance + before.groupInitialExtra() * BPS_WAD, initial, e.ramp);
            maintenance = _between(oldMaintenance, maintenance, e.ramp);
        }
        return (true, initial, maintenance);
    }

    // ------------------------------------------------------------------ leaves
    /// @dev amount · price / 10^decimals, towards minus infinity: collateral down, debt up.
    function _value(int256 amount, uint256 price, uint256 decimals) private pure returns (int256) {
        unchecked {
            // |amount| ≤ 2^128 (a holding, or the sum of two), price < 2^104, decimals ≤ 24: nothing overflows. Signed
            // division cuts towards zero.
            int256 product = amount * int256(price);
            int256 unit = int256(10 ** decimals);
            int256 value = product / unit;
            if (product < 0 && value * unit != product) --value;
            return value;
        }
    }

    function _between(uint256 from, uint256 to, uint256 weight) private pure returns (uint256) {
        return FixedPointMathLib.divUp(from * (WAD - weight) + to * weight, WAD);
    }

    function _abs(int256 x) private pure returns (uint256) {
        return FixedPointMathLib.abs(x);
    }

    function _underlyingOf(AssetId asset) internal pure returns (AssetId) {
        return asset.kind() == AssetIdLib.KIND_VAULT_SHARE ? AssetIdLib.pool(asset.number()) : asset;
    }

    /// @dev What is in the safe but not yet in the table counts nothing: paying it into an account must not stop its
    /// liquidation (O1, A1). Nobody can owe it.
    function _requireWorthless(Holding holding) internal pure {
        require(holding.amount() >= 0, AssetNotInTable(holding.asset()));
    }

    /// @dev Bit k: assets of kind k may have a sibling in the list. Without a vault share none has; the high one of the two
    /// kind bits is set in vault shares only.
    function _linkedKinds(Holding[] calldata holdings) internal pure returns (uint256) {
        unchecked {
            uint256 all;
            for (uint256 i; i < holdings.length; ++i) {
                all |= Holding.unwrap(_at(holdings, i));
            }
            return all >> 251 == 0 ? 0 : (1 << AssetIdLib.KIND_VAULT_SHARE) | (1 << AssetIdLib.KIND_POOL);
        }
    }

    /// @dev `holdings[i]` without the bounds check: every caller loops below the length, or has a bit of such a loop.
    function _at(Holding[] calldata holdings, uint256 i) private pure returns (Holding holding) {
        assembly ("memory-safe") {
            holding := calldataload(add(holdings.offset, shl(5, i)))
        }
    }

    /// @dev Among the members of a cluster alone: a share that the table does not list counts nothing beside its pool too.
    function _find(
        Holding[] calldata holdings,
        uint256 members,
        AssetId asset
    ) private pure returns (bool held, int256 amount) {
        for (uint256 i; i < holdings.length; ++i) {
            if (members & (1 << i) != 0 && _at(holdings, i).asset() == asset) return (true, _at(holdings, i).amount());
        }
    }
}
