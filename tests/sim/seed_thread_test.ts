import assert from "node:assert/strict";
import { SeedThread } from "../../scripts/seed_thread.ts";
import { optionsOf } from "./recipe.ts";
import { reportSeed, type SeedReport, type SeedTask } from "./seed_report.ts";

/** A module that answers as the body says. */
function worker(body: string): URL {
  return new URL(`data:text/javascript,onmessage = ({ data }) => { ${encodeURIComponent(body)} };`);
}

const ECHO = worker(`
  if (data === "loop") for (;;);
  if (data === "throw") throw "by intent";
  postMessage(data);
`);

Deno.test("a seed goes the same way on a thread of its own", async () => {
  const module = new URL("../../scripts/seed_worker.ts", import.meta.url);
  using thread = new SeedThread<SeedTask, SeedReport>(module, 60_000);
  for (const seed of [3, 4]) {
    const options = optionsOf({ seed, with: { durationMs: 2_000 } });
    const task = { options, isRepeated: false, isTold: false };
    const { realMs: _, ...there } = (await thread.run(task))!;
    const { realMs: __, ...here } = await reportSeed(task);
    assert.deepEqual(there, here);
  }
});

Deno.test("a task that never ends is ended, and the next one has a new thread", async () => {
  using thread = new SeedThread<string, string>(ECHO, 1_000);
  await assert.rejects(thread.run("loop"), /It has not ended after 1000 ms of real time/);
  assert.equal(await thread.run("again"), "again");
});

Deno.test("a task that takes its thread down is told of, and the next one has a new thread", async () => {
  using thread = new SeedThread<string, string>(ECHO, 60_000);
  await assert.rejects(thread.run("throw"), /The thread has failed: .*by intent/);
  assert.equal(await thread.run("again"), "again");
});

Deno.test("what is under way has no answer once nobody wants to know any more", async () => {
  using thread = new SeedThread<string, string>(ECHO, 60_000);
  const controller = new AbortController();
  const aborted = thread.run("loop", controller.signal);
  controller.abort();
  assert.equal(await aborted, undefined);
  assert.equal(await thread.run("late", controller.signal), undefined);
  const disposed = thread.run("loop");
  thread[Symbol.dispose]();
  assert.equal(await disposed, undefined);
  assert.equal(await thread.run("late"), undefined);
});
