// Where ids are made now: the SDK. Kept for the scripts and tests that ask here.
export { accountId, idleAsset, indexOf, ownerOf, poolAsset, SETTLEMENT, vaultShareAsset } from "../../sdk/ids.ts";
