// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

import {MarginAccounts} from "../accounts/MarginAccounts.sol";
import {MarginAccountsAdmin} from "../accounts/MarginAccountsAdmin.sol";
import {MarginAccountsExtension} from "../accounts/MarginAccountsExtension.sol";
import {IMarginAccounts, IMarginAccountsErrors, PoolConfig, PoolState} from "../interfaces/IMarginAccounts.sol";
import {ERC4626Properties} from "../test/ERC4626Properties.sol";
import {LenientEngine} from "../test/LenientEngine.sol";
import {TestToken} from "../test/TestToken.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {AssetId, SETTLEMENT} from "../types/AssetId.sol";
import {Vault} from "./Vault.sol";

/// @dev The properties of the standard with the real safe behind the vault: a borrower takes any part of the pool, any time up to
/// three years passes, and the pool pays out only what it has.
abstract contract VaultOnSafeTest is ERC4626Properties {
    IMarginAccounts internal safe;
    AccountId internal borrower;

    function _decimals() internal pure virtual returns (uint8);

    function setUp() public {
        AccessManager authority = new AccessManager(address(this));
        address wrapped = makeAddr("wrapped native");
        MarginAccountsAdmin admin = new MarginAccountsAdmin(address(authority), wrapped);
        address extension = address(new MarginAccountsExtension(address(authority), wrapped, address(admin)));
        safe = IMarginAccounts(address(new MarginAccounts(address(authority), extension, wrapped)));

        token = new TestToken("Token", "TKN", _decimals());
        _deal(address(this), 1);
        token.approve(address(safe), 1);
        AssetId pool = safe.listAsset(address(token), true, 1);
        vault = new Vault(safe, pool, "Plimsoll TKN", "pTKN");
        safe.setVault(pool, address(vault));
        safe.setEngine(address(new LenientEngine()));
        _configure(type(uint96).max, 1000);
        borrower = AccountIdLib.make(address(this), 0);
    }

    function _configure(uint96 supplyCap, uint16 reserveFactor) internal {
        safe.configurePool(
            SETTLEMENT,
            PoolConfig({
                supplyCap: supplyCap,
                borrowCap: type(uint96).max,
                maxUtilisation: 10_000,
                reservedPart: 500,
                settlementPart: 0,
                reserveFactor: reserveFactor,
                depositsClosed: false,
                borrowsClosed: false
            })
        );
    }

    function _deal(address to, uint256 amount) internal override {
        TestToken(address(token)).mint(to, amount);
    }

    /// @dev The seed says how much is borrowed, how long, and how much of it comes back.
    function _movePrice(uint256 seed) internal override {
        uint256 borrowed = ((seed & 0xffff) * safe.poolState(SETTLEMENT).lenderCash) / 0xffff;
        if (borrowed == 0) return;
        safe.borrow(borrower, SETTLEMENT, borrowed, address(this));
        skip((seed >> 16) % (3 * 365 days));
        uint256 returned = (((seed >> 64) & 0xff) * safe.poolState(SETTLEMENT).debts) / 0xff;
        if (returned == 0) return;
        _deal(address(this), returned);
        token.approve(address(safe), returned);
        safe.repay(borrower, SETTLEMENT, returned);
    }

    function _custodian() internal view override returns (address) {
        return address(safe);
    }

    function _mostPerUser() internal pure override returns (uint256) {
        return 1e26;
    }

    // ---------------------------------------------------------------- what only a real pool can show

    /// V3
    function testFuzz_V3_PriceNeverFallsWithTimeAndDealings(Start memory s, uint256 later, uint256 amount) public {
        uint256 price = vault.convertToAssets(1e30);
        _arrange(s);
        assertGe(vault.convertToAssets(1e30), price);
        price = vault.convertToAssets(1e30);
        skip(later % 365 days);
        assertGe(vault.convertToAssets(1e30), price);
        amount = bound(amount, 0, vault.maxRedeem(_user(2)));
        price = vault.convertToAssets(1e30);
        vm.prank(_user(2));
        vault.redeem(amount, _user(2), _user(2));
        assertEq(vault.convertToAssets(1e30), price);
    }

    /// V1: what lenders and accounts are owed is there, as tokens or as debts.
    function testFuzz_V1_ClaimsAreCovered(Start memory s, uint256 amount) public {
        _arrange(s);
        vm.startPrank(_user(2));
        vault.withdraw(bound(amount, 0, vault.maxWithdraw(_user(2))), _user(2), _user(2));
        vm.stopPrank();
        PoolState memory state = safe.poolState(SETTLEMENT);
        assertGe(token.balanceOf(address(safe)) + state.debts, state.claims);
    }

    /// V2
    function testFuzz_V2_SupplyIsThePoolsLenderShares(Start memory s) public {
        _arrange(s);
        assertEq(vault.totalSupply(), safe.poolState(SETTLEMENT).lenderShares);
    }

    function testFuzz_LastLenderGetsEverythingWhenAllDebtIsRepaid(Start memory s) public {
        _arrange(s);
        uint256 owed = safe.poolState(SETTLEMENT).debts;
        if (owed > 0) {
            _deal(address(this), owed);
            token.approve(address(safe), owed);
            safe.repay(borrower, SETTLEMENT, type(uint256).max);
        }
        for (uint256 i = 0; i < 4; ++i) {
            uint256 shares = vault.balanceOf(_user(i));
            assertEq(vault.maxRedeem(_user(i)), shares);
            vm.prank(_user(i));
            vault.redeem(shares, _user(i), _user(i));
        }
        assertEq(vault.totalSupply(), 0);
    }

    function testFuzz_CapsAreTheSafes(uint96 cap, uint256 over) public {
        cap = uint96(bound(cap, 1000, type(uint96).max - 1));
        _configure(cap, 0);
        address user = _user(0);
        uint256 most = vault.maxDeposit(user);
        assertLe(most, cap);
        assertGe(most, cap - cap / 256); // caps are kept in 16 bits
        over = bound(over, most + 1, type(uint96).max);
        _deal(user, over);
        _approve(user, over);
        vm.startPrank(user);
        vm.expectPartialRevert(IMarginAccountsErrors.SupplyCapExceeded.selector);
        vault.deposit(over, user);
        vault.deposit(most, user);
        vm.stopPrank();
        assertEq(vault.maxMint(user), 0);
    }

    function test_OutflowLimitShowsInTheMaxima() public {
        address user = _user(0);
        _deal(user, 1000e6);
        _approve(user, 1000e6);
        vm.prank(user);
        vault.deposit(1000e6, user);
        safe.setOutflowLimit(SETTLEMENT, 100e6, 1 hours);
        assertEq(vault.maxWithdraw(user), safe.outflowLeft(SETTLEMENT));
        vm.startPrank(user);
        vault.withdraw(vault.maxWithdraw(user), user, user);
        assertEq(vault.maxWithdraw(user), 0);
        vm.expectRevert();
        vault.withdraw(1e6, user, user);
        vm.stopPrank();
    }
}

contract VaultOnSafe6Test is VaultOnSafeTest {
    function _decimals() internal pure override returns (uint8) {
        return 6;
    }
}

contract VaultOnSafe8Test is VaultOnSafeTest {
    function _decimals() internal pure override returns (uint8) {
        return 8;
    }
}

contract VaultOnSafe18Test is VaultOnSafeTest {
    function _decimals() internal pure override returns (uint8) {
        return 18;
    }
}
