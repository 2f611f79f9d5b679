// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";
import {Instrument} from "../types/Position.sol";
import {Signed} from "./IMarginAccounts.sol";
import {FillLeg} from "./IPositions.sol";

// ---------------------------------------------------------------- what is signed
// EIP-712 domain: name "Plimsoll Exchange", version "1", chainId, verifyingContract = the exchange's proxy. The types are
//
//   Order(bytes32 account,Leg[] legs,uint128 size,uint128 maxFee,uint40 expiry,uint256 nonce,uint64 salt,address executor,uint8 flags,Trigger trigger)
//   Leg(uint128 instrument,int128 ratio,uint128 price)
//   Trigger(uint8 underlying,bool above,uint128 price,uint128 keeperFee)
//
// An order's hash, wherever one is named, is its EIP-712 digest (domain included): what the wallet signs.

/// @dev Order flags. Post-only and immediate-or-cancel exclude each other.
uint8 constant FLAG_REDUCE_ONLY = 1;
uint8 constant FLAG_POST_ONLY = 2;
uint8 constant FLAG_IMMEDIATE_OR_CANCEL = 4;

/// @dev An order has 1 to 16 legs, instruments strictly ascending.
uint256 constant MAX_LEGS = 16;

/// @dev One instrument of an order. A plain order has one leg of ratio ±1e18.
struct Leg {
    Instrument instrument;
    int128 ratio; // whole underlyings per unit of size, WAD; > 0 buys, < 0 sells; not 0, |ratio| ≤ 1e24
    uint128 price; // settlement units WAD per whole underlying; of an option its premium
}

/// @dev A stop or take-profit: the order is executable only while the index (mid price of the underlying's pool, settlement
/// units WAD) is ≥ `price` (`above`) or ≤ it. `underlying` 0: no trigger, and the rest is ignored.
struct Trigger {
    uint8 underlying;
    bool above;
    uint128 price;
    uint128 keeperFee; // settlement units WAD for the whole size, paid in proportion as it fills
}

/// @dev A limit order. Its limit is the net cost of one unit of size, Σ ratio·price over the legs.
struct Order {
    AccountId account;
    Leg[] legs;
    uint128 size; // units of the whole spread, WAD
    uint128 maxFee; // most fee per unit of size, settlement units WAD; the keeper's fee comes on top
    uint40 expiry; // the last second at which it can be filled
    uint256 nonce; // of the account, in any order; used up by the last fill
    uint64 salt; // milliseconds since 1970 at which it was made: time priority, and what `cancelUpTo` compares
    address executor; // the only one who may submit it (RFQ, block trade); 0: anybody
    uint8 flags;
    Trigger trigger;
}

/// @dev An order and who signed it: the account's owner, or an operator with the right to trade. The signature is one of the
/// signer's key (65 bytes) or what its contract takes (EIP-1271). It may be empty where the signer is the caller himself.
struct SignedOrder {
    Order order;
    address signer;
    bytes signature;
}

/// @dev Two orders with the same instruments and opposite ratios, and how much of both to fill.
struct Match {
    SignedOrder maker;
    SignedOrder taker;
    uint128 size;
}

/// @dev One row of the fee table. Rates in millionths of the notional (size × index).
struct FeeTier {
    uint64 minVolume; // whole settlement units in 30 days; a multiple of 10,000; 0 in the first row
    uint16 perpMaker;
    uint16 perpTaker;
    uint16 optionMaker;
    uint16 optionTaker;
}

interface IExchangeEvents {
    /// @notice A fill. `legs` are the maker's: positive sizes were bought by the maker. Fees include keepers' fees.
    event OrdersFilled(
        bytes32 indexed makerHash,
        bytes32 indexed takerHash,
        AccountId maker,
        AccountId taker,
        uint256 size,
        uint256 makerFee,
        uint256 takerFee,
        FillLeg[] legs
    );
    /// @notice Match `index` of a batch was left out; `reason` is the revert data of what refused it.
    event FillSkipped(uint256 indexed index, bytes32 indexed makerHash, bytes32 indexed takerHash, bytes reason);
    /// @notice Nonces 256·word + i are used up for every bit i of `mask`.
    event NoncesCancelled(AccountId indexed account, uint256 word, uint256 mask);
    /// @notice Orders with a salt below `salt` are void.
    event CancelledUpTo(AccountId indexed account, uint64 salt);
    /// @notice All orders are void after `validUntil` (0: the switch is off).
    event KeptAlive(AccountId indexed account, uint40 validUntil);
    event FeesSet(FeeTier[] tiers, uint16 optionCap);
}

interface IExchangeErrors {
    // who
    error InvalidSignature(address signer);
    error NotAuthorized(AccountId account, address signer);
    error NotExecutor(bytes32 orderHash, address executor, address caller);
    error SignatureExpired(uint256 deadline);
    // the order
    error InvalidLegs(bytes32 orderHash);
    error InvalidFlags(bytes32 orderHash, uint8 flags);
    error OrderExpired(bytes32 orderHash, uint40 expiry);
    /// @dev Its salt lies below what `cancelUpTo` said.
    error OrderCancelled(bytes32 orderHash, uint64 minSalt);
    /// @dev The account's dead-man's switch fell at `validUntil`.
    error OrdersVoid(AccountId account, uint40 validUntil);
    /// @dev Filled whole, cancelled, or an immediate-or-cancel order of an earlier transaction.
    error NonceUsed(AccountId account, uint256 nonce);
    error OverFilled(bytes32 orderHash, uint256 remaining, uint256 size);
    error TriggerNotMet(bytes32 orderHash, uint256 index);
    error FeeAboveMaximum(bytes32 orderHash, uint256 fee, uint256 maximum);
    // the two together
    error ZeroSize();
    /// @dev So small that a leg would be filled with nothing.
    error FillTooSmall(Instrument instrument);
    error LegsMismatch(bytes32 makerHash, bytes32 takerHash);
    error SelfTrade(address owner);
    error PostOnlyWouldTake(bytes32 orderHash);
    /// @dev By the maker rule it is the other order that makes the price.
    error WrongMaker(bytes32 orderHash);
    /// @dev Net cost of a unit at the maker's prices (rounded up), and the most that the taker signed (down), settlement units WAD.
    error PriceWorseThanLimit(int256 cost, int256 limit);
    // the rest
    /// @dev A fill failed without having had all of {IExchange-FILL_GAS}: nobody can say that it was bad.
    error NotEnoughGas(uint256 index);
    /// @dev A salt more than a day ahead of now would void orders not yet thought of.
    error SaltTooFar(uint64 salt);
    error SaltNotRaised(uint64 minSalt);
    error InvalidFees(bytes32 field);
    error ZeroAddress();
}

/// @title Exchange: signed orders become positions (DESIGN 7)
/// @notice Holds nothing and can do nothing but ask {IPositions-fill}. Who matches orders cannot choose prices:
///  - **Maker** is the post-only order (two of them do not match); else the one that can rest (neither immediate-or-cancel nor
///    triggered), if only one can; else the one with the earlier salt; with equal salts the one with the lower hash.
///  - The fill takes place at the **maker's leg prices**; the taker's net cost there is at most the one that he signed.
///  - Sizes of legs are size × ratio, rounded towards zero, the same for both.
interface IExchange is IExchangeEvents, IExchangeErrors {
    // ---------------------------------------------------------------- fills
    /// @notice Fills one match or reverts with the named reason. The ledger's and the safe's errors come through unwrapped: `NotListed`,
    /// `InstrumentExpired`, `NotReducing` (a reduce-only order that would grow or flip a position), `InsufficientMargin`, …
    /// @param keeper where the signed keeper fees of triggered orders go: an account for which the caller may trade; 0: no such
    /// fee is taken.
    function fillOrder(Match calldata m, AccountId keeper) external;

    /// @notice Fills each match in a scope of its own; a bad one is left out and reported by `FillSkipped`, the others stand.
    /// @dev Reverts `NotEnoughGas` where a fill fails and was not given all of `FILL_GAS`: send that much on top of what the
    /// fills are expected to use (the unused part is not paid for).
    /// @return filled which were.
    function fillOrders(Match[] calldata matches, AccountId keeper) external returns (bool[] memory filled);

    // ---------------------------------------------------------------- cancelling (owner, or operator with the right to trade)
    /// @notice Uses one nonce up.
    function cancel(AccountId account, uint256 nonce) external;

    /// @notice Uses up nonces 256·word + i for every bit i of `mask`.
    function cancelWord(AccountId account, uint256 word, uint256 mask) external;

    /// @notice Voids all orders with a salt below `salt`. It only rises, and at most to a day ahead of now (milliseconds).
    function cancelUpTo(AccountId account, uint64 salt) external;

    /// @notice Dead-man's switch: all orders are void after `validUntil`, until it is set anew. 0 takes the switch away; a time
    /// that has passed voids all at once.
    function keepAlive(AccountId account, uint40 validUntil) external;

    // The same by signature, relayed by anyone; `signer` is the owner or an operator, the nonce one of the account's. Types:
    //   CancelWord(bytes32 account,uint256 word,uint256 mask,uint256 nonce,uint256 deadline)
    //   CancelUpTo(bytes32 account,uint64 salt,uint256 nonce,uint256 deadline)
    //   KeepAlive(bytes32 account,uint40 validUntil,uint256 nonce,uint256 deadline)

    function cancelWordBySig(
        AccountId account,
        uint256 word,
        uint256 mask,
        address signer,
        Signed calldata signed
    ) external;

    function cancelUpToBySig(AccountId account, uint64 salt, address signer, Signed calldata signed) external;

    function keepAliveBySig(AccountId account, uint40 validUntil, address signer, Signed calldata signed) external;

    // ---------------------------------------------------------------- governor
    /// @notice The fee table: 1 to 5 rows by rising volume, rates at most 1 % (10,000 millionths). An option's fee is at most
    /// `optionCap` basis points of its premium.
    function setFees(FeeTier[] calldata tiers, uint16 optionCap) external;

    // ---------------------------------------------------------------- views
    /// @notice EIP-712 digest of an order.
    function hashOrder(Order calldata order) external view returns (bytes32);

    /// @notice What can still be filled of an order as far as the exchange knows: 0 when it is used up, cancelled, expired or void.
    /// Asks neither for margin nor for the trigger.
    function remaining(Order calldata order) external view returns (uint256);

    /// @notice What of an order was filled while it rests; 0 again once it is filled whole.
    function filledOf(bytes32 orderHash) external view returns (uint256);

    /// @notice 256 nonces of an account; a set bit is used up.
    function nonceWord(AccountId account, uint256 word) external view returns (uint256 bits);

    function controlsOf(AccountId account) external view returns (uint64 minSalt, uint40 validUntil);

    /// @notice Volume of an owner, whole settlement units, over the last 30 days: four buckets of ten days, of the oldest the part
    /// that still lies inside.
    /// A perp counts by its notional, an option by the smaller of its notional and a hundred times its premium.
    function volumeOf(address owner) external view returns (uint256);

    /// @notice Fees that an owner has ever paid as maker, hundredths of a settlement unit modulo 2^32, each fill rounded down. Without keepers'
    /// fees. For {IMakerRewards}.
    function makerFeesOf(address owner) external view returns (uint32);

    function fees() external view returns (FeeTier[] memory tiers, uint16 optionCap);

    /// @notice The fee that a fill of `legs` costs an account now, settlement units WAD, rounded up.
    function feeOf(AccountId account, FillLeg[] calldata legs, bool asMaker) external view returns (uint256);

    /// @notice Gas that a fill of a batch may use; enough for two full accounts.
    // a constant
    // solhint-disable-next-line func-name-mixedcase
    function FILL_GAS() external view returns (uint256);

    function safe() external view returns (address);
    function positions() external view returns (address);
}
