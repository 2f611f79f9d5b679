// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {FLAG_POST_ONLY, FLAG_REDUCE_ONLY, IExchange, Leg, Match, Order, SignedOrder} from "../interfaces/IExchange.sol";
import {ILiquidityPool, PoolTerms, Quote} from "../interfaces/ILiquidityPool.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {Offer} from "../interfaces/IPoolPricer.sol";
import {FillLeg} from "../interfaces/IPositions.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {SETTLEMENT} from "../types/AssetId.sol";
import {BPS, FixedPoint} from "../types/FixedPoint.sol";
import {Holding} from "../types/Holding.sol";
import {PoolShares} from "./PoolShares.sol";

/// @title LiquidityPool: its margin account, its quotes and its trades
/// @dev It trades as anybody does: through the exchange, from account 0 of its own, checked by the safe. **It has no EIP-1271**: the exchange
/// takes an order without a signature from the caller who is its signer, so the pool's orders exist only inside {trade} and only
/// for the taker's order in it. There is no signature to replay, on this chain, a fork of it or another exchange.
contract LiquidityPool is PoolShares {
    uint8 private constant RIGHT_TRADE = 1;

    IExchange private immutable _exchange;
    /// @dev WAD per token unit of the settlement asset.
    uint256 private immutable _unit;

    /// @dev A nonce of the account for each trade.
    uint256 private _trades;

    constructor(
        IMarginAccounts safe_,
        IExchange exchange_,
        address authority_,
        address pricer_,
        PoolTerms memory terms_,
        string memory name_,
        string memory symbol_
    ) PoolShares(safe_) AccessManaged(authority_) ERC20(name_, symbol_) {
        require(address(exchange_) != address(0) && authority_ != address(0), ZeroAddress());
        _exchange = exchange_;
        (, uint8 tokenDecimals) = safe_.assetToken(SETTLEMENT);
        _unit = 10 ** (18 - tokenDecimals);
        _setPricer(pricer_);
        _setPoolTerms(terms_);
    }

    // ---------------------------------------------------------------- trading

    /// @inheritdoc ILiquidityPool
    function trade(SignedOrder calldata taker, uint128 size) external nonReentrant returns (int256 cost) {
        require(_pausedUntil < block.timestamp, QuotesStopped(_pausedUntil));
        AccountId account_ = taker.order.account;
        if (taker.signer == address(this)) {
            // As a caller without a signature the pool speaks for all whose operator it is: never on a stranger's word.
            require(_safe.isAuthorized(account_, msg.sender, RIGHT_TRADE), NotTrader(account_, msg.sender));
        }
        Offer memory o = _pricer.offer(this, taker.order.legs, size);
        // a taker who may only reduce, while new risk is stopped, may meet a pool that reduces too
        bool reduces = o.reduces && taker.order.flags & FLAG_REDUCE_ONLY != 0;
        _exchange.fillOrder(Match(_order(o.legs, size, reduces), taker, size), AccountId.wrap(0));
        if (!o.reduces) _requireReserve();
        cost = o.cost;
        emit Traded(account_, taker.order.nonce, size, cost);
    }

    /// @inheritdoc ILiquidityPool
    function quote(AccountId account_, Leg[] calldata legs, uint128 size) external view returns (Quote memory q) {
        require(_pausedUntil < block.timestamp, QuotesStopped(_pausedUntil));
        Offer memory o = _pricer.offer(this, legs, size);
        (q.poolFee, q.cost) = (o.fee, o.cost);
        q.prices = new uint256[](legs.length);
        FillLeg[] memory fill = new FillLeg[](legs.length);
        for (uint256 i; i < legs.length; ++i) {
            q.prices[i] = o.legs[i].price;
            fill[i] = FillLeg(legs[i].instrument, (int256(uint256(size)) * legs[i].ratio) / 1e18, o.legs[i].price);
        }
        q.takerFee = _exchange.feeOf(account_, fill, false);
    }

    /// @dev A post-only order is the maker by rule, whatever the taker's says. All of its size is filled, so its nonce is used up.
    function _order(Leg[] memory legs, uint128 size, bool reduces) private returns (SignedOrder memory signed) {
        Order memory o = signed.order;
        (o.account, o.legs, o.size) = (account(), legs, size);
        // the price has the fee in it
        o.maxFee = type(uint128).max;
        o.expiry = uint40(block.timestamp);
        o.nonce = _trades++;
        o.salt = uint64(block.timestamp * 1000);
        o.executor = address(this);
        o.flags = reduces ? FLAG_POST_ONLY | FLAG_REDUCE_ONLY : FLAG_POST_ONLY;
        signed.signer = address(this);
    }

    /// @dev New risk leaves a part of the requirement free; so moderate moves do not bring the pool near an auction.
    function _requireReserve() private view {
        (int256 initial, int256 least) = _reserve();
        require(initial >= least, PoolReserveTooLow(initial, least));
    }

    /// @dev At mid, WAD.
    function _reserve() private view returns (int256 initial, int256 least) {
        (AccountFlags flags, Holding[] memory holdings) = _safe.portfolio(account());
        int256 mtm;
        (initial, , mtm) = IMarginEngine(_safe.engine()).midMargin(account(), flags, holdings);
        if (mtm > initial) least = int256(FixedPoint.mulDivUp(uint256(mtm - initial), _terms.reserve, BPS));
    }

    // ---------------------------------------------------------------- what it is worth

    /// @inheritdoc ILiquidityPool
    function marks() public view override returns (int256 low, int256 high) {
        AccountId account_ = account();
        (AccountFlags flags, Holding[] memory holdings) = _safe.portfolio(account_);
        require(!flags.inAuction(), PoolClosed("auction"));
        require(!_safe.isPending(account_), PoolClosed("session"));
        low = high = _safe.balanceOf(account_, SETTLEMENT) * int256(_unit);
        if (flags.hasLedger()) {
            (, int256 maintenance, ) = IMarginEngine(_safe.engine()).midMargin(account_, flags, holdings);
            require(maintenance >= 0, PoolClosed("maintenance"));
            (int256 worst, int256 best) = _pricer.worth(this);
            (low, high) = (low + worst, high + best);
        }
        low = FixedPoint.mulDivFloor(low, 1, _unit);
        high = FixedPoint.mulDivCeil(high, 1, _unit);
    }

    /// @inheritdoc ILiquidityPool
    function equity() external view returns (int256 mtm) {
        (AccountFlags flags, Holding[] memory holdings) = _safe.portfolio(account());
        (, , mtm) = IMarginEngine(_safe.engine()).midMargin(account(), flags, holdings);
    }

    function _liquidity() internal view override returns (uint256) {
        int256 cash = _safe.balanceOf(account(), SETTLEMENT);
        (int256 initial, int256 least) = _reserve();
        if (cash <= 0 || initial <= least) return 0;
        uint256 free = FixedPoint.min(uint256(cash), uint256(initial - least) / _unit);
        free = FixedPoint.min(free, _safe.outflowLeft(SETTLEMENT));
        return FixedPoint.min(free, _safe.poolState(SETTLEMENT).cash);
    }

    // ---------------------------------------------------------------- governor

    /// @inheritdoc ILiquidityPool
    function setModel(uint8 model) external restricted {
        _safe.setModel(account(), model);
    }

    /// @inheritdoc ILiquidityPool
    function exchange() external view returns (address) {
        return address(_exchange);
    }
}
