import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { inTime } from "../../src/coordinator/in_time.ts";
import { Reads } from "../../src/coordinator/reads.ts";
import { Writes } from "../../src/coordinator/writes.ts";
import { sleep } from "../../src/ports/clock.ts";
import { Deadlines } from "../../src/wire/deadlines.ts";
import { DenamoError, TimeoutError } from "../../src/wire/errors.ts";
import { watch } from "../node/layout_world.ts";
import { RepairWorld, textOf, textsOf } from "../replica/repair_world.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

const KEY = "cart:alice";
const TIMEOUT_MS = 1_000;
const SLOW_MS = 5_000;

/** Three owners, one of which finds nothing in its memory and takes so long to read its disk. */
async function slowOwner(slowMs = SLOW_MS) {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3"] });
  const [self] = world.ownersOf(KEY) as [string];
  for (const owner of world.ownersOf(KEY)) await world.write(owner, KEY, owner);
  await world.flush(self);
  await world.restart(self);
  world.trouble(self).disk = async ({ kind }) => {
    if (kind !== "commit") await sleep(world.time.clock(), slowMs);
  };
  const { cluster, deadlines, handOff, log, namespaces, replica } = world.node(self);
  const request = {
    key: utf8(KEY),
    partition: world.partitionOf(KEY),
    namespace: namespaces.of(utf8(KEY)),
    isStrict: false,
    timeoutMs: TIMEOUT_MS,
  };
  const reads = new Reads(cluster, replica, deadlines, log);
  const writes = new Writes(cluster, replica, handOff, deadlines);
  return { world, self, request, reads, writes };
}

/** What becomes of a request, and after how many milliseconds. */
async function ended<T>({ time }: RepairWorld, request: Promise<T>) {
  const beganAtMs = time.nowMs;
  const outcome = watch(request);
  await time.until(() => outcome.isSettled, "the end of the request");
  return { request, tookMs: time.nowMs - beganAtMs };
}

function isLate(error: unknown): boolean {
  return error instanceof TimeoutError && error.outcome === "no";
}

Deno.test("a write ends in time though the disk of its coordinator does not, and does nothing later", async () => {
  const { request, self, world, writes } = await slowOwner();
  let changes = 0;
  const { request: write, tookMs } = await ended(
    world,
    writes.write({
      ...request,
      w: 2,
      seen: undefined,
      change: (held, nextDot) => {
        changes++;
        return held.write(nextDot(held.latestTime()), textOf("late"), undefined, undefined);
      },
    }),
  );
  await assert.rejects(write, isLate);
  assert.ok(tookMs < 1.1 * TIMEOUT_MS, `${tookMs} ms`);
  await world.time.pass(2 * SLOW_MS);
  assert.equal(changes, 0);
  world.trouble(self).disk = () => {};
  assert.deepEqual(await world.textsOf(self, KEY), [self]);
});

Deno.test("a read does without the copy of its coordinator if that takes long", async () => {
  const { reads, request, self, world } = await slowOwner();
  const { request: read, tookMs } = await ended(world, reads.read({ ...request, r: 2 }));
  const others = world.ownersOf(KEY).filter((owner) => owner !== self);
  assert.deepEqual(textsOf((await read).object), others.toSorted());
  assert.ok(tookMs < TIMEOUT_MS, `${tookMs} ms`);
});

Deno.test("a read that needs every copy waits for its own, and ends in time", async () => {
  const { reads, request, world } = await slowOwner();
  const { request: read, tookMs } = await ended(world, reads.read({ ...request, r: 3 }));
  await assert.rejects(read, (error) => error instanceof DenamoError && error.outcome === "no");
  assert.ok(tookMs >= TIMEOUT_MS && tookMs < 1.1 * TIMEOUT_MS, `${tookMs} ms`);
});

Deno.test("a read waits for the copy of its coordinator where too few others can be asked", async () => {
  const { reads, request, self, world } = await slowOwner(0.7 * TIMEOUT_MS);
  world.isolate(self);
  const { request: read } = await ended(world, reads.read({ ...request, r: 1 }));
  assert.deepEqual(textsOf((await read).object), [self]);
});

Deno.test("who may not give up goes on waiting", async () => {
  const time = new VirtualTime();
  const deadlines = new Deadlines(time.clock());
  const pending = sleep(time.clock(), 3_000).then(() => "done");
  const waiting = { deadlines, timeoutMs: 1_000, key: utf8(KEY), giveUp: () => false };
  const result = inTime(pending, waiting);
  await time.pass(4_000);
  assert.equal(await result, "done");
});
