// Mistakes of values that merge.

import { edit, FINDINGS, type Mutant, only } from "./mutant.ts";

const { lostElement, wrongCount, wrongElement } = FINDINGS;

/** Many changes of values that merge, and answers that do not come. */
const UNCERTAIN = {
  ...only("reset", "pause", "loss", "isolate"),
  mergingClientCount: 2,
  timeoutMs: 600,
  durationMs: 60_000,
} as const;

/** The same where one copy is enough, so that copies know little of each other. */
const LOOSE = {
  ...only("isolate", "halves", "slowLink", "loss"),
  mergingClientCount: 2,
  nodeCount: 3,
  r: "one",
  w: "one",
  durationMs: 60_000,
} as const;

/** Many clients at once, whose reads see what others have written. */
const CROWDED = {
  ...only("slowLink"),
  mergingClientCount: 6,
  nodeCount: 3,
  isStrict: true,
  r: "quorum",
  w: "quorum",
  delayMs: 60,
  durationMs: 60_000,
} as const;

/** Counters that are hot for long enough that ids are folded, and clients that try again late. */
const FORGETFUL = {
  ...only("reset"),
  mergingClientCount: 8,
  forgetAfterMs: 500,
  durationMs: 60_000,
} as const;

export const CRDT_MUTANTS: readonly Mutant[] = [
  {
    name: "A repeated operation of a counter counts twice",
    edits: [edit(
      "src/crdt/counter.ts",
      "    if (store.ids.get(key) !== undefined) return store;\n",
      "",
    )],
    finding: wrongCount,
    with: UNCERTAIN,
    why: "A counter that is told to add again after a timeout adds twice, as in Cassandra",
  },
  {
    name: "An operation that two nodes have counted counts twice",
    edits: [edit(
      "src/crdt/counter.ts",
      "for (let i = isFolded ? 0 : 1; i < dots.length; i++) yield dots[i]!;",
      "for (let i = dots.length; i < dots.length; i++) yield dots[i]!;",
    )],
    finding: wrongCount,
    with: UNCERTAIN,
    why: "The second coordinator cannot know of the first, so the merge has to find out",
  },
  {
    name: "Ids are folded before the time of their operations is over",
    edits: [edit(
      "src/crdt/counter.ts",
      "    if (endOfKey(key) > upTo) break;\n",
      "",
    )],
    finding: wrongCount,
    with: FORGETFUL,
    why: "All owners have seen the operation, but its client may still try it again",
  },
  {
    name: "An operation is counted though its time is over",
    edits: [edit(
      "src/crdt/operation_id.ts",
      "  return time > untilMs * TICKS_PER_MS;",
      "  return time > MAX_TIME + untilMs * TICKS_PER_MS;",
    )],
    finding: wrongCount,
    with: FORGETFUL,
    why: "Nobody remembers what has been folded",
  },
  {
    name: "A merge of counters adds what both know of an actor",
    edits: [edit(
      "src/crdt/counter.ts",
      "  const later = b.time > a.time ? b : a;\n  // The side",
      "  const later = b.time > a.time ? { ...b, plus: a.plus + b.plus } : a;\n  // The side",
    )],
    finding: wrongCount,
    with: { mergingClientCount: 2 },
    why: "A delta that is counted once for each message",
    isQuick: true,
  },
  {
    name: "An add of an element that is there keeps its old dot",
    edits: [edit(
      "src/crdt/set.ts",
      'if (operation.kind === "add") changes.push([key, dots]);',
      'if (operation.kind === "add") changes.push([key, store.get(key) ?? dots]);',
    )],
    finding: lostElement,
    with: LOOSE,
    why: "A removal that has seen the old one would take the later add with it",
  },
  {
    name: "A merge takes back what one side has removed",
    edits: [edit(
      "src/crdt/dotted.ts",
      "      if (!sides.b.has(mine!)) push(mine!, mine, undefined);\n      i++;",
      "      push(mine!, mine, undefined);\n      i++;",
    )],
    finding: wrongElement,
    with: CROWDED,
    why: "A union of sets: what was taken out of the cart comes back, as in the first Dynamo",
  },
];
