// Two networks meet, exchange words, and stop; nothing ends this process but that nothing is left to do.

import { createLibp2pNetwork, generateIdentity } from "../../src/host/libp2p_network.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import { Listener } from "../contracts/network_contract.ts";
import { eventually } from "./eventually.ts";

async function peer() {
  const network = await createLibp2pNetwork({
    cluster: "exit",
    privateKey: await generateIdentity(),
    listen: ["/ip4/127.0.0.1/tcp/0"],
    log: silentLog,
  });
  const heard = new Listener();
  await network.start(heard);
  return { network, heard };
}

const a = await peer();
const b = await peer();
a.network.keepConnected(b.network.addresses(), b.network.self);
// Nobody is there, so a timer is always waiting to dial again.
a.network.keepConnected(["/ip4/127.0.0.1/tcp/1"]);
await eventually(() => a.heard.isUp(b.network.self) && b.heard.isUp(a.network.self), "both up");
a.network.publish(Uint8Array.of(1));
b.network.send(a.network.self, "request", Uint8Array.of(1));
await eventually(() => a.heard.messages.length === 1, "the message");
await a.network.stop();
await b.network.stop();
console.log("stopped");
