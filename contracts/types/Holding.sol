// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AssetId} from "./AssetId.sol";

/// @dev What the engine is told of one balance: asset id in the high 16 bits, signed amount (int128) in the low ones.
/// The amount is in the token's own units; for a vault share it is in units of the **underlying** token (shares × supply
/// index, rounded down). Positive: the account owns it; negative: it owes it (rounded up).
type Holding is uint256;

using HoldingLib for Holding global;

library HoldingLib {
    function pack(AssetId asset_, int256 amount_) internal pure returns (Holding) {
        return Holding.wrap((uint256(AssetId.unwrap(asset_)) << 240) | uint256(uint128(int128(amount_))));
    }

    function asset(Holding h) internal pure returns (AssetId) {
        return AssetId.wrap(uint16(Holding.unwrap(h) >> 240));
    }

    function amount(Holding h) internal pure returns (int256) {
        return int256(int128(uint128(Holding.unwrap(h))));
    }
}
