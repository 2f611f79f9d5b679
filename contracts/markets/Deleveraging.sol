// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IDeleveraging} from "../interfaces/IDeleveraging.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IPositionsLedger} from "../interfaces/IPositions.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Holding} from "../types/Holding.sol";
import {Instrument, Position} from "../types/Position.sol";

/// @title Ranks winners and has the ledger cancel their profit
/// @dev It holds nothing. The ledger lets it cancel no more than the open shortfall and no more than a winner's profit, so the worst that
/// a wrong rank could do is to choose another winner. Positions stay: those of the loser were taken over by the bidder, so nothing
/// stands without its other side, and closing at mark would change nobody's wealth.
contract Deleveraging is IDeleveraging {
    uint256 public constant WINDOW = 10 minutes;
    /// @notice K.
    uint256 public constant MOST = 16;
    /// @dev More than the margin of a full account costs (16 assets, 128 positions: under 4M).
    uint256 private constant MARGIN_GAS = 6_000_000;

    IMarginAccounts public immutable safe;
    IPositionsLedger public immutable ledger;

    Nominee[] private _list;
    uint40 private _until;
    uint8 private _next;
    bool private _beyond;

    constructor(IPositionsLedger ledger_) {
        ledger = ledger_;
        safe = IMarginAccounts(ledger_.safe());
    }

    /// @dev Outside sessions, and before anything else in the transaction: nobody ranks lower, or has no profit, for a moment only.
    modifier quiet() {
        require(safe.isQuiet(), InsideSession());
        _;
    }

    // ------------------------------------------------------------------ doors

    /// @inheritdoc IDeleveraging
    function open() external {
        require(_until == 0, RoundRunning(_until));
        (uint256 shortfall, , ) = ledger.shortfall();
        require(shortfall != 0, NothingOpen());
        _until = uint40(block.timestamp + WINDOW);
        emit RoundOpened(shortfall, _until);
    }

    /// @inheritdoc IDeleveraging
    function nominate(AccountId account) external quiet {
        require(_until != 0, NoRound());
        require(block.timestamp < _until, WindowClosed(_until));
        Nominee memory n = _rank(account);
        _forget(account);
        uint256 count = _list.length;
        if (count == MOST) {
            Nominee memory last = _list[count - 1];
            require(_higher(n, last), RankTooLow(account, n.exposure, n.profit));
            emit Displaced(last.account);
        } else {
            _list.push();
            ++count;
        }
        uint256 i = count - 1;
        for (; i != 0 && _higher(n, _list[i - 1]); --i) _list[i] = _list[i - 1];
        _list[i] = n;
        emit Nominated(account, n.exposure, n.profit);
    }

    /// @inheritdoc IDeleveraging
    function execute(uint256 steps) external quiet returns (uint256 cancelled) {
        require(_until != 0, NoRound());
        require(block.timestamp >= _until, WindowOpen(_until));
        require(steps != 0, ZeroSteps());
        (uint256 left, , ) = ledger.shortfall();
        uint256 count = _list.length;
        uint256 i = _next;
        bool beyond = _beyond;
        for (; steps != 0 && left != 0 && count != 0; --steps) {
            uint256 amount = _bear(_list[i].account, left, beyond);
            left -= amount;
            cancelled += amount;
            if (++i < count) continue;
            i = 0;
            if (beyond) {
                count = 0;
                break;
            }
            beyond = true;
        }
        if (left == 0 || count == 0) return _end(left, cancelled);
        (_next, _beyond) = (uint8(i), beyond);
    }

    /// @dev What is left goes on in a round of its own, to whom this one did not reach.
    function _end(uint256 left, uint256 cancelled) private returns (uint256) {
        delete _list;
        (_until, _next, _beyond) = (0, 0, false);
        emit RoundEnded(left);
        return cancelled;
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IDeleveraging
    function rankOf(AccountId account) external view returns (uint256 exposure, uint256 profit) {
        Nominee memory n = _rank(account);
        return (n.exposure, n.profit);
    }

    /// @inheritdoc IDeleveraging
    function nominees() external view returns (Nominee[] memory) {
        return _list;
    }

    /// @inheritdoc IDeleveraging
    function round() external view returns (uint256 until, uint256 next, bool beyond) {
        return (_until, _next, _beyond);
    }

    // ------------------------------------------------------------------ bearing

    /// @dev Nobody can stop the others' turn: an account in auction is the auction's matter (who takes it over can be nominated), one
    /// without usable prices is passed over. A pending check cannot be met outside of sessions; were it met, nothing happens at all.
    function _bear(AccountId account, uint256 left, bool beyond) private returns (uint256 amount) {
        require(!safe.isPending(account), CheckPending(account));
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
        if (flags.inAuction()) return 0;
        // else its owner could come with just so little gas that only the margin runs out of it
        require(gasleft() > MARGIN_GAS + MARGIN_GAS / 32, OutOfGas());
        uint256 most;
        try IMarginEngine(safe.engine()).liquidationMargin(account, flags, holdings) returns (
            int256 maintenance,
            int256 mtm,
            uint256,
            uint256
        ) {
            most = uint256(FixedPoint.max(beyond ? mtm : FixedPoint.min(maintenance, mtm), 0));
        } catch {
            emit Skipped(account);
            return 0;
        }
        most = FixedPoint.min(most, left);
        if (most == 0) return 0;
        amount = ledger.cancelProfit(account, most);
        if (amount != 0) emit Deleveraged(account, amount, beyond);
    }

    // ------------------------------------------------------------------ rank

    function _rank(AccountId account) private view returns (Nominee memory n) {
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
        require(!flags.inAuction(), AccountInAuction(account));
        int256 unsettled = ledger.unsettledOf(account);
        require(unsettled > 0, NoProfit(account, unsettled));
        (, int256 mtm, , ) = IMarginEngine(safe.engine()).liquidationMargin(account, flags, holdings);
        require(mtm > 0, Worthless(account, mtm));
        n.account = account;
        n.exposure = _ratio(_opposite(account), uint256(mtm));
        n.profit = _ratio(uint256(unsettled), uint256(mtm));
    }

    /// @dev Notional at mark of the perps that stand against the losers'.
    function _opposite(AccountId account) private view returns (uint256 notional) {
        (, uint256 longs, uint256 shorts) = ledger.shortfall();
        (, Position[] memory positions, ) = ledger.ledgerOf(account);
        for (uint256 i = 0; i < positions.length; ++i) {
            Instrument instrument = positions[i].instrument();
            if (!instrument.isPerp()) continue;
            int256 size = positions[i].size();
            uint8 underlying = instrument.underlying();
            if (((size > 0 ? shorts : longs) >> underlying) & 1 == 0) continue;
            notional += FixedPoint.mulDivUp(uint256(size > 0 ? size : -size), ledger.markPrice(underlying), WAD);
        }
    }

    function _ratio(uint256 value, uint256 equity) private pure returns (uint128) {
        if (value / equity >= type(uint64).max) return type(uint128).max;
        return uint128(FixedPoint.mulDivDown(value, WAD, equity));
    }

    /// @dev Among equals who came first stays.
    function _higher(Nominee memory a, Nominee memory b) private pure returns (bool) {
        return a.exposure == b.exposure ? a.profit > b.profit : a.exposure > b.exposure;
    }

    function _forget(AccountId account) private {
        uint256 count = _list.length;
        for (uint256 i = 0; i < count; ++i) {
            if (_list[i].account != account) continue;
            for (; i + 1 < count; ++i) _list[i] = _list[i + 1];
            _list.pop();
            return;
        }
    }
}
