// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {Fill, FillLeg, IPositionsLedger, PerpConfig} from "../interfaces/IPositions.sol";
import {Positions} from "../markets/Positions.sol";
import {PositionsExtension} from "../markets/PositionsExtension.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {Instrument, InstrumentLib} from "../types/Position.sol";
import {FillSender, FinalPrices, LedgerEngine, PremiumFeed} from "./LedgerParts.sol";
import {SafeTest} from "./SafeTest.sol";

/// @title The ledger behind its proxy on the real safe, with a lenient scale and prices, premiums and finals that the test sets
/// @dev Underlyings ETH (2, 2,000) and BTC (3, 30,000). One expiry of each, an hour into the third day.
abstract contract LedgerTest is SafeTest {
    uint8 internal constant ETH = 2;
    uint8 internal constant BTC = 3;
    uint40 internal constant EXPIRY = uint40(START + 3 days);
    uint104 internal constant CAP = 1_000_000e18;

    IPositionsLedger internal ledger;
    Positions internal implementation;
    LedgerEngine internal scale;
    PremiumFeed internal premiums;
    FinalPrices internal finals;
    FillSender internal sender;

    Instrument internal ethPerp = InstrumentLib.perp(ETH);
    Instrument internal btcPerp = InstrumentLib.perp(BTC);
    Instrument internal call2000 = InstrumentLib.option(ETH, EXPIRY, 2_000e8, true);
    Instrument internal put2000 = InstrumentLib.option(ETH, EXPIRY, 2_000e8, false);
    Instrument internal call2200 = InstrumentLib.option(ETH, EXPIRY, 2_200e8, true);
    Instrument internal btcPut = InstrumentLib.option(BTC, EXPIRY, 30_000e8, false);

    function setUp() public virtual override {
        super.setUp();
        PositionsExtension extension = new PositionsExtension(safe, address(authority));
        implementation = new Positions(safe, address(authority), address(extension));
        ledger = IPositionsLedger(
            address(new ERC1967Proxy(address(implementation), abi.encodeCall(implementation.authority, ())))
        );
        (scale, premiums, finals) = (new LedgerEngine(), new PremiumFeed(), new FinalPrices());
        sender = new FillSender(ledger);
        scale.setLedger(ledger);
        scale.setPrice(ETH, 2_000e18);
        scale.setPrice(BTC, 30_000e18);
        safe.setEngine(address(scale));
        safe.setPositions(address(ledger));
        ledger.setExchange(address(sender));
        ledger.setFeed(address(premiums));
        ledger.setSettlementPrices(address(finals));
        ledger.listPerp(ETH, perpConfig());
        ledger.listPerp(BTC, perpConfig());
        ledger.listExpiry(ETH, EXPIRY, CAP);
        ledger.listExpiry(BTC, EXPIRY, CAP);
        Instrument[] memory list = new Instrument[](4);
        (list[0], list[1], list[2], list[3]) = (call2000, put2000, call2200, btcPut);
        ledger.listOptions(list);
        deposit(aliceId, USDC, 100_000e6);
        deposit(bobId, USDC, 100_000e6);
        deposit(carolId, USDC, 100_000e6);
    }

    function perpConfig() internal pure returns (PerpConfig memory config) {
        (config.clamp, config.maxPremiumAge) = (0.02e18, 1 hours);
        (config.openInterestCap, config.risePerHour) = (CAP, 500);
    }

    // ------------------------------------------------------------------ fills

    function makeFill(
        AccountId first,
        AccountId second,
        Instrument instrument,
        int256 size,
        uint256 price
    ) internal pure returns (Fill memory f) {
        (f.first, f.second) = (first, second);
        f.legs = new FillLeg[](1);
        f.legs[0] = FillLeg(instrument, size, price);
    }

    /// @dev `buyer` buys (size > 0) from `seller`.
    function trade(AccountId buyer, AccountId seller, Instrument instrument, int256 size, uint256 price) internal {
        sender.fill(makeFill(buyer, seller, instrument, size, price));
    }

    function refuseFill(Fill memory f, bytes memory reason) internal {
        bytes32 before = ledgerPrint();
        refuse(stranger, address(sender), 0, abi.encodeCall(sender.fill, (f)), reason);
        assertEq(ledgerPrint(), before, "the ledger changed");
    }

    function refuseLedger(address who, bytes memory data, bytes memory reason) internal {
        bytes32 before = ledgerPrint();
        refuse(who, address(ledger), 0, data, reason);
        assertEq(ledgerPrint(), before, "the ledger changed");
    }

    /// @dev All that a refused call must leave alone.
    function ledgerPrint() internal view returns (bytes32 print) {
        AccountId[7] memory ids = [
            aliceId,
            bobId,
            carolId,
            ledger.perpClearing(ETH),
            ledger.perpClearing(BTC),
            ledger.expiryClearing(ETH, EXPIRY),
            ledger.feeAccount()
        ];
        for (uint256 i = 0; i < ids.length; ++i) {
            print = keccak256(abi.encode(print, ledger.quoteOf(ids[i]), ledger.positionsOf(ids[i])));
        }
        return
            keccak256(
                abi.encode(
                    print,
                    ledger.perpMarket(ETH),
                    ledger.perpMarket(BTC),
                    ledger.expiryMarket(ETH, EXPIRY),
                    ledger.expiryMarket(BTC, EXPIRY)
                )
            );
    }

    // ------------------------------------------------------------------ what is

    function quoteOf(AccountId account) internal view returns (int256) {
        return ledger.quoteOf(account);
    }

    function sizeOf(AccountId account, Instrument instrument) internal view returns (int256) {
        return ledger.sizeOf(account, instrument);
    }

    function unsettledOf(AccountId account) internal view returns (int256) {
        return ledger.unsettledOf(account);
    }

    function cashOf(AccountId account) internal view returns (int256) {
        return safe.balanceOf(account, USDC);
    }

    function assertFlags(AccountId account, bool held, bool quoted) internal view {
        (AccountFlags flags, ) = safe.portfolio(account);
        assertEq(flags.hasPositions(), held, "positions flag");
        assertEq(flags.hasQuote(), quoted, "quote flag");
    }

    function err(bytes4 selector, Instrument instrument) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, instrument);
    }

    // ------------------------------------------------------------------ time

    /// @dev A premium attested and poked now.
    function poke(uint8 underlying, int256 premium) internal {
        premiums.set(underlying, premium);
        ledger.pokeFunding(underlying);
    }

    /// @dev To the expiry, with a final price.
    function settleAt(uint8 underlying, uint256 price) internal {
        if (vm.getBlockTimestamp() < EXPIRY) vm.warp(EXPIRY);
        finals.set(underlying, EXPIRY, price);
        ledger.settleExpiry(underlying, EXPIRY);
    }
}
