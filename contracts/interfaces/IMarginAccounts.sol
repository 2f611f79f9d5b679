// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {Holding} from "../types/Holding.sol";

/// @dev Why an account changed. Carried by every {IMarginAccountsEvents-AccountChanged}.
enum Cause {
    Deposit,
    Withdraw,
    Borrow,
    Repay,
    TransferOut,
    TransferIn,
    AuctionBid,
    AuctionTaken,
    AuctionFee,
    Insurance,
    SetOff,
    Settlement,
    Model,
    AuctionFlag,
    Ledger,
    Reserves
}

/// @dev One step of a {IMarginAccountsSessions-batch}. `target` 0 or the safe itself: one of the safe's own doors, called as
/// the caller of the batch. Any other target is called, without value, from an unprivileged forwarder.
struct Call {
    address target;
    bytes data;
}

/// @dev A pool as it stands now, interest accrued to the current block.
struct PoolState {
    uint96 lenderShares; // shares held through the vault
    uint96 accountShares; // shares held by accounts
    uint96 debtShares;
    uint64 supplyIndex; // assets per supply share, 1e15 = 1
    uint64 debtIndex; // assets per debt share, 1e15 = 1
    uint32 lastAccrual;
    uint64 rateAtTarget; // per second, WAD (adaptive curve only)
    uint16 reserveFactor; // basis points of the interest
    uint256 claims; // assets owed to lenders and accounts, rounded down
    uint256 debts; // assets owed by borrowers, rounded up
    uint256 cash; // what accounts may take out: claims − debts, at most the tokens held
    uint256 lenderCash; // what lenders and borrowers may take out: cash less the reserved part
    uint256 supplyRoom; // assets until the supply cap
    uint256 borrowRoom; // assets until the borrow cap, the utilisation cap or lenderCash, whichever is nearest
    uint256 reserves; // token balance + debts − claims, not below zero
}

/// @dev What the governor sets for a pool. Caps in token units, `type(uint96).max` = none; shares of one in basis points.
struct PoolConfig {
    uint96 supplyCap;
    uint96 borrowCap;
    uint16 maxUtilisation; // a borrow may not leave debts above this part of the claims
    uint16 reservedPart; // part of the accounts' claims that lenders and borrowers must leave in cash
    uint16 settlementPart; // part of the borrow and utilisation caps that only settlement may use
    uint16 reserveFactor; // part of the interest that goes to the insurance fund; at most 5000
    bool depositsClosed;
    bool borrowsClosed;
}

/// @dev An owner's EIP-712 signature (by key or by EIP-1271) over a door's message, with its unordered nonce and last second.
struct Signed {
    uint256 nonce;
    uint256 deadline;
    bytes signature;
}

interface IMarginAccountsEvents {
    /// @notice An account changed; `words` are all its balance words after the change (two entries of
    /// [asset 12 | int104 shares] each, the account's flags in the top 24 bits of the first).
    event AccountChanged(AccountId indexed account, Cause indexed cause, uint256[] words);
    /// @notice A pool changed; its two words after the change.
    event PoolChanged(AssetId indexed asset, uint256 supplyWord, uint256 debtWord);
    /// @notice `assets` of debt were cancelled without payment: `fromReserves` of it by the pool's reserves, the rest by its lenders.
    event DebtWrittenOff(
        AssetId indexed asset,
        AccountId indexed account,
        uint256 assets,
        uint256 fromReserves,
        uint256 supplyIndex
    );
    /// @notice A bid took `fraction` (WAD) of `account` for `price` settlement units of the token (negative: paid to the bidder).
    event BidTaken(
        AccountId indexed account,
        AccountId indexed bidder,
        uint256 fraction,
        int256 price,
        uint256 fee,
        uint256 fromInsurance,
        uint256 writtenOff
    );
    event OperatorSet(
        AccountId indexed account,
        address indexed operator,
        uint8 rights,
        uint40 expiry,
        bool receiversOnly,
        address[] receivers
    );
    event NonceUsed(address indexed owner, uint256 nonce);
    event AssetListed(AssetId indexed asset, address indexed token, uint8 decimals);
    event VaultSet(AssetId indexed asset, address vault);
    event PoolConfigured(AssetId indexed asset, PoolConfig config);
    event RateModelSet(AssetId indexed asset, address model);
    event CollateralCapSet(AssetId indexed asset, uint96 cap, uint16 maxPart);
    event OutflowLimitSet(AssetId indexed asset, uint208 capacity, uint48 window);
    event PointerSet(bytes32 indexed what, address target);
    event Paused(uint8 actions, uint40 until);
    event ReservesCollected(AssetId indexed asset, uint256 assets);
}

interface IMarginAccountsErrors {
    // authority
    error NotAuthorized(AccountId account, address caller, uint8 right);
    error ReceiverNotListed(AccountId account, address operator, address receiver);
    error OnlyVault(AssetId asset, address caller);
    error OnlyPositions(address caller);
    error OnlyAuction(address caller);
    // input
    error ZeroAmount();
    error ZeroAddress();
    error AssetNotListed(AssetId asset);
    error AssetNotBorrowable(AssetId asset);
    error DepositsClosed(AssetId asset);
    error BorrowsClosed(AssetId asset);
    error AssetNotHeld(AccountId account, AssetId asset);
    error TooManyAssets(AccountId account);
    error NothingToRepay(AccountId account, AssetId asset);
    error InsufficientBalance(AccountId account, AssetId asset, uint256 available);
    error UnknownModel(uint8 model);
    error SameAccount(AccountId account);
    error NativeValueMismatch(uint256 needed, uint256 available);
    error NotWrappedNative(AssetId asset);
    error CallFailed(uint256 index, bytes reason);
    error InvalidConfig(bytes32 field);
    error AlreadySet(bytes32 what);
    // limits
    error SupplyCapExceeded(AssetId asset, uint256 cap, uint256 total);
    error BorrowCapExceeded(AssetId asset, uint256 cap, uint256 total);
    error UtilisationCapExceeded(AssetId asset, uint256 maxDebts, uint256 debts);
    error CollateralCapExceeded(AssetId asset, uint256 room);
    error InsufficientLiquidity(AssetId asset, uint256 available);
    error ActionPaused(uint8 action);
    // margin
    error InsufficientMargin(AccountId account, int256 initial);
    error NotReduceOnly(AccountId account, bytes32 rule);
    error ReduceOnlyTooLate(AccountId account);
    error NoSession();
    error CheckPending(AccountId account);
    error AccountInAuction(AccountId account);
    error AccountNotInAuction(AccountId account);
    error TooManyTouched();
    // auctions
    error OwnAccount(AccountId account);
    error PriceOverLimit(int256 price, int256 limit);
    error FractionTooLarge(uint256 fraction, uint256 maximum);
    error SettlementRefused(AccountId loser, int256 maintenance);
    // tokens and reentrancy
    error Reentered();
    error TokenFailed(address token);
    error TokenTakesFee(address token, uint256 sent, uint256 received);
    error TokenRebases(address token);
    error TokenDecimals(address token, uint8 decimals);
    error AlreadyListed(address token);
    // signatures
    error InvalidSignature(address signer);
    error SignatureExpired(uint256 deadline);
    error PermitFailed(address token, address owner, uint256 deadline);
    error NonceAlreadyUsed(address owner, uint256 nonce);
}

/// @title The hot doors: money in, money out, bids.
/// @notice Amounts are token units. Where a door says "sender", it is `msg.sender`; the account's owner always may,
/// an operator within its rights (`RIGHT_TRADE` 1, `RIGHT_WITHDRAW` 2).
interface IMarginAccountsDoors {
    /// @notice Takes `amount` from the sender into `account`; pays debt in the asset first, the rest becomes balance.
    /// @dev Anyone; a stranger only into an asset that the account already has (`AssetNotHeld`). Needs no price, never paused.
    function deposit(AccountId account, AssetId asset, uint256 amount) external;

    /// @notice Sends `amount` of a positive balance to `to`; `type(uint256).max` = all of it. Rounds the shares up.
    /// @return assets what was sent.
    function withdraw(AccountId account, AssetId asset, uint256 amount, address to) external returns (uint256 assets);

    /// @notice Like withdraw, but the balance may go (further) below zero: debt at the pool's rate. Rounds the debt up.
    function borrow(AccountId account, AssetId asset, uint256 amount, address to) external;

    /// @notice Takes at most `amount` from the sender, never more than the debt, to pay it. `type(uint256).max` = all.
    /// @return assets what was taken.
    function repay(AccountId account, AssetId asset, uint256 amount) external returns (uint256 assets);

    /// @notice Moves `amount` (`type(uint256).max` = all of a positive balance) between accounts. `mayBorrow`: the giver may go below zero.
    function transfer(
        AccountId from,
        AccountId to,
        AssetId asset,
        uint256 amount,
        bool mayBorrow
    ) external returns (uint256 assets);

    /// @notice Takes `fraction` (WAD; `type(uint256).max` = as much as allowed) of every balance, debt and position of
    /// `account` into `bidder` for cash (DESIGN 8). Starts the auction when none runs and `maintenance` < 0.
    /// @param limit the most the bidder pays, in settlement token units; negative: the least it must be paid.
    /// @return taken the fraction taken, WAD. @return price paid by the bidder, token units; negative: paid to it.
    function bid(
        AccountId account,
        AccountId bidder,
        uint256 fraction,
        int256 limit
    ) external returns (uint256 taken, int256 price);

    /// @notice Runs calls in order inside one session; margin, caps and outflow are checked once at the end.
    function batch(Call[] calldata calls) external payable returns (bytes[] memory results);

    /// @notice Opens a session and calls `onUnlock(data)` of the sender; checks at the end. Flash loans are free.
    function unlock(bytes calldata data) external payable returns (bytes memory result);

    /// @notice Only the pool's vault, after it has moved `assets` of the token in. `shares` 0: as many as they buy, rounded
    /// down; else exactly that many, refused if they are worth more.
    function vaultSupply(AssetId pool, uint256 assets, uint256 shares) external returns (uint256 minted);

    /// @notice Only the pool's vault: burns `shares` of the lenders and sends `assets`, at most their worth, to `to`.
    function vaultWithdraw(AssetId pool, uint256 assets, uint256 shares, address to) external;

    /// @notice Assets per supply and per debt share now, interest accrued; 1e15 = 1. 1e15 for a pool that is not listed.
    function poolIndices(AssetId pool) external view returns (uint256 supplyIndex, uint256 debtIndex);

    /// @notice The margin engine in force.
    function engine() external view returns (address);
}

/// @title The cold doors, served by the extension through the fallback.
interface IMarginAccountsCold {
    // ------------------------------------------------------------------ sessions
    /// @notice Inside a session and before the account's first change: lets it pass by the reduce-only rule (DESIGN 3).
    function reduceOnly(AccountId account) external;

    /// @notice Wraps `amount` of the sent native value and deposits it. In a batch several may share the value.
    function depositNative(AccountId account, uint256 amount) external payable;

    /// @notice Withdraws wrapped native and unwraps it to `to`.
    function withdrawNative(AccountId account, uint256 amount, address to) external returns (uint256 assets);

    /// @notice Uses an ERC-2612 permit in the safe's favour; a permit that was used already is not an error.
    function permit(
        address token,
        address owner,
        uint256 value,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Uses the account's own vault shares of `pool` to pay its debt there, as far as both go.
    function setOff(AccountId account, AssetId pool) external returns (uint256 assets);

    // ------------------------------------------------------------------ authority
    /// @notice Gives `operator` rights until `expiry` (0 rights: none). With `receiversOnly` tokens may go only to `receivers`.
    function setOperator(
        AccountId account,
        address operator,
        uint8 rights,
        uint40 expiry,
        bool receiversOnly,
        address[] calldata receivers
    ) external;

    /// @notice 0 standard, 1 portfolio; 2 and 3: the same with attested credit ({ICreditTiers}). Checked like any other action.
    function setModel(AccountId account, uint8 model) external;

    function cancelNonce(uint256 nonce) external;

    function withdrawBySig(
        AccountId account,
        AssetId asset,
        uint256 amount,
        bool mayBorrow,
        address to,
        Signed calldata signed
    ) external returns (uint256 assets);

    function transferBySig(
        AccountId from,
        AccountId to,
        AssetId asset,
        uint256 amount,
        bool mayBorrow,
        Signed calldata signed
    ) external returns (uint256 assets);

    function setOperatorBySig(
        AccountId account,
        address operator,
        uint8 rights,
        uint40 expiry,
        bool receiversOnly,
        address[] calldata receivers,
        Signed calldata signed
    ) external;

    function cancelNonceBySig(address owner, uint256 cancelled, Signed calldata signed) external;

    // ------------------------------------------------------------------ neighbours
    /// @notice Only the auction: marks an account as in auction or not. Refused while its check is pending.
    function setInAuction(AccountId account, bool on) external;

    /// @notice Only Positions: moves settlement cash between accounts. `fill`: `from` will be checked (the caller
    /// touches `to` if the fill put risk on it too);
    /// else it is a settlement: refused in auction, while a check is pending, or when `maintenance` of `from` would be < 0.
    function settleCash(AccountId from, AccountId to, uint256 amount, bool fill) external;

    /// @notice Only Positions: says whether the account has positions or owes quote (`hasPositions`), and whether it has a quote at all.
    function setLedgerFlags(AccountId account, bool hasPositions, bool hasQuote) external;

    /// @notice Only Positions: the account was filled and must pass its check, now or when the session ends.
    function touch(AccountId account) external;

    /// @notice Anyone: stores the accrued interest.
    function accrue(AssetId pool) external;

    // ------------------------------------------------------------------ domain
    // the name is EIP-2612's
    // solhint-disable-next-line func-name-mixedcase
    function DOMAIN_SEPARATOR() external view returns (bytes32);
}

/// @title Governance of the safe and its views, served by the second extension.
interface IMarginAccountsAdmin {
    // ------------------------------------------------------------------ governor (AccessManager says who)
    /// @notice Lists a token as a pool (`lend`) or as idle collateral. The token is probed with `probe` units of the sender:
    /// taking a fee, rebasing, odd decimals and a second listing are refused. The first listing must be the settlement asset.
    function listAsset(address token, bool lend, uint256 probe) external returns (AssetId asset);
    function setVault(AssetId pool, address vault) external;
    function configurePool(AssetId pool, PoolConfig calldata config) external;
    /// @notice 0: the built-in adaptive curve.
    function setRateModel(AssetId pool, address model) external;
    /// @notice The most of an idle asset or vault share that may be held as collateral; `maxPart` (vault shares): basis points of all of the pool's shares.
    function setCollateralCap(AssetId asset, uint96 cap, uint16 maxPart) external;
    /// @notice Net outflow limit per asset: a bucket of `capacity` token units that refills in `window` seconds; 0 = none.
    function setOutflowLimit(AssetId asset, uint208 capacity, uint48 window) external;
    /// @notice As set last; a cap that was set below what is held is what was held.
    function collateralCap(AssetId asset) external view returns (uint96 cap, uint16 maxPart);
    function outflowLimit(AssetId asset) external view returns (uint208 capacity, uint48 window);
    function setEngine(address engine) external;
    function setAuction(address auction) external;
    function setPositions(address positions) external;
    function setInsurance(AccountId account) external;
    /// @notice Guardian: stops `actions` (bits: 1 borrow, 2 withdraw with debt, 4 transfer, 8 trades of perps and options that do not only reduce) until `until`,
    /// at most 7 days ahead. Deposit, repay, bids, debt-free withdrawal and reduce-only are never stopped.
    function pause(uint8 actions, uint40 until) external;

    // ------------------------------------------------------------------ anyone
    /// @notice Anyone: credits what the pool or idle asset holds beyond its claims to the insurance fund's account.
    function collectReserves(AssetId asset) external returns (uint256 assets);

    // ------------------------------------------------------------------ views
    function words(AccountId account) external view returns (uint256[] memory);
    /// @notice Flags and holdings (interest accrued) as the engine gets them. Reverts `Reentered` while locked.
    function portfolio(AccountId account) external view returns (AccountFlags flags, Holding[] memory holdings);
    /// @notice Signed balance in token units: what could be withdrawn (down) or is owed (up, negative).
    function balanceOf(AccountId account, AssetId asset) external view returns (int256 assets);
    function sharesOf(AccountId account, AssetId asset) external view returns (int256 shares);
    function poolState(AssetId pool) external view returns (PoolState memory);
    function poolWords(AssetId pool) external view returns (uint256 supplyWord, uint256 debtWord);
    function poolConfig(AssetId pool) external view returns (PoolConfig memory);
    /// @notice Total of an asset held by accounts as positive balances, token units (vault shares: in shares).
    function totalCollateral(AssetId asset) external view returns (uint256);
    function collateralRoom(AssetId asset) external view returns (uint256);
    function assetToken(AssetId asset) external view returns (address token, uint8 decimals);
    function assetIdOf(address token) external view returns (AssetId);
    function assetCounts() external view returns (uint16 pools, uint16 idles);
    function rateModel(AssetId pool) external view returns (address);
    function outflowLeft(AssetId asset) external view returns (uint256);
    function vaultOf(AssetId pool) external view returns (address);
    function operatorOf(
        AccountId account,
        address operator
    ) external view returns (uint8 rights, uint40 expiry, bool receiversOnly);
    function isReceiver(AccountId account, address operator, address receiver) external view returns (bool);
    /// @notice Whether `caller` may use all of `right` for `account` now.
    function isAuthorized(AccountId account, address caller, uint8 right) external view returns (bool);
    function nonceUsed(address owner, uint256 nonce) external view returns (bool);
    function isLocked() external view returns (bool);
    function inSession() external view returns (bool);
    /// @notice No session is open and no door was used yet in this transaction: no total stands on a flash loan.
    function isQuiet() external view returns (bool);
    function isPending(AccountId account) external view returns (bool);
    function pauses() external view returns (uint8 actions, uint40 until);
    function auction() external view returns (address);
    function positions() external view returns (address);
    function insurance() external view returns (AccountId);
    function wrappedNative() external view returns (address);
}

/// @title MarginAccounts: the safe and the door (DESIGN 3, 4). Not upgradeable.
interface IMarginAccounts is
    IMarginAccountsEvents,
    IMarginAccountsErrors,
    IMarginAccountsDoors,
    IMarginAccountsCold,
    IMarginAccountsAdmin
{}

/// @notice What a contract implements to use {IMarginAccountsDoors-unlock}.
interface IUnlockCallback {
    function onUnlock(bytes calldata data) external payable returns (bytes memory);
}
