// Sets and maps of many elements on real nodes: what one more costs, and that nothing else about them is different.

import assert from "node:assert/strict";
import { costOfAdds } from "../../bench/large_set_cost.ts";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import type { RunningNode } from "../../src/mod.ts";
import { Cluster } from "./in_process_cluster.ts";
import { waitFor } from "./wait_for.ts";

const KEY = utf8("large");

const ELEMENTS = 20_000;

async function change(node: RunningNode, kind: "add" | "remove", names: readonly string[]) {
  const elements = names.map(utf8);
  const operation = kind === "add"
    ? { kind, elements } as const
    : { kind, elements, seen: undefined } as const;
  await node.api.update(KEY, [{ type: "set", operation }], { timeoutMs: 30_000 });
}

/** The elements that one node shows by itself. */
async function shownBy(node: RunningNode): Promise<string[]> {
  const { merged } = await node.api.get(KEY, { r: 1, timeoutMs: 30_000 });
  return (merged.valueOf("set") ?? []).map((element) => utf8Text(element));
}

Deno.test("one more element of a set of 10,000, or field of a map, writes and sends at most twice what it does at 100", async () => {
  await using cluster = await Cluster.of(3);
  for (const kind of ["set", "map"] as const) {
    const small = await costOfAdds(cluster.nodes, kind, 100);
    const large = await costOfAdds(cluster.nodes, kind, 10_000);
    const told = JSON.stringify([small, large]);
    assert.ok(large.writtenBytes <= 2 * small.writtenBytes, told);
    // Beside the adds nodes compare their copies, the more the slower the machine is; the whole would be 200,000 bytes.
    assert.ok(large.sentBytes <= 2 * small.sentBytes + 4_000, told);
  }
});

Deno.test("a large set is there after a restart, gets to a disk that was lost, and is listed", async () => {
  await using cluster = await Cluster.of(3);
  const [first, second] = cluster.nodes as [RunningNode, RunningNode];
  const names = Array.from({ length: ELEMENTS }, (_, i) => `element ${i}`);
  for (let at = 0; at < ELEMENTS; at += 1_000) {
    await change(cluster.nodes[(at / 1_000) % 3]!, "add", names.slice(at, at + 1_000));
  }
  await change(second, "remove", names.slice(0, 10));
  const expected = names.slice(10).sort();
  const holds = async (node: RunningNode): Promise<boolean> => {
    const shown = await shownBy(node);
    return shown.length === expected.length && shown.every((name, i) => name === expected[i]);
  };
  await waitFor(
    "all to hold the set",
    async () => (await Promise.all(cluster.nodes.map(holds))).every(Boolean),
  );

  await first.stop();
  assert.ok(await holds(await cluster.restart("n1")), "it is read from the disk");

  await cluster.nodes[2]!.stop();
  await Deno.remove(cluster.dataOf("n3"), { recursive: true });
  const emptied = await cluster.restart("n3");
  await cluster.ready();
  await waitFor("the set on the disk that was lost", () => holds(emptied).catch(() => false));

  const page = await emptied.api.scan({ from: { partition: 0 }, limit: 10 });
  assert.deepEqual(page.keys.map((key) => utf8Text(key)), ["large"]);
  await change(emptied, "remove", expected);
  assert.deepEqual(await shownBy(emptied), []);
  assert.deepEqual((await emptied.api.scan({ from: { partition: 0 }, limit: 10 })).keys, []);
});
