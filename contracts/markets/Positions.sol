// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

import {IMarginAccounts, IUnlockCallback} from "../interfaces/IMarginAccounts.sol";
import {Fill, IPositions, IPositionsDoors, LedgerCause, PerpState, Settlement} from "../interfaces/IPositions.sol";
import {AccountId} from "../types/AccountId.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Instrument, Position} from "../types/Position.sol";
import {Fills} from "./Fills.sol";
import {LedgerStorage} from "./LedgerStorage.sol";
import {Settling} from "./Settling.sol";

/// @title Positions: the ledger of perps and options (DESIGN 3, 7), behind an ERC-1967 proxy.
/// @notice Hot doors; what is not here is served by {PositionsExtension} on the same storage. The public interface is
/// {IPositionsLedger}.
contract Positions is Fills, Settling, UUPSUpgradeable, Proxy, IPositions, IPositionsDoors, IUnlockCallback {
    address private immutable _extension;

    constructor(IMarginAccounts safe_, address authority_, address extension_) LedgerStorage(safe_, authority_) {
        require(extension_.code.length != 0, InvalidConfig("extension"));
        _extension = extension_;
    }

    // ---------------------------------------------------------------- neighbours

    /// @inheritdoc IPositions
    function fill(Fill calldata f) external guarded {
        require(msg.sender == _exchange, OnlyExchange(msg.sender));
        if (f.firstReduces || f.secondReduces) {
            if (!_safe.inSession()) {
                _safe.unlock(abi.encode(f));
                return;
            }
            _declareReducing(f, false);
        }
        _fill(f);
    }

    /// @inheritdoc IUnlockCallback
    /// @dev The safe calls only who opened the session, and this contract does so in {fill} alone.
    function onUnlock(bytes calldata data) external payable returns (bytes memory) {
        require(msg.sender == address(_safe) && _isEntered(), OnlySafe(msg.sender));
        Fill memory f = abi.decode(data, (Fill));
        _declareReducing(f, true);
        _fill(f);
        return "";
    }

    /// @inheritdoc IPositions
    function takeFraction(AccountId from, AccountId bidder, uint256 fraction) external guarded {
        require(msg.sender == address(_safe), OnlySafe(msg.sender));
        require(from != bidder, SameAccount(from));
        Book memory a = _load(from, 0);
        Book memory b = _load(bidder, a.count);
        // first what is pending: at one funding index positions of both can be added
        _touchBook(a);
        _touchBook(b);
        for (uint256 i = a.count; i != 0;) _takePart(a, b, --i, fraction);
        // claims down, debts up: a bid never lowers what is left (L1)
        int256 quote = FixedPoint.mulDivFloor(a.quote, fraction, WAD);
        a.quote -= quote;
        b.quote += quote;
        _store(a, LedgerCause.AuctionTaken);
        _store(b, LedgerCause.AuctionBid);
    }

    /// @dev Rounded towards zero: `a` keeps the remainder.
    function _takePart(Book memory a, Book memory b, uint256 i, uint256 fraction) private {
        Position word = a.words[i];
        Instrument instrument = word.instrument();
        int256 size = word.size();
        int256 part = (size * int256(fraction)) / int256(WAD);
        if (part == 0) return;
        uint256 j = _find(b, instrument);
        int256 held = j == NONE ? int256(0) : b.words[j].size();
        _change(a, i, instrument, 0, -part);
        _change(b, j, instrument, word.fundingIndex(), part);
        int256 grown = _grown(size, -part) + _grown(held, part);
        if (grown != 0) _shrink(instrument, grown);
    }

    /// @inheritdoc IPositions
    function ledgerOf(
        AccountId account
    ) external view returns (int256 quote, Position[] memory positions, PerpState[] memory perps) {
        return _ledgerOf(account);
    }

    // ---------------------------------------------------------------- anyone

    /// @inheritdoc IPositionsDoors
    function settle(AccountId winner, AccountId loser, uint256 amount) external guarded {
        _settle(winner, loser, amount);
    }

    /// @inheritdoc IPositionsDoors
    function settleBatch(Settlement[] calldata settlements) external guarded {
        for (uint256 i = 0; i < settlements.length; ++i) {
            _settle(settlements[i].winner, settlements[i].loser, settlements[i].amount);
        }
    }

    /// @inheritdoc IPositionsDoors
    function touch(AccountId account) external guarded {
        _requireUnlocked();
        Book memory b = _load(account, 0);
        _touchBook(b);
        _store(b, LedgerCause.Touch);
    }

    // ---------------------------------------------------------------- proxy

    receive() external payable {
        revert NoNativeValue();
    }

    function _authorizeUpgrade(address) internal override restricted {}

    /// @dev What is not here: the extension, by delegatecall on the proxy's storage.
    function _implementation() internal view override returns (address) {
        return _extension;
    }
}
