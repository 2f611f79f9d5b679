// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @title The three functions of Solady's library that the maths use, in arithmetic that the solver understands
/// @dev Takes the library's place while the solver works, which cannot look into assembly. Reverts when a·b does not fit 256 bits,
/// where the real one goes on with 512: what is shown holds for all smaller products. That the real one is exact is Solady's own proof.
library FixedPointMathLib {
    function fullMulDiv(uint256 a, uint256 b, uint256 d) internal pure returns (uint256) {
        require(d != 0 && (b == 0 || a <= type(uint256).max / b));
        return (a * b) / d;
    }

    function fullMulDivUp(uint256 a, uint256 b, uint256 d) internal pure returns (uint256) {
        require(d != 0 && (b == 0 || a <= type(uint256).max / b));
        uint256 product = a * b;
        return product == 0 ? 0 : (product - 1) / d + 1;
    }

    function divUp(uint256 a, uint256 d) internal pure returns (uint256) {
        require(d != 0);
        return a == 0 ? 0 : (a - 1) / d + 1;
    }
}
