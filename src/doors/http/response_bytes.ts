// An answer as bytes.

import { assert } from "../../base/assert.ts";
import { concatBytes, utf8 } from "../../base/bytes.ts";
import type { HttpResponse } from "./message.ts";

/** Up to here it is cheaper to copy a body behind its head than to write it by itself. */
const SHORT_BYTES = 16 * 1024;

export interface Framing {
  /** Whether it answers HEAD: then the body is left out, and its length is told. */
  readonly isHead: boolean;
  /** What the Connection header says; undefined where HTTP/1.1 needs no word. */
  readonly connection: "close" | "keep-alive" | undefined;
}

/** The parts to write out, in order. */
export function responseBytes(
  { status, headers, body }: HttpResponse,
  { isHead, connection }: Framing,
): Uint8Array[] {
  let head = `HTTP/1.1 ${status} ${REASONS[status] ?? ""}\r\n`;
  for (const name in headers) {
    const value = headers[name]!;
    assert(!value.includes("\n") && !value.includes("\r"), "A header is one line");
    head += `${name}: ${value}\r\n`;
  }
  if (status !== 204) head += `content-length: ${body?.length ?? 0}\r\n`;
  if (connection !== undefined) head += `connection: ${connection}\r\n`;
  head += `date: ${httpDate()}\r\n\r\n`;
  const bytes = utf8(head);
  if (body === undefined || isHead || body.length === 0) return [bytes];
  return body.length <= SHORT_BYTES ? [concatBytes([bytes, body])] : [bytes, body];
}

/** Those that the door answers. */
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  204: "No Content",
  300: "Multiple Choices",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

let dateSecond = NaN;
let dateText = "";

/** The date in the form of HTTP, made anew once a second. */
function httpDate(): string {
  const nowMs = Date.now();
  const second = Math.floor(nowMs / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(nowMs).toUTCString();
  }
  return dateText;
}
