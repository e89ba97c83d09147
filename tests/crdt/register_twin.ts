// The register beside a twin that keeps every operation: the last of what nothing has replaced.

import fc from "fast-check";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { compareDots } from "../../src/causality/dot.ts";
import { register, type RegisterOperation, type RegisterStore } from "../../src/crdt/register.ts";
import type { StoredValue } from "../../src/crdt/value.ts";
import type { TypeUnderTest } from "./laws.ts";

export function set(text: string): RegisterOperation {
  return { kind: "set", value: { kind: "text", bytes: utf8(text) } };
}

export function show(value: StoredValue | undefined): string | undefined {
  return value === undefined ? undefined : `${value.kind} ${utf8Text(value.bytes)}`;
}

export const registerTest: TypeUnderTest<
  RegisterStore,
  RegisterOperation,
  StoredValue | undefined
> = {
  type: register,
  operations: fc.constantFrom("", "a", "b", "c").map(set),
  withSeen: (operation) => operation,
  twin: (happenings) => {
    const left = happenings.filter(({ operation, bit }) =>
      operation !== "clear" &&
      !happenings.some((other) =>
        ((other.operation === "clear" ? other.covered : other.known) & bit) !== 0
      )
    );
    const last = left.sort((a, b) => compareDots(b.dot, a.dot))[0]?.operation;
    return last === undefined || last === "clear" ? undefined : show(last.value);
  },
  show,
};
