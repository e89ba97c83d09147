// The map beside a twin that asks the twins of its types, each about what happened under one key.

import fc from "fast-check";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import {
  map,
  type MapEntry,
  type MapOperation,
  type MapStore,
  type NestedOperation,
} from "../../src/crdt/map.ts";
import { counterTest, isCounter } from "./counter_twin.ts";
import { maxTest } from "./extremes_twin.ts";
import { flagTest } from "./flag_twin.ts";
import { hyperLogLogTest } from "./hyperloglog_twin.ts";
import type { Happening, TypeUnderTest } from "./laws.ts";
import { registerTest } from "./register_twin.ts";
import { setTest } from "./set_twin.ts";

export function update(key: string, nested: NestedOperation): MapOperation {
  return { kind: "update", key: utf8(key), nested };
}

export function remove(...keys: string[]): MapOperation {
  return { kind: "remove", keys: keys.map(utf8), seen: undefined };
}

const KEYS = ["a", "b", "c"];

export const leaf: fc.Arbitrary<NestedOperation> = fc.oneof(
  counterTest.operations.map((operation) => ({ type: "counter", operation } as const)),
  setTest.operations.map((operation) => ({ type: "set", operation } as const)),
  flagTest.operations.map((operation) => ({ type: "flag", operation } as const)),
  registerTest.operations.map((operation) => ({ type: "register", operation } as const)),
  maxTest.operations.map((operation) => ({ type: "max", operation } as const)),
  hyperLogLogTest.operations.map((operation) => ({ type: "hyperloglog", operation } as const)),
);

function operations(nested: fc.Arbitrary<NestedOperation>): fc.Arbitrary<MapOperation> {
  return fc.tuple(fc.constantFrom(...KEYS), nested, fc.nat(3))
    .map(([key, nested, kind]) => kind === 0 ? remove(key) : update(key, nested));
}

export const mapOperations = operations(fc.oneof(
  { weight: 4, arbitrary: leaf },
  {
    weight: 1,
    arbitrary: operations(leaf).map((operation) => ({ type: "map", operation } as const)),
  },
));

/** What a type says of the part of the happenings that concerns it; undefined if there is no value. */
type Judge = (happenings: readonly Happening<never>[]) => unknown;

const JUDGES: Readonly<Record<string, Judge>> = {
  counter: (some) => isCounter(some) ? counterTest.twin(some) : undefined,
  set: (some) => {
    const elements = setTest.twin(some) as string[];
    return elements.length === 0 ? undefined : elements;
  },
  flag: (some) => flagTest.twin(some) || undefined,
  register: registerTest.twin,
  max: maxTest.twin,
  hyperloglog: (some) => hyperLogLogTest.twin(some) || undefined,
  map: (some) => {
    const entries = twin(some);
    return Object.keys(entries).length === 0 ? undefined : entries;
  },
};

const SHOWN: Readonly<Record<string, (value: never) => unknown>> = {
  counter: counterTest.show,
  set: setTest.show,
  flag: flagTest.show,
  register: registerTest.show,
  max: maxTest.show,
  hyperloglog: hyperLogLogTest.show,
  map: show,
};

/** What one type under one key sees of the happenings: its own, and every removal of the key. */
function concerning(
  happenings: readonly Happening<MapOperation>[],
  key: string,
  type: string,
): Happening<unknown>[] {
  return happenings.flatMap((one): Happening<unknown>[] => {
    if (one.operation === "clear") return [{ ...one, operation: "clear" }];
    if (one.operation.kind === "remove") {
      const isThis = one.operation.keys.some((bytes) => utf8Text(bytes) === key);
      return isThis ? [{ ...one, operation: "clear" }] : [];
    }
    const { nested } = one.operation;
    const isThis = utf8Text(one.operation.key) === key && nested.type === type;
    return isThis ? [{ ...one, operation: nested.operation }] : [];
  });
}

function twin(happenings: readonly Happening<MapOperation>[]): Record<string, unknown> {
  const entries: Record<string, unknown> = {};
  for (const key of KEYS) {
    for (const [type, judge] of Object.entries(JUDGES)) {
      const some = concerning(happenings, key, type) as Happening<never>[];
      if (some.every(({ operation }) => operation === "clear")) continue;
      const value = judge(some);
      if (value !== undefined) entries[`${key} ${type}`] = value;
    }
  }
  return entries;
}

export function show(entries: readonly MapEntry[]): Record<string, unknown> {
  return Object.fromEntries(
    entries.map(({ key, type, value }) => [
      `${utf8Text(key)} ${type}`,
      SHOWN[type]!(value as never),
    ]),
  );
}

export const mapTest: TypeUnderTest<MapStore, MapOperation, readonly MapEntry[]> = {
  type: map,
  operations: mapOperations,
  withSeen(operation, seen) {
    if (operation.kind === "remove") return { ...operation, seen };
    const { nested } = operation;
    if (nested.type === "set") {
      return {
        ...operation,
        nested: { ...nested, operation: setTest.withSeen(nested.operation, seen) },
      };
    }
    if (nested.type === "flag") {
      return {
        ...operation,
        nested: { ...nested, operation: flagTest.withSeen(nested.operation, seen) },
      };
    }
    if (nested.type === "map") {
      return {
        ...operation,
        nested: { ...nested, operation: mapTest.withSeen(nested.operation, seen) },
      };
    }
    return operation;
  },
  twin,
  show,
  isRefused(operation, forgotten) {
    if (operation.kind === "remove") return false;
    const { key, nested } = operation;
    const before = concerning(forgotten, utf8Text(key), nested.type) as Happening<never>[];
    if (nested.type === "counter") return counterTest.isRefused!(nested.operation, before);
    return nested.type === "map" && mapTest.isRefused!(nested.operation, before);
  },
};
