// Many keys over HTTP: one page of a scan, with or without the values.
//
// Keys come in the order of their partitions, not of the alphabet: a scan is for walking over everything.
// A page with values is bounded in bytes as well as in keys; where it is cut, its cursor names the
// last key that it shows, so that the next page goes on right behind it. So it is where it has taken long: a page has one
// time for all that it asks.

import { strictUtf8Text } from "../../base/bytes.ts";
import type { NodeApi, ReadOptions, ReadResult, ScanPage, ScanPosition } from "../../node/api.ts";
import { LIMITS } from "../../wire/limits.ts";
import { reference } from "./openapi_schemas.ts";
import { type DoorContext, jsonResponse, type Operation, operation } from "./operation.ts";
import {
  flagParameter,
  integerParameter,
  keyBytesParameter,
  type QueryParameter,
  readQuorumParameter,
  strictParameter,
  timeoutParameter,
} from "./query.ts";
import { cursorOf, positionOf } from "./scan_cursor.ts";
import { jsonMembersOfType } from "./typed_json.ts";
import { jsonMembersOf } from "./value_mapping.ts";

const DEFAULT_LIMIT = 100;

/** A page with values ends with the value that passes this size. */
const PAGE_BYTES = 4 * 1024 * 1024;

/** After so long no further values are read for a page, in milliseconds. */
const PAGE_MS = 500;

/** How many values of one page are read at a time. */
const READS_AT_ONCE = 16;

const cursorParameter: QueryParameter<ScanPosition> = {
  description: "Where to go on: the cursor of the page before.",
  schema: { type: "string" },
  example: cursorOf({ partition: 0 }),
  expected: "a cursor that an earlier page gave",
  read: (bytes) => positionOf(strictUtf8Text(bytes) ?? ""),
};

/** `GET /kv`. */
export function scanOperation({ api }: DoorContext): Operation {
  return operation({
    id: "scanKeys",
    method: "GET",
    path: "/kv",
    summary: "List keys, page by page",
    description:
      "Keys are in the order of their partitions. The last page has a null cursor; a page " +
      "may hold fewer keys than its limit, or none, and yet not be the last, as it ends after " +
      "half a second.",
    query: {
      prefix: keyBytesParameter("Only keys that begin with these bytes.", "cart:", 0),
      limit: integerParameter("How many keys a page has at most.", {
        min: 1,
        max: LIMITS.scanPageCount,
        example: 10,
        byDefault: DEFAULT_LIMIT,
      }),
      cursor: cursorParameter,
      values: flagParameter("Whether to answer the latest value of each key too."),
      r: readQuorumParameter,
      strict: strictParameter,
      timeoutMs: timeoutParameter,
    },
    responses: {
      200: {
        description: "One page.",
        content: { "application/json": reference("ScanPage") },
      },
    },
    problems: {},
    handle: async ({ query }) => {
      const { prefix, limit = DEFAULT_LIMIT, cursor, values, ...options } = query;
      const from = cursor ?? { partition: 0 };
      const beganAtMs = performance.now();
      const page = await api.scan({ ...options, from, prefix, limit });
      const shown = values
        ? await entriesWithValues(api, page, options, beganAtMs)
        : { entries: page.keys.map((key) => `{${keyMember(key)}}`), next: page.next };
      const next = shown.next === undefined ? "null" : `"${cursorOf(shown.next)}"`;
      return jsonResponse(`{"keys":[${shown.entries.join(",")}],"cursor":${next}}`);
    },
  });
}

interface ShownPage {
  /** JSON objects as text. */
  readonly entries: string[];
  readonly next: ScanPosition | undefined;
}

async function entriesWithValues(
  api: NodeApi,
  page: ScanPage,
  options: ReadOptions,
  beganAtMs: number,
): Promise<ShownPage> {
  const entries: string[] = [];
  let length = 0;
  for (let at = 0; at < page.keys.length; at += READS_AT_ONCE) {
    const elapsedMs = performance.now() - beganAtMs;
    if (at > 0 && elapsedMs >= PAGE_MS) {
      const after = page.keys[at - 1]!;
      const partition = api.placement(after)?.partition;
      if (partition !== undefined) return { entries, next: { partition, after } };
    }
    const keys = page.keys.slice(at, at + READS_AT_ONCE);
    const asked = withinTime(options, elapsedMs);
    const results = await Promise.all(keys.map((key) => api.get(key, asked)));
    for (const [index, key] of keys.entries()) {
      const entry = entryOf(key, results[index]!);
      if (entry === undefined) continue;
      entries.push(entry);
      length += entry.length;
      const isLast = at + index + 1 === page.keys.length;
      const partition = isLast ? undefined : api.placement(key)?.partition;
      if (length >= PAGE_BYTES && partition !== undefined) {
        return { entries, next: { partition, after: key } };
      }
    }
  }
  return { entries, next: page.next };
}

/** The same with what is left of their time. */
function withinTime(options: ReadOptions, elapsedMs: number): ReadOptions {
  if (options.timeoutMs === undefined) return options;
  return { ...options, timeoutMs: Math.max(1, Math.ceil(options.timeoutMs - elapsedMs)) };
}

/** Undefined for a key whose value has gone since its page was made. */
function entryOf(key: Uint8Array, result: ReadResult): string | undefined {
  if (!result.exists) return undefined;
  const { types } = result.merged;
  const siblings = `"siblings":${result.siblings.length + types.length}`;
  const members = result.value === undefined
    ? jsonMembersOfType(result.merged, types[0]!)
    : jsonMembersOf(result.value);
  return `{${keyMember(key)},${members},${siblings}}`;
}

/** A key as its text, or in base64 (with padding) where it is no text. */
function keyMember(key: Uint8Array): string {
  const text = strictUtf8Text(key);
  return text === undefined ? `"keyBase64":"${key.toBase64()}"` : `"key":${JSON.stringify(text)}`;
}
