// HTTP requests by grammar: routes, methods, queries, headers and bodies at their edges, and bytes that are none.

import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { crowdedUpdate, nestedMessagePack } from "../hostile/forgery.ts";
import type { Draw } from "./draw.ts";
import { drawKey, drawToken } from "./resp_words.ts";

/** What most requests are about. */
const KEY_ROUTES: readonly string[] = ["/kv/KEY"];

/** What costs a node more than others, most of which is asked with a method that there is not. */
const DEAR_ROUTES: readonly string[] = [
  "/kv",
  "/metrics",
  "/cluster/hints",
  "/cluster/differences",
  "/cluster/repair",
  ...Array<string>(20).fill("/kv/KEY"),
];

const ROUTES: readonly string[] = [
  "/status",
  "/cluster/members",
  "/cluster/ring",
  "/cluster/layout",
  "/cluster/equality",
  "/namespaces",
  "/namespaces/PREFIX",
  "/healthz",
  "/readyz",
  "/openapi.json",
  "/",
  "//",
  "/kv/../status",
  "/kv/%00%ff%2f",
  "/kv/%zz",
];

const METHODS = ["GET", "GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"];

const QUERIES: readonly string[] = [
  "r",
  "w",
  "strict",
  "timeoutMs",
  "ttlMs",
  "expiresAtMs",
  "siblings",
  "prefix",
  "limit",
  "cursor",
  "values",
  "partitions",
  "key",
  "none",
];

const TYPES: readonly string[] = [
  "text/plain",
  "application/json",
  "application/msgpack",
  "application/octet-stream",
  "application/json; charset=x",
  "a/b/c",
  "",
];

const BODIES: readonly string[] = [
  "",
  "v",
  "{}",
  "[]",
  "{",
  '{"operations":[]}',
  '{"operations":[{"type":"counter","add":9007199254740991}]}',
  '{"operations":[{"type":"set","add":["a",{"base64":"/w=="}]}]}',
  '{"operations":[{"type":"map","key":"a","operation":{"type":"counter","add":1}}]}',
  '{"operations":[{"type":"counter","add":1,"id":{"session":"s","number":1,"untilMs":1e300}}]}',
  '{"operations":[{"type":"document","update":"AAA="}]}',
  '{"operations":[{"type":"flag","on":true}]}',
  '{"operations":[{"type":"max","put":1e400}]}',
  '{"operations":[{"type":"none"}]}',
  '{"members":["n1","n2"]}',
  '{"node":"nobody"}',
  '{"r":"one"}',
  '{"r":"none","ttlMs":-1}',
  '{"__proto__":{"r":1}}',
  "[".repeat(2_000),
  `${'{"a":'.repeat(500)}1${"}".repeat(500)}`,
];

const CRLF = "\r\n";

/** Requests that break HTTP itself, after which a connection ends. */
const BROKEN: readonly string[] = [
  "GET /kv/k HTTP/9.9\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET http://elsewhere/kv/x HTTP/1.1\r\nHost: x\r\n\r\n",
  "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
  "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
  "x /kv/k HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /kv/k\r\n\r\n",
  "GET\r\n\r\n",
  "PUT /kv/fuzz:b HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
  "PUT /kv/fuzz:b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
  "PUT /kv/fuzz:b HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
  "PUT /kv/fuzz:b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  "PUT /kv/fuzz:b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
  "PUT /kv/fuzz:b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
  "PUT /kv/fuzz:b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
  "GET /kv/k HTTP/1.1\r\nHost: x\r\n folded: yes\r\n\r\n",
  "GET /kv/k HTTP/1.1\r\nHost: a/b\r\n\r\n",
  "GET /kv/k HTTP/1.1\r\nNo colon\r\n\r\n",
  "GET /kv/k HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  `GET /${"a".repeat(70_000)} HTTP/1.1\r\n\r\n`,
  `GET / HTTP/1.1\r\n${"X-A: b\r\n".repeat(500)}\r\n`,
  `GET / HTTP/1.1\r\nX-A: ${"b".repeat(70_000)}\r\n\r\n`,
];

/** One whole request; its route is its kind. Its key is one of {@linkcode drawKey}. */
export function drawHttpRequest(
  draw: Draw,
  chapter: number,
): { readonly kind: string; readonly bytes: Uint8Array } {
  const route = draw.pick(draw.onceIn(20) ? DEAR_ROUTES : draw.onceIn(4) ? ROUTES : KEY_ROUTES);
  const method = draw.pick(METHODS);
  const key = drawKey(draw, chapter);
  const path = route.replace("KEY", draw.onceIn(9) ? encoded(draw.text()) : key)
    .replace("PREFIX", `fuzz-${draw.below(20)}:`);
  const headers: string[] = ["Host: x"];
  if (draw.onceIn(4)) headers.push(`Denamo-Context: ${fieldOf(drawToken(draw, key))}`);
  if (draw.onceIn(8)) headers.push(`Denamo-At-Least: ${fieldOf(drawToken(draw, key))}`);
  if (draw.onceIn(12)) headers.push(`Idempotency-Key: ${encoded(draw.text())}`);
  if (draw.onceIn(12)) headers.push("Accept-Encoding: gzip", "Range: bytes=0-99999999999");
  if (draw.onceIn(20)) headers.push(`Content-Encoding: ${draw.pick(["gzip", "br", "x"])}`);
  // Where a body is not read, the connection ends.
  const isRead = method === "PUT" || method === "POST";
  const body = isRead || draw.onceIn(60) ? drawBody(draw) : undefined;
  if (body !== undefined) {
    headers.push(`Content-Type: ${draw.pick(TYPES)}`, `Content-Length: ${body.length}`);
  }
  const head = `${method} ${path}${queryOf(draw)} HTTP/1.1${CRLF}${
    headers.join(CRLF)
  }${CRLF}${CRLF}`;
  const bytes = body === undefined ? latin1(head) : concatBytes([latin1(head), body]);
  return { kind: `${route.split("/").slice(0, 3).join("/")}`, bytes };
}

/** The last request of a connection, which may be none. */
export function drawBrokenHttp(draw: Draw, chapter: number): Uint8Array {
  switch (draw.below(4)) {
    case 0:
      return draw.bytes(1 + draw.length(2_000));
    case 1:
      return draw.damaged(drawHttpRequest(draw, chapter).bytes);
    case 2: {
      const { bytes } = drawHttpRequest(draw, chapter);
      return bytes.slice(0, draw.below(bytes.length));
    }
    default:
      return latin1(draw.pick(BROKEN));
  }
}

function drawBody(draw: Draw): Uint8Array {
  switch (draw.below(12)) {
    case 0:
      return draw.bytes(draw.length(2_000));
    case 1:
      return nestedMessagePack(draw.length(4_000));
    case 2: {
      const update = crowdedUpdate(1 + draw.length(300)).toBase64();
      return utf8(JSON.stringify({ operations: [{ type: "document", update }] }));
    }
    case 3:
      return draw.damaged(utf8(draw.pick(BODIES)));
    default:
      return utf8(draw.pick(BODIES));
  }
}

function queryOf(draw: Draw): string {
  if (draw.onceIn(2)) return "";
  const pairs = Array.from({ length: 1 + draw.below(3) }, () => {
    const value = draw.pick(["", "1", "true", "all", "latest", String(draw.count()), draw.text()]);
    return `${draw.pick(QUERIES)}=${encoded(value)}`;
  });
  return `?${pairs.join("&")}`;
}

/** Text as the value of a header field: with a control character in it a connection would end. */
function fieldOf(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?");
}

/** Text as a part of a URL; what cannot be said in UTF-8 is left out. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
}
