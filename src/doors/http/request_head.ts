// The head of a request, from its bytes: strict, because what two readers of one stream take differently
// can be made to hide a request in another.
//
// A line ends with CR and LF. Names have no space around them, lines are not folded, a length is digits and is given
// once, and a body has a length or chunks, never both.
//
// Source: RFC 9112, "HTTP/1.1"; section 11.2, "Request Smuggling".

import { utf8Text } from "../../base/bytes.ts";
import { DenamoError } from "../../wire/errors.ts";
import type { RequestHeaders } from "./message.ts";
import { badRequest } from "./problem.ts";

/** How the body of a request is delimited: by its length in bytes (0 without one), or in chunks. */
export type BodyFraming = number | "chunked";

export interface RequestHead {
  readonly method: string;
  /** As it came; its bytes are UTF-8 if they are not ASCII. */
  readonly target: string;
  readonly headers: RequestHeaders;
  readonly framing: BodyFraming;
  /** Whether the client wants to send more requests through this connection. */
  readonly keepsAlive: boolean;
  /** Whether the connection must be kept alive by word, as HTTP/1.0 wants it. */
  readonly isOld: boolean;
  /** Whether the client waits for "100 Continue" before it sends the body. */
  readonly expectsContinue: boolean;
}

const CR = 13;
const LF = 10;

/** Lines of one head. */
const FIELD_COUNT_MAX = 128;

const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~\u0080-\uffff]+) HTTP\/1\.([01])$/;
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// deno-lint-ignore no-control-regex -- this is what may not be there
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const LENGTH = /^[0-9]{1,15}$/;

/**
 * Where the head ends that begins the bytes: behind its empty line. Undefined if more must come.
 *
 * @param from the bytes before are known to hold no end of a line, but perhaps its CR
 * @throws {DenamoError} `bad_request` at a line that ends without CR
 */
export function headEnd(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at - 1] !== CR) throw badRequest("A line of the head does not end with CR and LF");
    if (at >= 3 && bytes[at - 2] === LF) return at + 1;
  }
  return undefined;
}

/**
 * Reads a head that {@linkcode headEnd} found the end of.
 *
 * @throws {DenamoError} `bad_request`, or `unsupported` for an encoding of the body
 */
export function parseHead(bytes: Uint8Array): RequestHead {
  const text = utf8Text(bytes);
  const lineEnd = text.indexOf("\r\n");
  const line = REQUEST_LINE.exec(text.slice(0, lineEnd));
  if (line === null) throw badRequest("The request line is malformed");
  const [, method, target, minor] = line;
  if (target!.includes("\uFFFD")) throw badRequest("The request line is not UTF-8");
  const fields = fieldsOf(text, lineEnd + 2);
  const isOld = minor === "0";
  checkHost(fields.get("host"), isOld);
  const connection = fields.get("connection")?.toLowerCase() ?? "";
  return {
    method: method!,
    target: target!,
    headers: new Fields(fields),
    framing: framingOf(fields, isOld),
    keepsAlive: isOld ? hasWord(connection, "keep-alive") : !hasWord(connection, "close"),
    isOld,
    expectsContinue: !isOld && fields.get("expect")?.toLowerCase() === "100-continue",
  };
}

class Fields implements RequestHeaders {
  readonly #fields: ReadonlyMap<string, string>;

  constructor(fields: ReadonlyMap<string, string>) {
    this.#fields = fields;
  }

  get(name: string): string | null {
    return this.#fields.get(name.toLowerCase()) ?? null;
  }
}

/** Fields of which a second one with another value would mean something else to another reader. */
const SINGLE_FIELDS = new Set(["host", "content-length", "transfer-encoding", "content-type"]);

function fieldsOf(text: string, from: number): Map<string, string> {
  const fields = new Map<string, string>();
  let count = 0;
  for (let at = from;;) {
    const end = text.indexOf("\r\n", at);
    if (end === at) return fields;
    if (++count > FIELD_COUNT_MAX) throw badRequest(`The head has over ${FIELD_COUNT_MAX} lines`);
    const colon = text.indexOf(":", at);
    const name = colon < 0 || colon > end ? "" : text.slice(at, colon);
    if (!FIELD_NAME.test(name)) throw badRequest("A line of the head has no name of a field");
    const value = trimmed(text, colon + 1, end);
    if (CONTROL.test(value)) throw badRequest(`The field ${name} has control characters`);
    const lower = name.toLowerCase();
    const other = fields.get(lower);
    if (other !== undefined && SINGLE_FIELDS.has(lower)) {
      throw badRequest(`The field ${name} is there twice`);
    }
    fields.set(lower, other === undefined ? value : `${other}, ${value}`);
    at = end + 2;
  }
}

/** A part of a text without the spaces and tabs around it. */
function trimmed(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

function checkHost(host: string | undefined, isOld: boolean): void {
  if (host === undefined) {
    if (isOld) return;
    throw badRequest("The request has no Host header");
  }
  if (/[/?#\\@\s]/.test(host)) throw badRequest(`The Host header "${host}" is malformed`);
}

function framingOf(fields: ReadonlyMap<string, string>, isOld: boolean): BodyFraming {
  const length = fields.get("content-length");
  const encoding = fields.get("transfer-encoding");
  if (encoding === undefined) {
    if (length === undefined) return 0;
    if (!LENGTH.test(length)) throw badRequest(`Content-Length is no length: "${length}"`);
    return Number(length);
  }
  if (length !== undefined || isOld) {
    throw badRequest("A request has a Content-Length or, since HTTP/1.1, a Transfer-Encoding");
  }
  if (encoding.toLowerCase() === "chunked") return "chunked";
  throw new DenamoError("unsupported", "no", `Transfer-Encoding "${encoding}" is not supported`);
}

function hasWord(list: string, word: string): boolean {
  return list === word || (list !== "" && list.split(",").some((part) => part.trim() === word));
}
