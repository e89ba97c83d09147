import assert from "node:assert/strict";
import { firstAnswer } from "../../src/coordinator/first_answer.ts";
import { Deadlines } from "../../src/wire/deadlines.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

/** Candidates that answer, or not, after so many milliseconds; `never` hangs. */
async function ask(
  pauseMs: number | undefined,
  times: Readonly<Record<string, number | "never" | "fails">>,
  canAnswer: (name: string) => boolean = () => true,
) {
  const time = new VirtualTime();
  const asked: string[] = [];
  const deadlines = new Deadlines(time.clock());
  const found = firstAnswer(Object.keys(times), deadlines, pauseMs, async (name) => {
    asked.push(`${name} at ${time.nowMs}`);
    const afterMs = times[name]!;
    if (afterMs === "fails") throw new Error(`${name} fails`);
    await new Promise<void>((resolve) => {
      if (afterMs !== "never") time.after(afterMs, resolve);
    });
    return canAnswer(name) ? name : undefined;
  });
  found.catch(() => {});
  await time.pass(10_000);
  return { asked, found };
}

Deno.test("the first that answers is enough", async () => {
  const { asked, found } = await ask(250, { n1: 10, n2: 10 });
  assert.equal(await found, "n1");
  assert.deepEqual(asked, ["n1 at 0"]);
});

Deno.test("who cannot answer is followed by the next, at once", async () => {
  const { asked, found } = await ask(undefined, { n1: 10, n2: 10, n3: 5 }, (name) => name === "n3");
  assert.equal(await found, "n3");
  assert.deepEqual(asked, ["n1 at 0", "n2 at 10", "n3 at 20"]);
});

Deno.test("who takes long is not waited for, and may still be the first", async () => {
  const hung = await ask(250, { n1: "never", n2: 20 });
  assert.equal(await hung.found, "n2");
  const [, second] = hung.asked.map((line) => Number(line.split(" ")[2]));
  // Deadlines are rounded up to the next of a few turns.
  assert.ok(second! >= 250 && second! < 300, `n2 is asked after ${second} ms`);
  assert.equal(await (await ask(250, { n1: 350, n2: 400 })).found, "n1");
});

Deno.test("without a pause nobody is asked beside another", async () => {
  const { asked, found } = await ask(undefined, { n1: 5_000, n2: 20 });
  assert.equal(await found, "n1");
  assert.deepEqual(asked, ["n1 at 0"]);
});

Deno.test("if none can answer there is no answer, and what is thrown ends the search", async () => {
  assert.equal(await (await ask(250, { n1: 10, n2: 900 }, () => false)).found, undefined);
  assert.equal(await (await ask(250, {})).found, undefined);
  const { asked, found } = await ask(250, { n1: "fails", n2: 10 });
  await assert.rejects(found, /n1 fails/);
  assert.deepEqual(asked, ["n1 at 0"]);
});
