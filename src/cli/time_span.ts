// Times as people write them on the command line: `60s`, `5min`, `1h`.

import { InvalidArgumentError } from "commander";

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads a time like `60s`, for commander; in milliseconds. @throws {InvalidArgumentError} */
export function timeSpan(text: string): number {
  const [, number, unit] = /^([0-9]{1,9})(ms|s|min|h|d)$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * UNITS_MS[unit!]!;
  throw new InvalidArgumentError("It must be a whole number with ms, s, min, h or d, like 60s.");
}
