// What every source of random numbers must do.

import assert from "node:assert/strict";
import { type Random, randomBelow } from "../../src/ports/random.ts";

export function randomContract(name: string, make: () => Random): void {
  Deno.test(`${name}: uint32() gives whole numbers over the whole range`, () => {
    const random = make();
    const quarters = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) {
      const value = random.uint32();
      assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 32, `${value}`);
      quarters[Math.floor(value / 2 ** 30)]!++;
    }
    // One in 10^60 runs leaves a fair quarter below 500 of 4,000.
    for (const count of quarters) assert.ok(count > 500, `quarters: ${quarters}`);
  });

  Deno.test(`${name}: uint32() changes every bit`, () => {
    const random = make();
    let ones = 0;
    let zeros = 0;
    for (let i = 0; i < 1000; i++) {
      const value = random.uint32();
      ones |= value;
      zeros |= ~value;
    }
    assert.equal(ones >>> 0, 0xffffffff);
    assert.equal(zeros >>> 0, 0xffffffff);
  });

  Deno.test(`${name}: bytes() gives as many as asked, no two alike`, () => {
    const random = make();
    for (const length of [0, 1, 16, 65_536, 200_000]) {
      assert.equal(random.bytes(length).length, length);
    }
    const seen = new Set(Array.from({ length: 500 }, () => random.bytes(16).toHex()));
    assert.equal(seen.size, 500);
    const long = random.bytes(200_000);
    assert.ok(long.subarray(-16).some((byte) => byte !== 0), "the end is filled too");
  });

  Deno.test(`${name}: randomBelow() stays below and reaches every number`, () => {
    const random = make();
    const seen = new Set(Array.from({ length: 500 }, () => randomBelow(random, 5)));
    assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4]);
  });
}
