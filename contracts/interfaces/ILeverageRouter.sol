// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {Signed} from "./IMarginAccounts.sol";
import {ISwapErrors} from "./ISwapErrors.sol";

/// @title Open, change and close leverage in one transaction.
/// @notice Acts for its caller, who must be the owner of the account or an operator who may trade and withdraw, on accounts
/// that have made the router itself such an operator (`receiversOnly` with the router as the only receiver is enough). A long owes
/// the settlement asset and holds another; a short owes the other and holds the settlement asset.
/// @dev One path serves all: `debt token ‖ fee ‖ … ‖ collateral token`, which Uniswap reads forward for exact input and
/// backward for exact output. The safe's own check at the end of the session is what guards the account's margin.
interface ILeverageRouter is ISwapErrors {
    /// @dev What makes the router an operator (rights to trade and withdraw, receivers: the router) by the owner's signature
    /// in the same transaction. Empty signature: nothing to do. A grant that is in force already is not an error.
    struct Grant {
        uint40 expiry;
        Signed signed;
    }

    struct OpenOrder {
        AccountId account;
        AssetId debtAsset;
        AssetId collateralAsset;
        AssetId marginAsset; // what the caller adds, of any listed asset; native value is wrapped
        uint256 margin; // 0: nothing
        uint256 sold; // of the debt asset; what the account's balance does not cover becomes debt
        uint256 minBought; // of the collateral asset
        bytes path;
        uint256 deadline;
        Grant grant;
    }

    struct CloseOrder {
        AccountId account;
        AssetId debtAsset;
        AssetId collateralAsset;
        uint256 repaid; // `type(uint256).max`: the whole debt, to the wei
        uint256 maxSold; // of the collateral asset
        bytes path;
        address to; // gets what is left of the collateral asset; 0: it stays in the account
        bool native; // pay `to` in the native coin
        uint256 deadline;
        Grant grant;
    }

    struct ChangeOrder {
        AccountId account;
        AssetId debtAsset;
        AssetId collateralAsset;
        int256 debtChange; // > 0: borrow that much and buy collateral; < 0: sell collateral and repay that much
        uint256 limit; // the least bought, or the most sold, of the collateral asset
        bytes path;
        uint256 deadline;
        Grant grant;
    }

    error CallerNotAuthorized(AccountId account, address caller);
    /// @dev The account has not made the router its operator, or no longer.
    error RouterNotAuthorized(AccountId account);
    /// @dev The caller may send tokens only to listed receivers, and `receiver` is not one.
    error ReceiverNotAllowed(AccountId account, address caller, address receiver);
    error NativeValueMismatch(uint256 needed, uint256 sent);
    error NoDebt(AccountId account, AssetId asset);
    error NothingToDo();
    error NoEquity(AccountId account, int256 equity);
    error OnlyWrappedNative(address sender);

    event LeverageIncreased(
        AccountId indexed account,
        AssetId indexed debtAsset,
        AssetId indexed collateralAsset,
        uint256 sold,
        uint256 bought
    );
    event LeverageReduced(
        AccountId indexed account,
        AssetId indexed debtAsset,
        AssetId indexed collateralAsset,
        uint256 repaid,
        uint256 sold
    );

    /// @return bought how much of the collateral asset was bought and deposited.
    function open(OpenOrder calldata order) external payable returns (uint256 bought);

    /// @notice Reduces only: passes even where the account's initial margin is below zero (DESIGN 3), and with `repaid` =
    /// all and no other debt even without a usable price.
    /// @return repaid of the debt. @return sold of the collateral. @return paidOut to `to`.
    function close(CloseOrder calldata order) external returns (uint256 repaid, uint256 sold, uint256 paidOut);

    /// @return debt paid or borrowed. @return collateral sold or bought.
    function changeLeverage(ChangeOrder calldata order) external returns (uint256 debt, uint256 collateral);

    /// @notice The `debtChange` that brings collateral ÷ (collateral − debt) of the two assets to `leverage` (WAD) at mid prices,
    /// swap costs aside. Token units of the debt asset.
    function debtChangeTo(
        AccountId account,
        AssetId debtAsset,
        AssetId collateralAsset,
        uint256 leverage
    ) external view returns (int256 debtChange);
}
