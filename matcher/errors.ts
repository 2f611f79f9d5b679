// What a client is told when something is refused: a name for programs, a sentence for people, facts for both.

export type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** A refusal that changes nothing. `code` names it, `status` is HTTP's word for it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    readonly code: string,
    message: string,
    readonly facts: Facts = {},
    readonly status = 422,
  ) {
    super(message);
  }

  toJSON() {
    return { error: { code: this.code, message: this.message, ...this.facts } };
  }
}
