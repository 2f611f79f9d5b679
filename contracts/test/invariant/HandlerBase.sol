// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IMarginAccounts} from "../../interfaces/IMarginAccounts.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {AccountFlags} from "../../types/AccountFlags.sol";
import {AccountId, AccountIdLib} from "../../types/AccountId.sol";
import {AssetId} from "../../types/AssetId.sol";
import {Holding} from "../../types/Holding.sol";
import {SupplyWord} from "../../types/PoolWords.sol";
import {BaseTest} from "../BaseTest.sol";
import {MockFeed} from "../MockFeed.sol";
import {System} from "../SafeFixture.sol";
import {Actor, Neighbour} from "./Actor.sol";

/// @dev Margins at one moment; `ok` is false while a price cannot be used.
struct Margins {
    bool ok;
    int256 maintenance;
    int256 mtm;
}

/// @title What all moves of a random run share: who acts, with what, and what is noted of it
/// @dev Every move is one outside call; calls that fail for a reason the contracts name are part of life, so moves never
/// revert. What must hold of a single call is checked by the move itself and noted in {broken} under its id; what
/// must hold of the state is for the invariant functions.
abstract contract HandlerBase is BaseTest {
    AssetId internal constant USDC = AssetId.wrap(1);
    AssetId internal constant WETH = AssetId.wrap(2);
    AssetId internal constant WBTC = AssetId.wrap(3);
    AssetId internal constant STETH = AssetId.wrap(0x401);
    AssetId internal constant USDC_SHARE = AssetId.wrap(0x801);
    AssetId internal constant WETH_SHARE = AssetId.wrap(0x802);

    uint256 internal constant POOLS = 3;
    uint256 internal constant TRADERS = 3;
    /// @dev Traders, then the keeper. Each has two accounts.
    uint256 internal constant ACTORS = 4;
    uint256 internal constant ACCOUNTS = 2 * ACTORS;
    uint256 internal constant KEEPER = TRADERS;

    System internal sys;
    IMarginAccounts internal safe;
    Actor[ACTORS] internal actors;
    AccountId[ACCOUNTS] internal accounts;
    Neighbour internal neighbour;

    /// @dev Kept here and set at the start of each move: time does not depend on how the runner treats `warp`.
    uint256 internal time;
    /// @dev USD, 8 decimals; USDC, WETH, WBTC, STETH.
    uint256[4] internal prices;

    /// @notice The first breach of each invariant that a move has seen, by id.
    mapping(bytes32 id => string) public broken;
    /// @notice How often each move did what it was for.
    mapping(bytes32 move => uint256) public done;

    /// @dev What the move under way may do to others; see {watched}.
    bool private _mayHarm;
    AccountId private _victim;
    Margins private _before;
    uint256[POOLS] private _indices;

    function _init(System memory s) internal {
        sys = s;
        safe = s.safe;
        time = vm.getBlockTimestamp();
        prices = [uint256(1e8), 2_000e8, 30_000e8, 1_990e8];
        neighbour = new Neighbour(safe);
        for (uint256 i; i < ACTORS; ++i) {
            Actor a = new Actor(safe);
            actors[i] = a;
            accounts[2 * i] = AccountIdLib.make(address(a), 0);
            accounts[2 * i + 1] = AccountIdLib.make(address(a), 1);
            _endow(a);
        }
        _lever();
        for (uint256 n; n < POOLS; ++n) _indices[n] = _storedIndex(n);
    }

    /// @dev Runs are short: they begin with accounts that a move of prices can hurt, long and short, in every asset.
    function _lever() private {
        _position(0, WETH, 100e18, USDC, 170_000e6);
        _position(1, STETH, 60e18, WETH, 52e18);
        _position(2, WBTC, 5e8, USDC, 125_000e6);
        _position(3, WETH_SHARE, 60e18, WBTC, 3.2e8);
        _position(4, USDC, 200_000e6, WETH, 90e18);
        _position(5, USDC_SHARE, 100_000e6, WBTC, 2.9e8);
        _position(6, USDC, 500_000e6, USDC, 0);
    }

    function _position(uint256 i, AssetId asset, uint256 amount, AssetId loan, uint256 debt) private {
        _try(i / 2, abi.encodeCall(safe.deposit, (accounts[i], asset, amount)));
        if (debt == 0) return;
        bool ok = _try(i / 2, abi.encodeCall(safe.borrow, (accounts[i], loan, debt, address(actors[i / 2]))));
        assertTrue(ok, "a position of the start");
    }

    /// @dev The same for all: enough that wallets are not what stops them.
    function _endow(Actor a) private {
        sys.usdc.mint(address(a), 3_000_000e6);
        sys.wbtc.mint(address(a), 100e8);
        sys.steth.mint(address(a), 1_500e18);
        vm.deal(address(this), 1_500e18);
        sys.weth.deposit{value: 1_500e18}();
        sys.weth.transfer(address(a), 1_500e18);
        address[6] memory tokens = [
            address(sys.usdc),
            address(sys.weth),
            address(sys.wbtc),
            address(sys.steth),
            address(sys.usdcVault),
            address(sys.wethVault)
        ];
        for (uint256 i; i < 6; ++i) a.approve(tokens[i], address(safe));
        a.approve(address(sys.usdc), address(sys.usdcVault));
        a.approve(address(sys.weth), address(sys.wethVault));
        a.exec(address(sys.usdcVault), abi.encodeCall(sys.usdcVault.deposit, (500_000e6, address(a))));
        a.exec(address(sys.wethVault), abi.encodeCall(sys.wethVault.deposit, (250e18, address(a))));
    }

    // ------------------------------------------------------------------ around every move
    /// @dev A stranger to actor `who` is watched over the move (A1); share prices (V3) and transient state (A4) too.
    modifier watched(uint256 who, uint256 other) {
        _begin(_strangerTo(who, other));
        _;
        _finish();
    }

    /// @dev Moves of prices and time, which harm by design: nothing but the clock is set.
    modifier inTime() {
        vm.warp(time);
        _;
    }

    /// @dev The move is a liquidation, settlement or write-off, which A1 sets aside.
    function _letHarm() internal {
        _mayHarm = true;
    }

    function _begin(AccountId victim) private {
        vm.warp(time);
        (_victim, _before, _mayHarm) = (victim, _margins(victim), false);
    }

    function _finish() private {
        if (!_mayHarm) _checkUnharmed();
        _checkIndices(_mayHarm);
        if (safe.inSession() || safe.isLocked()) _break("A4", "session left open");
        if (safe.isPending(_victim)) _break("A4", "check left pending");
    }

    function _checkUnharmed() private {
        Margins memory now_ = _margins(_victim);
        if (!_before.ok || !now_.ok) return;
        if (now_.mtm < _before.mtm) _break("A1", "a stranger's call lowered mtm");
        if (_before.maintenance >= 0 && now_.maintenance < 0) _break("A1", "a stranger's call made liquidatable");
    }

    function _checkIndices(bool mayFall) private {
        for (uint256 n; n < POOLS; ++n) {
            uint256 index = _storedIndex(n);
            if (index < _indices[n] && !mayFall) _break("V3", "share price fell without a write-off");
            _indices[n] = index;
        }
    }

    function _break(bytes32 id, string memory what) internal {
        if (bytes(broken[id]).length == 0) broken[id] = what;
    }

    // ------------------------------------------------------------------ choices
    function _actor(uint256 seed) internal view returns (Actor) {
        return actors[seed % ACTORS];
    }

    /// @dev One of the actor's two accounts.
    function _account(uint256 who, uint256 seed) internal view returns (AccountId) {
        return accounts[2 * (who % ACTORS) + (seed & 1)];
    }

    /// @dev An account of somebody else than `who`.
    function _strangerTo(uint256 who, uint256 seed) internal view returns (AccountId) {
        uint256 actor = ((who % ACTORS) + 1 + ((seed >> 1) % (ACTORS - 1))) % ACTORS;
        return accounts[2 * actor + (seed & 1)];
    }

    function _asset(uint256 seed) internal pure returns (AssetId) {
        AssetId[6] memory all = [USDC, WETH, WBTC, STETH, USDC_SHARE, WETH_SHARE];
        return all[seed % 6];
    }

    function _pool(uint256 seed) internal pure returns (AssetId) {
        return AssetId.wrap(uint16(1 + (seed % POOLS)));
    }

    /// @dev Token units: mostly worth 10 to 130,000 dollars, spread over the orders of size; now and then dust.
    function _amount(AssetId asset, uint256 seed) internal view returns (uint256) {
        if (seed & 15 == 0) return 1 + ((seed >> 4) % 1000);
        uint256 dollars = 10 + ((seed >> 16) % (1 << (4 + ((seed >> 4) % 14))));
        return _worthOf(asset, dollars * 1e8);
    }

    /// @dev Token units worth `dollars` (8 decimals).
    function _worthOf(AssetId asset, uint256 dollars) internal view returns (uint256) {
        return (dollars * _unit(asset)) / prices[_priced(asset)];
    }

    function _unit(AssetId asset) internal pure returns (uint256) {
        if (asset == USDC || asset == USDC_SHARE) return 1e6;
        return asset == WBTC ? 1e8 : 1e18;
    }

    /// @dev Index into {prices}.
    function _priced(AssetId asset) internal pure returns (uint256) {
        return asset == STETH ? 3 : asset.number() - 1;
    }

    // ------------------------------------------------------------------ acting and looking
    function _try(uint256 who, bytes memory data) internal returns (bool ok) {
        (ok, ) = actors[who % ACTORS].exec(address(safe), data);
    }

    function _call(uint256 who, address target, bytes memory data) internal returns (bool ok, bytes memory out) {
        return actors[who % ACTORS].exec(target, data);
    }

    function _did(bytes32 move, bool ok) internal {
        if (ok) ++done[move];
    }

    function _tokenOf(AssetId asset) internal view returns (IERC20) {
        if (asset == USDC) return IERC20(address(sys.usdc));
        if (asset == WETH) return IERC20(address(sys.weth));
        if (asset == WBTC) return IERC20(address(sys.wbtc));
        if (asset == STETH) return IERC20(address(sys.steth));
        return IERC20(asset == USDC_SHARE ? address(sys.usdcVault) : address(sys.wethVault));
    }

    function _feedOf(uint256 i) internal view returns (MockFeed) {
        if (i == 0) return sys.usdcFeed;
        if (i == 1) return sys.wethFeed;
        return i == 2 ? sys.wbtcFeed : sys.stethFeed;
    }

    function _engine() internal view returns (IMarginEngine) {
        return IMarginEngine(safe.engine());
    }

    function _margins(AccountId account) internal view returns (Margins memory m) {
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
        try _engine().liquidationMargin(account, flags, holdings) returns (
            int256 maintenance,
            int256 mtm,
            uint256,
            uint256
        ) {
            return Margins(true, maintenance, mtm);
        } catch {
            return m;
        }
    }

    /// @dev A large negative number while a price cannot be used.
    function _initialOf(AccountId account) internal view returns (int256) {
        (AccountFlags flags, Holding[] memory holdings) = safe.portfolio(account);
        try _engine().initialMargin(account, flags, holdings) returns (int256 initial) {
            return initial;
        } catch {
            return type(int256).min;
        }
    }

    function _hasDebt(AccountId account) internal view returns (bool) {
        (, Holding[] memory holdings) = safe.portfolio(account);
        for (uint256 i; i < holdings.length; ++i) {
            if (holdings[i].amount() < 0) return true;
        }
        return false;
    }

    /// @dev A2: what was acted on in a way that can raise its risk has passed its check.
    function _checkPassed(AccountId account) internal {
        if (_hasDebt(account) && _initialOf(account) < 0) _break("A2", "initial below zero after an owner's action");
    }

    function _storedIndex(uint256 n) internal view returns (uint256) {
        (uint256 supplyWord, ) = safe.poolWords(AssetId.wrap(uint16(n + 1)));
        return SupplyWord.wrap(supplyWord).index();
    }

    /// @notice What all actors together own: wallets at today's prices and the equity of their accounts, none of it below zero.
    /// USD, WAD.
    function equity() external returns (uint256 total) {
        vm.warp(time);
        for (uint256 i; i < ACTORS; ++i) total += _wallet(address(actors[i]));
        for (uint256 i; i < ACCOUNTS; ++i) {
            int256 mtm = _margins(accounts[i]).mtm;
            if (mtm > 0) total += uint256(mtm);
        }
    }

    function _wallet(address owner) private view returns (uint256 total) {
        for (uint256 k; k < 6; ++k) {
            AssetId asset = _asset(k);
            uint256 amount = _tokenOf(asset).balanceOf(owner);
            if (asset == USDC_SHARE) amount = sys.usdcVault.convertToAssets(amount);
            if (asset == WETH_SHARE) amount = sys.wethVault.convertToAssets(amount);
            total += (amount * prices[_priced(asset)] * 1e10) / _unit(asset);
        }
    }

    function accountAt(uint256 i) external view returns (AccountId) {
        return accounts[i];
    }

    function neighbourAddress() external view returns (address) {
        return address(neighbour);
    }

    function actorAt(uint256 i) external view returns (address) {
        return address(actors[i]);
    }

    receive() external payable {}
}
