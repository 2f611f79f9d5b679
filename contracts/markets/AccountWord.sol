// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {FixedPoint} from "../types/FixedPoint.sol";

/// @dev What the exchange keeps of an account, in one slot:
/// [volume of ten days 32, four of them, the latest lowest | number of the latest ten days 16 | fees as maker 32 | valid until 36 | least
/// salt 44]. Salt and time are the account's; volume and fees are the owner's, kept with his account 0, so that who trades from account
/// 0 pays for one slot only. A salt is at most a day ahead of now in milliseconds, so 44 bits hold it until the year 2527.
type AccountWord is uint256;

using AccountWordLib for AccountWord global;

library AccountWordLib {
    uint256 internal constant PERIOD = 10 days;
    /// @dev Fees are counted in hundredths of a settlement unit.
    uint256 internal constant FEE_UNIT = 1e16;
    uint256 private constant SALT_MASK = (1 << 44) - 1;
    uint256 private constant TIME_SHIFT = 44;
    uint256 private constant TIME_MASK = (1 << 36) - 1;
    uint256 private constant FEES_SHIFT = 80;
    uint256 private constant EPOCH_SHIFT = 112;
    uint256 private constant BUCKETS_SHIFT = 128;
    uint256 private constant BUCKETS_MASK = type(uint128).max;
    uint256 private constant BUCKET_BITS = 32;
    uint256 private constant BUCKET_MASK = type(uint32).max;

    function minSalt(AccountWord w) internal pure returns (uint64) {
        return uint64(AccountWord.unwrap(w) & SALT_MASK);
    }

    /// @notice 0: no dead-man's switch.
    function validUntil(AccountWord w) internal pure returns (uint40) {
        return uint40((AccountWord.unwrap(w) >> TIME_SHIFT) & TIME_MASK);
    }

    /// @param salt below 2^44.
    function withMinSalt(AccountWord w, uint64 salt) internal pure returns (AccountWord) {
        return AccountWord.wrap((AccountWord.unwrap(w) & ~SALT_MASK) | salt);
    }

    /// @param time later than 36 bits say (the year 4147) is as good as never.
    function withValidUntil(AccountWord w, uint40 time) internal pure returns (AccountWord) {
        uint256 bits = FixedPoint.min(time, TIME_MASK) << TIME_SHIFT;
        return AccountWord.wrap((AccountWord.unwrap(w) & ~(TIME_MASK << TIME_SHIFT)) | bits);
    }

    /// @notice All that was ever paid as a maker, in {FEE_UNIT}, modulo 2^32.
    function makerFees(AccountWord w) internal pure returns (uint32) {
        return uint32(AccountWord.unwrap(w) >> FEES_SHIFT);
    }

    /// @param fee WAD; counted rounded down.
    function withMakerFee(AccountWord w, uint256 fee) internal pure returns (AccountWord) {
        unchecked {
            // wraps around: who reads it takes differences
            uint32 total = makerFees(w) + uint32(fee / FEE_UNIT);
            uint256 others = AccountWord.unwrap(w) & ~(uint256(type(uint32).max) << FEES_SHIFT);
            return AccountWord.wrap(others | (uint256(total) << FEES_SHIFT));
        }
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
