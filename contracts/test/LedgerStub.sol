// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {Holding} from "../types/Holding.sol";

/// @title The ledger of perps and options, as far as the safe sees it
contract LedgerStub {
    IMarginAccounts private immutable _safe;
    AccountId public from;
    AccountId public bidder;
    uint256 public taken;

    error OnlySafe();

    constructor(IMarginAccounts safe) {
        _safe = safe;
    }

    function execute(bytes calldata data) external returns (bytes memory) {
        (bool ok, bytes memory result) = address(_safe).call{value: 0}(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
        return result;
    }

    function takeFraction(AccountId from_, AccountId bidder_, uint256 fraction) external {
        require(msg.sender == address(_safe), OnlySafe());
        (from, bidder, taken) = (from_, bidder_, fraction);
        _safe.setLedgerFlags(from_, false, false);
        _safe.setLedgerFlags(bidder_, true, true);
    }
}

/// @title Says of every account what the test says
contract ScriptedEngine {
    int256 public initial;
    int256 public maintenance;
    int256 public mtm;

    function set(int256 initial_, int256 maintenance_, int256 mtm_) external {
        (initial, maintenance, mtm) = (initial_, maintenance_, mtm_);
    }

    function initialMargin(AccountId, AccountFlags, Holding[] calldata) external view returns (int256) {
        return initial;
    }

    function liquidationMargin(
        AccountId,
        AccountFlags,
        Holding[] calldata
    ) external view returns (int256, int256, uint256, uint256) {
        return (maintenance, mtm, 0, 0);
    }

    function pricesContinuousSince(AccountId, AccountFlags, Holding[] calldata, uint256) external pure returns (bool) {
        return true;
    }

    function settlementDecimals() external pure returns (uint8) {
        return 6;
    }
}
