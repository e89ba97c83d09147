// Configuration: flags before environment before config file before defaults, judged as a whole.
//
// An operator who made three mistakes wants to hear of three, not of the first. So each source is
// checked by itself, also where another overrides it, and all mistakes are listed together, each with the
// source, the option, what is there and what may be there. A flag or a key of the config file that no command
// knows is a mistake too. A variable that no command knows is not: others set some of the same beginning, such as
// Kubernetes for a service of that name. It is warned of, with the name that may have been meant.

import { resolve } from "node:path";
import { closest, distance } from "fastest-levenshtein";
import * as v from "valibot";
import { utf8 } from "../base/bytes.ts";
import { looksStored } from "../base/database_key.ts";
import { messageOf } from "../wire/errors.ts";
import {
  CLUSTER_SETTINGS,
  type ClusterValues,
  NODE_SETTINGS,
  type NodeValues,
  type Settings,
  type Values,
} from "./settings.ts";

/** Where settings come from. */
export interface ConfigSources {
  /** What stood on the command line, by key: texts, lists of texts, booleans. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** What stood on the command line and is no known flag. */
  readonly leftover: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Relative paths count from here. */
  readonly baseDirectory: string;
  /** Reads the config file. Throws if it cannot be read. */
  readonly readTextFile: (path: string) => string;
}

/** A valid configuration of one node: what `startNode` takes, and how to log. Paths are absolute. */
export interface NodeConfig extends Omit<NodeValues, "name" | "data"> {
  name: string;
  data: string;
}

/** A valid configuration of a local cluster. Paths are absolute. */
export interface ClusterConfig extends Omit<ClusterValues, "nodes" | "data" | "portBase"> {
  nodes: number;
  data: string;
  portBase: number;
  /** The config file, which every node reads as well. */
  configPath?: string;
}

/** Everything that is wrong with a configuration, one line each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"));
    this.mistakes = mistakes;
  }
}

/** @throws {ConfigError} with all mistakes */
export function readNodeConfig(sources: ConfigSources): NodeConfig {
  const { values, mistakes, givenKeys } = gather(NODE_SETTINGS, "denamo node", sources);
  const { name, data, ...rest } = values;
  if (!givenKeys.has("name")) {
    mistakes.push('--name is missing: give it, or DENAMO_NAME, or "name" in the config file');
  }
  mistakes.push(...contradictions(values));
  if (mistakes.length > 0 || name === undefined) throw new ConfigError(mistakes);
  return { ...rest, name, data: resolve(sources.baseDirectory, data ?? `data/${name}`) };
}

/** @throws {ConfigError} with all mistakes */
export function readClusterConfig(sources: ConfigSources): ClusterConfig {
  const { values, mistakes, configPath } = gather(CLUSTER_SETTINGS, "denamo cluster", sources);
  mistakes.push(...contradictions(values));
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return {
    ...values,
    nodes: values.nodes ?? 3,
    data: resolve(sources.baseDirectory, values.data ?? "data"),
    portBase: values.portBase ?? 7_100,
    ...(configPath === undefined ? {} : { configPath }),
  };
}

/** The flag of a setting: `timeoutMs` is `--timeout-ms`. */
export function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The environment variable of a setting: `timeoutMs` is `DENAMO_TIMEOUT_MS`. */
export function variableName(key: string): string {
  return `DENAMO_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** Variables of all commands: an environment is shared, so no command is offended by another's. */
const KNOWN_VARIABLES = new Set([
  ...Object.entries({ ...NODE_SETTINGS, ...CLUSTER_SETTINGS } as Settings)
    .filter(([, setting]) => setting.read !== undefined)
    .map(([key]) => variableName(key)),
  "DENAMO_CONFIG",
  "DENAMO_URL",
]);

/** A warning of variables that look like Denamo's and are not; undefined if there are none. */
export function unknownVariables(
  environment: Readonly<Record<string, string>>,
): string | undefined {
  const names = Object.keys(environment)
    .filter((name) => name.startsWith("DENAMO_") && !KNOWN_VARIABLES.has(name))
    .sort();
  if (names.length === 0) return undefined;
  const hints = names.flatMap((name) => {
    const nearest = closest(name, [...KNOWN_VARIABLES]);
    return distance(name, nearest) <= MISTYPED_LETTERS ? [`${name} (${nearest}?)`] : [name];
  });
  return `Warning: not variables of Denamo, and passed over: ${hints.join(", ")}`;
}

/** A name that differs in so many letters may have been meant. */
const MISTYPED_LETTERS = 2;

/** What one source gives, before it is judged; `nameOf` says how the source calls a setting. */
interface Given {
  readonly values: Record<string, unknown>;
  readonly nameOf: (path: string) => string;
}

interface Gathered<S extends Settings> {
  readonly values: Values<S>;
  readonly mistakes: string[];
  readonly configPath: string | undefined;
  /** What any source gave, valid or not. */
  readonly givenKeys: ReadonlySet<string>;
}

function gather<S extends Settings>(
  settings: S,
  command: string,
  sources: ConfigSources,
): Gathered<S> {
  const mistakes: string[] = sources.leftover.map((word) =>
    word.startsWith("-")
      ? `${word} is no option of ${command}`
      : `"${word}" is given, but ${command} takes options only`
  );
  const flags = givenByFlags(settings, sources);
  const environment = givenByEnvironment(settings, sources);
  const configText = sources.flags["config"] ?? (sources.environment["DENAMO_CONFIG"] || undefined);
  const configPath = configText === undefined
    ? undefined
    : resolve(sources.baseDirectory, String(configText));
  const file = configPath === undefined
    ? { values: {}, nameOf: (path: string) => path }
    : givenByFile(settings, command, configPath, sources, mistakes);
  const merged: Record<string, unknown> = {};
  const givenKeys = new Set<string>();
  for (const given of [file, environment, flags]) {
    for (const key of Object.keys(given.values)) givenKeys.add(key);
    Object.assign(merged, judge(settings, given, mistakes));
  }
  return { values: merged as Values<S>, mistakes, configPath, givenKeys };
}

function givenByFlags(settings: Settings, { flags }: ConfigSources): Given {
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(settings)) {
    const given = flags[key];
    if (given === undefined) continue;
    if (Array.isArray(given)) values[key] = given.flatMap((text) => setting.read?.(text) ?? text);
    else values[key] = typeof given === "string" ? setting.read?.(given) : given;
  }
  return { values, nameOf: flagName };
}

/** An empty variable counts as absent: many tools cannot take one away, only empty it. */
function givenByEnvironment(settings: Settings, { environment }: ConfigSources): Given {
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(settings)) {
    const text = environment[variableName(key)];
    if (text !== undefined && text !== "" && setting.read) values[key] = setting.read(text);
  }
  return { values, nameOf: variableName };
}

/**
 * The config file of a local cluster is also that of its nodes, so a node passes over what only the
 * cluster uses. The other way round such a key is a mistake: the cluster decides it for each node.
 */
function givenByFile(
  settings: Settings,
  command: string,
  path: string,
  sources: ConfigSources,
  mistakes: string[],
): Given {
  const nothing = { values: {}, nameOf: (key: string) => `${path}: ${key}` };
  let content: unknown;
  try {
    content = JSON.parse(sources.readTextFile(path));
  } catch (error) {
    mistakes.push(`Config file ${path} cannot be used: ${messageOf(error)}`);
    return nothing;
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    mistakes.push(`Config file ${path} cannot be used: it does not hold a JSON object`);
    return nothing;
  }
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(content)) {
    if (Object.hasOwn(settings, key)) values[key] = value;
    else if (Object.hasOwn(NODE_SETTINGS, key)) {
      mistakes.push(`${path}: ${key} is decided by ${command} for each node`);
    } else if (!Object.hasOwn(CLUSTER_SETTINGS, key)) {
      mistakes.push(`${path}: ${key} is no option of ${command}`);
    }
  }
  return { ...nothing, values };
}

/** Returns what is valid, and adds a line for each thing that is not. */
function judge(settings: Settings, given: Given, mistakes: string[]): Record<string, unknown> {
  const valid: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given.values)) {
    const result = v.safeParse(settings[key]!.schema, value);
    if (result.success) {
      valid[key] = result.output;
      continue;
    }
    const lines = result.issues.map((issue) => {
      const name = given.nameOf(key) + pathText(issue);
      if (issue.type === "strict_object" && issue.expected === "never") {
        return `${name} is no option of a namespace`;
      }
      const isAbsent = issue.input === undefined ||
        (issue.type === "strict_object" && issue.received === "undefined");
      if (isAbsent) return `${name} is missing`;
      return `${name} is ${shown(issue.input)}, but must be ${issue.message}`;
    });
    mistakes.push(...new Set(lines));
  }
  return valid;
}

function pathText(issue: v.BaseIssue<unknown>): string {
  return (issue.path ?? []).map(({ key }) => typeof key === "number" ? `[${key}]` : `.${key}`)
    .join("");
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

/** Settings that are valid each by itself and impossible together. */
function contradictions(values: NodeValues | ClusterValues): string[] {
  const mistakes: string[] = [];
  const quorums = (where: string, n: number | undefined, of: { r?: unknown; w?: unknown }) => {
    for (const level of ["r", "w"] as const) {
      const needed = of[level];
      if (n !== undefined && typeof needed === "number" && needed > n) {
        mistakes.push(`${where}${level} is ${needed}, but there are only ${n} copies`);
      }
    }
  };
  quorums("", values.replication, values);
  const prefixes = new Set<string>();
  for (const { prefix, n, ...levels } of values.namespaces ?? []) {
    const name = JSON.stringify(prefix);
    quorums(`namespace ${name}: `, n, levels);
    if (prefixes.has(prefix)) mistakes.push(`namespace ${name} is there twice`);
    prefixes.add(prefix);
    if (looksStored(utf8(prefix))) {
      mistakes.push(`namespace ${name} is that of one database, but is for the keys of all`);
    }
  }
  const { http, resp } = values as NodeValues;
  if (http !== undefined && http === resp && !http.endsWith(":0")) {
    mistakes.push(`http and resp are both ${http}, but each needs a port of its own`);
  }
  return mistakes;
}
