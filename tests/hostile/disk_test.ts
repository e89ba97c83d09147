// Disks that are taken away, overwritten, cut and damaged under three real processes, running and stopped.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { waitFor } from "../cluster/wait_for.ts";
import { type Name, NAMES, ThreeNodes } from "./three_nodes.ts";

const KEY_COUNT = 300;
const VICTIM: Name = "n3";
const OTHERS: readonly Name[] = ["n1", "n2"];
const PAGE_BYTES = 4_096;

/** How many of the requests to others must be served while a disk fails. */
const SERVED_SHARE = 0.99;

Deno.test("a data directory that is removed: the node stores nothing any more, says so, and fills after a restart", async () => {
  await using nodes = await ThreeNodes.of(KEY_COUNT);
  const failed = waitFor("the others to see it", async () => {
    return await nodes.diskOf("n1", VICTIM) === "failed";
  });
  await Deno.remove(nodes.data(VICTIM), { recursive: true });
  const { asked, served } = await nodes.during(OTHERS, failed);
  assertServed(served, asked);
  assert.equal(await nodes.write("n1", "?w=all"), false, "it counts for no write");
  const said = nodes.process(VICTIM).err;
  assert.match(said, /stores and serves nothing: .*n3\/store\.kv was removed or renamed/);
  assert.match(said, /stop this node and start it again/);
  const { notReadyBecause } = await (await fetch(`${nodes.url(VICTIM)}/status`)).json();
  assert.match(notReadyBecause, /store\.kv was removed or renamed/);
  await nodes.readAll(VICTIM);

  await nodes.stop(VICTIM);
  nodes.start(VICTIM);
  await assertWhole(nodes);
});

Deno.test("the data directories of all nodes are removed: nothing is acknowledged after that", async () => {
  await using nodes = await ThreeNodes.of(30);
  for (const name of NAMES) await Deno.remove(nodes.data(name), { recursive: true });
  for (let i = 0; i < 60; i++) {
    assert.equal(await nodes.write(NAMES[i % 3]!), false, `write ${i} after the removal`);
  }
  for (const name of NAMES) {
    await waitFor(`${name} to say so`, async () => await nodes.diskOf(name, name) === "failed");
  }
});

Deno.test("a data directory that is renamed and put back is used again after a restart only", async () => {
  await using nodes = await ThreeNodes.of(KEY_COUNT);
  await Deno.rename(nodes.data(VICTIM), `${nodes.directory}/elsewhere`);
  await waitFor("the others to see it", async () => await nodes.diskOf("n1", VICTIM) === "failed");
  await Deno.rename(`${nodes.directory}/elsewhere`, nodes.data(VICTIM));
  for (let i = 0; i < 30; i++) assert.ok(await nodes.write(OTHERS[i % 2]!));
  assert.equal(await nodes.diskOf("n1", VICTIM), "failed");
  await nodes.stop(VICTIM);
  nodes.start(VICTIM);
  await assertWhole(nodes);
  assert.deepEqual(await nodes.setAsides(VICTIM), [], "what was put back is sound");
});

Deno.test("inner pages that are overwritten while a node runs: it sets its store aside and fills", async () => {
  await using nodes = await ThreeNodes.of(KEY_COUNT);
  await settle(nodes);
  await overwritePages(nodes.store(VICTIM));
  const isAside = waitFor("the store to be set aside", async () => {
    // Deno KV may have ended the whole process: then somebody starts it again.
    if (await hasEnded(nodes)) nodes.start(VICTIM);
    return (await nodes.setAsides(VICTIM)).length > 0;
  });
  const { asked, served } = await nodes.during(OTHERS, touch(nodes, isAside));
  assertServed(served, asked);
  await assertWhole(nodes);
  await assertSetAside(nodes, /store\.kv is damaged/);
});

Deno.test("inner pages that are overwritten while a node is stopped: it sets its store aside and fills", async () => {
  await using nodes = await ThreeNodes.of(KEY_COUNT);
  await nodes.stop(VICTIM);
  await overwritePages(nodes.store(VICTIM));
  nodes.start(VICTIM);
  const { asked, served } = await nodes.during(OTHERS, nodes.whenReady(VICTIM));
  assertServed(served, asked);
  await assertWhole(nodes);
  await assertSetAside(nodes, /store\.kv is damaged/);
  assert.match(nodes.process(VICTIM).err, /It was set aside; this node starts empty/);
});

Deno.test("bits of the journal that are flipped: the node sets its store aside and fills", async () => {
  await using nodes = await ThreeNodes.of(KEY_COUNT);
  await nodes.stop(VICTIM);
  flipJournalBits(nodes.store(VICTIM));
  nodes.start(VICTIM);
  await assertWhole(nodes);
  await assertSetAside(nodes, /entry \d+ of the journal: the checksum/);
});

Deno.test("a bit of the write-ahead log of a killed node that is flipped loses nothing that was acknowledged", async () => {
  await using nodes = await ThreeNodes.of(KEY_COUNT);
  nodes.process(VICTIM).kill("SIGKILL");
  await nodes.process(VICTIM).code();
  const log = await Deno.readFile(`${nodes.store(VICTIM)}-wal`);
  log[Math.floor(log.length / 3)]! ^= 8;
  await Deno.writeFile(`${nodes.store(VICTIM)}-wal`, log);
  nodes.start(VICTIM);
  await assertWhole(nodes);
  await assertSetAside(nodes, /store\.kv-wal is damaged: frame \d+/);
});

Deno.test("a node that is alone does not empty a damaged store by itself, and says what to type", async () => {
  await using nodes = await ThreeNodes.of(30);
  for (const name of NAMES) await nodes.stop(name);
  const note = `${nodes.data(VICTIM)}/cluster.json`;
  const noted = JSON.parse(await Deno.readTextFile(note));
  assert.deepEqual([noted.replication, noted.members], [3, NAMES]);
  await Deno.writeTextFile(note, JSON.stringify({ ...noted, replication: 1 }));
  flipJournalBits(nodes.store(VICTIM));
  const refused = nodes.start(VICTIM);
  assert.equal(await refused.code(), 7);
  assert.match(refused.err, /n3\/store\.kv is damaged: Corrupt data in entry \d+ of the journal/);
  assert.match(refused.err, /denamo node --set-aside-damaged/);
  assert.deepEqual(await nodes.setAsides(VICTIM), []);
  for (const name of OTHERS) nodes.start(name);
  nodes.start(VICTIM, "--set-aside-damaged");
  await assertWhole(nodes);
  await assertSetAside(nodes, /of the journal/);
});

Deno.test("a store that is cut to nothing is noticed while the node runs, and at its start", async () => {
  await using nodes = await ThreeNodes.of(KEY_COUNT);
  await Deno.truncate(nodes.store(VICTIM), 0);
  // Deno KV may end the whole process over it, even before the node notices.
  const noticed = waitFor("somebody to notice", async () => {
    return await hasEnded(nodes) || await nodes.diskOf("n1", VICTIM) === "failed";
  });
  const { asked, served } = await nodes.during(OTHERS, noticed);
  assertServed(served, asked);
  assert.match(nodes.process(VICTIM).err, /store\.kv was cut from \d+ to 0 bytes|panicked/);
  if (!await hasEnded(nodes)) nodes.process(VICTIM).kill("SIGKILL");
  await nodes.process(VICTIM).code();
  nodes.start(VICTIM);
  await assertWhole(nodes);

  await nodes.stop(VICTIM);
  await Deno.truncate(nodes.store(VICTIM), 0);
  nodes.start(VICTIM);
  await assertWhole(nodes);
  await assertSetAside(nodes, /store\.kv is empty, though this node has stored data/);
});

/** The node serves, has every acknowledged key itself, and so have all others. */
async function assertWhole(nodes: ThreeNodes): Promise<void> {
  await nodes.whenReady(VICTIM);
  await nodes.whenFilled(VICTIM);
  for (const name of NAMES) await nodes.readAll(name);
  assert.ok(await nodes.write(VICTIM, "?w=all"), "it counts for writes again");
}

/** What was damaged lies beside the store, with the reason; a client of SQLite could look at it. */
async function assertSetAside(nodes: ThreeNodes, reason: RegExp): Promise<void> {
  const places = await nodes.setAsides(VICTIM);
  const facts = JSON.parse(await Deno.readTextFile(`${places.at(-1)}/reason.json`));
  assert.match(facts.reason, reason);
  assert.equal(facts.node, VICTIM);
  assert.ok((await Deno.stat(`${places.at(-1)}/store.kv`)).isFile);
}

function assertServed(served: number, asked: number): void {
  assert.ok(asked > 0 && served >= SERVED_SHARE * asked, `${served} of ${asked} were served`);
}

/** Starts the victim again in order: then its records are in the file and not in its log. */
async function settle(nodes: ThreeNodes): Promise<void> {
  await nodes.stop(VICTIM);
  nodes.start(VICTIM);
  await nodes.whenReady(VICTIM);
}

/** Lets the victim read and write what lies on its disk until `end` has settled. */
async function touch<T>(nodes: ThreeNodes, end: Promise<T>): Promise<T> {
  let isOver = false;
  const over = end.finally(() => isOver = true);
  while (!isOver) {
    for (const key of nodes.acknowledged.keys()) {
      if (isOver) break;
      const response = await fetch(`${nodes.url(VICTIM)}/kv/${key}?r=1`).catch(() => undefined);
      await response?.body?.cancel().catch(() => {});
    }
    await nodes.write(VICTIM);
  }
  return await over;
}

async function hasEnded(nodes: ThreeNodes): Promise<boolean> {
  return await Promise.race([nodes.process(VICTIM).status.then(() => true), undefined]) === true;
}

/** Overwrites up to sixty pages, evenly over the file but for its beginning. */
async function overwritePages(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const count = Math.floor((await file.stat()).size / PAGE_BYTES);
  assert.ok(count > 20, `${count} pages are too few`);
  const step = Math.max(1, Math.floor((count - 10) / 60));
  for (let page = 10; page < count; page += step) {
    await file.seek(page * PAGE_BYTES, Deno.SeekMode.Start);
    await file.write(new Uint8Array(PAGE_BYTES).fill(0xa5));
  }
  await file.sync();
}

/** Flips one bit in the middle of each value of the journal. */
function flipJournalBits(path: string): void {
  using database = new DatabaseSync(path);
  // A key of Deno KV begins with its first part: a text is 2, its bytes, 0.
  const rows = database.prepare("select k, v from kv where k >= ? and k < ?")
    .all(Uint8Array.of(2, 0x6a, 0), Uint8Array.of(2, 0x6a, 1)) as {
      k: Uint8Array;
      v: Uint8Array;
    }[];
  assert.ok(rows.length > 0, "there is a journal");
  for (const { k, v } of rows) {
    v[Math.floor(v.length / 2)]! ^= 4;
    database.prepare("update kv set v = ? where k = ?").run(v, k);
  }
}
