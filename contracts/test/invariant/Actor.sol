// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IMarginAccounts, IUnlockCallback} from "../../interfaces/IMarginAccounts.sol";
import {AccountId} from "../../types/AccountId.sol";
import {BaseTest} from "../BaseTest.sol";

/// @dev One call of a session; it must succeed.
struct Step {
    address target;
    bytes data;
}

/// @title An owner of accounts that does what it is told, alone or inside one `unlock`
contract Actor is IUnlockCallback {
    IMarginAccounts private immutable _safe;

    /// @dev A call that had to fail went through. Reverts the session around it, so that it is seen outside.
    error Breach(address target, bytes data);

    constructor(IMarginAccounts safe) {
        _safe = safe;
    }

    function approve(address token, address spender) external {
        IERC20(token).approve(spender, type(uint256).max);
    }

    /// @notice Any call; its revert is a result.
    function exec(address target, bytes calldata data) external payable returns (bool ok, bytes memory out) {
        // a revert is a result
        // solhint-disable-next-line avoid-low-level-calls
        return target.call{value: msg.value}(data);
    }

    /// @notice A call that must fail.
    function mustFail(address target, bytes calldata data) external {
        // it has to fail
        // solhint-disable-next-line avoid-low-level-calls
        (bool ok, ) = target.call(data);
        require(!ok, Breach(target, data));
    }

    /// @notice All steps inside one `unlock`.
    function session(Step[] calldata steps) external returns (bool ok, bytes memory out) {
        // a revert is a result
        // solhint-disable-next-line avoid-low-level-calls
        return address(_safe).call(abi.encodeCall(_safe.unlock, (abi.encode(steps))));
    }

    function onUnlock(bytes calldata data) external payable returns (bytes memory) {
        Step[] memory steps = abi.decode(data, (Step[]));
        for (uint256 i; i < steps.length; ++i) {
            // its revert goes on as it is
            // solhint-disable-next-line avoid-low-level-calls
            (bool ok, bytes memory out) = steps[i].target.call(steps[i].data);
            if (ok) continue;
            assembly ("memory-safe") {
                revert(add(out, 0x20), mload(out))
            }
        }
        return "";
    }

    receive() external payable {}
}

/// @title Stands where `Positions` will: settles cash when told, and tries what only neighbours may
contract Neighbour is BaseTest {
    IMarginAccounts private immutable _safe;

    constructor(IMarginAccounts safe) {
        _safe = safe;
    }

    function settle(AccountId from, AccountId to, uint256 amount) external {
        _safe.settleCash(from, to, amount, false);
    }

    /// @notice As the auction.
    function flag(AccountId account) external {
        vm.prank(_safe.auction());
        _safe.setInAuction(account, true);
    }
}
