// A peer that knows the name and the settings of a cluster, and is no member of its layout.
//
// Its process is the network and nothing behind it. It is let in by a greeting that is right, calls everybody, asks
// for everything, publishes what is not so, and answers with what is no answer or not at all. While it bears the name
// of a member that is away, it refuses to tell of data and of namespaces, and asks nothing that makes sense: those
// would be lies, and no node can know.

import { encode } from "@msgpack/msgpack";
import type { Lane, NetworkHandlers, PeerId, Refusal } from "../../../src/ports/network.ts";
import { DenamoError } from "../../../src/wire/errors.ts";
import {
  decodeMessage,
  encodeAnswer,
  encodeFailure,
  METHODS,
} from "../../../src/wire/message_codec.ts";
import type { Dice } from "../dice.ts";
import type { MemoryNetwork, MemoryWorld } from "../memory_network.ts";
import { noise } from "./nonsense.ts";
import type { Overheard } from "./overheard.ts";
import { isWrite, type MadeRequest, type Scribe } from "./scribe.ts";

/** What a stranger has to do with the world. */
export interface StrangerSurroundings {
  readonly network: MemoryWorld;
  /** The cluster that it says it is of. */
  readonly cluster: string;
  readonly dice: Dice;
  readonly scribe: Scribe;
  /** Makes a request that no member would. */
  readonly impossible: () => MadeRequest | undefined;
  readonly overheard: Overheard;
  /** Says what it does, for the reader of a trace. */
  readonly tell: (what: string) => void;
}

/** What a stranger calls itself. */
export interface StrangerNames {
  readonly node: string;
  readonly peerId: PeerId;
  /** Whether a node of the cluster has this name. */
  readonly isClaimed: boolean;
}

const MOST_ANSWER_MS = 2_000;

/** Requests that ask what a cluster is like, and not for its data. */
const OF_THE_CLUSTER: readonly number[] = [
  METHODS.probe,
  METHODS.probeFor,
  METHODS.fetchLayout,
  METHODS.fetchNamespaces,
  METHODS.fetchSealKeys,
];

/** What is taken from members only. */
const OF_MEMBERS: readonly number[] = [METHODS.fetchNamespaces, METHODS.fetchSealKeys];

/** How likely it refuses who calls it. */
const REFUSES = 0.2;

export class Stranger implements NetworkHandlers {
  readonly names: StrangerNames;
  readonly #around: StrangerSurroundings;
  readonly #network: MemoryNetwork;
  readonly #up = new Set<PeerId>();
  readonly #greeting: () => Uint8Array;
  #lastId = 0;
  #isOver = false;

  /** @param greeting its first words, each time */
  constructor(names: StrangerNames, greeting: () => Uint8Array, around: StrangerSurroundings) {
    this.names = names;
    this.#around = around;
    this.#greeting = greeting;
    const listen = `/memory/${names.peerId}`;
    const { cluster, network } = around;
    this.#network = network.network({ self: names.peerId, cluster, listen });
    this.#network.overhears = (publication) => around.overheard.signed(publication);
  }

  /** Begins to listen, and calls those who listen at these addresses. */
  start(addresses: readonly string[]): void {
    void this.#network.start(this);
    for (const address of addresses) this.#network.keepConnected([address]);
  }

  stop(): void {
    this.#isOver = true;
    void this.#network.stop();
  }

  greeting(): Uint8Array {
    return this.#greeting();
  }

  admit(): Refusal | undefined {
    const { dice, scribe, tell } = this.#around;
    if (!dice.happens(REFUSES)) return undefined;
    const refusal = scribe.refusal();
    tell(`refuses with ${refusal.code} ${JSON.stringify(refusal.details)}`);
    return refusal;
  }

  peerUp(peer: PeerId): void {
    this.#up.add(peer);
  }

  peerDown(peer: PeerId): void {
    this.#up.delete(peer);
  }

  refusedBy(): void {}

  published(): void {}

  message(from: PeerId, lane: Lane, bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if (message.kind !== "request") return;
    const { dice, network, scribe } = this.#around;
    const { id, method } = message;
    const isAnswered = dice.happens(0.7) && OF_THE_CLUSTER.includes(method) &&
      !(this.names.isClaimed && OF_MEMBERS.includes(method));
    const answer = isAnswered ? scribe.answer(method) : scribe.failure();
    const isSilent = dice.happens(method === METHODS.fetchLayout ? 0.05 : 0.3);
    network.clock.after(dice.one([0, 10, MOST_ANSWER_MS]), () => {
      if (isSilent || this.#isOver) return;
      this.#send(
        from,
        lane,
        answer instanceof DenamoError
          ? encodeFailure(id, answer)
          : encodeAnswer(id, answer).slice(),
      );
    });
  }

  /** Says something to somebody: a request of any kind, an answer to nothing, or noise. */
  speak(): void {
    const { dice, impossible, scribe, tell } = this.#around;
    const to = this.#someone();
    if (to === undefined) return;
    const lane = dice.happens(0.9) ? "request" : "bulk";
    if (dice.happens(0.1)) {
      tell(`makes noise at ${to}`);
      return this.#send(to, lane, noise(dice));
    }
    if (dice.happens(0.05) && !this.names.isClaimed) {
      tell(`answers ${to} what it has not asked`);
      return this.#send(to, lane, encodeAnswer(dice.below(1_000), [scribe.layout()]));
    }
    const made = this.names.isClaimed ? impossible() : scribe.request();
    if (made === undefined) return;
    const { args, method } = made;
    tell(`asks ${to} ${nameOf(method)}`);
    this.#send(
      to,
      lane,
      encode([0, this.#nextId(), method, dice.one([0, 1_000, 2 ** 40]), ...args]),
    );
  }

  /** Publishes a heartbeat of its own or of another. */
  publish(): void {
    const { dice, scribe, tell } = this.#around;
    const { node, peerId } = this.names;
    const heartbeat = scribe.heartbeat(dice.happens(0.7) ? node : scribe.name(), peerId);
    if (heartbeat === undefined) return;
    tell("publishes");
    this.#network.publish(heartbeat);
  }

  /** Says again what was said by others. */
  repeat(): void {
    const { dice, overheard, tell } = this.#around;
    if (dice.happens(0.3)) return this.#repeatPublication();
    // Whose name it bears may have been asked under that number.
    const isAnswer = dice.happens(0.1) && !this.names.isClaimed;
    const said = isAnswer ? overheard.answer(dice) : overheard.request(dice);
    if (said === undefined || said.request !== undefined && isWrite(said.request)) return;
    const to = this.#up.has(said.to) && dice.happens(0.7) ? said.to : this.#someone();
    if (to === undefined) return;
    const { bytes, request } = said;
    tell(`repeats to ${to} ${request === undefined ? "an answer" : nameOf(request.method)}`);
    if (request === undefined) return this.#send(to, "request", bytes);
    const { arguments: args, method, timeoutMs } = request;
    this.#send(to, "request", encode([0, this.#nextId(), method, timeoutMs, ...args]));
  }

  /** As its own, as what it was, or as that with something else in it. */
  #repeatPublication(): void {
    const { dice, overheard, scribe, tell } = this.#around;
    const published = overheard.oneSigned(dice);
    if (published === undefined) return;
    const { bytes, from } = published;
    tell(`passes on what ${from} published`);
    const forged = scribe.heartbeat(scribe.name(), from) ?? bytes;
    dice.one([
      () => this.#network.publish(bytes),
      () => this.#network.passOn(published),
      () => this.#network.passOn({ from, bytes: forged }),
    ])();
  }

  #send(to: PeerId, lane: Lane, bytes: Uint8Array): void {
    this.#network.send(to, lane, bytes);
  }

  #someone(): PeerId | undefined {
    return this.#up.size === 0 ? undefined : this.#around.dice.one([...this.#up]);
  }

  #nextId(): number {
    return this.#around.dice.happens(0.01) ? 2 ** 53 - 1 : ++this.#lastId;
  }
}

function nameOf(method: number): string {
  return Object.entries(METHODS).find(([, number]) => number === method)?.[0] ?? String(method);
}
