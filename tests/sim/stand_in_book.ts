// Which node was asked to stand in for which owner, and with what: read off the wire.

import { utf8Text } from "../../src/base/bytes.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { decodeObject } from "../../src/crdt/object_codec.ts";
import type { Dot } from "../../src/causality/dot.ts";
import { type IncomingMessage, METHODS } from "../../src/wire/message_codec.ts";

export class StandInBook {
  /** By key, node and owner: all that the node was given for that owner, merged. */
  readonly #given = new Map<string, Map<string, Map<string, DataObject>>>();

  /** Takes note of a message to a node, if it asks that node to stand in. */
  sent(node: string, message: IncomingMessage): void {
    if (message.kind !== "request" || message.method !== METHODS.store) return;
    const [, , key, object, owner] = message.arguments;
    if (typeof owner !== "string") return;
    const nodes = entryOf(this.#given, utf8Text(key as Uint8Array), () => new Map());
    const owners = entryOf(nodes, node, () => new Map<string, DataObject>());
    const before = owners.get(owner) ?? DataObject.empty;
    owners.set(owner, before.merge(decodeObject((object as Uint8Array).slice())));
  }

  /** The owners for which a node was given this dot of a key. */
  ownersFor(node: string, key: string, { actor, time }: Dot): string[] {
    const owners = [...this.#given.get(key)?.get(node) ?? []];
    return owners.filter(([, object]) => object.timeOf(actor) >= time).map(([owner]) => owner);
  }
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
