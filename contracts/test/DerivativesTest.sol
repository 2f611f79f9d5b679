// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {
    FeedLimits,
    Forward,
    ForwardAttestation,
    PremiumAttestation,
    Slice,
    SurfaceAttestation
} from "../interfaces/IAttestations.sol";
import {AttestedFeed} from "../oracles/AttestedFeed.sol";
import {RealizedVolatility} from "../oracles/RealizedVolatility.sol";
import {SettlementPrices} from "../oracles/SettlementPrices.sol";
import {LedgerTableFactory} from "../risk/LedgerTableFactory.sol";
import {NormalTable} from "../risk/NormalTable.sol";
import {PortfolioModel} from "../risk/PortfolioModel.sol";
import {StandardModel} from "../risk/StandardModel.sol";
import {AccountId} from "../types/AccountId.sol";
import {LedgerTableBuilder} from "./LedgerTableBuilder.sol";
import {LedgerTest} from "./LedgerTest.sol";

/// @title The whole system with perps and options, real but for tokens, price feeds and the exchange
/// @dev One attester. Forwards at the index, flat smiles of 80 % (ETH) and 60 % (BTC).
abstract contract DerivativesTest is LedgerTest {
    AttestedFeed internal attested;
    SettlementPrices internal prices;
    RealizedVolatility internal volatility;
    LedgerTableFactory internal tables;
    uint256 private _attesterKey;

    function setUp() public virtual override {
        super.setUp();
        address[] memory signers = new address[](1);
        (signers[0], _attesterKey) = makeAddrAndKey("attester");
        attested = new AttestedFeed(safe, address(authority), signers, 1);
        attested.setLimits(ETH, _limits());
        attested.setLimits(BTC, _limits());
        prices = new SettlementPrices(safe);
        volatility = new RealizedVolatility(safe, 1 hours, 0.97e18, 0.8e18, 500);
        address normal = address(new NormalTable());
        tables = sys.tables;
        uint256[] memory underlyings = new uint256[](2);
        (underlyings[0], underlyings[1]) = (ETH, BTC);
        address ledgerTable = tables.create(
            address(ledger),
            address(new StandardModel(attested, prices, normal)),
            address(new PortfolioModel(attested, prices, volatility, normal)),
            LedgerTableBuilder.parameters(underlyings)
        );
        safe.setEngine(sys.engine);
        safe.setEngine(sys.factory.createWithLedger(table(), ledgerTable));
        ledger.setFeed(address(attested));
        ledger.setSettlementPrices(address(prices));
        attestAll();
    }

    function _limits() private pure returns (FeedLimits memory limits) {
        (limits.postAge, limits.maxAge, limits.deadAge, limits.decay) = (5 minutes, 1 hours, 6 hours, 1 days);
        (limits.stress, limits.premiumJump, limits.forwardJump, limits.volJump) = (15_000, 1e5, 1e5, 1e6);
    }

    // ------------------------------------------------------------------ attestations
    /// @dev Everything anew at this second, as it stood at the start.
    function attestAll() internal {
        attestPremium(ETH, 0);
        attestPremium(BTC, 0);
        if (vm.getBlockTimestamp() >= EXPIRY) return;
        attestExpiry(ETH, 1e18, 0.8e18, 2_000e18);
        attestExpiry(BTC, 1e18, 0.6e18, 30_000e18);
    }

    function attestPremium(uint8 underlying, int64 premium) internal {
        PremiumAttestation memory a = PremiumAttestation(underlying, premium, 1e18, uint40(vm.getBlockTimestamp()));
        attested.postPremium(a, _sign(attested.hashPremium(a)));
    }

    /// @param ratio forward ÷ index. @param sigma σ at every strike, per √year.
    function attestExpiry(uint8 underlying, uint64 ratio, uint256 sigma, uint96 forward) internal {
        uint40 time = uint40(vm.getBlockTimestamp());
        ForwardAttestation memory f = ForwardAttestation(underlying, time, new Forward[](1));
        f.forwards[0] = Forward(EXPIRY, ratio, 0, 1e18, 1e18);
        attested.postForwards(f, _sign(attested.hashForwards(f)));
        SurfaceAttestation memory s = SurfaceAttestation(underlying, time, new Slice[](1));
        uint256 variance = (sigma * sigma * (EXPIRY - time)) / (1e18 * uint256(365 days));
        s.slices[0] = Slice(EXPIRY, int72(int256(variance)), 0, 0, 0, 0.1e18, forward, 1e18);
        attested.postSurface(s, _sign(attested.hashSurface(s)));
    }

    function _sign(bytes32 digest) private view returns (bytes[] memory signatures) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_attesterKey, digest);
        signatures = new bytes[](1);
        signatures[0] = abi.encodePacked(r, s, v);
    }

    // ------------------------------------------------------------------ time
    /// @dev Seconds pass with rounds of every feed; attestations are renewed at their end.
    function passAttested(uint256 duration) internal {
        pass(duration);
        attestAll();
    }

    function setModel(AccountId account, uint8 model) internal {
        vm.prank(account.owner());
        safe.setModel(account, model);
    }
}
