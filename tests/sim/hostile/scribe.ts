// What hostile peers say: requests, answers, heartbeats, greetings and refusals, right but for something.
//
// Most of it is made of what was overheard, with an edge or a mistake in one place, so that it gets as far as it can.
// What is seldom said by honest nodes is made here: layouts, floors, incarnations, tables.

import { ByteWriter } from "../../../src/base/byte_writer.ts";
import { utf8 } from "../../../src/base/bytes.ts";
import { SealKey, SealKeys, SECRET_BYTES } from "../../../src/causality/seal_key.ts";
import { DataObject } from "../../../src/crdt/data_object.ts";
import {
  decodeHeartbeat,
  encodeHeartbeat,
  type Heartbeat,
} from "../../../src/membership/heartbeat.ts";
import type { PeerId, Refusal } from "../../../src/ports/network.ts";
import { NamespaceTable } from "../../../src/replica/namespace_table.ts";
import { decodeLayout, encodeLayout } from "../../../src/ring/layout_codec.ts";
import { DenamoError, ERROR_CODES } from "../../../src/wire/errors.ts";
import { type IncomingRequest, METHODS } from "../../../src/wire/message_codec.ts";
import type { Dice } from "../dice.ts";
import { HEARTBEAT_NUMBERS, withNumbers } from "./heartbeat_numbers.ts";
import {
  alteredBytes,
  alteredList,
  anything,
  EDGES,
  HOSTILE_REASON,
  withImpossible,
  WRITABLE_EDGES,
} from "./nonsense.ts";
import type { Overheard } from "./overheard.ts";

/** What can be known of a cluster from outside. */
export interface Insight {
  readonly overheard: Overheard;
  /** The names of its nodes. */
  readonly names: readonly string[];
  /** The peer ids of its nodes, also those that were. */
  readonly peerIds: () => readonly PeerId[];
  readonly keys: readonly { readonly partition: number; readonly bytes: Uint8Array }[];
  readonly layoutId: () => string | undefined;
  readonly partitions: number;
  /** What all nodes must have been set alike, as their greetings begin. */
  readonly settingsDigest: string;
}

/** A request to be. */
export interface MadeRequest {
  readonly method: number;
  readonly args: readonly unknown[];
}

const KNOWN_METHODS = Object.values(METHODS);

/** Which refusals mean something to whoever is refused; the others are made up. */
const REFUSAL_CODES = [
  "left_behind",
  "name_in_use",
  "other_cluster",
  "other_version",
  "other_settings",
  "malformed",
  "denied",
  "full",
  "",
] as const;

export class Scribe {
  readonly #insight: Insight;
  readonly #dice: Dice;
  #count = 0;
  /** The layouts that strangers speak of: what they name in heartbeats they also have to give. */
  readonly #layouts: { readonly id: string; readonly encoded: Uint8Array }[] = [];

  constructor(insight: Insight, dice: Dice) {
    this.#insight = insight;
    this.#dice = dice;
  }

  /** A request of any method: right, altered, or made of anything. */
  request(): MadeRequest {
    const dice = this.#dice;
    const method = dice.happens(0.03) ? dice.one([0, 12, 99, 2 ** 31]) : dice.one(KNOWN_METHODS);
    if (dice.happens(0.1)) {
      return { method, args: Array.from({ length: dice.below(8) }, () => anything(dice)) };
    }
    const made = dice.happens(0.5) ? this.#made(method) : undefined;
    let args = made ?? this.#insight.overheard.request(dice, method)?.request.arguments ?? [];
    if (isWrite({ method, arguments: args })) {
      return { method, args: withImpossible(args, dice) ?? [-1] };
    }
    for (let left = dice.one([0, 0, 1, 1, 1, 3]); left > 0; left--) args = alteredList(args, dice);
    return { method, args };
  }

  /** Whatever is no answer to a request, or one that leads into the wrong. */
  answer(method: number): readonly unknown[] | DenamoError {
    const dice = this.#dice;
    // A layout that was named is there to be had, lest nobody ever hear of it.
    const isSure = method === METHODS.fetchLayout && dice.happens(0.8);
    if (!isSure && dice.happens(0.3)) return this.failure();
    switch (isSure || dice.happens(0.7) ? method : undefined) {
      case METHODS.fetchLayout:
        return [this.#layouts.length > 0 ? dice.one(this.#layouts).encoded : this.layout()];
      case METHODS.fetchNamespaces:
        return [this.namespaces()];
      case METHODS.fetchSealKeys:
        return [this.sealKeys()];
      case METHODS.probeFor:
        return [dice.happens(0.5)];
      case METHODS.probe:
        return [];
    }
    return Array.from({ length: 1 + dice.below(5) }, () => anything(dice));
  }

  /** An error of any code but the one that means a defect, with a layout or anything else in its details. */
  failure(): DenamoError {
    const dice = this.#dice;
    const code = dice.one(ERROR_CODES.filter((code) => code !== "internal"));
    const outcome = dice.one(["no", "unknown"] as const);
    const details = dice.one([{}, { layout: this.layout() }, { layout: 1 }, { limit: -1 }]);
    return new DenamoError(code, outcome, HOSTILE_REASON, details);
  }

  /** A layout that nobody made. */
  layout(): Uint8Array {
    const dice = this.#dice;
    const { names, partitions } = this.#insight;
    const members = dice.one([[this.name()], [...names], [...names, "z9"], names.slice(0, 1)]);
    const count = Math.min(members.length, 3);
    const content = {
      version: dice.happens(0.5)
        ? 1
        : dice.one([2, 3, ...WRITABLE_EDGES.filter((edge) => edge > 0)]),
      members: members.sort().map((node) => ({ node, zone: "dc1/rack1", weight: 1 })),
      partitions,
      replication: 3,
      assignment: Array.from({ length: partitions }, (_, i) => {
        return Array.from({ length: count }, (_, rank) => (i + rank) % members.length);
      }),
    };
    const encoded = encodeLayout(content);
    if (this.#layouts.length === 0 && content.version === 1) {
      this.#layouts.push({ id: decodeLayout(encoded).id, encoded });
    }
    return dice.happens(0.2) ? alteredBytes(encoded, dice) : encoded;
  }

  /** A table of namespaces: times at their edge, as many prefixes as there may be, settings that move keys. */
  namespaces(): Uint8Array {
    const dice = this.#dice;
    const writer = new ByteWriter(256);
    const count = dice.one([1, 2, 511, 512, 513, 1_024]);
    writer.integer(count);
    for (let i = 0; i < count; i++) {
      // In their order, the first of them that of keys.
      writer.text(i === 0 ? dice.one(["", "k", "k0"]) : `z${String(i).padStart(5, "0")}`);
      writer.integer(dice.one([1, 2, ...WRITABLE_EDGES]));
      writer.text(dice.one(this.#insight.names));
      writer.text(dice.one(["", "", '{"n":1}', '{"ttlMs":1}', '{"conflicts":"lww"}', "{"]));
    }
    const encoded = writer.finish();
    if (dice.happens(0.2)) return alteredBytes(encoded, dice);
    return dice.happens(0.1) ? NamespaceTable.empty.encoded() : encoded;
  }

  /** The keys of a cluster that is another. */
  sealKeys(): Uint8Array {
    const dice = this.#dice;
    const secret = new Uint8Array(dice.random.bytes(SECRET_BYTES));
    const encoded = SealKeys.of(new SealKey(this.name(), secret)).encoded();
    return dice.happens(0.3) ? alteredBytes(encoded, dice) : encoded;
  }

  /** A heartbeat that is altered in some of its fields; undefined while nothing was overheard. */
  heartbeat(name: string, peerId: PeerId): Uint8Array | undefined {
    const dice = this.#dice;
    const model = this.#model();
    if (model === undefined) return undefined;
    const changes: Partial<Heartbeat> = dice.happens(0.5) ? this.#change() : {};
    const sequence = dice.happens(0.8) ? model.sequence + 1_000 + this.#count++ : model.sequence;
    const bytes = encodeHeartbeat({ ...model, node: name, peerId, sequence, ...changes });
    if (dice.happens(0.1)) return alteredBytes(bytes, dice);
    if (dice.happens(0.4)) return bytes;
    const number = dice.one(HEARTBEAT_NUMBERS);
    const shifted = Math.max(0, Math.round(model[number]) + dice.one([-1e6, -1, 1, 1e6, 3e10]));
    return withNumbers(bytes, { [number]: dice.one([shifted, ...WRITABLE_EDGES]) });
  }

  /**
   * First words to a node; undefined while nothing was overheard.
   *
   * @param isRight whether they are what it lets peers in by, or altered
   */
  greeting(name: string, peerId: PeerId, isRight: boolean): Uint8Array | undefined {
    const dice = this.#dice;
    const model = this.#model();
    if (model === undefined) return undefined;
    const layout = dice.happens(0.5) ? {} : { layoutVersion: 1, layoutId: this.#layoutId() };
    const own = { addresses: [`/memory/${peerId}`], ...layout };
    const heartbeat = isRight
      ? encodeHeartbeat({ ...model, ...own, node: name, peerId })
      : this.heartbeat(name, peerId)!;
    const writer = new ByteWriter(512);
    writer.text(this.#insight.settingsDigest);
    writer.text(isRight || dice.happens(0.7) ? name : dice.one(this.#insight.names));
    writer.integer(isRight || dice.happens(0.7) ? 0 : dice.one(WRITABLE_EDGES));
    writer.raw(heartbeat);
    return writer.finish();
  }

  /** A refusal of every kind. */
  refusal(): Refusal {
    const dice = this.#dice;
    const code = dice.one(REFUSAL_CODES);
    const upTo = dice.one([...EDGES, 3_481_600_000_000_000]);
    const details = dice.one<Refusal["details"]>([
      { upTo },
      { upTo },
      {},
      { upTo: "1" },
      { node: dice.one(this.#insight.names), peer: "", incarnation: upTo },
    ]);
    const message = dice.one(["", "This node was left behind at 9007199254740991", "no"]);
    return { code, message, details };
  }

  /** A name: of one of the nodes, or one that nobody bears. */
  name(): string {
    return this.#dice.happens(0.5)
      ? this.#dice.one(this.#insight.names)
      : `z${this.#dice.below(9)}`;
  }

  /** Arguments of a method as its caller would write them, with numbers at their edges. */
  #made(method: number): readonly unknown[] | undefined {
    const dice = this.#dice;
    const { keys, layoutId, names, partitions } = this.#insight;
    const id = layoutId() ?? "1-0";
    const { bytes: key, partition } = dice.one(keys);
    const edge = dice.one(WRITABLE_EDGES);
    const parts = Array.from({ length: partitions }, (_, i) => i);
    switch (method) {
      case METHODS.store:
      case METHODS.storeDelta:
        return [id, partition, key, this.#object(edge), dice.one([null, ...names])];
      case METHODS.level:
        return [id, partition, key, dice.one([null, this.#object(edge)]), edge];
      case METHODS.coordinate:
        return [id, dice.happens(0.3), 1, key, null, null, null];
      case METHODS.installLayout:
        return [this.layout()];
      case METHODS.promiseLayout:
        return [`${edge}-0123456789abcdef`, [this.name()]];
      case METHODS.refute:
        return [edge];
      case METHODS.promiseFloor:
        return [id, edge, parts, dice.one([[], [dice.one(names)], ["z1"]])];
      case METHODS.keptBelow:
        return [id, parts.flatMap((part) => [part, edge])];
      case METHODS.fence:
      case METHODS.raiseFloor:
        return [id, edge, parts];
      case METHODS.probeFor:
        return [dice.one([...this.#insight.peerIds(), "nobody"])];
      case METHODS.scan:
        return [id, 0, 65_535, null, null, 1_000];
      case METHODS.repair:
        return [dice.one([null, [], parts, [edge]])];
      default:
        return undefined;
    }
  }

  /** What a copy would hold after a write, or a removal, at such a time by an actor of any node. */
  #object(time: number): Uint8Array {
    const dot = { actor: `${this.name()}~AAAAAAAAAAA`, time: Math.max(1, time) };
    const value = this.#dice.happens(0.5)
      ? null
      : { kind: "text", bytes: utf8("hostile") } as const;
    return DataObject.empty.write(dot, value, new Map(), undefined).encoded();
  }

  #model(): Heartbeat | undefined {
    const overheard = this.#insight.overheard.published(this.#dice);
    return overheard === undefined ? undefined : decodeHeartbeat(overheard.bytes);
  }

  #change(): Partial<Heartbeat> {
    const dice = this.#dice;
    return dice.one<() => Partial<Heartbeat>>([
      () => ({ addresses: this.#addresses() }),
      () => ({ layoutVersion: 1, layoutId: this.#layoutId() }),
      () => ({ namespaces: "0123456789abcdef" }),
      () => ({ sealKeys: "0123456789abcdef" }),
      () => ({ disk: dice.one(["ok", "readonly", "failed"] as const) }),
      () => ({ node: this.name() }),
      () => ({ peerId: dice.one([...this.#insight.peerIds(), "nobody"]) }),
      () => ({ weight: dice.one([Number.MIN_VALUE, 1e6]) }),
    ])();
  }

  #layoutId(): string {
    return this.#layouts.length > 0 ? this.#dice.one(this.#layouts).id : "2-0123456789abcdef";
  }

  #addresses(): string[] {
    const dice = this.#dice;
    return dice.one([
      [],
      [`/memory/${dice.one(this.#insight.names)}`],
      ["/ip4/10.0.0.1/tcp/22", "x", "/dns4/example.org/tcp/80"],
      Array.from({ length: 8 }, () => `/memory/nowhere${dice.below(1e6)}`),
    ]);
  }
}

/**
 * Whether a request writes as a client does. Any node may take it from a client and hand it on, so what makes sense of
 * that is no more hostile than the client.
 */
export function isWrite(
  { method, arguments: args }: Pick<IncomingRequest, "arguments" | "method">,
): boolean {
  return method === METHODS.coordinate && args[2] !== GET;
}

/** How a request to coordinate says that it reads. */
const GET = 1;
