// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {INDEX_ONE, ShareMath} from "../../../contracts/types/PoolWords.sol";

/// @title What the solver is asked about {ShareMath}
/// @dev The bounds are those that the library's `unchecked` stands on: shares below 2^97, indices from 1 to 2^64 − 1.
contract ShareMathProperties {
    function assetsRoundByLessThanOne(uint256 shares, uint256 index) external pure {
        require(shares < 2 ** 97 && index != 0 && index < 2 ** 64);
        uint256 down = ShareMath.toAssetsDown(shares, index);
        uint256 up = ShareMath.toAssetsUp(shares, index);
        assert(down <= up);
        assert(up <= down + 1);
    }

    function sharesRoundByLessThanOne(uint256 assets, uint256 index) external pure {
        require(index != 0 && index < 2 ** 64);
        uint256 down = ShareMath.toSharesDown(assets, index);
        uint256 up = ShareMath.toSharesUp(assets, index);
        assert(down <= up);
        assert(up <= down + 1);
    }

    /// Nothing wraps: the same in checked arithmetic.
    function productsFit(uint256 shares, uint256 index) external pure {
        require(shares < 2 ** 97 && index != 0 && index < 2 ** 64);
        assert(ShareMath.toAssetsDown(shares, index) == (shares * index) / INDEX_ONE);
        assert(ShareMath.toAssetsUp(shares, index) == (shares * index + INDEX_ONE - 1) / INDEX_ONE);
    }

    /// In and out again never profits (V3).
    function depositAndWithdrawNeverProfits(uint256 assets, uint256 index) external pure {
        require(index != 0 && index < 2 ** 64);
        uint256 shares = ShareMath.toSharesDown(assets, index);
        require(shares < 2 ** 97);
        assert(ShareMath.toAssetsDown(shares, index) <= assets);
    }

    /// A debt's shares, minted up, are never worth less than what was borrowed.
    function borrowAndRepayNeverProfits(uint256 assets, uint256 index) external pure {
        require(index != 0 && index < 2 ** 64);
        uint256 shares = ShareMath.toSharesUp(assets, index);
        require(shares < 2 ** 97);
        assert(ShareMath.toAssetsUp(shares, index) >= assets);
    }
}
