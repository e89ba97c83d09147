import assert from "node:assert/strict";
import { fromBinaryString, utf8, utf8Text } from "../../../src/base/bytes.ts";
import { msgpackOfJson } from "../../../src/doors/msgpack_json.ts";
import {
  ConflictError,
  OverloadedError,
  QuorumError,
  TimeoutError,
} from "../../../src/wire/errors.ts";
import { LIMITS } from "../../../src/wire/limits.ts";
import { FakeNodeApi } from "../fake_node_api.ts";
import { Failure, withDoor } from "./raw_client.ts";

const INTEGER = new Failure("ERR value is not an integer or out of range");
const SYNTAX = new Failure("ERR syntax error");

Deno.test("SET stores bytes and GET returns them", () =>
  withDoor(async ({ api, client }) => {
    assert.equal(await client.call("GET k"), null);
    assert.equal(await client.call("set k value"), "OK");
    assert.equal(await client.call("gEt k"), "value");
    const { value } = await api.get(utf8("k"));
    assert.deepEqual(value, { kind: "bytes", bytes: utf8("value") });
  }));

Deno.test("keys and values are any bytes", () =>
  withDoor(async ({ api, client }) => {
    const key = fromBinaryString("\x00\r\n\xff$3");
    const value = fromBinaryString("\r\n\x00*1\r\n\xfe");
    assert.equal(await client.call("SET", key, value), "OK");
    assert.deepEqual((await api.get(key)).value?.bytes, value);
    assert.equal(await client.call("STRLEN", key), value.length);
    assert.equal(await client.call("SET", "", ""), "OK");
    assert.equal(await client.call("GET", ""), "");
  }));

Deno.test("what is stored stays when later commands reuse the memory of the connection", () =>
  withDoor(async ({ client }) => {
    for (let i = 0; i < 50; i++) await client.call("SET", `k${i}`, `${i}`.repeat(500));
    for (let i = 0; i < 50; i++) {
      assert.equal(await client.call("GET", `k${i}`), `${i}`.repeat(500));
    }
  }));

Deno.test("GET shows every kind as bytes", () =>
  withDoor(async ({ api, client }) => {
    await api.put(utf8("t"), { kind: "text", bytes: utf8("Grüße") });
    await api.put(utf8("m"), { kind: "msgpack", bytes: msgpackOfJson('{"a":[1]}') });
    assert.equal(await client.call("GET t"), "Grüße");
    assert.equal(await client.call("GET m"), '{"a":[1]}');
    assert.equal(await client.call("STRLEN m"), 9);
    assert.deepEqual(await client.call("MGET m t none"), ['{"a":[1]}', "Grüße", null]);
    await api.put(utf8("x"), { kind: "msgpack", bytes: utf8("\xc1") });
    const failure = await client.call("GET x");
    assert.ok(failure instanceof Failure);
    assert.match(failure.message, /^UNSUPPORTED Cannot show .* \(outcome: no\)$/);
    const among = await client.call("MGET t x m");
    assert.deepEqual(among, ["Grüße", "Á", '{"a":[1]}'], "one does not take the others with it");
  }));

Deno.test("SET sets, keeps and drops the time to live", () =>
  withDoor(async ({ api, client }) => {
    const end = async () => (await api.get(utf8("k"))).expiresAtMs;
    const cases: [string, number | undefined][] = [
      ["SET k v EX 10", api.now + 10_000],
      ["SET k v KEEPTTL", api.now + 10_000],
      ["SET k v px 1500", api.now + 1500],
      ["SET k v EXAT 1900000000", 1_900_000_000_000],
      ["SET k v PXAT 1900000000001", 1_900_000_000_001],
      ["SETEX k 7 v", api.now + 7000],
      ["PSETEX k 7 v", api.now + 7],
      ["SET k v", undefined],
    ];
    for (const [command, expiresAtMs] of cases) {
      assert.equal(await client.call(command), "OK", command);
      assert.equal(await end(), expiresAtMs, command);
    }
    assert.equal(await client.call("SET k v EXAT 1"), "OK");
    assert.equal(await client.call("GET k"), null);
  }));

Deno.test("SET says what is wrong with its options in the words of Redis", () =>
  withDoor(async ({ api, client }) => {
    const expire = (name: string) => new Failure(`ERR invalid expire time in '${name}' command`);
    const cases: [string, Failure][] = [
      ["SET k", new Failure("ERR wrong number of arguments for 'set' command")],
      ["SET k v EX 0", expire("set")],
      ["SET k v EX -1", expire("set")],
      ["SET k v EX 99999999999999999", expire("set")],
      ["SET k v EX abc", INTEGER],
      ["SET k v EX 1.5", INTEGER],
      ["SET k v EX 99999999999999999999", INTEGER],
      ["SET k v EX", SYNTAX],
      ["SET k v EX 1 PX 1", SYNTAX],
      ["SET k v EX 1 KEEPTTL", SYNTAX],
      ["SET k v FOO", SYNTAX],
      ["SETEX k 0 v", expire("setex")],
      ["PSETEX k x v", INTEGER],
      ["MSET a 1 b", new Failure("ERR wrong number of arguments for 'mset' command")],
    ];
    for (const [command, failure] of cases) {
      assert.deepEqual(await client.call(command), failure, command);
    }
    assert.deepEqual(api.calls, []);
  }));

Deno.test("SET refuses what cannot be atomic and says why", () =>
  withDoor(async ({ api, client }) => {
    for (const option of ["NX", "XX", "GET"]) {
      const failure = await client.call(`SET k v ${option} EX 5`);
      assert.ok(failure instanceof Failure);
      assert.match(failure.message, new RegExp(`^UNSUPPORTED SET with ${option} is not supported`));
      assert.match(failure.message, /without consensus \(outcome: no\)$/);
    }
    assert.deepEqual(api.calls, []);
  }));

Deno.test("MSET writes each key once, with its last value", () =>
  withDoor(async ({ api, client }) => {
    assert.equal(await client.call("MSET a 1 b 2 a 3"), "OK");
    assert.deepEqual(await client.call("MGET a b a"), ["3", "2", "3"]);
    assert.equal(api.calls.filter(({ method }) => method === "put").length, 2);
  }));

Deno.test("MSET says how many keys failed, and that others may be written", () =>
  withDoor(async ({ api, client }) => {
    api.before = ({ method, key }) => {
      if (method !== "put" || utf8Text(key!) !== "b") return;
      throw new OverloadedError("The queue", 7);
    };
    assert.deepEqual(
      await client.call("MSET a 1 b 2 c 3"),
      new Failure(
        "OVERLOADED 1 of 3 keys failed, the first: The queue is full: limit 7 (outcome: unknown)",
      ),
    );
    // A single key keeps its certain outcome.
    assert.deepEqual(
      await client.call("MSET b 2"),
      new Failure("OVERLOADED The queue is full: limit 7 (outcome: no)"),
    );
  }));

Deno.test("commands with many keys have a bounded number of requests under way", async () => {
  const api = new FakeNodeApi();
  let underWay = 0;
  let most = 0;
  api.before = async () => {
    most = Math.max(most, ++underWay);
    await Promise.resolve();
    await Promise.resolve();
    underWay--;
  };
  await withDoor(async ({ client }) => {
    const keys = Array.from({ length: 500 }, (_, i) => `k${i}`);
    assert.equal(await client.call("EXISTS", ...keys), 0);
    assert.ok(most > 1 && most <= 64, `${most} requests at once`);
    api.before = () => {
      throw new OverloadedError("The queue", 7);
    };
    const failure = await client.call("MGET", ...keys);
    assert.ok(failure instanceof Failure);
    assert.match(
      failure.message,
      /^OVERLOADED \d+ of 500 keys failed, \d+ were not tried, .*: no\)$/,
    );
  }, { api });
});

Deno.test("an error of the node has the prefix of its code and its outcome", () =>
  withDoor(async ({ api, client, logged }) => {
    const numbers = { needed: 2, got: 1, asked: 3, causes: ["n2 timed out"] };
    const cases: [unknown, string][] = [
      [
        new QuorumError('write quorum for "k"', "unknown", numbers),
        'QUORUM Cannot reach write quorum for "k": 1 of 2 needed from 3 asked, n2 timed out ' +
        "(outcome: unknown)",
      ],
      [
        new TimeoutError('Put of "k"', "unknown", 50),
        'TIMEOUT Put of "k" took longer than 50 ms (outcome: unknown)',
      ],
      [
        new ConflictError("k", 64, 64),
        'CONFLICT Key "k" has 64 siblings, limit 64: read them and put with their context ' +
        "(outcome: no)",
      ],
      [new TypeError("a\r\nmistake"), "INTERNAL a  mistake (outcome: unknown)"],
    ];
    for (const [error, message] of cases) {
      api.failNext(error, "put");
      assert.deepEqual(await client.call("SET k v"), new Failure(message));
    }
    assert.deepEqual(logged, ["A RESP command failed by a mistake of the node"]);
    assert.equal(await client.call("PING"), "PONG");
  }));

Deno.test("a value over the limit is refused without the connection's end", () =>
  withDoor(async ({ client }) => {
    const large = new Uint8Array(LIMITS.value).fill(120);
    assert.equal(await client.call("SET", "k", large), "OK");
    assert.equal(await client.call("STRLEN k"), LIMITS.value);
    assert.equal((await client.call("GET k") as string).length, LIMITS.value);
    const failure = await client.call("SET", "k", new Uint8Array(LIMITS.value + 1));
    assert.ok(failure instanceof Failure);
    assert.match(failure.message, /^TOOLARGE Value is too large: 524289 bytes, limit 524288/);
    assert.equal(await client.call("PING"), "PONG");
  }));

Deno.test("GETRANGE counts from both ends", () =>
  withDoor(async ({ client }) => {
    await client.call("SET k 0123456789");
    const cases: [string, string][] = [
      ["0 3", "0123"],
      ["-3 -1", "789"],
      ["0 -1", "0123456789"],
      ["5 100", "56789"],
      ["-100 1", "01"],
      ["7 3", ""],
      ["20 30", ""],
      ["0 -100", ""],
    ];
    for (const [range, part] of cases) {
      assert.equal(await client.call(`GETRANGE k ${range}`), part, range);
    }
    assert.equal(await client.call("GETRANGE none 0 -1"), "");
    assert.deepEqual(await client.call("GETRANGE k a 1"), INTEGER);
  }));
