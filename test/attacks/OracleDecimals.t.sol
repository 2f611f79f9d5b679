// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {AttackTest, Victims} from "../../contracts/test/attacks/AttackTest.sol";
import {MockFeed} from "../../contracts/test/MockFeed.sol";
import {TestToken} from "../../contracts/test/TestToken.sol";

/// @title Attack: a feed with other decimals than the table says
/// @notice A table that names a feed of ten decimals as one of eight passes review: its collateral is worth a hundred times its price.
/// Defence: the factory asks every feed and every token for its decimals (TableCheck:_checkSources), and the governor installs what
/// the factory has made.
/// Without: a hundred times the collateral's worth.
contract OracleDecimalsTest is AttackTest {
    function _install() private returns (bool ok) {
        bytes memory made;
        (ok, made) = address(sys.factory).call(abi.encodeCall(sys.factory.create, (table())));
        if (ok) safe.setEngine(abi.decode(made, (address)));
    }

    function _assertNothingStolen() private {
        Victims memory before = victims();
        deposit(malloryId, WETH, 1e18);
        (bool lent, ) = attempt(
            mallory,
            address(safe),
            abi.encodeCall(safe.borrow, (malloryId, USDC, 100_000e6, mallory))
        );
        assertFalse(lent, "lent a hundred times its worth");
        assertVictimsWhole(before);
    }

    function test_AFeedOfMoreDecimals() public {
        sys.wethFeed = new MockFeed(10, 2_000e10);
        assertFalse(_install(), "the table was believed");
        _assertNothingStolen();
    }

    /// @dev The other way: a unit of account at a hundredth makes everything else dear.
    function test_AUnitOfFewerDecimals() public {
        sys.usdcFeed = new MockFeed(6, 2e6);
        assertFalse(_install(), "the table was believed");
        _assertNothingStolen();
    }

    /// @dev Nor a token's: listed with 18, it is 18 in the table or there is no table.
    function test_ATokenOfOtherDecimalsThanItsPlace() public {
        listIdle(address(new TestToken("Short", "SHRT", 2)));
        assertFalse(_install(), "a table without the new asset was believed");
        _assertNothingStolen();
    }
}
