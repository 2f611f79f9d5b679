// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPoint} from "../types/FixedPoint.sol";

/// @dev What the exchange keeps of an account, in one slot:
/// [volume of ten days 32, four of them, the latest lowest | number of the latest ten days 16 | valid until 40 | least salt 64].
/// Salt and time are the account's; volume is the owner's, kept with his account 0, so that who trades from account 0
/// pays for one slot only.
type AccountWord is uint256;

using AccountWordLib for AccountWord global;

library AccountWordLib {
    uint256 internal constant PERIOD = 10 days;
    uint256 private constant EPOCH_SHIFT = 104;
    uint256 private constant BUCKETS_SHIFT = 120;
    uint256 private constant BUCKETS_MASK = type(uint128).max;
    uint256 private constant BUCKET_BITS = 32;
    uint256 private constant BUCKET_MASK = type(uint32).max;

    function minSalt(AccountWord w) internal pure returns (uint64) {
        return uint64(AccountWord.unwrap(w));
    }

    /// @notice 0: no dead-man's switch.
    function validUntil(AccountWord w) internal pure returns (uint40) {
        return uint40(AccountWord.unwrap(w) >> 64);
    }

    function withMinSalt(AccountWord w, uint64 salt) internal pure returns (AccountWord) {
        return AccountWord.wrap((AccountWord.unwrap(w) & ~uint256(type(uint64).max)) | salt);
    }

    function withValidUntil(AccountWord w, uint40 time) internal pure returns (AccountWord) {
        return AccountWord.wrap((AccountWord.unwrap(w) & ~(uint256(type(uint40).max) << 64)) | (uint256(time) << 64));
    }

    /// @notice Volume of the last 30 days: the current bucket, two whole ones, and of the fourth the part that lies inside.
    function volume(AccountWord w, uint256 time) internal pure returns (uint256) {
        uint256 buckets = _rolled(w, time / PERIOD);
        uint256 inside = PERIOD - (time % PERIOD);
        return
            (buckets & BUCKET_MASK) +
            ((buckets >> BUCKET_BITS) & BUCKET_MASK) +
            ((buckets >> (2 * BUCKET_BITS)) & BUCKET_MASK) +
            ((buckets >> (3 * BUCKET_BITS)) * inside) / PERIOD;
    }

    /// @notice `amount` whole settlement units added to the current bucket, which stays at its largest value once it is there.
    function withVolume(AccountWord w, uint256 amount, uint256 time) internal pure returns (AccountWord) {
        uint256 epoch = time / PERIOD;
        uint256 buckets = _rolled(w, epoch);
        uint256 latest = FixedPoint.min((buckets & BUCKET_MASK) + FixedPoint.min(amount, BUCKET_MASK), BUCKET_MASK);
        buckets = (buckets & ~BUCKET_MASK) | latest;
        uint256 controls = AccountWord.unwrap(w) & ((1 << EPOCH_SHIFT) - 1);
        return AccountWord.wrap(controls | (uint256(uint16(epoch)) << EPOCH_SHIFT) | (buckets << BUCKETS_SHIFT));
    }

    /// @dev The buckets as seen in period `epoch`: older ones moved up, those of more than three periods ago gone.
    function _rolled(AccountWord w, uint256 epoch) private pure returns (uint256) {
        uint256 passed = epoch - uint16(AccountWord.unwrap(w) >> EPOCH_SHIFT);
        if (passed > 3) return 0;
        return ((AccountWord.unwrap(w) >> BUCKETS_SHIFT) << (passed * BUCKET_BITS)) & BUCKETS_MASK;
    }
}
