// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {SafeFixture, System} from "../test/SafeFixture.sol";
import {AuctionHandler} from "../test/invariant/AuctionHandler.sol";
import {DoorLog} from "../test/invariant/DoorLog.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {DebtWord, SupplyWord} from "../types/PoolWords.sol";
import {Vault} from "../vaults/Vault.sol";

/// @title All moves on the whole system
contract SafeHandler is AuctionHandler {
    constructor(System memory s) {
        _init(s);
    }

    /// @notice The moves of a random run.
    function moves() external view returns (bytes4[] memory list) {
        bytes4[] memory still = this.stillMoves();
        list = new bytes4[](still.length + 4);
        for (uint256 i; i < still.length; ++i) list[i] = still[i];
        uint256 n = still.length;
        (list[n++], list[n++]) = (this.drift.selector, this.crash.selector);
        (list[n++], list[n]) = (this.rally.selector, this.checkpoint.selector);
    }

    /// @notice Those that leave prices and requirements alone.
    function stillMoves() external pure returns (bytes4[] memory list) {
        list = new bytes4[](31);
        uint256 n;
        (list[n++], list[n++], list[n++]) = (this.deposit.selector, this.withdraw.selector, this.borrow.selector);
        (list[n++], list[n++], list[n++]) = (this.repay.selector, this.setOff.selector, this.transfer.selector);
        (list[n++], list[n++], list[n++]) = (this.batch.selector, this.operate.selector, this.giveStranger.selector);
        (list[n++], list[n++], list[n++]) = (this.repayStranger.selector, this.donate.selector, this.collect.selector);
        (list[n++], list[n++], list[n++]) = (this.accrue.selector, this.lend.selector, this.redeem.selector);
        (list[n++], list[n++], list[n++]) = (this.roundTrip.selector, this.vaultRoundTrip.selector, this.exit.selector);
        (list[n++], list[n++], list[n++]) = (this.wait.selector, this.failFeed.selector, this.leverage.selector);
        (list[n++], list[n++], list[n++]) = (this.flash.selector, this.reduce.selector, this.pend.selector);
        (list[n++], list[n++], list[n++]) = (this.start.selector, this.poke.selector, this.end.selector);
        (list[n++], list[n++], list[n++]) = (this.bid.selector, this.startAndBid.selector, this.settle.selector);
        list[n] = this.quit.selector;
    }
}

/// @title What always holds of the safe, after any moves of anybody (DESIGN 10)
abstract contract SafeInvariantsBase is SafeFixture, DoorLog {
    uint256 private constant POOLS = 3;
    uint256 private constant ACCOUNTS = 8;
    /// @dev Bids on one account after which its auction counts as stuck.
    uint256 private constant PATIENCE = 8;

    /// @dev What moves reach while prices stand still, and what only falling or failing prices lead to.
    string[] internal still = [
        "deposit",
        "withdraw",
        "borrow",
        "repay",
        "setOff",
        "transfer",
        "batch",
        "operate",
        "giveStranger",
        "repayStranger",
        "donate",
        "collect",
        "accrue",
        "lend",
        "redeem",
        "roundTrip",
        "vaultRoundTrip",
        "exit",
        "wait",
        "failFeed",
        "leverage",
        "flash",
        "reduce",
        "pend",
        "settle",
        "quit"
    ];
    string[] internal moving = [
        "crash",
        "rally",
        "checkpoint",
        "reduceUnhealthy",
        "start",
        "poke",
        "end",
        "bid",
        "bidPartial",
        "bidInsolvent",
        "fundPays",
        "writeOff",
        "startAndBid"
    ];

    SafeHandler internal handler;
    /// @dev All accounts that there are.
    AccountId[] internal tracked;

    function setUp() public virtual override {
        super.setUp();
        handler = new SafeHandler(sys);
        authority.grantRole(0, address(handler), 0);
        safe.setPositions(handler.neighbourAddress());
        for (uint256 i; i < ACCOUNTS; ++i) tracked.push(handler.accountAt(i));
        tracked.push(whale);
        tracked.push(fund.account());
        targetContract(address(handler));
        _targets();
    }

    function _targets() internal virtual {
        targetSelector(FuzzSelector(address(handler), handler.moves()));
    }

    /// @dev L1: however a run ended, all auctions can be ended too.
    function _drain() internal {
        handler.arm();
        tracked.push(handler.purse());
        for (uint256 i; i < ACCOUNTS; ++i) {
            for (uint256 k; !handler.isOver(i); ++k) {
                assertLt(k, PATIENCE, "an auction without end");
                handler.bring(i);
                handler.rescue(i);
            }
        }
    }

    /// @dev No move has seen the invariant broken.
    function _holds(bytes32 id) internal view {
        assertEq(handler.broken(id), "");
    }

    /// @dev V1: what the safe has and is owed covers what it owes.
    function _checkCover() internal view {
        for (uint16 n = 1; n <= POOLS; ++n) {
            AssetId pool = AssetId.wrap(n);
            (uint256 supplyWord, uint256 debtWord) = safe.poolWords(pool);
            DebtWord d = DebtWord.wrap(debtWord);
            uint256 debts = (d.debtShares() * d.index()) / 1e15;
            uint256 tokens = IERC20(tokenOf(pool)).balanceOf(address(safe));
            assertGe(tokens + debts, SupplyWord.wrap(supplyWord).claims(), "claims are not covered");
        }
        assertGe(sys.steth.balanceOf(address(safe)), safe.totalCollateral(STETH), "idle collateral is not there");
    }

    /// @dev V2: accounts and vault holders add up to the pools' totals.
    function _checkTotals() internal view {
        // by asset id: pools in 0x000, idle in 0x400, vault shares in 0x800
        int256[8] memory owned;
        int256[8] memory owed;
        for (uint256 i; i < tracked.length; ++i) {
            uint256[] memory w = safe.words(tracked[i]);
            uint256 count = AccountFlags.wrap(uint24(w[0] >> 232)).count();
            for (uint256 k; k < count; ++k) {
                uint256 entry = w[k / 2] >> ((k % 2) * 116);
                int256 shares = int256(int104(uint104(entry)));
                uint256 place = _place(uint16(entry >> 104) & 0xfff);
                if (shares > 0) owned[place] += shares;
                else owed[place] -= shares;
            }
        }
        for (uint16 n = 1; n <= POOLS; ++n) {
            (uint256 supplyWord, uint256 debtWord) = safe.poolWords(AssetId.wrap(n));
            assertEq(uint256(owned[n]), SupplyWord.wrap(supplyWord).accountShares(), "accounts' supply shares");
            assertEq(uint256(owed[n]), DebtWord.wrap(debtWord).debtShares(), "accounts' debt shares");
        }
        assertEq(uint256(owned[4]), safe.totalCollateral(STETH), "idle total");
        assertEq(uint256(owned[5]), safe.totalCollateral(USDC_SHARE), "USDC share total");
        assertEq(uint256(owned[6]), safe.totalCollateral(WETH_SHARE), "WETH share total");
        _checkHolders(sys.usdcVault, uint256(owned[5]));
        _checkHolders(sys.wethVault, uint256(owned[6]));
    }

    function _checkHolders(Vault vault, uint256 collateral) private view {
        uint256 inSafe = vault.balanceOf(address(safe));
        assertGe(inSafe, collateral, "vault shares in the safe");
        uint256 sum = inSafe + vault.balanceOf(lender);
        for (uint256 i; i < 4; ++i) sum += vault.balanceOf(handler.actorAt(i));
        assertEq(sum, vault.totalSupply(), "holders and lender shares");
    }

    function _place(uint256 asset) private pure returns (uint256) {
        if (asset < 0x400) return asset;
        return asset == 0x401 ? 4 : 4 + (asset & 0x3ff);
    }
}

/// @dev Every function is a campaign of its own, so they are few: each move checks what it can by itself, and all of them run in
/// each campaign.
contract SafeInvariants is SafeInvariantsBase {
    function invariant_V1_V2_V3_ClaimsAreCoveredSharesAddUpAndPricesFallOnlyInWriteOffs() public view {
        _checkCover();
        _checkTotals();
        _holds("V3");
    }

    function invariant_A1_A2_A3_A4_StrangersNeverHarmAndWhoActedPassed() public view {
        _holds("A1");
        _holds("A2");
        _holds("A3");
        _holds("A4");
    }

    function invariant_L1_L2_O1_LiquidationCannotBeStuckOrGamed() public view {
        _holds("L1");
        _holds("L2");
        _holds("O1");
    }

    function afterInvariant() public {
        _logDoors(address(handler), still);
        _logDoors(address(handler), moving);
        _drain();
        _checkCover();
        _checkTotals();
        _holds("L1");
    }
}

/// @dev The same moves while prices stand still: nobody has to be liquidated, so all that actors own can only shrink, by the
/// interest and reserves that others earn.
contract SafeStillInvariants is SafeInvariantsBase {
    /// @dev A cent for all roundings of a run.
    uint256 private constant DUST = 0.01e18;

    uint256 private start;

    function setUp() public override {
        super.setUp();
        start = handler.equity();
    }

    function _targets() internal override {
        targetSelector(FuzzSelector(address(handler), handler.stillMoves()));
    }

    function invariant_A2_NobodyTakesOutMoreThanWasPutIn() public {
        assertLe(handler.equity(), start + DUST);
    }

    function afterInvariant() public {
        _logDoors(address(handler), still);
    }
}

/// @title A long scripted run: no move of the random ones is empty
contract SafeMovesTest is SafeInvariantsBase {
    /// @dev `MOVES` in the environment overrides it. (Whoever reads the environment is not replayed with traces when it fails,
    /// which for so many calls would not fit into memory.)
    uint256 private constant MOVES = 4_000;

    function test_EveryMoveIsReached() public {
        bytes4[] memory moves = handler.moves();
        uint256 count = vm.envOr("MOVES", MOVES);
        for (uint256 i; i < count; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(i)));
            // the moves are a list of selectors
            // solhint-disable-next-line avoid-low-level-calls
            (bool ok, ) = address(handler).call(
                abi.encodeWithSelector(moves[seed % moves.length], _random(seed, 1), _random(seed, 2), _random(seed, 3))
            );
            assertTrue(ok, "a move reverted");
            if (i % 32 == 0) _checkCover();
        }
        _checkTotals();
        _drain();
        _requireDone(still);
        _requireDone(moving);
        bytes32[8] memory ids = [bytes32("V3"), "A1", "A2", "A3", "A4", "L1", "L2", "O1"];
        for (uint256 i; i < ids.length; ++i) _holds(ids[i]);
    }

    function _requireDone(string[] memory names) private view {
        for (uint256 i; i < names.length; ++i) assertGt(handler.done(bytes32(bytes(names[i]))), 0, names[i]);
    }

    function _random(uint256 seed, uint256 salt) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, salt)));
    }
}
