// Asking whether a member lives: it, and if it does not answer, others that may reach it.
//
//   we ── are you there? ──> n2        no answer in 500 ms, or no connection to ask over:
//   we ── do you reach n2? ──> n4 ── are you there? ──> n2     the same through n3 and n5
//
// A single yes ends it: who answers anybody lives. Otherwise the no of each of the others counts as a witness,
// and whoever has said nothing counts as nothing. The times are chosen so that a suspicion after 2.8 s of
// silence is a verdict before five seconds are over.
//
// The question is of a peer and not of a name. A node whose key was lost with its disk is another peer by the same
// name, and those who have let it in reach that name: from their yes we would take the former peer for a
// live one, and refuse its successor for as long as that answers.
//
// Source: Das, Gupta, Motivala: "SWIM", DSN 2002, section 3.1.

import type { PeerId } from "../ports/network.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError } from "../wire/errors.ts";
import { METHODS } from "../wire/message_codec.ts";
import { LIMITS } from "../wire/limits.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { Reach } from "./evidence.ts";
import { HEARTBEAT_LIMITS } from "./heartbeat.ts";
import type { Target } from "./member.ts";

/** How long a member may take to answer us, and another node in our place. */
const DIRECT_MS = 500;
const IN_OUR_PLACE_MS = 400;

/** How long the others may take to tell: their own question, and the way to and fro. */
const THROUGH_OTHERS_MS = 800;

/** How many others are asked. */
const OTHERS = 3;

/** What came of a probe: `answered` if the member itself has said something. */
export type ProbeOutcome = "answered" | Reach;

/** Asks about members. Called by the judge of the heartbeats. */
export interface Prober {
  /** Calls `done` once, with what came of it. */
  probe(target: Target, done: (outcome: ProbeOutcome) => void): void;
}

/** What probes must know of the members. */
export interface Members {
  /** Those that are up by our own judgement, in any order that stays the same. */
  upMembers(): readonly Target[];
  /** The name that a peer bears. */
  nodeOf(peerId: PeerId): string | undefined;
}

export class Probes implements Prober {
  readonly #rpc: Rpc;
  readonly #members: Members;
  /** Whose turn it is to be asked about another. */
  #turn = 0;

  /** Serves the questions of others from the moment it is made. */
  constructor(rpc: Rpc, members: Members) {
    this.#rpc = rpc;
    this.#members = members;
    rpc.serve(METHODS.probeFor, (request) => {
      const args = new Arguments(request.arguments, "probe");
      const peer = args.text(HEARTBEAT_LIMITS.peerId);
      // Whether a peer has a right to its name is asked in the same way (see node/rivals.ts).
      const name = args.optional((part) => part.text(LIMITS.nodeName));
      if (name !== undefined && members.nodeOf(peer) !== name) return Promise.resolve([false]);
      return this.#inPlaceOfAnother(peer);
    });
  }

  probe(target: Target, done: (outcome: ProbeOutcome) => void): void {
    this.#rpc.ask([target.peerId], METHODS.probe, [], DIRECT_MS, (_peer, reply) => {
      if (isWord(reply)) done("answered");
      else this.#throughOthers(target.peerId, done);
    });
  }

  #throughOthers(peerId: PeerId, done: (outcome: ProbeOutcome) => void): void {
    const others = this.#others(peerId);
    const names = new Map(others.map((other) => [other.peerId, other.node]));
    let openCount = others.length;
    let isDone = false;
    const witnesses: string[] = [];
    const finish = (outcome: ProbeOutcome) => {
      if (isDone) return;
      isDone = true;
      done(outcome);
    };
    if (openCount === 0) return finish({ kind: "nobody", witnesses });
    const peers = [...names.keys()];
    this.#rpc.ask(peers, METHODS.probeFor, [peerId], THROUGH_OTHERS_MS, (peer, reply) => {
      openCount--;
      const name = names.get(peer)!;
      if (!(reply instanceof DenamoError)) {
        if (reply[0] === true) finish({ kind: "others", through: name });
        else if (reply[0] === false) witnesses.push(name);
      }
      if (openCount === 0) finish({ kind: "nobody", witnesses: witnesses.sort() });
    });
  }

  /** Up to three others that can be asked, and other ones the next time. */
  #others(peerId: PeerId): Target[] {
    const able = this.#members.upMembers()
      .filter((other) => other.peerId !== peerId && this.#rpc.isUp(other.peerId));
    const first = able.length === 0 ? 0 : this.#turn++ % able.length;
    return [...able.slice(first), ...able.slice(0, first)].slice(0, OTHERS);
  }

  #inPlaceOfAnother(peer: PeerId): Promise<readonly unknown[]> {
    return new Promise((resolve) => {
      this.#rpc.ask([peer], METHODS.probe, [], IN_OUR_PLACE_MS, (_peer, reply) => {
        resolve([isWord(reply)]);
      });
    });
  }
}

/** Whether a reply is the peer's own word, be it a refusal. */
function isWord(reply: readonly unknown[] | DenamoError): boolean {
  return !(reply instanceof DenamoError) || reply.code === "unsupported";
}
