// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {
    FLAG_IMMEDIATE_OR_CANCEL,
    FLAG_POST_ONLY,
    FLAG_REDUCE_ONLY,
    IExchangeErrors,
    Leg,
    MAX_LEGS,
    Order
} from "../interfaces/IExchange.sol";
import {FillLeg} from "../interfaces/IPositions.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Instrument} from "../types/Position.sol";

/// @title What an order says: its hash, its shape, who of two makes the price, and what a fill of both is.
library Orders {
    bytes32 private constant LEG_TYPEHASH = keccak256("Leg(uint128 instrument,int128 ratio,uint128 price)");
    bytes32 private constant TRIGGER_TYPEHASH = keccak256(
        "Trigger(uint8 underlying,bool above,uint128 price,uint128 keeperFee)"
    );
    bytes32 private constant ORDER_TYPEHASH = keccak256(
        "Order(bytes32 account,Leg[] legs,uint128 size,uint128 maxFee,uint40 expiry,uint256 nonce,uint64 salt,address executor,uint8 flags,Trigger trigger)Leg(uint128 instrument,int128 ratio,uint128 price)Trigger(uint8 underlying,bool above,uint128 price,uint128 keeperFee)"
    );

    /// @dev Keeps Σ ratio·price of 16 legs inside 256 bits.
    int256 private constant MAX_RATIO = 1e24;
    uint8 private constant NEVER_BOTH = FLAG_POST_ONLY | FLAG_IMMEDIATE_OR_CANCEL;
    uint8 private constant KNOWN_FLAGS = FLAG_REDUCE_ONLY | FLAG_POST_ONLY | FLAG_IMMEDIATE_OR_CANCEL;

    /// @notice EIP-712 struct hash.
    /// @dev Hashes the words as they came: the calldata of an order's static part is its EIP-712 encoding but for two words. A word with
    /// bits above its type gives a hash that no wallet signs, and a revert where the field is read.
    function hash(Order calldata o) internal pure returns (bytes32 result) {
        bytes32 legs = _hashLegs(o.legs);
        bytes32 orderType = ORDER_TYPEHASH;
        bytes32 triggerType = TRIGGER_TYPEHASH;
        assembly ("memory-safe") {
            let p := mload(0x40)
            // the trigger: its four words, last in the order
            mstore(p, triggerType)
            calldatacopy(add(p, 0x20), add(o, 0x120), 0x80)
            let trigger := keccak256(p, 0xa0)
            // account, legs, …, flags: nine words, the second (where the legs lie) replaced by their hash
            mstore(p, orderType)
            calldatacopy(add(p, 0x20), o, 0x120)
            mstore(add(p, 0x40), legs)
            mstore(add(p, 0x140), trigger)
            result := keccak256(p, 0x160)
        }
    }

    function _hashLegs(Leg[] calldata legs) private pure returns (bytes32 result) {
        bytes32 legType = LEG_TYPEHASH;
        assembly ("memory-safe") {
            let p := mload(0x40)
            let hashes := add(p, 0x80)
            mstore(p, legType)
            for {
                let i := 0
            } lt(i, legs.length) {
                i := add(i, 1)
            } {
                calldatacopy(add(p, 0x20), add(legs.offset, mul(i, 0x60)), 0x60)
                mstore(add(hashes, shl(5, i)), keccak256(p, 0x80))
            }
            result := keccak256(hashes, shl(5, legs.length))
        }
    }

    function has(Order calldata o, uint8 flag) internal pure returns (bool) {
        return o.flags & flag != 0;
    }

    /// @dev Known flags that do not contradict each other.
    function requireFlags(Order calldata o, bytes32 hash_) internal pure {
        uint8 flags = o.flags;
        require(flags <= KNOWN_FLAGS && flags & NEVER_BOTH != NEVER_BOTH, IExchangeErrors.InvalidFlags(hash_, flags));
    }

    /// @dev The maker rule of {IExchange}. What cannot rest cannot make the price: a stop that was signed long ago would otherwise
    /// trade at its own worst price by its age.
    function requireMaker(
        Order calldata maker,
        bytes32 makerHash,
        Order calldata taker,
        bytes32 takerHash
    ) internal pure {
        (uint8 makerFlags, uint8 takerFlags) = (maker.flags, taker.flags);
        require(takerFlags & FLAG_POST_ONLY == 0, IExchangeErrors.PostOnlyWouldTake(takerHash));
        if (makerFlags & FLAG_POST_ONLY != 0) return;
        bool rests = _canRest(maker, makerFlags);
        bool first = rests;
        if (rests == _canRest(taker, takerFlags)) {
            (uint64 makerSalt, uint64 takerSalt) = (maker.salt, taker.salt);
            first = makerSalt < takerSalt || (makerSalt == takerSalt && makerHash < takerHash);
        }
        require(first, IExchangeErrors.WrongMaker(makerHash));
    }

    function _canRest(Order calldata o, uint8 flags) private pure returns (bool) {
        return flags & FLAG_IMMEDIATE_OR_CANCEL == 0 && o.trigger.underlying == 0;
    }

    /// @dev The maker's legs for `size`, at the maker's prices; the taker's are the same, opposite, and cost him per unit at most what he
    /// signed. Checking the maker's shape checks both, since the taker's legs equal it.
    function legsOf(
        Order calldata maker,
        bytes32 makerHash,
        Order calldata taker,
        bytes32 takerHash,
        uint128 size
    ) internal pure returns (FillLeg[] memory legs) {
        Leg[] calldata asked = maker.legs;
        Leg[] calldata offered = taker.legs;
        require(asked.length != 0 && asked.length <= MAX_LEGS, IExchangeErrors.InvalidLegs(makerHash));
        require(asked.length == offered.length, IExchangeErrors.LegsMismatch(makerHash, takerHash));
        legs = new FillLeg[](asked.length);
        int256 excess;
        uint256 last;
        // |ratio| < 2^80, prices < 2^128, 16 legs: no sum reaches 2^213
        unchecked {
            for (uint256 i = 0; i < legs.length; ++i) {
                Leg calldata leg = asked[i];
                uint256 instrument = Instrument.unwrap(leg.instrument);
                require(instrument > last && _isRatio(leg.ratio), IExchangeErrors.InvalidLegs(makerHash));
                require(_isOpposite(leg, offered[i]), IExchangeErrors.LegsMismatch(makerHash, takerHash));
                last = instrument;
                excess += int256(leg.ratio) * (int256(uint256(offered[i].price)) - int256(uint256(leg.price)));
                _fillLeg(legs[i], leg, size);
            }
        }
        if (excess > 0) {
            int256 cost = FixedPoint.mulDivCeil(_cost(offered, asked), 1, WAD);
            revert IExchangeErrors.PriceWorseThanLimit(cost, FixedPoint.mulDivFloor(_cost(offered, offered), 1, WAD));
        }
    }

    function _isRatio(int256 ratio) private pure returns (bool) {
        return ratio != 0 && ratio <= MAX_RATIO && ratio >= -MAX_RATIO;
    }

    function _isOpposite(Leg calldata a, Leg calldata b) private pure returns (bool) {
        return a.instrument == b.instrument && int256(a.ratio) == -int256(b.ratio);
    }

    function _fillLeg(FillLeg memory out, Leg calldata leg, uint128 size) private pure {
        out.instrument = leg.instrument;
        out.size = (int256(uint256(size)) * leg.ratio) / 1e18;
        require(out.size != 0, IExchangeErrors.FillTooSmall(leg.instrument));
        out.price = leg.price;
    }

    /// @dev Net cost of a unit of `legs` at the prices of `priced`, times 1e18.
    function _cost(Leg[] calldata legs, Leg[] calldata priced) private pure returns (int256 cost) {
        for (uint256 i = 0; i < legs.length; ++i) cost += int256(legs[i].ratio) * int256(uint256(priced[i].price));
    }
}
