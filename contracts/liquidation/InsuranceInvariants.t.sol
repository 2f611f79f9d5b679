// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// a refused move is a move; `send` is a move's name
// solhint-disable avoid-low-level-calls, check-send-result

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {SafeHandler} from "../accounts/SafeInvariants.t.sol";
import {SafeFixture, System} from "../test/SafeFixture.sol";
import {FixedPoint} from "../types/FixedPoint.sol";

/// @title People stake in the fund and leave it while accounts fail
contract StakingHandler is SafeHandler {
    /// @dev A token unit for each rounding on the way.
    uint256 private constant GRAIN = 2;

    constructor(System memory s) SafeHandler(s) {
        for (uint256 i; i < ACTORS; ++i) {
            actors[i].approve(address(sys.usdc), address(sys.fund));
            _call(i, address(sys.fund), abi.encodeCall(sys.fund.deposit, (5_000e6, address(actors[i]))));
        }
    }

    function stakingMoves() external pure returns (bytes4[] memory list) {
        list = new bytes4[](14);
        uint256 n;
        (list[n++], list[n++], list[n++]) = (this.stake.selector, this.ask.selector, this.takeOut.selector);
        (list[n++], list[n++], list[n++]) = (this.send.selector, this.gift.selector, this.sync.selector);
        (list[n++], list[n++], list[n++]) = (this.crash.selector, this.rally.selector, this.wait.selector);
        (list[n++], list[n++], list[n++]) = (this.start.selector, this.poke.selector, this.bid.selector);
        (list[n++], list[n++]) = (this.end.selector, this.borrow.selector);
    }

    /// @dev No move of a staker moves the price for the others.
    modifier keepsPrice() {
        vm.warp(time);
        uint256 before = sys.fund.stakeIndex();
        _;
        uint256 index = sys.fund.stakeIndex();
        // a known loss is rounded to whole pool shares
        uint256 grain = (GRAIN * 1e27) / FixedPoint.max(sys.fund.totalSupply(), 1) + 1;
        if (index > before + grain || before > index + grain) _break("V3", "a staker moved the price");
    }

    function stake(uint256 who, uint256 size) external keepsPrice {
        uint256 amount = FixedPoint.min(_amount(USDC, size), sys.fund.maxDeposit(address(0)));
        address owner = address(_actor(who));
        uint256 worth = sys.fund.convertToAssets(sys.fund.balanceOf(owner));
        (bool ok, ) = _call(who, address(sys.fund), abi.encodeCall(sys.fund.deposit, (amount, owner)));
        if (sys.fund.convertToAssets(sys.fund.balanceOf(owner)) > worth + amount + GRAIN) {
            _break("V3", "a stake is worth more than was paid");
        }
        _did("stake", ok);
    }

    function ask(uint256 who, uint256 part) external keepsPrice {
        uint256 shares = (sys.fund.balanceOf(address(_actor(who))) * (1 + (part % 8))) / 8;
        (bool ok, ) = _call(who, address(sys.fund), abi.encodeCall(sys.fund.requestExit, (shares)));
        _did("ask", ok);
    }

    /// @dev Waits for the window if it is not open yet. What the fund says can leave, leaves.
    function takeOut(uint256 who, uint256 part) external {
        address owner = address(_actor(who));
        (uint256 asked, uint256 from, uint256 until) = sys.fund.exitOf(owner);
        if (asked == 0 || until < time) return;
        if (from > time) _later(from);
        else _takeOut(who, owner, part);
    }

    function _takeOut(uint256 who, address owner, uint256 part) private keepsPrice {
        uint256 most = sys.fund.maxRedeem(owner);
        uint256 shares = part & 1 == 0 ? most : (most * (part % 100)) / 100;
        uint256 worth = sys.fund.convertToAssets(shares);
        uint256 had = sys.usdc.balanceOf(owner);
        (bool ok, ) = _call(who, address(sys.fund), abi.encodeCall(sys.fund.redeem, (shares, owner, owner)));
        if (!ok) _break("A3", "a staker could not take what maxRedeem promised");
        if (sys.usdc.balanceOf(owner) > had + worth) _break("L2", "a staker took more than his part");
        _did("leave", ok && shares != 0);
    }

    function _later(uint256 from) private {
        time = from;
        vm.warp(time);
        for (uint256 i; i < 4; ++i) _publish(i);
        _did("ripen", true);
    }

    function send(uint256 who, uint256 other, uint256 part) external keepsPrice {
        uint256 shares = (sys.fund.balanceOf(address(_actor(who))) * (part % 9)) / 8;
        (bool ok, ) = _call(who, address(sys.fund), abi.encodeCall(IERC20.transfer, (address(_actor(other)), shares)));
        _did("send", ok);
    }

    function gift(uint256 who, uint256 size) external {
        vm.warp(time);
        (bool ok, ) = _call(who, address(sys.fund), abi.encodeCall(sys.fund.donate, (_amount(USDC, size) / 50)));
        _did("gift", ok);
    }

    function sync(uint256 who) external keepsPrice {
        _call(who, address(sys.fund), abi.encodeCall(sys.fund.sync, ()));
    }

    function now_() external view returns (uint256) {
        return time;
    }
}

/// @title The fund's two parts are what the fund has, whatever happens
contract InsuranceInvariants is SafeFixture {
    StakingHandler private handler;

    function setUp() public override {
        super.setUp();
        // so little of its own that losses reach the stakes
        fund.withdrawOwn(USDC, INSURANCE_SEED - 2_000e6, address(this));
        handler = new StakingHandler(sys);
        authority.grantRole(0, address(handler), 0);
        safe.setPositions(handler.neighbourAddress());
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), handler.stakingMoves()));
    }

    function _check() private {
        vm.warp(handler.now_());
        assertEq(handler.broken("V3"), "");
        assertEq(handler.broken("A3"), "");
        assertEq(handler.broken("L2"), "");
        uint256 sum;
        for (uint256 i; i < 4; ++i) sum += fund.convertToAssets(fund.balanceOf(handler.actorAt(i)));
        assertLe(sum, fund.totalAssets(), "stakes");
        assertLe(fund.totalAssets() + fund.ownPart(), fund.balance() + 1, "more than there is");
        if (fund.knownLoss() != 0) return;
        assertGe(fund.totalAssets() + fund.ownPart() + 2, fund.balance(), "less than there is");
        assertLe(fund.totalAssets(), sum + 8, "somebody's stake is nobody's");
    }

    /// hardhat-config: invariant.runs = 24
    function invariant_L2_V3_OwnPartAndStakesAreTheFund() public {
        _check();
    }

    function test_EveryStakingMoveIsReached() public {
        bytes4[] memory moves = handler.stakingMoves();
        for (uint256 i; i < 700; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("stakes", i)));
            (bool ok, ) = address(handler).call(
                abi.encodeWithSelector(moves[seed % moves.length], seed >> 8, seed >> 72, seed >> 136)
            );
            assertTrue(ok, "a move reverted");
            if (i % 16 == 0) _check();
        }
        _check();
        bytes32[8] memory names = [
            bytes32("stake"),
            "ask",
            "ripen",
            "leave",
            "send",
            "gift",
            "fundPays",
            "bidInsolvent"
        ];
        for (uint256 i; i < names.length; ++i) {
            assertGt(handler.done(names[i]), 0, string(abi.encodePacked(names[i])));
        }
        assertLt(fund.stakeIndex(), 1e27, "no loss reached the stakes");
    }
}
