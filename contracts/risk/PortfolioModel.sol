// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAttestedFeed} from "../interfaces/IAttestedFeed.sol";
import {ModelInput} from "../interfaces/IMarginModel.sol";
import {IRealizedVolatility} from "../interfaces/IRealizedVolatility.sol";
import {ISettlementPrices} from "../interfaces/ISettlementPrices.sol";
import {BPS, FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Derivatives, LedgerModel} from "./LedgerModel.sol";
import {LedgerReader, LiveUnderlying} from "./LedgerReader.sol";
import {UnderlyingWord} from "./LedgerTable.sol";
import {NormalTableLib} from "./NormalTable.sol";
import {ScenarioBooks} from "./ScenarioBooks.sol";
import {ScenarioGrid, UnderlyingBook, UnderlyingRisk} from "./ScenarioGrid.sol";
import {GroupedRisk, MarginTerms, ScenarioMargin} from "./ScenarioMargin.sol";
import {ScenarioTable} from "./ScenarioTable.sol";

/// @title The portfolio model (DESIGN 6.3): scenarios over spot, perps and options of each underlying together
/// @notice For accounts with model 1. IM and MM of a block are im·W − C_IM − C_MM and mm·W − C_MM beside its mark-to-market value;
/// haircuts of spot are the engine's.
contract PortfolioModel is LedgerModel, ScenarioBooks {
    IRealizedVolatility private immutable _volatility;
    address private immutable _normal;

    /// @dev A product group, or an underlying alone, while its scenarios are run.
    struct Block {
        GroupedRisk[] initial;
        GroupedRisk[] maintenance;
        uint256 count;
        uint256 purpose;
        uint256 normal; // where the normal distribution's table is in memory
    }

    constructor(
        IAttestedFeed feed,
        ISettlementPrices settlements,
        IRealizedVolatility volatility,
        address normal
    ) LedgerReader(feed, settlements) {
        (_volatility, _normal) = (volatility, normal);
    }

    /// @inheritdoc LedgerModel
    function _derivatives(
        ModelInput calldata input,
        LiveUnderlying[] memory list,
        uint256 members,
        uint256 table,
        bool high
    ) internal view override returns (Derivatives memory d) {
        UnderlyingBook[] memory books = new UnderlyingBook[](list.length);
        uint256 count;
        for (uint256 i; i < list.length; ++i) {
            if (members & (1 << i) == 0 || UnderlyingWord.unwrap(list[i].word) == 0) continue;
            ++count;
            _fill(books[i], list[i], high);
        }
        if (count == 0) return d;

        Block memory b;
        b.initial = new GroupedRisk[](count);
        b.maintenance = new GroupedRisk[](count);
        b.purpose = input.purpose;
        b.normal = NormalTableLib.load(_normal);
        UnderlyingWord word;
        for (uint256 i; i < list.length; ++i) {
            if (books[i].spot == 0) continue;
            word = list[i].word;
            _weigh(b, books[i], word, ScenarioTable.wrap(table + word.scenarios()));
        }
        _sum(d, b, input.settlementPrice, ScenarioTable.wrap(table + word.scenarios()));
    }

    /// @dev The scenarios of one underlying; at mid with both scales of the shocks, if they differ.
    function _weigh(
        Block memory b,
        UnderlyingBook memory book,
        UnderlyingWord word,
        ScenarioTable scenarios
    ) private view {
        GroupedRisk memory initial = b.initial[b.count];
        GroupedRisk memory maintenance = b.maintenance[b.count];
        ++b.count;
        initial.group = maintenance.group = word.group();
        initial.phi = maintenance.phi = (word.phi() * WAD) / BPS;
        (uint256 g, uint256 slow) = _scales(word);
        initial.risk = ScenarioGrid.evaluate(book, scenarios, b.normal, b.purpose == LIQUIDATION ? slow : g);
        bool both = b.purpose != INITIAL && b.purpose != LIQUIDATION && g != slow;
        maintenance.risk = both ? ScenarioGrid.evaluate(book, scenarios, b.normal, slow) : initial.risk;
    }

    function _sum(Derivatives memory d, Block memory b, uint256 settlementPrice, ScenarioTable scenarios) private pure {
        MarginTerms memory x;
        for (uint256 i; i < b.count; ++i) {
            UnderlyingRisk memory risk = b.initial[i].risk;
            x.chargeInitial += risk.chargeInitial;
            x.chargeMaintenance += risk.chargeMaintenance;
            d.value += risk.optionValue;
        }
        x.settlementPrice = settlementPrice;
        x.worstInitial = ScenarioMargin.worst(b.initial);
        x.worstMaintenance = ScenarioMargin.worst(b.maintenance);
        x.mtm = d.value;
        (d.initial, d.maintenance) = ScenarioMargin.margins(scenarios, x);
    }

    /// @dev g = clamp(realised ÷ reference, 1, g_max): of what is seen now, and of what moves slowly.
    function _scales(UnderlyingWord word) private view returns (uint256 g, uint256 slow) {
        uint256 reference_ = word.referenceVolatility();
        if (reference_ == 0) return (WAD, WAD);
        (uint256 sigma, uint256 slowSigma) = _volatility.volatility(uint8(word.number()));
        uint256 most = (word.maxScale() * WAD) / BPS;
        g = FixedPoint.min(FixedPoint.max((sigma * BPS) / reference_, WAD), most);
        slow = FixedPoint.min(FixedPoint.max((slowSigma * BPS) / reference_, WAD), most);
        // `initial` never asks for less than `maintenance`
        if (g < slow) g = slow;
    }
}
