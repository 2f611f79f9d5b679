// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ILiquidationAuction, Quote} from "../interfaces/ILiquidationAuction.sol";
import {AuctionSafeStub} from "../test/AuctionStubs.sol";
import {AuctionTest} from "../test/AuctionTest.sol";
import {DoorLog} from "../test/invariant/DoorLog.sol";
import {WAD} from "../types/FixedPoint.sol";
import {LiquidationAuction} from "./LiquidationAuction.sol";

/// @dev Random accounts and parameters, settlement tokens of 6, 8 and 18 decimals.
contract LiquidationAuctionFuzzTest is AuctionTest {
    /// L1: whatever the margins, the clock, the fee and the decimals, a bid of exactly f_max leaves maintenance ≥ 0.
    function testFuzz_L1_AnExactMaximumBidEndsTheAuction(
        uint256 seed,
        uint256 mtm,
        uint256 requirement,
        uint256 waited,
        uint256 first
    ) public {
        deploy(decimalsOf(seed), _parameters(seed));
        mtm = bound(mtm, 1, 1e30);
        requirement = bound(requirement, mtm + 1, 1e31);
        safe.setAccount(account, int256(mtm), requirement, requirement, 0);
        auction.start(account, seed % 2 == 0 ? keeper : nobody);
        skip(bound(waited, 0, auction.parameters().fast + auction.parameters().slow - 1));
        if (seed % 5 != 0) {
            Quote memory earlier = safe.bid(account, bound(first, 1, status().maxFraction));
            assertGt(earlier.price, 0);
            if (!earlier.running) return;
        }
        uint256 max = status().maxFraction;
        Quote memory quote = safe.bid(account, max);
        assertEq(quote.fraction, max);
        assertFalse(quote.running);
        assertFalse(safe.accountOf(account).inAuction);
        assertGe(maintenanceOf(account), 0);
    }

    /// L1: no bid lowers maintenance. L2: nor does the bidder gain more than the discount on what he takes.
    function testFuzz_L1_L2_ABidRaisesMaintenanceAndGainsAtMostTheDiscount(
        uint256 seed,
        uint256 mtm,
        uint256 requirement,
        uint256 waited,
        uint256 fraction
    ) public {
        deploy(decimalsOf(seed), _parameters(seed));
        mtm = bound(mtm, 1, 1e30);
        requirement = bound(requirement, mtm + 1, 1e31);
        safe.setAccount(account, int256(mtm), requirement, requirement, 0);
        auction.start(account, keeper);
        skip(bound(waited, 0, auction.parameters().fast + auction.parameters().slow - 1));
        for (uint256 i; i < 3; ++i) {
            ILiquidationAuction.Status memory s = status();
            assertLe(s.maxFraction, WAD);
            assertGt(s.maxFraction, 0);
            int256 before = maintenanceOf(account);
            Quote memory quote = safe.bid(account, bound(fraction, 1, s.maxFraction));
            fraction = uint256(keccak256(abi.encode(fraction)));
            assertGe(maintenanceOf(account), before);

            uint256 worth = uint256(s.mtm) - s.reserved * unit;
            uint256 taken = (worth / WAD) * quote.fraction + ((worth % WAD) * quote.fraction) / WAD;
            uint256 price = uint256(quote.price) * unit;
            assertGe(price + 1, (taken / WAD) * s.discountFactor + ((taken % WAD) * s.discountFactor) / WAD);
            assertLe(price, taken + unit + 1); // rounding apart, never more than it is worth
            if (!quote.running) return;
        }
    }

    /// L1: an insolvent bid costs the account nothing, and is paid at most −mtm and q of the requirement.
    function testFuzz_L2_AnInsolventBidIsPaidAtMostTheLossAndItsPartOfTheRequirement(
        uint256 seed,
        uint256 loss,
        uint256 requirement,
        uint256 waited,
        uint256 fraction
    ) public {
        LiquidationAuction.Parameters memory p = _parameters(seed);
        deploy(decimalsOf(seed), p);
        loss = bound(loss, 0, 1e30);
        requirement = bound(requirement, 1, 1e30);
        safe.setAccount(account, -int256(loss), requirement, loss, 0);
        auction.start(account, keeper);
        skip(bound(waited, 0, 8 days));
        fraction = bound(fraction, 1, WAD);
        int256 before = maintenanceOf(account);
        Quote memory quote = safe.bid(account, fraction);
        assertLe(quote.price, 0);
        assertLe(uint256(-quote.price) * unit, loss + (requirement * p.q) / WAD);
        assertGe(maintenanceOf(account), before);
        assertEq(quote.running, fraction != WAD);
        if (quote.running) assertFalse(safe.bid(account, MAX).running);
    }

    /// Splitting a bid never makes it cheaper, nor an insolvent one better paid.
    function testFuzz_SplittingABidGainsNothing(uint256 seed, uint256 mtm, uint256 requirement, uint256 part) public {
        LiquidationAuction.Parameters memory p = _parameters(seed);
        p.feePart = 0;
        deploy(decimalsOf(seed), p);
        mtm = bound(mtm, p.dustThreshold + 1e18, 1e28 + p.dustThreshold);
        requirement = bound(requirement, mtm + 1e18, 1e29 + p.dustThreshold);
        safe.setAccount(account, int256(mtm), requirement, requirement, 0);
        uint256 max = status().maxFraction;
        uint256 snapshot = vm.snapshotState();
        int256 whole = safe.bid(account, max).price;
        vm.revertToState(snapshot);

        part = bound(part, 1, max - 1);
        Quote memory one = safe.bid(account, part);
        if (!one.running) return;
        // what is left of the same fraction of the original account
        uint256 rest = ((max - part) * WAD) / (WAD - part);
        if (rest == 0) return;
        Quote memory two = safe.bid(account, _min(rest, status().maxFraction));
        // `rest` is rounded down: at most one part in 1e18 of the worth is not bought
        assertGe((one.price + two.price) * int256(unit) + int256(mtm / WAD) + 2, whole * int256(unit) - int256(unit));
    }

    /// The cash set aside beyond 96 bits is sold with the rest instead of blocking bids.
    function test_L1_MoreCashThanASlotHoldsBlocksNobody() public {
        deploy(18, standard());
        safe.setAccount(account, 1e30, 10e30, 0, 0);
        Quote memory quote = safe.bid(account, 0.5e18);
        assertTrue(quote.running);
        assertEq(status().reserved, type(uint96).max);
        assertFalse(safe.bid(account, MAX).running);
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _parameters(uint256 seed) private pure returns (LiquidationAuction.Parameters memory p) {
        uint256 r = uint256(keccak256(abi.encode(seed)));
        p.start = bound(r, 0.5e18, WAD);
        p.cut = bound(r >> 8, 1, p.start);
        p.fast = bound(r >> 16, 1, 1 days);
        p.slow = bound(r >> 24, 1, 7 days);
        p.buffer = r % 3 == 0 ? 0 : bound(r >> 32, 0, WAD);
        p.dustThreshold = bound(r >> 40, 0, 10_000e18);
        p.insuranceTime = bound(r >> 48, 1, 7 days);
        p.q = bound(r >> 56, 0, 0.2e18);
        p.feePart = bound(r >> 64, 0, 500);
    }
}

/// @dev Moves one account, its prices and the time at random; every step keeps L1.
contract AuctionHandler is AuctionTest {
    /// @notice How often each door let a call pass.
    mapping(bytes32 door => uint256) public done;
    string public broken;

    constructor(uint8 decimals) {
        LiquidationAuction.Parameters memory p = standard();
        deploy(decimals, p);
        fallen();
    }

    function movePrice(int256 rest) external {
        safe.setRest(account, bound(rest, -3_000e18, 3_000e18));
    }

    function open(uint256 mtm, uint256 requirement) external {
        if (safe.accountOf(account).inAuction) return;
        safe.setAccount(account, int256(bound(mtm, 1, 3_000e18)), bound(requirement, 1, 3_000e18), 3_000e18, 0);
    }

    function deposit(uint256 amount) external {
        safe.addCash(account, int256(bound(amount, 1, 300e18) / unit));
    }

    function wait(uint256 time, bool continuous) external {
        engine.setContinuous(continuous);
        skip(bound(time, 0, 5_000));
    }

    function start() external {
        try auction.start(account, keeper) {
            ++done["start"];
            _check(maintenanceOf(account) < 0, "L1: started while healthy");
        } catch {}
    }

    function poke() external {
        try auction.poke(account) {
            ++done["poke"];
        } catch {}
    }

    function end() external {
        try auction.end(account) {
            ++done["end"];
            _check(maintenanceOf(account) >= 0, "L1: ended while unhealthy");
        } catch {}
    }

    function bid(uint256 fraction, bool whole) external {
        int256 before = maintenanceOf(account);
        uint256 max = status().maxFraction;
        fraction = whole ? MAX : bound(fraction, 1, WAD);
        try safe.bid(account, fraction) returns (Quote memory quote) {
            ++done[quote.price < 0 ? bytes32("insolvent bid") : bytes32("bid")];
            _check(before < 0, "L1: bid on a healthy account");
            _check(quote.fraction <= max, "L1: f over f_max");
            _check(maintenanceOf(account) >= before, "L1: a bid lowered maintenance");
            _check(!whole || !quote.running, "L1: a largest bid did not end the auction");
        } catch {}
    }

    /// @dev From any state at most a poke, a bid and an end close the auction.
    function canBeClosed() external returns (bool) {
        if (!safe.accountOf(account).inAuction) return true;
        if (maintenanceOf(account) >= 0) auction.end(account);
        else safe.bid(account, MAX);
        return !safe.accountOf(account).inAuction;
    }

    function consistent() external view returns (bool) {
        ILiquidationAuction.Status memory s = status();
        AuctionSafeStub.Account memory a = safe.accountOf(account);
        if (!a.inAuction) return s.lastTick == 0 && s.reserved == 0;
        return s.phase != ILiquidationAuction.Phase.None && s.lastTick <= block.timestamp;
    }

    function _check(bool ok, string memory what) private {
        if (!ok) broken = what;
    }
}

abstract contract AuctionInvariants is AuctionTest, DoorLog {
    string[] private doors = ["start", "poke", "end", "bid", "insolvent bid"];
    AuctionHandler internal handler;

    function _use(uint8 decimals) internal {
        handler = new AuctionHandler(decimals);
        targetContract(address(handler));
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = AuctionHandler.movePrice.selector;
        selectors[1] = AuctionHandler.open.selector;
        selectors[2] = AuctionHandler.deposit.selector;
        selectors[3] = AuctionHandler.wait.selector;
        selectors[4] = AuctionHandler.start.selector;
        selectors[5] = AuctionHandler.poke.selector;
        selectors[6] = AuctionHandler.end.selector;
        selectors[7] = AuctionHandler.bid.selector;
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }

    function invariant_L1_BidsOnlyBelowMaintenanceAndNeverLowerIt() public view {
        assertEq(handler.broken(), "");
    }

    function invariant_L1_NoAuctionGetsStuck() public {
        uint256 snapshot = vm.snapshotState();
        assertTrue(handler.canBeClosed());
        vm.revertToState(snapshot);
    }

    function afterInvariant() public {
        _logDoors(address(handler), doors);
    }

    function invariant_TheSlotMeansNothingWithoutTheFlag() public view {
        assertTrue(handler.consistent());
    }
}

contract AuctionInvariants6Test is AuctionInvariants {
    function setUp() public {
        _use(6);
    }
}

contract AuctionInvariants8Test is AuctionInvariants {
    function setUp() public {
        _use(8);
    }
}

contract AuctionInvariants18Test is AuctionInvariants {
    function setUp() public {
        _use(18);
    }
}
