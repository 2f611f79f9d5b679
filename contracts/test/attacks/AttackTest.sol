// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {AccountId} from "../../types/AccountId.sol";
import {AssetId} from "../../types/AssetId.sol";
import {SafeTest} from "../SafeTest.sol";

/// @dev What belongs to those who take no part in an attack.
struct Victims {
    uint256 lenderUsdc;
    uint256 lenderWeth;
    int256 whaleBtc;
    uint256 insurance;
}

/// @title An attacker, his accomplice, and the means to say whether anybody gained or lost
abstract contract AttackTest is SafeTest {
    address internal mallory;
    address internal friend;
    AccountId internal malloryId;
    AccountId internal friendId;

    function setUp() public virtual override {
        super.setUp();
        (mallory, friend) = (makeAddr("mallory"), makeAddr("friend"));
        (malloryId, friendId) = (accountOf(mallory, 0), accountOf(friend, 0));
        equip(mallory);
        equip(friend);
    }

    function victims() internal view returns (Victims memory v) {
        v.lenderUsdc = sys.usdcVault.convertToAssets(sys.usdcVault.balanceOf(lender));
        v.lenderWeth = sys.wethVault.convertToAssets(sys.wethVault.balanceOf(lender));
        v.whaleBtc = safe.balanceOf(whale, WBTC);
        v.insurance = fund.balance();
    }

    /// @dev Lenders, the fund and the pools have at least what they had.
    function assertVictimsWhole(Victims memory before) internal view {
        Victims memory v = victims();
        assertGe(v.lenderUsdc, before.lenderUsdc, "lenders of USDC lost");
        assertGe(v.lenderWeth, before.lenderWeth, "lenders of WETH lost");
        assertGe(v.whaleBtc, before.whaleBtc, "a lender of WBTC lost");
        assertGe(v.insurance, before.insurance, "the insurance fund lost");
        assertSolvent(USDC);
        assertSolvent(WETH);
        assertSolvent(WBTC);
    }

    /// @dev Tokens in hand and the accounts 0 to 3 of `who`, settlement units at the prices of now.
    function worthOf(address who) internal view returns (int256 worth) {
        worth = _inHand(who, USDC, 6) + _inHand(who, WETH, 18) + _inHand(who, WBTC, 8) + _inHand(who, STETH, 18);
        for (uint96 i; i < 4; ++i) worth += mtmOf(accountOf(who, i));
    }

    function _inHand(address who, AssetId asset, uint8 decimals) private view returns (int256) {
        return int256((IERC20(tokenOf(asset)).balanceOf(who) * engine().midPrice(asset)) / 10 ** decimals);
    }
}
