// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Cause, IMarginAccountsErrors} from "../interfaces/IMarginAccounts.sol";
import {BaseTest} from "../test/BaseTest.sol";
import {SafeTest} from "../test/SafeTest.sol";
import {TestToken} from "../test/TestToken.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";
import {Books} from "./Books.sol";
import {Storage} from "./Storage.sol";

/// @dev The words of accounts made callable; several changes between one load and one store, as doors make them.
contract BooksHarness is Books {
    struct Change {
        uint16 asset;
        int104 shares;
    }

    constructor() Storage(address(1), address(1)) {}

    function set(AccountId id, Change[] calldata changes) external {
        uint256[] memory w = _load(id);
        for (uint256 k; k < changes.length; ++k) {
            AssetId asset = AssetId.wrap(changes[k].asset);
            (uint256 i, ) = _find(w, asset);
            _set(id, w, i, asset, changes[k].shares);
        }
        _store(id, w, Cause.Deposit);
    }

    function setModel(AccountId id, uint8 model) external {
        uint256[] memory w = _load(id);
        _setFlags(w, _flags(w).withModel(model).withAuction(model != 0));
        _store(id, w, Cause.Model);
    }

    function get(AccountId id, AssetId asset) external view returns (int256 shares) {
        (, shares) = _find(_load(id), asset);
    }

    function count(AccountId id) external view returns (uint256) {
        return _flags(_load(id)).count();
    }

    function flags(AccountId id) external view returns (AccountFlags) {
        return _flags(_load(id));
    }

    function entry(AccountId id, uint256 i) external view returns (AssetId asset, int256 shares) {
        return _entry(_load(id), i);
    }

    function raw(AccountId id) external view returns (uint256[8] memory) {
        return _words[id];
    }
}

/// @title The words of an account against a plain map
contract BooksModelTest is BaseTest {
    BooksHarness private books;
    AccountId private constant ID = AccountId.wrap(bytes32(uint256(1) << 96));
    AccountId private constant OTHER = AccountId.wrap(bytes32(uint256(2) << 96));

    mapping(uint16 asset => int104) private model;
    uint16[20] private assets;

    function setUp() public {
        books = new BooksHarness();
        for (uint16 i; i < 20; ++i) assets[i] = i < 8 ? i + 1 : (i < 14 ? 0x400 | i : 0x800 | i);
        assets[19] = 0xfff;
    }

    /// hardhat-config: fuzz.runs = 128
    function testFuzz_V2_AgreesWithAMap(uint256 seed) public {
        BooksHarness.Change[] memory other = new BooksHarness.Change[](1);
        other[0] = BooksHarness.Change(5, -7);
        books.set(OTHER, other);
        for (uint256 round; round < 24; ++round) {
            seed = uint256(keccak256(abi.encode(seed)));
            BooksHarness.Change[] memory changes = new BooksHarness.Change[](1 + (seed % 3));
            for (uint256 k; k < changes.length; ++k) {
                uint256 dice = uint256(keccak256(abi.encode(seed, k)));
                changes[k].asset = assets[dice % 20];
                // a third of the time to nothing, else anything that 96-bit sums can make
                if ((dice >> 8) % 3 != 0)
                    changes[k].shares = int104(int256(dice >> 160)) * ((dice >> 16) & 1 == 0 ? int104(1) : int104(-1));
            }
            (bool ok, bytes memory reason) = address(books).call{value: 0}(abi.encodeCall(books.set, (ID, changes)));
            if (ok) {
                for (uint256 k; k < changes.length; ++k) model[changes[k].asset] = changes[k].shares;
            } else {
                assertEq(reason, abi.encodeWithSelector(IMarginAccountsErrors.TooManyAssets.selector, ID));
            }
            _compare();
        }
        assertEq(books.get(OTHER, AssetId.wrap(5)), -7);
    }

    function _compare() private view {
        uint256 held;
        for (uint256 i; i < 20; ++i) {
            assertEq(books.get(ID, AssetId.wrap(assets[i])), model[assets[i]]);
            if (model[assets[i]] != 0) ++held;
        }
        assertEq(books.count(ID), held);
        assertLe(held, 16);
        if (held == 16) assertTrue(model[1] != 0, "the last place is cash's");
        // what is not in use is empty
        uint256[8] memory raw = books.raw(ID);
        if (held % 2 == 1) assertEq((raw[held >> 1] << 24) >> 140, 0);
        for (uint256 k = (held + 1) >> 1; k < 8; ++k) if (k != 0) assertEq(raw[k], 0);
    }

    function testFuzz_FlagsAndBalancesDoNotTouch(int104 a, int104 b, uint8 mode) public {
        mode %= 4;
        vm.assume(a != 0 && b != 0);
        BooksHarness.Change[] memory changes = new BooksHarness.Change[](2);
        changes[0] = BooksHarness.Change(0xffe, a);
        changes[1] = BooksHarness.Change(0xfff, b);
        books.set(ID, changes);
        books.setModel(ID, mode);
        assertEq(books.get(ID, AssetId.wrap(0xffe)), a);
        assertEq(books.get(ID, AssetId.wrap(0xfff)), b);
        assertEq(books.flags(ID).model(), mode);
        assertEq(books.flags(ID).inAuction(), mode != 0);
        changes[0].shares = changes[1].shares = 0;
        books.set(ID, changes);
        assertEq(books.flags(ID).model(), mode);
        assertEq(books.count(ID), 0);
        assertEq(books.raw(ID)[0] & ((1 << 232) - 1), 0);
    }

    function test_TheLastEntryFillsAHole() public {
        BooksHarness.Change[] memory changes = new BooksHarness.Change[](5);
        for (uint16 i; i < 5; ++i) changes[i] = BooksHarness.Change(i + 2, int104(int16(i)) + 10);
        books.set(ID, changes);
        changes = new BooksHarness.Change[](1);
        changes[0] = BooksHarness.Change(3, 0);
        books.set(ID, changes);
        (AssetId asset, int256 shares) = books.entry(ID, 1);
        assertEq(AssetId.unwrap(asset), 6);
        assertEq(shares, 14);
        assertEq(books.count(ID), 4);
    }
}

/// @title Sixteen assets through the doors
contract BooksTest is SafeTest {
    AssetId[] private idles;

    function setUp() public override {
        super.setUp();
        equip(alice);
        for (uint256 i; i < 16; ++i) {
            TestToken token = new TestToken("", "", 6);
            idles.push(listIdle(address(token)));
            token.mint(alice, 100);
            vm.prank(alice);
            token.approve(address(safe), MAX);
        }
    }

    function _fill(uint256 n) private {
        for (uint256 i; i < n; ++i) {
            vm.prank(alice);
            safe.deposit(aliceId, idles[i], i + 1);
        }
    }

    function test_TheLastPlaceIsForTheSettlementAsset() public {
        _fill(15);
        bytes memory reason = abi.encodeWithSelector(TooManyAssets.selector, aliceId);
        refuse(alice, abi.encodeCall(safe.deposit, (aliceId, idles[15], 1)), reason);
        refuse(alice, abi.encodeCall(safe.deposit, (aliceId, WETH, 1)), reason);
        refuse(alice, address(safe), 1, abi.encodeCall(safe.depositNative, (aliceId, 1)), reason);
        vm.prank(alice);
        safe.deposit(aliceId, USDC, 1e6);
        assertEq(safe.words(aliceId).length, 8);
    }

    function test_RefusesASeventeenthAsset() public {
        vm.prank(alice);
        safe.deposit(aliceId, USDC, 1e6);
        _fill(15);
        bytes memory reason = abi.encodeWithSelector(TooManyAssets.selector, aliceId);
        refuse(alice, abi.encodeCall(safe.deposit, (aliceId, idles[15], 1)), reason);
        deposit(accountOf(alice, 1), WETH, 1e18);
        refuse(alice, abi.encodeCall(safe.transfer, (accountOf(alice, 1), aliceId, WETH, 1, false)), reason);
        // one out, one in; and every balance is still what it was
        assertEq(withdraw(aliceId, idles[4], MAX), 5);
        vm.prank(alice);
        safe.deposit(aliceId, idles[15], 9);
        assertEq(safe.balanceOf(aliceId, USDC), 1e6);
        for (uint256 i; i < 16; ++i)
            assertEq(safe.balanceOf(aliceId, idles[i]), i == 15 ? int256(9) : (i == 4 ? int256(0) : int256(i + 1)));
        for (uint256 i; i < 16; ++i) if (i != 4) withdraw(aliceId, idles[i], MAX);
        withdraw(aliceId, USDC, MAX);
        assertEq(safe.words(aliceId)[0], 0);
    }
}
