// Which peer each member was last known as: on the disk, so that a node that starts knows whose word is whose before it
// has met anybody.
//
// A node that is let in hears it from heartbeats. One that is refused hears nothing but the refusal, and the peer id is
// all that proves who has spoken. Only members of the layout are noted, and the disk is written when one of them
// comes under another peer id. Such a change counts from the next start: whoever takes a name while its bearer is away
// does not speak for it at once.
//
//   meta := 1 | count | entries, by node
//   entry := node | peer id | count | addresses; none so far
//
// Addresses have their place, so that a later release may remember them without another format.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import { MEMBER_COUNT_MAX } from "../ring/layout.ts";
import type { Storage } from "../storage/storage.ts";
import { CorruptError, messageOf } from "../wire/errors.ts";

const META_NAME = "peers";
const FORMAT = 1;

export class PeerBook {
  readonly #storage: Storage<DataObject>;
  readonly #members: () => ReadonlySet<string> | undefined;
  readonly #log: Log;
  /** By member, as the disk has it or is about to. */
  readonly #peers = new Map<string, PeerId>();
  /** The first that this run knew of each member. */
  readonly #nodes = new Map<PeerId, string>();

  /** @param members of the layout, if there is one */
  constructor(
    storage: Storage<DataObject>,
    members: () => ReadonlySet<string> | undefined,
    log: Log,
  ) {
    this.#storage = storage;
    this.#members = members;
    this.#log = log;
  }

  /** Reads what earlier runs have noted. @throws {CorruptError} */
  async load(): Promise<void> {
    const bytes = await this.#storage.getMeta(META_NAME);
    if (bytes === undefined) return;
    try {
      for (const [node, peer] of readPeers(bytes)) this.#set(node, peer);
    } catch (error) {
      throw new CorruptError("the stored peers", messageOf(error));
    }
  }

  /** The member that was this peer when this run began, or when it was met first; undefined if none was. */
  nodeOf(peer: PeerId): string | undefined {
    return this.#nodes.get(peer);
  }

  /** A node is this peer. Cheap enough for every heartbeat. */
  note(node: string, peer: PeerId): void {
    if (this.#peers.get(node) === peer || this.#members()?.has(node) !== true) return;
    this.#set(node, peer);
    this.#storage.setMeta(META_NAME, this.#encoded()).catch((error) => {
      this.#log.warn("Cannot note the peer of a member", { node, error: messageOf(error) });
    });
  }

  #set(node: string, peer: PeerId): void {
    if (!this.#peers.has(node)) this.#nodes.set(peer, node);
    this.#peers.set(node, peer);
  }

  #encoded(): Uint8Array<ArrayBuffer> {
    const entries = [...this.#peers].filter(([node]) => this.#members()?.has(node))
      .sort(([a], [b]) => a < b ? -1 : 1);
    const writer = new ByteWriter(128 * (1 + entries.length));
    writer.byte(FORMAT);
    writer.integer(entries.length);
    for (const [node, peer] of entries) {
      writer.text(node);
      writer.text(peer);
      writer.integer(0);
    }
    return writer.finish();
  }
}

/** Members and their peer ids, as the disk has them. @throws {MalformedError} */
export function readPeers(bytes: Uint8Array): Map<string, PeerId> {
  const reader = new ByteReader(bytes, "peers");
  const format = reader.byte();
  if (format !== FORMAT) throw reader.malformed(`format ${format} is unknown`);
  const count = reader.integer();
  if (count > MEMBER_COUNT_MAX) throw reader.malformed(`${count} members`);
  const peers = new Map<string, PeerId>();
  for (let i = 0; i < count; i++) {
    peers.set(reader.text(), reader.text());
    for (let left = reader.integer(); left > 0; left--) reader.text();
  }
  reader.end();
  return peers;
}
