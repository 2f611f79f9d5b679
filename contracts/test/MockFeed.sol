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

    /// @dev From the low end: latest round 80 | failure 8 | answered late 8 (the answer is of an earlier round).
    uint256 private _head;
    uint8 private immutable _decimals;
    /// @dev answer 192 | time 64.
    mapping(uint80 round => uint256) private _rounds;

    error NoData();

    constructor(uint8 decimals_, int256 answer) {
        _decimals = decimals_;
        _head = 1 << 64;
        if (answer != 0) pushRound(answer, block.timestamp);
    }

    /// @notice A new round with this answer, now.
    function setAnswer(int256 answer) external {
        pushRound(answer, block.timestamp);
    }

    /// @notice A new round with this answer and time.
    function pushRound(int256 answer, uint256 updatedAt) public returns (uint80 round) {
        round = uint80(++_head);
        _rounds[round] = _pack(answer, updatedAt);
    }

    /// @notice Any round, in any order; it becomes the latest if `latest`.
    function setRound(uint80 round, int256 answer, uint256 updatedAt, bool latest) external {
        _rounds[round] = _pack(answer, updatedAt);
        if (latest) _head = ((_head >> 80) << 80) | round;
    }

    /// @notice The time of the latest round, its answer unchanged.
    function setUpdatedAt(uint256 updatedAt) external {
        uint256 data = _rounds[uint80(_head)];
        _rounds[uint80(_head)] = _pack(int256(data) >> 64, updatedAt);
    }

    /// @notice The proxy moves to a new aggregator: the next rounds are of a new phase.
    function newPhase() external {
        _head = ((_head >> 64) + 1) << 64;
    }

    function setFailure(Failure failure_) external {
        _head = (_head & ~(uint256(0xff) << 80)) | (uint256(failure_) << 80);
    }

    function setAnsweredLate(bool late) external {
        _head = (_head & ~(uint256(0xff) << 88)) | (uint256(late ? 1 : 0) << 88);
    }

    function latestRound() external view returns (uint80) {
        return uint80(_head);
    }

    function latestRoundData()
        external
        view
        returns (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn)
    {
        uint256 head = _head;
        round = answeredIn = uint80(head);
        if (head >> 80 != 0) {
            _misbehave(head);
            if (head >> 88 != 0) answeredIn = round - 1;
        }
        uint256 data = _rounds[round];
        answer = int256(data) >> 64;
        startedAt = updatedAt = uint64(data);
    }

    function getRoundData(uint80 round) external view returns (uint80, int256, uint256, uint256, uint80) {
        _misbehave(_head);
        uint256 data = _rounds[round];
        require(data != 0, NoData());
        return (round, int256(data) >> 64, uint64(data), uint64(data), round);
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

    function _pack(int256 answer, uint256 updatedAt) private pure returns (uint256) {
        return uint256(answer << 64) | uint64(updatedAt);
    }

    function _misbehave(uint256 head) private pure {
        Failure failure_ = Failure(uint8(head >> 80));
        if (failure_ == Failure.None) return;
        require(failure_ != Failure.Reverts, NoData());
        if (failure_ == Failure.BurnsGas) {
            // Loops until nothing is left: a reader must keep enough gas to go on.
            while (true) {}
        }
        uint256 size = failure_ == Failure.ReturnsNothing ? 0 : 96;
        assembly ("memory-safe") {
            return(0, size)
        }
    }
}
