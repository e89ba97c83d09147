// One key with a value of one type, or what is under a key of the map that it holds: what all handles are made of.

import { strictUtf8Text, wellFormedUtf8 } from "../base/bytes.ts";
import type {
  GetOptions,
  KeyValueApi,
  MergedValues,
  NestedOperation,
  NestedValues,
  OperationResult,
  TypeName,
  WriteOptions,
} from "../node/api.ts";
import { DenamoError } from "../wire/errors.ts";

/** An element of a set or a key of a map: a string is its UTF-8. */
export type Element = string | Uint8Array;

export class TypedKey<Name extends TypeName> {
  readonly #api: KeyValueApi;
  readonly #key: Uint8Array;
  readonly #type: Name;
  readonly #inMap: Uint8Array | undefined;

  /** @param inMap the key of the map in which the value is; undefined if it is that of the key itself */
  constructor(api: KeyValueApi, key: Uint8Array, type: Name, inMap?: Uint8Array) {
    this.#api = api;
    this.#key = key;
    this.#type = type;
    this.#inMap = inMap;
  }

  /** @throws {DenamoError} `wrong_type` if there is a value of another type only */
  async read(options?: GetOptions): Promise<MergedValues> {
    const { exists, merged } = await this.#api.get(this.#key, options);
    if (this.#inMap === undefined) return checked(merged, this.#type, exists);
    const nested = checked(merged, "map", exists).at(this.#inMap);
    return checked(nested, this.#type, nested.types.length > 0);
  }

  async value(options?: GetOptions): Promise<NestedValues[Name] | undefined> {
    return (await this.read(options)).valueOf(this.#type);
  }

  async change(operation: NestedOperation, options?: WriteOptions): Promise<OperationResult> {
    const whole = this.#inMap === undefined ? operation : under(this.#inMap, operation);
    const { results } = await this.#api.update(this.#key, [whole], options);
    return results[0]!;
  }
}

function checked(merged: MergedValues, type: TypeName, exists: boolean): MergedValues {
  if (!exists || merged.has(type)) return merged;
  throw new DenamoError("wrong_type", "no", `The key holds no ${type}`);
}

export function under(key: Element, nested: NestedOperation): NestedOperation {
  return { type: "map", operation: { kind: "update", key: bytesOf(key), nested } };
}

export function listOf(element: Element | readonly Element[]): Uint8Array[] {
  return typeof element === "string" || element instanceof Uint8Array
    ? [bytesOf(element)]
    : element.map(bytesOf);
}

/** @throws {TypeError} for a text with a lone surrogate */
export function bytesOf(element: Element): Uint8Array {
  return typeof element === "string" ? wellFormedUtf8(element, "An element") : element;
}

export function elementOf(bytes: Uint8Array): Element {
  return strictUtf8Text(bytes) ?? bytes;
}
