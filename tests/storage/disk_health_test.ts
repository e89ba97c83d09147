import assert from "node:assert/strict";
import fc from "fast-check";
import type { DiskRoom } from "../../src/ports/disk.ts";
import { DiskHealth, type Trial } from "../../src/storage/disk_health.ts";
import { DenamoError, DiskFullError } from "../../src/wire/errors.ts";

const MIB = 1024 * 1024;
const full = () => new DiskFullError("Cannot commit");
const broken = () => new Error("The device does not answer");

/** Room on a device of one GiB, of which 51 MiB are the least that must be left. */
function room(freeMib: number): DiskRoom {
  return { freeBytes: freeMib * MIB, totalBytes: 1024 * MIB };
}

function trial(fields: Partial<Trial> = {}): Trial {
  return { room: undefined, writeError: undefined, readError: undefined, ...fields };
}

Deno.test("a disk that is full takes no writes until a trial of it succeeds", () => {
  const health = new DiskHealth();
  assert.equal(health.problem(), undefined);
  health.commitFailed(full());
  assert.equal(health.condition, "readonly");
  const problem = health.problem()!;
  assert.deepEqual([problem.code, problem.outcome], ["disk_failed", "no"]);
  assert.match(problem.message, /No writes are taken: the disk is full/);
  health.tried(trial({ writeError: full() }));
  assert.equal(health.condition, "readonly");
  health.tried(trial());
  assert.equal(health.condition, "ok");
  assert.equal(health.problem(), undefined);
});

Deno.test("that some commit succeeds proves nothing while the disk is full", () => {
  const health = new DiskHealth();
  health.commitFailed(full());
  health.committed();
  assert.equal(health.condition, "readonly");
});

Deno.test("one error of the device is an accident, several in a row are not", () => {
  const health = new DiskHealth();
  for (let i = 0; i < 10; i++) {
    health.commitFailed(broken());
    health.commitFailed(broken());
    health.committed();
    assert.equal(health.condition, "ok");
  }
  for (let i = 0; i < 3; i++) health.commitFailed(broken());
  assert.equal(health.condition, "readonly");
  assert.ok(health.refusesCommits);
});

Deno.test("a batch over the limits and a closed disk say nothing of the disk", () => {
  const health = new DiskHealth();
  for (let i = 0; i < 9; i++) {
    health.commitFailed(new RangeError("too large"));
    health.commitFailed(new DenamoError("stopped", "no", "The disk is closed"));
  }
  assert.equal(health.condition, "ok");
});

Deno.test("with little room left no writes are taken, but the node's own commits go on", () => {
  const health = new DiskHealth();
  health.sawRoom(room(52));
  assert.equal(health.condition, "ok");
  health.sawRoom(room(50));
  assert.equal(health.condition, "readonly");
  assert.equal(health.refusesCommits, false);
  assert.equal(health.mayTry(room(60)), false, "a trial would take the last room");
  health.tried(trial({ room: room(60) }));
  assert.equal(health.condition, "readonly", "a little more is not enough");
  assert.ok(health.mayTry(room(80)));
  health.tried(trial({ room: room(80) }));
  assert.equal(health.condition, "ok");
});

Deno.test("64 MiB are enough on the largest device", () => {
  const health = new DiskHealth();
  health.sawRoom({ freeBytes: 65 * MIB, totalBytes: 1e15 });
  assert.equal(health.condition, "ok");
  health.sawRoom({ freeBytes: 63 * MIB, totalBytes: 1e15 });
  assert.equal(health.condition, "readonly");
});

Deno.test("a disk that can be neither written nor read has failed, and may come back", () => {
  const health = new DiskHealth();
  health.commitFailed(full());
  health.tried(trial({ writeError: broken(), readError: broken() }));
  assert.equal(health.condition, "failed");
  health.tried(trial({ writeError: broken() }));
  assert.equal(health.condition, "readonly");
  health.tried(trial({ readError: broken() }));
  assert.equal(health.condition, "readonly", "what cannot be read is no place to write to");
  health.tried(trial());
  assert.equal(health.condition, "ok");
});

Deno.test("whatever happens, writes are refused exactly while the condition is not ok, and a good trial ends it", () => {
  const event = fc.constantFrom<(health: DiskHealth) => void>(
    (health) => health.committed(),
    (health) => health.commitFailed(full()),
    (health) => health.commitFailed(broken()),
    (health) => health.sawRoom(room(1)),
    (health) => health.sawRoom(room(900)),
    (health) => health.tried(trial({ writeError: full() })),
    (health) => health.tried(trial({ writeError: broken(), readError: broken() })),
    (health) => health.tried(trial({ room: room(1) })),
  );
  fc.assert(fc.property(fc.array(event), (events) => {
    const health = new DiskHealth();
    for (const happens of events) {
      happens(health);
      assert.equal(health.problem() === undefined, health.condition === "ok");
    }
    health.tried(trial({ room: room(900) }));
    assert.equal(health.condition, "ok");
  }));
});

Deno.test("a damaged disk is readonly for good, a disk that is gone is failed, and no trial mends them", () => {
  for (const [kind, condition] of [["damaged", "readonly"], ["gone", "failed"]] as const) {
    const health = new DiskHealth();
    health.commitFailed(full());
    health.lost({ kind, reason: "It was replaced" });
    assert.equal(health.condition, condition);
    assert.equal(health.refusesCommits, true);
    assert.match(health.problem()!.message, /No writes are taken: It was replaced/);
    health.committed();
    health.commitFailed(full());
    health.sawRoom(room(1));
    health.tried(trial());
    assert.equal(health.condition, condition);
    assert.equal(health.describe(), "It was replaced");
  }
});

Deno.test("a disk that could be neither written nor read stays failed when it turns out to be damaged", () => {
  const health = new DiskHealth();
  health.commitFailed(full());
  health.tried(trial({ writeError: broken(), readError: broken() }));
  assert.equal(health.condition, "failed");
  health.lost({ kind: "damaged", reason: "It is damaged" });
  assert.equal(health.condition, "failed");
});
