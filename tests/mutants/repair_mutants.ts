// Mistakes of what makes copies whole again: stand-ins and their hints, comparisons, filling.

import {
  always,
  BLIND_PUTS,
  edit,
  FAILING_COMMITS,
  FINDINGS,
  type Mutant,
  only,
} from "./mutant.ts";

const { differentOwners, leftBehind, lostWrite, staleRead, tooEarlyOk } = FINDINGS;

/** More nodes than owners, and owners that come and go: so others stand in for them all the time. */
const STANDING_IN = {
  ...only("isolate", "halves", "flapping", "slowDisk"),
  nodeCount: 5,
  isStrict: false,
  keyCount: 1,
  requestsPerMinute: 3_000,
  burstCount: 10,
  meanFaultMs: 500,
  diskMs: 20,
} as const;

/** Two nodes, each the only owner of half of the keys, that lose sight of each other again and again. */
const ALONE_AGAIN = {
  ...only("flapping"),
  nodeCount: 2,
  replication: 1,
  isStrict: false,
  keyCount: 20,
  sharesPartition: false,
  mergingClientCount: 0,
  requestsPerMinute: 600,
  burstCount: 1,
  durationMs: 120_000,
  meanFaultMs: 6_000,
  timeoutMs: 4_000,
  delayMs: 1,
  r: "one",
  w: "one",
  ownLevelShare: 0,
  operations: BLIND_PUTS,
} as const;

/** Two nodes that lose their connection for a moment, again and again, while what they drop is on its way to the disk. */
const BRIEFLY_ALONE = {
  ...always("reset"),
  nodeCount: 2,
  replication: 1,
  isStrict: false,
  keyCount: 100,
  sharesPartition: true,
  mergingClientCount: 0,
  requestsPerMinute: 3_000,
  burstCount: 1,
  durationMs: 40_000,
  meanFaultMs: 300,
  timeoutMs: 4_000,
  delayMs: 1,
  diskMs: 100,
  r: "one",
  w: "one",
  ownLevelShare: 0,
  restartsCore: false,
  restartsAllAtHealing: false,
  operations: BLIND_PUTS,
} as const;

/** Owners that are slow: others stand in for them while the owners get the same write. */
const IMPATIENT = {
  ...only("slowDisk", "slowLink", "clog"),
  nodeCount: 5,
  isStrict: false,
  keyCount: 4,
  requestsPerMinute: 3_000,
  burstCount: 10,
  meanFaultMs: 500,
  timeoutMs: 4_000,
  delayMs: 60,
  diskMs: 20,
  w: "all",
  ownLevelShare: 0,
  restartsAllAtHealing: false,
} as const;

/** Owners are away for longer than others stand in for them, and every write needs all. */
const AFTER_HOURS = {
  ...only("isolate", "powerCut", "restart"),
  nodeCount: 5,
  isStrict: false,
  keyCount: 4,
  requestsPerMinute: 3_000,
  burstCount: 10,
  meanFaultMs: 6_000,
  hintWindowMs: 500,
  w: "all",
  ownLevelShare: 0,
} as const;

/** Disks are lost, and a single copy answers. */
const FORGETTING = {
  ...only("lostDisk"),
  nodeCount: 3,
  r: "one",
  w: "all",
  ownLevelShare: 0,
  meanFaultMs: 2_000,
  faults: { ...only("lostDisk").faults, lostDisk: 1 },
} as const;

export const REPAIR_MUTANTS: readonly Mutant[] = [
  {
    name: "A hint is ignored",
    edits: [edit(
      "src/replica/replica_service.ts",
      "    else await this.#handOff.keep(owner, partition, key, object);\n",
      "",
    )],
    finding: tooEarlyOk,
    why: "Repair would hide it for a while, and a second loss would not",
  },
  {
    name: "A fallback acknowledges a hint that comes too late to be kept",
    edits: [edit(
      "src/replica/hand_off.ts",
      "hintProblem(owner);\n    if (problem !== undefined) throw problem;",
      "hintProblem(owner);\n    if (problem !== undefined) return;",
    )],
    finding: tooEarlyOk,
    with: AFTER_HOURS,
    why: "A limit that is met by doing nothing, and saying nothing of it",
  },
  {
    name: "A hint is dropped before all owners have it",
    edits: [edit(
      "src/replica/hand_off.ts",
      "if (takers.length < owners.length) return true;",
      "if (takers.length === 0) return true;",
    )],
    finding: tooEarlyOk,
    with: { ...STANDING_IN, w: "all" },
    why: "It may have counted towards W",
  },
  {
    name: "A hint is forgotten while its key changes",
    edits: [edit(
      "src/replica/hand_off.ts",
      "if (kept?.hints.get(name) !== hint) return true;",
      "if (kept === undefined) return true;",
    )],
    finding: leftBehind,
    with: BRIEFLY_ALONE,
    why: "What was handed over is not what is there now, and nobody hands that over any more",
  },
  {
    name: "A hint is dropped although its key has changed",
    edits: [edit(
      "src/replica/replica.ts",
      "if (held !== handedOver && held.digest() !== handedOver.digest()) return undefined;",
      "handedOver.digest();",
    )],
    finding: tooEarlyOk,
    with: { ...IMPATIENT, keyCount: 1 },
    why: "A check that is made before the work and not after it",
  },
  {
    name: "Who drops a key that it kept goes on with its actor",
    edits: [edit(
      "src/replica/replica.ts",
      "      this.#actors.end(partition);\n      return { durable: this.#commit(partition, key, held, undefined) };",
      "      return { durable: this.#commit(partition, key, held, undefined) };",
    )],
    finding: lostWrite,
    with: ALONE_AGAIN,
    why: "What is dropped is forgotten, and the next write of that actor speaks for it",
  },
  {
    name: "A node that starts again does not look for the hints that it kept",
    edits: [edit(
      "src/replica/hand_off.ts",
      "if (!this.#hasLooked) await this.#lookForForeignKeys();",
      "if (this.#isStopped) await this.#lookForForeignKeys();",
    )],
    finding: leftBehind,
    with: { ...STANDING_IN, ...only("isolate", "halves", "crash"), restartsAllAtHealing: true },
    why: "What is only in memory is forgotten with it",
  },
  {
    name: "A stand-in and the owner that it stands for count as two",
    edits: [edit(
      "src/coordinator/write_round.ts",
      "    if (slot.isAcknowledged) return;\n    slot.isAcknowledged = true;",
      "    slot.isAcknowledged = true;",
    )],
    finding: tooEarlyOk,
    with: { ...IMPATIENT, w: "quorum" },
    why: "An acknowledgement would promise owners that do not have it",
  },
  {
    name: "Owners never compare their copies",
    edits: [edit(
      "src/replica/anti_entropy.ts",
      "const { differing, repaired } = await this.#compare(node, parts);",
      "const { differing, repaired } = await this.#compare(node, parts.slice(0, 0));",
    )],
    finding: differentOwners,
    why: "Dynamo's merkle trees turned off: a key that nobody reads is never repaired",
    isQuick: true,
  },
  {
    name: "A change of a key that is there does not reach its leaf of the hash tree",
    edits: [edit(
      "src/replica/hash_trees.ts",
      "    if (!this.#isKnown(partition)) return;\n    const tree",
      "    if (!this.#isKnown(partition) || digestOf(before) !== undefined) return;\n    const tree",
    )],
    finding: differentOwners,
    why: "Two copies look alike that are not",
  },
  {
    name: "A commit that failed stays in the hash tree",
    edits: [edit(
      "src/replica/replica.ts",
      "      this.#floors.mayHaveLost(partition);\n      this.trees.forget(partition);\n",
      "      this.#floors.mayHaveLost(partition);\n",
    )],
    finding: differentOwners,
    with: FAILING_COMMITS,
    why: "What is kept beside the data must be undone with it",
  },
  {
    name: "A comparison brings only the other side up to date",
    edits: [edit(
      "src/replica/comparison.ts",
      "    await replica.level(partition, key, theirs, floor);\n",
      "",
    )],
    finding: staleRead,
    with: FORGETTING,
    why: "All pairs become equal nevertheless; but who has forgotten believes that it has learned",
  },
  {
    name: "A comparison brings only the own side up to date",
    edits: [edit(
      "src/replica/comparison.ts",
      "if (isSame(held, theirs)) return { repaired, isEqual: true };",
      "if (held !== theirs) return { repaired, isEqual: true };",
    )],
    finding: differentOwners,
    why: "Half of a repair",
    survivesBecause: "every owner compares with every other one in turn, and so each learns all",
  },
  {
    name: "A node that has forgotten answers as though it knew",
    edits: [edit(
      "src/replica/filling.ts",
      "    if (this.#hasForgotten) return;",
      '    if (this.#hasForgotten || reason !== "") return;',
    )],
    finding: staleRead,
    with: FORGETTING,
    why: "An empty disk that votes: Raft and Paxos lose what was decided when one returns so",
  },
  {
    name: "A node that has forgotten asks one owner only",
    edits: [edit(
      "src/replica/filling.ts",
      "return seen >= Math.min(others.length, Math.ceil(among / 2));",
      "return seen >= Math.min(others.length, among, 1);",
    )],
    finding: staleRead,
    with: {
      ...only("lostDisk", "isolate", "clog"),
      faults: { ...only("lostDisk", "isolate", "clog").faults, lostDisk: 1, isolate: 1 },
      nodeCount: 3,
      r: "quorum",
      w: "quorum",
      ownLevelShare: 0,
      meanFaultMs: 1_000,
      requestsPerMinute: 3_000,
      compareMs: 8_000,
    },
    why: "The one may have missed what the others acknowledged",
  },
  {
    name: "Copies count as filled though a key was skipped",
    edits: [edit(
      "src/replica/anti_entropy.ts",
      "    noteFilled(suspects.filter((part) => !unlike.has(part)));\n",
      "    noteFilled(suspects.filter((part) => part !== undefined || unlike.has(part)));\n",
    )],
    finding: staleRead,
    why: "What could not be read elsewhere is not here either",
    survivesBecause:
      "a second disk would have to be damaged in the worlds in which one is lost, and each of them keeps enough disks whole",
  },
  {
    name: "Keys with other numbers of copies count as filled with their partition",
    edits: [edit(
      "src/replica/filling.ts",
      "return this.#parts()?.has(partId({ partition, copies: copies ?? 0 })) === true;",
      "return copies === undefined && this.#parts()?.has(partId({ partition, copies: 0 })) === true;",
    )],
    finding: staleRead,
    with: { ...FORGETTING, nodeCount: 5, isStrict: true, namespaces: { wide: 5, thin: 2 } },
    why: "A namespace has owners of its own, and a wiped one has compared none of its keys",
  },
];
