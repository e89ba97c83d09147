// What a client sees of commands that it sends together.

import assert from "node:assert/strict";
import fc from "fast-check";
import { concatBytes, utf8 } from "../../../src/base/bytes.ts";
import { ClientMemory } from "../../../src/doors/client_memory.ts";
import { RESP_LIMITS } from "../../../src/doors/resp/resp_limits.ts";
import type { FakeNodeApi } from "../fake_node_api.ts";
import { encoded, type Failure, withDoor } from "./raw_client.ts";

/** Lets each request of a node wait for a number of turns. */
function delay(api: FakeNodeApi, turns: () => number): { most: number } {
  let underWay = 0;
  const seen = { most: 0 };
  api.before = async () => {
    seen.most = Math.max(seen.most, ++underWay);
    for (let i = turns(); i > 0; i--) await Promise.resolve();
    underWay--;
  };
  return seen;
}

Deno.test("commands of different keys run together, and replies keep their order", () =>
  withDoor(async ({ api, client }) => {
    let turns = 200;
    const seen = delay(api, () => Math.max(1, turns -= 5));
    const commands = Array.from({ length: 40 }, (_, i) => `SET k${i} ${i}\r\nGET k${i}\r\n`);
    await client.send(commands.join(""));
    for (let i = 0; i < 40; i++) {
      assert.equal(await client.reply(), "OK");
      assert.equal(await client.reply(), String(i));
    }
    assert.ok(seen.most > 10, `${seen.most} requests were under way at once`);
    assert.ok(seen.most <= RESP_LIMITS.pipelinedKeysCount);
  }));

Deno.test("commands without known keys wait for those before them, and hold up those after", () =>
  withDoor(async ({ api, client }) => {
    delay(api, () => 20);
    await client.send(
      "SET a 1\r\nSET b 2\r\nKEYS *\r\nDEL a\r\nDBSIZE\r\nHELLO 3\r\nGET a\r\nHELLO 2\r\nGET a\r\n",
    );
    assert.deepEqual([await client.reply(), await client.reply()], ["OK", "OK"]);
    assert.deepEqual((await client.reply() as string[]).toSorted(), ["a", "b"]);
    assert.deepEqual([await client.reply(), await client.reply()], [1, 1]);
    await client.reply();
    assert.equal(new TextDecoder().decode((await client.wholeReply()).bytes), "_\r\n");
    await client.reply();
    assert.equal(new TextDecoder().decode((await client.wholeReply()).bytes), "$-1\r\n");
  }));

Deno.test("a mistake among pipelined commands is answered in its place", () =>
  withDoor(async ({ client }) => {
    await client.send("SET a 1\r\nGET\r\nNOSUCH\r\nSADD a x\r\nGET a\r\n");
    assert.equal(await client.reply(), "OK");
    for (const words of [/^ERR wrong number/, /^ERR unknown command/, /^WRONGTYPE/]) {
      assert.match((await client.reply() as Failure).message, words);
    }
    assert.equal(await client.reply(), "1");
  }));

Deno.test("long replies of pipelined commands come one after the other, and are counted", () => {
  const memory = new ClientMemory(2_000_000);
  return withDoor(async ({ api, client }) => {
    const size = 500_000;
    await api.put(utf8("big"), { kind: "bytes", bytes: new Uint8Array(size).fill(97) });
    for (let i = 0; i < 30; i++) {
      await api.put(utf8(`big${i}`), { kind: "bytes", bytes: new Uint8Array(size).fill(97) });
    }
    const seen = delay(api, () => 5);
    for (let i = 0; i < 30; i++) await client.send(`GET big${i}\r\n`);
    for (let i = 0; i < 30; i++) assert.equal((await client.reply() as string).length, size);
    assert.ok(seen.most <= 2, `${seen.most} long values were read at once`);
    assert.equal(memory.heldBytes, 0);
    assert.equal(memory.refusedCount, 0);
  }, { memory });
});

Deno.test("what pipelined commands gather is counted together, and given back", () => {
  const memory = new ClientMemory(1_000_000);
  return withDoor(async ({ api, client }) => {
    const size = 200_000;
    for (const name of ["a", "b", "c", "d", "e", "f"]) {
      await api.put(utf8(name), { kind: "bytes", bytes: new Uint8Array(size).fill(97) });
    }
    // Two commands with two values each have room beside each other; a command with six never has.
    await client.send(
      "GET x\r\n".repeat(20) + "MGET a b\r\nMGET c d\r\nMGET a b c d e f\r\nGET x\r\n",
    );
    for (let i = 0; i < 20; i++) assert.equal(await client.reply(), null);
    assert.equal((await client.reply() as string[]).length, 2);
    assert.equal((await client.reply() as string[]).length, 2);
    assert.match((await client.reply() as Failure).message, /^OVERLOADED /);
    assert.equal(await client.reply(), null);
    assert.equal(memory.heldBytes, 0);
  }, { memory });
});

Deno.test("random pipelines over few keys are answered as if their commands ran one by one", async () => {
  const key = fc.constantFrom("a", "b", "c");
  const command = fc.oneof(
    fc.tuple(fc.constant("SET"), key, fc.nat(99).map(String)),
    fc.tuple(fc.constantFrom("GET", "DEL", "INCR", "TTL", "STRLEN"), key),
    fc.tuple(fc.constantFrom("MGET", "EXISTS", "DEL"), key, key),
    fc.tuple(fc.constant("MSET"), key, fc.nat(99).map(String), key, fc.nat(99).map(String)),
    fc.tuple(fc.constantFrom("SADD", "SREM"), key.map((name) => `set:${name}`), key),
    fc.tuple(
      fc.constantFrom("SUNION", "SINTER"),
      key.map((n) => `set:${n}`),
      key.map((n) => `set:${n}`),
    ),
    fc.constantFrom(["PING"], ["DBSIZE"], ["GET"], ["NOSUCH", "x"], ["SADD", "a", "x"]),
  );
  const worlds = fc.tuple(
    fc.array(command, { minLength: 1, maxLength: 60 }),
    fc.infiniteStream(fc.nat(30)),
  );
  await fc.assert(
    fc.asyncProperty(worlds, async ([commands, turns]) => {
      const texts: string[][] = [];
      for (const isPipelined of [false, true]) {
        await withDoor(async ({ api, client }) => {
          if (isPipelined) delay(api, () => turns.next().value!);
          const shown: string[] = [];
          const show = async () => shown.push(JSON.stringify(await client.reply()));
          if (isPipelined) {
            await client.send(concatBytes(commands.map(encoded)));
          }
          for (const words of commands) {
            if (!isPipelined) await client.send(encoded(words));
            await show();
          }
          texts.push(shown);
        });
      }
      assert.deepEqual(texts[1], texts[0]);
    }),
    { numRuns: 60 },
  );
});

Deno.test("no command ends the connection for having few arguments, or an odd number, within a pipeline", () =>
  withDoor(async ({ client }) => {
    await client.send("COMMAND LIST\r\n");
    const names = (await client.reply() as string[]).filter((name) => name !== "quit");
    assert.ok(names.includes("object") && names.includes("mset"));
    for (const name of names) {
      const lines = Array.from({ length: 5 }, (_, words) => `${name}${" x".repeat(words)}\r\n`);
      // What MULTI makes wait is dropped.
      await client.send(
        `GET a\r\n${lines.join("DISCARD\r\nGET a\r\n")}RESET\r\nECHO end:${name}\r\n`,
      );
      let reply = await client.reply();
      while (reply !== `end:${name}`) reply = await client.reply();
    }
  }));
