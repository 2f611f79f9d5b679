// A defence that an attack of test/attacks leans on, and how to take it away: the text of the source that is replaced. OFF stands for
// "this defence is removed"; ../prove.ts puts a switch there, so that one build holds all of them.

export interface Edit {
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Defence {
  readonly name: string;
  /** File of test/attacks, without extension. */
  readonly attack: string;
  /** What is taken away, for the page. */
  readonly what: string;
  readonly edits: readonly Edit[];
}

export const ACCOUNTS = "contracts/accounts";

/** The condition of a `require` that holds anyway while the defence is removed. */
export const waive = (file: string, condition: string): Edit => ({
  file,
  find: `require(${condition}`,
  replace: `require(OFF || ${condition}`,
});
