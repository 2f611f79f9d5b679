// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IMarginAccountsErrors, PoolState} from "../interfaces/IMarginAccounts.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, SETTLEMENT} from "../types/AssetId.sol";
import {INDEX_ONE, ShareMath} from "../types/PoolWords.sol";

/// @title What the insurance fund uses of the safe, with pool price and losses under the test's control
/// @dev It is its own auction. Shares round as the safe's do; there are no others in the pool.
contract FundStub {
    using ShareMath for uint256;

    AccountId public insurance;
    mapping(AssetId asset => IERC20) private _tokens;
    mapping(AssetId asset => uint256) private _total;
    mapping(AccountId id => mapping(AssetId asset => int256)) public sharesOf;
    uint256 public index = INDEX_ONE;
    uint256 public knownLoss;
    uint256 public outflow = type(uint256).max;
    uint256 public supplyRoom = type(uint256).max;
    uint256 public cash = type(uint256).max;
    bool public isLocked;
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

    function setIndex(uint256 index_) external {
        index = index_;
    }

    function setKnownLoss(uint256 loss) external {
        knownLoss = loss;
    }

    function setLimits(uint256 outflow_, uint256 supplyRoom_, uint256 cash_, bool locked) external {
        (outflow, supplyRoom, cash, isLocked) = (outflow_, supplyRoom_, cash_, locked);
    }

    function setShares(AccountId id, AssetId asset, int256 shares) external {
        sharesOf[id][asset] = shares;
    }

    /// @notice A bidder is paid `shares` of the fund's.
    function pay(uint256 shares) external {
        sharesOf[insurance][SETTLEMENT] -= int256(shares);
        _total[SETTLEMENT] -= shares;
    }

    function deposit(AccountId id, AssetId asset, uint256 amount) external {
        _tokens[asset].transferFrom(msg.sender, address(this), amount);
        _mint(id, asset, amount);
    }

    function withdraw(AccountId id, AssetId asset, uint256 amount, address to) external returns (uint256) {
        require(id.owner() == msg.sender, IMarginAccountsErrors.NotAuthorized(id, msg.sender, 2));
        uint256 owned = uint256(sharesOf[id][asset]);
        uint256 worth = owned.toAssetsDown(index);
        if (amount == type(uint256).max) amount = worth;
        require(amount <= worth, IMarginAccountsErrors.InsufficientBalance(id, asset, worth));
        uint256 burned = amount == worth ? owned : amount.toSharesUp(index);
        sharesOf[id][asset] -= int256(burned);
        _total[asset] -= burned;
        _tokens[asset].transfer(to, amount);
        return amount;
    }

    function collectReserves(AssetId asset) external returns (uint256 assets) {
        require(!full, IMarginAccountsErrors.TooManyAssets(insurance));
        assets = _tokens[asset].balanceOf(address(this)) - _total[asset].toAssetsUp(index);
        _mint(insurance, asset, assets);
    }

    function balanceOf(AccountId id, AssetId asset) external view returns (int256) {
        int256 shares = sharesOf[id][asset];
        return shares > 0 ? int256(uint256(shares).toAssetsDown(index)) : shares;
    }

    function assetToken(AssetId asset) external view returns (address, uint8) {
        return (address(_tokens[asset]), 6);
    }

    function poolIndices(AssetId) external view returns (uint256, uint256) {
        return (index, INDEX_ONE);
    }

    function poolState(AssetId asset) external view returns (PoolState memory state) {
        state.accountShares = uint96(_total[asset]);
        state.claims = _total[asset].toAssetsDown(index);
        state.cash = cash < state.claims ? cash : state.claims;
        state.supplyRoom = supplyRoom;
    }

    function outflowLeft(AssetId) external view returns (uint256) {
        return outflow;
    }

    function auction() external view returns (address) {
        return address(this);
    }

    function _mint(AccountId id, AssetId asset, uint256 amount) private {
        uint256 minted = amount.toSharesDown(index);
        sharesOf[id][asset] += int256(minted);
        _total[asset] += minted;
    }
}
