// Keys in URLs: any byte string as one segment of a path, and back.
//
// A key is bytes, a path is text whose `%XX` stand for bytes. Routers decode paths as UTF-8: they
// leave `%FF` alone and turn `%2e%2e` into the parent directory. So the key is never taken from a router:
// it is what follows `/kv/` in the request line, byte for byte, slashes included, also in `/kv/..` and
// `/kv/%2e%2e`.
//
// One thing is out of our hands: clients that follow the URL standard (fetch, browsers) resolve a
// segment that is `.` or `..`, written with `%2e` or not, before they send. These two keys, and
// unencoded slashes with dots between them, need a client that sends paths as they are
// (`curl --path-as-is`, the command line of Denamo) or another door.

import { utf8 } from "../../base/bytes.ts";
import { DenamoError } from "../../wire/errors.ts";

/** What comes before the key in every path that names one. */
export const KEY_PATH_PREFIX = "/kv/";

/** What comes before the prefix in every path that names a namespace. */
export const NAMESPACE_PATH_PREFIX = "/namespaces/";

/** The two parts of a request line that a route needs, both still percent-encoded. */
export interface Target {
  readonly path: string;
  /** What follows the question mark, empty if there is none. */
  readonly query: string;
}

/** The path under which a key is found: `keyPath(utf8("a/b"))` is `/kv/a%2Fb`. */
export function keyPath(key: Uint8Array): string {
  return KEY_PATH_PREFIX + percentEncode(key);
}

/**
 * The key that a path names.
 *
 * @param path a percent-encoded path that begins with `/kv/`
 * @throws {DenamoError} `bad_request` if the key is empty or an escape is broken
 */
export function keyOfPath(path: string): Uint8Array<ArrayBuffer> {
  const encoded = path.slice(KEY_PATH_PREFIX.length);
  if (encoded === "") throw new DenamoError("bad_request", "no", "The key in the path is empty");
  return percentDecode(encoded, "the key");
}

/**
 * Takes the target of a request apart without normalising anything.
 *
 * @param target as it stands in the request line: a path with its query, or an absolute URL, as proxies send it
 * @throws {DenamoError} `bad_request` for a fragment, which clients never send
 */
export function targetOf(target: string): Target {
  const slash = pathStart(target);
  if (slash < 0) return { path: "", query: "" };
  if (target.includes("#", slash)) {
    throw new DenamoError("bad_request", "no", 'The URL contains a "#": write it as %23');
  }
  const mark = target.indexOf("?", slash);
  if (mark < 0) return { path: target.slice(slash), query: "" };
  return { path: target.slice(slash, mark), query: target.slice(mark + 1) };
}

/** The path of the target of a request, as it came; empty if there is none. */
export function pathOf(target: string): string {
  const slash = pathStart(target);
  if (slash < 0) return "";
  const mark = target.indexOf("?", slash);
  return mark < 0 ? target.slice(slash) : target.slice(slash, mark);
}

function pathStart(target: string): number {
  if (target.startsWith("/")) return 0;
  const scheme = target.indexOf("://");
  return scheme < 0 ? -1 : target.indexOf("/", scheme + 3);
}

/** Writes every byte but the unreserved ones (RFC 3986, section 2.3) as `%XX`. */
export function percentEncode(bytes: Uint8Array): string {
  const isDots = bytes.length <= 2 && bytes.every((byte) => byte === DOT);
  let text = "";
  for (const byte of bytes) {
    const isPlain = UNRESERVED[byte] === 1 && !(isDots && byte === DOT);
    text += isPlain ? String.fromCharCode(byte) : `%${HEX[byte >> 4]}${HEX[byte & 15]}`;
  }
  return text;
}

/**
 * Reads `%XX` as bytes and everything else as the UTF-8 of its characters.
 *
 * @param where names the text in the error
 * @throws {DenamoError} `bad_request` for a `%` that two hexadecimal digits do not follow
 */
export function percentDecode(text: string, where: string): Uint8Array<ArrayBuffer> {
  const bytes = utf8(text);
  if (!text.includes("%")) return bytes;
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte !== PERCENT) {
      bytes[length++] = byte;
      continue;
    }
    const high = hexValue(bytes[at + 1]);
    const low = hexValue(bytes[at + 2]);
    if (high < 0 || low < 0) {
      throw new DenamoError(
        "bad_request",
        "no",
        `Cannot decode ${where}: a "%" is not followed by two hexadecimal digits`,
      );
    }
    bytes[length++] = high * 16 + low;
    at += 2;
  }
  return bytes.slice(0, length);
}

const PERCENT = 0x25;
const DOT = 0x2e;
const HEX = "0123456789ABCDEF";

/** 1 at letters, digits, `-`, `.`, `_` and `~`. */
const UNRESERVED = new Uint8Array(256);
for (const byte of utf8("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")) {
  UNRESERVED[byte] = 1;
}

/** The value of an ASCII hexadecimal digit, −1 for anything else. */
function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
