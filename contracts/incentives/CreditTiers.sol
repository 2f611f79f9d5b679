// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {CreditAttestation, ICreditTiers} from "../interfaces/ICreditTiers.sol";
import {AccountId} from "../types/AccountId.sol";

/// @title CreditTiers: k of n attesters say who has credit, the governor what that is worth
/// @dev At worst, with all attesters malicious, everybody has the largest part: initial margin half way to maintenance. The engine bounds
/// the part again, so that not even another contract in this one's place could do more.
contract CreditTiers is ICreditTiers, AccessManaged, EIP712 {
    using EnumerableSet for EnumerableSet.AddressSet;

    bytes32 private constant CREDIT_TYPEHASH = keccak256(
        "CreditAttestation(address owner,uint8 tier,uint40 issuedAt,uint40 expiry)"
    );
    uint256 private constant MAX_PART = 5_000;
    uint256 private constant TIERS = 8;
    uint256 private constant PART_BITS = 16;
    uint256 private constant MAX_ATTESTERS = 16;
    /// @notice The longest that an attestation counts.
    uint256 public constant MAX_TERM = 90 days;

    struct Credit {
        uint8 tier;
        uint40 issuedAt;
        uint40 expiry;
        uint32 epoch;
    }

    /// @dev One slot, which every check reads: parts of 16 bits, the lowest tier lowest.
    struct Terms {
        uint128 parts;
        uint32 epoch;
        uint40 since; // when the attesters were appointed
        uint8 threshold;
    }

    Terms private _terms;
    mapping(address owner => Credit) private _credits;
    EnumerableSet.AddressSet private _attesters;

    constructor(
        address authority_,
        address[] memory attesters_,
        uint256 threshold_
    ) AccessManaged(authority_) EIP712("Plimsoll Credit", "1") {
        _setAttesters(attesters_, threshold_);
    }

    // ---------------------------------------------------------------- attestations

    /// @inheritdoc ICreditTiers
    function attest(CreditAttestation calldata c, bytes[] calldata signatures) external {
        require(c.tier < TIERS, UnknownTier(c.tier));
        require(block.timestamp <= c.expiry, CreditExpired(c.expiry));
        uint256 latest = uint256(c.issuedAt) + MAX_TERM;
        require(c.expiry <= latest, CreditTooLong(c.expiry, latest));
        Terms memory t = _terms;
        Credit storage stored = _credits[c.owner];
        uint40 last = stored.issuedAt > t.since ? stored.issuedAt : t.since;
        // also what keeps an older, better attestation from being shown again
        bool newer = c.issuedAt > last && c.issuedAt <= block.timestamp;
        require(newer, AttestationSuperseded(c.owner, c.issuedAt, last));
        _requireSigned(hashCredit(c), signatures, t.threshold);
        _credits[c.owner] = Credit(c.tier, c.issuedAt, c.expiry, t.epoch);
        emit CreditAttested(c.owner, c.tier, c.issuedAt, c.expiry);
    }

    /// @dev Signers ascend, so none counts twice.
    function _requireSigned(bytes32 digest, bytes[] calldata signatures, uint256 threshold) private view {
        require(signatures.length >= threshold, TooFewSigners(signatures.length, threshold));
        address previous;
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = ECDSA.recoverCalldata(digest, signatures[i]);
            require(signer > previous, SignersNotAscending(signer, previous));
            require(_attesters.contains(signer), UnknownSigner(signer));
            previous = signer;
        }
    }

    // ---------------------------------------------------------------- governor and guardian

    /// @inheritdoc ICreditTiers
    function setAttesters(address[] calldata attesters_, uint256 threshold) external restricted {
        _setAttesters(attesters_, threshold);
    }

    function _setAttesters(address[] memory list, uint256 threshold) private {
        bool sane = threshold != 0 && threshold <= list.length && list.length <= MAX_ATTESTERS;
        require(sane, BadSigners(list.length, threshold));
        _attesters.clear();
        for (uint256 i = 0; i < list.length; ++i) {
            bool isNew = list[i] != address(0) && _attesters.add(list[i]);
            require(isNew, BadSigners(list.length, threshold));
        }
        Terms storage t = _terms;
        (t.threshold, t.since) = (uint8(threshold), uint40(block.timestamp));
        uint32 epoch = ++t.epoch;
        emit AttestersSet(list, threshold, epoch);
    }

    /// @inheritdoc ICreditTiers
    function setParts(uint16[8] calldata parts_) external restricted {
        require(parts_[0] == 0, InvalidTiers("tier 0"));
        uint256 packed;
        for (uint256 i = 1; i < TIERS; ++i) {
            require(parts_[i] >= parts_[i - 1] && parts_[i] <= MAX_PART, InvalidTiers("part"));
            packed |= uint256(parts_[i]) << (i * PART_BITS);
        }
        _terms.parts = uint128(packed);
        emit TierPartsSet(parts_);
    }

    /// @inheritdoc ICreditTiers
    function revoke(address owner) external restricted {
        _credits[owner] = Credit(0, uint40(block.timestamp), 0, 0);
        emit CreditRevoked(owner);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ICreditTiers
    function partOf(AccountId account) external view returns (uint256) {
        Credit storage c = _credits[account.owner()];
        Terms storage t = _terms;
        return _isValid(c, t) ? _partOf(t.parts, c.tier) : 0;
    }

    function _isValid(Credit storage c, Terms storage t) private view returns (bool) {
        return c.epoch == t.epoch && block.timestamp <= c.expiry;
    }

    function _partOf(uint256 packed, uint256 tier) private pure returns (uint256) {
        return uint16(packed >> (tier * PART_BITS));
    }

    /// @inheritdoc ICreditTiers
    function creditOf(address owner) external view returns (uint8 tier, uint40 issuedAt, uint40 expiry, bool valid) {
        Credit storage c = _credits[owner];
        return (c.tier, c.issuedAt, c.expiry, _isValid(c, _terms));
    }

    /// @inheritdoc ICreditTiers
    function parts() external view returns (uint16[8] memory list) {
        for (uint256 i = 0; i < TIERS; ++i) list[i] = uint16(_partOf(_terms.parts, i));
    }

    /// @inheritdoc ICreditTiers
    function attesters() external view returns (address[] memory list, uint256 threshold, uint32 epoch) {
        return (_attesters.values(), _terms.threshold, _terms.epoch);
    }

    /// @inheritdoc ICreditTiers
    function hashCredit(CreditAttestation calldata c) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CREDIT_TYPEHASH, c)));
    }
}
