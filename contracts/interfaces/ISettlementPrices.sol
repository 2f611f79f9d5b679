// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title Averages over the 30 minutes before an expiry (DESIGN 7)
interface ISettlementPrices {
    /// @notice The price of an expiry, settlement units WAD per whole underlying, and whether it is final.
    /// @return price final price, or 0. @return isFinal whether it can be settled on.
    function settlementPrice(uint8 underlying, uint40 expiry) external view returns (uint256 price, bool isFinal);

    /// @notice For margins inside the window and until the price is final: the part of the average that is fixed already,
    /// `fixedPart` (WAD of the window) times `fixedPrice` (its average so far, settlement units WAD). Before the window 0, 0.
    function fixing(uint8 underlying, uint40 expiry) external view returns (uint256 fixedPart, uint256 fixedPrice);
}
