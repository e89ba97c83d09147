import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import type { DenamoError } from "../../src/wire/errors.ts";
import { NodeWorld } from "./node_world.ts";

const COMMIT_MS = 30_000;
const TIMEOUT_MS = 500;

Deno.test("a request ends in time at a node that is about to stop, however long its disk takes to", async () => {
  await using world = await NodeWorld.of(1, { replication: 1 });
  world.commitsMs.set("n1", COMMIT_MS);
  const beganAtMs = world.time.nowMs;
  const value = { kind: "text", bytes: utf8("v") } as const;
  const put = world.node("n1").put(utf8("k"), value, { timeoutMs: TIMEOUT_MS });
  const ended = world.ended(
    put.then(() => undefined, (error: unknown) => [error, world.time.nowMs - beganAtMs]),
  );
  const stopped = world.node("n1").stop();
  const [error, tookMs] = await ended as [DenamoError, number];
  assert.equal(error.outcome, "unknown");
  assert.ok(tookMs >= TIMEOUT_MS && tookMs < TIMEOUT_MS + 100, `${tookMs} ms`);
  await world.ended(stopped);
  assert.ok(world.time.nowMs - beganAtMs >= COMMIT_MS);
});
