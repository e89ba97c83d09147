import assert from "node:assert/strict";
import fc from "fast-check";
import { toBase64Url, utf8 } from "../../../src/base/bytes.ts";
import { storedKey } from "../../../src/base/database_key.ts";
import { cursorOf, positionOf } from "../../../src/doors/http/scan_cursor.ts";
import { LIMITS } from "../../../src/wire/limits.ts";
import { OpenDoor } from "./open_door.ts";

Deno.test("cursorOf() and positionOf() carry any position", () => {
  assert.deepEqual(positionOf(cursorOf({ partition: 7 })), { partition: 7 });
  fc.assert(fc.property(
    fc.nat({ max: 16383 }),
    fc.uint8Array({ maxLength: LIMITS.key }),
    (partition, after) => {
      const position = { partition, after: after.slice() };
      assert.deepEqual(positionOf(cursorOf(position)), position);
    },
  ));
});

Deno.test("positionOf() refuses what cursorOf() cannot have made", () => {
  const long = new Uint8Array(2 + LIMITS.key + 1);
  long[1] = 1;
  for (const bytes of [[], [1], [1, 2], [1, 0, 5], [0x80], [0xff, 0xff]]) {
    assert.equal(positionOf(toBase64Url(Uint8Array.from(bytes))), undefined, String(bytes));
  }
  assert.equal(positionOf(toBase64Url(long)), undefined);
  assert.equal(positionOf("no base64!"), undefined);
});

Deno.test("GET /kv shows keys of other databases as text, and lists one database by its prefix", async () => {
  await using open = await OpenDoor.open();
  for (const database of [0, 3]) {
    const stored = storedKey(database, utf8("cart"));
    await open.api.put(stored, text("v"));
  }
  const all = await open.json("/kv");
  assert.deepEqual(
    new Set(all.body.keys.map(({ key }: { key: string }) => key)),
    new Set(["cart", "\x1edb3\x1ecart"]),
  );
  const { body } = await open.json("/kv?prefix=%1Edb3%1E");
  assert.deepEqual(body.keys, [{ key: "\x1edb3\x1ecart" }]);
  assert.equal(await (await open.fetch("/kv/%1Edb3%1Ecart")).text(), "v");
});

Deno.test("GET /kv walks over all keys page by page, each once", async () => {
  await using open = await OpenDoor.open();
  const names = Array.from({ length: 57 }, (_, i) => `key:${i}`);
  for (const name of names) open.api.addSibling(name, text("v"));
  const seen: string[] = [];
  let query = "/kv?limit=10";
  for (let page = 0; page < 100; page++) {
    const { status, body } = await open.json(query);
    assert.equal(status, 200);
    assert.ok(body.keys.length <= 10);
    seen.push(...body.keys.map(({ key }: { key: string }) => key));
    if (body.cursor === null) break;
    query = `/kv?limit=10&cursor=${body.cursor}`;
  }
  assert.deepEqual(seen.toSorted(), names.toSorted());
});

Deno.test("GET /kv takes a prefix of any bytes and shows keys that are no text in base64", async () => {
  await using open = await OpenDoor.open();
  for (const key of ["a/1", "a/2", "b"]) open.api.addSibling(key, text("v"));
  open.api.addSibling(Uint8Array.of(0xff, 0, 1), text("v"));
  const some = await open.json("/kv?prefix=a%2F");
  assert.deepEqual(
    some.body.keys.map(({ key }: { key: string }) => key).toSorted(),
    ["a/1", "a/2"],
  );
  const bytes = await open.json("/kv?prefix=%FF%00");
  assert.deepEqual(bytes.body, { keys: [{ keyBase64: "/wAB" }], cursor: null });
});

Deno.test("GET /kv?values=true answers the latest value of each key as well", async () => {
  await using open = await OpenDoor.open();
  open.api.addSibling("k", text("one"));
  open.api.addSibling("k", { kind: "bytes", bytes: Uint8Array.of(255) });
  const { body } = await open.json("/kv?values=true&r=all");
  assert.deepEqual(body.keys, [
    { key: "k", type: "application/octet-stream", base64: "/w==", siblings: 2 },
  ]);
  assert.deepEqual(open.api.calls.map(({ options }) => options["r"]), ["all", "all"]);
});

Deno.test("a page with values is cut by its size, and the next goes on behind it", async () => {
  await using open = await OpenDoor.open();
  const large = "x".repeat(400_000);
  const names = Array.from({ length: 40 }, (_, i) => `large:${i}`);
  for (const name of names) open.api.addSibling(name, text(large));
  const seen: string[] = [];
  let cursor = "";
  let pages = 0;
  do {
    const { body } = await open.json(`/kv?values=true&limit=1000${cursor}`);
    assert.ok(body.keys.length <= 11, `${body.keys.length} values in one page`);
    seen.push(...body.keys.map(({ key }: { key: string }) => key));
    cursor = body.cursor === null ? "" : `&cursor=${body.cursor}`;
    pages++;
  } while (cursor !== "");
  assert.equal(pages, 4);
  assert.deepEqual(seen.toSorted(), names.toSorted());
});

Deno.test("a page with values has one time for all of its reads, and ends where that is over", async () => {
  await using open = await OpenDoor.open();
  const names = Array.from({ length: 40 }, (_, i) => `slow:${i}`);
  for (const name of names) open.api.addSibling(name, text("v"));
  open.api.before = async ({ method }) => {
    if (method === "get") await new Promise((resolve) => setTimeout(resolve, 280));
  };
  const first = await open.json("/kv?values=true&timeoutMs=5000");
  assert.equal(first.body.keys.length, 32);
  const timeouts = open.api.calls.map(({ options }) => Number(options["timeoutMs"]));
  const [scan, ...gets] = timeouts as [number, ...number[]];
  assert.equal(scan, 5000);
  assert.ok(gets.slice(16).every((timeoutMs) => timeoutMs <= 4721), gets.join(" "));
  const rest = await open.json(`/kv?values=true&cursor=${first.body.cursor}`);
  assert.equal(rest.body.cursor, null);
  const keys = [...first.body.keys, ...rest.body.keys].map(({ key }: { key: string }) => key);
  assert.deepEqual(keys.toSorted(), names.toSorted());
});

Deno.test("a key whose value ends while its page is made is left out", async () => {
  await using open = await OpenDoor.open();
  open.api.addSibling("brief", text("v"), open.api.now + 10);
  open.api.addSibling("lasting", text("v"));
  open.api.before = ({ method }) => {
    if (method === "get") open.api.now += 20;
  };
  const { body } = await open.json("/kv?values=true");
  assert.deepEqual(body.keys.map(({ key }: { key: string }) => key), ["lasting"]);
});

Deno.test("GET /kv refuses bad limits and cursors", async () => {
  await using open = await OpenDoor.open();
  for (
    const query of ["limit=0", "limit=1001", "cursor=%21", "cursor=", "values=1", "siblings=all"]
  ) {
    const { status, body } = await open.json(`/kv?${query}`);
    assert.equal(status, 400, query);
    assert.equal(body.parameter, query.split("=")[0]);
  }
  assert.equal(open.api.calls.length, 0);
});

function text(value: string) {
  return { kind: "text" as const, bytes: new TextEncoder().encode(value) };
}
