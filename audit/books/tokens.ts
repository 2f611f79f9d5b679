// Who holds a vault's shares, and what tokens the safe holds, from transfers. Pure.
import type { TokenEvent } from "../events.ts";
import type { Report } from "./safe.ts";

const NOBODY = `0x${"0".repeat(40)}`;

export class TokenBook {
  /** By vault, then holder; nothing is kept for who holds none. */
  readonly vaults = new Map<string, Map<string, bigint>>();
  readonly supplies = new Map<string, bigint>();
  /** Of the safe, by token. */
  readonly custody = new Map<string, bigint>();
  /** Vaults whose shares moved in this transaction, tokens that came or went. */
  readonly touched = new Set<string>();

  /** @param opening what the safe's address held of a token before its first event. */
  constructor(
    private readonly report: Report,
    opening: ReadonlyMap<string, bigint> = new Map(),
  ) {
    for (const [token, amount] of opening) this.custody.set(token, amount);
  }

  apply(event: TokenEvent): void {
    if (event.kind === "TokenMoved") {
      const held = (this.custody.get(event.token) ?? 0n) + event.amount;
      this.custody.set(event.token, held);
      this.touched.add(event.token);
      if (held < 0n) this.report("events", `token ${event.token}`, `the safe sent ${-held} more than it ever got`);
      return;
    }
    const holders = this.vaults.get(event.vault) ?? new Map<string, bigint>();
    this.vaults.set(event.vault, holders);
    this.touched.add(event.vault);
    this.move(event.vault, holders, event.from, -event.value);
    this.move(event.vault, holders, event.to, event.value);
  }

  private move(vault: string, holders: Map<string, bigint>, holder: string, value: bigint): void {
    if (holder === NOBODY) {
      // minted or burned
      this.supplies.set(vault, (this.supplies.get(vault) ?? 0n) - value);
      return;
    }
    const held = (holders.get(holder) ?? 0n) + value;
    if (held < 0n) this.report("events", `vault ${vault}`, `${holder} gave ${-held} shares more than it had`);
    if (held === 0n) holders.delete(holder);
    else holders.set(holder, held);
  }

  supplyOf(vault: string | undefined): bigint {
    return vault === undefined ? 0n : (this.supplies.get(vault) ?? 0n);
  }

  sharesOf(vault: string, holder: string): bigint {
    return this.vaults.get(vault)?.get(holder) ?? 0n;
  }
}
