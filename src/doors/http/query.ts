// Query parameters: each described once, for the parser and for the OpenAPI document alike.
//
// A mistake in a query must not pass in silence: `?strit=true` would be a weaker write than its sender
// believes. So unknown and repeated parameters are refused by name, and every value is checked whole.
// Values are bytes after decoding (a prefix of keys may be any bytes); "+" means a space, as in all
// forms and in URLSearchParams.

import { strictUtf8Text } from "../../base/bytes.ts";
import type { QuorumLevel } from "../../node/api.ts";
import { LIMITS } from "../../wire/limits.ts";
import { percentDecode } from "./key_path.ts";
import { badRequest } from "./problem.ts";

/** A level above the number of replicas is refused by the node; this only keeps numbers sane. */
const QUORUM_MAX = 1000;
const QUORUM_NAMES = ["one", "quorum", "all"] as const;

/** A JSON Schema of the dialect that OpenAPI 3.1 uses. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One parameter of one route. */
export interface QueryParameter<T> {
  readonly description: string;
  readonly schema: JsonSchema;
  /** A value that is accepted, for documents and tests. */
  readonly example: string | number | boolean;
  /** What a value must be, to complete the sentence "… must be". */
  readonly expected: string;
  /** Reads the decoded bytes; undefined if they are not what is expected. */
  readonly read: (bytes: Uint8Array) => T | undefined;
}

export type QueryParameters = Readonly<Record<string, QueryParameter<unknown>>>;

/** The values of a query: every parameter may be left out. */
export type QueryValues<Q extends QueryParameters> = {
  readonly [Name in keyof Q]: Q[Name] extends QueryParameter<infer T> ? T | undefined : never;
};

/**
 * Reads a query.
 *
 * @param query what follows the question mark, percent-encoded
 * @throws {DenamoError} `bad_request` that names the parameter which is unknown, repeated or malformed
 */
export function readQuery<Q extends QueryParameters>(query: string, known: Q): QueryValues<Q> {
  const values: Record<string, unknown> = {};
  if (query === "") return values as QueryValues<Q>;
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = textOf(decode(equals < 0 ? pair : pair.slice(0, equals), "a query parameter"));
    const parameter = name !== undefined && Object.hasOwn(known, name) ? known[name] : undefined;
    if (name === undefined || parameter === undefined) {
      const names = Object.keys(known);
      const others = names.length > 0 ? `known are ${names.join(", ")}` : "this route takes none";
      throw badRequest(`Unknown query parameter "${name ?? pair}": ${others}`, {
        parameter: name ?? pair,
        known: names,
      });
    }
    if (Object.hasOwn(values, name)) {
      throw badRequest(`Query parameter "${name}" is given twice`, { parameter: name });
    }
    const raw = equals < 0 ? "" : pair.slice(equals + 1);
    const value = parameter.read(decode(raw, `query parameter "${name}"`));
    if (value === undefined) {
      const message = `Query parameter "${name}" must be ${parameter.expected}`;
      throw badRequest(message, { parameter: name });
    }
    values[name] = value;
  }
  return values as QueryValues<Q>;
}

/** An integer from `min` to `max` in decimal digits. */
export function integerParameter(
  description: string,
  { min, max, example, byDefault }: {
    min: number;
    max: number;
    example: number;
    byDefault?: number;
  },
): QueryParameter<number> {
  const schema = { type: "integer", minimum: min, maximum: max };
  return {
    description,
    schema: byDefault === undefined ? schema : { ...schema, default: byDefault },
    example,
    expected: `an integer from ${min} to ${max}`,
    read: (bytes) => integerOf(textOf(bytes), min, max),
  };
}

/** `true` or `false`. */
export function flagParameter(description: string): QueryParameter<boolean> {
  return {
    description,
    schema: { type: "boolean" },
    example: true,
    expected: "true or false",
    read: (bytes) => {
      const text = textOf(bytes);
      return text === "true" ? true : text === "false" ? false : undefined;
    },
  };
}

/** One of a few words. */
export function wordParameter<const W extends string>(
  description: string,
  words: readonly W[],
  byDefault: W,
): QueryParameter<W> {
  return {
    description,
    schema: { type: "string", enum: words, default: byDefault },
    example: byDefault,
    expected: words.join(" or "),
    read: (bytes) => words.find((word) => word === textOf(bytes)),
  };
}

/** Any bytes, at most as many as a key may have. */
export function keyBytesParameter(
  description: string,
  example: string,
  minBytes: 0 | 1,
): QueryParameter<Uint8Array> {
  return {
    description,
    schema: { type: "string" },
    example,
    expected: `${minBytes} to ${LIMITS.key} bytes long`,
    read: (bytes) => bytes.length < minBytes || bytes.length > LIMITS.key ? undefined : bytes,
  };
}

/** How many owners: a number or a name. */
export function quorumParameter(description: string): QueryParameter<QuorumLevel> {
  return {
    description,
    schema: {
      oneOf: [
        { type: "integer", minimum: 1, maximum: QUORUM_MAX },
        { type: "string", enum: [...QUORUM_NAMES] },
      ],
    },
    example: "quorum",
    expected: `an integer from 1 to ${QUORUM_MAX}, or ${QUORUM_NAMES.join(", ")}`,
    read: (bytes) => {
      const text = textOf(bytes);
      return QUORUM_NAMES.find((name) => name === text) ?? integerOf(text, 1, QUORUM_MAX);
    },
  };
}

export const strictParameter = flagParameter(
  "Count owners only, never the nodes that stand in for them.",
);

export const timeoutParameter = integerParameter(
  "When to give up, in milliseconds.",
  { min: 1, max: LIMITS.timeoutMsMax, example: 2000 },
);

/** Partitions with commas between them. */
export const partitionsParameter: QueryParameter<number[]> = {
  description: "Only these partitions: their numbers, with commas between them.",
  schema: { type: "string" },
  example: "0,7",
  expected: `integers from 0 to ${LIMITS.partitionCount - 1} with commas between them`,
  read: (bytes) => {
    const numbers = textOf(bytes)?.split(",")
      .map((text) => integerOf(text, 0, LIMITS.partitionCount - 1)) ?? [undefined];
    return numbers.every((number) => number !== undefined) ? numbers : undefined;
  },
};

export const readQuorumParameter = quorumParameter("How many owners must have answered.");

export const writeQuorumParameter = quorumParameter(
  "How many owners must have the write on disk.",
);

function integerOf(text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

function textOf(bytes: Uint8Array): string | undefined {
  return strictUtf8Text(bytes);
}

function decode(text: string, where: string): Uint8Array {
  return percentDecode(text.replaceAll("+", " "), where);
}
