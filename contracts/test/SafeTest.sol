// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {Call, IMarginAccountsErrors, PoolConfig, PoolState} from "../interfaces/IMarginAccounts.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";
import {SafeFixture} from "./SafeFixture.sol";

/// @title Actors, and refusals that must be exact and change nothing, on the whole system
abstract contract SafeTest is SafeFixture, IMarginAccountsErrors {
    uint256 internal constant MAX = type(uint256).max;
    uint8 internal constant TRADE = 1;
    uint8 internal constant WITHDRAW = 2;
    AssetId internal constant NOWHERE = AssetId.wrap(900);

    address internal alice;
    address internal bob;
    address internal carol;
    address internal stranger;
    uint256 internal aliceKey;
    /// @dev Account 0 of each.
    AccountId internal aliceId;
    AccountId internal bobId;
    AccountId internal carolId;
    AccountId internal strangerId;

    function setUp() public virtual override {
        super.setUp();
        (alice, aliceKey) = makeAddrAndKey("alice");
        (bob, carol, stranger) = (makeAddr("bob"), makeAddr("carol"), makeAddr("stranger"));
        (aliceId, bobId) = (accountOf(alice, 0), accountOf(bob, 0));
        (carolId, strangerId) = (accountOf(carol, 0), accountOf(stranger, 0));
    }

    /// @dev Tokens of every pool, and leave for the safe to take them.
    function equip(address who) internal {
        give(who, USDC, 1_000_000e6);
        give(who, WETH, 1_000e18);
        give(who, WBTC, 100e8);
        give(who, STETH, 1_000e18);
        vm.deal(who, 1_000 ether);
    }

    /// @dev 10 WETH against 16,000 USDC: initial 18,400 − 16,000, maintenance 19,000 − 16,000.
    function openLong(AccountId account) internal {
        deposit(account, WETH, 10e18);
        borrow(account, USDC, 16_000e6);
    }

    /// @dev A pool without vault and without a place in the risk table.
    function listPool(address token) internal returns (AssetId asset) {
        mint(token, address(this), 100);
        SafeERC20.forceApprove(IERC20(token), address(safe), 100);
        asset = safe.listAsset(token, true, 100);
        safe.configurePool(asset, _poolConfig());
    }

    function listIdle(address token) internal returns (AssetId asset) {
        mint(token, address(this), 100);
        SafeERC20.forceApprove(IERC20(token), address(safe), 100);
        asset = safe.listAsset(token, false, 100);
        safe.setCollateralCap(asset, type(uint96).max >> 1, 0);
    }

    function killFeeds() internal {
        for (uint16 n = 1; n <= 3; ++n) feedOf(AssetId.wrap(n)).setUpdatedAt(1);
        feedOf(STETH).setUpdatedAt(1);
    }

    // ------------------------------------------------------------------ calls

    function call(bytes memory data) internal pure returns (Call memory) {
        return Call(address(0), data);
    }

    function calls(bytes memory a) internal pure returns (Call[] memory list) {
        list = new Call[](1);
        list[0] = call(a);
    }

    function calls(bytes memory a, bytes memory b) internal pure returns (Call[] memory list) {
        list = new Call[](2);
        (list[0], list[1]) = (call(a), call(b));
    }

    function calls(bytes memory a, bytes memory b, bytes memory c) internal pure returns (Call[] memory list) {
        list = new Call[](3);
        (list[0], list[1], list[2]) = (call(a), call(b), call(c));
    }

    function calls(
        bytes memory a,
        bytes memory b,
        bytes memory c,
        bytes memory d
    ) internal pure returns (Call[] memory list) {
        list = new Call[](4);
        (list[0], list[1], list[2], list[3]) = (call(a), call(b), call(c), call(d));
    }

    function batch(address who, Call[] memory list) internal returns (bytes[] memory) {
        vm.prank(who);
        return safe.batch(list);
    }

    // ------------------------------------------------------------------ refusals

    /// @dev The call must fail with exactly `reason` and leave words, pools, rooms, nonces and balances as they were.
    function refuse(address who, bytes memory data, bytes memory reason) internal {
        refuse(who, address(safe), 0, data, reason);
    }

    function refuse(address who, address target, uint256 value, bytes memory data, bytes memory reason) internal {
        bytes32 before = fingerprint();
        vm.prank(who);
        (bool ok, bytes memory result) = target.call{value: value}(data);
        assertFalse(ok, "not refused");
        assertEq(result, reason, "another reason");
        assertEq(fingerprint(), before, "something changed");
    }

    /// @dev Whatever comes of it.
    function attempt(address who, address target, bytes memory data) internal returns (bool ok, bytes memory result) {
        vm.prank(who);
        (ok, result) = target.call{value: 0}(data);
    }

    /// @dev The same at the end of a session: the reason comes unwrapped.
    function refuseBatch(address who, Call[] memory list, bytes memory reason) internal {
        refuse(who, abi.encodeCall(safe.batch, (list)), reason);
    }

    /// @dev The same in step `index` of a session: the reason comes wrapped.
    function refuseStep(address who, Call[] memory list, uint256 index, bytes memory reason) internal {
        refuseBatch(who, list, abi.encodeWithSelector(CallFailed.selector, index, reason));
    }

    /// @dev All that a refused call must leave alone.
    function fingerprint() internal view returns (bytes32 print) {
        address[7] memory who = [alice, bob, carol, stranger, lender, whale.owner(), address(fund)];
        for (uint256 i; i < who.length; ++i) {
            print = keccak256(
                abi.encode(
                    print,
                    safe.words(accountOf(who[i], 0)),
                    safe.words(accountOf(who[i], 1)),
                    safe.nonceUsed(who[i], 0),
                    who[i].balance,
                    [sys.usdc.balanceOf(who[i]), sys.weth.balanceOf(who[i]), sys.wbtc.balanceOf(who[i])],
                    [sys.steth.balanceOf(who[i]), sys.usdcVault.balanceOf(who[i]), sys.wethVault.balanceOf(who[i])]
                )
            );
        }
        (uint16 pools, uint16 idles) = safe.assetCounts();
        for (uint16 n = 1; n <= pools; ++n) print = keccak256(abi.encode(print, _poolPrint(AssetIdLib.pool(n))));
        for (uint16 n = 1; n <= idles; ++n) {
            AssetId asset = AssetIdLib.idle(n);
            print = keccak256(abi.encode(print, safe.collateralRoom(asset), _held(asset), safe.outflowLeft(asset)));
        }
        return keccak256(abi.encode(print, address(safe).balance, safe.isLocked(), safe.inSession()));
    }

    function _poolPrint(AssetId pool) private view returns (bytes32) {
        (uint256 s, uint256 d) = safe.poolWords(pool);
        uint256 room = safe.collateralRoom(AssetIdLib.vaultShare(pool.number()));
        return keccak256(abi.encode(s, d, room, safe.outflowLeft(pool), _held(pool)));
    }

    function _held(AssetId asset) internal view returns (uint256) {
        return IERC20(tokenOf(asset)).balanceOf(address(safe));
    }

    // ------------------------------------------------------------------ books

    /// @dev V1 in one pool.
    function assertSolvent(AssetId pool) internal view {
        PoolState memory p = safe.poolState(pool);
        assertGe(_held(pool) + p.debts, p.claims, "V1");
    }

    function _config(AssetId pool) internal view returns (PoolConfig memory) {
        return safe.poolConfig(pool);
    }
}
