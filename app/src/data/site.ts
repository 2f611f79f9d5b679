// Where the page is at home: deployment, node and matcher, as the server says them.
import { JsonRpcProvider, Network } from "ethers";

import { parseDeployment } from "../../../sdk/addresses.ts";
import { type Venue, venueOf } from "../../../sdk/client/venue.ts";

export interface LocalDoors {
  readonly faucet: string;
  readonly price: string;
}

export interface Site {
  /** Changes when another deployment is served: everything read before is of another world. */
  readonly key: string;
  readonly venue: Venue;
  readonly provider: JsonRpcProvider;
  readonly rpc: string;
  readonly matcher: string;
  readonly chainId: number;
  /** Where the last audit is served; undefined: nowhere. */
  readonly audit?: string;
  /** Of a local network only. */
  readonly local?: LocalDoors;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const absolute = (value: unknown): string => new URL(String(value), window.location.href).href;

const localDoors = (value: unknown): LocalDoors | undefined =>
  isObject(value) ? { faucet: absolute(value["faucet"]), price: absolute(value["price"]) } : undefined;

let last: { readonly text: string; readonly site: Site } | undefined;

/** The same object as long as the server says the same. */
export const readSite = async (): Promise<Site> => {
  const response = await fetch("./config.json", { cache: "no-store", signal: AbortSignal.timeout(8_000) });
  if (!response.ok) throw new Error("the server has no configuration for this page");
  const text = await response.text();
  if (last?.text === text) return last.site;
  const config: unknown = JSON.parse(text);
  if (!isObject(config)) throw new Error("the server's configuration is not an object");
  const deployment = parseDeployment(config["deployment"]);
  const rpc = absolute(config["rpc"]);
  const network = Network.from(deployment.chainId);
  const provider = new JsonRpcProvider(rpc, network, { staticNetwork: network, cacheTimeout: -1, batchMaxCount: 60 });
  const local = localDoors(config["local"]);
  const site: Site = {
    key: `${deployment.chainId}:${deployment.contracts.safe}:${deployment.fromBlock}:${text.length}`,
    venue: venueOf(deployment, provider),
    provider,
    rpc,
    matcher: absolute(config["matcher"]).replace(/\/$/, ""),
    chainId: deployment.chainId,
    ...(config["audit"] !== undefined && { audit: absolute(config["audit"]) }),
    ...(local !== undefined && { local }),
  };
  last?.site.provider.destroy();
  last = { text, site };
  return site;
};
