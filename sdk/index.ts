export * from "./addresses.ts";
export * from "./ids.ts";
export * from "./instruments.ts";
export * from "./orders.ts";
export * from "./attestations.ts";
export * from "./errors/index.ts";
export * from "./events.ts";
export * from "./signatures.ts";
