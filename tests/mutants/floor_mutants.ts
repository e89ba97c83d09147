// Mistakes of forgetting: floors that are too high, and what is done below them.

import { edit, FINDINGS, type Mutant, only } from "./mutant.ts";

const { differentOwners, lostWrite, resurrected, unforgotten, wentBack } = FINDINGS;

/** Few keys that are deleted often, and forgotten soon. */
const DELETING = {
  nodeCount: 3,
  keyCount: 2,
  requestsPerMinute: 3_000,
  burstCount: 10,
  meanFaultMs: 500,
  forgetAfterMs: 500,
  compareMs: 3_000,
  operations: {
    get: 0.3,
    getLoosely: 0,
    putFresh: 1,
    putStale: 1,
    putBlind: 0.3,
    deleteFresh: 1,
    deleteBlind: 0,
  },
} as const;

/** The same where others stand in for owners that come and go. */
const STANDING_IN = {
  ...DELETING,
  ...only("isolate", "halves", "flapping", "crash", "slowDisk"),
  nodeCount: 5,
  isStrict: false,
  r: "one",
  w: "one",
} as const;

/** The same where what is sent arrives late, or never. */
const LATE = {
  ...DELETING,
  ...only("loss", "reorder", "slowLink", "clog", "isolate", "pause"),
  delayMs: 60,
} as const;

/** Keys that are rarely written by two at once, so that they are deleted and stay so, and old disks. */
const OLD_DISKS = {
  ...only("oldDisk"),
  nodeCount: 3,
  keyCount: 40,
  requestsPerMinute: 600,
  burstCount: 3,
  meanFaultMs: 6_000,
  durationMs: 60_000,
  delayMs: 1,
  forgetAfterMs: 500,
  compareMs: 3_000,
  r: "quorum",
  w: "quorum",
  ownLevelShare: 0,
  operations: {
    get: 0.5,
    getLoosely: 0,
    putFresh: 1,
    putStale: 0,
    putBlind: 0.5,
    deleteFresh: 1,
    deleteBlind: 0.5,
  },
} as const;

export const FLOOR_MUTANTS: readonly Mutant[] = [
  {
    name: "A floor is raised without comparing the owners",
    edits: [edit(
      "src/replica/floor_rounds.ts",
      "    parts = await this.#levelled(parts);\n",
      "",
    )],
    finding: lostWrite,
    with: LATE,
    why: "Cassandra after its grace period: what was deleted comes back from a copy that missed it",
  },
  {
    name: "A floor is raised though a stand-in keeps something",
    edits: [edit(
      "src/replica/floor_service.ts",
      "return [...highest.keys()].filter((part) => handOff.mayKeep(partOf(part).partition));",
      "return [...highest.keys()].filter(() => handOff === undefined);",
    )],
    finding: lostWrite,
    with: STANDING_IN,
    why: "A hint that is older than what its owners have forgotten (Scylla #23712)",
  },
  {
    name: "A floor is raised while a write from before is under way",
    edits: [edit(
      "src/replica/floor_service.ts",
      "if (actors.hasOpen(partition, upTo) || this.#isFilling(part)) continue;",
      "if (this.#isFilling(part)) continue;",
    )],
    finding: lostWrite,
    with: STANDING_IN,
    why: "A coordinator that is paused goes on counting answers that came after the floor",
    survivesBecause:
      "whoever coordinates a write holds it itself, and is compared or found to keep it: only a commit that fails at that very moment would show it",
  },
  {
    name: "A floor is raised though an owner took in something from before",
    edits: [edit(
      "src/replica/floors.ts",
      "    const quiet = parts.filter((part) => this.isQuiet(part, upTo));",
      "    const quiet = parts.filter(() => upTo > 0);\n" +
        "    for (const part of quiet) this.watch(part, upTo);",
    )],
    finding: lostWrite,
    with: LATE,
    why: "Compared a moment too early",
    survivesBecause:
      "it would take a message that is older than the floor and comes between a comparison and the fence",
  },
  {
    name: "A floor rises by what one key shows",
    edits: [edit(
      "src/replica/replica.ts",
      "    return this.#take(partition, key, theirs, (held) => {\n",
      "    void this.#floors.raise(new Map([[this.partOf(partition, key), theirs.latestTime()]]));\n" +
        "    return this.#take(partition, key, theirs, (held) => {\n",
    )],
    finding: lostWrite,
    with: LATE,
    why: "Who has seen the latest write of an actor has not seen all before it",
  },
  {
    name: "What lies below the floor is taken in",
    edits: [edit(
      "src/replica/floors.ts",
      "if (bringsUnseen(held, incoming, this.fenceOf(part))) return false;",
      "if (held === incoming) return false;",
    )],
    finding: resurrected,
    with: LATE,
    why: "Tombstones that are gone recognise nothing: a late message brings back what was deleted",
    survivesBecause:
      "the next comparison throws it out again, before anybody looks: a late message is refused at the door only so that no reader meets it",
  },
  {
    name: "A comparison does not take over the floor",
    edits: [edit(
      "src/replica/anti_entropy.ts",
      "    if (higher.size > 0) forgetting.begin(await floors.adopt(higher, losses));",
      "    if (losses < 0) forgetting.begin(await floors.adopt(higher, losses));",
    )],
    finding: unforgotten,
    with: OLD_DISKS,
    why: "A copy that was put back would keep what all others have forgotten, until the next floor",
    survivesBecause:
      "what such a copy keeps is due for the next round, which raises the floors of all owners",
  },
  {
    name: "A comparison sends what the other side has forgotten",
    edits: [edit(
      "src/crdt/forgetting.ts",
      "  if (!bringsUnseen(theirs, own, floor)) return own;\n",
      "  if (own !== theirs) return own;\n",
    )],
    finding: wentBack,
    with: OLD_DISKS,
    why: "Riak's full sync brought reaped tombstones back",
  },
  {
    name: "What one side lacks counts as replaced whatever its floor",
    edits: [edit(
      "src/replica/comparison.ts",
      "    await replica.level(partition, key, theirs, floor);\n",
      "    await replica.level(partition, key, theirs, Math.max(floor, before.latestTime()));\n",
    )],
    finding: lostWrite,
    with: LATE,
    why: "Repair from the wrong side: the copy that missed a write decides",
  },
  {
    name: "Only the own side forgets",
    edits: [edit(
      "src/replica/floor_service.ts",
      "const fenced = parts.filter((part) => floors.fenceOf(part) >= floor);",
      "const fenced = parts.filter((part) => floors.fenceOf(part) < 0);",
    )],
    finding: differentOwners,
    with: DELETING,
    why: "Word that got lost",
    survivesBecause: "owners tell each other their floors whenever they compare",
  },
];
