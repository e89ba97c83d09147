import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { KeyOrder } from "../../src/replica/key_order.ts";

const key = utf8("k");

Deno.test("run() runs at once what is ready", () => {
  assert.equal(new KeyOrder().run(key, () => true, () => 7), 7);
});

Deno.test("run() lets nobody in between who waits and what it waits for", async () => {
  const order = new KeyOrder();
  const steps: string[] = [];
  const slow = order.run(key, () => false, async () => {
    steps.push("slow begins");
    await Promise.resolve();
    steps.push("slow ends");
  });
  const quick = order.run(key, () => true, () => {
    steps.push("quick");
  });
  const other = order.run(utf8("other"), () => true, () => {
    steps.push("another key");
  });
  await Promise.all([slow, quick, other]);
  assert.deepEqual(steps, ["slow begins", "another key", "slow ends", "quick"]);
});

Deno.test("run() goes on after a change that failed", async () => {
  const order = new KeyOrder();
  const failed = order.run(key, () => false, () => Promise.reject(new Error("no")));
  const next = order.run(key, () => false, () => Promise.resolve("yes"));
  await assert.rejects(async () => await failed, /no/);
  assert.equal(await next, "yes");
});

Deno.test("changes of one key never overlap and keep their order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), fc.nat(3))), async (changes) => {
      const order = new KeyOrder();
      let isRunning = false;
      const started: number[] = [];
      await Promise.all(changes.map(async ([isReady, turns], i) => {
        await order.run(key, () => isReady, () => {
          assert.ok(!isRunning);
          started.push(i);
          if (isReady) return;
          isRunning = true;
          return (async () => {
            for (let turn = 0; turn < turns; turn++) await Promise.resolve();
            isRunning = false;
          })();
        });
      }));
      assert.deepEqual(started, changes.map((_, i) => i));
    }),
  );
});
