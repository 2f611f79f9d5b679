// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {Fill, FillLeg} from "../../contracts/interfaces/IPositions.sol";
import {DerivativesTest} from "../../contracts/test/DerivativesTest.sol";
import {TestToken} from "../../contracts/test/TestToken.sol";
import {AccountId} from "../../contracts/types/AccountId.sol";
import {AssetId} from "../../contracts/types/AssetId.sol";
import {Instrument, InstrumentLib} from "../../contracts/types/Position.sol";

/// @title Attack: an account too full to be liquidated
/// @notice Mallory takes sixteen assets and as many positions as she can get, two hundred tries, so that weighing and moving her account
/// does not fit a transaction (16.7M gas), nor, on a chain with less, 14M; then she falls and owes for ever.
/// Defence: 16 assets (Books:_set) and 128 positions (LedgerBooks:_change) an account; evaluation linear in both.
/// Without: a debt that no bidder can take over.
contract FullAccountTest is DerivativesTest {
    uint256 private constant GAS = 14_000_000;

    Instrument[] private _strikes;

    function setUp() public override {
        super.setUp();
        Instrument[] memory list = new Instrument[](50);
        for (uint64 k; k < 4; ++k) {
            for (uint64 i; i < 50; ++i) {
                uint64 n = 50 * k + i;
                list[i] = InstrumentLib.option(ETH, EXPIRY, (1_003 + 10 * n) * 1e8, n % 2 == 0);
                _strikes.push(list[i]);
            }
            ledger.listOptions(list);
        }
        deposit(bobId, USDC, 10_000_000e6);
    }

    function _fill(AccountId full) private {
        // sixteen assets: four that are priced, two vault shares, and idle ones that are not
        deposit(full, USDC, 400_000e6);
        deposit(full, WETH, 1e15);
        deposit(full, WBTC, 1e4);
        deposit(full, STETH, 1e15);
        depositShares(full, WETH, 1e15);
        for (uint256 i; i < 12; ++i) {
            AssetId junk = listIdle(address(new TestToken("Junk", "JUNK", 18)));
            give(full.owner(), junk, 1);
            attempt(full.owner(), address(safe), abi.encodeCall(safe.deposit, (full, junk, 1)));
        }
        // the settlement asset's place was taken first, so sixteen is full
        assertEq(safe.words(full).length, 8);
        Fill memory f = makeFill(full, bobId, ethPerp, 1e18, 2_000e18);
        sender.fill(f);
        for (uint256 i; i < _strikes.length; i += 10) {
            f.legs = new FillLeg[](10);
            for (uint256 k; k < 10; ++k)
                f.legs[k] = FillLeg(_strikes[i + k], k % 3 == 0 ? int256(1e18) : -1e18, 200e18);
            (bool ok, ) = address(sender).call(abi.encodeCall(sender.fill, (f)));
            if (ok) continue;
            for (uint256 k; k < 10; ++k) {
                Fill memory single = makeFill(full, bobId, _strikes[i + k], k % 3 == 0 ? int256(1e18) : -1e18, 200e18);
                (ok, ) = address(sender).call(abi.encodeCall(sender.fill, (single)));
            }
            break;
        }
    }

    function _liquidate(uint8 model, uint256 price) private {
        AccountId full = accountOf(alice, 20);
        _fill(full);
        setModel(full, model);
        withdraw(full, USDC, uint256(initialOf(full)) / 1e12);
        AccountId bidder = accountOf(carol, 20);
        deposit(bidder, USDC, 5_000_000e6);
        setModel(bidder, model);
        setPrice(WETH, price);
        vm.prank(carol);
        (bool ok, ) = address(auction).call{gas: GAS}(abi.encodeCall(auction.start, (full, bidder)));
        assertTrue(ok, "too full to be put up for auction");
        skip(1);
        refreshFeeds();
        vm.prank(carol);
        uint256 gas = gasleft();
        (ok, ) = address(safe).call{gas: GAS}(abi.encodeCall(safe.bid, (full, bidder, MAX, type(int256).max)));
        assertTrue(ok, "too full to be liquidated");
        emit log_named_uint("gas of the bid", gas - gasleft());
        assertGe(maintenanceOf(full), 0);
        assertTrue(sizeOf(bidder, ethPerp) != 0);
    }

    function test_AFullAccountOfTheStandardModelIsLiquidated() public {
        _liquidate(0, 3_000e8);
    }

    function test_AFullAccountOfThePortfolioModelIsLiquidated() public {
        _liquidate(1, 4_000e8);
    }
}
