// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";

import {Call, PoolConfig, PoolState} from "../interfaces/IMarginAccounts.sol";
import {IRateModel} from "../interfaces/IRateModel.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {SessionUser, Step} from "../test/SessionUser.sol";
import {TestToken} from "../test/TestToken.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {DebtWord} from "../types/PoolWords.sol";
import {KinkedRateModel} from "./KinkedRateModel.sol";

/// @dev Rate models that must not stop a pool.
contract BadModel is IRateModel {
    uint256 private immutable _kind;

    error No();

    constructor(uint256 kind) {
        _kind = kind;
    }

    function rates(uint256, uint256, uint256 rateAtTarget) external view returns (uint256, uint256) {
        require(_kind != 0, No());
        if (_kind == 1) return (type(uint256).max, type(uint256).max);
        if (_kind == 2) {
            while (true) {}
        }
        assembly {
            return(0, 32)
        }
        return (0, rateAtTarget);
    }
}

/// @dev Says what the rate at target is from now on.
contract TellingModel is IRateModel {
    uint256 private immutable _next;

    constructor(uint256 next) {
        _next = next;
    }

    function rates(uint256, uint256, uint256) external view returns (uint256, uint256) {
        return (0, _next);
    }
}

/// @title Interest, caps, reserves, outflow
contract PoolsTest is SafeTest {
    function setUp() public override {
        super.setUp();
        equip(alice);
        equip(bob);
        deposit(aliceId, WETH, 900e18);
    }

    function _configure(AssetId pool, PoolConfig memory config) private {
        safe.configurePool(pool, config);
    }

    // ------------------------------------------------------------------ interest

    function test_InterestIsSharedByTheReserveFactor() public {
        borrow(aliceId, USDC, 1_000_000e6);
        PoolState memory p0 = safe.poolState(USDC);
        skip(30 days);
        PoolState memory p = safe.poolState(USDC);
        uint256 interest = p.debts - 1_000_000e6;
        assertGt(interest, 0);
        // 10 % of it, and rounding, stay in the pool
        assertApproxEqAbs(p.claims - p0.claims, (interest * 9) / 10, 10_000);
        assertLe(p.claims - p0.claims, (interest * 9) / 10);
        assertApproxEqAbs(p.reserves, interest / 10, 10_000);
        // storing it changes nothing
        safe.accrue(USDC);
        PoolState memory q = safe.poolState(USDC);
        assertEq(keccak256(abi.encode(p)), keccak256(abi.encode(q)));
    }

    function test_CollectedReservesAreTheFunds() public {
        borrow(aliceId, USDC, 1_000_000e6);
        skip(30 days);
        uint256 reserves = safe.poolState(USDC).reserves;
        uint256 before = fund.balance();
        vm.prank(stranger);
        uint256 collected = safe.collectReserves(USDC);
        assertEq(collected, reserves - 1);
        assertApproxEqAbs(fund.balance(), before + collected, 1);
        assertSolvent(USDC);
        assertEq(safe.collectReserves(USDC), 0);
        // what was collected is no longer reserve, and may be withdrawn by the fund
        uint256 sent = fund.withdrawOwn(USDC, fund.balance(), carol);
        assertEq(sys.usdc.balanceOf(carol), sent);
    }

    function test_V3_ADonationIsReserveAndMovesNoPrice() public {
        uint256 price = sys.usdcVault.convertToAssets(1e12);
        int256 balance = safe.balanceOf(aliceId, WETH);
        sys.usdc.mint(address(safe), 1_000_000e6);
        vm.prank(alice);
        sys.weth.transfer(address(safe), 50e18);
        assertEq(sys.usdcVault.convertToAssets(1e12), price);
        assertEq(safe.balanceOf(aliceId, WETH), balance);
        assertEq(safe.poolState(USDC).reserves, 1_000_000e6);
        safe.collectReserves(USDC);
        assertEq(fund.balance(), INSURANCE_SEED + 1_000_000e6 - 1);
        // of idle collateral as well
        deposit(bobId, STETH, 1e18);
        vm.prank(alice);
        sys.steth.transfer(address(safe), 5e18);
        assertEq(safe.collectReserves(STETH), 5e18);
        assertEq(safe.balanceOf(fund.account(), STETH), 5e18);
    }

    /// The first lender cannot be robbed: shares cost one unit until time passes, whatever anybody sends.
    function testFuzz_V3_TheFirstDepositorInflatesNothing(uint256 donation, uint256 amount) public {
        donation = bound(donation, 1, 1e30);
        amount = bound(amount, 1, 1e24);
        TestToken token = new TestToken("New", "NEW", 18);
        AssetId pool = listPool(address(token));
        token.mint(bob, amount + 1 + donation);
        vm.startPrank(bob);
        token.approve(address(safe), MAX);
        safe.deposit(bobId, pool, 1);
        token.transfer(address(safe), donation);
        safe.deposit(bobId, pool, amount);
        vm.stopPrank();
        assertEq(safe.balanceOf(bobId, pool), int256(amount + 1));
    }

    function testFuzz_V1_ClaimsNeverGrowMoreThanDebts(uint256 borrowed, uint256 time, uint16 factor) public {
        PoolConfig memory config = _config(USDC);
        config.reserveFactor = uint16(bound(factor, 0, 200)) * 25;
        config.maxUtilisation = 10_000;
        config.settlementPart = 0;
        config.reservedPart = 0;
        _configure(USDC, config);
        borrow(aliceId, USDC, bound(borrowed, 1, 1_600_000e6));
        for (uint256 i; i < 5; ++i) {
            skip(bound(uint256(keccak256(abi.encode(time, i))), 0, 400 days));
            safe.accrue(USDC);
            assertSolvent(USDC);
        }
    }

    function test_ABadModelChargesNothingAndStopsNothing() public {
        borrow(aliceId, USDC, 1_000_000e6);
        for (uint256 kind; kind < 4; ++kind) {
            safe.setRateModel(USDC, address(new BadModel(kind)));
            uint256 debts = safe.poolState(USDC).debts;
            skip(10 days);
            refreshFeeds();
            if (kind == 1) {
                // bounded to 1000 % a year
                assertApproxEqRel(safe.poolState(USDC).debts, (debts * 1.3151e18) / 1e18, 1e15);
            } else {
                assertEq(safe.poolState(USDC).debts, debts);
            }
            withdraw(aliceId, WETH, 1e15);
            vm.prank(alice);
            safe.repay(aliceId, USDC, 1e6);
        }
    }

    function test_AModelsRateAtTargetIsKeptUpToThirtySixBits() public {
        borrow(aliceId, USDC, 1_000_000e6);
        uint256[3] memory told = [uint256(12_345), (1 << 36) - 1, 1 << 36];
        for (uint256 i; i < 3; ++i) {
            safe.setRateModel(USDC, address(new TellingModel(told[i])));
            skip(1 hours);
            safe.accrue(USDC);
            (, uint256 debtWord) = safe.poolWords(USDC);
            assertEq(DebtWord.wrap(debtWord).rateAtTarget(), told[i] < 1 << 36 ? told[i] : (1 << 36) - 1);
        }
    }

    function test_AKinkedModelServesAPool() public {
        borrow(aliceId, USDC, 1_000_000e6);
        uint256 perYear = 0.1e18;
        safe.setRateModel(USDC, address(new KinkedRateModel(perYear / 365 days, 0, 0, 0.8e18)));
        skip(365 days);
        // e^0.1
        assertApproxEqRel(safe.poolState(USDC).debts, 1_105_170.918e6, 1e11);
        safe.setRateModel(USDC, address(0));
        assertEq(safe.rateModel(USDC), address(0));
    }

    // ------------------------------------------------------------------ caps

    function test_RefusesADepositOverTheSupplyCap() public {
        PoolConfig memory config = _config(USDC);
        config.supplyCap = 5_100_000e6;
        _configure(USDC, config);
        uint256 cap = _config(USDC).supplyCap;
        assertApproxEqRel(cap, 5_100_000e6, 0.004e18); // nine bits of mantissa
        uint256 total = safe.poolState(USDC).claims;
        uint256 room = safe.poolState(USDC).supplyRoom;
        assertEq(room, cap - total);
        bytes memory reason = abi.encodeWithSelector(SupplyCapExceeded.selector, USDC, cap, cap + 1);
        refuse(bob, abi.encodeCall(safe.deposit, (bobId, USDC, room + 1)), reason);
        refuse(bob, address(sys.usdcVault), 0, abi.encodeCall(sys.usdcVault.deposit, (room + 1, bob)), reason);
        // in and out in one session is no supply
        batch(
            bob,
            calls(
                abi.encodeCall(safe.deposit, (bobId, USDC, room + 1)),
                abi.encodeCall(safe.withdraw, (bobId, USDC, 1, bob))
            )
        );
        assertEq(safe.poolState(USDC).supplyRoom, 0);
    }

    function test_RefusesABorrowOverTheBorrowCap() public {
        PoolConfig memory config = _config(USDC);
        config.borrowCap = 100_000e6;
        _configure(USDC, config);
        // a tenth is kept for settlement
        uint256 cap = (uint256(_config(USDC).borrowCap) * 9) / 10;
        assertEq(safe.poolState(USDC).borrowRoom, cap);
        refuse(
            alice,
            abi.encodeCall(safe.borrow, (aliceId, USDC, cap + 1, alice)),
            abi.encodeWithSelector(BorrowCapExceeded.selector, USDC, cap, cap + 1)
        );
        borrow(aliceId, USDC, cap);
        skip(1 days);
        refreshFeeds();
        // interest went over it: nothing but more borrowing stops
        withdraw(aliceId, WETH, 1e18);
        vm.prank(alice);
        safe.repay(aliceId, USDC, 1);
    }

    function test_RefusesABorrowOverTheUtilisationCap() public {
        PoolConfig memory config = _config(USDC);
        (config.maxUtilisation, config.settlementPart) = (1_000, 2_000);
        _configure(USDC, config);
        uint256 most = (safe.poolState(USDC).claims * 800) / 10_000;
        assertEq(safe.poolState(USDC).borrowRoom, most);
        refuse(
            alice,
            abi.encodeCall(safe.borrow, (aliceId, USDC, most + 1, alice)),
            abi.encodeWithSelector(UtilisationCapExceeded.selector, USDC, most, most + 1)
        );
        borrow(aliceId, USDC, most);
    }

    function test_RefusesToPayOutMoreThanThePoolHas() public {
        PoolConfig memory config = _config(WBTC);
        (config.maxUtilisation, config.settlementPart, config.reservedPart) = (10_000, 0, 0);
        _configure(WBTC, config);
        deposit(aliceId, USDC, 900_000e6);
        borrow(aliceId, WBTC, 60e8);
        // the whale's 100, of which 40 are there
        refuse(
            whale.owner(),
            abi.encodeCall(safe.withdraw, (whale, WBTC, 40e8 + 1, bob)),
            abi.encodeWithSelector(InsufficientLiquidity.selector, WBTC, 40e8)
        );
        withdraw(whale, WBTC, 40e8);
        assertEq(safe.poolState(WBTC).cash, 0);
        // a transfer needs no cash
        vm.prank(whale.owner());
        safe.transfer(whale, accountOf(whale.owner(), 1), WBTC, MAX, false);
    }

    /// Lenders and borrowers leave a part of the accounts' claims in cash, so that collateral can leave.
    function test_TheReservedPartIsLeftForAccounts() public {
        PoolConfig memory config = _config(WBTC);
        (config.maxUtilisation, config.settlementPart, config.reservedPart) = (10_000, 0, 2_000);
        _configure(WBTC, config);
        deposit(aliceId, USDC, 3_000_000e6);
        assertEq(safe.poolState(WBTC).lenderCash, 80e8);
        assertEq(safe.poolState(WBTC).cash, 100e8);
        refuse(
            alice,
            abi.encodeCall(safe.borrow, (aliceId, WBTC, 80e8 + 1, alice)),
            abi.encodeWithSelector(InsufficientLiquidity.selector, WBTC, 80e8)
        );
        borrow(aliceId, WBTC, 60e8);
        withdraw(whale, WBTC, 40e8);
        assertEq(_held(WBTC), 0);
    }

    /// Fully used and interest running, debts stand above claims: those who only cross balances with debts go on.
    function test_L1_BalancesMeetDebtsWhenThePoolHasNoCash() public {
        PoolConfig memory config = _config(WBTC);
        (config.maxUtilisation, config.settlementPart, config.reservedPart) = (10_000, 0, 0);
        config.reserveFactor = 5_000;
        _configure(WBTC, config);
        deposit(aliceId, USDC, 900_000e6);
        borrow(aliceId, WBTC, 60e8);
        withdraw(whale, WBTC, 40e8);
        skip(100 days);
        refreshFeeds();
        PoolState memory p = safe.poolState(WBTC);
        assertGt(p.debts, p.claims);
        deposit(whale, WBTC, 1);
        vm.prank(whale.owner());
        safe.transfer(whale, aliceId, WBTC, 1e8, false);
        assertSolvent(WBTC);
        vm.prank(alice);
        safe.deposit(aliceId, WBTC, 1e8);
    }

    // ------------------------------------------------------------------ outflow

    function test_TheOutflowLimitCountsTheNetOfASession() public {
        safe.setOutflowLimit(USDC, 100_000e6, 1 days);
        deposit(bobId, USDC, 500_000e6);
        assertEq(safe.outflowLeft(USDC), 100_000e6);
        bytes memory out = abi.encodeCall(safe.withdraw, (bobId, USDC, 150_000e6, bob));
        vm.prank(bob);
        vm.expectPartialRevert(RateLimiter.RateLimitExceeded.selector);
        safe.withdraw(bobId, USDC, 150_000e6, bob);
        // 150,000 out and 60,000 in is 90,000
        batch(bob, calls(out, abi.encodeCall(safe.deposit, (bobId, USDC, 60_000e6))));
        assertEq(safe.outflowLeft(USDC), 10_000e6);
        // A3: what is left may leave
        withdraw(bobId, USDC, 10_000e6);
        assertEq(safe.outflowLeft(USDC), 0);
        vm.prank(bob);
        vm.expectPartialRevert(RateLimiter.RateLimitExceeded.selector);
        safe.withdraw(bobId, USDC, 1, bob);
        skip(12 hours);
        assertEq(safe.outflowLeft(USDC), 50_000e6);
        withdraw(bobId, USDC, 50_000e6);
    }

    function test_AFlashLoanConsumesNoLimit() public {
        safe.setOutflowLimit(USDC, 100e6, 1 days);
        SessionUser user = new SessionUser(safe);
        AccountId id = accountOf(address(user), 0);
        equip(address(user));
        Step[] memory list = new Step[](2);
        list[0] = Step(address(safe), 0, abi.encodeCall(safe.borrow, (id, USDC, 4_000_000e6, address(user))));
        list[1] = Step(address(safe), 0, abi.encodeCall(safe.repay, (id, USDC, MAX)));
        (uint256 s, uint256 d) = safe.poolWords(USDC);
        user.run(list);
        assertEq(safe.outflowLeft(USDC), 100e6);
        (uint256 s1, uint256 d1) = safe.poolWords(USDC);
        assertEq(s1, s);
        assertEq(d1, d);
    }

    function test_TheOutflowLimitBindsLendersAndIdleAssets() public {
        safe.setOutflowLimit(USDC, 100e6, 1 days);
        vm.prank(lender);
        vm.expectPartialRevert(RateLimiter.RateLimitExceeded.selector);
        sys.usdcVault.withdraw(101e6, lender, lender);
        vm.prank(lender);
        sys.usdcVault.withdraw(100e6, lender, lender);

        safe.setOutflowLimit(STETH, 1e18, 1 days);
        deposit(bobId, STETH, 5e18);
        vm.prank(bob);
        vm.expectPartialRevert(RateLimiter.RateLimitExceeded.selector);
        safe.withdraw(bobId, STETH, 2e18, bob);
        batch(
            bob,
            calls(
                abi.encodeCall(safe.withdraw, (bobId, STETH, 2e18, bob)),
                abi.encodeCall(safe.deposit, (bobId, STETH, 1.5e18))
            )
        );
        assertEq(safe.outflowLeft(STETH), 0.5e18);
        safe.setOutflowLimit(STETH, 0, 0);
        assertEq(safe.outflowLeft(STETH), MAX);
        withdraw(bobId, STETH, MAX);
    }

    function test_CapsCountTheNetOfASession() public {
        PoolConfig memory config = _config(USDC);
        config.borrowCap = 100_000e6;
        _configure(USDC, config);
        // far over the cap within, under it at the end
        Call[] memory list = calls(
            abi.encodeCall(safe.borrow, (aliceId, USDC, 1_000_000e6, alice)),
            abi.encodeCall(safe.repay, (aliceId, USDC, 950_000e6))
        );
        batch(alice, list);
        assertEq(debtOf(aliceId, USDC), 50_000e6);
        uint256 cap = (uint256(_config(USDC).borrowCap) * 9) / 10;
        refuseBatch(alice, list, abi.encodeWithSelector(BorrowCapExceeded.selector, USDC, cap, 100_000e6));
    }

    function test_RefusesIdleCollateralOverItsCap() public {
        safe.setCollateralCap(STETH, 10e18, 0);
        deposit(bobId, STETH, 6e18);
        refuse(
            alice,
            abi.encodeCall(safe.deposit, (aliceId, STETH, 4e18 + 1)),
            abi.encodeWithSelector(CollateralCapExceeded.selector, STETH, 4e18)
        );
        vm.prank(alice);
        safe.deposit(aliceId, STETH, 4e18);
        withdraw(bobId, STETH, 1e18);
        assertEq(safe.collateralRoom(STETH), 1e18);
        assertEq(safe.totalCollateral(STETH), 9e18);
    }

    function test_RefusesVaultSharesOverTheirPart() public {
        safe.setCollateralCap(USDC_SHARE, type(uint96).max >> 1, 10);
        uint256 most = (USDC_SEED + INSURANCE_SEED + 1_000_000e6) / 1_000;
        vm.startPrank(bob);
        sys.usdcVault.deposit(1_000_000e6, bob);
        vm.stopPrank();
        refuse(
            bob,
            abi.encodeCall(safe.deposit, (bobId, USDC_SHARE, most + 1)),
            abi.encodeWithSelector(CollateralCapExceeded.selector, USDC_SHARE, most)
        );
        vm.prank(bob);
        safe.deposit(bobId, USDC_SHARE, most);
    }
}
