import assert from "node:assert/strict";
import { waitFor } from "../cluster/wait_for.ts";
import { Machines } from "./machines.ts";

const LIFE_SECONDS = 60;

for (const clockOffsetSeconds of [-120, 120]) {
  const wrong = clockOffsetSeconds < 0 ? "behind" : "ahead";

  Deno.test(`a door whose clock is 120 s ${wrong} gives values the time that they are told`, async () => {
    await using machines = await Machines.make(5);
    const start = { join: [1] };
    await machines.startAll({ 1: { clockOffsetSeconds }, 2: start, 3: start, 4: start, 5: start });
    // It does not get a layout from a node that is not sure of the time.
    await machines.layout(2);

    const key = await machines.keyOf(2, (owners) => !owners.includes(1));
    const { reply, text } = await machines.resp(1, "SET", key, "v", "EX", String(LIFE_SECONDS));
    assert.equal(reply, "OK", text);
    for (const k of [1, 2, 3, 4, 5]) {
      assert.equal((await machines.resp(k, "GET", key)).reply, "v", `n${k}`);
      const left = (await machines.resp(k, "TTL", key)).reply as number;
      assert.ok(left > LIFE_SECONDS / 2 && left <= LIFE_SECONDS, `n${k} says ${left} s`);
    }

    assert.equal((await machines.resp(2, "SET", key, "short", "PX", "300")).reply, "OK");
    for (const k of [1, 2, 3, 4, 5]) {
      await waitFor(`n${k} to show no more of it`, async () => {
        return (await machines.resp(k, "GET", key)).reply === null;
      });
    }

    const readiness = await machines.http(1, "GET", "/readyz");
    assert.match(readiness.text, /clock/i);
    assert.match(machines.log(1), /clock/i);
  });
}
