// Which node was asked to stand in for which owner, and with what: read off the wire.

import { utf8Text } from "../../src/base/bytes.ts";
import type { Dot } from "../../src/causality/dot.ts";
import { mergeVectors, type VersionVector } from "../../src/causality/version_vector.ts";
import { decodeObject } from "../../src/crdt/object_codec.ts";
import { decodeDelta, namedBy } from "../../src/crdt/object_delta.ts";
import { type IncomingMessage, METHODS } from "../../src/wire/message_codec.ts";

/** What a message that stores something has seen. */
const READERS: Readonly<Record<number, (bytes: Uint8Array<ArrayBuffer>) => VersionVector>> = {
  [METHODS.store]: (bytes) => decodeObject(bytes).vector(),
  [METHODS.storeDelta]: (bytes) => namedBy(decodeDelta(bytes)).vector(),
};

export class StandInBook {
  /** By key, node and owner: what was in all that the node was given for that owner. */
  readonly #given = new Map<string, Map<string, Map<string, VersionVector>>>();

  /** Takes note of a message to a node, if it asks that node to stand in. */
  sent(node: string, message: IncomingMessage): void {
    if (message.kind !== "request" || !(message.method in READERS)) return;
    const [, , key, bytes, owner] = message.arguments;
    if (typeof owner !== "string") return;
    const given = READERS[message.method]!((bytes as Uint8Array).slice());
    const nodes = entryOf(this.#given, utf8Text(key as Uint8Array), () => new Map());
    const owners = entryOf(nodes, node, () => new Map<string, VersionVector>());
    owners.set(owner, mergeVectors(owners.get(owner) ?? new Map(), given));
  }

  /** The owners for which a node was given this dot of a key. */
  ownersFor(node: string, key: string, { actor, time }: Dot): string[] {
    const owners = [...this.#given.get(key)?.get(node) ?? []];
    return owners.filter(([, given]) => (given.get(actor) ?? 0) >= time).map(([owner]) => owner);
  }
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
