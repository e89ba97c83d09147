import assert from "node:assert/strict";
import { inParallel } from "../../src/base/in_parallel.ts";

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

Deno.test("inParallel() runs all items, and no more at once than it may", async () => {
  const done: number[] = [];
  let [open, most] = [0, 0];
  await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++open);
    await turn();
    open--;
    done.push(item);
  });
  assert.deepEqual(done.sort(), [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(most, 3);
});

Deno.test("inParallel() begins nothing after a failure, and throws it when all has ended", async () => {
  const begun: number[] = [];
  let open = 0;
  const failing = inParallel([1, 2, 3, 4, 5], 2, async (item) => {
    begun.push(item);
    open++;
    await turn();
    if (item === 1) await turn();
    open--;
    if (item === 2) throw new Error("two");
  });
  await assert.rejects(failing, /two/);
  assert.deepEqual(begun, [1, 2]);
  assert.equal(open, 0);
});

Deno.test("inParallel() of nothing does nothing", async () => {
  await inParallel([], 4, () => Promise.reject(new Error("never")));
});
