// A data directory that is copied and started twice: two live processes with one key and one name.

import assert from "node:assert/strict";
import { waitFor } from "../cluster/wait_for.ts";
import { Trial } from "./verdict.ts";

Deno.test("of two processes with one identity the later one stops and names the other", async () => {
  await using trial = await Trial.start();
  const { target } = trial;
  const first = target.node("n3");
  assert.equal(await target.stop(first), 0);
  const copy = `${first.data}.copy`;
  await copyDirectory(first.data, copy);
  target.run(first);
  await target.ready();

  await trial.attack(async () => {
    await using second = target.spawnAs(first, copy);
    await waitFor("the end of the second", () => second.hasEnded);
    assert.notEqual(await second.code(), 0);
    assert.match(second.err, new RegExp(first.peerId), "its message names the other");
  });
  for (const node of target.nodes) {
    const members = (await target.members(node)).map(({ node, state }) => [node, state]);
    assert.deepEqual(members, [["n1", "up"], ["n2", "up"], ["n3", "up"]], node.name);
  }
  await trial.comesBack();
});

async function copyDirectory(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { isFile, name } of Deno.readDir(from)) {
    if (isFile) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
