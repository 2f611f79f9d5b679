// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// what is refused is part of a random run and must not stop it
// solhint-disable avoid-low-level-calls

import {Order, SignedOrder} from "../../interfaces/IExchange.sol";
import {AccountId} from "../../types/AccountId.sol";
import {Instrument} from "../../types/Position.sol";
import {PoolTest} from "../PoolTest.sol";

/// @title Traders and depositors of the liquidity pool on the whole system
/// @dev Moves never revert. What a single move must keep is noted in {broken}.
abstract contract PoolMoves is PoolTest {
    uint256 private constant WEI = 1e6;

    AccountId[3] private _traders;
    address[3] private _depositors;
    uint256 private _price = 2_000;

    /// @notice Token units that depositors brought in and that became claimable, and what they fetched.
    uint256 public broughtIn;
    uint256 public promised;
    uint256 public fetched;
    /// @notice The first breach that a move has seen.
    string public broken;
    mapping(bytes32 move => uint256) public done;

    function prepare() external {
        setUp();
        _traders = [aliceId, bobId, carolId];
        _depositors = [dora, makeAddr("erin"), makeAddr("finn")];
        for (uint256 i; i < 3; ++i) deposit(_traders[i], USDC, 400_000e6);
        broughtIn = SEED;
    }

    // ------------------------------------------------------------------ moves
    function trade(uint8 who, uint8 which, int8 size) external {
        if (size == 0) return;
        Instrument[4] memory list = [ethPerp, call2000, put2000, call2200];
        Order memory o = orderOf(_traders[who % 3], list[which % 4], int256(size) * 1e18);
        SignedOrder memory s = signed(o, keys[o.account.owner()]);
        (bool open, int256 low, int256 equity) = _worth();
        (bool ok, ) = address(pool).call(abi.encodeCall(pool.trade, (s, o.size)));
        if (!ok) return;
        ++done["trade"];
        (, int256 lowAfter, int256 equityAfter) = _worth();
        if (equityAfter + 1e6 < equity) _breach("a trade lowered equity at mark");
        if (open && lowAfter + 2 < low) _breach("a trade lowered what leavers get");
    }

    function provideSome(uint8 who, uint32 amount) external {
        uint256 assets = bound(amount, 1, 300_000) * 1e6;
        if (pool.maxDeposit(_depositors[who % 3]) < assets) return;
        uint256 before = lowPrice();
        provide(_depositors[who % 3], assets);
        broughtIn += assets;
        ++done["deposit"];
        // a unit of rounding of the low mark is this much of a price per 10³⁰ shares
        if (lowPrice() + 2e30 / pool.totalSupply() + 1 < before) _breach("a deposit diluted the others");
    }

    function ask(uint8 who, uint8 part) external {
        address holder = _depositors[who % 3];
        uint256 shares = (pool.balanceOf(holder) * bound(part, 1, 100)) / 100;
        vm.prank(holder);
        (bool ok, ) = address(pool).call(abi.encodeCall(pool.requestRedeem, (shares, holder, holder)));
        if (ok) ++done["request"];
    }

    function fulfil(uint8 most) external {
        (bool open, , ) = _worth();
        uint256 before = open ? lowPrice() : 0;
        (bool ok, bytes memory result) = address(pool).call(abi.encodeCall(pool.fulfil, (uint256(most))));
        if (!ok) return;
        promised += abi.decode(result, (uint256));
        ++done["fulfil"];
        if (pool.totalSupply() > 1e18 && lowPrice() + 2e30 / pool.totalSupply() + 1 < before) {
            _breach("an exit cost those who stay");
        }
    }

    function fetch(uint8 who) external {
        address holder = _depositors[who % 3];
        if (pool.maxRedeem(holder) == 0) return;
        fetched += claim(holder);
        ++done["claim"];
    }

    function drift(int8 by) external {
        _price = uint256(int256(_price) + int256(by) / 4);
        _price = bound(_price, 1_500, 2_600);
        moveTo(_price);
        ++done["price"];
    }

    function wait_(uint16 time) external {
        // the book's options stay clear of their expiry
        if (vm.getBlockTimestamp() + 7 hours > EXPIRY) return;
        passAttested(bound(time, 60, 4 hours));
        ++done["time"];
    }

    function settle(uint8 who, bool pay) external {
        AccountId id = _traders[who % 3];
        (AccountId winner, AccountId loser) = pay ? (id, poolId) : (poolId, id);
        uint256 amount = ledger.settleable(winner, loser);
        if (amount == 0) return;
        (bool ok, ) = address(ledger).call(abi.encodeCall(ledger.settle, (winner, loser, amount)));
        if (ok) ++done["settle"];
    }

    // ------------------------------------------------------------------ what is
    function _worth() private view returns (bool open, int256 low, int256 equity) {
        equity = pool.equity();
        try pool.marks() returns (int256 low_, int256) {
            return (true, low_, equity);
        } catch {
            return (false, 0, equity);
        }
    }

    /// @notice Equity at mark less what depositors brought in and took out, and the traders' gain with the fees: they sum to 0.
    function profits() external view returns (int256 ofPool, int256 ofOthers) {
        ofPool = pool.equity() - int256(broughtIn) * 1e12 + int256(promised) * 1e12;
        for (uint256 i; i < 3; ++i) ofOthers += mtmOf(_traders[i]) - 500_000e18;
        ofOthers += quoteOf(ledger.feeAccount());
    }

    function sumOfHoldings() external view returns (uint256 sum) {
        for (uint256 i; i < 3; ++i) sum += pool.balanceOf(_depositors[i]);
        sum += pool.balanceOf(address(pool));
    }

    /// @notice Low mark, equity in token units, high mark; 0, 0, 0 while closed.
    function bracket() external view returns (int256, int256, int256) {
        (bool open, int256 low, int256 equity) = _worth();
        if (!open) return (0, 0, 0);
        (, int256 high) = pool.marks();
        return (low, equity / 1e12, high);
    }

    function owed() external view returns (uint256 due, uint256 held) {
        return (pool.claimableAssets(), sys.usdc.balanceOf(address(pool)));
    }

    function supply() external view returns (uint256) {
        return pool.totalSupply();
    }

    function _breach(string memory what) private {
        if (bytes(broken).length == 0) broken = what;
    }
}
