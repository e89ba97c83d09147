import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { openDenoKvDisk } from "../../src/host/deno_kv_disk.ts";
import { StoreWatch } from "../../src/host/store_watch.ts";
import type { Disk } from "../../src/ports/disk.ts";

interface Deed {
  readonly do: (path: string) => Promise<void>;
  readonly reason: RegExp;
}

/** What can be done to a store that is open, and how the watch calls it. */
const DEEDS: Record<string, Deed> = {
  "the file is removed": {
    do: (path) => Deno.remove(path),
    reason: /store\.kv was removed or renamed/,
  },
  "its log is removed": {
    do: (path) => Deno.remove(`${path}-wal`),
    reason: /store\.kv-wal was removed or renamed/,
  },
  "its directory is removed": {
    do: (path) => Deno.remove(dirname(path), { recursive: true }),
    reason: /store\.kv was removed or renamed/,
  },
  "its directory is renamed": {
    do: (path) => Deno.rename(dirname(path), `${dirname(path)}-elsewhere`),
    reason: /store\.kv was removed or renamed/,
  },
  "a copy of it takes its place": {
    do: async (path) => {
      await Deno.copyFile(path, `${path}.copy`);
      await Deno.rename(`${path}.copy`, path);
    },
    reason: /store\.kv was replaced by another file/,
  },
  "a copy of its directory takes its place": {
    do: async (path) => {
      const elsewhere = `${dirname(path)}-elsewhere`;
      await Deno.rename(dirname(path), elsewhere);
      await Deno.mkdir(dirname(path));
      for await (const { name } of Deno.readDir(elsewhere)) {
        await Deno.copyFile(join(elsewhere, name), join(dirname(path), name));
      }
    },
    reason: /store\.kv was replaced by another file/,
  },
  "the lock is removed": {
    do: (path) => Deno.remove(join(dirname(path), "lock")),
    reason: /lock was removed or renamed/,
  },
};

for (const [what, deed] of Object.entries(DEEDS)) {
  Deno.test(`${what} while a store is open: no commit is acknowledged any more`, async () => {
    await withStore(async (disk, path) => {
      await deed.do(path);
      await assert.rejects(
        disk.commit([{ key: ["k", 2], value: Uint8Array.of(2) }]),
        (error: Error & { code?: string }) => {
          assert.match(error.message, deed.reason);
          return error.code === "disk_failed";
        },
      );
      const { kind, reason } = await disk.lost;
      assert.equal(kind, "gone");
      assert.match(reason, deed.reason);
    });
  });

  Deno.test(`${what} while a store is open and nobody writes: it is noticed`, async () => {
    await withStore(async (disk, path) => {
      await deed.do(path);
      assert.match((await disk.lost).reason, deed.reason);
    });
  });
}

// Of files that no database has open: Deno KV may end the whole process when its own are cut.
Deno.test("a file that is cut is noticed, and one that grows is not", async () => {
  const directory = await Deno.makeTempDir({ prefix: "denamo-watch-" });
  try {
    const paths = ["store.kv", "store.kv-wal"].map((name) => join(directory, name));
    for (const path of paths) await Deno.writeFile(path, new Uint8Array(100));
    const watch = new StoreWatch(paths);
    assert.equal(watch.problem(), undefined);
    await Deno.writeFile(paths[1]!, new Uint8Array(50), { append: true });
    assert.equal(watch.problem(), undefined);
    await Deno.truncate(paths[1]!, 149);
    assert.match(watch.problem()!, /store\.kv-wal was cut from 150 to 149 bytes/);
    await Deno.truncate(paths[1]!, 150);
    await Deno.truncate(paths[0]!, 0);
    assert.match(watch.problem()!, /store\.kv was cut from 100 to 0 bytes/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a store that comes back stays lost until it is opened again", async () => {
  await withStore(async (disk, path) => {
    await Deno.rename(path, `${path}.away`);
    await assert.rejects(disk.commit([{ key: ["k", 2], value: Uint8Array.of(2) }]));
    await Deno.rename(`${path}.away`, path);
    await assert.rejects(disk.commit([{ key: ["k", 3], value: Uint8Array.of(3) }]), {
      code: "disk_failed",
      outcome: "no",
    });
    await assert.rejects(disk.get(["k", 1]), { code: "disk_failed" });
  });
});

Deno.test("a store that grows, is copied and read by others is still ours", async () => {
  await withStore(async (disk, path) => {
    for (let i = 0; i < 40; i++) {
      // More than a checkpoint's worth, so that the log begins anew.
      await disk.commit(
        Array.from({ length: 12 }, (_, j) => ({ key: ["k", i, j], value: new Uint8Array(60_000) })),
      );
    }
    await disk.commit(Array.from({ length: 400 }, (_, i) => ({ key: ["k", i % 40, i % 12] })));
    await Deno.copyFile(path, `${path}.copy`);
    await disk.setAside("To look at it");
    await disk.commit([{ key: ["l"], value: Uint8Array.of(1) }]);
    assert.deepEqual(await disk.get(["l"]), Uint8Array.of(1));
  });
});

async function withStore(run: (disk: Disk, path: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "denamo-watch-" });
  const path = join(parent, "n1", "store.kv");
  const lockPath = join(parent, "n1", "lock");
  try {
    await Deno.mkdir(dirname(path));
    await Deno.writeTextFile(lockPath, "1\n");
    const disk = await openDenoKvDisk(path, { lockPath });
    try {
      await disk.commit([{ key: ["k", 1], value: Uint8Array.of(1) }]);
      await run(disk, path);
    } finally {
      await disk.close();
    }
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}
