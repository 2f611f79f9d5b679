/** What ethers decodes, as plain objects and lists. */
import { Result } from "ethers";

/** Structs as objects alone: TypeChain's are tuples as well, what {@link plain} makes is not. */
export type Plain<Value> = Value extends readonly (infer Each)[]
  ? number extends Value["length"]
    ? readonly Plain<Each>[]
    : { readonly [Key in keyof Value as Key extends keyof unknown[] | `${number}` ? never : Key]: Plain<Value[Key]> }
  : Value extends object
    ? { readonly [Key in keyof Value]: Plain<Value[Key]> }
    : Value;

/** Names of a struct's fields; none for a list, whose elements have none. */
const namesOf = (value: Result): string[] => {
  try {
    return value.length === 0 ? [] : Object.keys(value.toObject());
  } catch {
    return []; // ethers' way to say that elements are unnamed
  }
};

const convert = (value: unknown): unknown => {
  if (!(value instanceof Result)) return value;
  const names = namesOf(value);
  const isStruct = names.length > 0 && names.length === value.length && names[0] !== "_"; // ethers' name for one without
  return isStruct ? Object.fromEntries(names.map((name, i) => [name, convert(value[i])])) : [...value].map(convert);
};

/** Lists and tuples as plain arrays and objects, so that they can be compared, printed and cloned. */
export const plain = <Value>(value: Value): Plain<Value> => convert(value) as Plain<Value>;
