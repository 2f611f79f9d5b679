// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {IPositionsErrors, IPositionsEvents} from "../interfaces/IPositions.sol";
import {AccountId, AccountIdLib} from "../types/AccountId.sol";
import {SETTLEMENT} from "../types/AssetId.sol";
import {
    ClearingWord,
    ExpiryWord,
    FundingWord,
    OptionWord,
    PerpTermsWord,
    PerpWord,
    SlowWord
} from "../types/LedgerWords.sol";
import {Instrument} from "../types/Position.sol";

/// @title Everything that the ledger remembers, in one place.
/// @dev {Positions} runs on it behind a proxy and {PositionsExtension} by delegatecall from there, so both inherit it first and
/// neither declares storage of its own. It is plain storage, in order: an upgrade may only add at its end, and a test
/// compares the layouts. What does not change without an upgrade (safe, authority, the unit of cash) is in the code: it
/// costs no slot, and a proxy has nothing to initialise that somebody else could initialise first.
abstract contract LedgerStorage is AccessManaged, IPositionsEvents, IPositionsErrors {
    /// @dev One slot of header ([quote int248 | count 8]), one per position, dense.
    struct LedgerSlots {
        uint256 header;
        uint256[128] words;
    }

    /// @dev A fill reads the first three; the third only changes when funding is booked.
    struct PerpSlots {
        PerpWord market;
        FundingWord funding;
        ClearingWord clearing;
        SlowWord slow;
        PerpTermsWord terms;
        int256 clearingSize; // taken over after closing
    }

    uint256 internal constant MAX_POSITIONS = 128;
    uint96 private constant FEE_INDEX = 1 << 64;
    uint96 private constant SHORTFALL_INDEX = FEE_INDEX + 1;

    mapping(AccountId account => LedgerSlots) internal _ledger;
    mapping(uint256 underlying => PerpSlots) internal _perps;
    mapping(uint256 clearingIndex => ExpiryWord) internal _expiries;
    mapping(Instrument instrument => OptionWord) internal _options;
    mapping(uint256 clearingIndex => Instrument[]) internal _listedOptions;

    address internal _exchange;
    address internal _feed;
    address internal _prices;
    uint16 internal _insurancePart;
    AccountId internal _treasury;

    address internal _deleveraging;
    /// @dev Until when an open shortfall holds settlements; 0 while none is open. In one slot, all that a settlement looks at.
    uint40 internal _heldUntil;
    /// @dev Perps in which the losers behind it were long and short, bit n for underlying n.
    uint256 internal _losersLong;
    uint256 internal _losersShort;

    /// @dev Set while a door runs.
    bool private transient _entered;

    IMarginAccounts internal immutable _safe;
    address private immutable _fixedAuthority;
    /// @dev Quote (WAD) of one unit of the settlement token.
    uint256 internal immutable _cashUnit;

    /// @dev The settlement asset must be listed in the safe: its decimals become part of the code.
    constructor(IMarginAccounts safe_, address authority_) AccessManaged(authority_) {
        require(authority_.code.length != 0, InvalidConfig("authority"));
        (address token, uint8 decimals) = safe_.assetToken(SETTLEMENT);
        require(token != address(0) && decimals <= 18, InvalidConfig("settlement asset"));
        _safe = safe_;
        _fixedAuthority = authority_;
        _cashUnit = 10 ** (18 - decimals);
    }

    /// @inheritdoc AccessManaged
    /// @dev In the code, not in the proxy's storage, which the constructor cannot reach.
    function authority() public view override returns (address) {
        return _fixedAuthority;
    }

    /// @inheritdoc AccessManaged
    /// @dev Only an upgrade changes it.
    function setAuthority(address) public pure override {
        revert AuthorityIsFixed();
    }

    // ---------------------------------------------------------------- lock

    /// @dev Taken by every door that changes an account. The safe's doors that the ledger calls take the safe's own lock; those
    /// ledger doors that call none of them ask for it (`_requireUnlocked`).
    modifier guarded() {
        require(!_entered, Reentered());
        _entered = true;
        _;
        _entered = false;
    }

    function _isEntered() internal view returns (bool) {
        return _entered;
    }

    /// @dev While a token is being called by the safe, its balances are in between.
    function _requireUnlocked() internal view {
        require(!_safe.isLocked(), Reentered());
    }

    // ---------------------------------------------------------------- the ledger's own accounts

    /// @dev The number of an expiry among clearing accounts; that of a perp market is its underlying.
    function _expiryKey(uint8 underlying, uint40 expiry) internal pure returns (uint256) {
        return (uint256(underlying) << 40) | expiry;
    }

    function _clearingAccount(uint256 key) internal view returns (AccountId) {
        return AccountIdLib.make(address(this), uint96(key));
    }

    function _feeAccount() internal view returns (AccountId) {
        return AccountIdLib.make(address(this), FEE_INDEX);
    }

    /// @dev Owes what has been lifted off bidders and not been borne by winners yet.
    function _shortfallAccount() internal view returns (AccountId) {
        return AccountIdLib.make(address(this), SHORTFALL_INDEX);
    }

    /// @dev Clearing and fee accounts have no margin and take no part in trades and settlements.
    function _requireTrader(AccountId account) internal view {
        require(account.owner() != address(this), NotATrader(account));
    }
}
