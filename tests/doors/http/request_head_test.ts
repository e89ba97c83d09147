import assert from "node:assert/strict";
import fc from "fast-check";
import { concatBytes, utf8 } from "../../../src/base/bytes.ts";
import { ChunkReader } from "../../../src/doors/http/chunks.ts";
import { headEnd, parseHead } from "../../../src/doors/http/request_head.ts";
import { DenamoError } from "../../../src/wire/errors.ts";

function head(...lines: string[]): ReturnType<typeof parseHead> {
  return parseHead(utf8([...lines, "", ""].join("\r\n")));
}

Deno.test("parseHead() reads a request line and its fields", () => {
  const read = head(
    "PUT /kv/a%2Fb?w=all HTTP/1.1",
    "Host: localhost:7301",
    "Content-Length:  12\t",
    "X-Two: a",
    "x-two:b",
  );
  assert.equal(read.method, "PUT");
  assert.equal(read.target, "/kv/a%2Fb?w=all");
  assert.equal(read.framing, 12);
  assert.equal(read.headers.get("HOST"), "localhost:7301");
  assert.equal(read.headers.get("X-Two"), "a, b");
  assert.equal(read.headers.get("absent"), null);
  assert.ok(read.keepsAlive);
});

Deno.test("parseHead() knows when a connection is at its end", () => {
  assert.ok(!head("GET / HTTP/1.1", "Host: h", "Connection: foo, Close").keepsAlive);
  assert.ok(!head("GET / HTTP/1.0").keepsAlive);
  assert.ok(head("GET / HTTP/1.0", "Connection: Keep-Alive").keepsAlive);
});

Deno.test("parseHead() refuses what another reader could take for something else", () => {
  const ok = ["GET / HTTP/1.1", "Host: h"];
  const refused: string[][] = [
    ["GET  / HTTP/1.1", "Host: h"],
    ["GET / HTTP/2.0", "Host: h"],
    ["GET /a b HTTP/1.1", "Host: h"],
    ["G\u00e4T / HTTP/1.1", "Host: h"],
    ["GET / HTTP/1.1"],
    [...ok, "Host: other"],
    [...ok, "Content-Length: 1", "Content-Length: 2"],
    [...ok, "Content-Length: 1", "Transfer-Encoding: chunked"],
    [...ok, "Content-Length: +1"],
    [...ok, "Content-Length: 1, 1"],
    [...ok, "Content-Length: 0x10"],
    [...ok, "Content-Length: 99999999999999999999"],
    [...ok, "Content-Length : 1"],
    [...ok, "Transfer-Encoding: gzip, chunked"],
    [...ok, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    ["GET / HTTP/1.0", "Transfer-Encoding: chunked"],
    [...ok, " folded: line"],
    [...ok, "no colon"],
    [...ok, ": no name"],
    [...ok, "x: a\x00b"],
    [...ok, "x: a\nb"],
    [...ok, ...Array.from({ length: 200 }, (_, i) => `x${i}: 1`)],
  ];
  for (const lines of refused) {
    assert.throws(() => head(...lines), (error) => {
      assert.ok(error instanceof DenamoError, String(error));
      assert.equal(error.outcome, "no");
      return true;
    }, lines.join(" | "));
  }
});

Deno.test("headEnd() finds the empty line wherever the bytes are cut", () => {
  const text = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  const bytes = utf8(text + "GET");
  for (let cut = 0; cut < text.length; cut++) {
    assert.equal(headEnd(bytes.subarray(0, cut), 0), undefined);
    assert.equal(headEnd(bytes, cut), text.length);
  }
  assert.throws(() => headEnd(utf8("GET / HTTP/1.1\nHost: h\n\n"), 0), DenamoError);
});

const aChunk = fc.uint8Array({ minLength: 1, maxLength: 40 });

function encodedChunks(chunks: readonly Uint8Array[], trailer = ""): Uint8Array {
  const parts = chunks.flatMap((chunk) => [
    utf8(`${chunk.length.toString(16)};x="y"\r\n`),
    chunk,
    utf8("\r\n"),
  ]);
  return concatBytes([...parts, utf8(`0\r\n${trailer}\r\n`)]);
}

/** Reads a stream cut into pieces; the body and what is left of the stream. */
function readChunks(stream: Uint8Array, sizes: readonly number[]) {
  const reader = new ChunkReader();
  const body: number[] = [];
  let at = 0;
  for (let i = 0; at < stream.length && !reader.isAtEnd; i++) {
    let bytes = stream.subarray(at, at + sizes[i % sizes.length]!);
    at += bytes.length;
    while (bytes.length > 0 && !reader.isAtEnd) {
      const { used, piece } = reader.read(bytes);
      assert.ok(used > 0);
      body.push(...bytes.subarray(used - piece, used));
      bytes = bytes.subarray(used);
    }
    at -= bytes.length;
  }
  return { body, isAtEnd: reader.isAtEnd, left: stream.length - at };
}

Deno.test("a ChunkReader finds the same body however the stream is cut", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 });
  fc.assert(fc.property(fc.array(aChunk), sizes, fc.boolean(), (chunks, sizes, hasTrailer) => {
    const stream = encodedChunks(chunks, hasTrailer ? "a: b\r\nc: d\r\n" : "");
    const next = utf8("GET /");
    assert.deepEqual(readChunks(concatBytes([stream, next]), sizes), {
      body: [...concatBytes(chunks)],
      isAtEnd: true,
      left: next.length,
    });
  }));
});

Deno.test("a ChunkReader refuses malformed chunks, and lines without an end", () => {
  const broken = [
    "x\r\n",
    "\r\n",
    "-1\r\n",
    "0x1\r\n",
    "1\n",
    "1\r\nab",
    "1\r\na\n",
    "123456789\r\n",
    `1;${"x".repeat(1000)}`,
    `0\r\n${"x".repeat(10_000)}`,
  ];
  for (const text of broken) {
    assert.throws(() => readChunks(utf8(text), [1000]), DenamoError, JSON.stringify(text));
  }
});
