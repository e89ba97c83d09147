// Attacks nodes as their peers do: requests, answers, gossip and greetings, a million of them in minutes.
//
// A stranger was let in and is named by no layout; an insider has the key of a member whose process is away. Each
// talks to every node over a link of its own. Messages go out in batches that a question ends which every node answers
// at once: so a batch is known to have been taken in, and a node that does not come back to it is found. A batch is
// drawn from the seed, its role, its node and its number alone.

import { FrameWriter } from "../../src/host/frames.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import {
  encodeAnswer,
  encodeFailure,
  encodeRequest,
  type IncomingMessage,
  type IncomingRequest,
  type Method,
  METHODS,
} from "../../src/wire/message_codec.ts";
import { greetingBytes, removedNamespaces } from "../hostile/forgery.ts";
import { type HostileLink, HostilePeer } from "../hostile/hostile_peer.ts";
import { CLUSTER } from "../hostile/stranger.ts";
import { privateKeyOf } from "../../src/host/identity.ts";
import { Draw } from "./draw.ts";
import { drawGreetings, drawPublished } from "./gossip_grammar.ts";
import { type ClusterFacts, drawNonsense, drawRequest } from "./rpc_words.ts";
import type { Tally } from "./tally.ts";

/** A node as an attacker finds it. */
export interface Attacked {
  readonly name: string;
  readonly peerId: string;
  readonly address: string;
}

export interface RpcAttackOptions {
  readonly seed: string;
  readonly nodes: readonly Attacked[];
  readonly facts: ClusterFacts;
  /** The name of the member whose key the insider has, and the key as its directory holds it. */
  readonly insider: { readonly name: string; readonly identity: Uint8Array };
  /** Ends after so many messages. */
  readonly messageCount: number;
  readonly isOver: () => boolean;
  /** Begin with this batch: to do again what was found. */
  readonly firstBatch: number;
}

/** Messages in one batch beside its gossip. */
const BATCH_COUNT = 500;

/** Signing costs its sender most. */
const GOSSIP_COUNT = 8;

/** Every so many batches somebody comes who greets badly. */
const GREETINGS_EVERY = 8;
const GREETINGS_COUNT = 4;

/** One in so many frames is no request. */
const NONSENSE_EVERY = 16;

/** So many links in a row may be refused or cut before anything was answered on them. */
const REFUSALS_MAX = 20;

/** How long a node may take to answer the question at the end of a batch. */
const PATIENCE_MS = 60_000;

type Role = "stranger" | "insider";

export async function attackByRpc(options: RpcAttackOptions, tally: Tally): Promise<void> {
  const ids = options.nodes.map(({ peerId }) => peerId);
  const identity = privateKeyOf(options.insider.identity);
  await using stack = new AsyncDisposableStack();
  const stranger = stack.use(await HostilePeer.make(ids));
  const insider = stack.use(await HostilePeer.make([], "speaks", identity));
  const peers: readonly [Role, HostilePeer][] = [["stranger", stranger], ["insider", insider]];
  await Promise.all(
    peers.flatMap(([role, peer]) =>
      options.nodes.map((node) => new Attacker(options, tally, role, peer, node).run())
    ),
  );
}

class Attacker {
  readonly #options: RpcAttackOptions;
  readonly #tally: Tally;
  readonly #role: Role;
  readonly #peer: HostilePeer;
  readonly #node: Attacked;
  readonly #name: string;
  #link: HostileLink | undefined;
  #refusedCount = 0;
  #batch = 0;

  constructor(
    options: RpcAttackOptions,
    tally: Tally,
    role: Role,
    peer: HostilePeer,
    node: Attacked,
  ) {
    this.#options = options;
    this.#tally = tally;
    this.#role = role;
    this.#peer = peer;
    this.#node = node;
    this.#name = role === "insider" ? options.insider.name : `stranger-${peer.id.slice(-8)}`;
  }

  async run(): Promise<void> {
    const { firstBatch, isOver, messageCount } = this.#options;
    for (this.#batch = firstBatch; !isOver(); this.#batch++) {
      if (this.#tally.sentCount >= messageCount || this.#tally.findings.length > 0) return;
      try {
        await this.#sendBatch(new Draw(`${this.#options.seed} ${this.#place}`));
      } catch (error) {
        // Whoever attacks is cut off now and then; that nobody is let in any more is found below.
        this.#refused(error instanceof Error ? error.message : String(error));
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** Which batch this is, for those who want to send it again. */
  get #place(): string {
    return `${this.#role} at ${this.#node.name} batch ${this.#batch}`;
  }

  async #sendBatch(draw: Draw): Promise<void> {
    if (this.#batch % GREETINGS_EVERY === 0) await this.#greetBadly(draw);
    const link = await this.#linked();
    await this.#gossip(draw, link);
    const lane = draw.onceIn(8) ? "bulk" : "request";
    const writer = new FrameWriter();
    for (let i = 0; i < BATCH_COUNT; i++) this.#addMessage(draw, writer, link);
    const question = link.nextId();
    writer.add(encodeRequest(question, METHODS.probe, PATIENCE_MS, []));
    const answered = link.answered(question, PATIENCE_MS);
    for (let piece = writer.take(); piece !== undefined; piece = writer.take()) {
      if (!await link.bytesWhenRoom(piece, lane)) break;
    }
    if (await answered) this.#refusedCount = 0;
    else if (link.isOpen) this.#find(`does not answer within ${PATIENCE_MS} ms`);
    else this.#refused("the link was cut");
    // Also in the middle of whatever is under way.
    if (draw.onceIn(40)) link.drop();
  }

  #addMessage(draw: Draw, writer: FrameWriter, link: HostileLink): void {
    const { kind, method, arguments: args } = drawRequest(draw, this.#options.facts);
    const timeoutMs = draw.pick([1, 1_000, 1_000, 60_000, draw.count()]);
    if (!draw.onceIn(NONSENSE_EVERY)) {
      this.#tally.send(kind);
      writer.add(encodeRequest(link.nextId(), method as Method, timeoutMs, args));
      return;
    }
    const id = draw.pick([draw.below(50), draw.count()]);
    const failure = new DenamoError("quorum", "unknown", draw.text(), { layout: draw.bytes(9) });
    // An id of its own: damaged, it may be any, and those after it must be above it.
    const message = draw.pick([
      () => encodeRequest(0, method as Method, timeoutMs, args),
      () => encodeAnswer(id, args),
      () => encodeFailure(id, failure),
    ])();
    this.#tally.send("nonsense");
    const bytes = draw.onceIn(2) ? message : drawNonsense(draw, message);
    if (!mayRaiseIds(bytes)) writer.add(bytes);
  }

  async #gossip(draw: Draw, link: HostileLink): Promise<void> {
    const { facts } = this.#options;
    const self = { node: this.#name, peerId: this.#peer.id };
    for (let i = 0; i < GOSSIP_COUNT; i++) {
      this.#tally.send("heartbeat");
      const data = drawPublished(draw, self, facts);
      if (draw.onceIn(20)) await link.gossipBytes(CLUSTER, draw.damaged(data));
      else await link.publish(CLUSTER, data, draw.onceIn(3) ? draw.pick(facts.peerIds) : undefined);
    }
  }

  /** Comes as one more peer who has not been let in, and does not greet as one should. */
  async #greetBadly(draw: Draw): Promise<void> {
    await using peer = await HostilePeer.make([]);
    for (let i = 0; i < GREETINGS_COUNT; i++) {
      const link = await peer.connect(this.#node.address);
      for (const frame of drawGreetings(draw, peer.id, this.#options.facts)) {
        this.#tally.send("greeting");
        if (draw.onceIn(6)) link.bytes(draw.bytes(1 + draw.length(90)), "request");
        else link.send(frame, draw.onceIn(12) ? "bulk" : "request");
      }
      if (draw.onceIn(2)) link.drop();
    }
  }

  async #linked(): Promise<HostileLink> {
    if (this.#link?.isOpen) return this.#link;
    const greeting = greetingBytes({ node: this.#name, peerId: this.#peer.id });
    const link = await this.#peer.enter(this.#node.address, CLUSTER, greeting);
    link.replies = (message) => this.#tally.answer(wordOf(message));
    const draw = new Draw(`answers of ${this.#place}`);
    link.answers = (request) => answerOf(draw, request);
    this.#tally.answer("let in");
    return this.#link = link;
  }

  #refused(reason: string): void {
    this.#tally.answer("refused or cut");
    if (++this.#refusedCount > REFUSALS_MAX) {
      this.#find(`lets nobody in: ${reason}`);
    }
  }

  #find(what: string): void {
    this.#tally.findings.push(`${this.#node.name} ${what} (${this.#place})`);
  }
}

const RETRY_MS = 200;

/** Whether a damaged message may count as a request with an id above those that follow it. */
function mayRaiseIds(bytes: Uint8Array): boolean {
  const REQUEST_ID_SMALL = 0x80;
  const isArray = bytes[0]! >= 0x90 && bytes[0]! < 0xa0 || bytes[0] === 0xdc || bytes[0] === 0xdd;
  const at = bytes[0] === 0xdc ? 3 : bytes[0] === 0xdd ? 5 : 1;
  return isArray && bytes[at] === 0 && bytes[at + 1]! >= REQUEST_ID_SMALL;
}

/** What a member answers when others rely on it: nothing, an error, or what makes no sense. */
function answerOf(
  draw: Draw,
  { id, method }: IncomingRequest,
): readonly unknown[] | Uint8Array | undefined {
  if (method === METHODS.probe) return [];
  // What comes back at all counts as stored, and nobody can tell that it was not.
  const isTrusted = method === METHODS.store || method === METHODS.storeDelta;
  if (method === METHODS.fetchNamespaces && draw.onceIn(2)) {
    const prefixes = Array.from({ length: draw.length(300) }, (_, i) => [`fz${i}:`, draw.count()]);
    return [removedNamespaces(Object.fromEntries(prefixes))];
  }
  switch (draw.below(isTrusted ? 3 : 5)) {
    case 0:
      return undefined;
    case 1:
      return encodeFailure(id, new DenamoError("overloaded", "no", draw.text())).slice();
    case 2:
      return draw.bytes(draw.length(60) + 1);
    case 3:
      return encodeAnswer(draw.count(), [draw.value()]).slice();
    default:
      return [{ none: draw.value() }, draw.value()];
  }
}

function wordOf(message: IncomingMessage): string {
  return message.kind === "failure" ? message.error.code : "ok";
}
