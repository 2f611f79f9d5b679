// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

import {Call} from "../interfaces/IMarginAccounts.sol";
import {Fill, IPositionsErrors, PerpConfig, PerpMarket, PerpState} from "../interfaces/IPositions.sol";
import {Positions} from "./Positions.sol";
import {PositionsExtension} from "./PositionsExtension.sol";
import {LedgerTest} from "../test/LedgerTest.sol";
import {AccountId} from "../types/AccountId.sol";
import {Instrument, InstrumentLib, Position} from "../types/Position.sol";

/// @title Listing, freezing and closing markets, caps, checkpoints, fees, pointers, upgrades (G1)
contract LedgerGovernanceTest is LedgerTest {
    function _config(bytes32 field) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPositionsErrors.InvalidConfig.selector, field);
    }

    // ------------------------------------------------------------------ authority

    function test_G1_OnlyTheGovernor() public {
        Instrument[] memory none = new Instrument[](0);
        bytes[13] memory data = [
            abi.encodeCall(ledger.listPerp, (4, perpConfig())),
            abi.encodeCall(ledger.configurePerp, (ETH, perpConfig())),
            abi.encodeCall(ledger.freezePerp, (ETH, 1e18)),
            abi.encodeCall(ledger.closePerp, (ETH)),
            abi.encodeCall(ledger.listExpiry, (ETH, EXPIRY + 1, CAP)),
            abi.encodeCall(ledger.configureExpiry, (ETH, EXPIRY, CAP, true)),
            abi.encodeCall(ledger.listOptions, (none)),
            abi.encodeCall(ledger.setExchange, (address(scale))),
            abi.encodeCall(ledger.setFeed, (address(scale))),
            abi.encodeCall(ledger.setSettlementPrices, (address(scale))),
            abi.encodeCall(ledger.setFeeReceiver, (aliceId, 0)),
            abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (address(implementation), "")),
            abi.encodeCall(ledger.payFromFees, (aliceId, 0))
        ];
        for (uint256 i = 0; i < 12; ++i) {
            refuseLedger(
                alice,
                data[i],
                abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice)
            );
        }
        refuseLedger(alice, data[12], abi.encodeWithSelector(IPositionsErrors.OnlyExchange.selector, alice));
    }

    function test_G1_AScheduledCallIsConsumed() public {
        authority.grantRole(7, alice, 1 days);
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = ledger.closePerp.selector;
        authority.setTargetFunctionRole(address(ledger), selectors, 7);
        ledger.freezePerp(ETH, 1e18);
        bytes memory data = abi.encodeCall(ledger.closePerp, (ETH));
        vm.prank(alice);
        authority.schedule(address(ledger), data, 0);
        (bool ok, ) = attempt(alice, address(ledger), data);
        assertFalse(ok);
        skip(1 days);
        (ok, ) = attempt(alice, address(ledger), data);
        assertTrue(ok);
        assertTrue(ledger.perpMarket(ETH).closed);
    }

    function test_G1_TheAuthorityIsInTheCode() public {
        Positions proxied = Positions(payable(address(ledger)));
        assertEq(proxied.authority(), address(authority));
        refuseLedger(
            address(authority),
            abi.encodeCall(IAccessManaged.setAuthority, (address(scale))),
            abi.encodeWithSelector(IPositionsErrors.AuthorityIsFixed.selector)
        );
    }

    // ------------------------------------------------------------------ upgrades

    function test_AnUpgradeKeepsEverything() public {
        trade(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        trade(aliceId, bobId, call2000, 1e18, 10e18);
        bytes32 print = ledgerPrint();
        PositionsExtension extension = new PositionsExtension(safe, address(authority));
        Positions next = new Positions(safe, address(authority), address(extension));
        UUPSUpgradeable(address(ledger)).upgradeToAndCall(address(next), "");
        bytes32 slot = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
        assertEq(address(uint160(uint256(vm.load(address(ledger), slot)))), address(next));
        assertEq(ledgerPrint(), print);
        trade(bobId, aliceId, ethPerp, 1e18, 2_000e18);
    }

    function test_ConstructorsRefuseWhatCannotWork() public {
        vm.expectRevert(_config("authority"));
        new PositionsExtension(safe, stranger);
        vm.expectRevert(_config("extension"));
        new Positions(safe, address(authority), stranger);
        vm.deal(address(this), 1);
        // solhint-disable-next-line avoid-low-level-calls
        (bool ok, bytes memory reason) = address(ledger).call{value: 1}("");
        assertFalse(ok);
        assertEq(reason, abi.encodeWithSelector(IPositionsErrors.NoNativeValue.selector));
        // solhint-disable-next-line avoid-low-level-calls
        (ok, ) = address(ledger).call(hex"12345678");
        assertFalse(ok);
    }

    // ------------------------------------------------------------------ listing

    function test_PerpTermsHaveBounds() public {
        refuseLedger(
            address(this),
            abi.encodeCall(ledger.listPerp, (ETH, perpConfig())),
            err(IPositionsErrors.AlreadyListed.selector, ethPerp)
        );
        refuseLedger(address(this), abi.encodeCall(ledger.listPerp, (1, perpConfig())), _config("underlying"));
        refuseLedger(address(this), abi.encodeCall(ledger.listPerp, (0, perpConfig())), _config("underlying"));
        bytes memory notListed = err(IPositionsErrors.NotListed.selector, InstrumentLib.perp(4));
        refuseLedger(address(this), abi.encodeCall(ledger.configurePerp, (4, perpConfig())), notListed);
        refuseLedger(address(this), abi.encodeCall(ledger.freezePerp, (4, 1e18)), notListed);
        PerpConfig memory c = perpConfig();
        c.clamp = 1e18;
        refuseLedger(address(this), abi.encodeCall(ledger.listPerp, (4, c)), _config("clamp"));
        c.clamp = 1e6 + 1;
        refuseLedger(address(this), abi.encodeCall(ledger.listPerp, (4, c)), _config("clamp"));
        c = perpConfig();
        c.maxPremiumAge = 1 << 22;
        refuseLedger(address(this), abi.encodeCall(ledger.listPerp, (4, c)), _config("maxPremiumAge"));
        c = perpConfig();
        c.risePerHour = 0;
        refuseLedger(address(this), abi.encodeCall(ledger.listPerp, (4, c)), _config("risePerHour"));
        c.risePerHour = 10_001;
        refuseLedger(address(this), abi.encodeCall(ledger.listPerp, (4, c)), _config("risePerHour"));
    }

    function testFuzz_TermsAreKept(PerpConfig memory c, uint256 openInterest) public {
        c.clamp = uint64(bound(c.clamp, 0, 1e12 - 1) * 1e6);
        c.maxPremiumAge = uint32(bound(c.maxPremiumAge, 0, (1 << 22) - 1));
        c.risePerHour = uint16(bound(c.risePerHour, 1, 10_000));
        openInterest = bound(openInterest, 1, CAP);
        trade(aliceId, bobId, ethPerp, int256(openInterest), 1);
        ledger.configurePerp(ETH, c);
        PerpMarket memory m = ledger.perpMarket(ETH);
        assertEq(abi.encode(m.config), abi.encode(c));
        assertTrue(m.listed && !m.frozen && !m.closed);
        assertEq(m.openInterest, openInterest);
    }

    function test_ExpiriesAndOptionsHaveBounds() public {
        refuseLedger(address(this), abi.encodeCall(ledger.listExpiry, (ETH, EXPIRY, CAP)), _config("listed already"));
        refuseLedger(address(this), abi.encodeCall(ledger.listExpiry, (ETH, uint40(START), CAP)), _config("expiry"));
        refuseLedger(address(this), abi.encodeCall(ledger.listExpiry, (1, EXPIRY, CAP)), _config("underlying"));
        _refuseOption(call2000, err(IPositionsErrors.AlreadyListed.selector, call2000));
        _refuseOption(InstrumentLib.option(ETH, EXPIRY, 0, true), _config("instrument"));
        _refuseOption(
            Instrument.wrap(Instrument.unwrap(InstrumentLib.option(ETH, EXPIRY, 5e8, true)) | 1),
            _config("instrument")
        );
        bytes4 unlisted = IPositionsErrors.ExpiryNotListed.selector;
        _refuseOption(ethPerp, abi.encodeWithSelector(unlisted, ETH, 0));
        _refuseOption(
            InstrumentLib.option(ETH, EXPIRY + 1, 5e8, true),
            abi.encodeWithSelector(unlisted, ETH, EXPIRY + 1)
        );
        vm.warp(EXPIRY);
        Instrument late = InstrumentLib.option(ETH, EXPIRY, 5e8, true);
        _refuseOption(late, err(IPositionsErrors.InstrumentExpired.selector, late));
    }

    function _refuseOption(Instrument option, bytes memory reason) private {
        Instrument[] memory list = new Instrument[](1);
        list[0] = option;
        refuseLedger(address(this), abi.encodeCall(ledger.listOptions, (list)), reason);
    }

    function test_AnExpiryMayBeReducedOnly() public {
        trade(aliceId, bobId, call2000, 2e18, 10e18);
        ledger.configureExpiry(ETH, EXPIRY, CAP, true);
        assertEq(ledger.expiryMarket(ETH, EXPIRY).openInterest, 2e18);
        bytes memory reason = err(IPositionsErrors.MarketFrozen.selector, call2000);
        refuseFill(makeFill(aliceId, bobId, call2000, 1e18, 10e18), reason);
        refuseFill(makeFill(carolId, aliceId, call2000, 1e18, 10e18), reason);
        refuseFill(makeFill(bobId, aliceId, call2000, 2e18 + 1, 10e18), reason);
        trade(bobId, aliceId, call2000, 1e18, 10e18);
        ledger.configureExpiry(ETH, EXPIRY, CAP, false);
        trade(carolId, aliceId, call2000, 1e18, 10e18);
    }

    // ------------------------------------------------------------------ freezing and closing

    function test_AFrozenMarketOnlyShrinks() public {
        trade(aliceId, bobId, ethPerp, 5e18, 2_000e18);
        poke(ETH, 0.0005e18);
        skip(30 minutes);
        ledger.freezePerp(ETH, 1_990e18);
        skip(5 hours);
        assertEq(ledger.perpMarket(ETH).fundingIndex, 0.0625e18);
        assertEq(ledger.markPrice(ETH), 1_990e18);
        (, , PerpState[] memory perps) = ledger.ledgerOf(aliceId);
        assertEq(perps[0].frozenMark, 1_990e18);
        assertFalse(perps[0].stale);
        // no price is needed any more
        scale.setPrice(ETH, 0);
        assertEq(unsettledOf(aliceId), -50e18 - 0.3125e18);
        bytes memory reason = err(IPositionsErrors.MarketFrozen.selector, ethPerp);
        refuseFill(makeFill(aliceId, bobId, ethPerp, 1, 1_990e18), reason);
        refuseFill(makeFill(carolId, aliceId, ethPerp, 1, 1_990e18), reason);
        refuseFill(makeFill(bobId, aliceId, ethPerp, 5e18 + 1, 1_990e18), reason);
        trade(bobId, aliceId, ethPerp, 2e18, 1_990e18);
        assertEq(ledger.perpMarket(ETH).openInterest, 3e18);
        refuseLedger(address(this), abi.encodeCall(ledger.freezePerp, (ETH, 1)), reason);
        refuseLedger(address(this), abi.encodeCall(ledger.freezePerp, (BTC, 0)), _config("mark"));
    }

    function test_D1_AClosedMarketIsSettledAtItsMark() public {
        trade(aliceId, bobId, ethPerp, 5e18, 2_000e18);
        trade(carolId, aliceId, ethPerp, 2e18, 2_000e18);
        poke(ETH, 0.0005e18);
        skip(30 minutes);
        refuseLedger(
            address(this),
            abi.encodeCall(ledger.closePerp, (ETH)),
            abi.encodeWithSelector(IPositionsErrors.NotFrozen.selector, ETH)
        );
        ledger.freezePerp(ETH, 2_100e18);
        int256[3] memory before = [unsettledOf(aliceId), unsettledOf(bobId), unsettledOf(carolId)];
        ledger.closePerp(ETH);
        bytes memory closed = err(IPositionsErrors.MarketClosed.selector, ethPerp);
        refuseLedger(address(this), abi.encodeCall(ledger.closePerp, (ETH)), closed);
        refuseFill(makeFill(bobId, aliceId, ethPerp, 1e18, 2_100e18), closed);
        (int256 quote, Position[] memory positions, ) = ledger.ledgerOf(bobId);
        assertEq(positions.length, 0);
        assertEq(quote, -500e18 + 0.3125e18);
        AccountId clearing = ledger.perpClearing(ETH);
        AccountId[3] memory ids = [bobId, carolId, aliceId];
        for (uint256 i = 0; i < 3; ++i) {
            ledger.touch(ids[i]);
            assertEq(unsettledOf(clearing), 0);
        }
        assertEq(quoteOf(aliceId), before[0]);
        assertEq(quoteOf(bobId), before[1]);
        assertEq(quoteOf(carolId), before[2]);
        assertEq(quoteOf(clearing), 0);
        assertEq(sizeOf(clearing, ethPerp), 0);
        assertEq(ledger.perpMarket(ETH).openInterest, 0);
        assertFlags(aliceId, false, true);
        // settled like anything else
        ledger.settle(aliceId, bobId, uint256(quoteOf(aliceId)) / 1e12);
    }

    // ------------------------------------------------------------------ slow open interest

    function test_SlowOpenInterestRisesByAPartPerHour() public {
        trade(aliceId, bobId, ethPerp, 1_000e18, 1);
        assertEq(_checkpoint(), 0);
        skip(1 hours);
        assertEq(_checkpoint(), 50e18);
        refuseLedger(
            alice,
            abi.encodeCall(ledger.checkpointOpenInterest, (ETH)),
            abi.encodeWithSelector(IPositionsErrors.TooSoon.selector, ETH, vm.getBlockTimestamp() + 1 hours)
        );
        // longer waits count as an hour
        skip(10 hours);
        assertEq(_checkpoint(), 52.5e18);
        // towards the smaller of this and the previous total
        trade(bobId, aliceId, ethPerp, 990e18, 1);
        skip(1 hours);
        assertEq(_checkpoint(), 10e18);
        trade(aliceId, bobId, ethPerp, 990e18, 1);
        skip(1 hours);
        assertEq(_checkpoint(), 10e18);
        skip(1 hours);
        assertEq(_checkpoint(), 10.5e18);
        (, , PerpState[] memory perps) = ledger.ledgerOf(aliceId);
        assertEq(perps[0].slowOpenInterest, 10.5e18);
        assertEq(perps[0].openInterest, 1_000e18);
        // somebody looked while it was low
        trade(bobId, aliceId, ethPerp, 995e18, 1);
        ledger.observeOpenInterest(ETH);
        trade(aliceId, bobId, ethPerp, 995e18, 1);
        ledger.observeOpenInterest(ETH);
        skip(1 hours);
        assertEq(_checkpoint(), 5e18);
    }

    /// A1 would let it stand still; rounded up, the smallest interest still rises.
    function test_SlowOpenInterestRisesRoundedUp() public {
        trade(aliceId, bobId, ethPerp, 1_001, 1);
        assertEq(_checkpoint(), 0);
        skip(1 hours);
        assertEq(_checkpoint(), 51); // 5 % of 1,001
    }

    function _checkpoint() private returns (uint256) {
        return ledger.checkpointOpenInterest(ETH);
    }

    function test_NoCheckpointInASession() public {
        trade(aliceId, bobId, ethPerp, 1_000e18, 1);
        bytes memory reason = abi.encodeWithSelector(IPositionsErrors.InsideSession.selector);
        Call[] memory list = calls("");
        list[0] = Call(address(ledger), abi.encodeCall(ledger.checkpointOpenInterest, (ETH)));
        refuseStep(alice, list, 0, reason);
        list[0].data = abi.encodeCall(ledger.observeOpenInterest, (ETH));
        refuseStep(alice, list, 0, reason);
    }

    // ------------------------------------------------------------------ fees

    function test_FeesGoToInsuranceAndTreasury() public {
        bytes memory nothing = abi.encodeWithSelector(IPositionsErrors.FeesTooSmall.selector, 0, 0);
        refuseLedger(stranger, abi.encodeCall(ledger.sweepFees, ()), nothing);
        Fill memory f = makeFill(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        (f.firstFee, f.secondFee) = (6e18, 4e18);
        sender.fill(f);
        assertEq(quoteOf(aliceId), -2_006e18);
        assertEq(quoteOf(bobId), 1_996e18);
        // a keeper's part
        sender.payFromFees(carolId, 1e18);
        assertEq(quoteOf(carolId), 1e18);
        assertFlags(carolId, false, true);
        refuseLedger(
            address(sender),
            abi.encodeCall(ledger.payFromFees, (carolId, 9e18 + 1)),
            abi.encodeWithSelector(IPositionsErrors.FeesTooSmall.selector, 9e18 + 1, 9e18)
        );
        ledger.setFeeReceiver(strangerId, 3_000);
        vm.prank(stranger);
        ledger.sweepFees();
        assertEq(quoteOf(fund.account()), 2.7e18);
        assertEq(quoteOf(strangerId), 6.3e18);
        assertEq(quoteOf(ledger.feeAccount()), 0);
        assertFlags(fund.account(), false, true);
        // and become cash like any profit
        ledger.settle(strangerId, aliceId, 6e6);
        assertEq(cashOf(strangerId), 6e6);
    }

    function test_WithoutATreasuryAllFeesInsure() public {
        Fill memory f = makeFill(aliceId, bobId, ethPerp, 1e18, 2_000e18);
        f.firstFee = 6e18;
        sender.fill(f);
        ledger.sweepFees();
        assertEq(quoteOf(fund.account()), 6e18);
        refuseLedger(address(this), abi.encodeCall(ledger.setFeeReceiver, (aliceId, 10_001)), _config("insurancePart"));
        AccountId own = ledger.feeAccount();
        refuseLedger(
            address(this),
            abi.encodeCall(ledger.setFeeReceiver, (own, 0)),
            abi.encodeWithSelector(IPositionsErrors.NotATrader.selector, own)
        );
    }

    // ------------------------------------------------------------------ pointers

    function test_PointersNeedCode() public {
        refuseLedger(address(this), abi.encodeCall(ledger.setExchange, (alice)), _config("no code"));
        refuseLedger(address(this), abi.encodeCall(ledger.setFeed, (alice)), _config("no code"));
        refuseLedger(address(this), abi.encodeCall(ledger.setSettlementPrices, (alice)), _config("no code"));
        assertEq(ledger.exchange(), address(sender));
        assertEq(ledger.feed(), address(premiums));
        assertEq(ledger.settlementPrices(), address(finals));
        assertEq(ledger.safe(), address(safe));
    }
}
