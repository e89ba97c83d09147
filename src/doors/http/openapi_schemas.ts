// The shapes of JSON answers, in JSON Schema, for the OpenAPI document.
//
// They repeat what node/api.ts says in TypeScript; a test holds real answers against them, without
// mercy for a property more or less.

import { CLIENT_SESSION_MAX, TRIED_MS_MAX, TYPE_NAMES } from "../../node/api.ts";
import { ERROR_CODES } from "../../wire/errors.ts";
import { LIMITS } from "../../wire/limits.ts";
import { HTTP_ONLY_CODES } from "./problem.ts";
import type { JsonSchema } from "./query.ts";

/** Refers to one of {@linkcode SCHEMAS}. */
export function reference(name: keyof typeof SCHEMAS): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

const text = { type: "string" } as const;
const count = { type: "integer", minimum: 0 } as const;
const level = { type: "number", minimum: 0 } as const;
const flag = { type: "boolean" } as const;
const base64 = { type: "string", contentEncoding: "base64" } as const;

/** A value within JSON: as itself, or in base64 where JSON cannot hold it. */
const shownValue = {
  type: text,
  value: { description: "A text, or any JSON value" },
  base64,
} as const;

const member = object({
  node: text,
  zone: text,
  weight: level,
  partitions: count,
  load: level,
});

const operationId = {
  ...object({
    session: { type: "string", pattern: `^[!-~]{1,${CLIENT_SESSION_MAX}}$` },
    number: count,
    untilMs: count,
  }),
  description:
    "Of an increment of a counter: with the same id it counts once, however often and wherever it is " +
    "tried. A session is drawn at random, and uses a number once; until untilMs, in milliseconds since " +
    `1970 and at most ${TRIED_MS_MAX / 60_000} minutes ahead, it may take effect.`,
} as const;

const placement = object({ partition: count, owners: list(text), fallbacks: list(text) });

const quorumLevel = {
  oneOf: [
    { type: "string", enum: ["one", "quorum", "all"] },
    { type: "integer", minimum: 1, maximum: LIMITS.copiesCount },
  ],
} as const;

const settings = {
  n: { type: "integer", minimum: 1, maximum: LIMITS.copiesCount },
  r: quorumLevel,
  w: quorumLevel,
  strict: flag,
  timeoutMs: { type: "integer", minimum: 1, maximum: LIMITS.timeoutMsMax },
  conflicts: { type: "string", enum: ["siblings", "lww"] },
  ttlMs: { type: "integer", minimum: 1, maximum: LIMITS.ttlMsMax },
  compress: flag,
} as const;

const settingsOfPrefix = object(settings, Object.keys(settings));

/** Without a layout the number of copies may not be known. */
const inForce = object(settings, ["n", "ttlMs"]);

const namespace = object({
  prefix: text,
  source: { type: "string", enum: ["set", "config"] },
  setAtMs: count,
  setBy: text,
  settings: settingsOfPrefix,
  inForce,
}, ["setAtMs", "setBy"]);

export const SCHEMAS = {
  Problem: {
    type: "object",
    description: "RFC 9457. Further members are the numbers of the error, such as needed and got.",
    properties: {
      type: { type: "string", format: "uri" },
      title: text,
      status: { type: "integer" },
      detail: text,
      code: { type: "string", enum: [...ERROR_CODES, ...HTTP_ONLY_CODES] },
      outcome: {
        type: "string",
        enum: ["ok", "no", "unknown"],
        description:
          "no: certainly without effect. unknown: it may take effect. ok: a good answer.",
      },
    },
    required: ["type", "title", "status", "detail", "code", "outcome"],
    additionalProperties: true,
  },
  Siblings: object({
    context: text,
    siblings: list(object(shownValue, ["value", "base64"])),
  }),
  Operations: object({
    operations: list({
      type: "object",
      properties: { type: { enum: TYPE_NAMES }, id: operationId },
      required: ["type"],
      additionalProperties: true,
    }),
  }),
  Results: object({
    results: list(
      object({ changed: { type: "integer", minimum: 0 }, value: { type: "integer" } }, ["value"]),
    ),
  }),
  ScanPage: object({
    keys: list(
      object(
        { key: text, keyBase64: base64, ...shownValue, siblings: { type: "integer", minimum: 1 } },
        ["key", "keyBase64", "type", "value", "base64", "siblings"],
      ),
    ),
    cursor: { type: ["string", "null"], description: "Null on the last page." },
  }),
  NodeStatus: object({
    node: text,
    peerId: text,
    cluster: text,
    version: text,
    zone: text,
    uptimeMs: level,
    isReady: flag,
    notReadyBecause: text,
    layoutVersion: count,
    layoutId: text,
    membersUp: count,
    membersKnown: count,
    addresses: list(text),
    http: text,
    resp: text,
  }, ["notReadyBecause", "layoutId", "http", "resp"]),
  Members: object({
    members: list(object({
      node: text,
      peerId: text,
      state: { type: "string", enum: ["up", "suspect", "down"] },
      stateForMs: count,
      because: text,
      sources: list(object({
        source: { type: "string", enum: ["heartbeats", "connection", "probes", "words"] },
        says: text,
        forMs: count,
      })),
      phi: level,
      incarnation: count,
      zone: text,
      weight: level,
      inLayout: flag,
      isSelf: flag,
      isConnected: flag,
      addresses: list(text),
      http: text,
      resp: text,
      layoutVersion: count,
      layoutId: text,
      disk: { type: "string", enum: ["ok", "readonly", "failed"] },
    }, ["peerId", "http", "resp", "layoutId", "disk"])),
  }),
  Ring: object({
    version: count,
    id: text,
    partitions: count,
    replication: count,
    members: list(member),
    placement,
  }, ["placement"]),
  LayoutRequest: object({
    members: {
      type: "array",
      items: { type: "string", minLength: 1, maxLength: LIMITS.nodeName },
      minItems: 1,
      maxItems: LIMITS.layoutMemberCount,
      uniqueItems: true,
    },
    force: {
      type: "boolean",
      description: "Make it though it leaves out nodes or keeps fewer copies than was asked for.",
    },
  }, ["force"]),
  NamespaceSettings: settingsOfPrefix,
  Namespace: namespace,
  Namespaces: object({
    defaults: inForce,
    namespaces: list(namespace),
    differing: list(text),
  }),
  Removed: object({ existed: flag }),
  Hints: object({
    nodes: list(object({
      node: text,
      error: text,
      isComplete: flag,
      keys: count,
      bytes: count,
      limitBytes: count,
      oldestAgeMs: count,
      owners: list(object({ node: text, keys: count, bytes: count })),
      tooLongAway: list(text),
    }, ["error", "oldestAgeMs"])),
  }),
  RepairRequest: object({
    node: { type: "string", minLength: 1, maxLength: LIMITS.nodeName },
    partitions: {
      type: "array",
      items: { type: "integer", minimum: 0, maximum: LIMITS.partitionCount - 1 },
      minItems: 1,
      maxItems: LIMITS.partitionCount,
    },
  }, ["node", "partitions"]),
  Repair: object({
    node: text,
    peers: list(object({
      node: text,
      error: text,
      partitions: count,
      differing: list(count),
      repaired: count,
    }, ["error"])),
  }),
  Differences: object({
    partitions: count,
    differences: list(object({ partition: count, copies: count, groups: list(list(text)) })),
    unasked: list(object({ node: text, error: text })),
  }),
  Equality: object({
    partitions: list(
      object({ partition: count, copies: count, equalAgoMs: level }, ["equalAgoMs"]),
    ),
  }),
  Health: object({ status: { type: "string", enum: ["ok", "ready"] } }),
} as const;

/** An object with exactly these properties, all required but the `optional` ones. */
function object(properties: Record<string, JsonSchema>, optional: readonly string[] = []) {
  return {
    type: "object",
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  } as const;
}

function list(items: JsonSchema) {
  return { type: "array", items } as const;
}
