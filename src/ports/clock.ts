// Time, as an argument. Nothing above host/ may ask the machine for it.

/** A timer that has been set. */
export interface Timer {
  /** Takes the timer back; without effect once it has fired. */
  cancel(): void;
}

/** The time of one machine. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970, possibly wrong, possibly jumping. */
  now(): number;

  /** Milliseconds since some moment, never going back. For measuring how long things take. */
  monotonic(): number;

  /** Calls `callback` once, `delayMs` or a little more from now, and never before this returns. */
  after(delayMs: number, callback: () => void): Timer;
}

/** Resolves `delayMs` from now. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.after(delayMs, resolve));
}
