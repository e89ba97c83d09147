// What operators ask and order about repair: what waits for owners, who differs, and doing it now.

import * as v from "valibot";
import { LIMITS } from "../../wire/limits.ts";
import { BODY_PROBLEMS, JsonBody } from "./json_body.ts";
import { reference } from "./openapi_schemas.ts";
import { type DoorContext, jsonResponse, type Operation, operation } from "./operation.ts";
import { partitionsParameter } from "./query.ts";

const REPAIR_REQUEST = v.strictObject({
  node: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(LIMITS.nodeName))),
  partitions: v.exactOptional(v.pipe(
    v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LIMITS.partitionCount - 1))),
    v.minLength(1),
    v.maxLength(LIMITS.partitionCount),
  )),
});

/** In bytes: a body that names every partition of the largest layout, with room for white space. */
const REPAIR_BODY_LIMIT = LIMITS.partitionCount * 16;

const repairBody = new JsonBody("Repair request", REPAIR_REQUEST, REPAIR_BODY_LIMIT);

const NO_LAYOUT = { 503: { description: "There is no layout yet." } } as const;

/** The operations on repair. */
export function repairOperations(context: DoorContext): Operation[] {
  return [
    hintsOperation(context),
    repairOperation(context),
    differencesOperation(context),
    equalityOperation(context),
  ];
}

function hintsOperation({ api }: DoorContext): Operation {
  return operation({
    id: "getHints",
    method: "GET",
    path: "/cluster/hints",
    summary: "What each node keeps for owners that could not be reached",
    query: {},
    responses: {
      200: {
        description: "All members of the layout, each as it says itself.",
        content: { "application/json": reference("Hints") },
      },
    },
    problems: NO_LAYOUT,
    handle: async () => jsonResponse({ nodes: await api.hints() }),
  });
}

function repairOperation({ api, bodies }: DoorContext): Operation {
  return operation({
    id: "repair",
    method: "POST",
    path: "/cluster/repair",
    summary:
      "Compare the copies of a node with those of the other owners, and bring all up to date",
    description: "Done all the time in the background; this does it at once, and answers when it " +
      "has been done. A node does it once at a time.",
    query: {},
    requestBody: { "application/json": reference("RepairRequest") },
    responses: {
      200: {
        description: "What came of it, for each other owner.",
        content: { "application/json": reference("Repair") },
      },
    },
    problems: {
      ...BODY_PROBLEMS,
      503: { description: "There is no layout yet, or the node is repairing already." },
      504: { description: "The node that is to do it cannot be reached." },
    },
    handle: async ({ request }) => {
      return jsonResponse(await api.repair(await repairBody.read(request, bodies)));
    },
  });
}

function differencesOperation({ api }: DoorContext): Operation {
  return operation({
    id: "getDifferences",
    method: "GET",
    path: "/cluster/differences",
    summary: "Which owners do not hold the same, without any repair",
    description:
      "What differs is looked at three times, a second apart, so that a write which is " +
      "under way is no difference.",
    query: { partitions: partitionsParameter },
    responses: {
      200: {
        description: "Partitions that differ, and owners that could not be asked.",
        content: { "application/json": reference("Differences") },
      },
    },
    problems: NO_LAYOUT,
    handle: async ({ query }) => jsonResponse(await api.differences(query.partitions)),
  });
}

function equalityOperation({ api }: DoorContext): Operation {
  return operation({
    id: "getEquality",
    method: "GET",
    path: "/cluster/equality",
    summary: "When this node last saw that the other owners of its partitions hold the same",
    query: {},
    responses: {
      200: {
        description: "The partitions that this node owns; none before the first layout.",
        content: { "application/json": reference("Equality") },
      },
    },
    problems: {},
    handle: () => jsonResponse({ partitions: api.equality() }),
  });
}
