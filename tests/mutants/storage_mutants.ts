// Mistakes between a node and its disk.

import { always, edit, FAILING_COMMITS, FINDINGS, type Mutant, only } from "./mutant.ts";

const { badRecovery, believedDamage, differentOwners, lostWrite, staleRead, tooEarlyOk } = FINDINGS;

/** Damage now and then, and starts that read what is damaged. */
const ROTTING = {
  ...always("bitFlip", "crash"),
  w: "quorum",
  ownLevelShare: 0,
  meanFaultMs: 500,
} as const;

/** Sets whose elements lie apart, on disks that lose power. */
const IN_PARTS = {
  ...only("powerCut", "crash"),
  apartBytes: 20,
  journalCount: 3,
  mergingClientCount: 2,
  mergingPauseMs: 400,
  meanFaultMs: 500,
} as const;

/** Bits that rot in long journals, and nodes that start again soon. */
const ROTTEN_JOURNALS = {
  faults: { ...only("bitFlip", "crash", "restart").faults, bitFlip: 1, crash: 0.3, restart: 0.3 },
  nodeCount: 3,
  w: "quorum",
  ownLevelShare: 0,
  journalCount: 120,
  meanFaultMs: 500,
} as const;

export const STORAGE_MUTANTS: readonly Mutant[] = [
  {
    name: "A batch is acknowledged when it is handed to the disk",
    edits: [edit(
      "src/storage/group_commit.ts",
      "      await this.#flusher.makeRoom();\n",
      "      await this.#flusher.makeRoom();\n      batch.done.resolve();\n",
    )],
    finding: tooEarlyOk,
    why: "Stores that are made for benchmarks: the acknowledgement promises what is not done yet",
  },
  {
    name: "A commit that failed counts as done",
    edits: [
      edit("src/storage/group_commit.ts", "batch.done.reject(error);", "batch.done.resolve();"),
    ],
    finding: tooEarlyOk,
    why: "PostgreSQL until 2019: an fsync that failed once was taken for done at the next try",
  },
  {
    name: "A commit that failed stays visible",
    edits: [edit(
      "src/storage/engine.ts",
      "      if (latest === write) this.#pending.delete(write.name);\n      else if (latest !== undefined)",
      "      if (latest !== undefined && latest !== write)",
    )],
    finding: differentOwners,
    with: FAILING_COMMITS,
    why: "A cache that is filled before the write is certain shows what no disk has",
  },
  {
    name: "An entry leaves the journal though a later change builds upon what it alone holds",
    edits: [edit(
      "src/storage/flusher.ts",
      "      for (const write of this.#table.needing(entry.sequence)) if (!take(write)) return step;\n",
      "",
    )],
    finding: tooEarlyOk,
    with: IN_PARTS,
    why:
      "The log is cut by the latest version of a key, and an element of a large set is gone after a crash",
  },
  {
    name: "Parts that are needed no more stay on the disk",
    edits: [edit(
      "src/storage/encoded_change.ts",
      "const mayHaveParts = wasApart ??",
      "const mayHaveParts = wasApart === undefined &&",
    )],
    finding: tooEarlyOk,
    with: IN_PARTS,
    why: "What was removed with the whole comes back when the set grows again",
  },
  {
    name: "The last value of the journal is not replayed",
    edits: [edit(
      "src/storage/journal.ts",
      "for (const { key, value } of page) {",
      "for (const { key, value } of page.slice(0, page.length - 1)) {",
    )],
    finding: badRecovery,
    why: "Off by one where a log is read back: everything but the newest entry survives a crash",
    isQuick: true,
  },
  {
    name: "An entry leaves the journal before its records are written",
    edits: [edit(
      "src/storage/flusher.ts",
      "next.value.sequence <= entry.sequence",
      "next.value.sequence < entry.sequence",
    )],
    finding: tooEarlyOk,
    why: "A checkpoint that runs ahead of what was flushed",
  },
  {
    name: "A key that changes again keeps its place in the memory table",
    edits: [edit(
      "src/storage/memory_table.ts",
      "      this.#writes.delete(name);\n      this.#bytes -= weightOf(earlier);",
      "      this.#bytes -= weightOf(earlier);",
    )],
    finding: lostWrite,
    with: { journalCount: 120, keyCount: 60, sharesPartition: false },
    why: "The order of a map is that of its first insertions, which is easily forgotten",
  },
  {
    name: "A commit that failed uses up its number in the journal",
    edits: [edit(
      "src/storage/journal.ts",
      "const sequence = this.#nextSequence;\n",
      "const sequence = this.#nextSequence++;\n",
    )],
    finding: badRecovery,
    why: "A number that is drawn before the write leaves a gap, and a gap looks like loss",
  },
  {
    name: "Later batches go to the disk before earlier ones",
    edits: [edit("src/storage/group_commit.ts", "this.#queue.shift()!", "this.#queue.pop()!")],
    finding: lostWrite,
    why: "A work queue that is a stack leaves the older version of a key on top",
    survivesBecause:
      "a second batch begins only when one is full, and the objects of a simulation are small",
  },
  {
    name: "The existence filter is not told of keys that are written",
    edits: [edit(
      "src/storage/engine.ts",
      '    if (place.table === "object") this.#filter?.add(place.key);\n',
      "",
    )],
    finding: differentOwners,
    why: "A filter that misses a way in answers absent for what is there",
  },
  {
    name: "The existence filter is not told of keys that are replayed",
    edits: [edit(
      "src/storage/engine.ts",
      '    if (table === "object") this.#filter?.add(key);\n',
      "",
    )],
    finding: staleRead,
    with: {
      ...only("crash", "restart"),
      cacheBytes: 0,
      journalCount: 10,
      keyCount: 40,
      meanFaultMs: 500,
      restartsAllAtHealing: true,
      mergingClientCount: 0,
    },
    why: "A filter that is right until the first restart",
  },
  {
    name: "A read of the disk that a commit has overtaken is believed",
    edits: [
      edit(
        "src/storage/engine.ts",
        "    this.#reads.delete(name);\n    return write.done;",
        "    return write.done;",
      ),
    ],
    finding: staleRead,
    why: "The race of a cache that is filled by readers: the older value comes last",
    survivesBecause:
      "a replica never commits a key whose read is under way: its changes of one key wait in line",
  },
  {
    name: "A durable change does not remove the cached object",
    edits: [edit("src/storage/engine.ts", "      this.#cache.delete(write.name);\n", "")],
    finding: staleRead,
    why: "A stale cache, as long as nothing else hides it",
    survivesBecause:
      "the memory table is asked before the cache, and a flush puts the same object there; only memory is wasted",
  },
  {
    name: "A cached object comes before a later change",
    edits: [
      edit("src/storage/engine.ts", "      this.#cache.delete(write.name);\n", ""),
      edit(
        "src/storage/engine.ts",
        "this.#pending.get(name) ?? this.#table.get(name) ?? this.#cache.get(name);",
        "this.#pending.get(name) ?? this.#cache.get(name) ?? this.#table.get(name);",
      ),
    ],
    finding: lostWrite,
    why: "A stale cache: the next change is merged with what was there before the last",
  },
  {
    name: "A record that is corrupt is read as absent",
    edits: [edit(
      "src/storage/engine.ts",
      "        if (failure !== undefined) throw this.#reader.failure(failure);",
      '        if (failure !== undefined && !String(failure).includes("Corrupt")) {\n' +
        "          throw this.#reader.failure(failure);\n        }",
    )],
    finding: badRecovery,
    with: ROTTING,
    why: "Bit rot that is taken for an empty place makes the next write forget what was there",
  },
  {
    name: "Checksums of records are not compared",
    edits: [edit(
      "src/storage/record.ts",
      "const isWhole = hash32(value.subarray(FLAGS_AT), seedOf(place)) === uint32At(value, CHECKSUM_AT);",
      "const isWhole = value.length >= FLAGS_AT || seedOf(place) === uint32At(value, CHECKSUM_AT);",
    )],
    finding: believedDamage,
    with: ROTTING,
    why: "Disks return wrong data without an error: Bairavasundaram et al. (2008)",
  },
  {
    name: "Checksums of the journal are not compared",
    edits: [edit(
      "src/storage/journal_format.ts",
      "const isWhole = checksum === uint32At(value, CHECKSUM_AT);",
      "const isWhole = uint32At(value, CHECKSUM_AT) >= 0 || checksum === 0;",
    )],
    finding: badRecovery,
    with: ROTTEN_JOURNALS,
    why: "A log is replayed after a crash, when its end is most likely to be torn",
  },
  {
    name: "A journal that cannot be read counts as empty",
    edits: [edit(
      "src/storage/engine.ts",
      "      throw this.#reader.failure(error);\n    }\n    const { journalBytes",
      "      this.#reader.failure(error);\n    }\n    const { journalBytes",
    )],
    finding: badRecovery,
    why:
      "Catch and go on with nothing: most catastrophic failures begin so (Yuan et al., OSDI 2014)",
  },
  {
    name: "The disk says that it has written and has not",
    edits: [
      edit(
        "tests/sim/memory_disk.ts",
        "      this.#inFlight.delete(commit);\n      this.#image.apply(batch);",
        "      this.#inFlight.delete(commit);\n      if (++this.#committed % 20 !== 0) this.#image.apply(batch);",
      ),
      edit(
        "tests/sim/memory_disk.ts",
        "  #lastCommit: Promise<void> = Promise.resolve();",
        "  #lastCommit: Promise<void> = Promise.resolve();\n  #committed = 0;",
      ),
    ],
    finding: tooEarlyOk,
    why: "A drive with a volatile cache, or a file system that ignores a flush",
  },
];
