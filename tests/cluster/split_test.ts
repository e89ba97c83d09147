// Consistent or available, by choice: the network between real processes is cut in two, and each side is asked.

import assert from "node:assert/strict";
import * as Y from "yjs";
import { Door, readAnswer, type Reply } from "../chaos/door.ts";
import { becomeEqual } from "../chaos/ending.ts";
import { Victims } from "../chaos/victims.ts";
import { waitFor } from "./wait_for.ts";

/** Short, so that a test need not wait long until silence means something. */
const FLAGS = ["--heartbeat-ms", "200"];

const STRICT = ["STRICT", "TIMEOUT", "1000"];

Deno.test("n1 and n2 cut off from n3: strict quorums are served on one side, single copies on both", async () => {
  await using victims = await Victims.start({ nodes: 3, flags: FLAGS });
  using door = new Door(portsOf(victims));
  const ask = (node: string, ...words: string[]) => door.ask(node, words[0]!, ...words.slice(1));
  await written(ask("n1", "DN.SET", "cart", "milk", "W", "3"));

  victims.proxies.cut(["n1", "n2"], ["n3"]);
  await knowAsDown(victims, { n3: ["n1", "n2"], n1: ["n3"], n2: ["n3"] });

  const context = await written(ask("n1", "DN.SET", "cart", "eggs", "W", "2", ...STRICT));
  assert.deepEqual(await values(ask("n2", "DN.GET", "cart", "R", "2", ...STRICT)), ["eggs"]);
  for (const words of [["DN.SET", "cart", "tea", "W", "2"], ["DN.GET", "cart", "R", "2"]]) {
    const refused = await ask("n3", ...words, ...STRICT);
    assert.equal(refused.outcome, "no", `${words[0]} at n3 is refused without effect`);
  }

  assert.deepEqual(await values(ask("n3", "DN.GET", "cart", "R", "1")), ["milk"], "it is behind");
  await written(ask("n3", "DN.SET", "cart", "tea", "W", "1"));
  await written(ask("n1", "DN.SET", "cart", "rice", "CONTEXT", context, "W", "1"));
  assert.deepEqual(await values(ask("n3", "DN.GET", "cart", "R", "1")), ["tea"]);
  assert.deepEqual(await values(ask("n2", "DN.GET", "cart", "R", "1")), ["rice"]);

  victims.proxies.healAll();
  await becomeEqual(victims);
  for (const node of ["n1", "n2", "n3"]) {
    const both = await values(ask(node, "DN.GET", "cart", "R", "1", "STRICT"));
    assert.deepEqual(both, ["rice", "tea"], `${node} has what both sides took`);
  }
});

Deno.test("five nodes cut into three and two: both sides go on, and afterwards all hold everything", async () => {
  await using victims = await Victims.start({ nodes: 5, flags: FLAGS });
  using door = new Door(portsOf(victims));
  const ask = (node: string, ...words: string[]) => door.ask(node, words[0]!, ...words.slice(1));
  const keys = Array.from({ length: 20 }, (_, i) => `key:${i}`);
  for (const key of keys) await written(ask("n1", "DN.SET", key, "before", "W", "3"));

  victims.proxies.cut(["n1", "n2", "n3"], ["n4", "n5"]);
  const [left, right] = [["n1", "n2", "n3"], ["n4", "n5"]];
  await knowAsDown(victims, { n1: right, n2: right, n3: right, n4: left, n5: left });
  for (const [i, key] of keys.entries()) {
    await Promise.all([`n${1 + i % 3}`, `n${4 + i % 2}`].map(async (node) => {
      await written(ask(node, "DN.SET", key, `by ${node}`, "W", "2"));
      assert.ok((await values(ask(node, "DN.GET", key, "R", "2"))).includes(`by ${node}`));
    }));
  }

  victims.proxies.healAll();
  await becomeEqual(victims);
  for (const [i, key] of keys.entries()) {
    const found = await values(ask("n3", "DN.GET", key, "R", "all", "STRICT"));
    for (const side of [`by n${1 + i % 3}`, `by n${4 + i % 2}`]) {
      assert.ok(found.includes(side), `${key} has lost what was written ${side}: ${found}`);
    }
  }
});

Deno.test("both halves of a cut cluster change values that merge, and afterwards all show the same", async () => {
  await using victims = await Victims.start({ nodes: 5, flags: FLAGS });
  using door = new Door(portsOf(victims));
  const ask = async (node: string, ...words: string[]): Promise<unknown> => {
    const answer = await door.ask(node, words[0]!, ...words.slice(1));
    if (answer.outcome !== "ok") assert.fail(`${node} ${words.join(" ")}: ${answer.error}`);
    return answer.reply;
  };
  await ask("n1", "SADD", "set", "milk", "eggs", "tea");
  await ask("n1", "SET", "counter", "100");
  await ask("n1", "HSET", "hash", "name", "Ada", "visits", "10");

  victims.proxies.cut(["n1", "n2", "n3"], ["n4", "n5"]);
  const [left, right] = [["n1", "n2", "n3"], ["n4", "n5"]];
  await knowAsDown(victims, { n1: right, n2: right, n3: right, n4: left, n5: left });
  const TIMES = 20;
  for (let i = 0; i < TIMES; i++) {
    await Promise.all([`n${1 + i % 3}`, `n${4 + i % 2}`].map(async (node) => {
      await ask(node, "INCR", "counter");
      await ask(node, "DECRBY", "fresh", "3");
      await ask(node, "SADD", "set", `${i} by ${node}`);
      await ask(node, "HINCRBY", "hash", "visits", "2");
      await edit(victims, node, `${i} by ${node}`);
    }));
  }
  // One side takes out what the other puts in once more: who puts in wins.
  await ask("n4", "SREM", "set", "milk", "eggs");
  await ask("n1", "SADD", "set", "milk");

  victims.proxies.healAll();
  await becomeEqual(victims);
  const added = Array.from(
    { length: TIMES },
    (_, i) => [`${i} by n${1 + i % 3}`, `${i} by n${4 + i % 2}`],
  ).flat();
  for (const { name } of victims.nodes) {
    assert.equal(await ask(name, "GET", "counter"), `${100 + 2 * TIMES}`, name);
    assert.equal(await ask(name, "GET", "fresh"), `${-6 * TIMES}`, name);
    const elements = await ask(name, "SMEMBERS", "set") as string[];
    assert.deepEqual(elements.sort(), [...added, "milk", "tea"].sort(), name);
    assert.deepEqual(
      await ask(name, "HGETALL", "hash"),
      ["name", "Ada", "visits", `${10 + 4 * TIMES}`],
      name,
    );
    const lines = await linesOf(victims, name);
    assert.deepEqual(lines.toSorted(), added.toSorted(), name);
  }
});

/** Adds a line to a document as a program does that has its own copy. */
async function edit(victims: Victims, node: string, line: string): Promise<void> {
  const doc = new Y.Doc();
  doc.getArray("lines").push([line]);
  const update = Y.encodeStateAsUpdate(doc).toBase64();
  const response = await fetch(`${victims.node(node).url}/kv/document`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ operations: [{ type: "document", update }] }),
  });
  assert.equal(response.status, 200, await response.text());
}

async function linesOf(victims: Victims, node: string): Promise<string[]> {
  const response = await fetch(`${victims.node(node).url}/kv/document`);
  assert.equal(response.headers.get("denamo-type"), "document");
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Uint8Array.fromBase64(await response.json()));
  return doc.getArray<string>("lines").toArray();
}

function portsOf(victims: Victims): Map<string, number> {
  return new Map(victims.nodes.map(({ name, ports }) => [name, ports.resp]));
}

/** The context of a write that succeeded. */
async function written(reply: Promise<Reply>): Promise<string> {
  const answer = await reply;
  assert.equal(answer.outcome, "ok", "error" in answer ? answer.error : undefined);
  return (answer as { reply: string }).reply;
}

/** The values of a read that succeeded, in the order of the alphabet. */
async function values(reply: Promise<Reply>): Promise<string[]> {
  const answer = await reply;
  if (answer.outcome !== "ok") assert.fail(answer.error);
  return readAnswer(answer.reply).siblings.sort();
}

/** Waits until each of these nodes says that those are down. */
async function knowAsDown(
  victims: Victims,
  whom: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  for (const [name, others] of Object.entries(whom)) {
    await waitFor(`${name} to know who is down`, async () => {
      const members = await victims.members(victims.node(name));
      return others.every((other) => members?.get(other) === "down");
    });
  }
}
