// A peer that is let in as it should be, and passes on in the gossip what it likes.

import type { RPC } from "@libp2p/gossipsub/message";
import { peerIdFromString } from "@libp2p/peer-id";
import { utf8Text } from "../../src/base/bytes.ts";
import { NETWORK_VERSION } from "../../src/host/greeting.ts";
import type { Network } from "../../src/ports/network.ts";
import type { Forger, Listener, Overheard } from "../contracts/network_contract.ts";
import { eventually } from "./eventually.ts";
import { RudePeer } from "./rude_peer.ts";

export class GossipForger implements Forger {
  readonly overheard: Overheard[] = [];
  readonly #topic: string;
  readonly #rude: RudePeer;
  readonly #senders: ((messages: RPC.Message[]) => void)[] = [];

  private constructor(rude: RudePeer, cluster: string) {
    this.#rude = rude;
    this.#topic = `denamo/${NETWORK_VERSION}/${cluster}`;
  }

  static async make(cluster: string): Promise<GossipForger> {
    const forger = new GossipForger(await RudePeer.make(""), cluster);
    await forger.#rude.hearGossip((rpc) => rpc.messages.forEach((it) => forger.#overhear(it)));
    return forger;
  }

  get id(): string {
    return this.#rude.id;
  }

  async join(network: Network, heard: Listener): Promise<void> {
    const connection = await this.#rude.open(network.addresses()[0]!);
    if (network.self < this.id) connection.hello();
    await eventually(() => connection.greeted.length === 1, "the other's hello");
    if (network.self < this.id) connection.accept();
    else connection.hello();
    await eventually(() => heard.isUp(this.id), "the forger is up");
    this.#senders.push(await connection.gossip(this.#topic));
  }

  stop(): Promise<void> {
    return this.#rude.stop();
  }

  #overhear(message: RPC.Message): void {
    const text = utf8Text(message.data!);
    if (this.overheard.some((other) => other.text === text)) return;
    this.overheard.push({
      text,
      passOn: ({ from, bytes } = {}) => {
        const changed: RPC.Message = { ...message };
        if (bytes !== undefined) changed.data = bytes;
        if (from !== undefined) {
          changed.from = peerIdFromString(from).toMultihash().bytes;
          delete changed.key;
        }
        for (const send of this.#senders) send([changed]);
      },
    });
  }
}
