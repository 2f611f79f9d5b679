// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title The normal distribution as data
/// @notice The code of this contract is not a program but 768 words, computed by the constructor (docs/black76.md):
///  - words 0..719: N(x) for x in [−6, 6), sixty cells to the unit;
///  - words 720..767: N(−x) for x in [6, 8.4), twenty cells to the unit.
/// Each word is a polynomial of degree 4 in the place u in [0, 1) within its cell: c0·2^192 + c1·2^144 + c2·2^96 + c3·2^48 + c4, all
/// signed, in units of 2^−54. Its first byte is zero (c0 < 2^55), which is STOP: nobody can call it.
/// @dev Every cell is the Taylor polynomial of degree 8 at its centre, its four highest powers replaced by what Chebyshev polynomials
/// leave of them. All in units of 2^−128; the errors of 504 steps stay far below the 2^−54 that is kept.
contract NormalTable {
    int256 private constant ONE = 1 << 128;
    /// @dev φ(1/120), N(1/120), e^(−1/3600), units of 2^−128.
    uint256 private constant FIRST_DENSITY = 0x66202c69c38316b73e2334689d432083;
    int256 private constant FIRST_VALUE = 0x80d9df87221ee48e5a7a0f222bf381d1;
    uint256 private constant DECAY = 0xffedcc4f36e5ef995dc414485e4bc64c;
    uint256 private constant FINE = 360; // cells on either side of zero
    uint256 private constant STEPS = 504; // 8.4 · 60

    constructor() {
        uint256[768] memory words;
        int256[13] memory d;
        int256[9] memory a;
        // The walk goes from centre to centre outwards; left cells are mirror images.
        (uint256 density, int256 value, uint256 ratio) = (FIRST_DENSITY, FIRST_VALUE, DECAY);
        unchecked {
            for (uint256 j; j < STEPS; ++j) {
                _derive(d, int256(density), int256(2 * j + 1));
                if (j < FINE) {
                    _economise(a, d, value, 120);
                    words[FINE + j] = _pack(a);
                    (a[0], a[2], a[4]) = (ONE - a[0], -a[2], -a[4]);
                    words[FINE - 1 - j] = _pack(a);
                } else if (j % 3 == 1) {
                    _economise(a, d, value, 40);
                    (a[0], a[1], a[2], a[3], a[4]) = (ONE - a[0], -a[1], -a[2], -a[3], -a[4]);
                    words[2 * FINE + (j - FINE) / 3] = _pack(a);
                }
                value += _taylor(d);
                density = (density * ratio) >> 128;
                ratio = (ratio * DECAY) >> 128;
            }
        }
        assembly ("memory-safe") {
            return(words, 24576)
        }
    }

    /// @dev N⁽ᵏ⁾ at x = n / 120 for k = 1..12: N⁽ᵏ⁺¹⁾ = −x·N⁽ᵏ⁾ − (k − 1)·N⁽ᵏ⁻¹⁾.
    function _derive(int256[13] memory d, int256 density, int256 n) private pure {
        unchecked {
            (int256 previous, int256 last) = (int256(0), density);
            d[1] = density;
            for (uint256 k = 2; k < 13; ++k) {
                (previous, last) = (last, -(n * last) / 120 - int256(k - 2) * previous);
                d[k] = last;
            }
        }
    }

    /// @dev N(x + 1/60) − N(x).
    function _taylor(int256[13] memory d) private pure returns (int256 sum) {
        unchecked {
            int256 divisor = 1;
            for (uint256 k = 1; k < 13; ++k) {
                divisor *= int256(60 * k);
                sum += d[k] / divisor;
            }
        }
    }

    /// @dev Coefficients in t in [−1, 1] of a cell whose half width is 1/halves: a[0] to a[4].
    function _economise(int256[9] memory a, int256[13] memory d, int256 value, int256 halves) private pure {
        unchecked {
            a[0] = value;
            int256 divisor = 1;
            for (uint256 k = 1; k < 9; ++k) {
                divisor *= halves * int256(k);
                a[k] = d[k] / divisor;
            }
            // t⁸ = 2t⁶ − 5/4·t⁴ + t²/4 − 1/128 + T₈/128, and so on downwards.
            (int256 a8, int256 a7) = (a[8], a[7]);
            int256 a6 = a[6] + 2 * a8;
            int256 a5 = a[5] + (7 * a7) / 4;
            a[4] += (3 * a6) / 2 - (5 * a8) / 4;
            a[3] += (5 * a5) / 4 - (7 * a7) / 8;
            a[2] += a8 / 4 - (9 * a6) / 16;
            a[1] += (7 * a7) / 64 - (5 * a5) / 16;
            a[0] += a6 / 32 - a8 / 128;
        }
    }

    /// @dev From powers of t = 2u − 1 to powers of u, to nearest.
    function _pack(int256[9] memory a) private pure returns (uint256) {
        unchecked {
            int256 word = _round(a[0] - a[1] + a[2] - a[3] + a[4]) << 192;
            word += _round(2 * a[1] - 4 * a[2] + 6 * a[3] - 8 * a[4]) << 144;
            word += _round(4 * a[2] - 12 * a[3] + 24 * a[4]) << 96;
            word += _round(8 * a[3] - 32 * a[4]) << 48;
            word += _round(16 * a[4]);
            return uint256(word);
        }
    }

    function _round(int256 x) private pure returns (int256) {
        return (x + (1 << 73)) >> 74;
    }
}

/// @title Reading {NormalTable}
library NormalTableLib {
    /// @notice Units of a probability, and of arguments: an argument is (x + 6)·60·2^48.
    uint256 internal constant ONE = 1 << 54;
    uint256 internal constant UNIT = 60 << 48;
    uint256 internal constant CENTRE = 6 * UNIT;
    /// @dev Arguments from here on are in the tail.
    uint256 internal constant LIMIT = 720 << 48;
    /// @dev So far beyond the centre N is 0 or 1.
    int256 internal constant REACH = 144 << 48;

    error BadNormalTable(address table);

    /// @notice Copies the table into memory, once per evaluation. @return normal where it begins, a multiple of 32.
    /// @dev An address with another length of code reverts: whoever deploys checks the words themselves.
    function load(address table) internal view returns (uint256 normal) {
        uint256 size;
        assembly ("memory-safe") {
            normal := and(add(mload(0x40), 31), not(31))
            size := extcodesize(table)
            extcodecopy(table, normal, 0, 24576)
            mstore(0x40, add(normal, 24576))
        }
        require(size == 24576, BadNormalTable(table));
    }

    /// @notice N at an argument of any size, units of 2^−54.
    function cdf(uint256 normal, int256 argument) internal pure returns (uint256 probability) {
        assembly ("memory-safe") {
            let x := argument
            let mirrored := 0
            let inside := lt(x, LIMIT) // unsigned: negative ones are beyond
            if iszero(inside) {
                // The tail's cells are three times as wide, and hold N(−|x|).
                mirrored := sgt(x, 0)
                switch mirrored
                case 0 {
                    x := sub(0, x)
                }
                default {
                    x := sub(x, LIMIT)
                }
                x := add(div(x, 3), LIMIT)
            }
            if lt(x, shl(48, 768)) {
                let w := mload(add(normal, and(shr(43, x), 0xffffe0)))
                x := and(x, 0xffffffffffff)
                let r := add(mul(signextend(5, w), x), signextend(11, w))
                r := add(mul(r, x), signextend(17, w))
                r := add(mul(r, x), signextend(23, w))
                r := sar(192, add(mul(r, x), w))
                // The last tail cell may come out below zero by a unit.
                probability := mul(r, sgt(r, 0))
            }
            if mirrored {
                probability := sub(ONE, probability)
            }
        }
    }
}
