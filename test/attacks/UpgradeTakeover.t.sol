// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

import {Fill, IPositions} from "../../contracts/interfaces/IPositions.sol";
import {ExchangeLedgerTest} from "../../contracts/test/ExchangeLedgerTest.sol";

/// @dev What Mallory would put behind the exchange's proxy: fills without orders.
contract EvilExchange is UUPSUpgradeable {
    function rob(IPositions ledger, Fill calldata f) external {
        ledger.fill(f);
    }

    function _authorizeUpgrade(address) internal override {}
}

/// @title Attack: upgrade by a stranger
/// @notice The exchange may book fills for any account. Mallory upgrades its proxy, or initialises, or upgrades the code behind it directly, or
/// fills without any exchange, and sells Alice a perp far above its price.
/// Defence: upgrades are the governor's (Exchange:_authorizeUpgrade, Positions:_authorizeUpgrade), nothing is there to initialise, and only the
/// exchange fills (Positions:fill).
/// Without: every account's equity.
contract UpgradeTakeoverTest is ExchangeLedgerTest {
    address private evil;

    function setUp() public override {
        super.setUp();
        evil = address(new EvilExchange());
    }

    /// @dev Alice buys from Carol, who is Mallory, at twice the price.
    function _robbery() private view returns (Fill memory f) {
        f = makeFill(aliceId, carolId, ethPerp, 10e18, 4_000e18);
    }

    function _attack(address target, bytes memory data) private {
        attempt(carol, target, data);
        attempt(carol, address(exchange), abi.encodeCall(EvilExchange.rob, (IPositions(address(ledger)), _robbery())));
        assertEq(unsettledOf(aliceId), 0, "robbed");
    }

    function test_NobodyUpgradesTheExchange() public {
        _attack(address(exchange), abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (evil, "")));
        // with what it does at once
        bytes memory rob = abi.encodeCall(EvilExchange.rob, (IPositions(address(ledger)), _robbery()));
        _attack(address(exchange), abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (evil, rob)));
        // the code behind, by itself, which holds nothing
        (bool ok, ) = address(implementation).call(abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (evil, "")));
        assertFalse(ok, "the code behind the proxy was upgraded");
    }

    function test_NobodyUpgradesTheLedger() public {
        _attack(address(ledger), abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (evil, "")));
        _attack(address(ledger), abi.encodeCall(ledger.setExchange, (carol)));
    }

    function test_NobodyFillsButTheExchange() public {
        _attack(address(ledger), abi.encodeCall(IPositions.fill, (_robbery())));
        EvilExchange own = EvilExchange(evil);
        attempt(carol, evil, abi.encodeCall(own.rob, (IPositions(address(ledger)), _robbery())));
        assertEq(unsettledOf(aliceId), 0, "robbed");
    }
}
