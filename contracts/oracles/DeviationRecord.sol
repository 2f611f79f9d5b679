// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {PriceFault} from "../interfaces/IMarginEngine.sol";
import {IDeviationRecord, ITableEngine} from "../interfaces/IRisk.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {AssetId, AssetIdLib} from "../types/AssetId.sol";

/// @title DeviationRecord: since when two price sources have disagreed
/// @notice A lagging average must not switch liquidation off in a crash (O1): once the sources have been seen to disagree for
/// T_dev, liquidation uses the primary alone. Nobody is trusted: a run starts, continues and ends by what the sources say
/// at the time of a poke.
contract DeviationRecord is IDeviationRecord {
    struct Run {
        uint40 since;
        uint40 lastSeen;
    }

    IMarginAccounts private immutable _safe;
    mapping(AssetId asset => Run) private _runs;

    constructor(IMarginAccounts safe) {
        _safe = safe;
    }

    /// @inheritdoc IDeviationRecord
    function poke(AssetId asset) external returns (uint256) {
        // A vault share's sources are its pool's.
        if (asset.kind() == AssetIdLib.KIND_VAULT_SHARE) asset = AssetIdLib.pool(asset.number());
        ITableEngine engine = ITableEngine(_safe.engine());
        PriceFault fault = engine.priceState(asset).fault;
        Run memory run = _runs[asset];
        if (fault == PriceFault.Deviating) {
            // What was not seen for longer than T_dev may have agreed meanwhile: a new run.
            if (run.since == 0 || block.timestamp - run.lastSeen > engine.deviationDelay()) {
                run.since = uint40(block.timestamp);
            }
            run.lastSeen = uint40(block.timestamp);
            _runs[asset] = run;
            emit DisagreementSeen(asset, run.since);
        } else if (fault == PriceFault.None && run.since != 0) {
            delete _runs[asset];
            emit DisagreementEnded(asset);
            return 0;
        }
        return run.since;
    }

    /// @inheritdoc IDeviationRecord
    function disagreement(AssetId asset) external view returns (uint256 since, uint256 lastSeen) {
        Run memory run = _runs[asset];
        return (run.since, run.lastSeen);
    }
}
