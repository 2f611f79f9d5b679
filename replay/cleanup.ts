// Steps back to how things were, however a run ends.

/** What has to be undone, last first. */
export class Cleanup {
  private readonly steps: (() => Promise<unknown> | void)[] = [];

  /** `who` is named in complaints. */
  constructor(private readonly who: string) {}

  add(step: () => Promise<unknown> | void): void {
    this.steps.unshift(step);
  }

  async run(): Promise<void> {
    for (const step of this.steps.splice(0)) {
      try {
        await step();
      } catch (error) {
        // The next step may be a process that must not stay behind.
        console.error(`${this.who}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}
