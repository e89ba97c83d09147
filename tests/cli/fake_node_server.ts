// An HTTP server that answers what a test tells it to, and remembers what it was asked.

import type { Problem } from "../../src/cli/http_client.ts";

export interface Asked {
  readonly method: string;
  /** The path and query as they came over the wire. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export interface FakeNodeServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** Answers each request with `answer`; a rejection breaks the connection off. */
export function startFakeNodeServer(
  answer: (asked: Asked) => Response | Promise<Response>,
): FakeNodeServer {
  const asked: Asked[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const target = request.url.slice(new URL(request.url).origin.length);
    const { method, headers } = request;
    const one = { method, target, headers, body: await request.bytes() };
    asked.push(one);
    return await answer(one);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

export function problemResponse(problem: Problem, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}
