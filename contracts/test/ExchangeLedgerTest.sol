// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {FeeTier} from "../interfaces/IExchange.sol";
import {Exchange} from "../markets/Exchange.sol";
import {LedgerTest} from "./LedgerTest.sol";
import {OrderSigner} from "./OrderSigner.sol";

/// @title The exchange on the real ledger and the real safe; makers pay .02 % and takers .05 %
abstract contract ExchangeLedgerTest is LedgerTest, OrderSigner {
    Exchange internal exchange;
    uint256 internal bobKey;
    uint256 internal carolKey;

    function setUp() public virtual override {
        super.setUp();
        (, bobKey) = makeAddrAndKey("bob");
        (, carolKey) = makeAddrAndKey("carol");
        Exchange code = new Exchange(safe, address(ledger), address(authority));
        exchange = Exchange(address(new ERC1967Proxy(address(code), abi.encodeCall(code.safe, ()))));
        ledger.setExchange(address(exchange));
        FeeTier[] memory tiers = new FeeTier[](1);
        tiers[0] = FeeTier(0, 200, 500, 200, 500);
        exchange.setFees(tiers, 1_250);
    }

    function _verifier() internal view override returns (address) {
        return address(exchange);
    }
}
