// The flag beside a twin that keeps every operation: on, if an "on" is left that nothing has taken back.

import fc from "fast-check";
import { flag, type FlagOperation, type FlagStore } from "../../src/crdt/flag.ts";
import type { TypeUnderTest } from "./laws.ts";

export const enable: FlagOperation = { kind: "enable" };
export const disable: FlagOperation = { kind: "disable", seen: undefined };

export const flagTest: TypeUnderTest<FlagStore, FlagOperation, boolean> = {
  type: flag,
  operations: fc.constantFrom(enable, enable, disable),
  withSeen: (operation, seen) => operation.kind === "disable" ? { ...operation, seen } : operation,
  twin: (happenings) =>
    happenings.some(({ operation, bit }) =>
      operation !== "clear" && operation.kind === "enable" &&
      !happenings.some((other) =>
        (other.operation === "clear" || other.operation.kind === "disable") &&
        (other.covered & bit) !== 0
      )
    ),
  show: (value) => value,
};
