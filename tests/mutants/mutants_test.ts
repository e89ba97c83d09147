import assert from "node:assert/strict";
import { mutantsPage } from "../../scripts/mutants_page.ts";
import { attempt } from "./attempt.ts";
import { joinedEdits } from "./joined.ts";
import { edit, FINDINGS, type Mutant } from "./mutant.ts";
import { edited, MutatedTree, originalText } from "./mutated_tree.ts";
import { CANARY, MUTANTS, WAITING } from "./mutants.ts";

/** In how many seeds a quick mutant must be found. */
const QUICK_SEEDS = 20;

const PAGE = Deno.readTextFileSync(new URL("../../docs/mutants.md", import.meta.url));

Deno.test("edited() replaces what is there once, and refuses everything else", () => {
  const text = "const a = 1;\nconst b = 1;\n";
  assert.equal(edited(text, edit("x.ts", "b = 1", "b = 2")), "const a = 1;\nconst b = 2;\n");
  assert.throws(() => edited(text, edit("x.ts", "c = 1", "c = 2")), /x\.ts has nothing to replace/);
  assert.throws(() => edited(text, edit("x.ts", "= 1", "= 2")), /x\.ts has this twice/);
});

Deno.test("a mutated tree is a copy, and is gone when it is not needed any more", () => {
  let directory: string;
  {
    using tree = new MutatedTree([CANARY]);
    directory = tree.directory;
    const changed = Deno.readTextFileSync(`${directory}/${CANARY.file}`);
    assert.equal(changed, edited(originalText(CANARY.file), CANARY));
  }
  assert.throws(() => Deno.statSync(directory), Deno.errors.NotFound);
});

Deno.test("every mutant fits the code as it is", () => {
  const problems = MUTANTS.flatMap(({ name, edits }) => {
    try {
      joinedEdits([edits], originalText);
      return [];
    } catch (error) {
      return [`${name}: ${(error as Error).message}`];
    }
  });
  assert.deepEqual(problems, []);
});

Deno.test("every mutant is told of once, and docs/mutants.md names them all", () => {
  const names = [...MUTANTS, ...WAITING].map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const again = "run deno run -A scripts/mutants.ts --write";
  assert.deepEqual(names.filter((name) => !PAGE.includes(`**${name}`)), [], again);
});

Deno.test("mutantsPage() tells what was found, what was not, and what waits", () => {
  const [first, second] = MUTANTS;
  const found = { seed: 7, violation: "k0: lost write #12 of a|b" };
  const page = mutantsPage(
    [
      { mutant: first!, failure: undefined, found, others: [] },
      { mutant: second!, failure: undefined, found: undefined, others: [] },
    ],
    [first!, { ...second!, survivesBecause: "nobody looks" }],
    [{ name: "A hint is ignored", waitsFor: "hints", why: "Because" }],
  );
  assert.ok(page.includes(` | ${first!.finding.oracle} | 7 | lost write |\n`), page);
  assert.ok(page.includes(` | ${second!.finding.oracle} | not found |  |\n`), page);
  assert.ok(page.includes(`- **${second!.name}:** nobody looks.\n`), page);
  assert.ok(page.includes("- **A hint is ignored** waits for hints. Because.\n"), page);
});

Deno.test("mutants that touch the same lines are not put into one tree", () => {
  const text = () => "one two three";
  const one = [edit("x.ts", "one", "1")];
  const two = [edit("x.ts", "two", "2"), edit("y.ts", "two", "2")];
  const both = [edit("x.ts", "one two", "12")];
  assert.deepEqual(joinedEdits([one, both, two], text), [[...one, ...two], both]);
});

Deno.test("a tree with nearly all of the mistakes in it passes the type check, and the rest loads", async () => {
  const [first, ...others] = joinedEdits(MUTANTS.map(({ edits }) => edits), originalText);
  assert.ok(first!.length > 2 * others.flat().length);
  using tree = new MutatedTree(first!);
  const { code, stderr } = await tree.deno(["check", "--cached-only", "tests/mutants/trial.ts"]);
  assert.equal(code, 0, stderr);
  for (const edits of others) {
    using tree = new MutatedTree(edits);
    const { code, stderr } = await tree.run("tests/mutants/trial.ts", ["--help"]);
    assert.equal(code, 2, stderr);
  }
});

Deno.test("without a mistake nothing is found", async () => {
  const mutant: Mutant = {
    name: "Nothing is wrong",
    edits: [],
    finding: FINDINGS.tooEarlyOk,
    why: "",
  };
  const { failure, found, others } = await attempt(mutant, 2);
  assert.deepEqual({ failure, found, others }, {
    failure: undefined,
    found: undefined,
    others: [],
  });
});

Deno.test("a tree that does not run is no finding", async () => {
  const edits = [edit(CANARY.file, CANARY.replace, "return nothing at all;")];
  const mutant: Mutant = { name: "It is no code", edits, finding: FINDINGS.lostWrite, why: "" };
  const { failure, found } = await attempt(mutant, 1);
  assert.equal(found, undefined);
  assert.match(failure!, /The trial ended with code 1/);
});

Deno.test("deno task sim says that the canary is dead", async () => {
  using tree = new MutatedTree([CANARY]);
  const { code, stdout, stderr } = await tree.run("scripts/sim.ts", [
    ..."--seeds 1 --jobs 1 --no-shrink".split(" "),
  ]);
  assert.equal(code, 1, stderr);
  assert.match(stdout, /1 failed/);
});

for (const mutant of MUTANTS.filter(({ isQuick }) => isQuick)) {
  const { name, finding } = mutant;
  Deno.test(`${finding.oracle} finds a deliberate mistake: ${name}`, async () => {
    const { failure, found, others } = await attempt(mutant, QUICK_SEEDS);
    assert.notEqual(found, undefined, failure ?? JSON.stringify(others, undefined, 2));
  });
}
