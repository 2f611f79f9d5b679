// What a keeper is told: options, key and deployment file, each checked with a message that names the field.
export {
  type DeployedAsset,
  type KeeperDeployment,
  parseDeployment,
  readDeployment,
  stateFile,
} from "./config/deployment.ts";
export { ConfigError } from "./config/error.ts";
export { type ChoreName, CHORES } from "./config/fields.ts";
export { KEY_VARIABLE, type Keystore, readKey } from "./config/key.ts";
export { type KeeperOptions, type MarginOptions, parseOptions, variableOf } from "./config/options.ts";
export { USAGE } from "./config/usage.ts";
