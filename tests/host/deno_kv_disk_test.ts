import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { openDenoKvDisk } from "../../src/host/deno_kv_disk.ts";
import { testDiskContract } from "../contracts/disk_contract.ts";

testDiskContract("Deno KV", async () => {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "disk.db");
  return {
    open: () => openDenoKvDisk(path),
    openSetAside: (where) => openDenoKvDisk(join(where, "disk.db")),
    reasonOf: async (where) => {
      const facts = JSON.parse(await Deno.readTextFile(join(where, "reason.json")));
      assert.equal(facts.version, 1);
      return facts.reason;
    },
    takeAway: () => Deno.rename(path, join(directory, "elsewhere.db")),
    cleanUp: () => Deno.remove(directory, { recursive: true }),
  };
});

Deno.test("what was committed is there after the process was killed at once", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "disk.db");
    const opener = fileURLToPath(new URL("../../src/host/deno_kv_disk.ts", import.meta.url));
    const program = `
      const { openDenoKvDisk } = await import(${JSON.stringify(opener)});
      const disk = await openDenoKvDisk(${JSON.stringify(path)});
      for (let i = 0; i < 20; i++) {
        await disk.commit([{ key: ["k", i], value: new Uint8Array(1000).fill(i) }]);
      }
      Deno.kill(Deno.pid, "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    `;
    const configuration = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const script = join(directory, "killed.ts");
    await Deno.writeTextFile(script, program);
    const { signal } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", "--config", configuration, script],
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    assert.equal(signal, "SIGKILL");
    const disk = await openDenoKvDisk(path);
    const entries = await disk.range({ start: ["k"], end: ["l"] }, 100);
    await disk.close();
    assert.deepEqual(entries.map(({ key }) => key[1]), Array.from({ length: 20 }, (_, i) => i));
    for (const [i, { value }] of entries.entries()) {
      assert.deepEqual(value, new Uint8Array(1000).fill(i));
    }
  });
});

Deno.test("openDenoKvDisk() refuses a file that is no database and names it", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "letter.txt");
    await Deno.writeTextFile(path, "Dear reader, ".repeat(1000));
    await assert.rejects(openDenoKvDisk(path), (error: Error) => {
      assert.match(error.message, /^Cannot open the database .*letter\.txt: /);
      return (error as Error & { code: string }).code === "disk_failed";
    });
    assert.match(await Deno.readTextFile(path), /^Dear reader/);
  });
});

Deno.test("openDenoKvDisk() refuses the database of another program and of a later format", async () => {
  await inDirectory(async (directory) => {
    const foreign = join(directory, "foreign.db");
    await withKv(foreign, (kv) => kv.set(["session", 1], { user: "alice" }));
    await assert.rejects(
      openDenoKvDisk(foreign),
      /foreign\.db: it holds the data of another program/,
    );

    const table = join(directory, "table.db");
    new DatabaseSync(table).exec("create table letters (id integer)");
    await assert.rejects(openDenoKvDisk(table), /table\.db: it is the database of another program/);

    const later = join(directory, "later.db");
    await (await openDenoKvDisk(later)).close();
    await withKv(later, (kv) => kv.set([true, "denamo"], 2));
    await assert.rejects(openDenoKvDisk(later), /later\.db: its format 2 is unknown/);
  });
});

Deno.test("a damaged file is refused with its name, before Deno KV can end the process", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "disk.db");
    const disk = await openDenoKvDisk(path);
    for (let i = 0; i < 8; i++) {
      await disk.commit(
        Array.from({ length: 20 }, (_, j) => ({ key: ["k", i, j], value: new Uint8Array(9000) })),
      );
    }
    await disk.close();
    const pages = await Deno.readFile(path);
    pages.fill(0xa5, 4096 * 8);
    await Deno.writeFile(path, pages);
    for (const suffix of ["-wal", "-shm"]) await Deno.remove(path + suffix).catch(ignoreMissing);
    await assert.rejects(openDenoKvDisk(path), /^DenamoError: Cannot open .*disk\.db: .*malformed/);
  });
});

Deno.test("openDenoKvDisk() refuses what is not the path of a file", async () => {
  await assert.rejects(openDenoKvDisk(":memory:"), TypeError);
  await inDirectory(async (directory) => {
    await assert.rejects(openDenoKvDisk(join(directory, "none", "disk.db")), {
      code: "disk_failed",
      outcome: "no",
    });
  });
});

Deno.test("a value that is not bytes is an error, not an absent key", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "disk.db");
    await (await openDenoKvDisk(path)).close();
    await withKv(path, (kv) => kv.set(["k"], "text"));
    const disk = await openDenoKvDisk(path);
    await assert.rejects(disk.get(["k"]), /disk\.db: it holds a value that is not bytes/);
    await disk.close();
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

async function withKv(path: string, run: (kv: Deno.Kv) => Promise<unknown>): Promise<void> {
  const kv = await Deno.openKv(path);
  await run(kv);
  kv.close();
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
