// The engine with its journal: what was flushed is there after a kill.
import { decodeCommand, decodeState, encodeCommand, encodeState } from "./codec.ts";
import type { Command, Happening } from "./commands.ts";
import { Engine, type EngineOptions } from "./engine.ts";
import { Journal, JournalError, type JournalOptions } from "./journal.ts";

export interface Recovery {
  readonly fromSnapshot: boolean;
  readonly commands: number;
  readonly torn: number;
  readonly ms: number;
}

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
    for (const [i, line] of lines.entries()) {
      try {
        engine.apply(decodeCommand(line));
      } catch (error) {
        journal.close();
        throw new JournalError(`command ${i + 1} of the journal does not apply: ${String(error)}`);
      }
    }
    engine.limit(engineOptions);
    const ms = performance.now() - started;
    const recovery = { fromSnapshot: snapshot !== undefined, commands: lines.length, torn, ms };
    return new DurableEngine(engine, journal, recovery, options.snapshotEvery ?? DEFAULT_SNAPSHOT_EVERY);
  }

  /** Applies and notes down; nothing of it may be told to anybody before {@link flush}. A refusal leaves no trace. */
  apply(command: Command): Happening[] {
    const happenings = this.engine.apply(command);
    this.journal.append(encodeCommand(command));
    return happenings;
  }

  /** Of the last command noted down. */
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
