// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Black76} from "./Black76.sol";
import {NormalTableLib} from "./NormalTable.sol";

/// @title Σ n·N(d1) and Σ n·K·N(d2) over shocks, the innermost loop of the scenario grid
/// @notice The only place where speed decides. Checked against {NormalTableLib-cdf} by fuzzing.
///
/// An accumulator is one word for one shock, from the top: Σ a·N(d1) 112 bits, signed | Σ b·N(d2) 112 bits, signed | ln s 32 bits (see
/// {ScenarioTableLib-logOf}). Both weights are multiples of 2^32 or more, so adding never touches ln s; and |Σ| of either lane stays below
/// 2^111 because Σ|a| and Σ|b| stay below 2^57 before their shift and N ≤ 2^54. A negative lower lane borrows one from the upper:
/// {unpack} gives it back.
library ScenarioKernel {
    uint256 internal constant UPPER = 144;
    uint256 internal constant LOWER = 32;

    /// @notice Adds one leg to the accumulators from `p` to `end`, whose ln s rise.
    /// @param normal where the table begins, a multiple of 32.
    /// @param ln of F / K, WAD. @param v σ√T, WAD.
    /// @param a n·2^144 and @param b −n·K·2^32, both scaled down to 57 bits before the shift.
    /// @dev Arguments rise with ln s. Those with d2 < −6 are at the front and those with d1 ≥ 6 at the back: they take the slow way by
    /// `cdf`; what is between needs no test.
    function accumulate(
        uint256 normal,
        uint256 p,
        uint256 end,
        int256 ln,
        uint256 v,
        int256 a,
        int256 b
    ) internal pure {
        unchecked {
            uint256 inverse;
            (ln, inverse, v) = Black76.arguments(ln, v);
            ln -= int256(inverse << 30); // from here on: the argument of N(d1) at ln s = −8
            while (p < end && ln + int256(_log(p) * inverse) < int256(v)) {
                _slow(normal, p, ln + int256(_log(p) * inverse), v, a, b);
                p += 32;
            }
            while (p < end && ln + int256(_log(end - 32) * inverse) >= int256(NormalTableLib.LIMIT)) {
                end -= 32;
                _slow(normal, end, ln + int256(_log(end) * inverse), v, a, b);
            }
            // Shifted right by 43, the argument is then the address of its cell.
            if (p != end) _fast(p, end, ln + int256(normal << 43), inverse, v, a, b);
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

    function _log(uint256 p) private pure returns (uint256 ln) {
        assembly ("memory-safe") {
            ln := and(mload(p), 0xffffffff)
        }
    }

    function _slow(uint256 normal, uint256 p, int256 argument, uint256 v, int256 a, int256 b) private pure {
        uint256 first = NormalTableLib.cdf(normal, argument);
        uint256 second = NormalTableLib.cdf(normal, argument - int256(v));
        assembly ("memory-safe") {
            mstore(p, add(mload(p), add(mul(a, first), mul(b, second))))
        }
    }

    /// @dev Reads and writes the accumulators only; every argument is inside the centre of the table, so the cells read are the table's.
    /// `signextend` takes a coefficient with the ones below it, which are less than one of its units: cutting them off would cost more.
    function _fast(uint256 p, uint256 end, int256 offset, uint256 inverse, uint256 v, int256 a, int256 b) private pure {
        assembly ("memory-safe") {
            for {} 1 {} {
                let t := mload(p)
                let x := add(offset, mul(and(t, 0xffffffff), inverse))
                let y := sub(x, v)

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

                p := add(p, 32)
                if eq(p, end) {
                    break
                }
            }
        }
    }
}
