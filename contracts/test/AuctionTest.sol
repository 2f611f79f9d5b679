// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ILiquidationAuction, Quote} from "../interfaces/ILiquidationAuction.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {LiquidationAuction} from "../liquidation/LiquidationAuction.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {AuctionEngineStub, AuctionSafeStub} from "./AuctionStubs.sol";
import {BaseTest} from "./BaseTest.sol";

/// @title Several steps in one transaction (every call of a test is a transaction of its own)
contract OneTransaction {
    AuctionSafeStub private immutable _safe;

    constructor(AuctionSafeStub safe) {
        _safe = safe;
    }

    function startAndBid(AccountId account, AccountId feeTo, uint256 fraction) external returns (Quote memory) {
        _safe.auction().start(account, feeTo);
        return _safe.bid(account, fraction);
    }

    /// @dev A solvent bid that starts the auction; then the price falls, still in the same transaction.
    function bidFallBid(AccountId account, uint256 first, int256 fallenRest) external {
        _safe.bid(account, first);
        _safe.setRest(account, fallenRest);
        _safe.bid(account, type(uint256).max);
    }

    function pokeAndBid(AccountId account, uint256 fraction) external returns (Quote memory) {
        _safe.auction().poke(account);
        return _safe.bid(account, fraction);
    }
}

/// @title What tests of the auction share: a stub safe and engine, and one account
abstract contract AuctionTest is BaseTest {
    uint256 internal constant MAX = type(uint256).max;
    uint256 internal constant T0 = 1_700_000_000;

    AuctionSafeStub internal safe;
    AuctionEngineStub internal engine;
    LiquidationAuction internal auction;
    OneTransaction internal together;
    uint256 internal unit;

    AccountId internal immutable account = AccountIdLib.make(address(0xA11CE), 0);
    AccountId internal immutable keeper = AccountIdLib.make(address(0xBEE), 7);
    AccountId internal immutable nobody = AccountId.wrap(0);

    function standard() internal pure returns (LiquidationAuction.Parameters memory) {
        return
            LiquidationAuction.Parameters({
                start: 0.98e18,
                cut: 0.8e18,
                fast: 100,
                slow: 14_400,
                buffer: 0.2e18,
                dustThreshold: 10e18,
                insuranceTime: 1_800,
                q: 0.2e18,
                feePart: 100
            });
    }

    function deploy(uint8 decimals, LiquidationAuction.Parameters memory p) internal {
        vm.warp(T0);
        safe = new AuctionSafeStub();
        engine = new AuctionEngineStub(safe, decimals);
        auction = new LiquidationAuction(IMarginAccounts(address(safe)), p);
        together = new OneTransaction(safe);
        safe.setEngine(address(engine));
        safe.setAuction(auction);
        unit = 10 ** (18 - decimals);
    }

    function decimalsOf(uint256 seed) internal pure returns (uint8) {
        return [6, 8, 18][seed % 3];
    }

    function mtmOf(AccountId id) internal view returns (int256) {
        AuctionSafeStub.Account memory a = safe.accountOf(id);
        return a.rest + a.cash * int256(unit);
    }

    function maintenanceOf(AccountId id) internal view returns (int256) {
        return mtmOf(id) - int256(safe.accountOf(id).requirement);
    }

    function status() internal view returns (ILiquidationAuction.Status memory) {
        return auction.status(account);
    }

    /// @dev Time passes while somebody keeps the clock.
    function watch(uint256 duration) internal {
        for (; duration > 900; duration -= 900) {
            skip(900);
            auction.poke(account);
        }
        skip(duration);
    }

    /// @dev Equity 1,000, requirement 1,500: maintenance −500, buffer margin −800.
    function fallen() internal {
        safe.setAccount(account, 1_000e18, 1_500e18, 9_000e18, 0);
    }

    /// @dev Equity −100, requirement 1,000.
    function insolvent() internal {
        safe.setAccount(account, -100e18, 1_000e18, 9_000e18, 0);
    }
}
