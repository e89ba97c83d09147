// The contract on real connections over loopback. What only the real one can suffer, such as peers that
// break the rules, is in rude_peer_test.ts.

import { createLibp2pNetwork, generateIdentity, peerIdOf } from "../../src/host/libp2p_network.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import type { Network } from "../../src/ports/network.ts";
import { networkContract, type NetworkHarness } from "../contracts/network_contract.ts";
import { eventually } from "./eventually.ts";
import { GossipForger } from "./gossip_forger.ts";

networkContract("libp2p", () => new LoopbackHarness());

/** Longer than the first pause of the redialling. */
const SETTLE_MS = 400;

class LoopbackHarness implements NetworkHarness {
  readonly #networks: Network[] = [];
  readonly until = eventually;

  async create(
    options: { cluster?: string; identity?: number; listen?: string } = {},
  ): Promise<Network> {
    const { cluster = "test", identity, listen = "/ip4/127.0.0.1/tcp/0" } = options;
    const network = await createLibp2pNetwork({
      cluster,
      privateKey: identity === undefined ? await generateIdentity() : (await IDENTITIES)[identity]!,
      listen: [listen],
      log: silentLog,
    });
    this.#networks.push(network);
    return network;
  }

  forger(): Promise<GossipForger> {
    return GossipForger.make("test");
  }

  freeAddress(): string {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    return `/ip4/127.0.0.1/tcp/${port}`;
  }

  async settle(): Promise<void> {
    const endMs = performance.now() + SETTLE_MS;
    await eventually(() => performance.now() > endMs, "time passes");
  }

  async close(): Promise<void> {
    await Promise.all(this.#networks.map((network) => network.stop()));
  }
}

/** Two identities, the one with the smaller peer id first. */
const IDENTITIES: Promise<Uint8Array[]> = Promise.all([generateIdentity(), generateIdentity()])
  .then((pair) => pair.sort((a, b) => peerIdOf(a) < peerIdOf(b) ? -1 : 1));
