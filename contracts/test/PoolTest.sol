// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {FeeTier, Leg, Order, SignedOrder} from "../interfaces/IExchange.sol";
import {MarketTerms, PoolTerms, Quote} from "../interfaces/ILiquidityPool.sol";
import {LiquidityPool} from "../liquidity/LiquidityPool.sol";
import {PoolPricer} from "../liquidity/PoolPricer.sol";
import {Exchange} from "../markets/Exchange.sol";
import {AccountId} from "../types/AccountId.sol";
import {Instrument} from "../types/Position.sol";
import {DerivativesTest} from "./DerivativesTest.sol";
import {OrderSigner} from "./OrderSigner.sol";

/// @title The liquidity pool on the whole system, with a million of dora's in it
/// @dev Makers pay .02 % and takers .05 %. ETH: 10 basis points each way, .5 % at 500 ETH; 1 vol point, 3 at 200,000. Alice, bob and
/// carol have 100,000 each in account 0.
abstract contract PoolTest is DerivativesTest, OrderSigner {
    uint256 internal constant SEED = 1_000_000e6;
    uint32 internal constant DELAY = 8 hours;

    Exchange internal exchange;
    PoolPricer internal pricer;
    LiquidityPool internal pool;
    AccountId internal poolId;
    address internal dora;
    mapping(address who => uint256 key) internal keys;

    function setUp() public virtual override {
        super.setUp();
        address[4] memory who = [alice, bob, carol, stranger];
        string[4] memory names = ["alice", "bob", "carol", "stranger"];
        for (uint256 i; i < 4; ++i) (, keys[who[i]]) = makeAddrAndKey(names[i]);
        address code = make("contracts/markets/Exchange.sol:Exchange", abi.encode(safe, ledger, authority));
        exchange = Exchange(address(new ERC1967Proxy(code, abi.encodeCall(exchange.safe, ()))));
        ledger.setExchange(address(exchange));
        FeeTier[] memory tiers = new FeeTier[](1);
        tiers[0] = FeeTier(0, 200, 500, 200, 500);
        exchange.setFees(tiers, 1_250);
        address normal = make("contracts/risk/NormalTable.sol:NormalTable", "");
        pricer = PoolPricer(
            make(
                "contracts/liquidity/PoolPricer.sol:PoolPricer",
                abi.encode(safe, attested, prices, volatility, normal)
            )
        );
        pool = LiquidityPool(
            make(
                "contracts/liquidity/LiquidityPool.sol:LiquidityPool",
                abi.encode(safe, exchange, authority, pricer, poolTerms(), "Plimsoll Liquidity", "pLIQ")
            )
        );
        poolId = pool.account();
        pool.setMarketTerms(ETH, marketTerms());
        MarketTerms memory bitcoin = marketTerms();
        bitcoin.deltaLimit = 30e18;
        pool.setMarketTerms(BTC, bitcoin);
        dora = makeAddr("dora");
        provide(dora, SEED);
    }

    /// @dev By name: every test contract would carry the code otherwise.
    function make(string memory what, bytes memory arguments) internal returns (address made) {
        bytes memory code = bytes.concat(vm.getCode(what), arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        require(made != address(0), what);
    }

    function _verifier() internal view override returns (address) {
        return address(exchange);
    }

    function poolTerms() internal pure returns (PoolTerms memory t) {
        (t.depositCap, t.exitDelay, t.reserve) = (10_000_000e6, DELAY, 2_000);
        (t.maxOptions, t.totalDelta, t.totalVega) = (16, 1_800_000, 400_000);
    }

    function marketTerms() internal pure returns (MarketTerms memory t) {
        (t.base, t.skew, t.volSpread, t.volSkew, t.optionMin) = (1_000, 5_000, 10_000, 30_000, 100);
        (t.ageWeight, t.deviationWeight, t.maxAge, t.minTime) = (50, 100, 1 hours, 6 hours);
        (t.deltaLimit, t.vegaLimit, t.optionLimit) = (500e18, 200_000e18, 1_000e18);
    }

    // ------------------------------------------------------------------ depositors
    function provide(address who, uint256 assets) internal returns (uint256 shares) {
        mint(address(sys.usdc), who, assets);
        vm.prank(who);
        sys.usdc.approve(address(pool), assets);
        vm.prank(who);
        return pool.deposit(assets, who);
    }

    function request(address who, uint256 shares) internal returns (uint256 id) {
        vm.prank(who);
        return pool.requestRedeem(shares, who, who);
    }

    /// @dev Everything claimable of `who`.
    function claim(address who) internal returns (uint256 assets) {
        uint256 shares = pool.maxRedeem(who);
        vm.prank(who);
        return pool.redeem(shares, who, who);
    }

    /// @dev The low mark per 10³⁰ shares, without virtual ones: comparisons see every unit.
    function lowPrice() internal view returns (uint256) {
        (int256 low, ) = pool.marks();
        return (uint256(low) * 1e30) / (pool.totalSupply() + 1e12);
    }

    // ------------------------------------------------------------------ traders
    function legsOf(Instrument instrument, int256 size) internal pure returns (Leg[] memory legs) {
        legs = new Leg[](1);
        legs[0] = Leg(instrument, size > 0 ? int128(1e18) : -int128(1e18), 0);
    }

    function quoteOf(Instrument instrument, int256 size) internal view returns (Quote memory) {
        return pool.quote(aliceId, legsOf(instrument, size), uint128(uint256(size > 0 ? size : -size)));
    }

    function askOf(Instrument instrument, uint256 size) internal view returns (uint256) {
        return quoteOf(instrument, int256(size)).prices[0];
    }

    function bidOf(Instrument instrument, uint256 size) internal view returns (uint256) {
        return quoteOf(instrument, -int256(size)).prices[0];
    }

    /// @dev At any price.
    function orderOf(AccountId account, Instrument instrument, int256 size) internal returns (Order memory) {
        return
            size > 0
                ? plain(account, instrument, 1e18, uint256(size), type(uint96).max)
                : plain(account, instrument, -1e18, uint256(-size), 0);
    }

    function swap(AccountId account, Instrument instrument, int256 size) internal returns (int256 cost) {
        Order memory o = orderOf(account, instrument, size);
        SignedOrder memory s = signed(o, keys[account.owner()]);
        vm.prank(stranger);
        return pool.trade(s, o.size);
    }

    function refuseTrade(Order memory o, bytes memory reason) internal {
        SignedOrder memory s = signed(o, keys[o.account.owner()]);
        bytes32 before = ledgerPrint();
        (bool ok, bytes memory result) = attempt(stranger, address(pool), abi.encodeCall(pool.trade, (s, o.size)));
        assertFalse(ok, "not refused");
        assertEq(result, reason, "another reason");
        assertEq(ledgerPrint(), before, "the ledger changed");
    }

    function refuseSwap(AccountId account, Instrument instrument, int256 size, bytes memory reason) internal {
        refuseTrade(orderOf(account, instrument, size), reason);
    }

    /// @dev An underlying's price, and attestations, a second later.
    function moveTo(uint256 price) internal {
        setPrice(WETH, price * 1e8);
    }
}
