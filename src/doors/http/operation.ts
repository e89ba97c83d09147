// An operation: one method of one route, described once.
//
// The router, the reader of queries, the metrics and the OpenAPI document all work from the same
// description, so that the document cannot say anything else than what the door does.

import { utf8 } from "../../base/bytes.ts";
import type { NodeApi } from "../../node/api.ts";
import { KEY_PATH_PREFIX, keyOfPath, NAMESPACE_PATH_PREFIX, type Target } from "./key_path.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";
import { type JsonSchema, type QueryParameters, type QueryValues, readQuery } from "./query.ts";
import { refuseConditions } from "./preconditions.ts";
import type { BodyReader } from "./request_body.ts";

export type Method = "GET" | "PUT" | "POST" | "DELETE";

/** The path of all routes that name a key, as OpenAPI writes it. */
export const KEY_ROUTE = `${KEY_PATH_PREFIX}{key}`;

/** The path of all routes that name a namespace. */
export const NAMESPACE_ROUTE = `${NAMESPACE_PATH_PREFIX}{prefix}`;

/** What an operation answers under one status, as OpenAPI's Response Object says it. */
export interface ResponseDescription {
  readonly description: string;
  readonly headers?: readonly ResponseHeader[];
  /** Media type → schema. */
  readonly content?: Readonly<Record<string, JsonSchema>>;
}

/** The same for a problem, whose content is always the same. */
export type ProblemDescription = Omit<ResponseDescription, "content">;

export type ResponseHeader =
  | "Denamo-Context"
  | "Denamo-At-Least"
  | "Denamo-Siblings"
  | "Denamo-Expires-At-Ms"
  | "Denamo-Existed"
  | "Denamo-Type"
  | "ETag"
  | "Location";

export interface OperationDescription {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  /** Whether the request header Denamo-Context is read. */
  readonly takesContext?: boolean;
  /** Whether the request header If-Match is honoured. */
  readonly takesIfMatch?: boolean;
  /** Whether the request header If-None-Match is honoured. */
  readonly takesIfNoneMatch?: boolean;
  /** Whether the request header Denamo-At-Least is read. */
  readonly takesAtLeast?: boolean;
  /** Whether the request header Idempotency-Key is read. */
  readonly takesIdempotencyKey?: boolean;
  /** Media type → schema of the body, if one is read. */
  readonly requestBody?: Readonly<Record<string, JsonSchema>>;
  readonly responses: Readonly<Record<number, ResponseDescription>>;
  /** Statuses that are answered with a problem, besides what any operation may answer. */
  readonly problems: Readonly<Record<number, ProblemDescription>>;
}

/** One request, as an operation gets it. */
export interface Call<Q extends QueryParameters> {
  readonly request: HttpRequest;
  readonly query: QueryValues<Q>;
  /** The path, still percent-encoded. */
  readonly path: string;
  /** The key in the path. @throws {DenamoError} `bad_request` if it is empty or badly encoded */
  key(): Uint8Array;
}

export interface Operation extends OperationDescription {
  readonly query: QueryParameters;
  /** Answers one request. Whatever is thrown becomes a problem. */
  run(request: HttpRequest, target: Target): HttpResponse | Promise<HttpResponse>;
}

/** What operations work with. */
export interface DoorContext {
  readonly api: NodeApi;
  readonly bodies: BodyReader;
}

/** Makes an operation whose `handle` gets its query read and checked. */
export function operation<const Q extends QueryParameters>(
  definition: OperationDescription & {
    readonly query: Q;
    readonly handle: (call: Call<Q>) => HttpResponse | Promise<HttpResponse>;
  },
): Operation {
  const { handle, ...description } = definition;
  return {
    ...description,
    run: (request, target) => {
      if (description.method !== "GET") {
        refuseConditions(request, description.takesIfMatch === true);
      }
      const query = readQuery(target.query, description.query);
      const { path } = target;
      return handle({ request, query, path, key: () => keyOfPath(path) });
    },
  };
}

/** An answer in JSON. `body` is the value, or the text if it is JSON already. */
export function jsonResponse(
  body: object | string,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return {
    status,
    headers: { ...headers, "content-type": "application/json" },
    body: utf8(typeof body === "string" ? body : JSON.stringify(body)),
  };
}
