/** Somebody has to change what was asked for; the message names the field. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
