// The set beside a twin that keeps every operation: each element with an add that no remove has seen.

import fc from "fast-check";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { set, type SetOperation, type SetStore } from "../../src/crdt/set.ts";
import type { TypeUnderTest } from "./laws.ts";

export function add(...elements: string[]): SetOperation {
  return { kind: "add", elements: elements.map(utf8) };
}

export function remove(...elements: string[]): SetOperation {
  return { kind: "remove", elements: elements.map(utf8), seen: undefined };
}

export function show(elements: readonly Uint8Array[]): string[] {
  return elements.map(utf8Text);
}

const names = fc.constantFrom("a", "b", "c", "d", "e", "f", "g");

export const setOperations: fc.Arbitrary<SetOperation> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(names, { minLength: 1, maxLength: 2 }).map((some) => add(...some)),
  },
  {
    weight: 2,
    arbitrary: fc.array(names, { minLength: 1, maxLength: 2 }).map((some) => remove(...some)),
  },
);

function has({ elements }: SetOperation, element: string): boolean {
  return elements.some((bytes) => utf8Text(bytes) === element);
}

export const setTest: TypeUnderTest<SetStore, SetOperation, Uint8Array[]> = {
  type: set,
  operations: setOperations,
  withSeen: (operation, seen) => operation.kind === "remove" ? { ...operation, seen } : operation,
  twin: (happenings) =>
    ["a", "b", "c", "d", "e", "f", "g"].filter((element) =>
      happenings.some(({ operation, bit }) =>
        operation !== "clear" && operation.kind === "add" && has(operation, element) &&
        !happenings.some((other) =>
          (other.covered & bit) !== 0 &&
          (other.operation === "clear" ||
            (other.operation.kind === "remove" && has(other.operation, element)))
        )
      )
    ),
  show,
};
