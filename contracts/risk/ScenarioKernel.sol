// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {NormalTableLib} from "./NormalTable.sol";

/// @title Σ n·N(d1) and Σ n·K·N(d2) over shocks, the innermost loop of the scenario grid
/// @notice The only place where speed decides everything: assembly, held against {NormalTableLib-cdf} and a plain version by fuzzing.
///
/// An accumulator is one word for one shock, from the top: Σ a·N(d1) 112 bits, signed | Σ b·N(d2) 112 bits, signed | ln s 32 bits (see
/// {ScenarioTableLib-logOf}). Weights are multiples of 2^32 or more, so adding never touches ln s; and either lane stays inside ±2^111
/// because Σ|a| and Σ|b| stay below 2^57 before their shift and N ≤ 2^54. A negative lower lane borrows one from the upper: {unpack} gives
/// it back.
///
/// The width of a leg under a rule, σ'√T in units of arguments, is max(σ·scale / 2^64, least).
library ScenarioKernel {
    /// @dev One volatility rule with its cells, and the leg in hand.
    struct Rule {
        uint256 from; // first accumulator
        uint256 to; // end of the accumulators
        uint256 scale;
        uint256 least;
        // of the leg
        uint256 first; // accumulators from `first` to `end` are inside the centre of the table
        uint256 end;
        int256 offset; // argument of N(d1) at ln s = −8
        uint256 inverse; // 60·2^21 / v
        uint256 width; // v
    }

    uint256 internal constant UPPER = 144;
    uint256 internal constant LOWER = 32;
    uint256 internal constant RULE_BYTES = 0x120;
    uint256 internal constant SCALE_BITS = 64;
    /// @dev ln s in units of 2^−27 times this over the width is an argument: 60·2^48 squared, over 2^27.
    uint256 private constant INVERSE = 3600 << 69;

    /// @notice Adds one leg to the accumulators of every rule between `rule` and `last`; ln s rise within a rule.
    /// @param normal where the table begins, a multiple of 32.
    /// @param ln of F / K in units of arguments times arguments: ln·(60·2^48)².
    /// @param a n·2^144 and @param b −n·K·2^32, both scaled down to 57 bits before the shift.
    function accumulate(
        uint256 normal,
        uint256 rule,
        uint256 last,
        uint256 sigma,
        int256 ln,
        int256 a,
        int256 b
    ) internal pure {
        if (_prepare(rule, last, sigma, ln)) _trimAll(normal, rule, last, a, b);
        _centre(normal << 43, rule, last, a, b);
    }

    /// @dev Arguments of a leg under every rule. A common error of d1 and d2 does not matter to first order (F·φ(d1) = K·φ(d2)): 1 / v
    /// and ln s may be rounded, the width may not. @return beyond whether any leaves the centre: d2 at the first and d1 at the last shock
    /// tell. Writes the records only.
    function _prepare(uint256 rule, uint256 last, uint256 sigma, int256 ln) private pure returns (bool beyond) {
        assembly ("memory-safe") {
            for {} xor(rule, last) {
                rule := add(rule, RULE_BYTES)
            } {
                let width := shr(SCALE_BITS, mul(sigma, mload(add(rule, 0x40))))
                if lt(width, mload(add(rule, 0x60))) {
                    width := mload(add(rule, 0x60))
                }
                let inverse := div(INVERSE, width)
                // 0x168… is CENTRE, 0x2d0… LIMIT
                let offset := sub(add(add(sdiv(ln, width), shr(1, width)), 0x168000000000000), shl(30, inverse))
                let p := mload(rule)
                mstore(add(rule, 0x80), p)
                let lowest := add(offset, mul(and(mload(p), 0xffffffff), inverse))
                p := mload(add(rule, 0x20))
                mstore(add(rule, 0xa0), p)
                let highest := add(offset, mul(and(mload(sub(p, 0x20)), 0xffffffff), inverse))
                beyond := or(beyond, or(slt(lowest, width), sgt(highest, 0x2cfffffffffffff)))
                mstore(add(rule, 0xc0), offset)
                mstore(add(rule, 0xe0), inverse)
                mstore(add(rule, 0x100), width)
            }
        }
    }

    /// @dev Every argument is inside the centre, so the cells read are the table's; nothing but accumulators is written. Shifted right by
    /// 43, an argument with `base` added is the address of its cell. `signextend` takes a coefficient with the ones below it, which are less
    /// than one of its units: cutting them off would cost more.
    function _centre(uint256 base, uint256 rule, uint256 last, int256 a, int256 b) private pure {
        assembly ("memory-safe") {
            for {} xor(rule, last) {
                rule := add(rule, RULE_BYTES)
            } {
                let p := mload(add(rule, 0x80))
                let end := mload(add(rule, 0xa0))
                let offset := add(base, mload(add(rule, 0xc0)))
                let inverse := mload(add(rule, 0xe0))
                let width := mload(add(rule, 0x100))
                // Two at a time, the odd one first: a tenth of the loop would be the loop itself.
                if and(sub(end, p), 0x20) {
                    let t := mload(p)
                    let x := add(offset, mul(and(t, 0xffffffff), inverse))
                    let y := sub(x, width)

                    let w := mload(and(shr(43, x), 0xffffe0))
                    x := and(x, 0xffffffffffff)
                    let r := add(mul(signextend(5, w), x), signextend(11, w))
                    r := add(mul(r, x), signextend(17, w))
                    r := add(mul(r, x), signextend(23, w))
                    t := add(t, mul(a, sar(192, add(mul(r, x), w))))

                    w := mload(and(shr(43, y), 0xffffe0))
                    y := and(y, 0xffffffffffff)
                    r := add(mul(signextend(5, w), y), signextend(11, w))
                    r := add(mul(r, y), signextend(17, w))
                    r := add(mul(r, y), signextend(23, w))
                    mstore(p, add(t, mul(b, sar(192, add(mul(r, y), w)))))
                    p := add(p, 0x20)
                }
                for {} xor(p, end) {} {
                    {
                        let t := mload(p)
                        let x := add(offset, mul(and(t, 0xffffffff), inverse))
                        let y := sub(x, width)

                        let w := mload(and(shr(43, x), 0xffffe0))
                        x := and(x, 0xffffffffffff)
                        let r := add(mul(signextend(5, w), x), signextend(11, w))
                        r := add(mul(r, x), signextend(17, w))
                        r := add(mul(r, x), signextend(23, w))
                        t := add(t, mul(a, sar(192, add(mul(r, x), w))))

                        w := mload(and(shr(43, y), 0xffffe0))
                        y := and(y, 0xffffffffffff)
                        r := add(mul(signextend(5, w), y), signextend(11, w))
                        r := add(mul(r, y), signextend(17, w))
                        r := add(mul(r, y), signextend(23, w))
                        mstore(p, add(t, mul(b, sar(192, add(mul(r, y), w)))))
                        p := add(p, 0x20)
                    }
                    let t := mload(p)
                    let x := add(offset, mul(and(t, 0xffffffff), inverse))
                    let y := sub(x, width)

                    let w := mload(and(shr(43, x), 0xffffe0))
                    x := and(x, 0xffffffffffff)
                    let r := add(mul(signextend(5, w), x), signextend(11, w))
                    r := add(mul(r, x), signextend(17, w))
                    r := add(mul(r, x), signextend(23, w))
                    t := add(t, mul(a, sar(192, add(mul(r, x), w))))

                    w := mload(and(shr(43, y), 0xffffe0))
                    y := and(y, 0xffffffffffff)
                    r := add(mul(signextend(5, w), y), signextend(11, w))
                    r := add(mul(r, y), signextend(17, w))
                    r := add(mul(r, y), signextend(23, w))
                    mstore(p, add(t, mul(b, sar(192, add(mul(r, y), w)))))
                    p := add(p, 0x20)
                }
            }
        }
    }

    /// @notice Both sums of an accumulator.
    function unpack(uint256 p) internal pure returns (int256 upper, int256 lower) {
        assembly ("memory-safe") {
            let t := mload(p)
            lower := signextend(13, shr(LOWER, t))
            upper := add(sar(UPPER, t), slt(lower, 0))
        }
    }

    function _trimAll(uint256 normal, uint256 record, uint256 last, int256 a, int256 b) private pure {
        unchecked {
            for (; record != last; record += RULE_BYTES) {
                Rule memory rule;
                assembly ("memory-safe") {
                    rule := record
                }
                _trim(normal, rule, a, b);
            }
        }
    }

    /// @dev Takes the shocks with d2 < −6 at the front and those with d1 ≥ 6 at the back the slow way.
    function _trim(uint256 normal, Rule memory rule, int256 a, int256 b) private pure {
        unchecked {
            (uint256 p, uint256 end) = (rule.first, rule.end);
            while (p != end) {
                int256 argument = _argument(rule, p);
                if (argument >= int256(rule.width)) break;
                _tail(normal, p, argument, argument - int256(rule.width), a, b);
                p += 32;
            }
            while (p != end) {
                int256 argument = _argument(rule, end - 32);
                if (argument < int256(NormalTableLib.LIMIT)) break;
                end -= 32;
                _tail(normal, end, argument, argument - int256(rule.width), a, b);
            }
            (rule.first, rule.end) = (p, end);
        }
    }

    function _argument(Rule memory rule, uint256 p) private pure returns (int256) {
        uint256 ln;
        assembly ("memory-safe") {
            ln := and(mload(p), 0xffffffff)
        }
        unchecked {
            return rule.offset + int256(ln * rule.inverse);
        }
    }

    function _tail(uint256 normal, uint256 p, int256 first, int256 second, int256 a, int256 b) private pure {
        // so far below that neither is exercised
        if (first < -NormalTableLib.REACH) return;
        int256 all = int256(NormalTableLib.ONE);
        bool above = second >= int256(NormalTableLib.LIMIT) + NormalTableLib.REACH;
        (first, second) = above
            ? (all, all)
            : (int256(NormalTableLib.cdf(normal, first)), int256(NormalTableLib.cdf(normal, second)));
        assembly ("memory-safe") {
            mstore(p, add(mload(p), add(mul(a, first), mul(b, second))))
        }
    }
}
