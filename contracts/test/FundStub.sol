// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IMarginAccountsErrors} from "../interfaces/IMarginAccounts.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";

/// @title What the insurance fund uses of the safe: balances without interest, and reserves to collect
contract FundStub {
    AccountId public insurance;
    mapping(AssetId asset => IERC20) private _tokens;
    mapping(AssetId asset => uint256) private _claims;
    mapping(AccountId id => mapping(AssetId asset => int256)) public balanceOf;
    bool public full;

    function list(AssetId asset, IERC20 token) external {
        _tokens[asset] = token;
    }

    function setInsurance(AccountId id) external {
        insurance = id;
    }

    function setFull(bool full_) external {
        full = full_;
    }

    function setBalance(AccountId id, AssetId asset, int256 balance) external {
        balanceOf[id][asset] = balance;
    }

    function deposit(AccountId id, AssetId asset, uint256 amount) external {
        _tokens[asset].transferFrom(msg.sender, address(this), amount);
        balanceOf[id][asset] += int256(amount);
        _claims[asset] += amount;
    }

    function withdraw(AccountId id, AssetId asset, uint256 amount, address to) external returns (uint256) {
        require(id.owner() == msg.sender, IMarginAccountsErrors.NotAuthorized(id, msg.sender, 2));
        int256 balance = balanceOf[id][asset];
        if (amount == type(uint256).max) amount = uint256(balance);
        require(int256(amount) <= balance, IMarginAccountsErrors.InsufficientBalance(id, asset, uint256(balance)));
        balanceOf[id][asset] = balance - int256(amount);
        _claims[asset] -= amount;
        _tokens[asset].transfer(to, amount);
        return amount;
    }

    function collectReserves(AssetId asset) external returns (uint256 assets) {
        require(!full, IMarginAccountsErrors.TooManyAssets(insurance));
        assets = _tokens[asset].balanceOf(address(this)) - _claims[asset];
        balanceOf[insurance][asset] += int256(assets);
        _claims[asset] += assets;
    }

    function assetToken(AssetId asset) external view returns (address, uint8) {
        return (address(_tokens[asset]), 6);
    }
}
