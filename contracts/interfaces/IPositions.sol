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
    bool firstReduces; // signed as reduce-only: every leg must reduce its position, and the account may pass by the safe's reduce-only rule
    bool secondReduces;
}

/// @dev Why an account of the ledger changed. Carried by every {IPositionsEvents-LedgerChanged}.
enum LedgerCause {
    Fill,
    Touch,
    Settlement,
    AuctionTaken,
    AuctionBid,
    Fees,
    Clearing,
    Shortfall,
    Deleveraging
}

/// @dev One payment of unsettled PnL; `amount` in settlement token units.
struct Settlement {
    AccountId winner;
    AccountId loser;
    uint256 amount;
}

/// @dev What the governor sets for a perp market.
struct PerpConfig {
    uint64 clamp; // c: the premium counts within ±c, WAD (a multiple of 1e6)
    uint32 maxPremiumAge; // seconds; funding stands still once the stored premium is older. Below 2^22
    uint104 openInterestCap; // one side, whole underlyings WAD
    uint16 risePerHour; // basis points by which the slow open interest may rise per update
}

/// @dev A perp market as it stands now.
struct PerpMarket {
    bool listed;
    bool frozen; // only fills that reduce both accounts
    bool closed; // positions are taken over at the frozen mark by whoever touches them
    uint256 frozenMark; // settlement units WAD, 0 while not frozen
    uint256 openInterest; // one side, whole underlyings WAD
    uint256 slowOpenInterest;
    uint256 smallestOpenInterest; // at the last checkpoint, or the smallest seen since
    uint256 checkpointAt;
    PerpConfig config;
    int256 fundingRate; // settlement units WAD per whole underlying in 8 hours, while the premium is not too old
    uint256 fundedAt; // time of the last poke
    int256 fundingIndex; // accrued to now
    int256 fundingQuote; // part of the clearing account's quote that funding has booked
    uint256 dust; // Σ size·entry index = fundingQuote·1e18 − dust
    int256 clearingSize; // taken over after closing
}

/// @dev An option expiry as it stands now.
struct ExpiryMarket {
    bool listed;
    bool reduceOnly; // only fills that reduce both accounts
    bool settled; // positions are taken over at `price` by whoever touches them
    uint256 price; // settlement units WAD per whole underlying
    uint256 openInterest; // Σ of one side over all its options, whole underlyings WAD
    uint256 openInterestCap;
}

/// @title The ledger of perps and options, as its neighbours use it. It is asked only about accounts whose flags say so.
interface IPositions {
    /// @notice Only the safe, inside a bid: moves `fraction` (WAD) of every position and of the quote to `bidder`; positions
    /// are rounded towards `from`. Calls back `setLedgerFlags` for both.
    function takeFraction(AccountId from, AccountId bidder, uint256 fraction) external;

    /// @notice Only the exchange: books a fill between two accounts, option premiums in cash at once (the net premium, rounded up to
    /// a token unit, is paid), and has the safe check each of them once, after everything is booked.
    /// @dev With a reducing side it opens a session of its own outside of sessions; inside of one it declares reduce-only if
    /// it is not too late, and goes on without if it is.
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

interface IPositionsEvents {
    /// @notice An account of the ledger changed: its quote after the change and the words of the positions that changed, a closed one
    /// with size 0. A perp's word carries the funding index it was booked at. Clearing and fee accounts too.
    event LedgerChanged(AccountId indexed account, LedgerCause indexed cause, int256 quote, Position[] changed);
    event UnsettledPaid(AccountId indexed winner, AccountId indexed loser, uint256 amount);
    event FundingPoked(
        uint8 indexed underlying,
        int256 premium,
        uint256 index,
        int256 fundingRate,
        int256 fundingIndex
    );
    event ExpirySettled(uint8 indexed underlying, uint40 indexed expiry, uint256 price);
    event OpenInterestCheckpointed(uint8 indexed underlying, uint256 checkpoint, uint256 openInterest);
    event LowerOpenInterestSeen(uint8 indexed underlying, uint256 openInterest);
    event PerpListed(uint8 indexed underlying, PerpConfig config);
    event PerpConfigured(uint8 indexed underlying, PerpConfig config);
    event PerpFrozen(uint8 indexed underlying, uint256 mark, int256 fundingIndex);
    event PerpClosed(uint8 indexed underlying);
    event ExpiryListed(uint8 indexed underlying, uint40 indexed expiry);
    event ExpiryConfigured(uint8 indexed underlying, uint40 indexed expiry, uint104 openInterestCap, bool reduceOnly);
    event OptionListed(Instrument indexed instrument);
    event PointerSet(bytes32 indexed what, address target);
    event FeeReceiverSet(AccountId treasury, uint16 insurancePart);
    event FeesSwept(uint256 toInsurance, uint256 toTreasury);
    event PaidFromFees(AccountId indexed to, uint256 amount);
    /// @notice `amount` (WAD) of the loss of `account` was lifted off `bidder`: `fromFees` of it by the protocol's own unsettled
    /// profit, the rest is for winners to bear. `open` is what they bear in all.
    event ShortfallBooked(
        AccountId indexed account,
        AccountId indexed bidder,
        uint256 amount,
        uint256 fromFees,
        uint256 open
    );
    /// @notice `amount` (WAD) of a winner's unsettled profit was cancelled; `open` is left.
    event ProfitCancelled(AccountId indexed winner, uint256 amount, uint256 open);
}

interface IPositionsErrors {
    // callers
    error OnlySafe(address caller);
    error OnlyExchange(address caller);
    error Reentered();
    error AuthorityIsFixed();
    error NoNativeValue();
    // fills
    error NoLegs();
    error ZeroSize(Instrument instrument);
    error SameAccount(AccountId account);
    error NotATrader(AccountId account);
    error NotListed(Instrument instrument);
    error MarketFrozen(Instrument instrument);
    error MarketClosed(Instrument instrument);
    error InstrumentExpired(Instrument instrument);
    error NotReducing(AccountId account, Instrument instrument);
    error OpenInterestCapExceeded(Instrument instrument, uint256 cap, uint256 total);
    error TooManyPositions(AccountId account);
    error TooLarge(uint256 value);
    // settlement and expiry
    error SettlementTooLarge(uint256 amount, uint256 limit);
    /// @notice Winners have `open` (WAD) to bear first: no profit becomes cash before.
    error ShortfallOpen(uint256 open);
    error OnlyDeleveraging(address caller);
    error ExpiryNotFinal(uint8 underlying, uint40 expiry);
    error AlreadySettled(uint8 underlying, uint40 expiry);
    error FeesTooSmall(uint256 amount, uint256 fees);
    // checkpoints
    error TooSoon(uint8 underlying, uint256 until);
    error InsideSession();
    // listing
    error AlreadyListed(Instrument instrument);
    error ExpiryNotListed(uint8 underlying, uint40 expiry);
    error NotFrozen(uint8 underlying);
    error InvalidConfig(bytes32 field);
}

/// @title What anybody may call
interface IPositionsDoors {
    /// @notice Anyone: pays `amount` (settlement token units) of unsettled PnL in cash from `loser` to `winner`;
    /// 0 < amount ≤ min(U of the winner, −U of the loser), U at mid marks. The safe refuses it in an auction or while the loser's
    /// check is pending, when it would leave the loser's maintenance below zero, and over the caps of the settlement pool.
    function settle(AccountId winner, AccountId loser, uint256 amount) external;

    /// @notice Several settlements, all or none.
    function settleBatch(Settlement[] calldata settlements) external;

    /// @notice Anyone: books the account's pending funding and has the clearing accounts take over its positions of settled expiries and
    /// closed markets. Changes nobody's unsettled PnL by more than a wei per position.
    function touch(AccountId account) external;
}

/// @title What anybody may call, rarely
interface IPositionsCold {
    /// @notice Anyone: accrues funding with the stored premium, then stores the feed's premium and the index of now.
    function pokeFunding(uint8 underlying) external;

    /// @notice Anyone: stores the final price of an expiry. Reverts `ExpiryNotFinal` before there is one.
    function settleExpiry(uint8 underlying, uint40 expiry) external;

    /// @notice Anyone, outside sessions, an hour or more after the last time: moves the slow open interest towards the smallest seen since;
    /// it falls at once and rises by at most the governed part.
    function checkpointOpenInterest(uint8 underlying) external returns (uint256 checkpoint);

    /// @notice Anyone, outside sessions: an open interest below what the last checkpoint saw limits the next rise.
    function observeOpenInterest(uint8 underlying) external;

    /// @notice Anyone: moves the fee account's quote to the accounts of insurance fund and treasury.
    function sweepFees() external;

    /// @notice Only the safe, inside a bid and before {IPositions-takeFraction}: `amount` (settlement token units) of the unsettled loss that
    /// `bidder` takes over from `from` is lifted off him. What fees have not been swept and the insurance account has unsettled pays
    /// for it first; the rest is registered, for winners to bear.
    function bookShortfall(AccountId from, AccountId bidder, uint256 amount) external;

    /// @notice Only the contract that ranks winners: cancels at most `most` (WAD) of the unsettled profit of `winner`, never more than
    /// that is nor than is open. Sums stay as they are: the register loses what the winner loses.
    function cancelProfit(AccountId winner, uint256 most) external returns (uint256 cancelled);

    /// @notice Only the exchange: moves `amount` (WAD) of the fee account's quote to `to`: a keeper's part of a fee just booked.
    function payFromFees(AccountId to, uint256 amount) external;
}

/// @title What governance sets (AccessManager says who). Upgrades go by `upgradeToAndCall` (UUPS).
interface IPositionsAdmin {
    /// @notice Lists the perp of an underlying (the number of the pool whose asset is its index).
    function listPerp(uint8 underlying, PerpConfig calldata config) external;
    function configurePerp(uint8 underlying, PerpConfig calldata config) external;
    /// @notice Accrues funding a last time and fixes the mark; from now on only fills that reduce both accounts.
    function freezePerp(uint8 underlying, uint256 mark) external;
    /// @notice A frozen market: positions become their value at the frozen mark.
    function closePerp(uint8 underlying) external;
    function listExpiry(uint8 underlying, uint40 expiry, uint104 openInterestCap) external;
    function configureExpiry(uint8 underlying, uint40 expiry, uint104 openInterestCap, bool reduceOnly) external;
    /// @notice Lists options of listed expiries.
    function listOptions(Instrument[] calldata options) external;
    function setExchange(address exchange) external;
    function setFeed(address feed) external;
    function setSettlementPrices(address prices) external;
    function setDeleveraging(address deleveraging) external;
    /// @notice `insurancePart` basis points of the fees go to the insurance fund's account, the rest to `treasury`.
    function setFeeReceiver(AccountId treasury, uint16 insurancePart) external;
}

interface IPositionsViews {
    /// @notice Quote as stored, WAD, without what is pending. Of a clearing account too.
    function quoteOf(AccountId account) external view returns (int256);
    /// @notice Position words as stored, those of settled expiries included.
    function positionsOf(AccountId account) external view returns (Position[] memory);
    /// @notice Signed size held of an instrument; of a clearing account what it has taken over.
    function sizeOf(AccountId account, Instrument instrument) external view returns (int256);
    /// @notice U at mid marks, WAD, rounded down. Of a clearing account what it is worth beyond everybody's pending claims.
    /// Reverts `Reentered` while the safe is locked.
    function unsettledOf(AccountId account) external view returns (int256);
    /// @notice The most that {IPositionsDoors-settle} would take, as far as the ledger is asked, settlement token units.
    function settleable(AccountId winner, AccountId loser) external view returns (uint256);
    function perpMarket(uint8 underlying) external view returns (PerpMarket memory);
    /// @notice Mark of a perp at mid, WAD: index × (1 + clamped premium), or the frozen one.
    function markPrice(uint8 underlying) external view returns (uint256);
    function expiryMarket(uint8 underlying, uint40 expiry) external view returns (ExpiryMarket memory);
    /// @notice The expiry's listed options, in order of listing.
    function optionsOf(uint8 underlying, uint40 expiry) external view returns (Instrument[] memory);
    function isListed(Instrument instrument) external view returns (bool);
    function perpClearing(uint8 underlying) external view returns (AccountId);
    function expiryClearing(uint8 underlying, uint40 expiry) external view returns (AccountId);
    function feeAccount() external view returns (AccountId);
    function feeReceiver() external view returns (AccountId treasury, uint16 insurancePart);
    /// @notice What winners have to bear (WAD), and in which perps the losers were long and short: bit n is underlying n.
    function shortfall() external view returns (uint256 open, uint256 longs, uint256 shorts);
    /// @notice The account whose quote is minus the open shortfall.
    function shortfallAccount() external view returns (AccountId);
    function deleveraging() external view returns (address);
    function safe() external view returns (address);
    function exchange() external view returns (address);
    function feed() external view returns (address);
    function settlementPrices() external view returns (address);
}

/// @title Positions: the whole of the ledger (DESIGN 3, 7), behind one proxy
interface IPositionsLedger is
    IPositions,
    IPositionsEvents,
    IPositionsErrors,
    IPositionsDoors,
    IPositionsCold,
    IPositionsAdmin,
    IPositionsViews
{}
