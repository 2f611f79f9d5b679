// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Margins, ModelInput, UnderlyingPrice} from "../interfaces/IMarginModel.sol";
import {PerpState} from "../interfaces/IPositions.sol";
import {BaseTest} from "../test/BaseTest.sol";
import {LedgerTableBuilder} from "../test/LedgerTableBuilder.sol";
import {ScriptedFeeds} from "../test/ModelParts.sol";
import {InstrumentLib, Position} from "../types/Position.sol";
import {LedgerTableFactory} from "./LedgerTableFactory.sol";
import {NormalTable} from "./NormalTable.sol";
import {StandardModel} from "./StandardModel.sol";

/// @title What live open interest may move
contract LedgerReaderTest is BaseTest {
    uint8 private constant ETH = 2;
    uint256 private constant NEW_RISK = 0;
    uint256 private constant LIQUIDATION = 1;
    uint256 private constant MID = 2;

    StandardModel private model;
    address private table;

    function setUp() public {
        ScriptedFeeds feeds = new ScriptedFeeds();
        model = new StandardModel(feeds, feeds, address(new NormalTable()));
        uint256[] memory underlyings = new uint256[](1);
        underlyings[0] = ETH;
        bytes memory parameters = LedgerTableBuilder.parameters(underlyings);
        // 10 % more above a notional of a million, κ 100 %; the rules follow two words of head and directory
        uint256 bracket = (uint256(1_000_000) << 160) | (uint256(1_000) << 144) | (uint256(10_000) << 48);
        assembly ("memory-safe") {
            let rules := add(parameters, 0x60)
            mstore(rules, or(mload(rules), bracket))
        }
        table = new LedgerTableFactory().create(address(feeds), address(model), address(model), parameters);
    }

    function _margins(uint256 purpose, uint256 openInterest) private view returns (Margins memory) {
        ModelInput memory input;
        (input.purpose, input.parameters, input.settlementPrice) = (purpose, table, 1e18);
        input.underlyings = new UnderlyingPrice[](1);
        input.underlyings[0] = UnderlyingPrice(ETH, 2_000e18, 2_000e18, 0);
        input.positions = new Position[](1);
        input.positions[0] = InstrumentLib.perp(ETH).position(0, 200e18);
        input.perps = new PerpState[](1);
        input.perps[0] = PerpState(1e18, 0, openInterest, 1_000e18, 1e18, false);
        return model.evaluate(input);
    }

    /// @dev At mid two moments of one session are compared: trades that come and go in it must not pay for a gift.
    function test_A2_flashedOpenInterestRaisesNoRequirementToCompareWith() public view {
        Margins memory quiet = _margins(MID, 1_000e18);
        Margins memory flashed = _margins(MID, 100_000e18);
        assertEq(flashed.initial, quiet.initial);
        assertEq(flashed.maintenance, quiet.maintenance);
        assertEq(flashed.mtm, quiet.mtm);
    }

    function test_liveOpenInterestCountsForNewRiskAlone() public view {
        assertLt(_margins(NEW_RISK, 100_000e18).initial, _margins(NEW_RISK, 1_000e18).initial);
        assertEq(_margins(LIQUIDATION, 100_000e18).maintenance, _margins(LIQUIDATION, 1_000e18).maintenance);
    }
}
