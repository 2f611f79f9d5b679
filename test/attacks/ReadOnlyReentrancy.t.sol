// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

// whether a call is refused is what is tested
// solhint-disable avoid-low-level-calls

import {AttackTest} from "../../contracts/test/attacks/AttackTest.sol";
import {CallbackToken, ITokenHooks} from "../../contracts/test/CallbackToken.sol";
import {IMarginAccounts} from "../../contracts/interfaces/IMarginAccounts.sol";
import {MarginLens} from "../../contracts/periphery/MarginLens.sol";
import {AccountId} from "../../contracts/types/AccountId.sol";
import {AssetId, AssetIdLib} from "../../contracts/types/AssetId.sol";
import {Vault} from "../../contracts/vaults/Vault.sol";

/// @dev A stranger's protocol: lends once against whatever its borrower can show at that moment.
contract ProofOfFunds {
    CallbackToken private immutable _token;
    Vault private immutable _vault;
    uint256 public best;

    constructor(CallbackToken token, Vault vault) {
        (_token, _vault) = (token, vault);
    }

    /// @notice Cash in hand and vault shares, as their own contracts tell them.
    function show(address who) external {
        uint256 seen = _token.balanceOf(who) + _vault.convertToAssets(_vault.balanceOf(who));
        if (seen > best) best = seen;
    }
}

/// @dev Shows its funds, and reads the lens, whenever tokens reach it or leave it.
contract Shower is ITokenHooks {
    ProofOfFunds private immutable _proof;
    MarginLens private immutable _lens;
    IMarginAccounts private immutable _safe;
    bool public sawLens;
    bool public sawPortfolio;

    constructor(ProofOfFunds proof, MarginLens lens, IMarginAccounts safe) {
        (_proof, _lens, _safe) = (proof, lens, safe);
    }

    function execute(address target, bytes calldata data) external {
        (bool ok, ) = target.call(data);
        require(ok, "failed");
    }

    function tokensToSend(address, address, uint256) external {
        _look();
    }

    function tokensReceived(address, address, uint256) external {
        _look();
    }

    function _look() private {
        _proof.show(address(this));
        if (!_safe.isLocked()) return;
        AccountId id = AccountId.wrap(bytes32(uint256(uint160(address(this))) << 96));
        (bool ok, ) = address(_lens).staticcall(abi.encodeCall(_lens.accountView, (id)));
        if (ok) sawLens = true;
        (ok, ) = address(_safe).staticcall(abi.encodeCall(_safe.portfolio, (id)));
        if (ok) sawPortfolio = true;
    }
}

/// @title Attack: read-only reentrancy through lens and vault
/// @notice In the middle of a withdrawal, when the tokens have reached her, Mallory has another protocol read what she still has here,
/// and is lent against the same money twice.
/// Defence: shares go before tokens leave (Vault:_retire), the books before both (Verbs:_withdrawFrom), and what reads portfolios reverts
/// while the safe is locked (MarginAccountsAdmin:portfolio, and by it lens and auction).
/// Without: whoever trusts our views lends twice.
contract ReadOnlyReentrancyTest is AttackTest {
    CallbackToken private token;
    AssetId private pool;
    Vault private vault;
    ProofOfFunds private proof;
    Shower private shower;

    function setUp() public override {
        super.setUp();
        token = new CallbackToken(18);
        pool = listPool(address(token));
        vault = new Vault(safe, pool, "", "");
        safe.setVault(pool, address(vault));
        safe.setCollateralCap(AssetIdLib.vaultShare(pool.number()), type(uint96).max >> 1, 10_000);
        proof = new ProofOfFunds(token, vault);
        shower = new Shower(proof, new MarginLens(safe), safe);
        token.mint(address(shower), 1_000e18);
        _do(address(token), abi.encodeCall(token.approve, (address(vault), MAX)));
        _do(address(token), abi.encodeCall(token.approve, (address(safe), MAX)));
        _do(address(token), abi.encodeCall(token.setHook, (shower)));
    }

    function _do(address target, bytes memory data) private {
        shower.execute(target, data);
    }

    function test_NoMoneyIsSeenTwice() public {
        address me = address(shower);
        AccountId id = accountOf(me, 0);
        _do(address(vault), abi.encodeCall(vault.deposit, (600e18, me)));
        _do(address(vault), abi.encodeCall(vault.withdraw, (100e18, me, me)));
        _do(address(vault), abi.encodeCall(vault.redeem, (500e18, me, me)));
        _do(address(safe), abi.encodeCall(safe.deposit, (id, pool, 700e18)));
        _do(address(safe), abi.encodeCall(safe.withdraw, (id, pool, MAX, me)));
        assertLe(proof.best(), 1_000e18, "seen twice");
        assertFalse(shower.sawLens(), "the lens answers in the middle");
        assertFalse(shower.sawPortfolio(), "the safe answers in the middle");
        assertEq(token.balanceOf(me), 1_000e18);
    }
}
