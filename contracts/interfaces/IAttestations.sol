// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IAttestedFeed} from "./IAttestedFeed.sol";

/// @dev EIP-712 `PremiumAttestation(uint8 underlying,int64 premium,uint64 confidence,uint40 timestamp)`.
struct PremiumAttestation {
    uint8 underlying; // pool number of the index
    int64 premium; // perp ÷ index − 1, WAD
    uint64 confidence; // WAD
    uint40 timestamp; // when it was seen
}

/// @dev EIP-712 `Forward(uint40 expiry,uint64 ratio,int64 rate,uint64 forwardConfidence,uint64 rateConfidence)`.
struct Forward {
    uint40 expiry;
    uint64 ratio; // forward ÷ index, WAD
    int64 rate; // continuous, per year, WAD
    uint64 forwardConfidence; // WAD
    uint64 rateConfidence; // WAD
}

/// @dev EIP-712 `ForwardAttestation(uint8 underlying,uint40 timestamp,Forward[] forwards)Forward(…)`. Any expiries, ascending.
struct ForwardAttestation {
    uint8 underlying;
    uint40 timestamp;
    Forward[] forwards;
}

/// @dev EIP-712 `Slice(uint40 expiry,int72 a,uint64 b,int64 rho,int64 m,uint64 sigma,uint96 forwardReference,uint64 confidence)`:
/// raw SVI of one expiry's total variance from the attestation to the expiry, all WAD.
struct Slice {
    uint40 expiry;
    int72 a;
    uint64 b;
    int64 rho;
    int64 m;
    uint64 sigma;
    uint96 forwardReference; // F_ref of k = ln(K / F_ref), settlement units
    uint64 confidence;
}

/// @dev EIP-712 `SurfaceAttestation(uint8 underlying,uint40 timestamp,Slice[] slices)Slice(…)`. All expiries, ascending.
struct SurfaceAttestation {
    uint8 underlying;
    uint40 timestamp;
    Slice[] slices;
}

/// @dev What attestations of an underlying must keep to, in one slot.
struct FeedLimits {
    uint24 postAge; // seconds; older attestations are refused
    uint24 maxAge; // seconds; older values allow no new risk
    uint24 deadAge; // T_dead, seconds: from here premium 0, forward ratio moves to 1, σ to σ × stress
    uint24 decay; // seconds that forward ratio and σ take to get there
    uint32 stress; // basis points, 10000 = σ as it was
    uint32 premiumJump; // most change per minute, millionths of the index
    uint32 forwardJump; // most change per minute of forward ÷ index, millionths
    uint32 volJump; // most change per minute of σ, millionths of σ
}

/// @title Where attestations come in: k of n signatures over values relative to the index (DESIGN 5)
/// @notice Domain: name "Plimsoll Attested Feed", version "1", chain id, this contract. Signatures are 65 bytes (r, s, v), in
/// ascending order of their signers. The struct types above are the typed data, field by field.
interface IAttestations is IAttestedFeed {
    // ------------------------------------------------------------------ errors
    error SessionOpen();
    /// @dev The governor has set no limits for it.
    error UnderlyingNotListed(uint8 underlying);
    error TooFewSigners(uint256 given, uint256 needed);
    /// @dev Signers must ascend: one twice, or out of order.
    error SignersNotAscending(address signer, address previous);
    error UnknownSigner(address signer);
    /// @dev Not newer than what is stored.
    error OldAttestation(uint40 timestamp, uint40 stored);
    error FutureAttestation(uint40 timestamp);
    /// @dev Older than the limit at posting.
    error AttestationTooOld(uint40 timestamp, uint256 maxAge);
    /// @dev `expiry` is 0 for the premium. Both WAD: how far it moved, and how far it may in that time.
    error JumpTooBig(uint40 expiry, uint256 change, uint256 limit);
    /// @dev g(k) < 0: implied density negative (k in WAD).
    error ButterflyArbitrage(uint40 expiry, int256 k);
    /// @dev Less total variance at k than the expiry before it.
    error CalendarArbitrage(uint40 expiry, int256 k);
    /// @dev Out of its domain; `expiry` is 0 for the premium and for the attestation as a whole.
    error BadValue(uint40 expiry, bytes32 field);
    /// @dev Also for one that is zero or named twice.
    error BadSigners(uint256 signers, uint256 threshold);
    error BadLimits(bytes32 field);
    error UnknownExpiry(uint8 underlying, uint40 expiry);

    // ------------------------------------------------------------------ events
    event PremiumPosted(uint8 indexed underlying, int256 premium, uint256 confidence, uint256 timestamp);
    event ForwardsPosted(uint8 indexed underlying, uint256 timestamp, Forward[] forwards);
    event SurfacePosted(uint8 indexed underlying, uint256 timestamp, Slice[] slices);
    event SignersSet(address[] signers, uint256 threshold);
    event SignerDropped(address indexed signer);
    event LimitsSet(uint8 indexed underlying, FeedLimits limits);

    // ------------------------------------------------------------------ posting: anyone, with k signatures, outside sessions
    /// @notice Stores the perp's premium. Newer than the stored one, not from the future, fresh, within the jump bound.
    function postPremium(PremiumAttestation calldata attestation, bytes[] calldata signatures) external;

    /// @notice Stores forwards and rates of some expiries; each must be newer than that expiry's own.
    function postForwards(ForwardAttestation calldata attestation, bytes[] calldata signatures) external;

    /// @notice Stores all smiles of an underlying, after checking them for butterfly and calendar arbitrage.
    function postSurface(SurfaceAttestation calldata attestation, bytes[] calldata signatures) external;

    // ------------------------------------------------------------------ governance
    /// @notice Replaces the whole set; 1 ≤ threshold ≤ number of signers ≤ 32.
    function setSigners(address[] calldata signers, uint256 threshold) external;

    /// @notice Takes a signer out at once, leaving the threshold: at worst the feeds go dead.
    function dropSigner(address signer) external;

    /// @notice For attestations from now on. What is stored keeps the ages that it was posted under, so that no change of them kills a value at once;
    /// decay and stress act on what is dead already too.
    function setLimits(uint8 underlying, FeedLimits calldata limits) external;

    // ------------------------------------------------------------------ views
    /// @notice When the stored values of an expiry were seen; 0: never.
    function timesOf(uint8 underlying, uint40 expiry) external view returns (uint256 forwardTime, uint256 surfaceTime);

    /// @notice When the stored surface of an underlying was seen, all expiries together; 0: never.
    function surfaceTimeOf(uint8 underlying) external view returns (uint256);

    function limitsOf(uint8 underlying) external view returns (FeedLimits memory);

    function signers() external view returns (address[] memory);

    function isSigner(address account) external view returns (bool);

    function threshold() external view returns (uint256);

    /// @notice What signers sign (EIP-712 digests).
    function hashPremium(PremiumAttestation calldata attestation) external view returns (bytes32);

    function hashForwards(ForwardAttestation calldata attestation) external view returns (bytes32);

    function hashSurface(SurfaceAttestation calldata attestation) external view returns (bytes32);
}
