// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {TestToken} from "./TestToken.sol";

/// @title Takes a fee of every transfer (once `feeBps` is set: a token may begin to after it was listed)
contract FeeToken is TestToken {
    uint256 public feeBps;

    constructor(uint8 decimals_, uint256 feeBps_) TestToken("Fee on transfer", "FEE", decimals_) {
        feeBps = feeBps_;
    }

    function setFee(uint256 feeBps_) external {
        feeBps = feeBps_;
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : (value * feeBps) / 10_000;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(0xfee), fee);
    }
}

/// @title Balances are shares of a factor that anyone moves; transfers round
contract RebasingToken is TestToken {
    uint256 private constant ONE = 1e18;
    uint256 private _factor = ONE;

    constructor(uint8 decimals_) TestToken("Rebasing", "REB", decimals_) {}

    /// @notice Every balance is multiplied by `factor` / 1e18 (of the shares, not of the last factor).
    function rebase(uint256 factor) external {
        _factor = factor;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return (super.balanceOf(account) * _factor) / ONE;
    }

    function totalSupply() public view override returns (uint256) {
        return (super.totalSupply() * _factor) / ONE;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, (value * ONE) / _factor);
    }
}

/// @title Returns nothing from transfers and approvals, like USDT
contract NoReturnToken {
    string public constant name = "Returns nothing";
    string public constant symbol = "NRT";
    uint8 public immutable decimals;
    uint256 public totalSupply;
    mapping(address owner => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function mint(address to, uint256 amount) external {
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }
}

/// @title Says false instead of reverting
contract FalseToken is TestToken {
    bool public failing;

    constructor(uint8 decimals_) TestToken("Says false", "FLS", decimals_) {}

    function setFailing(bool failing_) external {
        failing = failing_;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        return !failing && super.transfer(to, value);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        return !failing && super.transferFrom(from, to, value);
    }
}

/// @title Calls anything anybody has set, in the middle of the next transfer
contract ReentrantToken is TestToken {
    address private _target;
    bytes private _data;
    bool private _mustSucceed;
    bool public lastOk;
    bytes public lastResult;

    constructor(uint8 decimals_) TestToken("Reentrant", "RE", decimals_) {}

    /// @notice The next transfer calls `target` with `data` first. With `mustSucceed` a failure is passed on; without it,
    /// `lastOk` and `lastResult` tell.
    function arm(address target, bytes calldata data, bool mustSucceed) external {
        (_target, _data, _mustSucceed) = (target, data, mustSucceed);
    }

    function _update(address from, address to, uint256 value) internal override {
        address target = _target;
        if (target != address(0)) {
            _target = address(0);
            // Any function of any contract.
            // solhint-disable-next-line avoid-low-level-calls
            (lastOk, lastResult) = target.call(_data);
            if (!lastOk && _mustSucceed) {
                bytes memory reason = lastResult;
                assembly ("memory-safe") {
                    revert(add(reason, 0x20), mload(reason))
                }
            }
        }
        super._update(from, to, value);
    }
}
