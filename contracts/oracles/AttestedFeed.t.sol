// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {ExpiryFeed} from "../interfaces/IAttestedFeed.sol";
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
import {BaseTest} from "../test/BaseTest.sol";
import {StubSafe} from "../test/StubSafe.sol";
import {AttestedFeed} from "./AttestedFeed.sol";

contract AttestedFeedTest is BaseTest {
    uint8 private constant ETH = 2;
    uint24 private constant POST_AGE = 60;
    uint24 private constant MAX_AGE = 5 minutes;
    uint24 private constant DEAD_AGE = 30 minutes;
    uint24 private constant DECAY = 1 hours;
    uint256 private constant YEAR = 365 days;

    StubSafe private safe;
    AccessManager private manager;
    AttestedFeed private feed;
    uint256[] private keys;
    uint40 private weekly;
    uint40 private monthly;

    function setUp() public {
        vm.warp(1_700_000_000);
        safe = new StubSafe();
        manager = new AccessManager(address(this));
        address[] memory list = new address[](5);
        for (uint256 i; i < 5; ++i) keys.push(uint256(keccak256(abi.encode("attester", i))));
        _sortKeys();
        for (uint256 i; i < 5; ++i) list[i] = vm.addr(keys[i]);
        feed = new AttestedFeed(IMarginAccounts(address(safe)), address(manager), list, 3);
        feed.setLimits(ETH, _limits());
        weekly = uint40(block.timestamp + 7 days);
        monthly = uint40(block.timestamp + 30 days);
    }

    function _limits() private pure returns (FeedLimits memory) {
        return FeedLimits(POST_AGE, MAX_AGE, DEAD_AGE, DECAY, 15_000, 1_000, 2_000, 50_000);
    }

    function _sortKeys() private {
        for (uint256 i = 1; i < keys.length; ++i) {
            for (uint256 j = i; j > 0 && vm.addr(keys[j]) < vm.addr(keys[j - 1]); --j) {
                (keys[j], keys[j - 1]) = (keys[j - 1], keys[j]);
            }
        }
    }

    // ------------------------------------------------------------------ signing
    function _sign(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _signatures(bytes32 digest, uint256 count) private view returns (bytes[] memory list) {
        list = new bytes[](count);
        for (uint256 i; i < count; ++i) list[i] = _sign(keys[i], digest);
    }

    function _premium(int64 value) private view returns (PremiumAttestation memory) {
        return PremiumAttestation(ETH, value, 0.9e18, uint40(block.timestamp));
    }

    function _forwards(uint64 ratio) private view returns (ForwardAttestation memory a) {
        a.underlying = ETH;
        a.timestamp = uint40(block.timestamp);
        a.forwards = new Forward[](1);
        a.forwards[0] = Forward(monthly, ratio, 0.05e18, 0.97e18, 0.96e18);
    }

    /// @dev A week and a month of a published shape: b, σ and a grow with the time.
    function _surface() private view returns (SurfaceAttestation memory a) {
        a.underlying = ETH;
        a.timestamp = uint40(block.timestamp);
        a.slices = new Slice[](2);
        a.slices[0] = Slice(weekly, 0.0021e18, 0.04e18, -0.29e18, -0.026e18, 0.0625e18, 2_000e18, 0.95e18);
        a.slices[1] = Slice(monthly, 0.0143e18, 0.083e18, -0.38e18, -0.096e18, 0.13e18, 2_010e18, 0.94e18);
    }

    function _post(PremiumAttestation memory a) private {
        bytes[] memory list = _signatures(feed.hashPremium(a), 3);
        feed.postPremium(a, list);
    }

    function _post(ForwardAttestation memory a) private {
        bytes[] memory list = _signatures(feed.hashForwards(a), 3);
        feed.postForwards(a, list);
    }

    function _post(SurfaceAttestation memory a) private {
        bytes[] memory list = _signatures(feed.hashSurface(a), 3);
        feed.postSurface(a, list);
    }

    function _expect(PremiumAttestation memory a, bytes memory reason) private {
        bytes[] memory list = _signatures(feed.hashPremium(a), 3);
        vm.expectRevert(reason);
        feed.postPremium(a, list);
    }

    function _expect(ForwardAttestation memory a, bytes memory reason) private {
        bytes[] memory list = _signatures(feed.hashForwards(a), 3);
        vm.expectRevert(reason);
        feed.postForwards(a, list);
    }

    function _expect(SurfaceAttestation memory a, bytes memory reason) private {
        bytes[] memory list = _signatures(feed.hashSurface(a), 3);
        vm.expectRevert(reason);
        feed.postSurface(a, list);
    }

    function _bad(uint40 expiry, bytes32 field) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAttestations.BadValue.selector, expiry, field);
    }

    function _one(uint40 expiry) private view returns (ExpiryFeed memory) {
        uint40[] memory list = new uint40[](1);
        list[0] = expiry;
        return feed.expiryFeeds(ETH, list)[0];
    }

    // ------------------------------------------------------------------ what is stored
    function test_premiumIsKeptAsSigned() public {
        (, , uint256 time, bool stale) = feed.premium(ETH);
        assertEq(time, 0);
        assertTrue(stale, "never attested: no new risk");
        vm.expectEmit(address(feed));
        emit IAttestations.PremiumPosted(ETH, -0.0012e18, 0.9e18, block.timestamp);
        _post(_premium(-0.0012e18));
        int256 value;
        uint256 confidence;
        (value, confidence, time, stale) = feed.premium(ETH);
        assertEq(value, -0.0012e18);
        assertEq(confidence, 0.9e18);
        assertEq(time, block.timestamp);
        assertFalse(stale);
    }

    function test_forwardsAndSmilesAreKeptAsSigned() public {
        _post(_forwards(1.005e18));
        SurfaceAttestation memory a = _surface();
        _post(a);
        ExpiryFeed memory f = _one(monthly);
        assertEq(f.forwardRatio, 1.005e18);
        assertEq(f.rate, 0.05e18);
        assertEq(f.forwardConfidence, 0.96e18, "the smaller of both");
        assertEq(f.a, a.slices[1].a);
        assertEq(f.b, a.slices[1].b);
        assertEq(f.rho, a.slices[1].rho);
        assertEq(f.m, a.slices[1].m);
        assertEq(f.sigma, a.slices[1].sigma);
        assertEq(f.forwardReference, 2_010e18);
        assertEq(f.tau, (30 days * 1e18) / YEAR);
        assertEq(f.volFactor, 1e18);
        assertEq(f.volConfidence, 0.94e18);
        assertFalse(f.stale);
        (uint256 forwardTime, uint256 surfaceTime) = feed.timesOf(ETH, monthly);
        assertEq(forwardTime, block.timestamp);
        assertEq(surfaceTime, block.timestamp);
        assertEq(feed.surfaceTimeOf(ETH), block.timestamp);
    }

    function test_expiriesThatWereNotAttestedWhollyAreUnknown() public {
        _post(_surface());
        uint40[] memory list = new uint40[](1);
        list[0] = monthly;
        vm.expectRevert(abi.encodeWithSelector(IAttestations.UnknownExpiry.selector, ETH, monthly));
        feed.expiryFeeds(ETH, list);
        _post(_forwards(1e18));
        feed.expiryFeeds(ETH, list);
        list[0] = monthly + 1;
        vm.expectRevert(abi.encodeWithSelector(IAttestations.UnknownExpiry.selector, ETH, monthly + 1));
        feed.expiryFeeds(ETH, list);
    }

    // ------------------------------------------------------------------ signatures
    function test_O1_tooFewSigners() public {
        PremiumAttestation memory a = _premium(0);
        bytes[] memory list = _signatures(feed.hashPremium(a), 2);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.TooFewSigners.selector, 2, 3));
        feed.postPremium(a, list);
    }

    function test_O1_duplicateSigner() public {
        PremiumAttestation memory a = _premium(0);
        bytes[] memory list = _signatures(feed.hashPremium(a), 3);
        list[2] = list[1];
        address twice = vm.addr(keys[1]);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.SignersNotAscending.selector, twice, twice));
        feed.postPremium(a, list);
    }

    function test_O1_signersOutOfOrder() public {
        PremiumAttestation memory a = _premium(0);
        bytes[] memory list = _signatures(feed.hashPremium(a), 3);
        (list[0], list[1]) = (list[1], list[0]);
        vm.expectRevert(
            abi.encodeWithSelector(IAttestations.SignersNotAscending.selector, vm.addr(keys[0]), vm.addr(keys[1]))
        );
        feed.postPremium(a, list);
    }

    function test_O1_unknownSigner() public {
        PremiumAttestation memory a = _premium(0);
        bytes[] memory list = _signatures(feed.hashPremium(a), 3);
        uint256 stranger = 1;
        while (vm.addr(stranger) <= vm.addr(keys[1])) ++stranger;
        list[2] = _sign(stranger, feed.hashPremium(a));
        vm.expectRevert(abi.encodeWithSelector(IAttestations.UnknownSigner.selector, vm.addr(stranger)));
        feed.postPremium(a, list);
        // Also beyond the threshold: what a stranger adds is never waved through.
        bytes[] memory more = new bytes[](4);
        (more[0], more[1], more[2], more[3]) = (list[0], list[1], _sign(keys[2], feed.hashPremium(a)), list[2]);
        if (vm.addr(stranger) < vm.addr(keys[2])) (more[2], more[3]) = (more[3], more[2]);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.UnknownSigner.selector, vm.addr(stranger)));
        feed.postPremium(a, more);
    }

    function test_O1_signaturesOfOtherValuesDomainsAndKindsAreWorthNothing() public {
        PremiumAttestation memory a = _premium(0.001e18);
        bytes[] memory list = _signatures(feed.hashPremium(a), 3);
        a.premium = 0.002e18;
        vm.expectRevert();
        feed.postPremium(a, list);
        a.premium = 0.001e18;
        AttestedFeed other = new AttestedFeed(
            IMarginAccounts(address(safe)),
            address(manager),
            feed.signers(),
            feed.threshold()
        );
        other.setLimits(ETH, _limits());
        vm.expectRevert();
        other.postPremium(a, list);
        vm.chainId(77);
        vm.expectRevert();
        feed.postPremium(a, list);
    }

    function test_O1_malleableSignaturesAreRefused() public {
        PremiumAttestation memory a = _premium(0);
        bytes32 digest = feed.hashPremium(a);
        bytes[] memory list = _signatures(digest, 3);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[0], digest);
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        s = bytes32(order - uint256(s));
        list[0] = abi.encodePacked(r, s, v == 27 ? uint8(28) : uint8(27));
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, s));
        feed.postPremium(a, list);
    }

    // ------------------------------------------------------------------ time
    function test_O1_timeIncreasesStrictlyPerFeed() public {
        _post(_premium(0));
        uint40 now_ = uint40(block.timestamp);
        bytes memory old = abi.encodeWithSelector(IAttestations.OldAttestation.selector, now_, now_);
        _expect(_premium(0), old);
        _post(_forwards(1e18));
        _expect(_forwards(1e18), old);
        _post(_surface());
        _expect(_surface(), old);
        // Another expiry's forward is another feed; a surface is one feed with all its expiries.
        ForwardAttestation memory f = _forwards(1e18);
        f.forwards[0].expiry = weekly;
        _post(f);
        SurfaceAttestation memory s = _surface();
        s.slices[0].expiry = weekly + 1;
        s.slices[1].expiry = monthly + 1;
        _expect(s, old);
    }

    function test_O1_fromTheFuture() public {
        PremiumAttestation memory a = _premium(0);
        a.timestamp += 1;
        _expect(a, abi.encodeWithSelector(IAttestations.FutureAttestation.selector, a.timestamp));
    }

    function test_O1_tooOldAtPosting() public {
        PremiumAttestation memory a = _premium(0);
        skip(POST_AGE + 1);
        _expect(a, abi.encodeWithSelector(IAttestations.AttestationTooOld.selector, a.timestamp, POST_AGE));
        vm.warp(block.timestamp - 1);
        _post(a);
    }

    function test_unlistedUnderlying() public {
        PremiumAttestation memory a = _premium(0);
        a.underlying = 3;
        _expect(a, abi.encodeWithSelector(IAttestations.UnderlyingNotListed.selector, 3));
    }

    function test_A2_refusedWhileASessionIsOpenOrADoorLocked() public {
        PremiumAttestation memory p = _premium(0);
        ForwardAttestation memory f = _forwards(1e18);
        SurfaceAttestation memory s = _surface();
        bytes memory reason = abi.encodeWithSelector(IAttestations.SessionOpen.selector);
        for (uint256 i; i < 2; ++i) {
            safe.setSession(i == 0, i == 1);
            _expect(p, reason);
            _expect(f, reason);
            _expect(s, reason);
        }
        safe.setSession(false, false);
        _post(p);
    }

    // ------------------------------------------------------------------ jumps
    /// @dev 1,000 millionths a minute, pro rata: a third of it in 20 seconds, however the way is cut.
    function testFuzz_O1_premiumMovesByABoundedPartAMinute(uint16 seconds_, int64 move) public {
        uint256 elapsed = bound(seconds_, 1, 4 hours);
        int256 limit = int256((0.001e18 * elapsed) / 60);
        move = int64(bound(move, -2 * limit, 2 * limit));
        _post(_premium(0));
        skip(elapsed);
        int256 size = move < 0 ? -move : move;
        if (size <= limit) return _post(_premium(move));
        _expect(_premium(move), abi.encodeWithSelector(IAttestations.JumpTooBig.selector, 0, size, limit));
    }

    function test_O1_forwardJump() public {
        _post(_forwards(1e18));
        skip(60);
        _expect(
            _forwards(1.002e18 + 1),
            abi.encodeWithSelector(IAttestations.JumpTooBig.selector, monthly, 0.002e18 + 1, 0.002e18)
        );
        _post(_forwards(1.002e18));
        skip(30);
        _expect(
            _forwards(1.0009e18),
            abi.encodeWithSelector(IAttestations.JumpTooBig.selector, monthly, 0.0011e18, 0.001e18)
        );
        _post(_forwards(1.001e18));
    }

    /// @dev 5 % of σ a minute; the whole smile up and down, and one wing alone.
    function test_O1_volJump() public {
        _post(_surface());
        skip(60);
        SurfaceAttestation memory a = _surface();
        _scale(a.slices[0], 1.12e18);
        vm.expectPartialRevert(IAttestations.JumpTooBig.selector);
        this.post(a);
        a = _surface();
        _scale(a.slices[0], 0.88e18);
        vm.expectPartialRevert(IAttestations.JumpTooBig.selector);
        this.post(a);
        a = _surface();
        // The middle as it was: b·Δρ·(0 − m) = 0.083 · 0.28 · 0.096.
        (a.slices[1].rho, a.slices[1].a) = (-0.1e18, 0.0143e18 - 0.00223104e18);
        vm.expectPartialRevert(IAttestations.JumpTooBig.selector);
        this.post(a);
        a = _surface();
        _scale(a.slices[0], 1.09e18);
        _post(a);
    }

    function post(SurfaceAttestation memory a) external {
        _post(a);
    }

    /// @dev All variance times `factor`: a and b.
    function _scale(Slice memory s, uint256 factor) private pure {
        s.a = int72((s.a * int256(factor)) / 1e18);
        s.b = uint64((uint256(s.b) * factor) / 1e18);
    }

    // ------------------------------------------------------------------ arbitrage
    function test_butterflyArbitrageIsNamed() public {
        SurfaceAttestation memory a = _surface();
        // Variance positive everywhere, density negative over most of the left.
        a.slices[1] = Slice(monthly, 0.0143e18, 0.35e18, -0.7e18, -0.096e18, 0.05e18, 2_010e18, 1e18);
        vm.expectPartialRevert(IAttestations.ButterflyArbitrage.selector);
        this.post(a);
    }

    function test_calendarArbitrageIsNamed() public {
        SurfaceAttestation memory a = _surface();
        a.slices[0].a = 0.022e18; // the week above the month somewhere
        vm.expectPartialRevert(IAttestations.CalendarArbitrage.selector);
        this.post(a);
        a.slices[0] = abi.decode(abi.encode(a.slices[1]), (Slice));
        a.slices[0].expiry = weekly;
        _post(a); // the same variance is none
    }

    // ------------------------------------------------------------------ domains
    function test_badPremiums() public {
        _expect(_premium(0.5e18 + 1), _bad(0, "premium"));
        _expect(_premium(-0.5e18 - 1), _bad(0, "premium"));
        PremiumAttestation memory a = _premium(0);
        a.confidence = 1e18 + 1;
        _expect(a, _bad(0, "confidence"));
    }

    function test_badForwards() public {
        _expect(_forwards(0.5e18 - 1), _bad(monthly, "ratio"));
        _expect(_forwards(2e18 + 1), _bad(monthly, "ratio"));
        ForwardAttestation memory a = _forwards(1e18);
        a.forwards[0].rate = 1e18 + 1;
        _expect(a, _bad(monthly, "rate"));
        a.forwards[0].rate = -1e18 - 1;
        _expect(a, _bad(monthly, "rate"));
        a.forwards[0].rate = 0;
        a.forwards[0].rateConfidence = 1e18 + 1;
        _expect(a, _bad(monthly, "confidence"));
        a.forwards[0].rateConfidence = 0;
        a.forwards[0].forwardConfidence = 1e18 + 1;
        _expect(a, _bad(monthly, "confidence"));
        a = _forwards(1e18);
        a.forwards[0].expiry = a.timestamp;
        _expect(a, _bad(a.timestamp, "expiry"));
        a.forwards = new Forward[](2);
        a.forwards[0] = a.forwards[1] = _forwards(1e18).forwards[0];
        _expect(a, _bad(monthly, "expiry"));
        a.forwards = new Forward[](0);
        _expect(a, _bad(0, "expiries"));
        a.forwards = new Forward[](33);
        _expect(a, _bad(0, "expiries"));
    }

    function test_badSmiles() public {
        Slice memory good = _surface().slices[0];
        _expectBadSlice(good, "confidence", 0);
        _expectBadSlice(good, "forwardReference", 0);
        _expectBadSlice(good, "forwardReference", 1);
        _expectBadSlice(good, "rho", 0);
        _expectBadSlice(good, "rho", 1);
        _expectBadSlice(good, "sigma", 0);
        _expectBadSlice(good, "b", 0);
        _expectBadSlice(good, "a", 0);
        _expectBadSlice(good, "a", 1);
        _expectBadSlice(good, "a", 2);
        _expectBadSlice(good, "variance", 0);
        _expectBadSlice(good, "expiry", 0);
    }

    function _expectBadSlice(Slice memory good, bytes32 field, uint256 variant) private {
        Slice memory s = abi.decode(abi.encode(good), (Slice));
        if (field == "confidence") s.confidence = 1e18 + 1;
        if (field == "forwardReference") s.forwardReference = variant == 0 ? 0 : 1 << 88;
        if (field == "rho") s.rho = variant == 0 ? int64(1e18) : int64(-1e18);
        if (field == "sigma") s.sigma = 1e12 - 1;
        if (field == "b") s.b = 1_550_387_596_899_224_807; // just above 2 ÷ 1.29
        if (field == "a" && variant == 0) s.a = 20e18;
        // The floor of the smile: −b·σ·√(1 − ρ²) = −0.0023925…
        if (field == "a" && variant == 1) s.a = -0.00239260e18;
        if (field == "a" && variant == 2) s.a = -0.5e18;
        if (field == "variance") (s.a, s.b) = (1e5, 0);
        if (field == "expiry") s.expiry = uint40(block.timestamp);
        SurfaceAttestation memory a;
        (a.underlying, a.timestamp, a.slices) = (ETH, uint40(block.timestamp), new Slice[](1));
        a.slices[0] = s;
        _expect(a, _bad(s.expiry, field));
    }

    // ------------------------------------------------------------------ age
    function test_O1_premiumIsStaleThenDead() public {
        _post(_premium(0.01e18));
        skip(MAX_AGE);
        (int256 value, , , bool stale) = feed.premium(ETH);
        assertFalse(stale);
        skip(1);
        (value, , , stale) = feed.premium(ETH);
        assertTrue(stale);
        assertEq(value, 0.01e18);
        skip(DEAD_AGE - MAX_AGE - 1);
        (value, , , ) = feed.premium(ETH);
        assertEq(value, 0.01e18);
        skip(1);
        (value, , , stale) = feed.premium(ETH);
        assertEq(value, 0);
        assertTrue(stale);
    }

    function test_O1_forwardGoesToTheIndexAndVolToItsStressAfterDeath() public {
        _post(_forwards(0.98e18));
        _post(_surface());
        skip(MAX_AGE);
        assertFalse(_one(monthly).stale);
        skip(1);
        assertTrue(_one(monthly).stale);
        skip(DEAD_AGE - MAX_AGE - 1);
        ExpiryFeed memory f = _one(monthly);
        assertEq(f.forwardRatio, 0.98e18);
        assertEq(f.volFactor, 1e18);
        skip(DECAY / 4);
        f = _one(monthly);
        assertEq(f.forwardRatio, 0.985e18);
        assertEq(f.volFactor, 1.125e18);
        skip(DECAY);
        f = _one(monthly);
        assertEq(f.forwardRatio, 1e18);
        assertEq(f.volFactor, 1.5e18);
        assertEq(f.tau, (30 days * 1e18) / YEAR, "the smile stays what it was");
        assertTrue(f.stale);
    }

    /// @dev Either half alone makes an expiry stale.
    function test_O1_staleWhenEitherHalfIs() public {
        _post(_forwards(1e18));
        _post(_surface());
        skip(MAX_AGE + 1);
        _post(_forwards(1e18));
        assertTrue(_one(monthly).stale, "old smile");
        _post(_surface());
        assertFalse(_one(monthly).stale);
        skip(MAX_AGE + 1);
        _post(_surface());
        assertTrue(_one(monthly).stale, "old forward");
    }

    /// @dev A1: no step down or up while the feed dies, second by second.
    function testFuzz_O1_dyingMovesNothingAtOnce(uint64 ratio, uint24 later) public {
        ratio = uint64(bound(ratio, 0.9e18, 1.1e18));
        later = uint24(bound(later, 0, DEAD_AGE + 2 * uint256(DECAY)));
        _post(_forwards(ratio));
        _post(_surface());
        skip(later);
        ExpiryFeed memory a = _one(monthly);
        skip(1);
        ExpiryFeed memory b = _one(monthly);
        assertLe(b.volFactor - a.volFactor, 0.5e18 / DECAY + 1);
        uint256 basis = ratio > 1e18 ? ratio - 1e18 : 1e18 - ratio;
        assertApproxEqAbs(b.forwardRatio, a.forwardRatio, basis / DECAY + 1);
    }

    /// @dev G1, A1: what the governor changes takes effect with the next attestation.
    function test_G1_newAgesAreForWhatIsPostedAfterThem() public {
        _post(_premium(0.01e18));
        _post(_forwards(0.98e18));
        _post(_surface());
        FeedLimits memory limits = _limits();
        (limits.maxAge, limits.deadAge) = (POST_AGE + 1, POST_AGE + 2);
        feed.setLimits(ETH, limits);
        skip(MAX_AGE);
        (int256 value, , , bool stale) = feed.premium(ETH);
        assertEq(value, 0.01e18);
        assertFalse(stale);
        assertFalse(_one(monthly).stale);
        _post(_premium(0.01e18));
        _post(_forwards(0.98e18));
        _post(_surface());
        skip(POST_AGE + 2);
        (value, , , stale) = feed.premium(ETH);
        assertEq(value, 0.01e18);
        assertTrue(stale);
        assertTrue(_one(monthly).stale);
        assertEq(_one(monthly).volFactor, 1e18);
        skip(1);
        (value, , , ) = feed.premium(ETH);
        assertEq(value, 0);
        assertGt(_one(monthly).volFactor, 1e18);
    }

    function test_agesStopAtTheExpiry() public {
        vm.warp(weekly - 60);
        ForwardAttestation memory f = _forwards(1e18);
        f.forwards[0].expiry = weekly;
        _post(f);
        SurfaceAttestation memory s = _surface();
        _scale(s.slices[0], 0.001e18);
        _post(s);
        skip(2 days);
        ExpiryFeed memory e = _one(weekly);
        assertFalse(e.stale, "fresh at the expiry: an unsettled position does not stop its account");
        assertEq(e.volFactor, 1e18);
    }

    // ------------------------------------------------------------------ governance
    function test_G1_onlyTheAuthorityGoverns() public {
        address stranger = makeAddr("stranger");
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        address[] memory list = new address[](1);
        list[0] = stranger;
        FeedLimits memory limits = _limits();
        address victim = feed.signers()[0];
        vm.startPrank(stranger);
        vm.expectRevert(reason);
        feed.setSigners(list, 1);
        vm.expectRevert(reason);
        feed.dropSigner(victim);
        vm.expectRevert(reason);
        feed.setLimits(ETH, limits);
        vm.stopPrank();
    }

    function test_signersAreReplacedAndDropped() public {
        _post(_premium(0));
        feed.dropSigner(vm.addr(keys[0]));
        assertFalse(feed.isSigner(vm.addr(keys[0])));
        skip(1);
        PremiumAttestation memory a = _premium(0);
        _expect(a, abi.encodeWithSelector(IAttestations.UnknownSigner.selector, vm.addr(keys[0])));
        vm.expectRevert(abi.encodeWithSelector(IAttestations.UnknownSigner.selector, vm.addr(keys[0])));
        feed.dropSigner(vm.addr(keys[0]));
        address[] memory list = new address[](1);
        list[0] = vm.addr(keys[0]);
        vm.expectEmit(address(feed));
        emit IAttestations.SignersSet(list, 1);
        feed.setSigners(list, 1);
        assertEq(feed.signers().length, 1);
        bytes[] memory one = _signatures(feed.hashPremium(a), 1);
        feed.postPremium(a, one);
    }

    function test_badSigners() public {
        address[] memory list = new address[](2);
        (list[0], list[1]) = (makeAddr("x"), makeAddr("y"));
        vm.expectRevert(abi.encodeWithSelector(IAttestations.BadSigners.selector, 2, 0));
        feed.setSigners(list, 0);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.BadSigners.selector, 2, 3));
        feed.setSigners(list, 3);
        list[1] = list[0];
        vm.expectRevert(abi.encodeWithSelector(IAttestations.BadSigners.selector, 2, 1));
        feed.setSigners(list, 1);
        list[1] = address(0);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.BadSigners.selector, 2, 1));
        feed.setSigners(list, 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestations.BadSigners.selector, 33, 1));
        feed.setSigners(new address[](33), 1);
    }

    function test_badLimits() public {
        FeedLimits memory limits = _limits();
        limits.postAge = 0;
        _expectBadLimits(limits, "postAge");
        limits = _limits();
        limits.maxAge = limits.postAge;
        _expectBadLimits(limits, "maxAge");
        limits.maxAge = 65_536;
        _expectBadLimits(limits, "maxAge");
        limits = _limits();
        limits.deadAge = limits.maxAge - 1;
        _expectBadLimits(limits, "deadAge");
        limits.deadAge = 7 days + 1;
        _expectBadLimits(limits, "deadAge");
        limits = _limits();
        limits.decay = 7 days + 1;
        _expectBadLimits(limits, "decay");
        limits = _limits();
        limits.stress = 9_999;
        _expectBadLimits(limits, "stress");
        limits.stress = 100_001;
        _expectBadLimits(limits, "stress");
        limits = _limits();
        limits.premiumJump = 0;
        _expectBadLimits(limits, "premiumJump");
        limits = _limits();
        limits.forwardJump = 0;
        _expectBadLimits(limits, "forwardJump");
        limits = _limits();
        limits.volJump = 0;
        _expectBadLimits(limits, "volJump");
        assertEq(feed.limitsOf(ETH).volJump, 50_000);
    }

    function _expectBadLimits(FeedLimits memory limits, bytes32 field) private {
        vm.expectRevert(abi.encodeWithSelector(IAttestations.BadLimits.selector, field));
        feed.setLimits(ETH, limits);
    }
}
