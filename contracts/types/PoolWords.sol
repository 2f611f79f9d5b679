// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev [supplyIndex 64 | accountShares 96 | lenderShares 96].
type SupplyWord is uint256;

/// @dev What interest needs, and the supply cap, so that a lender's deposit reads nothing else.
/// Bits: debtShares 0, debtIndex 96, lastAccrual 160, rateAtTarget 192, reserveFactor 228, supplyCap 236, flags 252.
type DebtWord is uint256;

/// @dev A pool's token and the limits that only outflows read.
/// Bits: token 0, borrowCap 160, maxUtilisation 176, reservedPart 190, settlementPart 204, decimals 218, flags 224.
type ConfigWord is uint256;

/// @dev An idle asset or vault share: token 0, room until its collateral cap 160 (95 bits), outflow-limited flag 255.
type IdleWord is uint256;

using SupplyWordLib for SupplyWord global;
using DebtWordLib for DebtWord global;
using ConfigWordLib for ConfigWord global;
using IdleWordLib for IdleWord global;

/// @dev Indices start here. 64 bits leave room for a growth of 18,446 times, then they stand still (never revert).
uint256 constant INDEX_ONE = 1e15;
uint256 constant MAX_SHARES = type(uint96).max;

/// @dev Sums of shares are kept in 96 bits.
error SharesOverflow(uint256 shares);

/// @dev assets = shares · index / 1e15; shares have the token's decimals.
/// Unchecked: shares are below 2^97 (96-bit sums and their parts), indices below 2^64, and amounts are bounded here before they
/// are multiplied, so every product stays below 2^180.
library ShareMath {
    uint256 private constant MAX_AMOUNT = type(uint128).max;

    function toAssetsDown(uint256 shares, uint256 index) internal pure returns (uint256) {
        unchecked {
            return (shares * index) / INDEX_ONE;
        }
    }

    function toAssetsUp(uint256 shares, uint256 index) internal pure returns (uint256) {
        unchecked {
            return (shares * index + INDEX_ONE - 1) / INDEX_ONE;
        }
    }

    /// @dev Reverts `SharesOverflow` for amounts that no pool can hold.
    function toSharesDown(uint256 assets, uint256 index) internal pure returns (uint256) {
        require(assets <= MAX_AMOUNT, SharesOverflow(assets));
        unchecked {
            return (assets * INDEX_ONE) / index;
        }
    }

    /// @dev Reverts `SharesOverflow` for amounts that no pool can hold.
    function toSharesUp(uint256 assets, uint256 index) internal pure returns (uint256) {
        require(assets <= MAX_AMOUNT, SharesOverflow(assets));
        unchecked {
            return (assets * INDEX_ONE + index - 1) / index;
        }
    }
}

library SupplyWordLib {
    function make(uint256 lenderShares_, uint256 accountShares_, uint256 index_) internal pure returns (SupplyWord) {
        return SupplyWord.wrap(lenderShares_ | (accountShares_ << 96) | (index_ << 192));
    }

    function lenderShares(SupplyWord w) internal pure returns (uint256) {
        return uint96(SupplyWord.unwrap(w));
    }

    function accountShares(SupplyWord w) internal pure returns (uint256) {
        return uint96(SupplyWord.unwrap(w) >> 96);
    }

    function index(SupplyWord w) internal pure returns (uint256) {
        return SupplyWord.unwrap(w) >> 192;
    }

    /// @notice All supply shares.
    function shares(SupplyWord w) internal pure returns (uint256) {
        unchecked {
            return lenderShares(w) + accountShares(w);
        }
    }

    /// @notice Assets owed to lenders and accounts, rounded down.
    function claims(SupplyWord w) internal pure returns (uint256) {
        return ShareMath.toAssetsDown(shares(w), index(w));
    }

    function withLenderShares(SupplyWord w, uint256 n) internal pure returns (SupplyWord) {
        require(n <= MAX_SHARES, SharesOverflow(n));
        return SupplyWord.wrap((SupplyWord.unwrap(w) & ~MAX_SHARES) | n);
    }

    function withAccountShares(SupplyWord w, uint256 n) internal pure returns (SupplyWord) {
        require(n <= MAX_SHARES, SharesOverflow(n));
        return SupplyWord.wrap((SupplyWord.unwrap(w) & ~(MAX_SHARES << 96)) | (n << 96));
    }

    function withIndex(SupplyWord w, uint256 n) internal pure returns (SupplyWord) {
        return SupplyWord.wrap((SupplyWord.unwrap(w) & ((1 << 192) - 1)) | (n << 192));
    }
}

library DebtWordLib {
    uint256 private constant RESERVE_UNIT = 25; // basis points
    uint256 private constant RATE_MASK = (1 << 36) - 1;
    uint256 private constant CLOSED = 1 << 252;
    uint256 private constant EXTERNAL_MODEL = 1 << 253;

    function make(uint256 index_, uint256 time) internal pure returns (DebtWord) {
        return DebtWord.wrap((index_ << 96) | (uint256(uint32(time)) << 160));
    }

    function debtShares(DebtWord w) internal pure returns (uint256) {
        return uint96(DebtWord.unwrap(w));
    }

    function index(DebtWord w) internal pure returns (uint256) {
        return uint64(DebtWord.unwrap(w) >> 96);
    }

    function lastAccrual(DebtWord w) internal pure returns (uint256) {
        return uint32(DebtWord.unwrap(w) >> 160);
    }

    function rateAtTarget(DebtWord w) internal pure returns (uint256) {
        return (DebtWord.unwrap(w) >> 192) & RATE_MASK;
    }

    /// @notice Basis points of the interest.
    function reserveFactor(DebtWord w) internal pure returns (uint256) {
        return uint256(uint8(DebtWord.unwrap(w) >> 228)) * RESERVE_UNIT;
    }

    /// @notice Token units; see {CapCode}.
    function supplyCap(DebtWord w) internal pure returns (uint256) {
        return CapCode.decode(uint16(DebtWord.unwrap(w) >> 236));
    }

    /// @notice No new deposits (repaying goes on).
    function depositsClosed(DebtWord w) internal pure returns (bool) {
        return DebtWord.unwrap(w) & CLOSED != 0;
    }

    /// @notice The rate comes from a model contract instead of the built-in curve.
    function externalModel(DebtWord w) internal pure returns (bool) {
        return DebtWord.unwrap(w) & EXTERNAL_MODEL != 0;
    }

    /// @notice Assets owed by all borrowers, rounded up.
    function debts(DebtWord w) internal pure returns (uint256) {
        return ShareMath.toAssetsUp(debtShares(w), index(w));
    }

    function withDebtShares(DebtWord w, uint256 n) internal pure returns (DebtWord) {
        require(n <= MAX_SHARES, SharesOverflow(n));
        return DebtWord.wrap((DebtWord.unwrap(w) & ~MAX_SHARES) | n);
    }

    function accruedTo(DebtWord w, uint256 index_, uint256 time, uint256 rate) internal pure returns (DebtWord) {
        uint256 kept = DebtWord.unwrap(w) & ~(((uint256(1) << 132) - 1) << 96);
        return DebtWord.wrap(kept | (index_ << 96) | (uint256(uint32(time)) << 160) | ((rate & RATE_MASK) << 192));
    }

    /// @param factor basis points, a multiple of 25, at most 6375.
    function withConfig(DebtWord w, uint256 factor, uint256 cap, bool closed) internal pure returns (DebtWord) {
        uint256 kept = DebtWord.unwrap(w) & (((uint256(1) << 228) - 1) | EXTERNAL_MODEL);
        return
            DebtWord.wrap(
                kept |
                    ((factor / RESERVE_UNIT) << 228) |
                    (uint256(CapCode.encodeDown(cap)) << 236) |
                    (closed ? CLOSED : 0)
            );
    }

    function withExternalModel(DebtWord w, bool on) internal pure returns (DebtWord) {
        return DebtWord.wrap(on ? DebtWord.unwrap(w) | EXTERNAL_MODEL : DebtWord.unwrap(w) & ~EXTERNAL_MODEL);
    }
}

library ConfigWordLib {
    uint256 private constant BORROWS_CLOSED = 1 << 224;
    uint256 private constant OUTFLOW_LIMITED = 1 << 225;
    uint256 private constant PART_MASK = 0x3fff;

    function make(address token_, uint256 decimals_) internal pure returns (ConfigWord) {
        return ConfigWord.wrap(uint160(token_) | (decimals_ << 218));
    }

    function token(ConfigWord w) internal pure returns (address) {
        return address(uint160(ConfigWord.unwrap(w)));
    }

    function borrowCap(ConfigWord w) internal pure returns (uint256) {
        return CapCode.decode(uint16(ConfigWord.unwrap(w) >> 160));
    }

    /// @notice Basis points of the claims that debts may reach.
    function maxUtilisation(ConfigWord w) internal pure returns (uint256) {
        return (ConfigWord.unwrap(w) >> 176) & PART_MASK;
    }

    /// @notice Basis points of the accounts' claims kept in cash for them.
    function reservedPart(ConfigWord w) internal pure returns (uint256) {
        return (ConfigWord.unwrap(w) >> 190) & PART_MASK;
    }

    /// @notice Basis points of the caps that only settlement may use.
    function settlementPart(ConfigWord w) internal pure returns (uint256) {
        return (ConfigWord.unwrap(w) >> 204) & PART_MASK;
    }

    function decimals(ConfigWord w) internal pure returns (uint8) {
        return uint8((ConfigWord.unwrap(w) >> 218) & 0x3f);
    }

    function borrowsClosed(ConfigWord w) internal pure returns (bool) {
        return ConfigWord.unwrap(w) & BORROWS_CLOSED != 0;
    }

    function outflowLimited(ConfigWord w) internal pure returns (bool) {
        return ConfigWord.unwrap(w) & OUTFLOW_LIMITED != 0;
    }

    function withLimits(
        ConfigWord w,
        uint256 cap,
        uint256 utilisation,
        uint256 reserved,
        uint256 settlement,
        bool closed
    ) internal pure returns (ConfigWord) {
        uint256 kept = uint160(ConfigWord.unwrap(w)) | (uint256(w.decimals()) << 218);
        kept |= ConfigWord.unwrap(w) & OUTFLOW_LIMITED;
        return
            ConfigWord.wrap(
                kept |
                    (uint256(CapCode.encodeDown(cap)) << 160) |
                    (utilisation << 176) |
                    (reserved << 190) |
                    (settlement << 204) |
                    (closed ? BORROWS_CLOSED : 0)
            );
    }

    function withOutflowLimited(ConfigWord w, bool on) internal pure returns (ConfigWord) {
        return ConfigWord.wrap(on ? ConfigWord.unwrap(w) | OUTFLOW_LIMITED : ConfigWord.unwrap(w) & ~OUTFLOW_LIMITED);
    }
}

library IdleWordLib {
    uint256 internal constant MAX_ROOM = type(uint96).max >> 1;
    uint256 private constant LIMITED = 1 << 255;

    function make(address token_, uint256 room_) internal pure returns (IdleWord) {
        return IdleWord.wrap(uint160(token_) | (room_ << 160));
    }

    function token(IdleWord w) internal pure returns (address) {
        return address(uint160(IdleWord.unwrap(w)));
    }

    /// @notice Token units until the collateral cap.
    function room(IdleWord w) internal pure returns (uint256) {
        return (IdleWord.unwrap(w) >> 160) & MAX_ROOM;
    }

    function outflowLimited(IdleWord w) internal pure returns (bool) {
        return IdleWord.unwrap(w) & LIMITED != 0;
    }

    function withRoom(IdleWord w, uint256 n) internal pure returns (IdleWord) {
        return IdleWord.wrap((IdleWord.unwrap(w) & ~(MAX_ROOM << 160)) | (n << 160));
    }

    function withOutflowLimited(IdleWord w, bool on) internal pure returns (IdleWord) {
        return IdleWord.wrap(on ? IdleWord.unwrap(w) | LIMITED : IdleWord.unwrap(w) & ~LIMITED);
    }
}

/// @dev Caps in 16 bits: nine of mantissa, seven of exponent; rounded down by less than 0.4 %. 0xffff: no cap.
library CapCode {
    uint16 internal constant NONE = type(uint16).max;

    function decode(uint16 code) internal pure returns (uint256) {
        if (code == NONE) return type(uint256).max;
        return uint256(code & 0x1ff) << (code >> 9);
    }

    /// @param cap at most 96 bits; `type(uint96).max` is no cap.
    function encodeDown(uint256 cap) internal pure returns (uint16) {
        if (cap >= MAX_SHARES) return NONE;
        uint16 exponent;
        while (cap >> exponent > 0x1ff) ++exponent;
        return (exponent << 9) | uint16(cap >> exponent);
    }
}
