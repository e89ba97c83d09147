// Mistakes of the node that coordinates a request.

import { edit, FINDINGS, type Mutant, only } from "./mutant.ts";

const {
  differentOwners,
  leftover,
  lostWrite,
  noEnd,
  resurrected,
  staleRead,
  tooEarlyOk,
  unseenAbsence,
  wentBack,
  wrongOutcome,
} = FINDINGS;

/** Disks that are slow, and nodes that remember nothing. */
const SLOW_DISKS = {
  ...only("slowDisk"),
  cacheBytes: 0,
  journalCount: 1,
  timeoutMs: 300,
  diskMs: 20,
  meanFaultMs: 500,
} as const;

/** Cuts that leave some nodes without any owner of a key. */
const STAND_INS = { ...only("isolate", "halves"), nodeCount: 5, isStrict: false } as const;

export const COORDINATOR_MUTANTS: readonly Mutant[] = [
  {
    name: "A write is acknowledged with one answer too few",
    edits: [edit(
      "src/coordinator/quorum.ts",
      "return this.#got >= this.#needed;",
      'return this.#got >= this.#needed - Number(this.#kind === "write");',
    )],
    finding: tooEarlyOk,
    why: "Off by one in the one number that everything rests upon",
  },
  {
    name: "A read is answered with one answer too few",
    edits: [edit(
      "src/coordinator/quorum.ts",
      "return this.#got >= this.#needed;",
      'return this.#got >= this.#needed - Number(this.#kind === "read");',
    )],
    finding: staleRead,
    why: "R + W = N: most reads are right, and nobody notices",
  },
  {
    name: "Half of the owners are a quorum",
    edits: [
      edit("src/coordinator/quorum.ts", "Math.floor(owners / 2) + 1", "Math.floor(owners / 2)"),
    ],
    finding: tooEarlyOk,
    why: "A majority is more than half",
  },
  {
    name: "An owner that is not connected counts as one that has the write",
    edits: [edit(
      "src/coordinator/write_round.ts",
      "else this.#askStandIn(slot, writing, NOT_CONNECTED);",
      "else this.#acknowledge(slot);",
    )],
    finding: tooEarlyOk,
    why:
      "A hint that is promised counts as a copy that is there: consistency level ANY of Cassandra",
  },
  {
    name: "A coordinator counts its own disk before it has answered",
    edits: [edit(
      "src/coordinator/write_round.ts",
      "    writing.durable.then(\n      () => this.#acknowledge(slot),\n" +
        "      (error) => this.#fail(slot, error, writing),\n    );",
      "    writing.durable.catch(() => {});\n    this.#acknowledge(slot);",
    )],
    finding: tooEarlyOk,
    why: "The own copy is so near that it seems to be certain",
  },
  {
    name: "An operation that a read finds done is not sent to the other owners",
    edits: [edit(
      "src/coordinator/updates.ts",
      "    if (!this.#operations.every(onlyRemoves)) return undefined;\n",
      "",
    )],
    finding: tooEarlyOk,
    with: { mergingClientCount: 3, mergingPauseMs: 300 },
    why: "It was done at one owner, and may be nowhere else",
  },
  {
    name: "An operation that its coordinator holds already is acknowledged at once",
    edits: [edit(
      "src/coordinator/writes.ts",
      "      await round.run(",
      "      if (object !== before) await round.run(",
    )],
    finding: tooEarlyOk,
    why: "What changes nothing seems to need no disk",
  },
  {
    name: "A write that missed its quorum is reported as having no effect",
    edits: [edit(
      "src/coordinator/write_round.ts",
      'else this.#done.reject(this.#quorum.error("unknown"));',
      'else this.#done.reject(this.#quorum.error("no"));',
    )],
    finding: wrongOutcome,
    why: "Nobody takes the write back from the copies that it has reached",
  },
  {
    name: "A write that ran out of time is reported as having no effect",
    edits: [edit(
      "src/coordinator/write_round.ts",
      '    this.#done.reject(this.#quorum.error("unknown"));\n  }\n\n  #end()',
      '    this.#done.reject(this.#quorum.error("no"));\n  }\n\n  #end()',
    )],
    finding: wrongOutcome,
    why: "A timeout says nothing about what happened",
  },
  {
    name: "A forwarded write is tried again at another owner",
    edits: [
      edit(
        "src/coordinator/forwarding.ts",
        'const mayRetry = isRepeatable(request) || error.outcome === "no";',
        "const mayRetry = true;",
      ),
      edit(
        "src/coordinator/forwarding.ts",
        '        if (request.op !== "get" && error.outcome === "unknown") doubt ??= error;\n',
        "",
      ),
    ],
    finding: wrongOutcome,
    why: "A retry of a write that may have happened makes two writes of one",
  },
  {
    name: "A forwarded write leaves its context behind",
    edits: [edit(
      "src/coordinator/requests.ts",
      "        encoded(request.context),\n        VALUE_KINDS",
      "        null,\n        VALUE_KINDS",
    )],
    finding: lostWrite,
    why: "A field that is lost between two nodes turns a careful write into a blind one",
  },
  {
    name: "A forwarded request leaves its level behind",
    edits: [edit(
      "src/coordinator/requests.ts",
      "    request.level === undefined ? null : [request.level],",
      "    null,",
    )],
    finding: tooEarlyOk,
    why: "What the client asked for holds only at the node that it happened to ask",
  },
  {
    name: "A put with a context replaces all that its coordinator holds",
    edits: [edit(
      "src/coordinator/coordinator.ts",
      "held.write(dot, value, seen, end)",
      "held.write(dot, value, undefined, end)",
    )],
    finding: lostWrite,
    why: "A context that is sent and ignored",
    isQuick: true,
  },
  {
    name: "A delete leaves nothing behind, not even a clock",
    edits: [edit(
      "src/coordinator/coordinator.ts",
      "      return merged.write(nextDot(latestOf(merged, seen)), null, seen, undefined);",
      "      nextDot(latestOf(merged, seen));\n      return DataObject.empty;",
    )],
    finding: resurrected,
    why: "A delete that removes the object: the next repair brings it back",
  },
  {
    name: "A delete without a context forgets what other owners have shown it",
    edits: [edit(
      "src/coordinator/coordinator.ts",
      "const merged = held.merge(found);\n      return merged.write(",
      "const merged = held;\n      return merged.write(",
    )],
    finding: resurrected,
    why: "A delete of what is here leaves what is elsewhere",
    survivesBecause: "the read before the delete repairs the own copy, and that is visible at once",
  },
  {
    name: "A write's context covers siblings that were not shown",
    edits: [edit(
      "src/coordinator/results.ts",
      "seen: () => contextOf(object.vector()), isShown };",
      "seen: () => contextOf(object.vector()), isShown: true };",
    )],
    finding: lostWrite,
    why: "A context speaks for whole actors: the next write replaces what its client never saw",
  },
  {
    name: "A read shows one sibling and a context of all",
    edits: [edit(
      "src/coordinator/results.ts",
      "return this.#live.map(({ value }) => value);",
      "return this.#live.slice(0, 1).map(({ value }) => value);",
    )],
    finding: lostWrite,
    why: "A client library that picks a winner and hands on the clock of all",
  },
  {
    name: "A read takes the last answer instead of merging all",
    edits: [edit(
      "src/replica/copy.ts",
      "whole = whole.merge(object);",
      "whole = object;",
    )],
    finding: staleRead,
    why: "The freshest answer by arrival is not the freshest by knowledge",
  },
  {
    name: "What stand-ins do not hold is taken for absent",
    edits: [edit(
      "src/coordinator/read_round.ts",
      "      if (this.#needsWitness) return this.#seekWitness(reading);\n",
      "",
    )],
    finding: unseenAbsence,
    with: STAND_INS,
    why: "A sloppy quorum counts answers, and an answer that holds nothing looks like any other",
  },
  {
    name: "A coordinator that owns nothing of a key believes its own copy",
    edits: [edit(
      "src/coordinator/reads.ts",
      "own?.object.isEmpty !== false;",
      "own === undefined;",
    )],
    finding: unseenAbsence,
    with: STAND_INS,
    why: "It has read its own disk without an error, and forgets why it need not be there",
  },
  {
    name: "A read whose coordinator holds the key asks nobody",
    edits: [edit(
      "src/coordinator/reads.ts",
      "if (own !== undefined && quorum.isReached) return",
      "if (own !== undefined && (quorum.isReached || !own.object.isEmpty)) return",
    )],
    finding: staleRead,
    why: "A short way that is right as long as nobody has missed a write",
    isQuick: true,
  },
  {
    name: "Read repair repairs nobody",
    edits: [
      edit(
        "src/coordinator/reads.ts",
        "    if (isOwnStale && this.#replica.writeProblem() === undefined) {\n",
        "    if (isOwnStale && stale.size < 0) {\n",
      ),
      edit(
        "src/coordinator/reads.ts",
        "if (this.#repairing >= MAX_REPAIRS) return;",
        "if (this.#repairing < MAX_REPAIRS) return;",
      ),
    ],
    finding: differentOwners,
    why: "Repair that only seems to run: nobody misses it until a second copy is lost",
    survivesBecause:
      "owners compare their copies and become equal without a read; reads only make it sooner",
  },
  {
    name: "A request that fails stays counted",
    edits: [edit(
      "src/coordinator/coordinator.ts",
      "    } finally {\n      this.#pace.ended(isTimed);\n    }\n  }\n\n  /** Reads a key",
      "    } catch (error) {\n      this.#pace.began();\n      throw error;\n    } finally {\n" +
        "      this.#pace.ended(isTimed);\n    }\n  }\n\n  /** Reads a key",
    )],
    finding: leftover,
    why: "A limit on what is in flight that leaks ends in a node that refuses everything",
  },
  {
    name: "A read ignores what its client has seen",
    edits: [edit(
      "src/coordinator/reads.ts",
      "if (atLeast === undefined || atLeast.size === 0) return",
      "if (atLeast !== null) return",
    )],
    finding: wentBack,
    isQuick: true,
    why: "A session token that every layer hands on and nobody acts upon",
  },
  {
    name: "A forwarded read leaves behind what its client has seen",
    edits: [
      edit(
        "src/coordinator/requests.ts",
        "return [...parts, request.atLeast.map(encodeContext)];",
        "return [...parts, []];",
      ),
      edit("src/coordinator/forwarding.ts", "      checkNotStale(request, answer);\n", ""),
    ],
    finding: wentBack,
    why:
      "A field that is lost on the way to another node: most requests are right, those at an owner",
  },
  {
    name: "A read takes any part of what its client has seen for the whole",
    edits: [edit(
      "src/coordinator/at_least.ts",
      "return actorsBehind(copy, context).length === 0;",
      "return actorsBehind(copy, context).length < Math.max(1, context.size);",
    )],
    finding: wentBack,
    why: "A comparison of clocks that is content with one actor of many",
  },
  {
    name: "A write that leaves siblings gives its client nothing to ask for",
    edits: [edit(
      "src/node/tokens.ts",
      "return sealAtLeast(key, all, this.#seals.sealing);",
      "return sealAtLeast(key, { ...all, vector: new Map() }, this.#seals.sealing);",
    )],
    finding: wentBack,
    why: "Tokens that are given out where all went well: who needs them most has none",
  },
  {
    name: "A request waits for its own disk for as long as that takes",
    edits: [edit(
      "src/coordinator/in_time.ts",
      "return await Promise.race([pending, late.promise]);",
      "return await pending;",
    )],
    finding: noEnd,
    with: SLOW_DISKS,
    why: "A disk that is slow has not failed, and so nobody counts it out (gray failure)",
  },
  {
    name: "A write that was given up is carried out after all",
    edits: [edit(
      "src/coordinator/writes.ts",
      'if (state === "is given up") throw tooSlow(key, timeoutMs);',
      "tooSlow;",
    )],
    finding: wrongOutcome,
    with: SLOW_DISKS,
    why: "Who was told that nothing has happened writes something else",
  },
];
