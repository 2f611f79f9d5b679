// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FeeTier, IExchange} from "../interfaces/IExchange.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {FillLeg} from "../interfaces/IPositions.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {AssetIdLib} from "../types/AssetId.sol";
import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";
import {AccountWord} from "./AccountWord.sol";
import {FeeTable, FeeTableLib} from "./FeeTable.sol";
import {Signatures} from "./Signatures.sol";

/// @title Fees by volume of the owner, maker and taker, perps and options apart.
/// @dev Notional is size × index, not × price: two friends choose their price, nobody chooses the index.
abstract contract Fees is Signatures {
    /// @dev Millionths: 1 %.
    uint256 private constant MAX_RATE = 10_000;
    /// @dev An option counts in the volume for at most so many times its premium.
    uint256 private constant PREMIUM_WEIGHT = 100;

    /// @dev The index prices asked for so far: the last one is kept, since legs of one underlying stand together.
    struct Index {
        IMarginEngine engine;
        uint256 underlying;
        uint256 price; // settlement units WAD per whole underlying
    }

    /// @dev One side of a fill.
    struct Side {
        AccountId book; // account 0 of the owner, which keeps his volume
        AccountWord word;
        uint256 volume; // before the fill
        uint256 fee;
    }

    function _indexOf(Index memory x, uint8 underlying) internal view returns (uint256) {
        if (x.underlying == underlying) return x.price;
        if (address(x.engine) == address(0)) x.engine = IMarginEngine(_safe.engine());
        x.underlying = underlying;
        return x.price = x.engine.midPrice(AssetIdLib.pool(underlying));
    }

    /// @dev Fees of both sides, each by its volume before the fill, which is then added to both.
    function _charge(
        FillLeg[] memory legs,
        AccountId maker,
        AccountId taker,
        Index memory x
    ) internal returns (uint256 makerFee, uint256 takerFee) {
        Side memory m = _side(maker);
        Side memory t = _side(taker);
        uint256 total;
        for (uint256 i = 0; i < legs.length; ++i) {
            uint256 notional = _notionalUp(legs[i], x);
            total += _countedDown(legs[i], notional);
            m.fee += _feeUp(legs[i], notional, m.volume, true);
            t.fee += _feeUp(legs[i], notional, t.volume, false);
        }
        total /= WAD;
        if (total != 0) {
            State storage s = _state();
            s.words[m.book] = m.word.withVolume(total, block.timestamp).withMakerFee(m.fee);
            s.words[t.book] = t.word.withVolume(total, block.timestamp);
        }
        return (m.fee, t.fee);
    }

    function _side(AccountId account) private view returns (Side memory side) {
        side.book = AccountIdLib.make(account.owner(), 0);
        side.word = _state().words[side.book];
        side.volume = side.word.volume(block.timestamp);
    }

    function _notionalUp(FillLeg memory leg, Index memory x) private view returns (uint256) {
        return FeeTableLib.worthUp(leg.size, _indexOf(x, leg.instrument.underlying()));
    }

    /// @dev An option counts by its premium where that is small: far from the money the cap makes its fee nothing, and two friends could
    /// fill each other up to the best tier for nothing.
    function _countedDown(FillLeg memory leg, uint256 notional) private pure returns (uint256) {
        if (leg.instrument.isPerp()) return notional;
        return FixedPoint.min(notional, FeeTableLib.worthUp(leg.size, leg.price) * PREMIUM_WEIGHT);
    }

    function _feeUp(FillLeg memory leg, uint256 notional, uint256 volume, bool asMaker) private view returns (uint256) {
        if (leg.instrument.isPerp()) return _state().perpFees.perpFeeUp(notional, volume, asMaker);
        uint256 premium = FeeTableLib.worthUp(leg.size, leg.price);
        return _state().optionFees.optionFeeUp(notional, premium, volume, asMaker);
    }

    // ---------------------------------------------------------------- governor

    function _setFees(FeeTier[] calldata tiers, uint16 optionCap) internal {
        require(tiers.length != 0 && tiers.length <= FeeTableLib.ROWS, InvalidFees("rows"));
        require(optionCap <= BPS, InvalidFees("option cap"));
        FeeTable perps;
        FeeTable options = FeeTable.wrap(0).withCap(optionCap);
        uint256 last;
        for (uint256 i = 0; i < tiers.length; ++i) {
            FeeTier calldata tier = tiers[i];
            require(tier.minVolume % FeeTableLib.VOLUME_UNIT == 0, InvalidFees("volume unit"));
            uint256 units = tier.minVolume / FeeTableLib.VOLUME_UNIT;
            require(i == 0 ? units == 0 : units > last && units < FeeTableLib.NEVER, InvalidFees("volume"));
            require(tier.perpMaker <= MAX_RATE && tier.perpTaker <= MAX_RATE, InvalidFees("perp rate"));
            require(tier.optionMaker <= MAX_RATE && tier.optionTaker <= MAX_RATE, InvalidFees("option rate"));
            perps = perps.withRow(i, units, tier.perpMaker, tier.perpTaker);
            options = options.withRow(i, units, tier.optionMaker, tier.optionTaker);
            last = units;
        }
        for (uint256 i = tiers.length; i < FeeTableLib.ROWS; ++i) {
            perps = perps.withRow(i, FeeTableLib.NEVER, 0, 0);
            options = options.withRow(i, FeeTableLib.NEVER, 0, 0);
        }
        (_state().perpFees, _state().optionFees) = (perps, options);
        emit FeesSet(tiers, optionCap);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IExchange
    function volumeOf(address owner) external view returns (uint256) {
        return _side(AccountIdLib.make(owner, 0)).volume;
    }

    /// @inheritdoc IExchange
    function makerFeesOf(address owner) external view returns (uint32) {
        return _state().words[AccountIdLib.make(owner, 0)].makerFees();
    }

    /// @inheritdoc IExchange
    function fees() external view returns (FeeTier[] memory tiers, uint16 optionCap) {
        (FeeTable perps, FeeTable options) = (_state().perpFees, _state().optionFees);
        uint256 n = 1;
        while (n < FeeTableLib.ROWS) {
            (uint256 units, , ) = perps.row(n);
            if (units == FeeTableLib.NEVER) break;
            ++n;
        }
        tiers = new FeeTier[](n);
        for (uint256 i = 0; i < n; ++i) {
            (uint256 units, uint256 perpMaker, uint256 perpTaker) = perps.row(i);
            (, uint256 optionMaker, uint256 optionTaker) = options.row(i);
            tiers[i] = FeeTier(
                uint64(units * FeeTableLib.VOLUME_UNIT),
                uint16(perpMaker),
                uint16(perpTaker),
                uint16(optionMaker),
                uint16(optionTaker)
            );
        }
        optionCap = uint16(options.cap());
    }

    /// @inheritdoc IExchange
    function feeOf(AccountId account, FillLeg[] calldata legs, bool asMaker) external view returns (uint256 fee) {
        uint256 volume = _side(account).volume;
        Index memory x;
        for (uint256 i = 0; i < legs.length; ++i) fee += _feeUp(legs[i], _notionalUp(legs[i], x), volume, asMaker);
    }
}
