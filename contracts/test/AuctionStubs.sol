// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {ILiquidationAuction, Quote} from "../interfaces/ILiquidationAuction.sol";
import {IMarginAccountsErrors} from "../interfaces/IMarginAccounts.sol";
import {IMarginEngine, PriceFault} from "../interfaces/IMarginEngine.sol";
import {AccountFlags} from "../types/AccountFlags.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetIdLib, SETTLEMENT} from "../types/AssetId.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Holding, HoldingLib} from "../types/Holding.sol";

/// @title The auction's view of the safe, with accounts whose margins are linear: a rest worth `rest` that needs
/// `requirement`, and cash
/// @dev A bid is booked as the safe does it: the same fraction of everything but the reserved cash, rounded in favour of
/// the account that is sold.
contract AuctionSafeStub {
    struct Account {
        int256 rest; // settlement units
        uint256 requirement; // settlement units
        uint256 liabilities; // settlement units
        int256 cash; // token units
        bool inAuction;
        bool pending;
    }

    ILiquidationAuction public auction;
    address public engine;
    bool public isLocked;
    mapping(AccountId id => Account) private _accounts;
    mapping(AccountId id => uint256) public feesOf;
    uint256 public flagChanges;

    function setAuction(ILiquidationAuction auction_) external {
        auction = auction_;
    }

    function setEngine(address engine_) external {
        engine = engine_;
    }

    function setLocked(bool locked) external {
        isLocked = locked;
    }

    function setPending(AccountId id, bool pending) external {
        _accounts[id].pending = pending;
    }

    function setAccount(AccountId id, int256 rest, uint256 requirement, uint256 liabilities, int256 cash) external {
        Account storage a = _accounts[id];
        (a.rest, a.requirement, a.liabilities, a.cash) = (rest, requirement, liabilities, cash);
    }

    function setRest(AccountId id, int256 rest) external {
        _accounts[id].rest = rest;
    }

    function setRequirement(AccountId id, uint256 requirement) external {
        _accounts[id].requirement = requirement;
    }

    function addCash(AccountId id, int256 cash) external {
        _accounts[id].cash += cash;
    }

    function setInAuction(AccountId id, bool on) external {
        require(msg.sender == address(auction), IMarginAccountsErrors.OnlyAuction(msg.sender));
        require(!_accounts[id].pending, IMarginAccountsErrors.CheckPending(id));
        _accounts[id].inAuction = on;
        ++flagChanges;
    }

    function bid(AccountId id, uint256 fraction) external returns (Quote memory quote) {
        Account storage a = _accounts[id];
        require(!a.pending, IMarginAccountsErrors.CheckPending(id));
        quote = auction.onBid(id, flagsOf(id), holdingsOf(id), fraction);
        uint256 left = WAD - quote.fraction;
        a.rest = FixedPoint.mulDivCeil(a.rest, left, WAD);
        a.requirement = FixedPoint.mulDivDown(a.requirement, left, WAD);
        a.liabilities = FixedPoint.mulDivDown(a.liabilities, left, WAD);
        a.cash -= FixedPoint.mulDivFloor(a.cash - int256(quote.reserved), quote.fraction, WAD);
        if (quote.price > 0) a.cash += quote.price - int256(quote.fee);
        feesOf[quote.feeTo] += quote.fee;
        a.inAuction = quote.running;
    }

    function accountOf(AccountId id) external view returns (Account memory) {
        return _accounts[id];
    }

    function portfolio(AccountId id) external view returns (AccountFlags, Holding[] memory) {
        require(!isLocked, IMarginAccountsErrors.Reentered());
        return (flagsOf(id), holdingsOf(id));
    }

    function isPending(AccountId id) external view returns (bool) {
        return _accounts[id].pending;
    }

    function flagsOf(AccountId id) public view returns (AccountFlags) {
        return AccountFlags.wrap(0).withCount(2).withAuction(_accounts[id].inAuction);
    }

    function holdingsOf(AccountId id) public view returns (Holding[] memory holdings) {
        holdings = new Holding[](2);
        holdings[0] = HoldingLib.pack(SETTLEMENT, _accounts[id].cash);
        // stands for all debts: what it is worth is in `rest`
        holdings[1] = HoldingLib.pack(AssetIdLib.pool(2), -1);
    }
}

/// @title An engine that reads {AuctionSafeStub}'s linear accounts
contract AuctionEngineStub {
    AuctionSafeStub private immutable _safe;
    uint8 public immutable settlementDecimals;
    bool private _continuous = true;
    bool private _unusable;

    constructor(AuctionSafeStub safe_, uint8 decimals_) {
        _safe = safe_;
        settlementDecimals = decimals_;
    }

    function setContinuous(bool continuous) external {
        _continuous = continuous;
    }

    function setUnusable(bool unusable) external {
        _unusable = unusable;
    }

    function liquidationMargin(
        AccountId id,
        AccountFlags,
        Holding[] calldata holdings
    ) external view returns (int256 maintenance, int256 mtm, uint256 liabilities, uint256) {
        require(!_unusable, IMarginEngine.PriceUnusable(SETTLEMENT, PriceFault.Stale));
        AuctionSafeStub.Account memory a = _safe.accountOf(id);
        mtm = a.rest + holdings[0].amount() * int256(10 ** (18 - settlementDecimals));
        maintenance = mtm - int256(a.requirement);
        liabilities = a.liabilities;
    }

    function pricesContinuousSince(AccountId, AccountFlags, Holding[] calldata, uint256) external view returns (bool) {
        return _continuous;
    }
}
