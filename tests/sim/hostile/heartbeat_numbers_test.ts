import assert from "node:assert/strict";
import { decodeHeartbeat, encodeHeartbeat } from "../../../src/membership/heartbeat.ts";
import { heartbeatOf } from "../../membership/manual_clock.ts";
import { HEARTBEAT_NUMBERS, withNumbers } from "./heartbeat_numbers.ts";

Deno.test("withNumbers() changes the numbers that it is told, and nothing else", () => {
  const heartbeat = { ...heartbeatOf(), layoutId: "1-aa", load: 3 };
  const bytes = encodeHeartbeat(heartbeat);
  assert.deepEqual(withNumbers(bytes, {}), bytes);
  for (const [i, name] of HEARTBEAT_NUMBERS.entries()) {
    const number = 100 + i;
    const expected = { ...heartbeat, [name]: name === "load" ? number / 1_000 : number };
    assert.deepEqual(decodeHeartbeat(withNumbers(bytes, { [name]: number })), {
      ...decodeHeartbeat(bytes),
      [name]: expected[name],
    });
  }
});

Deno.test("withNumbers() writes what no node would", () => {
  const bytes = withNumbers(encodeHeartbeat(heartbeatOf()), { intervalMs: 2 ** 53 - 1 });
  assert.throws(() => decodeHeartbeat(bytes), /interval/);
});
