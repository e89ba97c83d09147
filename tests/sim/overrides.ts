// What a world shall be instead of what its seed would draw: read from a command line, applied, and found again.
//
// A seed says everything about a world, and yet one wants the same world without pauses, or shorter. An
// override names only what differs, so a world that was made smaller still fits on one line.

import {
  drawOptions,
  FAULT_KINDS,
  type FaultKind,
  HONEST_KINDS,
  type SimOptions,
} from "./options.ts";

/** Some of the options; of the tables of weights some of the weights. */
export type Overrides = {
  readonly [K in keyof SimOptions]?: SimOptions[K] extends object ? Partial<SimOptions[K]>
    : SimOptions[K];
};

/** Options with some of them replaced. */
export function withOverrides(options: SimOptions, overrides: Overrides): SimOptions {
  return merged(asRecord(options), asRecord(overrides)) as unknown as SimOptions;
}

/** Both; where they disagree the later. */
export function joinOverrides(earlier: Overrides, later: Overrides): Overrides {
  return merged(asRecord(earlier), asRecord(later)) as Overrides;
}

/** The fewest overrides that make `wanted` of `options`, so that `withOverrides` undoes it. */
export function differences(wanted: SimOptions, options: Overrides): Overrides {
  return differing(asRecord(wanted), asRecord(options)) as Overrides;
}

/** Turns off all kinds of faults but these. */
export function onlyFaults(kinds: readonly FaultKind[]): Overrides {
  const others = FAULT_KINDS.filter((kind) => !kinds.includes(kind));
  return { faults: Object.fromEntries(others.map((kind) => [kind, 0])) };
}

/** No key has another number of copies than the layout says. */
export const NO_NAMESPACES: Overrides = { namespaces: { wide: 0, thin: 0 } };

/** Nobody is hostile. */
export const HONEST: Overrides = onlyFaults(HONEST_KINDS);

/**
 * Reads kinds of faults between commas.
 *
 * @throws {TypeError} with the kinds there are if one is not among them
 */
export function readFaultKinds(text: string): FaultKind[] {
  return text.split(",").map((name) => name.trim()).map((name) => {
    const kind = FAULT_KINDS.find((kind) => kind === name);
    if (kind !== undefined) return kind;
    throw new TypeError(`"${name}" is no kind of fault; there are ${FAULT_KINDS.join(", ")}`);
  });
}

/**
 * Reads overrides from JSON.
 *
 * @throws {TypeError} if it is no JSON, or names an option that there is not or gives it another type
 */
export function readOverrides(text: string): Overrides {
  const read = parse(text);
  checkLike(read, asRecord(drawOptions(1)), "");
  return read as Overrides;
}

type Value = number | string | boolean | Table;
interface Table {
  readonly [name: string]: Value;
}

function asRecord(options: Overrides): Table {
  return options as Table;
}

function merged(before: Table, after: Table): Table {
  const result: Record<string, Value> = { ...before };
  for (const [name, value] of Object.entries(after)) {
    const old = result[name];
    result[name] = isTable(value) && isTable(old) ? merged(old, value) : value;
  }
  return result;
}

function differing(wanted: Table, given: Table): Table {
  const result: Record<string, Value> = {};
  for (const [name, value] of Object.entries(wanted)) {
    const old = given[name];
    if (isTable(value) && isTable(old)) {
      const inner = differing(value, old);
      if (Object.keys(inner).length > 0) result[name] = inner;
    } else if (value !== old) {
      result[name] = value;
    }
  }
  return result;
}

function parse(text: string): Table {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw new TypeError(`Cannot read ${text}: it is no JSON`);
  }
  if (isTable(read)) return read;
  throw new TypeError(`Cannot read ${text}: it is no object`);
}

function checkLike(given: Table, model: Table, within: string): void {
  for (const [name, value] of Object.entries(given)) {
    const like = Object.hasOwn(model, name) ? model[name] : undefined;
    if (like === undefined) {
      const known = Object.keys(model).join(", ");
      throw new TypeError(`There is no option ${within}${name}; there are ${known}`);
    }
    if (isTable(value) && isTable(like)) {
      checkLike(value, like, `${name}.`);
    } else if (!isLike(value, like, name)) {
      throw new TypeError(`Option ${within}${name} is a ${kindOf(like)}, not ${show(value)}`);
    }
  }
}

/** A number of owners may stand for a word that means one. */
function isLike(value: Value, like: Value, name: string): boolean {
  if (name === "r" || name === "w") return typeof value === "number" || LEVELS.includes(value);
  return typeof value === typeof like && !isTable(value) && !isTable(like);
}

const LEVELS: readonly Value[] = ["one", "quorum", "all"];

function kindOf(value: Value): string {
  if (isTable(value)) return "table of weights";
  return typeof value === "string" ? "level" : typeof value;
}

function show(value: unknown): string {
  return JSON.stringify(value);
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
