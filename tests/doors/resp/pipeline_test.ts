import assert from "node:assert/strict";
import fc from "fast-check";
import { Pipeline, type PipelineTask } from "../../../src/doors/resp/pipeline.ts";

const LIMITS = { concurrentKeysCount: 4, replyBytes: 100, firstReplyBytes: 100 };

/** A command that ends when the test says so. */
class Step implements PipelineTask {
  replyBytes = 0;
  readonly keys: readonly string[];
  readonly isRead: boolean;
  readonly #longReplyBytes: number;
  readonly #log: string[];
  readonly #ended: Promise<void>;
  end = () => {};

  constructor(log: string[], keys: string, kind: "read" | "write" = "write", replyBytes = 1) {
    this.#log = log;
    this.keys = keys.split(" ");
    this.isRead = kind === "read";
    this.#longReplyBytes = replyBytes;
    this.#ended = new Promise((resolve) => this.end = resolve);
  }

  async run(): Promise<void> {
    this.#log.push(this.keys.join(" "));
    await this.#ended;
    this.replyBytes = this.#longReplyBytes;
  }
}

Deno.test("take() gives commands in their order, though others end before them", async () => {
  const log: string[] = [];
  const pipeline = new Pipeline<Step>(LIMITS, () => 0);
  const [a, b] = [new Step(log, "a"), new Step(log, "b")];
  pipeline.add(a);
  pipeline.add(b);
  assert.deepEqual(log, ["a", "b"]);
  b.end();
  const first = pipeline.take();
  a.end();
  assert.equal(await first, a);
  assert.equal(await pipeline.take(), b);
  assert.equal(await pipeline.take(), undefined);
  assert.ok(pipeline.isEmpty);
});

Deno.test("a command waits for those before it that name one of its keys, and for no other", async () => {
  const log: string[] = [];
  const pipeline = new Pipeline<Step>(LIMITS, () => 0);
  const [a, b, both, c] = ["a", "b", "a b", "c"].map((keys) => new Step(log, keys));
  for (const step of [a!, b!, both!, c!]) pipeline.add(step);
  assert.deepEqual(log, ["a", "b", "c"]);
  a!.end();
  assert.equal(await pipeline.take(), a);
  assert.deepEqual(log, ["a", "b", "c"]);
  b!.end();
  assert.equal(await pipeline.take(), b);
  assert.deepEqual(log, ["a", "b", "c", "a b"]);
});

Deno.test("a key that is named twice does not make a command wait for itself", () => {
  const log: string[] = [];
  const pipeline = new Pipeline<Step>(LIMITS, () => 0);
  pipeline.add(new Step(log, "a a"));
  assert.deepEqual(log, ["a a"]);
});

Deno.test("a bounded number of keys is asked for at once, and a command with more runs alone", async () => {
  const log: string[] = [];
  const pipeline = new Pipeline<Step>(LIMITS, () => 0);
  const steps = ["a b", "c d", "e", "f g h i j"].map((keys) => new Step(log, keys));
  for (const step of steps) pipeline.add(step);
  assert.deepEqual(log, ["a b", "c d"]);
  for (const step of steps.slice(0, 3)) step.end();
  for (let i = 0; i < 3; i++) await pipeline.take();
  assert.equal(pipeline.runningCount, 1);
  assert.equal(log.at(-1), "f g h i j");
});

Deno.test("reads begin one by one, and as long as replies are short more of them run", async () => {
  const log: string[] = [];
  const pipeline = new Pipeline<Step>({ ...LIMITS, concurrentKeysCount: 100 }, () => 0);
  const steps = Array.from({ length: 20 }, (_, i) => new Step(log, `k${i}`, "read", 0));
  for (const step of steps) pipeline.add(step);
  const running: number[] = [];
  for (const step of steps) {
    running.push(pipeline.runningCount);
    step.end();
    assert.equal(await pipeline.take(), step);
  }
  assert.deepEqual(running.slice(0, 4), [1, 2, 4, 8]);
});

Deno.test("nothing begins while replies that are long are not sent", async () => {
  const log: string[] = [];
  let unsentBytes = 0;
  const pipeline = new Pipeline<Step>(LIMITS, () => unsentBytes);
  const steps = ["a", "b", "c"].map((key) => new Step(log, key, "read", 90));
  for (const step of steps) pipeline.add(step);
  assert.deepEqual(log, ["a"]);
  const taking = pipeline.take();
  unsentBytes = 90;
  steps[0]!.end();
  assert.equal(await taking, steps[0]);
  assert.deepEqual(log, ["a"]);
  // Whoever asks for the next has sent what was before it, or needs it all the same.
  const next = pipeline.take();
  assert.deepEqual(log, ["a", "b"]);
  steps[1]!.end();
  assert.equal(await next, steps[1]);
});

Deno.test("cancel() lets end what has begun, and what has not is never taken", async () => {
  const log: string[] = [];
  const pipeline = new Pipeline<Step>(LIMITS, () => 0);
  const [first, second] = [new Step(log, "a"), new Step(log, "a")];
  pipeline.add(first);
  pipeline.add(second);
  const taking = pipeline.take();
  pipeline.cancel();
  first.end();
  assert.equal(await taking, first);
  assert.equal(await pipeline.take(), undefined);
  assert.deepEqual(log, ["a"]);
});

Deno.test("whatever ends first, keys keep their order, bounds hold, and all commands end", async () => {
  const command = fc.record({
    keys: fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1, maxLength: 5 }),
    isRead: fc.boolean(),
    replyBytes: fc.nat(150),
  });
  const worlds = fc.record({
    commands: fc.array(command, { maxLength: 40 }),
    choices: fc.infiniteStream(fc.nat(1000)),
  });
  await fc.assert(fc.asyncProperty(worlds, async ({ commands, choices }) => {
    const log: string[] = [];
    const pipeline = new Pipeline<Step>(LIMITS, () => 0);
    const steps = commands.map(({ keys, isRead, replyBytes }) => {
      return new Step(log, keys.join(" "), isRead ? "read" : "write", replyBytes);
    });
    const running = new Set<Step>();
    const order: Step[] = [];
    for (const step of steps) {
      const run = step.run.bind(step);
      step.run = () => {
        for (const other of running) {
          assert.ok(
            !other.keys.some((key) => step.keys.includes(key)),
            "two of one key run at once",
          );
        }
        running.add(step);
        const keys = [...running].reduce((sum, one) => sum + one.keys.length, 0);
        assert.ok(keys <= LIMITS.concurrentKeysCount || running.size === 1);
        order.push(step);
        return run().finally(() => running.delete(step));
      };
    }
    for (const step of steps) pipeline.add(step);
    const taken: Step[] = [];
    const taking = (async () => {
      for (let step = await pipeline.take(); step !== undefined; step = await pipeline.take()) {
        taken.push(step);
      }
    })();
    while (running.size > 0) {
      const some = [...running];
      some[choices.next().value! % some.length]!.end();
      for (let i = 0; i < 10; i++) await Promise.resolve();
    }
    await taking;
    assert.deepEqual(taken, steps);
    for (const key of ["a", "b", "c", "d", "e"]) {
      const names = (step: Step) => step.keys.includes(key);
      assert.deepEqual(order.filter(names), steps.filter(names));
    }
  }));
});
