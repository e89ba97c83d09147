import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { troubleOf } from "../../src/host/kv_error.ts";
import { hasNoRoom, roomAt } from "../../src/host/room.ts";
import { withFileLimit } from "./file_limit.ts";

const PROGRAM = fileURLToPath(new URL("full_disk_program.ts", import.meta.url));

Deno.test("Deno KV: a disk without room says so, serves reads, and goes on when there is room", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "disk.db");
    const run = [Deno.execPath(), "run", "-A", "--no-check", "--quiet", PROGRAM, path];
    const { code, stderr } = await new Deno.Command("sh", {
      args: withFileLimit(2_000, run),
      stdout: "null",
      stderr: "piped",
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  });
});

Deno.test("troubleOf() tells limits, a full disk and a device that fails by what Deno KV says", () => {
  const said = [
    ["Value too large (max 65536 bytes)", "limit"],
    ["Too many mutations (max 1000)", "limit"],
    ["Total mutation size too large (max 819200 bytes)", "limit"],
    ["database or disk is full", "full"],
    ["disk I/O error", "device"],
    ["attempt to write a readonly database", "other"],
  ] as const;
  for (const [message, trouble] of said) {
    assert.equal(troubleOf(new TypeError(message)), trouble, message);
  }
  assert.equal(troubleOf("gone"), "other");
});

Deno.test("roomAt() tells the room of the device of a file, and nothing where there is none", async () => {
  await inDirectory(async (directory) => {
    const room = (await roomAt(join(directory, "not there yet")))!;
    assert.ok(room.freeBytes > 0 && room.freeBytes <= room.totalBytes, JSON.stringify(room));
    assert.equal(await roomAt(join(directory, "no directory", "file")), undefined);
  });
});

Deno.test("hasNoRoom() finds room where there is some, and leaves nothing behind", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "disk.db");
    await Deno.writeFile(path, new Uint8Array(100_000));
    assert.equal(await hasNoRoom(path, 1_000_000), false);
    assert.equal(await hasNoRoom(join(directory, "no directory", "disk.db"), 1), false);
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["disk.db"]);
  });
});

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
