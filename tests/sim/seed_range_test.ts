import assert from "node:assert/strict";
import fc from "fast-check";
import { runRange, type SeedRunner } from "../../scripts/seed_range.ts";
import { madeReport } from "./made_report.ts";
import type { SeedReport } from "./seed_report.ts";

const RANGE = { first: 1, count: 20, keepsGoing: false };

function reportOf(seed: number, failing: readonly number[]): SeedReport {
  return madeReport(seed, { violations: failing.includes(seed) ? ["It is broken"] : [] });
}

/** Runners that are done in an order of their own. */
function runners(scheduler: fc.Scheduler, count: number, failing: readonly number[]): SeedRunner[] {
  return Array.from({ length: count }, () => (seed: number) => {
    return scheduler.schedule(Promise.resolve(reportOf(seed, failing)));
  });
}

Deno.test("runRange() hands on the reports of all seeds in their order", async () => {
  const taken: number[] = [];
  const run = (seed: number) => Promise.resolve(reportOf(seed, []));
  await runRange({ ...RANGE, count: 5 }, [run, run], ({ seed }) => taken.push(seed));
  assert.deepEqual(taken, [1, 2, 3, 4, 5]);
});

Deno.test("runRange() ends at the lowest failure, whichever thread is done first", async () => {
  const failing = fc.uniqueArray(fc.integer({ min: 1, max: 25 }), { maxLength: 4 });
  const threads = fc.integer({ min: 1, max: 4 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), failing, threads, async (scheduler, failing, n) => {
      const taken: number[] = [];
      const done = runRange(RANGE, runners(scheduler, n, failing), ({ seed }) => taken.push(seed));
      await scheduler.waitFor(done);
      const last = Math.min(20, ...failing);
      assert.deepEqual(taken, Array.from({ length: last }, (_, i) => i + 1));
    }),
  );
});

Deno.test("runRange() runs all seeds if it keeps going", async () => {
  await fc.assert(fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    const failed: number[] = [];
    let count = 0;
    const take = ({ seed, violations }: SeedReport) => {
      count++;
      if (violations.length > 0) failed.push(seed);
    };
    const range = { ...RANGE, keepsGoing: true };
    await scheduler.waitFor(runRange(range, runners(scheduler, 3, [2, 7, 20]), take));
    assert.equal(count, 20);
    assert.deepEqual(failed, [2, 7, 20]);
  }));
});

Deno.test("runRange() hands on what is there when it is interrupted, in order", async () => {
  const taken: number[] = [];
  const begun4 = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const run: SeedRunner = async (seed) => {
    if (seed === 4) begun4.resolve();
    if (seed === 6) over.resolve();
    if (seed === 1 || seed >= 6) return await over.promise.then(() => undefined);
    if (seed === 2) await begun4.promise;
    return reportOf(seed, []);
  };
  await runRange(RANGE, [run, run, run], ({ seed }) => taken.push(seed));
  assert.deepEqual(taken, [2, 3, 4, 5]);
});
