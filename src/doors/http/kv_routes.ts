// One key over HTTP: read it, put it, delete it.
//
// A key with one value is that value, with its own Content-Type, so that `curl` is a client. A key with
// several siblings answers 300 and all of them: whoever cannot merge them asks for `siblings=latest`.
// The context travels in a header in both directions, and so does what a read must have seen.

import type { ReadResult, WriteResult } from "../../node/api.ts";
import { LIMITS } from "../../wire/limits.ts";
import type { HttpResponse } from "./message.ts";
import {
  type DoorContext,
  jsonResponse,
  KEY_ROUTE,
  type Operation,
  operation,
} from "./operation.ts";
import { badRequest, HttpProblem } from "./problem.ts";
import {
  integerParameter,
  readQuorumParameter,
  strictParameter,
  timeoutParameter,
  wordParameter,
  writeQuorumParameter,
} from "./query.ts";
import { contextOfWrite, etagOf, hasAlready } from "./preconditions.ts";
import { reference } from "./openapi_schemas.ts";
import { jsonMembersOfType, jsonOfType } from "./typed_json.ts";
import {
  bodyOfValue,
  BYTES_TYPE,
  JSON_TYPE,
  jsonMembersOf,
  MSGPACK_TYPE,
  TEXT_TYPE,
  valueOfBody,
} from "./value_mapping.ts";

/** Header names, in the case in which people write them. */
export const CONTEXT_HEADER = "Denamo-Context";
export const AT_LEAST_HEADER = "Denamo-At-Least";
export const SIBLINGS_HEADER = "Denamo-Siblings";
export const EXPIRES_HEADER = "Denamo-Expires-At-Ms";
export const EXISTED_HEADER = "Denamo-Existed";
export const TYPE_HEADER = "Denamo-Type";
export const ETAG_HEADER = "ETag";

const ANY_VALUE = {
  [TEXT_TYPE]: { type: "string" },
  [JSON_TYPE]: {},
  [BYTES_TYPE]: {},
} as const;

const MISMATCH = {
  description: "The key does not hold what If-Match names; the context is of what it holds.",
  headers: [CONTEXT_HEADER],
} as const;

/** The operations on one key. */
export function keyOperations(context: DoorContext): Operation[] {
  return [readOperation(context), putOperation(context), deleteOperation(context)];
}

function readOperation({ api }: DoorContext): Operation {
  return operation({
    id: "getValue",
    method: "GET",
    path: KEY_ROUTE,
    summary: "Read the value of a key",
    takesAtLeast: true,
    takesIfNoneMatch: true,
    query: {
      r: readQuorumParameter,
      strict: strictParameter,
      timeoutMs: timeoutParameter,
      siblings: wordParameter(
        "What to answer where a key has several values: all of them, or the latest only.",
        ["all", "latest"],
        "all",
      ),
    },
    responses: {
      200: {
        description: "The value, with the Content-Type of its kind.",
        headers: [ETAG_HEADER, CONTEXT_HEADER, SIBLINGS_HEADER, EXPIRES_HEADER, TYPE_HEADER],
        content: { ...ANY_VALUE, [MSGPACK_TYPE]: {} },
      },
      304: {
        description: "The client has the value already: If-None-Match names its ETag.",
        headers: [ETAG_HEADER, CONTEXT_HEADER, SIBLINGS_HEADER, EXPIRES_HEADER],
      },
      300: {
        description: "Several values that no later write has replaced, the latest first.",
        headers: [CONTEXT_HEADER, SIBLINGS_HEADER, EXPIRES_HEADER],
        content: { [JSON_TYPE]: reference("Siblings") },
      },
    },
    problems: {
      404: {
        description: "There is no value. The context covers what was deleted.",
        headers: [CONTEXT_HEADER],
      },
      503: {
        description: "Too few nodes answer, or none that has seen what Denamo-At-Least covers.",
      },
    },
    handle: async ({ request, query, key }) => {
      const { siblings, ...options } = query;
      const atLeast = request.headers.get(AT_LEAST_HEADER) ?? undefined;
      const result = await api.get(key(), { ...options, atLeast });
      if (!result.exists) {
        const headers = { [CONTEXT_HEADER]: result.context() };
        throw new HttpProblem("not_found", "There is no value under this key", {
          outcome: "ok",
          headers,
        });
      }
      const count = result.siblings.length + result.merged.types.length;
      if (count > 1 && siblings !== "latest") return siblingsResponse(result);
      const context = result.context();
      if (hasAlready(request, context)) {
        return { status: 304, headers: valueHeaders(result, context), body: undefined };
      }
      if (result.value === undefined) return typedResponse(result, context);
      const { contentType, body } = bodyOfValue(result.value);
      const headers = {
        ...valueHeaders(result, context),
        "content-type": contentType,
      };
      return { status: 200, headers, body };
    },
  });
}

function putOperation({ api, bodies }: DoorContext): Operation {
  return operation({
    id: "putValue",
    method: "PUT",
    path: KEY_ROUTE,
    summary: "Put a value under a key",
    description:
      "With the context of an earlier read the put replaces exactly what that read saw; " +
      "without one it replaces what its coordinator holds. If-Match with the ETag of that read does " +
      "the same, and refuses the put if a read finds something else. Other conditions are refused.",
    takesContext: true,
    takesIfMatch: true,
    query: {
      w: writeQuorumParameter,
      strict: strictParameter,
      timeoutMs: timeoutParameter,
      ttlMs: integerParameter("When the value ends, in milliseconds from now.", {
        min: 1,
        max: TTL_MS_MAX,
        example: 60_000,
      }),
      expiresAtMs: integerParameter(
        "When the value ends, in milliseconds since 1970. Not together with ttlMs.",
        { min: 1, max: Number.MAX_SAFE_INTEGER, example: 4_000_000_000_000 },
      ),
    },
    requestBody: ANY_VALUE,
    responses: {
      204: {
        description: "The value is stored.",
        headers: [CONTEXT_HEADER, AT_LEAST_HEADER, SIBLINGS_HEADER],
      },
    },
    problems: {
      408: { description: "The body did not arrive in time." },
      409: { description: "The key has too many siblings: read them and put with their context." },
      412: MISMATCH,
      413: { description: "The key or the value is over its limit." },
      415: { description: "The body is encoded (Content-Encoding)." },
    },
    handle: async ({ request, query, key }) => {
      const { ttlMs, expiresAtMs, ...options } = query;
      if (ttlMs !== undefined && expiresAtMs !== undefined) {
        throw badRequest('Query parameters "ttlMs" and "expiresAtMs" exclude each other', {
          parameter: "ttlMs",
        });
      }
      const name = key();
      const body = await bodies.read(request, "Value", LIMITS.value);
      const value = valueOfBody(request.headers.get("content-type"), body);
      const { strict, timeoutMs } = options;
      const context = await contextOfWrite(request, () => api.get(name, { strict, timeoutMs }));
      const result = await api.put(name, value, {
        ...options,
        context,
        expiresAtMs: ttlMs === undefined ? expiresAtMs : api.nowMs() + ttlMs,
      });
      return { status: 204, headers: writeHeaders(result), body: undefined };
    },
  });
}

function deleteOperation({ api }: DoorContext): Operation {
  return operation({
    id: "deleteValue",
    method: "DELETE",
    path: KEY_ROUTE,
    summary: "Delete the value of a key",
    takesContext: true,
    takesIfMatch: true,
    query: { w: writeQuorumParameter, strict: strictParameter, timeoutMs: timeoutParameter },
    responses: {
      204: {
        description:
          "The key has no value any more, but for siblings that the context did not cover.",
        headers: [CONTEXT_HEADER, AT_LEAST_HEADER, SIBLINGS_HEADER, EXISTED_HEADER],
      },
    },
    problems: { 412: MISMATCH },
    handle: async ({ request, query, key }) => {
      const name = key();
      const { strict, timeoutMs } = query;
      const context = await contextOfWrite(request, () => api.get(name, { strict, timeoutMs }));
      const result = await api.delete(name, { ...query, context });
      const headers = { ...writeHeaders(result), [EXISTED_HEADER]: String(result.existed) };
      return { status: 204, headers, body: undefined };
    },
  });
}

/** A hundred years: what is longer means for ever, and is said by giving no time to live. */
const TTL_MS_MAX = 100 * 365.25 * 24 * 3_600_000;

function siblingsResponse(result: ReadResult): HttpResponse {
  const context = result.context();
  const opaque = result.siblings.map((value) => `{${jsonMembersOf(value)}}`);
  const typed = result.merged.types.map((type) => {
    return `{${jsonMembersOfType(result.merged, type)}}`;
  });
  const siblings = [...opaque, ...typed].join(",");
  const text = `{"context":${JSON.stringify(context)},"siblings":[${siblings}]}`;
  return jsonResponse(text, 300, readHeaders(result, context));
}

/** The value of a type that merges, as JSON. */
function typedResponse(result: ReadResult, context: string): HttpResponse {
  const [type] = result.merged.types;
  const headers = { ...valueHeaders(result, context), [TYPE_HEADER]: type! };
  return jsonResponse(jsonOfType(result.merged, type!), 200, headers);
}

/** Of a value that is shown alone. */
function valueHeaders(result: ReadResult, context: string): Record<string, string> {
  return { ...readHeaders(result, context), [ETAG_HEADER]: etagOf(context) };
}

function readHeaders(result: ReadResult, context: string): Record<string, string> {
  const headers: Record<string, string> = {
    [CONTEXT_HEADER]: context,
    [SIBLINGS_HEADER]: String(result.siblings.length + result.merged.types.length),
  };
  if (result.expiresAtMs !== undefined) headers[EXPIRES_HEADER] = String(result.expiresAtMs);
  return headers;
}

function writeHeaders(result: WriteResult): Record<string, string> {
  const headers: Record<string, string> = { [SIBLINGS_HEADER]: String(result.siblings) };
  const context = result.context();
  if (context !== undefined) headers[CONTEXT_HEADER] = context;
  const atLeast = result.atLeast();
  if (atLeast !== undefined) headers[AT_LEAST_HEADER] = atLeast;
  return headers;
}
