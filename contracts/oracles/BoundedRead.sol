// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title A static call to a contract that may be broken
/// @notice A price source that reverts, returns too little or burns all its gas must become a fault, not a revert of the
/// caller: one dead feed may not stop a view over many assets.
library BoundedRead {
    /// @dev Far above what aggregators, their proxies and `observe` with a full ring of observations use.
    uint256 internal constant GAS = 250_000;

    /// @dev The caller gave too little gas to tell a broken source from a starved one.
    error OutOfGas();

    /// @notice Calls `target` with `size` bytes at `input`, copies up to `outSize` bytes of the answer to `out`.
    /// @return ok whether the call succeeded and returned at least `outSize` bytes.
    function ask(
        address target,
        uint256 input,
        uint256 size,
        uint256 out,
        uint256 outSize
    ) internal view returns (bool ok) {
        // Only writes what the caller has set aside at `out`.
        assembly ("memory-safe") {
            ok := staticcall(GAS, target, input, size, out, outSize)
            ok := and(ok, iszero(lt(returndatasize(), outSize)))
        }
        // With less than GAS · 64/63 to give, a failure may have been made by the caller: nobody chooses which source
        // "fails" by the gas he sends. A starved call that used all it got leaves less than GAS / 63 (EIP-150).
        if (!ok) require(gasleft() >= GAS / 63, OutOfGas());
    }
}
