// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {PoolState} from "../interfaces/IMarginAccounts.sol";
import {IVault} from "../interfaces/IVault.sol";
import {AssetId} from "../types/AssetId.sol";
import {INDEX_ONE, ShareMath} from "../types/PoolWords.sol";

/// @title The vault's side of the safe, with every number under the test's control
/// @dev Reaches what the real safe reaches only over years or in a catastrophe: any index, any lack of cash, any lock.
contract VaultStubSafe {
    using SafeERC20 for IERC20;
    using ShareMath for uint256;

    IERC20 public immutable token;
    address public vault;

    uint256 public lenderShares;
    uint256 public index = INDEX_ONE;
    uint256 public supplyRoom = type(uint256).max;
    uint256 public lenderCash = type(uint256).max;
    uint256 public outflowLeftNow = type(uint256).max;
    bool public isLocked;

    error OnlyVault();
    error TooFewAssets();
    error TooManyAssets();

    constructor(IERC20 token_) {
        token = token_;
    }

    // ---------------------------------------------------------------- what the test sets

    function setVault(address vault_) external {
        vault = vault_;
    }

    function setIndex(uint256 index_) external {
        index = index_;
    }

    function setSupplyRoom(uint256 room) external {
        supplyRoom = room;
    }

    function setLenderCash(uint256 cash) external {
        lenderCash = cash;
    }

    function setOutflowLeft(uint256 left) external {
        outflowLeftNow = left;
    }

    function setLocked(bool on) external {
        isLocked = on;
    }

    /// @notice A set-off, as the safe does it: its own count and the vault's go down together.
    function setOff(uint256 shares) external {
        lenderShares -= shares;
        IVault(vault).burnHeld(shares);
    }

    // ---------------------------------------------------------------- what the vault calls

    function vaultSupply(AssetId, uint256 assets, uint256 shares) external returns (uint256 minted) {
        require(msg.sender == vault, OnlyVault());
        minted = shares == 0 ? assets.toSharesDown(index) : shares;
        require(minted.toAssetsDown(index) <= assets, TooFewAssets());
        lenderShares += minted;
    }

    function vaultWithdraw(AssetId, uint256 assets, uint256 shares, address to) external {
        require(msg.sender == vault, OnlyVault());
        require(assets <= shares.toAssetsDown(index) && assets <= lenderCash, TooManyAssets());
        lenderShares -= shares;
        isLocked = true;
        token.safeTransfer(to, assets);
        isLocked = false;
    }

    function poolIndices(AssetId pool_) external view returns (uint256 supplyIndex, uint256 debtIndex) {
        return (this.poolState(pool_).supplyIndex, 1e15);
    }

    function poolState(AssetId) external view returns (PoolState memory state) {
        state.lenderShares = uint96(lenderShares);
        state.supplyIndex = uint64(index);
        state.claims = lenderShares.toAssetsDown(index);
        state.lenderCash = lenderCash < state.claims ? lenderCash : state.claims;
        state.supplyRoom = supplyRoom;
    }

    function poolWords(AssetId) external view returns (uint256 supplyWord, uint256 debtWord) {
        // Accounts' shares stand beside the lenders': a vault that forgot its mask would count them.
        return (lenderShares | (uint256(12345) << 96) | (index << 192), 0);
    }

    function outflowLeft(AssetId) external view returns (uint256) {
        return outflowLeftNow;
    }

    function assetToken(AssetId) external view returns (address, uint8) {
        return (address(token), IERC20Metadata(address(token)).decimals());
    }
}
