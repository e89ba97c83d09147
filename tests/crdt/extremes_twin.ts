// Max and min beside a twin that keeps every operation that had an effect where it was made.

import fc from "fast-check";
import type { DataType } from "../../src/crdt/contract.ts";
import type { ExtremeOperation, ExtremeStore } from "../../src/crdt/extremes.ts";
import { max } from "../../src/crdt/max.ts";
import { min } from "../../src/crdt/min.ts";
import type { Happening, TypeUnderTest } from "./laws.ts";

type Extreme = DataType<ExtremeStore, ExtremeOperation, number | undefined>;
type Put = Happening<ExtremeOperation> & { readonly operation: ExtremeOperation };

export function put(value: number): ExtremeOperation {
  return { kind: "put", value };
}

function extremeTest(
  type: Extreme,
  exceeds: (a: number, b: number) => boolean,
): TypeUnderTest<ExtremeStore, ExtremeOperation, number | undefined> {
  /** The puts that had an effect: those that exceeded everything that their coordinator had. */
  const effective = (happenings: readonly Happening<ExtremeOperation>[]): Put[] =>
    happenings.filter((one): one is Put => {
      if (one.operation === "clear") return false;
      const held = value(happenings.filter(({ bit }) => (one.known & bit) !== 0));
      return held === undefined || exceeds(one.operation.value, held);
    });
  const value = (happenings: readonly Happening<ExtremeOperation>[]): number | undefined => {
    const puts = effective(happenings);
    return puts
      .filter(({ bit }) =>
        !puts.some(({ known }) => (known & bit) !== 0) &&
        !happenings.some(({ operation, covered }) => operation === "clear" && (covered & bit) !== 0)
      )
      .map(({ operation }) => operation.value)
      .sort((a, b) => exceeds(a, b) ? -1 : 1)[0];
  };
  return {
    type,
    operations: fc.constantFrom(-1.5, 0, 1, 2, 3, 1e300, -1e-300).map(put),
    withSeen: (operation) => operation,
    twin: value,
    show: (value) => value,
  };
}

export const maxTest = extremeTest(max, (a, b) => a > b);
export const minTest = extremeTest(min, (a, b) => a < b);
