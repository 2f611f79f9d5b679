// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Vm} from "forge-std/Vm.sol";

import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {Fill, FillLeg, IPositionsEvents, IPositionsLedger} from "../interfaces/IPositions.sol";
import {LiquidationAuction} from "../liquidation/LiquidationAuction.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {Instrument, InstrumentLib, Position} from "../types/Position.sol";
import {BaseTest} from "./BaseTest.sol";
import {FillSender, FinalPrices, LedgerEngine, PremiumFeed} from "./LedgerParts.sol";

/// @dev What the handler works with.
struct LedgerParts {
    IMarginAccounts safe;
    IPositionsLedger ledger;
    LiquidationAuction auction;
    LedgerEngine scale;
    PremiumFeed premiums;
    FinalPrices finals;
    FillSender sender;
}

/// @title All moves on the ledger: trades, funding, prices, touches, expiries, settlement, bids, freezing and closing, fees
/// @dev Moves never revert. Whatever they emit is kept, so that the ledger can be rebuilt from events alone.
abstract contract LedgerHandler is BaseTest {
    uint256 public constant TRADERS = 5;
    uint8 private constant ETH = 2;
    uint8 private constant BTC = 3;
    uint256 private constant STRIKES = 3;
    bytes32 private constant CHANGED = IPositionsEvents.LedgerChanged.selector;

    LedgerParts private _p;
    AccountId[] private _ids;
    Instrument[] private _instruments;
    uint256 private _time;
    uint40 public expiry;

    /// @notice How often each move did what it was for.
    mapping(bytes32 move => uint256) public done;
    /// @notice Moves so far.
    uint256 public steps;
    /// @notice Bookings so far: each may have rounded once.
    uint256 public roundings;
    /// @notice The first breach that a move has seen.
    string public broken;

    /// @notice Of the events alone.
    mapping(AccountId account => int256) public toldQuote;
    mapping(AccountId account => mapping(Instrument instrument => int256)) public toldSize;
    mapping(AccountId account => uint256) public toldCount;

    constructor(LedgerParts memory p, AccountId[] memory ids) {
        _p = p;
        _ids = ids;
        _time = block.timestamp;
        _instruments.push(InstrumentLib.perp(ETH));
        _instruments.push(InstrumentLib.perp(BTC));
    }

    modifier move(bytes32 name) {
        vm.warp(_time);
        vm.recordLogs();
        ++steps;
        _;
        ++done[name];
        _listen();
    }

    function _listen() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != address(_p.ledger) || logs[i].topics[0] != CHANGED) continue;
            AccountId id = AccountId.wrap(logs[i].topics[1]);
            (int256 quote, Position[] memory changed) = abi.decode(logs[i].data, (int256, Position[]));
            toldQuote[id] = quote;
            for (uint256 k = 0; k < changed.length; ++k) _hear(id, changed[k].instrument(), changed[k].size());
            roundings += 1 + changed.length;
        }
    }

    /// @dev What the undone call had emitted was recorded all the same.
    function _undone(bytes32 name) private {
        vm.getRecordedLogs();
        ++done[name];
    }

    function _hear(AccountId id, Instrument instrument, int256 size) private {
        int256 before = toldSize[id][instrument];
        toldSize[id][instrument] = size;
        if (before == 0 && size != 0) ++toldCount[id];
        if (before != 0 && size == 0) --toldCount[id];
    }

    function instruments() external view returns (Instrument[] memory) {
        return _instruments;
    }

    function moves() external pure returns (bytes4[] memory all) {
        all = new bytes4[](14);
        uint256 n;
        (all[n++], all[n++]) = (this.trade.selector, this.tradeOption.selector);
        (all[n++], all[n++]) = (this.spread.selector, this.reduce.selector);
        (all[n++], all[n++]) = (this.poke.selector, this.wait.selector);
        (all[n++], all[n++]) = (this.touch.selector, this.settle.selector);
        (all[n++], all[n++]) = (this.bid.selector, this.expire.selector);
        (all[n++], all[n++]) = (this.list.selector, this.freeze.selector);
        (all[n++], all[n++]) = (this.sweep.selector, this.anyOrder.selector);
    }

    // ------------------------------------------------------------------ trading

    function trade(uint256 who, uint256 which, int256 size, uint256 price) external {
        _trade(who, _instruments[which % 2], bound(size, -1e22, 1e22), bound(price, 1, 50_000e18));
    }

    function tradeOption(uint256 who, uint256 which, int256 size, uint256 price) external {
        if (_instruments.length <= 2) return;
        which = _instruments.length - 1 - (which % (2 * STRIKES));
        _trade(who, _instruments[which], bound(size, -1e21, 1e21), bound(price, 0, 5e18));
    }

    function _trade(uint256 who, Instrument instrument, int256 size, uint256 price) private {
        (AccountId a, AccountId b) = _pair(who);
        Fill memory f = _fill(a, b, 1);
        f.legs[0] = FillLeg(instrument, size, price);
        (f.firstFee, f.secondFee) = (who % 7, who % 3);
        _send(f);
    }

    function spread(uint256 who, uint256 which, int256 size, int256 size2) external {
        if (_instruments.length <= 2) return;
        (AccountId a, AccountId b) = _pair(who);
        Fill memory f = _fill(a, b, 3);
        f.legs[0] = FillLeg(_instruments[which % _instruments.length], bound(size, -1e20, 1e20), 3e17);
        f.legs[1] = FillLeg(_instruments[(which >> 8) % _instruments.length], bound(size2, -1e20, 1e20), 7e17 + 1);
        f.legs[2] = FillLeg(_instruments[which % 2], bound(size2, -1e20, 1e20), 2_000e18 + 1);
        _send(f);
    }

    function reduce(uint256 who, uint256 which) external {
        (AccountId a, AccountId b) = _pair(who);
        Position[] memory held = _p.ledger.positionsOf(a);
        if (held.length == 0) return;
        Position word = held[which % held.length];
        Fill memory f = _fill(a, b, 1);
        int256 part = word.size() / int256(((which >> 8) % 3) + 1);
        f.legs[0] = FillLeg(word.instrument(), -part, 1e18);
        f.firstReduces = true;
        _send(f);
    }

    function _send(Fill memory f) private move("trade") {
        try _p.sender.fill(f) {
            ++done["filled"];
        } catch {
            _undone("refused");
        }
    }

    function _fill(AccountId a, AccountId b, uint256 n) private pure returns (Fill memory f) {
        (f.first, f.second) = (a, b);
        f.legs = new FillLeg[](n);
    }

    function _pair(uint256 who) private view returns (AccountId a, AccountId b) {
        uint256 i = who % TRADERS;
        return (_ids[i], _ids[(i + 1 + ((who >> 16) % (TRADERS - 1))) % TRADERS]);
    }

    // ------------------------------------------------------------------ markets

    function poke(uint256 which, int256 premium, uint256 price) external move("poke") {
        uint8 u = which % 2 == 0 ? ETH : BTC;
        _p.scale.setPrice(u, bound(price, 1e18, 60_000e18));
        _p.premiums.set(u, bound(premium, -0.03e18, 0.03e18));
        try _p.ledger.pokeFunding(u) {
            ++done["poked"];
        } catch {
            _undone("not poked");
        }
    }

    function wait(uint256 seconds_) external {
        _time += bound(seconds_, 1, 5 hours);
        vm.warp(_time);
        ++done["wait"];
    }

    /// @notice The running expiry is over.
    function expire(uint256 price) external move("expire") {
        if (expiry == 0) return;
        if (_time < expiry) {
            _time = expiry;
            vm.warp(_time);
        }
        _p.finals.set(ETH, expiry, bound(price, 0, 5_000e18));
        _p.ledger.settleExpiry(ETH, expiry);
        expiry = 0;
        ++done["settled expiry"];
    }

    /// @notice A new one begins when there is none.
    function list() external move("list") {
        if (expiry != 0 || _instruments.length > 14) return;
        expiry = uint40(_time + 12 hours);
        _p.ledger.listExpiry(ETH, expiry, 1e30);
        Instrument[] memory options = new Instrument[](2 * STRIKES);
        for (uint256 i = 0; i < options.length; ++i) {
            uint64 strike = uint64(1_000e8 + (i / 2) * 1_000e8 + 1);
            options[i] = InstrumentLib.option(ETH, expiry, strike, i % 2 == 0);
            _instruments.push(options[i]);
        }
        _p.ledger.listOptions(options);
        ++done["listed"];
    }

    /// @notice Rarely: freezes BTC's market, later closes it.
    function freeze(uint256 luck, uint256 mark) external move("freeze") {
        if (luck % 4 != 0) return;
        if (!_p.ledger.perpMarket(BTC).frozen) {
            _p.ledger.freezePerp(BTC, bound(mark, 1, 60_000e18));
            ++done["frozen"];
        } else if (!_p.ledger.perpMarket(BTC).closed) {
            _p.ledger.closePerp(BTC);
            ++done["closed"];
        }
    }

    // ------------------------------------------------------------------ accounts

    function touch(uint256 who) external move("touch") {
        AccountId id = _ids[who % TRADERS];
        int256 before = _p.ledger.unsettledOf(id);
        _p.ledger.touch(id);
        if (_p.ledger.unsettledOf(id) != before) broken = "a touch changed U";
    }

    function settle(uint256 who, uint256 amount) external move("settle") {
        (AccountId winner, AccountId loser) = _pair(who);
        uint256 limit = _p.ledger.settleable(winner, loser);
        if (limit == 0) return;
        amount = bound(amount, 1, limit);
        try _p.ledger.settle(winner, loser, amount) {
            ++done["settled"];
        } catch {
            _undone("not settled");
        }
    }

    function bid(uint256 who, uint256 fraction) external move("bid") {
        (AccountId account, AccountId bidder) = _pair(who);
        (AccountFlags flags, ) = _p.safe.portfolio(account);
        if (!flags.hasPositions()) return;
        // at random all of it: below the dust threshold
        _p.scale.script(account, -1_000e18, -500e18, who % 3 == 0 ? int256(1e18) : int256(5_000e18));
        vm.prank(bidder.owner());
        try
            _p.safe.bid(account, bidder, who % 3 == 0 ? type(uint256).max : bound(fraction, 1, 1e17), type(int256).max)
        {
            ++done["taken"];
        } catch {
            _undone("not taken");
        }
        _p.scale.unscript(account);
        (flags, ) = _p.safe.portfolio(account);
        if (flags.inAuction()) _p.auction.end(account);
    }

    function sweep(uint256 who, uint256 amount) external move("sweep") {
        int256 fees = _p.ledger.quoteOf(_p.ledger.feeAccount());
        if (fees <= 0) return;
        if (who % 2 == 0) _p.ledger.sweepFees();
        else _p.sender.payFromFees(_ids[(who >> 1) % TRADERS], bound(amount, 0, uint256(fees)));
        ++done["swept"];
    }

    /// @notice Everybody is touched, forwards and, on the same state, backwards: the same comes of it (D1).
    function anyOrder() external {
        vm.warp(_time);
        uint256 snapshot = vm.snapshotState();
        bytes32 forwards = _touchAll(false);
        vm.revertToState(snapshot);
        bytes32 backwards = _touchAll(true);
        vm.revertToState(snapshot);
        if (forwards != backwards) broken = "the order of touches matters";
        ++done["any order"];
    }

    function _touchAll(bool back) private returns (bytes32 print) {
        for (uint256 i = 0; i < TRADERS; ++i) _p.ledger.touch(_ids[back ? TRADERS - 1 - i : i]);
        for (uint256 i = 0; i < TRADERS; ++i) {
            print = keccak256(abi.encode(print, _p.ledger.quoteOf(_ids[i]), _p.ledger.positionsOf(_ids[i])));
        }
        print = keccak256(abi.encode(print, _p.ledger.perpMarket(ETH), _p.ledger.perpMarket(BTC)));
        return keccak256(abi.encode(print, _p.ledger.quoteOf(AccountIdLib.make(address(_p.ledger), BTC))));
    }
}
