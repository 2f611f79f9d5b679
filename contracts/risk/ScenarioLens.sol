// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAttestedFeed} from "../interfaces/IAttestedFeed.sol";
import {ModelInput} from "../interfaces/IMarginModel.sol";
import {ISettlementPrices} from "../interfaces/ISettlementPrices.sol";
import {WAD} from "../types/FixedPoint.sol";
import {LedgerReader, LiveUnderlying} from "./LedgerReader.sol";
import {LedgerTable} from "./LedgerTable.sol";
import {NormalTableLib} from "./NormalTable.sol";
import {ScenarioBooks} from "./ScenarioBooks.sol";
import {ScenarioGrid, UnderlyingBook, UnderlyingRisk} from "./ScenarioGrid.sol";
import {ScenarioTable} from "./ScenarioTable.sol";

/// @title Every scenario of what a model is given, by the model's own code: the half of {LedgerLens} that does not fit beside the greeks
contract ScenarioLens is ScenarioBooks {
    address private immutable _normal;

    constructor(IAttestedFeed feed, ISettlementPrices settlements, address normal) LedgerReader(feed, settlements) {
        _normal = normal;
    }

    /// @notice One for each of `input.underlyings`, in order, at their low prices and unscaled shocks. Settlement units WAD.
    function scenarios(ModelInput calldata input) external view returns (UnderlyingRisk[] memory risks) {
        uint256 table = LedgerTable.load(input.parameters);
        LiveUnderlying[] memory live = _read(input, table);
        uint256 normal = NormalTableLib.load(_normal);
        risks = new UnderlyingRisk[](live.length);
        for (uint256 i; i < live.length; ++i) {
            UnderlyingBook memory book;
            _fill(book, live[i], false);
            ScenarioTable scenarioTable = ScenarioTable.wrap(table + live[i].word.scenarios());
            risks[i] = ScenarioGrid.evaluate(book, scenarioTable, normal, WAD);
        }
    }
}
