// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {IMarginAccounts} from "../../interfaces/IMarginAccounts.sol";
import {SettlementPrices} from "../../oracles/SettlementPrices.sol";
import {AssetIdLib} from "../../types/AssetId.sol";
import {BaseTest} from "../BaseTest.sol";
import {IndexStub} from "../IndexStub.sol";
import {MockFeed} from "../MockFeed.sol";
import {StubSafe} from "../StubSafe.sol";

/// @title An expiry three hours ahead, and a feed that spikes in the last half hour before it
abstract contract ExpiryTest is BaseTest {
    uint8 internal constant USDC = 1;
    uint8 internal constant ETH = 2;
    uint256 internal constant WINDOW = 30 minutes;

    StubSafe internal safe;
    MockFeed internal eth;
    MockFeed internal usdc;
    SettlementPrices internal prices;
    uint40 internal expiry;

    function setUp() public virtual {
        vm.warp(1_700_000_000);
        safe = new StubSafe();
        IndexStub index = new IndexStub();
        safe.setEngine(address(index));
        eth = new MockFeed(8, 2_000e8);
        usdc = new MockFeed(8, 1e8);
        index.setPrimary(AssetIdLib.pool(ETH), IndexStub.Primary(address(eth), 1 hours, 8, 1e8, 100_000e8));
        index.setPrimary(AssetIdLib.pool(USDC), IndexStub.Primary(address(usdc), 24 hours, 8, 0.01e8, 100e8));
        prices = new SettlementPrices(IMarginAccounts(address(safe)));
        expiry = uint40(block.timestamp + 3 hours);
    }

    function id(uint256 number) internal pure returns (uint80) {
        return uint80((1 << 64) | number);
    }

    /// @dev 2,000 but for five minutes at 3,000 in the middle of the window; rounds 2 to 7, and 8 after the expiry.
    function spike() internal {
        vm.warp(expiry - WINDOW - 10 minutes);
        eth.setAnswer(2_000e8); // 2
        vm.warp(expiry - 25 minutes);
        eth.setAnswer(2_000e8); // 3
        vm.warp(expiry - 15 minutes);
        eth.setAnswer(3_000e8); // 4
        vm.warp(expiry - 10 minutes);
        eth.setAnswer(2_000e8); // 5
        vm.warp(expiry - 5 minutes);
        eth.setAnswer(2_000e8); // 6
        vm.warp(expiry - 10);
        eth.setAnswer(2_400e8); // 7
    }

    /// @dev What everybody must come to: (1,490 s · 2,000 + 300 · 3,000 + 10 · 2,400) / 1,800.
    function honest() internal pure returns (uint256) {
        return uint256(1_490 * 2_000e18 + 300 * 3_000e18 + 10 * 2_400e18) / 1_800;
    }

    /// @dev Whatever comes of it.
    function submit(uint8 asset, uint80[] memory rounds) internal returns (bool ok) {
        (ok, ) = address(prices).call(abi.encodeCall(prices.submit, (asset, expiry, rounds)));
    }

    function one(uint256 a) internal pure returns (uint80[] memory list) {
        list = new uint80[](1);
        list[0] = id(a);
    }

    function range(uint256 from, uint256 to) internal pure returns (uint80[] memory list) {
        list = new uint80[](to - from + 1);
        for (uint256 i; i < list.length; ++i) list[i] = id(from + i);
    }
}
