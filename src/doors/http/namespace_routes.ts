// What operators see and set of namespaces.
//
// A prefix in a path is percent-encoded as keys are, slashes included; it is a text. What is set is judged by the
// node as a whole: the answer lists every mistake.

import * as v from "valibot";
import { strictUtf8Text } from "../../base/bytes.ts";
import type { SettingsOfPrefix } from "../../node/api.ts";
import { BODY_PROBLEMS, JsonBody } from "./json_body.ts";
import { NAMESPACE_PATH_PREFIX, percentDecode } from "./key_path.ts";
import { reference } from "./openapi_schemas.ts";
import {
  type DoorContext,
  jsonResponse,
  NAMESPACE_ROUTE,
  type Operation,
  operation,
} from "./operation.ts";
import { badRequest } from "./problem.ts";

/** In bytes: all settings with room for white space. */
const SETTINGS_BODY_LIMIT = 4_096;

const settingsBody = new JsonBody(
  "Namespace request",
  v.record(v.string(), v.unknown()),
  SETTINGS_BODY_LIMIT,
);

/** The operations on namespaces. */
export function namespaceOperations(context: DoorContext): Operation[] {
  return [listOperation(context), setOperation(context), removeOperation(context)];
}

function listOperation({ api }: DoorContext): Operation {
  return operation({
    id: "getNamespaces",
    method: "GET",
    path: "/namespaces",
    summary: "The settings of all namespaces, and those of keys of none",
    query: {},
    responses: {
      200: {
        description: "As this node knows them, with the members that know others.",
        content: { "application/json": reference("Namespaces") },
      },
    },
    problems: {},
    handle: () => jsonResponse(api.namespaces.list()),
  });
}

function setOperation({ api, bodies }: DoorContext): Operation {
  return operation({
    id: "setNamespace",
    method: "PUT",
    path: NAMESPACE_ROUTE,
    summary: "Set a namespace, in place of all that was set for its prefix",
    description:
      "In force at this node when it answers, and at the others a moment later. What is " +
      "left out is decided by the defaults. Every mistake is listed in the member mistakes.",
    query: {},
    requestBody: { "application/json": reference("NamespaceSettings") },
    responses: {
      200: {
        description: "What is in force.",
        content: { "application/json": reference("Namespace") },
      },
    },
    problems: {
      ...BODY_PROBLEMS,
      503: { description: "The clock of this node is too far from its peers." },
    },
    handle: async ({ path, request }) => {
      const prefix = prefixIn(path);
      const settings = await settingsBody.read(request, bodies);
      return jsonResponse(await api.namespaces.set(prefix, settings as SettingsOfPrefix));
    },
  });
}

function removeOperation({ api }: DoorContext): Operation {
  return operation({
    id: "removeNamespace",
    method: "DELETE",
    path: NAMESPACE_ROUTE,
    summary: "Remove what was set for a prefix; what nodes are configured with counts again",
    query: {},
    responses: {
      200: {
        description: "Whether anything was set.",
        content: { "application/json": reference("Removed") },
      },
    },
    problems: { 503: { description: "The clock of this node is too far from its peers." } },
    handle: async ({ path }) =>
      jsonResponse({ existed: await api.namespaces.remove(prefixIn(path)) }),
  });
}

/** @throws {DenamoError} `bad_request` if it is no text */
function prefixIn(path: string): string {
  const bytes = percentDecode(path.slice(NAMESPACE_PATH_PREFIX.length), "the prefix");
  const text = strictUtf8Text(bytes);
  if (text === undefined) throw badRequest("The prefix in the path is not UTF-8");
  return text;
}
