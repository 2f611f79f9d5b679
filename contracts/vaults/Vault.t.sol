// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {IVault} from "../interfaces/IVault.sol";
import {BaseTest} from "../test/BaseTest.sol";
import {ERC4626Properties} from "../test/ERC4626Properties.sol";
import {CallbackToken, ITokenHooks} from "../test/CallbackToken.sol";
import {VaultStubSafe} from "../test/VaultStubSafe.sol";
import {TestToken} from "../test/TestToken.sol";
import {SETTLEMENT} from "../types/AssetId.sol";
import {INDEX_ONE, MAX_SHARES} from "../types/PoolWords.sol";
import {Vault} from "./Vault.sol";

/// @dev The standard's properties at any price from a near-total write-off to the highest index there is.
contract VaultPropertiesTest is ERC4626Properties {
    VaultStubSafe private safe;

    function setUp() public {
        TestToken plain = new TestToken("USD Coin", "USDC", 6);
        safe = new VaultStubSafe(plain);
        token = plain;
        vault = new Vault(IMarginAccounts(address(safe)), SETTLEMENT, "Plimsoll USDC", "pUSDC");
        safe.setVault(address(vault));
    }

    function _deal(address to, uint256 amount) internal override {
        TestToken(address(token)).mint(to, amount);
    }

    function _movePrice(uint256 seed) internal override {
        uint256 index = bound(seed, INDEX_ONE / 1000, type(uint64).max);
        safe.setIndex(index);
        // What the lenders earned is there to be taken out.
        _deal(address(safe), vault.totalAssets());
    }

    function _custodian() internal view override returns (address) {
        return address(safe);
    }

    function _mostPerUser() internal pure override returns (uint256) {
        return 1e26;
    }
}

contract VaultTest is BaseTest {
    TestToken private token;
    VaultStubSafe private safe;
    Vault private vault;

    address private lender = makeAddr("lender");
    address private other = makeAddr("other");

    function setUp() public {
        token = new TestToken("USD Coin", "USDC", 6);
        safe = new VaultStubSafe(token);
        vault = _vaultFor(safe);
        token.mint(lender, 1_000e6);
        vm.prank(lender);
        token.approve(address(vault), type(uint256).max);
    }

    function test_TellsWhatItIs() public view {
        assertEq(vault.asset(), address(token));
        assertEq(vault.decimals(), 6);
        assertEq(vault.name(), "Plimsoll USDC");
        assertEq(vault.symbol(), "pUSDC");
        assertEq(address(vault.safe()), address(safe));
        assertTrue(vault.pool() == SETTLEMENT);
    }

    function testFuzz_TakesTheDecimalsOfItsToken(uint8 decimals) public {
        assertEq(_vaultFor(new VaultStubSafe(new TestToken("", "", decimals))).decimals(), decimals);
    }

    function test_TheFirstShareCostsOneTokenUnit() public {
        vm.prank(lender);
        assertEq(vault.deposit(100e6, lender), 100e6);
        assertEq(vault.totalAssets(), 100e6);
        assertEq(vault.totalSupply(), 100e6);
    }

    function testFuzz_PriceIsTheSupplyIndex(uint256 index, uint256 amount) public {
        index = bound(index, 1, type(uint64).max);
        amount = bound(amount, 0, 1e40);
        safe.setIndex(index);
        assertEq(vault.convertToAssets(amount), (amount * index) / 1e15);
        assertEq(vault.convertToShares(amount), (amount * 1e15) / index);
        assertEq(vault.previewMint(amount), (amount * index + 1e15 - 1) / 1e15);
        assertEq(vault.previewWithdraw(amount), (amount * 1e15 + index - 1) / index);
    }

    function testFuzz_ConvertsAnyAmountWhoseResultFits(uint256 amount, uint256 index) public {
        safe.setIndex(bound(index, INDEX_ONE, type(uint64).max));
        vault.convertToShares(amount);
        vault.previewDeposit(amount);
        safe.setIndex(bound(index, 1, INDEX_ONE));
        vault.convertToAssets(amount);
        vault.previewRedeem(amount);
    }

    // ---------------------------------------------------------------- refusals

    function test_RefusesADepositThatBuysNoShare() public {
        safe.setIndex(2 * INDEX_ONE);
        vm.startPrank(lender);
        vm.expectRevert(IVault.ZeroShares.selector);
        vault.deposit(1, lender);
        vm.expectRevert(IVault.ZeroShares.selector);
        vault.deposit(0, lender);
        vm.expectRevert(IVault.ZeroShares.selector);
        vault.mint(0, lender);
        assertEq(vault.deposit(2, lender), 1);
        vm.stopPrank();
        assertEq(token.balanceOf(lender), 1_000e6 - 2);
    }

    function test_RefusesToBurnOrSendMoreThanIsHeld() public {
        vm.prank(lender);
        vault.deposit(10e6, lender);
        bytes memory expected = abi.encodeWithSelector(
            IERC20Errors.ERC20InsufficientBalance.selector,
            lender,
            10e6,
            10e6 + 1
        );
        vm.startPrank(lender);
        vm.expectRevert(expected);
        vault.redeem(10e6 + 1, lender, lender);
        vm.expectRevert(expected);
        vault.withdraw(10e6 + 1, lender, lender);
        vm.expectRevert(expected);
        assertFalse(vault.transfer(other, 10e6 + 1));
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, lender, 10e6, type(uint256).max)
        );
        vault.redeem(type(uint256).max, lender, lender);
        vm.stopPrank();
    }

    function test_RefusesSharesForNobody() public {
        vm.startPrank(lender);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(0)));
        vault.deposit(10e6, address(0));
        vm.stopPrank();
    }

    function testFuzz_OnlyTheSafeBurnsWhatItHolds(address caller) public {
        if (caller == address(safe)) return;
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IVault.OnlySafe.selector, caller));
        vault.burnHeld(0);
    }

    function test_SetOffBurnsTheSafesOwnShares() public {
        vm.startPrank(lender);
        vault.deposit(10e6, lender);
        assertTrue(vault.transfer(address(safe), 4e6));
        vm.stopPrank();

        vm.expectEmit(address(vault));
        emit IERC20.Transfer(address(safe), address(0), 3e6);
        safe.setOff(3e6);

        assertEq(vault.balanceOf(address(safe)), 1e6);
        assertEq(vault.balanceOf(lender), 6e6);
        assertEq(vault.totalSupply(), 7e6);

        vm.expectRevert();
        safe.setOff(1e6 + 1);
    }

    // ---------------------------------------------------------------- limits

    function test_MaximaAreNothingWhileTheSafeIsLocked() public {
        vm.prank(lender);
        vault.deposit(10e6, lender);
        safe.setLocked(true);
        assertEq(vault.maxDeposit(lender), 0);
        assertEq(vault.maxMint(lender), 0);
        assertEq(vault.maxWithdraw(lender), 0);
        assertEq(vault.maxRedeem(lender), 0);
        assertEq(vault.convertToAssets(10e6), 10e6);
    }

    function testFuzz_MaximaInFollowTheSupplyRoom(uint256 room, uint256 index) public {
        index = bound(index, 1, type(uint64).max);
        safe.setIndex(index);
        safe.setSupplyRoom(room);
        uint256 widest = (MAX_SHARES * index) / 1e15;
        assertEq(vault.maxDeposit(other), room < widest ? room : widest);
        assertLe(vault.previewMint(vault.maxMint(other)), room);
        if (room >= widest + 1) assertEq(vault.maxMint(other), MAX_SHARES);
        else assertEq(vault.maxMint(other), vault.convertToShares(room));
    }

    function testFuzz_MaximaOutFollowCashAndOutflow(uint256 cash, uint256 outflow, uint256 index) public {
        vm.prank(lender);
        vault.deposit(1_000e6, lender);
        index = bound(index, INDEX_ONE / 100, 100 * INDEX_ONE);
        safe.setIndex(index);
        uint256 worth = (1_000e6 * index) / 1e15;
        cash = bound(cash, 0, 2 * worth);
        outflow = bound(outflow, 0, 2 * worth);
        safe.setLenderCash(cash);
        safe.setOutflowLeft(outflow);
        token.mint(address(safe), 100_000e6);

        uint256 payable_ = cash < outflow ? cash : outflow;
        uint256 most = worth < payable_ ? worth : payable_;
        assertLe(vault.maxWithdraw(lender), most);
        assertLe(most - vault.maxWithdraw(lender), index / INDEX_ONE + 1); // the rounding of one share
        assertLe(vault.convertToAssets(vault.maxRedeem(lender)), most);
        if (payable_ >= worth) assertEq(vault.maxRedeem(lender), 1_000e6);
        if (outflow + index / INDEX_ONE + 1 <= cash && outflow < worth) assertEq(vault.maxWithdraw(lender), outflow);

        vm.startPrank(lender);
        vault.withdraw(vault.maxWithdraw(lender), lender, lender);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- permit

    function test_PermitLetsAnotherRedeem() public {
        (address owner, uint256 key) = makeAddrAndKey("permitting");
        vm.prank(lender);
        vault.deposit(10e6, owner);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                owner,
                other,
                4e6,
                vault.nonces(owner),
                block.timestamp
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", vault.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        vault.permit(owner, other, 4e6, block.timestamp, v, r, s);
        assertEq(vault.nonces(owner), 1);

        vm.prank(other);
        vault.redeem(4e6, other, owner);
        assertEq(token.balanceOf(other), 4e6);
        assertEq(vault.allowance(owner, other), 0);
    }

    function _vaultFor(VaultStubSafe safe_) private returns (Vault made) {
        made = new Vault(IMarginAccounts(address(safe_)), SETTLEMENT, "Plimsoll USDC", "pUSDC");
        safe_.setVault(address(made));
    }
}

/// @dev A token with hooks calls the lender in the middle of everything. What it sees must be a state that could be final,
/// and what it does must leave the books right.
contract VaultHooksTest is BaseTest, ITokenHooks {
    CallbackToken private token;
    VaultStubSafe private safe;
    Vault private vault;

    uint256 private depth;
    uint256 private seen;
    uint256 private price;

    function setUp() public {
        token = new CallbackToken(18);
        safe = new VaultStubSafe(token);
        vault = new Vault(IMarginAccounts(address(safe)), SETTLEMENT, "Plimsoll HOOK", "pHOOK");
        safe.setVault(address(vault));
        token.mint(address(this), 1_000e18);
        token.approve(address(vault), type(uint256).max);
        safe.setIndex(1.5e15);
        price = vault.convertToAssets(1e30);
        vault.deposit(100e18, address(this));
        token.setHook(this);
    }

    function test_V2_ADepositWithinADepositIsCountedOnce() public {
        depth = 3;
        vault.deposit(9e18, address(this));
        assertEq(seen, 4);
        _assertBooks();
        assertEq(token.balanceOf(address(this)), 1_000e18 - 100e18 - 4 * 9e18);
    }

    function test_V2_AMintWithinAMintIsCountedOnce() public {
        depth = 2;
        vault.mint(9e18, address(this));
        assertEq(seen, 3);
        _assertBooks();
    }

    function test_V3_ReadsAreRightWhileTokensLeave() public {
        vault.redeem(vault.balanceOf(address(this)) / 3, address(this), address(this));
        assertEq(seen, 1);
        _assertBooks();
    }

    function tokensToSend(address, address, uint256) external {
        _look();
        if (depth == 0) return;
        --depth;
        vault.deposit(9e18, address(this));
    }

    function tokensReceived(address, address, uint256) external {
        _look();
        assertEq(vault.maxWithdraw(address(this)), 0);
        assertEq(vault.maxDeposit(address(this)), 0);
    }

    function _look() private {
        ++seen;
        _assertBooks();
    }

    function _assertBooks() private view {
        assertEq(vault.totalSupply(), vault.balanceOf(address(this)));
        assertEq(vault.convertToAssets(1e30), price);
        assertGe(token.balanceOf(address(safe)), vault.totalAssets());
    }
}
