// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {Fill} from "../interfaces/IPositions.sol";
import {AccountId} from "../types/AccountId.sol";
import {AssetId} from "../types/AssetId.sol";

/// @title The safe, as far as the exchange asks it
contract ExchangeSafeStub {
    address public engine;
    mapping(AccountId account => mapping(address actor => uint8 rights)) public rightsOf;

    constructor(address engine_) {
        engine = engine_;
    }

    function grant(AccountId account, address actor, uint8 rights) external {
        rightsOf[account][actor] = rights;
    }

    function isAuthorized(AccountId account, address actor, uint8 right) external view returns (bool) {
        return account.owner() == actor || rightsOf[account][actor] & right == right;
    }
}

/// @title Index prices as the test sets them
contract MidPriceStub {
    mapping(AssetId asset => uint256 price) public midPrice;

    function set(uint16 number, uint256 price) external {
        midPrice[AssetId.wrap(number)] = price;
    }
}

/// @title A ledger that notes what it is asked, and refuses what the test tells it to refuse
contract PositionsStub {
    bytes[] private _fills;
    uint256 public paidTotal;
    AccountId public paidTo;
    /// @dev Refuses fills whose first account is this one.
    AccountId public bad;
    /// @dev Burns that much gas in each fill before it goes on.
    uint256 public burns;
    /// @dev Swallows the want of gas of what it calls, as a price source behind a try might.
    bool public swallows;
    /// @dev What it sends back to the exchange in the midst of a fill, and what comes of that.
    bytes private _reentry;
    bytes public reentryResult;

    error Refused(AccountId account);
    error Swallowed();

    function set(AccountId bad_, uint256 burns_, bool swallows_) external {
        (bad, burns, swallows) = (bad_, burns_, swallows_);
    }

    function reenter(bytes calldata data) external {
        _reentry = data;
    }

    function count() external view returns (uint256) {
        return _fills.length;
    }

    function fillAt(uint256 i) external view returns (Fill memory) {
        return abi.decode(_fills[i], (Fill));
    }

    function fill(Fill calldata f) external {
        require(f.first != bad, Refused(f.first));
        if (burns != 0) {
            if (swallows) {
                try this.burn(burns) {} catch {
                    revert Swallowed();
                }
            } else {
                this.burn(burns);
            }
        }
        if (_reentry.length != 0) {
            bytes memory data = _reentry;
            delete _reentry;
            (, reentryResult) = msg.sender.call{value: 0}(data);
        }
        _fills.push(abi.encode(f));
    }

    function payFromFees(AccountId to, uint256 amount) external {
        paidTo = to;
        paidTotal += amount;
    }

    function burn(uint256 amount) external view {
        uint256 start = gasleft();
        uint256 n;
        while (start - gasleft() < amount) ++n;
    }
}

/// @title A wallet contract that signs for its owner's key, or misbehaves
contract WalletStub {
    address private immutable _owner;
    uint256 public mode;

    constructor(address owner) {
        _owner = owner;
    }

    /// @dev 0 honest, 1 answers with the wrong word, 2 reverts, 3 burns all gas, 4 answers short.
    function behave(uint256 mode_) external {
        mode = mode_;
    }

    function execute(address target, bytes calldata data) external returns (bytes memory) {
        (bool ok, bytes memory result) = target.call{value: 0}(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
        return result;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        require(mode != 2, "no");
        uint256 n;
        while (mode == 3) ++n;
        if (mode == 4) {
            assembly ("memory-safe") {
                mstore(0, shl(224, 0x1626ba7e))
                return(0, 4)
            }
        }
        if (mode == 1) return 0xffffffff;
        (uint8 v, bytes32 r, bytes32 s) = (uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        return ecrecover(digest, v, r, s) == _owner ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}
