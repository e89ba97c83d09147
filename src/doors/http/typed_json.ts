// Values that merge as JSON, and operations on them.
//
//   {"operations": [
//     {"type": "counter", "add": 5},
//     {"type": "counter", "add": 5, "id": {"session": "q7Xw0", "number": 1, "untilMs": 1800000000000}},
//     {"type": "set", "add": ["milk"]},                  {"type": "set", "remove": ["eggs"]},
//     {"type": "map", "key": "visits", "operation": {"type": "counter", "add": 1}},
//     {"type": "map", "remove": ["visits"]},
//     {"type": "flag", "on": true},
//     {"type": "register", "set": "any text"},
//     {"type": "max", "put": 3.5},                       {"type": "min", "put": 3.5},
//     {"type": "hyperloglog", "add": ["visitor"]},
//     {"type": "document", "update": "base64 of a Yjs update"}
//   ]}
//
// Elements, keys and texts are strings, or {"base64": "…"} for bytes that are no UTF-8; they are shown so too.

import { strictUtf8Text, utf8 } from "../../base/bytes.ts";
import type {
  MapEntry,
  MergedValues,
  NestedOperation,
  NestedValues,
  OperationId,
  TypeName,
} from "../../node/api.ts";
import { jsonMembersOf } from "./value_mapping.ts";
import { badRequest } from "./problem.ts";

/** How much of an operation that is none its client is shown. */
const SHOWN_CHARACTERS = 500;

/** A body that is nested deeper than the node would take is not walked through. */
const NESTING_MAX = 16;

/** The operations that a body asks for. @throws {DenamoError} `bad_request` */
export function operationsOf(json: unknown): NestedOperation[] {
  const { operations } = recordOf(json, "The body");
  if (!Array.isArray(operations)) throw badRequest('The body must have a list "operations"');
  return operations.map((operation) => operationOf(operation, 0));
}

function operationOf(json: unknown, depth: number): NestedOperation {
  const given = recordOf(json, "An operation");
  const { add, id, key, on, operation, put, remove, set, type, update } = given;
  const seen = undefined;
  if (depth > NESTING_MAX) throw badRequest("The operation is nested too deep");
  switch (type) {
    case "counter":
      if (typeof add !== "number" || !Number.isSafeInteger(add)) break;
      return { type, operation: { kind: "add", amount: add, id: idOf(id) } };
    case "set":
      if (add !== undefined) return { type, operation: { kind: "add", elements: listOf(add) } };
      if (remove === undefined) break;
      return { type, operation: { kind: "remove", elements: listOf(remove), seen } };
    case "map":
      if (remove !== undefined) {
        return { type, operation: { kind: "remove", keys: listOf(remove), seen } };
      }
      return {
        type,
        operation: {
          kind: "update",
          key: bytesOf(key),
          nested: operationOf(operation, depth + 1),
        },
      };
    case "flag":
      if (typeof on !== "boolean") break;
      return { type, operation: on ? { kind: "enable" } : { kind: "disable", seen } };
    case "register": {
      const kind = typeof set === "string" ? "text" : "bytes";
      return { type, operation: { kind: "set", value: { kind, bytes: bytesOf(set) } } };
    }
    case "max":
    case "min":
      if (typeof put !== "number") break;
      return { type, operation: { kind: "put", value: put } };
    case "hyperloglog":
      return { type, operation: { kind: "add", elements: listOf(add) } };
    case "document":
      if (typeof update !== "string") break;
      return { type, operation: { kind: "edit", update: fromBase64(update) } };
  }
  throw badRequest(`This is no operation: ${JSON.stringify(given).slice(0, SHOWN_CHARACTERS)}`);
}

function idOf(json: unknown): OperationId | undefined {
  if (json === undefined) return undefined;
  const { number, session, untilMs } = recordOf(json, "An id");
  if (typeof session !== "string" || typeof number !== "number" || typeof untilMs !== "number") {
    throw badRequest('An id must have a "session", a "number" and its end, "untilMs"');
  }
  return { session, number, untilMs };
}

/** The value of a type that is there, as JSON text. */
export function jsonOfType(merged: MergedValues, type: TypeName): string {
  return jsonOfValue(type, merged.valueOf(type)!);
}

/** The same as members of a JSON object. */
export function jsonMembersOfType(merged: MergedValues, type: TypeName): string {
  return `"type":"${type}","value":${jsonOfType(merged, type)}`;
}

function jsonOfValue<Name extends TypeName>(type: Name, value: NestedValues[Name]): string {
  const shown = { type, value } as {
    [N in TypeName]: { type: N; value: NestedValues[N] };
  }[TypeName];
  switch (shown.type) {
    case "counter":
      return `${shown.value}`;
    case "set":
      return `[${shown.value.map(jsonOfBytes).join(",")}]`;
    case "map":
      return jsonOfMap(shown.value);
    case "register":
      return `{${jsonMembersOf(shown.value)}}`;
    case "document":
      return JSON.stringify(shown.value.toBase64());
    default:
      return JSON.stringify(shown.value);
  }
}

/** A list of entries, since one key may have values of several types, and its name may be no text. */
function jsonOfMap(entries: readonly MapEntry[]): string {
  const shown = entries.map(({ key, type, value }) => {
    const json = jsonOfValue(type, value as never);
    return `{"key":${jsonOfBytes(key)},"type":"${type}","value":${json}}`;
  });
  return `[${shown.join(",")}]`;
}

function jsonOfBytes(bytes: Uint8Array): string {
  const text = strictUtf8Text(bytes);
  return JSON.stringify(text === undefined ? { base64: bytes.toBase64() } : text);
}

function recordOf(json: unknown, what: string): Record<string, unknown> {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) {
    return json as Record<string, unknown>;
  }
  throw badRequest(`${what} must be an object`);
}

function listOf(json: unknown): Uint8Array[] {
  if (!Array.isArray(json)) throw badRequest("Elements and keys must be lists");
  return json.map(bytesOf);
}

function bytesOf(json: unknown): Uint8Array {
  if (typeof json === "string") return utf8(json);
  const { base64 } = recordOf(json, "What is no string");
  if (typeof base64 !== "string") throw badRequest('What is no string must have "base64"');
  return fromBase64(base64);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw badRequest("This is no base64");
  }
}
