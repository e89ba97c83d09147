import assert from "node:assert/strict";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import { type Asked, startFakeNodeServer } from "./fake_node_server.ts";
import { run } from "./fake_terminal.ts";

Deno.test("list prints one key per line and says where to go on", async () => {
  await using node = startFakeNodeServer(() =>
    Response.json({
      keys: [{ key: "a b" }, { key: "a\nb" }, { keyBase64: "/w==" }],
      cursor: "next",
    })
  );
  const { code, outText, err } = await run(["list", "a&b", "--limit", "3", "--url", node.url]);
  assert.deepEqual([code, outText], [EXIT_CODES.ok, 'a b\n"a\\nb"\nbase64:/w==\n']);
  assert.match(err, /--cursor next /);
  assert.equal(node.asked[0]!.target, "/kv?prefix=a%26b&limit=3");
});

Deno.test("list --all walks over all pages, also empty ones, and stops at the last", async () => {
  await using node = startFakeNodeServer(pages([["a", "b"], [], ["c"]]));
  const all = await run(["list", "--all", "--json", "--url", node.url]);
  assert.deepEqual(JSON.parse(all.outText), {
    keys: [{ key: "a" }, { key: "b" }, { key: "c" }],
    cursor: null,
  });
  assert.deepEqual(node.asked.map(({ target }) => target), [
    "/kv?limit=1000",
    "/kv?limit=1000&cursor=1",
    "/kv?limit=1000&cursor=2",
  ]);
});

Deno.test("list asks for no more keys than its limit, page by page", async () => {
  const many = Array.from({ length: 1000 }, (_, index) => `k${index}`);
  await using node = startFakeNodeServer(pages([many, many, many]));
  const { outText } = await run(["list", "--limit", "1500", "--cursor", "0", "--url", node.url]);
  assert.deepEqual(node.asked.map(({ target }) => target), [
    "/kv?limit=1000&cursor=0",
    "/kv?limit=500&cursor=1",
  ]);
  assert.equal(outText.split("\n").length, 2001);
});

Deno.test("list --values prints each key with its value", async () => {
  await using node = startFakeNodeServer(() =>
    Response.json({
      keys: [
        { key: "a", type: "text/plain; charset=utf-8", value: "1" },
        { key: "b", type: "application/json", value: "1" },
        { key: "c", type: "application/octet-stream", base64: "/w==" },
      ],
      cursor: null,
    })
  );
  const { outText, err } = await run(["list", "--values", "--url", node.url]);
  assert.equal(outText, 'a\t1\nb\t"1"\nc\tbase64:/w==\n');
  assert.equal(err, "");
  assert.equal(node.asked[0]!.target, "/kv?limit=100&values=true");
});

Deno.test("list stops asking when nobody reads its output any more", async () => {
  await using node = startFakeNodeServer(pages([["a"], ["b"], ["c"], ["d"]]));
  const { code } = await run(["list", "--all", "--url", node.url], { outputEndsAfter: 1 });
  assert.equal(code, EXIT_CODES.ok);
  assert.equal(node.asked.length, 2);
});

Deno.test("list refuses limits that make no sense", async () => {
  assert.equal((await run(["list", "--limit", "0"])).code, EXIT_CODES.usage);
  assert.equal((await run(["list", "--limit", "5", "--all"])).code, EXIT_CODES.usage);
});

/** Serves these pages; the cursor is the number of the page. */
function pages(all: readonly (readonly string[])[]): (asked: Asked) => Response {
  return ({ target }) => {
    const at = Number(new URL(target, "http://n").searchParams.get("cursor") ?? 0);
    const keys = all[at]!.map((key) => ({ key }));
    return Response.json({ keys, cursor: at + 1 < all.length ? String(at + 1) : null });
  };
}
