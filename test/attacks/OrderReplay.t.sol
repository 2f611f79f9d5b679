// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {Match, Order} from "../../contracts/interfaces/IExchange.sol";
import {Exchange} from "../../contracts/markets/Exchange.sol";
import {ExchangeLedgerTest} from "../../contracts/test/ExchangeLedgerTest.sol";
import {AccountId} from "../../contracts/types/AccountId.sol";

/// @title Attack: a signed order used again
/// @notice Alice signs one order at a price that is bad for her a day later. Mallory (Bob) fills it again, in parts beyond its size, after its
/// time, after she has cancelled it, for another account of hers, on a fork of the chain, and by another exchange.
/// Defence: nonces and the filled size (Nonces:_consume), expiry (Nonces:_requireLive), account, chain and contract in what is signed
/// (Exchange:fillOrder, Signatures:_requireSigned).
/// Without: her equity, an order at a time.
contract OrderReplayTest is ExchangeLedgerTest {
    AccountId private constant NOBODY = AccountId.wrap(0);

    function setUp() public override {
        super.setUp();
        deposit(accountOf(alice, 1), USDC, 100_000e6);
    }

    /// @dev She sells one ETH at 2,000.
    function _order() private returns (Order memory) {
        return plain(aliceId, ethPerp, -1e18, 1e18, 2_000e18);
    }

    /// @dev Bob takes `size` of it, with a fresh order of his own.
    function _take(Exchange where, Match memory m, uint128 size) private returns (bool ok) {
        m.taker = signed(plain(bobId, ethPerp, 1e18, size, 2_000e18), bobKey);
        m.size = size;
        (ok, ) = attempt(bob, address(where), abi.encodeCall(where.fillOrder, (m, NOBODY)));
    }

    function _match(Order memory o) private returns (Match memory) {
        return matchOf(o, aliceKey, plain(bobId, ethPerp, 1e18, 1e18, 2_000e18), bobKey, 1e18);
    }

    function test_AgainAndInParts() public {
        Match memory m = _match(_order());
        for (uint256 i; i < 5; ++i) _take(exchange, m, 1e18);
        assertEq(sizeOf(aliceId, ethPerp), -1e18, "filled beyond its size");
        m = _match(_order());
        for (uint256 i; i < 9; ++i) _take(exchange, m, 0.3e18);
        assertGe(sizeOf(aliceId, ethPerp), -2e18, "filled beyond its size in parts");
    }

    function test_AfterItsTimeOrItsEnd() public {
        Match memory m = _match(_order());
        skip(1 hours + 1);
        _take(exchange, m, 1e18);
        assertEq(sizeOf(aliceId, ethPerp), 0, "filled after its time");
        Order memory o = _order();
        m = _match(o);
        vm.prank(alice);
        exchange.cancel(aliceId, o.nonce);
        _take(exchange, m, 1e18);
        assertEq(sizeOf(aliceId, ethPerp), 0, "filled after its end");
    }

    function test_ForAnotherAccount() public {
        Match memory m = _match(_order());
        m.maker.order.account = accountOf(alice, 1);
        _take(exchange, m, 1e18);
        assertEq(sizeOf(accountOf(alice, 1), ethPerp), 0, "filled for another account");
    }

    function test_OnAForkAndByAnotherExchange() public {
        Match memory m = _match(_order());
        Exchange code = new Exchange(safe, address(ledger), address(authority));
        Exchange other = Exchange(address(new ERC1967Proxy(address(code), abi.encodeCall(code.safe, ()))));
        ledger.setExchange(address(other));
        // Bob may sign anew, for whom and where he likes; she has not
        Exchange first = exchange;
        exchange = other;
        _take(other, m, 1e18);
        assertEq(sizeOf(aliceId, ethPerp), 0, "filled by another exchange");
        exchange = first;
        ledger.setExchange(address(first));
        // his own signature from here or from there
        m.taker = signed(plain(bobId, ethPerp, 1e18, 1e18, 2_000e18), bobKey);
        vm.chainId(block.chainid + 1);
        attempt(bob, address(first), abi.encodeCall(first.fillOrder, (m, NOBODY)));
        _take(first, m, 1e18);
        assertEq(sizeOf(aliceId, ethPerp), 0, "filled on a fork");
    }
}
