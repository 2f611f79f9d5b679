// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Vm} from "forge-std/Vm.sol";

import {ILiquidationAuction} from "../../interfaces/ILiquidationAuction.sol";
import {IMarginAccountsEvents, PoolState} from "../../interfaces/IMarginAccounts.sol";
import {AccountFlags} from "../../types/AccountFlags.sol";
import {AccountId, AccountIdLib} from "../../types/AccountId.sol";
import {AssetId} from "../../types/AssetId.sol";
import {FixedPoint, WAD} from "../../types/FixedPoint.sol";
import {Actor, Step} from "./Actor.sol";
import {Margins} from "./HandlerBase.sol";
import {SessionHandler} from "./SessionHandler.sol";

/// @title Auctions, bids, insurance and write-offs (L1, L2)
abstract contract AuctionHandler is SessionHandler {
    /// @dev A cent. Balances are whole token units before and after, and one unit of eight decimals may be worth a third
    /// of a cent.
    int256 internal constant DUST = 0.01e18;
    uint256 private constant ALL = type(uint256).max;
    uint256 private constant Q = 0.2e18;
    /// @dev What is known before a bid and compared after it.
    struct Scene {
        AccountId account;
        AccountId bidder;
        Margins target;
        Margins bid;
        ILiquidationAuction.Status status;
        uint256 fund;
        uint256 fraction;
        PoolState[POOLS] pools;
    }

    /// @dev Brings every auction of a run to its end; has no other part in it.
    Actor internal rescuer;

    // ------------------------------------------------------------------ the auction's doors
    function start(uint256 who, uint256 other) external watched(who, other) {
        AccountId account = _sick(other, false);
        Margins memory m = _margins(account);
        bytes memory data = abi.encodeCall(sys.auction.start, (account, _account(who, other >> 16)));
        (bool ok, ) = _call(who, address(sys.auction), data);
        if (ok && m.maintenance >= 0) _break("L1", "an auction of a healthy account started");
        _did("start", ok);
    }

    function poke(uint256 who, uint256 other) external watched(who, other) {
        (bool ok, ) = _call(who, address(sys.auction), abi.encodeCall(sys.auction.poke, (_sick(other, true))));
        _did("poke", ok);
    }

    /// @dev Anyone may end the auction of an account that is healthy again.
    function end(uint256 who, uint256 other) external watched(who, other) {
        AccountId account = _flagged(other);
        Margins memory m = _margins(account);
        bool running = _inAuction(account);
        (bool ok, ) = _call(who, address(sys.auction), abi.encodeCall(sys.auction.end, (account)));
        if (ok != (running && m.ok && m.maintenance >= 0)) _break("L1", "an auction's end does not go by maintenance");
        _did("end", ok);
    }

    /// @dev Whoever is in auction pays all debts, and leaves with or without a price (A3).
    function quit(uint256 other, uint256 what, uint256 size) external {
        vm.warp(time);
        for (uint256 i; i < ACCOUNTS; ++i) {
            uint256 k = ((other % ACCOUNTS) + i) % ACCOUNTS;
            if (!_inAuction(accounts[k])) continue;
            for (uint256 n; n < POOLS; ++n) _try(k / 2, abi.encodeCall(safe.repay, (accounts[k], _pool(n), ALL)));
            _did("quit", !_hasDebt(accounts[k]));
            return _exit(k / 2, (what & 0xff) | ((k & 1) << 8), size);
        }
    }

    // ------------------------------------------------------------------ bids
    function bid(uint256 who, uint256 other, uint256 size) external watched(who, other) {
        uint256 bidder = size & 1 == 0 ? KEEPER : who;
        // now and then on whoever comes, sick or not
        AccountId account = size & 28 == 0 ? _strangerTo(bidder, other) : _sick(other, size & 2 != 0);
        _bidOn(bidder, account, _account(bidder, size >> 5), size >> 8);
    }

    /// @dev Start and bid in one transaction: never paid by the fund.
    function startAndBid(uint256 who, uint256 other, uint256 size) external watched(who, other) {
        _letHarm();
        AccountId account = _sick(other, false);
        AccountId bidder = _account(who, size >> 2);
        Margins memory m = _margins(account);
        uint256 fund = sys.fund.balance();
        Step[] memory steps = new Step[](2);
        steps[0] = Step(address(sys.auction), abi.encodeCall(sys.auction.start, (account, bidder)));
        steps[1] = _step(abi.encodeCall(safe.bid, (account, bidder, ALL, type(int256).max)));
        bool ok = _run(who, steps);
        if (ok && m.maintenance >= 0) _break("L1", "a healthy account was bid on");
        if (ok && m.mtm <= 0) _break("L2", "started and paid in one transaction");
        if (sys.fund.balance() < fund) _break("L2", "started and paid from insurance in one transaction");
        if (ok) _checkPassed(bidder);
        _did("startAndBid", ok);
    }

    function _bidOn(uint256 who, AccountId account, AccountId bidder, uint256 size) internal returns (bool ok) {
        _letHarm();
        Scene memory s;
        (s.account, s.bidder) = (account, bidder);
        s.target = _margins(account);
        if (!s.target.ok) return false;
        s.bid = _margins(bidder);
        s.status = sys.auction.status(account);
        s.fund = sys.fund.balance();
        for (uint256 n; n < POOLS; ++n) s.pools[n] = safe.poolState(AssetId.wrap(uint16(n + 1)));
        s.fraction = size % 3 != 0 ? ALL : (s.status.maxFraction * (1 + ((size >> 8) % 110))) / 100;

        vm.recordLogs();
        bytes memory out;
        (ok, out) = _call(
            who,
            address(safe),
            abi.encodeCall(safe.bid, (account, bidder, s.fraction, type(int256).max))
        );
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (!ok) return false;
        (uint256 taken, int256 price) = abi.decode(out, (uint256, int256));
        _checkBid(s, taken);
        _checkLosses(s, taken, price, logs);
        _checkPassed(bidder);
        _did(price > 0 ? bytes32("bid") : bytes32("bidInsolvent"), true);
    }

    /// @dev L1: only the sick, never more than f_max, never for the worse.
    function _checkBid(Scene memory s, uint256 taken) private {
        if (s.target.maintenance >= 0) _break("L1", "a healthy account was bid on");
        if (taken > s.status.maxFraction) _break("L1", "more than the largest fraction was taken");
        Margins memory m = _margins(s.account);
        if (m.maintenance < s.target.maintenance - DUST) _break("L1", "a bid lowered maintenance");
        if (taken < WAD) _did("bidPartial", true);
        // as much as allowed, all of it solvent, is enough
        bool cured = !_inAuction(s.account);
        if (cured && m.maintenance < -DUST) _break("L1", "an auction ended below maintenance");
        if (s.fraction == ALL && s.status.mtm > 0 && s.status.phase == ILiquidationAuction.Phase.Solvent && !cured) {
            _break("L1", "a bid of the largest fraction did not end the auction");
        }
    }

    /// @dev L2: what the bidder gains is the discount, or the governed reward of the insolvent phase. It may be the starter too.
    function _checkGain(Scene memory s, uint256 taken, int256 price, uint256 fee) private {
        int256 gain = _margins(s.bidder).mtm - s.bid.mtm - int256(fee * 1e12);
        int256 most;
        if (price > 0) {
            int256 worth = s.target.mtm - int256(s.status.reserved * 1e12);
            most = (worth * int256(WAD - s.status.discountFactor)) / 1e18;
        } else {
            int256 loss = FixedPoint.min(s.target.mtm, int256(0));
            most = s.target.mtm - loss + ((loss - s.target.maintenance) * int256(Q)) / 1e18;
        }
        if (gain > (most * int256(taken)) / 1e18 + DUST) _break("L2", "the bidder gained more than the discount");
    }

    /// @dev L2: the fund first and to its last unit, then the debts taken over, and lenders lose what is announced.
    function _checkLosses(Scene memory s, uint256 taken, int256 price, Vm.Log[] memory logs) private {
        (uint256 fee, uint256 fromInsurance, uint256 writtenOff) = _bidTaken(logs);
        _checkGain(s, taken, price, fee);
        uint256 fund = sys.fund.balance();
        uint256 drop = s.fund > fund ? s.fund - fund : 0;
        if (price >= 0) {
            if (fromInsurance + writtenOff != 0) _break("L2", "a paying bidder was paid");
            return;
        }
        if (fromInsurance + writtenOff != uint256(-price)) _break("L2", "paid is not insurance plus write-off");
        // the fund's claims are whole units after each change
        if (drop > fromInsurance + 2 || drop + 2 < fromInsurance) _break("L2", "the fund lost something else");
        if (writtenOff != 0 && fund > 2) _break("L2", "written off before the fund was empty");
        uint256 announced = _writeOffs(s, logs);
        bool same = announced <= writtenOff + 1e4 && writtenOff <= announced + 1e4;
        if (!same) _break("L2", "write-offs are not what the bidder was spared");
        if (fromInsurance != 0) _did("fundPays", true);
        if (writtenOff != 0) _did("writeOff", true);
    }

    function _bidTaken(
        Vm.Log[] memory logs
    ) private pure returns (uint256 fee, uint256 fromInsurance, uint256 writtenOff) {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IMarginAccountsEvents.BidTaken.selector) continue;
            (, , fee, fromInsurance, writtenOff) = abi.decode(
                logs[i].data,
                (uint256, int256, uint256, uint256, uint256)
            );
        }
    }

    /// @dev Value of all debt written off, in USDC units. Checks each pool: its reserves first, then its lenders, once.
    function _writeOffs(Scene memory s, Vm.Log[] memory logs) private returns (uint256 value) {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IMarginAccountsEvents.DebtWrittenOff.selector) continue;
            uint256 n = uint256(logs[i].topics[1]) - 1;
            if (AccountId.unwrap(s.account) != logs[i].topics[2])
                _break("L2", "another account's debt was written off");
            (uint256 assets, uint256 fromReserves, uint256 index) = abi.decode(
                logs[i].data,
                (uint256, uint256, uint256)
            );
            AssetId asset = AssetId.wrap(uint16(n + 1));
            value += (assets * prices[n] * 1e6) / (_unit(asset) * prices[0]);
            _checkLenders(s.pools[n], asset, assets - fromReserves, index);
            if (fromReserves > s.pools[n].reserves + 4) _break("L2", "more taken from reserves than there was");
        }
    }

    function _checkLenders(PoolState memory before, AssetId asset, uint256 lost, uint256 index) private {
        // the settlement pool is cut last, when all payments are in; others before anything else of them moves
        PoolState memory p = asset == USDC ? safe.poolState(asset) : before;
        uint256 shares = uint256(p.lenderShares) + p.accountShares;
        uint256 fell = index < before.supplyIndex ? ((before.supplyIndex - index) * shares) / 1e15 : 0;
        uint256 grain = shares / 1e15 + 4;
        if (fell > lost + grain || lost > fell + grain) _break("L2", "lenders lost something else than was announced");
    }

    // ------------------------------------------------------------------ settlement
    /// @dev What `Positions` will do. Never takes the loser below maintenance.
    function settle(uint256 who, uint256 other, uint256 size) external watched(who, other) {
        _letHarm();
        (AccountId from, AccountId to) = (_strangerTo(who, other), _account(who, size >> 8));
        bytes memory data = abi.encodeCall(neighbour.settle, (from, to, _amount(USDC, size)));
        (bool ok, ) = _call(who, address(neighbour), data);
        if (ok && _hasDebt(from) && _margins(from).maintenance < 0) _break("L1", "a settlement made liquidatable");
        _did("settle", ok);
    }

    // ------------------------------------------------------------------ the end of a run
    /// @notice L1: whatever state a run left, a bidder with cash brings every auction to its end. First {arm}, then, each its own
    /// transaction, {bring} and {rescue} until {isOver}.
    function arm() external {
        _tick(0);
        rescuer = new Actor(safe);
        sys.usdc.mint(address(rescuer), 1e15);
        rescuer.approve(address(sys.usdc), address(safe));
        rescuer.exec(address(safe), abi.encodeCall(safe.deposit, (purse(), USDC, 1e15)));
    }

    function isOver(uint256 i) external returns (bool) {
        vm.warp(time);
        return !_inAuction(accounts[i]) && _margins(accounts[i]).maintenance >= 0;
    }

    /// @notice Ends the auction if the account is healthy, else makes sure that one runs.
    function bring(uint256 i) external {
        vm.warp(time);
        AccountId account = accounts[i];
        if (_margins(account).maintenance < 0) {
            rescuer.exec(address(sys.auction), abi.encodeCall(sys.auction.start, (account, purse())));
        } else {
            (bool ok, ) = rescuer.exec(address(sys.auction), abi.encodeCall(sys.auction.end, (account)));
            if (!ok) _break("L1", "an auction cannot be ended");
        }
    }

    function rescue(uint256 i) external {
        _tick(30);
        if (_margins(accounts[i]).maintenance >= 0) return;
        bytes memory data = abi.encodeCall(safe.bid, (accounts[i], purse(), ALL, type(int256).max));
        (bool ok, ) = rescuer.exec(address(safe), data);
        if (!ok) _break("L1", "an auction is stuck");
        _did("rescue", ok);
    }

    /// @notice The rescuer's account.
    function purse() public view returns (AccountId) {
        return AccountIdLib.make(address(rescuer), 0);
    }

    function _tick(uint256 duration) private {
        time += duration;
        vm.warp(time);
        for (uint256 i; i < 4; ++i) _publish(i);
    }

    // ------------------------------------------------------------------ choices
    /// @dev The first account from `seed` on that may be liquidated; that in auction, if `flagged`.
    function _sick(uint256 seed, bool flagged) internal view returns (AccountId account) {
        for (uint256 i; i < ACCOUNTS; ++i) {
            account = accounts[((seed % ACCOUNTS) + i) % ACCOUNTS];
            if (flagged && !_inAuction(account)) continue;
            if (_hasDebt(account) && _margins(account).maintenance < 0) return account;
        }
    }

    function _flagged(uint256 seed) internal view returns (AccountId account) {
        for (uint256 i; i < ACCOUNTS; ++i) {
            account = accounts[((seed % ACCOUNTS) + i) % ACCOUNTS];
            if (_inAuction(account)) return account;
        }
    }

    function _inAuction(AccountId account) internal view returns (bool) {
        return AccountFlags.wrap(uint24(safe.words(account)[0] >> 232)).inAuction();
    }
}
