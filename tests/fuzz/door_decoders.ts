// The parsers of the doors: what clients send, before anybody knows whether it is a request.

import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import type { SeededRandom } from "../../src/base/seeded_random.ts";
import { ChunkReader } from "../../src/doors/http/chunks.ts";
import { keyOfPath } from "../../src/doors/http/key_path.ts";
import {
  partitionsParameter,
  readQuery,
  readQuorumParameter,
  strictParameter,
  timeoutParameter,
} from "../../src/doors/http/query.ts";
import { headEnd, parseHead } from "../../src/doors/http/request_head.ts";
import { splitInline } from "../../src/doors/resp/inline.ts";
import { CommandParser, ProtocolError } from "../../src/doors/resp/parser.ts";
import type { DecoderUnderTest } from "./decoders.ts";
import { commandBytes } from "./resp_words.ts";
import { below, oneOf } from "./sample_objects.ts";

const QUERY = {
  r: readQuorumParameter,
  strict: strictParameter,
  timeoutMs: timeoutParameter,
  partitions: partitionsParameter,
};

export const DOOR_DECODERS: readonly DecoderUnderTest[] = [
  {
    name: "commands of a Redis client",
    encodeSample: sampleCommands,
    decode(bytes) {
      readCommands(bytes);
      return undefined;
    },
  },
  {
    name: "a command in a line",
    encodeSample: (random) =>
      utf8(oneOf(random, ["SET a b", `SET "a\\x00\\n" 'b \\' c'`, "GET  x ", "PING"])),
    decode(bytes) {
      if (splitInline(bytes) === undefined) throw new MalformedError("line", "quotes are open");
      return undefined;
    },
  },
  {
    name: "the head of a request",
    encodeSample: (random) =>
      utf8(
        `${oneOf(random, ["GET", "PUT"])} /kv/k?r=1 HTTP/1.1\r\nHost: x\r\n` +
          oneOf(random, ["Content-Length: 12\r\n", "Transfer-Encoding: chunked\r\n", ""]) + "\r\n",
      ),
    decode(bytes) {
      const end = headEnd(bytes, 0);
      if (end === undefined) throw new MalformedError("head", "it has no end");
      parseHead(bytes.subarray(0, end));
      return undefined;
    },
  },
  {
    name: "a body in chunks",
    encodeSample: (random) =>
      utf8(
        [..."abc"].map((letter) => `${(1 + below(random, 30)).toString(16)};x=${letter}`)
          .map((line) => `${line}\r\n${"y".repeat(parseInt(line, 16))}\r\n`).join("") +
          `0\r\n${oneOf(random, ["", "A: b\r\n"])}\r\n`,
      ),
    decode(bytes) {
      const reader = new ChunkReader();
      for (let at = 0; at < bytes.length && !reader.isAtEnd;) {
        at += reader.read(bytes.subarray(at)).used;
      }
      if (!reader.isAtEnd) throw new MalformedError("chunks", "the last one is missing");
      return undefined;
    },
  },
  {
    name: "a key in a path",
    encodeSample: (random) => utf8(oneOf(random, ["a%2Fb", "%ff%00", "\u{1f600}", "a/../b"])),
    decode(bytes) {
      keyOfPath(`/kv/${utf8Text(bytes)}`);
      return undefined;
    },
  },
  {
    name: "the query of a request",
    encodeSample: (random) =>
      utf8(oneOf(random, ["r=all&strict=true", "timeoutMs=5&r=2", "partitions=1%2C2", ""])),
    decode(bytes) {
      readQuery(utf8Text(bytes), QUERY);
      return undefined;
    },
  },
];

function sampleCommands(random: SeededRandom): Uint8Array {
  const commands = Array.from({ length: 1 + below(random, 3) }, () => {
    const args = Array.from({ length: 1 + below(random, 4) }, () => random.bytes(below(random, 9)));
    return [...commandBytes(args)];
  });
  return Uint8Array.from(commands.flat());
}

/** Reads whole commands, in two pieces as they may come from a socket. */
function readCommands(bytes: Uint8Array): void {
  const parser = new CommandParser();
  const at = bytes.length >> 1;
  try {
    for (const chunk of [bytes.subarray(0, at), bytes.subarray(at)]) {
      parser.feed(chunk);
      while (parser.next() !== undefined);
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new MalformedError("command", error.message);
  }
  if (parser.isWithinCommand) throw new MalformedError("command", "it is not whole");
}
