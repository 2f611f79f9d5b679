// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../../types/AssetId.sol";
import {MockFeed} from "../MockFeed.sol";
import {MoneyHandler} from "./MoneyHandler.sol";

/// @title Prices, time, checkpoints, and feeds that fail (O1)
abstract contract MarketHandler is MoneyHandler {
    uint256 private constant MAX_STEP = 3 days;

    // ------------------------------------------------------------------ prices
    /// @dev Within ±4 %.
    function drift(uint256 what, uint256 size) external inTime {
        _move(what % 4, 9_600 + (size % 801));
    }

    /// @dev Down by 3 to 11 %, which leaves accounts to sell, at times by up to 45 %, which leaves losses; ether and its
    /// derivative together.
    function crash(uint256 what, uint256 size) external inTime {
        uint256 part = size & 7 == 0 ? 5_500 + ((size >> 8) % 4_001) : 8_900 + ((size >> 8) % 801);
        if (what & 1 == 0) {
            _move(1, part);
            _move(3, part);
        } else {
            _move(2, part);
        }
        _did("crash", true);
    }

    /// @dev Up by 3 to 11 %, at times by up to 60 %: shorts are caught.
    function rally(uint256 what, uint256 size) external inTime {
        _move(1 + (what % 3), size & 7 == 0 ? 10_500 + ((size >> 8) % 5_501) : 10_300 + ((size >> 8) % 801));
        _did("rally", true);
    }

    /// @dev By `part` basis points of itself, within a tenth and ten times of where it began; USDC near one.
    function _move(uint256 i, uint256 part) private {
        uint256 start = [uint256(1e8), 2_000e8, 30_000e8, 1_990e8][i];
        (uint256 least, uint256 most) = i == 0 ? (0.95e8, uint256(1.03e8)) : (start / 10, start * 10);
        uint256 price = (prices[i] * part) / 10_000;
        prices[i] =
            price < least
                ? least
                : price > most
                    ? most
                    : price;
        _publish(i);
    }

    function _publish(uint256 i) internal {
        _feedOf(i).setAnswer(int256(i == 3 ? prices[i] * 1e10 : prices[i]));
    }

    // ------------------------------------------------------------------ time
    /// @dev Mostly minutes, at times days; feeds report within their heartbeats for six hours, then leave a gap.
    function wait(uint256 size) external inTime {
        uint256 duration = 1 + ((size >> 8) % (size & 7 == 0 ? MAX_STEP : 20 minutes));
        while (duration != 0) {
            uint256 step = duration < 1 hours || duration > 7 hours ? duration : 1 hours;
            time += step;
            duration -= step;
            vm.warp(time);
            for (uint256 i; i < 4; ++i) _publish(i);
        }
        _did("wait", true);
    }

    /// @dev Slow totals of WBTC, which has brackets. They may rise at their own pace, which A1 allows.
    function checkpoint(uint256 who, uint256 what) external watched(who, what) {
        _letHarm();
        (bool ok, ) = what & 1 == 0
            ? _call(who, address(sys.checkpoints), abi.encodeCall(sys.checkpoints.update, (WBTC)))
            : _call(who, address(sys.checkpoints), abi.encodeCall(sys.checkpoints.observe, (WBTC)));
        _did("checkpoint", ok);
    }

    // ------------------------------------------------------------------ O1: no new risk on a bad price
    /// @dev One feed says nothing usable while somebody who needs it tries to take new risk; paying in still works.
    function failFeed(uint256 who, uint256 what, uint256 size) external watched(who, size) {
        uint256 i = what % 4;
        AssetId bad = i == 3 ? STETH : AssetId.wrap(uint16(i + 1));
        AccountId account = _account(who, what >> 8);
        _spoil(i, (what >> 16) % 6);

        // the bad asset is borrowed, or it is what is borrowed against
        AssetId loan = bad == STETH || size & 1 != 0 ? _pool(what >> 24) : bad;
        bool ok = _try(who, _borrowing(who, account, loan, _amount(loan, size)));
        bool needed = _needs(account, bad);
        if (ok && needed && _hasDebt(account)) _break("O1", "new risk on an unusable price");
        _did("failFeed", !ok && needed);
        if (safe.sharesOf(account, bad) != 0) {
            uint256 amount = _worthOf(bad, 100e8);
            ok = _try(who, abi.encodeCall(safe.deposit, (account, bad, amount)));
            if (!ok && _tokenOf(bad).balanceOf(address(_actor(who))) >= amount) {
                _break("O1", "no deposit while a price is unusable");
            }
        }
        _feedOf(i).setFailure(MockFeed.Failure.None);
        _feedOf(i).setAnsweredLate(false);
        _publish(i);
    }

    function _spoil(uint256 i, uint256 how) private {
        MockFeed feed = _feedOf(i);
        if (how == 0) feed.setUpdatedAt(time - 1 hours - 1);
        else if (how == 1) feed.setAnswer(0);
        else if (how == 2) feed.setAnswer(-1);
        else if (how == 3)
            feed.setAnswer(
                i == 3
                    ? int256(0.1e18)
                    : i == 0
                        ? int256(0.001e8)
                        : int256(0.1e8)
            );
        else if (how == 4) feed.setFailure(MockFeed.Failure.Reverts);
        else feed.setAnsweredLate(true);
    }

    /// @dev Whether the account's margin asks for the price of `asset`. Cash alone asks for none: it is the unit.
    function _needs(AccountId account, AssetId asset) private view returns (bool) {
        if (asset == STETH) return safe.sharesOf(account, STETH) != 0;
        if (asset != USDC) {
            AssetId share = AssetIdLib.vaultShare(asset.number());
            return safe.sharesOf(account, asset) != 0 || safe.sharesOf(account, share) != 0;
        }
        for (uint256 k = 1; k < 6; ++k) {
            AssetId held = _asset(k);
            if (held != USDC_SHARE && safe.sharesOf(account, held) != 0) return true;
        }
        return false;
    }
}
