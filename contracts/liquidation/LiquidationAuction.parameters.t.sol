// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ILiquidationAuction} from "../interfaces/ILiquidationAuction.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {AuctionTest} from "../test/AuctionTest.sol";
import {WAD} from "../types/FixedPoint.sol";
import {LiquidationAuction} from "./LiquidationAuction.sol";

/// @dev Parameters are fixed; others come with another contract that inherits the flags of running auctions.
contract LiquidationAuctionParametersTest is AuctionTest {
    function setUp() public {
        deploy(6, standard());
    }

    function test_L1_AnAuctionBegunUnderAnotherContractGoesOnAnew() public {
        fallen();
        safe.bid(account, 0.1e18);
        _moveTo(0.9e18);
        assertEq(status().lastTick, 0);
        assertEq(status().discountFactor, 0.9e18);
        auction.poke(account);
        assertEq(status().lastTick, block.timestamp);
        assertFalse(safe.bid(account, MAX).running);
    }

    function test_L1_AnAuctionBegunUnderAnotherContractCanBeBidOnStartedAndEnded() public {
        fallen();
        safe.bid(account, 0.1e18);
        _moveTo(0.9e18);
        uint256 snapshot = vm.snapshotState();
        assertFalse(safe.bid(account, MAX).running);

        vm.revertToState(snapshot);
        auction.start(account, keeper);
        assertFalse(safe.bid(account, MAX).running);

        vm.revertToState(snapshot);
        safe.setRest(account, 9_000e18);
        auction.end(account);
        assertFalse(safe.accountOf(account).inAuction);
    }

    function test_AnInsolventAuctionBegunUnderAnotherContractIsNotPaidInTheTransactionThatAdoptsIt() public {
        insolvent();
        auction.start(account, nobody);
        _moveTo(0.9e18);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.StartedInThisTransaction.selector, account));
        safe.bid(account, MAX);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.StartedInThisTransaction.selector, account));
        together.pokeAndBid(account, MAX);
        auction.poke(account);
        assertFalse(safe.bid(account, MAX).running);
    }

    function test_RefusesParametersOutOfBounds() public {
        LiquidationAuction.Parameters memory p = standard();
        p.start = WAD + 1;
        _refused(p, "start");
        p = standard();
        p.cut = p.start + 1;
        _refused(p, "cut");
        p.cut = 0;
        _refused(p, "cut");
        p = standard();
        p.fast = 0;
        _refused(p, "fast");
        p.fast = 1 days + 1;
        _refused(p, "fast");
        p = standard();
        p.slow = 0;
        _refused(p, "slow");
        p.slow = 7 days + 1;
        _refused(p, "slow");
        p = standard();
        p.buffer = WAD + 1;
        _refused(p, "buffer");
        p = standard();
        p.dustThreshold = 10_000e18 + 1;
        _refused(p, "dustThreshold");
        p = standard();
        p.insuranceTime = 0;
        _refused(p, "insuranceTime");
        p.insuranceTime = 7 days + 1;
        _refused(p, "insuranceTime");
        p = standard();
        p.q = 0.2e18 + 1;
        _refused(p, "q");
        p = standard();
        p.feePart = 501;
        _refused(p, "feePart");
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.InvalidParameters.selector, bytes32("safe")));
        new LiquidationAuction(IMarginAccounts(address(0)), standard());
    }

    function test_ShowsItsParameters() public view {
        assertEq(abi.encode(auction.parameters()), abi.encode(standard()));
    }

    function _moveTo(uint256 start) private {
        LiquidationAuction.Parameters memory p = standard();
        p.start = start;
        auction = new LiquidationAuction(IMarginAccounts(address(safe)), p);
        safe.setAuction(auction);
    }

    function _refused(LiquidationAuction.Parameters memory p, bytes32 field) private {
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.InvalidParameters.selector, field));
        new LiquidationAuction(IMarginAccounts(address(safe)), p);
    }
}
