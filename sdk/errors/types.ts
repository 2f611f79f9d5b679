/** From the list of errors to the types of what they carry. */
import type { NEIGHBOUR_ERRORS, PROTOCOL_ERRORS } from "./list.ts";

/** A custom error as the list has it: "NoDebt(bytes32 account,uint16 asset)". */
export type ErrorSignature = (typeof PROTOCOL_ERRORS)[number] | (typeof NEIGHBOUR_ERRORS)[number];

type ValueOf<Type extends string> = Type extends `${"uint" | "int"}${string}`
  ? bigint
  : Type extends "bool"
    ? boolean
    : string;

type FieldOf<Field extends string> = Field extends `${infer Type} ${infer Name}`
  ? { readonly [N in Name]: ValueOf<Type> }
  : Readonly<Record<never, never>>;

type FieldsOf<List extends string> = List extends `${infer First},${infer Rest}`
  ? FieldOf<First> & FieldsOf<Rest>
  : FieldOf<List>;

/** Arguments of an error by name: integers are bigints, bytes and addresses hexadecimal. */
export type ErrorArgs<S extends ErrorSignature> = S extends `${string}(${infer List})` ? FieldsOf<List> : never;

/** "NoDebt" of "NoDebt(…)". */
export type ErrorName<S extends ErrorSignature = ErrorSignature> = S extends `${infer Name}(${string}` ? Name : never;

/** A custom error of the protocol, told apart by `signature` (or `name`, where it is unique). */
export type CustomError = {
  [S in ErrorSignature]: {
    readonly kind: "custom";
    readonly name: ErrorName<S>;
    readonly signature: S;
    readonly args: ErrorArgs<S>;
  };
}[ErrorSignature];
