// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import {FLAG_POST_ONLY, Match, Order, SignedOrder} from "../../contracts/interfaces/IExchange.sol";
import {ExchangeLedgerTest} from "../../contracts/test/ExchangeLedgerTest.sol";
import {AccountId} from "../../contracts/types/AccountId.sol";

/// @dev Says whether it signed by burning all the gas there is.
contract GasBurner is IERC1271 {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        while (true) {}
        return 0;
    }
}

/// @title Attack: order spam
/// @notice Orders are free to sign. Mallory fills the matcher's batches with orders that fail on-chain: of contracts that burn gas on the
/// question whether they signed, without margin, cancelled a moment before. Honest fills behind them should not get through.
/// Defence: each fill is a scope of its own, skipped and reported (Exchange:fillOrders); a signature costs bounded gas
/// (Signatures:_isSigned).
/// Without: one order stops a batch, or eats the block's gas.
contract OrderSpamTest is ExchangeLedgerTest {
    uint256 private constant SPAM = 8;
    AccountId private constant NOBODY = AccountId.wrap(0);

    function setUp() public override {
        super.setUp();
        scale.setToy(true);
    }

    function _good() private returns (Match memory) {
        Order memory maker = plain(aliceId, ethPerp, -1e18, 1e18, 2_000e18);
        Order memory taker = plain(bobId, ethPerp, 1e18, 1e18, 2_000e18);
        return matchOf(maker, aliceKey, taker, bobKey, 1e18);
    }

    function _byBurner() private returns (Match memory m) {
        GasBurner burner = new GasBurner();
        m = _good();
        Order memory o = plain(accountOf(address(burner), 0), ethPerp, -1e18, 1e18, 2_000e18);
        m.maker = SignedOrder(o, address(burner), "");
        m.maker.signature = hex"00";
        m.maker.order.salt = 0;
    }

    function _byPauper(uint256 i) private returns (Match memory) {
        (address pauper, uint256 key) = makeAddrAndKey(string(abi.encode("pauper", i)));
        Order memory maker = plain(accountOf(pauper, 0), ethPerp, -1e18, 1e18, 2_000e18);
        Order memory taker = plain(bobId, ethPerp, 1e18, 1e18, 2_000e18);
        return matchOf(maker, key, taker, bobKey, 1e18);
    }

    function _cancelled() private returns (Match memory m) {
        Order memory maker = plain(carolId, ethPerp, -1e18, 1e18, 2_000e18);
        maker.flags = FLAG_POST_ONLY;
        Order memory taker = plain(bobId, ethPerp, 1e18, 1e18, 2_000e18);
        m = matchOf(maker, carolKey, taker, bobKey, 1e18);
        vm.prank(carol);
        exchange.cancel(carolId, maker.nonce);
    }

    function test_AGoodFillComesThrough() public {
        Match[] memory list = new Match[](SPAM + 1);
        for (uint256 i; i < SPAM; ++i)
            list[i] =
                i % 2 == 0
                    ? _byBurner()
                    : i % 4 == 1
                        ? _byPauper(i)
                        : _cancelled();
        list[SPAM] = _good();
        vm.prank(stranger);
        // the last fill is asked for with what a whole one may take; a block has 30M, a transaction 16.7M
        (bool ok, bytes memory out) = address(exchange).call{gas: 16_000_000}(
            abi.encodeCall(exchange.fillOrders, (list, NOBODY))
        );
        assertTrue(ok, "spam stopped a batch");
        bool[] memory filled = abi.decode(out, (bool[]));
        for (uint256 i; i < SPAM; ++i) assertFalse(filled[i]);
        assertTrue(filled[SPAM], "spam stopped a good fill");
        assertEq(sizeOf(bobId, ethPerp), 1e18);
    }
}
