// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IExchange} from "../interfaces/IExchange.sol";
import {IMakerRewards, Rebate} from "../interfaces/IMakerRewards.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";

/// @title MakerRewards: rebates from what the exchange counts anyway
/// @dev The exchange adds a maker's fee to the word of his volume, which every fill writes in any case; this contract takes differences of that
/// number, so a fill pays nothing for it. Budgets are token units × 1e18, as in {Streams}.
contract MakerRewards is IMakerRewards, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev Together with both fees of a trade with oneself a loss of at least three quarters where both sides pay alike.
    uint256 private constant MAX_PART = 5_000;
    uint256 private constant MIN_DURATION = 1 hours;
    uint256 private constant MAX_DURATION = 4 * 365 days;
    uint256 private constant MAX_BUDGET = type(uint112).max;
    /// @dev WAD of one hundredth of a settlement unit.
    uint256 private constant FEE_UNIT = 1e16;

    IMarginAccounts public immutable safe;
    IExchange public immutable exchange;

    struct Maker {
        bool registered;
        uint32 counted; // of {IExchange-makerFeesOf}
        uint128 credit; // token units
    }

    mapping(address token => Rebate) private _rebates;
    mapping(address token => mapping(address maker => Maker)) private _makers;

    error ZeroAddress();
    error ZeroAmount();

    constructor(IMarginAccounts safe_, IExchange exchange_, address authority_) AccessManaged(authority_) {
        require(address(safe_) != address(0) && address(exchange_) != address(0), ZeroAddress());
        (safe, exchange) = (safe_, exchange_);
    }

    // ---------------------------------------------------------------- makers

    /// @inheritdoc IMakerRewards
    function sync(address token, address maker) external nonReentrant returns (uint256 amount) {
        Rebate storage r = _flow(token);
        Maker storage m = _makers[token][maker];
        uint32 total = exchange.makerFeesOf(maker);
        if (!m.registered) {
            (m.registered, m.counted) = (true, total);
            emit MakerRegistered(token, maker, total);
            return 0;
        }
        uint32 fees;
        unchecked {
            fees = total - m.counted; // modulo 2^32, like the exchange's number
        }
        if (fees == 0 || r.part == 0) return 0;
        uint256 unit = _worthOfFee(r);
        uint256 worth = fees * unit;
        if (worth > r.flowed) {
            // as many whole hundredths as the flow covers; the others wait
            fees = uint32(r.flowed / unit);
            worth = fees * unit;
        }
        amount = worth / WAD;
        // Fees too small for a unit of the token wait as well.
        if (amount == 0) return 0;
        unchecked {
            m.counted += fees;
        }
        r.flowed -= amount * WAD;
        m.credit += uint128(amount);
        emit RebateCredited(token, maker, fees, amount);
    }
    /// @inheritdoc IMakerRewards
    function claim(address token, address to) external nonReentrant returns (uint256 amount) {
        require(to != address(0), ZeroAddress());
        Maker storage m = _makers[token][msg.sender];
        amount = m.credit;
        if (amount == 0) return 0;
        m.credit = 0;
        IERC20(token).safeTransfer(to, amount);
        emit RebateClaimed(token, msg.sender, to, amount);
    }

    /// @dev What a hundredth of a settlement unit in fees brings, token units × 1e18, rounded down; at least one.
    function _worthOfFee(Rebate storage r) private view returns (uint256) {
        (, uint8 decimals) = safe.assetToken(r.asset);
        uint256 price = IMarginEngine(safe.engine()).midPrice(r.asset);
        uint256 tokens = FixedPoint.mulDivDown(FEE_UNIT * r.part, 10 ** decimals * WAD, price * BPS);
        return FixedPoint.max(tokens, 1);
    }

    // ---------------------------------------------------------------- budgets

    /// @inheritdoc IMakerRewards
    function payIn(address token, uint256 amount) external nonReentrant {
        Rebate storage r = _rebates[token];
        require(r.part != 0, InvalidRebate("token"));
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        require(received != 0, ZeroAmount());
        uint256 left = r.left + received * WAD;
        require(left <= MAX_BUDGET * WAD, InvalidRebate("budget"));
        r.left = left;
        emit RebatePaidIn(token, msg.sender, received);
    }

    /// @inheritdoc IMakerRewards
    function schedule(address token, uint16 part, uint40 start, uint40 end) external restricted {
        require(part != 0 && part <= MAX_PART, InvalidRebate("part"));
        require(start >= block.timestamp, InvalidRebate("start"));
        require(end >= start + MIN_DURATION && end <= start + MAX_DURATION, InvalidRebate("end"));
        Rebate storage r = _flow(token);
        r.asset = safe.assetIdOf(token);
        (address listed, ) = safe.assetToken(r.asset);
        require(r.asset.isPool() && listed == token, InvalidRebate("token"));
        (r.part, r.start, r.end) = (part, start, end);
        r.rate = r.left / (end - start);
        emit RebateScheduled(token, r.asset, part, r.rate, start, end);
    }

    /// @inheritdoc IMakerRewards
    function stop(address token, address to) external restricted nonReentrant returns (uint256 amount) {
        require(to != address(0), ZeroAddress());
        Rebate storage r = _flow(token);
        uint256 free = r.left + r.flowed;
        amount = free / WAD;
        (r.left, r.flowed, r.rate, r.start, r.end) = (free - amount * WAD, 0, 0, 0, 0);
        if (amount != 0) IERC20(token).safeTransfer(to, amount);
        emit RebateStopped(token, to, amount);
    }

    /// @dev Moves what has flowed since the last time: at most rate × time, so never more than was left.
    function _flow(address token) private returns (Rebate storage r) {
        r = _rebates[token];
        uint256 from = FixedPoint.max(r.time, r.start);
        uint256 to = FixedPoint.min(block.timestamp, r.end);
        if (to > from) {
            uint256 flow = r.rate * (to - from);
            r.left -= flow;
            r.flowed += flow;
        }
        r.time = uint40(block.timestamp);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IMakerRewards
    function rebateOf(address token) external view returns (Rebate memory) {
        return _rebates[token];
    }

    /// @inheritdoc IMakerRewards
    function creditOf(address token, address maker) external view returns (uint256) {
        return _makers[token][maker].credit;
    }
}
