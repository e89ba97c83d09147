// The OpenAPI document is held against the door: what it says must be so, and nothing may be left out.

import assert from "node:assert/strict";
import { mistakesOf } from "./json_schema.ts";
import { drop, OpenDoor } from "./open_door.ts";

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly schema: Readonly<Record<string, unknown>>;
  readonly example?: unknown;
}

interface Media {
  readonly schema: Readonly<Record<string, unknown>>;
}

interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<
    Record<string, {
      readonly description: string;
      readonly headers?: Readonly<Record<string, unknown>>;
      readonly content?: Readonly<Record<string, Media>>;
    }>
  >;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
}

const METHODS = ["get", "head", "put", "post", "delete", "patch", "options", "trace"];

/** What the routes take that do not take just anything. */
const BODIES: Readonly<Record<string, string>> = {
  "/cluster/layout": '{"members":["n1","n2","n3"]}',
  "/namespaces/{prefix}": '{"n":3,"w":"all","conflicts":"lww","ttlMs":60000}',
  "/cluster/repair": '{"node":"n2","partitions":[7]}',
  // A number that was put is where a counter begins.
  "/kv/{key}": '{"operations":[{"type":"counter","add":1}]}',
};

async function documentOf(open: OpenDoor): Promise<Document> {
  return (await open.json("/openapi.json")).body;
}

function operationsOf(
  document: Document,
): { path: string; method: string; described: Described }[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => (
      { path, method: method.toUpperCase(), described: item[method] as Described }
    ))
  );
}

/** Sends one request as the document says it may be sent. */
async function send(
  open: OpenDoor,
  { path, method, described }: { path: string; method: string; described: Described },
  query = "",
): Promise<Response> {
  if (path === "/cluster/layout") open.api.ringView = undefined;
  else open.api.ringView ??= await open.api.initLayout(["n1"], { force: true });
  const mediaType = Object.keys(described.requestBody?.content ?? {})[0];
  return await open.fetch(path.replace(/\{key\}|\{prefix\}/, "walked") + query, {
    method,
    ...(mediaType === undefined ? {} : {
      body: method === "PUT" && path === "/kv/{key}" ? "5" : BODIES[path]!,
      headers: { "content-type": mediaType },
    }),
  });
}

/** Holds one answer against what the document says of its status. */
async function holdAgainst(document: Document, described: Described, response: Response) {
  const where = `${described.operationId} ${response.status}`;
  const said = described.responses[response.status];
  assert.ok(said !== undefined, `${where} is not documented`);
  for (const name of response.headers.keys()) {
    const isOurs = name.startsWith("denamo-") || name === "location";
    const names = Object.keys(said.headers ?? {}).map((known) => known.toLowerCase());
    assert.ok(!isOurs || names.includes(name), `${where} has ${name}`);
  }
  const text = await response.text();
  const contentType = response.headers.get("content-type");
  if (said.content === undefined || text === "") {
    assert.equal(text, "", `${where} has a body`);
    return;
  }
  const media = said.content[contentType!];
  assert.ok(media !== undefined, `${where} has the type ${contentType}`);
  if (!contentType!.includes("json")) return;
  const mistakes = mistakesOf(JSON.parse(text), media.schema, document.components.schemas);
  assert.deepEqual(mistakes, [], where);
}

Deno.test("the document is OpenAPI 3.1 and each operation has its own name", async () => {
  await using open = await OpenDoor.open();
  const document = await documentOf(open);
  assert.equal(document.openapi, "3.1.0");
  const operations = operationsOf(document);
  const ids = operations.map(({ described }) => described.operationId);
  assert.equal(new Set(ids).size, ids.length, ids.join(" "));
  assert.deepEqual(operations.map(({ method, path }) => `${method} ${path}`).toSorted(), [
    "DELETE /kv/{key}",
    "DELETE /namespaces/{prefix}",
    "GET /cluster/differences",
    "GET /cluster/equality",
    "GET /cluster/hints",
    "GET /cluster/members",
    "GET /cluster/ring",
    "GET /healthz",
    "GET /kv",
    "GET /kv/{key}",
    "GET /metrics",
    "GET /namespaces",
    "GET /openapi.json",
    "GET /readyz",
    "GET /status",
    "HEAD /cluster/differences",
    "HEAD /cluster/equality",
    "HEAD /cluster/hints",
    "HEAD /cluster/members",
    "HEAD /cluster/ring",
    "HEAD /healthz",
    "HEAD /kv",
    "HEAD /kv/{key}",
    "HEAD /metrics",
    "HEAD /namespaces",
    "HEAD /openapi.json",
    "HEAD /readyz",
    "HEAD /status",
    "POST /cluster/layout",
    "POST /cluster/repair",
    "POST /kv/{key}",
    "PUT /kv/{key}",
    "PUT /namespaces/{prefix}",
  ]);
});

Deno.test("each documented operation answers as documented, well and badly", async () => {
  await using open = await OpenDoor.open();
  const document = await documentOf(open);
  for (const entry of operationsOf(document)) {
    await drop(await open.put("/kv/walked", "5"));
    const good = await send(open, entry);
    assert.ok(good.ok, `${entry.method} ${entry.path} answers ${good.status}`);
    await holdAgainst(document, entry.described, good);
    const bad = await send(open, entry, "?unknown=1");
    assert.equal(bad.status, 400);
    await holdAgainst(document, entry.described, bad);
  }
});

Deno.test("each documented parameter is accepted, and only those", async () => {
  await using open = await OpenDoor.open();
  const document = await documentOf(open);
  const { schemas } = document.components;
  const all = new Set(
    operationsOf(document).flatMap(({ described }) =>
      described.parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name)
    ),
  );
  for (const entry of operationsOf(document)) {
    const own = entry.described.parameters.filter((parameter) => parameter.in === "query");
    for (const { name, example, schema } of own) {
      await drop(await open.put("/kv/walked", "5"));
      assert.deepEqual(mistakesOf(example, schema, schemas), [], name);
      const query = `?${name}=${encodeURIComponent(String(example))}`;
      const response = await send(open, entry, query);
      assert.ok(response.ok, `${entry.method} ${entry.path}${query} answers ${response.status}`);
      await holdAgainst(document, entry.described, response);
    }
    for (const name of all.difference(new Set(own.map((parameter) => parameter.name)))) {
      const response = await drop(await send(open, entry, `?${name}=1`));
      assert.equal(response.status, 400, `${entry.method} ${entry.path} takes ${name}`);
    }
  }
});

Deno.test("every method that a route has is documented, and no more", async () => {
  await using open = await OpenDoor.open();
  const document = await documentOf(open);
  for (const [path, item] of Object.entries(document.paths)) {
    const response = await drop(
      await open.fetch(path.replace(/\{key\}|\{prefix\}/, "k"), { method: "BREW" }),
    );
    assert.equal(response.status, 405);
    const allowed = response.headers.get("allow")!.toLowerCase().split(", ");
    assert.deepEqual(
      allowed.toSorted(),
      METHODS.filter((method) => method in item).toSorted(),
      path,
    );
  }
});

Deno.test("siblings, values, absence, problems and states are documented as they are", async () => {
  await using open = await OpenDoor.open();
  const { api } = open;
  const document = await documentOf(open);
  const described = (path: string, method = "get") => document.paths[path]![method] as Described;
  const hold = async (path: string, described: Described, status: number) => {
    const response = await open.fetch(path);
    assert.equal(response.status, status, path);
    await holdAgainst(document, described, response);
  };
  const bytes = Uint8Array.of(0x81, 0x80, 0x01);
  await hold("/kv/absent", described("/kv/{key}"), 404);
  for (const kind of ["bytes", "text", "msgpack"] as const) {
    const value = kind === "text" ? new TextEncoder().encode("a") : bytes;
    api.addSibling(kind, { kind, bytes: value }, api.now + 1000);
    await hold(`/kv/${kind}`, described("/kv/{key}"), 200);
    api.addSibling("many", { kind, bytes: value }, api.now + 1000);
    api.addSibling(Uint8Array.of(255, kind.length), { kind, bytes: value });
  }
  api.addSibling("json", { kind: "msgpack", bytes: Uint8Array.of(0x80) });
  await hold("/kv/json", described("/kv/{key}"), 200);
  await hold("/kv/many", described("/kv/{key}"), 300);
  const elements = [bytes, new TextEncoder().encode("milk")];
  await api.update(new TextEncoder().encode("set"), [
    { type: "set", operation: { kind: "add", elements } },
  ]);
  await hold("/kv/set", described("/kv/{key}"), 200);
  await hold("/kv?values=true&limit=3", described("/kv"), 200);
  await hold("/kv?values=true", described("/kv"), 200);
  await hold("/cluster/ring?key=a", described("/cluster/ring"), 200);
  api.differing = [{ partition: 7, copies: 3, groups: [["n1", "n3"], ["n2"]] }];
  api.unasked = [{ node: "n4", error: "n4 is not connected" }];
  await hold("/cluster/differences", described("/cluster/differences"), 200);
  api.hintViews[0] = { ...api.hintViews[0]!, error: "late", oldestAgeMs: undefined };
  await hold("/cluster/hints", described("/cluster/hints"), 200);
  api.ringView = undefined;
  api.isReady = false;
  await hold("/cluster/ring", described("/cluster/ring"), 503);
  await hold("/readyz", described("/readyz"), 503);
  await hold("/status", described("/status"), 200);
});
