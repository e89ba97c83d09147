// More connections than the system lets a process have.

import assert from "node:assert/strict";
import { waitFor } from "../cluster/wait_for.ts";
import { startLocalNodes } from "./local_nodes.ts";
import { connect, converse, HonestClients } from "./served.ts";

Deno.test("150 idle connections at any port of a node with 120 descriptors leave it serving", async (t) => {
  await using nodes = await startLocalNodes([], { openFilesCount: 120 });
  const [http] = nodes.addresses.http as [string];
  const [resp] = nodes.addresses.resp as [string];
  const [p2p] = nodes.p2p as [string];

  await t.step("at HTTP: those that wait longest are closed, and everybody is served", async () => {
    const honest = new HonestClients(nodes.addresses);
    const idle = await idleConnections(http);
    await waitFor("honest requests", () => honest.served > 500);
    await honest.assertServed(500);
    closeAll(idle);
  });

  await t.step("at RESP: more clients are refused, the others and HTTP are served", async () => {
    const { http, resp } = nodes.addresses;
    const honest = new HonestClients({ http, resp: resp.slice(1) });
    const idle = await idleConnections(resp[0]!);
    assert.equal(
      await converse(resp[0]!, "PING\r\n").catch(() => REFUSAL),
      REFUSAL,
    );
    await waitFor("honest requests", () => honest.served > 500);
    closeAll(idle);
    await honest.assertServed(500);
  });

  await t.step("at the port for peers: the node stays connected", async () => {
    const honest = new HonestClients(nodes.addresses);
    const idle = await idleConnections(p2p);
    await waitFor("honest requests", () => honest.served > 500);
    closeAll(idle);
    await honest.assertServed(500);
  });

  await t.step("when they have gone nothing is left of it", async () => {
    assert.ok(await nodes.areAlive(), nodes.log);
    await waitFor("RESP to take clients again", async () => {
      return await converse(resp, "PING\r\nQUIT\r\n").catch(() => "") === "+PONG\r\n+OK\r\n";
    });
    await waitFor("all members to be up and connected", async () => {
      const response = await fetch(`http://${http}/cluster/members`);
      const { members } = await response.json();
      return members.length === 3 &&
        members.every((member: { state: string; isConnected: boolean }) =>
          member.state === "up" && member.isConnected
        );
    });
    assert.match(nodes.log, /The system grants few open files/);
  });
});

const REFUSAL = "-ERR max number of clients reached\r\n";

async function idleConnections(address: string): Promise<Deno.TcpConn[]> {
  const open: Deno.TcpConn[] = [];
  for (let i = 0; i < 150; i++) open.push(await connect(address));
  return open;
}

function closeAll(connections: readonly Deno.TcpConn[]): void {
  for (const connection of connections) connection.close();
}
