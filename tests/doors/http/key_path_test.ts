import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import { keyOfPath, keyPath, targetOf } from "../../../src/doors/http/key_path.ts";
import { DenamoError } from "../../../src/wire/errors.ts";
import { drop, OpenDoor } from "./open_door.ts";

const keyBytes = fc.uint8Array({ minLength: 1, maxLength: 64 });

Deno.test("keyPath() and keyOfPath() turn a key into a path and back", () => {
  assert.equal(keyPath(utf8("cart:alice/1")), "/kv/cart%3Aalice%2F1");
  assert.deepEqual(keyOfPath("/kv/cart:alice%2f1"), utf8("cart:alice/1"));
});

Deno.test("keyOfPath() gives back any bytes that keyPath() was given", () => {
  fc.assert(fc.property(keyBytes, (key) => {
    assert.deepEqual(keyOfPath(keyPath(key)), key.slice());
  }));
});

Deno.test("keyOfPath() reads every byte written as an escape, in either case", () => {
  fc.assert(fc.property(keyBytes, fc.boolean(), (key, isUpper) => {
    const hex = isUpper ? key.toHex().toUpperCase() : key.toHex();
    assert.deepEqual(keyOfPath(`/kv/${hex.replace(/../g, "%$&")}`), key.slice());
  }));
});

Deno.test("keyOfPath() takes slashes, dots and characters beyond ASCII as they stand", () => {
  for (const text of ["a/b/../c", "..", ".", "/", "//", "é", "a+b", "a b", "😀"]) {
    assert.deepEqual(keyOfPath(`/kv/${text}`), utf8(text));
  }
});

Deno.test("keyOfPath() refuses an empty key and broken escapes", () => {
  for (const path of ["/kv/", "/kv/%", "/kv/%4", "/kv/a%4", "/kv/%zz", "/kv/%4g", "/kv/%%41"]) {
    assert.throws(
      () => keyOfPath(path),
      (error) => error instanceof DenamoError && error.code === "bad_request",
      path,
    );
  }
});

Deno.test("targetOf() takes a URL apart and normalises nothing", () => {
  assert.deepEqual(targetOf("http://h:1/kv/../a%2e?b=c?d/e"), {
    path: "/kv/../a%2e",
    query: "b=c?d/e",
  });
  assert.deepEqual(targetOf("http://h"), { path: "", query: "" });
  assert.throws(() => targetOf("http://h/kv/a#b"), /write it as %23/);
});

Deno.test("the door gets any key byte for byte from the request line", async () => {
  await using open = await OpenDoor.open();
  const awkward = ["\0", "/", ".", "..", "../..", "a/../b", "%", "%2F", "?", "#", "\xff"].map((
    text,
  ) => [Uint8Array.from(text, (char) => char.charCodeAt(0))] as [Uint8Array<ArrayBuffer>]);
  await fc.assert(
    fc.asyncProperty(keyBytes, async (key) => {
      const answer = await open.raw(`GET ${keyPath(key)}`);
      assert.match(answer, /^HTTP\/1.1 404 /);
      assert.match(answer, /"code":"not_found"/);
      assert.deepEqual(open.api.calls.at(-1)?.key, key.slice());
    }),
    { examples: awkward, numRuns: 150 },
  );
});

Deno.test("fetch() reaches any key but the two that it resolves itself", async () => {
  await using open = await OpenDoor.open();
  const isDots = (key: Uint8Array) => key.length <= 2 && key.every((byte) => byte === 0x2e);
  await fc.assert(
    fc.asyncProperty(keyBytes.filter((key) => !isDots(key)), async (key) => {
      await drop(await open.fetch(keyPath(key)));
      assert.deepEqual(open.api.calls.at(-1)?.key, key.slice());
    }),
    { numRuns: 150 },
  );
});

Deno.test("the door sees .. and %2e%2e in a request line as keys", async () => {
  await using open = await OpenDoor.open();
  for (const text of ["..", "%2e%2e", "%2E.", "../status", "%2e%2e/status", "%2e%2e%2fstatus"]) {
    const answer = await open.raw(`GET /kv/${text}`);
    assert.match(answer, /"code":"not_found"/);
    assert.deepEqual(open.api.calls.at(-1)?.key, utf8(decodeURIComponent(text)));
  }
});

Deno.test("the door refuses a Host header that would move the path", async () => {
  await using open = await OpenDoor.open();
  for (const host of ["evil/kv/other", "evil?", "evil#", "a@evil", "evil\\kv"]) {
    const answer = await open.raw("GET /kv/mine", host);
    assert.match(answer, /^HTTP\/1.1 40[04] /, host);
  }
  assert.equal(open.api.calls.length, 0);
});
