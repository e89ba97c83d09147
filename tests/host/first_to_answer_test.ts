import assert from "node:assert/strict";
import { firstToAnswer, HEAD_START_MS } from "../../src/host/first_to_answer.ts";
import { sleep } from "../../src/ports/clock.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

/** Targets that answer after so many milliseconds, or fail then, or are silent. */
type Target = { readonly name: string; readonly afterMs?: number; readonly fails?: boolean };

function calling(targets: readonly Target[], timeoutMs = 5_000) {
  const time = new VirtualTime();
  const clock = time.clock();
  const begun: string[] = [];
  const signals: AbortSignal[] = [];
  const stop = new AbortController();
  const ended = { value: "", atMs: -1 };
  const end = (value: string) => Object.assign(ended, { value, atMs: time.nowMs });
  firstToAnswer(targets, async ({ afterMs, fails, name }, signal) => {
    begun.push(`${name} ${time.nowMs}`);
    signals.push(signal);
    if (afterMs === undefined) return await new Promise<string>(() => {});
    await sleep(clock, afterMs);
    if (fails) throw new Error(`${name} refuses`);
    return name;
  }, { clock, timeoutMs, signal: stop.signal })
    .then(end, (error) => end(`${error.constructor.name}: ${error.message}`));
  return { time, begun, signals, ended, stop };
}

Deno.test("five silent addresses before the good one cost a head start each, and no more", async () => {
  const silent = ["a", "b", "c", "d", "e"].map((name) => ({ name }));
  const { begun, ended, signals, time } = calling([...silent, { name: "good", afterMs: 10 }]);
  await time.pass(5 * HEAD_START_MS + 10);
  assert.deepEqual(ended, { value: "good", atMs: 5 * HEAD_START_MS + 10 });
  assert.deepEqual(begun.map((line) => Number(line.split(" ")[1])), [0, 250, 500, 750, 1000, 1250]);
  assert.ok(signals.every(({ aborted }) => aborted), "the others are given up");
  assert.equal(time.waiting, 0);
});

Deno.test("a target that answers in its head start is the only one that is called", async () => {
  const { begun, ended, time } = calling([{ name: "a", afterMs: 20 }, { name: "b", afterMs: 1 }]);
  await time.pass(1_000);
  assert.deepEqual([ended.value, begun], ["a", ["a 0"]]);
});

Deno.test("the next one is called at once when one fails, and all failures are told", async () => {
  const refusing = ["a", "b"].map((name) => ({ name, afterMs: 1, fails: true }));
  const { begun, ended, time } = calling(refusing);
  await time.pass(10);
  assert.deepEqual(begun, ["a 0", "b 1"]);
  assert.equal(ended.value, "AggregateError: a refuses; b refuses");
  assert.equal(time.waiting, 0);
});

Deno.test("it ends in time, or when it is told to", async () => {
  const { ended, time } = calling([{ name: "a" }]);
  await time.pass(5_000);
  assert.match(ended.value, /Nobody answers within 5000 ms/);
  const stopped = calling([{ name: "a" }]);
  await stopped.time.pass(1);
  stopped.stop.abort();
  await stopped.time.pass(1);
  assert.match(stopped.ended.value, /^AggregateError/);
  assert.equal(stopped.time.waiting, 0);
  const none = calling([]);
  await none.time.pass(1);
  assert.match(none.ended.value, /There is no address/);
});
