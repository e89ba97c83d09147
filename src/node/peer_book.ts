// Which peer each member was last known as, and where it was met: on the disk, so that a node that starts knows whose
// word is whose, and whom to call, before it has met anybody.
//
// A node that is let in hears it from heartbeats. One that is refused hears nothing but the refusal, and the peer id is
// all that proves who has spoken. Only members of the layout are noted. A change of peer ids counts from the next start:
// whoever takes a name while its bearer is away does not speak for it at once. Addresses are called at the next start
// beside those that the node is told to join, which may be those of nodes that are gone.
//
//   meta := 1 | count | entries, by node
//   entry := node | peer id | count | addresses
//
// Earlier releases have written no addresses, and pass over those that they find.

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

/** How many addresses of one member are noted, and how long each may be in UTF-16 units. */
const ADDRESSES_MAX = 8;
const ADDRESS_LENGTH_MAX = 256;

/** A member as it was known last. */
export interface RememberedPeer {
  readonly node: string;
  readonly peer: PeerId;
  /** Where it said to be reached. */
  readonly addresses: readonly string[];
}

export class PeerBook {
  readonly #storage: Storage<DataObject>;
  readonly #members: () => ReadonlySet<string> | undefined;
  readonly #log: Log;
  /** By member, as the disk has it or is about to. */
  readonly #peers = new Map<string, RememberedPeer>();
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
      for (const remembered of readPeers(bytes)) this.#set(remembered);
    } catch (error) {
      throw new CorruptError("the stored peers", messageOf(error));
    }
  }

  /** The member that was this peer when this run began, or when it was met first; undefined if none was. */
  nodeOf(peer: PeerId): string | undefined {
    return this.#nodes.get(peer);
  }

  /** All members that were ever met, ourselves perhaps among them. */
  get remembered(): RememberedPeer[] {
    return [...this.#peers.values()];
  }

  /**
   * A node is this peer, and says to be reached there. Cheap enough for every heartbeat.
   *
   * @param addresses undefined leaves those that are known of this peer
   */
  note(node: string, peer: PeerId, addresses: readonly string[] | undefined): void {
    const before = this.#peers.get(node);
    const known = before?.peer === peer ? before.addresses : [];
    const noted = (addresses ?? known).filter(({ length }) => length <= ADDRESS_LENGTH_MAX)
      .slice(0, ADDRESSES_MAX);
    if (before?.peer === peer && before.addresses.join(" ") === noted.join(" ")) return;
    if (this.#members()?.has(node) !== true) return;
    this.#set({ node, peer, addresses: noted });
    this.#storage.setMeta(META_NAME, this.#encoded()).catch((error) => {
      this.#log.warn("Cannot note the peer of a member", { node, error: messageOf(error) });
    });
  }

  #set(remembered: RememberedPeer): void {
    const { node, peer } = remembered;
    if (!this.#peers.has(node)) this.#nodes.set(peer, node);
    this.#peers.set(node, remembered);
  }

  #encoded(): Uint8Array<ArrayBuffer> {
    const entries = this.remembered.filter(({ node }) => this.#members()?.has(node))
      .sort((a, b) => a.node < b.node ? -1 : 1);
    const writer = new ByteWriter(256 * (1 + entries.length));
    writer.byte(FORMAT);
    writer.integer(entries.length);
    for (const { node, peer, addresses } of entries) {
      writer.text(node);
      writer.text(peer);
      writer.integer(addresses.length);
      for (const address of addresses) writer.text(address);
    }
    return writer.finish();
  }
}

/** Members and their peers, as the disk has them. @throws {MalformedError} */
export function readPeers(bytes: Uint8Array): RememberedPeer[] {
  const reader = new ByteReader(bytes, "peers");
  const format = reader.byte();
  if (format !== FORMAT) throw reader.malformed(`format ${format} is unknown`);
  const count = reader.integer();
  if (count > MEMBER_COUNT_MAX) throw reader.malformed(`${count} members`);
  const peers: RememberedPeer[] = [];
  for (let i = 0; i < count; i++) {
    const [node, peer] = [reader.text(), reader.text()];
    const addresses: string[] = [];
    for (let left = reader.integer(); left > 0; left--) addresses.push(reader.text());
    peers.push({ node, peer, addresses: addresses.slice(0, ADDRESSES_MAX) });
  }
  reader.end();
  return peers;
}
