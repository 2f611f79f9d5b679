// SPDX-License-Identifier: MIT
pragma solidity ^0.8.37;

import {StdAssertions} from "forge-std/StdAssertions.sol";
import {StdInvariant} from "forge-std/StdInvariant.sol";
import {StdUtils} from "forge-std/StdUtils.sol";
import {Vm} from "forge-std/Vm.sol";

/// @title What every Solidity test stands on: cheat codes, assertions, bounds and invariant targets
/// @dev Takes the place of forge-std's `Test`. That one also brings the console (through `StdCheats`),
/// whose 256 compiler warnings would hide our own.
abstract contract BaseTest is StdAssertions, StdInvariant, StdUtils {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev An address of its own for each name, labelled with it in traces.
    function makeAddr(string memory name) internal returns (address addr) {
        (addr, ) = makeAddrAndKey(name);
    }

    /// @dev The same, with the private key for signatures.
    function makeAddrAndKey(string memory name) internal returns (address addr, uint256 privateKey) {
        privateKey = uint256(keccak256(bytes(name)));
        addr = vm.addr(privateKey);
        vm.label(addr, name);
    }

    /// @dev Lets `duration` seconds pass.
    function skip(uint256 duration) internal {
        vm.warp(vm.getBlockTimestamp() + duration);
    }
}
