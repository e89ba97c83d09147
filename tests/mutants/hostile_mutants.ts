// Mistakes in what is believed of a message: who may say it, whether it makes sense, and what follows from it.

import { always, edit, FINDINGS, type Mutant } from "./mutant.ts";

const {
  endedByItself,
  foreignData,
  foreignOrders,
  forgedContext,
  lostWrite,
  notServed,
} = FINDINGS;
const { knowsNobody, notWhole, otherLayout, thrownOff } = FINDINGS;

/** Strangers who say something thirty times a second, and nothing else that goes wrong. */
const STRANGERS = { ...always("stranger"), hostileMs: 30, timeoutMs: 2_000 } as const;

/** The same with those who are not even let in. */
const UNGREETED = { ...always("ungreeted"), hostileMs: 30 } as const;

/** Members that are wrong thirty times a second. */
const WRONG_MEMBERS = { ...always("wrongMember"), hostileMs: 30 } as const;

/** Strangers, and nodes that come back with nothing on their disks. */
const STRANGERS_AND_LOST_DISKS = {
  ...always("stranger", "lostDisk"),
  hostileMs: 30,
  meanFaultMs: 6_000,
  durationMs: 40_000,
  w: "quorum",
  ownLevelShare: 0,
} as const;

export const HOSTILE_MUTANTS: readonly Mutant[] = [
  {
    name: "Any peer may ask what only members may",
    edits: [edit(
      "src/wire/standing.ts",
      'if (from === "peer" || standing === "member") return undefined;',
      'if (from === "peer" || standing.length > 0) return undefined;',
    )],
    finding: foreignData,
    with: STRANGERS,
    why: "A process that nobody made a member writes, removes and levels keys",
  },
  {
    name: "A key is stored in whatever partition its sender names",
    edits: [edit(
      "src/replica/replica_service.ts",
      "if (partitionOf(key, current.layout.partitions) !== partition) {",
      "if (partition >= current.layout.partitions) {",
    )],
    finding: foreignData,
    with: WRONG_MEMBERS,
    why: "Nobody finds it there, and the journal takes it for the record of the right place",
    isQuick: true,
  },
  {
    name: "An owner that levels a key is believed any floor",
    edits: [
      edit(
        "src/replica/replica_service.ts",
        "if (said > fence && said > this.#replica.furthest) {",
        "if (said < 0) {",
      ),
      edit(
        "src/replica/replica_service.ts",
        "const floor = Math.min(said, fence);",
        "const floor = said;",
      ),
    ],
    finding: lostWrite,
    with: WRONG_MEMBERS,
    why: "Nothing with the floor of the largest time removes a key without a tombstone",
  },
  {
    name: "What is set of namespaces is taken from any peer",
    edits: [edit(
      "src/node/peers.ts",
      "if (table.counts(node) && namespaces.differsFrom(heartbeat.namespaces)) {",
      "if (namespaces.differsFrom(heartbeat.namespaces)) {",
    )],
    finding: foreignOrders,
    with: STRANGERS,
    why: "Orders move keys, and whoever greets could give them",
  },
  {
    name: "A layout that a peer has sent takes the place of the one that is held",
    edits: [
      edit(
        "src/node/layout_store.ts",
        "if (this.#held !== undefined) {",
        "if (this.#held !== undefined && layout.version < 0) {",
      ),
    ],
    finding: otherLayout,
    with: STRANGERS,
    why: "A thousand invented bytes, and the node works for a cluster that nobody made",
  },
  {
    name: "Whoever refuses a node as left behind is believed",
    edits: [
      edit(
        "src/node/left_behind_voices.ts",
        "const node = nodeOf(peer);",
        "const node: string | undefined = nodeOf(peer) ?? peer;",
      ),
      edit(
        "src/node/left_behind_voices.ts",
        "if (node === undefined || !all.has(node)) return this.#passOver(peer);",
        "if (node === undefined) return this.#passOver(peer);",
      ),
    ],
    finding: endedByItself,
    with: UNGREETED,
    why: "A few words of peers that have not even greeted empty a node",
    isQuick: true,
  },
  {
    name: "A heartbeat counts for whatever peer it names",
    edits: [edit(
      "src/membership/heartbeats.ts",
      "if (heartbeat.peerId === from) return heartbeat;",
      'if (heartbeat.peerId !== "" || from === "") return heartbeat;',
    )],
    finding: knowsNobody,
    with: STRANGERS,
    why: "Anybody speaks for everybody: incarnations, addresses, clocks, disks",
  },
  {
    name: "A node yields its name as soon as it hears of a rival",
    edits: [edit(
      "src/node/rivals.ts",
      "if (theirs === 0 || theirs < ours) {",
      "if (theirs < 0) {",
    )],
    finding: notServed,
    with: STRANGERS,
    why: "Two heartbeats under a node's name made it stop itself",
  },
  {
    name: "The clocks of strangers count among those that a node judges its own by",
    edits: [
      edit(
        "src/membership/heartbeats.ts",
        "if (isFresh && isLive && table.counts(node)) clockWatch.observe(node, timeMs);",
        "if (isFresh && isLive) clockWatch.observe(node, timeMs);",
      ),
      edit(
        "src/membership/heartbeats.ts",
        "    clockWatch.keepOnly((node) => table.counts(node));\n",
        "",
      ),
    ],
    finding: notServed,
    with: { ...STRANGERS, nodeCount: 3 },
    why: "A few invented members whose clocks are ahead end every write",
  },
  {
    name: "The seal of a context is not compared",
    edits: [edit(
      "src/causality/context_token.ts",
      "if (!seal.mac.isRight(tag, placeOf(key), body)) {",
      "if (!seal.mac.isRight(tag, placeOf(key), body) && body.length === 0) {",
    )],
    finding: forgedContext,
    with: { ...always("forgedContext"), hostileMs: 30 },
    why:
      "A client that alters its context replaces what it never saw, and dates the writes of others",
    isQuick: true,
  },
  {
    name: "Any incarnation is gone above",
    edits: [
      edit(
        "src/node/refutation.ts",
        "if (!hasRoomAbove(remembered)) return [];",
        "",
      ),
      edit(
        "src/membership/member_table.ts",
        "if (incarnation < this.#incarnation || !hasRoomAbove(incarnation)) return;",
        "if (incarnation < this.#incarnation) return;",
      ),
      edit(
        "src/membership/incarnation_step.ts",
        "export const INCARNATION_MAX = 2 ** 43;",
        "export const INCARNATION_MAX = 2 ** 53 - 1;",
      ),
    ],
    finding: thrownOff,
    with: WRONG_MEMBERS,
    why: "Who is told of the largest number counts to one that nobody can write",
  },
  {
    name: "A node does not go above an incarnation of its own that another peer has borne",
    edits: [edit(
      "src/node/refutation.ts",
      "if (!isOwn && remembered <= this.#former) return [];",
      "if (isOwn || remembered <= this.#former) return [];",
    )],
    finding: notWhole,
    with: { ...always("stranger", "crash", "restart"), hostileMs: 50 },
    why: "Those that have met the other pass over its heartbeats until it restarts",
  },
  {
    name:
      "A node waits for others to agree with whoever bore a member's name and called it left behind",
    edits: [edit(
      "src/node/left_behind_voices.ts",
      "return [...this.#voices].filter(([node]) => !this.#options.isConnected(node));",
      "return [...this.#voices];",
    )],
    finding: notWhole,
    with: { ...always("ungreeted", "stranger", "halves"), hostileMs: 30 },
    why: "It is let in by all of them meanwhile, and serves nobody",
    survivesBecause:
      "a stranger that bore the name is seldom among those by whom the disk knows the members; a test of left_behind_voices.ts finds it",
  },
  {
    name: "An address to join is forgotten with the peer that answered there",
    edits: [
      edit("src/host/redial.ts", "if (target.isNamed) {", "if (target.addresses.length > 0) {"),
    ],
    finding: notWhole,
    with: { ...always("ungreeted", "stranger", "halves"), hostileMs: 30 },
    why: "Two nodes that strangers have stood between never call each other again",
  },
  {
    name: "A node without a layout takes the first that it is told of",
    edits: [
      edit(
        "src/node/layout_agreement.ts",
        "if (!this.#isAgreed(candidate.layout)) return;",
        "",
      ),
      edit(
        "src/node/layout_agreement.ts",
        "if (!await this.#options.prepare(peer, candidate.layout)) return;",
        "",
      ),
    ],
    finding: otherLayout,
    with: STRANGERS_AND_LOST_DISKS,
    why: "A disk that was lost must learn the layout from the members, not from who speaks first",
  },
];
