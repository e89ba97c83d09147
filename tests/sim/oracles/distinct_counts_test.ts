import assert from "node:assert/strict";
import { utf8 } from "../../../src/base/bytes.ts";
import { hash64 } from "../../../src/base/hash.ts";
import {
  entryOf,
  joinRegisters,
  NO_REGISTERS,
  raise,
  type Registers,
} from "../../../src/crdt/hyperloglog_registers.ts";
import { type DistinctAttempt, distinctProblem } from "./distinct_counts.ts";

function registersOf(elements: readonly string[]): Registers {
  return raise(NO_REGISTERS, elements.map((element) => entryOf(hash64(utf8(element)))));
}

function attempt(
  elements: readonly string[],
  outcome: DistinctAttempt["outcome"] = "ok",
): DistinctAttempt {
  return { elements, outcome, invokedAtMs: 0, endedAtMs: 10 };
}

const ADDED = Array.from({ length: 50 }, (_, i) => `v${i}`);

Deno.test("where all is known the registers are exactly those of what was added", () => {
  const attempts = [attempt(ADDED.slice(0, 30)), attempt(ADDED.slice(20)), attempt(["x"], "no")];
  assert.equal(distinctProblem(attempts, registersOf(ADDED)), undefined);
  assert.match(distinctProblem(attempts, registersOf(ADDED.slice(1)))!, /at 0, which is not/);
  assert.match(distinctProblem(attempts, registersOf([...ADDED, "x"]))!, /between 0 and 0/);
  assert.match(distinctProblem(attempts, registersOf([]))!, /^Distinct count has register/);
});

Deno.test("of two elements that share a register the larger rank counts", () => {
  const [one, two] = sharers();
  const attempts = [attempt([one]), attempt([two])];
  assert.equal(distinctProblem(attempts, registersOf([one, two])), undefined);
  assert.match(distinctProblem(attempts, registersOf([one]))!, /which is not between/);
});

/** Two elements of one register, the first of the smaller rank. */
function sharers(): [string, string] {
  const smaller = new Map<number, readonly [string, number]>();
  for (let i = 0;; i++) {
    const element = `e${i}`;
    const entry = entryOf(hash64(utf8(element)));
    const [index, rank] = [Math.floor(entry / 64), entry % 64];
    const other = smaller.get(index);
    if (other !== undefined && other[1] < rank) return [other[0], element];
    smaller.set(index, [element, rank]);
  }
}

Deno.test("what nobody knows may be counted", () => {
  const attempts = [attempt(["a"]), attempt(["b"], "unknown")];
  const [a, b] = [registersOf(["a"]), registersOf(["b"])];
  assert.equal(distinctProblem(attempts, a), undefined);
  assert.equal(distinctProblem(attempts, joinRegisters(a, b)), undefined);
  assert.match(distinctProblem(attempts, b)!, /Distinct count/);
});
