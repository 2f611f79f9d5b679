// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {ScenarioTableLib} from "../risk/ScenarioTable.sol";

/// @title Builds ledger tables in tests: the reference's usual parameters, 23 scenarios
library LedgerTableBuilder {
    /// @dev WAD to units of 10^−15.
    int256 private constant UNIT = 1e3;

    /// @dev Perp 5 % / 6.5 %, a .15, b .10, c = d .075, e 1.05, unpaired 1.2 / 1.1, no confidence or peg part.
    function rules() internal pure returns (bytes memory) {
        uint256 first = (uint256(500) << 240) | (uint256(150) << 224);
        uint256 second =
            (uint256(1_500) << 240) | (uint256(1_000) << 224) | (uint256(750) << 208) | (uint256(750) << 192);
        second |= (uint256(10_500) << 176) | (uint256(12_000) << 160) | (uint256(11_000) << 144);
        return abi.encode(first, second);
    }

    /// @dev Up: 1 ± 4.5 % steps to 18 %; none and down: to 13.5 %. Basis at ± 4.5 %.
    function scenarios() internal pure returns (bytes memory table) {
        uint256 head = (uint256(23) << 248) | (uint256(9) << 240) | (uint256(7) << 232) | (uint256(7) << 224);
        // cells of "none" are 9..15: 1 is the middle one
        head |= (uint256(12) << 200) | (uint256(13) << 192) | (uint256(11) << 184);
        table = abi.encode(
            head,
            _four(0.5e18, 0.45e18, 0.275e18, 1e18),
            _four(0.3e18, 0.13e18, 0.95e18, 1.04e18),
            _four(1e18, 0.08e18, 0.5e18, 0.08e18),
            _four(-0.05e18, 0.15e18, -0.05e18, 0.15e18),
            _four(0.01e18, 4e18, 0.6e18, -0.1e18),
            _four(0.5e18, 2e18, 0.55e18, 1e18),
            _four(0.015e18, 0.005e18, 0.003e18, 0.002e18),
            _four(0.8e18, 1e18, 0.98e18, 2e18)
        );
        uint256 place;
        for (uint256 rule; rule < 3; ++rule) {
            uint256 steps = rule == 0 ? 4 : 3;
            for (uint256 i; i <= 2 * steps; ++i) {
                uint256 s = 1e18 + 0.045e18 * i - 0.045e18 * steps;
                uint256 ln = ScenarioTableLib.logOf(FixedPointMathLib.lnWad(int256(s)));
                table = bytes.concat(table, bytes32((uint256(1e18) << 192) | (s << 128) | (place++ << 120) | ln));
            }
        }
    }

    /// @dev Parameters for `LedgerTableFactory.create`: the same for every underlying, no groups, shocks not scaled.
    function parameters(uint256[] memory underlyings) internal pure returns (bytes memory data) {
        uint256 n = underlyings.length;
        uint256 place = 32 * (4 + n);
        bytes memory records;
        data = abi.encode((uint256(1) << 248) | (n << 240));
        for (uint256 i; i < n; ++i) {
            (bytes memory r, bytes memory s) = (rules(), scenarios());
            uint256 word = (underlyings[i] << 248) | (place << 208) | ((place + r.length) << 192);
            data = bytes.concat(data, bytes32(word));
            records = bytes.concat(records, r, s);
            place += r.length + s.length;
        }
        return bytes.concat(data, records);
    }

    function _four(int256 a, int256 b, int256 c, int256 d) private pure returns (uint256) {
        return
            (uint256(uint64(int64(a / UNIT))) << 192) |
            (uint256(uint64(int64(b / UNIT))) << 128) |
            (uint256(uint64(int64(c / UNIT))) << 64) |
            uint64(int64(d / UNIT));
    }
}
