// A whole cluster in one process: machines, the network between them, and true time.
//
// Everything that is left to chance comes from streams of its own, so that a further draw in one place
// changes nothing in another. Each request is followed through the cluster: whatever is done on its account,
// on whichever node, finds the operation in `operation`. The nodes know nothing of that.

import { AsyncLocalStorage } from "node:async_hooks";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { storedKey } from "../../src/base/database_key.ts";
import { hash32 } from "../../src/base/hash.ts";
import type { Dot, HybridTime } from "../../src/causality/dot.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
import { decodeObject } from "../../src/crdt/object_codec.ts";
import type { Node } from "../../src/node/node.ts";
import type { PeerId } from "../../src/ports/network.ts";
import { partId } from "../../src/replica/parts.ts";
import { partitionOf } from "../../src/ring/partition.ts";
import { messageOf } from "../../src/wire/errors.ts";
import type { IncomingMessage } from "../../src/wire/message_codec.ts";
import { Dice } from "./dice.ts";
import { type Found, History, type Operation, type Write } from "./history.ts";
import { Hostility } from "./hostile/hostility.ts";
import { Links } from "./links.ts";
import { Machine, type Surroundings } from "./machine.ts";
import { MERGING_KEYS } from "./merging_client.ts";
import { kindsOf } from "./typed_client.ts";
import { KINDS } from "./typed_kinds.ts";
import { MembershipWatch } from "./membership_watch.ts";
import { MemoryWorld } from "./memory_network.ts";
import { copiesIn, isHostile, NAMESPACE_KINDS, namespaceOf, type SimOptions } from "./options.ts";
import { AnswerBook } from "./answer_book.ts";
import { absenceProblem } from "./oracles/absences.ts";
import { disksFor, durabilityProblem, placesTaken } from "./oracles/durable_acks.ts";
import { lifeProblem } from "./oracles/hostility.ts";
import { recoveryProblems } from "./oracles/recovery.ts";
import { siblingProblems } from "./oracles/siblings.ts";
import { damageProblem, understood } from "./oracles/wire.ts";
import { Pending } from "./pending.ts";
import { StandInBook } from "./stand_in_book.ts";
import { Trace } from "./trace.ts";
import { VirtualTime } from "./virtual_clock.ts";

/** The number of partitions: the fewest there may be. */
const PARTITIONS = 256;

/** A key as nodes know it. */
export interface Place {
  readonly bytes: Uint8Array;
  readonly partition: number;
}

export class World {
  readonly options: SimOptions;
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly network: MemoryWorld;
  readonly links: Links;
  readonly machines: readonly Machine[];
  readonly keys: readonly string[];
  /** The same with those whose values merge. */
  readonly allKeys: readonly string[];
  readonly history = new History();
  readonly membership: MembershipWatch;
  /** What all nodes are told. */
  readonly settings: Surroundings["settings"];
  /** Undefined in worlds in which nobody is hostile. */
  readonly hostility: Hostility | undefined;
  /** Peers that are none of the machines and that a story has let come. */
  readonly guests = new Set<PeerId>();
  /** The machines that clients turn to. */
  open: readonly Machine[];
  /** What happened that must never happen, in the order in which it was noticed. */
  readonly violations: string[] = [];
  readonly #pending = new Pending();
  readonly #mayStandIn: boolean;
  readonly #standIns = new StandInBook();
  readonly #answers = new AnswerBook();
  readonly #owners = new Map<string, readonly Machine[]>();
  readonly #places = new Map<string, Place>();
  /** Of the layout that was made when the world came up. */
  #layoutId: string | undefined;
  readonly #operation = new AsyncLocalStorage<Operation>();

  constructor(options: SimOptions, print?: (line: string) => void) {
    const { seed } = options;
    this.options = options;
    this.#mayStandIn = !options.isStrict && options.nodeCount > Math.min(...copiesIn(options));
    this.time = new VirtualTime(new Dice(seed, "lots").random);
    this.trace = new Trace(() => this.time.nowMs, print);
    const links = new Links(new Dice(seed, "network"), options.delayMs, options.publicationLoss);
    this.links = links;
    this.network = new MemoryWorld({
      clock: this.time.clock(),
      random: new Dice(seed, "redial").random,
      delayMs: (from, to) => links.delayMs(from, to),
      losesPublication: (from, to) => links.losesPublication(from, to),
      fate: (from, to) => links.fate(from, to),
      misspeaks: (from, bytes, isPublished) => this.hostility?.misspeaks(from, bytes, isPublished),
      tap: {
        sent: (from, to, bytes) => this.#follow(from, to, bytes),
        damaged: (bytes) => this.#observe(damageProblem(bytes)),
        arrives: (from, to) => this.membership.spoke(from, to),
        published: (from, bytes) => this.#followPublished(from, bytes),
        passedOn: (from) => (to) => this.membership.heardLate(from, to),
      },
    });
    this.keys = chooseKeys(options);
    const merging = options.mergingClientCount > 0 ? MERGING_KEYS : [];
    const typed = kindsOf(options).map((kind) => KINDS[kind].key);
    this.allKeys = [...this.keys, ...merging, ...typed];
    this.settings = this.#settings();
    const around: Surroundings = {
      time: this.time,
      network: this.network,
      trace: this.trace,
      settings: this.settings,
      random: (name, run) => new Dice(seed, `node ${name} ${run}`).random,
      witness: (machine, run) => ({
        coordinated: (write) => {
          const operation = this.#operation.getStore();
          if (operation === undefined) {
            return this.violation(`${machine.name} has drawn a dot that nobody asked for`);
          }
          const at = { node: machine.name, run, nowMs: this.time.nowMs };
          const { name } = this.history.drew(operation, write, at);
          this.trace.add(`${machine.name} draws ${name} for #${operation.id}`);
        },
        found: ({ object }) => {
          const operation = this.#operation.getStore();
          operation?.found.push({ node: machine.name, object });
        },
      }),
      died: (machine) => void this.#examine(machine),
      endedByItself: ({ name }, reason) => {
        const { hostility } = this;
        if (hostility === undefined) return;
        const problem = lifeProblem(name, reason, hostility.isClaimed(name));
        if (problem !== undefined) this.violation(problem);
      },
      violation: (what) => this.violation(what),
    };
    const clocks = new Dice(seed, "clocks");
    this.machines = nodeNames(options.nodeCount).map((name) => {
      const { clockOffsetMs, driftPpm, diskMs } = options;
      const face = {
        offsetMs: clocks.between(-clockOffsetMs / 2, clockOffsetMs / 2),
        rate: 1 + clocks.between(-driftPpm, driftPpm) / 1e6,
      };
      return new Machine(name, face, diskMs, around, new Dice(seed, `disk ${name}`));
    });
    this.open = this.machines;
    this.membership = new MembershipWatch(this);
    this.hostility = isHostile(options) ? new Hostility(this, PARTITIONS) : undefined;
  }

  /** Something must never happen, and has. */
  violation(what: string): void {
    this.trace.add(`VIOLATION ${what}`);
    this.violations.push(what);
  }

  get hasStrangers(): boolean {
    return isHostile(this.options);
  }

  strangerGoneMs(peer: PeerId): number | undefined {
    const { hostility } = this;
    if (this.guests.has(peer)) return 0;
    if (hostility?.isStranger(peer) !== true) return undefined;
    return hostility.endedAtMs === undefined ? 0 : this.time.nowMs - hostility.endedAtMs;
  }

  /** How many of the machines a node takes for up, itself included. */
  upCountAt(node: Node): number {
    if (this.hostility === undefined) return node.status().membersUp;
    const peers = new Set(this.machines.map(({ peerId }) => peerId));
    return node.members().filter(({ peerId, state }) => state === "up" && peers.has(peerId!))
      .length;
  }

  /** A request has ended: what must hold at this very moment is looked at here. */
  ended(operation: Operation): void {
    this.#pending.ended(operation);
    if (operation.kind === "get") {
      const floors = this.ownersOf(operation.key).map((owner) => {
        return this.floorOnDisk(owner, operation.key);
      });
      operation.floor = Math.max(...floors);
      const { invokedAtMs, key, node } = operation;
      const answered = this.#answers.answeredTo(node, key, invokedAtMs);
      const owners = this.ownersOf(key).map(({ name }) => name);
      this.#observe(absenceProblem(operation, owners, answered));
    }
    if (operation.outcome === "ok" && operation.writes.length + operation.found.length > 0) {
      const drawn = disksFor(operation.writes, (write) => this.#disksWith(write));
      const found = operation.found.map((it) => this.#disksThatCover(operation, it));
      this.#observe(durabilityProblem(operation, Math.max(drawn, ...found)));
    }
    const writeOf = (value: string) => this.history.writeOf(value);
    for (const problem of siblingProblems(operation, writeOf)) this.violation(problem);
  }

  /** Runs what a request does, wherever, on the account of `operation`. */
  onAccountOf<T>(operation: Operation, run: () => T): T {
    return this.#operation.run(operation, run);
  }

  /** What waits for what at this moment, in words. */
  pending(): string[] {
    const isCut = (from: PeerId, to: PeerId) => this.network.isCut(from, to);
    const open = this.#pending.describe(this.history.operations, this.time.nowMs, isCut);
    return [...open, ...this.machines.map((machine) => machine.describe())];
  }

  machine(name: string): Machine {
    return this.machines.find((machine) => machine.name === name)!;
  }

  /** The machines that own a key, once `learnOwners` has been called. */
  ownersOf(key: string): readonly Machine[] {
    return this.#owners.get(key)!;
  }

  /** The id of the layout, once `learnOwners` has been called. */
  get layoutId(): string | undefined {
    return this.#layoutId;
  }

  /** Asks a node that has a layout where the keys live. The layout of a world never changes. */
  learnOwners(node: Node): void {
    this.#layoutId = node.status().layoutId;
    for (const key of this.allKeys) {
      const { owners } = node.placement(utf8(key))!;
      this.#owners.set(key, owners.map((owner) => this.machine(owner)));
    }
  }

  /** The bytes of one of the keys. */
  bytesOf(key: string): Uint8Array {
    return this.placeOf(key).bytes;
  }

  /** What the disk of a machine holds of a key. */
  onDisk(machine: Machine, key: string): DataObject {
    const { bytes, partition } = this.placeOf(key);
    return machine.platter.heldOf(partition, bytes);
  }

  /** The bytes of a key and where it lies. */
  placeOf(key: string): Place {
    let place = this.#places.get(key);
    if (place === undefined) {
      const bytes = utf8(key);
      place = { bytes, partition: partitionOf(bytes, PARTITIONS) };
      this.#places.set(key, place);
    }
    return place;
  }

  /** Up to where the disk of a machine says that all has been seen of the part of a key. */
  floorOnDisk(machine: Machine, key: string): HybridTime {
    const { namespaces } = this.options;
    const kind = namespaceOf(key);
    const copies = kind === undefined ? 0 : namespaces[kind];
    return machine.platter.floorOf(partId({ partition: this.placeOf(key).partition, copies }));
  }

  #observe(problem: string | undefined): void {
    if (problem !== undefined) this.violation(problem);
  }

  /** What a node would find now on the disk of a machine whose process has died. */
  async #examine({ name, platter }: Machine): Promise<void> {
    const places = this.keys.map((key) => ({ key, partition: this.placeOf(key).partition }));
    try {
      for (const problem of await recoveryProblems(platter, places)) {
        this.violation(`On the disk of ${name} ${problem}`);
      }
    } catch (error) {
      this.violation(`The disk of ${name} cannot be judged: ${messageOf(error)}`);
    }
  }

  /** How many owners' places are taken by disks that have a write, or had it before they were exchanged. */
  #disksWith({ key, dot, node: coordinator, operation }: Write): number {
    const holders = this.machines.filter((machine) => {
      if (this.floorOnDisk(machine, key) >= dot.time) return true;
      if (this.onDisk(machine, key).timeOf(dot.actor) >= dot.time) return true;
      return this.#mayHaveLost(machine, key, operation.invokedAtMs);
    });
    return this.#placesTaken(holders, key, coordinator, dot);
  }

  /** The same of disks that have everything that a coordinator held. */
  #disksThatCover({ invokedAtMs, key }: Operation, { node, object }: Found): number {
    const seen = [...object.vector()].map(([actor, time]) => ({ actor, time }));
    const holders = this.machines.filter((machine) => {
      const floor = this.floorOnDisk(machine, key);
      const held = this.onDisk(machine, key);
      return seen.every(({ actor, time }) => Math.max(floor, held.timeOf(actor)) >= time) ||
        this.#mayHaveLost(machine, key, invokedAtMs);
    });
    const latest = seen.reduce((a, b) => b.time > a.time ? b : a, { actor: "", time: 0 });
    return this.#placesTaken(holders, key, node, latest);
  }

  /** Whether a disk was exchanged since, or something of a key has rotted that nobody has read again. */
  #mayHaveLost({ platter, replacedAtMs }: Machine, key: string, sinceMs: number): boolean {
    const { bytes, partition } = this.placeOf(key);
    if (replacedAtMs >= sinceMs) return true;
    return platter.isDamaged && platter.isUnreadable(partition, bytes);
  }

  #placesTaken(holders: readonly Machine[], key: string, coordinator: string, dot: Dot): number {
    const owners = this.ownersOf(key).map(({ name }) => name);
    return placesTaken(holders.map(({ name }) => name), (node) => {
      if (owners.includes(node)) return [node];
      if (!this.#mayStandIn) return [];
      return node === coordinator ? owners : this.#standIns.ownersFor(node, key, dot);
    });
  }

  /** Keeps the account of a message across the network, and learns what coordinators are answered. */
  #follow(from: PeerId, to: PeerId, bytes: Uint8Array): (deliver: () => void) => void {
    const operation = this.#operation.getStore();
    const message = this.#isHostile(from, bytes) ? undefined : this.#understand(from, to, bytes);
    if (this.#mayStandIn && message !== undefined) this.#standIns.sent(nameOfPeer(to), message);
    // What a member says wrongly is an answer, too.
    const meant = message ?? understood(bytes).message;
    if (meant !== undefined) this.#answers.sent(nameOfPeer(from), nameOfPeer(to), meant);
    const arrived = operation && this.#pending.sent(operation, from, to, this.time.nowMs);
    let isFirst = true;
    return (deliver) => {
      if (meant !== undefined) {
        this.#answers.arrived(nameOfPeer(from), nameOfPeer(to), meant, this.time.nowMs);
      }
      const what = `${from} > ${to} ${bytes.length} ${hash32(bytes).toString(16)}`;
      this.trace.add(operation === undefined ? what : `${what} for #${operation.id}`);
      if (operation === undefined) return deliver();
      arrived!(this.time.nowMs);
      if (isFirst && operation.kind === "delete" && operation.shown === undefined) {
        const coordinator = nameOfPeer(to);
        for (const object of readAnswers(message)) operation.answers.push({ coordinator, object });
      }
      isFirst = false;
      this.#operation.run(operation, deliver);
    };
  }

  /** A message that a node means. */
  #understand(from: PeerId, to: PeerId, bytes: Uint8Array): IncomingMessage | undefined {
    const { message, problem } = understood(bytes);
    this.#observe(problem);
    if (message !== undefined) this.hostility?.overhears(from, to, bytes, message);
    return message;
  }

  #followPublished(from: PeerId, bytes: Uint8Array): (to: PeerId) => void {
    if (this.#isHostile(from, bytes)) return () => {};
    this.hostility?.overhearsPublication(from, bytes);
    return this.membership.published(this.machine(nameOfPeer(from)), bytes);
  }

  /** Whether nobody who is to be judged has meant to say this. */
  #isHostile(from: PeerId, bytes: Uint8Array): boolean {
    const { hostility } = this;
    if (this.guests.has(from)) return true;
    return hostility !== undefined && (hostility.isStranger(from) || hostility.isWrong(bytes));
  }

  #settings(): Surroundings["settings"] {
    const { options } = this;
    const { apartBytes, cacheBytes, compareMs, forgetAfterMs, hintWindowMs, journalCount } =
      options;
    const { isStrict, maxAbsenceMs, r, replication, timeoutMs, w } = options;
    return {
      cluster: "sim",
      zone: "dc1/rack1",
      weight: 1,
      partitions: PARTITIONS,
      replication,
      defaults: { r, w, strict: isStrict, timeoutMs },
      namespaces: NAMESPACE_KINDS.map((kind) => ({
        prefix: `${kind}:`,
        n: options.namespaces[kind],
      }))
        .filter(({ n }) => n > 0),
      maxClockSkewMs: 1_000,
      heartbeatMs: 1_000,
      hintWindowMs,
      compareMs,
      forgetAfterMs,
      maxAbsenceMs,
      cacheBytes,
      journalCount,
      apartBytes,
      join: nodeNames(options.nodeCount).map((name) => `/memory/${name}`),
      doors: () => ({ http: undefined, resp: undefined }),
    };
  }
}

/** The peer ids of a machine are its name and a number. */
function nameOfPeer(peer: PeerId): string {
  return peer.replace(/-\d+$/, "");
}

function nodeNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `n${i + 1}`);
}

/** The database besides 0 that has keys where there are namespaces, which count in every one. */
const DATABASE = 3;

/** Keys of one partition, or of many. */
function chooseKeys({ keyCount, namespaces, sharesPartition }: SimOptions): string[] {
  // Keys of all namespaces that there are take turns, and then those of another database.
  const kinds = NAMESPACE_KINDS.filter((kind) => namespaces[kind] > 0);
  const plain = [...kinds.map((kind) => `${kind}:`), ""];
  const elsewhere = plain.map((prefix) => utf8Text(storedKey(DATABASE, utf8(prefix))));
  const prefixes = kinds.length === 0 ? plain : [...plain, ...elsewhere];
  const prefixAt = (i: number) => prefixes[i % prefixes.length]!;
  const keys: string[] = [`${prefixAt(0)}k0`];
  const first = partitionOf(utf8(keys[0]!), PARTITIONS);
  for (let i = 1; keys.length < keyCount; i++) {
    const key = `${prefixAt(keys.length)}k${i}`;
    if ((partitionOf(utf8(key), PARTITIONS) === first) === sharesPartition) keys.push(key);
  }
  return keys;
}

/** What an owner's answer to a read holds; every other message holds none. */
function readAnswers(message: IncomingMessage | undefined): (DataObject | undefined)[] {
  if (message?.kind !== "answer" || message.result.length > 2) return [];
  const [encoded, floor] = message.result;
  if (message.result.length === 2 && typeof floor !== "number") return [];
  return [encoded instanceof Uint8Array ? decodeObject(encoded.slice()) : undefined];
}
