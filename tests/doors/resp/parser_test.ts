import assert from "node:assert/strict";
import fc from "fast-check";
import { binaryString, concatBytes, fromBinaryString, utf8 } from "../../../src/base/bytes.ts";
import { splitInline } from "../../../src/doors/resp/inline.ts";
import { CommandParser, ProtocolError } from "../../../src/doors/resp/parser.ts";
import { ELEMENT_BYTES } from "../../../src/doors/resp/resp_limits.ts";
import { TooLargeError } from "../../../src/wire/errors.ts";
import { encoded } from "./raw_client.ts";

Deno.test("next() takes commands from chunks that are cut anywhere", () => {
  const parser = new CommandParser();
  parser.feed(utf8("*2\r\n$3\r\nGET\r\n$5\r\nhe"));
  assert.equal(parser.next(), undefined);
  parser.feed(utf8("llo\r\nPING\r\n*1\r"));
  assert.deepEqual(parser.next(), [utf8("GET"), utf8("hello")]);
  assert.deepEqual(parser.next(), [utf8("PING")]);
  assert.equal(parser.next(), undefined);
  parser.feed(utf8("\n$4\r\nQUIT\r\n"));
  assert.deepEqual(parser.next(), [utf8("QUIT")]);
});

const aCommand = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 5 });
const aLine = fc.array(fc.stringMatching(/^[a-z0-9]{1,9}$/), { minLength: 1, maxLength: 4 });
const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });

Deno.test("next() finds the same commands however the stream is cut", () => {
  const aPart = fc.oneof(
    aCommand.map((words) => ({ words, bytes: encoded(words) })),
    aLine.map((words) => ({ words: words.map(utf8), bytes: utf8(words.join(" ") + "\r\n") })),
    fc.constantFrom("*0\r\n", "*-1\r\n", "\r\n", "  \n").map((text) => (
      { words: [], bytes: utf8(text) }
    )),
  );
  fc.assert(fc.property(fc.array(aPart, { maxLength: 8 }), cuts, (parts, sizes) => {
    const wanted = parts.filter(({ words }) => words.length > 0).map(({ words }) => shown(words));
    const stream = concatBytes(parts.map(({ bytes }) => bytes));
    assert.deepEqual(parse(stream, sizes).commands, wanted);
    assert.deepEqual(parse(stream, [stream.length + 1]).commands, wanted);
  }));
});

Deno.test("next() ends garbage with a ProtocolError or waits, alike for every cut", () => {
  const token = fc.constantFrom(
    "*",
    "$",
    "\r\n",
    "\n",
    "\r",
    "0",
    "1",
    "3",
    "-",
    " ",
    '"',
    "'",
    "x",
  );
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.array(token, { maxLength: 60 }).map((tokens) => utf8(tokens.join(""))),
  );
  fc.assert(
    fc.property(garbage, cuts, (stream, sizes) => {
      assert.deepEqual(parse(stream, sizes), parse(stream, [stream.length + 1]));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("next() works in steps that grow with the bytes, not with the chunks before", () => {
  // One byte at a time: a parser that begins again with each chunk would look at 10^10 bytes.
  const stream = encoded(["SET", "k", new Uint8Array(150_000).fill(97)]);
  const { commands } = parse(stream, [1]);
  assert.equal(commands.length, 1);
  assert.equal(commands[0]![2]!.length, 150_000);
});

Deno.test("unfilled() is where the rest of a long argument goes", () => {
  const parser = new CommandParser();
  parser.feed(utf8("*2\r\n$4\r\nECHO\r\n$10\r\n0123"));
  assert.equal(parser.next(), undefined);
  const rest = parser.unfilled()!;
  assert.equal(rest.length, 6);
  rest.set(utf8("456789"));
  parser.filled(6);
  assert.equal(parser.unfilled(), undefined);
  parser.feed(utf8("\r\n"));
  const command = parser.next()!;
  assert.deepEqual(command, [utf8("ECHO"), utf8("0123456789")]);
});

Deno.test("next() keeps arguments when the memory of their chunk is used again", () => {
  const parser = new CommandParser();
  const chunk = utf8("*2\r\n$3\r\nGET\r\n$1\r");
  parser.feed(chunk);
  assert.equal(parser.next(), undefined);
  chunk.fill(0);
  parser.feed(utf8("\nk\r\n"));
  assert.deepEqual(parser.next(), [utf8("GET"), utf8("k")]);
});

Deno.test("next() names what breaks the protocol as Redis does", () => {
  const limits = { argumentCount: 10, announced: 200, argument: 100, command: 150, inline: 50 };
  const cases: [string, string][] = [
    ["*abc\r\n", "invalid multibulk length"],
    ["*\r\n", "invalid multibulk length"],
    ["*01\r\n", "invalid multibulk length"],
    ["*99999999999999999999\r\n", "invalid multibulk length"],
    ["*11\r\n", "invalid multibulk length: 11, limit 10"],
    ["*1\r\nGET\r\n", "expected '$', got 'G'"],
    ["*1\r\n$-1\r\n", "invalid bulk length"],
    ["*1\r\n$x\r\n", "invalid bulk length"],
    ["*1\r\n$201\r\n", "invalid bulk length: 201 bytes, limit 200"],
    [`*2\r\n$150\r\n${"x".repeat(150)}\r\n$-1\r\n`, "invalid bulk length"],
    ["*1\r\n$1\r\nab\r\n", "expected CRLF after bulk"],
    ["x".repeat(51), "too big inline request"],
    ['SET "a\r\n', "unbalanced quotes in request"],
  ];
  for (const [stream, problem] of cases) {
    const parser = new CommandParser(limits);
    parser.feed(utf8(stream));
    const error = new ProtocolError(problem);
    assert.throws(() => parser.next(), error, stream);
    parser.feed(utf8("PING\r\n"));
    assert.throws(() => parser.next(), ProtocolError, "a broken stream stays broken");
  }
});

Deno.test("next() reads a command away that is too large, and goes on with the next", () => {
  const limits = { argumentCount: 10, announced: 200, argument: 100, command: 150, inline: 50 };
  const cases: [string[], number, number][] = [
    [["SET", "k", "x".repeat(101)], 100, 101],
    [["SET", "x".repeat(200), "v", ""], 100, 200],
    [["x".repeat(90), "x".repeat(90), "x".repeat(90)], 150, 180],
  ];
  for (const [words, limit, size] of cases) {
    for (const step of [1, 7, 1000]) {
      const parser = new CommandParser(limits);
      const stream = concatBytes([encoded(words), encoded(["PING"]), encoded(words)]);
      const found: unknown[] = [];
      for (let at = 0; at < stream.length; at += step) {
        parser.feed(stream.subarray(at, at + step));
        for (let next = parser.next(); next !== undefined; next = parser.next()) found.push(next);
        assert.ok(parser.heldBytes <= 150 + 4 * ELEMENT_BYTES);
      }
      assert.equal(found.length, 3);
      assert.deepEqual(found[1], [utf8("PING")]);
      for (const error of [found[0], found[2]]) {
        assert.ok(error instanceof TooLargeError);
        assert.deepEqual([error.limit, error.size], [limit, size]);
      }
      assert.equal(parser.isWithinCommand, false);
    }
  }
});

Deno.test("next() holds nothing of what it reads away", () => {
  const parser = new CommandParser();
  parser.feed(utf8("*3\r\n$500000\r\n"));
  assert.equal(parser.next(), undefined);
  parser.feed(new Uint8Array(400_000));
  assert.equal(parser.next(), undefined);
  assert.ok(parser.heldBytes > 400_000);
  parser.feed(new Uint8Array(100_000));
  assert.equal(parser.next(), undefined);
  parser.feed(utf8("\r\n$500000000\r\n"));
  assert.equal(parser.next(), undefined);
  assert.equal(parser.heldBytes, 0);
  assert.equal(parser.isWithinCommand, true);
  assert.equal(parser.unfilled(), undefined);
});

Deno.test("splitInline() reads quotes and escapes", () => {
  const cases: [string, string[] | undefined][] = [
    ["", []],
    [" \t set  key value ", ["set", "key", "value"]],
    [String.raw`set k "a b\x41\n\"\q"`, ["set", "k", 'a bA\n"q']],
    [String.raw`set k 'a\'b\n'`, ["set", "k", String.raw`a'b\n`]],
    [`a"b c"`, ["ab c"]],
    [`""`, [""]],
    [`"a"b`, undefined],
    [`'a`, undefined],
    [String.raw`"\xZZ"`, ["xZZ"]],
    ["get k\0rest", ["get", "k"]],
  ];
  for (const [line, words] of cases) {
    const found = splitInline(utf8(line));
    assert.deepEqual(found?.map((word) => binaryString(word)), words, line);
  }
  assert.deepEqual(splitInline(utf8('"\\xff"')), [fromBinaryString("\xff")]);
});

/** What a parser makes of a stream that comes in chunks of these sizes, over and over. */
function parse(stream: Uint8Array, sizes: readonly number[]) {
  const parser = new CommandParser();
  const commands: string[][] = [];
  // One memory for all chunks, as a session has it: whatever the parser keeps it must have copied.
  const memory = new Uint8Array(Math.max(...sizes, 1));
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const part = stream.subarray(at, at + sizes[turn % sizes.length]!);
    memory.set(part);
    at += part.length;
    parser.feed(memory.subarray(0, part.length));
    try {
      for (let next = parser.next(); next !== undefined; next = parser.next()) {
        assert.ok(Array.isArray(next));
        commands.push(shown(next));
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { commands, problem: error.message };
    }
  }
  return { commands, problem: undefined };
}

function shown(words: readonly Uint8Array[]): string[] {
  return words.map((word) => binaryString(word));
}

Deno.test("heldBytes tells what a half command takes, in proportion to the bytes that came", () => {
  const parser = new CommandParser();
  assert.equal(parser.heldBytes, 0);
  assert.ok(!parser.isWithinCommand);
  // Announced is nothing yet.
  feed(parser, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000\r\n");
  assert.ok(parser.isWithinCommand);
  assert.ok(parser.heldBytes <= 17_000, `${parser.heldBytes} bytes for nothing`);
  let sent = 0;
  for (; sent < 400_000; sent += 10_000) {
    feed(parser, "x".repeat(10_000));
    assert.ok(parser.heldBytes >= sent, `${parser.heldBytes} bytes after ${sent}`);
    assert.ok(parser.heldBytes <= 4 * sent + 70_000, `${parser.heldBytes} bytes after ${sent}`);
  }
  parser.feed(utf8("x".repeat(500_000 - sent) + "\r\n"));
  assert.equal((parser.next() as Uint8Array[])[2]!.length, 500_000);
  assert.equal(parser.heldBytes, 0);
});

Deno.test("heldBytes counts every argument, also an empty one, and a line", () => {
  const parser = new CommandParser();
  feed(parser, "*60000\r\n" + "$0\r\n\r\n".repeat(50_000));
  assert.equal(parser.heldBytes, 50_000 * ELEMENT_BYTES);
  const inLine = new CommandParser();
  feed(inLine, "x".repeat(30_000));
  assert.ok(inLine.heldBytes >= 30_000);
  inLine.drop();
  assert.equal(inLine.heldBytes, 0);
  inLine.feed(utf8("x\r\n"));
  assert.throws(() => inLine.next(), ProtocolError);
});

Deno.test("arguments that are kept beside each other do not mix", () => {
  const parser = new CommandParser();
  const chunk = utf8("*5\r\n$3\r\nSET\r\n$0\r\n\r\n$1\r\nk\r\n");
  parser.feed(chunk);
  assert.equal(parser.next(), undefined);
  chunk.fill(0);
  feed(parser, "$2\r\nab\r\n");
  parser.feed(utf8("$1\r\nc\r\n"));
  assert.deepEqual(parser.next(), ["SET", "", "k", "ab", "c"].map((word) => utf8(word)));
});

/** Feeds what makes no command whole. */
function feed(parser: CommandParser, text: string): void {
  parser.feed(utf8(text));
  assert.equal(parser.next(), undefined);
}
