// What `hardhat node` serves in the demo: the project's local network, at the date of the candles.
import { defineConfig } from "hardhat/config";

import project from "../hardhat.config.ts";

const date = process.env["DEMO_CHAIN_DATE"];
const network = project.networks?.["node"];
if (network?.type !== "edr-simulated") throw new Error("hardhat.config.ts has no simulated network called node");

export default defineConfig({
  // Without artifacts the node traces no calls back to source lines, which it would do for every failing simulation.
  paths: { artifacts: "./out/demo/no-artifacts", cache: "./out/demo/no-cache" },
  networks: { node: { ...network, ...(date !== undefined && { initialDate: date }) } },
});
