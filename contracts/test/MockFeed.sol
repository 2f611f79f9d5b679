// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";

/// @title A price feed under a test's control that costs what a real one does: two slots a read
/// @dev Chainlink's aggregators keep the latest round's number in one slot and each round's answer and time packed in
/// another; so does this one. Round ids carry a phase in their high 16 bits, as a proxy's do.
contract MockFeed is AggregatorV3Interface {
    enum Failure {
        None,
        Reverts,
        ReturnsNothing,
        BurnsGas,
        ReturnsGarbage
    }

    struct Round {
        int192 answer;
        uint64 updatedAt;
    }

    uint80 private _latest;
    Failure private _failure;
    bool private _answeredLate; // the answer is of an earlier round
    uint8 private immutable _decimals;
    mapping(uint80 round => Round) private _rounds;

    error NoData();

    constructor(uint8 decimals_, int256 answer) {
        _decimals = decimals_;
        _latest = 1 << 64;
        if (answer != 0) push(answer);
    }

    /// @notice A new round with this answer, now.
    function setAnswer(int256 answer) external {
        push(answer);
    }

    /// @notice A new round with this answer and time.
    function pushRound(int256 answer, uint256 updatedAt) public returns (uint80 round) {
        round = _latest + 1;
        _latest = round;
        _rounds[round] = Round(int192(answer), uint64(updatedAt));
    }

    /// @notice Any round, in any order; it becomes the latest if `latest`.
    function setRound(uint80 round, int256 answer, uint256 updatedAt, bool latest) external {
        _rounds[round] = Round(int192(answer), uint64(updatedAt));
        if (latest) _latest = round;
    }

    /// @notice The time of the latest round, its answer unchanged.
    function setUpdatedAt(uint256 updatedAt) external {
        _rounds[_latest].updatedAt = uint64(updatedAt);
    }

    /// @notice The proxy moves to a new aggregator: the next rounds are of a new phase.
    function newPhase() external {
        _latest = ((_latest >> 64) + 1) << 64;
    }

    function setFailure(Failure failure_) external {
        _failure = failure_;
    }

    function setAnsweredLate(bool late) external {
        _answeredLate = late;
    }

    function push(int256 answer) public {
        pushRound(answer, block.timestamp);
    }

    function latestRound() external view returns (uint80) {
        return _latest;
    }

    function latestRoundData()
        external
        view
        returns (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        if (_failure != Failure.None) _fail(_failure);
        round = answeredInRound = _latest;
        if (_answeredLate) --answeredInRound;
        Round storage data = _rounds[round];
        (answer, updatedAt) = (data.answer, data.updatedAt);
        startedAt = updatedAt;
    }

    function getRoundData(uint80 round) external view returns (uint80, int256, uint256, uint256, uint80) {
        Failure failure_ = _failure;
        if (failure_ != Failure.None) _fail(failure_);
        Round memory data = _rounds[round];
        require(data.updatedAt != 0, NoData());
        return (round, data.answer, data.updatedAt, data.updatedAt, round);
    }

    function decimals() external view returns (uint8) {
        return _decimals;
    }

    function description() external pure returns (string memory) {
        return "mock";
    }

    function version() external pure returns (uint256) {
        return 1;
    }

    function _fail(Failure failure_) private pure {
        require(failure_ != Failure.Reverts, NoData());
        if (failure_ == Failure.BurnsGas) {
            // Loops until nothing is left: a reader must keep enough gas to go on.
            // solhint-disable-next-line no-empty-blocks
            while (true) {}
        }
        uint256 size = failure_ == Failure.ReturnsNothing ? 0 : 96;
        assembly ("memory-safe") {
            return(0, size)
        }
    }
}
