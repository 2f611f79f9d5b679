// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {ILiquidationAuction} from "../interfaces/ILiquidationAuction.sol";
import {Call} from "../interfaces/IMarginAccounts.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {SessionUser, Step} from "../test/SessionUser.sol";
import {AccountId} from "../types/AccountId.sol";
import {CallForwarder} from "./CallForwarder.sol";

/// @dev Opens a session of its own when called from inside somebody else's.
contract Nester {
    SessionUser public immutable user;

    constructor(SessionUser user_) {
        user = user_;
    }

    function nest(Step[] calldata steps) external {
        user.run(steps);
    }
}

/// @title Batches, unlocks, nesting, native value
contract SessionsTest is SafeTest {
    SessionUser internal user;
    AccountId internal userId;

    function setUp() public override {
        super.setUp();
        equip(alice);
        equip(bob);
        user = new SessionUser(safe);
        userId = accountOf(address(user), 0);
        equip(address(user));
    }

    function _safeStep(bytes memory data) private view returns (Step memory) {
        return Step(address(safe), 0, data);
    }

    function _steps(bytes memory a, bytes memory b) private view returns (Step[] memory list) {
        list = new Step[](2);
        (list[0], list[1]) = (_safeStep(a), _safeStep(b));
    }

    // ------------------------------------------------------------------ deferred check

    function test_A2_TheCheckWaitsForTheEndOfTheBatch() public {
        // first the money, then what backs it
        batch(
            alice,
            calls(
                abi.encodeCall(safe.borrow, (aliceId, USDC, 16_000e6, alice)),
                abi.encodeCall(safe.deposit, (aliceId, WETH, 10e18))
            )
        );
        assertEq(debtOf(aliceId, USDC), 16_000e6);
        refuseBatch(
            bob,
            calls(
                abi.encodeCall(safe.borrow, (bobId, USDC, 20_000e6, bob)),
                abi.encodeCall(safe.deposit, (bobId, WETH, 10e18))
            ),
            abi.encodeWithSelector(InsufficientMargin.selector, bobId, -1_600e18)
        );
    }

    function test_A2_EveryAccountOfTheSessionIsChecked() public {
        deposit(aliceId, WETH, 10e18);
        AccountId second = accountOf(alice, 1);
        bytes memory transfer = abi.encodeCall(safe.transfer, (aliceId, second, WETH, 10e18, false));
        bytes memory borrow2 = abi.encodeCall(safe.borrow, (second, USDC, 16_000e6, alice));
        bytes memory back = abi.encodeCall(safe.transfer, (second, aliceId, WETH, 10e18, false));
        bytes memory borrow1 = abi.encodeCall(safe.borrow, (aliceId, USDC, 16_000e6, alice));
        // the same collateral cannot carry two debts
        refuseBatch(
            alice,
            calls(transfer, borrow2, back, borrow1),
            abi.encodeWithSelector(InsufficientMargin.selector, second, -16_000e18)
        );
    }

    function test_ABatchReturnsWhatItsStepsReturned() public {
        bytes[] memory results = batch(
            alice,
            calls(
                abi.encodeCall(safe.deposit, (aliceId, WETH, 10e18)),
                abi.encodeCall(safe.withdraw, (aliceId, WETH, MAX, alice)),
                abi.encodeCall(safe.balanceOf, (aliceId, WETH))
            )
        );
        assertEq(results[0].length, 0);
        assertEq(abi.decode(results[1], (uint256)), 10e18);
        assertEq(abi.decode(results[2], (int256)), 0);
    }

    function test_AFailingStepUndoesTheBatch() public {
        refuseStep(
            alice,
            calls(
                abi.encodeCall(safe.deposit, (aliceId, WETH, 10e18)),
                abi.encodeCall(safe.withdraw, (aliceId, WETH, 11e18, alice))
            ),
            1,
            abi.encodeWithSelector(InsufficientBalance.selector, aliceId, WETH, 10e18)
        );
    }

    // ------------------------------------------------------------------ nesting

    function test_A2_NestedBatchesAreCheckedWithTheOutermost() public {
        Call[] memory inner = calls(abi.encodeCall(safe.borrow, (aliceId, USDC, 16_000e6, alice)));
        batch(alice, calls(abi.encodeCall(safe.batch, (inner)), abi.encodeCall(safe.deposit, (aliceId, WETH, 10e18))));
        assertEq(debtOf(aliceId, USDC), 16_000e6);
        refuseBatch(
            bob,
            calls(
                abi.encodeCall(safe.batch, (calls(abi.encodeCall(safe.borrow, (bobId, USDC, 1e6, bob))))),
                abi.encodeCall(safe.setModel, (bobId, 0))
            ),
            abi.encodeWithSelector(InsufficientMargin.selector, bobId, -1e18)
        );
    }

    /// A step of Alice's batch reaches a contract that opens its own session: it acts for itself, and its debt is checked
    /// with hers.
    function test_A2_ASessionInsideASessionActsForItsOwnCaller() public {
        deposit(userId, WETH, 10e18);
        Nester nester = new Nester(user);
        Step[] memory own = _steps(
            abi.encodeCall(safe.borrow, (userId, USDC, 16_000e6, address(user))),
            abi.encodeCall(safe.deposit, (userId, WETH, 1e18))
        );
        Call[] memory list = calls(
            abi.encodeCall(safe.borrow, (aliceId, USDC, 1_600e6, alice)),
            "",
            abi.encodeCall(safe.deposit, (aliceId, WETH, 1e18))
        );
        list[1] = Call(address(nester), abi.encodeCall(Nester.nest, (own)));
        batch(alice, list);
        assertEq(debtOf(userId, USDC), 16_000e6);
        assertEq(debtOf(aliceId, USDC), 1_600e6);

        // it has none of Alice's rights
        own = _steps(
            abi.encodeCall(safe.deposit, (userId, WETH, 1e18)),
            abi.encodeCall(safe.withdraw, (aliceId, WETH, 1, address(user)))
        );
        list = calls("");
        list[0] = Call(address(nester), abi.encodeCall(Nester.nest, (own)));
        bytes memory reason = abi.encodeWithSelector(NotAuthorized.selector, aliceId, address(user), WITHDRAW);
        reason = abi.encodeWithSelector(SessionUser.StepFailed.selector, 1, reason);
        refuseStep(alice, list, 0, reason);
    }

    function test_A2_AnUnlockIsChecked() public {
        user.run(
            _steps(
                abi.encodeCall(safe.borrow, (userId, USDC, 16_000e6, address(user))),
                abi.encodeCall(safe.deposit, (userId, WETH, 10e18))
            )
        );
        vm.expectRevert(abi.encodeWithSelector(InsufficientMargin.selector, userId, -5_800e18));
        user.run(
            _steps(
                abi.encodeCall(safe.withdraw, (userId, WETH, 5e18, address(user))),
                abi.encodeCall(safe.repay, (userId, USDC, 1_000e6))
            )
        );
    }

    function test_A4_NothingStaysOfASession() public {
        openLong(aliceId);
        batch(
            alice,
            calls(
                abi.encodeCall(safe.reduceOnly, (aliceId)),
                abi.encodeCall(safe.repay, (aliceId, USDC, 1_000e6)),
                abi.encodeCall(safe.withdraw, (aliceId, WETH, 0.01e18, alice))
            )
        );
        // the same transaction goes on
        assertFalse(safe.inSession());
        assertFalse(safe.isLocked());
        assertFalse(safe.isPending(aliceId));
        batch(
            alice,
            calls(
                abi.encodeCall(safe.withdraw, (aliceId, WETH, 0.01e18, alice)),
                abi.encodeCall(safe.isPending, (aliceId))
            )
        );
    }

    function test_A4_APendingAccountIsUntouchable() public {
        setPrice(WETH, 2_000e8);
        deposit(userId, WETH, 10e18);
        Step[] memory list = new Step[](2);
        list[0] = _safeStep(abi.encodeCall(safe.borrow, (userId, USDC, 50_000e6, address(user))));
        list[1] = Step(address(auction), 0, abi.encodeCall(auction.start, (userId, bobId)));
        bytes memory reason = abi.encodeWithSelector(ILiquidationAuction.CheckPending.selector, userId);
        vm.expectRevert(abi.encodeWithSelector(SessionUser.StepFailed.selector, 1, reason));
        user.run(list);
    }

    /// Borrow, send out, start, bid by a friend, in one unlock: the bid is refused while the check is pending.
    function test_A4_NoSelfLiquidationInsideOneUnlock() public {
        deposit(userId, WETH, 10e18);
        deposit(bobId, USDC, 500_000e6);
        vm.prank(bob);
        safe.setOperator(bobId, address(user), TRADE, type(uint40).max, false, new address[](0));
        bytes memory reason = abi.encodeWithSelector(CheckPending.selector, userId);
        vm.expectRevert(abi.encodeWithSelector(SessionUser.StepFailed.selector, 1, reason));
        user.run(
            _steps(
                abi.encodeCall(safe.borrow, (userId, USDC, 50_000e6, address(user))),
                abi.encodeCall(safe.bid, (userId, bobId, 1e18, 0))
            )
        );
    }

    /// A4: the pending mark of one account does not go with the check of another.
    function test_A4_AnAccountStaysPendingUntilTheOutermostCallEnds() public {
        Call[] memory inner = calls(
            abi.encodeCall(safe.borrow, (aliceId, USDC, 16_000e6, alice)),
            abi.encodeCall(safe.isPending, (aliceId))
        );
        bytes[] memory results = batch(
            alice,
            calls(
                abi.encodeCall(safe.batch, (inner)),
                abi.encodeCall(safe.isPending, (aliceId)),
                abi.encodeCall(safe.deposit, (aliceId, WETH, 10e18))
            )
        );
        assertTrue(abi.decode(results[1], (bool)));
    }

    function test_TheSessionEndsAreBounded() public {
        deposit(aliceId, USDC, 1_000e6);
        Call[] memory list = new Call[](50);
        for (uint96 i; i < 50; ++i) {
            // every step acts on one more account
            list[i] = call(abi.encodeCall(safe.setModel, (accountOf(alice, i), 0)));
        }
        refuseStep(alice, list, 48, abi.encodeWithSelector(TooManyTouched.selector));
        assembly {
            mstore(list, 48)
        }
        batch(alice, list);
    }

    // ------------------------------------------------------------------ the forwarder

    function _forwarder() private view returns (CallForwarder) {
        return CallForwarder(vm.computeCreateAddress(address(safe), 1));
    }

    function test_TheForwarderServesTheSafeAlone() public {
        CallForwarder forwarder = _forwarder();
        assertGt(address(forwarder).code.length, 0);
        refuse(
            alice,
            address(forwarder),
            0,
            abi.encodeCall(forwarder.forward, (address(sys.usdc), "")),
            abi.encodeWithSelector(CallForwarder.OnlySafe.selector, alice)
        );
        Call[] memory list = calls("");
        list[0] = Call(address(forwarder), abi.encodeCall(forwarder.forward, (address(sys.usdc), "")));
        refuseStep(alice, list, 0, abi.encodeWithSelector(CallForwarder.OnlySafe.selector, address(forwarder)));
    }

    /// A batch cannot use the safe's tokens, nor the leave that others gave the safe.
    function test_ABatchDoesNotCallTokensAsTheSafe() public {
        address forwarder = address(_forwarder());
        Call[] memory list = calls("");
        list[0] = Call(address(sys.usdc), abi.encodeCall(IERC20.transfer, (alice, 1)));
        refuseStep(
            alice,
            list,
            0,
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, forwarder, 0, 1)
        );
        list[0] = Call(address(sys.usdc), abi.encodeCall(IERC20.transferFrom, (bob, alice, 1)));
        refuseStep(
            alice,
            list,
            0,
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, forwarder, 0, 1)
        );
        list[0] = Call(address(sys.usdcVault), abi.encodeCall(IERC20.transferFrom, (lender, alice, 1)));
        refuseStep(
            alice,
            list,
            0,
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, forwarder, 0, 1)
        );
    }

    function test_TheForwarderIsNobody() public {
        // neither an owner, nor the governor, nor a vault
        Call[] memory list = calls("");
        list[0] = Call(address(auction), abi.encodeCall(auction.poke, (aliceId)));
        refuseStep(alice, list, 0, abi.encodeWithSelector(ILiquidationAuction.NoAuction.selector, aliceId));
        deposit(aliceId, USDC, 1e6);
        list[0] = Call(
            address(user),
            abi.encodeCall(user.execute, (address(safe), 0, abi.encodeCall(safe.withdraw, (aliceId, USDC, 1, bob))))
        );
        refuseStep(alice, list, 0, abi.encodeWithSelector(NotAuthorized.selector, aliceId, address(user), WITHDRAW));
    }

    // ------------------------------------------------------------------ native

    function test_NativeValueIsSharedInABatch() public {
        vm.prank(alice);
        safe.batch{value: 5 ether}(
            calls(
                abi.encodeCall(safe.depositNative, (aliceId, 2 ether)),
                abi.encodeCall(safe.depositNative, (accountOf(alice, 1), 2.5 ether))
            )
        );
        assertEq(safe.balanceOf(aliceId, WETH), 2 ether);
        assertEq(safe.balanceOf(accountOf(alice, 1), WETH), 2.5 ether);
        assertEq(alice.balance, 995.5 ether, "the rest comes back");
        assertEq(address(safe).balance, 0);
        assertEq(_held(WETH), WETH_SEED + 4.5 ether);
    }

    function test_NativeValueIsNotCountedTwice() public {
        Call[] memory list = calls(
            abi.encodeCall(safe.depositNative, (aliceId, 3 ether)),
            abi.encodeCall(safe.depositNative, (aliceId, 3 ether))
        );
        bytes memory reason = abi.encodeWithSelector(NativeValueMismatch.selector, 3 ether, 2 ether);
        refuse(
            alice,
            address(safe),
            5 ether,
            abi.encodeCall(safe.batch, (list)),
            abi.encodeWithSelector(CallFailed.selector, 1, reason)
        );
        // nor through a batch in the batch
        list = calls(
            abi.encodeCall(safe.depositNative, (aliceId, 3 ether)),
            abi.encodeCall(safe.batch, (calls(abi.encodeCall(safe.depositNative, (aliceId, 3 ether)))))
        );
        reason = abi.encodeWithSelector(CallFailed.selector, 0, reason);
        refuse(
            alice,
            address(safe),
            5 ether,
            abi.encodeCall(safe.batch, (list)),
            abi.encodeWithSelector(CallFailed.selector, 1, reason)
        );
    }

    function test_NativeValueMustMatchOutsideASession() public {
        refuse(
            alice,
            address(safe),
            2 ether,
            abi.encodeCall(safe.depositNative, (aliceId, 1 ether)),
            abi.encodeWithSelector(NativeValueMismatch.selector, 1 ether, 2 ether)
        );
        refuse(alice, address(safe), 1 ether, "", abi.encodeWithSelector(NativeValueMismatch.selector, 0, 1 ether));
        vm.prank(alice);
        safe.depositNative{value: 1 ether}(aliceId, 1 ether);
        assertEq(safe.balanceOf(aliceId, WETH), 1 ether);
    }

    function test_NativeComesOutUnwrapped() public {
        deposit(aliceId, WETH, 2 ether);
        vm.prank(alice);
        assertEq(safe.withdrawNative(aliceId, MAX, carol), 2 ether);
        assertEq(carol.balance, 2 ether);
        user.refuseEther(true);
        deposit(aliceId, WETH, 2 ether);
        refuse(
            alice,
            abi.encodeCall(safe.withdrawNative, (aliceId, 1 ether, address(user))),
            abi.encodeWithSelector(TokenFailed.selector, address(0))
        );
    }

    function test_TheRestOfANestedSessionGoesToTheOutermostCaller() public {
        Nester nester = new Nester(user);
        Call[] memory list = calls("");
        list[0] = Call(address(nester), abi.encodeCall(Nester.nest, (new Step[](0))));
        vm.prank(alice);
        safe.batch{value: 1 ether}(list);
        assertEq(alice.balance, 1_000 ether);
        assertEq(address(safe).balance, 0);
    }

    /// Ether forced upon the safe must not stop a contract that takes none.
    function test_ForcedEtherBlocksNobody() public {
        user.refuseEther(true);
        vm.deal(address(safe), 1);
        assertEq(address(safe).balance, 1);
        user.run(new Step[](0));
        deposit(userId, USDC, 1e6);
        user.execute(
            address(safe),
            0,
            abi.encodeCall(safe.batch, (calls(abi.encodeCall(safe.withdraw, (userId, USDC, 1, bob)))))
        );
    }

    /// What the caller sent is his: if he cannot take it back, his session fails.
    function test_AnUntakenRefundFailsTheSession() public {
        user.refuseEther(true);
        refuse(
            alice,
            address(user),
            1 ether,
            abi.encodeCall(user.run, (new Step[](0))),
            abi.encodeWithSelector(TokenFailed.selector, address(0))
        );
    }

    // ------------------------------------------------------------------ permit

    function _permit(uint256 deadline) private view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                alice,
                address(safe),
                500e6,
                sys.usdc.nonces(alice),
                deadline
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", sys.usdc.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, digest);
        return abi.encodeCall(safe.permit, (address(sys.usdc), alice, 500e6, deadline, v, r, s));
    }

    function test_APermitServesInsideABatch() public {
        vm.prank(alice);
        sys.usdc.approve(address(safe), 0);
        bytes memory permit = _permit(block.timestamp);
        bytes memory data = abi.encodeCall(safe.deposit, (aliceId, USDC, 500e6));
        uint256 snapshot = vm.snapshotState();
        batch(alice, calls(permit, data));
        assertEq(safe.balanceOf(aliceId, USDC), 500e6);
        assertEq(sys.usdc.allowance(alice, address(safe)), 0);

        // somebody used it first: the leave is there, the batch goes on
        vm.revertToState(snapshot);
        (bool ok, ) = attempt(stranger, address(safe), permit);
        assertTrue(ok);
        batch(alice, calls(permit, data));
        assertEq(safe.balanceOf(aliceId, USDC), 500e6);
    }

    function test_RefusesAnExpiredPermit() public {
        vm.prank(alice);
        sys.usdc.approve(address(safe), 0);
        uint256 deadline = block.timestamp - 1;
        refuseStep(
            alice,
            calls(_permit(deadline), abi.encodeCall(safe.deposit, (aliceId, USDC, 500e6))),
            0,
            abi.encodeWithSelector(PermitFailed.selector, address(sys.usdc), alice, deadline)
        );
    }

    /// A permit of Alice's lets nobody else spend: the safe takes only from its caller.
    function test_APermitIsOfUseToItsOwnerAlone() public {
        vm.prank(alice);
        sys.usdc.approve(address(safe), 0);
        bytes memory permit = _permit(block.timestamp);
        uint256 all = sys.usdc.balanceOf(bob);
        vm.prank(bob);
        sys.usdc.transfer(carol, all);
        refuseStep(
            bob,
            calls(permit, abi.encodeCall(safe.deposit, (bobId, USDC, 500e6))),
            1,
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, bob, 0, 500e6)
        );
    }
}
