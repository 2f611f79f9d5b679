// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ExpiryFeed} from "../interfaces/IAttestedFeed.sol";
import {LedgerTableBuilder} from "../test/LedgerTableBuilder.sol";
import {ModelTest} from "../test/ModelTest.sol";
import {Holding} from "../types/Holding.sol";
import {Position} from "../types/Position.sol";

/// @title Both margin models on a few portfolios, through the engine
/// @dev Their numbers are compared with exact models elsewhere; here is what must hold whatever the numbers are.
contract ModelsTest is ModelTest {
    uint8 private constant STANDARD = 0;
    uint8 private constant PORTFOLIO = 1;
    /// @dev What the factory is given: header, directory of two underlyings, then the first's rules: two words.
    uint256 private constant DIRECTORY = 32;
    uint256 private constant RULES = DIRECTORY + 2 * 32;

    Holding[] private none;

    function _hold(Position p) private {
        Position[] memory list = new Position[](1);
        list[0] = p;
        ledger.set(0, list);
    }

    function _hold(Position p, Position q) private {
        Position[] memory list = new Position[](2);
        (list[0], list[1]) = (p, q);
        ledger.set(0, list);
    }

    function _parameters() private pure returns (bytes memory) {
        uint256[] memory underlyings = new uint256[](2);
        (underlyings[0], underlyings[1]) = (ETH, BTC);
        return LedgerTableBuilder.parameters(underlyings);
    }

    /// @dev Sets bits of the word at `place` of the table.
    function _with(bytes memory data, uint256 place, uint256 bits) private pure returns (bytes memory) {
        assembly ("memory-safe") {
            let at := add(add(data, 32), place)
            mstore(at, or(mload(at), bits))
        }
        return data;
    }

    // ------------------------------------------------------------------ two prices

    /// O1: of two prices a liquidation takes the account's better one, new risk the worse.
    function test_O1_ModelsTakeTheWorsePriceForNewRiskAndTheBetterForALiquidation() public {
        haircuts[1].source = 1;
        rebuild();
        twap.setTick(-200_311 + 50, 0); // half a percent above
        for (uint8 model = STANDARD; model <= PORTFOLIO; ++model) {
            _hold(perp(ETH, 1e18));
            (, int256 long) = maintenanceOf(model, none);
            assertApproxEqRel(uint256(long), 2_010e18, 0.001e18);
            assertLt(initialOf(model, none), long - 2_010e18 + 2_000e18);
            _hold(perp(ETH, -1e18));
            (, int256 short) = maintenanceOf(model, none);
            assertApproxEqRel(uint256(-short), 2_000e18, 0.001e18);
            assertLt(initialOf(model, none), -2_009e18);
        }
    }

    /// Collateral beside positions counts with its full haircut: new risk is asked for more than a liquidation.
    function test_ModelsAskMoreOfNewRiskThanOfWhatIsThere() public {
        Holding[] memory collateral = one(WETH, 10e18);
        for (uint8 model = STANDARD; model <= PORTFOLIO; ++model) {
            _hold(perp(BTC, 0.1e18));
            (int256 mm, int256 mtm) = maintenanceOf(model, collateral);
            int256 initial_ = initialOf(model, collateral);
            assertLt(mm, mtm);
            // ten ether at 2,000 with 10 % and 3 % more
            assertLe(initial_, mm - 600e18);
        }
    }

    // ------------------------------------------------------------------ rounding

    /// What one side gains by rounding, the other would have to pay: nobody does.
    function test_OptionsAreValuedDownForBothSides() public {
        for (uint8 model = STANDARD; model <= PORTFOLIO; ++model) {
            int256 lost;
            for (int256 size = 1; size < 8; ++size) {
                _hold(option(ETH, 2_100, true, size));
                (, int256 long) = maintenanceOf(model, none);
                _hold(option(ETH, 2_100, true, -size));
                (, int256 short) = maintenanceOf(model, none);
                assertLe(long + short, 0);
                assertGe(long + short, -2);
                lost -= long + short;
            }
            if (model == STANDARD) assertGt(lost, 0);
        }
    }

    // ------------------------------------------------------------------ confidence

    /// The less certain half of an expiry counts, whichever it is.
    function test_LittleConfidenceInEitherHalfAsksForMore() public {
        // the charge begins below .9 and is a tenth of the missing confidence
        useLedgerTable(_with(_parameters(), RULES + 32, (uint256(9_000) << 128) | (uint256(1_000) << 112)));
        _hold(option(ETH, 2_000, true, -1e18));
        int256 certain = initialOf(STANDARD, none);
        ExpiryFeed memory f = expiryFeed(2_000e18, 0.8e18, 14 days);
        f.forwardConfidence = 0.5e18;
        scripted.setExpiry(ETH, EXPIRY, f);
        int256 forward = initialOf(STANDARD, none);
        (f.forwardConfidence, f.volConfidence) = (1e18, 0.5e18);
        scripted.setExpiry(ETH, EXPIRY, f);
        assertEq(certain - forward, 100e18); // .5 · .1 · 2,000
        assertEq(initialOf(STANDARD, none), forward);
    }

    // ------------------------------------------------------------------ product groups

    /// In a group a long pays for a short in part; one's own group and no other.
    function test_PositionsOfAGroupOffset() public {
        _hold(perp(ETH, 15e18), perp(BTC, -1e18));
        int256 apart = initialOf(PORTFOLIO, none);
        bytes memory data = _parameters();
        uint256 group = (uint256(1) << 240) | (uint256(5_000) << 224);
        data = _with(_with(data, DIRECTORY, group), DIRECTORY + 32, group);
        useLedgerTable(data);
        int256 together = initialOf(PORTFOLIO, none);
        assertGt(together, apart);
        // the same direction offsets nothing
        _hold(perp(ETH, 15e18), perp(BTC, 1e18));
        int256 same = initialOf(PORTFOLIO, none);
        useLedgerTable(_parameters());
        assertApproxEqAbs(initialOf(PORTFOLIO, none), same, 2);
    }
}
