// Values of TypeScript programs as MessagePack, without loss: what is read is what was put.
//
// MessagePack knows texts, numbers, lists and maps of texts. What else Deno KV keeps (structured clone) travels in
// extension types:
//
//   1  bigint beyond 64 bits   a byte for the sign, 0 or 1, and the magnitude, highest byte first
//   2  Map                     a list: key, value, key, value …, in the order of the Map
//   3  Set                     a list of the elements
//   4  views and buffers       a byte for the class (see VIEWS), and the bytes, lowest first
//   5  RegExp                  a list: source, flags
//   6  Error                   a list: name, message, stack or nil, and the cause if there is one
//   7  undefined               nothing
//   8  −0                      nothing
//
// Dates are MessagePack's own timestamps. Everything else (functions, symbols, instances of other classes, boxed
// primitives, lists with holes, lone surrogates, rings) is refused with the path to it: a value that
// silently comes back as another one is worse than none.

import { Decoder, Encoder, ExtData, ExtensionCodec } from "@msgpack/msgpack";
import { checkMsgpack } from "./msgpack_shape.ts";
import { NESTING_DEPTH_MAX } from "./nesting.ts";

/** How deep lists, maps and the like may lie in each other. */
export const VALUE_DEPTH_MAX = NESTING_DEPTH_MAX;

/** The numbers are the format: never give one a second meaning. */
const EXTENSION = {
  bigint: 1,
  map: 2,
  set: 3,
  view: 4,
  regExp: 5,
  error: 6,
  undefined: 7,
  negativeZero: 8,
} as const;

/** A class of views by its number. Bytes alone are MessagePack's own. */
const VIEWS: readonly (new (buffer: ArrayBuffer) => ArrayBufferView)[] = [
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
];
const ARRAY_BUFFER = 255;

/** The classes of errors that come back as themselves; others come back as Error with their name. */
const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

const encoder = new Encoder({ useBigInt64: true, maxDepth: 2 * VALUE_DEPTH_MAX });
/** Reads the extension types above; those of others stay ExtData. */
export const VALUE_EXTENSIONS = new ExtensionCodec();
const decoder = new Decoder({ useBigInt64: true, extensionCodec: VALUE_EXTENSIONS });

/**
 * The MessagePack of a value.
 *
 * @throws {TypeError} that names the path to what cannot be kept, as `value.list[3]`
 */
export function encodeValue(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encoder.encode(prepared(value, "value", [])));
}

/**
 * The value of its MessagePack.
 *
 * @throws if the bytes are not one MessagePack value, or have no form in TypeScript
 */
export function decodeValue(bytes: Uint8Array): unknown {
  return decoder.decode(bytes);
}

/** A value with all in it that MessagePack has no form for in extension types. */
function prepared(value: unknown, path: string, above: readonly object[]): unknown {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw refused(path, "a text with a lone surrogate");
      return value;
    case "number":
      return Object.is(value, -0) ? extension(EXTENSION.negativeZero) : value;
    case "bigint":
      return value >= -(2n ** 63n) && value < 2n ** 64n ? value : bigIntExtension(value);
    case "boolean":
      return value;
    case "undefined":
      return extension(EXTENSION.undefined);
    case "object":
      return value === null ? null : preparedObject(value, path, above);
    default:
      throw refused(path, `a ${typeof value}`);
  }
}

function preparedObject(value: object, path: string, above: readonly object[]): unknown {
  if (above.includes(value)) throw refused(path, "a ring: it holds itself");
  if (above.length >= VALUE_DEPTH_MAX) {
    throw refused(path, `nested deeper than ${VALUE_DEPTH_MAX} levels`);
  }
  const here = [...above, value];
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return preparedList(value, path, here);
  // deno-lint-ignore denamo-rooms/pure -- a class of values; no time is asked for
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw refused(path, "an invalid Date");
    return value;
  }
  if (value instanceof Map) {
    const list = [...value].flatMap(([key, held], i) => [
      prepared(key, `${path}.key(${i})`, here),
      prepared(held, `${path}.get(${nameOf(key, i)})`, here),
    ]);
    return listExtension(EXTENSION.map, list);
  }
  if (value instanceof Set) {
    const list = [...value].map((held, i) => prepared(held, `${path}.element(${i})`, here));
    return listExtension(EXTENSION.set, list);
  }
  if (value instanceof ArrayBuffer) return viewExtension(ARRAY_BUFFER, new Uint8Array(value));
  if (ArrayBuffer.isView(value)) return preparedView(value, path);
  if (value instanceof RegExp) {
    return listExtension(EXTENSION.regExp, [value.source, value.flags]);
  }
  if (value instanceof Error) return preparedError(value, path, here);
  return preparedRecord(value, path, here);
}

function preparedList(list: readonly unknown[], path: string, above: readonly object[]): unknown[] {
  const names = Object.keys(list);
  if (names.length !== list.length || names.some((name, i) => name !== `${i}`)) {
    throw refused(path, "a list with holes or with properties of its own");
  }
  return list.map((held, i) => prepared(held, `${path}[${i}]`, above));
}

function preparedView(view: ArrayBufferView, path: string): ExtData {
  const kind = VIEWS.findIndex((type) => view instanceof type);
  if (kind < 0) throw refused(path, `of class ${classOf(view)}`);
  return viewExtension(kind, new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
}

function preparedError(error: Error, path: string, above: readonly object[]): ExtData {
  const { message, name, stack } = error;
  const list: unknown[] = [
    prepared(String(name), `${path}.name`, above),
    prepared(String(message), `${path}.message`, above),
    typeof stack === "string" ? stack.toWellFormed() : null,
  ];
  if ("cause" in error) list.push(prepared(error.cause, `${path}.cause`, above));
  return listExtension(EXTENSION.error, list);
}

function preparedRecord(value: object, path: string, above: readonly object[]): unknown {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw refused(path, `of class ${classOf(value)}`);
  }
  if (Object.getOwnPropertySymbols(value).length > 0) throw refused(path, "keyed by a symbol");
  const record: Record<string, unknown> = {};
  for (const [name, held] of Object.entries(value)) {
    const at = /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name)
      ? `${path}.${name}`
      : `${path}[${JSON.stringify(name)}]`;
    if (name === "__proto__") throw refused(at, "under a name that readers refuse");
    if (!name.isWellFormed()) throw refused(at, "under a name with a lone surrogate");
    record[name] = prepared(held, at, above);
  }
  return record;
}

function extension(type: number, data: Uint8Array = new Uint8Array(0)): ExtData {
  return new ExtData(type, data);
}

function listExtension(type: number, list: readonly unknown[]): ExtData {
  return extension(type, new Uint8Array(encoder.encode(list)));
}

function viewExtension(kind: number, bytes: Uint8Array): ExtData {
  const data = new Uint8Array(1 + bytes.length);
  data[0] = kind;
  data.set(bytes, 1);
  return extension(EXTENSION.view, data);
}

function bigIntExtension(value: bigint): ExtData {
  const digits = (value < 0n ? -value : value).toString(16);
  const hex = digits.length % 2 === 0 ? digits : `0${digits}`;
  return extension(EXTENSION.bigint, Uint8Array.fromHex(`${value < 0n ? "01" : "00"}${hex}`));
}

function nameOf(key: unknown, at: number): string {
  return typeof key === "string" || typeof key === "number" ? JSON.stringify(key) : `key ${at}`;
}

function classOf(value: object): string {
  return value.constructor?.name || "without a name";
}

function refused(path: string, what: string): TypeError {
  return new TypeError(`Cannot store this value: ${path} is ${what}`);
}

/** How many extensions are being read within one another. */
let readingDepth = 0;

function listIn(data: Uint8Array, ...counts: number[]): unknown[] {
  const list = nested(data);
  if (!Array.isArray(list) || counts.length > 0 && !counts.includes(list.length)) {
    throw new RangeError("an extension holds no such list");
  }
  return list;
}

/** What lies in an extension has not been looked at with what lies around it. */
function nested(data: Uint8Array): unknown {
  checkMsgpack(data, {
    depth: VALUE_DEPTH_MAX,
    elementCount: data.length,
    hasStrictTexts: false,
  }, "an extension");
  if (readingDepth >= VALUE_DEPTH_MAX) throw new RangeError("extensions are nested too deep");
  readingDepth++;
  try {
    return decoder.decode(data);
  } finally {
    readingDepth--;
  }
}

function textIn(value: unknown): string {
  if (typeof value !== "string") throw new RangeError("an extension holds no text");
  return value;
}

const DECODERS: Record<keyof typeof EXTENSION, (data: Uint8Array) => unknown> = {
  bigint(data) {
    if (data.length < 2 || data[0]! > 1) throw new RangeError("a bigint has no digits");
    const magnitude = BigInt(`0x${data.subarray(1).toHex()}`);
    return data[0] === 1 ? -magnitude : magnitude;
  },
  map(data) {
    const list = listIn(data);
    if (list.length % 2 !== 0) throw new RangeError("a Map has a key without a value");
    const map = new Map();
    for (let at = 0; at < list.length; at += 2) map.set(list[at], list[at + 1]);
    return map;
  },
  set: (data) => new Set(listIn(data)),
  view(data) {
    const buffer = data.slice(1).buffer;
    const kind = data[0];
    if (kind === ARRAY_BUFFER) return buffer;
    const View = kind === undefined ? undefined : VIEWS[kind];
    if (View === undefined) throw new RangeError(`views of kind ${kind} are not known`);
    return new View(buffer);
  },
  regExp(data) {
    const [source, flags] = listIn(data, 2);
    return new RegExp(textIn(source), textIn(flags));
  },
  error(data) {
    const [name, message, stack, ...causes] = listIn(data, 3, 4);
    const isKnown = Object.hasOwn(ERRORS, textIn(name));
    const Class = isKnown ? ERRORS[name as keyof typeof ERRORS] : Error;
    const error = new Class(textIn(message), causes.length > 0 ? { cause: causes[0] } : {});
    if (!isKnown) Object.defineProperty(error, "name", { value: name, configurable: true });
    const shown = stack === null ? undefined : textIn(stack);
    Object.defineProperty(error, "stack", { value: shown, configurable: true, writable: true });
    return error;
  },
  undefined: () => undefined,
  negativeZero: () => -0,
};

for (const [name, type] of Object.entries(EXTENSION)) {
  const decode = DECODERS[name as keyof typeof EXTENSION];
  VALUE_EXTENSIONS.register({ type, encode: () => null, decode: (data) => decode(data) });
}
