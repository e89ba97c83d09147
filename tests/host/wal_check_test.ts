import assert from "node:assert/strict";
import { join } from "node:path";
import { openDenoKvDisk } from "../../src/host/deno_kv_disk.ts";
import { walProblem } from "../../src/host/wal_check.ts";

const FRAME_BYTES = 24 + 4_096;
const COMMITS = 12;

Deno.test("a log that a killed process leaves is sound, wherever it is torn", async () => {
  const log = await logOf();
  assert.equal(walProblem(log), undefined);
  assert.equal(walProblem(new Uint8Array()), undefined);
  assert.equal(walProblem(new Uint8Array(FRAME_BYTES)), undefined);
  for (let length = 0; length < log.length; length += 1_007) {
    assert.equal(walProblem(log.subarray(0, length)), undefined, `torn at ${length}`);
  }
});

Deno.test("a bit that is flipped anywhere before the last two commits is damage", async () => {
  const log = await logOf();
  const last = lastCommits(log, 2);
  for (let at = 0; at < last; at += 997) {
    const damaged = log.slice();
    damaged[at]! ^= 16;
    assert.match(walProblem(damaged) ?? "sound", /damaged/, `a bit of byte ${at}`);
  }
  for (let at = 0; at < 32; at++) {
    const damaged = log.slice();
    damaged[at]! ^= 1;
    assert.match(walProblem(damaged) ?? "sound", /header is damaged/, `a bit of byte ${at}`);
  }
});

Deno.test("the last commit that is half there is what a crash leaves", async () => {
  const log = await logOf();
  const start = lastCommits(log, 1);
  for (let at = start; at < log.length; at += 313) {
    const torn = log.slice();
    torn.fill(0, at, Math.min(at + 512, log.length));
    assert.equal(walProblem(torn), undefined, `zeros from ${at}`);
  }
});

Deno.test("a log that began anew is sound, with the frames of the earlier one behind it", async () => {
  const log = await logOf(400);
  assert.equal(walProblem(log), undefined);
  const salts = new Set<string>();
  for (let at = 32; at + FRAME_BYTES <= log.length; at += FRAME_BYTES) {
    salts.add(String(log.subarray(at + 8, at + 16)));
  }
  assert.ok(salts.size > 1, "there are frames of both");
});

/** Where the last `count` commits of a log begin. */
function lastCommits(log: Uint8Array, count: number): number {
  const view = new DataView(log.buffer);
  const ends: number[] = [];
  for (let at = 32; at + FRAME_BYTES <= log.length; at += FRAME_BYTES) {
    if (view.getUint32(at + 4) !== 0) ends.push(at + FRAME_BYTES);
  }
  assert.ok(ends.length > count + 2, `${ends.length} commits`);
  return ends.at(-1 - count)!;
}

/** The log of an open store with some commits in it. */
async function logOf(commits = COMMITS): Promise<Uint8Array<ArrayBuffer>> {
  const directory = await Deno.makeTempDir({ prefix: "denamo-wal-" });
  const path = join(directory, "store.kv");
  try {
    const disk = await openDenoKvDisk(path);
    for (let i = 0; i < commits; i++) {
      const value = new Uint8Array(9_000).fill(i);
      await disk.commit([{ key: ["k", i], value }, { key: ["n"], value }]);
    }
    await Deno.copyFile(`${path}-wal`, join(directory, "copy"));
    await disk.close();
    return await Deno.readFile(join(directory, "copy"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
