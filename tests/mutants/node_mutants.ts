// Mistakes between nodes: messages, connections, members.

import { always, BLIND_PUTS, edit, FINDINGS, type Mutant, only } from "./mutant.ts";

const { badMessage, leftover, lostWrite, noEnd, noProgress, tooEarlyOk, wrongOutcome } = FINDINGS;
const { refusedContext, sameIncarnation, unseenDeath, wrongLifetime, wronglyDown } = FINDINGS;

/** Short runs before a disk that is far slower than they are: many requests with low numbers are open all the time. */
const SHORT_RUNS = {
  ...always("crash", "slowDisk"),
  nodeCount: 2,
  replication: 2,
  isStrict: true,
  keyCount: 40,
  sharesPartition: false,
  clientCount: 40,
  mergingClientCount: 0,
  requestsPerMinute: 6_000,
  burstCount: 3,
  thinkMs: 5,
  durationMs: 30_000,
  meanFaultMs: 500,
  timeoutMs: 4_000,
  delayMs: 1,
  diskMs: 0,
  publicationLoss: 0,
  r: "one",
  w: "all",
  ownLevelShare: 0,
  restartsCore: false,
  restartsAllAtHealing: false,
  operations: { ...BLIND_PUTS, get: 0 },
} as const;

/** Long, busy runs and few crashes: who starts again is far behind in its numbers. */
const LONG_RUNS = {
  ...always("crash"),
  nodeCount: 3,
  keyCount: 1,
  mergingClientCount: 0,
  requestsPerMinute: 6_000,
  burstCount: 1,
  durationMs: 30_000,
  meanFaultMs: 15_000,
  timeoutMs: 4_000,
  delayMs: 1,
  diskMs: 0,
  publicationLoss: 0,
  r: "quorum",
  w: "all",
  ownLevelShare: 0,
  restartsCore: false,
  restartsAllAtHealing: false,
} as const;

export const NODE_MUTANTS: readonly Mutant[] = [
  {
    name: "Every node seals contexts with a key of its own",
    edits: [edit(
      "src/node/seal_key_store.ts",
      "return this.#keys.sealing ?? (this.#own ??= this.#draw());",
      "return this.#own ??= this.#draw();",
    )],
    finding: refusedContext,
    why: "What one process draws at its start is a secret, and a good one, that nobody else knows",
    isQuick: true,
  },
  {
    name: "A key that contexts are sealed with lives in memory",
    edits: [edit(
      "src/node/seal_key_store.ts",
      "      await this.#options.storage.setMeta(META_NAME, keys.encoded());\n",
      "",
    )],
    finding: refusedContext,
    with: { restartsAllAtHealing: true, faults: { ...always("powerCut").faults } },
    why:
      "It works until all nodes have been restarted, and then every client is told to read again",
  },
  {
    name: "A second answer of one peer counts again",
    edits: [edit(
      "src/wire/rpc.ts",
      "if (request === undefined || !request.waiting.has(from)) return;",
      "if (request === undefined) return;",
    )],
    finding: tooEarlyOk,
    why: "The same replica twice in one quorum",
    survivesBecause:
      "The place of an owner in a quorum is acknowledged once, whoever answers for it and how often",
  },
  {
    name: "A request that arrives twice is carried out twice",
    edits: [
      edit(
        "src/wire/rpc.ts",
        "if (this.#isNext(message, from, lane)) this.#serving.answer",
        "this.#serving.answer",
      ),
    ],
    finding: tooEarlyOk,
    why: "At least once is not once: a repeated put is a second write",
  },
  {
    name: "An answer goes to the process that came after the one that asked",
    edits: [edit(
      "src/wire/serving.ts",
      "const isConnected = () => connectionTo(from) === connection;",
      "const isConnected = () => connection !== undefined;",
    )],
    finding: tooEarlyOk,
    with: SHORT_RUNS,
    why:
      "A node that starts again counts its requests from one again, and so two requests have one number",
  },
  {
    name: "A peer that connects again is held to the numbers of its earlier connection",
    edits: [
      edit(
        "src/wire/rpc.ts",
        "    const lastRequestIds = { request: 0, bulk: 0 };",
        "    const lastRequestIds = this.#lastRequestIds.get(peer) ?? { request: 0, bulk: 0 };\n" +
          "    this.#lastRequestIds.set(peer, lastRequestIds);",
      ),
      edit(
        "src/wire/rpc.ts",
        "  #lastId = 0;",
        '  #lastId = 0;\n  readonly #lastRequestIds = new Map<PeerId, PeerLoad["lastRequestIds"]>();',
      ),
    ],
    finding: noProgress,
    with: LONG_RUNS,
    why: "A guard against repetition that outlives what it guards",
  },
  {
    name: "A request has no deadline",
    edits: [edit(
      "src/wire/rpc.ts",
      "this.#deadlines.set(timeoutMs, () => this.#expire(id, timeoutMs))",
      "this.#deadlines.set(Infinity, () => this.#expire(id, timeoutMs))",
    )],
    finding: noEnd,
    why: "Whoever waits for a network must not wait for ever",
  },
  {
    name: "A request that ran out of time is reported as having no effect",
    edits: [edit(
      "src/wire/rpc.ts",
      'new TimeoutError("The request", "unknown", timeoutMs)',
      'new TimeoutError("The request", "no", timeoutMs)',
    )],
    finding: wrongOutcome,
    why: "The forwarding node knows less than the coordinator, and says more",
  },
  {
    name: "A request to a peer whose connection broke is reported as having no effect",
    edits: [edit(
      "src/wire/rpc.ts",
      'new DenamoError("timeout", "unknown", `Connection lost: ${reason}`)',
      'new DenamoError("timeout", "no", `Connection lost: ${reason}`)',
    )],
    finding: lostWrite,
    why: "A connection that breaks says nothing about what was read from it",
  },
  {
    name: "A request stays open after its last answer",
    edits: [edit(
      "src/wire/rpc.ts",
      "      this.#open.delete(id);\n      this.#deadlines.clear(request.deadline);",
      "      this.#deadlines.clear(request.deadline);",
    )],
    finding: leftover,
    why: "Memory that grows with every request",
    isQuick: true,
  },
  {
    name: "A peer that cannot be reached is not dialled again",
    edits: [edit(
      "src/host/redial.ts",
      "    this.#schedule(target, target.pauseMs);\n    const longestMs",
      "    const longestMs",
    )],
    finding: noProgress,
    why: "A connection that is never made again outlives every partition",
  },
  {
    name: "Bytes that are no message end in any error",
    edits: [
      edit("src/wire/message_codec.ts", '  checkMsgpack(bytes, BOUNDS, "message");\n', ""),
      edit(
        "src/wire/message_codec.ts",
        'throw new MalformedError("message", error instanceof Error ? error.message : String(error));',
        "throw error;",
      ),
    ],
    finding: badMessage,
    why:
      "Who does not know how a library fails does not catch it: one bad peer takes the process down",
  },
  {
    name: "A failure travels without its details",
    edits: [edit(
      "src/wire/message_codec.ts",
      "boundedText(message), boundedDetails(details));",
      "boundedText(message), {});",
    )],
    finding: badMessage,
    why: "A field that is written and not read",
    isQuick: true,
  },
  {
    name: "A node is not told that others remember a later incarnation of it",
    edits: [edit(
      "src/node/refutation.ts",
      "      if (this.#underWay.has(peer) || !this.#rpc.isUp(peer)) continue;\n",
      "      if (this.#underWay.has(peer) || this.#rpc.isUp(peer)) continue;\n",
    )],
    finding: noProgress,
    with: {
      ...only("clockJump", "lostDisk"),
      faults: { ...only("clockJump", "lostDisk").faults, clockJump: 1, lostDisk: 0.3 },
      nodeCount: 3,
      w: "quorum",
      ownLevelShare: 0,
      meanFaultMs: 1_000,
    },
    why:
      "Incarnations are taken from the clock: a node whose disk is lost and whose clock is put back falls behind",
  },
  {
    name: "A node goes only as far as the incarnation that others remember",
    edits: [edit(
      "src/membership/member_table.ts",
      "    this.#incarnation = incarnation + step;",
      "    this.#incarnation = incarnation;",
    )],
    finding: sameIncarnation,
    with: only("clockJump", "crash", "lostDisk", "bitFlip"),
    why:
      "Off by one: its heartbeats count again once it has sent more of them than its earlier self",
  },
  {
    name: "A node that starts again has the incarnation of its last run",
    edits: [edit(
      "src/node/incarnations.ts",
      "now > former ? now : former + 1 + randomBelow(random, STEPS);",
      "former === 0 ? Math.floor(clock.now()) : former;",
    )],
    finding: sameIncarnation,
    why: "Heartbeats of a new run that count as old ones",
  },
  {
    name: "The layout is not on the disk",
    edits: [edit(
      "src/node/layout_store.ts",
      "      await storage.setMeta(META_NAME, own);\n",
      "      await undefined;\n",
    )],
    finding: noProgress,
    why: "A cluster that forgets who owns what when all its power is cut",
  },
  {
    name: "A suspicion counts as a death",
    edits: [edit(
      "src/membership/evidence.ts",
      'if (phi >= SUSPECT_PHI && isUnreached(evidence)) return "down";',
      'if (phi >= SUSPECT_PHI) return "down";',
    )],
    finding: wronglyDown,
    with: { ...only("slowLink", "pause", "loss"), publicationLoss: 0.2 },
    why: "Timeouts alone: who is slow for a moment is taken for dead, and its data begins to move",
  },
  {
    name: "A suspicion never becomes a death",
    edits: [edit(
      "src/membership/evidence.ts",
      'if (phi >= SUSPECT_PHI && isUnreached(evidence)) return "down";',
      'if (phi >= SUSPECT_PHI && isUnreached(evidence)) return "suspect";',
    )],
    finding: unseenDeath,
    with: { durationMs: 8_000, coreMs: 40_000 },
    why: "Too much caution: nobody is ever given up, and everything waits for the dead",
  },
  {
    name: "A node takes its own clock for the cluster's, however wrong it is",
    edits: [edit(
      "src/membership/cluster_clock.ts",
      "return this.#clock.now() + this.#watch.correctionMs();",
      "return this.#clock.now() + 0 * this.#watch.correctionMs();",
    )],
    finding: wrongLifetime,
    with: { ...only(), nodeCount: 4, durationMs: 8_000 },
    why: "Sessions that end at once, and caches that never do, at one door of many",
    isQuick: true,
  },
];
