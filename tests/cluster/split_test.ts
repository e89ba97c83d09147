// Consistent or available, by choice: the network between real processes is cut in two, and each side is asked.

import assert from "node:assert/strict";
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
