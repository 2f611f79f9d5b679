// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {LibSort} from "solady/src/utils/LibSort.sol";

import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";
import {RuleWords} from "./RuleWords.sol";

/// @dev One live option of an account.
struct RuleOption {
    uint256 strike; // settlement units WAD
    int256 size; // whole underlyings WAD; positive is long
    int256 value; // of the whole leg at mark, signed, settlement units WAD, rounded down
    bool call;
}

/// @dev The account's options of one expiry.
struct RuleExpiry {
    uint256 forward; // settlement units WAD
    uint256 confidence; // WAD; min of forward's, rate's and volatility's
    RuleOption[] options;
}

/// @dev What the account holds of one underlying, at one index price (low or high).
struct RulePortfolio {
    uint256 spot; // index, settlement units WAD
    uint256 spotConfidence; // WAD; 1e18 for sources that say none
    int256 perpSize; // whole underlyings WAD
    uint256 perpMark; // settlement units WAD
    uint256 perpConfidence; // WAD
    uint256 openInterest; // one side, whole underlyings WAD, now
    uint256 slowOpenInterest; // the checkpoint that `maintenance` reckons with
    RuleExpiry[] expiries;
}

/// @title The rules of the standard model for perps and options (DESIGN 6.2)
/// @notice Margins here are what derivatives add to an account's: signed, settlement units WAD, at most 0. Each charge is rounded
/// up and each sum down. `U` (with it the perp's profit), premiums and spot are the caller's; option value enters only
/// through the larger of isolated and worst.
/// @dev Bounds that everything relies on: prices and strikes below 2^104 (2·10^13 settlement units, else `PriceTooLarge`), sizes
/// int128, at most 128 positions, so that values stay below 2^240. Then no product here passes 2^255.
library StandardRules {
    /// @dev More than any market's price; nothing is reckoned with it.
    error PriceTooLarge(uint256 price);

    uint256 private constant MAX_PRICE = 1 << 104;
    uint256 private constant BPS_WAD = BPS * WAD;
    /// @dev Basis points to WAD.
    uint256 private constant BPS_TO_WAD = 1e14;

    /// @notice Both margins of everything held of one underlying. `initial` ≤ `maintenance` ≤ 0 with words that pass `requireSane`.
    /// @param settlementPrice USD per settlement token, WAD: below the peg's threshold it lowers `initial`.
    function margin(
        RulePortfolio memory p,
        RuleWords w,
        uint256 settlementPrice
    ) internal pure returns (int256 initial, int256 maintenance) {
        unchecked {
            require(p.spot < MAX_PRICE, PriceTooLarge(p.spot));
            uint256 exposed; // whole underlyings that a depeg lowers `initial` for: perps and short options
            if (p.perpSize != 0) {
                (initial, maintenance) = perp(p, w);
                exposed = _abs(p.perpSize);
            }
            for (uint256 i; i < p.expiries.length; ++i) {
                (int256 im, int256 mm, uint256 shorts) = expiry(p.spot, p.spotConfidence, p.expiries[i], w);
                initial += im;
                maintenance += mm;
                exposed += shorts;
            }
            uint256 threshold = w.pegThreshold() * BPS_TO_WAD;
            if (settlementPrice < threshold) {
                uint256 part = (threshold - settlementPrice) * w.pegFactor();
                initial -= int256(FixedPoint.mulDivUp(part * exposed, p.spot, BPS_WAD * WAD));
            }
        }
    }

    /// @notice −ratio·notional, the ratio rising in brackets; less a part of |size|·S where spot or premium are unsure.
    function perp(RulePortfolio memory p, RuleWords w) internal pure returns (int256 initial, int256 maintenance) {
        unchecked {
            require(p.perpMark < MAX_PRICE, PriceTooLarge(p.perpMark));
            uint256 size = _abs(p.perpSize);
            uint256 notional = _divUp(size * p.perpMark, WAD);
            uint256 ratio = w.perpMaintenance();
            uint256 charge = _divUp(notional * ratio, BPS);
            uint256 initialCharge = _divUp(notional * (ratio + w.perpInitialExtra()), BPS);
            (uint256 addOnInitial, uint256 addOn) = brackets(p, w, notional);
            charge += addOn;
            initialCharge += addOnInitial;
            initialCharge += _unsure(w, FixedPoint.min(p.spotConfidence, p.perpConfidence), size, p.spot);
            return (-int256(initialCharge), -int256(charge));
        }
    }

    /// @notice What brackets add to the charges of a perp of `notional`, by the larger of it and κ · open interest.
    function brackets(
        RulePortfolio memory p,
        RuleWords w,
        uint256 notional
    ) internal pure returns (uint256 initial, uint256 maintenance) {
        if (!w.hasBrackets()) return (0, 0);
        initial = maintenance = _brackets(w, notional, p.slowOpenInterest, p.perpMark);
        // The larger of both totals, so that `initial` never asks for less than `maintenance`.
        if (p.openInterest > p.slowOpenInterest) initial = _brackets(w, notional, p.openInterest, p.perpMark);
    }

    /// @notice max(isolated, worst) of one expiry; `initial` less a part of Σ|short|·S where a feed is unsure.
    /// `shorts` is Σ |size| of its short options.
    function expiry(
        uint256 spot,
        uint256 spotConfidence,
        RuleExpiry memory e,
        RuleWords w
    ) internal pure returns (int256 initial, int256 maintenance, uint256 shorts) {
        unchecked {
            (initial, maintenance, shorts) = _isolatedSum(spot, e.options, w);
            // Without shorts isolated is 0, and worst at most 0.
            if (shorts == 0) return (0, 0, 0);
            (int256 worstInitial, int256 worstMaintenance) = _worst(e, w);
            initial = FixedPoint.max(initial, worstInitial);
            maintenance = FixedPoint.max(maintenance, worstMaintenance);
            initial -= int256(_unsure(w, FixedPoint.min(spotConfidence, e.confidence), shorts, spot));
        }
    }

    /// @notice What one short option needs by itself, its value in it.
    function isolated(
        uint256 spot,
        RuleOption memory o,
        RuleWords w
    ) internal pure returns (int256 initial, int256 maintenance) {
        unchecked {
            uint256 size = uint256(-o.size);
            // max(a − otm, b)·S = max(a·S − |K − S| where out of the money, b·S): nothing is divided by S
            uint256 out;
            if (o.call) out = o.strike > spot ? o.strike - spot : 0;
            else out = spot > o.strike ? spot - o.strike : 0;
            uint256 least = w.b() * spot;
            uint256 most = w.a() * spot;
            out *= BPS;
            uint256 perUnit = most > least + out ? most - out : least;
            initial = o.value - int256(_divUp(perUnit * size, BPS_WAD));
            uint256 charge = _divUp(w.c() * spot * size, BPS_WAD);
            if (o.call) return (initial, o.value - int256(charge));
            if (o.value < 0) charge = FixedPoint.max(charge, _divUp(w.d() * uint256(-o.value), BPS));
            maintenance = o.value - int256(charge);
            if (maintenance < 0) {
                initial = FixedPoint.min(initial, -int256(_divUp(uint256(-maintenance) * w.e(), BPS)));
            }
        }
    }

    /// @notice min over prices {0, every strike} of Σ payoff, and 0, in units of 1e-36 (nothing is rounded); and Σ size of the calls.
    /// @dev The payoff is linear between strikes. Beyond the last one its slope is `netCalls`: if that is negative the
    /// payoff has no least value, which is what the charge on unpaired calls stands for.
    ///
    /// At price 0 the payoff is Σ n·K over puts with slope −Σ n over puts, and at each strike the slope grows by n, whether
    /// call or put: so one sweep over sorted strikes sees every kink. Sorting 128 of them costs 60k gas, at worst (strikes in an
    /// order made against the choice of pivots) 200k; comparing each with each would cost 1.6M.
    function worstPayoff(RuleOption[] memory options) internal pure returns (int256 worst, int256 netCalls) {
        unchecked {
            uint256 count = options.length;
            // strike 104 bits | size 128: sorted as they stand
            uint256[] memory kinks = new uint256[](count);
            int256 payoff;
            int256 slope;
            for (uint256 i; i < count; ++i) {
                RuleOption memory o = options[i];
                (uint256 strike, int256 size) = (o.strike, o.size);
                require(strike < MAX_PRICE, PriceTooLarge(strike));
                kinks[i] = (strike << 128) | uint128(int128(size));
                if (o.call) {
                    netCalls += size;
                } else {
                    payoff += size * int256(strike);
                    slope -= size;
                }
            }
            LibSort.sort(kinks);
            worst = FixedPoint.min(payoff, 0);
            uint256 price;
            for (uint256 i; i < count; ++i) {
                uint256 kink = kinks[i];
                payoff += slope * int256((kink >> 128) - price);
                price = kink >> 128;
                slope += int128(uint128(kink));
                if (payoff < worst) worst = payoff;
            }
        }
    }

    /// @dev Long options count nothing: their value is no margin.
    function _isolatedSum(
        uint256 spot,
        RuleOption[] memory options,
        RuleWords w
    ) private pure returns (int256 initial, int256 maintenance, uint256 shorts) {
        unchecked {
            for (uint256 i; i < options.length; ++i) {
                RuleOption memory o = options[i];
                if (o.size >= 0) continue;
                shorts += uint256(-o.size);
                (int256 im, int256 mm) = isolated(spot, o, w);
                initial += im;
                maintenance += mm;
            }
        }
    }

    /// @dev The worst payoff, less the charge on net short calls.
    function _worst(RuleExpiry memory e, RuleWords w) private pure returns (int256 initial, int256 maintenance) {
        unchecked {
            require(e.forward < MAX_PRICE, PriceTooLarge(e.forward));
            (int256 payoff, int256 netCalls) = worstPayoff(e.options);
            // payoff ≤ 0: rounded down
            initial = -int256(_divUp(uint256(-payoff), WAD));
            maintenance = initial;
            if (netCalls < 0) {
                uint256 unpaired = uint256(-netCalls) * e.forward;
                initial -= int256(_divUp(unpaired * w.unpairedInitial(), BPS_WAD));
                maintenance -= int256(_divUp(unpaired * w.unpairedMaintenance(), BPS_WAD));
            }
        }
    }

    /// @dev factor·(1 − confidence)·size·S where the confidence is below the threshold, else 0.
    function _unsure(
        RuleWords w,
        uint256 confidence,
        uint256 size,
        uint256 spot
    ) private pure returns (uint256 charge) {
        unchecked {
            if (confidence >= w.confidenceThreshold() * BPS_TO_WAD) return 0;
            charge = FixedPoint.mulDivUp((WAD - confidence) * w.confidenceFactor() * size, spot, BPS_WAD * WAD);
        }
    }

    /// @dev notional · Σ addOnᵢ · (X − sizeᵢ)⁺ / X with X = max(notional, κ · open interest · mark), rounded up.
    function _brackets(
        RuleWords w,
        uint256 notional,
        uint256 openInterest,
        uint256 mark
    ) private pure returns (uint256 charge) {
        unchecked {
            uint256 x = FixedPoint.max(notional, FixedPoint.mulDivUp(w.kappa() * openInterest, mark, BPS_WAD));
            charge = _bracket(notional * w.addOn1(), x, w.size1() * WAD);
            charge += _bracket(notional * w.addOn2(), x, w.size2() * WAD);
        }
    }

    function _bracket(uint256 charged, uint256 x, uint256 size) private pure returns (uint256) {
        unchecked {
            return x > size && charged != 0 ? FixedPoint.mulDivUp(charged, x - size, x * BPS) : 0;
        }
    }

    function _divUp(uint256 value, uint256 by) private pure returns (uint256) {
        unchecked {
            return value == 0 ? 0 : (value - 1) / by + 1;
        }
    }

    function _abs(int256 value) private pure returns (uint256) {
        unchecked {
            return uint256(value < 0 ? -value : value);
        }
    }
}
