// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IEngineFactory} from "../interfaces/IRisk.sol";
import {LedgerTable, UnderlyingWord} from "./LedgerTable.sol";
import {RuleWords} from "./RuleWords.sol";
import {ScenarioTable} from "./ScenarioTable.sol";

/// @title How far the parameters of perps and options may move from one ledger table to the next (DESIGN 9)
/// @notice A ledger table has no ramp inside it: margins would have to be interpolated in every check. So lowering anything's value goes by
/// a staircase: each step is bounded, stands written on the chain for a notice, and the next one can be written only when it is in force.
library LedgerSteps {
    /// @dev A number may get harsher by a quarter of itself, or by this much where that is less: basis points in rules, 10^−15 in scenarios.
    uint256 private constant RULE_STEP = 100;
    uint256 private constant SCENARIO_STEP = 25e12;
    /// @dev Weights and spot factors are WAD.
    uint256 private constant CELL_STEP = 25e15;
    uint256 private constant SCENARIO_WORDS = 9;
    uint256 private constant PLACES = type(uint32).max;

    enum Change {
        None, // nothing gets harsher
        Step, // something does, by no more than a step
        Unlike // other code, groups or scenario lists: not to be compared number by number
    }

    /// @notice Compares `next` with the table in force. Reverts `UnderlyingDropped` or `LedgerStep`.
    function compare(address current, address next) internal view returns (Change change) {
        (uint256 a, uint256 b) = (LedgerTable.load(current), LedgerTable.load(next));
        if (!_sameParts(current, next)) change = Change.Unlike;
        // less unsettled profit for new risk
        if (LedgerTable.profitWeight(b) < LedgerTable.profitWeight(a)) change = _worse(change, Change.Step);
        uint256 n = LedgerTable.underlyings(a);
        for (uint256 i; i < n; ++i) {
            UnderlyingWord x = LedgerTable.entry(a, i);
            UnderlyingWord y = LedgerTable.find(b, x.number());
            require(UnderlyingWord.unwrap(y) != 0, IEngineFactory.UnderlyingDropped(x.number()));
            // group, φ, reference volatility, g_max: all but where the records begin
            bool alike = _withoutPlaces(x) == _withoutPlaces(y);
            change = _worse(change, alike ? Change.None : Change.Unlike);
            change = _worse(change, _rules(x.number(), RuleWords.wrap(a + x.rules()), RuleWords.wrap(b + y.rules())));
            ScenarioTable s = ScenarioTable.wrap(a + x.scenarios());
            change = _worse(change, _scenarios(x.number(), s, ScenarioTable.wrap(b + y.scenarios())));
        }
    }

    // ------------------------------------------------------------------ rules
    function _rules(uint256 u, RuleWords a, RuleWords b) private pure returns (Change change) {
        change = _rise(u, "perp MM", a.perpMaintenance(), b.perpMaintenance());
        uint256 initial = a.perpMaintenance() + a.perpInitialExtra();
        change = _worse(change, _rise(u, "perp IM", initial, b.perpMaintenance() + b.perpInitialExtra()));
        change = _worse(change, _rise(u, "add-on 1", a.addOn1(), b.addOn1()));
        change = _worse(change, _rise(u, "add-on 2", a.addOn2(), b.addOn2()));
        // sizes count only with their add-ons, which were just compared
        if (b.addOn1() != 0 && a.addOn1() != 0) change = _worse(change, _fall(u, "size 1", a.size1(), b.size1()));
        if (b.addOn2() != 0 && a.addOn2() != 0) change = _worse(change, _fall(u, "size 2", a.size2(), b.size2()));
        change = _worse(change, _rise(u, "kappa", a.kappa(), b.kappa()));
        change = _worse(change, _rise(u, "a", a.a(), b.a()));
        change = _worse(change, _rise(u, "b", a.b(), b.b()));
        change = _worse(change, _rise(u, "c", a.c(), b.c()));
        change = _worse(change, _rise(u, "d", a.d(), b.d()));
        change = _worse(change, _rise(u, "e", a.e(), b.e()));
        change = _worse(change, _rise(u, "unpaired IM", a.unpairedInitial(), b.unpairedInitial()));
        change = _worse(change, _rise(u, "unpaired MM", a.unpairedMaintenance(), b.unpairedMaintenance()));
        change = _worse(change, _rise(u, "confidence", a.confidenceThreshold(), b.confidenceThreshold()));
        change = _worse(change, _rise(u, "confidence", a.confidenceFactor(), b.confidenceFactor()));
        change = _worse(change, _rise(u, "peg", a.pegThreshold(), b.pegThreshold()));
        change = _worse(change, _rise(u, "peg", a.pegFactor(), b.pegFactor()));
    }

    function _rise(uint256 u, bytes32 field, uint256 from, uint256 to) private pure returns (Change) {
        if (to <= from) return Change.None;
        uint256 limit = from + (from / 4 > RULE_STEP ? from / 4 : RULE_STEP);
        require(to <= limit, IEngineFactory.LedgerStep(u, field, to, limit));
        return Change.Step;
    }

    function _fall(uint256 u, bytes32 field, uint256 from, uint256 to) private pure returns (Change) {
        if (to >= from) return Change.None;
        uint256 limit = from - from / 4;
        require(to >= limit, IEngineFactory.LedgerStep(u, field, to, limit));
        return Change.Step;
    }

    // ------------------------------------------------------------------ scenarios
    /// @dev More loss in one scenario can be less margin in another account, so any change counts as harsher.
    function _scenarios(uint256 u, ScenarioTable a, ScenarioTable b) private pure returns (Change change) {
        // as many scenarios and cells, in the same places
        if (_word(a, 0) != _word(b, 0)) return Change.Unlike;
        for (uint256 i = 1; i < SCENARIO_WORDS; ++i) {
            for (uint256 j; j < 4; ++j) {
                int256 x = _lane(_word(a, i), j);
                change = _worse(change, _near(u, i, x, _lane(_word(b, i), j), SCENARIO_STEP));
            }
        }
        for (uint256 i; i < a.cells(); ++i) {
            uint256 place = SCENARIO_WORDS + i;
            (uint256 x, uint256 y) = (_word(a, place), _word(b, place));
            if (uint8(x >> 120) != uint8(y >> 120)) return Change.Unlike;
            // weight and spot factor; ln s follows from it
            for (uint256 j; j < 2; ++j) {
                change = _worse(change, _near(u, place, _lane(x, j), _lane(y, j), CELL_STEP));
            }
        }
    }

    function _near(uint256 u, uint256 place, int256 x, int256 y, uint256 least) private pure returns (Change) {
        if (x == y) return Change.None;
        uint256 size = x < 0 ? uint256(-x) : uint256(x);
        uint256 limit = size / 4 > least ? size / 4 : least;
        uint256 step = x < y ? uint256(y - x) : uint256(x - y);
        require(step <= limit, IEngineFactory.LedgerStep(u, bytes32(place), step, limit));
        return Change.Step;
    }

    // ------------------------------------------------------------------ leaves
    function _worse(Change x, Change y) private pure returns (Change) {
        return x > y ? x : y;
    }

    function _sameParts(address a, address b) private view returns (bool) {
        (address p, address s, address f) = LedgerTable.parts(a);
        (address q, address t, address g) = LedgerTable.parts(b);
        bool sameCredit = LedgerTable.creditTiers(a) == LedgerTable.creditTiers(b);
        return p == q && s == t && f == g && sameCredit;
    }

    function _withoutPlaces(UnderlyingWord w) private pure returns (uint256) {
        return UnderlyingWord.unwrap(w) & ~(PLACES << 192);
    }

    function _word(ScenarioTable t, uint256 i) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(t, shl(5, i)))
        }
    }

    function _lane(uint256 word, uint256 j) private pure returns (int64) {
        return int64(uint64(word >> (192 - 64 * j)));
    }
}
