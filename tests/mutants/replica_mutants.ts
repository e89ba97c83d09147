// Mistakes about what a copy holds: actors, dots, contexts and merging.

import { edit, FAILING_COMMITS, FINDINGS, type Mutant, only } from "./mutant.ts";

const { falseSiblings, forgetfulActor, lostWrite, noReplay, resurrected, staleRead, tooEarlyOk } =
  FINDINGS;

const ACTOR_OF_NODE = edit(
  "src/replica/actors.ts",
  "{ actor: this.#newActor(), last: time }",
  "{ actor: `${this.#node}~${partition}.${this.#endedCount}`, last: time }",
);

/** Nodes that find themselves on an old image of their disk, and are asked to write at once. */
const OLD_IMAGES = {
  faults: { ...only("crash", "slowLink", "oldDisk").faults, oldDisk: 1 },
  w: "quorum",
  ownLevelShare: 0,
  nodeCount: 3,
  keyCount: 4,
  sharesPartition: true,
  mergingClientCount: 0,
  requestsPerMinute: 1_500,
  meanFaultMs: 1_000,
  compareMs: 60_000,
} as const;

export const REPLICA_MUTANTS: readonly Mutant[] = [
  {
    name: "A node that starts again goes on with its actor",
    edits: [ACTOR_OF_NODE],
    finding: forgetfulActor,
    why:
      "Riak before per-key actor epochs: a vnode that had lost data counted on from what was left",
    isQuick: true,
  },
  {
    name: "An actor that is resumed forgets a write",
    edits: [ACTOR_OF_NODE],
    finding: lostWrite,
    with: OLD_IMAGES,
    why:
      "The harm that the one before does: a context covers what a crash has taken from its actor",
  },
  {
    name: "An actor belongs to a disk",
    edits: [
      edit(
        "src/replica/actors.ts",
        "{ actor: this.#newActor(), last: time }",
        "{ actor: `${this.#node}~${this.#random.bytes(8).toHex()}.${partition}.` +" +
          " `${this.#endedCount}`, last: time }",
      ),
      edit(
        "src/node/node.ts",
        "new Actors(settings.node, random, hybridClock)",
        "new Actors(settings.node, { ...random, bytes: () => mark }, hybridClock)",
      ),
      edit(
        "src/node/node.ts",
        "    onCommitFailed: { handler: CommitFailed },\n  ) {",
        "    onCommitFailed: { handler: CommitFailed },\n" +
          "    mark: Uint8Array<ArrayBuffer>,\n  ) {",
      ),
      edit(
        "src/node/node.ts",
        "new Node(settings, ports, disk, storage, incarnations, onCommitFailed)",
        "new Node(settings, ports, disk, storage, incarnations, onCommitFailed, mark)",
      ),
      edit(
        "src/node/node.ts",
        "      const incarnations = await nextIncarnation(storage, ports.clock, ports.random);\n",
        "      const incarnations = await nextIncarnation(storage, ports.clock, ports.random);\n" +
          '      const mark = new Uint8Array(await storage.getMeta("disk") ?? ports.random.bytes(8));\n' +
          '      await storage.setMeta("disk", mark);\n',
      ),
    ],
    finding: lostWrite,
    with: OLD_IMAGES,
    why: "An epoch that is kept on the disk comes back with an old image of it",
  },
  {
    name: "A commit that failed does not end the actor",
    edits: [edit(
      "src/replica/replica.ts",
      "      this.#actors.end(partition);\n      this.#floors.mayHaveLost(partition);\n      this.trees.",
      "      this.#floors.mayHaveLost(partition);\n      this.trees.",
    )],
    finding: lostWrite,
    with: { ...FAILING_COMMITS, keyCount: 4, requestsPerMinute: 1_500 },
    why:
      "The object went to the other owners before the own disk failed: they know a write that we forgot",
  },
  {
    name: "Nobody notices that others know a later write of ours",
    edits: [edit(
      "src/replica/replica.ts",
      "if ((knownTime(actor) ?? 0) > known) return this.#actors.end(partition);",
      "knownTime(actor), known;",
    )],
    finding: lostWrite,
    why: "The last net under an actor that has forgotten",
    survivesBecause:
      "within a run a copy forgets by a commit that failed or by a corrupt record, and each of them ends the actor by itself",
  },
  {
    name: "A record that cannot be read does not end the actor",
    edits: [
      edit(
        "src/replica/replica.ts",
        "        this.#actors.end(partition);\n        this.#floors.mayHaveLost(partition);",
        "        this.#floors.mayHaveLost(partition);",
      ),
      edit(
        "src/replica/replica.ts",
        "    this.#actors.end(partition);\n    this.#floors.mayHaveLost(partition);\n    await",
        "    this.#floors.mayHaveLost(partition);\n    await",
      ),
    ],
    finding: lostWrite,
    why: "What replaces a corrupt record may lack writes of our own",
    survivesBecause:
      "a repair takes what all other owners hold, and what is under way to them at that very moment is rare",
  },
  {
    name: "Nothing ends an actor whose record could not be read",
    edits: [
      edit(
        "src/replica/replica.ts",
        "        this.#actors.end(partition);\n        this.#floors.mayHaveLost(partition);",
        "        this.#floors.mayHaveLost(partition);",
      ),
      edit(
        "src/replica/replica.ts",
        "    this.#actors.end(partition);\n    this.#floors.mayHaveLost(partition);\n    await",
        "    this.#floors.mayHaveLost(partition);\n    await",
      ),
      edit(
        "src/replica/replica.ts",
        "if ((knownTime(actor) ?? 0) > known) return this.#actors.end(partition);",
        "knownTime(actor), known;",
      ),
    ],
    finding: lostWrite,
    why: "The two mistakes before this one together",
    survivesBecause:
      "a bit would have to flip in a record while the write that made it is still under way to the other owners",
  },
  {
    name: "What cannot be read counts as absent",
    edits: [edit(
      "src/replica/replica.ts",
      "        this.onCorrupt(partition, key);\n      }\n      throw error;",
      "        this.onCorrupt(partition, key);\n      }\n      return DataObject.empty;",
    )],
    finding: lostWrite,
    with: {
      ...only("readErrors"),
      cacheBytes: 0,
      journalCount: 1,
      meanFaultMs: 500,
      mergingClientCount: 0,
    },
    why:
      "Catch and go on with nothing: most catastrophic failures begin so (Yuan et al., OSDI 2014)",
  },
  {
    name: "A write covers the earlier ones of its actor",
    edits: [edit(
      "src/causality/sibling_set.ts",
      "values: [...known?.values ?? [], { time: dot.time, value }],",
      "values: [{ time: dot.time, value }],",
    )],
    finding: lostWrite,
    why:
      "A version vector without dots cannot tell two writes of one server apart: Preguiça et al. (2010)",
  },
  {
    name: "A merge keeps what the other side has replaced",
    edits: [edit(
      "src/causality/sibling_set.ts",
      "const discardedUpTo = Math.max(a.discardedUpTo, b.discardedUpTo);",
      "const discardedUpTo = Math.min(a.discardedUpTo, b.discardedUpTo);",
    )],
    finding: falseSiblings,
    why: "A union of values, as the shopping cart of Dynamo (2007) had it: deleted items come back",
    isQuick: true,
  },
  {
    name: "Clocks of actors without values are pruned",
    edits: [edit(
      "src/causality/sibling_set.ts",
      "    return new SiblingSet([...entries.slice(0, at), entry, ...rest]);",
      "    const before = entries.slice(0, at);\n" +
        "    return new SiblingSet([...before, entry, ...rest].filter(({ values }) => values.length > 0));",
    )],
    finding: resurrected,
    why: "Dynamo and Riak prune vector clocks by size and age; an old copy then looks like news",
  },
  {
    name: "A copy takes what it is sent in place of what it holds",
    edits: [edit(
      "src/replica/replica.ts",
      "return held.merge(incoming);",
      "return incoming;",
    )],
    finding: lostWrite,
    why: "A read repair or a replica write that overwrites instead of merging",
  },
  {
    name: "The clock on the wall decides between siblings",
    edits: [edit(
      "src/replica/replica.ts",
      'rule === "lww" ? object.keepLatest() : object',
      'rule === "siblings" ? object.keepLatest() : object',
    )],
    finding: lostWrite,
    why:
      "Last write wins, the rule of Cassandra and once the default of Riak, loses acknowledged writes",
  },
  {
    name: "Tombstones are removed at once",
    edits: [edit(
      "src/replica/replica.ts",
      "    const durable = this.#storage.commit([{ partition, key, object, before }]);\n" +
        "    this.trees.changed(partition, key, before, object);",
      "    const siblings = [...object?.opaque.siblings() ?? []];\n" +
        "    const kept = siblings.every(({ value }) => value === null) ? undefined : object;\n" +
        "    const durable = this.#storage.commit([{ partition, key, object: kept, before }]);\n" +
        "    this.trees.changed(partition, key, before, kept);",
    )],
    finding: resurrected,
    why: "A delete that leaves nothing behind is undone by the first copy that has missed it",
  },
  {
    name: "A store that changes nothing is acknowledged before what it repeats is durable",
    edits: [edit(
      "src/replica/replica.ts",
      "this.#storage.whenDurable(partition, key) ?? Promise.resolve()",
      "Promise.resolve()",
    )],
    finding: tooEarlyOk,
    why: "A second copy of a message looks like one that was done long ago",
  },
  {
    name: "A replica acknowledges without waiting for its disk",
    edits: [edit(
      "src/replica/replica_service.ts",
      "if (owner === undefined) await this.#replica.merge(partition, key, object);",
      "if (owner === undefined) this.#replica.merge(partition, key, object).catch(() => {});",
    )],
    finding: tooEarlyOk,
    why: "Writes that wait in memory only: Redis, and MongoDB without journalled write concern",
    isQuick: true,
  },
  {
    name: "Changes of one key do not wait for each other",
    edits: [edit(
      "src/replica/key_order.ts",
      "      if (isReady()) return change();\n",
      "      if (isReady() || !this.#lines.has(name)) return change();\n",
    )],
    finding: lostWrite,
    why: "The lost update: two changes read the same object, and the second overwrites the first",
  },
  {
    name: "Owners compare the latest times of their copies and not what these have seen",
    edits: [edit(
      "src/crdt/data_object.ts",
      "return this.#digest ??= hash64(this.values.seen.isEmpty ? this.encoded() : encodeClock(this));",
      "return this.#digest ??= BigInt(this.opaque.latestTime());",
    )],
    finding: staleRead,
    why: "A digest that leaves something out makes two copies look alike for ever",
  },
  {
    name: "Actors are drawn from true chance",
    edits: [edit(
      "src/causality/dot.ts",
      "toBase64Url(random.bytes(8))",
      "toBase64Url(crypto.getRandomValues(random.bytes(8)))",
    )],
    finding: noReplay,
    why: "One call past the ports, and no seed can be replayed",
    isQuick: true,
  },
];
