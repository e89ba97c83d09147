import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import { keyPath } from "../../src/cli/http_client.ts";
import { LIMITS } from "../../src/wire/limits.ts";
import { problemResponse, startFakeNodeServer } from "./fake_node_server.ts";
import { run } from "./fake_terminal.ts";

Deno.test("put sends a typed value as text with all options, get writes it as it is", async () => {
  const stored = { "content-type": "text/plain; charset=utf-8", "denamo-siblings": "1" };
  await using node = startFakeNodeServer(({ method }) =>
    method === "PUT"
      ? new Response(null, { status: 204, headers: { "denamo-siblings": "1" } })
      : new Response("2 apples", { headers: stored })
  );
  const put = await run(
    "put cart/alice --w all --strict --timeout-ms 500 --ttl-ms 60000 --context abc --url".split(" ")
      .concat(node.url, "2 apples"),
  );
  assert.deepEqual([put.code, put.outText, put.err], [EXIT_CODES.ok, "", ""]);
  const [asked] = node.asked;
  assert.equal(asked!.method, "PUT");
  assert.equal(asked!.target, "/kv/cart%2Falice?strict=true&timeoutMs=500&w=all&ttlMs=60000");
  assert.equal(asked!.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(asked!.headers.get("denamo-context"), "abc");
  assert.deepEqual(asked!.body, utf8("2 apples"));

  const got = await run(["get", "cart/alice", "--r", "2", "--at-least", "abc"], {
    environment: { DENAMO_URL: node.url },
  });
  assert.deepEqual([got.code, got.outText, got.err], [EXIT_CODES.ok, "2 apples", ""]);
  assert.equal(node.asked[1]!.target, "/kv/cart%2Falice?r=2");
  assert.equal(node.asked[1]!.headers.get("denamo-at-least"), "abc");
});

Deno.test("keyPath() keeps every key through the URL parser, byte by byte", () => {
  const special = fc.constantFrom(...utf8("%%%2E2f.././?#+ ;Az"));
  const byte = fc.oneof(special, special, fc.integer({ min: 0, max: 255 }));
  const keys = fc.array(byte, { minLength: 1, maxLength: 40 }).map((bytes) =>
    Uint8Array.from(bytes)
  );
  fc.assert(fc.property(keys, (key) => {
    fc.pre(key.some((byte) => byte !== 0x2e));
    const path = new URL(keyPath(key), "http://127.0.0.1").pathname;
    const bytes = path.slice("/kv/".length).replace(
      /%(..)|(.)/g,
      (_, hex, plain) => hex ?? plain.charCodeAt(0).toString(16),
    );
    assert.deepEqual(Uint8Array.fromHex(bytes), key);
  }));
});

Deno.test("get writes any bytes unchanged, and a newline only to a terminal that needs one", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  let body = bytes;
  await using node = startFakeNodeServer(() =>
    new Response(body, {
      headers: { "content-type": "application/octet-stream", "denamo-siblings": "1" },
    })
  );
  const args = ["get", "k", "--url", node.url];
  assert.deepEqual((await run(args)).out, bytes);
  assert.equal((await run(args, { isOutputTerminal: true })).out.length, 257);
  body = utf8("line\n");
  assert.equal((await run(args, { isOutputTerminal: true })).outText, "line\n");
});

Deno.test("get lists several siblings clearly, and ends with a code of its own", async () => {
  const siblings = [
    { type: "text/plain; charset=utf-8", value: "two\nlines" },
    { type: "application/json", value: { apples: 2 } },
    { type: "application/octet-stream", base64: "/w==" },
  ];
  await using node = startFakeNodeServer(({ target }) => {
    if (!target.includes("siblings=latest")) {
      return Response.json({ context: "abc", siblings }, { status: 300 });
    }
    const headers = { "content-type": "text/plain", "denamo-siblings": "3" };
    return new Response("two\nlines", { headers });
  });
  const { code, outText } = await run(["get", "k", "--url", node.url]);
  assert.equal(code, EXIT_CODES.siblings);
  assert.equal(
    outText,
    "Key k has 3 siblings, latest first:\n" +
      '  1  text/plain  "two\\nlines"\n' +
      '  2  application/json  {"apples":2}\n' +
      "  3  application/octet-stream  base64:/w==\n" +
      "context abc\n",
  );
  const latest = await run(["get", "k", "--latest", "--url", node.url]);
  assert.deepEqual([latest.code, latest.outText], [EXIT_CODES.ok, "two\nlines"]);
  const asJson = await run(["get", "k", "--json", "--url", node.url]);
  assert.equal(asJson.code, EXIT_CODES.ok);
  assert.deepEqual(JSON.parse(asJson.outText), { key: "k", context: "abc", siblings });
});

Deno.test("get --json shows the value with its type, and keeps large numbers", async () => {
  await using node = startFakeNodeServer(() =>
    new Response('{"id":12345678901234567890}', {
      headers: {
        "content-type": "application/json",
        "denamo-siblings": "1",
        "denamo-context": "abc",
        "denamo-expires-at-ms": "4000000000000",
      },
    })
  );
  const { outText } = await run(["get", "/w==", "--key-base64", "--json", "--url", node.url]);
  assert.match(outText, /"id": 12345678901234567890\b/);
  const { keyBase64, context, expiresAtMs, siblings } = JSON.parse(outText);
  assert.deepEqual([keyBase64, context, expiresAtMs], ["/w==", "abc", 4e12]);
  assert.equal(siblings[0].type, "application/json");
  assert.equal(node.asked[0]!.target, "/kv/%FF");
});

Deno.test("an absent key is said on standard error, or as JSON with its context", async () => {
  await using node = startFakeNodeServer(() =>
    problemResponse({ status: 404, code: "not_found" }, { "denamo-context": "abc" })
  );
  const plain = await run(["get", "k", "--url", node.url]);
  assert.deepEqual([plain.code, plain.outText], [EXIT_CODES.notFound, ""]);
  assert.equal(plain.err, "Key k is not there\n");
  const asJson = await run(["get", "k", "--json", "--url", node.url]);
  assert.equal(asJson.code, EXIT_CODES.notFound);
  assert.deepEqual(JSON.parse(asJson.outText), { key: "k", context: "abc", siblings: [] });
});

Deno.test("put takes its value from standard input, a file, or as JSON", async () => {
  await using node = startFakeNodeServer(() => new Response(null, { status: 204 }));
  const url = ["--url", node.url];
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, new Uint8Array([0, 255]));
    const lines: [string[], Uint8Array | undefined, string, Uint8Array][] = [
      [["put", "k"], new Uint8Array([255]), "application/octet-stream", new Uint8Array([255])],
      [["put", "k", "-"], utf8("a"), "application/octet-stream", utf8("a")],
      [["put", "k", "-", "--text"], utf8("é"), "text/plain; charset=utf-8", utf8("é")],
      [
        ["put", "k", "--file", file],
        undefined,
        "application/octet-stream",
        new Uint8Array([0, 255]),
      ],
      [["put", "k", "--json-value", "[1]"], undefined, "application/json", utf8("[1]")],
      [["put", "k", "--json-value"], utf8("{}"), "application/json", utf8("{}")],
      [["put", "k", "--", "-5"], undefined, "text/plain; charset=utf-8", utf8("-5")],
      [["put", "k", ""], undefined, "text/plain; charset=utf-8", utf8("")],
    ];
    for (const [args, input, type, body] of lines) {
      const { code, err } = await run(
        [args[0]!, ...url, ...args.slice(1)],
        input === undefined ? {} : { input },
      );
      assert.equal(code, EXIT_CODES.ok, err);
      const asked = node.asked.at(-1)!;
      assert.equal(asked.headers.get("content-type"), type, args.join(" "));
      assert.deepEqual(asked.body, body);
    }
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("what makes no sense is refused before anything is sent", async () => {
  await using node = startFakeNodeServer(() => new Response(null, { status: 204 }));
  const lines: [string[], RegExp][] = [
    [["put", "k"], /Give a value, - for standard input, or --file/],
    [["put", "k", "v", "--file", "x"], /not both/],
    [["put", "k", "--file", "/does/not/exist"], /Cannot read \/does\/not\/exist/],
    [["put", "k", "--json-value", "{"], /The value is not JSON/],
    [["put", "k", "v", "--ttl-ms", "1", "--expires-at-ms", "1"], /not both/],
    [["put", "k", "v", "--ttl-ms", "soon"], /must be a whole number/],
    [["get", ".."], /cannot stand in a URL/],
    [["get", ""], /The key is empty/],
    [["get", "!", "--key-base64"], /is not base64/],
    [["get"], /missing required argument/],
    [["get", "k", "--colour"], /unknown option '--colour'/],
    [["fetch", "k"], /unknown command 'fetch'/],
    [["get", "k", "--url", "ftp://x"], /is no URL of a node/],
  ];
  for (const [args, message] of lines) {
    const url = args.includes("--url") || args[0] === "fetch" ? [] : ["--url", node.url];
    const { code, err } = await run([...args, ...url]);
    assert.equal(code, EXIT_CODES.usage, args.join(" "));
    assert.match(err, message);
  }
  const input = new Uint8Array(LIMITS.value + 1);
  const large = await run(["put", "k", "--url", node.url], { input });
  assert.equal(large.code, EXIT_CODES.refused);
  assert.match(large.err, new RegExp(`limit ${LIMITS.value}`));
  assert.deepEqual(node.asked, []);
});

Deno.test("put tells of siblings that others left, delete of a key that was not there", async () => {
  await using node = startFakeNodeServer(() =>
    new Response(null, {
      status: 204,
      headers: { "denamo-siblings": "2", "denamo-existed": "false", "denamo-context": "abc" },
    })
  );
  const put = await run(["put", "k", "v", "--url", node.url]);
  assert.equal(put.code, EXIT_CODES.ok);
  assert.match(put.err, /key k has 2 siblings/);
  const removed = await run(["delete", "k", "--context", "abc", "--url", node.url]);
  assert.equal(removed.code, EXIT_CODES.ok);
  assert.match(removed.err, /Key k was not there/);
  assert.equal(node.asked[1]!.headers.get("denamo-context"), "abc");
  const asJson = await run(["delete", "k", "--json", "--url", node.url]);
  assert.deepEqual(JSON.parse(asJson.outText), {
    key: "k",
    context: "abc",
    siblings: 2,
    existed: false,
  });
  assert.equal(asJson.err, "");
});

Deno.test("exit codes tell no effect, unknown outcome and an unreachable node apart", async () => {
  const problem = { status: 503, code: "quorum", outcome: "unknown", detail: "1 of 2", needed: 2 };
  let answer: () => Response = () => problemResponse(problem);
  await using node = startFakeNodeServer(() => answer());
  const put = ["put", "k", "v", "--url", node.url];

  const unknown = await run(put);
  assert.equal(unknown.code, EXIT_CODES.unknownOutcome);
  assert.match(unknown.err, /^1 of 2\nThe outcome is unknown/);
  const asJson = await run([...put, "--json"]);
  assert.deepEqual(JSON.parse(asJson.err), problem);

  answer = () => problemResponse({ ...problem, outcome: "no" });
  assert.equal((await run(put)).code, EXIT_CODES.refused);
  answer = () => problemResponse({ status: 400, code: "bad_context", outcome: "no" });
  assert.equal((await run(put)).code, EXIT_CODES.usage);

  answer = () => new Response("<html>", { status: 502 });
  assert.equal((await run(put)).code, EXIT_CODES.unknownOutcome);
  answer = () => new Response("<html>", { status: 404 });
  const stranger = await run(put);
  assert.equal(stranger.code, EXIT_CODES.unreachable);
  assert.match(stranger.err, /is no Denamo node/);
  answer = () => new Response("hello");
  assert.equal((await run(["get", "k", "--url", node.url])).code, EXIT_CODES.unreachable);
});

Deno.test("a write whose connection breaks is unknown, a read is not, and a refused one is neither", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  const accepting = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(1024));
      connection.close();
    }
  })();
  const broken = await run(["put", "k", "v", "--url", url]);
  assert.equal(broken.code, EXIT_CODES.unknownOutcome);
  assert.equal((await run(["get", "k", "--url", url])).code, EXIT_CODES.unreachable);
  listener.close();
  await accepting;
  const refused = await run(["put", "k", "v", "--url", url, "--json"]);
  assert.equal(refused.code, EXIT_CODES.unreachable);
  assert.equal(JSON.parse(refused.err).outcome, "no");
  assert.match((await run(["get", "k", "--url", url])).err, /^Cannot reach a node at .*refused/);
});
