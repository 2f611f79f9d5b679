// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Leg, Match, Order, SignedOrder, Trigger} from "../interfaces/IExchange.sol";
import {AccountId} from "../types/AccountId.sol";
import {Instrument} from "../types/Position.sol";
import {BaseTest} from "./BaseTest.sol";

/// @title Builds and signs orders as a wallet would: its hashing is written from the types, not taken from the exchange
abstract contract OrderSigner is BaseTest {
    string internal constant LEG = "Leg(uint128 instrument,int128 ratio,uint128 price)";
    string internal constant TRIGGER = "Trigger(uint8 underlying,bool above,uint128 price,uint128 keeperFee)";
    string internal constant ORDER =
        "Order(bytes32 account,Leg[] legs,uint128 size,uint128 maxFee,uint40 expiry,uint256 nonce,uint64 salt,address executor,uint8 flags,Trigger trigger)";

    /// @dev Fees of the test's orders never bind unless it says so.
    uint128 internal constant ANY_FEE = type(uint128).max;

    uint256 private _orders;

    /// @dev The exchange's proxy.
    function _verifier() internal view virtual returns (address);

    /// @dev One leg, good for an hour, next nonce and next salt.
    function plain(
        AccountId account,
        Instrument instrument,
        int256 ratio,
        uint256 size,
        uint256 price
    ) internal returns (Order memory o) {
        o.account = account;
        o.legs = new Leg[](1);
        o.legs[0] = Leg(instrument, int128(ratio), uint128(price));
        o.size = uint128(size);
        o.maxFee = ANY_FEE;
        o.expiry = uint40(block.timestamp + 1 hours);
        o.nonce = _orders;
        o.salt = uint64(block.timestamp * 1000 + _orders);
        ++_orders;
    }

    function domainSeparator(address verifier) internal view returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                    keccak256("Plimsoll Exchange"),
                    keccak256("1"),
                    block.chainid,
                    verifier
                )
            );
    }

    function structHash(Order memory o) internal pure returns (bytes32) {
        bytes memory legs;
        for (uint256 i; i < o.legs.length; ++i) {
            Leg memory leg = o.legs[i];
            legs = bytes.concat(
                legs,
                keccak256(abi.encode(keccak256(bytes(LEG)), leg.instrument, leg.ratio, leg.price))
            );
        }
        Trigger memory t = o.trigger;
        bytes memory head = abi.encode(
            keccak256(abi.encodePacked(ORDER, LEG, TRIGGER)),
            o.account,
            keccak256(legs),
            o.size,
            o.maxFee
        );
        bytes32 trigger = keccak256(abi.encode(keccak256(bytes(TRIGGER)), t.underlying, t.above, t.price, t.keeperFee));
        return keccak256(bytes.concat(head, abi.encode(o.expiry, o.nonce, o.salt, o.executor, o.flags, trigger)));
    }

    function digest(address verifier, bytes32 hash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(verifier), hash));
    }

    function hashOf(Order memory o) internal view returns (bytes32) {
        return digest(_verifier(), structHash(o));
    }

    function signatureOf(bytes32 digest_, uint256 key) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest_);
        return abi.encodePacked(r, s, v);
    }

    /// @dev Signed by the key for whom it stands.
    function signed(Order memory o, uint256 key) internal view returns (SignedOrder memory) {
        return SignedOrder(o, vm.addr(key), signatureOf(hashOf(o), key));
    }

    function matchOf(
        Order memory maker,
        uint256 makerKey,
        Order memory taker,
        uint256 takerKey,
        uint256 size
    ) internal view returns (Match memory) {
        return Match(signed(maker, makerKey), signed(taker, takerKey), uint128(size));
    }
}
