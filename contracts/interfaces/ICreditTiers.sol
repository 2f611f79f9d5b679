// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccountId} from "../types/AccountId.sol";

/// @dev What attesters sign: the credit of an owner, for all of his accounts.
struct CreditAttestation {
    address owner;
    uint8 tier; // 0: none
    uint40 issuedAt;
    uint40 expiry; // the last second at which it counts
}

interface ICreditTiersEvents {
    event CreditAttested(address indexed owner, uint8 tier, uint40 issuedAt, uint40 expiry);
    event CreditRevoked(address indexed owner);
    /// @notice All credits of before are void.
    event AttestersSet(address[] attesters, uint256 threshold, uint32 epoch);
    event TierPartsSet(uint16[8] parts);
}

interface ICreditTiersErrors {
    error InvalidTiers(bytes32 field);
    error UnknownTier(uint8 tier);
    /// @dev Not issued after the owner's last attestation, revocation or the attesters' appointment; or in the future.
    error AttestationSuperseded(address owner, uint40 issuedAt, uint40 latest);
    error CreditExpired(uint40 expiry);
    error CreditTooLong(uint40 expiry, uint256 latest);
    // as AttestedFeed names them
    error BadSigners(uint256 signers, uint256 threshold);
    error UnknownSigner(address signer);
    error SignersNotAscending(address signer, address previous);
    error TooFewSigners(uint256 given, uint256 needed);
}

/// @title CreditTiers: attested credit lowers initial margin, never maintenance (docs/incentives.md)
/// @notice An account that has chosen model 2 (standard) or 3 (portfolio) passes by IM' = IM + part × (MM − IM), where `part` ≤ 50 % is that of its
/// owner's tier. Losing a tier stops new risk and liquidates nobody.
/// EIP-712 domain: name "Plimsoll Credit", version "1", chainId, verifyingContract. The type is
/// CreditAttestation(address owner,uint8 tier,uint40 issuedAt,uint40 expiry).
interface ICreditTiers is ICreditTiersEvents, ICreditTiersErrors {
    /// @notice Anyone: stores an attestation signed by at least the threshold of the attesters, signatures ascending by signer.
    function attest(CreditAttestation calldata credit, bytes[] calldata signatures) external;

    /// @notice Governor: k of n attesters. Voids all credits: what a set of attesters granted falls with it.
    function setAttesters(address[] calldata attesters, uint256 threshold) external;

    /// @notice Governor: the part of each tier, basis points, at most 5,000, rising from tier 0, which is 0.
    function setParts(uint16[8] calldata parts) external;

    /// @notice Guardian: voids an owner's credit and every attestation issued until now.
    function revoke(address owner) external;

    /// @notice The part, basis points, that counts now for an account; 0 without a valid credit. Never reverts.
    function partOf(AccountId account) external view returns (uint256);

    /// @notice As stored; `valid`: whether it counts now.
    function creditOf(address owner) external view returns (uint8 tier, uint40 issuedAt, uint40 expiry, bool valid);

    function parts() external view returns (uint16[8] memory);
    function attesters() external view returns (address[] memory list, uint256 threshold, uint32 epoch);

    /// @notice EIP-712 digest.
    function hashCredit(CreditAttestation calldata credit) external view returns (bytes32);
}
