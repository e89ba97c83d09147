// From a request to its operation, and from whatever happens to an answer.
//
// The router sees routes, never keys: all paths under /kv/ are one route to it, and so are those under
// /namespaces/. So no router can misread a key, and every lookup is one in a table.

import { Hono } from "hono";
import { messageOf } from "../../wire/errors.ts";
import type { Log } from "../../ports/log.ts";
import { KEY_PATH_PREFIX, NAMESPACE_PATH_PREFIX, targetOf } from "./key_path.ts";
import { KEY_ROUTE, NAMESPACE_ROUTE, type Operation } from "./operation.ts";
import { badRequest, HttpProblem, problemResponse } from "./problem.ts";

/** Answers requests. Never rejects: what fails is answered as a problem. */
export interface Router {
  answer(request: Request): Promise<Response>;
  /** The route of a request as OpenAPI writes it, or "unknown". */
  routeOf(request: Request): string;
}

/** Makes the router of these operations. */
export function routerOf(operations: readonly Operation[], log: Log): Router {
  const methods = methodsByRoute(operations);
  const routeOf = (request: Request): string => {
    const path = pathOf(request.url);
    if (path.startsWith(KEY_PATH_PREFIX)) return KEY_ROUTE;
    if (path.startsWith(NAMESPACE_PATH_PREFIX)) return NAMESPACE_ROUTE;
    return methods.has(path) ? path : "unknown";
  };
  const app = new Hono({ getPath: routeOf });
  for (const { method, path, run } of operations) {
    app.on(method, path, ({ req: { raw } }) => {
      refuseHostWithPath(raw);
      return run(raw, targetOf(raw.url));
    });
  }
  app.notFound(({ req: { raw } }) => {
    const allowed = methods.get(routeOf(raw));
    const path = pathOf(raw.url);
    return problemResponse(
      allowed === undefined ? unknownRoute(path) : methodNotAllowed(raw.method, path, allowed),
    );
  });
  const fail = (error: unknown, request: Request): Response => {
    const response = problemResponse(error);
    if (response.status === 500) {
      log.error("HTTP request failed", {
        method: request.method,
        route: routeOf(request),
        error: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    }
    return response;
  };
  app.onError((error, { req: { raw } }) => fail(error, raw));
  return {
    routeOf,
    answer: async (request) => {
      try {
        return await app.fetch(request);
      } catch (error) {
        // Hono hands on what was thrown without being an Error.
        return fail(error, request);
      }
    },
  };
}

function unknownRoute(path: string): HttpProblem {
  const message = `There is no route ${path.slice(0, SHOWN_PATH_LENGTH)}: see /openapi.json`;
  return new HttpProblem("unknown_route", message);
}

function methodNotAllowed(method: string, path: string, allowed: readonly string[]): HttpProblem {
  const message = `${path.slice(0, SHOWN_PATH_LENGTH)} does not have the method ${method}`;
  return new HttpProblem("method_not_allowed", `${message}: allowed are ${allowed.join(", ")}`, {
    details: { method, allowed },
    headers: { allow: allowed.join(", ") },
  });
}

const SHOWN_PATH_LENGTH = 128;

/** `Deno.serve` pastes the Host header into the URL unread: a slash in it would move the path. */
function refuseHostWithPath(request: Request): void {
  const host = request.headers.get("host");
  if (host !== null && /[/?#\\@]/.test(host)) {
    throw badRequest(`The Host header "${host}" is malformed`);
  }
}

function methodsByRoute(operations: readonly Operation[]): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const { method, path } of operations) {
    const known = methods.get(path) ?? [];
    known.push(method);
    if (method === "GET") known.push("HEAD");
    methods.set(path, known);
  }
  return methods;
}

/** The raw path of a URL, without the query. */
function pathOf(url: string): string {
  const slash = url.indexOf("/", url.indexOf("://") + 3);
  if (slash < 0) return "";
  const mark = url.indexOf("?", slash);
  return mark < 0 ? url.slice(slash) : url.slice(slash, mark);
}
