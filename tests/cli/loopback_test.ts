import assert from "node:assert/strict";
import { goDirectToLoopback } from "../../src/cli/loopback.ts";

Deno.test("goDirectToLoopback() adds to what the user spares already", () => {
  const environment = new Map([["no_proxy", "intern.example,localhost"]]);
  goDirectToLoopback({
    get: (name) => environment.get(name),
    set: (name, value) => void environment.set(name, value),
  });
  const list = "intern.example,localhost,127.0.0.1,::1";
  assert.deepEqual(Object.fromEntries(environment), { NO_PROXY: list, no_proxy: list });
});
