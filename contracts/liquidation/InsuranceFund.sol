// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IInsuranceFund} from "../interfaces/IInsuranceFund.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {AssetId, SETTLEMENT} from "../types/AssetId.sol";

/// @title Owner of the insurance account
/// @dev It calls only `deposit`, `withdraw` and `collectReserves` of the safe: none of them can leave it with a debt, and a
/// stranger cannot give it one. An account without debt passes no margin check, so the fund works with dead oracles.
contract InsuranceFund is IInsuranceFund, AccessManaged {
    using SafeERC20 for IERC20;

    IMarginAccounts public immutable safe;

    constructor(IMarginAccounts safe_, address authority_) AccessManaged(authority_) {
        require(address(safe_) != address(0) && authority_ != address(0), ZeroAddress());
        safe = safe_;
    }

    /// @inheritdoc IInsuranceFund
    function donate(uint256 amount) external {
        require(amount != 0, ZeroAmount());
        (address token, ) = safe.assetToken(SETTLEMENT);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        IERC20(token).forceApprove(address(safe), amount);
        safe.deposit(account(), SETTLEMENT, amount);
        emit Donated(msg.sender, amount);
    }

    /// @inheritdoc IInsuranceFund
    function collect(AssetId asset) external returns (uint256 amount) {
        amount = safe.collectReserves(asset);
        emit Collected(asset, amount);
    }

    /// @inheritdoc IInsuranceFund
    function withdraw(AssetId asset, uint256 amount, address to) external restricted returns (uint256 sent) {
        require(amount != 0, ZeroAmount());
        require(to != address(0), ZeroAddress());
        sent = safe.withdraw(account(), asset, amount, to);
        emit Withdrawn(asset, to, sent);
    }

    /// @inheritdoc IInsuranceFund
    function account() public view returns (AccountId) {
        return AccountIdLib.make(address(this), 0);
    }

    /// @inheritdoc IInsuranceFund
    function balance() external view returns (uint256) {
        int256 assets = safe.balanceOf(account(), SETTLEMENT);
        return assets > 0 ? uint256(assets) : 0;
    }
}
