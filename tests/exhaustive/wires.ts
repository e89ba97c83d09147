// The network of a small world: messages wait in order until somebody lets them arrive.
//
// Between two running nodes there is one link. Each end learns by itself that the link is open ("meets") and
// that it has ended ("loses"). What was sent over it arrives in the order sent, one event per message. When a
// process dies, what was on its way to it is gone; what it sent arrives still, until the other end learns of
// the end of the link, which it may at any moment: then the rest is lost. A new link is made once both ends
// are there and neither keeps an old one. Publications are lost, which the port allows: nodes know each other
// by their greetings.

import type { Lane, Network, NetworkHandlers, PeerId } from "../../src/ports/network.ts";
import type { Agenda } from "./agenda.ts";

/** Looks on while messages pass. What it returns is given the delivery and carries it out. */
export type Follow = (from: PeerId, to: PeerId, bytes: Uint8Array) => (deliver: () => void) => void;

/** Everything between the nodes. */
export class Wires {
  readonly agenda: Agenda;
  readonly follow: Follow;
  readonly #running = new Map<PeerId, WiredNetwork>();
  readonly #linkCounts = new Map<string, number>();

  constructor(agenda: Agenda, follow: Follow) {
    this.agenda = agenda;
    this.follow = follow;
  }

  /** Makes the network of one run of a node's process. */
  network(self: PeerId, node: string): WiredNetwork {
    return new WiredNetwork(this, self, node);
  }

  /** A node listens from now on. */
  started(network: WiredNetwork): void {
    this.#running.set(network.self, network);
    for (const other of this.#running.values()) if (other !== network) this.link(network, other);
  }

  ended(network: WiredNetwork): void {
    this.#running.delete(network.self);
  }

  running(peer: PeerId): WiredNetwork | undefined {
    return this.#running.get(peer);
  }

  /** Makes a link of two running nodes unless one of them has not heard of the end of the last one. */
  link(one: WiredNetwork, other: WiredNetwork): void {
    if (one.links.has(other.self) || other.links.has(one.self)) return;
    const pair = [one.node, other.node].sort().join(" ");
    const count = (this.#linkCounts.get(pair) ?? 0) + 1;
    this.#linkCounts.set(pair, count);
    const link = new Link(this, one, other, count);
    one.links.set(other.self, link);
    other.links.set(one.self, link);
    link.open();
  }
}

/** One node's network. */
export class WiredNetwork implements Network {
  readonly self: PeerId;
  readonly node: string;
  /** By peer, links that are open or about to be, as far as this end knows. */
  readonly links = new Map<PeerId, Link>();
  readonly #wires: Wires;
  #handlers: NetworkHandlers | undefined;

  constructor(wires: Wires, self: PeerId, node: string) {
    this.#wires = wires;
    this.self = self;
    this.node = node;
  }

  get handlers(): NetworkHandlers {
    return this.#handlers!;
  }

  addresses(): readonly string[] {
    return [`/memory/${this.node}/p2p/${this.self}`];
  }

  start(handlers: NetworkHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#wires.started(this);
    return Promise.resolve();
  }

  keepConnected(): void {}

  forget(peer: PeerId): void {
    this.reset(peer);
  }

  reset(peer: PeerId): void {
    if (!this.links.has(peer)) return;
    throw new Error(`In a small world nobody has a reason to close a connection to ${peer}`);
  }

  send(to: PeerId, lane: Lane, bytes: Uint8Array): boolean {
    const link = this.links.get(to);
    if (link === undefined || !link.isOpenAt(this)) return false;
    link.send(this, lane, bytes.slice());
    return true;
  }

  publish(): void {}

  /** The process ends, in whatever way. */
  stop(): Promise<void> {
    this.#wires.ended(this);
    for (const link of this.links.values()) link.die(this);
    this.links.clear();
    return Promise.resolve();
  }
}

/** One end of a link. */
interface End {
  readonly network: WiredNetwork;
  isOpen: boolean;
  /** What is on its way to this end. */
  readonly waiting: Record<Lane, Message[]>;
}

interface Message {
  readonly name: string;
  readonly arrive: () => void;
}

const LANES: readonly Lane[] = ["request", "bulk"];

/** One connection, from the start of both processes to the end of one of them. */
class Link {
  readonly #wires: Wires;
  readonly #ends: readonly [End, End];
  readonly #number: number;
  readonly #sentCounts = new Map<End, number>();

  constructor(wires: Wires, one: WiredNetwork, other: WiredNetwork, number: number) {
    this.#wires = wires;
    this.#number = number;
    this.#ends = [endOf(one), endOf(other)];
  }

  isOpenAt(network: WiredNetwork): boolean {
    return this.#endOf(network).isOpen;
  }

  /** Both ends may learn of it. */
  open(): void {
    for (const end of this.#ends) {
      this.#wires.agenda.add({
        name: this.#name(end, "meets"),
        place: end.network.node,
        kind: "link",
        happen: () => this.#meet(end),
      });
    }
  }

  send(from: WiredNetwork, lane: Lane, bytes: Uint8Array): void {
    const to = this.#other(this.#endOf(from));
    if (!to.network.links.has(from.self)) return;
    const count = (this.#sentCounts.get(to) ?? 0) + 1;
    this.#sentCounts.set(to, count);
    const carry = this.#wires.follow(from.self, to.network.self, bytes);
    const message: Message = {
      name: `${from.node} > ${to.network.node} ${this.#number}.${count}`,
      arrive: () => carry(() => to.network.handlers.message(from.self, lane, bytes)),
    };
    to.waiting[lane].push(message);
    if (to.isOpen && to.waiting[lane].length === 1) this.#announce(to, lane);
  }

  /** The process at one end is no more. */
  die(network: WiredNetwork): void {
    const { agenda } = this.#wires;
    const end = this.#endOf(network);
    this.#drop(end);
    agenda.remove(this.#name(end, "meets"));
    agenda.remove(this.#name(end, "loses"));
    const other = this.#other(end);
    if (other.network.links.get(network.self) !== this) return;
    if (other.isOpen) {
      agenda.add({
        name: this.#name(other, "loses"),
        place: other.network.node,
        kind: "link",
        happen: () => this.#lose(other),
      });
    } else {
      agenda.remove(this.#name(other, "meets"));
      other.network.links.delete(network.self);
    }
  }

  #meet(end: End): void {
    const other = this.#other(end).network;
    const refusal = end.network.handlers.admit(other.self, other.handlers.greeting(), true);
    if (refusal !== undefined) throw new Error(`${end.network.node} refuses: ${refusal.message}`);
    end.isOpen = true;
    end.network.handlers.peerUp(other.self);
    for (const lane of LANES) if (end.waiting[lane].length > 0) this.#announce(end, lane);
  }

  #lose(end: End): void {
    const { self } = this.#other(end).network;
    this.#drop(end);
    end.network.links.delete(self);
    end.network.handlers.peerDown(self, "The other process has ended");
    const successor = this.#wires.running(self);
    if (successor !== undefined) this.#wires.link(end.network, successor);
  }

  #announce(to: End, lane: Lane): void {
    const message = to.waiting[lane][0]!;
    this.#wires.agenda.add({
      name: message.name,
      place: to.network.node,
      kind: "message",
      happen: () => {
        to.waiting[lane].shift();
        if (to.waiting[lane].length > 0) this.#announce(to, lane);
        message.arrive();
      },
    });
  }

  /** What is on its way to an end will never arrive. */
  #drop(end: End): void {
    end.isOpen = false;
    for (const lane of LANES) {
      const [head] = end.waiting[lane].splice(0);
      if (head !== undefined) this.#wires.agenda.remove(head.name);
    }
  }

  #name(end: End, verb: "meets" | "loses"): string {
    return `${end.network.node} ${verb} ${this.#other(end).network.node} ${this.#number}`;
  }

  #endOf(network: WiredNetwork): End {
    return this.#ends[0].network === network ? this.#ends[0] : this.#ends[1];
  }

  #other(end: End): End {
    return this.#ends[0] === end ? this.#ends[1] : this.#ends[0];
  }
}

function endOf(network: WiredNetwork): End {
  return { network, isOpen: false, waiting: { request: [], bulk: [] } };
}
