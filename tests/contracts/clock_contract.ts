// What every clock must do.

import assert from "node:assert/strict";
import { type Clock, sleep } from "../../src/ports/clock.ts";

/** A clock under test, and a way to let its time pass. */
export interface ClockHarness {
  readonly clock: Clock;
  until(condition: () => boolean, what: string): Promise<void>;
}

export function clockContract(name: string, make: () => ClockHarness): void {
  Deno.test(`${name}: after() calls back once the delay has passed, and only once`, async () => {
    const { clock, until } = make();
    const startMs = clock.monotonic();
    let calls = 0;
    let tookMs = 0;
    clock.after(20, () => {
      calls++;
      tookMs = clock.monotonic() - startMs;
    });
    assert.equal(calls, 0);
    await until(() => calls > 0, "the timer fires");
    assert.ok(tookMs >= 20, `it fired after ${tookMs} ms`);
    let isLater = false;
    clock.after(40, () => isLater = true);
    await until(() => isLater, "a later timer fires");
    assert.equal(calls, 1);
  });

  Deno.test(`${name}: after() never calls back before it has returned`, async () => {
    const { clock, until } = make();
    for (const delayMs of [0, -5, 0.2]) {
      let isCalled = false;
      clock.after(delayMs, () => isCalled = true);
      assert.equal(isCalled, false);
      await until(() => isCalled, `a timer of ${delayMs} ms fires`);
    }
  });

  Deno.test(`${name}: cancel() takes a timer back, also twice and too late`, async () => {
    const { clock, until } = make();
    const fired: string[] = [];
    const cancelled = clock.after(1, () => fired.push("cancelled"));
    cancelled.cancel();
    cancelled.cancel();
    const kept = clock.after(10, () => fired.push("kept"));
    await until(() => fired.length > 0, "the other timer fires");
    kept.cancel();
    assert.deepEqual(fired, ["kept"]);
  });

  Deno.test(`${name}: timers fire in the order of their times`, async () => {
    const { clock, until } = make();
    const fired: number[] = [];
    for (const delayMs of [60, 20, 40]) clock.after(delayMs, () => fired.push(delayMs));
    await until(() => fired.length === 3, "all timers fire");
    assert.deepEqual(fired, [20, 40, 60]);
  });

  Deno.test(`${name}: a delay longer than setTimeout takes does not fire at once`, async () => {
    const { clock, until } = make();
    let isCalled = false;
    const year = clock.after(365 * 24 * 3600 * 1000, () => isCalled = true);
    let isLater = false;
    clock.after(30, () => isLater = true);
    await until(() => isLater, "a short timer fires");
    year.cancel();
    assert.equal(isCalled, false);
    assert.throws(() => clock.after(NaN, () => {}), RangeError);
  });

  Deno.test(`${name}: monotonic() does not go back and sleep() waits`, async () => {
    const { clock, until } = make();
    assert.ok(clock.now() > 1_600_000_000_000);
    const startMs = clock.monotonic();
    let isAwake = false;
    const slept = sleep(clock, 15).then(() => isAwake = true);
    await until(() => isAwake, "the sleep ends");
    await slept;
    assert.ok(clock.monotonic() - startMs >= 15);
  });
}
