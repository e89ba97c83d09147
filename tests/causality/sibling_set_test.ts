import assert from "node:assert/strict";
import fc from "fast-check";
import { SiblingSet } from "../../src/causality/sibling_set.ts";
import type { VersionVector } from "../../src/causality/version_vector.ts";

function valuesOf(set: SiblingSet<string>): string[] {
  return [...set.siblings()].map(({ value }) => value).sort();
}

function vectorOf(set: SiblingSet<string>): VersionVector {
  const vector = new Map<string, number>();
  set.addTo(vector);
  return vector;
}

const empty = SiblingSet.empty<string>();

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

Deno.test("a write with a context replaces what its client saw and nothing else", () => {
  const first = empty.add({ actor: "a", time: 1 }, "milk");
  const seen = vectorOf(first);
  const second = first.add({ actor: "b", time: 2 }, "bread");
  const third = second.discard(seen).add({ actor: "a", time: 3 }, "milk and eggs");
  assert.deepEqual(valuesOf(third), ["bread", "milk and eggs"]);
});

Deno.test("merge() keeps both values when neither side has seen the other's", () => {
  const left = empty.add({ actor: "a", time: 1 }, "left");
  const right = empty.add({ actor: "b", time: 1 }, "right");
  assert.deepEqual(valuesOf(left.merge(right, byText)), ["left", "right"]);
});

Deno.test("merge() drops the value that the other side has seen and replaced", () => {
  const old = empty.add({ actor: "a", time: 1 }, "old");
  const replaced = old.discard(vectorOf(old)).add({ actor: "b", time: 2 }, "new");
  assert.deepEqual(valuesOf(old.merge(replaced, byText)), ["new"]);
  assert.equal(old.merge(replaced, byText), replaced, "the newer side itself");
  assert.equal(replaced.merge(old, byText), replaced, "nothing changed");
});

Deno.test("add() refuses a time that its actor has passed", () => {
  const set = empty.add({ actor: "a", time: 5 }, "x");
  assert.throws(() => set.add({ actor: "a", time: 5 }, "y"), RangeError);
  assert.throws(
    () => set.discard(new Map([["a", 9]])).add({ actor: "a", time: 7 }, "y"),
    RangeError,
  );
});

/** The slow twin: every write that was ever seen, and every write that was ever replaced. */
class Twin {
  readonly seen = new Set<string>();
  readonly replaced = new Set<string>();

  merge(other: Twin): void {
    for (const write of other.seen) this.seen.add(write);
    for (const write of other.replaced) this.replaced.add(write);
  }

  live(): string[] {
    return [...this.seen].filter((write) => !this.replaced.has(write)).sort();
  }
}

interface Step {
  readonly kind: "blind" | "read" | "stale" | "sync";
  readonly at: number;
  readonly other: number;
}

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom("blind", "read", "stale", "sync"),
    at: fc.nat(2),
    other: fc.nat(2),
  }),
  { maxLength: 40 },
);

Deno.test("a history of writes and merges ends as in the twin that forgets nothing, at every step", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const sets = [empty, empty, empty];
      const twins = [new Twin(), new Twin(), new Twin()];
      let context = { vector: vectorOf(empty), seen: [] as string[] };
      history.forEach(({ kind, at, other }, number) => {
        const set = sets[at]!;
        const twin = twins[at]!;
        if (kind === "sync") {
          sets[at] = set.merge(sets[other]!, byText);
          twin.merge(twins[other]!);
        } else {
          // Reading before writing gives a fresh context, "stale" uses the last one, from anywhere.
          if (kind === "read") context = { vector: vectorOf(set), seen: [...twin.seen] };
          const used = kind === "blind" ? { vector: vectorOf(set), seen: [...twin.seen] } : context;
          const value = `w${number}`;
          // One actor per copy that never forgets, and times above all that the write knows.
          sets[at] = set.discard(used.vector).add({ actor: `a${at}`, time: number + 1 }, value);
          for (const write of used.seen) {
            twin.seen.add(write);
            twin.replaced.add(write);
          }
          twin.seen.add(value);
        }
        sets.forEach((one, i) => assert.deepEqual(valuesOf(one), twins[i]!.live()));
      });
    }),
    { numRuns: 2000 },
  );
});

/** Sets as three actors that never forget can bring them about. */
const reachable = steps.map((history) => {
  const sets = [empty, empty, empty];
  history.forEach(({ kind, at, other }, number) => {
    const set = sets[at]!;
    if (kind === "sync") sets[at] = set.merge(sets[other]!, byText);
    else {
      const seen = kind === "blind" ? vectorOf(set) : vectorOf(sets[other]!);
      sets[at] = set.discard(seen).add({ actor: `a${at}`, time: number + 1 }, `w${number}`);
    }
  });
  return sets as [SiblingSet<string>, SiblingSet<string>, SiblingSet<string>];
});

Deno.test("merge() is commutative, associative and idempotent", () => {
  fc.assert(
    fc.property(reachable, ([a, b, c]) => {
      assert.deepEqual(a.merge(b, byText).entries, b.merge(a, byText).entries);
      assert.deepEqual(
        a.merge(b, byText).merge(c, byText).entries,
        a.merge(b.merge(c, byText), byText).entries,
      );
      assert.equal(a.merge(a, byText), a);
      const both = a.merge(b, byText);
      assert.equal(both.merge(a, byText), both, "absorbing says that nothing changed");
      assert.equal(both.merge(b, byText), both);
    }),
    { numRuns: 2000 },
  );
});

/** Sets of which two may give one dot two values, or have replaced what the other holds: somebody has erred. */
const contradicting = fc.array(
  fc.record({
    actor: fc.constantFrom("a", "b"),
    time: fc.integer({ min: 1, max: 3 }),
    value: fc.constantFrom("milk", "bread"),
    isReplaced: fc.boolean(),
  }),
  { maxLength: 6 },
).map((writes) => {
  let set = empty;
  for (const { actor, isReplaced, time, value } of writes.sort((a, b) => a.time - b.time)) {
    if (set.timeOf(actor) < time) set = set.add({ actor, time }, value);
    if (isReplaced) set = set.discard(new Map([[actor, time]]));
  }
  return set;
});

Deno.test("merge() is commutative, associative and idempotent for sets that contradict each other too", () => {
  let chosen = 0;
  fc.assert(
    fc.property(contradicting, contradicting, contradicting, (a, b, c) => {
      const both = a.merge(b, byText);
      assert.deepEqual(both.entries, b.merge(a, byText).entries);
      assert.deepEqual(
        both.merge(c, byText).entries,
        a.merge(b.merge(c, byText), byText).entries,
      );
      assert.equal(both.merge(a, byText), both, "absorbing says that nothing changed");
      assert.equal(both.merge(b, byText), both);
      for (const { actor, time, value } of both.siblings()) {
        const values = [a, b].flatMap((set) =>
          [...set.siblings()].filter((it) => it.actor === actor && it.time === time)
        ).map((it) => it.value);
        assert.equal(value, values.sort(byText).at(-1), "the later one in the order");
        if (new Set(values).size > 1) chosen++;
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(chosen > 50, `${chosen} choices`);
});
