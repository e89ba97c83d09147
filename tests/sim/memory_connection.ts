// One connection of the network in memory: two ends, and what is on its way between them.

import type { Clock } from "../../src/ports/clock.ts";
import type { Lane, PeerId } from "../../src/ports/network.ts";

/** How long a connection lives through a cut, in milliseconds. */
export const SILENCE_MS = 15_000;

/** How many bytes may wait for one peer and lane. */
const QUEUE_BYTES = { request: 16 * 1024 * 1024, bulk: 16 * 1024 * 1024 } as const;

/** Looks on while messages pass. */
export interface Tap {
  /** A message is sent. What this returns is given the delivery and carries it out. */
  sent(from: PeerId, to: PeerId, bytes: Uint8Array): (deliver: () => void) => void;
  /** A message arrives as these bytes, which are not those that were sent. */
  damaged?(bytes: Uint8Array): void;
  /** A node takes a message, as it was sent or damaged. */
  arrives?(from: PeerId, to: PeerId): void;
  /** A node publishes. What this returns is called for every peer that takes it. */
  published?(from: PeerId, bytes: Uint8Array): (to: PeerId) => void;
  /** The same for what somebody passes on that `from` has, or is said to have, published; called where it is taken. */
  passedOn?(from: PeerId): (to: PeerId) => void;
}

/**
 * What becomes of a message that would arrive now. All but the first are worse than the port allows: it
 * promises that messages arrive whole and in order or the connection breaks.
 */
export type Fate = "arrives" | "lost" | "repeated" | "overtaken" | "damaged";

/** What lies between the peers. */
export interface Paths {
  readonly clock: Clock;
  readonly tap: Tap | undefined;
  readonly delayMs: (from: PeerId, to: PeerId) => number;
  readonly fate: (from: PeerId, to: PeerId) => Fate;
  /** What a peer sends or publishes in place of what it means; undefined for just that. */
  readonly misspeaks: (
    from: PeerId,
    bytes: Uint8Array,
    isPublished: boolean,
  ) => Uint8Array | undefined;
  /** Makes of a message one that no node would send. */
  readonly damage: (bytes: Uint8Array) => Uint8Array;
  isCut(from: PeerId, to: PeerId): boolean;
  add(connection: MemoryConnection): void;
  remove(connection: MemoryConnection): void;
}

/** One side of a connection. */
export interface ConnectionEnd {
  readonly self: PeerId;
  deliver(connection: MemoryConnection, lane: Lane, bytes: Uint8Array): void;
  lose(connection: MemoryConnection, reason: string): void;
}

interface Waiting {
  readonly lane: Lane;
  readonly bytes: Uint8Array;
  readonly carry: ((deliver: () => void) => void) | undefined;
}

/** One connection: two ends, and what is on its way in each direction. */
export class MemoryConnection {
  readonly ends: readonly [ConnectionEnd, ConnectionEnd];
  readonly #paths: Paths;
  readonly #ways: readonly [Way, Way];
  #isOpen = true;

  constructor(paths: Paths, dialler: ConnectionEnd, other: ConnectionEnd) {
    this.#paths = paths;
    this.ends = [dialler, other];
    this.#ways = [new Way(), new Way()];
    paths.add(this);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  other(end: ConnectionEnd): ConnectionEnd {
    return this.ends[0] === end ? this.ends[1] : this.ends[0];
  }

  send(from: ConnectionEnd, lane: Lane, bytes: Uint8Array): boolean {
    const way = this.#way(from.self);
    if (way.bytes[lane] + bytes.length > QUEUE_BYTES[lane]) return false;
    way.bytes[lane] += bytes.length;
    const copy = this.#paths.misspeaks(from.self, bytes, false) ?? bytes.slice();
    const carry = this.#paths.tap?.sent(from.self, this.other(from).self, copy);
    way.waiting.push({ lane, bytes: copy, carry });
    this.#schedule(from, way);
    return true;
  }

  /** Delivers what waited for the end of a cut. */
  resume(from: PeerId): void {
    const way = this.#way(from);
    const end = this.ends[this.#ways.indexOf(way)]!;
    for (let i = way.scheduled; i < way.waiting.length; i++) this.#schedule(end, way);
  }

  /** Ends it for both sides; each hears of it when word could have reached it. */
  end(reason: string, first?: ConnectionEnd): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#paths.remove(this);
    for (const end of this.ends) {
      if (end === first) end.lose(this, reason);
      else this.#tell(end, reason);
    }
  }

  /** The peer of this id has heard nothing for too long. */
  silence(self: PeerId): void {
    const end = this.ends.find((it) => it.self === self)!;
    if (this.#isOpen) this.end("Nothing was heard", end);
    else end.lose(this, "Nothing was heard");
  }

  /** Word of the end does not pass a cut: then the silence tells. */
  #tell(end: ConnectionEnd, reason: string): void {
    const other = this.other(end);
    const { clock } = this.#paths;
    clock.after(this.#delay(other, end), () => {
      if (!this.#paths.isCut(other.self, end.self)) return end.lose(this, reason);
      clock.after(SILENCE_MS, () => end.lose(this, "Nothing was heard"));
    });
  }

  #way(from: PeerId): Way {
    return this.#ways[this.ends[0].self === from ? 0 : 1];
  }

  #delay(from: ConnectionEnd, to: ConnectionEnd): number {
    return this.#paths.delayMs(from.self, to.self);
  }

  /** One event per message, none before the one in front. */
  #schedule(from: ConnectionEnd, way: Way): void {
    const to = this.other(from);
    if (this.#paths.isCut(from.self, to.self)) return;
    const { clock } = this.#paths;
    const nowMs = clock.monotonic();
    way.lastAtMs = Math.max(way.lastAtMs, nowMs + this.#delay(from, to));
    way.scheduled++;
    clock.after(way.lastAtMs - nowMs, () => {
      way.scheduled--;
      if (!this.#isOpen || this.#paths.isCut(from.self, to.self)) return;
      this.#arrive(from, to, way);
    });
  }

  #arrive(from: ConnectionEnd, to: ConnectionEnd, way: Way): void {
    const fate = this.#paths.fate(from.self, to.self);
    const isOvertaken = fate === "overtaken" && way.waiting.length > 1;
    const [next] = way.waiting.splice(isOvertaken ? 1 : 0, 1);
    const { lane, bytes, carry } = next!;
    if (fate === "repeated") {
      way.waiting.push(next!);
      this.#schedule(from, way);
    } else {
      way.bytes[lane] -= bytes.length;
    }
    if (fate === "lost") return;
    if (fate === "damaged") {
      const damaged = this.#paths.damage(bytes);
      this.#paths.tap?.damaged?.(damaged);
      return to.deliver(this, lane, damaged);
    }
    const deliver = () => to.deliver(this, lane, bytes);
    if (carry === undefined) deliver();
    else carry(deliver);
  }
}

/** One direction of a connection. */
class Way {
  readonly waiting: Waiting[] = [];
  readonly bytes: Record<Lane, number> = { request: 0, bulk: 0 };
  scheduled = 0;
  lastAtMs = 0;
}
