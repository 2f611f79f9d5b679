// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {FLAG_REDUCE_ONLY, FeeTier, IExchange, Match, Order, SignedOrder, Trigger} from "../interfaces/IExchange.sol";
import {IMarginAccounts} from "../interfaces/IMarginAccounts.sol";
import {Fill, FillLeg, IPositions, IPositionsCold} from "../interfaces/IPositions.sol";
import {AccountId} from "../types/AccountId.sol";
import {FixedPoint, WAD} from "../types/FixedPoint.sol";
import {Fees} from "./Fees.sol";
import {Nonces} from "./Nonces.sol";
import {Orders} from "./Orders.sol";
import {Signatures} from "./Signatures.sol";

/// @title Exchange: two signed orders become positions of two accounts (DESIGN 7).
/// @dev Implementation behind a UUPS proxy, with nothing to initialise: neighbours are in the code, fees are zero until the governor sets
/// them. It holds nothing; its only powers are {IPositions-fill} and, out of the fees of that same
/// fill, a keeper's fee. The ledger books, the safe checks both accounts (A2).
contract Exchange is Nonces, Fees, AccessManaged, UUPSUpgradeable {
    using Orders for Order;

    /// @inheritdoc IExchange
    uint256 public constant FILL_GAS = 10_000_000;
    /// @dev What lies between reading the gas that is left and the call: copying a match into it.
    uint256 private constant CALL_GAS = 50_000;

    address private immutable _implementation = address(this);
    address private immutable _fixedAuthority;
    address private immutable _positions;

    error AuthorityIsFixed();

    /// @dev What is known of a match while it is filled.
    struct Work {
        bytes32 makerHash;
        bytes32 takerHash;
        FillLeg[] legs;
        Index index;
        uint256 makerFee;
        uint256 takerFee;
        uint256 keeperFee;
    }

    constructor(
        IMarginAccounts safe_,
        address positions_,
        address authority_
    ) Signatures(safe_) AccessManaged(authority_) {
        require(positions_ != address(0) && authority_ != address(0), ZeroAddress());
        _positions = positions_;
        _fixedAuthority = authority_;
    }

    // ---------------------------------------------------------------- fills

    /// @inheritdoc IExchange
    function fillOrders(Match[] calldata matches, AccountId keeper) external returns (bool[] memory filled) {
        filled = new bool[](matches.length);
        for (uint256 i = 0; i < matches.length; ++i) {
            bytes memory call = abi.encodeCall(this.fillOrder, (matches[i], keeper));
            uint256 gasBefore = gasleft();
            // A delegate call of itself is a scope that can be undone, with the same caller.
            // solhint-disable-next-line avoid-low-level-calls
            (bool ok, bytes memory reason) = _implementation.delegatecall{gas: FILL_GAS}(call);
            filled[i] = ok;
            if (ok) continue;
            // With all of FILL_GAS it failed for itself; with less, perhaps for want of gas.
            require(gasBefore > (FILL_GAS * 64) / 63 + CALL_GAS, NotEnoughGas(i));
            emit FillSkipped(i, hashOrder(matches[i].maker.order), hashOrder(matches[i].taker.order), reason);
        }
    }

    /// @inheritdoc IExchange
    function fillOrder(Match calldata m, AccountId keeper) external {
        require(m.size != 0, ZeroSize());
        Order calldata maker = m.maker.order;
        Order calldata taker = m.taker.order;
        Work memory w;
        bytes32 domain = _domainSeparatorV4();
        w.makerHash = MessageHashUtils.toTypedDataHash(domain, maker.hash());
        w.takerHash = MessageHashUtils.toTypedDataHash(domain, taker.hash());
        _requireOrder(m.maker, w.makerHash);
        _requireOrder(m.taker, w.takerHash);
        require(maker.account.owner() != taker.account.owner(), SelfTrade(maker.account.owner()));
        Orders.requireMaker(maker, w.makerHash, taker, w.takerHash);
        w.legs = Orders.legsOf(maker, w.makerHash, taker, w.takerHash, m.size);
        _requireTriggered(maker, w.makerHash, w.index);
        _requireTriggered(taker, w.takerHash, w.index);
        _consume(maker, w.makerHash, m.size);
        _consume(taker, w.takerHash, m.size);
        (w.makerFee, w.takerFee) = _charge(w.legs, maker.account, taker.account, w.index);
        _requireFee(maker, w.makerHash, w.makerFee, m.size);
        _requireFee(taker, w.takerHash, w.takerFee, m.size);
        _book(m, w, keeper);
    }

    /// @dev Flags, time, executor and signature.
    function _requireOrder(SignedOrder calldata signed, bytes32 hash) private view {
        Order calldata o = signed.order;
        o.requireFlags(hash);
        _requireLive(o, hash);
        require(o.executor == address(0) || o.executor == msg.sender, NotExecutor(hash, o.executor, msg.sender));
        _requireSigned(o.account, signed.signer, hash, signed.signature);
    }

    function _requireTriggered(Order calldata o, bytes32 hash, Index memory x) private view {
        Trigger calldata t = o.trigger;
        if (t.underlying == 0) return;
        uint256 index = _indexOf(x, t.underlying);
        require(t.above ? index >= t.price : index <= t.price, TriggerNotMet(hash, index));
    }

    function _requireFee(Order calldata o, bytes32 hash, uint256 fee, uint256 size) private pure {
        uint256 most = FixedPoint.mulDivDown(o.maxFee, size, WAD);
        require(fee <= most, FeeAboveMaximum(hash, fee, most));
    }

    /// @dev A keeper's part of `size`, rounded down, so that all parts together are at most what was signed.
    function _keeperFeeDown(Order calldata o, uint256 size) private pure returns (uint256) {
        return o.trigger.underlying == 0 ? 0 : FixedPoint.mulDivDown(o.trigger.keeperFee, size, o.size);
    }

    function _book(Match calldata m, Work memory w, AccountId keeper) private {
        Order calldata maker = m.maker.order;
        Order calldata taker = m.taker.order;
        if (AccountId.unwrap(keeper) != 0) {
            uint256 ofMaker = _keeperFeeDown(maker, m.size);
            uint256 ofTaker = _keeperFeeDown(taker, m.size);
            w.makerFee += ofMaker;
            w.takerFee += ofTaker;
            w.keeperFee = ofMaker + ofTaker;
        }
        IPositions(_positions).fill(
            Fill({
                first: maker.account,
                second: taker.account,
                legs: w.legs,
                firstFee: w.makerFee,
                secondFee: w.takerFee,
                firstReduces: maker.has(FLAG_REDUCE_ONLY),
                secondReduces: taker.has(FLAG_REDUCE_ONLY)
            })
        );
        if (w.keeperFee != 0) {
            // nobody is given a quote, which makes him need prices, without his will
            _requireTrader(keeper, msg.sender);
            IPositionsCold(_positions).payFromFees(keeper, w.keeperFee);
        }
        emit OrdersFilled(
            w.makerHash,
            w.takerHash,
            maker.account,
            taker.account,
            m.size,
            w.makerFee,
            w.takerFee,
            w.legs
        );
    }

    // ---------------------------------------------------------------- governor

    /// @inheritdoc IExchange
    function setFees(FeeTier[] calldata tiers, uint16 optionCap) external restricted {
        _setFees(tiers, optionCap);
    }

    /// @inheritdoc AccessManaged
    function authority() public view override returns (address) {
        return _fixedAuthority;
    }

    /// @inheritdoc AccessManaged
    /// @dev An upgrade changes it.
    function setAuthority(address) public pure override {
        revert AuthorityIsFixed();
    }

    function _authorizeUpgrade(address) internal override restricted {}

    // ---------------------------------------------------------------- views

    /// @inheritdoc IExchange
    function safe() external view returns (address) {
        return address(_safe);
    }

    /// @inheritdoc IExchange
    function positions() external view returns (address) {
        return _positions;
    }
}
