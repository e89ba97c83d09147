// Mistakes of values that merge.

import type { Overrides } from "../sim/overrides.ts";
import { TYPED_KINDS, type TypedKind } from "../sim/typed_kinds.ts";
import { edit, FINDINGS, type Mutant, only } from "./mutant.ts";

const {
  lostElement,
  lostEntry,
  lostFlag,
  wrongCount,
  wrongDistinct,
  wrongDocument,
  wrongElement,
  wrongEntry,
  wrongExtreme,
  wrongFlag,
  wrongRegister,
} = FINDINGS;

/** Many changes of values that merge, and answers that do not come. */
const UNCERTAIN = {
  ...only("reset", "pause", "loss", "isolate"),
  mergingClientCount: 2,
  mergingPauseMs: 400,
  timeoutMs: 600,
  durationMs: 60_000,
} as const;

/** The same where one copy is enough, so that copies know little of each other. */
const LOOSE = {
  ...only("isolate", "halves", "slowLink", "loss"),
  mergingClientCount: 2,
  mergingPauseMs: 400,
  nodeCount: 3,
  r: "one",
  w: "one",
  durationMs: 60_000,
} as const;

/** Many clients at once, whose reads see what others have written. */
const CROWDED = {
  ...only("slowLink"),
  mergingClientCount: 6,
  mergingPauseMs: 400,
  nodeCount: 3,
  isStrict: true,
  r: "quorum",
  w: "quorum",
  delayMs: 60,
  durationMs: 60_000,
} as const;

/** No other values of the kinds that are drawn than these. */
function withKinds(overrides: Overrides, ...kinds: readonly TypedKind[]): Overrides {
  const weights = TYPED_KINDS.map((kind) => [kind, kinds.includes(kind) ? 1 : 0]);
  return { ...overrides, typedKinds: Object.fromEntries(weights) };
}

/** Counters that are hot for long enough that ids are folded, and clients that try again late. */
const FORGETFUL = {
  ...only("reset"),
  mergingClientCount: 8,
  mergingPauseMs: 400,
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
    name: "A copy takes a change though it lacks what came before",
    edits: [edit(
      "src/crdt/causal_type.ts",
      "const isGap = !state.seen.covers(since) || state.seen.floor < seen.floor;",
      "const isGap = state.seen.floor < seen.floor;",
    )],
    finding: wrongCount,
    with: UNCERTAIN,
    why:
      "It says of what never arrived that it has been seen, so the next merge takes it for removed",
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
      "  const later = compareShares(a, b) < 0 ? b : a;\n  // The side",
      "  const later = b.time > a.time ? { ...b, plus: a.plus + b.plus } : a;\n  // The side",
    )],
    finding: wrongCount,
    with: { mergingClientCount: 2, mergingPauseMs: 400 },
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
  {
    name: "A removal of an element is dropped",
    edits: [edit(
      "src/crdt/set.ts",
      "        const left = withoutSeen(held, operation.seen);",
      "        const left = held.length > 1 ? withoutSeen(held, operation.seen) : held;",
    )],
    finding: wrongElement,
    with: CROWDED,
    why: "An operation that is acknowledged and forgotten",
  },
  {
    name: "Who enables a flag that is on leaves its old dot",
    edits: [edit(
      "src/crdt/flag.ts",
      'operation.kind === "enable" ? [dot] :',
      'operation.kind === "enable" ? store.length > 0 ? store : [dot] :',
    )],
    finding: lostFlag,
    with: withKinds(LOOSE, "flag"),
    why: "A disabling that has seen the old one would take the later enabling with it",
  },
  {
    name: "A disabling of a flag is dropped",
    edits: [edit(
      "src/crdt/flag.ts",
      ": withoutSeen(store, operation.seen),",
      ": store,",
    )],
    finding: wrongFlag,
    with: withKinds(CROWDED, "flag"),
    why: "An operation that is acknowledged and forgotten",
  },
  {
    name: "A register shows the earliest of what was written at once",
    edits: [edit(
      "src/crdt/register.ts",
      "if (compareDots(written, last!) > 0) last = written;",
      "if (compareDots(written, last!) < 0) last = written;",
    )],
    finding: wrongRegister,
    with: withKinds(LOOSE, "register"),
    why: "The sign of a comparison",
  },
  {
    name: "A register keeps its own value when it meets another",
    edits: [edit(
      "src/crdt/register.ts",
      "  join: (a, b, sides) => joinDotted(a, b, sides, chosen),",
      "  join: (a, b, sides) => a.length > 0 ? a : joinDotted(a, b, sides, chosen),",
    )],
    finding: wrongRegister,
    with: withKinds(LOOSE, "register"),
    why: "A copy that believes itself more than others",
  },
  {
    name: "A maximum takes the last number, whatever it is",
    edits: [edit(
      "src/crdt/extremes.ts",
      "      if (held !== undefined && !exceeds(operation.value, held)) return store;\n",
      "",
    )],
    finding: wrongExtreme,
    with: withKinds(CROWDED, "max", "min"),
    why: "A maximum that is written as a register",
    isQuick: true,
  },
  {
    name: "Of two numbers that were put at once any is the extreme",
    edits: [edit(
      "src/crdt/extremes.ts",
      "if (most === undefined || exceeds(value, most)) most = value;",
      "if (most === undefined) most = value;",
    )],
    finding: wrongExtreme,
    with: withKinds(LOOSE, "max", "min"),
    why: "What is merged keeps both, and the reader has to compare them",
  },
  {
    name: "A HyperLogLog takes the smaller rank of a register",
    edits: [edit(
      "src/crdt/hyperloglog_registers.ts",
      "    if (rank > (more.get(index) ?? rankOf(registers, index))) more.set(index, rank);",
      "    const held = more.get(index) ?? rankOf(registers, index);\n" +
        "    if (held === 0 || rank < held) more.set(index, rank);",
    )],
    finding: wrongDistinct,
    with: withKinds(CROWDED, "hyperloglog"),
    why: "The estimate falls while more is counted, and too little for anybody to see",
  },
  {
    name: "A HyperLogLog that meets another keeps its own registers",
    edits: [edit(
      "src/crdt/hyperloglog.ts",
      "      const registers = joinRegisters(mine.registers, theirs.registers);",
      "      const registers = joinRegisters(mine.registers, mine.registers);",
    )],
    finding: wrongDistinct,
    with: withKinds(LOOSE, "hyperloglog"),
    why: "Both have the dot of the first add, and look like one thing",
  },
  {
    name: "What another HyperLogLog has counted is not added",
    edits: [edit(
      "src/crdt/hyperloglog.ts",
      'if (operation.kind === "merge") return joinRegisters(registers, operation.registers);',
      'if (operation.kind === "merge") return registers;',
    )],
    finding: wrongDistinct,
    with: withKinds(CROWDED, "hyperloglog"),
    why: "An operation that travels in a form of its own and is forgotten on the way",
  },
  {
    name: "A document takes an edit in place of all before it",
    edits: [edit(
      "src/crdt/document.ts",
      "    const update = canonical(first.update, edit);",
      "    const update = edit;",
    )],
    finding: wrongDocument,
    with: withKinds(CROWDED, "document"),
    why: "A document that is stored as a value",
    isQuick: true,
  },
  {
    name: "Of two copies of a document one is dropped when they meet",
    edits: [edit(
      "src/crdt/document_update.ts",
      "const joined = canonical(...distinct);",
      "const joined = canonical(distinct.at(-1)!);",
    )],
    finding: wrongDocument,
    with: withKinds(LOOSE, "document"),
    why: "The last writer wins: what the other has typed is gone",
  },
  {
    name: "An edit that comes before what it builds on is dropped",
    edits: [edit(
      "src/crdt/document_update.ts",
      "    return Y.mergeUpdates([taken, waitingOf(updates, stateOf(document))]);",
      "    void waitingOf;\n    return taken;",
    )],
    finding: wrongDocument,
    with: withKinds(LOOSE, "document"),
    why: "It cannot be shown yet, and looks like nothing",
  },
  {
    name: "A removal of a key of a map is dropped",
    edits: [edit(
      "src/crdt/map.ts",
      "        (slots) => removed(slots, operation.seen, dot),\n      );\n    }",
      "        (slots) => slots.length > 1 ? removed(slots, operation.seen, dot) : slots,\n" +
        "      );\n    }",
    )],
    finding: wrongEntry,
    with: withKinds(CROWDED, "map"),
    why: "An operation that is acknowledged and forgotten",
  },
  {
    name: "What only one side has under a key of a map is taken for removed",
    edits: [edit(
      "src/crdt/map.ts",
      "    const before = mine?.store ?? type.empty;\n",
      "    if (theirs === undefined) return [];\n" +
        "    const before = mine?.store ?? type.empty;\n",
    )],
    finding: lostEntry,
    with: withKinds(LOOSE, "map"),
    why: "An absence says something only to who knows what was seen",
  },
];
