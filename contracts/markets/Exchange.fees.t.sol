// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {FeeTier, Leg, Order} from "../interfaces/IExchange.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {Fill, FillLeg} from "../interfaces/IPositions.sol";
import {ExchangeTest} from "../test/ExchangeTest.sol";
import {AccountIdLib} from "../types/AccountId.sol";
import {Exchange} from "./Exchange.sol";

/// @title Fees, volume, and who governs
contract ExchangeFeesTest is ExchangeTest {
    uint256 internal constant DAY = 1 days;

    function setUp() public override {
        super.setUp();
        // the first second of a bucket
        vm.warp((START / 10 days + 1) * 10 days);
        exchange.setFees(_tiers(), 1_250);
    }

    function _tiers() private pure returns (FeeTier[] memory t) {
        t = new FeeTier[](3);
        t[0] = FeeTier(0, 200, 500, 300, 400);
        t[1] = FeeTier(1_000_000, 100, 400, 200, 300);
        t[2] = FeeTier(50_000_000, 0, 300, 0, 200);
    }

    // ------------------------------------------------------------------ fees

    function test_FeesAreOfTheNotionalAtTheIndex() public {
        // traded at 1,000, charged at 2,000: 3 · 2,000 · .02 % and .05 %
        (Order memory maker, Order memory taker) = pair(3e18, 1_000e18);
        fill(maker, taker, 3e18);
        assertEq(ledger.fillAt(0).firstFee, 1.2e18);
        assertEq(ledger.fillAt(0).secondFee, 3e18);
        assertEq(exchange.volumeOf(alice), 6_000);
        assertEq(exchange.volumeOf(bob), 6_000);
    }

    function test_AnOptionsFeeIsCappedByItsPremium() public {
        Order memory maker = plain(aliceId, ethCall, SELL, 2e18, 100e18);
        fill(maker, plain(bobId, ethCall, BUY, 2e18, 100e18), 2e18);
        // 2 · 2,000 · .03 % and .04 %
        assertEq(ledger.fillAt(0).firstFee, 1.2e18);
        assertEq(ledger.fillAt(0).secondFee, 1.6e18);
        maker = plain(aliceId, ethCall, SELL, 2e18, 2e18);
        fill(maker, plain(bobId, ethCall, BUY, 2e18, 2e18), 2e18);
        // 2 · 2 · 12.5 %
        assertEq(ledger.fillAt(1).firstFee, 0.5e18);
        assertEq(ledger.fillAt(1).secondFee, 0.5e18);
        // nothing for nothing
        maker = plain(aliceId, ethCall, SELL, 2e18, 0);
        fill(maker, plain(bobId, ethCall, BUY, 2e18, 0), 2e18);
        assertEq(ledger.fillAt(2).firstFee + ledger.fillAt(2).secondFee, 0);
    }

    /// Rounded up, leg by leg, and what the view says is what is taken.
    function testFuzz_FeesOfASpreadAddUpLegByLeg(uint96 size, uint96 perpPrice, uint96 premium, uint80 price) public {
        size = uint96(bound(size, 2, 1e26));
        index.set(ETH, price);
        Order memory maker = plain(aliceId, ethPerp, BUY, size, 0);
        maker.legs = new Leg[](2);
        maker.legs[0] = Leg(ethPerp, -0.5e18, perpPrice);
        maker.legs[1] = Leg(ethCall, 2e18, premium);
        Order memory taker = plain(bobId, ethPerp, BUY, size, 0);
        taker.legs = new Leg[](2);
        taker.legs[0] = Leg(ethPerp, 0.5e18, perpPrice);
        taker.legs[1] = Leg(ethCall, -2e18, premium);
        FillLeg[] memory legs = new FillLeg[](2);
        legs[0] = FillLeg(ethPerp, -int256(uint256(size) / 2), perpPrice);
        legs[1] = FillLeg(ethCall, 2 * int256(uint256(size)), premium);
        uint256 makerFee = exchange.feeOf(aliceId, legs, true);
        uint256 takerFee = exchange.feeOf(bobId, legs, false);
        fill(maker, taker, size);
        Fill memory f = ledger.fillAt(0);
        assertEq(f.firstFee, makerFee);
        assertEq(f.secondFee, takerFee);
        uint256 perp = _ceil((uint256(size) / 2) * price, 1e18);
        uint256 option = _ceil(2 * uint256(size) * price, 1e18);
        uint256 most = _ceil(_ceil(2 * uint256(size) * premium, 1e18) * 1_250, 10_000);
        assertEq(makerFee, _ceil(perp * 200, 1e6) + _min(_ceil(option * 300, 1e6), most));
        assertEq(takerFee, _ceil(perp * 500, 1e6) + _min(_ceil(option * 400, 1e6), most));
    }

    function _ceil(uint256 a, uint256 b) private pure returns (uint256) {
        return (a + b - 1) / b;
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function testFuzz_AFeeAboveTheSignedMaximumIsRefused(uint128 makerMost, uint128 takerMost, uint64 size) public {
        size = uint64(bound(size, 1e15, 10e18));
        (makerMost, takerMost) = (uint128(bound(makerMost, 0, 0.8e18)), uint128(bound(takerMost, 0, 2e18)));
        (Order memory maker, Order memory taker) = pair(size, 2_000e18);
        (maker.maxFee, taker.maxFee) = (makerMost, takerMost);
        uint256 makerFee = _ceil(_ceil(uint256(size) * 2_000e18, 1e18) * 200, 1e6);
        uint256 takerFee = _ceil(_ceil(uint256(size) * 2_000e18, 1e18) * 500, 1e6);
        uint256 makerMax = (uint256(makerMost) * size) / 1e18;
        uint256 takerMax = (uint256(takerMost) * size) / 1e18;
        if (makerFee > makerMax) {
            bytes memory reason = abi.encodeWithSelector(FeeAboveMaximum.selector, hashOf(maker), makerFee, makerMax);
            refuse(maker, taker, size, reason);
        } else if (takerFee > takerMax) {
            bytes memory reason = abi.encodeWithSelector(FeeAboveMaximum.selector, hashOf(taker), takerFee, takerMax);
            refuse(maker, taker, size, reason);
        } else {
            fill(maker, taker, size);
        }
    }

    // ------------------------------------------------------------------ volume

    /// @dev Alice and Bob trade `volume` settlement units.
    function _trade(uint256 volume) private {
        (Order memory maker, Order memory taker) = pair((volume * 1e18) / 2_000, 2_000e18);
        fill(maker, taker, (volume * 1e18) / 2_000);
    }

    function test_VolumeLowersTheRateFromTheNextFillOn() public {
        _trade(1_000_000);
        assertEq(ledger.fillAt(0).firstFee, 200e18);
        assertEq(ledger.fillAt(0).secondFee, 500e18);
        _trade(1_000_000);
        assertEq(ledger.fillAt(1).firstFee, 100e18);
        assertEq(ledger.fillAt(1).secondFee, 400e18);
        _trade(48_000_000);
        _trade(1_000_000);
        assertEq(ledger.fillAt(3).firstFee, 0);
        assertEq(ledger.fillAt(3).secondFee, 300e18);
    }

    function test_AMillionLessADollarIsNotAMillion() public {
        _trade(999_999);
        _trade(1_000_000);
        assertEq(ledger.fillAt(1).firstFee, 200e18);
    }

    /// All accounts of an owner share one volume.
    function test_VolumeIsOfTheOwner() public {
        Order memory maker = plain(AccountIdLib.make(alice, 9), ethPerp, SELL, 500e18, 2_000e18);
        fill(maker, plain(bobId, ethPerp, BUY, 500e18, 2_000e18), 500e18);
        assertEq(exchange.volumeOf(alice), 1_000_000);
        _trade(1_000_000);
        assertEq(ledger.fillAt(1).firstFee, 100e18);
    }

    /// Against a plain list of (day, volume): within 30 days whole, after 40 gone, and falling in between.
    function testFuzz_VolumeIsThatOfThirtyDays(uint24[6] memory volumes, uint32[6] memory waits) public {
        uint256 start = block.timestamp;
        uint256[4] memory buckets;
        uint256 epoch = block.timestamp / (10 * DAY);
        for (uint256 i; i < 6; ++i) {
            vm.warp(block.timestamp + bound(waits[i], 0, 25 * DAY));
            for (; epoch < block.timestamp / (10 * DAY); ++epoch) {
                (buckets[3], buckets[2], buckets[1], buckets[0]) = (buckets[2], buckets[1], buckets[0], 0);
            }
            uint256 old = (buckets[3] * (10 * DAY - (block.timestamp % (10 * DAY)))) / (10 * DAY);
            assertEq(exchange.volumeOf(alice), buckets[0] + buckets[1] + buckets[2] + old);
            if (volumes[i] == 0) continue;
            uint256 volume = uint256(volumes[i]) * 2_000;
            (Order memory maker, Order memory taker) = pair(uint256(volumes[i]) * 1e18, 2_000e18);
            fill(maker, taker, maker.size);
            buckets[0] = _min(buckets[0] + volume, type(uint32).max);
        }
        vm.warp(block.timestamp + 40 * DAY);
        assertEq(exchange.volumeOf(alice), 0);
        assertGe(block.timestamp, start);
    }

    /// What four buckets can say: never less than the last 20 days and never more than the last 40, wherever the edges of the buckets lie.
    function testFuzz_VolumeLiesBetweenThatOfTwentyAndOfFortyDays(
        uint16[8] memory sizes,
        uint32[8] memory waits
    ) public {
        uint256[8] memory times;
        for (uint256 i; i < 8; ++i) {
            skip(bound(waits[i], 0, 15 * DAY));
            times[i] = block.timestamp;
            (Order memory maker, Order memory taker) = pair((uint256(sizes[i]) + 1) * 1e18, 2_000e18);
            fill(maker, taker, maker.size);
            (uint256 least, uint256 most) = (0, 0);
            for (uint256 k; k <= i; ++k) {
                uint256 volume = (uint256(sizes[k]) + 1) * 2_000;
                if (times[k] + 20 * DAY >= block.timestamp) least += volume;
                if (times[k] + 40 * DAY >= block.timestamp) most += volume;
            }
            assertGe(exchange.volumeOf(alice), least);
            assertLe(exchange.volumeOf(alice), most);
        }
    }

    /// Two friends could else fill each other with options worth nothing, pay nothing, and trade at the best tier.
    function test_AnOptionWorthLittleIsLittleVolume() public {
        Order memory maker = plain(aliceId, ethCall, SELL, 1_000e18, 0);
        fill(maker, plain(bobId, ethCall, BUY, 1_000e18, 0), 1_000e18);
        assertEq(exchange.volumeOf(alice), 0);
        maker = plain(aliceId, ethCall, SELL, 1_000e18, 1e18);
        fill(maker, plain(bobId, ethCall, BUY, 1_000e18, 1e18), 1_000e18);
        assertEq(exchange.volumeOf(bob), 100_000);
        // from 1 % of the index on it is the notional
        maker = plain(aliceId, ethCall, SELL, 1_000e18, 20e18);
        fill(maker, plain(bobId, ethCall, BUY, 1_000e18, 20e18), 1_000e18);
        assertEq(exchange.volumeOf(bob), 2_100_000);
    }

    function test_CountsWhatMakersPaid() public {
        _trade(100_000);
        // 100,000 · .02 %, in hundredths; the taker's are not counted
        assertEq(exchange.makerFeesOf(alice), 20_00);
        assertEq(exchange.makerFeesOf(bob), 0);
        // each fill rounded down: 100 · .02 % = .02, and 40 · .02 % = .008
        _trade(100);
        _trade(40);
        assertEq(exchange.makerFeesOf(alice), 20_02);
        // of the owner, whichever account; volume, salt and switch beside it stay what they are
        vm.prank(alice);
        exchange.keepAlive(aliceId, uint40(block.timestamp + 1 days));
        vm.prank(alice);
        exchange.cancelUpTo(aliceId, 5);
        assertEq(exchange.makerFeesOf(alice), 20_02);
        assertEq(exchange.volumeOf(alice), 100_140);
        (uint64 minSalt, uint40 validUntil) = exchange.controlsOf(aliceId);
        assertEq(minSalt, 5);
        assertEq(validUntil, block.timestamp + 1 days);
    }

    function test_ABucketDoesNotOverflow() public {
        _trade(4_294_967_295);
        _trade(10_000);
        assertEq(exchange.volumeOf(alice), 4_294_967_295);
        skip(10 days);
        _trade(10_000);
        assertEq(exchange.volumeOf(alice), 4_294_977_295);
    }

    // ------------------------------------------------------------------ the table

    function testFuzz_TheTableIsKeptAsItWasSet(uint256 seed, uint8 rows, uint16 cap) public {
        rows = uint8(bound(rows, 1, 5));
        cap = uint16(bound(cap, 0, 10_000));
        FeeTier[] memory t = new FeeTier[](rows);
        uint64 volume;
        for (uint256 i; i < rows; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            if (i != 0) volume += uint64(1 + (seed % 200_000)) * 10_000;
            t[i] = FeeTier(
                volume,
                uint16((seed >> 32) % 10_001),
                uint16((seed >> 64) % 10_001),
                uint16((seed >> 96) % 10_001),
                uint16((seed >> 128) % 10_001)
            );
        }
        vm.expectEmit(address(exchange));
        emit FeesSet(t, cap);
        exchange.setFees(t, cap);
        (FeeTier[] memory read, uint16 readCap) = exchange.fees();
        assertEq(abi.encode(read, readCap), abi.encode(t, cap));
        // the row that applies
        _trade(1_000_000);
        for (uint256 i = rows; i != 0; --i) {
            if (t[i - 1].minVolume > 1_000_000) continue;
            FillLeg[] memory legs = new FillLeg[](1);
            legs[0] = FillLeg(ethPerp, 1e18, 0);
            assertEq(exchange.feeOf(aliceId, legs, true), uint256(t[i - 1].perpMaker) * 2_000e12);
            assertEq(exchange.feeOf(aliceId, legs, false), uint256(t[i - 1].perpTaker) * 2_000e12);
            legs[0] = FillLeg(ethPut, -1e18, 1e30);
            if (cap != 0) assertEq(exchange.feeOf(aliceId, legs, true), uint256(t[i - 1].optionMaker) * 2_000e12);
            if (cap != 0) assertEq(exchange.feeOf(aliceId, legs, false), uint256(t[i - 1].optionTaker) * 2_000e12);
            break;
        }
    }

    function test_RefusesTablesOutOfBounds() public {
        FeeTier[] memory t;
        _refuseFees(t, 0, "rows");
        _refuseFees(new FeeTier[](6), 0, "rows");
        _refuseFees(_tiers(), 10_001, "option cap");
        t = _tiers();
        t[0].minVolume = 10_000;
        _refuseFees(t, 0, "volume");
        t = _tiers();
        t[2].minVolume = t[1].minVolume;
        _refuseFees(t, 0, "volume");
        t = _tiers();
        t[2].minVolume = uint64(0xfffff) * 10_000;
        _refuseFees(t, 0, "volume");
        t = _tiers();
        t[1].minVolume += 1;
        _refuseFees(t, 0, "volume unit");
        t = _tiers();
        t[2].perpMaker = 10_001;
        _refuseFees(t, 0, "perp rate");
        t = _tiers();
        t[2].perpTaker = 10_001;
        _refuseFees(t, 0, "perp rate");
        t = _tiers();
        t[2].optionMaker = 10_001;
        _refuseFees(t, 0, "option rate");
        t = _tiers();
        t[2].optionTaker = 10_001;
        _refuseFees(t, 0, "option rate");
    }

    function _refuseFees(FeeTier[] memory t, uint16 cap, bytes32 field) private {
        vm.expectRevert(abi.encodeWithSelector(InvalidFees.selector, field));
        exchange.setFees(t, cap);
    }

    // ------------------------------------------------------------------ governance (G1)

    function test_G1_OnlyTheGovernorSetsFeesAndUpgrades() public {
        bytes memory no = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice);
        vm.startPrank(alice);
        vm.expectRevert(no);
        exchange.setFees(_tiers(), 0);
        vm.expectRevert(no);
        exchange.upgradeToAndCall(address(exchange), "");
        vm.stopPrank();
    }

    function test_AnUpgradeKeepsWhatIsRemembered() public {
        (Order memory maker, Order memory taker) = pair(2e18, 2_000e18);
        fill(maker, taker, 1e18);
        Exchange next = new Exchange(IMarginAccounts(address(safe)), address(ledger), address(authority));
        exchange.upgradeToAndCall(address(next), "");
        assertEq(exchange.remaining(maker), 1e18);
        assertEq(exchange.volumeOf(alice), 2_000);
        fill(maker, taker, 1e18);
        assertEq(exchange.remaining(maker), 0);
    }

    function test_TheAuthorityIsInTheCode() public {
        assertEq(exchange.authority(), address(authority));
        vm.expectRevert(abi.encodeWithSelector(Exchange.AuthorityIsFixed.selector));
        exchange.setAuthority(alice);
        assertEq(exchange.safe(), address(safe));
        assertEq(exchange.positions(), address(ledger));
    }

    function test_AnImplementationWithoutNeighboursIsRefused() public {
        vm.expectRevert(abi.encodeWithSelector(ZeroAddress.selector));
        new Exchange(IMarginAccounts(address(0)), address(ledger), address(authority));
        vm.expectRevert(abi.encodeWithSelector(ZeroAddress.selector));
        new Exchange(IMarginAccounts(address(safe)), address(0), address(authority));
        vm.expectRevert(abi.encodeWithSelector(ZeroAddress.selector));
        new Exchange(IMarginAccounts(address(safe)), address(ledger), address(0));
    }
}
