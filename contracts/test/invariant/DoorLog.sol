// SPDX-License-Identifier: MIT
pragma solidity ^0.8.34;

import {BaseTest} from "../BaseTest.sol";

/// @dev A handler that counts what its moves reached.
interface ICountsDoors {
    /// @notice How often `door` was called with success.
    function done(bytes32 door) external view returns (uint256);
}

/// @title Tells after each invariant run which doors were reached
/// @dev For `npm run test:deep`, which names a file in the environment and adds up what the runs wrote: an invariant that holds
/// because every call was refused shows nothing. Does nothing elsewhere.
abstract contract DoorLog is BaseTest {
    function _logDoors(address handler, string[] memory doors) internal {
        string memory file = vm.envOr("DOORS_FILE", string(""));
        if (bytes(file).length == 0) return;
        string memory line;
        for (uint256 i; i < doors.length; ++i) {
            uint256 count = ICountsDoors(handler).done(bytes32(bytes(doors[i])));
            line = string.concat(line, doors[i], "=", vm.toString(count), ";");
        }
        vm.writeLine(file, line);
    }
}
