// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";
import {Instrument} from "../types/Position.sol";
import {PoolTest} from "../test/PoolTest.sol";

/// @title At unmoved prices nobody gains from the pool, whatever the sizes, the splits and the order
contract PoolRoundTripsTest is PoolTest {
    uint256 private constant STEPS = 6;

    function setUp() public override {
        super.setUp();
        deposit(aliceId, USDC, 3_000_000e6);
        deposit(bobId, USDC, 3_000_000e6);
    }

    /// @dev Somebody else's inventory to begin with; then alice trades in and out of everything and ends flat.
    /// hardhat-config: fuzz.runs = 24
    function testFuzz_A2_tradingThereAndBackNeverProfits(int64 start, int64[STEPS] memory sizes, uint8 kinds) public {
        _trade(bobId, ethPerp, int256(start) % 300e18);
        _trade(bobId, put2000, int256(start) % 90e18);
        int256 wealth = mtmOf(aliceId);
        for (uint256 i; i < STEPS; ++i) {
            Instrument instrument = _pick(kinds, i);
            int256 equity = pool.equity();
            uint256 low = lowPrice();
            _trade(aliceId, instrument, (int256(sizes[i]) * 17) % 120e18);
            assertGe(pool.equity() + 10, equity, "equity at mark");
            // the low mark is in whole token units, and each position's value is rounded
            assertGe(lowPrice() + 3e6, low, "what leavers get");
            (int256 worst, int256 best) = pool.marks();
            assertTrue(worst <= pool.equity() / 1e12 && pool.equity() / 1e12 <= best);
        }
        _close(aliceId);
        assertLe(mtmOf(aliceId), wealth, "a round trip profited");
    }

    /// @dev The same with a deposit somewhere on the way and everything back out at the end.
    /// hardhat-config: fuzz.runs = 16
    function testFuzz_V3_depositsAroundTradesNeverProfit(
        int64 start,
        int64[STEPS] memory sizes,
        uint8 enter,
        uint8 ask,
        uint64 assets
    ) public {
        _trade(bobId, ethPerp, int256(start) % 300e18);
        uint256 amount = bound(assets, 1e6, 5_000_000e6);
        int256 wealth = mtmOf(aliceId) + int256(amount) * 1e12;
        (enter, ask) = (enter % 6, ask % 6);
        if (ask < enter) (enter, ask) = (ask, enter);
        for (uint256 i; i < STEPS; ++i) {
            if (i == enter) provide(alice, amount);
            _trade(aliceId, ethPerp, (int256(sizes[i]) * 17) % 200e18);
            if (i == ask) request(alice, pool.balanceOf(alice));
        }
        // pump for the exit too, as far as it goes
        passAttested(DELAY);
        _trade(aliceId, ethPerp, (int256(sizes[0]) * 23) % 100e18);
        pool.fulfil(1);
        _close(aliceId);
        uint256 due = ledger.settleable(aliceId, poolId);
        if (due != 0) ledger.settle(aliceId, poolId, due);
        due = ledger.settleable(poolId, aliceId);
        if (due != 0) ledger.settle(poolId, aliceId, due);
        if (pool.maxRedeem(alice) == 0) return;
        claim(alice);
        int256 got = int256(sys.usdc.balanceOf(alice)) * 1e12 + mtmOf(aliceId);
        if (pool.pendingRedeemRequest(0, alice) == 0) assertLe(got, wealth, "in and out around trades profited");
    }

    function _pick(uint256 kinds, uint256 i) private view returns (Instrument) {
        uint256 k = (kinds >> i) % 4;
        if (k == 0) return ethPerp;
        if (k == 1) return call2000;
        return k == 2 ? put2000 : call2200;
    }

    /// @dev Where the pool's limits let it; what is refused changes nothing.
    function _trade(AccountId id, Instrument instrument, int256 size) private {
        if (size == 0) return;
        try this.swapAs(id, instrument, size) {} catch {
            return;
        }
    }

    function swapAs(AccountId id, Instrument instrument, int256 size) external {
        swap(id, instrument, size);
    }

    function _close(AccountId id) private {
        Instrument[4] memory all = [call2000, put2000, call2200, ethPerp];
        for (uint256 i; i < 4; ++i) {
            int256 size = sizeOf(id, all[i]);
            // dust that is worth less than a token unit has no bid, and stays at its mark
            if (size != 0) _trade(id, all[i], -size);
        }
    }
}
