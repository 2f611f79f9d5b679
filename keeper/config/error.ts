/** Somebody has to change how the keeper is called or what it is given; the message says what. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
