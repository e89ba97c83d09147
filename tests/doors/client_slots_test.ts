import assert from "node:assert/strict";
import { ClientSlots } from "../../src/doors/client_slots.ts";

Deno.test("take() gives as many slots as there are", () => {
  const slots = new ClientSlots(2);
  assert.deepEqual([slots.take(), slots.take(), slots.take()], [true, true, false]);
  assert.equal(slots.count, 2);
  assert.equal(slots.refusedCount, 1);
  slots.free();
  assert.ok(slots.take());
});

Deno.test("take() leaves slots to others, but never so many that there is none", () => {
  const slots = new ClientSlots(10);
  let taken = 0;
  while (slots.take(3)) taken++;
  assert.equal(taken, 7);
  assert.ok(slots.take());
  const few = new ClientSlots(2);
  assert.ok(few.take(16));
  assert.ok(!few.take(16));
  assert.ok(few.take());
});

Deno.test("take() asks those who can do without a connection", () => {
  const slots = new ClientSlots(3);
  let idle = 0;
  slots.onFull(() => {
    if (idle === 0) return false;
    idle--;
    slots.free();
    return true;
  });
  for (let i = 0; i < 3; i++) slots.take();
  idle = 2;
  assert.deepEqual([slots.take(), slots.take(), slots.take()], [true, true, false]);
  assert.equal(slots.count, 3);
});
