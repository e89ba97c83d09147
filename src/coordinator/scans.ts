// Walking over all keys, partition by partition.
//
// A scan is pinned to one layout and asks R owners of every partition, so that a key which one of them
// has not got yet is seen all the same. Each answers for a window of neighbouring partitions with keys and
// clocks, without values. What all have answered up to is final; beyond it the next round goes on. A large set or
// map is not sent along: whether anything is in it a read of its key tells.
//
// A page may find little where much was deleted or has expired. So its rounds grow, and after half a second it ends where
// it is, with fewer keys than were asked for or none, and says where to go on.

import { EMPTY } from "../base/bytes.ts";
import type { Clock } from "../ports/clock.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { Namespaces, QuorumLevel } from "../replica/namespaces.ts";
import type { Replica } from "../replica/replica.ts";
import type { Deadlines } from "../wire/deadlines.ts";
import { DenamoError, TimeoutError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { METHODS } from "../wire/message_codec.ts";
import { type Cluster, type CurrentLayout, layoutOf } from "../replica/cluster.ts";
import { answersNeeded } from "./quorum.ts";
import {
  answerIn,
  type Found,
  mergeAnswers,
  type Merged,
  type Position,
  type ScanAnswer,
  type Stretch,
} from "./scan_answers.ts";
import { ScanPage, type ScanResult } from "./scan_page.ts";
import { Laggards, type OwnersWanted, ScanRound } from "./scan_round.ts";

export type { Position, ScanResult };

export interface ScanRequest {
  readonly from: Position;
  readonly prefix: Uint8Array | undefined;
  readonly limit: number;
  /** Go on to the end of the partition in which the limit is reached, and end between partitions only. */
  readonly wholePartitions: boolean;
  readonly r: QuorumLevel | undefined;
  /** How long the page may take at the most. */
  readonly timeoutMs: number;
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

/** Entries that one node answers with in one round: at least twice this many, at most a whole page. */
const LEAST_ROOM = 16;

/** How much more a round asks for than the one before it, which was not enough. */
const GROWTH = 4;

/** Where a round takes longer than this the next is not larger, but for small ones: those may be slow by their way alone. */
const LONG_ROUND_MS = 100;
const SMALL_ROUND = 256;

/** After so long a page ends where it may, or after half of its time if that is less, in milliseconds. */
const PAGE_MS = 500;

export class Scans {
  readonly #cluster: Cluster;
  readonly #replica: Replica;
  readonly #namespaces: Namespaces;
  readonly #clock: Pick<Clock, "now">;
  readonly #deadlines: Deadlines;
  readonly #reader: KeyReader;
  readonly #laggards = new Laggards();

  constructor(
    cluster: Cluster,
    replica: Replica,
    namespaces: Namespaces,
    clock: Pick<Clock, "now">,
    deadlines: Deadlines,
    reader: KeyReader,
  ) {
    this.#cluster = cluster;
    this.#replica = replica;
    this.#namespaces = namespaces;
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#reader = reader;
  }

  /**
   * One page of live keys. It may have fewer than were asked for, or none, and yet not be the last.
   *
   * @throws {QuorumError} if the partition that it begins with has too few owners that answer
   * @throws {TimeoutError} if it gets nowhere in its time
   */
  async scan(request: ScanRequest): Promise<ScanResult> {
    const current = layoutOf(this.#cluster);
    const { from, limit, timeoutMs, wholePartitions } = request;
    const page = new ScanPage(from, limit, wholePartitions);
    const beganAtMs = this.#deadlines.nowMs;
    const restsAtMs = beganAtMs + Math.min(PAGE_MS, timeoutMs / 2);
    const early = () => this.#deadlines.nowMs >= restsAtMs ? page.early() : undefined;
    const leftMs = () => {
      const left = beganAtMs + timeoutMs - this.#deadlines.nowMs;
      if (left > 0) return left;
      throw new TimeoutError("The scan", "no", timeoutMs);
    };
    let size = Math.min(LIMITS.scanPageCount, Math.max(limit, LEAST_ROOM) * 2);
    try {
      while (page.position.partition < current.layout.partitions) {
        const { partition } = page.position;
        if (page.isFullFor(partition)) return page.full(partition);
        const result = early();
        if (result !== undefined) return result;
        const roundBeganAtMs = this.#deadlines.nowMs;
        const round = await this.#round(current, page, size, request, leftMs());
        for (const found of round.found) {
          if (page.isFullFor(found.partition)) return page.full(found.partition);
          let { object } = found;
          if (found.isLarge === true) {
            const result = early();
            if (result !== undefined) return result;
            object = await this.#reader.read(found.key, request.r, leftMs());
          }
          page.take(found.partition, found.key, object.isLive(this.#clock.now()));
        }
        page.advance(round.next);
        const wasLong = this.#deadlines.nowMs - roundBeganAtMs > LONG_ROUND_MS;
        size = wasLong && size >= SMALL_ROUND
          ? Math.max(SMALL_ROUND, Math.ceil(size / 2))
          : Math.min(LIMITS.scanPageCount, size * GROWTH);
      }
      return page.last();
    } catch (error) {
      // What was found before is as good as it was; whoever goes on from there hears what is wrong.
      const result = error instanceof DenamoError ? page.early() : undefined;
      if (result === undefined) throw error;
      return result;
    }
  }

  /** Asks the owners of one window and merges what they hold. */
  async #round(
    current: CurrentLayout,
    { isFinishing, position: from }: ScanPage,
    limit: number,
    request: ScanRequest,
    timeoutMs: number,
  ): Promise<{ found: Merged[]; next: Position }> {
    const last = current.layout.partitions - 1;
    const until = Math.min(isFinishing ? from.partition : from.partition + WINDOW - 1, last);
    const stretch = { from, until, limit };
    const round = new ScanRound(
      this.#cluster,
      this.#deadlines,
      this.#laggards,
      this.#ownersWanted(current, stretch, request),
      (node) => this.#ask(node, current, stretch, request.prefix, timeoutMs),
    );
    const answers = await round.run(timeoutMs);
    const floorIn = ({ floors, node }: ScanAnswer, { partition, key }: Found) => {
      const owns = current.placement.isOwner(node, partition, this.#namespaces.of(key).n);
      return owns ? floors.get(this.#replica.partOf(partition, key)) ?? 0 : 0;
    };
    return mergeAnswers(answers, floorIn, stretch);
  }

  /** For every partition of a stretch, and every namespace in which keys of the scan may be. */
  #ownersWanted(
    { placement }: CurrentLayout,
    { from, until }: Stretch,
    { prefix, r }: ScanRequest,
  ): OwnersWanted[] {
    const wanted: OwnersWanted[] = [];
    const namespaces = this.#namespaces.within(prefix ?? EMPTY);
    for (let partition = from.partition; partition <= until; partition++) {
      for (const namespace of namespaces) {
        const { n } = namespace;
        const owners = placement.ownersFor(partition, n);
        const needed = answersNeeded(r ?? namespace.r, owners.length, "r");
        const isSelfFilling = this.#cluster.fillingProblem(partition, n) !== undefined;
        wanted.push({ partition, owners, needed, isSelfFilling });
      }
    }
    return wanted;
  }

  async #ask(
    node: string,
    current: CurrentLayout,
    stretch: Stretch,
    prefix: Uint8Array | undefined,
    timeoutMs: number,
  ): Promise<ScanAnswer> {
    const { from, limit, until } = stretch;
    if (node === this.#cluster.self) {
      const floors = this.#replica.floorsOf(from.partition, until);
      const found = await this.#replica.scan(from, until, prefix, limit);
      return { node, found, floors };
    }
    const peer = this.#cluster.peerOf(node);
    if (peer === undefined) throw new DenamoError("timeout", "no", `${node} is not connected`);
    const message = [
      current.layout.id,
      from.partition,
      until,
      from.after ?? null,
      prefix ?? null,
      limit,
    ];
    const read = (reply: readonly unknown[]) => answerIn(node, stretch, reply);
    return await this.#cluster.rpc.query(peer, METHODS.scan, message, timeoutMs, read);
  }
}
