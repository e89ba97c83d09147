// What may stand in the settings of a namespace.
//
// Settings come from operators, from peers and from the disk, and are judged by the same rules each time, as a
// whole: who made three mistakes hears of three.

import { utf8 } from "../base/bytes.ts";
import { looksStored } from "../base/database_key.ts";
import { LIMITS } from "../wire/limits.ts";
import type { NamespaceSettings } from "./namespaces.ts";

/** What is set for one prefix. */
export type SettingsOfPrefix = Omit<NamespaceSettings, "prefix">;

const LEVEL = `one, quorum, all, or a whole number from 1 to ${LIMITS.copiesCount}`;

interface Rule {
  readonly allowed: string;
  readonly holds: (value: unknown) => boolean;
}

const RULES: { readonly [K in keyof Required<SettingsOfPrefix>]: Rule } = {
  n: integerRule(1, LIMITS.copiesCount),
  r: { allowed: LEVEL, holds: isLevel },
  w: { allowed: LEVEL, holds: isLevel },
  strict: { allowed: "true or false", holds: (value) => typeof value === "boolean" },
  timeoutMs: integerRule(1, LIMITS.timeoutMsMax),
  conflicts: {
    allowed: "siblings or lww",
    holds: (value) => value === "siblings" || value === "lww",
  },
  ttlMs: integerRule(1, LIMITS.ttlMsMax),
  compress: { allowed: "true or false", holds: (value) => typeof value === "boolean" },
};

/** The names of all settings, in the order in which they are shown and stored. */
export const SETTING_NAMES = Object.keys(RULES) as (keyof SettingsOfPrefix)[];

/** Whoever gives more settings than these is not told of each. */
const GIVEN_COUNT_MAX = 64;

/** Everything that is wrong with a prefix and what is to be set for it, a sentence each; none if it is valid. */
export function mistakesIn(prefix: string, settings: unknown): string[] {
  const mistakes: string[] = [];
  const size = utf8(prefix).length;
  if (size < 1 || size > LIMITS.key) {
    mistakes.push(`The prefix has ${size} bytes, but must have 1 to ${LIMITS.key}`);
  }
  // Such a prefix is written as another one, which may be there as well.
  if (!prefix.isWellFormed()) mistakes.push("The prefix is not a text that UTF-8 can hold");
  // What counts for a namespace are keys within their databases.
  if (looksStored(utf8(prefix))) {
    mistakes.push("The prefix is that of one database, but a namespace is for the keys of all");
  }
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
    return [...mistakes, "The settings are no object"];
  }
  const given = Object.entries(settings);
  if (given.length > GIVEN_COUNT_MAX) return [...mistakes, `${given.length} settings are too many`];
  for (const [name, value] of given) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name as keyof SettingsOfPrefix] : undefined;
    if (rule === undefined) mistakes.push(`${name.slice(0, 64)} is no setting of a namespace`);
    else if (!rule.holds(value)) {
      mistakes.push(`${name} is ${shown(value)}, but must be ${rule.allowed}`);
    }
  }
  const { n, ...levels } = settings as SettingsOfPrefix;
  for (const level of ["r", "w"] as const) {
    const needed = levels[level];
    if (typeof n === "number" && typeof needed === "number" && needed > n) {
      mistakes.push(`${level} is ${needed}, but there are only ${n} copies`);
    }
  }
  return mistakes;
}

/** The same settings with their names in one order and nothing undefined, so that equal ones have equal JSON. */
export function inOrder(settings: SettingsOfPrefix): SettingsOfPrefix {
  const present = SETTING_NAMES.filter((name) => settings[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, settings[name]]));
}

/** A value that is not allowed, for people: it may be anything of any size. */
function shown(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    return Array.isArray(value) ? "a list" : "an object";
  }
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 64 ? text : `${text.slice(0, 61)}...`;
}

function integerRule(min: number, max: number): Rule {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    holds: (value) =>
      Number.isSafeInteger(value) && min <= (value as number) && (value as number) <= max,
  };
}

function isLevel(value: unknown): boolean {
  return value === "one" || value === "quorum" || value === "all" ||
    integerRule(1, LIMITS.copiesCount).holds(value);
}
