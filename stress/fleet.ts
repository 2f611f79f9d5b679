// The keepers of a run: real processes, each with its own key, state and wire to the chain; killed, cut off and started again.
import { join } from "node:path";

import { type Head, KeeperProcess } from "../replay/keeper.ts";
import type { Actor, Ledger } from "../replay/sender.ts";
import { Wire } from "./wire.ts";

const ETHER = 10n ** 21n;
/** A keeper has no longer than a real block to answer for one. */
const PATIENCE_MS = 12_000;
const HEARING_MS = 2_000;
const NOT_RUNNING = "no keeper was running";

interface Slot {
  readonly actor: Actor;
  readonly wire: Wire;
  process: KeeperProcess | undefined;
  isCut: boolean;
  /** Killed and started again it goes on with its log. */
  hasRun: boolean;
}

export interface FleetSettings {
  readonly rpc: string;
  readonly deployment: string;
  /** Of states. */
  readonly directory: string;
  /** Of logs. */
  readonly logs: string;
  readonly count: number;
}

/** What a keeper started with, wei. */
export const KEEPER_ETHER = ETHER;

export class Fleet {
  private readonly slots: Slot[] = [];
  private readonly reasons = new Map<string, string>();
  /** Blocks at which a keeper had not spoken of everybody in time. */
  late = 0;

  private constructor(
    private readonly ledger: Ledger,
    private readonly settings: FleetSettings,
  ) {}

  static async start(ledger: Ledger, settings: FleetSettings): Promise<Fleet> {
    const fleet = new Fleet(ledger, settings);
    try {
      for (let i = 0; i < settings.count; ++i) {
        const actor = await ledger.actor(`keeper ${i + 1}`, ETHER);
        fleet.slots.push({
          actor,
          wire: await Wire.open(settings.rpc),
          process: undefined,
          isCut: false,
          hasRun: false,
        });
      }
      await fleet.revive();
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  get actors(): readonly Actor[] {
    return this.slots.map(({ actor }) => actor);
  }

  /** Keepers that run and reach the chain. */
  get working(): number {
    return this.atWork().length;
  }

  get inFlight(): number {
    return this.atWork().reduce((sum, keeper) => sum + keeper.inFlight, 0);
  }

  /** Lets all that work hear of what was mined and answer for a block, but no longer than they would have. */
  async answered(head: Head): Promise<void> {
    const answers = this.slots.map(async ({ process, isCut, actor }) => {
      if (process === undefined || isCut) return true;
      const [sent, mined] = await Promise.all(
        ["pending", "latest"].map((tag) => this.ledger.provider.getTransactionCount(actor.address, tag)),
      );
      // Receipts are asked for now and then: in twelve seconds of a real chain that is soon enough.
      await process.down((sent ?? 0) - (mined ?? 0), HEARING_MS);
      return process.answered(head, PATIENCE_MS);
    });
    this.late += (await Promise.all(answers)).filter((inTime) => !inTime).length;
  }

  /** Why nobody has bid on the account, as the keepers last said. */
  reasonFor(account: string): string {
    this.remember();
    if (this.working === 0) return NOT_RUNNING;
    return this.reasons.get(account) ?? "no keeper has said";
  }

  async kill(): Promise<void> {
    this.remember();
    const killed = this.slots.map(async (slot) => {
      const { process } = slot;
      slot.process = undefined;
      await process?.kill();
    });
    await Promise.all(killed);
  }

  /** Starts those that are not running. */
  async revive(): Promise<void> {
    const { deployment, directory, logs } = this.settings;
    await Promise.all(
      this.slots.map(async (slot, i) => {
        if (slot.process !== undefined) return;
        slot.process = await KeeperProcess.start({
          rpc: slot.wire.url,
          key: slot.actor.wallet.privateKey,
          deployment,
          state: join(directory, `keeper-${i + 1}.sqlite`),
          log: join(logs, `keeper-${i + 1}.log`),
          append: slot.hasRun,
        });
        slot.hasRun = true;
      }),
    );
  }

  cut(): void {
    for (const slot of this.slots) {
      slot.isCut = true;
      slot.wire.cut();
    }
  }

  mend(): void {
    for (const slot of this.slots) {
      slot.isCut = false;
      slot.wire.mend();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.slots.map(async ({ process, wire }) => {
        await process?.stop();
        await wire.close();
      }),
    );
  }

  private atWork(): KeeperProcess[] {
    return this.slots.flatMap(({ process, isCut }) => (process === undefined || isCut ? [] : [process]));
  }

  private remember(): void {
    for (const { process } of this.slots) {
      for (const [account, reason] of process?.reasons ?? []) this.reasons.set(account, reason);
    }
  }
}
