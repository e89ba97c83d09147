import assert from "node:assert/strict";
import { Latency } from "../../src/wire/latency.ts";

Deno.test("a peer of which nothing is known is taken for a fast one, and then follows what is learnt", () => {
  const latency = new Latency();
  assert.equal(latency.at(5_000), 1);
  for (let i = 0; i < 100; i++) latency.learn(40, i);
  assert.ok(Math.abs(latency.at(100) - 40) < 1, `${latency.at(100)}`);
  for (let i = 0; i < 100; i++) latency.learn(0.2, 100 + i);
  assert.ok(latency.at(200) < 0.4, `${latency.at(200)}`);
});

Deno.test("one long answer counts for no more than a request waits", () => {
  const latency = new Latency();
  latency.learn(10_000, 0);
  assert.ok(latency.at(0) < 35, `${latency.at(0)}`);
});

Deno.test("what was measured ages towards what is taken for granted, from both sides", () => {
  const slow = new Latency();
  const near = new Latency();
  for (let i = 0; i < 100; i++) {
    slow.learn(200, 0);
    near.learn(0.1, 0);
  }
  assert.ok(slow.at(5_000) > 199);
  assert.ok(Math.abs(slow.at(10_000) - 100) < 1);
  assert.ok(slow.at(60_000) < 1.1 && slow.at(60_000) > 1);
  assert.ok(near.at(60_000) < 1 && near.at(60_000) > 0.99);
});
