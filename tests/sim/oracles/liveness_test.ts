import assert from "node:assert/strict";
import { idleProblems } from "./liveness.ts";

const gauge = (name: string, value: number) => ({ name, value, help: "", kind: "gauge" as const });

Deno.test("a node at rest has nothing under way", () => {
  const rest = ["requests_in_flight_count", "rpcs_open_count", "storage_pending_count"]
    .map((name) => gauge(name, 0));
  assert.deepEqual(idleProblems("n1", [...rest, gauge("storage_cached_count", 7)]), []);
  assert.deepEqual(idleProblems("n1", [rest[0]!, gauge("rpcs_open_count", 2)]), [
    "n1 has nothing to do, and yet rpcs_open_count is 2",
    "n1 has nothing to do, and yet storage_pending_count is not measured",
  ]);
});
