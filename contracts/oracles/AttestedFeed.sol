// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

import {ExpiryFeed, IAttestedFeed} from "../interfaces/IAttestedFeed.sol";
import {
    FeedLimits,
    Forward,
    ForwardAttestation,
    IAttestations,
    PremiumAttestation,
    Slice,
    SurfaceAttestation
} from "../interfaces/IAttestations.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {ForwardWord, ForwardWordLib, LimitsWord, PremiumWord, PremiumWordLib} from "../types/FeedWords.sol";
import {SmileWord, SmileWordLib, WingWord, WingWordLib} from "../types/FeedWords.sol";
import {BPS, FixedPoint, IWAD, WAD, YEAR} from "../types/FixedPoint.sol";
import {RawSvi, Smile} from "./RawSvi.sol";
import {SurfaceCheck} from "./SurfaceCheck.sol";

/// @title AttestedFeed: what Chainlink does not carry, signed by k of n (DESIGN 5)
/// @notice Perp premium, forwards and rates, smiles: all relative to the index, so that the index alone moves prices between attestations.
/// Anyone posts. Nothing is accepted while a session of the safe is open: what a reduce-only snapshot was taken with may not change
/// before it is compared.
contract AttestedFeed is IAttestations, EIP712, AccessManaged {
    using EnumerableSet for EnumerableSet.AddressSet;

    struct Expiry {
        ForwardWord forward;
        SmileWord smile;
        WingWord wing;
    }

    bytes32 private constant PREMIUM_TYPEHASH = keccak256(
        "PremiumAttestation(uint8 underlying,int64 premium,uint64 confidence,uint40 timestamp)"
    );
    bytes32 private constant FORWARD_TYPEHASH = keccak256(
        "Forward(uint40 expiry,uint64 ratio,int64 rate,uint64 forwardConfidence,uint64 rateConfidence)"
    );
    bytes32 private constant FORWARDS_TYPEHASH = keccak256(
        "ForwardAttestation(uint8 underlying,uint40 timestamp,Forward[] forwards)Forward(uint40 expiry,uint64 ratio,int64 rate,uint64 forwardConfidence,uint64 rateConfidence)"
    );
    bytes32 private constant SLICE_TYPEHASH = keccak256(
        "Slice(uint40 expiry,int72 a,uint64 b,int64 rho,int64 m,uint64 sigma,uint96 forwardReference,uint64 confidence)"
    );
    bytes32 private constant SURFACE_TYPEHASH = keccak256(
        "SurfaceAttestation(uint8 underlying,uint40 timestamp,Slice[] slices)Slice(uint40 expiry,int72 a,uint64 b,int64 rho,int64 m,uint64 sigma,uint96 forwardReference,uint64 confidence)"
    );

    uint256 private constant MAX_SIGNERS = 32;
    uint256 private constant MAX_EXPIRIES = 32;
    /// @dev Beyond these a value is a mistake, whoever signed it.
    int256 private constant MAX_PREMIUM = 0.5e18;
    uint256 private constant MIN_RATIO = 0.5e18;
    uint256 private constant MAX_RATIO = 2e18;
    int256 private constant MAX_RATE = 1e18;
    uint256 private constant MAX_AGE = type(uint16).max;
    uint256 private constant MAX_DEAD_AGE = 7 days;
    uint256 private constant MAX_STRESS = 10 * BPS;
    /// @dev Jump bounds are in millionths.
    uint256 private constant JUMP_UNIT = 1e12;

    /// @dev Bytes of an {ExpiryFeed}.
    uint256 private constant FEED_SIZE = 416;

    IMarginAccounts private immutable _safe;

    EnumerableSet.AddressSet private _signers;
    uint256 private _threshold;
    mapping(uint8 underlying => LimitsWord) private _limits;
    mapping(uint8 underlying => PremiumWord) private _premiums;
    mapping(uint8 underlying => uint256 timestamp) private _surfaceTimes;
    mapping(uint256 key => Expiry) private _expiries;

    constructor(
        IMarginAccounts safe,
        address authority,
        address[] memory signers_,
        uint256 threshold_
    ) EIP712("Plimsoll Attested Feed", "1") AccessManaged(authority) {
        _safe = safe;
        _setSigners(signers_, threshold_);
    }

    // ------------------------------------------------------------------ posting
    /// @inheritdoc IAttestations
    function postPremium(PremiumAttestation calldata attestation, bytes[] calldata signatures) external {
        (uint8 underlying, uint40 timestamp) = (attestation.underlying, attestation.timestamp);
        LimitsWord limits = _admit(underlying, timestamp);
        _requireSigned(hashPremium(attestation), signatures);
        int256 value = attestation.premium;
        require(value >= -MAX_PREMIUM && value <= MAX_PREMIUM, BadValue(0, "premium"));
        require(attestation.confidence <= WAD, BadValue(0, "confidence"));

        PremiumWord stored = _premiums[underlying];
        uint256 elapsed = _elapsed(timestamp, stored.time());
        if (stored.time() != 0) _requireSmallJump(0, value, stored.value(), WAD, limits.premiumJump(), elapsed);
        _premiums[underlying] = PremiumWordLib.make(attestation.premium, attestation.confidence, timestamp, limits);
        emit PremiumPosted(underlying, value, attestation.confidence, timestamp);
    }

    /// @inheritdoc IAttestations
    function postForwards(ForwardAttestation calldata attestation, bytes[] calldata signatures) external {
        (uint8 underlying, uint40 timestamp) = (attestation.underlying, attestation.timestamp);
        LimitsWord limits = _admit(underlying, timestamp);
        _requireSigned(hashForwards(attestation), signatures);
        Forward[] calldata forwards = attestation.forwards;
        _requireCount(forwards.length);
        uint40 previous = timestamp;
        for (uint256 i; i < forwards.length; ++i) {
            Forward calldata f = forwards[i];
            // Ascending from the attestation on: neither twice nor expired.
            require(f.expiry > previous, BadValue(f.expiry, "expiry"));
            previous = f.expiry;
            _storeForward(underlying, f, timestamp, limits);
        }
        emit ForwardsPosted(underlying, timestamp, forwards);
    }

    /// @inheritdoc IAttestations
    function postSurface(SurfaceAttestation calldata attestation, bytes[] calldata signatures) external {
        (uint8 underlying, uint40 timestamp) = (attestation.underlying, attestation.timestamp);
        LimitsWord limits = _admit(underlying, timestamp);
        _requireSigned(hashSurface(attestation), signatures);
        Slice[] calldata slices = attestation.slices;
        _requireCount(slices.length);
        _elapsed(timestamp, _surfaceTimes[underlying]);
        _surfaceTimes[underlying] = timestamp;
        uint40 previous = timestamp;
        Smile memory early;
        for (uint256 i; i < slices.length; ++i) {
            Slice calldata slice = slices[i];
            require(slice.expiry > previous, BadValue(slice.expiry, "expiry"));
            previous = slice.expiry;
            Smile memory smile = SurfaceCheck.smileOf(slice);
            SurfaceCheck.requireNoButterfly(slice.expiry, smile);
            if (i != 0) SurfaceCheck.requireNoCalendar(slice.expiry, early, smile);
            _storeSmile(underlying, slice, smile, timestamp, limits.volJump());
            early = smile;
        }
        emit SurfacePosted(underlying, timestamp, slices);
    }

    // ------------------------------------------------------------------ governance
    /// @inheritdoc IAttestations
    function setSigners(address[] calldata signers_, uint256 threshold_) external restricted {
        _setSigners(signers_, threshold_);
    }

    /// @inheritdoc IAttestations
    function dropSigner(address signer) external restricted {
        require(_signers.remove(signer), UnknownSigner(signer));
        emit SignerDropped(signer);
    }

    /// @inheritdoc IAttestations
    function setLimits(uint8 underlying, FeedLimits calldata limits) external restricted {
        require(limits.postAge != 0, BadLimits("postAge"));
        // A value that is posted must be usable for a while.
        require(limits.maxAge > limits.postAge && limits.maxAge <= MAX_AGE, BadLimits("maxAge"));
        require(limits.deadAge >= limits.maxAge && limits.deadAge <= MAX_DEAD_AGE, BadLimits("deadAge"));
        require(limits.decay <= MAX_DEAD_AGE, BadLimits("decay"));
        require(limits.stress >= BPS && limits.stress <= MAX_STRESS, BadLimits("stress"));
        require(limits.premiumJump != 0, BadLimits("premiumJump"));
        require(limits.forwardJump != 0, BadLimits("forwardJump"));
        require(limits.volJump != 0, BadLimits("volJump"));
        uint256 word =
            limits.postAge |
                (uint256(limits.maxAge) << 24) |
                (uint256(limits.deadAge) << 48) |
                (uint256(limits.decay) << 72) |
                (uint256(limits.stress) << 96) |
                (uint256(limits.premiumJump) << 128) |
                (uint256(limits.forwardJump) << 160) |
                (uint256(limits.volJump) << 192);
        _limits[underlying] = LimitsWord.wrap(word);
        emit LimitsSet(underlying, limits);
    }

    // ------------------------------------------------------------------ values
    /// @inheritdoc IAttestedFeed
    function premium(
        uint8 underlying
    ) external view returns (int256 value, uint256 confidence, uint256 time, bool stale) {
        PremiumWord word = _premiums[underlying];
        time = word.time();
        if (time == 0) return (0, 0, 0, true);
        uint256 age = block.timestamp - time;
        confidence = word.confidence();
        stale = age > word.maxAge();
        if (age <= word.deadAge()) value = word.value();
    }

    /// @inheritdoc IAttestedFeed
    function expiryFeeds(uint8 underlying, uint40[] calldata expiries) external view returns (ExpiryFeed[] memory) {
        // The answer as the ABI has it: offset, length, each struct's thirteen words. Built where it is sent from; an array of structs would be
        // cleared, filled and copied. `f` is allocated once and then only points into that memory, which is allocated here.
        uint256 count = expiries.length;
        ExpiryFeed memory f;
        uint256 out;
        assembly ("memory-safe") {
            out := mload(0x40)
            mstore(0x40, add(add(out, 0x40), mul(count, FEED_SIZE)))
            mstore(out, 0x20)
            mstore(add(out, 0x20), count)
            f := add(out, 0x40)
        }
        for (uint256 i; i < count; ++i) {
            _fill(f, underlying, expiries[i]);
            assembly ("memory-safe") {
                f := add(f, FEED_SIZE)
            }
        }
        assembly ("memory-safe") {
            return(out, sub(f, out))
        }
    }

    // ------------------------------------------------------------------ views
    /// @inheritdoc IAttestations
    function timesOf(uint8 underlying, uint40 expiry) external view returns (uint256 forwardTime, uint256 surfaceTime) {
        Expiry storage e = _expiries[_key(underlying, expiry)];
        return (e.forward.time(), e.wing.time());
    }

    /// @inheritdoc IAttestations
    function surfaceTimeOf(uint8 underlying) external view returns (uint256) {
        return _surfaceTimes[underlying];
    }

    /// @inheritdoc IAttestations
    function limitsOf(uint8 underlying) external view returns (FeedLimits memory limits) {
        LimitsWord w = _limits[underlying];
        limits.postAge = uint24(w.postAge());
        limits.maxAge = uint24(w.maxAge());
        limits.deadAge = uint24(w.deadAge());
        limits.decay = uint24(w.decay());
        limits.stress = uint32(w.stress());
        limits.premiumJump = uint32(w.premiumJump());
        limits.forwardJump = uint32(w.forwardJump());
        limits.volJump = uint32(w.volJump());
    }

    /// @inheritdoc IAttestations
    function signers() external view returns (address[] memory) {
        return _signers.values();
    }

    /// @inheritdoc IAttestations
    function isSigner(address account) external view returns (bool) {
        return _signers.contains(account);
    }

    /// @inheritdoc IAttestations
    function threshold() external view returns (uint256) {
        return _threshold;
    }

    /// @inheritdoc IAttestations
    function hashPremium(PremiumAttestation calldata attestation) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(PREMIUM_TYPEHASH, attestation)));
    }

    /// @inheritdoc IAttestations
    function hashForwards(ForwardAttestation calldata attestation) public view returns (bytes32) {
        Forward[] calldata forwards = attestation.forwards;
        bytes32[] memory hashes = new bytes32[](forwards.length);
        for (uint256 i; i < hashes.length; ++i) hashes[i] = keccak256(abi.encode(FORWARD_TYPEHASH, forwards[i]));
        return _hashList(FORWARDS_TYPEHASH, attestation.underlying, attestation.timestamp, hashes);
    }

    /// @inheritdoc IAttestations
    function hashSurface(SurfaceAttestation calldata attestation) public view returns (bytes32) {
        Slice[] calldata slices = attestation.slices;
        bytes32[] memory hashes = new bytes32[](slices.length);
        for (uint256 i; i < hashes.length; ++i) hashes[i] = keccak256(abi.encode(SLICE_TYPEHASH, slices[i]));
        return _hashList(SURFACE_TYPEHASH, attestation.underlying, attestation.timestamp, hashes);
    }

    // ------------------------------------------------------------------ signatures
    function _hashList(
        bytes32 typehash,
        uint8 underlying,
        uint40 timestamp,
        bytes32[] memory hashes
    ) private view returns (bytes32) {
        bytes32 list = keccak256(abi.encodePacked(hashes));
        return _hashTypedDataV4(keccak256(abi.encode(typehash, underlying, timestamp, list)));
    }

    /// @dev At least the threshold, every one of them of a signer, ascending: so none counts twice.
    function _requireSigned(bytes32 digest, bytes[] calldata signatures) private view {
        require(signatures.length >= _threshold, TooFewSigners(signatures.length, _threshold));
        address previous;
        for (uint256 i; i < signatures.length; ++i) {
            address signer = ECDSA.recoverCalldata(digest, signatures[i]);
            require(signer > previous, SignersNotAscending(signer, previous));
            require(_signers.contains(signer), UnknownSigner(signer));
            previous = signer;
        }
    }

    function _setSigners(address[] memory signers_, uint256 threshold_) private {
        require(
            threshold_ != 0 && threshold_ <= signers_.length && signers_.length <= MAX_SIGNERS,
            BadSigners(signers_.length, threshold_)
        );
        _signers.clear();
        for (uint256 i; i < signers_.length; ++i) {
            // `add` is false for one that is named twice.
            bool isNew = signers_[i] != address(0) && _signers.add(signers_[i]);
            require(isNew, BadSigners(signers_.length, threshold_));
        }
        _threshold = threshold_;
        emit SignersSet(signers_, threshold_);
    }

    // ------------------------------------------------------------------ what may be stored
    /// @dev Outside sessions, of a listed underlying, not from the future, fresh.
    function _admit(uint8 underlying, uint40 timestamp) private view returns (LimitsWord limits) {
        // Not `isQuiet`: a keeper may post after using a door in the same transaction. The lock counts too: a token's callback
        // inside a door stands between what the door read and what it checks.
        require(!_safe.inSession() && !_safe.isLocked(), SessionOpen());
        limits = _limits[underlying];
        require(limits.postAge() != 0, UnderlyingNotListed(underlying));
        require(timestamp <= block.timestamp, FutureAttestation(timestamp));
        require(block.timestamp - timestamp <= limits.postAge(), AttestationTooOld(timestamp, limits.postAge()));
    }

    function _requireCount(uint256 count) private pure {
        require(count != 0 && count <= MAX_EXPIRIES, BadValue(0, "expiries"));
    }

    /// @dev Seconds since what is stored; strictly increasing.
    function _elapsed(uint40 timestamp, uint256 stored) private pure returns (uint256) {
        require(timestamp > stored, OldAttestation(timestamp, uint40(stored)));
        return timestamp - stored;
    }

    /// @dev |value − stored| ≤ part · jump per minute · elapsed, by the attested times: pro rata, so that many small steps go no further than one.
    function _requireSmallJump(
        uint40 expiry,
        int256 value,
        int256 stored,
        uint256 part,
        uint256 jump,
        uint256 elapsed
    ) private pure {
        uint256 change = FixedPointMathLib.dist(value, stored);
        uint256 limit = FixedPoint.mulDivDown(part, jump * JUMP_UNIT * elapsed, 60 * WAD);
        require(change <= limit, JumpTooBig(expiry, change, limit));
    }

    function _storeForward(uint8 underlying, Forward calldata f, uint40 timestamp, LimitsWord limits) private {
        uint40 expiry = f.expiry;
        require(f.ratio >= MIN_RATIO && f.ratio <= MAX_RATIO, BadValue(expiry, "ratio"));
        require(f.rate >= -MAX_RATE && f.rate <= MAX_RATE, BadValue(expiry, "rate"));
        require(f.forwardConfidence <= WAD && f.rateConfidence <= WAD, BadValue(expiry, "confidence"));
        Expiry storage e = _expiries[_key(underlying, expiry)];
        ForwardWord stored = e.forward;
        uint256 elapsed = _elapsed(timestamp, stored.time());
        if (stored.time() != 0) {
            _requireSmallJump(
                expiry,
                int256(uint256(f.ratio)),
                int256(stored.ratio()),
                WAD,
                limits.forwardJump(),
                elapsed
            );
        }
        uint64 confidence = f.forwardConfidence < f.rateConfidence ? f.forwardConfidence : f.rateConfidence;
        e.forward = ForwardWordLib.make(f.ratio, f.rate, confidence, timestamp, limits);
    }

    function _storeSmile(
        uint8 underlying,
        Slice calldata slice,
        Smile memory smile,
        uint40 timestamp,
        uint256 jump
    ) private {
        Expiry storage e = _expiries[_key(underlying, slice.expiry)];
        WingWord wing = e.wing;
        uint256 stored = wing.time();
        if (stored != 0) {
            SmileWord word = e.smile;
            Smile memory before = RawSvi.smile(word.a(), wing.b(), word.rho(), word.m(), wing.sigma());
            _requireSmallVolJump(slice.expiry, [timestamp, stored], smile, before, jump);
        }
        e.smile = SmileWordLib.make(slice.a, slice.rho, slice.m, slice.confidence);
        e.wing = WingWordLib.make(slice.b, slice.sigma, slice.forwardReference, timestamp);
    }

    /// @dev σ at the same moneyness, at the middle and both ends of the narrower smile's grid, where neither is cut: total variance is
    /// convex, so between these points it stays below chords.
    function _requireSmallVolJump(
        uint40 expiry,
        uint256[2] memory times,
        Smile memory smile,
        Smile memory before,
        uint256 jump
    ) private pure {
        int256 wing = RawSvi.wing(smile.wing2 < before.wing2 ? smile : before);
        for (uint256 i; i < SurfaceCheck.POINTS; i += SurfaceCheck.POINTS / 2) {
            int256 k = SurfaceCheck.point(wing, i);
            uint256 sigma = _sigma(smile, k, expiry - times[0]);
            uint256 old = _sigma(before, k, expiry - times[1]);
            _requireSmallJump(expiry, int256(sigma), int256(old), old, jump, times[0] - times[1]);
        }
    }

    function _sigma(Smile memory smile, int256 k, uint256 time) private pure returns (uint256) {
        return FixedPointMathLib.sqrt((uint256(RawSvi.totalVariance(smile, k)) * YEAR) / time);
    }

    // ------------------------------------------------------------------ what is said now
    function _key(uint8 underlying, uint40 expiry) private pure returns (uint256) {
        return (uint256(underlying) << 40) | expiry;
    }

    /// @dev Writes every field: `f` is not cleared memory.
    function _fill(ExpiryFeed memory f, uint8 underlying, uint40 expiry) private view {
        Expiry storage e = _expiries[_key(underlying, expiry)];
        (ForwardWord forward, WingWord wing) = (e.forward, e.wing);
        (uint256 forwardTime, uint256 time) = (forward.time(), wing.time());
        require(forwardTime != 0 && time != 0, UnknownExpiry(underlying, expiry));
        _fillSmile(f, e.smile, wing);
        unchecked {
            // Times of attestations are not after now, and before the expiry. Ages stop there: what was fresh then stays so until the expiry is
            // settled, where none of it matters any more.
            uint256 now_ = FixedPoint.min(block.timestamp, expiry);
            f.tau = ((expiry - time) * WAD) / YEAR;
            (forwardTime, time) = (now_ - forwardTime, now_ - time);
            f.stale = FixedPoint.max(forwardTime, time) > forward.maxAge();
        }
        f.rate = forward.rate();
        f.forwardConfidence = forward.confidence();
        f.forwardRatio = forward.ratio();
        f.volFactor = WAD;
        if (FixedPoint.max(forwardTime, time) > forward.deadAge()) {
            _die(f, _limits[underlying], forwardTime, time, forward.deadAge());
        }
    }

    /// @dev Linear, both: no step that would liquidate anybody; it ends; and a forward's carry to a fixed date shrinks with the time to it.
    function _die(
        ExpiryFeed memory f,
        LimitsWord limits,
        uint256 forwardAge,
        uint256 smileAge,
        uint256 deadAge
    ) private pure {
        int256 left = int256(WAD - _decayed(forwardAge, deadAge, limits.decay()));
        f.forwardRatio = uint256(IWAD + ((int256(f.forwardRatio) - IWAD) * left) / IWAD);
        f.volFactor += (_decayed(smileAge, deadAge, limits.decay()) * (limits.stress() - BPS)) / BPS;
    }

    function _fillSmile(ExpiryFeed memory f, SmileWord smile, WingWord wing) private pure {
        f.a = smile.a();
        f.rho = smile.rho();
        f.m = smile.m();
        f.volConfidence = smile.confidence();
        f.b = wing.b();
        f.sigma = wing.sigma();
        f.forwardReference = wing.forwardReference();
    }

    /// @dev How much of the way from "as attested" to "dead", WAD.
    function _decayed(uint256 age, uint256 deadAge, uint256 decay) private pure returns (uint256) {
        if (age <= deadAge) return 0;
        return age - deadAge >= decay ? WAD : ((age - deadAge) * WAD) / decay;
    }
}
