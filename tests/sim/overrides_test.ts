import assert from "node:assert/strict";
import fc from "fast-check";
import { drawOptions, FAULT_KINDS } from "./options.ts";
import {
  differences,
  joinOverrides,
  onlyFaults,
  readFaultKinds,
  readOverrides,
  withOverrides,
} from "./overrides.ts";

Deno.test("a world is as its seed draws it but for what is overridden", () => {
  const drawn = drawOptions(7);
  const options = withOverrides(drawn, readOverrides('{"durationMs":4000,"faults":{"crash":0.5}}'));
  assert.equal(options.durationMs, 4_000);
  assert.deepEqual(options.faults, { ...drawn.faults, crash: 0.5 });
  assert.deepEqual({ ...options, durationMs: 0, faults: 0 }, {
    ...drawn,
    durationMs: 0,
    faults: 0,
  });
});

Deno.test("differences() are what makes one world of another, and nothing between equal worlds", () => {
  fc.assert(fc.property(fc.nat(), fc.nat(), (a, b) => {
    const [wanted, given] = [drawOptions(a), drawOptions(b)];
    assert.deepEqual(withOverrides(given, differences(wanted, given)), wanted);
    assert.deepEqual(differences(wanted, wanted), {});
  }));
});

Deno.test("differences() name single weights", () => {
  const drawn = drawOptions(3);
  const overrides = { keyCount: 9, faults: { pause: 7 } };
  assert.deepEqual(differences(withOverrides(drawn, overrides), drawn), overrides);
});

Deno.test("joinOverrides() lets the later one win, weight by weight", () => {
  const joined = joinOverrides({ r: "one", faults: { pause: 1, crash: 1 } }, {
    faults: { crash: 0 },
  });
  assert.deepEqual(joined, { r: "one", faults: { pause: 1, crash: 0 } });
});

Deno.test("onlyFaults() turns off all others and leaves these as they are drawn", () => {
  const drawn = drawOptions(1);
  const { faults } = withOverrides(drawn, onlyFaults(["crash", "pause"]));
  for (const kind of FAULT_KINDS) {
    const isKept = kind === "crash" || kind === "pause";
    assert.equal(faults[kind], isKept ? drawn.faults[kind] : 0);
  }
});

Deno.test("a kind of fault that there is not is answered with those there are", () => {
  assert.deepEqual(readFaultKinds("crash, pause"), ["crash", "pause"]);
  assert.throws(() => readFaultKinds("crash,crush"), /"crush" is no kind of fault; .*crash.*pause/);
  assert.throws(() => readFaultKinds(""), TypeError);
});

Deno.test("overrides that make no sense are refused with what is wrong", () => {
  const refused: [string, RegExp][] = [
    ["{", /it is no JSON/],
    ["[1]", /it is no object/],
    ['{"nodes":3}', /no option nodes; there are seed, nodeCount/],
    ['{"toString":3}', /no option toString/],
    ['{"faults":{"crush":1}}', /no option faults\.crush; there are .*crash/],
    ['{"faults":1}', /Option faults is a table of weights, not 1/],
    ['{"keyCount":{"a":1}}', /no option|is a number/],
    ['{"keyCount":"2"}', /Option keyCount is a number, not "2"/],
    ['{"sharesPartition":null}', /is a boolean, not null/],
    ['{"r":"most"}', /Option r is a level, not "most"/],
  ];
  for (const [text, message] of refused) assert.throws(() => readOverrides(text), message, text);
  assert.deepEqual(readOverrides('{"r":2,"w":"all"}'), { r: 2, w: "all" });
});
