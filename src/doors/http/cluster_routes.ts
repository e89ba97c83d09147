// What operators and machines ask of a node: its state, its members, its ring, its health.

import * as v from "valibot";
import { utf8 } from "../../base/bytes.ts";
import { DenamoError } from "../../wire/errors.ts";
import { LIMITS } from "../../wire/limits.ts";
import { BODY_PROBLEMS, JsonBody } from "./json_body.ts";
import { reference } from "./openapi_schemas.ts";
import { type DoorContext, jsonResponse, type Operation, operation } from "./operation.ts";
import { badRequest } from "./problem.ts";
import { keyBytesParameter } from "./query.ts";

const LAYOUT_REQUEST = v.strictObject({
  members: v.pipe(
    v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(LIMITS.nodeName))),
    v.minLength(1),
    v.maxLength(LIMITS.layoutMemberCount),
    v.check((names) => new Set(names).size === names.length, "A member is named twice"),
  ),
  force: v.optional(v.boolean()),
});

/** In bytes: a body that names every member of the largest layout, escaped and with room for white space. */
const LAYOUT_BODY_LIMIT = LIMITS.layoutMemberCount * (LIMITS.nodeName * 6 + 16);

const layoutBody = new JsonBody("Layout request", LAYOUT_REQUEST, LAYOUT_BODY_LIMIT);

/** The operations on the cluster and on this node. */
export function clusterOperations(context: DoorContext): Operation[] {
  return [
    statusOperation(context),
    membersOperation(context),
    ringOperation(context),
    layoutOperation(context),
    healthOperation(),
    readinessOperation(context),
  ];
}

function statusOperation({ api }: DoorContext): Operation {
  return operation({
    id: "getStatus",
    method: "GET",
    path: "/status",
    summary: "What this node says of itself",
    query: {},
    responses: {
      200: {
        description: "The state of this node.",
        content: { "application/json": reference("NodeStatus") },
      },
    },
    problems: {},
    handle: () => jsonResponse(api.status()),
  });
}

function membersOperation({ api }: DoorContext): Operation {
  return operation({
    id: "getMembers",
    method: "GET",
    path: "/cluster/members",
    summary: "The nodes of the cluster as this node sees them",
    query: {},
    responses: {
      200: {
        description: "All members, up or not.",
        content: { "application/json": reference("Members") },
      },
    },
    problems: {},
    handle: () => jsonResponse({ members: api.members() }),
  });
}

function ringOperation({ api }: DoorContext): Operation {
  return operation({
    id: "getRing",
    method: "GET",
    path: "/cluster/ring",
    summary: "The newest layout, and where a key lives",
    query: {
      key: keyBytesParameter("Also answer where this key lives.", "cart:alice", 1),
    },
    responses: {
      200: {
        description: "The layout.",
        content: { "application/json": reference("Ring") },
      },
    },
    problems: { 503: { description: "There is no layout yet." } },
    handle: ({ query }) => {
      const ring = api.ring();
      if (ring === undefined) throw new DenamoError("not_ready", "no", "There is no layout yet");
      if (query.key === undefined) return jsonResponse(ring);
      return jsonResponse({ ...ring, placement: api.placement(query.key) });
    },
  });
}

function layoutOperation({ api, bodies }: DoorContext): Operation {
  return operation({
    id: "initLayout",
    method: "POST",
    path: "/cluster/layout",
    summary: "Make the first layout of the cluster",
    description: "Done once in the life of a cluster, when this node sees all the members named. " +
      "It cannot be changed: without `force` one is refused that leaves out nodes that are seen, " +
      "or has fewer nodes than there are to be copies.",
    query: {},
    requestBody: { "application/json": reference("LayoutRequest") },
    responses: {
      201: {
        description: "The layout that was made.",
        headers: ["Location"],
        content: { "application/json": reference("Ring") },
      },
    },
    problems: {
      ...BODY_PROBLEMS,
      409: {
        description: "There is a layout already, a member named is not seen, or `force` is needed.",
      },
    },
    handle: async ({ request }) => {
      const { members, force } = await layoutBody.read(request, bodies);
      checkNames(members);
      const ring = await api.initLayout(members, { force });
      return jsonResponse(ring, 201, { location: "/cluster/ring" });
    },
  });
}

function healthOperation(): Operation {
  return operation({
    id: "getHealth",
    method: "GET",
    path: "/healthz",
    summary: "Whether the process is alive",
    query: {},
    responses: {
      200: { description: "It is.", content: { "application/json": reference("Health") } },
    },
    problems: {},
    handle: () => jsonResponse({ status: "ok" }),
  });
}

function readinessOperation({ api }: DoorContext): Operation {
  return operation({
    id: "getReadiness",
    method: "GET",
    path: "/readyz",
    summary: "Whether the node can serve requests",
    query: {},
    responses: {
      200: { description: "It can.", content: { "application/json": reference("Health") } },
    },
    problems: { 503: { description: "It cannot; the detail says why." } },
    handle: () => {
      const { isReady, notReadyBecause } = api.status();
      if (isReady) return jsonResponse({ status: "ready" });
      throw new DenamoError("not_ready", "no", notReadyBecause ?? "The node is not ready");
    },
  });
}

function checkNames(members: readonly string[]): void {
  const tooLong = members.find((name) => utf8(name).length > LIMITS.nodeName);
  if (tooLong === undefined) return;
  throw badRequest(`Name "${tooLong}" is longer than ${LIMITS.nodeName} bytes`);
}
