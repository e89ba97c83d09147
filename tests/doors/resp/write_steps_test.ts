import assert from "node:assert/strict";
import fc from "fast-check";
import { stepsOf, writeSteps } from "../../../src/doors/resp/write_steps.ts";
import { DenamoError } from "../../../src/wire/errors.ts";
import { LIMITS } from "../../../src/wire/limits.ts";
import { encoded, Failure, withDoor } from "./raw_client.ts";

Deno.test("stepsOf() keeps every item once and in order, in runs that one request takes", () => {
  fc.assert(fc.property(fc.array(fc.nat(600_000), { maxLength: 3_000 }), (sizes) => {
    const steps = stepsOf(sizes, (size) => size);
    assert.deepEqual(steps.flat(), sizes);
    for (const step of steps) {
      assert.ok(step.length > 0 && step.length <= LIMITS.operationCount);
      const bytes = step.reduce((sum, size) => sum + size, 0);
      assert.ok(step.length === 1 || bytes <= LIMITS.value);
    }
  }));
});

Deno.test("stepsOf() makes one step of what fits one request", () => {
  assert.equal(stepsOf(new Array(LIMITS.operationCount).fill(100), (size) => size).length, 1);
  assert.equal(stepsOf(new Array(LIMITS.operationCount + 1).fill(100), (size) => size).length, 2);
});

Deno.test("writeSteps() says that the outcome is unknown once a step was written", async () => {
  const refusal = new DenamoError("quorum", "no", "too few");
  for (const [failing, outcome] of [[0, "no"], [1, "unknown"]] as const) {
    let at = 0;
    const written = writeSteps([[1], [2], [3]], () => {
      return at++ === failing ? Promise.reject(refusal) : Promise.resolve(1);
    });
    await assert.rejects(written, (error) => {
      return error instanceof DenamoError && error.code === "quorum" && error.outcome === outcome;
    });
    assert.equal(at, failing + 1);
  }
});

Deno.test("HSET, SADD, SREM and HDEL take more than one request does", () =>
  withDoor(async ({ api, client }) => {
    const fields = Array.from({ length: 2_500 }, (_, i) => `f${i}`);
    const call = async (...words: string[]) => {
      await client.send(encoded(words));
      return await client.reply();
    };
    assert.equal(await call("HSET", "h", ...fields.flatMap((field) => [field, "v"])), 2_500);
    assert.equal(api.calls.filter(({ method }) => method === "update").length, 3);
    assert.equal(await call("HLEN", "h"), 2_500);
    assert.equal(await call("HDEL", "h", ...fields), 2_500);
    assert.equal(await call("SADD", "s", ...fields), 2_500);
    assert.equal(await call("SREM", "s", ...fields, "other"), 2_500);
    assert.equal(await call("PFADD", "p", ...fields), 1);
  }));

Deno.test("HSET whose second step fails says that the outcome is unknown", () =>
  withDoor(async ({ api, client }) => {
    let updates = 0;
    api.before = ({ method }) => {
      if (method === "update" && ++updates === 2) throw new DenamoError("quorum", "no", "too few");
    };
    const fields = Array.from({ length: 1_100 }, (_, i) => [`f${i}`, "v"]).flat();
    await client.send(encoded(["HSET", "h", ...fields]));
    assert.deepEqual(
      await client.reply(),
      new Failure("QUORUM Step 2 of 2 failed: too few (outcome: unknown)"),
    );
    assert.equal(await client.call("HLEN h"), 1_024);
  }));
