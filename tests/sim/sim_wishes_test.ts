import assert from "node:assert/strict";
import { CommanderError } from "commander";
import { readWishes, simCommand } from "../../scripts/sim_wishes.ts";
import { FAULT_KINDS } from "./options.ts";

function read(...args: string[]) {
  return readWishes(args, 2, simCommand().exitOverride().configureOutput({ writeErr() {} }));
}

Deno.test("a command line says which seeds, in which worlds, and what is shown", () => {
  assert.deepEqual(read("--seeds", "1000", "--from", "50", "--nodes", "3-5,7", "--jobs", "4"), {
    first: 50,
    count: 1_000,
    nodes: [3, 4, 5, 7],
    isCalm: false,
    only: undefined,
    overrides: {},
    jobs: 4,
    trace: "nothing",
    keepsGoing: false,
    shrinks: true,
  });
});

Deno.test("an empty command line is a hundred seeds on all cores", () => {
  const { first, count, nodes, jobs } = read();
  assert.deepEqual({ first, count, nodes, jobs }, { first: 1, count: 100, nodes: [], jobs: 2 });
});

Deno.test("one seed may be traced", () => {
  const { first, count, trace } = read("--seed", "178", "--trace");
  assert.deepEqual({ first, count, trace }, { first: 178, count: 1, trace: "story" });
  assert.equal(read("--trace", "all", "--seed", "0").trace, "all");
  assert.equal(read("--trace", "--no-shrink", "--seed", "0").shrinks, false);
});

Deno.test("--only turns all other faults off, and --with has the last word", () => {
  const { only, overrides } = read(
    "--only",
    "crash,pause",
    "--with",
    '{"r":2,"faults":{"reset":1}}',
  );
  assert.deepEqual(only, ["crash", "pause"]);
  const others = FAULT_KINDS.filter((kind) => kind !== "crash" && kind !== "pause");
  const faults = Object.fromEntries(others.map((kind) => [kind, kind === "reset" ? 1 : 0]));
  assert.deepEqual(overrides, { r: 2, faults });
});

Deno.test("a command line that makes no sense is refused with the reason", () => {
  const refused: [string[], RegExp][] = [
    [["--seed", "x"], /whole number/],
    [["--seeds", "0"], /above 0/],
    [["--jobs", "0"], /above 0/],
    [["--nodes", "5-3"], /5-3 is empty/],
    [["--nodes", "3,,5"], /whole number/],
    [["--only", "crush"], /"crush" is no kind of fault; there are .*crash/],
    [["--with", "{"], /no JSON/],
    [["--trace"], /give --seed as well/],
    [["--seed", "1", "--trace", "some"], /"story" or "all"/],
    [["--fast"], /unknown option/],
    [["fast"], /too many arguments/],
  ];
  for (const [args, message] of refused) {
    assert.throws(() => read(...args), (error) => {
      assert.ok(error instanceof CommanderError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});
