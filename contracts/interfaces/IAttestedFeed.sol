// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

/// @dev What attesters say of one expiry, as the scale uses it now (after decay and stress, DESIGN 5).
struct ExpiryFeed {
    uint256 forwardRatio; // forward ÷ index, WAD
    int256 rate; // continuous, per year, WAD
    // raw SVI of total variance, WAD: w(k) = a + b·(ρ·(k − m) + √((k − m)² + σ²)), k = ln(K / forwardReference), vol² = w / tau
    int256 a;
    uint256 b;
    int256 rho;
    int256 m;
    uint256 sigma;
    uint256 forwardReference; // settlement units WAD
    uint256 tau; // years WAD, from the attestation to the expiry
    uint256 volFactor; // WAD; above 1 after T_dead: σ is multiplied by it
    uint256 forwardConfidence; // WAD; min of forward's and rate's
    uint256 volConfidence; // WAD
    bool stale; // no fresh attestation: no new risk
}

/// @title k-of-n attested values relative to the index (DESIGN 5)
interface IAttestedFeed {
    /// @notice The perp's premium ÷ index, WAD, not clamped; 0 after T_dead.
    function premium(
        uint8 underlying
    ) external view returns (int256 value, uint256 confidence, uint256 time, bool stale);

    /// @notice One per asked expiry, in order. Reverts `UnknownExpiry` for one that was never attested.
    function expiryFeeds(uint8 underlying, uint40[] calldata expiries) external view returns (ExpiryFeed[] memory);
}
