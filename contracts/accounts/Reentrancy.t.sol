// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Call, Signed} from "../interfaces/IMarginAccounts.sol";
import {MarginLens} from "../periphery/MarginLens.sol";
import {CallbackToken, ITokenHooks} from "../test/CallbackToken.sol";
import {LenientEngine} from "../test/LenientEngine.sol";
import {ReentrantToken} from "../test/HostileTokens.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {TestToken} from "../test/TestToken.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {Vault} from "../vaults/Vault.sol";

/// @dev Owns an account, and tries a list of calls whenever its tokens leave it or reach it.
contract Attacker is ITokenHooks {
    address[] private _targets;
    bytes[] private _data;
    bytes[] public results;
    bool[] public oks;
    bool private _busy;

    function plan(address target, bytes memory data) external {
        _targets.push(target);
        _data.push(data);
    }

    function forget() external {
        delete _targets;
        delete _data;
        delete results;
        delete oks;
    }

    function count() external view returns (uint256) {
        return results.length;
    }

    function execute(address target, bytes calldata data) external payable returns (bytes memory) {
        (bool ok, bytes memory result) = target.call{value: msg.value}(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
        return result;
    }

    function tokensToSend(address, address, uint256) external {
        _attack();
    }

    function tokensReceived(address, address, uint256) external {
        _attack();
    }

    receive() external payable {
        _attack();
    }

    /// @dev Not from within an attack: a vault's deposit calls back before it knocks at the safe.
    function _attack() private {
        if (_busy) return;
        _busy = true;
        for (uint256 i; i < _targets.length; ++i) {
            (bool ok, bytes memory result) = _targets[i].call{value: 0}(_data[i]);
            oks.push(ok);
            results.push(result);
        }
        _busy = false;
    }
}

/// @dev Calls out when its tokens have moved already.
contract LateToken is TestToken {
    address private _target;
    bytes private _data;
    bool public ok;
    bytes public result;

    constructor() TestToken("Late", "LATE", 18) {}

    function arm(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (_target != address(0)) (ok, result) = _target.call{value: 0}(_data);
    }
}

/// @title No door opens while another is open, whoever knocks; no view tells half of a change
contract ReentrancyTest is SafeTest {
    CallbackToken private token;
    AssetId private pool;
    Vault private vault;
    MarginLens private lens;
    Attacker private attacker;
    AccountId private id;

    function setUp() public override {
        super.setUp();
        equip(alice);
        token = new CallbackToken(18);
        pool = listPool(address(token));
        vault = new Vault(safe, pool, "", "");
        safe.setVault(pool, address(vault));
        safe.setCollateralCap(AssetIdLib.vaultShare(pool.number()), type(uint96).max >> 1, 10_000);
        lens = new MarginLens(safe);
        attacker = new Attacker();
        id = accountOf(address(attacker), 0);
        token.mint(address(attacker), 1_000e18);
        token.mint(alice, 1_000e18);
        vm.startPrank(alice);
        token.approve(address(safe), MAX);
        token.approve(address(vault), MAX);
        vault.deposit(500e18, alice);
        safe.deposit(aliceId, pool, 500e18);
        vm.stopPrank();
        _do(address(token), abi.encodeCall(token.approve, (address(safe), MAX)));
        _do(address(token), abi.encodeCall(token.approve, (address(vault), MAX)));
        _do(address(safe), abi.encodeCall(safe.deposit, (id, pool, 100e18)));
        _do(address(vault), abi.encodeCall(vault.deposit, (100e18, address(attacker))));
        _do(address(token), abi.encodeCall(token.setHook, (attacker)));
    }

    function _do(address target, bytes memory data) private {
        attacker.execute(target, data);
    }

    /// @dev Every door with a lock, as the attacker would use it.
    function _planDoors() private returns (uint256 n) {
        Signed memory signed = Signed(1, MAX, "");
        bytes[] memory doors = new bytes[](22);
        doors[n++] = abi.encodeCall(safe.deposit, (id, pool, 1));
        doors[n++] = abi.encodeCall(safe.withdraw, (id, pool, 1, address(attacker)));
        doors[n++] = abi.encodeCall(safe.borrow, (id, USDC, 1, address(attacker)));
        doors[n++] = abi.encodeCall(safe.repay, (id, USDC, 1));
        doors[n++] = abi.encodeCall(safe.transfer, (id, accountOf(address(attacker), 1), pool, 1, false));
        doors[n++] = abi.encodeCall(safe.bid, (aliceId, id, 1e18, 0));
        doors[n++] = abi.encodeCall(safe.batch, (new Call[](0)));
        doors[n++] = abi.encodeCall(safe.unlock, (""));
        doors[n++] = abi.encodeCall(safe.vaultSupply, (pool, 1, 0));
        doors[n++] = abi.encodeCall(safe.vaultWithdraw, (pool, 1, 1, address(attacker)));
        doors[n++] = abi.encodeCall(safe.reduceOnly, (id));
        doors[n++] = abi.encodeCall(safe.depositNative, (id, 1));
        doors[n++] = abi.encodeCall(safe.withdrawNative, (id, 1, address(attacker)));
        doors[n++] = abi.encodeCall(safe.permit, (address(token), alice, 1, MAX, 0, 0, 0));
        doors[n++] = abi.encodeCall(safe.setOff, (id, pool));
        doors[n++] = abi.encodeCall(safe.setModel, (id, 0));
        doors[n++] = abi.encodeCall(safe.withdrawBySig, (aliceId, pool, 1, false, address(attacker), signed));
        doors[n++] = abi.encodeCall(safe.transferBySig, (aliceId, id, pool, 1, false, signed));
        doors[n++] = abi.encodeCall(safe.collectReserves, (pool));
        doors[n++] = abi.encodeCall(safe.accrue, (pool));
        doors[n++] = abi.encodeCall(safe.portfolio, (aliceId));
        doors[n++] = abi.encodeCall(safe.touch, (aliceId));
        for (uint256 i; i < n; ++i) attacker.plan(address(safe), doors[i]);
        attacker.plan(address(vault), abi.encodeCall(vault.deposit, (1, address(attacker))));
        attacker.plan(address(vault), abi.encodeCall(vault.mint, (1, address(attacker))));
        attacker.plan(address(vault), abi.encodeCall(vault.redeem, (1, address(attacker), address(attacker))));
        attacker.plan(address(vault), abi.encodeCall(vault.withdraw, (1, address(attacker), address(attacker))));
        attacker.plan(address(lens), abi.encodeCall(lens.accountView, (aliceId)));
        attacker.plan(address(auction), abi.encodeCall(auction.status, (aliceId)));
        attacker.plan(address(auction), abi.encodeCall(auction.start, (aliceId, id)));
        return n + 7;
    }

    function _assertAllRefused(uint256 n) private view {
        assertEq(attacker.count(), n);
        for (uint256 i; i < n; ++i) {
            assertFalse(attacker.oks(i), "let in");
            assertEq(attacker.results(i), abi.encodeWithSelector(Reentered.selector));
        }
    }

    function test_NoDoorOpensInsideADeposit() public {
        uint256 n = _planDoors();
        _do(address(safe), abi.encodeCall(safe.deposit, (id, pool, 1e18)));
        _assertAllRefused(n);
        assertEq(safe.balanceOf(id, pool), 101e18);
    }

    function test_NoDoorOpensInsideAWithdrawal() public {
        uint256 n = _planDoors();
        _do(address(safe), abi.encodeCall(safe.withdraw, (id, pool, MAX, address(attacker))));
        _assertAllRefused(n);
        assertEq(safe.words(id)[0], 0);
        assertEq(token.balanceOf(address(attacker)), 900e18);
    }

    function test_NoDoorOpensInsideABorrowOrARepayment() public {
        safe.setEngine(address(new LenientEngine()));
        deposit(id, USDC, 1e6);
        uint256 n = _planDoors();
        _do(address(safe), abi.encodeCall(safe.borrow, (id, pool, 150e18, address(attacker))));
        _assertAllRefused(n);
        attacker.forget();
        n = _planDoors();
        _do(address(safe), abi.encodeCall(safe.repay, (id, pool, 20e18)));
        _assertAllRefused(n);
        assertEq(safe.balanceOf(id, pool), -30e18);
    }

    function test_NoDoorOpensInsideAStepOfABatch() public {
        uint256 n = _planDoors();
        bytes memory out = abi.encodeCall(safe.withdraw, (id, pool, 1e18, address(attacker)));
        _do(address(safe), abi.encodeCall(safe.batch, (calls(out))));
        _assertAllRefused(n);
    }

    function test_NoDoorOpensWhileLendersArePaid() public {
        uint256 n = _planDoors();
        _do(address(vault), abi.encodeCall(vault.redeem, (50e18, address(attacker), address(attacker))));
        _assertAllRefused(n);
        assertEq(vault.balanceOf(address(attacker)), 50e18);
    }

    function test_NoDoorOpensWhileEtherIsSent() public {
        deposit(id, WETH, 3e18);
        uint256 n = _planDoors();
        _do(address(safe), abi.encodeCall(safe.withdrawNative, (id, 1e18, address(attacker))));
        _assertAllRefused(n);
        attacker.forget();
        // the refund at the end of a session
        vm.deal(address(this), 1);
        n = _planDoors();
        attacker.execute{value: 1}(address(safe), abi.encodeCall(safe.batch, (new Call[](0))));
        _assertAllRefused(n);
    }

    /// While its tokens are on their way a lender may do anything but have them counted.
    function test_V1_V2_InsideALendersDepositTheBooksAreWhole() public {
        attacker.plan(address(safe), abi.encodeCall(safe.collectReserves, (pool)));
        attacker.plan(address(safe), abi.encodeCall(safe.withdraw, (id, pool, 10e18, alice)));
        attacker.plan(address(safe), abi.encodeCall(safe.portfolio, (id)));
        _do(address(vault), abi.encodeCall(vault.deposit, (5e18, address(attacker))));
        assertEq(attacker.results(0), abi.encodeWithSelector(Reentered.selector));
        assertTrue(attacker.oks(1) && attacker.oks(2));
        assertEq(vault.balanceOf(address(attacker)), 105e18);
        assertEq(vault.totalSupply(), 605e18);
        assertSolvent(pool);
    }

    /// A lender's tokens reach the safe before its claim: meanwhile they are nobody's reserve.
    function test_V1_TokensUnderWayAreNobodysReserve() public {
        LateToken late = new LateToken();
        AssetId asset = listPool(address(late));
        Vault lateVault = new Vault(safe, asset, "", "");
        safe.setVault(asset, address(lateVault));
        late.mint(alice, 100e18);
        vm.prank(alice);
        late.approve(address(lateVault), MAX);
        late.arm(address(safe), abi.encodeCall(safe.collectReserves, (asset)));
        vm.prank(alice);
        lateVault.deposit(50e18, alice);
        assertFalse(late.ok());
        assertEq(late.result(), abi.encodeWithSelector(Reentered.selector));
        vm.prank(alice);
        lateVault.mint(50e18, alice);
        assertSolvent(asset);
        assertEq(safe.balanceOf(fund.account(), asset), 0);
        late.arm(address(0), "");
        vm.prank(alice);
        assertEq(lateVault.redeem(100e18, alice, alice), 100e18);
        assertEq(safe.collectReserves(asset), 0);
    }

    /// Views that are open tell what holds before and after alike.
    function test_NoViewTellsHalfOfAChange() public {
        uint256 price = vault.convertToAssets(1e30);
        attacker.plan(address(vault), abi.encodeCall(vault.convertToAssets, (1e30)));
        attacker.plan(address(vault), abi.encodeCall(vault.maxWithdraw, (address(attacker))));
        attacker.plan(address(vault), abi.encodeCall(vault.maxDeposit, (address(attacker))));
        attacker.plan(address(safe), abi.encodeCall(safe.isLocked, ()));
        _do(address(safe), abi.encodeCall(safe.withdraw, (id, pool, 1e18, address(attacker))));
        assertEq(abi.decode(attacker.results(0), (uint256)), price);
        assertEq(abi.decode(attacker.results(1), (uint256)), 0);
        assertEq(abi.decode(attacker.results(2), (uint256)), 0);
        assertTrue(abi.decode(attacker.results(3), (bool)));
    }

    /// Doors without a lock change nothing but their caller's own leave.
    function test_ADoorWithoutALockGivesNoRights() public {
        attacker.plan(
            address(safe),
            abi.encodeCall(safe.setOperator, (aliceId, address(attacker), 3, type(uint40).max, false, new address[](0)))
        );
        attacker.plan(address(safe), abi.encodeCall(safe.cancelNonce, (5)));
        _do(address(safe), abi.encodeCall(safe.withdraw, (id, pool, 1e18, address(attacker))));
        assertFalse(attacker.oks(0));
        assertTrue(attacker.oks(1));
        assertFalse(safe.nonceUsed(alice, 5));
    }

    /// A token that calls whatever anybody tells it, from inside its own transfer.
    function test_AHostileTokenGetsInNowhere() public {
        ReentrantToken hostile = new ReentrantToken(18);
        AssetId asset = listPool(address(hostile));
        hostile.mint(alice, 100e18);
        vm.prank(alice);
        hostile.approve(address(safe), MAX);
        AccountId own = accountOf(address(hostile), 0);
        bytes[4] memory doors = [
            abi.encodeCall(safe.withdraw, (own, asset, 1, address(hostile))),
            abi.encodeCall(safe.deposit, (own, asset, 1)),
            abi.encodeCall(safe.batch, (new Call[](0))),
            abi.encodeCall(safe.collectReserves, (asset))
        ];
        for (uint256 i; i < 4; ++i) {
            hostile.arm(address(safe), doors[i], false);
            vm.prank(alice);
            safe.deposit(aliceId, asset, 1e18);
            assertFalse(hostile.lastOk());
            assertEq(hostile.lastResult(), abi.encodeWithSelector(Reentered.selector));
            hostile.arm(address(safe), doors[i], true);
            refuse(
                alice,
                abi.encodeCall(safe.withdraw, (aliceId, asset, 1, alice)),
                abi.encodeWithSelector(Reentered.selector)
            );
            hostile.arm(address(0), "", false);
        }
    }
}
