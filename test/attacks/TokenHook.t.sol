// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {AttackTest, Victims} from "../../contracts/test/attacks/AttackTest.sol";
import {CallbackToken, ITokenHooks} from "../../contracts/test/CallbackToken.sol";
import {IMarginAccounts} from "../../contracts/interfaces/IMarginAccounts.sol";
import {AccountId} from "../../contracts/types/AccountId.sol";
import {Vault} from "../../contracts/vaults/Vault.sol";

/// @dev Repays a little; while the token asks it for the payment, it takes collateral out that the repayment then writes back.
contract Hooker is ITokenHooks {
    IMarginAccounts private immutable _safe;
    bytes private _inside;
    bool public got;

    constructor(IMarginAccounts safe) {
        _safe = safe;
    }

    function arm(bytes calldata inside) external {
        _inside = inside;
    }

    function execute(address target, bytes calldata data) external returns (bool ok) {
        (ok, ) = target.call(data);
    }

    function tokensToSend(address, address, uint256) external {
        _attack();
    }

    function tokensReceived(address, address, uint256) external {
        _attack();
    }

    function _attack() private {
        if (_inside.length == 0) return;
        bytes memory inside = _inside;
        delete _inside;
        (bool ok, ) = address(_safe).call(inside);
        if (ok) got = true;
    }
}

/// @dev A token that calls out after it has moved: what it moved lies in the safe and is not booked yet.
contract LateHookToken is CallbackToken {
    address private _after;
    bytes private _data;

    constructor(uint8 decimals_) CallbackToken(decimals_) {}

    function armAfter(address target, bytes calldata data) external {
        (_after, _data) = (target, data);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        address target = _after;
        if (target == address(0)) return;
        _after = address(0);
        (bool ok, ) = target.call(_data);
        ok;
    }
}

/// @title Attack: a token with hooks (ERC-777)
/// @notice USDC turns into a token that asks its payer first. A repayment reads the account, pulls the tokens and writes the account: what
/// Mallory withdraws in between would be written back. Or a deposit under way is collected as the pool's reserve.
/// Defence: one lock over every door (Sessions:_lock); a lender's deposit under way is nobody's reserve (Pools:_requireNoneUnderWay).
/// Without: any collateral in the safe, twice as much with every call.
contract TokenHookTest is AttackTest {
    Hooker private hooker;
    AccountId private id;

    function setUp() public override {
        super.setUp();
        hooker = new Hooker(safe);
        id = accountOf(address(hooker), 0);
        deposit(id, WETH, 100e18);
        mint(address(sys.usdc), address(hooker), 50_000e6);
        hooker.execute(address(sys.usdc), abi.encodeCall(IERC20.approve, (address(safe), MAX)));
        hooker.execute(address(safe), abi.encodeCall(safe.borrow, (id, USDC, 10_000e6, address(hooker))));
        // the same token, upgraded: storage as it was, hooks behind it
        vm.etch(address(sys.usdc), address(new LateHookToken(6)).code);
        hooker.execute(address(sys.usdc), abi.encodeCall(CallbackToken.setHook, (hooker)));
    }

    function _try(bytes memory inside, bytes memory outside) private {
        hooker.arm(inside);
        hooker.execute(address(safe), outside);
    }

    function test_NothingIsTakenOutInsideARepayment() public {
        Victims memory before = victims();
        int256 worth = worthOf(address(hooker));
        bytes memory take = abi.encodeCall(safe.withdraw, (id, WETH, 40e18, address(hooker)));
        for (uint256 i; i < 3; ++i) _try(take, abi.encodeCall(safe.repay, (id, USDC, 1_000e6)));
        _try(take, abi.encodeCall(safe.deposit, (id, USDC, 1_000e6)));
        _try(take, abi.encodeCall(safe.borrow, (id, USDC, 1_000e6, address(hooker))));
        assertFalse(hooker.got(), "a door within a door");
        assertLe(worthOf(address(hooker)), worth, "stolen");
        assertVictimsWhole(before);
    }

    function test_ADepositUnderWayIsNobodysReserve() public {
        give(alice, USDC, 10_000e6);
        Vault vault = sys.usdcVault;
        LateHookToken token = LateHookToken(address(sys.usdc));
        token.armAfter(address(safe), abi.encodeCall(safe.collectReserves, (USDC)));
        vm.prank(alice);
        uint256 shares = vault.deposit(10_000e6, alice);
        assertSolvent(USDC);
        vm.prank(alice);
        assertGe(vault.redeem(shares, alice, alice), 10_000e6 - 1);
        assertSolvent(USDC);
    }
}
