// Commands of Redis clients by grammar, and bytes that are none.

import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { MAX_TIME } from "../../src/causality/dot.ts";
import { unsealedToken } from "../hostile/forgery.ts";
import type { Draw } from "./draw.ts";

/** Commands about keys, with what follows their names: `k` a key, `v` any bytes, `n` a number, `c` a context, or a word. */
const COMMANDS: readonly string[] = [
  "GET k",
  "SET k v",
  "SET k v PX n",
  "SET k v EX n KEEPTTL",
  "SET k v EXAT n NX",
  "SETEX k n v",
  "PSETEX k n v",
  "MGET k k k",
  "MSET k v k v",
  "STRLEN k",
  "GETRANGE k n n",
  "SUBSTR k n n",
  "INCR k",
  "INCRBY k n",
  "DECRBY k n",
  "DEL k k",
  "EXISTS k",
  "EXPIRE k n",
  "PEXPIREAT k n",
  "TTL k",
  "PERSIST k",
  "TYPE k",
  "SADD k v v",
  "SREM k v",
  "SMEMBERS k",
  "SISMEMBER k v",
  "SSCAN k n COUNT n MATCH v",
  "HSET k v v",
  "HDEL k v",
  "HGETALL k",
  "HINCRBY k v n",
  "HSCAN k n COUNT n",
  "PFADD k v v",
  "PFCOUNT k k",
  "PFMERGE k k",
  "SCAN n MATCH v COUNT n",
  "DN.GET k ATLEAST c R n TIMEOUT n",
  "DN.GET k ATLEAST c STRICT",
  "DN.SET k v CONTEXT c W n",
  "DN.SET k v CONTEXT c PX n",
  "DN.DEL k CONTEXT c",
  "DN.INCRBY k n ID v n n",
  "DN.INCRBY k n TIMEOUT n",
];

/** Commands that a node answers by itself: most of them are about the door. */
const CHEAP_COMMANDS: readonly string[] = [
  "PING v",
  "ECHO v",
  "HELLO n",
  "HELLO 3 AUTH v v",
  "SELECT n",
  "CLIENT SETNAME v",
  "CLIENT v v",
  "COMMAND DOCS v",
  "CONFIG GET v",
  "INFO v",
  "OBJECT v k",
  "MULTI",
  "EXEC",
  "EXEC v",
  "DISCARD",
  "WATCH k",
  "UNWATCH",
  "SELECT 3",
  "EVAL v n",
  "WAIT n n",
];

const NUMBERS: readonly string[] = [
  "0",
  "-0",
  "00",
  "-1",
  "1",
  "+1",
  "9223372036854775807",
  "9223372036854775808",
  "-9223372036854775809",
  "9007199254740991",
  "9007199254740993",
  "1e3",
  "0x10",
  "nan",
  "inf",
  " 1",
  "",
  "one",
  "all",
  "quorum",
];

const BROKEN: readonly string[] = [
  "*-2\r\n",
  "*1\r\n",
  "*65537\r\n",
  "*999999999999999\r\n",
  "*2\r\n$3\r\nGET\r\n+k\r\n",
  "*1\r\n$-1\r\n",
  "*1\r\n$99999999999\r\n",
  "*1\r\n$589825\r\n",
  "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000\r\n...",
  "*1\r\n$4\r\nPINGxx",
  "*01\r\n$4\r\nPING\r\n",
  "$4\r\nPING\r\n",
  ":1\r\n",
  '"unbalanced\r\n',
  "SET k 'unbalanced\r\n",
  "\r\n\r\n\r\n",
  "\0\0\0\0\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
];

/**
 * One whole command as bytes.
 *
 * @param chapter whose keys it is about, see {@linkcode drawKey}
 */
export function drawCommand(
  draw: Draw,
  chapter: number,
): { readonly kind: string; readonly bytes: Uint8Array } {
  const commands = draw.onceIn(3) ? CHEAP_COMMANDS : COMMANDS;
  const [kind, ...shape] = draw.pick(commands).split(" ") as [string, ...string[]];
  const key = drawKey(draw, chapter);
  const args: Uint8Array[] = [utf8(kind)];
  for (const part of shape) args.push(argumentOf(draw, part, key));
  if (draw.onceIn(2)) {
    const at = draw.below(args.length + 1);
    if (draw.onceIn(2)) args.splice(at, 1);
    else args.splice(at, 0, draw.onceIn(2) ? utf8(draw.text()) : draw.bytes(draw.length(60)));
  }
  if (args.length === 0) args.push(utf8("PING"));
  // A word in a line of its own is a command as well, if nothing in it would end the line or begin an array.
  const isPlain = args.every((arg) => arg.length > 0 && arg.every(isPlainByte));
  if (isPlain && draw.onceIn(10)) {
    const line = concatBytes(args.flatMap((arg, i) => i === 0 ? [arg] : [SPACE, arg]));
    return { kind: "inline", bytes: concatBytes([line, CRLF]) };
  }
  return { kind, bytes: commandBytes(args) };
}

/** Bytes after which nobody answers any more, or that are only the beginning of something. */
export function drawBroken(draw: Draw, chapter: number): Uint8Array {
  switch (draw.below(4)) {
    case 0:
      return utf8(draw.pick(BROKEN));
    case 1:
      return draw.bytes(1 + draw.length(3_000));
    case 2: {
      const { bytes } = drawCommand(draw, chapter);
      return bytes.slice(0, draw.below(bytes.length));
    }
    default: {
      const [before, after] = [drawCommand(draw, chapter), drawCommand(draw, chapter)];
      return draw.damaged(concatBytes([before.bytes, utf8(draw.pick(BROKEN)), after.bytes]));
    }
  }
}

/**
 * A key that others draw as well. What is written to a key makes it larger, and every write to it dearer: so most
 * keys are those of a chapter, and only a few are written to from the first to the last.
 */
export function drawKey(draw: Draw, chapter: number): string {
  const of = draw.onceIn(50) ? "" : `${chapter}:`;
  return `fuzz:${of}${draw.below(200)}`;
}

export function commandBytes(args: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [utf8(`*${args.length}\r\n`)];
  for (const arg of args) parts.push(utf8(`$${arg.length}\r\n`), arg, CRLF);
  return concatBytes(parts);
}

const CRLF = utf8("\r\n");
const SPACE = utf8(" ");

function isPlainByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x27 && byte !== 0x2a;
}

function argumentOf(draw: Draw, part: string, key: string): Uint8Array {
  switch (part) {
    case "k":
      return draw.onceIn(20) ? utf8(draw.text()) : utf8(draw.onceIn(4) ? `${key}.` : key);
    case "v":
      return draw.onceIn(2) ? draw.bytes(draw.length(400)) : utf8(draw.text());
    case "n":
      return utf8(draw.onceIn(2) ? draw.pick(NUMBERS) : String(draw.count()));
    case "c":
      return utf8(drawToken(draw, key));
    default:
      return utf8(part);
  }
}

/** A context that somebody made up. */
export function drawToken(draw: Draw, key: string): string {
  switch (draw.below(4)) {
    case 0:
      return draw.text();
    case 1:
      return draw.bytes(draw.length(200)).toBase64({ alphabet: "base64url" });
    default: {
      const times = [1, MAX_TIME, MAX_TIME - 1, Date.UTC(2076, 0) * 2048, draw.count()];
      const actors = Array.from({ length: 1 + draw.length(12) }, (_, i) => {
        return [`n${i}~AAAAAAAAAAA`, draw.pick(times)] as const;
      });
      return unsealedToken(key, Object.fromEntries(actors));
    }
  }
}
