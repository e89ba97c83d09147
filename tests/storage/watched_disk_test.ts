import assert from "node:assert/strict";
import type { DiskRoom } from "../../src/ports/disk.ts";
import type { Log } from "../../src/ports/log.ts";
import { WatchedDisk } from "../../src/storage/watched_disk.ts";
import { DiskFullError } from "../../src/wire/errors.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import { DiskImage, type DiskOperation, type MemoryDisk } from "../sim/memory_disk.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

const BATCH = [{ key: ["o", 1], value: new Uint8Array(10) }];

class Bench {
  readonly time = new VirtualTime();
  readonly lines: string[] = [];
  readonly log: Log = {
    debug: () => {},
    info: (line) => this.lines.push(line),
    warn: (line) => this.lines.push(line),
    error: (line) => this.lines.push(line),
  };
  readonly image = new DiskImage();
  readonly opened: MemoryDisk;
  readonly disk: WatchedDisk;
  isFull = false;
  isUnreadable = false;
  room: DiskRoom | undefined;
  trials = 0;

  constructor() {
    this.opened = this.image.open({
      before: (operation) => this.#before(operation),
      room: () => this.room,
    });
    this.disk = new WatchedDisk(this.opened, this.time.clock(), this.log);
  }

  #before(operation: DiskOperation): void {
    if (operation.kind !== "commit") {
      if (this.isUnreadable) throw new Error("It cannot be read");
      return;
    }
    if (operation.batch.some(({ key, value }) => key[0] === "w" && value !== undefined)) {
      this.trials++;
    }
    if (this.isFull && operation.batch.some(({ value }) => value !== undefined)) {
      throw new DiskFullError("Cannot commit");
    }
  }

  async until(condition: string): Promise<void> {
    await this.time.until(() => this.disk.condition === condition, condition);
  }
}

Deno.test("a full disk is noticed by the commit that fails, tried each second, and used again by itself", async () => {
  const bench = new Bench();
  const { disk, lines, time } = bench;
  await disk.commit(BATCH);
  bench.isFull = true;
  await assert.rejects(disk.commit(BATCH), DiskFullError);
  assert.equal(disk.condition, "readonly");
  assert.equal(disk.problem()?.outcome, "no");
  assert.equal((await disk.get(["o", 1]))?.length, 10, "it serves what it has");
  await time.pass(10_500);
  assert.equal(bench.trials, 10, "one trial a second");
  assert.equal(disk.condition, "readonly");
  bench.isFull = false;
  await bench.until("ok");
  await disk.commit(BATCH);
  assert.equal(disk.problem(), undefined);
  assert.deepEqual(
    bench.image.range({ start: ["w"], end: ["w", 99] }, 9),
    [],
    "trials are removed",
  );
  assert.equal(lines.length, 2, lines.join("\n"));
  assert.match(lines[0]!, /takes no writes: the disk is full. Make room/);
  assert.match(lines[1]!, /takes writes again/);
  await disk.close();
});

Deno.test("while all is well there is no timer, and none is left when the disk is closed", async () => {
  const bench = new Bench();
  await bench.disk.commit(BATCH);
  assert.equal(bench.time.waiting, 0);
  bench.isFull = true;
  await assert.rejects(bench.disk.commit(BATCH));
  assert.equal(bench.time.waiting, 1);
  await bench.disk.close();
  assert.equal(bench.time.waiting, 0);
});

Deno.test("little room is noticed after a commit, and no trial is made until there is more", async () => {
  const bench = new Bench();
  bench.room = { freeBytes: 1_000, totalBytes: 1_000_000 };
  await bench.disk.commit(BATCH);
  await bench.until("readonly");
  assert.equal(bench.disk.refusesCommits, false);
  await bench.disk.commit(BATCH);
  await bench.time.pass(5_000);
  assert.equal(bench.trials, 0);
  assert.equal(bench.disk.freeBytes, 1_000);
  bench.room = { freeBytes: 500_000, totalBytes: 1_000_000 };
  await bench.until("ok");
  await bench.disk.close();
});

Deno.test("a disk that can be neither written nor read has failed until it can", async () => {
  const bench = new Bench();
  bench.isFull = bench.isUnreadable = true;
  await assert.rejects(bench.disk.commit(BATCH));
  await bench.until("failed");
  bench.isUnreadable = false;
  await bench.until("readonly");
  bench.isFull = false;
  await bench.until("ok");
  await bench.disk.close();
});

Deno.test("a trial fits a disk of any limits", async () => {
  const image = new DiskImage({ valueBytes: 100, batchBytes: 250, batchChanges: 2 });
  const time = new VirtualTime();
  let isFull = true;
  const disk = new WatchedDisk(
    image.open({
      before: ({ kind }) => {
        if (isFull && kind === "commit") throw new DiskFullError("Cannot commit");
      },
    }),
    time.clock(),
    silentLog,
  );
  await assert.rejects(disk.commit(BATCH));
  isFull = false;
  await time.until(() => disk.condition === "ok", "the trial fits");
  await disk.close();
});

Deno.test("a disk that was taken away is failed at once and for good, and the log says what to do, once", async () => {
  const bench = new Bench();
  const { disk, lines, time } = bench;
  await disk.commit(BATCH);
  bench.opened.takeAway("/data/n1/store.kv was removed");
  await bench.until("failed");
  assert.equal(disk.goneBecause, "/data/n1/store.kv was removed");
  assert.equal(disk.refusesCommits, true);
  const problem = disk.problem()!;
  assert.deepEqual([problem.code, problem.outcome], ["disk_failed", "no"]);
  assert.match(problem.message, /No writes are taken: \/data\/n1\/store\.kv was removed/);
  for (let i = 0; i < 4; i++) await assert.rejects(disk.commit(BATCH), { code: "disk_failed" });
  await time.pass(10_000);
  assert.equal(disk.condition, "failed");
  assert.equal(bench.trials, 0, "there is nothing to be tried");
  assert.equal(lines.length, 1);
  assert.match(
    lines[0]!,
    /stores and serves nothing: .* was removed\. Put its data directory back/,
  );
});

Deno.test("a full disk that is taken away is not tried any more, and that is told as well", async () => {
  const bench = new Bench();
  const { disk, lines, time } = bench;
  bench.isFull = true;
  await assert.rejects(disk.commit(BATCH), DiskFullError);
  assert.equal(disk.condition, "readonly");
  bench.opened.takeAway();
  await bench.until("failed");
  bench.isFull = false;
  const before = bench.trials;
  await time.pass(10_000);
  assert.deepEqual([disk.condition, bench.trials, lines.length], ["failed", before, 2]);
});
