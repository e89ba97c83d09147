// Requests between nodes by grammar: the right arguments with values at their edges, nearly right ones, and anything.
//
// What a member of the layout says that makes sense is believed, so nothing here makes sense and does harm at once:
// objects go to keys of their own, and no time that is raised to lies near now.

import { concatBytes, utf8, utf8Text } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { encodeOperation } from "../../src/crdt/operation_codec.ts";
import { decodeObject } from "../../src/crdt/object_codec.ts";
import { decodeDelta, deltaBetween, encodeDelta } from "../../src/crdt/object_delta.ts";
import { partitionOf } from "../../src/ring/partition.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import type { MethodName } from "../../src/wire/standing.ts";

import { layoutOfOne, nestedMessagePack } from "../hostile/forgery.ts";
import type { Draw } from "./draw.ts";
import { sampleObjects, sampleOperation } from "./sample_objects.ts";

/** What a fuzzer must know of a cluster for its messages to be nearly right. */
export interface ClusterFacts {
  readonly layoutId: string;
  readonly partitions: number;
  readonly names: readonly string[];
  readonly peerIds: readonly string[];
}

type Grammar = (draw: Draw, facts: ClusterFacts) => unknown[];

const FUZZED_KEYS = 500;

/** How often each method is drawn beside the others: those that make a node work for long seldom. */
const WEIGHTS: Readonly<Record<MethodName, number>> = {
  store: 20,
  storeDelta: 20,
  read: 20,
  scan: 1,
  coordinate: 20,
  fetchLayout: 2,
  promiseLayout: 10,
  installLayout: 4,
  refute: 10,
  roots: 2,
  leaves: 2,
  entries: 4,
  hints: 1,
  repair: 1,
  probe: 4,
  probeFor: 2,
  level: 20,
  promiseFloor: 10,
  keptBelow: 10,
  fence: 10,
  raiseFloor: 10,
  fetchNamespaces: 2,
  fetchSealKeys: 2,
};

const DRAWN: readonly MethodName[] = Object.entries(WEIGHTS).flatMap(([name, weight]) => {
  return Array.from({ length: weight }, () => name as MethodName);
});

/** In 2020, before anything that any cluster of tests holds. */
const LONG_AGO = Date.UTC(2020, 0) * 2048;

const ARGUMENTS: Readonly<Record<MethodName, Grammar>> = {
  store: (draw, facts) => {
    const key = keyOf(draw);
    return [...placeOf(key, facts), objectOf(draw, key), ownerOf(draw, facts)];
  },
  storeDelta: (draw, facts) => {
    const key = keyOf(draw);
    return [...placeOf(key, facts), deltaOf(draw, key), ownerOf(draw, facts)];
  },
  read: (draw, facts) => [
    ...placeOf(keyOf(draw), facts),
    draw.pick([null, draw.bytes(8)]),
    ownerOf(draw, facts),
  ],
  level: (draw, facts) => {
    const key = keyOf(draw);
    return [...placeOf(key, facts), draw.pick([null, objectOf(draw, key)]), edgeTime(draw)];
  },
  scan: (draw, { layoutId }) => [
    layoutId,
    draw.count(),
    draw.count(),
    null,
    utf8("fuzz:"),
    draw.below(20),
  ],
  coordinate: (draw, { layoutId }) => [layoutId, draw.onceIn(2), ...clientRequestOf(draw)],
  fetchLayout: () => [],
  promiseLayout: (draw, { layoutId, names }) => [draw.pick([layoutId, draw.text()]), names],
  installLayout: (draw) => [layoutBytes(draw)],
  refute: (draw) => draw.onceIn(2) ? [] : [draw.value()],
  roots: (draw, facts) => [facts.layoutId, copiesOf(draw), partitionsOf(draw, facts)],
  leaves: (draw, facts) => [facts.layoutId, copiesOf(draw), draw.below(facts.partitions)],
  entries: (draw, facts) => [
    facts.layoutId,
    copiesOf(draw),
    draw.below(facts.partitions),
    Array.from({ length: draw.below(9) }, () => draw.count()),
    draw.pick([null, keyOf(draw)]),
  ],
  hints: () => [],
  repair: (draw, facts) => [[draw.below(facts.partitions)]],
  probe: () => [],
  probeFor: (draw, { peerIds }) => [draw.pick([...peerIds, draw.text()])],
  promiseFloor: (draw, facts) => [
    facts.layoutId,
    edgeTime(draw),
    partitionsOf(draw, facts),
    draw.pick([[], [draw.pick(facts.names)], [draw.text()]]),
  ],
  keptBelow: (draw, facts) => [
    facts.layoutId,
    partitionsOf(draw, facts).flatMap((part) => [part, edgeTime(draw)]),
  ],
  fence: (draw, facts) => [facts.layoutId, edgeTime(draw), partitionsOf(draw, facts)],
  raiseFloor: (draw, facts) => [facts.layoutId, edgeTime(draw), partitionsOf(draw, facts)],
  fetchNamespaces: () => [],
  fetchSealKeys: () => [],
};

/** One request without its id. */
export interface DrawnRequest {
  /** The name of its method, or what else it is. */
  readonly kind: string;
  readonly method: number;
  readonly arguments: readonly unknown[];
}

/** Draws a request. */
export function drawRequest(draw: Draw, facts: ClusterFacts): DrawnRequest {
  if (draw.onceIn(200)) {
    return { kind: "unknown method", method: draw.count(), arguments: [draw.value()] };
  }
  const kind = draw.pick(DRAWN);
  const method = METHODS[kind];
  if (draw.onceIn(8) && kind !== "refute") {
    const count = draw.below(8);
    return { kind, method, arguments: Array.from({ length: count }, () => draw.value()) };
  }
  const args = ARGUMENTS[kind](draw, facts);
  // A run of a node that can have been is what a member may well say.
  if (kind === "refute") return { kind, method, arguments: [unlikelyTime(draw), ...args] };
  // Nearly right: one of them is anything, is missing, or there is one more.
  if (args.length > 0 && draw.onceIn(2)) {
    const at = draw.below(args.length);
    if (draw.onceIn(4)) args.splice(at, draw.below(2), draw.value());
    else args[at] = draw.value();
  }
  return { kind, method, arguments: args };
}

/** Frames that are no message, or hardly one. */
export function drawNonsense(draw: Draw, message: Uint8Array): Uint8Array {
  switch (draw.below(8)) {
    case 0:
      return draw.bytes(1 + draw.length(2_000));
    case 1:
      // Deep, with what it claims to hold.
      return concatBytes([Uint8Array.of(0x95, 0, 1), nestedMessagePack(1 + draw.length(3_000))]);
    default: {
      const damaged = draw.damaged(message);
      return damaged.length === 0 ? Uint8Array.of(0xc1) : damaged;
    }
  }
}

/** Pairs of objects of one key. */
const PAIRS = 4;

function keyOf(draw: Draw): Uint8Array {
  return utf8(`fuzz:${draw.below(FUZZED_KEYS)}`);
}

/** Layout, partition and key, as requests for one key have them. */
function placeOf(key: Uint8Array, { layoutId, partitions }: ClusterFacts): unknown[] {
  return [layoutId, partitionOf(key, partitions), key];
}

/** An object for a key, or bytes that are none. What two of them say may be contradictory: copies must agree all the same. */
function objectOf(draw: Draw, key: Uint8Array): Uint8Array {
  const object = draw.pick(objectsOf(draw, key)).encoded();
  return draw.onceIn(3) ? broken(draw, object, decodeObject) : object;
}

function deltaOf(draw: Draw, key: Uint8Array): Uint8Array {
  const delta = deltaBetween(...objectsOf(draw, key));
  if (delta === undefined) return broken(draw, objectOf(draw, key), decodeDelta);
  return draw.onceIn(3) ? broken(draw, encodeDelta(delta), decodeDelta) : encodeDelta(delta);
}

/** Two objects, one of which has come of the other; each key has a few such pairs, whose dots are the same. */
function objectsOf(draw: Draw, key: Uint8Array): ReturnType<typeof sampleObjects> {
  return sampleObjects(new SeededRandom(`${utf8Text(key)} ${draw.below(PAIRS)}`));
}

/** Damaged bytes that cannot be read. */
function broken(
  draw: Draw,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array<ArrayBuffer>) => unknown,
): Uint8Array {
  const damaged = draw.damaged(bytes);
  try {
    decode(damaged);
    return Uint8Array.of(0xff);
  } catch {
    return damaged;
  }
}

function ownerOf(draw: Draw, { names }: ClusterFacts): unknown {
  return draw.pick([null, null, draw.pick(names), draw.text()]);
}

/** A time that no floor is raised to in earnest: of long ago, or one that no clock has come to. */
function edgeTime(draw: Draw): number {
  return draw.onceIn(2) ? draw.pick([0, 1, LONG_AGO]) : 2 ** 53 - 1 - draw.below(2 ** 31);
}

/** Anything but the time of a start between 2004 and 2109. */
function unlikelyTime(draw: Draw): unknown {
  const value = draw.onceIn(4) ? draw.value() : draw.count();
  const isLikely = typeof value === "number" && value >= 2 ** 40 && value < 2 ** 42;
  return isLikely ? 2 ** 43 - draw.below(2 ** 24) : value;
}

function copiesOf(draw: Draw): number {
  return draw.pick([0, 0, 0, 1, 3, draw.count()]);
}

function partitionsOf(draw: Draw, { partitions }: ClusterFacts): number[] {
  const count = draw.length(30);
  return Array.from(
    { length: count },
    () => draw.onceIn(9) ? draw.count() : draw.below(partitions),
  );
}

function layoutBytes(draw: Draw): Uint8Array {
  const bytes = layoutOfOne(draw.count(), draw.pick(["n1", "n4", "nobody"]), 8);
  return draw.onceIn(2) ? draw.damaged(bytes) : bytes;
}

/** As coordinator/requests.ts has it, with whatever may stand in place of a context. */
function clientRequestOf(draw: Draw): unknown[] {
  const level = draw.pick([null, null, [1], ["all"], [draw.value()]]);
  const context = draw.pick([null, null, null, draw.text(), draw.bytes(40), [draw.bytes(40)]]);
  const expiresAtMs = draw.pick([null, null, draw.count()]);
  const [op, ...rest]: [number, ...unknown[]] = draw.pick([
    [1, context],
    [2, context, draw.below(4), draw.bytes(draw.length(200)), expiresAtMs, draw.onceIn(2)],
    [3, context],
    [4, expiresAtMs],
    [5, context, [encodeOperation(sampleOperation(draw.random))]],
  ]);
  return [op, keyOf(draw), level, draw.pick([null, true]), ...rest];
}
