// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev Where in memory the scenario parameters of one underlying begin (written by sdk/tables/scenarioTable.ts). Numbers are
/// signed 64-bit fields in units of 10^−15, four to a word, from the top.
///
/// Word 0: bytes from the top: scenarios | cells of the rules up, none, down, linear, abs | place of the base cell, of the basis
/// cells up and down | 0.
/// Word 1: R_up, σ_min, R_dn, days' floor. Word 2: short power, long power, B₊, B₋. Word 3: m_L, a_L, m_S, a_S.
/// Word 4: linear CBASE, linear SCALE_CAP, abs CBASE, abs SCALE_CAP. Word 5: MIN_K_STAR, MIN_WIDTH_SCALE, VOL_PARAM_STATIC,
/// VOL_PARAM_SCALE. Word 6: basis add, basis mult, confidence threshold, confidence margin.
/// Word 7: perp % MM, what IM adds to it, option % MM, what IM adds to it. Word 8: mm, im, peg threshold, peg factor.
/// Words 9..: cells, by rule in the order of word 0, within a rule by rising s.
type ScenarioTable is uint256;

/// @dev A repricing that at least one scenario needs, from the top: weight 64 | s 64 | place in the scenario list 8 (255: only
/// for base or basis) | 0 88 | ln s 32, as {ScenarioTableLib-logOf} packs it.
type ScenarioCell is uint256;

using ScenarioTableLib for ScenarioTable global;
using ScenarioCellLib for ScenarioCell global;

/// @dev Parameters that the arithmetic or the order IM ≤ MM could not live with. `field` names the first.
error ScenarioOutOfBounds(string field);

library ScenarioCellLib {
    function weight(ScenarioCell c) internal pure returns (int256) {
        return int256(ScenarioCell.unwrap(c) >> 192);
    }

    /// @notice Spot factor, WAD.
    function factor(ScenarioCell c) internal pure returns (uint256) {
        return uint64(ScenarioCell.unwrap(c) >> 128);
    }

    /// @notice Place in the scenario list; {NO_SCENARIO} for a cell that only serves as base or basis.
    function place(ScenarioCell c) internal pure returns (uint256) {
        return uint8(ScenarioCell.unwrap(c) >> 120);
    }

    function log(ScenarioCell c) internal pure returns (uint256) {
        return uint32(ScenarioCell.unwrap(c));
    }
}

library ScenarioTableLib {
    uint256 internal constant UP = 0;
    uint256 internal constant NONE = 1;
    uint256 internal constant DOWN = 2;
    uint256 internal constant LINEAR = 3;
    uint256 internal constant ABS = 4;
    uint256 internal constant NO_SCENARIO = 255;

    uint256 private constant HEADER_WORDS = 9;
    uint256 private constant MAX_CELLS = 64;
    uint256 private constant MIN_FACTOR = 1e16;
    uint256 private constant MAX_FACTOR = 18e18;

    function scenarios(ScenarioTable t) internal pure returns (uint256) {
        return byteAt(t, 0);
    }

    /// @notice Cells of a rule.
    function cellsOf(ScenarioTable t, uint256 rule) internal pure returns (uint256) {
        return byteAt(t, 1 + rule);
    }

    /// @notice Cells of the five rules, a byte each, the first on top.
    function cellCounts(ScenarioTable t) internal pure returns (uint256 counts) {
        assembly ("memory-safe") {
            counts := and(shr(208, mload(t)), 0xffffffffff)
        }
    }

    /// @notice Cells of all rules.
    function cells(ScenarioTable t) internal pure returns (uint256 n) {
        uint256 counts = cellCounts(t);
        unchecked {
            // 2^16 ≡ 1 mod 2^16 − 1: each remainder is the sum of every other byte
            n = (counts & 0xff00ff00ff) % 0xffff;
            n += ((counts >> 8) & 0xff00ff) % 0xffff;
        }
    }

    function baseCell(ScenarioTable t) internal pure returns (uint256) {
        return byteAt(t, 6);
    }

    function basisUpCell(ScenarioTable t) internal pure returns (uint256) {
        return byteAt(t, 7);
    }

    function basisDownCell(ScenarioTable t) internal pure returns (uint256) {
        return byteAt(t, 8);
    }

    function cell(ScenarioTable t, uint256 i) internal pure returns (ScenarioCell c) {
        assembly ("memory-safe") {
            c := mload(add(t, shl(5, add(i, HEADER_WORDS))))
        }
    }

    /// @notice Field 0..3 of word 1..8, WAD.
    function number(ScenarioTable t, uint256 word, uint256 field) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := mul(sar(192, shl(shl(6, field), mload(add(t, shl(5, word))))), 1000)
        }
    }

    function byteAt(ScenarioTable t, uint256 i) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(i, mload(t))
        }
    }

    /// @notice Bytes of the whole table.
    function length(ScenarioTable t) internal pure returns (uint256) {
        return 32 * (HEADER_WORDS + cells(t));
    }

    /// @notice ln s as cells hold it: (ln s + 8)·2^27 to nearest, cut to what 32 bits hold: −8 ≤ ln s < 24.
    function logOf(int256 ln) internal pure returns (uint256) {
        unchecked {
            if (ln <= -8e18) return 0;
            return ln >= 23e18 ? 31 << 27 : uint256(((ln + 8e18) * (1 << 27) + 5e17) / 1e18);
        }
    }

    /// @notice Reverts `ScenarioOutOfBounds` for parameters that could not be reckoned with, or with which `initial` could
    /// exceed `maintenance`: an account that has just passed `initial` must not be open to an auction.
    function requireSane(ScenarioTable t) internal pure {
        uint256 n = cells(t);
        require(n <= MAX_CELLS && scenarios(t) != 0 && scenarios(t) <= n, ScenarioOutOfBounds("cells"));
        uint256 first = cellsOf(t, UP);
        uint256 end = first + cellsOf(t, NONE);
        require(_within(baseCell(t), first, end) && cell(t, baseCell(t)).factor() == 1e18, ScenarioOutOfBounds("base"));
        require(_within(basisUpCell(t), first, end), ScenarioOutOfBounds("basis"));
        require(_within(basisDownCell(t), first, end), ScenarioOutOfBounds("basis"));
        _requireCells(t);
        for (uint256 i = 1; i < 9; ++i) {
            for (uint256 j; j < 4; ++j) {
                int256 x = number(t, i, j);
                // CBASE of both skews and VOL_PARAM_SCALE may be negative
                bool signed = (i == 4 && j % 2 == 0) || (i == 5 && j == 3);
                require((x >= 0 && x <= 9000e18) || (signed && x > -100e18), ScenarioOutOfBounds("sign"));
            }
        }
        require(number(t, 1, 3) != 0, ScenarioOutOfBounds("days"));
        require(number(t, 2, 2) <= 1e18 && number(t, 2, 3) >= 1e18, ScenarioOutOfBounds("static discount"));
        require(number(t, 5, 0) != 0, ScenarioOutOfBounds("k star"));
        require(number(t, 8, 0) <= number(t, 8, 1), ScenarioOutOfBounds("loss factors"));
    }

    /// @dev Within a rule cells must rise: the loop that reprices looks for what is out of its range at both ends only.
    function _requireCells(ScenarioTable t) private pure {
        uint256 k;
        uint256 seen;
        for (uint256 rule; rule < 5; ++rule) {
            uint256 last;
            for (uint256 i; i < cellsOf(t, rule); (++i, ++k)) {
                ScenarioCell c = cell(t, k);
                uint256 s = c.factor();
                require(s >= MIN_FACTOR && s <= MAX_FACTOR && s >= last, ScenarioOutOfBounds("s"));
                require(rule < LINEAR || s == 1e18, ScenarioOutOfBounds("skew"));
                require(c.weight() >= 0 && c.weight() <= 9e18, ScenarioOutOfBounds("weight"));
                last = s;
                if (c.place() == NO_SCENARIO) continue;
                require(c.place() < scenarios(t) && seen & (1 << c.place()) == 0, ScenarioOutOfBounds("place"));
                seen |= 1 << c.place();
            }
        }
        require(seen == (1 << scenarios(t)) - 1, ScenarioOutOfBounds("place"));
    }

    function _within(uint256 x, uint256 from, uint256 to) private pure returns (bool) {
        return x >= from && x < to;
    }
}
