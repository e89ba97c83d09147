import assert from "node:assert/strict";
import { madeReport } from "./made_report.ts";
import { Totals } from "./totals.ts";

Deno.test("totals are what all seeds come to together", () => {
  const totals = new Totals();
  totals.add(madeReport(4, {
    virtualMs: 60_000,
    realMs: 500,
    eventCount: 10,
    outcomes: { ok: 50, no: 8, unknown: 2 },
    faults: new Map([["crash", 2], ["pause", 1]]),
  }));
  totals.add(madeReport(5, {
    virtualMs: 120_000,
    realMs: 1_500,
    eventCount: 20,
    outcomes: { ok: 10, no: 0, unknown: 0 },
    faults: new Map([["crash", 3]]),
    violations: ["k0: lost write #3"],
  }));
  assert.equal(totals.seedCount, 2);
  assert.equal(totals.eventCount, 30);
  assert.equal(totals.realMs, 2_000);
  assert.deepEqual(totals.outcomes, { ok: 60, no: 8, unknown: 2 });
  assert.equal(totals.operationCount, 70);
  assert.ok(Math.abs(totals.operationsPerMinute - 70 / 3) < 1e-9);
  assert.deepEqual(totals.idlest, { seed: 5, perMinute: 5 });
  assert.equal(totals.faultCount, 6);
  assert.deepEqual(totals.missing(["crash", "reset", "pause"]), ["reset"]);
  assert.deepEqual(totals.failures.map(({ seed }) => seed), [5]);
});

Deno.test("totals of nothing are zero, and a seed without time is not the idlest", () => {
  const totals = new Totals();
  totals.add(madeReport(1));
  assert.equal(totals.operationsPerMinute, 0);
  assert.equal(totals.idlest, undefined);
  assert.deepEqual(totals.missing(["crash"]), ["crash"]);
});
