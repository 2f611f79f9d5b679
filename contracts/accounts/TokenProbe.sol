// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IMarginAccountsErrors} from "../interfaces/IMarginAccounts.sol";

/// @title Tries a token before it is listed (DESIGN 4).
/// @dev What it cannot see (a fee switched on later, a rebase that is not announced) the pools survive: a fee makes the payer's deposit
/// fail to cover only at the next listing, a rebase upwards is reserve. Governance must not list such tokens; this refuses the honest ones.
library TokenProbe {
    using SafeERC20 for IERC20;

    uint8 private constant MIN_DECIMALS = 2;
    uint8 private constant MAX_DECIMALS = 24;
    uint256 private constant VIEW_GAS = 100_000;

    /// @notice Moves `amount` in from `payer` and back; reverts unless each step moves exactly that. Returns the decimals.
    function check(address token, address payer, uint256 amount) internal returns (uint8 decimals) {
        require(amount != 0, IMarginAccountsErrors.ZeroAmount());
        decimals = IERC20Metadata(token).decimals();
        require(
            decimals >= MIN_DECIMALS && decimals <= MAX_DECIMALS,
            IMarginAccountsErrors.TokenDecimals(token, decimals)
        );
        _refuseRebasing(token);

        uint256 mine = IERC20(token).balanceOf(address(this));
        uint256 theirs = IERC20(token).balanceOf(payer);
        IERC20(token).safeTransferFrom(payer, address(this), amount);
        uint256 got = IERC20(token).balanceOf(address(this)) - mine;
        require(got == amount, IMarginAccountsErrors.TokenTakesFee(token, amount, got));
        require(
            theirs - IERC20(token).balanceOf(payer) == amount,
            IMarginAccountsErrors.TokenTakesFee(token, amount, got)
        );
        IERC20(token).safeTransfer(payer, amount);
        uint256 back = IERC20(token).balanceOf(payer);
        require(
            back == theirs && IERC20(token).balanceOf(address(this)) == mine,
            IMarginAccountsErrors.TokenTakesFee(token, amount, theirs - back)
        );
    }

    /// @dev Rebasing tokens keep balances as shares of something and say so through one of these views.
    function _refuseRebasing(address token) private view {
        bytes4[5] memory probes = [
            bytes4(keccak256("sharesOf(address)")),
            bytes4(keccak256("scaledBalanceOf(address)")),
            bytes4(keccak256("rebasingCreditsPerToken()")),
            bytes4(keccak256("scaledTotalSupply()")),
            bytes4(keccak256("gonsForBalance(uint256)"))
        ];
        for (uint256 i = 0; i < probes.length; ++i) {
            (bool ok, bytes memory out) = token.staticcall{gas: VIEW_GAS}(
                abi.encodePacked(probes[i], abi.encode(address(this)))
            );
            require(!ok || out.length < 32, IMarginAccountsErrors.TokenRebases(token));
        }
    }
}
