import type { Deployment } from "./addresses.ts";

/** What is deployed, by chain id. Empty in the repository: the build of the package fills it from `deployments/`. */
export const DEPLOYMENTS: Readonly<Record<number, Deployment>> = {};
