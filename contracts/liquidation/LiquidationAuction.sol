// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {SlotDerivation} from "@openzeppelin/contracts/utils/SlotDerivation.sol";
import {TransientSlot} from "@openzeppelin/contracts/utils/TransientSlot.sol";

import {ILiquidationAuction, Quote} from "../interfaces/ILiquidationAuction.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Holding} from "../types/Holding.sol";
import {AuctionMath} from "./AuctionMath.sol";

/// @title Prices bids for the safe (DESIGN 8.1–8.3)
/// @notice Parameters are fixed for good: other parameters are another contract, and the governor moves the safe's pointer.
/// An account then carries the flag of an auction that the new contract does not know; the next `start`, `poke` or bid
/// begins it anew here (with no cash set aside) and `end` closes it, so nobody is stuck. Never point the safe back to a
/// contract used before: what it remembers of unfinished auctions is old.
///
/// An auction lives in one slot, valid only while the account's flag in the safe is up. A bid that starts an auction and
/// ends it in one transaction writes nothing and emits `AuctionBid` alone; `AuctionStarted` and `AuctionEnded` frame what
/// was stored.
///
/// Everything that needs a price reverts with the engine's error while a price cannot be used: the auction pauses, and
/// {_advance} does not let the pause count. All doors and views but `onBid` ask the safe for the portfolio, which refuses
/// while it is locked, so no token callback can start, tick or end an auction on half-moved balances.
contract LiquidationAuction is ILiquidationAuction {
    using AuctionMath for uint256;
    using SlotDerivation for bytes32;
    using TransientSlot for *;

    /// @dev Shares are WAD, times seconds.
    struct Parameters {
        uint256 start; // discount factor at the start
        uint256 cut; // and when the fast phase ends
        uint256 fast; // seconds from `start` to `cut`
        uint256 slow; // seconds from `cut` to zero
        uint256 buffer; // part of the requirement that a largest bid restores above maintenance
        uint256 dustThreshold; // settlement units: when no more than this is for sale it is sold whole
        uint256 insuranceTime; // T_ins: seconds over which the insolvent payment rises
        uint256 q; // part of the requirement that it rises by
        uint256 feePart; // basis points of the first price, for who started the auction
    }

    /// @dev 232 bits. `lastFee` outlives the auction; the rest is void while the account's flag is down.
    struct Auction {
        Phase phase;
        uint32 clock;
        uint40 lastTick;
        uint96 reserved; // R, token units
        uint40 lastFee; // when a starter's fee was last paid for the account
        bool feeDue; // the first price pays a fee to `_feeTo`
        bool exhausted; // insolvent because nobody bid until d was 0
    }

    /// @dev An auction as a bid finds it.
    struct Terms {
        IMarginEngine engine;
        AccountId account;
        AccountFlags flags;
        uint256 unit; // settlement units of one token unit
        int256 maintenance;
        int256 mtm;
        uint256 liabilities;
        uint256 unsettledLoss;
        int256 bufferMargin;
        uint256 discountFactor;
        uint256 maxFraction;
    }

    uint256 public constant MAX_BUFFER = WAD;
    uint256 public constant MAX_FAST = 1 days;
    uint256 public constant MAX_SLOW = 7 days;
    uint256 public constant MAX_INSURANCE_TIME = 7 days;
    /// @notice Most of the requirement that the insurance fund adds (DESIGN 8.3).
    uint256 public constant MAX_Q = 0.2e18;
    uint256 public constant MAX_FEE_PART = 500;
    uint256 public constant MAX_DUST = 10_000e18;
    /// @notice At most one starter's fee per account in this time.
    uint256 public constant FEE_PERIOD = 1 hours;
    /// @notice What a tick counts at most unless prices were continuous.
    uint256 public constant MAX_UNPROVEN_TICK = 60;
    /// @notice What any tick counts at most. Nobody looked in between: the account may have been healthy, and an auction that
    /// was not ended then must not be found at a discount of all when it falls again (L2).
    uint256 public constant MAX_TICK = 15 minutes;

    /// @dev Base of a transient mapping by account: started in this transaction.
    bytes32 private constant STARTED_NOW = keccak256("plimsoll.LiquidationAuction.startedNow");

    IMarginAccounts public immutable safe;
    uint256 private immutable _start;
    uint256 private immutable _cut;
    uint256 private immutable _fast;
    uint256 private immutable _slow;
    uint256 private immutable _buffer;
    uint256 private immutable _dustThreshold;
    uint256 private immutable _insuranceTime;
    uint256 private immutable _q;
    uint256 private immutable _feePart;

    mapping(AccountId account => Auction) private _auctions;
    mapping(AccountId account => AccountId) private _feeTo;
    /// @dev Of running insolvent auctions. A slot of its own: solvent ones never touch it.
    mapping(AccountId account => uint256) private _lossOf;
    /// @inheritdoc ILiquidationAuction
    uint256 public knownLoss;

    constructor(IMarginAccounts safe_, Parameters memory p) {
        require(address(safe_) != address(0), InvalidParameters("safe"));
        require(p.start <= WAD, InvalidParameters("start"));
        require(p.cut != 0 && p.cut <= p.start, InvalidParameters("cut"));
        require(p.fast != 0 && p.fast <= MAX_FAST, InvalidParameters("fast"));
        require(p.slow != 0 && p.slow <= MAX_SLOW, InvalidParameters("slow"));
        require(p.buffer <= MAX_BUFFER, InvalidParameters("buffer"));
        require(p.dustThreshold <= MAX_DUST, InvalidParameters("dustThreshold"));
        require(p.insuranceTime != 0 && p.insuranceTime <= MAX_INSURANCE_TIME, InvalidParameters("insuranceTime"));
        require(p.q <= MAX_Q, InvalidParameters("q"));
        require(p.feePart <= MAX_FEE_PART, InvalidParameters("feePart"));
        safe = safe_;
        _start = p.start;
        _cut = p.cut;
        _fast = p.fast;
        _slow = p.slow;
        _buffer = p.buffer;
        _dustThreshold = p.dustThreshold;
        _insuranceTime = p.insuranceTime;
        _q = p.q;
        _feePart = p.feePart;
    }

    // ------------------------------------------------------------------ doors

    /// @inheritdoc ILiquidationAuction
    function start(AccountId account, AccountId feeTo) external {
        (AccountFlags flags, Holding[] memory holdings) = _openAccount(account);
        Terms memory t = _weigh(account, flags, holdings);
        require(t.maintenance < 0, AccountHealthy(account, t.maintenance)); // L1
        Auction memory a = _auctions[account];
        require(!_isKnown(flags, a), AuctionRunning(account));
        bool feeDue =
            _feePart != 0 && AccountId.unwrap(feeTo) != 0 && block.timestamp >= uint256(a.lastFee) + FEE_PERIOD;
        a = _fresh(t.mtm, a.lastFee);
        if (feeDue) {
            a.feeDue = true;
            _feeTo[account] = feeTo;
        }
        _auctions[account] = a;
        _startedNow(account).tstore(true);
        emit AuctionStarted(account, feeDue ? feeTo : AccountId.wrap(0), a.phase, t.maintenance, t.mtm);
        if (a.phase == Phase.Insolvent) _noteLoss(account, a, t, WAD);
        if (!flags.inAuction()) safe.setInAuction(account, true);
    }

    /// @inheritdoc ILiquidationAuction
    /// @dev Refused while the account is healthy: whoever comes then should `end` the auction, or its clock would go on.
    function poke(AccountId account) external {
        (AccountFlags flags, Holding[] memory holdings) = _openAccount(account);
        require(flags.inAuction(), NoAuction(account));
        Terms memory t = _weigh(account, flags, holdings);
        require(t.maintenance < 0, AccountHealthy(account, t.maintenance));
        Auction memory a = _auctions[account];
        bool insolvent = a.phase == Phase.Insolvent;
        if (a.phase == Phase.None) {
            // Begun under another contract.
            a = _fresh(t.mtm, a.lastFee);
            _auctions[account] = a;
            _startedNow(account).tstore(true);
            emit AuctionStarted(account, AccountId.wrap(0), a.phase, t.maintenance, t.mtm);
        } else if (_tick(account, a, t, holdings)) {
            _auctions[account] = a;
        }
        if (insolvent || a.phase == Phase.Insolvent) _noteLoss(account, a, t, WAD);
    }

    /// @inheritdoc ILiquidationAuction
    function end(AccountId account) external {
        (AccountFlags flags, Holding[] memory holdings) = _openAccount(account);
        require(flags.inAuction(), NoAuction(account));
        // Who owes nothing is healthy at any price and gets out without one (A3).
        if (_owes(flags, holdings)) {
            Terms memory t = _weigh(account, flags, holdings);
            require(t.maintenance >= 0, AuctionRunning(account));
        }
        _close(account, _auctions[account].lastFee);
        safe.setInAuction(account, false);
    }

    /// @inheritdoc ILiquidationAuction
    function onBid(
        AccountId account,
        AccountFlags flags,
        Holding[] calldata holdings,
        uint256 fraction
    ) external returns (Quote memory quote) {
        require(msg.sender == address(safe), OnlyMarginAccounts(msg.sender));
        require(fraction != 0, ZeroFraction());
        Terms memory t;
        (t.account, t.flags) = (account, flags);
        t.engine = IMarginEngine(safe.engine());
        // Straight from calldata: the hot path copies the holdings only once, into the engine's call.
        (t.maintenance, t.mtm, t.liabilities, t.unsettledLoss) = t.engine.liquidationMargin(account, flags, holdings);
        require(t.maintenance < 0, AccountHealthy(account, t.maintenance)); // L1

        t.unit = _settlementUnit(t.engine);

        // The slot of an account without the flag says nothing, so it is not even read.
        Auction memory a;
        if (flags.inAuction()) a = _auctions[account];
        bool known = a.phase != Phase.None;
        if (known) _tick(account, a, t, holdings);
        else a = _fresh(t.mtm, a.lastFee);

        // Who borrows, sends out and starts cannot have a friend paid by the insurance fund at once.
        require(
            a.phase == Phase.Solvent || (known && !_startedNow(account).tload()),
            StartedInThisTransaction(account)
        );

        _setTerms(a, t);
        if (fraction == type(uint256).max) fraction = t.maxFraction;
        require(fraction <= t.maxFraction, FractionOverMax(fraction, t.maxFraction)); // L1

        quote.fraction = fraction;
        quote.reserved = a.reserved;
        quote.liabilities = t.liabilities.toTokensUp(t.unit);
        quote.unsettledLoss = t.unsettledLoss.toTokensUp(t.unit);
        quote.price = _priceOf(fraction, a, t);
        _book(account, quote, a, t, known);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc ILiquidationAuction
    /// @dev Without an auction `lastTick` is 0. `phase` is then that of a start now (an insolvent one needs `start` and a
    /// later transaction for the bid), or None and no terms while the account is healthy. A healthy account in an auction
    /// that nobody has ended has its phase, `maxFraction` 0 and no price.
    function status(AccountId account) external view returns (Status memory s) {
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
        Terms memory t = _weigh(account, flags, holdings);
        bool unhealthy = t.maintenance < 0;
        Auction memory a;
        if (flags.inAuction()) a = _auctions[account];
        if (a.phase != Phase.None) {
            s.lastTick = a.lastTick;
            if (unhealthy) _advance(a, t, holdings);
        } else if (unhealthy) {
            a = _fresh(t.mtm, a.lastFee);
        }
        s.phase = a.phase;
        s.clock = a.clock;
        s.reserved = a.reserved;
        s.maintenance = t.maintenance;
        s.mtm = t.mtm;
        s.bufferMargin = AuctionMath.bufferMarginDown(t.maintenance, t.mtm, _buffer);
        if (unhealthy) {
            _setTerms(a, t);
            s.maxFraction = t.maxFraction;
            s.discountFactor = t.discountFactor;
            s.priceOfMax = _priceOf(t.maxFraction, a, t);
            s.liquidatable = !safe.isPending(account);
        }
    }

    /// @notice The parameters, fixed at construction.
    function parameters() external view returns (Parameters memory) {
        return
            Parameters({
                start: _start,
                cut: _cut,
                fast: _fast,
                slow: _slow,
                buffer: _buffer,
                dustThreshold: _dustThreshold,
                insuranceTime: _insuranceTime,
                q: _q,
                feePart: _feePart
            });
    }

    // ------------------------------------------------------------------ the auction's life

    function _fresh(int256 mtm, uint40 lastFee) private view returns (Auction memory a) {
        a.phase = mtm > 0 ? Phase.Solvent : Phase.Insolvent;
        a.lastTick = uint40(block.timestamp);
        a.lastFee = lastFee;
    }

    /// @dev {_advance} with its events; whether anything changed.
    function _tick(
        AccountId account,
        Auction memory a,
        Terms memory t,
        Holding[] memory holdings
    ) private returns (bool changed) {
        changed = a.lastTick != block.timestamp;
        if (_advance(a, t, holdings)) {
            changed = true;
            emit AuctionRestarted(account, a.phase);
        } else if (changed) {
            emit AuctionTicked(account, a.phase, a.clock);
        }
    }

    /// @dev Moves the clock to now and changes the phase if the portfolio asks for it.
    ///
    /// Insolvent is final when it came from d = 0: nobody wanted the account at any discount, and starting again would
    /// keep the insurance fund's payment from ever rising. When it came from mtm ≤ 0 and equity returned, a fresh solvent
    /// auction begins, but only once equity covers `buffer` of the requirement: with no such distance a deposit of dust
    /// whenever mtm is near zero would hold both clocks at their start for ever.
    /// @return restarted whether the clock began anew, R folded into the portfolio.
    function _advance(
        Auction memory a,
        Terms memory t,
        Holding[] memory holdings
    ) private view returns (bool restarted) {
        uint256 elapsed = block.timestamp - a.lastTick;
        // The continuity call is not made where it would not matter.
        if (elapsed > MAX_UNPROVEN_TICK) {
            elapsed =
                t.engine.pricesContinuousSince(t.account, t.flags, holdings, a.lastTick)
                    ? FixedPoint.min(elapsed, MAX_TICK)
                    : MAX_UNPROVEN_TICK;
        }
        a.lastTick = uint40(block.timestamp);
        a.clock = uint32(FixedPoint.min(a.clock + elapsed, type(uint32).max));

        if (a.phase == Phase.Solvent) {
            bool exhausted = a.clock >= _fast + _slow;
            if (t.mtm <= 0 || exhausted) {
                a.phase = Phase.Insolvent;
                a.exhausted = exhausted && t.mtm > 0;
                restarted = true;
            } else {
                restarted = t.mtm <= int256(AuctionMath.toWad(a.reserved, t.unit));
            }
        } else if (!a.exhausted && AuctionMath.isRecovered(t.maintenance, t.mtm, _buffer)) {
            a.phase = Phase.Solvent;
            restarted = true;
        }
        if (restarted) {
            a.clock = 0;
            a.reserved = 0;
        }
    }

    /// @dev Books a bid: fee, cash set aside, and whether the auction goes on.
    function _book(AccountId account, Quote memory quote, Auction memory a, Terms memory t, bool known) private {
        uint256 paid; // net of the fee, stays with the account
        bool feeDue = a.feeDue;
        if (quote.price > 0) {
            paid = uint256(quote.price);
            if (feeDue) {
                quote.fee = (paid * _feePart) / BPS;
                quote.feeTo = _feeTo[account];
                _feeTo[account] = AccountId.wrap(0);
                paid -= quote.fee;
                a.feeDue = false;
                a.lastFee = uint40(block.timestamp);
            }
        }
        // `>=`, not `>`: an exact-maximum bid leaves zero and must end the auction.
        quote.running =
            quote.fraction != WAD &&
            AuctionMath.maintenanceAfterDown(
                t.maintenance,
                AuctionMath.toWad(a.reserved, t.unit),
                quote.fraction,
                AuctionMath.toWad(paid, t.unit)
            ) <
                0;
        // Beyond 96 bits (7.9e28 token units) the excess is sold with the rest rather than blocking the bid.
        a.reserved = uint96(FixedPoint.min(a.reserved + paid, type(uint96).max));

        if (quote.running && !known) {
            a.lastFee = _auctions[account].lastFee;
            _startedNow(account).tstore(true);
            emit AuctionStarted(account, AccountId.wrap(0), a.phase, t.maintenance, t.mtm);
        }
        emit AuctionBid(account, quote.fraction, quote.price, t.discountFactor, t.maxFraction, a.reserved);
        if (quote.running) {
            bool insolvent = a.phase == Phase.Insolvent || (known && _auctions[account].phase == Phase.Insolvent);
            if (insolvent) _noteLoss(account, a, t, WAD - quote.fraction);
            _auctions[account] = a;
        } else if (known) {
            _close(account, a.lastFee);
        }
    }

    function _close(AccountId account, uint40 lastFee) private {
        if (_auctions[account].feeDue) _feeTo[account] = AccountId.wrap(0);
        if (_auctions[account].phase == Phase.Insolvent) _setLoss(account, 0);
        Auction memory closed;
        closed.lastFee = lastFee;
        _auctions[account] = closed;
        emit AuctionEnded(account);
    }

    // ------------------------------------------------------------------ known losses

    /// @dev The payment for `left` of the account at the end of T_ins, rounded up: who holds a part of the fund may not leave ahead of
    /// it. Prices go on moving, so it is renewed by each tick.
    function _noteLoss(AccountId account, Auction memory a, Terms memory t, uint256 left) private {
        if (a.phase != Phase.Insolvent) return _setLoss(account, 0);
        uint256 most = AuctionMath.insolventPaymentDown(left, t.maintenance, t.mtm, _q, _insuranceTime, _insuranceTime);
        _setLoss(account, most.toTokensUp(t.unit));
    }

    function _setLoss(AccountId account, uint256 loss) private {
        uint256 before = _lossOf[account];
        if (loss == before) return;
        _lossOf[account] = loss;
        uint256 total = knownLoss - before + loss;
        knownLoss = total;
        emit KnownLossChanged(account, loss, total);
    }

    // ------------------------------------------------------------------ terms

    /// @dev The account as the safe shows it to outsiders: refused while the safe is locked or the check is pending (A4).
    function _openAccount(AccountId account) private view returns (AccountFlags, Holding[] memory) {
        require(!safe.isPending(account), CheckPending(account));
        return safe.portfolio(account);
    }

    function _weigh(
        AccountId account,
        AccountFlags flags,
        Holding[] memory holdings
    ) private view returns (Terms memory t) {
        (t.account, t.flags) = (account, flags);
        t.engine = IMarginEngine(safe.engine());
        (t.maintenance, t.mtm, t.liabilities, t.unsettledLoss) = t.engine.liquidationMargin(account, flags, holdings);
        t.unit = _settlementUnit(t.engine);
    }

    /// @dev The safe lists no token of more than 18 decimals.
    function _settlementUnit(IMarginEngine engine) private view returns (uint256) {
        return 10 ** (18 - engine.settlementDecimals());
    }

    /// @dev Only for `maintenance` < 0.
    function _setTerms(Auction memory a, Terms memory t) private view {
        t.bufferMargin = AuctionMath.bufferMarginDown(t.maintenance, t.mtm, _buffer);
        if (a.phase != Phase.Solvent) {
            t.maxFraction = WAD;
            return;
        }
        uint256 d = AuctionMath.discountFactorUp(a.clock, _start, _cut, _fast, _slow);
        t.discountFactor = d;
        uint256 reserved = AuctionMath.toWad(a.reserved, t.unit);
        // Dust by what the bidder would pay for, so that the owner never loses more than the discount on dust by it.
        t.maxFraction =
            t.mtm - int256(reserved) <= int256(_dustThreshold)
                ? WAD
                : AuctionMath.maxFractionUp(
                    t.bufferMargin,
                    t.mtm,
                    reserved,
                    a.feeDue ? AuctionMath.netOfFeeDown(d, _feePart) : d
                );
    }

    /// @dev Token units; negative: the bidder is paid.
    function _priceOf(uint256 fraction, Auction memory a, Terms memory t) private view returns (int256) {
        if (a.phase == Phase.Solvent) {
            uint256 worth = uint256(t.mtm) - AuctionMath.toWad(a.reserved, t.unit); // > 0, see {_advance}
            return int256(AuctionMath.priceUp(fraction, worth, t.discountFactor).toTokensUp(t.unit));
        }
        uint256 payment = AuctionMath.insolventPaymentDown(fraction, t.maintenance, t.mtm, _q, a.clock, _insuranceTime);
        return -int256(payment.toTokensDown(t.unit));
    }

    function _owes(AccountFlags flags, Holding[] memory holdings) private pure returns (bool) {
        if (flags.hasLedger()) return true;
        for (uint256 i; i < holdings.length; ++i) if (holdings[i].amount() < 0) return true;
        return false;
    }

    /// @dev Whether this contract knows the account's auction.
    function _isKnown(AccountFlags flags, Auction memory a) private pure returns (bool) {
        return flags.inAuction() && a.phase != Phase.None;
    }

    function _startedNow(AccountId account) private pure returns (TransientSlot.BooleanSlot) {
        return STARTED_NOW.deriveMapping(AccountId.unwrap(account)).asBoolean();
    }
}
