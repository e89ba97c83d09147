import assert from "node:assert/strict";
import fc from "fast-check";
import { concatBytes, utf8, utf8Text } from "../../../src/base/bytes.ts";
import { ReplyEncoder } from "../../../src/doors/resp/encoder.ts";
import { Failure, readReply, type Reply } from "./raw_client.ts";

Deno.test("a reply is gathered and taken in parts", () => {
  const encoder = new ReplyEncoder();
  encoder.array(2);
  encoder.bulk(utf8("value"));
  encoder.integer(-42);
  assert.equal(written(encoder), "*2\r\n$5\r\nvalue\r\n:-42\r\n");
  encoder.clear();
  assert.equal(encoder.length, 0);
});

Deno.test("the versions differ in nothing, maps and texts", () => {
  const encoder = new ReplyEncoder();
  const write = () => {
    encoder.null();
    encoder.nullArray();
    encoder.map(1);
    encoder.textPair("k", "v");
    encoder.verbatim("a\nb");
  };
  write();
  assert.equal(written(encoder), "$-1\r\n*-1\r\n*2\r\n$1\r\nk\r\n$1\r\nv\r\n$3\r\na\nb\r\n");
  encoder.clear();
  encoder.protocol = 3;
  write();
  assert.equal(written(encoder), "_\r\n_\r\n%1\r\n$1\r\nk\r\n$1\r\nv\r\n=7\r\ntxt:a\nb\r\n");
});

const step = fc.oneof(
  fc.record({ kind: fc.constant("bulk" as const), size: fc.constantFrom(0, 1, 500, 9000, 20000) }),
  fc.record({ kind: fc.constant("integer" as const), size: fc.maxSafeInteger() }),
  fc.record({ kind: fc.constant("lost" as const), size: fc.constantFrom(0, 700, 8192, 30000) }),
);

Deno.test("replies of any size come out whole, and what was taken back does not", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const encoder = new ReplyEncoder();
    const wanted: Reply[] = [];
    for (const { kind, size } of steps) {
      encoder.mark();
      if (kind === "integer") {
        encoder.integer(size);
        wanted.push(size);
      } else {
        encoder.bulk(new Uint8Array(size).fill(97));
        if (kind === "bulk") {
          wanted.push("a".repeat(size));
        } else {
          encoder.bulk(new Uint8Array(10_000));
          encoder.rewind();
        }
      }
    }
    const length = encoder.length;
    const bytes = concatBytes(encoder.parts());
    assert.equal(bytes.length, length);
    const replies: Reply[] = [];
    for (let at = 0; at < bytes.length;) {
      const read = readReply(bytes, at)!;
      replies.push(read.reply);
      at = read.end;
    }
    assert.deepEqual(replies, wanted);
  }));
});

Deno.test("append() adds what other encoders hold, long or short, in order", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 20 }), fc.nat(100), (steps, firstBytes) => {
    const encoder = new ReplyEncoder();
    const alone = new ReplyEncoder();
    for (const { size } of steps) {
      const other = new ReplyEncoder(undefined, firstBytes);
      const bytes = new Uint8Array(Math.abs(size) % 30_000).fill(97);
      for (const each of [other, alone]) {
        each.integer(size);
        each.bulk(bytes);
      }
      encoder.append(other);
    }
    assert.equal(encoder.length, alone.length);
    assert.equal(written(encoder), written(alone));
  }));
});

Deno.test("an error is one line whatever its text", () => {
  const encoder = new ReplyEncoder();
  encoder.error("ERR a\r\n+OK\r\n");
  const read = readReply(concatBytes(encoder.parts()), 0)!;
  assert.deepEqual(read.reply, new Failure("ERR a  +OK  "));
  assert.equal(read.end, encoder.length);
});

function written(encoder: ReplyEncoder): string {
  return utf8Text(concatBytes(encoder.parts()));
}
