import assert from "node:assert/strict";
import fc from "fast-check";
import { PhiAccrual, phiOf } from "../../src/membership/phi_accrual.ts";

/** The silence in milliseconds after which phi reaches `level`, to the millisecond. */
function silenceUntil(level: number, detector: PhiAccrual, lastMs: number): number {
  let low = 0;
  let high = 1e7;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (detector.phi(lastMs + middle) >= level) high = middle;
    else low = middle;
  }
  return high;
}

Deno.test("PhiAccrual with heartbeats each second suspects after 2.8 s and is sure after 4.2 s", () => {
  const detector = new PhiAccrual(1000, 0);
  for (let second = 1; second <= 60; second++) {
    assert.ok(detector.phi(second * 1000) < 1);
    detector.arrived(second * 1000);
  }
  assert.equal(Math.round(silenceUntil(3, detector, 60_000) / 100), 28);
  assert.equal(Math.round(silenceUntil(8, detector, 60_000) / 100), 42);
});

Deno.test("PhiAccrual knows its levels from the first heartbeat on", () => {
  assert.equal(Math.round(silenceUntil(8, new PhiAccrual(1000, 0), 0) / 100), 42);
});

Deno.test("PhiAccrual learns a slow rhythm and then waits longer", () => {
  const detector = new PhiAccrual(1000, 0);
  let atMs = 0;
  for (let i = 0; i < 100; i++) detector.arrived(atMs += i % 2 === 0 ? 1000 : 3000);
  const sureMs = silenceUntil(8, detector, atMs);
  // Mean 2 s, deviation 1 s.
  assert.ok(sureMs > 7000 && sureMs < 8000, `${sureMs} ms`);
});

Deno.test("PhiAccrual stays below 8 through a pause of 2.5 s, whatever the paces before it", () => {
  const pace = fc.constantFrom(fc.integer({ min: 900, max: 1100 }), fc.nat({ max: 200 }));
  const paces = pace.chain((gaps) => fc.array(gaps, { minLength: 100, maxLength: 150 }));
  fc.assert(fc.property(paces, (gaps) => {
    const detector = new PhiAccrual(1000, 0);
    let atMs = 0;
    for (const gap of gaps) detector.arrived(atMs += gap);
    assert.ok(detector.phi(atMs + 3500 + 100) < 8);
  }));
});

Deno.test("PhiAccrual reaches 8 within eleven seconds after any history", () => {
  const gaps = fc.integer({ min: 0, max: 100_000 });
  const histories = fc.array(gaps, { maxLength: 150, size: "max" });
  fc.assert(fc.property(histories, (gaps) => {
    const detector = new PhiAccrual(1000, 0);
    let atMs = 0;
    for (const gap of gaps) detector.arrived(atMs += gap);
    assert.ok(detector.phi(atMs + 11_000) >= 8);
  }));
});

Deno.test("PhiAccrual rises with silence, is finite, and takes times that stand still", () => {
  const detector = new PhiAccrual(1000, 5000);
  detector.arrived(5000);
  detector.arrived(4000);
  const silences = fc.tuple(fc.nat({ max: 2 ** 45 }), fc.nat({ max: 2 ** 45 }));
  fc.assert(fc.property(silences, ([a, b]) => {
    const [less, more] = [Math.min(a, b), Math.max(a, b)];
    const lower = detector.phi(5000 + less);
    assert.ok(Number.isFinite(detector.phi(5000 + more)));
    assert.ok(lower >= 0 && lower <= detector.phi(5000 + more));
  }));
  assert.equal(detector.phi(0), detector.phi(5000));
});

Deno.test("phiOf() agrees with the tables of the normal distribution", () => {
  // Upper tail of the standard normal distribution; the last ones by their logarithms.
  const table: [number, number][] = [
    [-3, -Math.log10(0.998650101968)],
    [-1, -Math.log10(0.841344746069)],
    [0, -Math.log10(0.5)],
    [1, -Math.log10(0.158655253931)],
    [1.999999, -Math.log10(0.0227501319)],
    [2, -Math.log10(0.0227501319482)],
    [3, -Math.log10(0.00134989803163)],
    [5, -Math.log10(2.86651571879e-7)],
    [6, -Math.log10(9.86587645038e-10)],
    [10, 23.1180507],
    [38, 315.5383],
  ];
  for (const [x, phi] of table) {
    const found = phiOf(1000 + x * 250, 1000, 250);
    assert.ok(Math.abs(found - phi) < 1e-4 * Math.max(1e-3, phi), `x = ${x}: ${found}, not ${phi}`);
  }
});

Deno.test("phiOf() is continuous where its two formulas meet", () => {
  const below = phiOf(2 - 1e-9, 0, 1);
  const above = phiOf(2 + 1e-9, 0, 1);
  assert.ok(above > below && above - below < 1e-8);
});
