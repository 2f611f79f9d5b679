// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev The 24 flag bits of an account, kept in the top of its first balance word.
type AccountFlags is uint24;

using AccountFlagsLib for AccountFlags global;

library AccountFlagsLib {
    uint24 private constant COUNT_MASK = 0x1f;
    uint24 private constant MODEL_SHIFT = 5;
    uint24 private constant MODEL_MASK = 0x3 << 5;
    uint24 private constant POSITIONS = 1 << 7;
    uint24 private constant QUOTE = 1 << 8;
    uint24 private constant AUCTION = 1 << 9;

    /// @notice Number of non-zero balances, 0..16. They are dense: entries 0..count-1.
    function count(AccountFlags f) internal pure returns (uint256) {
        return AccountFlags.unwrap(f) & COUNT_MASK;
    }

    /// @notice Margin model: bit 0 portfolio (else standard), bit 1 with attested credit.
    function model(AccountFlags f) internal pure returns (uint8) {
        return uint8((AccountFlags.unwrap(f) & MODEL_MASK) >> MODEL_SHIFT);
    }

    /// @notice Whether the account has perps or options, or a negative quote: it may owe by the ledger.
    function hasPositions(AccountFlags f) internal pure returns (bool) {
        return AccountFlags.unwrap(f) & POSITIONS != 0;
    }

    /// @notice Whether `Positions` holds a non-zero quote of the account.
    function hasQuote(AccountFlags f) internal pure returns (bool) {
        return AccountFlags.unwrap(f) & QUOTE != 0;
    }

    /// @notice Whether `Positions` has to be asked about the account.
    function hasLedger(AccountFlags f) internal pure returns (bool) {
        return AccountFlags.unwrap(f) & (POSITIONS | QUOTE) != 0;
    }

    function inAuction(AccountFlags f) internal pure returns (bool) {
        return AccountFlags.unwrap(f) & AUCTION != 0;
    }

    function withCount(AccountFlags f, uint256 count_) internal pure returns (AccountFlags) {
        return AccountFlags.wrap((AccountFlags.unwrap(f) & ~COUNT_MASK) | uint24(count_));
    }

    function withModel(AccountFlags f, uint8 model_) internal pure returns (AccountFlags) {
        return AccountFlags.wrap((AccountFlags.unwrap(f) & ~MODEL_MASK) | (uint24(model_) << MODEL_SHIFT));
    }

    function withLedger(AccountFlags f, bool positions, bool quote) internal pure returns (AccountFlags) {
        return
            AccountFlags.wrap(
                (AccountFlags.unwrap(f) & ~(POSITIONS | QUOTE)) | (positions ? POSITIONS : 0) | (quote ? QUOTE : 0)
            );
    }

    function withAuction(AccountFlags f, bool on) internal pure returns (AccountFlags) {
        return AccountFlags.wrap((AccountFlags.unwrap(f) & ~AUCTION) | (on ? AUCTION : 0));
    }
}
