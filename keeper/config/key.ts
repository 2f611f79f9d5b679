// The one secret. It comes from the environment or a keystore, never from a file or an argument.
import { ConfigError } from "./error.ts";

export const KEY_VARIABLE = "PLIMSOLL_KEEPER_KEY";

const KEY_ARGUMENT = /^--?(private-?key|key|pk|secret|mnemonic|seed)\b/i;
const KEY_VALUE = /\b(0x)?[0-9a-f]{64}\b/i;

/** Before anything else, and without repeating it: arguments show in process lists and shell histories. */
export const refuseKeys = (args: readonly string[]): void => {
  if (args.some((arg) => KEY_ARGUMENT.test(arg) || KEY_VALUE.test(arg))) {
    throw new ConfigError(
      `a private key does not belong into the arguments, where every process can read it: put it into ${KEY_VARIABLE} or Hardhat's keystore (and replace a key that was shown)`,
    );
  }
};

/** Where to ask for the key when the environment has none. */
export type Keystore = (name: string) => Promise<string | undefined>;

/** The key; undefined without one in a dry run. */
export const readKey = async (
  environment: Readonly<Record<string, string | undefined>>,
  keystore: Keystore,
  dryRun: boolean,
): Promise<string | undefined> => {
  const fromEnvironment = environment[KEY_VARIABLE]?.trim();
  if ((fromEnvironment === undefined || fromEnvironment === "") && dryRun) return undefined;
  const key = fromEnvironment || (await keystore(KEY_VARIABLE))?.trim();
  if (key === undefined || key === "") {
    throw new ConfigError(
      `no key: set ${KEY_VARIABLE} in the environment, or run \`npx hardhat keystore set ${KEY_VARIABLE}\` (--dry-run needs none)`,
    );
  }
  if (!/^(0x)?[0-9a-f]{64}$/i.test(key)) {
    throw new ConfigError(`${KEY_VARIABLE} is not a private key: expected 32 bytes in hexadecimal`);
  }
  return key.startsWith("0x") ? key : `0x${key}`;
};
