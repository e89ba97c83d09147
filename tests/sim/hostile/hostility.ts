// All that is hostile in one world: strangers that come and go, members that are wrong now and then, forged contexts.
//
// It overhears what nodes say to each other, which is how it knows what to say. Nothing that it says belongs to a
// request of a client, and none of it is judged as what a node says.

import type { PeerId, Refusal } from "../../../src/ports/network.ts";
import { Namespaces } from "../../../src/replica/namespaces.ts";
import type { IncomingMessage } from "../../../src/wire/message_codec.ts";
import { Dice } from "../dice.ts";
import type { Machine } from "../machine.ts";
import type { World } from "../world.ts";
import { Forger } from "./forger.ts";
import { HostileWatch } from "./hostile_watch.ts";
import { alteredBytes, randomBytes } from "./nonsense.ts";
import { Overheard } from "./overheard.ts";
import { type Insight, Scribe } from "./scribe.ts";
import { Stranger } from "./stranger.ts";
import { WrongMember } from "./wrong_member.ts";

/** How many strangers there are at a time at the most. */
const MOST_STRANGERS = 3;

/** How long a peer lasts that is not let in, in milliseconds. */
const UNGREETED_MS = 2_000;

export class Hostility {
  readonly forger: Forger;
  readonly watch: HostileWatch;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #overheard: Overheard;
  readonly #scribe: Scribe;
  readonly #wrong: WrongMember;
  readonly #strangers = new Set<Stranger>();
  /** All that ever were, and what they called themselves. */
  readonly #peerIds = new Set<PeerId>();
  #endedAtMs: number | undefined;

  /** @param partitions of the layout that this world will have */
  constructor(world: World, partitions: number) {
    const { machines, options, settings } = world;
    this.#world = world;
    this.#dice = new Dice(options.seed, "hostile words");
    this.#overheard = new Overheard();
    const { defaults, namespaces } = settings;
    const insight: Insight = {
      overheard: this.#overheard,
      names: machines.map(({ name }) => name),
      peerIds: () => [...this.#peerIds, ...machines.map(({ peerId }) => peerId)],
      keys: world.keys.map((key) => world.placeOf(key)),
      layoutId: () => world.layoutId,
      partitions,
      settingsDigest: new Namespaces(defaults, namespaces).baseDigest(),
    };
    this.#scribe = new Scribe(insight, this.#dice);
    this.#wrong = new WrongMember(insight, this.#scribe, this.#dice);
    this.forger = new Forger(world, new Dice(options.seed, "forger"));
    this.watch = new HostileWatch(world, () => this.#peerIds.size);
  }

  /** Whether a peer is, or was, a stranger. */
  isStranger(peer: PeerId): boolean {
    return this.#peerIds.has(peer);
  }

  /** Whether a stranger that is there bears the name of a node. */
  isClaimed(name: string): boolean {
    return [...this.#strangers].some(({ names }) => names.node === name);
  }

  /** Whether a node has sent these very bytes and meant others, or none. */
  isWrong(bytes: Uint8Array): boolean {
    return this.#wrong.hasSaid(bytes);
  }

  /** A node has said something to another, or to a stranger. */
  overhears(from: PeerId, to: PeerId, bytes: Uint8Array, message: IncomingMessage): void {
    this.#overheard.message(from, to, bytes, message);
    const run = this.#machineOf(from)?.process?.run;
    if (message.kind === "request" && run !== undefined) {
      this.#wrong.counts(from, to, run, message.id);
    }
  }

  /** A node has published something. */
  overhearsPublication(from: PeerId, bytes: Uint8Array): void {
    this.#overheard.publication(from, bytes);
  }

  /** What a node sends or publishes in place of what it means; undefined for just that. */
  misspeaks(from: PeerId, bytes: Uint8Array, isPublished: boolean): Uint8Array | undefined {
    return this.#endedAtMs !== undefined
      ? undefined
      : this.#wrong.misspeaks(from, bytes, isPublished);
  }

  /** A stranger comes, goes, says something or publishes something. */
  stranger(): void {
    const dice = this.#dice;
    const some = [...this.#strangers];
    if (some.length === 0 || some.length < MOST_STRANGERS && dice.happens(0.05)) {
      return this.#come();
    }
    const stranger = dice.one(some);
    if (dice.happens(0.02)) return this.#go(stranger);
    if (dice.happens(0.7)) stranger.speak();
    else stranger.publish();
  }

  /** Somebody who is not let in calls, or refuses who has not called. */
  ungreeted(): void {
    const dice = this.#dice;
    const peerId = this.#newPeerId();
    if (dice.happens(0.5)) {
      const { name } = dice.one(this.#world.machines);
      const refusal: Refusal = this.#scribe.refusal();
      this.#tell(peerId, `refuses ${name} unasked: ${refusal.code} ${show(refusal.details)}`);
      return this.#world.network.refuse(peerId, `/memory/${name}`, refusal);
    }
    const name = this.#scribe.name();
    const right = this.#scribe.greeting(name, peerId, true);
    if (right === undefined) return;
    const words = dice.one<() => Uint8Array>([
      () => new Uint8Array(0),
      () => randomBytes(dice),
      () => alteredBytes(right, dice),
      () => right.slice(0, dice.below(right.length)),
    ])();
    const cluster = dice.happens(0.2) ? "another" : undefined;
    const caller = this.#stranger(peerId, name, () => words, cluster);
    this.#tell(peerId, `calls with ${words.length} bytes that are no greeting`);
    this.#world.time.after(UNGREETED_MS, () => caller.stop());
  }

  /** A stranger says again what was said before. */
  replay(): void {
    if (this.#strangers.size === 0) this.#come();
    else this.#dice.one([...this.#strangers]).repeat();
  }

  /** A member asks what makes no sense, or will say its next answer or heartbeat wrong. */
  wrongMember(): void {
    const running = this.#world.machines.filter(({ process }) => process?.state === "running");
    if (running.length < 2) return;
    const [machine, other] = this.#dice.some(running, 2);
    const what = this.#wrong.act(machine!, other!);
    if (what !== undefined) this.#world.trace.add(`${machine!.name} is wrong: ${what}`);
  }

  /** When all of it ended, in virtual milliseconds; undefined while it goes on. */
  get endedAtMs(): number | undefined {
    return this.#endedAtMs;
  }

  /** Ends all of it. */
  end(): void {
    this.#endedAtMs = this.#world.time.nowMs;
    for (const stranger of this.#strangers) stranger.stop();
    this.#strangers.clear();
    this.#world.trace.add("nobody is hostile any more");
  }

  #come(): void {
    const dice = this.#dice;
    const peerId = this.#newPeerId();
    const down = this.#world.machines.filter(({ process }) => process?.isAlive !== true);
    const names = [peerId.split("-")[0]!, this.#scribe.name(), ...down.map(({ name }) => name)];
    const name = dice.one(names);
    const first = this.#scribe.greeting(name, peerId, true);
    if (first === undefined) return;
    const isRight = dice.happens(0.8);
    const greeting = () => this.#scribe.greeting(name, peerId, isRight) ?? first;
    this.#tell(peerId, `comes as ${name}`);
    this.#strangers.add(this.#stranger(peerId, name, greeting));
  }

  #go(stranger: Stranger): void {
    this.#tell(stranger.names.peerId, "goes");
    stranger.stop();
    this.#strangers.delete(stranger);
  }

  #stranger(
    peerId: PeerId,
    node: string,
    greeting: () => Uint8Array,
    cluster = this.#world.settings.cluster,
  ): Stranger {
    const { machines, network } = this.#world;
    const isClaimed = machines.some(({ name }) => name === node);
    const stranger = new Stranger({ node, peerId, isClaimed }, greeting, {
      network,
      cluster,
      dice: this.#dice,
      scribe: this.#scribe,
      impossible: () => this.#wrong.request(),
      overheard: this.#overheard,
      tell: (what) => this.#tell(peerId, what),
    });
    stranger.start(machines.map(({ name }) => `/memory/${name}`));
    return stranger;
  }

  #newPeerId(): PeerId {
    const peerId = `x${this.#peerIds.size + 1}-1`;
    this.#peerIds.add(peerId);
    return peerId;
  }

  #tell(peerId: PeerId, what: string): void {
    this.#world.trace.add(`${peerId} ${what}`);
  }

  #machineOf(peer: PeerId): Machine | undefined {
    return this.#world.machines.find(({ peerId }) => peerId === peer);
  }
}

function show(details: Refusal["details"]): string {
  // Not every number is one to JSON.
  return Object.entries(details).map(([name, value]) => `${name} ${value}`).join(", ");
}
