// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";

import {BaseTest} from "./BaseTest.sol";

/// @title What ERC-4626 demands of any vault, as fuzzed properties
/// @dev A contract that inherits it sets up `vault` and `token` and says how to get tokens, where they are kept and how the
/// price moves. Nothing here knows what is behind the vault, and nothing is left out because a call reverted: amounts within
/// the vault's own maxima must pass.
abstract contract ERC4626Properties is BaseTest {
    uint256 private constant USERS = 4;

    IERC4626 internal vault;
    IERC20 internal token;

    /// @dev What the fuzzer picks: what each user holds of the vault and of the token, and how the price moved.
    struct Start {
        uint256[USERS] lent;
        uint256[USERS] kept;
        uint256 growth;
    }

    /// @dev Gives `to` fresh tokens.
    function _deal(address to, uint256 amount) internal virtual;

    /// @dev Moves the share price as far as `seed` says.
    function _movePrice(uint256 seed) internal virtual;

    /// @dev For vaults that let nobody out at once: makes sure that `user` may leave.
    function _letOut(address user) internal virtual {}

    /// @dev Where the vault's tokens are.
    function _custodian() internal view virtual returns (address);

    /// @dev The most that one user holds in a run.
    function _mostPerUser() internal view virtual returns (uint256);

    // ---------------------------------------------------------------- views

    function testFuzz_ViewsAreTheSameForEveryCaller(Start memory s, uint256 amount, address caller) public {
        _arrange(s);
        amount = bound(amount, 0, type(uint128).max);
        bytes[9] memory views = [
            abi.encodeCall(vault.asset, ()),
            abi.encodeCall(vault.totalAssets, ()),
            abi.encodeCall(vault.totalSupply, ()),
            abi.encodeCall(vault.convertToShares, (amount)),
            abi.encodeCall(vault.convertToAssets, (amount)),
            abi.encodeCall(vault.previewDeposit, (amount)),
            abi.encodeCall(vault.previewMint, (amount)),
            abi.encodeCall(vault.previewWithdraw, (amount)),
            abi.encodeCall(vault.previewRedeem, (amount))
        ];
        for (uint256 i = 0; i < views.length; ++i) {
            vm.prank(_user(0));
            (bool ok, bytes memory one) = address(vault).staticcall(views[i]);
            vm.prank(caller);
            (bool ok_, bytes memory other) = address(vault).staticcall(views[i]);
            assertTrue(ok && ok_);
            assertEq(one, other);
        }
    }

    function testFuzz_MaximaNeverRevert(Start memory s, address anyone) public {
        _arrange(s);
        vault.maxDeposit(anyone);
        vault.maxMint(anyone);
        vault.maxWithdraw(anyone);
        vault.maxRedeem(anyone);
    }

    function testFuzz_ConversionsRoundDownAndPreviewsAgainstTheCaller(Start memory s, uint256 amount) public {
        _arrange(s);
        amount = bound(amount, 0, type(uint128).max);
        assertLe(vault.convertToAssets(vault.convertToShares(amount)), amount);
        assertLe(vault.convertToShares(vault.convertToAssets(amount)), amount);
        assertLe(vault.previewDeposit(amount), vault.convertToShares(amount));
        assertLe(vault.previewRedeem(amount), vault.convertToAssets(amount));
        assertGe(vault.previewMint(amount), vault.convertToAssets(amount));
        assertGe(vault.previewWithdraw(amount), vault.convertToShares(amount));
        assertGe(vault.previewMint(vault.previewDeposit(amount) + 1), amount);
        assertGe(vault.previewRedeem(vault.previewWithdraw(amount)), amount);
    }

    function testFuzz_TotalSupplyIsTheSumOfTheHoldings(Start memory s) public {
        _arrange(s);
        uint256 sum;
        for (uint256 i = 0; i < USERS; ++i) sum += vault.balanceOf(_user(i));
        assertEq(vault.totalSupply(), sum);
        assertGe(vault.totalAssets() + USERS, vault.convertToAssets(sum));
        assertLe(vault.totalAssets(), vault.previewMint(sum));
    }

    // ---------------------------------------------------------------- in

    function testFuzz_DepositTakesWhatItSaysAndGivesAtLeastThePreview(Start memory s, uint256 assets) public {
        _arrange(s);
        (address caller, address receiver) = (_user(0), _user(1));
        assets = _boundIn(assets, vault.maxDeposit(receiver), vault.previewMint(1), token.balanceOf(caller));
        Balances memory b = _balances(caller, receiver);
        _approve(caller, assets + 7);
        uint256 preview = vault.previewDeposit(assets);

        vm.expectEmit(true, true, false, false, address(vault));
        emit IERC4626.Deposit(caller, receiver, 0, 0);
        vm.prank(caller);
        uint256 shares = vault.deposit(assets, receiver);

        assertGe(shares, preview);
        _assertIn(b, caller, receiver, assets, shares);
        assertEq(token.allowance(caller, address(vault)), 7);
    }

    function testFuzz_MintGivesWhatItSaysAndTakesAtMostThePreview(Start memory s, uint256 shares) public {
        _arrange(s);
        (address caller, address receiver) = (_user(0), _user(1));
        uint256 affordable = vault.convertToShares(token.balanceOf(caller));
        shares = _boundIn(shares, vault.maxMint(receiver), 1, affordable);
        Balances memory b = _balances(caller, receiver);
        uint256 preview = vault.previewMint(shares);
        _approve(caller, preview + 7);

        vm.expectEmit(true, true, false, false, address(vault));
        emit IERC4626.Deposit(caller, receiver, 0, 0);
        vm.prank(caller);
        uint256 assets = vault.mint(shares, receiver);

        assertLe(assets, preview);
        _assertIn(b, caller, receiver, assets, shares);
        assertEq(token.allowance(caller, address(vault)), preview + 7 - assets);
    }

    function testFuzz_TheMostThatMayGoInGoesIn(Start memory s, bool byShares) public {
        _arrange(s);
        address caller = _user(0);
        uint256 most = byShares ? vault.maxMint(caller) : vault.maxDeposit(caller);
        if (most == 0 || most > type(uint160).max) return;
        _deal(caller, byShares ? vault.previewMint(most) : most);
        _approve(caller, type(uint256).max);
        vm.prank(caller);
        if (byShares) vault.mint(most, caller);
        else vault.deposit(most, caller);
    }

    function testFuzz_NobodyPaysInForAnotherWithoutAllowance(Start memory s, uint256 assets) public {
        _arrange(s);
        address caller = _user(0);
        assets = _boundIn(assets, vault.maxDeposit(caller), vault.previewMint(1), token.balanceOf(caller));
        _approve(caller, assets - 1);
        vm.startPrank(caller);
        vm.expectRevert();
        vault.deposit(assets, caller);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- out

    function testFuzz_WithdrawPaysWhatItSaysAndBurnsAtMostThePreview(
        Start memory s,
        uint256 assets,
        bool byOwner
    ) public {
        _arrange(s);
        (address owner, address receiver) = (_user(2), _user(1));
        address caller = byOwner ? owner : _user(0);
        assets = bound(assets, 0, vault.maxWithdraw(owner));
        if (assets == 0) return;
        Balances memory b = _balances(receiver, owner);
        uint256 preview = vault.previewWithdraw(assets);
        vm.prank(owner);
        vault.approve(caller, preview + 7);

        vm.expectEmit(true, true, true, false, address(vault));
        emit IERC4626.Withdraw(caller, receiver, owner, 0, 0);
        vm.prank(caller);
        uint256 shares = vault.withdraw(assets, receiver, owner);

        assertLe(shares, preview);
        _assertOut(b, receiver, owner, assets, shares);
        assertEq(vault.allowance(owner, caller), byOwner ? preview + 7 : preview + 7 - shares);
    }

    function testFuzz_RedeemBurnsWhatItSaysAndPaysAtLeastThePreview(
        Start memory s,
        uint256 shares,
        bool byOwner
    ) public {
        _arrange(s);
        (address owner, address receiver) = (_user(2), _user(1));
        address caller = byOwner ? owner : _user(0);
        shares = bound(shares, 0, vault.maxRedeem(owner));
        if (shares == 0) return;
        Balances memory b = _balances(receiver, owner);
        uint256 preview = vault.previewRedeem(shares);
        vm.prank(owner);
        vault.approve(caller, shares + 7);

        vm.expectEmit(true, true, true, false, address(vault));
        emit IERC4626.Withdraw(caller, receiver, owner, 0, 0);
        vm.prank(caller);
        uint256 assets = vault.redeem(shares, receiver, owner);

        assertGe(assets, preview);
        _assertOut(b, receiver, owner, assets, shares);
        assertEq(vault.allowance(owner, caller), byOwner ? shares + 7 : 7);
    }

    function testFuzz_TheMostThatMayGoOutGoesOut(Start memory s, bool byShares) public {
        _arrange(s);
        address owner = _user(2);
        uint256 most = byShares ? vault.maxRedeem(owner) : vault.maxWithdraw(owner);
        if (most == 0) return;
        vm.prank(owner);
        if (byShares) vault.redeem(most, owner, owner);
        else vault.withdraw(most, owner, owner);
    }

    function testFuzz_NobodyTakesOutForAnotherWithoutAllowance(Start memory s, uint256 amount, bool byShares) public {
        _arrange(s);
        (address caller, address owner) = (_user(0), _user(2));
        amount = bound(amount, 0, byShares ? vault.maxRedeem(owner) : vault.maxWithdraw(owner));
        if (amount == 0) return;
        uint256 needed = byShares ? amount : vault.previewWithdraw(amount);
        vm.prank(owner);
        vault.approve(caller, needed - 1);
        vm.startPrank(caller);
        vm.expectRevert();
        if (byShares) vault.redeem(amount, caller, owner);
        else vault.withdraw(amount, caller, owner);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- there and back

    /// V3
    function testFuzz_V3_GoingInAndOutNeverProfits(Start memory s, uint256 amount, bool mint, bool redeem) public {
        _arrange(s);
        address user = _user(0);
        _approve(user, type(uint256).max);
        uint256 wealth = token.balanceOf(user);
        uint256 held = vault.balanceOf(user);
        uint256 affordable = token.balanceOf(user);

        vm.startPrank(user);
        uint256 assets;
        uint256 shares;
        if (mint) {
            shares = _boundIn(amount, vault.maxMint(user), 1, vault.convertToShares(affordable));
            assets = vault.mint(shares, user);
        } else {
            assets = _boundIn(amount, vault.maxDeposit(user), vault.previewMint(1), affordable);
            shares = vault.deposit(assets, user);
        }
        // A pool without cash keeps even what has just come in: then there is no way back to look at.
        if (redeem && shares <= vault.maxRedeem(user)) {
            assertLe(vault.redeem(shares, user, user), assets);
        } else if (!redeem && assets <= vault.maxWithdraw(user)) {
            assertGe(vault.withdraw(assets, user, user), shares);
        }
        vm.stopPrank();
        assertTrue(token.balanceOf(user) <= wealth || vault.balanceOf(user) < held);
    }

    /// V3
    function testFuzz_V3_GoingOutAndBackInNeverProfits(Start memory s, uint256 amount, bool redeem, bool mint) public {
        _arrange(s);
        address user = _user(2);
        _deal(user, 1e18 + vault.previewMint(1)); // rounding of the way back
        _approve(user, type(uint256).max);

        vm.startPrank(user);
        uint256 assets;
        uint256 shares;
        if (redeem) {
            shares = bound(amount, 0, vault.maxRedeem(user));
            if (shares == 0) return;
            assets = vault.redeem(shares, user, user);
        } else {
            assets = bound(amount, 0, vault.maxWithdraw(user));
            if (assets == 0) return;
            shares = vault.withdraw(assets, user, user);
        }
        if (mint) assertGe(vault.mint(shares, user), assets);
        else if (vault.previewDeposit(assets) != 0) assertLe(vault.deposit(assets, user), shares);
        vm.stopPrank();
    }

    /// V3
    function testFuzz_V3_OthersSharesKeepTheirWorth(Start memory s, uint256 amount, bool out) public {
        _arrange(s);
        (address user, address other) = (_user(2), _user(3));
        uint256 price = vault.convertToAssets(1e30);
        uint256 worth = vault.convertToAssets(vault.balanceOf(other));
        if (out) {
            amount = bound(amount, 0, vault.maxWithdraw(user));
            vm.prank(user);
            if (amount != 0) vault.withdraw(amount, user, user);
        } else {
            amount = _boundIn(amount, vault.maxDeposit(user), vault.previewMint(1), token.balanceOf(user));
            _approve(user, amount);
            vm.prank(user);
            vault.deposit(amount, user);
        }
        assertEq(vault.convertToAssets(1e30), price);
        assertEq(vault.convertToAssets(vault.balanceOf(other)), worth);
    }

    // ---------------------------------------------------------------- hostile donations

    /// V3: the inflation attack: own the first share, donate, let the next deposit round down to nothing.
    function testFuzz_V3_NoDonationMovesThePriceOrEatsADeposit(uint256 gift, uint256 assets, bool toVault) public {
        (address attacker, address victim) = (_user(0), _user(1));
        gift = bound(gift, 1, type(uint112).max);
        assets = _boundIn(assets, vault.maxDeposit(victim), vault.previewMint(1), _mostPerUser());
        _deal(attacker, gift + vault.previewMint(1));
        _approve(attacker, type(uint256).max);
        vm.prank(attacker);
        vault.mint(1, attacker);
        uint256 price = vault.convertToAssets(1e30);

        vm.prank(attacker);
        assertTrue(token.transfer(toVault ? address(vault) : _custodian(), gift));
        assertEq(vault.convertToAssets(1e30), price);

        _deal(victim, assets);
        _approve(victim, assets);
        vm.prank(victim);
        uint256 shares = vault.deposit(assets, victim);
        _letOut(victim);
        vm.startPrank(victim);
        assertGe(vault.redeem(shares, victim, victim) + vault.previewMint(1), assets);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- helpers

    struct Balances {
        uint256 tokens;
        uint256 shares;
        uint256 supply;
        uint256 kept;
    }

    function _user(uint256 i) internal pure returns (address) {
        return address(uint160(0xA11CE000 + i));
    }

    function _arrange(Start memory s) internal {
        for (uint256 i = 0; i < USERS; ++i) {
            address user = _user(i);
            uint256 lent = bound(s.lent[i], vault.previewMint(1), _mostPerUser());
            _deal(user, lent);
            _approve(user, lent);
            vm.prank(user);
            vault.deposit(lent, user);
        }
        _movePrice(s.growth);
        for (uint256 i = 0; i < USERS; ++i) {
            _deal(_user(i), bound(s.kept[i], vault.previewMint(1) + 1, _mostPerUser()));
        }
    }

    function _approve(address user, uint256 amount) internal {
        vm.prank(user);
        token.approve(address(vault), amount);
    }

    function _boundIn(uint256 amount, uint256 max, uint256 least, uint256 affordable) private pure returns (uint256) {
        return bound(amount, least, affordable < max ? affordable : max);
    }

    function _balances(address payer, address holder) private view returns (Balances memory) {
        return
            Balances(
                token.balanceOf(payer),
                vault.balanceOf(holder),
                vault.totalSupply(),
                token.balanceOf(_custodian())
            );
    }

    function _assertIn(Balances memory b, address payer, address holder, uint256 assets, uint256 shares) private view {
        assertEq(token.balanceOf(payer), b.tokens - assets);
        assertEq(token.balanceOf(_custodian()), b.kept + assets);
        assertEq(vault.balanceOf(holder), b.shares + shares);
        assertEq(vault.totalSupply(), b.supply + shares);
    }

    function _assertOut(Balances memory b, address payee, address holder, uint256 assets, uint256 shares) private view {
        assertEq(token.balanceOf(payee), b.tokens + assets);
        assertEq(token.balanceOf(_custodian()), b.kept - assets);
        assertEq(vault.balanceOf(holder), b.shares - shares);
        assertEq(vault.totalSupply(), b.supply - shares);
    }
}
