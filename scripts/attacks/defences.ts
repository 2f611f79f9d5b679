// Every defence that can be taken away, in the order of the page.
import { accounts } from "./defences/accounts.ts";
import type { Defence } from "./defences/defence.ts";
import { governance } from "./defences/governance.ts";
import { liquidation } from "./defences/liquidation.ts";
import { markets } from "./defences/markets.ts";
import { prices } from "./defences/prices.ts";

export type { Defence } from "./defences/defence.ts";

export const DEFENCES: readonly Defence[] = [...prices, ...accounts, ...liquidation, ...markets, ...governance];
