// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IUniswapV3Factory} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Factory.sol";

import {ILiquidationUnwinder} from "../interfaces/ILiquidationUnwinder.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {IVault} from "../interfaces/IVault.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {AssetId, AssetIdLib, SETTLEMENT} from "../types/AssetId.sol";
import {Holding} from "../types/Holding.sol";
import {SafeSession} from "./SafeSession.sol";
import {SwapPath} from "./SwapPath.sol";
import {UniswapV3Swapper} from "./UniswapV3Swapper.sol";

contract LiquidationUnwinder is ILiquidationUnwinder, SafeSession, UniswapV3Swapper {
    using SwapPath for bytes;
    using AssetIdLib for AssetId;

    constructor(IMarginAccounts safe_, IUniswapV3Factory factory_) SafeSession(safe_) UniswapV3Swapper(factory_) {}

    /// @inheritdoc ILiquidationUnwinder
    function liquidate(
        Order calldata order
    ) external nonReentrant before(order.deadline) returns (uint256 fraction, int256 price, uint256 profit) {
        (fraction, price) = abi.decode(safe.unlock(abi.encode(order)), (uint256, int256));
        profit = _sweep(_settlement(), order.recipient);
        require(profit >= order.minProfit, ProfitTooSmall(int256(profit), order.minProfit));
        emit Unwound(order.account, order.recipient, fraction, price, profit);
    }

    /// @inheritdoc ILiquidationUnwinder
    function bidder() public view returns (AccountId) {
        // Empty again at the end of every call, so one account serves all of them.
        return AccountIdLib.make(address(this), 0);
    }

    /// @dev Everything taken is turned into the settlement token first, so that whatever is owed can be bought with it.
    function _inSession(bytes calldata data) internal override returns (bytes memory) {
        Order memory order = abi.decode(data, (Order));
        (uint256 fraction, int256 price) = safe.bid(order.account, bidder(), order.fraction, order.limit);

        Holding[] memory holdings = _setOff(_holdings());
        for (uint256 i; i < holdings.length; ++i) {
            if (holdings[i].amount() > 0) _sellOut(holdings[i].asset(), order.routes);
        }
        for (uint256 i; i < holdings.length; ++i) {
            AssetId asset = holdings[i].asset();
            if (holdings[i].amount() < 0 && asset != SETTLEMENT) _buyBack(asset, order.routes);
        }
        _paySettlement(order.minProfit);

        holdings = _holdings();
        for (uint256 i; i < holdings.length; ++i) {
            // Shares worth nothing (after a write-off, less than a unit) may stay: nobody could take them out.
            require(holdings[i].amount() == 0, NotUnwound(holdings[i].asset()));
        }
        return abi.encode(fraction, price);
    }

    /// @dev Lets vault shares pay debt of their own pool: needs no cash of the pool, which redeeming them would.
    function _setOff(Holding[] memory holdings) private returns (Holding[] memory) {
        bool any;
        for (uint256 i; i < holdings.length; ++i) {
            AssetId asset = holdings[i].asset();
            if (asset.kind() != AssetIdLib.KIND_VAULT_SHARE) continue;
            AssetId pool = AssetIdLib.pool(asset.number());
            if (safe.sharesOf(bidder(), pool) >= 0) continue;
            safe.setOff(bidder(), pool);
            any = true;
        }
        return any ? _holdings() : holdings;
    }

    /// @dev Takes all of an asset out of the bidder's account and sells it for the settlement token.
    function _sellOut(AssetId asset, bytes[] memory routes) private {
        uint256 amount = safe.withdraw(bidder(), asset, type(uint256).max, address(this));
        (address token, ) = safe.assetToken(asset);
        if (asset.kind() == AssetIdLib.KIND_VAULT_SHARE) {
            IVault vault = IVault(safe.vaultOf(AssetIdLib.pool(asset.number())));
            amount = vault.redeem(amount, address(this), address(this));
            token = vault.asset();
        }
        if (token != _settlement() && amount > 0) _swapExactIn(_route(routes, token), amount, 0, address(this));
    }

    /// @dev Buys a debt with the settlement token and pays it.
    function _buyBack(AssetId asset, bytes[] memory routes) private {
        (address token, ) = safe.assetToken(asset);
        address settlement = _settlement();
        uint256 debt = uint256(-safe.balanceOf(bidder(), asset));
        _swapExactOut(_route(routes, token), debt, _ownBalance(settlement), address(this));
        _allow(token, address(safe), debt);
        safe.repay(bidder(), asset, type(uint256).max);
    }

    /// @dev The price of the bid, and the settlement asset's own part of the debts, are what the account owes now.
    function _paySettlement(uint256 minProfit) private {
        int256 balance = safe.balanceOf(bidder(), SETTLEMENT);
        if (balance >= 0) return;
        address settlement = _settlement();
        int256 left = int256(_ownBalance(settlement)) + balance;
        require(left >= 0, ProfitTooSmall(left, minProfit));
        _allow(settlement, address(safe), uint256(-balance));
        safe.repay(bidder(), SETTLEMENT, type(uint256).max);
    }

    function _route(bytes[] memory routes, address token) private view returns (bytes memory) {
        address settlement = _settlement();
        for (uint256 i; i < routes.length; ++i) {
            bytes memory route = routes[i];
            if (route.isValid() && route.first() == token && route.last() == settlement) return route;
        }
        revert MissingRoute(token);
    }

    function _settlement() private view returns (address token) {
        (token, ) = safe.assetToken(SETTLEMENT);
    }

    function _holdings() private view returns (Holding[] memory holdings) {
        (, holdings) = safe.portfolio(bidder());
    }
}
