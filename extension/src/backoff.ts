/** How long to wait before a crashed sidecar is started again, and when to give up. Pure: the clock is handed in. */

const delays = [300, 1_000, 2_000, 4_000, 8_000];
const healthyAfter = 120_000;

export class Backoff {
  private crashes = 0;
  private startedAt = 0;

  started(now: number): void {
    this.startedAt = now;
  }

  /** Milliseconds until the next start; null: give up and ask the user. A long healthy run forgives earlier crashes. */
  crashed(now: number): number | null {
    if (this.startedAt && now - this.startedAt > healthyAfter) this.crashes = 0;
    const delay = delays[this.crashes] ?? null;
    this.crashes += 1;
    this.startedAt = 0;
    return delay;
  }

  reset(): void {
    this.crashes = 0;
  }
}
