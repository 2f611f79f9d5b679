// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AssetId, AssetIdLib} from "../types/AssetId.sol";

/// @dev Last word but one of the table, from the top: version 8 | pools 16 | idle assets 16 | second sources 8 | settlement
/// decimals 8 | T_dev 16 | sequencer grace 24 | sequencer feed 160.
type TableHeader is uint256;

/// @dev Last word of the table, from the top: ramp start 40 | ramp end 40 | 0 16 | ledger table 160: the contract whose code
/// holds the parameters of perps and options (0: none). Without an end there is no ramp.
type TableRamp is uint256;

/// @dev First word of an asset, from the top: feed 160 | heartbeat 24 | feed decimals 8 | token decimals 8 | min answer 24 |
/// max answer 24 | flags 8. Bounds of the answer are floats. Flag 1: listed. Of a vault share only the flags are used: its
/// price and decimals are its pool's.
type FeedWord is uint256;

/// @dev Second word of an asset, from the top: hMM 16 | ΔhIM 16 | bracket 1 {size 24, add-on 16} | bracket 2 {24, 16} |
/// κ 16 | group 8 | group hMM 16 | group ΔhIM 16 | second source 8 (from 1, 0 = none) | 0. Haircuts, add-ons and κ in basis
/// points, sizes as floats in the token's own units; size 0 = no bracket.
type HaircutWord is uint256;

/// @dev A second source, from the top: Uniswap v3 pool 160 | window 24 | quote asset 16 | deviation bound (bps) 16 | base is
/// token0 8 | least liquidity 24 (float) | quote decimals 8.
type TwapWord is uint256;

using TableHeaderLib for TableHeader global;
using TableRampLib for TableRamp global;
using FeedWordLib for FeedWord global;
using HaircutWordLib for HaircutWord global;
using TwapWordLib for TwapWord global;

/// @dev A 24-bit float: mantissa 16 (high), binary exponent 8. Relative step 2⁻¹⁵ or finer; packers round towards caution.
function float24(uint256 packed) pure returns (uint256) {
    unchecked {
        return ((packed >> 8) & 0xffff) << (packed & 0xff);
    }
}

library TableHeaderLib {
    function version(TableHeader w) internal pure returns (uint256) {
        return TableHeader.unwrap(w) >> 248;
    }

    function pools(TableHeader w) internal pure returns (uint256) {
        return (TableHeader.unwrap(w) >> 232) & 0xffff;
    }

    function idles(TableHeader w) internal pure returns (uint256) {
        return (TableHeader.unwrap(w) >> 216) & 0xffff;
    }

    /// @notice Records of assets: one per pool, idle asset and vault share.
    function assets(TableHeader w) internal pure returns (uint256) {
        unchecked {
            return 2 * pools(w) + idles(w);
        }
    }

    function twaps(TableHeader w) internal pure returns (uint256) {
        return (TableHeader.unwrap(w) >> 208) & 0xff;
    }

    function settlementDecimals(TableHeader w) internal pure returns (uint256) {
        return (TableHeader.unwrap(w) >> 200) & 0xff;
    }

    /// @notice T_dev: seconds of disagreement after which liquidation uses the primary source alone.
    function deviationDelay(TableHeader w) internal pure returns (uint256) {
        return (TableHeader.unwrap(w) >> 184) & 0xffff;
    }

    function grace(TableHeader w) internal pure returns (uint256) {
        return (TableHeader.unwrap(w) >> 160) & 0xffffff;
    }

    function sequencer(TableHeader w) internal pure returns (address) {
        return address(uint160(TableHeader.unwrap(w)));
    }
}

library TableRampLib {
    function start(TableRamp w) internal pure returns (uint256) {
        return TableRamp.unwrap(w) >> 216;
    }

    function end(TableRamp w) internal pure returns (uint256) {
        return (TableRamp.unwrap(w) >> 176) & 0xffffffffff;
    }

    function exists(TableRamp w) internal pure returns (bool) {
        return TableRamp.unwrap(w) >> 176 != 0;
    }

    /// @notice See {LedgerTable}; zero without perps, options and the portfolio model.
    function ledgerTable(TableRamp w) internal pure returns (address) {
        return address(uint160(TableRamp.unwrap(w)));
    }

    /// @notice How far the ramp has come, WAD, rounded down; 1e18 without a ramp.
    function progress(TableRamp w, uint256 time) internal pure returns (uint256) {
        unchecked {
            (uint256 from, uint256 to) = (start(w), end(w));
            if (time >= to) return 1e18;
            return time <= from ? 0 : ((time - from) * 1e18) / (to - from);
        }
    }
}

library FeedWordLib {
    function feed(FeedWord w) internal pure returns (address) {
        return address(uint160(FeedWord.unwrap(w) >> 96));
    }

    function heartbeat(FeedWord w) internal pure returns (uint256) {
        return (FeedWord.unwrap(w) >> 72) & 0xffffff;
    }

    function feedDecimals(FeedWord w) internal pure returns (uint256) {
        return (FeedWord.unwrap(w) >> 64) & 0xff;
    }

    function tokenDecimals(FeedWord w) internal pure returns (uint256) {
        return (FeedWord.unwrap(w) >> 56) & 0xff;
    }

    function minAnswer(FeedWord w) internal pure returns (uint256) {
        return float24(FeedWord.unwrap(w) >> 32);
    }

    function maxAnswer(FeedWord w) internal pure returns (uint256) {
        return float24(FeedWord.unwrap(w) >> 8);
    }

    function listed(FeedWord w) internal pure returns (bool) {
        return FeedWord.unwrap(w) & 1 != 0;
    }
}

library HaircutWordLib {
    uint256 private constant BRACKETS = ((1 << 80) - 1) << 144;

    function maintenance(HaircutWord w) internal pure returns (uint256) {
        return HaircutWord.unwrap(w) >> 240;
    }

    function initialExtra(HaircutWord w) internal pure returns (uint256) {
        return (HaircutWord.unwrap(w) >> 224) & 0xffff;
    }

    function hasBrackets(HaircutWord w) internal pure returns (bool) {
        return HaircutWord.unwrap(w) & BRACKETS != 0;
    }

    function size1(HaircutWord w) internal pure returns (uint256) {
        return float24(HaircutWord.unwrap(w) >> 200);
    }

    function addOn1(HaircutWord w) internal pure returns (uint256) {
        return (HaircutWord.unwrap(w) >> 184) & 0xffff;
    }

    function size2(HaircutWord w) internal pure returns (uint256) {
        return float24(HaircutWord.unwrap(w) >> 160);
    }

    function addOn2(HaircutWord w) internal pure returns (uint256) {
        return (HaircutWord.unwrap(w) >> 144) & 0xffff;
    }

    function kappa(HaircutWord w) internal pure returns (uint256) {
        return (HaircutWord.unwrap(w) >> 128) & 0xffff;
    }

    function group(HaircutWord w) internal pure returns (uint256) {
        return (HaircutWord.unwrap(w) >> 120) & 0xff;
    }

    function groupMaintenance(HaircutWord w) internal pure returns (uint256) {
        return (HaircutWord.unwrap(w) >> 104) & 0xffff;
    }

    function groupInitialExtra(HaircutWord w) internal pure returns (uint256) {
        return (HaircutWord.unwrap(w) >> 88) & 0xffff;
    }

    function source(HaircutWord w) internal pure returns (uint256) {
        return (HaircutWord.unwrap(w) >> 80) & 0xff;
    }
}

library TwapWordLib {
    function pool(TwapWord w) internal pure returns (address) {
        return address(uint160(TwapWord.unwrap(w) >> 96));
    }

    function window(TwapWord w) internal pure returns (uint256) {
        return (TwapWord.unwrap(w) >> 72) & 0xffffff;
    }

    function quote(TwapWord w) internal pure returns (AssetId) {
        return AssetId.wrap(uint16(TwapWord.unwrap(w) >> 56));
    }

    /// @notice Sources further apart than this part (bps) of the primary price deviate.
    function deviation(TwapWord w) internal pure returns (uint256) {
        return (TwapWord.unwrap(w) >> 40) & 0xffff;
    }

    function baseIsToken0(TwapWord w) internal pure returns (bool) {
        return (TwapWord.unwrap(w) >> 32) & 0xff != 0;
    }

    function minLiquidity(TwapWord w) internal pure returns (uint256) {
        return float24(TwapWord.unwrap(w) >> 8);
    }

    function quoteDecimals(TwapWord w) internal pure returns (uint256) {
        return TwapWord.unwrap(w) & 0xff;
    }
}

/// @title The risk parameter table in an engine's own code (DESIGN 9)
/// @notice The last bytes of the code, in this order: [haircut words before the ramp: 32 bytes per asset, only with a ramp]
/// [assets: 64 bytes each: pools 1..P, idle assets 1..I, vault shares 1..P] [second sources: 32 bytes each] [header 64].
/// @dev Everything is addressed from the end of the code, so the code need not know its own length. A record costs one
/// `codecopy` into scratch space (about 30 gas), however long the table is.
library RiskTable {
    uint256 internal constant VERSION = 1;
    uint256 internal constant HEADER = 64;
    uint256 internal constant ASSET = 64;
    uint256 internal constant WORD = 32;
    /// @dev What {indexOf} says of an asset beyond the table's counts.
    uint256 internal constant NONE = type(uint256).max;

    /// @notice The two words at the end of this contract's code.
    function header() internal pure returns (TableHeader head, TableRamp ramp) {
        assembly ("memory-safe") {
            codecopy(0, sub(codesize(), 64), 64)
            head := mload(0)
            ramp := mload(0x20)
        }
    }

    /// @notice Position of an asset among the records, or {NONE}.
    function indexOf(TableHeader head, AssetId asset) internal pure returns (uint256) {
        unchecked {
            // Number 0 is no asset and wraps to the largest index.
            uint256 place = uint256(asset.number()) - 1;
            uint256 kind = asset.kind();
            (uint256 pools, uint256 idles) = (head.pools(), head.idles());
            if (kind == AssetIdLib.KIND_IDLE) return place < idles ? pools + place : NONE;
            if (place >= pools || kind > AssetIdLib.KIND_VAULT_SHARE) return NONE;
            return kind == AssetIdLib.KIND_POOL ? place : pools + idles + place;
        }
    }

    /// @notice Where in the code the records of assets begin.
    function records(TableHeader head) internal pure returns (uint256 offset) {
        uint256 back = fromEnd(head, 0);
        assembly ("memory-safe") {
            offset := sub(codesize(), back)
        }
    }

    /// @notice The two words of the asset at `index`; `offset` from {records}.
    function record(uint256 offset, uint256 index) internal pure returns (FeedWord feed, HaircutWord haircut) {
        assembly ("memory-safe") {
            codecopy(0, add(offset, shl(6, index)), 64)
            feed := mload(0)
            haircut := mload(0x20)
        }
    }

    /// @notice The haircut word that the ramp starts from; only in a table with a ramp.
    function previous(TableHeader head, uint256 index) internal pure returns (HaircutWord haircut) {
        uint256 back = previousFromEnd(head, index);
        assembly ("memory-safe") {
            codecopy(0, sub(codesize(), back), 32)
            haircut := mload(0)
        }
    }

    /// @notice The second source `number` (from 1).
    function twap(TableHeader head, uint256 number) internal pure returns (TwapWord word) {
        uint256 back = twapFromEnd(head, number);
        assembly ("memory-safe") {
            codecopy(0, sub(codesize(), back), 32)
            word := mload(0)
        }
    }

    /// @notice The whole table.
    function raw() internal pure returns (bytes memory data) {
        (TableHeader head, TableRamp ramp) = header();
        uint256 size = length(head, ramp);
        data = new bytes(size);
        assembly ("memory-safe") {
            codecopy(add(data, 0x20), sub(codesize(), size), size)
        }
    }

    function length(TableHeader head, TableRamp ramp) internal pure returns (uint256) {
        uint256 each = ramp.exists() ? ASSET + WORD : ASSET;
        return HEADER + head.twaps() * WORD + head.assets() * each;
    }

    /// @notice Bytes from the start of a record to the end of the table.
    function fromEnd(TableHeader head, uint256 index) internal pure returns (uint256) {
        unchecked {
            return HEADER + head.twaps() * WORD + (head.assets() - index) * ASSET;
        }
    }

    function previousFromEnd(TableHeader head, uint256 index) internal pure returns (uint256) {
        unchecked {
            uint256 assets = head.assets();
            return HEADER + head.twaps() * WORD + assets * ASSET + (assets - index) * WORD;
        }
    }

    function twapFromEnd(TableHeader head, uint256 number) internal pure returns (uint256) {
        unchecked {
            return HEADER + (head.twaps() - number + 1) * WORD;
        }
    }
}
