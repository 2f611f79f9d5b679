// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Context} from "@openzeppelin/contracts/utils/Context.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";
import {TransientSlot} from "@openzeppelin/contracts/utils/TransientSlot.sol";

import {IMarginAccountsErrors, IMarginAccountsEvents} from "../interfaces/IMarginAccounts.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {ConfigWord, DebtWord, IdleWord, SupplyWord} from "../types/PoolWords.sol";

/// @title Everything that the safe remembers, in one place.
/// @dev `MarginAccounts` and its extension run on this one layout (the extension by delegatecall), so both inherit it first
/// and neither declares storage of its own.
abstract contract Storage is AccessManaged, IMarginAccountsEvents, IMarginAccountsErrors {
    using TransientSlot for *;

    /// @dev The three slots of a pool are neighbours: one hash finds them.
    struct PoolSlots {
        ConfigWord config;
        SupplyWord supply;
        DebtWord debt;
    }

    /// @dev A pool being changed, in memory: as it was when opened (interest accrued) and as it is now.
    struct Pool {
        uint256 n;
        SupplyWord s0;
        DebtWord d0;
        SupplyWord s;
        DebtWord d;
    }

    /// @dev Cold facts of an idle asset or vault share.
    struct IdleFacts {
        uint96 cap; // token units; room + what is held
        uint16 maxPart; // vault shares: basis points of the pool's supply shares
        uint8 decimals;
    }

    uint8 internal constant RIGHT_TRADE = 1;
    uint8 internal constant RIGHT_WITHDRAW = 2;

    uint8 internal constant PAUSE_BORROW = 1;
    uint8 internal constant PAUSE_WITHDRAW = 2;
    uint8 internal constant PAUSE_TRANSFER = 4;
    uint8 internal constant PAUSE_TRADE = 8;

    /// @dev Balance words: two entries each, sixteen assets at most (DESIGN 3).
    mapping(AccountId account => uint256[8] words) internal _words;
    mapping(uint256 number => PoolSlots) internal _pools;
    mapping(AssetId asset => IdleWord) internal _idles;

    /// @dev Engine, and beside it what the guardian stopped and until when: every check reads both.
    address internal _engine;
    uint8 internal _pausedActions;
    uint40 internal _pausedUntil;

    address internal _auction;
    address internal _positions;
    AccountId internal _insurance;

    uint16 internal _poolCount;
    uint16 internal _idleCount;

    mapping(uint256 number => address) internal _rateModels;
    mapping(AssetId asset => IdleFacts) internal _idleFacts;
    mapping(address token => AssetId) internal _assetIds;
    mapping(AssetId asset => RateLimiter.RefillingBucket) internal _outflows;

    /// @dev [epoch 32 | expiry 40 | receiversOnly 8 | rights 8]; receivers are listed per epoch, so a new list forgets the old.
    mapping(AccountId account => mapping(address operator => uint256)) internal _operators;
    mapping(AccountId account => mapping(address operator => mapping(uint256 epoch => mapping(address receiver => bool))))
        internal _receivers;
    mapping(address owner => mapping(uint256 word => uint256 bits)) internal _nonces;

    // ---------------------------------------------------------------- transient (cleared when the outermost call ends)

    /// @dev Lock (bit 0), used in this transaction (bit 1), session depth (8..15), touched accounts (16..31), touched assets (32..47).
    uint256 internal transient _session;
    /// @dev On whose behalf the safe calls itself inside a batch.
    address internal transient _actor;
    /// @dev Who opened the outermost session: the native value in the safe is his.
    address internal transient _payer;

    address internal immutable _wrapped;

    constructor(address authority_, address wrapped_) AccessManaged(authority_) {
        require(authority_ != address(0) && wrapped_ != address(0), ZeroAddress());
        _wrapped = wrapped_;
    }

    /// @dev A batch calls the safe's own doors with a plain call; the caller of the batch is still the actor. Nothing else
    /// can make the safe call itself with chosen data: other batch targets go through the forwarder.
    function _msgSender() internal view virtual override(Context) returns (address) {
        return msg.sender == address(this) ? _actor : msg.sender;
    }
}
