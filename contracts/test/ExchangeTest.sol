// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {IExchangeErrors, IExchangeEvents, Match, Order} from "../interfaces/IExchange.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {Exchange} from "../markets/Exchange.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {Instrument, InstrumentLib} from "../types/Position.sol";
import {ExchangeSafeStub, MidPriceStub, PositionsStub} from "./ExchangeStubs.sol";
import {OrderSigner} from "./OrderSigner.sol";

/// @title The exchange on a ledger that only notes what it is asked
abstract contract ExchangeTest is OrderSigner, IExchangeErrors, IExchangeEvents {
    uint256 internal constant START = 1_700_000_000;
    uint8 internal constant ETH = 2;
    uint8 internal constant BTC = 3;
    AccountId internal constant NOBODY = AccountId.wrap(0);
    int256 internal constant BUY = 1e18;
    int256 internal constant SELL = -1e18;

    AccessManager internal authority;
    ExchangeSafeStub internal safe;
    MidPriceStub internal index;
    PositionsStub internal ledger;
    Exchange internal exchange;

    address internal alice;
    address internal bob;
    address internal carol;
    address internal keeper;
    uint256 internal aliceKey;
    uint256 internal bobKey;
    uint256 internal carolKey;
    AccountId internal aliceId;
    AccountId internal bobId;
    AccountId internal carolId;
    AccountId internal keeperId;
    Instrument internal ethPerp = InstrumentLib.perp(ETH);
    Instrument internal ethCall = InstrumentLib.option(ETH, uint40(START + 30 days), 2_000e8, true);
    Instrument internal ethPut = InstrumentLib.option(ETH, uint40(START + 30 days), 2_000e8, false);

    function setUp() public virtual {
        vm.warp(START);
        (alice, aliceKey) = makeAddrAndKey("alice");
        (bob, bobKey) = makeAddrAndKey("bob");
        (carol, carolKey) = makeAddrAndKey("carol");
        keeper = makeAddr("keeper");
        (aliceId, bobId) = (AccountIdLib.make(alice, 0), AccountIdLib.make(bob, 0));
        (carolId, keeperId) = (AccountIdLib.make(carol, 0), AccountIdLib.make(keeper, 0));
        authority = new AccessManager(address(this));
        index = new MidPriceStub();
        index.set(ETH, 2_000e18);
        index.set(BTC, 50_000e18);
        safe = new ExchangeSafeStub(address(index));
        ledger = new PositionsStub();
        Exchange code = new Exchange(IMarginAccounts(address(safe)), address(ledger), address(authority));
        exchange = Exchange(address(new ERC1967Proxy(address(code), abi.encodeCall(code.safe, ()))));
    }

    function _verifier() internal view override returns (address) {
        return address(exchange);
    }

    /// @dev Alice sells, Bob buys later: she is the maker.
    function pair(uint256 size, uint256 price) internal returns (Order memory maker, Order memory taker) {
        maker = plain(aliceId, ethPerp, SELL, size, price);
        taker = plain(bobId, ethPerp, BUY, size, price);
    }

    /// @dev A match of Alice's with Bob's.
    function matched(Order memory maker, Order memory taker, uint256 size) internal view returns (Match memory) {
        return matchOf(maker, aliceKey, taker, bobKey, size);
    }

    function fill(Order memory maker, Order memory taker, uint256 size) internal {
        exchange.fillOrder(matched(maker, taker, size), NOBODY);
    }

    function refuse(Match memory m, bytes memory reason) internal {
        uint256 before = ledger.count();
        vm.expectRevert(reason);
        exchange.fillOrder(m, NOBODY);
        assertEq(ledger.count(), before);
    }

    function refuse(Order memory maker, Order memory taker, uint256 size, bytes memory reason) internal {
        refuse(matched(maker, taker, size), reason);
    }
}
