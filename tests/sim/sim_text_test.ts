import assert from "node:assert/strict";
import { failureText, shrunkText, totalsText } from "../../scripts/sim_text.ts";
import { CALM } from "./calm_world.ts";
import { madeReport } from "./made_report.ts";
import { drawOptions } from "./options.ts";
import { withOverrides } from "./overrides.ts";
import { recipeOf } from "./recipe.ts";
import { Totals } from "./totals.ts";

const MEASURED = { elapsedMs: 2_000, jobs: 2, kinds: ["crash", "reset"] } as const;

Deno.test("totalsText() says how much was tried, how fast, and what never happened", () => {
  const totals = new Totals();
  totals.add(madeReport(1, {
    virtualMs: 120_000,
    realMs: 4_000,
    eventCount: 1_234,
    outcomes: { ok: 200, no: 30, unknown: 10 },
    faults: new Map([["crash", 3]]),
    sessions: { reads: 80, wentBack: 2 },
  }));
  const text = totalsText(totals, MEASURED);
  assert.equal(
    text.split("\n").map((line) => line.trimEnd()).join("\n"),
    `\
seeds       1, 0 failed, in 2 s on 2 threads
simulated   0.03 hours: 1.00 minutes per second, 0.50 on each core
operations  240: 200 ok, 30 no, 10 unknown
            120 per simulated minute, at least 120 (seed 1)
sessions    2 of 80 reads went back (2.50 %)
events      1,234
faults      3: crash 3
never       reset
`,
  );
});

Deno.test("totalsText() lists failures by what was broken", () => {
  const totals = new Totals();
  for (const seed of [3, 5]) {
    totals.add(madeReport(seed, { violations: [`k${seed}: lost write #1`] }));
  }
  totals.add(madeReport(9, { violations: ["k0: resurrected #4"] }));
  const text = totalsText(totals, MEASURED);
  assert.match(text, /^failures +lost write: seeds 3, 5\n +resurrected: seeds 9\n/m);
});

Deno.test("failureText() tells what is not calm, what happened last, and how to run it again", () => {
  const options = withOverrides(drawOptions(6), {
    ...CALM,
    delayMs: 60,
    faults: { ...CALM.faults, crash: 0.123456 },
  });
  const report = madeReport(6, {
    violations: Array.from({ length: 12 }, (_, i) => `k0: lost write #${i}`),
    lastEvents: ["    1.000  n1    commits 1"],
  });
  const text = failureText(options, report, recipeOf(options, 6));
  assert.match(text, /^Seed 6 has failed with 12 violations/);
  assert.match(text, /^ +delayMs +60$/m);
  assert.match(text, /^ +faults +crash 0\.1235$/m);
  assert.doesNotMatch(text, /diskMs +|restartsAllAtHealing +/);
  assert.match(text, / {4}1\.000 {2}n1 {4}commits 1/);
  assert.match(text, /- k0: lost write #9\n {2}and 2 more\n/);
  assert.match(text, /deno task sim --seed 6 --calm --with '\{"delayMs":60.*\}' --trace/);
});

Deno.test("shrunkText() also tells how much is left, and the entry that keeps it", () => {
  const options = drawOptions(6);
  const report = madeReport(6, {
    violations: ["k0: lost write #2"],
    outcomes: { ok: 3, no: 0, unknown: 1 },
    faults: new Map([["crash", 2]]),
  });
  const text = shrunkText({ options, tries: 40, isSmallest: true }, report, recipeOf(options, 6));
  assert.match(text, /after 40 worlds \(no step makes it smaller\)/);
  assert.match(text, /^ +operations +4: 3 ok, 0 no, 1 unknown$/m);
  assert.match(text, /^ +faults +2: crash 2$/m);
  assert.match(text, /^ +\{ seed: 6, why: "lost write" \},$/m);
});
