// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev Twelve bits: two of kind, ten of number (1..1023; 0 is "no asset"). The kind is in the id so that no slot has
/// to be read to know how an asset is kept:
///  - `POOL` (0): lent and borrowed; balances are shares of the pool's indices;
///  - `IDLE` (1): collateral that is never lent; one share is one token unit for ever;
///  - `VAULT_SHARE` (2): the ERC-4626 share of the pool with the same number, held as collateral.
type AssetId is uint16;

using AssetIdLib for AssetId global;
using {assetEquals as ==, assetDiffers as !=} for AssetId global;

/// @dev The settlement asset (USDC) is always pool 1.
AssetId constant SETTLEMENT = AssetId.wrap(1);

function assetEquals(AssetId a, AssetId b) pure returns (bool) {
    return AssetId.unwrap(a) == AssetId.unwrap(b);
}

function assetDiffers(AssetId a, AssetId b) pure returns (bool) {
    return AssetId.unwrap(a) != AssetId.unwrap(b);
}

library AssetIdLib {
    uint16 internal constant KIND_POOL = 0;
    uint16 internal constant KIND_IDLE = 1;
    uint16 internal constant KIND_VAULT_SHARE = 2;
    uint16 internal constant NUMBER_MASK = 0x3ff;

    function pool(uint16 number_) internal pure returns (AssetId) {
        return AssetId.wrap(number_ & NUMBER_MASK);
    }

    function idle(uint16 number_) internal pure returns (AssetId) {
        return AssetId.wrap((KIND_IDLE << 10) | (number_ & NUMBER_MASK));
    }

    /// @notice The vault share of pool `number_`, as an asset.
    function vaultShare(uint16 number_) internal pure returns (AssetId) {
        return AssetId.wrap((KIND_VAULT_SHARE << 10) | (number_ & NUMBER_MASK));
    }

    function kind(AssetId id) internal pure returns (uint16) {
        return AssetId.unwrap(id) >> 10;
    }

    function number(AssetId id) internal pure returns (uint16) {
        return AssetId.unwrap(id) & NUMBER_MASK;
    }

    function isPool(AssetId id) internal pure returns (bool) {
        return AssetId.unwrap(id) < 0x400;
    }
}
