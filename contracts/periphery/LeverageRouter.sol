// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IUniswapV3Factory} from "@uniswap/v3-core/contracts/interfaces/IUniswapV3Factory.sol";

import {ILeverageRouter} from "../interfaces/ILeverageRouter.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IWrappedNative} from "../interfaces/IWrappedNative.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {SafeSession} from "./SafeSession.sol";
import {SwapPath} from "./SwapPath.sol";
import {UniswapV3Swapper} from "./UniswapV3Swapper.sol";

contract LeverageRouter is ILeverageRouter, SafeSession, UniswapV3Swapper {
    using FixedPoint for uint256;
    using FixedPoint for int256;
    using SafeERC20 for IERC20;
    using SwapPath for bytes;

    uint8 private constant TRADE_AND_WITHDRAW = 3;

    IWrappedNative private immutable _wrappedNative;

    // The reduction under way, for {_pay}: whose, what is repaid, what pays for it.
    AccountId private transient _reducing;
    AssetId private transient _debtAsset;
    AssetId private transient _collateralAsset;
    uint256 private transient _repaid;

    /// @dev What a session is opened with.
    struct Job {
        bool increase;
        AccountId account;
        AssetId debtAsset;
        AssetId collateralAsset;
        AssetId marginAsset;
        uint256 margin;
        uint256 amount; // of the debt asset: sold, or to repay
        uint256 limit; // of the collateral asset: the least bought, or the most sold
        bytes path;
        address to;
    }

    constructor(IMarginAccounts safe_, IUniswapV3Factory factory_) SafeSession(safe_) UniswapV3Swapper(factory_) {
        _wrappedNative = IWrappedNative(safe_.wrappedNative());
    }

    /// @dev Only what unwrapping sends.
    receive() external payable {
        require(msg.sender == address(_wrappedNative), OnlyWrappedNative(msg.sender));
    }

    // ------------------------------------------------------------------ entries

    /// @inheritdoc ILeverageRouter
    function open(
        OpenOrder calldata order
    ) external payable nonReentrant before(order.deadline) returns (uint256 bought) {
        _authorize(order.account, order.grant, address(0));
        _takeMargin(order.marginAsset, order.margin);
        (, bought, ) = _run(
            Job({
                increase: true,
                account: order.account,
                debtAsset: order.debtAsset,
                collateralAsset: order.collateralAsset,
                marginAsset: order.marginAsset,
                margin: order.margin,
                amount: order.sold,
                limit: order.minBought,
                path: order.path,
                to: address(0)
            })
        );
    }

    /// @inheritdoc ILeverageRouter
    function close(
        CloseOrder calldata order
    ) external nonReentrant before(order.deadline) returns (uint256 repaid, uint256 sold, uint256 paidOut) {
        _authorize(order.account, order.grant, order.to);
        (repaid, sold, paidOut) = _run(
            Job({
                increase: false,
                account: order.account,
                debtAsset: order.debtAsset,
                collateralAsset: order.collateralAsset,
                marginAsset: AssetId.wrap(0),
                margin: 0,
                amount: order.repaid,
                limit: order.maxSold,
                path: order.path,
                to: order.to
            })
        );
        if (paidOut > 0) _payOut(order.collateralAsset, paidOut, order.to, order.native);
    }

    /// @inheritdoc ILeverageRouter
    function changeLeverage(
        ChangeOrder calldata order
    ) external nonReentrant before(order.deadline) returns (uint256 debt, uint256 collateral) {
        _authorize(order.account, order.grant, address(0));
        bool increase = order.debtChange > 0;
        (debt, collateral, ) = _run(
            Job({
                increase: increase,
                account: order.account,
                debtAsset: order.debtAsset,
                collateralAsset: order.collateralAsset,
                marginAsset: AssetId.wrap(0),
                margin: 0,
                amount: uint256(increase ? order.debtChange : -order.debtChange),
                limit: order.limit,
                path: order.path,
                to: address(0)
            })
        );
    }

    /// @inheritdoc ILeverageRouter
    function debtChangeTo(
        AccountId account,
        AssetId debtAsset,
        AssetId collateralAsset,
        uint256 leverage
    ) external view returns (int256) {
        IMarginEngine engine = IMarginEngine(safe.engine());
        int256 debt = -_value(engine, account, debtAsset);
        int256 equity = _value(engine, account, collateralAsset) - debt;
        require(equity > 0, NoEquity(account, equity));
        int256 change = equity.mulDivFloor(leverage, WAD) - equity - debt;
        (, uint8 decimals) = safe.assetToken(debtAsset);
        return change.mulDivFloor(10 ** decimals, engine.midPrice(debtAsset));
    }

    // ------------------------------------------------------------------ session

    function _run(Job memory job) private returns (uint256 debt, uint256 collateral, uint256 paidOut) {
        require(job.amount > 0, NothingToDo());
        (debt, collateral, paidOut) = abi.decode(safe.unlock(abi.encode(job)), (uint256, uint256, uint256));
    }

    function _inSession(bytes calldata data) internal override returns (bytes memory) {
        Job memory job = abi.decode(data, (Job));
        (address debtToken, ) = safe.assetToken(job.debtAsset);
        (address collateralToken, ) = safe.assetToken(job.collateralAsset);
        require(
            job.path.isValid() && job.path.first() == debtToken && job.path.last() == collateralToken,
            InvalidPath(job.path)
        );
        return job.increase ? abi.encode(job.amount, _increase(job, collateralToken), 0) : _reduce(job, debtToken);
    }

    function _increase(Job memory job, address collateralToken) private returns (uint256 bought) {
        if (job.margin > 0) {
            (address marginToken, ) = safe.assetToken(job.marginAsset);
            _allow(marginToken, address(safe), job.margin);
            safe.deposit(job.account, job.marginAsset, job.margin);
        }
        safe.borrow(job.account, job.debtAsset, job.amount, address(this));
        bought = _swapExactIn(job.path, job.amount, job.limit, address(this));
        _allow(collateralToken, address(safe), bought);
        safe.deposit(job.account, job.collateralAsset, bought);
        emit LeverageIncreased(job.account, job.debtAsset, job.collateralAsset, job.amount, bought);
    }

    function _reduce(Job memory job, address debtToken) private returns (bytes memory) {
        // The snapshot needs prices. Without them a close that leaves no debt passes all the same, and any other is
        // refused by the check at the end.
        try safe.reduceOnly(job.account) {} catch {}

        int256 balance = safe.balanceOf(job.account, job.debtAsset);
        require(balance < 0, NoDebt(job.account, job.debtAsset));
        uint256 bought = FixedPoint.min(job.amount, uint256(-balance));
        _allow(debtToken, address(safe), bought);

        _reducing = job.account;
        _debtAsset = job.debtAsset;
        _collateralAsset = job.collateralAsset;
        uint256 sold = _swapExactOut(job.path, bought, job.limit, address(this));
        uint256 repaid = _repaid;
        _reducing = AccountId.wrap(0);
        _debtAsset = AssetId.wrap(0);
        _collateralAsset = AssetId.wrap(0);
        _repaid = 0;
        emit LeverageReduced(job.account, job.debtAsset, job.collateralAsset, repaid, sold);

        uint256 paidOut;
        if (job.to != address(0) && safe.sharesOf(job.account, job.collateralAsset) > 0) {
            paidOut = safe.withdraw(job.account, job.collateralAsset, type(uint256).max, address(this));
        }
        return abi.encode(repaid, sold, paidOut);
    }

    /// @dev In a reduction what was bought is here before the pool asks for its pay. So the debt is paid first and then the
    /// collateral leaves, exactly as much as the pool is owed: nobody has to lend, there is no change to bring back into
    /// a pool that may be closed for deposits, and no moment at which more leaves an account that still owes as much.
    function _pay(address token, address pool, uint256 amount) internal override {
        if (_reducing != AccountId.wrap(0)) {
            (address debtToken, ) = safe.assetToken(_debtAsset);
            _repaid = safe.repay(_reducing, _debtAsset, _ownBalance(debtToken));
            safe.withdraw(_reducing, _collateralAsset, amount, address(this));
        }
        super._pay(token, pool, amount);
    }

    // ------------------------------------------------------------------ authority and edges

    /// @dev The router is an operator of many accounts: it may act on one only as far as its caller could without it.
    function _authorize(AccountId account, Grant calldata grant, address to) private {
        if (grant.signed.signature.length > 0) {
            address[] memory receivers = new address[](1);
            receivers[0] = address(this);
            // Somebody may have sent the same signature first: what counts is whether the right is there.
            try
                safe.setOperatorBySig(
                    account,
                    address(this),
                    TRADE_AND_WITHDRAW,
                    grant.expiry,
                    true,
                    receivers,
                    grant.signed
                )
            {} catch {}
        }
        require(safe.isAuthorized(account, msg.sender, TRADE_AND_WITHDRAW), CallerNotAuthorized(account, msg.sender));
        require(safe.isAuthorized(account, address(this), TRADE_AND_WITHDRAW), RouterNotAuthorized(account));
        address owner = account.owner();
        if (msg.sender == owner) return;
        (, , bool receiversOnly) = safe.operatorOf(account, msg.sender);
        if (!receiversOnly) return;
        _requireReceiver(account, address(this)); // through here the tokens reach pools of the caller's choice
        if (to != address(0) && to != owner) _requireReceiver(account, to);
    }

    function _requireReceiver(AccountId account, address receiver) private view {
        require(safe.isReceiver(account, msg.sender, receiver), ReceiverNotAllowed(account, msg.sender, receiver));
    }

    function _takeMargin(AssetId asset, uint256 margin) private {
        if (margin == 0 || msg.value > 0) require(msg.value == margin, NativeValueMismatch(margin, msg.value));
        if (margin == 0) return;
        (address token, ) = safe.assetToken(asset);
        if (msg.value > 0) {
            require(token == address(_wrappedNative), NativeValueMismatch(0, msg.value));
            _wrappedNative.deposit{value: msg.value}();
        } else {
            IERC20(token).safeTransferFrom(msg.sender, address(this), margin);
        }
    }

    function _payOut(AssetId asset, uint256 amount, address to, bool native) private {
        (address token, ) = safe.assetToken(asset);
        if (native && token == address(_wrappedNative)) {
            _wrappedNative.withdraw(amount);
            Address.sendValue(payable(to), amount);
        } else {
            IERC20(token).safeTransfer(to, amount);
        }
    }

    /// @dev Settlement units, WAD, at mid.
    function _value(IMarginEngine engine, AccountId account, AssetId asset) private view returns (int256) {
        (, uint8 decimals) = safe.assetToken(asset);
        return safe.balanceOf(account, asset).mulDivFloor(engine.midPrice(asset), 10 ** decimals);
    }
}
