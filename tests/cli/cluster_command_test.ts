import assert from "node:assert/strict";
import { panicIn } from "../../src/cli/cluster_command.ts";

Deno.test("panicIn() quotes what Deno says when it ends the process by itself", () => {
  const lines = [
    "============================================================",
    "Deno has panicked. This is a bug in Deno. Please report this",
    "thread 'sw-0' (2092) panicked at /home/runner/denokv_sqlite-0.14.0/lib.rs:327:19:",
    "KV collect expired failed: database disk image is malformed",
    "stack backtrace:",
  ];
  assert.equal(panicIn(lines), "KV collect expired failed: database disk image is malformed");
  assert.equal(panicIn(lines.slice(0, 3)), "it does not say why");
});

Deno.test("panicIn() finds nothing in what a node says itself", () => {
  assert.equal(
    panicIn(["error: Cannot start the node: it is damaged", "panicked at the disco"]),
    undefined,
  );
  assert.equal(panicIn([]), undefined);
});
