/** The time where the steps run, as well as messages from there tell it. */
export class Clock {
  private ahead: number | null = null;

  constructor(private readonly here: () => number = () => Date.now() / 1000) {}

  /**
   * A message made at a time over there has come.
   *
   * @param live - Whether it was sent just now: one that was kept tells only that it is no earlier over there.
   */
  heard(at: number, live: boolean): void {
    const seen = at - this.here();
    const known = this.ahead ?? (live ? seen : 0);
    this.ahead = Math.max(known, seen);
  }

  /** Seconds since the epoch, over there. */
  now(): number {
    const ahead = this.ahead ?? 0;
    // A clock that is nearly right is taken as it is: messages take their time.
    return this.here() + (Math.abs(ahead) < 2 ? 0 : ahead);
  }
}
