// Watches who calls whom what in a world, and has it judged: a look at all machines once a second, and an ear at
// everything that nodes publish.
//
// A look is no event of the world, lest it change what happens by being there.

import { decodeHeartbeat } from "../../src/membership/heartbeat.ts";
import type { PeerId } from "../../src/ports/network.ts";
import type { Machine } from "./machine.ts";
import type { MemoryWorld } from "./memory_network.ts";
import { type Heard, MembershipOracle, type Published, type Sight } from "./oracles/membership.ts";
import type { VirtualTime } from "./virtual_clock.ts";

const LOOK_EVERY_MS = 1_000;

/** How many heartbeats out of turn strangers can make a node publish within the time for which they are counted. */
const MADE_BY_STRANGERS = 2;

/** What is watched. */
export interface Watched {
  readonly time: VirtualTime;
  readonly network: MemoryWorld;
  readonly machines: readonly Machine[];
  readonly hasStrangers: boolean;
  /** For how long a stranger has been gone for good, 0 while it may be there; undefined for every other peer. */
  strangerGoneMs(peer: PeerId): number | undefined;
  violation(what: string): void;
}

export class MembershipWatch {
  /** Whether everything was healed and found whole. */
  isHealed = false;
  readonly #oracle: MembershipOracle;
  readonly #watched: Watched;
  readonly #heard = new Map<PeerId, Map<PeerId, Heard>>();

  constructor(watched: Watched) {
    this.#watched = watched;
    this.#oracle = new MembershipOracle(watched.hasStrangers ? MADE_BY_STRANGERS : 0);
    watched.time.watch(LOOK_EVERY_MS, () => this.#look());
  }

  /** A machine publishes a heartbeat. What this returns is to be called for every peer that it arrives at. */
  published(machine: Machine, bytes: Uint8Array): (to: PeerId) => void {
    const { incarnation, node, peerId } = decodeHeartbeat(bytes);
    const { replacedAtMs } = machine;
    const sent: Published = { node, run: machine.process!.run, disk: replacedAtMs, incarnation };
    const { time } = this.#watched;
    this.#report(this.#oracle.published(sent, time.nowMs));
    return (to) => {
      this.#heardOf(peerId, to).heartbeatAtMs = time.nowMs;
      this.#report(this.#oracle.arrived(sent));
    };
  }

  /** Something arrives that a peer has published long ago, and another has passed on: whoever takes it has heard of it. */
  heardLate(from: PeerId, to: PeerId): void {
    this.#heardOf(from, to).heartbeatAtMs = this.#watched.time.nowMs;
  }

  /** A message arrives. */
  spoke(from: PeerId, to: PeerId): void {
    this.#heardOf(from, to).wordAtMs = this.#watched.time.nowMs;
  }

  #heardOf(from: PeerId, to: PeerId): Heard {
    const all = this.#heardAt(to);
    let heard = all.get(from);
    if (heard === undefined) {
      all.set(from, heard = { heartbeatAtMs: -Infinity, wordAtMs: -Infinity });
    }
    return heard;
  }

  #heardAt(peer: PeerId): Map<PeerId, Heard> {
    let heard = this.#heard.get(peer);
    if (heard === undefined) this.#heard.set(peer, heard = new Map());
    return heard;
  }

  #look(): void {
    const { machines, time } = this.#watched;
    const sights = machines.map((machine) => this.#sightOf(machine));
    this.#report(this.#oracle.look(sights, this.isHealed, time.nowMs));
  }

  #sightOf(machine: Machine): Sight {
    const { name, node, peerId, process } = machine;
    const others = this.#watched.machines.filter((other) => other !== machine);
    const { network } = this.#watched;
    const isRunning = process?.state === "running" && node !== undefined;
    return {
      name,
      peerId,
      state: isRunning ? "running" : stateOf(machine),
      life: `${process?.run} ${process?.pauseCount}`,
      isMute: others.every((other) => network.isCut(peerId, other.peerId)),
      cutCount: others.reduce((sum, other) => sum + network.cutCount(peerId, other.peerId), 0),
      heard: this.#heardAt(peerId),
      says: isRunning ? this.#wordsOf(machine) : undefined,
    };
  }

  #wordsOf({ name, node }: Machine): Sight["says"] {
    const views = node!.members();
    const own = views.find((view) => view.isSelf)!;
    const others = views.filter((view) => view.node !== name);
    return {
      incarnation: own.incarnation,
      isInDoubt: own.because !== "it was asked",
      others: others.map((view) => {
        const { peerId } = view;
        const strangerGoneMs = peerId === undefined
          ? undefined
          : this.#watched.strangerGoneMs(peerId);
        return strangerGoneMs === undefined ? view : { ...view, strangerGoneMs };
      }),
    };
  }

  #report(problems: readonly string[]): void {
    for (const problem of problems) this.#watched.violation(problem);
  }
}

function stateOf({ process }: Machine): Sight["state"] {
  if (process?.isAlive !== true) return "ended";
  return process.state === "paused" ? "paused" : "starting";
}
