// A member of the cluster that says what makes no sense, as one that has a bug or whose memory has lost a bit.
//
// It is an honest node but for single messages: a request that it never meant, an answer or a heartbeat with one
// part of it changed. Nothing of that makes sense to whoever knows the rules, so that it must be refused. Lies
// that do make sense, such as an answer that acknowledges what was not stored, nobody could tell from the truth.

import { encode } from "@msgpack/msgpack";
import { equalBytes } from "../../../src/base/bytes.ts";
import { MAX_TIME } from "../../../src/causality/dot.ts";
import { DataObject } from "../../../src/crdt/data_object.ts";
import { decodeHeartbeat, encodeHeartbeat } from "../../../src/membership/heartbeat.ts";
import type { PeerId } from "../../../src/ports/network.ts";
import { decodeMessage, METHODS } from "../../../src/wire/message_codec.ts";
import type { Dice } from "../dice.ts";
import type { Machine } from "../machine.ts";
import { HEARTBEAT_NUMBERS, withNumbers } from "./heartbeat_numbers.ts";
import { impossible, withImpossible, WRITABLE_EDGES } from "./nonsense.ts";
import type { Insight, MadeRequest, Scribe } from "./scribe.ts";

/** Times that no clock shows. */
const IMPOSSIBLE_TIMES = WRITABLE_EDGES.filter((edge) => edge > MAX_TIME);

/** Up to where a run of a node has counted its requests, and what of that went to each peer. */
interface Counted {
  readonly run: number;
  highest: number;
  readonly ways: Map<PeerId, number>;
}

export class WrongMember {
  readonly #insight: Insight;
  readonly #scribe: Scribe;
  readonly #dice: Dice;
  readonly #counted = new Map<PeerId, Counted>();
  /** What was sent and not meant. */
  readonly #said = new WeakSet<Uint8Array>();
  /** Who will say something wrong, once it answers or publishes. */
  #slip: { readonly peer: PeerId; readonly isPublished: boolean } | undefined;

  constructor(insight: Insight, scribe: Scribe, dice: Dice) {
    this.#insight = insight;
    this.#scribe = scribe;
    this.#dice = dice;
  }

  hasSaid(bytes: Uint8Array): boolean {
    return this.#said.has(bytes);
  }

  /** A node has sent a request of this number. */
  counts(from: PeerId, to: PeerId, run: number, id: number): void {
    let counted = this.#counted.get(from);
    if (counted?.run !== run) {
      this.#counted.set(from, counted = { run, highest: 0, ways: new Map() });
    }
    counted.highest = Math.max(counted.highest, id);
    counted.ways.set(to, id);
  }

  /** Does something wrong at `machine`, or sees to it that it will. Returns what, if anything, in words. */
  act(machine: Machine, other: Machine): string | undefined {
    const peer = machine.peerId;
    if (this.#dice.happens(0.5)) {
      const isPublished = this.#dice.happens(0.3);
      this.#slip = { peer, isPublished };
      return `in its next ${isPublished ? "heartbeat" : "answer"}`;
    }
    const made = this.request();
    const counted = this.#counted.get(peer);
    if (made === undefined || counted?.run !== machine.process!.run) return undefined;
    // Numbers rise on each way: only one that is not used there yet, and that no later one is below, hides nothing.
    const id = counted.highest;
    if ((counted.ways.get(other.peerId) ?? 0) >= id) return undefined;
    counted.ways.set(other.peerId, id);
    machine.process!.network.send(
      other.peerId,
      "request",
      this.#keep(encode([0, id, made.method, 1_000, ...made.args])),
    );
    return `asks ${other.name} for method ${made.method}`;
  }

  /** What is sent or published in place of these bytes; undefined for themselves. */
  misspeaks(from: PeerId, bytes: Uint8Array, isPublished: boolean): Uint8Array | undefined {
    if (this.#said.has(bytes)) return bytes;
    const slip = this.#slip;
    if (slip?.peer !== from || slip.isPublished !== isPublished) return undefined;
    const said = isPublished ? this.#heartbeat(bytes) : this.#answer(bytes);
    if (said === undefined) return undefined;
    this.#slip = undefined;
    return this.#keep(said);
  }

  #keep(bytes: Uint8Array): Uint8Array {
    this.#said.add(bytes);
    return bytes;
  }

  /** A request that no member has a reason to make; undefined while none is known to be made of. */
  request(): MadeRequest | undefined {
    const dice = this.#dice;
    if (dice.happens(0.5)) return this.#made();
    const overheard = this.#insight.overheard.request(dice)?.request;
    if (overheard === undefined) return undefined;
    const args = withImpossible(overheard.arguments, dice);
    return args && { method: overheard.method, args };
  }

  /** What an answer becomes; undefined if there is nothing in it that could be wrong. */
  #answer(bytes: Uint8Array): Uint8Array | undefined {
    const message = decodeMessage(bytes);
    if (message.kind !== "answer" || message.result.length === 0) return undefined;
    const at = this.#dice.below(message.result.length);
    const result = message.result.map((part, i) => i === at ? impossible(part, this.#dice) : part);
    return encode([1, message.id, ...result]);
  }

  /** What a heartbeat becomes. */
  #heartbeat(bytes: Uint8Array): Uint8Array {
    const dice = this.#dice;
    if (dice.happens(0.5)) {
      const name = dice.one(HEARTBEAT_NUMBERS);
      return withNumbers(bytes, { [name]: dice.one([2 ** 53 - 1, 2 ** 53 - 2, 2 ** 52]) });
    }
    const heartbeat = decodeHeartbeat(bytes);
    const { names, peerIds } = this.#insight;
    const changed = dice.one([
      { timeMs: 0 },
      { layoutVersion: 2 },
      { layoutId: "2-0123456789abcdef" },
      { namespaces: "0123456789abcdef" },
      { node: dice.one(names) },
      { peerId: dice.one(peerIds()) },
      { addresses: ["/ip4/10.0.0.1/tcp/22", "/memory/nowhere"] },
    ]);
    return encodeHeartbeat({ ...heartbeat, ...changed });
  }

  #made(): MadeRequest {
    const dice = this.#dice;
    const { keys, layoutId, names, partitions } = this.#insight;
    const id = layoutId() ?? "1-0";
    const { bytes: key, partition } = dice.one(keys);
    const elsewhere = (partition + 1 + dice.below(partitions - 1)) % partitions;
    const parts = Array.from({ length: partitions }, (_, i) => i);
    const beyond = dice.one(IMPOSSIBLE_TIMES);
    const [method, args] = dice.one<readonly [number, readonly unknown[]]>([
      [METHODS.installLayout, [this.#scribe.layout()]],
      [METHODS.promiseLayout, ["2-0123456789abcdef", [...names]]],
      [METHODS.refute, [dice.one([2 ** 53 - 1, 2 ** 53 - 2, beyond])]],
      [METHODS.store, [id, partition, key, objectAt(beyond), dice.one([null, ...names])]],
      [METHODS.store, [id, elsewhere, key, this.#objectOf(key), dice.one([null, ...names])]],
      [METHODS.level, [id, partition, key, null, dice.one([MAX_TIME, MAX_TIME - 1])]],
      [METHODS.level, [id, elsewhere, key, null, 0]],
      [METHODS.raiseFloor, [id, MAX_TIME, parts]],
      [METHODS.keptBelow, [id, parts.flatMap((part) => [part, MAX_TIME])]],
      [METHODS.promiseFloor, [id, dice.one([MAX_TIME, beyond]), parts, []]],
      [METHODS.fence, [id, MAX_TIME, parts]],
    ]);
    return { method, args };
  }

  /** What was really stored of a key, if that was overheard. */
  #objectOf(key: Uint8Array): unknown {
    const { overheard } = this.#insight;
    const stored = overheard.request(this.#dice, METHODS.store)?.request.arguments;
    const isOfKey = stored?.[2] instanceof Uint8Array && equalBytes(stored[2], key);
    return isOfKey ? stored[3] : DataObject.empty.encoded();
  }
}

/** What a copy would hold after a removal at such a time. */
function objectAt(time: number): Uint8Array {
  const dot = { actor: "z9~AAAAAAAAAAA", time };
  return DataObject.empty.write(dot, null, new Map(), undefined).encoded();
}
