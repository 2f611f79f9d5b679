export {
  type ContractError,
  decodeError,
  decodeRevert,
  explain,
  type PanicError,
  revertDataOf,
  RevertError,
  type TextError,
  type UnknownError,
} from "./decode.ts";
export { type AssetName, type Attempt, decimalText, type ErrorContext } from "./format.ts";
export { NEIGHBOUR_ERRORS, PROTOCOL_ERRORS } from "./list.ts";
export type { CustomError, ErrorArgs, ErrorName, ErrorSignature } from "./types.ts";
