import assert from "node:assert/strict";
import { join } from "node:path";
import { type DataDirectory, openDataDirectory } from "../../src/host/data_directory.ts";
import { type DenoKvDiskOptions, openDenoKvDisk } from "../../src/host/deno_kv_disk.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import { NodeStore, StoreDamagedError } from "../../src/host/node_store.ts";

const PAGE_BYTES = 4_096;
const ALONE = { joins: false, setsAsideDamaged: false };
const JOINING = { joins: true, setsAsideDamaged: false };
const TOLD = { joins: false, setsAsideDamaged: true };

type Wish = typeof ALONE;

Deno.test("a sound store is opened as it is, whatever the last run's end", async () => {
  await inDirectory(async (bench) => {
    await bench.fill();
    await bench.opened(ALONE, async () => {
      assert.equal(await bench.keyCount(), 400);
      assert.match(await bench.text("running.json"), /"uncheckedEnds": 0/);
    });
    await assert.rejects(bench.text("running.json"), Deno.errors.NotFound, "a clean stop");
    await bench.markBadEnd();
    await bench.opened(ALONE, async () => assert.equal(await bench.keyCount(), 400));
    assert.deepEqual(await bench.setAsides(), []);
  });
});

Deno.test("a damaged store of a node that joins others is moved aside, with the reason, and an empty one opened", async () => {
  await inDirectory(async (bench) => {
    await bench.fill();
    await bench.overwritePages();
    await bench.opened(JOINING, async () => assert.equal(await bench.keyCount(), 0));
    const [place] = await bench.setAsides();
    assert.match(await bench.text(`${place}/reason.json`), /store\.kv is damaged: /);
    assert.ok((await Deno.stat(join(bench.path, place!, "store.kv"))).size > 400 * 1_000);
    await bench.opened(JOINING, () => Promise.resolve());
    assert.equal((await bench.setAsides()).length, 1, "once");
  });
});

Deno.test("a damaged store of a node that may be alone is left in its place, and the error says what to type", async () => {
  await inDirectory(async (bench) => {
    await bench.fill();
    await bench.overwritePages();
    for (let i = 0; i < 2; i++) {
      await assert.rejects(bench.opened(ALONE, () => Promise.resolve()), (error: Error) => {
        assert.ok(error instanceof StoreDamagedError, String(error));
        assert.match(error.message, /store\.kv is damaged: /);
        assert.match(error.message, /denamo node --set-aside-damaged/);
        return true;
      });
    }
    assert.deepEqual(await bench.setAsides(), []);
    await bench.opened(TOLD, async () => assert.equal(await bench.keyCount(), 0));
    assert.equal((await bench.setAsides()).length, 1);
  });
});

Deno.test("what is noted of the layout decides, not whether the node joins others", async () => {
  const layouts = [
    { members: ["n1", "n2", "n3"], replication: 3, may: true },
    { members: ["n1", "n2", "n3"], replication: 1, may: false },
    { members: ["n1"], replication: 3, may: false },
  ];
  for (const { may, members, replication } of layouts) {
    await inDirectory(async (bench) => {
      await bench.opened(ALONE, (store) => {
        return store.noteCluster({ layoutVersion: 7, members, replication });
      });
      for (const wish of [ALONE, JOINING]) {
        await bench.opened(wish, (store) => {
          assert.equal(store.maySetAside, may, JSON.stringify({ members, replication }));
          assert.equal(store.notedLayoutVersion, 7);
          return Promise.resolve();
        });
      }
    });
  }
});

Deno.test("a store that is missing or empty, though there was one, is not taken for the first", async () => {
  const deeds: ((path: string) => Promise<void>)[] = [
    (path) => Deno.remove(path),
    (path) => Deno.truncate(path, 0),
  ];
  for (const deed of deeds) {
    await inDirectory(async (bench) => {
      await bench.fill();
      await bench.opened(ALONE, (store) => {
        return store.noteCluster({ layoutVersion: 1, members: ["n1"], replication: 1 });
      });
      await deed(join(bench.path, "store.kv"));
      const opening = bench.opened(ALONE, () => Promise.resolve());
      await assert.rejects(
        opening,
        /store\.kv is (missing|empty), though this node has stored data/,
      );
      await bench.opened(TOLD, () => Promise.resolve());
    });
  }
});

Deno.test("damage that SQLite meets in the open store is noted, ends its commits, and is set aside at the next start", async () => {
  await inDirectory(async (bench) => {
    await bench.fill();
    await bench.opened(JOINING, async (_, disk) => {
      await bench.overwritePages();
      let failures = 0;
      for (let i = 0; i < 400; i++) await disk.get(["k", i]).catch(() => failures++);
      assert.ok(failures > 0, "some reads fail");
      const { kind, reason } = await disk.lost;
      assert.equal(kind, "damaged");
      assert.match(reason, /store\.kv is damaged: .*malformed/);
      await assert.rejects(disk.commit([{ key: ["k", 1], value: Uint8Array.of(1) }]), {
        code: "disk_failed",
        outcome: "no",
      });
    });
    assert.match(await bench.text("running.json"), /"damage": ".*malformed/);
    await bench.opened(JOINING, async () => assert.equal(await bench.keyCount(), 0));
    assert.equal((await bench.setAsides()).length, 1);
    await assert.rejects(bench.text("running.json"), Deno.errors.NotFound);
  });
});

Deno.test("a damaged log is told from a torn one, of which SQLite takes what is whole", async () => {
  for (const isDamaged of [false, true]) {
    await inDirectory(async (bench) => {
      // What a killed process leaves: the files as they lie while the store is open.
      await bench.opened(JOINING, async (_, disk) => {
        for (let i = 0; i < 9; i++) {
          await disk.commit([{ key: ["k", i], value: new Uint8Array(5_000) }]);
        }
        for (const file of ["store.kv", "store.kv-wal"]) {
          await Deno.copyFile(join(bench.path, file), join(bench.path, `${file}.copy`));
        }
      });
      const log = await Deno.readFile(join(bench.path, "store.kv-wal.copy"));
      log[log.length - 1_000]! ^= 1;
      if (isDamaged) log[Math.floor(log.length / 3)]! ^= 1;
      await Deno.writeFile(join(bench.path, "store.kv-wal"), log);
      await Deno.rename(join(bench.path, "store.kv.copy"), join(bench.path, "store.kv"));
      await bench.opened(JOINING, async () => {
        assert.equal(await bench.keyCount(), isDamaged ? 0 : 8, "the last commit is torn");
      });
      const places = await bench.setAsides();
      assert.equal(places.length, isDamaged ? 1 : 0);
      if (isDamaged) {
        assert.match(await bench.text(`${places[0]}/reason.json`), /frame \d+ is damaged/);
      }
    });
  }
});

Deno.test("a store that is called damaged once, and found sound, is kept; the second time it is set aside", async () => {
  await inDirectory(async (bench) => {
    await bench.fill();
    const say = { version: 1, damage: "disk image is malformed", uncheckedEnds: 0, suspicions: 0 };
    await bench.write("running.json", JSON.stringify(say));
    await bench.opened(JOINING, async () => {
      assert.equal(await bench.keyCount(), 400, "it is kept");
      assert.match(await bench.text("running.json"), /"suspicions": 1/);
      await Deno.copyFile(join(bench.path, "running.json"), join(bench.path, "kept.json"));
    });
    const noted = JSON.parse(await bench.text("kept.json"));
    await bench.write("running.json", JSON.stringify({ ...noted, damage: "malformed again" }));
    await bench.opened(JOINING, async () => assert.equal(await bench.keyCount(), 0));
    assert.equal((await bench.setAsides()).length, 1);
  });
});

Deno.test("a file that cannot be opened, or is another program's, is not called damaged", async () => {
  await inDirectory(async (bench) => {
    await bench.fill();
    const store = join(bench.path, "store.kv");
    await Deno.remove(store);
    await Deno.mkdir(store);
    await assert.rejects(
      bench.opened(JOINING, () => Promise.resolve()),
      /Cannot check the database/,
    );
    await Deno.remove(store);
    const kv = await Deno.openKv(store);
    await kv.set(["session"], "alice");
    kv.close();
    await assert.rejects(
      bench.opened(JOINING, () => Promise.resolve()),
      /holds the data of another program/,
    );
    assert.deepEqual(await bench.setAsides(), []);
  });
});

class Bench {
  readonly path: string;
  #disk: Awaited<ReturnType<typeof openDenoKvDisk>> | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** Fills the store while nobody watches. */
  async fill(options: DenoKvDiskOptions = {}): Promise<void> {
    await (await this.#directory()).close();
    const disk = await openDenoKvDisk(join(this.path, "store.kv"), options);
    for (let i = 0; i < 400; i += 20) {
      await disk.commit(
        Array.from({ length: 20 }, (_, j) => ({ key: ["k", i + j], value: new Uint8Array(1_000) })),
      );
    }
    await disk.close();
  }

  /** Opens the store as a node does, and closes all in order. */
  async opened(
    wish: Wish,
    run: (store: NodeStore, disk: Awaited<ReturnType<NodeStore["open"]>>) => Promise<void>,
  ): Promise<void> {
    const directory = await this.#directory();
    try {
      const store = await NodeStore.of(directory, { node: "n1", log: silentLog, ...wish });
      try {
        const disk = this.#disk = await store.open();
        await run(store, disk);
      } finally {
        await store.close();
      }
    } finally {
      await directory.close();
    }
  }

  async keyCount(): Promise<number> {
    return (await this.#disk!.range({ start: ["k"], end: ["l"] }, 1_000)).length;
  }

  async overwritePages(): Promise<void> {
    using file = await Deno.open(join(this.path, "store.kv"), { read: true, write: true });
    const count = Math.floor((await file.stat()).size / PAGE_BYTES);
    for (let page = 12; page < count; page += 3) {
      await file.seek(page * PAGE_BYTES, Deno.SeekMode.Start);
      await file.write(new Uint8Array(PAGE_BYTES).fill(0xa5));
    }
  }

  markBadEnd(): Promise<void> {
    return this.write("running.json", JSON.stringify({ version: 1 }));
  }

  write(name: string, text: string): Promise<void> {
    return Deno.writeTextFile(join(this.path, name), text);
  }

  text(name: string): Promise<string> {
    return Deno.readTextFile(join(this.path, name));
  }

  async setAsides(): Promise<string[]> {
    const names = await Array.fromAsync(Deno.readDir(this.path), ({ name }) => name);
    return names.filter((name) => name.startsWith("set-aside-"));
  }

  #directory(): Promise<DataDirectory> {
    return openDataDirectory(this.path, {
      name: "n1",
      cluster: "denamo",
      generateIdentity: () => Promise.resolve(Uint8Array.of(1)),
    });
  }
}

async function inDirectory(run: (bench: Bench) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "denamo-store-" });
  try {
    await run(new Bench(path));
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}
