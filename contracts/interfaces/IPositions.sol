// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";

/// @title What the safe asks of the ledger of perps and options. It is asked only about accounts whose flags say so.
interface IPositions {
    /// @notice Only the safe, inside a bid: moves `fraction` (WAD) of every position and of the quote to `bidder`; positions
    /// are rounded towards `from`. Calls back `setLedgerFlags` for both.
    function takeFraction(AccountId from, AccountId bidder, uint256 fraction) external;
}
