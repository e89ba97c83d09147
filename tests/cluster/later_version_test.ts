// A store that a later version of Denamo has written is not damaged: nothing of it may be moved out of the way.

import assert from "node:assert/strict";
import { Cluster } from "./in_process_cluster.ts";

const LATER = 99;

Deno.test("a store that a later version has written stays in its place, though others have copies", async () => {
  await using cluster = await Cluster.of(3);
  await cluster.nodes[0]!.put("k", "v", { w: "all" });
  const at = cluster.nodes.findIndex(({ name }) => name === "n2");
  await cluster.nodes[at]!.stop();
  cluster.nodes.splice(at, 1);
  const path = `${cluster.dataOf("n2")}/store.kv`;
  const before = await withVersions(path, () => LATER);
  assert.ok(before.length > 0, "there are entries of the journal");

  for (let i = 0; i < 2; i++) {
    await assert.rejects(cluster.start("n2"), (error: Error) => {
      assert.match(error.message, /n2\/store\.kv holds what this program cannot read/);
      assert.match(error.message, /A later version of Denamo may have written it/);
      assert.match(error.message, /Start the version that did/);
      return true;
    });
  }
  const names = await Array.fromAsync(Deno.readDir(cluster.dataOf("n2")), ({ name }) => name);
  assert.deepEqual(names.filter((name) => name.startsWith("set-aside-")), []);

  await withVersions(path, (i) => before[i]!);
  const n2 = await cluster.start("n2");
  cluster.nodes.push(n2);
  await cluster.ready();
  assert.equal((await n2.get("k", { r: 1 })).value, "v");
});

/** Writes the versions of the entries of a journal; returns which they were. */
async function withVersions(path: string, versionOf: (index: number) => number): Promise<number[]> {
  using kv = await Deno.openKv(path);
  const versions: number[] = [];
  for await (const { key, value } of kv.list<Uint8Array>({ prefix: ["j"] })) {
    const bytes = value.slice();
    versions.push(bytes[0]!);
    bytes[0] = versionOf(versions.length - 1);
    await kv.set(key, bytes);
  }
  return versions;
}
