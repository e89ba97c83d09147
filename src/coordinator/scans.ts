// Walking over all keys, partition by partition.
//
// A scan is pinned to one layout and asks R owners of every partition, so that a key which one of them
// has not got yet is seen all the same. Each answers for a window of neighbouring partitions with keys and
// clocks, without values. What all have answered up to is final; beyond it the next round goes on. A large set or
// map is not sent along: whether anything is in it a read of its key tells.

import { binaryString, compareBytes, EMPTY } from "../base/bytes.ts";
import { type HybridTime, MAX_FLOOR } from "../causality/dot.ts";
import { DataObject } from "../crdt/data_object.ts";
import { decodeObject } from "../crdt/object_codec.ts";
import type { Clock } from "../ports/clock.ts";
import { type Copy, mergeCopies } from "../replica/copy.ts";
import type { Namespaces, QuorumLevel } from "../replica/namespaces.ts";
import { PART_ID_MAX, type PartId } from "../replica/parts.ts";
import type { Replica } from "../replica/replica.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError, QuorumError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { METHODS } from "../wire/message_codec.ts";
import { type Cluster, type CurrentLayout, layoutOf, reachable } from "../replica/cluster.ts";
import { answersNeeded } from "./quorum.ts";

/** A place between two keys: everything up to `after` in `partition` lies before it. */
export interface Position {
  readonly partition: number;
  readonly after?: Uint8Array | undefined;
}

export interface ScanRequest {
  readonly from: Position;
  readonly prefix: Uint8Array | undefined;
  readonly limit: number;
  /** Go on to the end of the partition in which the limit is reached. */
  readonly wholePartitions: boolean;
  readonly r: QuorumLevel | undefined;
  readonly timeoutMs: number;
}

export interface ScanResult {
  readonly keys: readonly Uint8Array[];
  readonly next: Position | undefined;
}

interface Found {
  readonly partition: number;
  readonly key: Uint8Array;
  /** Undefined if it cannot be read there. */
  readonly object?: DataObject | undefined;
  /** Whether it is too large to be sent along. */
  readonly isLarge?: boolean;
}

/** What one node has answered. */
interface Answer {
  readonly node: string;
  readonly found: readonly Found[];
  readonly floors: ReadonlyMap<PartId, HybridTime>;
}

interface Merged extends Found {
  readonly object: DataObject;
}

/** Reads one key as a client would. */
export interface KeyReader {
  read(
    key: Uint8Array,
    level: QuorumLevel | undefined,
    timeoutMs: number,
  ): Promise<DataObject>;
}

/** Partitions that one round covers at most. */
const WINDOW = 64;

/** Entries that one node answers with in one round at most. */
const ROUND = LIMITS.scanPageCount;

export class Scans {
  readonly #cluster: Cluster;
  readonly #replica: Replica;
  readonly #namespaces: Namespaces;
  readonly #clock: Pick<Clock, "now">;
  readonly #reader: KeyReader;

  constructor(
    cluster: Cluster,
    replica: Replica,
    namespaces: Namespaces,
    clock: Pick<Clock, "now">,
    reader: KeyReader,
  ) {
    this.#cluster = cluster;
    this.#replica = replica;
    this.#namespaces = namespaces;
    this.#clock = clock;
    this.#reader = reader;
  }

  /** One page of live keys. @throws {QuorumError} if a partition has too few owners that answer */
  async scan(request: ScanRequest): Promise<ScanResult> {
    const current = layoutOf(this.#cluster);
    const keys: Uint8Array[] = [];
    let position: Position | undefined = request.from;
    let lastPartition = -1;
    while (position !== undefined && position.partition < current.layout.partitions) {
      const room = request.limit - keys.length;
      if (room <= 0 && !request.wholePartitions) return { keys, next: position };
      if (room <= 0 && position.partition !== lastPartition) {
        return { keys, next: { partition: position.partition } };
      }
      const until = room <= 0 ? position.partition : undefined;
      const round = await this.#round(current, position, until, room, request);
      for (const found of round.found) {
        const { partition, key } = found;
        const isFull = keys.length >= request.limit;
        if (isFull && !(request.wholePartitions && partition === lastPartition)) {
          return { keys, next: placeBefore(partition, lastPartition, keys) };
        }
        const object = found.isLarge === true
          ? await this.#reader.read(key, request.r, request.timeoutMs)
          : found.object;
        if (!object.isLive(this.#clock.now())) continue;
        keys.push(key);
        lastPartition = partition;
      }
      position = round.next;
    }
    return { keys, next: undefined };
  }

  /** Asks the owners of one window and merges what they hold. */
  async #round(
    current: CurrentLayout,
    from: Position,
    lastWanted: number | undefined,
    room: number,
    request: ScanRequest,
  ): Promise<{ found: Merged[]; next: Position | undefined }> {
    const last = current.layout.partitions - 1;
    const until = Math.min(lastWanted ?? from.partition + WINDOW - 1, last);
    const limit = Math.min(ROUND, Math.max(room, 16) * 2);
    const failed = new Set<string>();
    for (;;) {
      const asked = this.#choose(current, from.partition, until, request, failed);
      const answers = await Promise.all([...asked].map(async (node) => {
        try {
          return await this.#ask(node, current, from, until, limit, request);
        } catch (error) {
          if (!(error instanceof DenamoError)) throw error;
          failed.add(node);
          return undefined;
        }
      }));
      if (answers.some((answer) => answer === undefined)) continue;
      const floorIn = ({ floors, node }: Answer, { partition, key }: Found) => {
        const owns = current.placement.isOwner(node, partition, this.#namespaces.of(key).n);
        return owns ? floors.get(this.#replica.partOf(partition, key)) ?? 0 : 0;
      };
      return mergeAnswers(answers as Answer[], floorIn, limit, until, last);
    }
  }

  /** Nodes such that every partition of the window has R owners among them. */
  #choose(
    current: CurrentLayout,
    from: number,
    until: number,
    request: ScanRequest,
    failed: ReadonlySet<string>,
  ): Set<string> {
    const chosen = new Set<string>();
    const namespaces = this.#namespaces.within(request.prefix ?? EMPTY);
    for (let partition = from; partition <= until; partition++) {
      for (const namespace of namespaces) {
        const owners = current.placement.ownersFor(partition, namespace.n);
        const needed = answersNeeded(request.r ?? namespace.r, owners.length, "r");
        const self = owners.filter((owner) => {
          return owner === this.#cluster.self &&
            this.#cluster.fillingProblem(partition, namespace.n) === undefined;
        });
        const others = reachable(this.#cluster, owners).map(({ node }) => node);
        const usable = [...self, ...others].filter((node) => !failed.has(node));
        if (usable.length < needed) {
          throw new QuorumError(`read quorum for partition ${partition}`, "no", {
            needed,
            got: usable.length,
            asked: owners.length,
            causes: owners.filter((owner) => !usable.includes(owner)).map((node) =>
              `${node} failed`
            ),
          });
        }
        const missing = needed - usable.filter((node) => chosen.has(node)).length;
        const further = usable.filter((node) => !chosen.has(node)).slice(0, Math.max(missing, 0));
        for (const node of further) chosen.add(node);
      }
    }
    return chosen;
  }

  async #ask(
    node: string,
    current: CurrentLayout,
    from: Position,
    until: number,
    limit: number,
    request: ScanRequest,
  ): Promise<Answer> {
    if (node === this.#cluster.self) {
      const floors = this.#replica.floorsOf(from.partition, until);
      const found = await this.#replica.scan(from, until, request.prefix, limit);
      return { node, found, floors };
    }
    const peer = this.#cluster.peerOf(node);
    if (peer === undefined) throw new DenamoError("timeout", "no", `${node} is not connected`);
    const message = [
      current.layout.id,
      from.partition,
      until,
      from.after ?? null,
      request.prefix ?? null,
      limit,
    ];
    const read = (answer: readonly unknown[]): Answer => {
      const args = new Arguments(answer, "scan answer");
      const found = args.list(ROUND).map((entry) => readFound(entry, until));
      return { node, found, floors: readFloors(args) };
    };
    const { rpc } = this.#cluster;
    return await rpc.query(peer, METHODS.scan, message, request.timeoutMs, read);
  }
}

function readFound(entry: unknown, until: number): Found {
  const args = new Arguments(Array.isArray(entry) ? entry : [], "scan entry");
  const partition = args.count(until);
  const key = args.ownBytes(LIMITS.key);
  const bytes = args.optional((part) => part.ownBytes(LIMITS.objectInParts));
  if (bytes === undefined || bytes.length === 0) {
    return { partition, key, isLarge: bytes !== undefined };
  }
  return { partition, key, object: decodeObject(bytes) };
}

function readFloors(args: Arguments): Map<PartId, HybridTime> {
  const list = args.optional((part) => part.list(LIMITS.partitionCount)) ?? [];
  const told = new Arguments(list, "scan answer");
  const floors = new Map<PartId, HybridTime>();
  while (!told.isAtEnd) floors.set(told.count(PART_ID_MAX), told.count(MAX_FLOOR));
  return floors;
}

/**
 * Joins what several owners hold, up to where all of them have answered.
 *
 * @param floorIn up to where a node has seen everything of a key; 0 if it does not own it
 */
function mergeAnswers(
  answers: readonly Answer[],
  floorIn: (answer: Answer, found: Found) => HybridTime,
  limit: number,
  until: number,
  last: number,
): { found: Merged[]; next: Position | undefined } {
  let frontier: Found | undefined;
  for (const { found } of answers) {
    const end = found.length < limit ? undefined : found[found.length - 1];
    if (end !== undefined && (frontier === undefined || compareFound(end, frontier) < 0)) {
      frontier = end;
    }
  }
  const byPlace = new Map<string, Map<Answer, Found>>();
  for (const answer of answers) {
    for (const found of answer.found) {
      if (frontier !== undefined && compareFound(found, frontier) > 0) break;
      const place = `${found.partition} ${binaryString(found.key)}`;
      const held = byPlace.get(place);
      if (held === undefined) byPlace.set(place, new Map([[answer, found]]));
      else held.set(answer, found);
    }
  }
  const found = [...byPlace.values()].map((held): Merged => {
    const first = held.values().next().value!;
    const isLarge = [...held.values()].some((found) => found.isLarge === true);
    const copies = answers.map((answer): Copy => {
      const own = held.get(answer);
      const isRead = own === undefined || own.object !== undefined;
      const floor = isRead ? floorIn(answer, first) : 0;
      return { object: own?.object ?? DataObject.empty, floor };
    });
    return { ...first, object: mergeCopies(copies).object, isLarge };
  }).sort(compareFound);
  if (frontier !== undefined) {
    return { found, next: { partition: frontier.partition, after: frontier.key } };
  }
  return { found, next: until >= last ? undefined : { partition: until + 1 } };
}

function compareFound(a: Found, b: Found): number {
  return a.partition - b.partition || compareBytes(a.key, b.key);
}

/** Where to go on so that the first key not taken, in `partition`, comes next. */
function placeBefore(
  partition: number,
  lastPartition: number,
  keys: readonly Uint8Array[],
): Position {
  if (partition !== lastPartition) return { partition };
  return { partition, after: keys[keys.length - 1]! };
}
