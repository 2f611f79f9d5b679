// The engine with its journal: what was flushed is there after a kill.
import { decodeCommand, decodeState, encodeCommand, encodeState } from "./codec.ts";
import type { Command, Happening } from "./commands.ts";
import { Engine, type EngineOptions } from "./engine.ts";
import { Refusal } from "./errors.ts";
import { Journal, JournalError, type JournalOptions } from "./journal.ts";

export interface Recovery {
  readonly fromSnapshot: boolean;
  readonly commands: number;
  readonly torn: number;
  readonly ms: number;
}

/** Between the commands of a line; JSON has no such character. */
const SEPARATOR = "\u001e";

const DEFAULT_SNAPSHOT_EVERY = 200_000;

export class DurableEngine {
  private constructor(
    readonly engine: Engine,
    private readonly journal: Journal,
    readonly recovery: Recovery,
    private readonly snapshotEvery: number,
  ) {}

  static open(
    engineOptions: EngineOptions,
    options: JournalOptions & { readonly snapshotEvery?: number },
  ): DurableEngine {
    const started = performance.now();
    const { journal, recovered } = Journal.open(options);
    const { snapshot, lines, torn } = recovered;
    // Limits may have been lowered since: what was let in stays in.
    const lenient = { ...engineOptions, maxOrders: Infinity, maxOrdersPerOwner: Infinity };
    const engine = snapshot === undefined ? new Engine(lenient) : Engine.restore(decodeState(snapshot), lenient);
    const commands = lines.flatMap((line) => line.split(SEPARATOR));
    for (const [i, text] of commands.entries()) {
      try {
        engine.apply(decodeCommand(text));
      } catch (error) {
        journal.close();
        throw new JournalError(`command ${i + 1} of the journal does not apply: ${String(error)}`);
      }
    }
    engine.limit(engineOptions);
    const ms = performance.now() - started;
    const recovery = { fromSnapshot: snapshot !== undefined, commands: commands.length, torn, ms };
    return new DurableEngine(engine, journal, recovery, options.snapshotEvery ?? DEFAULT_SNAPSHOT_EVERY);
  }

  /** Applies and notes down; nothing of it may be told to anybody before {@link flush}. A refusal leaves no trace. */
  apply(command: Command): Happening[] {
    const happenings = this.engine.apply(command);
    this.journal.append(encodeCommand(command));
    return happenings;
  }

  /**
   * Several, noted down in one line: after a crash all of them or none. Those that are refused are left out and said to
   * `refused`, which may throw to end it there.
   */
  applyAll(commands: readonly Command[], refused: (refusal: Refusal) => void): Happening[] {
    const happenings: Happening[] = [];
    const texts: string[] = [];
    try {
      for (const command of commands) {
        try {
          happenings.push(...this.engine.apply(command));
          texts.push(encodeCommand(command));
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          refused(error);
        }
      }
    } finally {
      if (texts.length > 0) this.journal.append(texts.join(SEPARATOR));
    }
    return happenings;
  }

  /** Of the last line written. */
  get sequence(): number {
    return this.journal.sequence;
  }

  async flush(): Promise<void> {
    await this.journal.flush();
    if (this.journal.length >= this.snapshotEvery) this.snapshot();
  }

  flushSync(): void {
    this.journal.flushSync();
  }

  snapshot(): void {
    this.journal.snapshot(encodeState(this.engine.state()));
  }

  close(): void {
    this.journal.close();
  }
}
