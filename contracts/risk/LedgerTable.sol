// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev An underlying in the directory, from the top: number 8 | product group 8 (0 = none) | φ of the group in basis points 16 |
/// where its rule words begin 16 | where its scenario words begin 16 | reference volatility 16 (basis points; 0: shocks are not
/// scaled) | g_max 16 (basis points, 10,000 = 1) | 0. Offsets count bytes from the table's first word.
type UnderlyingWord is uint256;

using UnderlyingWordLib for UnderlyingWord global;

library UnderlyingWordLib {
    function number(UnderlyingWord w) internal pure returns (uint256) {
        return UnderlyingWord.unwrap(w) >> 248;
    }

    function group(UnderlyingWord w) internal pure returns (uint256) {
        return (UnderlyingWord.unwrap(w) >> 240) & 0xff;
    }

    function phi(UnderlyingWord w) internal pure returns (uint256) {
        return (UnderlyingWord.unwrap(w) >> 224) & 0xffff;
    }

    function rules(UnderlyingWord w) internal pure returns (uint256) {
        return (UnderlyingWord.unwrap(w) >> 208) & 0xffff;
    }

    function scenarios(UnderlyingWord w) internal pure returns (uint256) {
        return (UnderlyingWord.unwrap(w) >> 192) & 0xffff;
    }

    /// @notice Per √year, basis points; 0: shocks are not scaled.
    function referenceVolatility(UnderlyingWord w) internal pure returns (uint256) {
        return (UnderlyingWord.unwrap(w) >> 176) & 0xffff;
    }

    /// @notice The most that realised volatility may scale spot shocks by, basis points.
    function maxScale(UnderlyingWord w) internal pure returns (uint256) {
        return (UnderlyingWord.unwrap(w) >> 160) & 0xffff;
    }
}

/// @title The parameters of perps and options in a contract's code (DESIGN 9)
/// @notice Code: one zero byte (so that nobody can call it), then words: [version 8 | underlyings 8 | w⁺ bps 16 | 0 64 | credit tiers 160
/// (0: none)] [ledger of positions] [standard model] [portfolio model] [directory: one word per underlying] [records].
library LedgerTable {
    uint256 internal constant VERSION = 1;
    uint256 internal constant HEADER_WORDS = 4;

    error BadLedgerTable(address table, bytes32 field);

    /// @notice What every reader relies on. The factory asks before an engine may name the table.
    function check(address table) internal view {
        require(table.code.length > 32 * HEADER_WORDS && table.code[0] == 0, BadLedgerTable(table, "code"));
        uint256 data = load(table);
        uint256 version;
        assembly ("memory-safe") {
            version := shr(248, mload(data))
        }
        require(version == VERSION, BadLedgerTable(table, "version"));
        require(profitWeight(data) <= 10_000, BadLedgerTable(table, "profit"));
        (address positions, address standard, address portfolio) = parts(table);
        require(positions.code.length != 0, BadLedgerTable(table, "positions"));
        require(standard.code.length != 0, BadLedgerTable(table, "standard"));
        require(portfolio.code.length != 0, BadLedgerTable(table, "portfolio"));
        address credit = creditTiers(table);
        require(credit == address(0) || credit.code.length != 0, BadLedgerTable(table, "credit"));
        uint256 size = table.code.length - 1;
        uint256 n = underlyings(data);
        require(size >= 32 * (HEADER_WORDS + n), BadLedgerTable(table, "length"));
        for (uint256 i; i < n; ++i) {
            UnderlyingWord word = entry(data, i);
            bool inside = word.rules() < size && word.scenarios() < size;
            require(inside && word.number() > 1 && word.phi() <= 10_000, BadLedgerTable(table, "directory"));
            bool scaled = word.referenceVolatility() != 0;
            require(!scaled || word.maxScale() >= 10_000, BadLedgerTable(table, "scale"));
        }
    }

    /// @notice Positions and the two models of the ledger table.
    function parts(address table) internal view returns (address positions, address standard, address portfolio) {
        assembly ("memory-safe") {
            // scratch space holds two words: the last three of the header do not fit, so they are read beyond the free pointer
            let m := mload(0x40)
            extcodecopy(table, m, 33, 96)
            positions := mload(m)
            standard := mload(add(m, 0x20))
            portfolio := mload(add(m, 0x40))
        }
    }

    /// @notice Who says which accounts have attested credit; 0: nobody.
    function creditTiers(address table) internal view returns (address credit) {
        assembly ("memory-safe") {
            extcodecopy(table, 0, 1, 32)
            credit := and(mload(0), 0xffffffffffffffffffffffffffffffffffffffff)
        }
    }

    /// @notice The whole table in memory. @return data where its first word is.
    function load(address table) internal view returns (uint256 data) {
        assembly ("memory-safe") {
            let size := sub(extcodesize(table), 1)
            data := mload(0x40)
            extcodecopy(table, data, 1, size)
            mstore(0x40, and(add(add(data, size), 31), not(31)))
        }
    }

    function underlyings(uint256 data) internal pure returns (uint256 n) {
        assembly ("memory-safe") {
            n := and(shr(240, mload(data)), 0xff)
        }
    }

    /// @notice w⁺: the part of unsettled profit that new risk may use, basis points.
    function profitWeight(uint256 data) internal pure returns (uint256 bps) {
        assembly ("memory-safe") {
            bps := and(shr(224, mload(data)), 0xffff)
        }
    }

    function entry(uint256 data, uint256 i) internal pure returns (UnderlyingWord word) {
        assembly ("memory-safe") {
            word := mload(add(data, shl(5, add(i, 4))))
        }
    }

    /// @notice The directory's word of an underlying; 0 if it is not in the table.
    function find(uint256 data, uint256 number) internal pure returns (UnderlyingWord word) {
        uint256 n = underlyings(data);
        for (uint256 i; i < n; ++i) {
            word = entry(data, i);
            if (word.number() == number) return word;
        }
        return UnderlyingWord.wrap(0);
    }
}
