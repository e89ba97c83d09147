// What a node answers as an owner: store this, is this what you hold, what keys are there.
//
// Every request names the layout under which it was made. A node that has another one, or is no owner of
// the key, refuses and names its layout. A node that is no owner stores
// and reads what it keeps for an owner that cannot be reached, if the request names that owner.

import { EMPTY } from "../base/bytes.ts";
import { MalformedError } from "../base/malformed.ts";
import { DataObject } from "../crdt/data_object.ts";
import { decodeObject } from "../crdt/object_codec.ts";
import { decodeDelta } from "../crdt/object_delta.ts";
import type { Layout } from "../ring/layout.ts";
import { partitionOf } from "../ring/partition.ts";
import type { Placement } from "../ring/placement.ts";
import { MAX_FLOOR } from "../causality/dot.ts";
import type { PeerId } from "../ports/network.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { type IncomingRequest, METHODS } from "../wire/message_codec.ts";
import { readCarried } from "../wire/nonsense.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { Filling } from "./filling.ts";
import type { HandOff } from "./hand_off.ts";
import type { Namespaces } from "./namespaces.ts";
import { checkOwns, type NodeOf } from "./owners_only.ts";
import type { Replica } from "./replica.ts";

/** How much of one key goes into the answer to a scan, in bytes. */
const SKELETON_BYTES = 4096;

/** The layout that a node works by, if it has one. */
export type LayoutSource = () =>
  | { readonly layout: Layout; readonly placement: Placement; readonly encoded: Uint8Array }
  | undefined;

export class ReplicaService {
  readonly #self: string;
  readonly #replica: Replica;
  readonly #namespaces: Namespaces;
  readonly #layout: LayoutSource;
  readonly #handOff: HandOff;
  readonly #filling: Filling;
  readonly #nodeOf: NodeOf;

  constructor(
    self: string,
    replica: Replica,
    namespaces: Namespaces,
    layout: LayoutSource,
    handOff: HandOff,
    filling: Filling,
    nodeOf: NodeOf,
  ) {
    this.#self = self;
    this.#replica = replica;
    this.#namespaces = namespaces;
    this.#layout = layout;
    this.#handOff = handOff;
    this.#filling = filling;
    this.#nodeOf = nodeOf;
  }

  /** Begins to answer. */
  register(rpc: Rpc): void {
    rpc.serve(METHODS.store, (request) => this.#store(request));
    rpc.serve(METHODS.storeDelta, (request) => this.#storeDelta(request));
    rpc.serve(METHODS.read, (request) => this.#read(request));
    rpc.serve(METHODS.level, (request, from) => this.#level(request, from));
    rpc.serve(METHODS.scan, (request) => this.#scan(request));
  }

  /** `[layout, partition, key, object]`, and the owner for whom this node shall stand in, if it shall. */
  async #store(request: IncomingRequest): Promise<readonly unknown[]> {
    const args = new Arguments(request.arguments, "store request");
    const { isOwner, key, partition } = this.#place(args);
    const bytes = args.ownBytes(LIMITS.objectInParts);
    const owner = isOwner ? undefined : this.#ownerIn(args, partition);
    const object = readCarried(() => decodeObject(bytes));
    if (owner === undefined) await this.#replica.merge(partition, key, object);
    else await this.#handOff.keep(owner, partition, key, object);
    return [];
  }

  /** As {@linkcode ReplicaService.#store}, with a delta in place of the object. */
  async #storeDelta(request: IncomingRequest): Promise<readonly unknown[]> {
    const args = new Arguments(request.arguments, "store request");
    const { isOwner, key, partition } = this.#place(args);
    const bytes = args.ownBytes(LIMITS.objectInParts);
    const owner = isOwner ? undefined : this.#ownerIn(args, partition);
    const delta = readCarried(() => decodeDelta(bytes));
    if (owner === undefined) await this.#replica.mergeDelta(partition, key, delta);
    else await this.#handOff.keep(owner, partition, key, delta);
    return [];
  }

  /**
   * `[layout, partition, key, object, floor]`: what an owner holds, nil for nothing, and its floor. It is taken at its
   * word only as far as this owner has agreed: what is written here and not there may be news above that.
   */
  async #level(request: IncomingRequest, from: PeerId): Promise<readonly unknown[]> {
    const args = new Arguments(request.arguments, "level request");
    const { copies, isOwner, key, partition, placement } = this.#place(args);
    if (!isOwner) throw this.#noOwner(partition);
    checkOwns(placement, this.#nodeOf(from), partition, copies);
    const bytes = args.optional((part) => part.ownBytes(LIMITS.objectInParts));
    const said = args.count(MAX_FLOOR);
    const fence = this.#replica.fenceOf(partition, key);
    if (said > fence && said > this.#replica.furthest) {
      throw new MalformedError("level request", `no clock has come to a floor of ${said}`);
    }
    const floor = Math.min(said, fence);
    const object = bytes === undefined ? DataObject.empty : readCarried(() => decodeObject(bytes));
    await this.#replica.level(partition, key, object, floor);
    return [];
  }

  /** Answers with the object, nil for one that is known by its digest, and the floor if there is one. */
  #read(request: IncomingRequest): readonly unknown[] | Promise<readonly unknown[]> {
    const args = new Arguments(request.arguments, "read request");
    const { copies, isOwner, key, partition } = this.#place(args);
    const digest = args.optional((part) => part.bytes(8));
    // Who names an owner, or itself, makes do with what is here.
    const isModest = args.optional((part) => part.text(LIMITS.nodeName)) !== undefined;
    if (!isModest) this.#checkFilledOwner(isOwner, partition, copies);
    const held = this.#replica.read(partition, key);
    const answer = (object: DataObject) => {
      // Who does not own the key has not seen everything of it.
      const floor = isOwner ? this.#replica.floorOf(partition, key) : 0;
      const told = isSame(object, digest) ? null : object.encoded();
      return floor === 0 ? [told] : [told, floor];
    };
    return held instanceof Promise ? held.then(answer) : answer(held);
  }

  /**
   * Answers with `[partition, key, skeleton]` in order, fewer than the limit meaning that was all, and a list of the
   * floors: a partition, its floor, and so on. The skeleton is nil for what cannot be read, and empty for what is
   * too large to be sent along.
   */
  async #scan(request: IncomingRequest): Promise<readonly unknown[]> {
    const args = new Arguments(request.arguments, "scan request");
    this.#checkLayout(args.text());
    const from = args.count(65_535);
    const until = args.count(65_535);
    const after = args.optional((part) => part.ownBytes(LIMITS.key));
    const prefix = args.optional((part) => part.ownBytes(LIMITS.key));
    const limit = args.count(LIMITS.scanPageCount);
    this.#checkFilled(from, until, prefix);
    // The floors first: what is forgotten while the keys are read is below a floor that was not told.
    const floors = this.#replica.floorsOf(from, until);
    const entries = await this.#replica.scan({ partition: from, after }, until, prefix, limit);
    const found = entries.map(({ partition, key, object }) => {
      if (object === undefined) return [partition, key, null];
      const isLarge = object.valuesBytes > SKELETON_BYTES;
      return [partition, key, isLarge ? EMPTY : object.skeleton().encoded()];
    });
    return [found, [...floors].flat()];
  }

  #place(args: Arguments) {
    const current = this.#checkLayout(args.text());
    const partition = args.count(current.layout.partitions - 1);
    const key = args.ownBytes(LIMITS.key);
    // A record in a wrong partition would be found by nobody, and hide in the journal what is in the right one.
    if (partitionOf(key, current.layout.partitions) !== partition) {
      throw new MalformedError("request", `its key does not lie in partition ${partition}`);
    }
    const { n: copies } = this.#namespaces.of(key);
    const { placement } = current;
    const isOwner = placement.isOwner(this.#self, partition, copies);
    return { copies, isOwner, key, partition, placement };
  }

  /** The owner for whom a node that is none stands in. */
  #ownerIn(args: Arguments, partition: number): string {
    const owner = args.optional((part) => part.text(LIMITS.nodeName));
    if (owner === undefined) throw this.#noOwner(partition);
    if (this.#layout()!.placement.members.has(owner)) return owner;
    throw new DenamoError("not_allowed", "no", `${owner} owns nothing that could be kept for it`);
  }

  #checkFilledOwner(isOwner: boolean, partition: number, copies: number | undefined): void {
    if (!isOwner) throw this.#noOwner(partition);
    const problem = this.#filling.problem(partition, copies);
    if (problem !== undefined) throw problem;
  }

  /** Who scans takes the answer for all that this node owns of these partitions. */
  #checkFilled(from: number, until: number, prefix: Uint8Array | undefined): void {
    if (!this.#filling.isActive) return;
    const numbers = new Set(this.#namespaces.within(prefix ?? EMPTY).map(({ n }) => n));
    for (let partition = from; partition <= until; partition++) {
      for (const copies of numbers) {
        const problem = this.#filling.problem(partition, copies);
        if (problem !== undefined) throw problem;
      }
    }
  }

  #noOwner(partition: number): DenamoError {
    const message = `${this.#self} does not own partition ${partition}`;
    return new DenamoError("wrong_layout", "no", message, { layoutId: this.#layout()!.layout.id });
  }

  #checkLayout(id: string) {
    const current = this.#layout();
    if (current === undefined) {
      throw new DenamoError("not_ready", "no", `${this.#self} has no layout`);
    }
    if (current.layout.id === id) return current;
    throw new DenamoError("wrong_layout", "no", `${this.#self} has layout ${current.layout.id}`, {
      layoutId: current.layout.id,
    });
  }
}

function isSame(held: DataObject, digest: Uint8Array | undefined): boolean {
  if (digest === undefined || digest.length !== 8) return false;
  const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength);
  return view.getBigUint64(0) === held.digest();
}
