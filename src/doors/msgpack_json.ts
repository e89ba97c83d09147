// MessagePack values shown as JSON text, and JSON text turned into MessagePack values.
//
// JSON says less than MessagePack. What it cannot say is shown like this, and nothing else is changed:
// - integers of 64 bits: their exact digits, and such digits are read back as such integers;
// - NaN and the infinities: the strings "NaN", "Infinity", "-Infinity";
// - bytes: their base64 (RFC 4648 section 4, with padding) as a string;
// - timestamps: their ISO 8601 text to the millisecond, null if JavaScript cannot tell such a date;
// - other extension types: {"ext": type, "base64": data};
// - keys of maps that are numbers, booleans or null: their text. Other keys cannot be shown.
// So a value that came as JSON is shown as the same JSON; others are shown, not kept, by it.

import { Decoder, Encoder, ExtData } from "@msgpack/msgpack";
import { utf8 } from "../base/bytes.ts";
import { isNestedTooDeep } from "../base/nesting.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { checkMsgpackValue } from "../wire/msgpack_value.ts";

const decoder = new Decoder({ useBigInt64: true, mapKeyConverter });
// Numbers beyond 32 bits go as floats and only bigints as integers of 64 bits: readers get back what was given.
const encoder = new Encoder({ useBigInt64: true, maxDepth: LIMITS.depth });

/**
 * The JSON text of one MessagePack value.
 *
 * @throws {DenamoError} `unsupported` if the bytes are no such value or have no JSON form
 */
export function jsonOfMsgpack(bytes: Uint8Array): string {
  try {
    checkMsgpackValue(bytes);
    return JSON.stringify(decoder.decode(bytes), shown);
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
 * @throws {DenamoError} `bad_request` if the text is no JSON or too deep
 */
export function msgpackOfJson(text: string): Uint8Array<ArrayBuffer> {
  try {
    // Only these texts can hold an integer above 2^53, a lone surrogate or the name that
    // decoders refuse; looking at each part of all others would take several times as long.
    if (!/\d{16}|\\u|__proto__/.test(text)) return encoder.encode(JSON.parse(text));
    // The parser calls itself for each level if it is to look at every part.
    if (isNestedTooDeep(utf8(text))) throw new SyntaxError("It is nested too deep");
    return encoder.encode(JSON.parse(text, exact as Reviver));
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
function shown(this: unknown, _key: string, value: unknown): unknown {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value));
    case "object":
      if (value instanceof Uint8Array) return value.toBase64();
      if (value instanceof ExtData) return { ext: value.type, base64: dataOf(value).toBase64() };
      return value;
    default:
      return value;
  }
}

function dataOf(extension: ExtData): Uint8Array {
  const { data } = extension;
  return typeof data === "function" ? data(0) : data;
}

/** Keeps what plain JSON.parse would lose. `source` is the text of the number in the JSON text. */
function exact(key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  if (key === "__proto__") throw new SyntaxError("The name __proto__ is not allowed");
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "number" || Math.abs(value) < 2 ** 31) return value;
  if (source === undefined || !/^-?\d+$/.test(source)) return value;
  const integer = BigInt(source);
  return integer >= -(2n ** 63n) && integer < 2n ** 64n ? integer : value;
}

function mapKeyConverter(key: unknown): string | number {
  if (typeof key === "string" || typeof key === "number") return key;
  if (typeof key === "bigint" || typeof key === "boolean" || key === null) return String(key);
  throw new TypeError("The key of a map is neither a text nor a number");
}
