// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";
import {Instrument, Position} from "../types/Position.sol";

/// @dev A perp market as margins need it.
struct PerpState {
    int256 markRatio; // mark ÷ index, WAD: 1 + premium inside its clamp; with a frozen market unused
    uint256 frozenMark; // settlement units (WAD) when the market is frozen, else 0
    uint256 openInterest; // one side, whole underlyings WAD, now
    uint256 slowOpenInterest; // the checkpoint that maintenance reckons with (DESIGN 6.1)
    uint256 confidence; // of the premium, WAD
    bool stale; // no fresh attestation: no new risk
}

/// @dev One leg of a fill: `size` goes to the first account, −size to the second.
struct FillLeg {
    Instrument instrument;
    int256 size; // whole underlyings WAD; positive: the first account buys
    uint256 price; // settlement units WAD per whole underlying; of an option its premium
}

/// @dev A fill between two accounts. Fees are settlement units WAD, ≥ 0, booked in the quote.
struct Fill {
    AccountId first;
    AccountId second;
    FillLeg[] legs;
    uint256 firstFee;
    uint256 secondFee;
    bool firstReduces; // signed as reduce-only: the account may pass by the safe's reduce-only rule
    bool secondReduces;
}

/// @title The ledger of perps and options. It is asked only about accounts whose flags say so.
interface IPositions {
    /// @notice Only the safe, inside a bid: moves `fraction` (WAD) of every position and of the quote to `bidder`; positions
    /// are rounded towards `from`. Calls back `setLedgerFlags` for both.
    function takeFraction(AccountId from, AccountId bidder, uint256 fraction) external;

    /// @notice Only the exchange: books a fill between two accounts, option premiums in cash at once, and has the safe check both.
    function fill(Fill calldata f) external;

    /// @notice What the scale needs of an account. `quote` has pending funding and the payoffs of settled expiries in it, rounded
    /// down; positions of settled expiries are left out of `positions`, closed markets' perps too.
    /// @return quote settlement units WAD.
    /// @return positions live ones, their sizes ≠ 0.
    /// @return perps one for each perp among `positions`, in their order.
    function ledgerOf(
        AccountId account
    ) external view returns (int256 quote, Position[] memory positions, PerpState[] memory perps);
}
