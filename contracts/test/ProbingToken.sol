// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that calls out before every movement, as an ERC-777 would, and remembers what came back
contract ProbingToken is ERC20 {
    uint8 private immutable _decimals;
    address private _target;
    bytes private _data;

    bool public succeeded;
    bytes public answer;

    constructor(uint8 decimals_) ERC20("Probing", "PROBE") {
        _decimals = decimals_;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice What to call; target 0: nothing.
    function setHook(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_target != address(0)) {
            // Whatever comes back is what a test looks at.
            // solhint-disable-next-line avoid-low-level-calls
            (succeeded, answer) = _target.call(_data);
        }
        super._update(from, to, value);
    }
}
