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

const convert = (value: unknown): unknown => {
  if (!(value instanceof Result)) return value;
  const names = Object.keys(value.toObject());
  const named = names.length === value.length && names.every((name) => name !== "_" && !/^\d+$/.test(name));
  return named && value.length > 0
    ? Object.fromEntries(names.map((name, i) => [name, convert(value[i])]))
    : [...value].map(convert);
};

/** Lists and tuples as plain arrays and objects, so that they can be compared, printed and cloned. */
export const plain = <Value>(value: Value): Plain<Value> => convert(value) as Plain<Value>;
