// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {CreditAttestation, ICreditTiersErrors} from "../interfaces/ICreditTiers.sol";
import {IRealizedVolatility} from "../interfaces/IRealizedVolatility.sol";
import {DerivativesTest} from "../test/DerivativesTest.sol";
import {LedgerTableBuilder} from "../test/LedgerTableBuilder.sol";
import {LedgerTable} from "../risk/LedgerTable.sol";
import {NormalTable} from "../risk/NormalTable.sol";
import {PortfolioModel} from "../risk/PortfolioModel.sol";
import {StandardModel} from "../risk/StandardModel.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {Holding} from "../types/Holding.sol";
import {CreditTiers} from "./CreditTiers.sol";

/// @dev Claims what no tier may give.
contract GreedyTiers {
    function partOf(AccountId) external pure returns (uint256) {
        return type(uint256).max;
    }
}

/// @title Attested credit, and what it does to margins in both models
contract CreditTiersTest is DerivativesTest, ICreditTiersErrors {
    uint8 private constant WITH_CREDIT = 2;

    CreditTiers private tiers;
    address[] private _signers;
    uint256[] private _keys;

    function setUp() public override {
        super.setUp();
        for (uint256 i; i < 3; ++i) _addAttester(string.concat("credit", vm.toString(i)));
        tiers = new CreditTiers(address(authority), _signers, 2);
        tiers.setParts([uint16(0), 1_000, 2_500, 2_500, 4_000, 5_000, 5_000, 5_000]);
        _useTiers(address(tiers));
        skip(1);
        refreshFeeds();
        attestAll();
    }

    /// @dev Kept ascending by address.
    function _addAttester(string memory name) private {
        (address signer, uint256 key) = makeAddrAndKey(name);
        _signers.push(signer);
        _keys.push(key);
        for (uint256 i = _signers.length - 1; i != 0 && _signers[i - 1] > _signers[i]; --i) {
            (_signers[i - 1], _signers[i]) = (_signers[i], _signers[i - 1]);
            (_keys[i - 1], _keys[i]) = (_keys[i], _keys[i - 1]);
        }
    }

    function _useTiers(address credit) private {
        safe.setEngine(sys.factory.createWithLedger(table(), _ledgerTable(credit)));
    }

    function _ledgerTable(address credit) private returns (address) {
        uint256[] memory underlyings = new uint256[](2);
        (underlyings[0], underlyings[1]) = (ETH, BTC);
        address normal = address(new NormalTable());
        address portfolio = address(
            new PortfolioModel(attested, prices, IRealizedVolatility(address(volatility)), normal)
        );
        return
            tables.createWithCredit(
                address(ledger),
                address(new StandardModel(attested, prices, normal)),
                portfolio,
                credit,
                LedgerTableBuilder.parameters(underlyings)
            );
    }

    function _credit(address owner, uint8 tier) private view returns (CreditAttestation memory) {
        uint40 now_ = uint40(vm.getBlockTimestamp());
        return CreditAttestation(owner, tier, now_, now_ + 30 days);
    }

    function _sign(CreditAttestation memory c, uint256 first, uint256 n) private view returns (bytes[] memory list) {
        list = new bytes[](n);
        for (uint256 i; i < n; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys[first + i], tiers.hashCredit(c));
            list[i] = abi.encodePacked(r, s, v);
        }
    }

    function _attest(address owner, uint8 tier) private {
        CreditAttestation memory c = _credit(owner, tier);
        tiers.attest(c, _sign(c, 0, 2));
    }

    /// @dev What the same account would have to show without its credit.
    function _plainInitial(AccountId account) private view returns (int256) {
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
        return engine().initialMargin(account, flags.withModel(flags.model() & 1), holdings);
    }

    // ------------------------------------------------------------------ margins

    function test_LowersInitialByItsPartAndLeavesMaintenance() public {
        trade(aliceId, bobId, ethPerp, 40e18, 2_000e18);
        _attest(alice, 4);
        int256 initial = initialOf(aliceId);
        (int256 maintenance, int256 mtm) = liquidationOf(aliceId);
        setModel(aliceId, WITH_CREDIT);
        assertEq(initialOf(aliceId), initial + ((maintenance - initial) * 4_000) / 10_000);
        (int256 after_, int256 mtmAfter) = liquidationOf(aliceId);
        assertEq(after_, maintenance);
        assertEq(mtmAfter, mtm);
        // what must hold at mid, for reduce-only, does not know of it either
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(aliceId);
        (int256 mid, , ) = engine().midMargin(aliceId, flags, holdings);
        assertEq(mid, initial);
    }

    function test_LetsTradeWhatThePlainModelRefuses() public {
        withdraw(aliceId, USDC, 100_000e6 - 1_250e6);
        // 6.5 % and 5 % of 20,000: IM' asks for 1,150 at a part of half
        bytes memory no = abi.encodeWithSelector(InsufficientMargin.selector, aliceId, int256(-50e18));
        refuseFill(makeFill(aliceId, bobId, ethPerp, 10e18, 2_000e18), no);
        _attest(alice, 5);
        refuseFill(makeFill(aliceId, bobId, ethPerp, 10e18, 2_000e18), no);
        setModel(aliceId, WITH_CREDIT);
        trade(aliceId, bobId, ethPerp, 10e18, 2_000e18);
        assertEq(initialOf(aliceId), 100e18);
        skip(31 days);
        refreshFeeds();
        attestPremium(ETH, 0);
        assertEq(initialOf(aliceId), _plainInitial(aliceId));
        assertEq(initialOf(aliceId), -50e18);
        // who lost his credit takes no new risk, and nobody can liquidate him
        refuseFill(
            makeFill(aliceId, bobId, ethPerp, 1e18, 2_000e18),
            abi.encodeWithSelector(InsufficientMargin.selector, aliceId, int256(-180e18))
        );
        assertGt(maintenanceOf(aliceId), 0);
    }

    function test_CountsForSpotAndForThePortfolioModelToo() public {
        _attest(alice, 5);
        deposit(aliceId, WETH, 10e18);
        borrow(aliceId, USDC, 110_000e6);
        for (uint8 model = 2; model < 4; ++model) {
            setModel(aliceId, model);
            int256 plain = _plainInitial(aliceId);
            int256 maintenance = maintenanceOf(aliceId);
            assertGt(maintenance, plain);
            assertEq(initialOf(aliceId), plain + (maintenance - plain) / 2);
        }
    }

    function test_WithoutTiersInTheTableThereIsNoCredit() public {
        trade(aliceId, bobId, ethPerp, 40e18, 2_000e18);
        _attest(alice, 5);
        setModel(aliceId, WITH_CREDIT);
        assertGt(initialOf(aliceId), _plainInitial(aliceId));
        _useTiers(address(0));
        assertEq(initialOf(aliceId), _plainInitial(aliceId));
    }

    function test_TheEngineBoundsThePartWhateverTheTiersSay() public {
        trade(aliceId, bobId, ethPerp, 40e18, 2_000e18);
        setModel(aliceId, WITH_CREDIT);
        int256 plain = initialOf(aliceId);
        _useTiers(address(new GreedyTiers()));
        assertEq(initialOf(aliceId), plain + (maintenanceOf(aliceId) - plain) / 2);
    }

    function test_ATableNamesNoTiersWithoutCode() public {
        vm.expectPartialRevert(LedgerTable.BadLedgerTable.selector);
        this.makeTable(makeAddr("nobody"));
    }

    function makeTable(address credit) external returns (address) {
        return _ledgerTable(credit);
    }

    /// @dev The whole feature: IM ≤ IM' ≤ MM, for any tier and any book of perps and options.
    /// hardhat-config: fuzz.runs = 64
    function testFuzz_StaysBetweenInitialAndMaintenance(uint8 tier, int64 perp, int64 option, uint8 model) public {
        _attest(alice, tier % 8);
        setModel(aliceId, 2 + (model % 2));
        int256 size = bound(int256(perp), -30e18, 30e18);
        if (size != 0) trade(aliceId, bobId, ethPerp, size, 2_000e18);
        size = bound(int256(option), -20e18, 20e18);
        if (size != 0) trade(aliceId, carolId, call2000, size, 40e18);
        int256 plain = _plainInitial(aliceId);
        int256 initial = initialOf(aliceId);
        int256 maintenance = maintenanceOf(aliceId);
        assertGe(initial, plain);
        assertLe(initial, maintenance > plain ? maintenance : plain);
        if (tier % 8 == 0) assertEq(initial, plain);
    }

    // ------------------------------------------------------------------ attestations

    function test_NeedsKOfNAttesters() public {
        CreditAttestation memory c = _credit(alice, 3);
        bytes[] memory one = _sign(c, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(TooFewSigners.selector, 1, 2));
        tiers.attest(c, one);
        bytes[] memory twice = new bytes[](2);
        (twice[0], twice[1]) = (one[0], one[0]);
        vm.expectRevert(abi.encodeWithSelector(SignersNotAscending.selector, _signers[0], _signers[0]));
        tiers.attest(c, twice);
        bytes[] memory two = _sign(c, 1, 2);
        c.tier = 4;
        vm.expectRevert();
        tiers.attest(c, two);
        c.tier = 3;
        tiers.attest(c, two);
        assertEq(tiers.partOf(aliceId), 2_500);
        assertEq(tiers.partOf(accountOf(alice, 7)), 2_500);
        assertEq(tiers.partOf(bobId), 0);
    }

    function test_AnOlderAttestationIsNeverShownAgain() public {
        CreditAttestation memory better = _credit(alice, 5);
        bytes[] memory signed = _sign(better, 0, 2);
        tiers.attest(better, signed);
        skip(1);
        _attest(alice, 1);
        assertEq(tiers.partOf(aliceId), 1_000);
        vm.expectRevert(
            abi.encodeWithSelector(
                AttestationSuperseded.selector,
                alice,
                better.issuedAt,
                uint40(vm.getBlockTimestamp())
            )
        );
        tiers.attest(better, signed);
    }

    function test_RevokingVoidsWhatWasIssuedAndNotYetShown() public {
        CreditAttestation memory c = _credit(alice, 5);
        bytes[] memory signed = _sign(c, 0, 2);
        tiers.revoke(alice);
        vm.expectRevert(
            abi.encodeWithSelector(AttestationSuperseded.selector, alice, c.issuedAt, uint40(vm.getBlockTimestamp()))
        );
        tiers.attest(c, signed);
        skip(1);
        _attest(alice, 5);
        assertEq(tiers.partOf(aliceId), 5_000);
        tiers.revoke(alice);
        assertEq(tiers.partOf(aliceId), 0);
        (, , , bool valid) = tiers.creditOf(alice);
        assertFalse(valid);
    }

    function test_NewAttestersVoidWhatTheOldOnesGranted() public {
        _attest(alice, 5);
        CreditAttestation memory c = _credit(bob, 5);
        bytes[] memory signed = _sign(c, 0, 2);
        tiers.setAttesters(_signers, 2);
        assertEq(tiers.partOf(aliceId), 0);
        vm.expectRevert(
            abi.encodeWithSelector(AttestationSuperseded.selector, bob, c.issuedAt, uint40(vm.getBlockTimestamp()))
        );
        tiers.attest(c, signed);
        skip(1);
        _attest(alice, 5);
        assertEq(tiers.partOf(aliceId), 5_000);
    }

    function test_CountsUntilItsExpiryAndNotLongerThanTheTerm() public {
        CreditAttestation memory c = _credit(alice, 5);
        c.expiry = c.issuedAt + 90 days + 1;
        bytes[] memory signed = _sign(c, 0, 2);
        vm.expectRevert(abi.encodeWithSelector(CreditTooLong.selector, c.expiry, uint256(c.expiry) - 1));
        tiers.attest(c, signed);
        --c.expiry;
        signed = _sign(c, 0, 2);
        tiers.attest(c, signed);
        vm.warp(c.expiry);
        assertEq(tiers.partOf(aliceId), 5_000);
        skip(1);
        assertEq(tiers.partOf(aliceId), 0);
        vm.expectRevert(abi.encodeWithSelector(CreditExpired.selector, c.expiry));
        tiers.attest(c, signed);
    }

    function test_RefusesWhatIsOutOfBounds() public {
        CreditAttestation memory c = _credit(alice, 8);
        vm.expectRevert(abi.encodeWithSelector(UnknownTier.selector, 8));
        tiers.attest(c, new bytes[](0));
        c = _credit(alice, 1);
        c.issuedAt += 1;
        vm.expectPartialRevert(AttestationSuperseded.selector);
        tiers.attest(c, new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(InvalidTiers.selector, bytes32("tier 0")));
        tiers.setParts([uint16(1), 1, 1, 1, 1, 1, 1, 1]);
        vm.expectRevert(abi.encodeWithSelector(InvalidTiers.selector, bytes32("part")));
        tiers.setParts([uint16(0), 2, 1, 2, 2, 2, 2, 2]);
        vm.expectRevert(abi.encodeWithSelector(InvalidTiers.selector, bytes32("part")));
        tiers.setParts([uint16(0), 0, 0, 0, 0, 0, 0, 5_001]);
        vm.expectRevert(abi.encodeWithSelector(BadSigners.selector, 3, 4));
        tiers.setAttesters(_signers, 4);
        vm.expectRevert(abi.encodeWithSelector(BadSigners.selector, 3, 0));
        tiers.setAttesters(_signers, 0);
    }

    function test_OnlyGovernorAndGuardianMayChangeAnything() public {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice);
        vm.startPrank(alice);
        vm.expectRevert(reason);
        tiers.setAttesters(_signers, 1);
        vm.expectRevert(reason);
        tiers.setParts([uint16(0), 0, 0, 0, 0, 0, 0, 0]);
        vm.expectRevert(reason);
        tiers.revoke(bob);
        vm.stopPrank();
    }
}
