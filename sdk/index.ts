/**
 * Client, orders, instruments, signatures, errors and events of Plimsoll. Exact margin maths without ethers are in
 * `@plimsoll/sdk/mirror`, ABIs in `@plimsoll/sdk/abi`, addresses alone in `@plimsoll/sdk/addresses`, typed contracts in
 * `@plimsoll/sdk/contracts`.
 *
 * @packageDocumentation
 */
export * from "./addresses.ts";
export * from "./attestations.ts";
export * from "./black76.ts";
export * from "./client/index.ts";
export * from "./errors/index.ts";
export * from "./governance.ts";
export * from "./events.ts";
export * from "./ids.ts";
export * from "./instruments.ts";
export * from "./orders.ts";
export { plain, type Plain } from "./plain.ts";
export * from "./signatures.ts";
