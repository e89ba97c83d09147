// From a request to its operation, and from whatever happens to an answer.
//
// The router sees routes, never keys: all paths under /kv/ are one route to it, and so are those under
// /namespaces/. So no router can misread a key, and every lookup is one in a table.

import { messageOf } from "../../wire/errors.ts";
import type { Log } from "../../ports/log.ts";
import { KEY_PATH_PREFIX, NAMESPACE_PATH_PREFIX, pathOf, targetOf } from "./key_path.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";
import { KEY_ROUTE, NAMESPACE_ROUTE, type Operation } from "./operation.ts";
import { HttpProblem, problemResponse } from "./problem.ts";

/** Answers requests. Never rejects: what fails is answered as a problem. */
export interface Router {
  /** @param route what `routeOf` says of the request */
  answer(request: HttpRequest, route: string): Promise<HttpResponse>;
  /** The route of a target as OpenAPI writes it, or "unknown". */
  routeOf(target: string): string;
}

/** Makes the router of these operations. */
export function routerOf(operations: readonly Operation[], log: Log): Router {
  const routes = routesOf(operations);
  return {
    routeOf: (target) => {
      const path = pathOf(target);
      if (path.startsWith(KEY_PATH_PREFIX)) return KEY_ROUTE;
      if (path.startsWith(NAMESPACE_PATH_PREFIX)) return NAMESPACE_ROUTE;
      return routes.has(path) ? path : "unknown";
    },
    answer: async (request, route) => {
      const { method, target } = request;
      try {
        const methods = routes.get(route);
        if (methods === undefined) throw unknownRoute(pathOf(target));
        // What HEAD answers is what GET does, without the body.
        const operation = methods.get(method === "HEAD" ? "GET" : method);
        if (operation === undefined) {
          throw methodNotAllowed(method, pathOf(target), allowed(methods));
        }
        return await operation.run(request, targetOf(target));
      } catch (error) {
        const response = problemResponse(error);
        if (response.status === 500) {
          log.error("HTTP request failed", {
            method,
            route,
            error: messageOf(error),
            stack: error instanceof Error ? error.stack : undefined,
          });
        }
        return response;
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

function routesOf(operations: readonly Operation[]): Map<string, Map<string, Operation>> {
  const routes = new Map<string, Map<string, Operation>>();
  for (const operation of operations) {
    const methods = routes.get(operation.path) ?? new Map<string, Operation>();
    methods.set(operation.method, operation);
    routes.set(operation.path, methods);
  }
  return routes;
}

function allowed(methods: ReadonlyMap<string, Operation>): string[] {
  return [...methods.keys()].flatMap((method) => method === "GET" ? ["GET", "HEAD"] : [method]);
}
