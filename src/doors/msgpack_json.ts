// MessagePack values shown as JSON text, and JSON text turned into MessagePack values.
//
// JSON says less than MessagePack. What it cannot say is shown like this, and nothing else is changed:
// - integers beyond 2^53: their exact digits, and such digits are read back as such integers;
// - NaN and the infinities: the strings "NaN", "Infinity", "-Infinity";
// - bytes, ArrayBuffer and DataView: their base64 (RFC 4648 section 4, with padding) as a string;
// - other typed arrays and Set: a list; Map: a list of lists of a key and a value;
// - RegExp: its text with slashes and flags; Error: its name and message as an object; undefined: null;
// - timestamps: their ISO 8601 text to the millisecond, null if JavaScript cannot tell such a date;
// - extension types that are not Denamo's: {"ext": type, "base64": data};
// - keys of maps that are numbers, booleans or null: their text. Other keys cannot be shown.
// So a value that came as JSON is shown as the same JSON; others are shown, not kept, by it. JSON that would not
// come back the same, such as 1e400, is refused with the path to it.

import { Decoder, ExtData } from "@msgpack/msgpack";
import { utf8 } from "../base/bytes.ts";
import { encodeValue, VALUE_EXTENSIONS } from "../base/msgpack_value.ts";
import { isNestedTooDeep } from "../base/nesting.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { checkMsgpackValue } from "../wire/msgpack_value.ts";

const decoder = new Decoder({
  useBigInt64: true,
  extensionCodec: VALUE_EXTENSIONS,
  mapKeyConverter,
});

/**
 * The JSON text of one MessagePack value.
 *
 * @throws {DenamoError} `unsupported` if the bytes are no such value or have no JSON form
 */
export function jsonOfMsgpack(bytes: Uint8Array): string {
  try {
    checkMsgpackValue(bytes);
    return JSON.stringify(shown("", decoder.decode(bytes)), (name, value) => shown(name, value));
  } catch (error) {
    throw new DenamoError(
      "unsupported",
      "no",
      `Cannot show a MessagePack value as JSON: ${messageOf(error)}`,
    );
  }
}

/**
 * The MessagePack value that a JSON text says. Objects may be nested 100 deep.
 *
 * @throws {DenamoError} `bad_request` if the text is no JSON, too deep, or says what cannot be kept
 */
export function msgpackOfJson(text: string): Uint8Array<ArrayBuffer> {
  try {
    // The parser calls itself for each level if it is to look at every part, and so does what encodes.
    if (isNestedTooDeep(utf8(text))) throw new SyntaxError("It is nested too deep");
    // Only these texts can hold a number beyond 2^53; looking at each part of all others would take several times as long.
    if (!/\d{16}|[eE]/.test(text)) return encodeValue(JSON.parse(text));
    return encodeValue(JSON.parse(text, exact as Reviver));
  } catch (error) {
    throw new DenamoError(
      "bad_request",
      "no",
      `Cannot read the value as JSON: ${messageOf(error)}`,
    );
  }
}

type Reviver = (key: string, value: unknown) => unknown;

/** Gives `JSON.stringify` what it can write in place of what it cannot. */
function shown(_name: string, value: unknown): unknown {
  switch (typeof value) {
    case "number":
      if (Object.is(value, -0)) return raw("-0");
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return raw(String(value));
    case "undefined":
      return null;
    case "object":
      return value === null ? null : shownObject(value);
    default:
      return value;
  }
}

function shownObject(value: object): unknown {
  if (value instanceof Uint8Array) return value.toBase64();
  if (value instanceof ArrayBuffer) return new Uint8Array(value).toBase64();
  if (value instanceof DataView) return new Uint8Array(value.buffer).toBase64();
  if (ArrayBuffer.isView(value)) return [...value as unknown as Iterable<number | bigint>];
  if (value instanceof Map || value instanceof Set) return [...value];
  if (value instanceof RegExp) return String(value);
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (value instanceof ExtData) return { ext: value.type, base64: dataOf(value).toBase64() };
  return value;
}

function raw(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}

function dataOf(extension: ExtData): Uint8Array {
  const { data } = extension;
  return typeof data === "function" ? data(0) : data;
}

/** A number that would become infinite. It has a class of its own, which `encodeValue` refuses with the path. */
class NumberBeyondDouble {}

/** Keeps what plain JSON.parse would lose. `source` is the text of the number in the JSON text. */
function exact(_key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  if (typeof value !== "number" || Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  if (!Number.isFinite(value)) return new NumberBeyondDouble();
  return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

function mapKeyConverter(key: unknown): string | number {
  if (typeof key === "string" || typeof key === "number") return key;
  if (typeof key === "bigint" || typeof key === "boolean" || key === null) return String(key);
  throw new TypeError("The key of a map is neither a text nor a number");
}
