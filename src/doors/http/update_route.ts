// Operations on the values of a key that merge: counters, sets, maps and the others.

import * as v from "valibot";
import { LIMITS } from "../../wire/limits.ts";
import { IDEMPOTENCY_KEY_HEADER, withIdempotencyKey } from "./idempotency_key.ts";
import { BODY_PROBLEMS, JsonBody } from "./json_body.ts";
import { AT_LEAST_HEADER, CONTEXT_HEADER } from "./kv_routes.ts";
import { reference } from "./openapi_schemas.ts";
import {
  type DoorContext,
  jsonResponse,
  KEY_ROUTE,
  type Operation,
  operation,
} from "./operation.ts";
import { strictParameter, timeoutParameter, writeQuorumParameter } from "./query.ts";
import { operationsOf } from "./typed_json.ts";

const BODY = new JsonBody(
  "List of operations",
  v.object({ operations: v.array(v.unknown()) }),
  LIMITS.value,
);

/** `POST` on a key. */
export function updateOperation({ api, bodies }: DoorContext): Operation {
  return operation({
    id: "updateValue",
    method: "POST",
    path: KEY_ROUTE,
    summary: "Change values that merge: counters, sets, maps and others",
    description:
      "All operations are carried out in their order, or none. What is removed is what the context has " +
      "seen, or without one what a read would show. An increment of a counter whose outcome is unknown may " +
      "be tried again at any node and counts once, if it has an id or the request an Idempotency-Key.",
    takesContext: true,
    takesIdempotencyKey: true,
    query: { w: writeQuorumParameter, strict: strictParameter, timeoutMs: timeoutParameter },
    requestBody: { "application/json": reference("Operations") },
    responses: {
      200: {
        description: "What came of each operation.",
        headers: [AT_LEAST_HEADER],
        content: { "application/json": reference("Results") },
      },
    },
    problems: {
      ...BODY_PROBLEMS,
      409: { description: "The key holds a value of another type." },
      410: {
        description:
          "An operation with an id, which is not known here, comes too late. This try has no effect; " +
          "whether an earlier one has is not told.",
      },
    },
    handle: async ({ request, query, key }) => {
      const name = key();
      const given = operationsOf(await BODY.read(request, bodies));
      const operations = withIdempotencyKey(given, request.headers.get(IDEMPOTENCY_KEY_HEADER));
      const context = request.headers.get(CONTEXT_HEADER) ?? undefined;
      const result = await api.update(name, operations, { ...query, context });
      const results = result.results.map(({ changed, count }) => {
        return `{"changed":${changed}${count === undefined ? "" : `,"value":${count}`}}`;
      });
      const headers: Record<string, string> = {};
      const atLeast = result.atLeast();
      if (atLeast !== undefined) headers[AT_LEAST_HEADER] = atLeast;
      return jsonResponse(`{"results":[${results.join(",")}]}`, 200, headers);
    },
  });
}
