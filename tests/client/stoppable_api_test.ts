import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { Database } from "../../src/client/database.ts";
import { StoppableApi } from "../../src/client/stoppable_api.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { FakeNodeApi } from "../doors/fake_node_api.ts";

const KEY = utf8("k");

/** Every call that there is. */
const CALLS: Readonly<Record<string, (api: StoppableApi) => unknown>> = {
  get: (api) => api.get(KEY),
  put: (api) => api.put(KEY, { kind: "text", bytes: KEY }),
  delete: (api) => api.delete(KEY),
  update: (api) => api.update(KEY, []),
  expire: (api) => api.expire(KEY, undefined),
  scan: (api) => api.scan({ from: { partition: 0 }, limit: 1 }),
  status: (api) => api.status(),
  members: (api) => api.members(),
  ring: (api) => api.ring(),
  placement: (api) => api.placement(KEY),
  measurements: (api) => api.measurements(),
  nowMs: (api) => api.nowMs(),
  equality: (api) => api.equality(),
  initLayout: (api) => api.initLayout(["n1"]),
  hints: (api) => api.hints(),
  repair: (api) => api.repair(),
  differences: (api) => api.differences(),
  "namespaces.list": (api) => api.namespaces.list(),
  "namespaces.set": (api) => api.namespaces.set("p:", {}),
  "namespaces.remove": (api) => api.namespaces.remove("p:"),
};

/** The calls whose answer is not waited for, which fail at once. */
const AT_ONCE = /^(status|members|ring|placement|measurements|nowMs|equality|namespaces.list)$/;

const isStopped = (error: unknown) => {
  assert.ok(error instanceof DenamoError, String(error));
  assert.deepEqual([error.code, error.outcome], ["stopped", "no"]);
  return true;
};

Deno.test("every call of a node that was stopped fails as stopped, certainly without effect", async () => {
  const api = new StoppableApi(new FakeNodeApi());
  api.stop();
  for (const [name, call] of Object.entries(CALLS)) {
    if (AT_ONCE.test(name)) assert.throws(() => call(api), isStopped, name);
    else await assert.rejects(call(api) as Promise<unknown>, isStopped, name);
  }
  const named = Object.keys(CALLS).map((name) => name.split(".")[0]);
  const all = Object.keys(api).filter((name) => !named.includes(name));
  assert.deepEqual(all, [], "calls that this test does not know");
});

Deno.test("before that calls go through, and databases over it see its end", async () => {
  const api = new StoppableApi(new FakeNodeApi());
  const db = new Database(api);
  await db.put("k", "v");
  assert.equal((await db.get("k")).value, "v");
  assert.equal(api.status().node, "n1");
  api.stop();
  await assert.rejects(db.get("k"), isStopped);
  await assert.rejects(db.counter("c").add(1), isStopped);
});
