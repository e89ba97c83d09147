// Namespaces of a cluster of real processes: set by command line at one node, seen and obeyed at the others.

import assert from "node:assert/strict";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import type { NamespacesView } from "../../src/node/api.ts";
import { run } from "../cli/fake_terminal.ts";
import { freePortBase } from "./free_ports.ts";
import { DenamoProcess } from "./processes.ts";
import { waitFor } from "./wait_for.ts";

Deno.test("a namespace that is set at n1 holds at n3 without a restart, and after one of all nodes", async () => {
  const directory = await Deno.makeTempDir();
  const base = freePortBase(3);
  const urlOf = (node: number) => `http://127.0.0.1:${base + 200 + node}`;
  const start = () =>
    new DenamoProcess([
      ...["cluster", "--nodes", "3", "--data", directory],
      ...["--port-base", `${base}`, "--log-level", "error"],
    ]);
  const namespacesAt = async (node: number): Promise<NamespacesView> => {
    return await (await fetch(`${urlOf(node)}/namespaces`)).json();
  };
  const isKnownAt = async (node: number) => {
    const { differing, namespaces } = await namespacesAt(node);
    const set = namespaces.find(({ prefix }) => prefix === "session:")?.inForce;
    return set?.conflicts === "lww" && set.ttlMs === 5_000 && differing.length === 0;
  };
  const put = async (node: number, key: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${urlOf(node)}/kv/${key}`, { method: "PUT", body: "v", headers });
    assert.equal(response.status, 204, await response.text());
  };
  let cluster = start();
  try {
    await cluster.line(/^cluster ready$/);
    const set = ["namespace", "set", "session:", "--conflicts", "lww", "--ttl", "5s"];
    assert.equal((await run([...set, "--url", urlOf(1)])).code, EXIT_CODES.ok);
    for (const node of [2, 3]) {
      await waitFor(`n${node} to know the namespace`, () => isKnownAt(node));
    }
    const list = await run(["namespace", "list", "--url", urlOf(3)]);
    assert.match(list.outText, /^"session:" +3 +quorum +quorum +no +lww +5 s +5 s +no +set$/m);

    // Three writes that knew nothing of each other.
    const before = await fetch(`${urlOf(1)}/kv/session:a`);
    await before.body?.cancel();
    const context = before.headers.get("denamo-context")!;
    for (const node of [1, 2, 3]) await put(node, "session:a", { "denamo-context": context });
    const read = await fetch(`${urlOf(2)}/kv/session:a`);
    assert.deepEqual([read.status, await read.text()], [200, "v"]);
    await waitFor("the value to end by itself", async () => {
      const { status, body } = await fetch(`${urlOf(3)}/kv/session:a`);
      await body?.cancel();
      return status === 404;
    });

    cluster.kill("SIGTERM");
    assert.equal(await cluster.code(), 0);
    cluster = start();
    await cluster.line(/^cluster ready$/);
    for (const node of [1, 2, 3]) {
      await waitFor(`n${node} to remember the namespace`, () => isKnownAt(node));
    }
    await put(3, "session:b");
    const again = await fetch(`${urlOf(1)}/kv/session:b`);
    await again.body?.cancel();
    assert.notEqual(again.headers.get("denamo-expires-at-ms"), null);
  } finally {
    cluster.kill("SIGTERM");
    await cluster.code();
    await Deno.remove(directory, { recursive: true });
  }
});
