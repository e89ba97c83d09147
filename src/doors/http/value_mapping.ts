// Stored values as HTTP bodies, and bodies as stored values.
//
// The Content-Type decides the kind of what is put, and the kind the Content-Type of what is read:
//
//   put as                        kind      read as
//   text/*, in UTF-8              text      text/plain; charset=utf-8
//   application/json, …+json      msgpack   application/json
//   anything else, or none        bytes     application/octet-stream
//
// A value that another door wrote may have no JSON form (a map whose keys are maps). It is answered as
// the MessagePack that it is, application/msgpack, so that no value is out of reach.

import { strictUtf8Text, utf8, utf8Text } from "../../base/bytes.ts";
import type { StoredValue } from "../../crdt/value.ts";
import { DenamoError } from "../../wire/errors.ts";
import { jsonOfMsgpack, msgpackOfJson } from "../msgpack_json.ts";
import { badRequest } from "./problem.ts";

export const TEXT_TYPE = "text/plain; charset=utf-8";
export const JSON_TYPE = "application/json";
export const BYTES_TYPE = "application/octet-stream";
export const MSGPACK_TYPE = "application/msgpack";

/** A value as the body of an answer. */
export interface ShownValue {
  readonly contentType: string;
  readonly body: Uint8Array;
}

/**
 * The value that a body means.
 *
 * @param contentType the header of the request, null if there is none
 * @throws {DenamoError} `bad_request` for text or JSON that is not UTF-8, or JSON that is none
 */
export function valueOfBody(contentType: string | null, bytes: Uint8Array): StoredValue {
  if (contentType === null) return { kind: "bytes", bytes };
  const type = mediaTypeOf(contentType);
  if (isJson(type)) return { kind: "msgpack", bytes: msgpackOfJson(textOf(contentType, bytes)) };
  if (!type.startsWith("text/")) return { kind: "bytes", bytes };
  textOf(contentType, bytes);
  return { kind: "text", bytes };
}

/** What {@linkcode valueOfBody} would make the value from, whatever door wrote it. */
export function bodyOfValue(value: StoredValue): ShownValue {
  if (value.kind === "text") return { contentType: TEXT_TYPE, body: value.bytes };
  if (value.kind === "bytes") return { contentType: BYTES_TYPE, body: value.bytes };
  const json = jsonIfPossible(value.bytes);
  return json === undefined
    ? { contentType: MSGPACK_TYPE, body: value.bytes }
    : { contentType: JSON_TYPE, body: utf8(json) };
}

/**
 * The members that show a value within a JSON object, without braces: `"type":…,"value":…`, or
 * `"type":…,"base64":…` (RFC 4648, section 4, with padding) for what JSON cannot hold. They are text,
 * because large integers would not survive being parsed again.
 */
export function jsonMembersOf(value: StoredValue): string {
  if (value.kind === "text") {
    return `"type":"${TEXT_TYPE}","value":${JSON.stringify(utf8Text(value.bytes))}`;
  }
  const json = value.kind === "msgpack" ? jsonIfPossible(value.bytes) : undefined;
  if (json !== undefined) return `"type":"${JSON_TYPE}","value":${json}`;
  const type = value.kind === "msgpack" ? MSGPACK_TYPE : BYTES_TYPE;
  return `"type":"${type}","base64":"${value.bytes.toBase64()}"`;
}

/** Whether a Content-Type header says JSON. */
export function saysJson(contentType: string | null): boolean {
  return contentType !== null && isJson(mediaTypeOf(contentType));
}

/** Reads a body as UTF-8. @throws {DenamoError} `bad_request` if it is none or claims not to be */
export function textOf(contentType: string | null, bytes: Uint8Array): string {
  const charset = contentType?.match(/;\s*charset\s*=\s*"?([^";\s]*)/i)?.[1]?.toLowerCase();
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") {
    throw badRequest(`The charset must be utf-8, not "${charset}"`, { charset });
  }
  const text = strictUtf8Text(bytes);
  if (text === undefined) throw badRequest(`The body is not UTF-8, as "${contentType}" must be`);
  return text;
}

function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(";");
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

function isJson(type: string): boolean {
  return type === JSON_TYPE || type.endsWith("+json");
}

function jsonIfPossible(msgpack: Uint8Array): string | undefined {
  try {
    return jsonOfMsgpack(msgpack);
  } catch (error) {
    if (error instanceof DenamoError && error.code === "unsupported") return undefined;
    throw error;
  }
}
