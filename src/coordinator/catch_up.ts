// A read that has found less than its client has seen looks further.
//
// The quorum has answered, and yet nobody in it has seen all that the client was shown: the write went to
// other owners, or to nodes that stood in for them, or is still on its way. So every owner is asked, one that
// is filling its copy too, then every node that may stand in; and all of them again after a pause, as an
// owner may be catching up. What they hold is merged, and as soon as that has seen enough it is the answer.
//
// It gives up a little before the client does, so that a node that has forwarded the read hears why.

import type { VersionVector } from "../causality/version_vector.ts";
import type { PeerId } from "../ports/network.ts";
import { type Cluster, layoutOf, learnFromRefusal, reachable } from "../replica/cluster.ts";
import { type Copy, copyIn, digestBytes, mergeCopies } from "../replica/copy.ts";
import type { Replica } from "../replica/replica.ts";
import type { Deadline, Deadlines } from "../wire/deadlines.ts";
import { DenamoError } from "../wire/errors.ts";
import { METHODS } from "../wire/message_codec.ts";
import { hasSeen, staleError } from "./at_least.ts";
import type { Answer } from "./read_round.ts";
import { standInsFor } from "./stand_ins.ts";

/** The pause before the same nodes are asked again doubles from the first to the longest. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 400;

/** The share of its time after which a read gives up. */
const PATIENCE = 0.9;

/** What is looked for. */
export interface LateRead {
  readonly partition: number;
  readonly key: Uint8Array;
  readonly owners: readonly string[];
  readonly isStrict: boolean;
  readonly timeoutMs: number;
  readonly atLeast: VersionVector;
}

/** What was found, and what each node that was asked holds of it. */
export interface Caught {
  readonly copy: Copy;
  readonly answers: readonly Answer[];
}

export class CatchUp {
  readonly #cluster: Cluster;
  readonly #replica: Replica;
  readonly #deadlines: Deadlines;
  readonly #read: LateRead;
  readonly #done = Promise.withResolvers<Caught>();
  readonly #answers = new Map<string, Answer>();
  /** Nodes that have been asked and have not answered. */
  readonly #open = new Set<string>();
  readonly #deadline: Deadline;
  #pause: Deadline | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #turns = 0;
  /** The turn in which nodes that may stand in were asked last. */
  #standInsTurn = 0;
  #found: Copy | undefined;
  #isExpired = false;
  #isDone = false;

  /** Its time begins here, and `stop` must be called in the end. */
  constructor(cluster: Cluster, replica: Replica, deadlines: Deadlines, read: LateRead) {
    this.#cluster = cluster;
    this.#replica = replica;
    this.#deadlines = deadlines;
    this.#read = read;
    this.#deadline = deadlines.set(PATIENCE * read.timeoutMs, () => {
      this.#isExpired = true;
      if (this.#found !== undefined) this.#fail();
    });
  }

  /**
   * Looks for what `found` lacks.
   *
   * @throws {DenamoError} `stale` if it is nowhere in time
   */
  run(found: Copy): Promise<Caught> {
    this.#found = found;
    if (hasSeen(found, this.#read.atLeast)) this.#succeed();
    else if (this.#isExpired) this.#fail();
    else this.#turn();
    return this.#done.promise;
  }

  stop(): void {
    this.#isDone = true;
    this.#deadlines.clear(this.#deadline);
    if (this.#pause !== undefined) this.#deadlines.clear(this.#pause);
  }

  #turn(): void {
    if (this.#turns++ > 0) this.#readOwn();
    for (const { node, peer } of reachable(this.#cluster, this.#read.owners)) {
      this.#ask(node, peer, node);
    }
    if (this.#turns > 1 || this.#open.size === 0) this.#askStandIns();
    if (this.#isDone) return;
    this.#pause = this.#deadlines.set(this.#pauseMs, () => this.#turn());
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  #askStandIns(): void {
    const { isStrict, owners, partition } = this.#read;
    if (isStrict || this.#isDone || this.#standInsTurn === this.#turns) return;
    this.#standInsTurn = this.#turns;
    for (const { node, peer } of standInsFor(this.#cluster, partition, owners)) {
      if (peer !== undefined) this.#ask(node, peer, owners[0]!);
    }
  }

  /** @param owner whom the node stands in for, or itself: who names one is content with what there is */
  #ask(node: string, peer: PeerId, owner: string): void {
    if (this.#isDone || this.#open.has(node)) return;
    const { key, partition, timeoutMs } = this.#read;
    const cluster = this.#cluster;
    const compared = this.#found!;
    const message = [
      layoutOf(cluster).layout.id,
      partition,
      key,
      digestBytes(compared.object),
      owner,
    ];
    this.#open.add(node);
    cluster.rpc.ask([peer], METHODS.read, message, timeoutMs, (_peer, reply) => {
      this.#open.delete(node);
      if (this.#isDone) return;
      try {
        if (reply instanceof DenamoError) throw reply;
        const { floor, object } = cluster.rpc.readAnswer(peer, METHODS.read, reply, copyIn);
        this.#take(node, { object: object ?? compared.object, floor });
      } catch (error) {
        // Whatever is wrong with one copy, another may have what is looked for.
        if (!(error instanceof DenamoError)) throw error;
        learnFromRefusal(cluster, error);
      }
      if (this.#open.size === 0) this.#askStandIns();
    });
  }

  /** Reads what has come to this node meanwhile. */
  async #readOwn(): Promise<void> {
    const { key, owners, partition } = this.#read;
    try {
      const own = await this.#replica.read(partition, key);
      const floor = owners.includes(this.#cluster.self) ? this.#replica.floorOf(partition, key) : 0;
      if (!this.#isDone) this.#take(this.#cluster.self, { object: own, floor });
    } catch (error) {
      if (!(error instanceof DenamoError)) this.#done.reject(error);
    }
  }

  #take(node: string, copy: Copy): void {
    const isOwner = this.#read.owners.includes(node);
    this.#answers.set(node, { node, isOwner, ...copy });
    this.#found = mergeCopies([this.#found!, copy]);
    if (hasSeen(this.#found, this.#read.atLeast)) this.#succeed();
  }

  #succeed(): void {
    this.stop();
    this.#done.resolve({ copy: this.#found!, answers: [...this.#answers.values()] });
  }

  #fail(): void {
    this.stop();
    this.#done.reject(staleError(this.#read.key, this.#found!, this.#read.atLeast));
  }
}
