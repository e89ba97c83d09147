import assert from "node:assert/strict";
import { listenProblem } from "../../src/host/listen_problem.ts";
import { createLibp2pNetwork, generateIdentity } from "../../src/host/libp2p_network.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import type { NetworkHandlers } from "../../src/ports/network.ts";

const OWN = new Set(["127.0.0.1", "10.0.0.1"]);

Deno.test("an address that the machine lacks is named, with those that it has", () => {
  const listen = ["/ip4/10.0.0.1/tcp/7101", "/ip4/10.9.9.9/tcp/7101"];
  assert.equal(
    listenProblem(listen, new Error("Error: listen EINVAL at a.ts:1\n at b.ts:2"), OWN),
    "Cannot listen on /ip4/10.9.9.9/tcp/7101: this machine has no such address. " +
      "It has 127.0.0.1, 10.0.0.1; /ip4/0.0.0.0/tcp/… is all of them",
  );
});

Deno.test("any other reason is one line without the places in the code", () => {
  const listen = ["/ip4/0.0.0.0/tcp/80", "/ip4/127.0.0.2/tcp/80"];
  const because = (message: string) => listenProblem(listen, new Error(message), OWN);
  const start = `Cannot listen on ${listen.join(", ")}: `;
  assert.equal(because("x\nError: listen EADDRINUSE: at y"), `${start}the address is in use`);
  assert.equal(because("Error: listen EACCES: at y"), `${start}this user may not use that port`);
  assert.equal(
    because("Some addresses:\n\n/ip4/0.0.0.0/tcp/80: Error: listen ODD: odd\n    at f (x.ts:1)"),
    `${start}listen ODD: odd`,
  );
});

Deno.test("a network that cannot listen says so in one line", async () => {
  const network = await createLibp2pNetwork({
    cluster: "test",
    privateKey: await generateIdentity(),
    listen: ["/ip4/198.51.100.7/tcp/7101"],
    log: silentLog,
  });
  await assert.rejects(network.start({} as NetworkHandlers), (error: Error) => {
    assert.match(error.message, /^Cannot listen on .*198\.51\.100\.7.*: this machine has no such/);
    assert.doesNotMatch(error.message, /\n|deno_node/);
    return true;
  });
});
